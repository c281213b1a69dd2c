use super::*;
use crate::apply::after::{Remedy, RunStatus, Standing};
use crate::apply::tests::{create, set_quantity};
use crate::plan::{Block, Guard, Undoes};

/// A run with one change of each kind of outcome.
async fn every_outcome(desk: &Desk) -> RunStatus {
    let mut blocked = set_quantity("blocked", "a2", "p1", "l9", (7, 1));
    blocked.blocks.push(Block {
        guard: Guard::StaleReading,
        reason: "the reading is old".into(),
    });
    let changes = [
        set_quantity("done", "a1", "p1", "l1", (10, 12)),
        set_quantity("also", "a1", "p1", "l1", (12, 13)),
        set_quantity("drifted", "a1", "p2", "l2", (99, 12)),
        set_quantity("refused", "a1", "p3", "l3", (4, 5)),
        create("skipped", "a1", "p3", 5),
        blocked,
        create("failed", "a2", "p7", 1),
        create("unsettled", "a2", "p8", 1),
        create("waiting", "a2", "p9", 1),
    ];
    desk.fault("refused", &[Fault::Rejected]);
    desk.fault("failed", &[Fault::NotSent]);
    desk.fault("unsettled", &[Fault::Lost]);
    desk.run("r1", &changes).await;
    let run = desk.bench.journal.run(&"r1".into()).await.unwrap();
    RunStatus::of(run, &desk.records("r1").await)
}

#[tokio::test]
async fn b19_every_change_that_has_not_landed_says_where_it_stands_and_what_to_do() {
    let desk = Desk::new();
    let status = every_outcome(&desk).await;
    assert_eq!((status.changes, status.done), (9, 2));
    let open: Vec<_> = status
        .open
        .iter()
        .map(|open| (open.change.id.as_str(), open.standing, open.remedy))
        .collect();
    assert_eq!(
        open,
        [
            ("drifted", Standing::Drifted, Remedy::Retry),
            ("refused", Standing::Refused, Remedy::MendAndRetry),
            ("skipped", Standing::Skipped, Remedy::Retry),
            ("blocked", Standing::Blocked, Remedy::Override),
            ("failed", Standing::Failed, Remedy::Retry),
            ("unsettled", Standing::Unsettled, Remedy::Resume),
            ("waiting", Standing::Waiting, Remedy::Resume),
        ]
    );
    assert_eq!(status.open[0].detail, "quantity is 5, planned on 99");
    assert_eq!(status.open[3].detail, "the reading is old");
}

#[tokio::test]
async fn a_conflict_and_what_nobody_approved_are_told_apart_from_failures() {
    let mut desk = Desk::new();
    desk.bench.changes = vec![
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a2", "p1", "l9", (7, 8)),
    ];
    desk.bench.approval = desk.bench.approval.clone().with_only(["c1".into()]);
    desk.fault("c1", &[Fault::Overwritten]);
    desk.bench.apply().await;
    let run = desk.bench.journal.run(&"r1".into()).await.unwrap();
    let status = RunStatus::of(run, &desk.records("r1").await);
    let open: Vec<_> = status.open.iter().map(|o| (o.standing, o.remedy)).collect();
    assert_eq!(
        open,
        [
            (Standing::Conflict, Remedy::Look),
            (Standing::NotApproved, Remedy::Approve),
        ]
    );
}

#[tokio::test]
async fn what_an_undo_left_is_undone_again_and_not_retried() {
    let desk = Desk::new();
    let mut undo = set_quantity("u1", "a1", "p1", "l1", (10, 8));
    undo.evidence.undoes = Some(Undoes {
        run: "r0".into(),
        changes: vec!["c1".into()],
    });
    desk.fault("u1", &[Fault::Rejected]);
    desk.run("r1", &[undo]).await;
    let run = desk.bench.journal.run(&"r1".into()).await.unwrap();
    let status = RunStatus::of(run, &desk.records("r1").await);
    assert_eq!(status.open[0].remedy, Remedy::UndoAgain);
}

#[tokio::test]
async fn where_a_change_stands_and_its_remedy_are_words_that_fill_a_column() {
    let desk = Desk::new();
    let status = every_outcome(&desk).await;
    for open in &status.open {
        assert_eq!(open.standing.to_string(), open.standing.as_str());
        assert_eq!(open.remedy.to_string(), open.remedy.as_str());
        assert_eq!(format!("{:<80}", open.standing).chars().count(), 80);
    }
}
