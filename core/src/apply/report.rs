//! What was done, per change, with proof.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{AgreementId, AgreementLineId, ChangeId, LineState, PlanId, RunId, Timestamp};
use crate::plan::Change;
use crate::sink::{MadeRecord, Verdict};
use crate::store::{ChangeRecord, ChangeState, Event, Failure, RecordedEvent, SkipCause};

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It landed, proved by reading back.
    Done {
        /// Whether reading back settled it in place of the write's answer, or after a stop.
        recovered: bool,
    },
    /// The target was not as planned: nothing was written.
    Drifted,
    /// It has not landed.
    Failed {
        /// Whether a new plan may bring it again with hope.
        retryable: bool,
    },
    /// The target holds neither the old state nor the wanted one: a person must look.
    Conflict,
    /// It may have landed: resume the run to settle it.
    Unsettled,
    /// The plan's guards speak against it and nobody overrode them.
    Blocked,
    /// The approval does not cover it.
    NotApproved,
    /// It was passed over for good, on account of an earlier change of the agreement.
    Skipped,
    /// The system did not take it, as nobody has mapped there what it is about: it comes again with the
    /// next plan.
    NotMapped,
    /// Its turn did not come, and no write of it is out: resume the run to go on.
    Waiting,
}

/// What a run has made of the charge of another one, or may have made, in words.
pub(super) fn charged_by(run: &RunId, state: ChangeState) -> String {
    let said = match state {
        ChangeState::Done => "has made the charge for the bill already",
        ChangeState::Conflict => "left the charge for the bill in conflict, and a person must look",
        _ => "may have made the charge for the bill and is to be resumed first",
    };
    format!("run {run} {said}")
}

/// What became of one change, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChangeResult {
    /// The change.
    pub change: ChangeId,
    /// Its agreement.
    pub agreement: AgreementId,
    /// What became of it.
    pub outcome: Outcome,
    /// The outcome's reason in words; empty where it needs none.
    pub detail: String,
    /// The line concerned; absent where none was created, and where it is about none.
    pub line: Option<AgreementLineId>,
    /// The agreement or the charge that was made, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<MadeRecord>,
    /// The line's state before the write; absent where there was none or it was not read.
    pub before: Option<LineState>,
    /// The line's state as read back after the write; absent where it was not.
    pub after: Option<LineState>,
    /// The write's request, to ask the PSA's vendor about.
    pub request_id: Option<String>,
    /// When its last write left; absent where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Timestamp>,
    /// When reading back showed that it has landed; absent where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved: Option<Timestamp>,
    /// Whether resuming the run still has something to do about it.
    pub resumable: bool,
}

impl ChangeResult {
    /// What became of a recorded change, as far as its history goes.
    #[must_use]
    pub fn of(record: &ChangeRecord) -> Self {
        Self::new(&record.change, &record.events, "")
    }

    /// Reads the result off a change's history; `pause` says why it was not finished.
    pub(super) fn new(change: &Change, history: &[RecordedEvent], pause: &str) -> Self {
        let mut result = Self {
            change: change.id.clone(),
            agreement: change.agreement.clone(),
            outcome: Outcome::Waiting,
            detail: String::new(),
            line: change.action.line().cloned(),
            made: None,
            before: None,
            after: None,
            request_id: None,
            sent: None,
            proved: None,
            resumable: true,
        };
        let mut state = ChangeState::Pending;
        // When the write before the latest left.
        let mut before = None;
        for recorded in history {
            state = state.after(&recorded.event);
            match &recorded.event {
                Event::Sent { .. } => before = result.sent.replace(recorded.at),
                Event::HeldBack { .. } => result.sent = before,
                _ => {}
            }
            result.read(&recorded.event, recorded.at);
        }
        result.resumable = !state.is_settled();
        if result.resumable {
            if state.is_unsettled() {
                result.outcome = Outcome::Unsettled;
            }
            if !pause.is_empty() {
                pause.clone_into(&mut result.detail);
            }
        }
        result
    }

    /// From when its write left until it was proved.
    #[must_use]
    pub fn time_to_proof(&self) -> Option<Duration> {
        Some(self.proved?.since(self.sent?))
    }

    fn read(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::HeldBack { reason } => self.detail.clone_from(reason),
            Event::PreconditionHeld { observed } => self.before.clone_from(observed),
            Event::Answered { receipt } => {
                self.line.clone_from(&receipt.line);
                self.made.clone_from(&receipt.made);
                self.request_id.clone_from(&receipt.request_id);
            }
            Event::OutcomeUnknown { failure } => self.blame(failure),
            Event::Unverified { failure } => self.detail.clone_from(&failure.message),
            Event::Verified {
                verdict: Verdict::Landed { line, observed },
            } => {
                self.line = Some(line.clone());
                self.after = Some(observed.clone());
                self.proved = Some(at);
            }
            Event::Verified {
                verdict: Verdict::Made { record, .. },
            } => {
                self.made = Some(record.clone());
                self.proved = Some(at);
            }
            Event::Verified {
                verdict: Verdict::Conflict { observed, .. },
            } => self.after.clone_from(observed),
            Event::Verified {
                verdict: Verdict::CannotTell { detail },
            } => self.detail.clone_from(detail),
            Event::Done { recovered } => {
                self.settle(Outcome::Done {
                    recovered: *recovered,
                });
                self.detail.clear();
            }
            Event::Drifted { detail, observed } => {
                self.settle(Outcome::Drifted);
                self.before.clone_from(observed);
                self.detail.clone_from(detail);
            }
            Event::Conflict { detail } => {
                self.settle(Outcome::Conflict);
                self.detail.clone_from(detail);
            }
            Event::Failed { failure, retryable } => {
                self.settle(Outcome::Failed {
                    retryable: *retryable,
                });
                self.blame(failure);
            }
            Event::Skipped { cause, reason } => {
                self.settle(match cause {
                    SkipCause::NotApproved => Outcome::NotApproved,
                    SkipCause::Blocked => Outcome::Blocked,
                    SkipCause::Earlier => Outcome::Skipped,
                    SkipCause::NotMapped => Outcome::NotMapped,
                });
                self.detail.clone_from(reason);
            }
            _ => {}
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    fn blame(&mut self, failure: &Failure) {
        self.detail.clone_from(&failure.message);
        if failure.request_id.is_some() {
            self.request_id.clone_from(&failure.request_id);
        }
    }
}

impl fmt::Display for ChangeResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on agreement {}: ", self.change, self.agreement)?;
        f.write_str(match self.outcome {
            Outcome::Done { recovered: false } => "done and read back",
            Outcome::Done { recovered: true } => "done, as reading back showed",
            Outcome::Drifted => "nothing written, the PSA has changed since the plan",
            Outcome::Failed { retryable: true } => "not done, a new plan may bring it again",
            Outcome::Failed { retryable: false } => "not done, the PSA refused it",
            Outcome::Conflict => "a person must look, the PSA shows something unplanned",
            Outcome::Unsettled => "it may have landed, resume the run to settle it",
            Outcome::Blocked => "nothing written, the plan's guards speak against it",
            Outcome::NotApproved => "nothing written, it is not approved",
            Outcome::Skipped => "nothing written, passed over",
            Outcome::NotMapped => "not taken, as it is not mapped there; it comes again",
            Outcome::Waiting => "nothing written yet, it waits for the run to be resumed",
        })?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if let Some(request) = &self.request_id
            && !self.detail.contains(request.as_str())
        {
            write!(f, " [request {request}]")?;
        }
        Ok(())
    }
}

/// Why a run ended before its last change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// It was cancelled.
    Cancelled,
    /// Its deadline came.
    Deadline,
    /// The journal failed, and without it nothing may be written.
    Journal {
        /// Why.
        failure: Failure,
    },
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the run was cancelled"),
            Self::Deadline => f.write_str("the run's deadline came"),
            Self::Journal { failure } => write!(
                f,
                "the run was stopped, as the journal failed: {}",
                failure.message
            ),
        }
    }
}

/// How many changes came to which outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Totals {
    /// Landed, the recovered ones included.
    pub done: usize,
    /// Of these, settled by reading back.
    pub recovered: usize,
    /// The target was not as planned.
    pub drifted: usize,
    /// Not landed.
    pub failed: usize,
    /// A person must look.
    pub conflict: usize,
    /// May have landed.
    pub unsettled: usize,
    /// Blocked by the plan's guards.
    pub blocked: usize,
    /// Not covered by the approval.
    pub not_approved: usize,
    /// Passed over.
    pub skipped: usize,
    /// Not taken, as nobody has mapped there what they are about.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_mapped: usize,
    /// Waiting for the run to be resumed.
    pub waiting: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Totals {
    fn of(results: &[ChangeResult]) -> Self {
        let mut totals = Self::default();
        for result in results {
            match result.outcome {
                Outcome::Done { recovered } => {
                    totals.done += 1;
                    totals.recovered += usize::from(recovered);
                }
                Outcome::Drifted => totals.drifted += 1,
                Outcome::Failed { .. } => totals.failed += 1,
                Outcome::Conflict => totals.conflict += 1,
                Outcome::Unsettled => totals.unsettled += 1,
                Outcome::Blocked => totals.blocked += 1,
                Outcome::NotApproved => totals.not_approved += 1,
                Outcome::Skipped => totals.skipped += 1,
                Outcome::NotMapped => totals.not_mapped += 1,
                Outcome::Waiting => totals.waiting += 1,
            }
        }
        totals
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} done", self.done)?;
        if self.recovered > 0 {
            write!(f, " ({} recovered)", self.recovered)?;
        }
        for (count, what) in [
            (self.drifted, "drifted"),
            (self.failed, "failed"),
            (self.conflict, "in conflict"),
            (self.unsettled, "unsettled"),
            (self.blocked, "blocked"),
            (self.not_approved, "not approved"),
            (self.skipped, "skipped"),
            (self.not_mapped, "not mapped"),
            (self.waiting, "waiting"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// What a run has done so far, every change of the plan in its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApplyReport {
    /// The run.
    pub run: RunId,
    /// The plan.
    pub plan: PlanId,
    /// The changes.
    pub changes: Vec<ChangeResult>,
    /// How many came to which outcome.
    pub totals: Totals,
    /// Why the run ended before its last change; absent when it did not.
    pub stopped: Option<Stop>,
}

impl ApplyReport {
    pub(super) fn new(
        run: RunId,
        plan: PlanId,
        changes: Vec<ChangeResult>,
        stopped: Option<Stop>,
    ) -> Self {
        Self {
            run,
            plan,
            totals: Totals::of(&changes),
            changes,
            stopped,
        }
    }

    /// Whether resuming the run still has something to do.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        self.changes.iter().any(|result| result.resumable)
    }

    /// Whether every change has landed.
    #[must_use]
    pub fn is_all_done(&self) -> bool {
        self.totals.done == self.changes.len()
    }
}

impl fmt::Display for ApplyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "run {} of plan {}: {}", self.run, self.plan, self.totals)?;
        for result in &self.changes {
            writeln!(f, "  {result}")?;
        }
        if let Some(stop) = &self.stopped {
            writeln!(f, "  {stop}")?;
        }
        if self.is_resumable() {
            writeln!(f, "  the run is not finished and can be resumed")?;
        }
        Ok(())
    }
}
