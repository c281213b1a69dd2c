use std::time::Duration;

use super::*;
use crate::apply::after::PAGE;
use crate::apply::after::{LeftOut, Retry, in_error, retry, still_approved};
use crate::apply::tests::made::{charge, create_agreement};
use crate::apply::tests::{change, create, set_quantity};
use crate::error::ErrorKind;
use crate::plan::{Action, Notice, Origin};
use crate::reconcile::Kind;
use crate::store::RunRecord;

/// A run in which three of five changes are in error.
async fn with_errors(desk: &Desk) {
    let changes = [
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a1", "p2", "l2", (5, 6)),
        set_quantity("c3", "a1", "p3", "l3", (99, 5)),
        set_quantity("c4", "a2", "p1", "l9", (7, 8)),
        create("c5", "a2", "p8", 1),
    ];
    desk.fault("c2", &[Fault::Rejected]);
    desk.fault("c5", &[Fault::NotSent]);
    desk.run("r1", &changes).await;
}

pub(super) async fn retried(desk: &Desk, fresh: &Plan) -> Retry {
    let run = desk.bench.journal.run(&"r1".into()).await.unwrap();
    retry(&run, &desk.records("r1").await, fresh, &desk.book()).unwrap()
}

fn left_out(retry: &Retry) -> Vec<(&str, &LeftOut)> {
    let left_out = retry.left_out.iter();
    left_out
        .map(|left| (left.change.id.as_str(), &left.why))
        .collect()
}

#[tokio::test]
async fn b20_a_retry_brings_again_the_changes_in_error_and_nothing_else_against_the_present_state()
{
    let desk = Desk::new();
    with_errors(&desk).await;
    let fresh = plan_of(vec![
        set_quantity("n1", "a1", "p1", "l1", (12, 20)),
        set_quantity("n2", "a1", "p2", "l2", (5, 7)),
        set_quantity("n3", "a1", "p3", "l3", (4, 5)),
        set_quantity("n4", "a2", "p1", "l9", (8, 9)),
        create("n5", "a2", "p8", 1),
        create("n6", "a2", "p7", 1),
    ]);
    let retry = retried(&desk, &fresh).await;
    assert_eq!(ids(retry.plan.changes()), ["n2", "n3", "n5"]);
    assert!(retry.left_out.is_empty());
    assert_ne!(retry.plan.id(), fresh.id());
    let origin = Origin::Retry { run: "r1".into() };
    assert_eq!(retry.plan.content().origin, Some(origin));
    let text = retry.plan.to_text().unwrap();
    assert_eq!(Plan::from_text(&text).unwrap(), retry.plan);
}

#[tokio::test]
async fn what_has_landed_meanwhile_or_needs_nothing_is_named_as_such() {
    let desk = Desk::new();
    with_errors(&desk).await;
    desk.edit("a1", "l2", |line| line.state.quantity = 6_u32.into());
    let mut content = plan_of(Vec::new()).content().clone();
    let mut notice = Notice::new(Kind::Ambiguous, "Contoso, Cloud, P8: 2 open lines");
    notice.agreement = Some("a2".into());
    notice.product = Some("p8".into());
    let mut other = Notice::new(Kind::Unmapped, "another agreement");
    other.agreement = Some("a7".into());
    content.notices = vec![notice.clone(), other];
    let retry = retried(&desk, &Plan::new(content).unwrap()).await;
    let reason = notice.message.clone();
    assert_eq!(
        left_out(&retry),
        [
            ("c2", &LeftOut::Landed),
            ("c3", &LeftOut::NothingToDo),
            ("c5", &LeftOut::NotPlanned { reason }),
        ]
    );
    assert_eq!(retry.plan.notices(), [notice]);
}

#[tokio::test]
async fn a_line_that_takes_the_place_of_another_is_not_retried_but_one_for_a_line_not_created_is() {
    let desk = Desk::new();
    with_errors(&desk).await;
    let fresh = plan_of(vec![
        create("n2", "a1", "p2", 6),
        set_quantity("n3", "a1", "p3", "l4", (4, 5)),
        set_quantity("n5", "a2", "p8", "l7", (3, 1)),
    ]);
    let retry = retried(&desk, &fresh).await;
    assert_eq!(ids(retry.plan.changes()), ["n5"]);
    let names: Vec<&str> = left_out(&retry).iter().map(|(id, _)| *id).collect();
    assert_eq!(names, ["c2", "c3"]);
}

#[tokio::test]
async fn a_change_in_conflict_is_left_to_a_person() {
    let desk = Desk::new();
    let changes = [
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a1", "p2", "l2", (5, 6)),
    ];
    desk.fault("c1", &[Fault::Overwritten]);
    desk.run("r1", &changes).await;
    let fresh = plan_of(vec![
        set_quantity("n1", "a1", "p1", "l1", (10, 12)),
        set_quantity("n2", "a1", "p2", "l2", (5, 6)),
    ]);
    let retry = retried(&desk, &fresh).await;
    assert_eq!(
        ids(retry.plan.changes()),
        ["n2"],
        "what was skipped is brought again"
    );
    assert!(matches!(
        left_out(&retry)[..],
        [("c1", LeftOut::Conflict { .. })]
    ));
}

#[tokio::test]
async fn a_run_with_unsettled_changes_is_refused_with_their_names() {
    let desk = Desk::new();
    let mut lost = set_quantity("c1", "a1", "p1", "l1", (10, 12));
    lost.labels.company = "Contoso".into();
    desk.fault("c1", &[Fault::Lost]);
    desk.run("r1", &[lost]).await;
    let error = in_error(&"r1".into(), &desk.records("r1").await).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    assert!(
        text.contains("resumed first") && text.contains("Contoso: set quantity 10 -> 12"),
        "{text}"
    );
}

#[tokio::test]
async fn an_undo_and_a_plan_of_another_system_are_not_retried() {
    let desk = Desk::new();
    desk.run("r1", &[set_quantity("c1", "a1", "p1", "l1", (10, 12))])
        .await;
    let undo = desk.undo("r1").await;
    desk.run("r2", undo.plan.changes()).await;
    let error = in_error(&"r2".into(), &desk.records("r2").await).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("undo run r1 again"), "{error}");

    let mut content = plan_of(Vec::new()).content().clone();
    content.sink = "elsewhere".into();
    let run = desk.bench.journal.run(&"r1".into()).await.unwrap();
    let fresh = Plan::new(content).unwrap();
    let error = retry(&run, &desk.records("r1").await, &fresh, &desk.book()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn the_old_approval_covers_what_is_not_larger_and_only_until_something_else_is_written() {
    let desk = Desk::new();
    with_errors(&desk).await;
    let run = desk.bench.journal.run(&"r1".into()).await.unwrap();
    let records = desk.records("r1").await;
    let ceiling = still_approved(&desk.bench.journal, &run, &records)
        .await
        .unwrap();
    let granted: Vec<&str> = ceiling.grants.iter().map(|g| g.change.as_str()).collect();
    assert_eq!(granted, ["c2", "c3", "c5"]);
    let larger = ceiling.covers(&set_quantity("n2", "a1", "p2", "l2", (5, 7)));
    let reason = larger.unwrap_err();
    assert!(reason.contains("5 to 7, approved is 5 to 6"), "{reason}");

    let cost = Action::SetUnitCost {
        line: "l2".into(),
        from: Some(money(100)),
        to: money(110),
    };
    let refused = set_quantity("x3", "a1", "p3", "l3", (4, 5));
    desk.fault("x3", &[Fault::Rejected]);
    let elsewhere = create("x4", "a2", "p3", 1);
    desk.run("r2", &[change("x2", "a1", "p2", cost), refused, elsewhere])
        .await;
    let ceiling = still_approved(&desk.bench.journal, &run, &records)
        .await
        .unwrap();
    let granted: Vec<&str> = ceiling.grants.iter().map(|g| g.change.as_str()).collect();
    assert_eq!(
        granted,
        ["c3", "c5"],
        "what was refused has written nothing, and what was written on another agreement is no matter"
    );
}

#[tokio::test]
async fn a_retry_brings_again_the_agreement_of_its_key_and_the_charge_of_its_bill_and_no_other() {
    let desk = Desk::new();
    let changes = [
        create_agreement("c1"),
        charge("c2", "2026-03-06"),
        charge("c3", "2026-04-06"),
    ];
    for refused in ["c1", "c2", "c3"] {
        desk.fault(refused, &[Fault::Rejected]);
    }
    desk.run("r1", &changes).await;
    let mut other = create_agreement("n5");
    other.agreement = "key:sub-2".into();
    let mut on_it = create("n6", "key:sub-1", "p1", 4);
    on_it.follows = Some("n1".into());
    let fresh = plan_of(vec![
        create_agreement("n1"),
        charge("n2", "2026-03-06"),
        charge("n3", "2026-05-06"),
        set_quantity("n4", "a1", "p1", "l1", (10, 11)),
        other,
        on_it,
    ]);
    let retry = retried(&desk, &fresh).await;
    assert_eq!(ids(retry.plan.changes()), ["n1", "n2"]);
    assert_eq!(left_out(&retry), [("c3", &LeftOut::NothingToDo)]);
}

async fn granted(desk: &Desk) -> Vec<String> {
    let journal = &desk.bench.journal;
    let run = journal.run(&"r1".into()).await.unwrap();
    let records = desk.records("r1").await;
    let ceiling = still_approved(journal, &run, &records).await.unwrap();
    let grants = ceiling.grants.iter();
    grants.map(|grant| grant.change.to_string()).collect()
}

#[tokio::test]
async fn what_a_run_before_wrote_takes_nothing_from_an_approval() {
    let desk = Desk::new();
    desk.run("r0", &[set_quantity("b2", "a1", "p2", "l2", (5, 5))])
        .await;
    with_errors(&desk).await;
    assert_eq!(granted(&desk).await, ["c2", "c3", "c5"]);
}

#[tokio::test]
async fn a_run_that_began_before_and_wrote_later_takes_its_line_from_an_approval() {
    let desk = Desk::new();
    let options = ApplyOptions::new();
    options.cancel.cancel();
    let waits = [set_quantity("b2", "a1", "p2", "l2", (5, 4))];
    desk.run_with("r0", &waits, options).await;
    with_errors(&desk).await;
    let before = granted(&desk).await;
    let report = desk
        .bench
        .applier()
        .resume(&"r0".into(), &desk.bench.options)
        .await
        .unwrap();
    let after = granted(&desk).await;
    assert_eq!(before, ["c2", "c3", "c5"], "{report}");
    assert_eq!(after, ["c3", "c5"], "{report}");
}

#[tokio::test]
async fn a_run_is_newer_by_the_order_of_the_journal_whatever_the_clock_says_and_how_many_followed()
{
    let desk = Desk::new();
    desk.bench.clock.advance(Duration::from_secs(86_400));
    with_errors(&desk).await;
    desk.bench.clock.set_back();
    desk.run("r2", &[set_quantity("x2", "a1", "p2", "l2", (5, 4))])
        .await;
    assert_eq!(granted(&desk).await, ["c3", "c5"]);
    for n in 0..PAGE {
        let record = RunRecord::new(
            RunId::new(format!("later-{n}")),
            "vendor",
            "scripted",
            Timestamp::EPOCH,
            desk.bench.approval.clone(),
        );
        desk.bench
            .journal
            .begin(&record, "{}", &[], &[])
            .await
            .unwrap();
    }
    assert_eq!(granted(&desk).await, ["c3", "c5"]);
}

#[tokio::test]
async fn what_is_left_out_says_why_in_words() {
    let reason = "two open lines".to_owned();
    let detail = "quantity is 9".to_owned();
    for (why, said) in [
        (LeftOut::Landed, "it has landed meanwhile"),
        (LeftOut::NothingToDo, "nothing is to be done any more"),
        (
            LeftOut::NotPlanned { reason },
            "it is not planned now: two open lines",
        ),
        (LeftOut::Conflict { detail }, "a person has to look"),
    ] {
        let text = why.to_string();
        assert!(text.starts_with(said), "{text}");
    }
}
