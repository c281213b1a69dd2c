//! How far an approval reaches beyond its own plan.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Approval, Override, Permission};
use crate::model::{
    AgreementId, BillKey, ChangeId, CivilDate, PlanId, ProductId, Quantity, VendorAccountId,
};
use crate::plan::{Action, Change, Guard};
use crate::store::{ChangeRecord, ChangeState};

/// One approved change that has not landed: a later change may take its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Grant {
    /// The plan that was approved.
    pub plan: PlanId,
    /// The change that was approved.
    pub change: ChangeId,
    /// Who approved it.
    pub by: String,
    /// The agreement.
    pub agreement: AgreementId,
    /// The product.
    pub product: ProductId,
    /// The write that was approved.
    pub action: Action,
    /// The first day on which its new state was to count.
    pub effective: CivilDate,
    /// The guards that spoke against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// On whose word it was to be carried out all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
}

/// The most that earlier approvals allow to a later plan, as to a retry.
///
/// A later change is covered by a grant of the same agreement, product, line and kind of
/// write, and only when it is nothing larger than what was approved. Each grant serves one
/// change.
///
/// # Examples
/// ```
/// use tallyline_core::apply::{Approval, Ceiling};
/// use tallyline_core::model::Timestamp;
/// use tallyline_core::plan::{Action, Change};
///
/// let set = |id: &str, from: u32, to: u32| {
///     let (from, to) = (from.into(), to.into());
///     let action = Action::SetQuantity { line: "l1".into(), from, to };
///     Change::new(id, "co", "a1", "p1", action, "2026-03-01".parse().unwrap())
/// };
/// let approval = Approval::of_plan("plan-1".into(), "dana", Timestamp::EPOCH);
/// let ceiling = Ceiling::of(&approval, &[set("c1", 10, 14)]);
/// assert!(ceiling.covers(&set("later", 11, 14)).is_ok());
/// assert!(ceiling.covers(&set("later", 11, 15)).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Ceiling {
    /// What was approved.
    pub grants: Vec<Grant>,
}

impl Ceiling {
    /// Everything that an approval allows of the changes of its plan.
    ///
    /// What has landed must not be among the changes, or it could be done once more.
    #[must_use]
    pub fn of(approval: &Approval, changes: &[Change]) -> Self {
        let permissions = approval.permissions(changes);
        let grants = changes.iter().zip(permissions);
        Self {
            grants: grants
                .filter_map(|(change, permission)| match permission {
                    Permission::Granted { overridden } => {
                        Some(Grant::of(approval, change, overridden))
                    }
                    Permission::Withheld { .. } => None,
                })
                .collect(),
        }
    }

    /// What is left of an approval after its run: the approved changes that are settled and
    /// of which it is certain that they have not landed.
    #[must_use]
    pub fn left_of(approval: &Approval, records: &[ChangeRecord]) -> Self {
        let all: Vec<Change> = records.iter().map(|record| record.change.clone()).collect();
        let not_landed = |grant: &Grant| {
            records.iter().any(|record| {
                record.change.id == grant.change
                    && matches!(
                        record.state(),
                        ChangeState::Drifted | ChangeState::Failed | ChangeState::Skipped
                    )
            })
        };
        let mut ceiling = Self::of(approval, &all);
        ceiling.grants.retain(not_landed);
        ceiling
    }

    /// Adds the grants of another.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.grants.extend(other.grants);
        self
    }

    /// The grant that covers a change.
    ///
    /// # Errors
    /// In words, what of the change goes beyond the grant that is nearest to it, or that there
    /// is none.
    pub fn covers(&self, change: &Change) -> Result<&Grant, String> {
        let mut used = vec![false; self.grants.len()];
        self.take(change, &mut used)
    }

    /// For each change the grant that covers it, where no grant serves two changes: of two
    /// that ask for one, the first has it.
    ///
    /// # Errors
    /// Each item as [`covers`](Self::covers).
    pub fn cover<'c>(
        &self,
        changes: impl IntoIterator<Item = &'c Change>,
    ) -> Vec<Result<&Grant, String>> {
        let mut used = vec![false; self.grants.len()];
        let changes = changes.into_iter();
        changes.map(|change| self.take(change, &mut used)).collect()
    }

    fn take(&self, change: &Change, used: &mut [bool]) -> Result<&Grant, String> {
        let mut nearest = format!("no earlier approval is about {}", About(change));
        for (grant, used) in self.grants.iter().zip(used) {
            if !grant.is_about(change) {
                continue;
            }
            let excess = if *used {
                Some("another change makes use of it".to_owned())
            } else {
                grant.excess(change)
            };
            match excess {
                None => {
                    *used = true;
                    return Ok(grant);
                }
                Some(excess) => {
                    nearest = format!(
                        "it goes beyond what {} approved as change {} of plan {}: {excess}",
                        grant.by, grant.change, grant.plan
                    );
                }
            }
        }
        Err(nearest)
    }
}

/// What a change is about, in words.
struct About<'a>(&'a Change);

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change {
            agreement,
            product,
            action,
            ..
        } = self.0;
        if action.is_of_account() || action.creates_product() {
            return write!(f, "to {action}");
        }
        if action.makes_record() {
            return write!(f, "to {action} on agreement {agreement}");
        }
        match action.line() {
            Some(line) => write!(f, "this write to line {line} of agreement {agreement}"),
            None => write!(
                f,
                "a new line of product {product} on agreement {agreement}"
            ),
        }
    }
}

impl Grant {
    fn of(approval: &Approval, change: &Change, overridden: Option<Override>) -> Self {
        Self {
            plan: approval.plan.clone(),
            change: change.id.clone(),
            by: approval.by.clone(),
            agreement: change.agreement.clone(),
            product: change.product.clone(),
            action: change.action.clone(),
            effective: change.effective,
            guards: change.blocks.iter().map(|block| block.guard).collect(),
            overridden,
        }
    }

    /// Whether a change is of the same agreement, product, line and kind of write.
    fn is_about(&self, change: &Change) -> bool {
        self.agreement == change.agreement
            && self.product == change.product
            && self.action.line() == change.action.line()
            && std::mem::discriminant(&self.action) == std::mem::discriminant(&change.action)
            && bill_of(&self.action) == bill_of(&change.action)
    }

    /// What of a change about the same thing goes beyond the grant, in words.
    fn excess(&self, change: &Change) -> Option<String> {
        if change.effective < self.effective {
            return Some(format!(
                "it counts from {}, approved is {}",
                change.effective, self.effective
            ));
        }
        let unheard = change.blocks.iter().map(|block| block.guard);
        if let Some(guard) = unheard
            .into_iter()
            .find(|guard| self.overridden.is_none() || !self.guards.contains(guard))
        {
            return Some(format!("{guard} speaks against it and was not overridden"));
        }
        exceeds(&self.action, &change.action)
    }
}

fn bill_of(action: &Action) -> Option<(&VendorAccountId, &BillKey)> {
    match action {
        Action::AddCharge { account, bill, .. } => Some((account, bill)),
        _ => None,
    }
}

/// What of a write goes beyond an approved one of its kind.
fn exceeds(approved: &Action, wanted: &Action) -> Option<String> {
    let beyond = |what: &str, wanted: &dyn fmt::Display, approved: &dyn fmt::Display| {
        Some(format!("{what} {wanted}, approved is {approved}"))
    };
    match (approved, wanted) {
        (
            Action::CreateLine {
                quantity: most,
                unit_cost: cost,
                unit_price: price,
                last_day: end,
                like: terms,
            },
            Action::CreateLine {
                quantity,
                unit_cost,
                unit_price,
                last_day,
                like,
            },
        ) => {
            if like != terms {
                return Some("it would take over the terms of another line".to_owned());
            }
            if !is_within((Quantity::ZERO, *most), (Quantity::ZERO, *quantity)) {
                return beyond("a line of", quantity, most);
            }
            if unit_cost != cost || unit_price != price {
                return Some("the cost or the price per unit is another".to_owned());
            }
            match (last_day, end) {
                (None, None) => None,
                (Some(day), Some(end)) if day <= end => None,
                _ => Some("its last day is neither the approved one nor before it".to_owned()),
            }
        }
        (
            Action::SetQuantity { from, to, .. },
            Action::SetQuantity {
                from: start,
                to: end,
                ..
            },
        ) => {
            if is_within((*from, *to), (*start, *end)) {
                return None;
            }
            Some(format!(
                "the quantity from {start} to {end}, approved is {from} to {to}"
            ))
        }
        (Action::SetUnitCost { to, .. }, Action::SetUnitCost { to: wanted, .. }) => {
            if to == wanted {
                return None;
            }
            beyond("the cost", wanted, to)
        }
        (Action::SetUnitPrice { to, .. }, Action::SetUnitPrice { to: wanted, .. }) => {
            if to == wanted {
                return None;
            }
            beyond("the price", wanted, to)
        }
        (
            Action::EndLine {
                from,
                last_day,
                replaced_by: next,
                ..
            },
            Action::EndLine {
                from: units,
                last_day: day,
                replaced_by,
                ..
            },
        ) => {
            if replaced_by != next {
                return Some("another line would follow it, or none".to_owned());
            }
            if day < last_day {
                return beyond("the end after", day, last_day);
            }
            if !is_within((*from, Quantity::ZERO), (*units, Quantity::ZERO)) {
                return beyond("the end of a line of", units, from);
            }
            None
        }
        (
            Action::SetCount { from, to },
            Action::SetCount {
                from: start,
                to: end,
            },
        ) => {
            let within = match (from, start) {
                (Some(from), Some(start)) => is_within((*from, *to), (*start, *end)),
                _ => to == end,
            };
            (!within).then(|| format!("it would {wanted}, approved is to {approved}"))
        }
        (Action::CreateAgreement { .. }, Action::CreateAgreement { .. })
        | (Action::CreateAccount { .. }, Action::CreateAccount { .. })
        | (Action::LinkAccount { .. }, Action::LinkAccount { .. }) => {
            (approved != wanted).then(|| format!("it would {wanted}, approved is to {approved}"))
        }
        (
            Action::AddCharge {
                quantity: units,
                unit_price: price,
                unit_cost: cost,
                ..
            },
            Action::AddCharge {
                quantity,
                unit_price,
                unit_cost,
                ..
            },
        ) => {
            let same = (units, price, cost) == (quantity, unit_price, unit_cost);
            (!same).then(|| format!("it would {wanted}, approved is to {approved}"))
        }
        _ => Some("it is another kind of write".to_owned()),
    }
}

/// Whether a step of the quantity goes the approved way, no further than the approved end, and
/// is no larger than the approved step. A step that cannot be computed exactly is not.
fn is_within(approved: (Quantity, Quantity), wanted: (Quantity, Quantity)) -> bool {
    let step = |(from, to): (Quantity, Quantity)| to.checked_sub(from);
    let (Some(most), Some(step)) = (step(approved), step(wanted)) else {
        return false;
    };
    match most.cmp(&Quantity::ZERO) {
        std::cmp::Ordering::Greater => {
            Quantity::ZERO < step && step <= most && wanted.1 <= approved.1
        }
        std::cmp::Ordering::Less => most <= step && step < Quantity::ZERO && approved.1 <= wanted.1,
        std::cmp::Ordering::Equal => step.is_zero() && wanted.1 == approved.1,
    }
}
