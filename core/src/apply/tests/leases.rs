//! Leases and their fencing numbers, on every store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::double::Fault;
use super::{Bench, DONE, Outcome, RECOVERED, create, of, outcome};
use crate::apply::{ApplyOptions, Stop};
use crate::error::{ErrorKind, Result};
use crate::model::{RunId, Timestamp};
use crate::store::{Claim, ClaimRequest, Event, Journal, Lease, RecordedEvent, RunRecord};

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(n).unwrap()
}

/// Wants a lease of ten seconds on a1.
async fn claim(bench: &Bench, holder: &str, now: i64) -> Claim {
    let request = ClaimRequest {
        sink: "scripted".into(),
        agreement: "a1".into(),
        holder: holder.into(),
        now: second(now),
        until: second(now + 10),
    };
    bench.journal.claim(&request).await.unwrap()
}

async fn take(bench: &Bench, holder: &str, now: i64) -> Lease {
    match claim(bench, holder, now).await {
        Claim::Taken { lease, .. } => lease,
        Claim::Held(lease) => panic!("held by {lease:?}"),
    }
}

async fn begin(bench: &Bench) -> RunId {
    let (id, approval) = (RunId::new("r1"), bench.approval.clone());
    let record = RunRecord::new(id.clone(), "vendor", "scripted", Timestamp::EPOCH, approval);
    bench
        .journal
        .begin(&record, "{}", &bench.changes, &[])
        .await
        .unwrap();
    id
}

async fn append(bench: &Bench, lease: &Lease, change: &str, seq: u32) -> Result<()> {
    let event = RecordedEvent {
        change: change.into(),
        seq,
        at: lease.until,
        event: Event::Sent { attempt: seq + 1 },
    };
    bench.journal.append(lease, &"r1".into(), &event).await
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

on_every_store! {

async fn a_lease_is_granted_to_one_and_its_number_grows_from_claim_to_claim(bench) {
    let _living = bench.journal.register(&"one".into()).await.unwrap();
    let first = take(&bench, "one", 0).await;
    assert_eq!((first.fence, first.until), (1, second(10)));
    assert_eq!(claim(&bench, "other", 9).await, Claim::Held(first.clone()));
    // Other agreements and other sinks have leases of their own.
    let mut request = ClaimRequest {
        sink: "scripted".into(),
        agreement: "a2".into(),
        holder: "other".into(),
        now: second(0),
        until: second(10),
    };
    assert!(matches!(bench.journal.claim(&request).await, Ok(Claim::Taken { .. })));
    (request.sink, request.agreement) = ("elsewhere".into(), "a1".into());
    assert!(matches!(bench.journal.claim(&request).await, Ok(Claim::Taken { .. })));
    let second_claim = take(&bench, "other", 10).await;
    assert_eq!(second_claim.fence, 2, "its time was over");
    bench.journal.release(&second_claim).await.unwrap();
    assert_eq!(take(&bench, "one", 11).await.fence, 3, "it was given back");
    assert_eq!(take(&bench, "one", 12).await.fence, 4, "it was the holder's own");
}

async fn a_holder_that_is_gone_is_recognised_at_once_and_one_unknown_by_its_time_alone(bench) {
    let living = bench.journal.register(&"one".into()).await.unwrap();
    take(&bench, "one", 0).await;
    assert!(matches!(claim(&bench, "other", 1).await, Claim::Held(_)));
    drop(living);
    let stranger = take(&bench, "stranger", 1).await;
    assert_eq!((stranger.holder.as_str(), stranger.fence), ("stranger", 2));
    assert!(matches!(claim(&bench, "other", 10).await, Claim::Held(_)));
    assert_eq!(take(&bench, "other", 11).await.fence, 3);
}

async fn a_holder_is_registered_once_for_as_long_as_it_lives(bench) {
    let living = bench.journal.register(&"one".into()).await.unwrap();
    assert_eq!(kind(bench.journal.register(&"one".into()).await), ErrorKind::Conflict);
    drop(living);
    let _again = bench.journal.register(&"one".into()).await.unwrap();
    take(&bench, "one", 0).await;
    assert!(matches!(claim(&bench, "other", 1).await, Claim::Held(_)));
}

async fn what_is_not_approved_waits_for_nobody(bench) {
    let _living = bench.journal.register(&"other".into()).await.unwrap();
    take(&bench, "other", 1_000).await;
    bench.approval = bench.approval.with_only(["c2".into()]);
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "1 done, 6 not approved");
    assert!(!report.is_resumable());
}

async fn a_run_begins_with_first_events_alone(bench) {
    let record = RunRecord::new(
        "r1".into(), "vendor", "scripted", Timestamp::EPOCH, bench.approval.clone(),
    );
    let event = |change: &str, seq| RecordedEvent {
        change: change.into(),
        seq,
        at: Timestamp::EPOCH,
        event: Event::Intended { overridden: None },
    };
    for strays in [vec![event("c1", 1)], vec![event("c99", 0)], vec![event("c1", 0), event("c1", 0)]] {
        let begun = bench.journal.begin(&record, "{}", &bench.changes, &strays).await;
        assert_eq!(kind(begun), ErrorKind::Invalid);
    }
    assert!(bench.journal.runs(1).await.unwrap().is_empty());
    bench.journal.begin(&record, "{}", &bench.changes, &[event("c1", 0)]).await.unwrap();
    assert_eq!(bench.history("c1").await, ["intended"]);
}

async fn a_renewed_lease_holds_longer_and_a_lost_one_can_be_neither_renewed_nor_given_back(bench) {
    let mut first = take(&bench, "one", 0).await;
    first.until = second(30);
    bench.journal.renew(&first).await.unwrap();
    assert!(matches!(claim(&bench, "other", 29).await, Claim::Held(_)));
    let newer = take(&bench, "other", 30).await;
    assert_eq!(kind(bench.journal.renew(&first).await), ErrorKind::Conflict);
    assert_eq!(kind(bench.journal.release(&first).await), ErrorKind::Conflict);
    bench.journal.release(&newer).await.unwrap();
    assert_eq!(kind(bench.journal.renew(&newer).await), ErrorKind::Conflict);
}

async fn only_the_newest_lease_can_record_and_a_late_holder_is_refused(bench) {
    let run = begin(&bench).await;
    let first = take(&bench, "one", 0).await;
    append(&bench, &first, "c1", 0).await.unwrap();
    let newer = take(&bench, "other", 10).await;
    assert_eq!(kind(append(&bench, &first, "c1", 1).await), ErrorKind::Conflict);
    append(&bench, &newer, "c1", 1).await.unwrap();
    bench.journal.release(&newer).await.unwrap();
    assert_eq!(kind(append(&bench, &newer, "c1", 2).await), ErrorKind::Conflict);
    let events = bench.journal.events(&run).await.unwrap();
    assert_eq!(events.len(), 2);
}

async fn a_lease_past_its_time_is_good_until_another_takes_the_agreement(bench) {
    begin(&bench).await;
    let mut lease = take(&bench, "one", 0).await;
    lease.until = second(40);
    append(&bench, &lease, "c1", 0).await.unwrap();
    assert!(matches!(claim(&bench, "other", 39).await, Claim::Held(_)), "events renew it");
}

async fn an_event_out_of_step_or_under_the_lease_of_another_agreement_is_refused(bench) {
    begin(&bench).await;
    let lease = take(&bench, "one", 0).await;
    append(&bench, &lease, "c1", 0).await.unwrap();
    for seq in [0, 2, 99] {
        assert_eq!(kind(append(&bench, &lease, "c1", seq).await), ErrorKind::Conflict);
    }
    assert_eq!(kind(append(&bench, &lease, "c2", 0).await), ErrorKind::Invalid);
    assert_eq!(kind(append(&bench, &lease, "c99", 0).await), ErrorKind::NotFound);
    let mut elsewhere = lease.clone();
    elsewhere.sink = "elsewhere".into();
    assert_eq!(kind(append(&bench, &elsewhere, "c1", 1).await), ErrorKind::Invalid);
    let event = RecordedEvent {
        change: "c1".into(),
        seq: 0,
        at: Timestamp::EPOCH,
        event: Event::Sent { attempt: 1 },
    };
    let unknown = bench.journal.append(&lease, &"r9".into(), &event).await;
    assert_eq!(kind(unknown), ErrorKind::NotFound);
    append(&bench, &lease, "c1", 1).await.unwrap();
}

async fn an_agreement_that_a_living_other_holds_waits_and_can_be_resumed(bench) {
    let living = bench.journal.register(&"other".into()).await.unwrap();
    take(&bench, "other", 1_000).await;
    let report = bench.apply().await;
    assert_eq!(report.totals.to_string(), "2 done, 5 waiting");
    assert_eq!(outcome(&report, "c1"), Outcome::Waiting);
    assert!(of(&report, "c1").detail.contains("other is at work on the agreement"), "{report}");
    assert!(report.is_resumable() && report.stopped.is_none());
    assert!(bench.history("c1").await.is_empty());
    drop(living);
    assert!(bench.resume().await.is_all_done());
    assert_eq!(bench.all_attempts(), 7);
}

async fn a_late_holder_cannot_record_its_outcome_and_its_write_is_not_repeated(bench) {
    bench.changes = vec![create("c1", "a1", "p8", 1)];
    bench.sink.world().slow.insert("c1".into());
    let slow = bench.try_apply();
    let takes_over = async {
        bench.sink.wrote.notified().await;
        // The holder lives, but its time is over: it hangs.
        bench.clock.advance(Duration::from_secs(600));
        let mut options = bench.options.clone();
        options.holder = Some("second".into());
        let report = bench.applier().resume(&"r1".into(), &options).await.unwrap();
        bench.sink.answer.notify_one();
        report
    };
    let (late, second) = tokio::join!(slow, takes_over);
    let late = late.unwrap();
    assert_eq!(outcome(&second, "c1"), RECOVERED);
    assert_eq!(outcome(&late, "c1"), Outcome::Unsettled);
    assert!(of(&late, "c1").detail.contains("taken the agreement over"), "{late}");
    assert_eq!((bench.attempts("c1"), bench.applied("c1")), (1, 1));
    let history = bench.history("c1").await;
    assert_eq!(history, ["intended", "precondition_held", "sent", "verified", "done"]);
}

async fn a_lease_tells_until_when_the_one_before_it_was_to_hold(bench) {
    for (now, before) in [(0, None), (10, Some(second(10))), (12, Some(second(20)))] {
        let taken = claim(&bench, "one", now).await;
        let Claim::Taken { before: found, lease } = taken else {
            panic!("{taken:?}");
        };
        assert_eq!(found, before);
        bench.journal.release(&lease).await.unwrap();
    }
}

async fn a_process_that_stood_still_before_its_write_leaves_it_to_whoever_took_over(bench) {
    bench.changes.truncate(1);
    let (clock, stood_still) = (bench.clock.clone(), AtomicBool::new(false));
    let options = std::mem::take(&mut bench.options);
    bench.options = options.with_on_event(move |told| {
        if told.event.name() == "sent" && !stood_still.swap(true, Ordering::SeqCst) {
            clock.advance(Duration::from_secs(600));
        }
    });
    bench.journal.taken_over_before = Some("held_back");
    let report = bench.try_apply().await.unwrap();
    assert_eq!(outcome(&report, "c1"), Outcome::Unsettled);
    assert_eq!(bench.attempts("c1"), 0);
    assert_eq!(bench.history("c1").await, ["intended", "precondition_held", "sent"]);
}

async fn an_agreement_that_is_taken_over_stops_and_the_others_go_on(bench) {
    bench.sink.world().slow.insert("c1".into());
    let takes_over = async {
        bench.sink.wrote.notified().await;
        bench.clock.advance(Duration::from_secs(600));
        take(&bench, "second", 1_000_000).await;
        bench.sink.answer.notify_one();
    };
    let (report, ()) = tokio::join!(bench.try_apply(), takes_over);
    let report = report.unwrap();
    assert_eq!(report.totals.to_string(), "2 done, 1 unsettled, 4 waiting");
    assert_eq!((outcome(&report, "c2"), outcome(&report, "c7")), (DONE, DONE));
    assert_eq!(report.stopped, None);
}

async fn a_run_of_the_same_holder_twice_at_once_is_refused(bench) {
    bench.options.holder = Some("one".into());
    let _living = bench.journal.register(&"one".into()).await.unwrap();
    assert_eq!(kind(bench.try_apply().await), ErrorKind::Conflict);
    assert!(bench.journal.runs(1).await.unwrap().is_empty());
}

async fn no_change_is_taken_in_hand_after_the_deadline_and_the_rest_can_be_resumed(bench) {
    bench.options.concurrency = 1;
    bench.options.deadline = Some(second(600));
    bench.changes.retain(|change| change.agreement.as_str() == "a1");
    bench.sink.world().slow.insert("c3".into());
    let time_passes = async {
        bench.sink.wrote.notified().await;
        bench.clock.advance(Duration::from_secs(600));
        bench.sink.answer.notify_one();
    };
    let (report, ()) = tokio::join!(bench.try_apply(), time_passes);
    let report = report.unwrap();
    assert_eq!(report.totals.to_string(), "2 done, 3 waiting");
    assert_eq!(outcome(&report, "c3"), DONE, "what was in hand is brought to its end");
    assert_eq!(report.stopped, Some(Stop::Deadline));
    assert!(bench.history("c4").await.is_empty());
    let late = bench.resume().await;
    assert_eq!((late.totals.waiting, &late.stopped), (3, &Some(Stop::Deadline)));
    bench.options.deadline = None;
    assert!(bench.resume().await.is_all_done());
    assert_eq!(bench.all_attempts(), 5);
}

async fn the_waits_for_a_slow_read_grow_up_to_their_bound(bench) {
    bench.changes.truncate(1);
    bench.options.verify_attempts = 6;
    bench.options.verify_wait = Duration::from_secs(20);
    bench.options.verify_wait_max = Duration::from_secs(90);
    bench.fault("c1", &[Fault::LostButLanded]);
    bench.sink.world().late.insert("c1".into(), 5);
    let report = bench.apply().await;
    assert_eq!(outcome(&report, "c1"), RECOVERED);
    let waits = bench.clock.waits.lock().unwrap().clone();
    assert_eq!(waits, [20, 40, 80, 90, 90].map(Duration::from_secs));
    assert!(bench.options.verify_bound() >= waits.iter().sum());
}

async fn the_report_tells_when_each_write_left_and_how_long_its_proof_took(bench) {
    bench.fault("c1", &[Fault::LostButLanded]);
    bench.fault("c5", &[Fault::Rejected]);
    let report = bench.apply().await;
    let events = bench.journal.events(&"r1".into()).await.unwrap();
    for result in &report.changes {
        let at = |name: &str| {
            let mut of_change = events.iter().filter(|event| event.change == result.change);
            of_change.find(|event| event.event.name() == name).map(|event| event.at)
        };
        assert_eq!((result.sent, result.proved), (at("sent"), at("verified")), "{result}");
    }
    let took = of(&report, "c1").time_to_proof().unwrap();
    assert!(took > Duration::ZERO);
    assert!(of(&report, "c5").sent.is_some() && of(&report, "c5").time_to_proof().is_none());
    assert!(of(&report, "c6").sent.is_none());
}

async fn every_outcome_has_its_request_and_the_state_before_and_after_in_the_journal(bench) {
    bench.fault("c1", &[Fault::Rejected]);
    bench.fault("c2", &[Fault::Overwritten]);
    bench.sink.world().lines.get_mut(&"a1".into()).unwrap()[1].state.unit_cost = None;
    let report = bench.apply().await;
    let quantity = |state: &Option<crate::model::LineState>| {
        state.as_ref().map(|state| state.quantity.to_string())
    };
    let refused = of(&report, "c1");
    assert_eq!(refused.request_id.as_deref(), Some("req-refused"));
    assert_eq!(quantity(&refused.before).as_deref(), Some("10"));
    let conflict = of(&report, "c2");
    assert_eq!(conflict.request_id.as_deref(), Some("req-c2"));
    assert_eq!(quantity(&conflict.before).as_deref(), Some("7"));
    assert_eq!(quantity(&conflict.after).as_deref(), Some("999"));
    let drifted = of(&report, "c3");
    assert_eq!(outcome(&report, "c3"), Outcome::Drifted);
    assert_eq!(quantity(&drifted.before).as_deref(), Some("5"), "what was found");
    let done = of(&report, "c5");
    assert_eq!(done.request_id.as_deref(), Some("req-c5"));
    assert!(done.before.is_some() && done.after.is_some());
}

}

#[test]
fn the_waits_are_bounded_whatever_the_options() {
    let mut options = ApplyOptions::new();
    // Four that show the old state and four that fail, before the one that decides.
    let all = [1, 2, 4, 8, 16, 30, 30, 30];
    assert_eq!(
        options.verify_bound(),
        Duration::from_secs(all.iter().sum())
    );
    options.verify_attempts = 0;
    assert_eq!(options.verify_bound(), Duration::ZERO);
    options.verify_attempts = u32::MAX;
    options.verify_wait = Duration::from_millis(1);
    options.verify_wait_max = Duration::from_millis(2);
    let most = Duration::from_millis(2 * u64::from(u32::MAX));
    assert!(options.verify_bound() < most && options.verify_bound() > most / 2);
}
