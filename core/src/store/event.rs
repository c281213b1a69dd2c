//! What can happen to a change, and the state that follows from it.

use serde::{Deserialize, Serialize};

use crate::apply::Override;
use crate::error::{Error, ErrorKind};
use crate::model::LineState;
use crate::sink::{Receipt, Verdict};

/// An error as it stands in a journal or report: kind, one line of text, request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The error on one line, without secrets.
    pub message: String,
    /// The request's id, to ask the system's vendor about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure in words.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            request_id: None,
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            request_id: error.request_id().map(str::to_owned),
        }
    }
}

/// Why a change is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipCause {
    /// The approval does not cover it.
    NotApproved,
    /// The plan's guards speak against it and nobody overrode them.
    Blocked,
    /// What became of an earlier change of the agreement, or of the reading of its lines.
    Earlier,
    /// The system did not take it, as nobody has mapped there what it is about.
    NotMapped,
}

/// One thing that happened to a change. A journal only ever adds events.
///
/// The JSON form carries the event's name in `type`; [`Event::VERSION`] is stored beside it. A
/// reader that does not know an event refuses the run: a state concluded from half a history
/// could write twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The change is about to be worked on. Nothing was written.
    Intended {
        /// Who carries it out although it is blocked, and why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overridden: Option<Override>,
    },
    /// The target was read and is as planned.
    PreconditionHeld {
        /// The line's state before the write; absent where the line is still to be created.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        observed: Option<LineState>,
    },
    /// The target was read and is not as planned: nothing is written.
    Drifted {
        /// What was found, in words.
        detail: String,
        /// The line's state; absent where it is not there or was still to be created.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        observed: Option<LineState>,
    },
    /// The write is about to leave. From here on it may have been carried out.
    Sent {
        /// Which write of this change it is, from 1. A second one follows only on proof that
        /// the first has not landed, or that it did not leave; of an absolute value also where the
        /// system cannot tell.
        attempt: u32,
    },
    /// The write that was about to leave did not: nothing was sent.
    HeldBack {
        /// Why, in words.
        reason: String,
    },
    /// The system answered that it carried out the write.
    Answered {
        /// Its answer.
        receipt: Receipt,
    },
    /// The write gave no answer that says what happened.
    OutcomeUnknown {
        /// What came instead.
        failure: Failure,
    },
    /// The target was read back.
    Verified {
        /// What it showed.
        verdict: Verdict,
    },
    /// The target could not be read back: the question is still open.
    Unverified {
        /// Why not.
        failure: Failure,
    },
    /// The change has landed, proved by reading back.
    Done {
        /// Whether reading back settled it in place of the write's answer, or after a stop.
        recovered: bool,
    },
    /// The change has not landed.
    Failed {
        /// Why.
        failure: Failure,
        /// Whether a new plan may bring it again with hope.
        retryable: bool,
    },
    /// The target holds neither the old state nor the wanted one: a person must look.
    Conflict {
        /// What was found, in words.
        detail: String,
    },
    /// The change was passed over. Nothing was written.
    Skipped {
        /// What kind of reason.
        cause: SkipCause,
        /// The reason in words.
        reason: String,
    },
}

impl Event {
    /// The version of the events' JSON form.
    pub const VERSION: u32 = 1;

    /// The event's name, as it stands in `type`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Intended { .. } => "intended",
            Self::PreconditionHeld { .. } => "precondition_held",
            Self::Drifted { .. } => "drifted",
            Self::Sent { .. } => "sent",
            Self::HeldBack { .. } => "held_back",
            Self::Answered { .. } => "answered",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::Verified { .. } => "verified",
            Self::Unverified { .. } => "unverified",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Conflict { .. } => "conflict",
            Self::Skipped { .. } => "skipped",
        }
    }

    /// Whether nothing follows it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Drifted { .. }
                | Self::Done { .. }
                | Self::Failed { .. }
                | Self::Conflict { .. }
                | Self::Skipped { .. }
        )
    }
}

/// Where a change stands, as its events say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeState {
    /// Nothing has happened.
    Pending,
    /// Work began; no write is out.
    Intended,
    /// A write left and its answer is missing or says nothing: it may have landed.
    Unknown,
    /// The system said that it carried out the write; that is not proved yet.
    Answered,
    /// Reading back showed the wanted state.
    Landed,
    /// Reading back showed a state that nobody planned.
    Conflicting,
    /// Settled: landed, with proof.
    Done,
    /// Settled: not written, as the target was not as planned.
    Drifted,
    /// Settled: not landed.
    Failed,
    /// Settled: a person must look.
    Conflict,
    /// Settled: passed over.
    Skipped,
}

impl ChangeState {
    /// The state that a history leads to.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        events.into_iter().fold(Self::Pending, Self::after)
    }

    /// The state that an event leads to from this one.
    ///
    /// Once a write may have left, only its answer, a read-back, a final event or the word that
    /// it was held back moves the state: a read-back of "not landed" or a new check of the
    /// precondition does not, so that a resumed run reads back before it writes.
    #[must_use]
    pub fn after(self, event: &Event) -> Self {
        match event {
            Event::Intended { .. } | Event::PreconditionHeld { .. } => match self {
                Self::Pending => Self::Intended,
                state => state,
            },
            Event::Sent { .. } | Event::OutcomeUnknown { .. } => Self::Unknown,
            // Of a write before it is proved that it has not landed: else there is no other.
            Event::HeldBack { .. } => Self::Intended,
            Event::Answered { .. } => Self::Answered,
            Event::Verified { verdict } => match verdict {
                Verdict::Landed { .. } | Verdict::Made { .. } => Self::Landed,
                Verdict::NotLanded | Verdict::CannotTell { .. } => self,
                Verdict::Conflict { .. } => Self::Conflicting,
            },
            Event::Unverified { .. } => self,
            Event::Done { .. } => Self::Done,
            Event::Drifted { .. } => Self::Drifted,
            Event::Failed { .. } => Self::Failed,
            Event::Conflict { .. } => Self::Conflict,
            Event::Skipped { .. } => Self::Skipped,
        }
    }

    /// Whether the run has nothing left to do about it.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Drifted | Self::Failed | Self::Conflict | Self::Skipped
        )
    }

    /// Whether a write may have left and its outcome is not settled.
    #[must_use]
    pub const fn is_unsettled(self) -> bool {
        matches!(
            self,
            Self::Unknown | Self::Answered | Self::Landed | Self::Conflicting
        )
    }
}
