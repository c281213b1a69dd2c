//! What a plan says of where its changes come from, and what it counts.

use tallyline_core::model::{
    AccountReading, Basis, ChargeKind, Eligibility, Money, Timestamp, UsageLine,
};
use tallyline_core::plan::{Action, Change, Strategy};
use tallyline_core::reconcile::{Kind, Reconciler};

use crate::world::{World, actions, guards, kind_of, seats, usd};

/// One account with a line of 10, and what the vendor shows.
fn mail(shown: Vec<UsageLine>) -> World {
    World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "10")
        .reads("c-1", shown)
}

#[test]
fn a_change_names_its_client_agreement_and_product_and_the_rule_and_the_usage_behind_it() {
    let mut world = mail(vec![seats("sub:a", "mail", "12")]);
    world.products[0].identifier = "MAIL-SEAT".into();
    let plan = world.plan();
    let change = &plan.changes()[0];
    assert_eq!(change.labels.company, "Client 1");
    assert_eq!(change.labels.agreement, "Managed");
    assert_eq!(change.labels.product, "MAIL-SEAT");
    assert_eq!(change.evidence.rules, ["S-mail: one to one"]);
    let usage: Vec<_> = change
        .evidence
        .usage
        .iter()
        .map(|line| {
            (
                line.account.as_str(),
                line.service.as_str(),
                line.line.as_str(),
            )
        })
        .collect();
    assert_eq!(usage, [("c-1", "S-mail", "sub:a")]);
    assert!(world.mapping.revision() > 1);
    assert_eq!(plan.content().mapping_revision, world.mapping.revision());
}

#[test]
fn a_plan_counts_what_was_found_by_kind() {
    let mut world = World::new().service("mail");
    for (n, shown) in [(1, "12"), (2, "10"), (3, "9")] {
        let account = format!("c-{n}");
        world = world
            .account(n)
            .bills(n, &n.to_string(), "P-mail", "10")
            .reads(&account, vec![seats(&format!("sub:{n}"), "mail", shown)]);
    }
    let plan = world.plan();
    let found = &plan.content().found;
    assert_eq!(found[&Kind::Change], 2);
    assert_eq!(found[&Kind::NoChange], 1);
}

#[test]
fn usage_of_another_kind_than_the_service_counts_is_counted_and_bills_nothing() {
    let metered = |key: &str| seats(key, "mail", "5").with_kind(ChargeKind::Usage);
    let lines = vec![seats("sub:a", "mail", "12"), metered("m:1"), metered("m:2")];
    let world = mail(lines);
    assert_eq!(actions(&world.plan()), ["set quantity 10 -> 12"]);
    let book = world.book();
    let mut reconciler = Reconciler::new(&world.mapping, &book, world.now.date());
    reconciler.observe(world.readings[0].clone()).unwrap();
    let comparison = reconciler.finish();
    let not_counted: Vec<_> = comparison.not_counted().iter().collect();
    assert_eq!(not_counted, [(&ChargeKind::Usage, &2)]);
    assert!(std::ptr::eq(comparison.book(), &book));
}

#[test]
fn a_cost_is_written_where_all_subscriptions_have_one_and_never_again_once_two_differ() {
    let at = |key: &str, cost: &str| seats(key, "mail", "4").with_unit_cost(Some(usd(cost)));
    let costs = |of: &[&str]| {
        let keys = ["a", "b", "c"];
        let lines = keys.iter().zip(of).map(|(key, cost)| at(key, cost));
        let plan = mail(lines.collect()).plan();
        let written = plan.changes().iter().filter_map(|change| {
            let Action::SetUnitCost { to, .. } = change.action else {
                return None;
            };
            Some(to)
        });
        written.collect::<Vec<Money>>()
    };
    assert_eq!(costs(&["4", "4", "4"]), [usd("4")]);
    assert_eq!(costs(&["3", "4", "4"]), []);
    assert_eq!(costs(&["4", "4", "3"]), []);
}

#[test]
fn a_product_that_the_psa_does_not_let_be_billed_is_left_alone_with_its_reason() {
    let mut world = mail(vec![seats("sub:a", "mail", "12")]);
    let why = "the product is inactive";
    world.products[0].eligibility = Eligibility::from_reasons(vec![why.into()]);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotEligible);
    let plan = world.plan();
    assert!(plan.changes().is_empty());
    assert!(plan.notices()[0].message.contains(why), "{plan:?}");
}

#[test]
fn a_price_is_not_set_where_it_is_another_than_planned_on() {
    let world = mail(vec![]);
    let action = Action::SetUnitPrice {
        line: "10".into(),
        from: Some(usd("5")),
        to: usd("6"),
    };
    let day = "2026-04-01".parse().unwrap();
    let change = Change::new("c", "1", "a-1", "P-mail", action, day);
    let mut lines = world.lines[0].1.clone();
    for (price, held) in [(Some("5"), true), (Some("4"), false), (None, false)] {
        lines[0].state.unit_price = price.map(usd);
        let checked = change.check_precondition(&lines);
        assert_eq!(checked.is_ok(), held, "{price:?}: {checked:?}");
    }
}

#[test]
fn a_line_that_takes_anothers_place_takes_nothing_away_however_old_the_reading_is() {
    let old: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let mut world = mail(vec![]).by(Strategy::Versioned);
    let lines = vec![seats("sub:a", "mail", "12")];
    let reading = AccountReading::complete("c-1", lines, Basis::Live, old);
    world.readings = vec![reading];
    let plan = world.plan();
    assert_eq!(plan.changes().len(), 2, "{:?}", actions(&plan));
    assert_eq!(guards(&plan), []);
    assert_eq!(plan.content().data_as_of, Some(old));
}
