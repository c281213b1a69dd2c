//! A line that the run ended, going on.

use super::*;

#[tokio::test]
async fn a_line_that_ends_otherwise_than_the_run_left_it_does_not_go_on() {
    type Edit = fn(&mut AgreementLine);
    let edits: [(Edit, &str); 2] = [
        (
            |line| line.state.last_day = Some(day("2026-03-31")),
            "line l3 ends after 2026-03-31, not after 2026-01-31",
        ),
        (
            |line| line.state.last_day = None,
            "line l3 has no end any more",
        ),
    ];
    for (edit, found) in edits {
        for changes in [
            vec![end("c1", "l3", "p3", 4)],
            vec![end("c1", "l3", "p3", 4), add("c2", "a1", "p3", 6)],
        ] {
            let desk = Desk::new();
            assert!(desk.run("r1", &changes).await.is_all_done());
            desk.edit("a1", "l3", edit);
            let undo = desk.undo("r1").await;
            assert!(undo.plan.changes().is_empty(), "{found}");
            let reason = refusal(&undo, "c1").to_string();
            assert!(reason.ends_with(found), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_line_goes_on_without_amounts_where_the_psa_holds_none_and_is_refused_where_it_does() {
    for held in [false, true] {
        let mut desk = Desk::new();
        desk.sink.capabilities.set_unit_cost = held;
        desk.edit("a1", "l3", |line| line.state.unit_cost = None);
        assert!(
            desk.run("r1", &[end("c1", "l3", "p3", 4)])
                .await
                .is_all_done()
        );
        let undo = desk.undo("r1").await;
        assert_eq!(undo.plan.changes().is_empty(), held, "held: {held}");
        if let [change] = undo.plan.changes() {
            let Action::CreateLine {
                unit_cost,
                unit_price,
                ..
            } = &change.action
            else {
                panic!("{}", change.action);
            };
            assert_eq!((*unit_cost, *unit_price), (None, Some(money(200))));
        }
    }
}

#[tokio::test]
async fn a_line_back_on_the_place_of_another_gets_no_amount_that_the_psa_does_not_hold() {
    let mut desk = Desk::new();
    desk.sink.capabilities.set_unit_cost = false;
    desk.edit("a1", "l3", |line| line.state.unit_cost = None);
    let changes = [end("c1", "l3", "p3", 4), add("c2", "a1", "p3", 6)];
    assert!(desk.run("r1", &changes).await.is_all_done());
    let undo = desk.undo("r1").await;
    assert_eq!(
        actions(&undo),
        [
            "a1 p3: set quantity 6 -> 4",
            "a1 p3: set unit price 2.60 USD -> 2.00 USD"
        ],
        "{:?}",
        undo.refused
    );
}

#[tokio::test]
async fn an_amount_that_was_absent_before_is_not_left_on_the_line_that_took_the_place() {
    let desk = Desk::new();
    desk.edit("a1", "l3", |line| line.state.unit_cost = None);
    let changes = [end("c1", "l3", "p3", 4), add("c2", "a1", "p3", 6)];
    assert!(desk.run("r1", &changes).await.is_all_done());
    let undo = desk.undo("r1").await;
    assert!(undo.plan.changes().is_empty());
    let reason = refusal(&undo, "c2").to_string();
    assert!(
        reason.starts_with("the line held no cost before"),
        "{reason}"
    );
}
