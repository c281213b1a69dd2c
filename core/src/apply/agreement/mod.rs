//! The rules of one agreement, without I/O and without a clock.

mod compare;
mod end;
mod in_hand;
mod steps;

use std::time::Duration;

pub(super) use self::compare::already_holds;
use self::compare::{check, looked_up, same_line};
use self::in_hand::{Hand, Rest, Work};
pub use self::steps::{AgreementInput, AgreementLimits, AgreementStep};
use super::{ChangeResult, Check, Input, Machine, Outcome, Permission, Step, Stop, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementLine, ChangeId, RunId, Timestamp};
use crate::plan::Change;
use crate::sink::{ReadBack, Verdict};
use crate::store::{ChangeRecord, ChangeState, Claim, Event, Failure, RecordedEvent};

/// How often a lease that comes too late is renewed, and a write is recorded that comes too late
/// to leave, before the work is given up.
const RENEWALS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Claim,
    Load,
    Work,
    Release,
    Finished,
}

/// The lines of the agreement, as they were read.
#[derive(Clone, Debug)]
struct LinesRead {
    lines: Vec<AgreementLine>,
    /// When they were asked for.
    asked: Timestamp,
    /// Until when they stand for those of further changes; without an end, until something is
    /// written.
    until: Option<Timestamp>,
}

impl LinesRead {
    fn stand_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// The state machine of the changes of one agreement: in order, one at a time, under a lease.
///
/// It holds what [`Machine`] does not: what becomes of the changes after one that went wrong,
/// the lines that are read once until the next write and come anew with its read-back where the sink
/// reads them all for it, the lease, the deadline and the stop.
/// The clock is an input, so that the same inputs give the same steps. For every sequence of
/// inputs: a write leaves only after its durable [`Event::Sent`], under a lease with a quarter
/// of its time left, and only when the approval grants the change; after a stop nothing begins.
/// A write that comes later than that, as where the process stood still, is held back: the
/// target is read and the write recorded anew, which fails where another has taken over. So is a
/// charge that another run may have made by then: of two that want the same, each has its intent on
/// record before it asks for the other's.
#[derive(Clone, Debug)]
pub struct AgreementMachine {
    limits: AgreementLimits,
    phase: Phase,
    work: Vec<Work>,
    /// The place of the change in hand.
    at: usize,
    hand: Hand,
    /// The lines as read since the last write, or, where the sink lets them, before it.
    lines: Option<LinesRead>,
    /// The changes whose line is not as the plan went on to assume.
    stuck: Vec<usize>,
    /// The changes whose charge another run has made or may have made, with that run and where it stands there.
    charged: Vec<(ChangeId, RunId, ChangeState)>,
    rest: Option<Rest>,
    stop: Option<Stop>,
    now: Timestamp,
    lease_until: Timestamp,
    /// Until when a holder of the lease before may have let a write leave.
    others_until: Timestamp,
    /// How often the lease was renewed for the present step.
    renewals: u32,
}

impl AgreementMachine {
    /// The work on the changes of one agreement, in their order, each with what the approval
    /// says about it.
    #[must_use]
    pub fn new(
        limits: AgreementLimits,
        changes: Vec<(ChangeRecord, Permission)>,
        now: Timestamp,
    ) -> Self {
        let work = changes.into_iter().map(|(record, permission)| Work {
            change: record.change,
            history: record.events,
            permission,
            pause: String::new(),
        });
        let mut machine = Self {
            limits,
            phase: Phase::Claim,
            work: work.collect(),
            at: 0,
            hand: Hand::Empty,
            lines: None,
            stuck: Vec::new(),
            charged: Vec::new(),
            rest: None,
            stop: None,
            now,
            lease_until: now,
            others_until: now,
            renewals: 0,
        };
        if machine.work.iter().all(|work| work.state().is_settled()) {
            machine.phase = Phase::Finished;
        } else if machine.is_late() {
            machine.stop(Stop::Deadline);
        }
        machine
    }

    /// What is to be done next.
    #[must_use]
    pub fn next_step(&self) -> AgreementStep {
        match self.phase {
            Phase::Claim => AgreementStep::Claim,
            Phase::Load => AgreementStep::Load,
            Phase::Release => AgreementStep::Release,
            Phase::Finished => AgreementStep::Finished,
            Phase::Work => self.step_in_hand(),
        }
    }

    fn step_in_hand(&self) -> AgreementStep {
        let Some(work) = self.work.get(self.at) else {
            return AgreementStep::Finished;
        };
        let record = |events: Vec<Event>| AgreementStep::Record {
            change: work.change.id.clone(),
            seq: u32::try_from(work.history.len()).unwrap_or(u32::MAX),
            events,
        };
        let machine = match &self.hand {
            Hand::Empty => return AgreementStep::Finished,
            Hand::Skip(event) => return record(vec![event.clone()]),
            Hand::Change { machine, .. } => machine,
        };
        if let Some(needed) = self.lease_needed(machine) {
            return AgreementStep::Renew(needed);
        }
        match machine.next_step() {
            Step::Record(_) => record(machine.to_record().cloned().collect()),
            Step::Check if work.change.action.makes_record() => {
                AgreementStep::LookUp(work.change.id.clone())
            }
            Step::Check => AgreementStep::Read,
            Step::Write if self.asks_for_charges() => {
                AgreementStep::Charges(work.change.id.clone())
            }
            Step::Write => AgreementStep::Write(work.change.id.clone()),
            Step::Verify(receipt) => AgreementStep::Verify(work.change.id.clone(), receipt),
            Step::Wait { readings } => AgreementStep::Wait(self.limits.pause(readings)),
            Step::Settled | Step::Unsettled => AgreementStep::Finished,
        }
    }

    /// For how long the lease has to be renewed before the step, where it has to be.
    fn lease_needed(&self, machine: &Machine) -> Option<Duration> {
        let needed = match machine.next_step() {
            Step::Wait { readings } if self.renewals < RENEWALS => {
                self.limits.pause(readings) + self.limits.margin()
            }
            _ => return None,
        };
        (self.now.plus(needed) > self.lease_until).then(|| needed.max(self.limits.lease))
    }

    /// The changes that may still be taken in hand, of all those of the agreement in their order.
    pub(super) fn ahead<'c>(&self, changes: &'c [Change]) -> &'c [Change] {
        changes.get(self.at..).unwrap_or_default()
    }

    /// Says that the work is to stop; of two stops the first stands, but a journal that fails
    /// goes before everything.
    ///
    /// A change that has begun is settled first, and a write that has left is proved as far as
    /// the journal takes it. Nothing begins.
    pub fn stop(&mut self, stop: Stop) {
        let failed = matches!(stop, Stop::Journal { .. });
        if self.stop.is_none() || failed {
            self.stop = Some(stop);
        }
        let put_back = match &self.hand {
            Hand::Empty | Hand::Skip(_) => true,
            Hand::Change { begun, wrote, .. } => !begun || (failed && !wrote),
        };
        match self.phase {
            Phase::Claim => {
                self.leave_the_rest();
                self.phase = Phase::Finished;
            }
            Phase::Work => {
                if put_back {
                    self.hand = Hand::Empty;
                }
                self.go_on();
            }
            _ => {}
        }
    }

    /// Why it stopped before its last change; absent where it did not.
    #[must_use]
    pub fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// What became of the changes so far, in their order.
    #[must_use]
    pub fn results(&self) -> Vec<ChangeResult> {
        self.work.iter().map(Work::result).collect()
    }

    /// Takes in what came of the step, and the present instant.
    ///
    /// # Errors
    /// `Unexpected` when the input does not belong to the present step; nothing has changed
    /// then.
    pub fn handle(&mut self, input: AgreementInput, now: Timestamp) -> Result<()> {
        let step = self.next_step();
        let asked = self.now;
        self.now = self.now.max(now);
        match (step, input) {
            (AgreementStep::Claim, AgreementInput::Claimed(claim)) => self.claimed(claim),
            (
                AgreementStep::Load,
                AgreementInput::Loaded {
                    records,
                    elsewhere,
                    charged,
                },
            ) => {
                self.charged = charged;
                self.loaded(records, elsewhere);
            }
            (
                AgreementStep::Record {
                    change,
                    seq,
                    events,
                },
                AgreementInput::Recorded { at },
            ) => {
                for (seq, event) in (seq..).zip(events) {
                    let change = change.clone();
                    self.recorded(RecordedEvent {
                        change,
                        seq,
                        at,
                        event,
                    })?;
                }
            }
            (AgreementStep::Renew(_), AgreementInput::Renewed { until }) => {
                self.lease_until = until;
                self.renewals += 1;
            }
            (AgreementStep::Read, AgreementInput::Lines(lines)) => self.read(lines, asked)?,
            (AgreementStep::LookUp(_), AgreementInput::LookedUp(found)) => {
                self.feed(Input::Checked(looked_up(found)))?;
            }
            (AgreementStep::Charges(change), AgreementInput::Charged(elsewhere)) => {
                self.charges_seen(change, elsewhere);
            }
            (AgreementStep::Write(_), AgreementInput::Written(written)) => {
                self.feed(Input::Written(written))?;
            }
            (AgreementStep::Verify(..), AgreementInput::Verified(result)) => {
                self.read_back(result, asked)?;
            }
            (AgreementStep::Wait(_), AgreementInput::Waited) => self.feed(Input::Waited)?,
            (AgreementStep::Release, AgreementInput::Released) => self.phase = Phase::Finished,
            (
                AgreementStep::Record { .. }
                | AgreementStep::Renew(_)
                | AgreementStep::Read
                | AgreementStep::LookUp(_)
                | AgreementStep::Write(_)
                | AgreementStep::Verify(..),
                AgreementInput::LeaseLost,
            ) => self.fail(None),
            (step, AgreementInput::NotRecorded { from, failure })
                if step != AgreementStep::Finished =>
            {
                self.take_back(&from);
                self.fail(failure);
            }
            (
                AgreementStep::Claim
                | AgreementStep::Load
                | AgreementStep::Record { .. }
                | AgreementStep::Renew(_)
                | AgreementStep::Read
                | AgreementStep::LookUp(_)
                | AgreementStep::Charges(_)
                | AgreementStep::Write(_)
                | AgreementStep::Verify(..),
                AgreementInput::JournalFailed(failure),
            ) => self.fail(Some(failure)),
            (step, input) => {
                return Err(Error::new(
                    ErrorKind::Unexpected,
                    format!("{input:?} does not answer {step:?}"),
                ));
            }
        }
        self.go_on();
        Ok(())
    }

    fn claimed(&mut self, claim: Claim) {
        match claim {
            Claim::Taken { lease, before } => {
                self.lease_until = lease.until;
                self.others_until = before.unwrap_or(self.now);
                self.phase = Phase::Load;
            }
            Claim::Held(lease) => self.give_up(format!(
                "{} is at work on the agreement, at least until {}",
                lease.holder, lease.until
            )),
        }
    }

    fn loaded(&mut self, records: Vec<ChangeRecord>, elsewhere: Option<RunId>) {
        for record in records {
            let known = |work: &&mut Work| work.change.id == record.change.id;
            if let Some(work) = self.work.iter_mut().find(known) {
                work.history = record.events;
            }
        }
        if let Some(other) = elsewhere {
            self.rest = Some(Rest::Waits(format!(
                "run {other} has an unsettled change on the agreement and is to be resumed first"
            )));
        }
        self.phase = Phase::Work;
    }

    fn recorded(&mut self, recorded: RecordedEvent) -> Result<()> {
        self.lease_until = self.lease_until.max(recorded.at.plus(self.limits.lease));
        self.work[self.at].history.push(recorded);
        if let Hand::Skip(_) = self.hand {
            self.put_down();
            return Ok(());
        }
        self.feed(Input::Recorded)
    }

    fn feed(&mut self, input: Input) -> Result<()> {
        let kept = match &input {
            Input::Written(Written::Answered(_)) | Input::Verified(Ok(Verdict::Landed { .. })) => {
                self.lines_still_hold()
            }
            Input::Written(_) | Input::Verified(_) | Input::HeldBack { .. } => None,
            _ => self.lines.take(),
        };
        self.lines = kept;
        let Hand::Change {
            machine,
            begun,
            wrote,
            held_back,
            charges_seen,
        } = &mut self.hand
        else {
            return Ok(());
        };
        *begun = true;
        *charges_seen = false;
        *wrote |= matches!(input, Input::Written(_) | Input::Verified(_));
        *held_back += u32::from(matches!(input, Input::HeldBack { .. }));
        self.renewals = 0;
        machine.handle(input)
    }

    /// Takes in what reading back showed; and the lines that came with the proof that the change has
    /// landed, as those that the next one is compared with.
    fn read_back(
        &mut self,
        result: std::result::Result<ReadBack, Failure>,
        asked: Timestamp,
    ) -> Result<()> {
        let (verdict, lines) = match result {
            Ok(ReadBack { verdict, lines }) => (Ok(verdict), lines),
            Err(failure) => (Err(failure), None),
        };
        let verdict = self.told(verdict);
        let landed = matches!(verdict, Ok(Verdict::Landed { .. }));
        self.feed(Input::Verified(verdict))?;
        if let Some(lines) = lines.filter(|_| landed) {
            self.lines = Some(LinesRead {
                lines,
                asked,
                until: Some(self.now.plus(self.limits.lines_stand_for())),
            });
        }
        Ok(())
    }

    /// What reading back showed. That a system cannot tell settles nothing but of an absolute value,
    /// which may be set again.
    fn told(
        &self,
        result: std::result::Result<Verdict, Failure>,
    ) -> std::result::Result<Verdict, Failure> {
        match result {
            Ok(Verdict::CannotTell { detail })
                if !self.work[self.at].change.action.is_absolute() =>
            {
                Err(Failure::new(ErrorKind::Unsupported, detail))
            }
            result => result,
        }
    }

    /// The lines as read before the write of the change in hand, where they may stand for those of the
    /// changes after it once it has landed: none of them is about the line that it has changed.
    fn lines_still_hold(&mut self) -> Option<LinesRead> {
        let read = self.lines.take()?;
        let until = read.asked.plus(self.limits.lines_hold_for);
        let now = &self.work[self.at].change;
        let mut next = self.work[self.at + 1..].iter();
        let holds = until > self.now && !next.any(|next| same_line(&next.change, now));
        holds.then_some(LinesRead {
            until: Some(until),
            ..read
        })
    }

    fn read(
        &mut self,
        lines: std::result::Result<Vec<AgreementLine>, Failure>,
        asked: Timestamp,
    ) -> Result<()> {
        match lines {
            Ok(lines) => {
                self.lines = Some(LinesRead {
                    lines,
                    asked,
                    until: None,
                });
                Ok(())
            }
            Err(failure) => {
                self.rest = Some(Rest::Skipped(format!(
                    "the lines of the agreement could not be read: {}",
                    failure.message
                )));
                self.feed(Input::Checked(Check::Unreadable(failure)))
            }
        }
    }

    /// Moves on to the next step that somebody has to carry out.
    fn go_on(&mut self) {
        while self.phase == Phase::Work {
            let Hand::Change { machine, .. } = &self.hand else {
                if matches!(self.hand, Hand::Skip(_)) || self.take_up() {
                    return;
                }
                self.phase = Phase::Release;
                return;
            };
            match machine.next_step() {
                Step::Settled => self.put_down(),
                Step::Unsettled => {
                    self.work[self.at].pause = self.how_to_settle();
                    self.put_down();
                }
                Step::Check if self.gives_up_writing() => {
                    let elsewhere = self.charged_elsewhere(&self.work[self.at]);
                    let Some((detail, true)) = elsewhere.filter(|_| self.stop.is_none()) else {
                        self.put_down();
                        continue;
                    };
                    let observed = None;
                    let drifted = Input::Checked(Check::Drifted { detail, observed });
                    if self.feed(drifted).is_err() {
                        return;
                    }
                }
                Step::Check => {
                    if self.work[self.at].change.action.makes_record() {
                        return;
                    }
                    let now = self.now;
                    self.lines.take_if(|read| !read.stand_at(now));
                    let Some(read) = &self.lines else { return };
                    let check = check(&self.work[self.at].change, &read.lines);
                    if self.feed(Input::Checked(check)).is_err() {
                        return;
                    }
                }
                Step::Write => {
                    if let Some(stop @ Stop::Journal { .. }) = &self.stop {
                        self.work[self.at].pause = stop.to_string();
                        self.put_down();
                        continue;
                    }
                    let Some(reason) = self.reason_to_hold_back() else {
                        return;
                    };
                    if self.feed(Input::HeldBack { reason }).is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    fn is_late(&self) -> bool {
        let deadline = self.limits.deadline;
        deadline.is_some_and(|deadline| self.now >= deadline)
    }

    /// Takes the next change in hand that something is to be done about.
    fn take_up(&mut self) -> bool {
        while self.at < self.work.len() {
            let work = &self.work[self.at];
            let state = work.state();
            if state.is_settled() {
                self.put_down();
                continue;
            }
            if self.stop.is_none() && self.is_late() {
                self.stop = Some(Stop::Deadline);
            }
            if self.stop.is_some() || matches!(self.rest, Some(Rest::Waits(_))) {
                self.leave_the_rest();
                return false;
            }
            // A write that may have left is settled, whatever speaks against the change by now.
            let begun = state.is_unsettled();
            let skip = if begun {
                None
            } else {
                self.reason_to_skip(work)
            };
            if skip.is_none()
                && !begun
                && let Some((reason, _)) = self.charged_elsewhere(work)
            {
                // Nothing of it is out, and no other change rests on it.
                self.work[self.at].pause = reason;
                self.put_down();
                continue;
            }
            self.hand = match skip {
                Some(event) => Hand::Skip(event),
                None => Hand::Change {
                    machine: self.machine(work),
                    begun: false,
                    wrote: state.is_unsettled(),
                    held_back: 0,
                    charges_seen: false,
                },
            };
            return true;
        }
        false
    }

    /// Is done with the change in hand, and draws from its outcome what it means for those
    /// after it.
    fn put_down(&mut self) {
        self.hand = Hand::Empty;
        self.renewals = 0;
        let work = &self.work[self.at];
        let id = &work.change.id;
        match work.result().outcome {
            Outcome::Failed { .. } | Outcome::Drifted => self.stuck.push(self.at),
            Outcome::Conflict => {
                self.rest = Some(Rest::Skipped(format!(
                    "change {id} of the agreement is in conflict"
                )));
            }
            Outcome::Unsettled => {
                self.rest = Some(Rest::Waits(format!(
                    "change {id} of the agreement is unsettled"
                )));
            }
            _ => {}
        }
        self.at += 1;
    }
}
