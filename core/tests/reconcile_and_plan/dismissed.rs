//! Lines that a person leaves as they are for the rest of the billing period.

use proptest::prelude::*;
use tallyline_core::ErrorKind;
use tallyline_core::model::{BillingCycle, CivilDate};
use tallyline_core::reconcile::Kind;

use crate::world::{World, actions, kind_of, seats, today, usd};

/// The PSA bills 47 of a product and the vendor shows so many.
fn mail(vendor: &str) -> World {
    World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "47")
        .reads("c-1", vec![seats("sub:a", "mail", vendor)])
}

/// The same world, with what was dismissed before.
fn after(before: &World, mut world: World) -> World {
    world.dismissals = before.dismissals.clone();
    world
}

#[test]
fn item_7_a_dismissed_line_is_left_alone_for_the_period_and_comes_back_with_another_value() {
    let mut world = mail("50");
    assert_eq!(actions(&world.plan()), ["set quantity 47 -> 50"]);
    world.dismiss("a-1", "P-mail").unwrap();
    let plan = world.plan();
    assert!(plan.changes().is_empty());
    assert_eq!(plan.content().found.get(&Kind::Dismissed), Some(&1));
    let notice = &plan.notices()[0];
    assert_eq!(notice.kind, Kind::Dismissed);
    for said in [
        "Market shows 50, PSA bills 47",
        "Ann dismissed it until 2026-03-31: Settled by hand.",
    ] {
        assert!(notice.message.contains(said), "{}", notice.message);
    }
    // Not an exclusion: the mapping knows nothing of it.
    assert_ne!(kind_of(&world, "a-1 P-mail"), Kind::Excluded);
    assert_eq!(world.mapping.linked_services(), 1);

    let other = after(&world, mail("51"));
    assert_eq!(actions(&other.plan()), ["set quantity 47 -> 51"]);
    let mut dearer = after(&world, mail("50"));
    dearer.readings.clear();
    let line = seats("sub:a", "mail", "50").with_unit_cost(Some(usd("3")));
    let dearer = dearer.reads("c-1", vec![line]);
    assert_eq!(dearer.plan().changes().len(), 2, "quantity and cost");
    let next_month = world.clone().on("2026-04-01".parse().unwrap());
    assert_eq!(actions(&next_month.plan()), ["set quantity 47 -> 50"]);
    assert!(world.dismissals.restore(&"a-1".into(), &"P-mail".into()));
    assert_eq!(actions(&world.plan()), ["set quantity 47 -> 50"]);
}

#[test]
fn new_revenue_and_a_line_without_usage_can_be_dismissed_too() {
    let mut unbilled = World::new()
        .account(1)
        .service("mail")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    unbilled.dismiss("a-1", "P-mail").unwrap();
    assert!(unbilled.plan().changes().is_empty());
    let mut gone = mail("1");
    gone.readings.clear();
    let mut gone = gone.reads("c-1", vec![]);
    gone.dismiss("a-1", "P-mail").unwrap();
    assert_eq!(kind_of(&gone, "a-1 P-mail"), Kind::Dismissed);
    let message = gone.plan().notices()[0].message.clone();
    assert!(message.contains("Market shows nothing"), "{message}");
    let back = after(&gone, mail("48"));
    assert_eq!(actions(&back.plan()), ["set quantity 47 -> 48"]);
}

#[test]
fn a_line_of_an_agreement_that_is_to_be_is_dismissed_by_the_agreements_key() {
    let mut world = World::new().per_service("c-1", 1).service("mail").reads(
        "c-1",
        vec![
            seats("sub:a", "mail", "5")
                .with_subscription("A1")
                .with_billing_cycle(BillingCycle::Monthly),
        ],
    );
    let plan = world.plan();
    assert_eq!(plan.changes().len(), 2, "{:?}", actions(&plan));
    let agreement = plan.changes()[0].agreement.clone();
    world.dismiss(agreement.as_str(), "P-mail").unwrap();
    assert!(world.plan().changes().is_empty());
}

#[test]
fn what_was_not_observed_cannot_be_dismissed_and_is_not_taken_for_the_dismissed_value() {
    let mut failed = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "47")
        .fails("c-1");
    let error = failed.dismiss("a-1", "P-mail").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mapping);
    assert!(error.message().contains("not observed"), "{error}");
    let mut world = mail("50");
    world.dismiss("a-1", "P-mail").unwrap();
    failed.dismissals = world.dismissals;
    assert_eq!(kind_of(&failed, "a-1 P-mail"), Kind::NotObserved);
}

proptest! {
    #[test]
    fn a_dismissal_holds_on_the_days_of_its_period_for_its_value_and_no_longer(
        anchor in 1_i8..29,
        days in -45_i32..90,
        vendor in 48_u32..52,
    ) {
        let mut world = mail("50");
        let anchor = CivilDate::new(2026, 1, anchor).unwrap();
        world.agreements[0].period_anchor = Some(anchor);
        let period = world.agreements[0].period_of(today()).unwrap();
        world.dismiss("a-1", "P-mail").unwrap();
        let mut later = after(&world, mail(&vendor.to_string()));
        later.agreements[0].period_anchor = Some(anchor);
        let day = today().plus_days(days);
        let planned = !later.on(day).plan().changes().is_empty();
        let holds = period.contains(day) && vendor == 50;
        prop_assert_eq!(planned, !holds, "{} in {:?}", day, period);
    }
}
