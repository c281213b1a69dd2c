//! A line for days that were invoiced already, taken back.

use super::*;

/// A quantity from February on, and a catch-up for the rest of January, which is invoiced.
fn with_catch_up(units: (u32, u32)) -> [Change; 2] {
    let mut set = set_quantity("c1", "a1", "p1", "l1", units);
    let step = Quantity::from(units.1).checked_sub(units.0.into());
    let action = Action::CreateLine {
        quantity: step.unwrap(),
        unit_cost: Some(money(100)),
        unit_price: Some(money(200)),
        last_day: Some(day("2026-01-31")),
        like: Some("l1".into()),
    };
    let mut catch_up = change("c2", "a1", "p1", action);
    catch_up.effective = day("2026-01-15");
    catch_up.follows = Some("c1".into());
    for change in [&mut set, &mut catch_up] {
        change.evidence.next_invoice = Some(day("2026-02-01"));
    }
    [set, catch_up]
}

/// The units of each line of a product, the ended ones included.
fn units(desk: &Desk, product: &str) -> Vec<String> {
    let world = desk.bench.sink.world();
    let lines = world.lines.values().flatten();
    let of_product = lines.filter(|line| line.product.as_str() == product);
    of_product
        .map(|line| line.state.quantity.to_string())
        .collect()
}

#[tokio::test]
async fn a_catch_up_that_is_not_invoiced_yet_is_set_to_bill_nothing_and_back() {
    for (units_of_run, step) in [((10, 13), "3"), ((10, 8), "-2")] {
        let desk = Desk::new();
        let report = desk.run("r1", &with_catch_up(units_of_run)).await;
        assert!(report.is_all_done(), "{report}");
        let left = units(&desk, "p1");
        let undo = desk.undo("r1").await;
        assert!(undo.refused.is_empty(), "{:?}", undo.refused);
        let to = units_of_run.1;
        let expected = [
            format!("a1 p1: set quantity {step} -> 0"),
            format!("a1 p1: set quantity {to} -> 10"),
        ];
        assert_eq!(actions(&undo), expected);
        let changes = undo.plan.changes();
        assert!(changes.iter().all(|c| !c.is_blocked()), "{changes:?}");
        let reason = "added the line for 2026-01-15 to 2026-01-31, which is not invoiced yet";
        assert!(changes[0].reason.contains(reason), "{}", changes[0].reason);
        assert!(desk.run("r2", changes).await.is_all_done());
        assert_eq!(units(&desk, "p1"), ["10", "0", "7"]);

        let again = desk.undo("r2").await;
        assert!(again.refused.is_empty(), "{:?}", again.refused);
        let changes = again.plan.changes();
        assert!(changes.iter().all(|c| !c.is_blocked()), "{changes:?}");
        assert!(desk.run("r3", changes).await.is_all_done());
        assert_eq!(units(&desk, "p1"), left);
    }
}

#[tokio::test]
async fn a_catch_up_that_is_invoiced_since_is_refused_and_the_quantity_with_it() {
    let mut desk = Desk::new();
    desk.run("r1", &with_catch_up((10, 13))).await;
    desk.invoice_up_to("2026-03-01");
    let undo = desk.undo("r1").await;
    assert!(undo.plan.changes().is_empty());
    for change in ["c1", "c2"] {
        let found = refusal(&undo, change);
        assert!(matches!(found, Refusal::Invoiced { .. }), "{found}");
    }
}

#[tokio::test]
async fn a_catch_up_that_somebody_changed_is_refused_and_the_quantity_with_it() {
    type Edit = fn(&mut AgreementLine);
    let edits: [(Edit, &str); 3] = [
        (
            |line| line.state.quantity = 4_u32.into(),
            "quantity is 4, the run left 3",
        ),
        (|line| line.state.last_day = None, "has no end any more"),
        (
            |line| line.state.unit_price = Some(money(999)),
            "unit price is 9.99 USD, the run left 2.00 USD",
        ),
    ];
    for (edit, found) in edits {
        let desk = Desk::new();
        desk.run("r1", &with_catch_up((10, 13))).await;
        let line = line_of(&desk, "c2").await;
        desk.edit("a1", &line, edit);
        let undo = desk.undo("r1").await;
        assert!(undo.plan.changes().is_empty(), "{found}");
        let reason = refusal(&undo, "c2").to_string();
        assert!(reason.ends_with(found), "{reason}");
        assert_eq!(
            *refusal(&undo, "c1"),
            Refusal::Together { with: "c2".into() }
        );
    }
}

#[tokio::test]
async fn a_catch_up_that_is_taken_back_counts_for_nothing_as_it_is_billed_once() {
    let desk = Desk::new();
    let report = desk.run("r1", &with_catch_up((10, 13))).await;
    assert!(report.is_all_done(), "{report}");
    let said = said_by_guard(&desk, "r1").await.unwrap();
    assert!(said.contains("away from 1 of "), "{said}");
    assert!(said.contains(" and 3 of "), "{said}");
}
