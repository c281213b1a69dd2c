//! Who said yes, to what, and what for all that must not leave.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Ceiling;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{ChangeId, PlanId, Timestamp};
use crate::plan::{Change, split_pair};
use crate::store::SkipCause;

/// Which changes of its plan an approval is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of them.
    Plan,
    /// These alone.
    Changes(BTreeSet<ChangeId>),
}

/// A person's word that a blocked change is to be carried out all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Who says so.
    pub by: String,
    /// Why.
    pub why: String,
}

impl Override {
    /// An override by somebody for a reason.
    pub fn new(by: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            by: by.into(),
            why: why.into(),
        }
    }
}

/// The approval of a plan, whole or in part: what a run may write, and nothing beyond it.
///
/// It stands in the run's record, so that a run that is resumed keeps the one that it was
/// started with.
///
/// # Examples
/// ```
/// use tallyline_core::apply::{Approval, Override};
/// use tallyline_core::model::Timestamp;
///
/// let approval = Approval::of_plan("plan-1".into(), "dana@msp.example", Timestamp::EPOCH)
///     .with_only(["c1".into(), "c2".into()])
///     .with_override("c2", Override::new("kim@msp.example", "the client left"));
/// assert!(approval.includes(&"c1".into()) && !approval.includes(&"c3".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Approval {
    /// The plan: an approval is for no other.
    pub plan: PlanId,
    /// Who approved it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Which of the plan's changes.
    pub scope: Scope,
    /// The blocked changes to carry out all the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<ChangeId, Override>,
    /// The earlier approvals that this one rests on, where it does: what they do not cover is
    /// not approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Ceiling>,
}

/// What an approval says about one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may be carried out.
    Granted {
        /// On whose word, where the plan's guards speak against it.
        overridden: Option<Override>,
    },
    /// It may not.
    Withheld {
        /// What kind of reason.
        cause: SkipCause,
        /// The reason in words.
        reason: String,
    },
}

impl Permission {
    /// Whether the change may be carried out.
    #[must_use]
    pub const fn is_granted(&self) -> bool {
        matches!(self, Self::Granted { .. })
    }
}

impl Approval {
    /// The approval of a whole plan, without overrides.
    pub fn of_plan(plan: PlanId, by: impl Into<String>, at: Timestamp) -> Self {
        Self {
            plan,
            by: by.into(),
            at,
            scope: Scope::Plan,
            overrides: BTreeMap::new(),
            within: None,
        }
    }

    /// The approval of a later plan that rests on earlier ones alone: of the changes that the
    /// ceiling covers, with the overrides that it brings along.
    pub fn within(
        ceiling: Ceiling,
        plan: PlanId,
        changes: &[Change],
        by: impl Into<String>,
        at: Timestamp,
    ) -> Self {
        let mut covered = BTreeSet::new();
        let mut overrides = BTreeMap::new();
        for (change, grant) in changes.iter().zip(ceiling.cover(changes)) {
            let Ok(grant) = grant else { continue };
            covered.insert(change.id.clone());
            if let Some(word) = grant.overridden.as_ref().filter(|_| change.is_blocked()) {
                overrides.insert(change.id.clone(), word.clone());
            }
        }
        // Changes that go together are covered together.
        while let Some((first, second)) = split_pair(changes, |c| covered.contains(&c.id)) {
            for change in [first, second] {
                covered.remove(&change.id);
                overrides.remove(&change.id);
            }
        }
        Self {
            scope: Scope::Changes(covered),
            overrides,
            within: Some(ceiling),
            ..Self::of_plan(plan, by, at)
        }
    }

    /// Approves these changes of the plan alone.
    #[must_use]
    pub fn with_only(mut self, changes: impl IntoIterator<Item = ChangeId>) -> Self {
        self.scope = Scope::Changes(changes.into_iter().collect());
        self
    }

    /// Carries out a blocked change all the same.
    #[must_use]
    pub fn with_override(mut self, change: impl Into<ChangeId>, word: Override) -> Self {
        self.overrides.insert(change.into(), word);
        self
    }

    /// Whether the scope has a change.
    #[must_use]
    pub fn includes(&self, change: &ChangeId) -> bool {
        match &self.scope {
            Scope::Plan => true,
            Scope::Changes(changes) => changes.contains(change),
        }
    }

    /// Holds the approval against a plan.
    ///
    /// # Errors
    /// `Config` when it is of another plan, names nobody, names a change that the plan does
    /// not have, or overrides a change that is not blocked, is not approved, that the PSA would
    /// refuse all the same, or without a person and a reason; and when it is for one of two
    /// changes that go together and not for the other.
    pub fn check(&self, plan: &PlanId, changes: &[Change]) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::Config, message));
        if self.plan != *plan {
            return refuse(format!(
                "the approval is of plan {}, not of plan {plan}",
                self.plan
            ));
        }
        if self.by.trim().is_empty() {
            return refuse("nobody is named as having approved the plan".into());
        }
        let of_plan: BTreeMap<_, _> = changes.iter().map(|change| (&change.id, change)).collect();
        if let Scope::Changes(named) = &self.scope
            && let Some(stranger) = named.iter().find(|id| !of_plan.contains_key(id))
        {
            return refuse(format!(
                "the approval names change {stranger}, which the plan does not have"
            ));
        }
        for (id, word) in &self.overrides {
            let Some(change) = of_plan.get(id) else {
                return refuse(format!(
                    "the override of change {id} fits no change of the plan"
                ));
            };
            if word.by.trim().is_empty() || word.why.trim().is_empty() {
                return refuse(format!(
                    "the override of change {id} does not say by whom and why"
                ));
            }
            if !change.is_blocked() {
                return refuse(format!("change {id} is overridden and is not blocked"));
            }
            if !self.includes(id) {
                return refuse(format!("change {id} is overridden and is not approved"));
            }
            if let Some(block) = change.final_block() {
                return refuse(format!(
                    "change {id} cannot be overridden, for the PSA would refuse it: {}",
                    block.reason
                ));
            }
        }
        let may = |change: &Change| {
            self.includes(&change.id)
                && (!change.is_blocked() || self.overrides.contains_key(&change.id))
        };
        match split_pair(changes, may) {
            None => Ok(()),
            Some((first, second)) => refuse(format!(
                "changes {} and {} go together: approve and override both or none",
                first.id, second.id
            )),
        }
    }

    /// What it says about each of the plan's changes, in their order.
    #[must_use]
    pub fn permissions(&self, changes: &[Change]) -> Vec<Permission> {
        let included: Vec<&Change> = changes.iter().filter(|c| self.includes(&c.id)).collect();
        let beyond: BTreeMap<&ChangeId, String> = match &self.within {
            None => BTreeMap::new(),
            Some(ceiling) => included
                .iter()
                .zip(ceiling.cover(included.iter().copied()))
                .filter_map(|(change, grant)| Some((&change.id, grant.err()?)))
                .collect(),
        };
        let permission = |change| self.permission(change, beyond.get(&change.id));
        changes.iter().map(permission).collect()
    }

    fn permission(&self, change: &Change, beyond: Option<&String>) -> Permission {
        let withheld = |cause, reason| Permission::Withheld { cause, reason };
        if !self.includes(&change.id) {
            let reason = format!("{} did not approve it", self.by);
            return withheld(SkipCause::NotApproved, reason);
        }
        if let Some(reason) = beyond {
            return withheld(SkipCause::NotApproved, reason.clone());
        }
        let overridden = self.overrides.get(&change.id);
        if change.is_blocked() && overridden.is_none() {
            let reasons = change.blocks.iter().map(|block| block.reason.as_str());
            return withheld(SkipCause::Blocked, reasons.collect::<Vec<_>>().join("; "));
        }
        Permission::Granted {
            overridden: overridden.cloned(),
        }
    }
}
