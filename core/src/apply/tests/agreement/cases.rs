//! The rules of one agreement, case by case.

use super::*;

#[test]
fn an_answer_to_another_question_is_refused_and_changes_nothing() {
    let mut machine = Model::new().watch().machine;
    assert_eq!(machine.next_step(), AgreementStep::Claim);
    for input in [
        AgreementInput::Waited,
        AgreementInput::Released,
        AgreementInput::LeaseLost,
    ] {
        let error = machine.handle(input, Timestamp::EPOCH).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
        assert_eq!(machine.next_step(), AgreementStep::Claim);
    }
}

#[test]
fn a_write_whose_lease_cannot_be_kept_is_held_back_and_leaves_nothing_unsettled() {
    let mut model = Model::new();
    let mut watch = model.watch();
    // Each step takes so long that too little of the lease is left.
    for _ in 0..200 {
        let step = watch.machine.next_step();
        assert!(!matches!(step, AgreementStep::Write(_)), "{:?}", model.now);
        if !model.step(&mut watch, 7, 50) {
            break;
        }
    }
    let results = watch.machine.results();
    assert_eq!(results[0].outcome, Outcome::Waiting, "no write is out");
    assert!(
        results[0].detail.starts_with("nothing was sent"),
        "{results:?}"
    );
    assert_eq!(results[0].sent, None);
    let held_back = |recorded: &&RecordedEvent| recorded.event.name() == "held_back";
    let history = model.history(&results[0].change);
    assert_eq!(history.iter().filter(held_back).count(), 3);
    assert!(model.finish().iter().all(|result| !result.resumable));
}

#[test]
fn agreements_without_anything_left_to_do_take_no_lease() {
    let mut model = Model::new();
    model.finish();
    assert_eq!(model.watch().machine.next_step(), AgreementStep::Finished);
}

#[test]
fn of_two_stops_the_first_is_told_and_a_journal_that_fails_before_all() {
    let journal = Stop::Journal { failure: failure() };
    for (first, second, told) in [
        (Stop::Cancelled, Stop::Deadline, Stop::Cancelled),
        (Stop::Deadline, Stop::Cancelled, Stop::Deadline),
        (Stop::Cancelled, journal.clone(), journal.clone()),
        (journal.clone(), Stop::Cancelled, journal.clone()),
    ] {
        let mut machine = Model::new().watch().machine;
        machine.stop(first);
        machine.stop(second);
        assert_eq!(machine.stopped(), Some(&told));
    }
}

#[test]
fn a_stop_before_the_lease_is_taken_takes_none_and_every_change_says_why_it_waits() {
    let mut machine = Model::new().watch().machine;
    assert_eq!(machine.next_step(), AgreementStep::Claim);
    machine.stop(Stop::Cancelled);
    assert_eq!(machine.next_step(), AgreementStep::Finished);
    let results = machine.results();
    assert!(results.iter().all(|result| result.resumable));
    let why = Stop::Cancelled.to_string();
    assert!(results.iter().all(|result| result.detail == why));
}

/// Has the first write of a change leave without an answer, so long ago that it can no longer arrive.
fn may_have_left(model: &mut Model, change: &ChangeId) {
    let events = [
        Event::Intended { overridden: None },
        Event::Sent { attempt: 1 },
    ];
    for (seq, event) in (0..).zip(events) {
        let (change, at) = (change.clone(), model.now);
        model.add(&[RecordedEvent {
            change,
            seq,
            at,
            event,
        }]);
    }
    model.now = model.now.plus(LATE);
}

#[test]
fn a_journal_that_fails_elsewhere_holds_back_a_second_write_that_is_recorded_already() {
    let mut model = Model::new();
    let change = model.work[0].0.id.clone();
    may_have_left(&mut model, &change);
    let mut watch = model.watch();
    while watch.machine.next_step() != AgreementStep::Write(change.clone()) {
        // Everything goes well, and reading back shows the old state.
        assert!(model.step(&mut watch, 3, 0));
    }
    assert_eq!(
        model.history(&change).len(),
        7,
        "a second write is recorded"
    );
    watch.stop(&Stop::Journal { failure: failure() });
    assert_eq!(watch.machine.next_step(), AgreementStep::Release);
}

/// Does all work once, where the charge never landed and another run may have made it; what became of the charge.
fn charged_elsewhere(model: &mut Model, first: u8, then: u8) -> Outcome {
    let mut watch = model.watch();
    loop {
        let step = watch.machine.next_step();
        let choice = match &step {
            AgreementStep::Load => first,
            AgreementStep::Charges(_) => then,
            AgreementStep::Write(_) => 2,
            AgreementStep::Verify(change, _) if change.as_str() != CHARGE => 6,
            AgreementStep::Verify(..) => 3,
            _ => 7,
        };
        if !model.step(&mut watch, choice, 0) {
            let results = watch.machine.results();
            let of_charge = |result: &&ChangeResult| result.change.as_str() == CHARGE;
            return results.iter().find(of_charge).unwrap().outcome;
        }
    }
}

fn was_held_back(model: &Model) -> bool {
    let mut history = model.on_record(&CHARGE.into()).iter();
    history.any(|recorded| recorded.event.name() == "held_back")
}

fn charge_left(model: &Model) -> bool {
    let left = |(change, _): &(ChangeId, u32)| change.as_str() == CHARGE;
    model.left.keys().any(left)
}

#[test]
fn a_charge_that_did_not_land_is_not_sent_again_where_another_run_may_have_made_it() {
    for (as_told, then) in [
        (DONE_ELSEWHERE, Outcome::Drifted),
        (OPEN_ELSEWHERE, Outcome::Waiting),
    ] {
        let mut model = Model::new();
        may_have_left(&mut model, &CHARGE.into());
        assert_eq!(charged_elsewhere(&mut model, as_told, as_told), then);
        assert!(was_held_back(&model));
        assert_eq!(charged_elsewhere(&mut model, as_told, as_told), then);
        assert!(!charge_left(&model), "{as_told}");
    }
}

#[test]
fn a_charge_that_another_run_makes_meanwhile_is_held_back_and_the_changes_after_it_go_on() {
    for (as_told, then) in [
        (DONE_ELSEWHERE, Outcome::Drifted),
        (OPEN_ELSEWHERE, Outcome::Waiting),
    ] {
        let mut model = Model::new();
        assert_eq!(charged_elsewhere(&mut model, 7, as_told), then);
        assert!(was_held_back(&model));
        let after = ChangeId::from("c8");
        let settled = model
            .on_record(&after)
            .last()
            .is_some_and(|it| it.event.is_final());
        assert!(settled, "{as_told}");
        assert_eq!(charged_elsewhere(&mut model, as_told, 7), then);
        assert!(!charge_left(&model), "{as_told}");
    }
}

/// Goes on until a step comes that is looked for; everything goes well.
fn until(model: &mut Model, watch: &mut Watch, wanted: impl Fn(&AgreementStep) -> bool) {
    while !wanted(&watch.machine.next_step()) {
        assert!(model.step(watch, 3, 0), "the step never came");
    }
}

#[test]
fn a_change_of_which_nothing_is_recorded_yet_is_put_back_by_a_stop() {
    let mut model = Model::new();
    let mut watch = model.watch();
    until(&mut model, &mut watch, |step| {
        matches!(step, AgreementStep::Record { .. })
    });
    watch.machine.stop(Stop::Cancelled);
    assert_eq!(watch.machine.next_step(), AgreementStep::Release);
    assert_eq!(watch.machine.results()[0].outcome, Outcome::Waiting);
}

#[test]
fn a_change_that_has_begun_is_settled_after_a_stop() {
    let mut model = Model::new();
    let mut watch = model.watch();
    until(&mut model, &mut watch, |step| *step == AgreementStep::Read);
    watch.machine.stop(Stop::Cancelled);
    assert_eq!(watch.machine.next_step(), AgreementStep::Read);
}

#[test]
fn a_write_that_has_left_is_proved_as_far_as_a_journal_takes_it_that_fails_elsewhere() {
    let mut model = Model::new();
    let mut watch = model.watch();
    until(&mut model, &mut watch, |step| {
        matches!(step, AgreementStep::Verify(..))
    });
    let proof = watch.machine.next_step();
    watch.machine.stop(Stop::Journal { failure: failure() });
    assert_eq!(watch.machine.next_step(), proof);
}

#[test]
fn lines_that_come_with_a_read_back_stand_for_the_next_change_for_less_than_15_seconds() {
    for (passes, reads_again) in [(14, false), (15, true)] {
        let mut model = Model::new();
        let mut watch = model.watch();
        let writes = |step: &AgreementStep| matches!(step, AgreementStep::Write(_));
        until(&mut model, &mut watch, writes);
        model.step(&mut watch, 2, 0);
        let reads_back = |step: &AgreementStep| matches!(step, AgreementStep::Verify(..));
        until(&mut model, &mut watch, reads_back);
        model.step(&mut watch, 12, 0);
        let is_next = |step: &AgreementStep| matches!(step, AgreementStep::Record { change, .. } if change.as_str() != "c1");
        until(&mut model, &mut watch, is_next);
        model.step(&mut watch, 3, passes);
        let read = watch.machine.next_step() == AgreementStep::Read;
        assert_eq!(read, reads_again, "after {passes} s");
    }
}
