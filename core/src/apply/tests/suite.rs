//! Each rule in a scene of its own, on every store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::double::{Fault, TestClock};
use super::{
    AgreementLine, Bench, DONE, Outcome, RECOVERED, changes, create, of, outcome, set_quantity,
};
use crate::apply::{Approval, CancelFlag, Ceiling, Override, Stop};
use crate::error::ErrorKind;
use crate::model::{AgreementId, RunId, Timestamp};
use crate::plan::{Block, Guard};
use crate::store::{Event, Journal, RunRecord};

/// Lets something happen as soon as an event of that name was recorded for the first time.
fn once_after(
    bench: &mut Bench,
    event: &'static str,
    happens: impl Fn(&TestClock) + Send + Sync + 'static,
) {
    let clock = bench.clock.clone();
    let happened = AtomicBool::new(false);
    let options = std::mem::take(&mut bench.options);
    bench.options = options.with_on_event(move |told| {
        if told.event.name() == event && !happened.swap(true, Ordering::SeqCst) {
            happens(&clock);
        }
    });
}

/// Lets so many seconds pass as soon as a write was recorded as sent.
fn stand_still_before_the_write(bench: &mut Bench, seconds: u64) {
    let stall = Duration::from_secs(seconds);
    once_after(bench, "sent", move |clock| clock.advance(stall));
}

fn block() -> Block {
    Block {
        guard: Guard::TotalReduction,
        reason: "takes away 57 %".into(),
    }
}

on_every_store! {

async fn every_action_lands_and_is_proved(bench) {
    let report = bench.apply().await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(report.totals.to_string(), "7 done");
    assert!(report.changes.iter().all(|result| result.outcome == DONE));
    let order: Vec<_> = report.changes.iter().map(|result| result.change.clone()).collect();
    let planned: Vec<_> = changes().into_iter().map(|change| change.id).collect();
    assert_eq!(order, planned);
    let first = of(&report, "c1");
    assert_eq!(first.before.as_ref().unwrap().quantity.to_string(), "10");
    assert_eq!(first.after.as_ref().unwrap().quantity.to_string(), "12");
    assert_eq!(first.request_id.as_deref(), Some("req-c1"));
    let created = of(&report, "c6");
    assert!(created.before.is_none() && created.line.is_some());
    assert_eq!(bench.quantity("a1", "p3"), ["6"]);
    assert_eq!(
        bench.history("c1").await,
        ["intended", "precondition_held", "sent", "answered", "verified", "done"]
    );
    assert!(bench.clock.waits.lock().unwrap().is_empty());
    let run = bench.journal.run(&RunId::new("r1")).await.unwrap();
    assert_eq!((&run.approval, run.sink.as_str()), (&bench.approval, "scripted"));
    assert_eq!(bench.journal.plan_text(&run.id).await.unwrap(), "{}");
}

async fn a_drifted_target_is_left_alone_and_its_line_with_it(bench) {
    bench.changes.push(set_quantity("c8", "a1", "p1", "l1", (12, 14)));
    bench.sink.world().lines.get_mut(&AgreementId::new("a1")).unwrap()[0]
        .state
        .quantity = 11_u32.into();
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Drifted);
    assert_eq!(of(&report, "c1").detail, "quantity is 11, planned on 10");
    assert_eq!(outcome(&report, "c8"), Outcome::Skipped);
    assert_eq!((bench.attempts("c1"), bench.attempts("c8")), (0, 0));
    assert_eq!(report.totals.done, 6);
}

async fn a_refused_write_fails_and_other_lines_go_on(bench) {
    bench.fault("c5", &[Fault::Rejected]);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c5"), Outcome::Failed { retryable: false });
    assert_eq!(of(&report, "c5").request_id.as_deref(), Some("req-refused"));
    // The old line still bills: the new one of the same product must not.
    assert_eq!(outcome(&report, "c6"), Outcome::Skipped);
    assert_eq!(bench.quantity("a1", "p3"), ["4"]);
    assert_eq!(report.totals.to_string(), "5 done, 1 failed, 1 skipped");
    assert!(!report.is_resumable());
}

async fn a_write_that_was_not_sent_may_be_planned_again_and_is_not_repeated(bench) {
    bench.fault("c1", &[Fault::NotSent]);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Failed { retryable: true });
    assert_eq!((bench.attempts("c1"), bench.applied("c1")), (1, 0));
    bench.resume().await;
    assert_eq!(bench.attempts("c1"), 1);
}

async fn a_lost_answer_whose_write_landed_is_done_without_a_second_write(bench) {
    bench.fault("c7", &[Fault::LostButLanded]);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c7"), RECOVERED);
    assert_eq!((bench.attempts("c7"), bench.applied("c7")), (1, 1));
    assert_eq!(report.totals.recovered, 1);
}

async fn a_write_that_shows_late_is_waited_for(bench) {
    bench.fault("c7", &[Fault::LostButLanded]);
    bench.sink.world().late.insert("c7".into(), 2);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c7"), RECOVERED);
    assert_eq!(*bench.clock.waits.lock().unwrap(), [2, 4].map(Duration::from_secs));
    assert_eq!(bench.attempts("c7"), 1);
}

async fn a_lost_write_stays_unsettled_until_it_can_no_longer_arrive(bench) {
    bench.fault("c1", &[Fault::Lost]);
    bench.options.late_write = Duration::from_secs(600);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Unsettled);
    assert_eq!(bench.clock.waits.lock().unwrap().len(), 2);
    let report = bench.resume().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Unsettled, "it is too early");
    assert_eq!((bench.attempts("c1"), bench.applied("c1")), (1, 0));
    bench.options.late_write = Duration::ZERO;
    let report = bench.resume().await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!((bench.attempts("c1"), bench.applied("c1")), (2, 1));
}

async fn a_lost_write_may_still_arrive_so_long_after_it_left_and_not_after_it_was_recorded(bench) {
    bench.fault("c1", &[Fault::Lost]);
    bench.changes.truncate(1);
    stand_still_before_the_write(&mut bench, 40);
    bench.options.late_write = Duration::from_secs(100);
    bench.apply().await;
    bench.clock.advance(Duration::from_secs(50));
    let report = bench.resume().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Unsettled, "it left less than 100 s ago");
    assert_eq!(bench.attempts("c1"), 1);
    bench.clock.advance(Duration::from_secs(50));
    assert!(bench.resume().await.is_all_done());
    assert_eq!((bench.attempts("c1"), bench.applied("c1")), (2, 1));
}

async fn a_write_of_a_process_that_is_gone_left_before_its_lease_ended(bench) {
    bench.changes.truncate(1);
    bench.options.late_write = Duration::from_secs(100);
    // All that there is on record is that the write was about to leave.
    bench.fault("c1", &[Fault::Lost]);
    bench.journal.take_only(3);
    bench.apply().await;
    bench.journal.take_only(usize::MAX);
    assert_eq!(bench.history("c1").await.last(), Some(&"sent"));
    let waits = [(100, Outcome::Unsettled, 1), (100, DONE, 2)];
    for (passes, becomes, attempts) in waits {
        bench.clock.advance(Duration::from_secs(passes));
        let report = bench.resume().await;
        assert_eq!((outcome(&report, "c1"), bench.attempts("c1")), (becomes, attempts));
    }
}

async fn an_unsettled_change_says_until_when_its_write_may_still_arrive(bench) {
    bench.fault("c1", &[Fault::Lost]);
    bench.options.late_write = Duration::from_secs(600);
    bench.options.concurrency = 1;
    bench.changes.truncate(1);
    let report = bench.apply().await;
    let events = bench.journal.events(&"r1".into()).await.unwrap();
    let unknown = events.iter().find(|event| event.event.name() == "outcome_unknown").unwrap();
    let until = unknown.at.plus(Duration::from_secs(601));
    let expected = format!("the PSA does not show it, and it may still arrive until {until}");
    assert!(of(&report, "c1").detail.ends_with(&expected), "{report}");
    assert!(of(&report, "c1").detail.contains("told to fail"), "{report}");
    bench.sink.world().unreadable.insert("c1".into(), 3);
    let report = bench.resume().await;
    assert!(of(&report, "c1").detail.ends_with("cannot be read back"), "{report}");
}

async fn a_process_that_stood_still_before_its_write_reads_and_records_anew(bench) {
    bench.changes.truncate(1);
    stand_still_before_the_write(&mut bench, 46);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), DONE);
    assert_eq!((bench.attempts("c1"), bench.applied("c1")), (1, 1));
    assert_eq!(
        bench.history("c1").await,
        [
            "intended",
            "precondition_held",
            "sent",
            "held_back",
            "precondition_held",
            "sent",
            "answered",
            "verified",
            "done"
        ]
    );
    assert_eq!(bench.sink.world().list_reads.len(), 2, "the target may have changed meanwhile");
    let events = bench.journal.events(&"r1".into()).await.unwrap();
    assert_eq!(of(&report, "c1").sent, Some(events[5].at), "the first did not leave");
}

async fn a_process_that_stood_still_and_can_record_no_more_writes_nothing(bench) {
    bench.changes.truncate(1);
    stand_still_before_the_write(&mut bench, 46);
    bench.journal.take_only(3);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Unsettled);
    assert_eq!(bench.attempts("c1"), 0);
}

async fn a_run_that_is_cancelled_while_it_stands_still_writes_nothing_more(bench) {
    bench.changes.truncate(1);
    let cancel = bench.options.cancel.clone();
    once_after(&mut bench, "sent", move |clock| {
        clock.advance(Duration::from_secs(46));
        cancel.cancel();
    });
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Waiting);
    assert!(of(&report, "c1").detail.starts_with("nothing was sent"), "{report}");
    assert_eq!((bench.attempts("c1"), of(&report, "c1").sent), (0, None));
    assert!(bench.journal.unsettled().await.unwrap().is_empty());
    bench.options.cancel = CancelFlag::new();
    assert!(bench.resume().await.is_all_done());
    assert_eq!(bench.attempts("c1"), 1);
}

async fn a_conflict_stops_the_agreement_and_no_other(bench) {
    bench.fault("c1", &[Fault::Overwritten]);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Conflict);
    for skipped in ["c3", "c4", "c5", "c6"] {
        assert_eq!(outcome(&report, skipped), Outcome::Skipped);
        assert!(of(&report, skipped).detail.contains("c1"));
    }
    assert_eq!((outcome(&report, "c2"), outcome(&report, "c7")), (DONE, DONE));
    assert!(!report.is_resumable());
}

async fn an_answered_write_that_never_shows_is_a_conflict_and_never_repeated(bench) {
    bench.fault("c2", &[Fault::Ignored]);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c2"), Outcome::Conflict);
    assert_eq!(outcome(&report, "c7"), Outcome::Skipped);
    bench.resume().await;
    assert_eq!(bench.attempts("c2"), 1);
}

async fn an_unsettled_change_stops_the_agreement_until_a_resume_settles_it(bench) {
    bench.fault("c1", &[Fault::LostButLanded]);
    bench.sink.world().unreadable.insert("c1".into(), 3);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Unsettled);
    assert_eq!(outcome(&report, "c3"), Outcome::Waiting);
    assert_eq!(outcome(&report, "c2"), DONE);
    assert!(report.is_resumable() && report.stopped.is_none());
    let open = bench.journal.unsettled().await.unwrap();
    assert_eq!((open.len(), open[0].change.as_str()), (1, "c1"));
    let report = bench.resume().await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(outcome(&report, "c1"), RECOVERED);
    assert_eq!(bench.all_attempts(), 7);
}

async fn a_new_run_leaves_an_agreement_with_an_unsettled_change_of_another_alone(bench) {
    bench.fault("c1", &[Fault::LostButLanded]);
    bench.sink.world().unreadable.insert("c1".into(), 3);
    bench.apply().await;
    bench.options.run = Some(RunId::new("r2"));
    bench.changes.retain(|change| change.agreement.as_str() == "a1");
    bench.changes.push(create("c9", "a2", "p9", 1));
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "1 done, 5 waiting");
    assert!(of(&report, "c3").detail.contains("run r1") && of(&report, "c3").resumable);
    assert!(bench.resume().await.is_all_done());
    let report = bench.applier().resume(&report.run, &bench.options).await.unwrap();
    assert_eq!(report.totals.done, 1);
    assert_eq!(bench.all_attempts(), 8);
}

async fn a_blocked_change_needs_a_named_override(bench) {
    bench.changes[1].blocks.push(block());
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c2"), Outcome::Blocked);
    assert_eq!(report.totals.to_string(), "6 done, 1 blocked");
    assert_eq!(of(&report, "c2").detail, "takes away 57 %");
    assert_eq!(bench.attempts("c2"), 0);

    let word = Override::new("kim", "the client left");
    bench.approval = bench.approval.with_override("c2", word.clone());
    bench.options.run = Some(RunId::new("r2"));
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c2"), DONE);
    let run = bench.journal.run(&report.run).await.unwrap();
    assert_eq!(run.approval.overrides[&"c2".into()], word);
    let events = bench.journal.events(&report.run).await.unwrap();
    let overridden = |id: &str| events.iter().any(|recorded| {
        recorded.change.as_str() == id
            && matches!(recorded.event, Event::Intended { overridden: Some(_) })
    });
    assert!(overridden("c2") && !overridden("c1"));
}

async fn an_approval_that_does_not_fit_the_plan_is_refused_and_nothing_is_recorded(bench) {
    bench.approval.plan = "plan-2".into();
    let error = bench.try_apply().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("plan-2"), "{error}");
    assert!(bench.journal.runs(10).await.unwrap().is_empty());
    assert_eq!(bench.all_attempts(), 0);
}

async fn a_change_that_is_not_approved_is_reported_so_and_not_carried_out(bench) {
    bench.approval = bench.approval.with_only(["c1".into(), "c7".into()]);
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "2 done, 5 not approved");
    assert_eq!(outcome(&report, "c2"), Outcome::NotApproved);
    assert_eq!(of(&report, "c2").detail, "dana did not approve it");
    assert!(!report.is_resumable() && report.stopped.is_none());
    assert_eq!((bench.all_attempts(), bench.attempts("c7")), (2, 1));
    assert_eq!(bench.history("c2").await, ["skipped"]);
}

async fn what_an_earlier_approval_does_not_cover_does_not_leave(bench) {
    let earlier = Approval::of_plan("plan-0".into(), "kim", Timestamp::EPOCH);
    let mut approved = changes();
    approved[1] = set_quantity("c2", "a2", "p1", "l9", (7, 4));
    let ceiling = Ceiling::of(&earlier, &approved);
    bench.approval.within = Some(ceiling);
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "6 done, 1 not approved");
    assert_eq!(outcome(&report, "c2"), Outcome::NotApproved);
    assert!(of(&report, "c2").detail.contains("plan-0"), "{report}");
    assert_eq!(bench.quantity("a2", "p1"), ["7"]);
}

async fn a_journal_that_refuses_at_any_event_lets_nothing_leave_without_a_durable_intent(bench) {
    // The sink itself refuses, by panic, a write without a recorded `sent`.
    bench.changes.retain(|change| change.agreement.as_str() == "a1");
    for takes in 0..30 {
        bench.options.run = Some(RunId::new(format!("r{takes}")));
        *bench.sink.world() = super::double::World::new(super::lines());
        bench.wire.forget_sent();
        bench.journal.take_only(takes);
        let report = bench.apply().await;
        // Six events for each change: the third is the intent to write.
        let writes = bench.all_attempts() as usize;
        assert_eq!(writes, (takes + 3) / 6);
        assert!(matches!(report.stopped, Some(Stop::Journal { .. })) == (takes < 30));
        // The last two are recorded together with what follows.
        assert_eq!(report.totals.done, takes.saturating_sub(1) / 6);
        bench.journal.take_only(usize::MAX);
        let run = report.run.clone();
        let report = bench.applier().resume(&run, &bench.options).await.unwrap();
        assert!(report.is_all_done(), "{takes}: {report}");
        assert_eq!(bench.all_attempts(), 5);
    }
}

async fn a_journal_that_fails_on_one_agreement_lets_nothing_begin_on_another(bench) {
    bench.options.concurrency = 1;
    bench.journal.fail_at(1);
    let report = bench.apply().await;
    assert!(matches!(report.stopped, Some(Stop::Journal { .. })), "{report}");
    assert!(!report.is_all_done() && report.is_resumable());
    assert_eq!(bench.all_attempts(), 0, "it would take further events");
    assert_eq!(bench.history("c2").await, [""; 0]);
    let stop = "the run was stopped, as the journal failed: storage failed: the disk is full";
    assert!(report.to_string().contains(stop), "{report}");
}

async fn every_lease_is_given_back(bench) {
    bench.apply().await;
    let mut given_back = bench.journal.given_back();
    given_back.sort();
    assert_eq!(given_back, ["a1".into(), "a2".into()]);
}

async fn of_two_lines_of_one_product_one_goes_on_where_the_other_is_refused(bench) {
    {
        let mut world = bench.sink.world();
        let lines = world.lines.get_mut(&AgreementId::new("a1")).unwrap();
        lines.push(AgreementLine::new("l4", "p1", 2_u32));
    }
    bench.changes = vec![
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a1", "p1", "l4", (2, 3)),
        set_quantity("c3", "a1", "p1", "l1", (12, 13)),
    ];
    bench.fault("c1", &[Fault::Rejected]);
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "1 done, 1 failed, 1 skipped");
    assert_eq!(outcome(&report, "c2"), DONE);
}

async fn a_line_goes_on_where_a_charge_of_its_product_is_refused(bench) {
    bench.changes = vec![
        super::made::charge("c1", "2026-03-06"),
        set_quantity("c2", "a1", "p1", "l1", (10, 12)),
    ];
    bench.fault("c1", &[Fault::Rejected]);
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "1 done, 1 failed");
}

async fn what_somebody_has_done_already_is_told_from_what_is_otherwise(bench) {
    {
        let mut world = bench.sink.world();
        let lines = world.lines.get_mut(&AgreementId::new("a1")).unwrap();
        lines[0].state.quantity = 11_u32.into();
        lines[1].state.unit_cost = Some(super::money(110));
        lines[2].state.last_day = Some(super::day("2026-01-31"));
    }
    bench.changes.retain(|change| ["c1", "c3", "c5"].contains(&change.id.as_str()));
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "0 done, 3 drifted");
    assert!(!report.is_all_done());
    let wanted = |change: &str| of(&report, change).detail.ends_with("that is what the change wanted");
    assert_eq!([wanted("c1"), wanted("c3"), wanted("c5")], [false, true, true]);
}

async fn a_price_that_somebody_has_set_already_is_told(bench) {
    {
        let mut world = bench.sink.world();
        let lines = world.lines.get_mut(&AgreementId::new("a1")).unwrap();
        lines[1].state.unit_price = Some(super::money(220));
    }
    bench.changes.retain(|change| change.id.as_str() == "c4");
    let report = bench.apply().await;
    assert!(of(&report, "c4").detail.ends_with("that is what the change wanted"), "{report}");
}

async fn the_report_counts_every_outcome(bench) {
    bench.fault("c1", &[Fault::LostButLanded]);
    bench.fault("c2", &[Fault::Overwritten]);
    let report = bench.apply().await;
    assert_eq!(
        report.totals.to_string(),
        "5 done (1 recovered), 1 in conflict, 1 skipped"
    );
    assert!(!report.is_all_done());
}

async fn what_may_have_landed_is_counted_as_unsettled(bench) {
    bench.fault("c2", &[Fault::Lost]);
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "5 done, 1 unsettled, 1 waiting");
}

async fn a_second_run_of_the_same_plan_writes_nothing(bench) {
    bench.apply().await;
    bench.options.run = Some(RunId::new("r2"));
    let report = bench.apply().await;
    assert_eq!(report.totals.done, 0);
    // c6 does not even look: its line was to be ended first.
    assert_eq!((report.totals.drifted, report.totals.skipped), (5, 2));
    assert!(of(&report, "c1").detail.ends_with("that is what the change wanted"));
    assert_eq!(bench.all_attempts(), 7);
    assert_eq!(bench.journal.runs(1).await.unwrap()[0].id.as_str(), "r2");
    assert_eq!(bench.journal.runs(9).await.unwrap().len(), 2);
}

async fn a_run_id_is_taken_once(bench) {
    bench.apply().await;
    assert_eq!(bench.try_apply().await.unwrap_err().kind(), ErrorKind::Conflict);
    bench.options.run = None;
    let report = bench.apply().await;
    assert!(report.run.as_str().starts_with("run-1970-01-01-"));
}

async fn two_changes_of_one_id_are_refused(bench) {
    bench.changes.push(create("c1", "a2", "p9", 1));
    assert_eq!(bench.try_apply().await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(bench.all_attempts(), 0);
}

async fn a_cancelled_run_stops_between_changes_and_can_be_resumed(bench) {
    bench.options.concurrency = 1;
    let cancel = bench.options.cancel.clone();
    bench.options = bench.options.with_on_event(move |told| {
        if told.change.id.as_str() == "c3" && told.event.name() == "sent" {
            cancel.cancel();
        }
    });
    let report = bench.apply().await;
    assert_eq!((outcome(&report, "c1"), outcome(&report, "c3")), (DONE, DONE));
    assert_eq!(report.stopped, Some(Stop::Cancelled));
    assert_eq!(report.totals.to_string(), "2 done, 5 waiting");
    bench.options = super::ApplyOptions::new();
    let report = bench.resume().await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(bench.all_attempts(), 7);
}

async fn an_agreement_that_cannot_be_read_is_left_alone(bench) {
    bench.sink.world().closed.insert("a1".into());
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), Outcome::Failed { retryable: true });
    assert!(of(&report, "c3").detail.contains("closed for repairs"));
    assert_eq!(report.totals.to_string(), "2 done, 1 failed, 4 skipped");
    assert_eq!(bench.sink.world().list_reads.len(), 3);
}

async fn lines_are_read_again_only_after_a_write(bench) {
    for line in bench.sink.world().lines.get_mut(&AgreementId::new("a1")).unwrap() {
        line.product = "moved".into();
    }
    bench.changes.retain(|change| change.agreement.as_str() == "a1" && change.id.as_str() != "c6");
    bench.apply().await;
    assert_eq!(bench.sink.world().list_reads.len(), 1);
}

async fn a_line_that_somebody_created_meanwhile_is_drift(bench) {
    let line = AgreementLine::new("theirs", "p8", 1_u32);
    bench.sink.world().lines.get_mut(&AgreementId::new("a2")).unwrap().push(line);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c7"), Outcome::Drifted);
    assert!(!of(&report, "c7").detail.contains("wanted"));
}

async fn every_event_is_told_as_recorded(bench) {
    bench.options.concurrency = 1;
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    bench.options = bench.options.with_on_event(move |event| {
        tell.lock().unwrap().push((event.change.id.clone(), event.at, event.event.clone()));
    });
    bench.apply().await;
    let recorded = bench.journal.events(&RunId::new("r1")).await.unwrap();
    let mut recorded: Vec<_> = recorded.into_iter().map(|e| (e.change, e.at, e.event)).collect();
    let mut told = told.lock().unwrap().clone();
    // What is last of an agreement is recorded beside the first of the next one.
    told.sort_by_key(|(change, ..)| bench.agreement_of(change.as_str()));
    recorded.sort_by_key(|(change, ..)| bench.agreement_of(change.as_str()));
    assert_eq!(told, recorded);
}

async fn a_run_of_another_sink_and_an_unknown_run_are_not_resumed(bench) {
    let error = bench.applier().resume(&RunId::new("r1"), &bench.options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let (id, approval) = (RunId::new("r1"), bench.approval.clone());
    let record = RunRecord::new(id, "vendor", "elsewhere", Timestamp::EPOCH, approval);
    bench.journal.begin(&record, "{}", &bench.changes, &[]).await.unwrap();
    let error = bench.applier().resume(&record.id, &bench.options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

}

#[tokio::test]
async fn the_report_reads_as_sentences_and_survives_json() {
    let bench = Bench::memory();
    bench.fault("c1", &[Fault::Rejected]);
    let report = bench.apply().await;
    let text = report.to_string();
    assert!(
        text.starts_with("run r1 of plan plan-1: 6 done, 1 failed\n"),
        "{text}"
    );
    assert!(
        text.contains("c1 on agreement a1: not done, the PSA refused it: "),
        "{text}"
    );
    assert!(
        text.contains("c2 on agreement a2: done and read back [request req-c2]"),
        "{text}"
    );
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(
        serde_json::from_str::<super::ApplyReport>(&json).unwrap(),
        report
    );
}

#[test]
fn a_run_can_be_spawned() {
    fn assert_send<T: Send>(_: T) {}
    let bench = Bench::memory();
    assert_send(bench.try_apply());
}
