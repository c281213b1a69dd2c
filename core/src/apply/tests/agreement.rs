//! The rules of one agreement, against every sequence of answers, crashes and stops.

mod cases;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{approval, change, changes, day, lines, set_quantity};
use crate::apply::{
    AgreementInput, AgreementLimits, AgreementMachine, AgreementStep, ApplyOptions, ChangeResult,
    Outcome, Permission, Stop, Written,
};
use crate::error::ErrorKind;
use crate::model::{AgreementLine, ChangeId, LineState, RunId, Timestamp};
use crate::plan::{Action, Change};
use crate::sink::{MadeRecord, ReadBack, Receipt, Verdict};
use crate::store::{ChangeRecord, ChangeState, Claim, Event, Failure, Lease, RecordedEvent};

const LEASE: Duration = Duration::from_secs(60);
const MARGIN: Duration = Duration::from_secs(15);
const LATE: Duration = Duration::from_secs(600);
const CHARGE: &str = "d1";
/// The answers that say what another run made of the charge.
const DONE_ELSEWHERE: u8 = 9;
const OPEN_ELSEWHERE: u8 = 10;

fn limits() -> AgreementLimits {
    let mut options = ApplyOptions::new();
    options.verify_attempts = 3;
    options.verify_wait = Duration::from_secs(40);
    options.verify_wait_max = Duration::from_secs(100);
    options.late_write = LATE;
    options.lease = LEASE;
    options.limits()
}

/// The changes of a1 and one more of its first line; one of them is not approved.
fn work() -> Vec<(Change, Permission)> {
    let mut all = changes();
    all.retain(|change| change.agreement.as_str() == "a1");
    all.push(set_quantity("c8", "a1", "p1", "l1", (12, 14)));
    let end = Action::EndLine {
        line: "l2".into(),
        from: 5_u32.into(),
        last_day: day("2026-01-31"),
        replaced_by: None,
    };
    all.push(change("c9", "a1", "p2", end));
    all.insert(2, super::made::charge(CHARGE, "2026-03-06"));
    let only = ["c1", "c3", CHARGE, "c5", "c6", "c8", "c9"].map(ChangeId::from);
    let approved = approval().with_only(only);
    let permissions = approved.permissions(&all);
    all.into_iter().zip(permissions).collect()
}

fn failure() -> Failure {
    Failure::new(ErrorKind::Timeout, "told to fail")
}

fn made() -> Verdict {
    Verdict::Made {
        record: MadeRecord::Charge("ch1".into()),
        detail: "812.44 on 2026-03-06".into(),
    }
}

fn state(quantity: u32) -> LineState {
    AgreementLine::new("l1", "p1", quantity).state
}

fn lease(holder: &str, until: Timestamp) -> Lease {
    Lease {
        sink: "scripted".into(),
        agreement: "a1".into(),
        holder: holder.into(),
        fence: 1,
        until,
    }
}

/// What outlives the machines: the journal, the time, and what left.
struct Model {
    work: Vec<(Change, Permission)>,
    histories: BTreeMap<ChangeId, Vec<RecordedEvent>>,
    /// What is said to be recorded, and is not yet.
    put_off: Vec<RecordedEvent>,
    /// What the present machine was told of charges that other runs may have made.
    charged: Vec<(ChangeId, RunId, ChangeState)>,
    /// Whether it was asked for them since the last intent was recorded.
    charges_seen: bool,
    /// When each write left at the latest.
    left: BTreeMap<(ChangeId, u32), Timestamp>,
    now: Timestamp,
    lease_until: Timestamp,
    /// How often the lease was renewed since the last step of another kind.
    renewals: u32,
}

/// What holds of one machine from its first step to its last.
struct Watch {
    machine: AgreementMachine,
    twin: AgreementMachine,
    /// The place of the latest change that it worked on.
    at: usize,
    /// The stop, and the change that was in hand then.
    stopped: Option<(Stop, Option<ChangeId>)>,
}

impl Model {
    fn new() -> Self {
        Self {
            work: work(),
            histories: BTreeMap::new(),
            put_off: Vec::new(),
            charged: Vec::new(),
            charges_seen: false,
            left: BTreeMap::new(),
            now: Timestamp::EPOCH,
            lease_until: Timestamp::EPOCH,
            renewals: 0,
        }
    }

    fn records(&self) -> Vec<ChangeRecord> {
        let record = |(change, _): &(Change, Permission)| ChangeRecord {
            change: change.clone(),
            events: self.histories.get(&change.id).cloned().unwrap_or_default(),
        };
        self.work.iter().map(record).collect()
    }

    fn watch(&self) -> Watch {
        let machine = || {
            let permissions = self.work.iter().map(|(_, permission)| permission.clone());
            let changes = self.records().into_iter().zip(permissions).collect();
            AgreementMachine::new(limits(), changes, self.now)
        };
        Watch {
            machine: machine(),
            twin: machine(),
            at: 0,
            stopped: None,
        }
    }

    fn on_record(&self, change: &ChangeId) -> &[RecordedEvent] {
        self.histories.get(change).map_or(&[], Vec::as_slice)
    }

    /// What a machine was told to be recorded.
    fn history(&self, change: &ChangeId) -> Vec<RecordedEvent> {
        let put_off = self.put_off.iter().filter(|event| event.change == *change);
        let on_record = self.on_record(change).iter();
        on_record.chain(put_off).cloned().collect()
    }

    fn add(&mut self, events: &[RecordedEvent]) {
        for event in events {
            let history = self.histories.entry(event.change.clone()).or_default();
            history.push(event.clone());
        }
    }

    /// Checks a step against all that was seen.
    fn check(&self, watch: &mut Watch, step: &AgreementStep) {
        assert_eq!(
            *step,
            watch.twin.next_step(),
            "the same inputs, the same steps"
        );
        let (AgreementStep::Record { change, .. }
        | AgreementStep::Write(change)
        | AgreementStep::Verify(change, _)) = step
        else {
            return;
        };
        let place = self.work.iter().position(|(known, _)| known.id == *change);
        let place = place.unwrap();
        assert!(place >= watch.at, "{change} comes after a later one");
        watch.at = place;
        if let Some((stop, in_hand)) = &watch.stopped {
            assert_eq!(
                in_hand.as_ref(),
                Some(change),
                "nothing begins after a stop"
            );
            let failed = matches!(stop, Stop::Journal { .. });
            assert!(!failed || !matches!(step, AgreementStep::Write(_)));
        }
        match step {
            AgreementStep::Write(change) => self.check_write(change, &self.work[place].1),
            AgreementStep::Record {
                change,
                seq,
                events,
            } => {
                let history = self.history(change);
                assert_eq!(*seq as usize, history.len());
                assert!(!history.last().is_some_and(|last| last.event.is_final()));
                let (last, before) = events.split_last().unwrap();
                assert!(!before.iter().any(Event::is_final));
                for event in before {
                    assert!(
                        !matches!(event, Event::Sent { .. }),
                        "it is the last before its write"
                    );
                }
                if let Event::Sent { attempt } = last {
                    self.check_sent(change, *attempt);
                }
            }
            _ => {}
        }
    }

    fn check_write(&self, change: &ChangeId, permission: &Permission) {
        assert_eq!(self.put_off, [], "a write leaves before all is on record");
        let last = self
            .on_record(change)
            .last()
            .map(|recorded| &recorded.event);
        let Some(Event::Sent { attempt }) = last else {
            panic!("{change} leaves after {last:?}");
        };
        let again = self.left.contains_key(&(change.clone(), *attempt));
        assert!(!again, "{change} leaves twice for one intent");
        assert!(permission.is_granted(), "{change} is not approved");
        let elsewhere = self.charged.iter().any(|(charge, ..)| charge == change);
        assert!(!elsewhere, "{change} is charged by another run as well");
        let is_charge = change.as_str() == CHARGE;
        assert!(self.charges_seen || !is_charge, "nobody asked for charges");
        assert!(self.now.plus(MARGIN) <= self.lease_until, "the lease ends");
    }

    /// A second write needs the proof that the first was held back, or has not landed and no
    /// longer can.
    fn check_sent(&self, change: &ChangeId, attempt: u32) {
        let history = self.history(change);
        let sent = |recorded: &RecordedEvent| matches!(recorded.event, Event::Sent { .. });
        let Some(last) = history.iter().rposition(sent) else {
            assert_eq!(attempt, 1);
            return;
        };
        assert_eq!(
            history[last].event,
            Event::Sent {
                attempt: attempt - 1
            }
        );
        let left = self.left.get(&(change.clone(), attempt - 1));
        let next = history.get(last + 1).map(|recorded| &recorded.event);
        if let Some(Event::HeldBack { .. }) = next {
            assert_eq!(left, None, "what was held back did not leave");
            return;
        }
        let not_landed = Event::Verified {
            verdict: Verdict::NotLanded,
        };
        let after = &history[last..];
        assert!(after.iter().any(|recorded| recorded.event == not_landed));
        let answered = |recorded: &RecordedEvent| matches!(recorded.event, Event::Answered { .. });
        assert!(
            !after.iter().any(answered),
            "an answered write is never repeated"
        );
        let late = left.is_none_or(|left| self.now.since(*left) >= LATE);
        assert!(late, "it may still arrive");
    }

    /// The write whose turn it is has left, at the latest now.
    fn write_left(&mut self, change: &ChangeId) {
        match self.on_record(change).last().map(|last| &last.event) {
            Some(Event::Sent { attempt }) => {
                self.left.insert((change.clone(), *attempt), self.now);
            }
            other => panic!("{other:?}"),
        }
    }

    /// The machine is gone; where a write was under way, so long after it began. Its lease was
    /// renewed until then.
    fn crash(&mut self, watch: &mut Watch, passes: u64) {
        let step = watch.machine.next_step();
        self.check(watch, &step);
        if let AgreementStep::Write(change) = &step {
            self.now = self.now.plus(Duration::from_secs(passes));
            self.renewed(LEASE);
            self.write_left(change);
        }
        self.put_off.clear();
    }

    fn renewed(&mut self, time: Duration) -> Timestamp {
        self.lease_until = self.lease_until.max(self.now.plus(time));
        self.lease_until
    }

    /// Records events and all that was put off; what went wrong where it did.
    fn record(&mut self, events: Vec<RecordedEvent>, choice: u8) -> Option<AgreementInput> {
        let put_off = !self.put_off.is_empty();
        let mut all = std::mem::take(&mut self.put_off);
        all.extend(events);
        let mut from: Vec<(ChangeId, u32)> = Vec::new();
        for event in &all {
            if from.iter().all(|(change, _)| *change != event.change) {
                from.push((event.change.clone(), event.seq));
            }
        }
        // A journal may add the first alone; or all, and say that it failed.
        let added = match choice % 32 {
            0 | 1 => 0,
            4 => 1,
            _ => all.len(),
        };
        self.add(&all[..added]);
        let failed = matches!(choice % 32, 1 | 2 | 4).then(failure);
        match (failed, choice.is_multiple_of(32)) {
            (None, false) => {
                self.renewed(LEASE);
                None
            }
            (failure, _) if put_off => Some(AgreementInput::NotRecorded { from, failure }),
            (Some(failure), _) => Some(AgreementInput::JournalFailed(failure)),
            (None, true) => Some(AgreementInput::LeaseLost),
        }
    }

    /// The n-th thing that another run may have made of the charge.
    fn charged_elsewhere(&mut self, choice: u8) -> Vec<(ChangeId, RunId, ChangeState)> {
        let state = match choice % 16 {
            DONE_ELSEWHERE => Some(ChangeState::Done),
            OPEN_ELSEWHERE => Some(ChangeState::Unknown),
            12 => Some(ChangeState::Conflict),
            _ => None,
        };
        let charged = |state| (CHARGE.into(), "r8".into(), state);
        self.charged = state.map(charged).into_iter().collect();
        self.charged.clone()
    }

    /// The n-th answer that fits a step.
    fn answer(&mut self, step: &AgreementStep, choice: u8) -> AgreementInput {
        let records = matches!(step, AgreementStep::Record { .. });
        if !records
            && !self.put_off.is_empty()
            && let Some(failed) = self.record(Vec::new(), choice)
        {
            return failed;
        }
        match step {
            AgreementStep::Claim if choice.is_multiple_of(8) => {
                AgreementInput::Claimed(Claim::Held(lease("other", self.now.plus(LEASE))))
            }
            AgreementStep::Claim => {
                let before = Some(self.lease_until);
                self.lease_until = self.now.plus(LEASE);
                let lease = lease("own", self.lease_until);
                AgreementInput::Claimed(Claim::Taken { lease, before })
            }
            AgreementStep::Load => AgreementInput::Loaded {
                records: self.records(),
                elsewhere: choice.is_multiple_of(8).then(|| "r9".into()),
                charged: self.charged_elsewhere(choice),
            },
            AgreementStep::Charges(_) => {
                self.charges_seen = true;
                let mut elsewhere = self.charged_elsewhere(choice).into_iter();
                AgreementInput::Charged(elsewhere.next().map(|(_, run, state)| (run, state)))
            }
            AgreementStep::Read => AgreementInput::Lines(match choice % 8 {
                0 => Err(failure()),
                1 => Ok(Vec::new()),
                _ => Ok(lines().remove(&"a1".into()).unwrap()),
            }),
            AgreementStep::LookUp(_) => AgreementInput::LookedUp(match choice % 8 {
                0 => Err(failure()),
                1 => Ok(made()),
                2 => Ok(Verdict::Conflict {
                    detail: "another amount".into(),
                    observed: None,
                }),
                _ => Ok(Verdict::NotLanded),
            }),
            AgreementStep::Renew(_) if choice.is_multiple_of(32) => AgreementInput::LeaseLost,
            AgreementStep::Record {
                change,
                seq,
                events,
            } => {
                let at = self.now;
                let recorded = |(seq, event): (u32, &Event)| RecordedEvent {
                    change: change.clone(),
                    seq,
                    at,
                    event: event.clone(),
                };
                let recorded: Vec<_> = (*seq..).zip(events).map(recorded).collect();
                let sent = matches!(events.last(), Some(Event::Sent { .. }));
                self.charges_seen &= !sent;
                if !sent && choice % 3 == 1 {
                    self.put_off.extend(recorded);
                    return AgreementInput::Recorded { at };
                }
                self.record(recorded, choice)
                    .unwrap_or(AgreementInput::Recorded { at })
            }
            AgreementStep::Renew(time) => {
                self.renewals += 1;
                let until = self.renewed(*time);
                AgreementInput::Renewed { until }
            }
            AgreementStep::Write(change) => {
                self.write_left(change);
                if choice.is_multiple_of(16) {
                    return AgreementInput::LeaseLost;
                }
                AgreementInput::Written(match choice % 5 {
                    0 => Written::NotSent(failure()),
                    1 => Written::Rejected(failure()),
                    2 => Written::Answered(Receipt::new("l1")),
                    _ => Written::Unknown(failure()),
                })
            }
            AgreementStep::Verify(..) => AgreementInput::Verified(match choice % 6 {
                0 => {
                    let landed = Verdict::Landed {
                        line: "l1".into(),
                        observed: state(1),
                    };
                    let all = lines().remove(&"a1".into()).unwrap();
                    Ok(match choice % 4 {
                        0 => ReadBack::with_lines(landed, all),
                        _ => landed.into(),
                    })
                }
                1 => Ok(ReadBack::from(Verdict::Conflict {
                    detail: "moved".into(),
                    observed: Some(state(9)),
                })),
                2 => Err(failure()),
                _ => Ok(Verdict::NotLanded.into()),
            }),
            AgreementStep::Wait(time) => {
                let held = self.now.plus(*time) <= self.lease_until;
                assert!(held || self.renewals == 3, "it sleeps past its lease");
                self.now = self.now.plus(*time);
                AgreementInput::Waited
            }
            AgreementStep::Release => AgreementInput::Released,
            AgreementStep::Finished => panic!("nothing answers the end"),
        }
    }

    /// Carries out one step; says whether there was one.
    fn step(&mut self, watch: &mut Watch, choice: u8, passes: u64) -> bool {
        let step = watch.machine.next_step();
        self.check(watch, &step);
        if step == AgreementStep::Finished {
            self.check_results(&watch.machine.results());
            return false;
        }
        let passes = Duration::from_secs(passes);
        if let AgreementStep::Write(_) = step {
            // A sink may wait for its turn: the write leaves at the end of the request.
            self.now = self.now.plus(passes);
            self.renewed(LEASE);
        }
        let input = self.answer(&step, choice);
        if !matches!(step, AgreementStep::Renew(_)) {
            self.renewals = 0;
        }
        if !matches!(step, AgreementStep::Write(_)) {
            self.now = self.now.plus(passes);
        }
        watch.machine.handle(input.clone(), self.now).unwrap();
        watch.twin.handle(input, self.now).unwrap();
        true
    }

    /// Checks that what is said to be settled is so in the journal.
    fn check_results(&self, results: &[ChangeResult]) {
        assert_eq!(self.put_off, [], "the work ends before all is on record");
        for result in results.iter().filter(|result| !result.resumable) {
            let last = self.on_record(&result.change).last();
            assert!(last.is_some_and(|last| last.event.is_final()), "{result:?}");
        }
    }

    /// Brings everything to its end: whatever is asked is answered well.
    fn finish(&mut self) -> Vec<ChangeResult> {
        self.now = self.now.plus(LATE);
        let mut watch = self.watch();
        for _ in 0..500 {
            let well = match watch.machine.next_step() {
                AgreementStep::Finished => {
                    let results = watch.machine.results();
                    self.check_results(&results);
                    return results;
                }
                AgreementStep::Write(_) => 2,
                AgreementStep::Verify(..) => 6,
                _ => 7,
            };
            self.step(&mut watch, well, 0);
        }
        panic!("it does not come to an end");
    }
}

impl Watch {
    fn stop(&mut self, stop: &Stop) {
        let in_hand = match self.machine.next_step() {
            AgreementStep::Record { change, .. }
            | AgreementStep::Charges(change)
            | AgreementStep::Write(change)
            | AgreementStep::LookUp(change)
            | AgreementStep::Verify(change, _) => Some(change),
            AgreementStep::Wait(_) | AgreementStep::Read | AgreementStep::Renew(_) => {
                let mut results = self.machine.results().into_iter();
                results
                    .find(|result| result.resumable)
                    .map(|result| result.change)
            }
            _ => None,
        };
        self.machine.stop(stop.clone());
        self.twin.stop(stop.clone());
        self.stopped.get_or_insert((stop.clone(), in_hand));
    }
}

#[derive(Clone, Debug)]
enum Move {
    Answer(u8, u64),
    Crash(u64),
    Cancel,
    JournalFails,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let passes = prop_oneof![8 => 0..3_u64, 2 => 3..70_u64, 1 => 500..700_u64];
    let one = prop_oneof![
        40 => (any::<u8>(), passes).prop_map(|(choice, passes)| Move::Answer(choice, passes)),
        2 => (0..200_u64).prop_map(Move::Crash),
        1 => Just(Move::Cancel),
        1 => Just(Move::JournalFails),
    ];
    prop::collection::vec(one, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// A write leaves only after its durable intent, never twice without proof, in order, under
    /// a lease and an approval, and not after a stop; and every history can be brought to its
    /// end, where it stays.
    #[test]
    fn whatever_is_answered_and_wherever_it_stops_the_rules_hold(moves in moves()) {
        let mut model = Model::new();
        let mut watch = model.watch();
        for one in moves {
            match one {
                Move::Answer(choice, passes) => {
                    if !model.step(&mut watch, choice, passes) {
                        watch = model.watch();
                    }
                }
                Move::Crash(passes) => {
                    model.crash(&mut watch, passes);
                    watch = model.watch();
                }
                Move::Cancel => watch.stop(&Stop::Cancelled),
                Move::JournalFails => watch.stop(&Stop::Journal { failure: failure() }),
            }
        }
        let results = model.finish();
        prop_assert!(results.iter().all(|result| !result.resumable), "{results:?}");
        let again = model.watch().machine;
        prop_assert_eq!(again.next_step(), AgreementStep::Finished);
        prop_assert_eq!(again.results(), results);
    }
}
