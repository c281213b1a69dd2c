//! The change in hand: what its history and the approval say of it, and what may be done about it.

use super::compare::same_line;
use super::{AgreementMachine, RENEWALS};
use crate::apply::report::charged_by;
use crate::apply::{ChangeResult, Limits, Machine, Permission};
use crate::model::{ChangeId, RunId, Timestamp};
use crate::plan::Change;
use crate::sink::Verdict;
use crate::store::{ChangeState, Event, RecordedEvent, SkipCause};

/// Why a write is held back that is recorded already.
const TOO_LATE: &str = "nothing was sent, as so much time passed after it was recorded that another \
                        may have taken the agreement over";

/// Why the rest of an agreement is not worked on.
#[derive(Clone, Debug)]
pub(super) enum Rest {
    /// Not in this run.
    Skipped(String),
    /// Not before the run is resumed.
    Waits(String),
}

/// One change with what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) change: Change,
    pub(super) history: Vec<RecordedEvent>,
    pub(super) permission: Permission,
    /// Why it was left unfinished.
    pub(super) pause: String,
}

impl Work {
    pub(super) fn state(&self) -> ChangeState {
        ChangeState::of(self.history.iter().map(|recorded| &recorded.event))
    }

    pub(super) fn result(&self) -> ChangeResult {
        ChangeResult::new(&self.change, &self.history, &self.pause)
    }
}

/// What is being done about the present change.
#[derive(Clone, Debug)]
pub(super) enum Hand {
    Empty,
    Skip(Event),
    Change {
        machine: Machine,
        /// Whether anything has come of it yet.
        begun: bool,
        /// Whether a write may have left.
        wrote: bool,
        /// How often its write was held back.
        held_back: u32,
        /// Whether it was asked since its write was recorded what other runs made of the charge.
        charges_seen: bool,
    },
}

impl AgreementMachine {
    /// Why the write of the change in hand must not leave after all, though it is recorded.
    pub(super) fn reason_to_hold_back(&self) -> Option<String> {
        if let Permission::Withheld { reason, .. } = &self.work[self.at].permission {
            return Some(reason.clone());
        }
        if let Some((reason, _)) = self.charged_elsewhere(&self.work[self.at]) {
            return Some(reason);
        }
        (self.now.plus(self.limits.margin()) > self.lease_until).then(|| TOO_LATE.to_owned())
    }

    /// Whether the change in hand is not tried again after its write was held back.
    pub(super) fn gives_up_writing(&self) -> bool {
        let Hand::Change { held_back, .. } = &self.hand else {
            return false;
        };
        let work = &self.work[self.at];
        let tries_again = self.stop.is_none()
            && work.permission.is_granted()
            && self.charged_elsewhere(work).is_none();
        *held_back >= RENEWALS || (*held_back > 0 && !tries_again)
    }

    /// What is known of the change in hand, which stays unsettled, and when a resume can settle it.
    pub(super) fn how_to_settle(&self) -> String {
        let work = &self.work[self.at];
        let known = work.result().detail;
        let last = work.history.last().map(|recorded| &recorded.event);
        let then = match last {
            Some(Event::Verified {
                verdict: Verdict::NotLanded,
            }) => "the PSA does not show it, and it may still arrive until",
            Some(Event::Verified {
                verdict: Verdict::CannotTell { .. },
            }) => "it is set again by resuming the run, which waits until it can no longer arrive:",
            _ => return known,
        };
        let until = self.left_by(work).plus(self.limits.late_write);
        let until = Timestamp::from_second(until.as_second() + 1).unwrap_or(until);
        let known = if known.is_empty() {
            known
        } else {
            known + "; "
        };
        format!("{known}{then} {until}")
    }

    pub(super) fn machine(&self, work: &Work) -> Machine {
        let limits = Limits {
            verify_attempts: self.limits.verify_attempts.max(1),
            may_rewrite: work.permission.is_granted()
                && self.now.since(self.left_by(work)) >= self.limits.late_write,
        };
        let overridden = match &work.permission {
            Permission::Granted { overridden } => overridden.clone(),
            Permission::Withheld { .. } => None,
        };
        let events = work.history.iter().map(|recorded| &recorded.event);
        Machine::resume(limits, events, overridden)
    }

    /// An instant by which the change's last write had left, if it did.
    ///
    /// Not that of the record that it is about to leave: the process may have stood still in
    /// between, and a sink may wait for its turn. What was recorded next shows that the write had
    /// an end, or that another has taken over since. Where nothing was, whoever held the lease
    /// then let nothing leave after its end.
    pub(super) fn left_by(&self, work: &Work) -> Timestamp {
        let sent = |recorded: &RecordedEvent| matches!(recorded.event, Event::Sent { .. });
        let last = work.history.iter().rposition(sent);
        let next = last.and_then(|at| work.history.get(at + 1));
        next.map_or(self.others_until, |recorded| recorded.at)
    }

    /// Whether the write in hand is a charge of which it is still to be asked what other runs made.
    pub(super) fn asks_for_charges(&self) -> bool {
        let unseen = matches!(
            self.hand,
            Hand::Change {
                charges_seen: false,
                ..
            }
        );
        unseen && self.work[self.at].change.charge_key().is_some()
    }

    /// Takes in what another run has made of the charge in hand, or may have made.
    pub(super) fn charges_seen(
        &mut self,
        change: ChangeId,
        elsewhere: Option<(RunId, ChangeState)>,
    ) {
        self.charged.retain(|(known, ..)| *known != change);
        self.charged
            .extend(elsewhere.map(|(run, state)| (change, run, state)));
        if let Hand::Change { charges_seen, .. } = &mut self.hand {
            *charges_seen = true;
        }
    }

    /// What another run has made of the charge of a change, or may have made, in words, and whether that is settled.
    pub(super) fn charged_elsewhere(&self, work: &Work) -> Option<(String, bool)> {
        let of_change = |(change, ..): &&(ChangeId, _, _)| *change == work.change.id;
        let (_, run, state) = self.charged.iter().find(of_change)?;
        Some((charged_by(run, *state), state.is_settled()))
    }

    pub(super) fn reason_to_skip(&self, work: &Work) -> Option<Event> {
        let skipped = |cause, reason: String| Some(Event::Skipped { cause, reason });
        if let Permission::Withheld { cause, reason } = &work.permission {
            return skipped(*cause, reason.clone());
        }
        if let Some(Rest::Skipped(reason)) = &self.rest {
            return skipped(SkipCause::Earlier, reason.clone());
        }
        if let Some((detail, true)) = self.charged_elsewhere(work) {
            let observed = None;
            return Some(Event::Drifted { detail, observed });
        }
        let mut stuck = self.stuck.iter().map(|place| &self.work[*place].change);
        let before = stuck
            .find(|other| other.action.creates_agreement() || same_line(other, &work.change))?;
        let what = if before.action.creates_agreement() {
            "is to create the agreement and"
        } else {
            "of the same line"
        };
        skipped(
            SkipCause::Earlier,
            format!("change {} {what} was not done", before.id),
        )
    }
}
