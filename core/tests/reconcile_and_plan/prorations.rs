//! What a vendor bills for units that came or went within a period: told, and billed where a person decides so.

use tallyline_core::ErrorKind;
use tallyline_core::mapping::{BilledAs, ProductRule, ServiceLink};
use tallyline_core::model::{BillKey, ChargeKind, Currency, Period, UsageLine};
use tallyline_core::plan::{Action, Plan};
use tallyline_core::reconcile::Kind;

use crate::world::{World, actions, seats, usd};

fn bill(date: &str) -> BillKey {
    BillKey::new("csp", date.parse().unwrap())
}

/// A piece of a cycle on the bill of March.
fn piece(key: &str, quantity: &str, price: &str) -> UsageLine {
    let days = Period::new("2026-02-20".parse().unwrap(), "2026-03-06".parse().unwrap());
    seats(key, "mail", quantity)
        .with_kind(ChargeKind::Proration)
        .with_totals(Some(usd("4.02")), Some(usd(price)))
        .with_period(Some(days.unwrap()))
        .with_bill(Some(bill("2026-03-07")))
}

/// 14 seats, of which 4 came within the last period.
fn bought() -> Vec<UsageLine> {
    let all = seats("sub:a", "mail", "14").with_bill(Some(bill("2026-03-07")));
    vec![all, piece("p:1", "4", "5.36"), piece("p:2", "1", "1.34")]
}

fn world(lines: Vec<UsageLine>) -> World {
    let world = World::new().service("mail").account(1);
    world.bills(1, "1", "P-mail", "10").reads("c-1", lines)
}

fn not_billed(plan: &Plan) -> Vec<&str> {
    let notices = plan.notices().iter();
    notices
        .filter(|notice| notice.kind == Kind::NotBilled)
        .map(|notice| notice.message.as_str())
        .collect()
}

#[test]
fn prorations_that_nobody_is_billed_for_are_named_with_their_amount_and_why() {
    let plan = world(bought()).plan();
    assert_eq!(actions(&plan), ["set quantity 10 -> 14"]);
    let [said] = not_billed(&plan)[..] else {
        panic!("{:?}", plan.notices());
    };
    assert!(
        said.ends_with(
            "is not billed for 2 proration lines on the bill of 2026-03-07 (6.70 USD to the client, \
             cost 8.04 USD): the link bills recurring lines alone"
        ),
        "{said}"
    );
    assert!(said.contains("S-mail"), "{said}");
    assert_eq!(plan.content().found[&Kind::NotBilled], 1);
    assert!(not_billed(&world(vec![seats("sub:a", "mail", "14")]).plan()).is_empty());
}

#[test]
fn amounts_that_are_not_stated_or_of_two_currencies_are_not_made_up() {
    let mut silent = piece("p:2", "1", "1");
    (silent.total_price, silent.total_cost) = (None, None);
    let plan = world(vec![piece("p:1", "4", "5.36"), silent]).plan();
    assert!(not_billed(&plan)[0].contains("does not state what they come to"));
    let mut other = piece("p:2", "1", "1").with_bill(Some(bill("2026-04-07")));
    let mut euros = usd("1");
    euros.currency = Some(Currency::EUR);
    other.total_price = Some(euros);
    let plan = world(vec![piece("p:1", "4", "5.36"), other]).plan();
    let said = not_billed(&plan)[0];
    assert!(said.contains("on 2 bills (cost 8.04 USD)"), "{said}");
}

#[test]
fn a_person_can_have_them_billed_by_one_charge_for_each_bill_beside_the_line() {
    let plan = world(bought()).charges_prorations("mail").plan();
    let [quantity, charge] = plan.changes() else {
        panic!("{:?}", actions(&plan));
    };
    assert_eq!(quantity.action.to_string(), "set quantity 10 -> 14");
    assert_eq!(quantity.evidence.usage.len(), 1);
    let Action::AddCharge {
        quantity,
        unit_price,
        unit_cost,
        period,
        ..
    } = &charge.action
    else {
        panic!("{charge:?}");
    };
    assert_eq!(
        (quantity.to_string(), *unit_price),
        ("1".into(), usd("6.70"))
    );
    assert_eq!(*unit_cost, Some(usd("8.04")));
    assert_eq!(period.unwrap().to_string(), "2026-02-20 to 2026-03-06");
    assert_eq!(charge.effective.to_string(), "2026-03-07");
    assert_eq!(charge.evidence.usage.len(), 2);
    assert!(not_billed(&plan).is_empty());
}

#[test]
fn pieces_that_could_not_all_be_read_are_not_charged_and_the_line_is_as_read() {
    let world = world(bought()).charges_prorations("mail");
    let plan = world.unread(ChargeKind::Proration).plan();
    assert_eq!(actions(&plan), ["set quantity 10 -> 14"]);
    assert_eq!(plan.content().found[&Kind::NotObserved], 1);
}

#[test]
fn without_a_recurring_line_the_line_is_as_it_was_and_the_pieces_are_charged() {
    let plan = world(vec![piece("p:1", "4", "5.36")])
        .charges_prorations("mail")
        .plan();
    assert_eq!(
        actions(&plan),
        ["charge 5.36 USD for bill csp of 2026-03-07 of account c-1"]
    );
    assert_eq!(plan.content().found[&Kind::VendorMissing], 1);
}

#[test]
fn a_new_agreement_does_not_begin_with_the_days_of_a_proration() {
    let mut all = seats("sub:a", "mail", "14").with_bill(Some(bill("2026-03-07")));
    let month = Period::new("2026-03-07".parse().unwrap(), "2026-04-06".parse().unwrap());
    all.period = Some(month.unwrap());
    all.billing_cycle = tallyline_core::model::BillingCycle::Monthly;
    let lines = [all, piece("p:1", "4", "5.36")].map(|line| line.with_subscription("S1"));
    let world = World::new()
        .per_service("c-1", 1)
        .service("mail")
        .charges_prorations("mail")
        .reads("c-1", lines.to_vec());
    let plan = world.plan();
    let created = &plan.changes()[0];
    assert!(created.action.creates_agreement(), "{:?}", actions(&plan));
    assert_eq!(created.effective.to_string(), "2026-03-07");
    assert_eq!(plan.changes().len(), 3, "{:?}", actions(&plan));
}

#[test]
fn prorations_are_charged_as_one_product_and_beside_a_recurring_line_alone() {
    let link = |products: &[&str], counts| {
        let rules = products.iter().map(|id| ProductRule::one_to_one(*id));
        ServiceLink::manual(rules.collect(), counts, BilledAs::LineAndProrations)
    };
    assert!(link(&["p1"], ChargeKind::Recurring).validate().is_ok());
    for (wrong, word) in [
        (link(&["p1", "p2"], ChargeKind::Recurring), "name one"),
        (link(&["p1"], ChargeKind::Usage), "recurring"),
    ] {
        let error = wrong.validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mapping);
        assert!(error.to_string().contains(word), "{error}");
    }
}
