//! The rules of one change, without I/O and without a clock.

use std::collections::VecDeque;

use super::Override;
use crate::error::{Error, ErrorKind, Result};
use crate::model::LineState;
use crate::sink::{Receipt, Verdict, WriteError};
use crate::store::{ChangeState, Event, Failure, SkipCause};

/// What bounds the work on one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How often reading back must show that one write has not landed before it counts as not
    /// landed, and how often reading back may fail before it stays unsettled; at least once.
    pub verify_attempts: u32,
    /// Whether a write that left before a resume, and that so many read-backs show as not
    /// landed, or that nobody can tell of, may be sent once more: only when so much time has passed that it can no longer
    /// arrive.
    pub may_rewrite: bool,
}

/// What a read of the target showed about the precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// The target is as planned.
    Held {
        /// The line's state; absent where the line is still to be created.
        observed: Option<LineState>,
    },
    /// The target is not as planned.
    Drifted {
        /// What was found, in words.
        detail: String,
        /// The line's state; absent where it is not there or was still to be created.
        observed: Option<LineState>,
    },
    /// The agreement or the charge that the change is to make is there already, as wanted.
    Stands {
        /// What the look-up found.
        verdict: Verdict,
    },
    /// The target could not be read.
    Unreadable(Failure),
}

/// What a write gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The system says that it carried out the write.
    Answered(Receipt),
    /// Nothing was sent, or the system said that it did nothing.
    NotSent(Failure),
    /// The system refused.
    Rejected(Failure),
    /// The system did not take it, as nobody has mapped there what it is about.
    NotMapped(Failure),
    /// It may or may not have been carried out.
    Unknown(Failure),
}

impl From<std::result::Result<Receipt, WriteError>> for Written {
    fn from(result: std::result::Result<Receipt, WriteError>) -> Self {
        match result {
            Ok(receipt) => Self::Answered(receipt),
            Err(WriteError::NotSent(error)) => Self::NotSent(Failure::from(&error)),
            Err(WriteError::Rejected(error)) => Self::Rejected(Failure::from(&error)),
            Err(WriteError::NotMapped(error)) => Self::NotMapped(Failure::from(&error)),
            Err(WriteError::Unknown(error)) => Self::Unknown(Failure::from(&error)),
        }
    }
}

/// What is to be done next about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Record this event durably, before the next write leaves at the latest, then say
    /// [`Input::Recorded`].
    Record(Event),
    /// Read the target and compare it with the precondition, then say [`Input::Checked`].
    Check,
    /// Let the one write leave, then say [`Input::Written`]; or [`Input::HeldBack`] where too
    /// much time has passed since it was recorded as sent, or somebody may have taken over.
    Write,
    /// Read back with the receipt where there is one, then say [`Input::Verified`].
    Verify(Option<Receipt>),
    /// Wait before the next read-back, then say [`Input::Waited`].
    Wait {
        /// How often the write was read back so far, or could not be.
        readings: u32,
    },
    /// Stop: the history ends in a final event.
    Settled,
    /// Stop: a write may have landed, or may still land, and reading back did not settle it.
    /// Resume later.
    Unsettled,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The event is durable, or will be before the next write leaves.
    Recorded,
    /// The target was compared with the precondition.
    Checked(Check),
    /// The write came to an end.
    Written(Written),
    /// The write did not leave, and will not: the target is checked anew before another does.
    HeldBack {
        /// Why, in words.
        reason: String,
    },
    /// The target was read back, or could not be.
    Verified(std::result::Result<Verdict, Failure>),
    /// The wait is over.
    Waited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Check,
    Write,
    Verify,
    Wait,
    Settled,
    Unsettled,
}

/// The state machine of one change: results in, next step out.
///
/// Two properties hold for every sequence of inputs. [`Step::Write`] comes only after
/// [`Event::Sent`] was recorded, and comes a second time only where the write before it was held
/// back, or where a machine that was [resumed](Machine::resume) has read back that it has not
/// landed, or was told that the system [cannot tell](Verdict::CannotTell), which is said of
/// absolute values alone.
///
/// # Examples
/// ```
/// use tallyline_core::apply::{Input, Limits, Machine, Step};
/// use tallyline_core::store::Event;
///
/// let mut machine = Machine::start(Limits { verify_attempts: 3, may_rewrite: true }, None);
/// assert_eq!(machine.next_step(), Step::Record(Event::Intended { overridden: None }));
/// machine.handle(Input::Recorded)?;
/// assert_eq!(machine.next_step(), Step::Check);
/// # Ok::<(), tallyline_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Machine {
    limits: Limits,
    /// Recorded before the phase's own step.
    pending: VecDeque<Event>,
    phase: Phase,
    /// Writes that have left so far, those before a resume included.
    attempts: u32,
    receipt: Option<Receipt>,
    /// Read-backs of the present write that showed the state from before.
    readings: u32,
    /// Read-backs of the present write that failed.
    unreadable: u32,
    /// Whether proof of "not landed" leads to the write and not to failure.
    may_rewrite: bool,
    /// Whether reading back stands in for the answer.
    recovered: bool,
}

impl Machine {
    /// A change that nothing has happened to.
    #[must_use]
    pub fn start(limits: Limits, overridden: Option<Override>) -> Self {
        Self {
            pending: VecDeque::from([Event::Intended { overridden }]),
            ..Self::at(limits, Phase::Check)
        }
    }

    /// A change with a history: goes on where it ends.
    ///
    /// Where a write may have left, reading back comes first. Where none has left, which the
    /// absence of [`Event::Sent`] proves, the target is read and compared again.
    #[must_use]
    pub fn resume<'a>(
        limits: Limits,
        history: impl IntoIterator<Item = &'a Event>,
        overridden: Option<Override>,
    ) -> Self {
        let mut state = ChangeState::Pending;
        let mut attempts = 0;
        let mut receipt = None;
        let mut verdict = None;
        for event in history {
            state = state.after(event);
            match event {
                Event::Sent { attempt } => {
                    attempts = *attempt;
                    receipt = None;
                }
                Event::Answered { receipt: answer } => receipt = Some(answer.clone()),
                Event::Verified { verdict: seen } => verdict = Some(seen.clone()),
                _ => {}
            }
        }
        let machine = Self {
            attempts,
            receipt,
            recovered: true,
            ..Self::at(limits, Phase::Verify)
        };
        match (state, verdict) {
            (ChangeState::Pending, _) => Self::start(limits, overridden),
            (ChangeState::Intended, _) => Self {
                attempts,
                ..Self::at(limits, Phase::Check)
            },
            (ChangeState::Landed | ChangeState::Conflicting, Some(verdict)) => {
                let mut machine = machine;
                machine.conclude(verdict);
                machine
            }
            (state, _) if state.is_settled() => Self::at(limits, Phase::Settled),
            // An answered write is never repeated: `has_not_landed` looks at the receipt first.
            _ => Self {
                may_rewrite: limits.may_rewrite,
                ..machine
            },
        }
    }

    fn at(limits: Limits, phase: Phase) -> Self {
        Self {
            limits,
            pending: VecDeque::new(),
            phase,
            attempts: 0,
            receipt: None,
            readings: 0,
            unreadable: 0,
            may_rewrite: false,
            recovered: false,
        }
    }

    /// What is to be done next.
    #[must_use]
    pub fn next_step(&self) -> Step {
        if let Some(event) = self.pending.front() {
            return Step::Record(event.clone());
        }
        match self.phase {
            Phase::Check => Step::Check,
            Phase::Write => Step::Write,
            Phase::Verify => Step::Verify(self.receipt.clone()),
            Phase::Wait => Step::Wait {
                readings: self.readings.saturating_add(self.unreadable),
            },
            Phase::Settled => Step::Settled,
            Phase::Unsettled => Step::Unsettled,
        }
    }

    /// What is to be recorded before anything else is done, in its order: [`Step::Record`] has the
    /// first of it. All of it may be recorded at once; then [`Input::Recorded`] is said of each.
    pub fn to_record(&self) -> impl Iterator<Item = &Event> {
        self.pending.iter()
    }

    /// Takes in what came of the step.
    ///
    /// # Errors
    /// `Unexpected` when the input does not belong to the present step; nothing has changed
    /// then.
    pub fn handle(&mut self, input: Input) -> Result<()> {
        let recording = !self.pending.is_empty();
        match (input, recording, self.phase) {
            (Input::Recorded, true, _) => {
                self.pending.pop_front();
            }
            (Input::Checked(check), false, Phase::Check) => self.checked(check),
            (Input::Written(written), false, Phase::Write) => self.written(written),
            (Input::HeldBack { reason }, false, Phase::Write) => {
                self.pending.push_back(Event::HeldBack { reason });
                self.phase = Phase::Check;
            }
            (Input::Verified(result), false, Phase::Verify) => self.verified(result),
            (Input::Waited, false, Phase::Wait) => self.phase = Phase::Verify,
            (input, ..) => {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    format!("{input:?} does not answer {:?}", self.next_step()),
                ));
            }
        }
        Ok(())
    }

    fn checked(&mut self, check: Check) {
        match check {
            Check::Held { observed } => {
                self.attempts += 1;
                self.pending.push_back(Event::PreconditionHeld { observed });
                self.pending.push_back(Event::Sent {
                    attempt: self.attempts,
                });
                self.phase = Phase::Write;
            }
            Check::Drifted { detail, observed } => {
                self.settle(Event::Drifted { detail, observed });
            }
            Check::Stands { verdict } => {
                self.pending.push_back(Event::Verified { verdict });
                self.settle(Event::Done { recovered: true });
            }
            Check::Unreadable(failure) => self.settle(Event::Failed {
                failure,
                retryable: true,
            }),
        }
    }

    fn written(&mut self, written: Written) {
        self.receipt = None;
        self.readings = 0;
        self.unreadable = 0;
        self.may_rewrite = false;
        self.recovered = false;
        match written {
            Written::Answered(receipt) => {
                self.receipt = Some(receipt.clone());
                self.await_proof(Event::Answered { receipt });
            }
            Written::Unknown(failure) => {
                self.recovered = true;
                self.await_proof(Event::OutcomeUnknown { failure });
            }
            Written::NotSent(failure) => self.settle(Event::Failed {
                failure,
                retryable: true,
            }),
            Written::Rejected(failure) => self.settle(Event::Failed {
                failure,
                retryable: false,
            }),
            Written::NotMapped(failure) => self.settle(Event::Skipped {
                cause: SkipCause::NotMapped,
                reason: failure.message,
            }),
        }
    }

    fn await_proof(&mut self, event: Event) {
        self.pending.push_back(event);
        self.phase = Phase::Verify;
    }

    fn verified(&mut self, result: std::result::Result<Verdict, Failure>) {
        let enough = self.limits.verify_attempts;
        match result {
            // What could not be read shows nothing: it does not count towards "not landed".
            Err(failure) => {
                self.pending.push_back(Event::Unverified { failure });
                self.unreadable += 1;
                let last = self.unreadable >= enough;
                self.phase = if last { Phase::Unsettled } else { Phase::Wait };
            }
            Ok(Verdict::NotLanded) => {
                self.pending.push_back(Event::Verified {
                    verdict: Verdict::NotLanded,
                });
                self.readings += 1;
                if self.readings >= enough {
                    self.has_not_landed();
                } else {
                    self.phase = Phase::Wait;
                }
            }
            Ok(Verdict::CannotTell { detail }) => {
                self.pending.push_back(Event::Verified {
                    verdict: Verdict::CannotTell { detail },
                });
                // Asking again would tell nothing else. An answered write is never repeated.
                self.phase = if self.receipt.is_none() && self.may_rewrite {
                    Phase::Check
                } else {
                    Phase::Unsettled
                };
            }
            Ok(verdict) => {
                self.pending.push_back(Event::Verified {
                    verdict: verdict.clone(),
                });
                self.conclude(verdict);
            }
        }
    }

    /// As many read-backs as are wanted showed the old state.
    fn has_not_landed(&mut self) {
        if self.receipt.is_some() {
            self.settle(Event::Conflict {
                detail: "the PSA said that it carried out the write and still shows the state \
                         from before"
                    .into(),
            });
        } else if self.may_rewrite {
            self.phase = Phase::Check;
        } else {
            // A write whose answer was lost may still be on its way.
            self.phase = Phase::Unsettled;
        }
    }

    fn conclude(&mut self, verdict: Verdict) {
        let recovered = self.recovered;
        match verdict {
            Verdict::Landed { .. } | Verdict::Made { .. } => {
                self.settle(Event::Done { recovered });
            }
            Verdict::Conflict { detail, .. } => self.settle(Event::Conflict { detail }),
            Verdict::NotLanded | Verdict::CannotTell { .. } => self.phase = Phase::Verify,
        }
    }

    fn settle(&mut self, event: Event) {
        self.pending.push_back(event);
        self.phase = Phase::Settled;
    }
}
