//! What is left of a run, and what to do about it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::apply::report::charged_by;
use crate::apply::{ChangeResult, Outcome};
use crate::model::ChangeId;
use crate::plan::Change;
use crate::store::{ChangeRecord, Ledger, RunRecord};

/// Why a change of a run has not landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// It may have been written.
    Unsettled,
    /// The PSA shows something that nobody planned.
    Conflict,
    /// Nothing was written: the PSA refused.
    Refused,
    /// Nothing was written: the PSA could not be reached or was not ready.
    Failed,
    /// Nothing was written: the line was changed since the plan.
    Drifted,
    /// Not begun: an earlier change of the line or the agreement did not go through.
    Skipped,
    /// Not taken: nobody has mapped in the PSA what it is about.
    NotMapped,
    /// Not begun or not finished: the run was stopped before, or it waits for another one.
    Waiting,
    /// Nobody approved it.
    NotApproved,
    /// The plan's guards speak against it.
    Blocked,
}

/// What to do about a change that has not landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// Resume the run.
    Resume,
    /// Look at the line in the PSA, then plan anew.
    Look,
    /// Mend the reason, then retry the run.
    MendAndRetry,
    /// Retry the run.
    Retry,
    /// Undo the same run again: what is retried is what the vendor says, and this run was an
    /// undo.
    UndoAgain,
    /// Map it there, or leave it: the next plan brings it again.
    Map,
    /// Approve it, or leave it.
    Approve,
    /// Override the block in a new plan, or leave it.
    Override,
    /// Mend what blocks it, then plan anew: it cannot be overridden.
    MendAndPlan,
}

impl Standing {
    /// Where a change stands; `None` when it has landed.
    #[must_use]
    pub fn of(result: &ChangeResult) -> Option<Self> {
        Some(match result.outcome {
            Outcome::Done { .. } => return None,
            Outcome::Unsettled => Self::Unsettled,
            Outcome::Waiting => Self::Waiting,
            Outcome::Drifted => Self::Drifted,
            Outcome::Failed { retryable: true } => Self::Failed,
            Outcome::Failed { retryable: false } => Self::Refused,
            Outcome::Conflict => Self::Conflict,
            Outcome::Blocked => Self::Blocked,
            Outcome::NotApproved => Self::NotApproved,
            Outcome::Skipped => Self::Skipped,
            Outcome::NotMapped => Self::NotMapped,
        })
    }

    /// Where it stands, in words for a person in finance.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsettled => "may or may not have been written",
            Self::Conflict => "in conflict: the PSA shows something that nobody planned",
            Self::Refused => "refused by the PSA, nothing was written",
            Self::Failed => "not sent, or not taken by the PSA: nothing was written",
            Self::Drifted => "changed in the PSA since the plan, nothing was written",
            Self::Skipped => {
                "not begun, as an earlier change of the line or agreement did not go through"
            }
            Self::NotMapped => {
                "not mapped there: nothing was taken, and it comes again with the next plan"
            }
            Self::Waiting => "not begun or not finished: the run is to be resumed",
            Self::NotApproved => "not approved, nothing was written",
            Self::Blocked => "blocked, nothing was written",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Unsettled | Self::Waiting => Remedy::Resume,
            Self::Conflict => Remedy::Look,
            Self::Refused => Remedy::MendAndRetry,
            Self::Failed | Self::Drifted | Self::Skipped => Remedy::Retry,
            Self::NotMapped => Remedy::Map,
            Self::NotApproved => Remedy::Approve,
            Self::Blocked => Remedy::Override,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Remedy {
    /// What to do, in words for a person in finance.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "go on with the run: it reads the line before it writes anything",
            Self::Look => {
                "look at the line in the PSA and correct it there if it is wrong, then make a new plan"
            }
            Self::MendAndRetry => "mend what the reason names, then bring it again",
            Self::Retry => "bring it again: it is planned anew on what the PSA bills now",
            Self::UndoAgain => "mend what the reason names, then undo the same run again",
            Self::Map => {
                "map account and service there, or leave it: the next plan brings it again"
            }
            Self::Approve => "leave it, or approve it",
            Self::Override => "leave it, or make a new plan and override the block by name",
            Self::MendAndPlan => {
                "mend what the reason names, then make a new plan: the PSA would refuse it, so it cannot be overridden"
            }
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A change of a run that has not landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OpenChange {
    /// The change.
    pub change: Change,
    /// Where it stands.
    pub standing: Standing,
    /// The reason as it was recorded, but for the request; empty where there is none.
    pub detail: String,
    /// The write's request, to ask the PSA's vendor about.
    pub request_id: Option<String>,
    /// What to do about it.
    pub remedy: Remedy,
}

/// What a run has done, and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunStatus {
    /// The run.
    pub run: RunRecord,
    /// How many changes it has.
    pub changes: usize,
    /// How many of them have landed.
    pub done: usize,
    /// How many of the others another run of the same plan has carried out.
    pub done_elsewhere: usize,
    /// The others, in the order of the plan.
    pub open: Vec<OpenChange>,
}

impl RunStatus {
    /// The status of a run with these changes.
    #[must_use]
    pub fn of(run: RunRecord, records: &[ChangeRecord]) -> Self {
        let open: Vec<OpenChange> = records.iter().filter_map(open).collect();
        Self {
            run,
            changes: records.len(),
            done: records.len() - open.len(),
            done_elsewhere: 0,
            open,
        }
    }

    /// Leaves out of the open changes those that other runs of the same plan have carried out: of one
    /// plan some changes may be approved today and others tomorrow.
    #[must_use]
    pub fn with_done_elsewhere(mut self, done: &BTreeSet<ChangeId>) -> Self {
        let all = self.open.len();
        self.open.retain(|open| !done.contains(&open.change.id));
        self.done_elsewhere += all - self.open.len();
        self
    }

    /// Whether a charge of it waits, which another run may have made.
    #[must_use]
    pub fn has_waiting_charge(&self) -> bool {
        self.open.iter().any(is_waiting_charge)
    }

    /// Says of each charge that waits which run has made it, or may have, by the ledger of the run's source and sink.
    #[must_use]
    pub fn with_charges_elsewhere(mut self, ledger: &Ledger) -> Self {
        for open in self.open.iter_mut().filter(|open| is_waiting_charge(open)) {
            let key = open.change.charge_key();
            let made = key.and_then(|key| ledger.charge_elsewhere(&key, &self.run.id));
            if let Some(made) = made {
                open.detail = charged_by(&made.run, made.state);
            }
        }
        self
    }
}

fn is_waiting_charge(open: &OpenChange) -> bool {
    open.standing == Standing::Waiting && open.change.charge_key().is_some()
}

fn open(record: &ChangeRecord) -> Option<OpenChange> {
    let result = ChangeResult::of(record);
    let standing = Standing::of(&result)?;
    let takes_back = record.change.evidence.undoes.is_some();
    let remedy = match standing.remedy() {
        Remedy::Retry | Remedy::MendAndRetry if takes_back => Remedy::UndoAgain,
        Remedy::Override if record.change.final_block().is_some() => Remedy::MendAndPlan,
        remedy => remedy,
    };
    Some(OpenChange {
        change: record.change.clone(),
        standing,
        detail: without_request(result.detail, result.request_id.as_deref()),
        request_id: result.request_id,
        remedy,
    })
}

/// The reason without the request at its end: the same for changes that failed alike.
fn without_request(detail: String, request: Option<&str>) -> String {
    let tail = request.map(|id| format!(" [request {id}]"));
    match tail.and_then(|tail| detail.strip_suffix(&tail).map(str::to_owned)) {
        Some(detail) => detail,
        None => detail,
    }
}
