//! How the work on an agreement ends before its last change.

use super::in_hand::{Hand, Rest};
use super::{AgreementMachine, Phase};
use crate::apply::Stop;
use crate::model::ChangeId;
use crate::store::Failure;

/// Why the work on the agreement was given up where somebody else has it.
const TAKEN_OVER: &str = "another has taken the agreement over";

impl AgreementMachine {
    /// Forgets events that were not recorded after all.
    pub(super) fn take_back(&mut self, from: &[(ChangeId, u32)]) {
        for (change, seq) in from {
            let found = self.work.iter().position(|work| work.change.id == *change);
            let Some(place) = found else { continue };
            let kept = usize::try_from(*seq).unwrap_or(usize::MAX);
            self.work[place].history.truncate(kept);
            self.at = self.at.min(place);
        }
    }

    /// Gives up, as the journal failed or another has taken the agreement over.
    pub(super) fn fail(&mut self, failure: Option<Failure>) {
        let Some(failure) = failure else {
            return self.give_up(TAKEN_OVER.to_owned());
        };
        let stop = Stop::Journal { failure };
        let reason = stop.to_string();
        self.stop = Some(stop);
        self.give_up(reason);
    }

    /// Stops at once, without a lease to give back.
    pub(super) fn give_up(&mut self, reason: String) {
        self.hand = Hand::Empty;
        self.rest = Some(Rest::Waits(reason));
        self.leave_the_rest();
        self.phase = Phase::Finished;
    }

    /// Notes on all changes from here on why they are left unfinished.
    pub(super) fn leave_the_rest(&mut self) {
        let reason = match (&self.rest, &self.stop) {
            (Some(Rest::Waits(reason)), _) => reason.clone(),
            (_, Some(stop)) => stop.to_string(),
            _ => return,
        };
        for work in &mut self.work[self.at..] {
            work.pause.clone_from(&reason);
        }
        self.at = self.work.len();
    }
}
