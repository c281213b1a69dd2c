//! The rules of one change, against every sequence of answers.

use proptest::prelude::*;

use crate::apply::{Check, Input, Limits, Machine, Step, Written};
use crate::error::ErrorKind;
use crate::model::LineState;
use crate::sink::{Receipt, Verdict};
use crate::store::{ChangeState, Event, Failure};

fn failure() -> Failure {
    Failure::new(ErrorKind::Timeout, "told to fail")
}

fn landed() -> Verdict {
    Verdict::Landed {
        line: "l1".into(),
        observed: LineState {
            quantity: 1_u32.into(),
            ..LineState::default()
        },
    }
}

/// The n-th answer that fits a step; none where the machine stops.
fn answer(step: &Step, choice: u8) -> Option<Input> {
    Some(match step {
        Step::Record(_) => Input::Recorded,
        Step::Check => Input::Checked(match choice % 4 {
            0 => Check::Drifted {
                detail: "moved".into(),
                observed: None,
            },
            1 => Check::Unreadable(failure()),
            _ => Check::Held { observed: None },
        }),
        Step::Write if choice % 6 == 5 => Input::HeldBack {
            reason: "too late".into(),
        },
        Step::Write => Input::Written(match choice % 6 {
            0 => Written::NotSent(failure()),
            1 => Written::Rejected(failure()),
            2 => Written::Answered(Receipt::new("l1")),
            _ => Written::Unknown(failure()),
        }),
        Step::Verify(_) => Input::Verified(match choice % 6 {
            0 => Ok(landed()),
            1 => Ok(Verdict::Conflict {
                detail: "moved".into(),
                observed: None,
            }),
            2 => Err(failure()),
            _ => Ok(Verdict::NotLanded),
        }),
        Step::Wait { .. } => Input::Waited,
        Step::Settled | Step::Unsettled => return None,
    })
}

/// Whether the history proves that no write of the change is out.
fn proves_that_none_is_out(history: &[Event]) -> bool {
    let last_sent = history
        .iter()
        .rposition(|event| matches!(event, Event::Sent { .. }));
    last_sent.is_none_or(|last| {
        let after = &history[last..];
        if let Some(Event::HeldBack { .. }) = after.get(1) {
            return true;
        }
        let not_landed = Event::Verified {
            verdict: Verdict::NotLanded,
        };
        after.contains(&not_landed)
            && !after
                .iter()
                .any(|event| matches!(event, Event::Answered { .. }))
    })
}

proptest! {
    #[test]
    fn a_write_leaves_only_after_an_intent_of_its_own_and_only_when_none_is_out(
        attempts in 0..4_u32,
        choices in prop::collection::vec(any::<u8>(), 0..80),
        stops in prop::collection::btree_set(0..80_usize, 0..4),
    ) {
        let limits = Limits { verify_attempts: attempts, may_rewrite: true };
        let mut history: Vec<Event> = Vec::new();
        let mut sent = 0;
        let mut machine = Machine::start(limits, None);
        for (index, choice) in choices.iter().enumerate() {
            if stops.contains(&index) {
                machine = Machine::resume(limits, &history, None);
            }
            let step = machine.next_step();
            match &step {
                Step::Record(event) => {
                    if let Event::Sent { attempt } = event {
                        prop_assert!(proves_that_none_is_out(&history), "{history:?}");
                        sent += 1;
                        prop_assert_eq!(*attempt, sent);
                    }
                    prop_assert!(!history.last().is_some_and(Event::is_final));
                    history.push(event.clone());
                }
                Step::Write => {
                    let intended = matches!(history.last(), Some(Event::Sent { .. }));
                    prop_assert!(intended, "{history:?}");
                }
                Step::Settled => prop_assert!(ChangeState::of(&history).is_settled()),
                Step::Unsettled => prop_assert!(ChangeState::of(&history).is_unsettled()),
                _ => {}
            }
            if let Some(input) = answer(&step, *choice) {
                machine.handle(input).unwrap();
            }
        }
        let json = serde_json::to_string(&history).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Event>>(&json).unwrap(), history);
    }
}

#[test]
fn an_answer_to_another_question_is_refused_and_changes_nothing() {
    let mut machine = Machine::start(
        Limits {
            verify_attempts: 1,
            may_rewrite: true,
        },
        None,
    );
    let before = machine.next_step();
    let error = machine.handle(Input::Waited).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert_eq!(machine.next_step(), before);
}

#[test]
fn a_settled_history_has_no_next_step() {
    let limits = Limits {
        verify_attempts: 1,
        may_rewrite: true,
    };
    let history = [
        Event::Intended { overridden: None },
        Event::Drifted {
            detail: "moved".into(),
            observed: None,
        },
    ];
    let machine = Machine::resume(limits, &history, None);
    assert_eq!(machine.next_step(), Step::Settled);
}

#[test]
fn a_change_that_was_only_intended_is_checked_again_before_it_is_written() {
    let limits = Limits {
        verify_attempts: 1,
        may_rewrite: true,
    };
    let history = [Event::Intended { overridden: None }];
    let machine = Machine::resume(limits, &history, None);
    assert_eq!(machine.next_step(), Step::Check);
}

#[test]
fn a_lost_write_is_repeated_only_when_it_can_no_longer_arrive() {
    let history = [
        Event::Intended { overridden: None },
        Event::PreconditionHeld { observed: None },
        Event::Sent { attempt: 1 },
    ];
    for (may_rewrite, next) in [(false, Step::Unsettled), (true, Step::Check)] {
        let limits = Limits {
            verify_attempts: 1,
            may_rewrite,
        };
        let mut machine = Machine::resume(limits, &history, None);
        assert_eq!(machine.next_step(), Step::Verify(None));
        machine
            .handle(Input::Verified(Ok(Verdict::NotLanded)))
            .unwrap();
        machine.handle(Input::Recorded).unwrap();
        assert_eq!(machine.next_step(), next);
    }
}

#[test]
fn what_was_read_back_before_a_crash_is_concluded_from_without_reading_again() {
    let limits = Limits {
        verify_attempts: 1,
        may_rewrite: true,
    };
    let conflict = Verdict::Conflict {
        detail: "somebody set 3".into(),
        observed: None,
    };
    for (verdict, name) in [(landed(), "done"), (conflict, "conflict")] {
        let history = [
            Event::Intended { overridden: None },
            Event::PreconditionHeld { observed: None },
            Event::Sent { attempt: 1 },
            Event::Verified { verdict },
        ];
        let machine = Machine::resume(limits, &history, None);
        let Step::Record(event) = machine.next_step() else {
            panic!("{name} is not recorded: {:?}", machine.next_step());
        };
        assert_eq!(event.name(), name);
    }
}

fn after_an_answer(limits: Limits) -> Machine {
    let history = [
        Event::Intended { overridden: None },
        Event::PreconditionHeld { observed: None },
        Event::Sent { attempt: 1 },
        Event::Answered {
            receipt: Receipt::new("l1"),
        },
    ];
    Machine::resume(limits, &history, None)
}

/// Reads back with these results; gives the events that were recorded.
fn read_back(machine: &mut Machine, results: &[Result<Verdict, Failure>]) -> Vec<&'static str> {
    let mut recorded = Vec::new();
    for result in results {
        if let Step::Wait { readings } = machine.next_step() {
            assert_eq!(readings as usize, recorded.len());
            machine.handle(Input::Waited).unwrap();
        }
        machine.handle(Input::Verified(result.clone())).unwrap();
        while let Step::Record(event) = machine.next_step() {
            recorded.push(event.name());
            machine.handle(Input::Recorded).unwrap();
        }
    }
    recorded
}

#[test]
fn a_read_back_that_fails_does_not_count_as_one_that_shows_the_old_state() {
    let limits = Limits {
        verify_attempts: 3,
        may_rewrite: true,
    };
    let not_landed = || Ok(Verdict::NotLanded);
    let mut machine = after_an_answer(limits);
    let failed_twice = [Err(failure()), not_landed(), Err(failure()), not_landed()];
    read_back(&mut machine, &failed_twice);
    assert_eq!(machine.next_step(), Step::Wait { readings: 4 });
    machine.handle(Input::Waited).unwrap();
    let recorded = read_back(&mut machine, &[not_landed()]);
    assert_eq!(recorded, ["verified", "conflict"]);
    assert_eq!(machine.next_step(), Step::Settled);
}

#[test]
fn a_write_that_cannot_be_read_back_often_enough_stays_unsettled() {
    let limits = Limits {
        verify_attempts: 3,
        may_rewrite: true,
    };
    let mut machine = after_an_answer(limits);
    let results = [
        Err(failure()),
        Ok(Verdict::NotLanded),
        Err(failure()),
        Ok(Verdict::NotLanded),
        Err(failure()),
    ];
    read_back(&mut machine, &results);
    assert_eq!(machine.next_step(), Step::Unsettled);
}

#[test]
fn the_read_backs_of_a_second_write_are_counted_anew() {
    let limits = Limits {
        verify_attempts: 2,
        may_rewrite: true,
    };
    let history = [
        Event::Intended { overridden: None },
        Event::Sent { attempt: 1 },
    ];
    let mut machine = Machine::resume(limits, &history, None);
    let not_landed = || Ok(Verdict::NotLanded);
    read_back(&mut machine, &[Err(failure()), not_landed(), not_landed()]);
    machine
        .handle(Input::Checked(Check::Held { observed: None }))
        .unwrap();
    machine.handle(Input::Recorded).unwrap();
    assert_eq!(
        machine.next_step(),
        Step::Record(Event::Sent { attempt: 2 })
    );
    machine.handle(Input::Recorded).unwrap();
    machine
        .handle(Input::Written(Written::Unknown(failure())))
        .unwrap();
    machine.handle(Input::Recorded).unwrap();
    read_back(&mut machine, &[Err(failure()), not_landed()]);
    assert_eq!(machine.next_step(), Step::Wait { readings: 2 });
}

#[test]
fn a_write_that_was_held_back_is_checked_and_recorded_anew_after_a_crash_too() {
    let limits = Limits {
        verify_attempts: 1,
        may_rewrite: false,
    };
    let mut machine = Machine::start(limits, None);
    let mut history = Vec::new();
    for step in 0..2 {
        while let Step::Record(event) = machine.next_step() {
            history.push(event);
            machine.handle(Input::Recorded).unwrap();
        }
        let (next, input) = match step {
            0 => (Step::Check, Input::Checked(Check::Held { observed: None })),
            _ => (
                Step::Write,
                Input::HeldBack {
                    reason: "too late".into(),
                },
            ),
        };
        assert_eq!(machine.next_step(), next);
        machine.handle(input).unwrap();
    }
    let held_back = machine.next_step();
    assert!(matches!(&held_back, Step::Record(event) if event.name() == "held_back"));
    if let Step::Record(event) = held_back {
        history.push(event);
    }
    machine.handle(Input::Recorded).unwrap();
    assert!(!ChangeState::of(&history).is_unsettled());
    for mut machine in [machine, Machine::resume(limits, &history, None)] {
        assert_eq!(machine.next_step(), Step::Check);
        machine
            .handle(Input::Checked(Check::Held { observed: None }))
            .unwrap();
        machine.handle(Input::Recorded).unwrap();
        let sent = Step::Record(Event::Sent { attempt: 2 });
        assert_eq!(machine.next_step(), sent);
    }
}

/// Answers a machine until it stops, and gives the events that it recorded.
fn played(machine: &mut Machine, mut answer: impl FnMut(&Step) -> Input) -> Vec<Event> {
    let mut recorded = Vec::new();
    loop {
        let step = machine.next_step();
        let input = match &step {
            Step::Settled | Step::Unsettled => return recorded,
            Step::Record(event) => {
                recorded.push(event.clone());
                Input::Recorded
            }
            step => answer(step),
        };
        machine.handle(input).unwrap();
    }
}

fn cannot_tell() -> Verdict {
    Verdict::CannotTell {
        detail: "it does not say".into(),
    }
}

fn limits(may_rewrite: bool) -> Limits {
    Limits {
        verify_attempts: 3,
        may_rewrite,
    }
}

fn writes(history: &[Event]) -> usize {
    let sent = |event: &&Event| matches!(event, Event::Sent { .. });
    history.iter().filter(sent).count()
}

/// The n-th write is lost, where it is in the list, and else answered; nobody can tell of a lost one.
fn with_lost(lost: usize) -> impl FnMut(&Step) -> Input {
    let mut sent = 0;
    move |step| match step {
        Step::Check => Input::Checked(Check::Held { observed: None }),
        Step::Write => {
            sent += 1;
            Input::Written(if sent <= lost {
                Written::Unknown(failure())
            } else {
                Written::Answered(Receipt::new("l1"))
            })
        }
        Step::Verify(Some(_)) => Input::Verified(Ok(landed())),
        _ => Input::Verified(Ok(cannot_tell())),
    }
}

#[test]
fn what_nobody_can_tell_of_stays_unsettled_and_is_asked_once() {
    let mut machine = Machine::start(limits(true), None);
    let history = played(&mut machine, with_lost(1));
    assert_eq!(machine.next_step(), Step::Unsettled);
    assert_eq!(writes(&history), 1);
    let asked = |event: &&Event| matches!(event, Event::Verified { .. });
    assert_eq!(history.iter().filter(asked).count(), 1);
    assert_eq!(ChangeState::of(&history), ChangeState::Unknown);
}

#[test]
fn what_nobody_can_tell_of_is_written_again_by_a_resume_that_may_and_by_no_other() {
    let mut machine = Machine::start(limits(true), None);
    let mut history = played(&mut machine, with_lost(1));
    for (may, settled) in [(false, false), (true, true)] {
        let mut machine = Machine::resume(limits(may), &history, None);
        // It is asked before it is written.
        assert_eq!(machine.next_step(), Step::Verify(None));
        let more = played(&mut machine, with_lost(0));
        assert_eq!(writes(&more), usize::from(may), "{more:?}");
        assert_eq!(machine.next_step() == Step::Settled, settled);
        history.extend(more);
    }
    assert!(history.contains(&Event::Sent { attempt: 2 }));
    assert_eq!(ChangeState::of(&history), ChangeState::Done);
}

#[test]
fn a_second_write_that_is_lost_is_not_followed_by_a_third() {
    let mut machine = Machine::start(limits(true), None);
    let history = played(&mut machine, with_lost(1));
    let mut machine = Machine::resume(limits(true), &history, None);
    let more = played(&mut machine, with_lost(9));
    assert_eq!((writes(&more), machine.next_step()), (1, Step::Unsettled));
}

#[test]
fn an_answered_write_is_not_repeated_though_nobody_can_tell_of_it() {
    let history = [
        Event::Intended { overridden: None },
        Event::PreconditionHeld { observed: None },
        Event::Sent { attempt: 1 },
        Event::Answered {
            receipt: Receipt::new("l1"),
        },
    ];
    let mut machine = Machine::resume(limits(true), &history, None);
    let more = played(&mut machine, |_| Input::Verified(Ok(cannot_tell())));
    assert_eq!((writes(&more), machine.next_step()), (0, Step::Unsettled));
}

#[test]
fn what_is_not_mapped_is_passed_over_with_its_words_and_has_not_failed() {
    let mut machine = Machine::start(limits(true), None);
    let history = played(&mut machine, |step| match step {
        Step::Write => Input::Written(Written::NotMapped(failure())),
        _ => Input::Checked(Check::Held { observed: None }),
    });
    let last = history.last().unwrap();
    let skipped = Event::Skipped {
        cause: crate::store::SkipCause::NotMapped,
        reason: "told to fail".into(),
    };
    assert_eq!(*last, skipped);
    assert_eq!(ChangeState::of(&history), ChangeState::Skipped);
}
