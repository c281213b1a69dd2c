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
        Step::Write => Input::Written(match choice % 5 {
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
    fn a_write_leaves_only_after_its_intent_and_only_when_none_is_out(
        attempts in 0..4_u32,
        choices in prop::collection::vec(any::<u8>(), 0..80),
        stops in prop::collection::btree_set(0..80_usize, 0..4),
    ) {
        let limits = Limits { verify_attempts: attempts, may_rewrite: true };
        let mut history: Vec<Event> = Vec::new();
        let mut machine = Machine::start(limits, None);
        for (index, choice) in choices.iter().enumerate() {
            if stops.contains(&index) {
                machine = Machine::resume(limits, &history, None);
            }
            let step = machine.next_step();
            match &step {
                Step::Record(event) => {
                    if let Event::Sent { .. } = event {
                        prop_assert!(proves_that_none_is_out(&history), "{history:?}");
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
