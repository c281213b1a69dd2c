//! Quantities that may not fall freely, and the pieces of a change within a term.

use std::time::Duration;

use tallyline_core::model::{
    AccountReading, Basis, Batch, BillKey, ChargeKind, Commitment, CommittedQuantity, Quantity,
    RETURN_WINDOW, Timestamp, UsageLine, VendorAccount,
};
use tallyline_core::plan::{Action, Guard};

use crate::world::{World, actions, guards, now, seats, usd};

/// 14 are billed and committed, 4 of them since `now`; the vendor reports another quantity.
fn reported(quantity: &str, seen: Timestamp) -> World {
    let added = now();
    let licences = CommittedQuantity::new(14_u32, vec![Batch::new(4_u32, added)]).unwrap();
    let commitment = Commitment::new(None, vec![]).with_licences(licences);
    let line = seats("sub:a", "mail", quantity).with_commitment(Some(commitment));
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "14")
        .on(seen.date());
    world.now = seen;
    let reading = AccountReading::complete("c-1", vec![line], Basis::Live, seen);
    world.readings.push(reading);
    world
}

#[test]
fn section_5_a_report_below_q_min_is_blocked_and_one_at_it_is_a_reduction() {
    let inside = now().plus(RETURN_WINDOW - Duration::from_secs(1));
    assert_eq!(guards(&reported("10", inside).plan()), []);
    assert_eq!(
        guards(&reported("9", inside).plan()),
        [Guard::CommitmentFloor]
    );
    let closed = now().plus(RETURN_WINDOW);
    assert_eq!(
        guards(&reported("10", closed).plan()),
        [Guard::CommitmentFloor]
    );
    assert_eq!(
        guards(&reported("15", closed).plan()),
        [],
        "an increase is free"
    );
}

#[test]
fn section_5_the_committed_quantity_is_billed_and_not_the_assigned_seats() {
    let licences = CommittedQuantity::new(14_u32, vec![]).unwrap();
    let mut line = UsageLine::new("sub:a", "S-mail", licences.to_bill());
    line.attributes.push(("assigned".into(), "9".into()));
    let world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "9")
        .reads("c-1", vec![line]);
    assert_eq!(actions(&world.plan()), ["set quantity 9 -> 14"]);
}

#[test]
fn section_5_suspension_does_not_stop_billing() {
    let plan = |suspended| {
        let mut world = World::new()
            .account(1)
            .service("mail")
            .bills(1, "10", "P-mail", "9")
            .reads("c-1", vec![seats("sub:a", "mail", "14")]);
        world
            .accounts
            .push(VendorAccount::new("c-1", "Client 1").with_suspended(suspended));
        world.plan()
    };
    assert_eq!(actions(&plan(true)), ["set quantity 9 -> 14"]);
    assert_eq!(plan(true).changes(), plan(false).changes());
}

#[test]
fn section_5_pieces_with_their_signs_are_charged_as_67_89_and_counted_as_no_quantity() {
    let on_bill = |line: UsageLine, price: &str| {
        let bill = BillKey::new("csp", "2026-03-06".parse().unwrap());
        line.with_bill(Some(bill))
            .with_totals(None, Some(usd(price)))
    };
    let piece = |key: &str, price: &str| {
        let quantity: Quantity = 20_u32.into();
        on_bill(UsageLine::new(key, "S-mail", quantity), price).with_kind(ChargeKind::Proration)
    };
    let world = World::new()
        .account(1)
        .service("mail")
        .charges_prorations("mail")
        .bills(1, "10", "P-mail", "20")
        .reads(
            "c-1",
            vec![
                on_bill(seats("sub:a", "mail", "20"), "2791.80"),
                piece("sub:a:1", "579.73"),
                piece("sub:a:2", "2193.56"),
                piece("sub:a:reversal", "-2705.40"),
            ],
        );
    let plan = world.plan();
    let [change] = plan.changes() else {
        panic!("{plan:?}")
    };
    let Action::AddCharge {
        quantity,
        unit_price,
        ..
    } = &change.action
    else {
        panic!("{change:?}")
    };
    assert_eq!((*quantity, *unit_price), (Quantity::ONE, usd("67.89")));
}
