//! What the machine of an agreement wants and is told, and what bounds it.

use std::time::Duration;

use crate::apply::Written;
use crate::model::{AgreementLine, ChangeId, RunId, Timestamp};
use crate::sink::{ReadBack, Receipt, Verdict};
use crate::store::{ChangeRecord, ChangeState, Claim, Event, Failure};

/// For how long lines that came with a read-back stand at most.
const LINES_STAND: Duration = Duration::from_secs(15);

/// What bounds the work on an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgreementLimits {
    /// How often reading back must show that one write has not landed before it counts as not
    /// landed, and how often reading back may fail before it stays unsettled.
    pub verify_attempts: u32,
    /// The wait before the second read-back; each further one is twice as long.
    pub verify_wait: Duration,
    /// The longest wait between two read-backs.
    pub verify_wait_max: Duration,
    /// How long a write without an answer may still arrive.
    pub late_write: Duration,
    /// How long a lease holds that is not renewed.
    pub lease: Duration,
    /// No change is taken in hand at this instant or later.
    pub deadline: Option<Timestamp>,
    /// For how long lines that were read stand for those of further changes, as the sink says
    /// ([`SinkDescriptor::lines_hold_for`](crate::sink::SinkDescriptor::lines_hold_for)).
    pub lines_hold_for: Duration,
}

impl AgreementLimits {
    /// The wait after a read-back, counted from 1.
    #[must_use]
    pub fn pause(&self, readings: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(readings.saturating_sub(1))
            .unwrap_or(u32::MAX);
        self.verify_wait
            .saturating_mul(doubled)
            .min(self.verify_wait_max)
    }

    /// All waits between the read-backs of one write together, where as many fail as may: each
    /// of them adds a wait. Once the longest wait is reached, all further ones are as long.
    #[must_use]
    pub fn verify_bound(&self) -> Duration {
        let waits = self.verify_attempts.saturating_sub(1).saturating_mul(2);
        let growing = waits.min(32);
        let sum = (1..=growing).map(|n| self.pause(n)).sum::<Duration>();
        sum.saturating_add(self.pause(waits).saturating_mul(waits - growing))
    }

    /// How long to wait, while a request is under way, before the lease is renewed: so that it
    /// is renewed before what must be left of it when a write leaves is over.
    #[must_use]
    pub fn renewal(&self) -> Duration {
        self.lease / 5
    }

    /// How much of a lease must be left when a write leaves.
    pub(super) fn margin(&self) -> Duration {
        self.lease / 4
    }

    /// For how long lines that came with a read-back may wait for the next change: longer than any does that
    /// does not stand still.
    pub(super) fn lines_stand_for(&self) -> Duration {
        self.margin().min(LINES_STAND)
    }
}

/// What is to be done next about an agreement.
///
/// While a request of [`Read`](Self::Read), [`Write`](Self::Write) or [`Verify`](Self::Verify) is
/// under way, the lease is to be renewed every [`renewal`](AgreementLimits::renewal). Where another
/// has it, or it ends, the request is dropped, so that nothing of it leaves that has not left yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgreementStep {
    /// Take the lease on the agreement, then say [`AgreementInput::Claimed`].
    Claim,
    /// Read the histories of the run's changes on the agreement, and whether another run has an
    /// unsettled one there; then say [`AgreementInput::Loaded`]. Another may have worked on
    /// both before the lease was taken.
    Load,
    /// Read the agreement's lines, then say [`AgreementInput::Lines`].
    Read,
    /// Look up whether what the change is to make is there, as by a read-back without a receipt;
    /// then say [`AgreementInput::LookedUp`].
    LookUp(ChangeId),
    /// Record these events under the lease, durably as the journal says, and renew the lease for its
    /// whole time from then; then say [`AgreementInput::Recorded`].
    ///
    /// [`Event::Sent`] and what came before it is in the journal before that is said. Other events may
    /// be put off: until the next `Sent` is recorded, and to the end of the next step of another kind
    /// at most, of which only [`Read`](Self::Read), [`LookUp`](Self::LookUp) and [`Verify`](Self::Verify),
    /// which write nothing, may go on meanwhile; not a `Read` that takes what was set from the journal, for a
    /// sink of counts. Where they could not be recorded after all, say
    /// [`AgreementInput::NotRecorded`] instead of what came of the step.
    Record {
        /// The change.
        change: ChangeId,
        /// The place of the first in its history; the others follow without gaps.
        seq: u32,
        /// What happened, at least one.
        events: Vec<Event>,
    },
    /// Renew the lease for this long from now, then say [`AgreementInput::Renewed`].
    Renew(Duration),
    /// Ask the journal, in which the intent of the charge is by now, what other runs made of it, on
    /// whichever agreement; then say [`AgreementInput::Charged`].
    Charges(ChangeId),
    /// Let the one write of the change leave at once, then say [`AgreementInput::Written`].
    Write(ChangeId),
    /// Read the change back, with the receipt where there is one; then say
    /// [`AgreementInput::Verified`].
    Verify(ChangeId, Option<Receipt>),
    /// Wait, then say [`AgreementInput::Waited`].
    Wait(Duration),
    /// Give the lease back, then say [`AgreementInput::Released`].
    Release,
    /// Nothing is left to do.
    Finished,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgreementInput {
    /// The journal's answer to the wish for the lease.
    Claimed(Claim),
    /// What the journal holds.
    Loaded {
        /// The run's changes on the agreement.
        records: Vec<ChangeRecord>,
        /// Another run that has an unsettled change on the agreement.
        elsewhere: Option<RunId>,
        /// The changes whose charge another run has made or may have made, on whichever agreement, with that run and
        /// where it stands there: done, in conflict, or not settled.
        charged: Vec<(ChangeId, RunId, ChangeState)>,
    },
    /// The other run that has made the charge or may have made it, and where it stands there: done, in conflict, or
    /// not settled.
    Charged(Option<(RunId, ChangeState)>),
    /// What carries the key or the marker, or why it could not be looked up.
    LookedUp(std::result::Result<Verdict, Failure>),
    /// The agreement's lines, or why they could not be read.
    Lines(std::result::Result<Vec<AgreementLine>, Failure>),
    /// The events are in the journal, or will be in time.
    Recorded {
        /// The instant they were recorded with.
        at: Timestamp,
    },
    /// The lease was renewed.
    Renewed {
        /// Until when it holds now.
        until: Timestamp,
    },
    /// The write came to an end.
    Written(Written),
    /// The target was read back, or could not be.
    Verified(std::result::Result<ReadBack, Failure>),
    /// The wait is over.
    Waited,
    /// The lease was given back, or could not be: then it ends by itself.
    Released,
    /// In answer to [`Record`](AgreementStep::Record), [`Renew`](AgreementStep::Renew) and the
    /// steps during which the lease is renewed: the lease is over, as another took it.
    LeaseLost,
    /// In answer to any step: events that were put off could not be recorded.
    NotRecorded {
        /// Of each change that has such events, the place of the first.
        from: Vec<(ChangeId, u32)>,
        /// Why the journal failed; absent where another has taken the lease.
        failure: Option<Failure>,
    },
    /// In answer to any step for the journal, and to those during which the lease is renewed: it
    /// failed.
    JournalFailed(Failure),
}
