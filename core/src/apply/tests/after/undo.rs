mod catch_up;
mod ended;

use super::*;
use crate::apply::after::Refusal;
use crate::apply::tests::{change, create, day, set_quantity};
use crate::model::ReadFailure;
use crate::plan::{Action, Guard, Origin};

fn set_cost(id: &str, line: &str, product: &str, cents: (Option<i64>, i64)) -> Change {
    let action = Action::SetUnitCost {
        line: line.into(),
        from: cents.0.map(money),
        to: money(cents.1),
    };
    change(id, "a1", product, action)
}

fn set_price(id: &str, line: &str, product: &str, cents: (i64, i64)) -> Change {
    let action = Action::SetUnitPrice {
        line: line.into(),
        from: Some(money(cents.0)),
        to: money(cents.1),
    };
    change(id, "a1", product, action)
}

fn end(id: &str, line: &str, product: &str, units: u32) -> Change {
    let action = Action::EndLine {
        line: line.into(),
        from: units.into(),
        last_day: day("2026-01-31"),
        replaced_by: None,
    };
    change(id, "a1", product, action)
}

fn add(id: &str, agreement: &str, product: &str, units: u32) -> Change {
    let action = Action::CreateLine {
        quantity: units.into(),
        unit_cost: Some(money(130)),
        unit_price: Some(money(260)),
        last_day: None,
        like: None,
    };
    change(id, agreement, product, action)
}

/// Every kind of change, with a line that is ended and goes on as another.
fn every_kind() -> Vec<Change> {
    let changes = [
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a2", "p1", "l9", (7, 3)),
        set_cost("c3", "l2", "p2", (Some(100), 110)),
        set_price("c4", "l2", "p2", (200, 220)),
        end("c5", "l3", "p3", 4),
        add("c6", "a1", "p3", 6),
        add("c7", "a2", "p8", 1),
    ];
    let planned = changes.map(|mut change| {
        change.evidence.next_invoice = Some(day("2026-02-01"));
        change
    });
    planned.into()
}

fn actions(undo: &Undo) -> Vec<String> {
    let changes = undo.plan.changes().iter();
    changes
        .map(|change| format!("{} {}: {}", change.agreement, change.product, change.action))
        .collect()
}

fn refusal<'u>(undo: &'u Undo, change: &str) -> &'u Refusal {
    let refused = undo.refused.iter();
    let mut found = refused.filter(|refused| refused.change.id.as_str() == change);
    &found.next().unwrap().refusal
}

/// The line that a change of the first run added.
async fn line_of(desk: &Desk, change: &str) -> String {
    let records = desk.records("r1").await;
    let mut of_change = records.iter().filter(|r| r.change.id.as_str() == change);
    let result = crate::apply::ChangeResult::of(of_change.next().unwrap());
    result.line.unwrap().to_string()
}

#[tokio::test]
async fn an_undo_takes_back_every_kind_of_change_in_reverse_order() {
    let desk = Desk::new();
    let before = desk.billed();
    assert!(desk.run("r1", &every_kind()).await.is_all_done());
    let undo = desk.undo("r1").await;
    assert_eq!(
        actions(&undo),
        [
            "a1 p3: set quantity 6 -> 4",
            "a1 p3: set unit cost 1.30 USD -> 1.00 USD",
            "a1 p3: set unit price 2.60 USD -> 2.00 USD",
            "a1 p2: set unit price 2.20 USD -> 2.00 USD",
            "a1 p2: set unit cost 1.10 USD -> 1.00 USD",
            "a1 p1: set quantity 12 -> 10",
            "a2 p8: set quantity 1 -> 0",
            "a2 p8: end the line of 0 after 2026-02-01",
            "a2 p1: set quantity 3 -> 7",
        ]
    );
    assert!(undo.refused.is_empty(), "{:?}", undo.refused);
    let origin = Origin::Undo { run: "r1".into() };
    assert_eq!(undo.plan.content().origin, Some(origin));
    let goes_on = &undo.plan.changes()[2];
    let undoes = goes_on.evidence.undoes.as_ref().unwrap();
    assert_eq!(undoes.run.as_str(), "r1");
    assert_eq!(undoes.changes, ["c5".into(), "c6".into()]);
    assert_eq!(goes_on.effective, day("2026-02-01"));
    assert_eq!(
        Plan::from_text(&undo.plan.to_text().unwrap()).unwrap(),
        undo.plan
    );

    assert!(desk.run("r2", undo.plan.changes()).await.is_all_done());
    assert_eq!(desk.billed(), before);
}

#[tokio::test]
async fn an_undo_of_an_undo_gives_back_what_the_run_left_and_can_be_undone_again() {
    let desk = Desk::new();
    let before = desk.billed();
    desk.run("r1", &every_kind()).await;
    let after = desk.billed();
    for (run, of, expected) in [
        ("r2", "r1", &before),
        ("r3", "r2", &after),
        ("r4", "r3", &before),
    ] {
        let undo = desk.undo(of).await;
        assert!(undo.refused.is_empty(), "{run}: {:?}", undo.refused);
        let report = desk.run(run, undo.plan.changes()).await;
        assert!(report.is_all_done(), "{report}");
        assert_eq!(desk.billed(), *expected, "{run}");
    }
}

#[tokio::test]
async fn what_is_taken_back_already_is_refused_until_that_is_taken_back() {
    let desk = Desk::new();
    let changes = [set_quantity("c1", "a1", "p1", "l1", (10, 12))];
    desk.run("r1", &changes).await;
    let first = desk.undo("r1").await;
    desk.run("r2", first.plan.changes()).await;
    let again = desk.undo("r1").await;
    assert!(again.plan.changes().is_empty());
    let by = Refusal::AlreadyUndone { run: "r2".into() };
    assert_eq!(*refusal(&again, "c1"), by);
    let back = desk.undo("r2").await;
    desk.run("r3", back.plan.changes()).await;
    let anew = desk.undo("r1").await;
    assert_eq!(actions(&anew), ["a1 p1: set quantity 12 -> 10"]);
    assert_ne!(
        anew.plan.changes()[0].id,
        first.plan.changes()[0].id,
        "the second undo is not taken for the first one"
    );
}

#[tokio::test]
async fn a_change_that_was_not_done_or_is_unsettled_is_refused_by_name() {
    let desk = Desk::new();
    let changes = [
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a2", "p1", "l9", (7, 3)),
    ];
    desk.fault("c1", &[Fault::Rejected]);
    desk.fault("c2", &[Fault::Lost]);
    desk.run("r1", &changes).await;
    let undo = desk.undo("r1").await;
    assert!(undo.plan.changes().is_empty());
    assert!(
        refusal(&undo, "c1")
            .to_string()
            .contains("nothing to take back")
    );
    assert_eq!(
        *refusal(&undo, "c2"),
        Refusal::Unsettled { run: "r1".into() }
    );
}

#[tokio::test]
async fn an_undo_that_may_have_landed_is_not_planned_a_second_time() {
    let desk = Desk::new();
    let changes = [set_quantity("c1", "a1", "p1", "l1", (10, 12))];
    desk.run("r1", &changes).await;
    let undo = desk.undo("r1").await;
    desk.fault(undo.plan.changes()[0].id.as_str(), &[Fault::Lost]);
    desk.run("r2", undo.plan.changes()).await;
    let again = desk.undo("r1").await;
    assert_eq!(
        *refusal(&again, "c1"),
        Refusal::Unsettled { run: "r2".into() }
    );
}

#[tokio::test]
async fn a_cost_that_was_absent_before_is_refused() {
    let desk = Desk::new();
    desk.edit("a1", "l2", |line| line.state.unit_cost = None);
    desk.run("r1", &[set_cost("c1", "l2", "p2", (None, 110))])
        .await;
    let undo = desk.undo("r1").await;
    assert!(undo.plan.changes().is_empty());
    let reason = refusal(&undo, "c1").to_string();
    assert!(
        reason.starts_with("the line held no cost before"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_line_changed_since_is_refused_and_the_others_are_taken_back() {
    let desk = Desk::new();
    desk.run("r1", &every_kind()).await;
    desk.edit("a1", "l1", |line| line.state.quantity = 13_u32.into());
    let added = line_of(&desk, "c7").await;
    desk.edit("a2", &added, |line| {
        line.state.unit_price = Some(money(999))
    });
    let undo = desk.undo("r1").await;
    let reasons = [refusal(&undo, "c1"), refusal(&undo, "c7")].map(ToString::to_string);
    assert_eq!(
        reasons,
        [
            "the line is not as the run left it: quantity is 13, planned on 12",
            "the line is not as the run left it: unit price is 9.99 USD, the run left 2.60 USD",
        ]
    );
    assert_eq!(undo.refused.len(), 2);
    assert_eq!(undo.plan.changes().len(), 6);
}

#[tokio::test]
async fn what_was_done_to_a_line_that_was_ended_or_added_is_taken_back_whole_or_not_at_all() {
    let desk = Desk::new();
    desk.run("r1", &every_kind()).await;
    let added = line_of(&desk, "c6").await;
    desk.edit("a1", &added, |line| line.state.quantity = 8_u32.into());
    let undo = desk.undo("r1").await;
    for change in ["c5", "c6"] {
        let reason = refusal(&undo, change).to_string();
        assert!(
            reason.ends_with("quantity is 8, the run left 6"),
            "{reason}"
        );
    }
    assert!(!actions(&undo).iter().any(|action| action.contains("p3")));
}

#[tokio::test]
async fn what_was_set_before_a_line_ended_comes_back_with_the_line_that_goes_on() {
    let desk = Desk::new();
    let before = desk.billed();
    let changes = [
        set_quantity("c1", "a1", "p3", "l3", (4, 9)),
        set_price("c2", "l3", "p3", (200, 300)),
        end("c3", "l3", "p3", 9),
    ];
    assert!(desk.run("r1", &changes).await.is_all_done());
    let undo = desk.undo("r1").await;
    assert_eq!(
        actions(&undo),
        ["a1 p3: create a line of 4 in place of line l3"]
    );
    let undoes = undo.plan.changes()[0].evidence.undoes.clone().unwrap();
    assert_eq!(undoes.changes, ["c1".into(), "c2".into(), "c3".into()]);
    desk.run("r2", undo.plan.changes()).await;
    assert_eq!(desk.billed(), before);
}

#[tokio::test]
async fn what_goes_back_in_place_counts_from_the_first_day_that_is_not_invoiced_and_dated_from_the_next_period()
 {
    for (dated, from) in [(false, "2026-01-01"), (true, "2026-02-01")] {
        let mut desk = Desk::new();
        desk.invoice_up_to("2026-01-01");
        desk.sink.capabilities.dated_quantities = dated;
        let mut set = set_quantity("c1", "a1", "p1", "l1", (10, 12));
        set.effective = day("2026-01-01");
        set.evidence.next_invoice = Some(day("2026-01-01"));
        assert!(desk.run("r1", &[set]).await.is_all_done());
        let undo = desk.undo("r1").await;
        let changes = undo.plan.changes();
        assert_eq!(changes.len(), 1, "{:?}", undo.refused);
        assert_eq!(changes[0].effective, day(from), "dated: {dated}");
    }
}

#[tokio::test]
async fn a_period_invoiced_since_is_refused_but_an_added_line_ends_after_it() {
    let mut desk = Desk::new();
    desk.run("r1", &every_kind()).await;
    desk.invoice_up_to("2026-03-01");
    desk.today = day("2026-02-10");
    let undo = desk.undo("r1").await;
    assert_eq!(
        actions(&undo),
        ["a2 p8: end the line of 1 after 2026-02-28"]
    );
    let reason = refusal(&undo, "c1").to_string();
    assert!(
        reason.contains("counts from 2026-02-01") && reason.contains("up to 2026-03-01"),
        "{reason}"
    );
    assert!(matches!(refusal(&undo, "c6"), Refusal::Invoiced { .. }));
}

#[tokio::test]
async fn of_a_line_that_ended_and_one_that_began_later_neither_is_taken_back_alone() {
    let mut desk = Desk::new();
    let mut later = add("c2", "a1", "p3", 6);
    later.effective = day("2026-02-10");
    assert!(
        desk.run("r1", &[end("c1", "l3", "p3", 4), later])
            .await
            .is_all_done()
    );
    desk.invoice_up_to("2026-03-01");
    let undo = desk.undo("r1").await;
    assert!(undo.plan.changes().is_empty());
    assert!(matches!(refusal(&undo, "c1"), Refusal::Invoiced { .. }));
    assert_eq!(
        *refusal(&undo, "c2"),
        Refusal::Together { with: "c1".into() }
    );
}

#[tokio::test]
async fn a_line_that_took_the_place_of_its_like_needs_nothing() {
    let desk = Desk::new();
    let mut same = add("c2", "a1", "p3", 4);
    if let Action::CreateLine {
        unit_cost,
        unit_price,
        ..
    } = &mut same.action
    {
        (*unit_cost, *unit_price) = (Some(money(100)), Some(money(200)));
    }
    desk.run("r1", &[end("c1", "l3", "p3", 4), same]).await;
    let undo = desk.undo("r1").await;
    assert!(undo.plan.changes().is_empty());
    assert_eq!(*refusal(&undo, "c2"), Refusal::NoDifference);
}

#[tokio::test]
async fn a_period_that_was_invoiced_before_the_run_is_no_reason_to_refuse() {
    let mut desk = Desk::new();
    for agreement in desk.agreements.values_mut() {
        agreement.prorates = Some(true);
    }
    let mut change = set_quantity("c1", "a1", "p1", "l1", (10, 12));
    change.effective = day("2026-01-15");
    change.evidence.next_invoice = Some(day("2026-02-01"));
    let mut unknown = set_quantity("c2", "a2", "p1", "l9", (7, 8));
    unknown.effective = day("2026-01-15");
    desk.run("r1", &[change, unknown]).await;
    let undo = desk.undo("r1").await;
    assert_eq!(actions(&undo), ["a1 p1: set quantity 12 -> 10"]);
    assert!(
        matches!(refusal(&undo, "c2"), Refusal::Invoiced { .. }),
        "where the journal does not say what was invoiced, it may be invoiced since"
    );
}

#[tokio::test]
async fn a_sink_that_can_end_a_line_before_its_first_day_does_so_in_one_write() {
    let mut desk = Desk::new();
    desk.sink.capabilities.end_before_start = true;
    desk.run("r1", &[create("c1", "a2", "p8", 1)]).await;
    let undo = desk.undo("r1").await;
    assert_eq!(
        actions(&undo),
        ["a2 p8: end the line of 1 after 2026-01-31"]
    );
}

#[tokio::test]
async fn what_the_sink_cannot_do_is_refused() {
    let mut desk = Desk::new();
    desk.run("r1", &every_kind()).await;
    desk.sink.capabilities = SinkCapabilities::default();
    let undo = desk.undo("r1").await;
    assert!(undo.plan.changes().is_empty());
    assert_eq!(undo.refused.len(), 7);
    assert_eq!(
        refusal(&undo, "c1").to_string(),
        "Scripted cannot set quantities"
    );
}

#[tokio::test]
async fn an_agreement_that_is_not_read_or_takes_no_changes_is_refused() {
    let mut desk = Desk::new();
    desk.run("r1", &every_kind()).await;
    let a2 = desk.agreements.get_mut(&AgreementId::new("a2")).unwrap();
    a2.eligibility = crate::model::Eligibility::NotEligible(vec!["It is closed.".into()]);
    let mut book = PsaBook::new([], desk.agreements.values().cloned(), []);
    let failure = ReadFailure::new(crate::ErrorKind::Unavailable, "down");
    book.add_lines(AgreementReading::failed("a1", failure));
    let undo = desk.undo_on("r1", &book, &Policy::default()).await;
    assert!(undo.plan.changes().is_empty());
    assert_eq!(refusal(&undo, "c2").to_string(), "It is closed.");
    assert_eq!(
        refusal(&undo, "c1").to_string(),
        "the lines of agreement a1 could not be read"
    );
}

#[tokio::test]
async fn an_undo_that_takes_too_much_away_is_blocked() {
    let desk = Desk::new();
    desk.run("r1", &every_kind()).await;
    let mut policy = Policy::default();
    policy.reduction_limit.lines = 1;
    let undo = desk.undo_on("r1", &desk.book(), &policy).await;
    let blocked: Vec<_> = undo
        .plan
        .changes()
        .iter()
        .filter(|c| c.is_blocked())
        .collect();
    assert_eq!(blocked.len(), 3, "{blocked:?}");
    assert!(
        blocked
            .iter()
            .all(|c| c.blocks[0].guard == Guard::TotalReduction)
    );
    assert!(blocked.iter().all(|c| c.action.is_reduction()));
}

#[tokio::test]
async fn an_undo_that_the_psa_would_refuse_is_blocked() {
    let mut desk = Desk::new();
    let half: Quantity = "2.5".parse().unwrap();
    desk.edit("a1", "l1", |line| line.state.quantity = half);
    let action = Action::SetQuantity {
        line: "l1".into(),
        from: half,
        to: 12_u32.into(),
    };
    let change = change("c1", "a1", "p1", action);
    assert!(desk.run("r1", &[change]).await.is_all_done());
    desk.sink.capabilities.whole_units_only = true;
    let undo = desk.undo("r1").await;
    let blocks = &undo.plan.changes()[0].blocks;
    assert_eq!(blocks[0].guard, Guard::WholeUnits, "{blocks:?}");
}

/// What the guard of an undo says with nothing allowed without a person's word.
async fn said_by_guard(desk: &Desk, run: &str) -> Option<String> {
    let mut policy = Policy::default();
    policy.reduction_limit.lines = 0;
    policy.reduction_limit.percent = 0.into();
    let undo = desk.undo_on(run, &desk.book(), &policy).await;
    let mut blocks = undo.plan.changes().iter().flat_map(|c| &c.blocks);
    blocks.next().map(|block| block.reason.clone())
}

#[tokio::test]
async fn what_an_undo_takes_away_is_said_by_line_and_is_part_of_what_there_is() {
    let desk = Desk::new();
    let plan = [
        set_quantity("c1", "a1", "p1", "l1", (10, 20)),
        set_quantity("c2", "a1", "p1", "l1", (20, 17)),
        add("c3", "a2", "p8", 1),
    ];
    assert!(desk.run("r1", &plan).await.is_all_done());
    let said = said_by_guard(&desk, "r1").await.unwrap();
    // Back from 17 by way of 20 to 10, and 1 of 1 from the line that was added.
    let all = "units away from 2 of 5 lines (40 %) and 8 of";
    assert!(said.contains(all), "{said}");
}

#[tokio::test]
async fn an_undo_names_the_run_by_its_day_and_each_line_as_it_was_read() {
    let desk = Desk::new();
    desk.edit("a1", "l1", |line| line.revision = Some("seven".into()));
    let changes = [
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        end("c2", "l3", "p3", 4),
    ];
    desk.run("r1", &changes).await;
    let undo = desk.undo("r1").await;
    let [goes_on, back] = undo.plan.changes() else {
        panic!("{:?}", undo.plan.changes());
    };
    assert!(
        goes_on
            .reason
            .starts_with("the run of 1970-01-01 ended line l3"),
        "{}",
        goes_on.reason
    );
    assert_eq!(back.evidence.revision.as_deref(), Some("seven"));
    assert_eq!(goes_on.evidence.revision, None);
}

#[tokio::test]
async fn what_is_refused_of_one_line_keeps_nothing_back_of_another_where_no_line_came_or_went() {
    let desk = Desk::new();
    let changes = [
        set_quantity("c1", "a1", "p1", "l1", (10, 12)),
        set_quantity("c2", "a1", "p1", "l4", (2, 3)),
    ];
    {
        let mut world = desk.bench.sink.world();
        let lines = world.lines.get_mut(&AgreementId::new("a1")).unwrap();
        lines.push(priced("l4", "p1", 2));
    }
    assert!(desk.run("r1", &changes).await.is_all_done());
    desk.edit("a1", "l4", |line| line.state.quantity = 9_u32.into());
    let undo = desk.undo("r1").await;
    assert_eq!(actions(&undo), ["a1 p1: set quantity 12 -> 10"]);
}

#[tokio::test]
async fn the_same_state_gives_the_same_undo() {
    let desk = Desk::new();
    desk.run("r1", &every_kind()).await;
    let texts = [desk.undo("r1").await, desk.undo("r1").await];
    let [one, other] = texts.map(|undo| undo.plan.to_text().unwrap());
    assert_eq!(one, other);
}
