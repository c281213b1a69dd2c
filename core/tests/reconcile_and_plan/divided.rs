//! One service over several products: copies, splits and tiers; and several services on one product.

use tallyline_core::mapping::{Part, ProductRule};
use tallyline_core::model::{Quantity, ReadFailure};
use tallyline_core::plan::Guard;
use tallyline_core::reconcile::Kind;

use crate::world::{World, actions, guards, kind_of, seats, usd};

fn units(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn part(product: &str, part: Part) -> ProductRule {
    ProductRule::one_to_one(product).with_part(part)
}

/// Three tiers, each on a product of its own.
fn tiers(tier: fn(Quantity) -> Part) -> Vec<ProductRule> {
    [("P-10", "0"), ("P-50", "10"), ("P-more", "50")]
        .map(|(product, over)| part(product, tier(units(over))))
        .into()
}

fn shows(rules: Vec<ProductRule>, quantity: &str) -> World {
    World::new()
        .account(1)
        .service_with("mail", rules, true)
        .reads("c-1", vec![seats("sub:a", "mail", quantity)])
}

#[test]
fn section_6_one_to_many_copies_q_and_never_counts_it_back_as_n_times_q() {
    let copy = |product| ProductRule {
        carries_cost: false,
        ..ProductRule::one_to_one(product)
    };
    let world = shows(vec![copy("P-licence"), copy("P-service")], "5")
        .bills(1, "10", "P-licence", "5")
        .bills(1, "11", "P-service", "5");
    assert_eq!(kind_of(&world, "a-1 P-licence"), Kind::NoChange);
    assert_eq!(kind_of(&world, "a-1 P-service"), Kind::NoChange);
    let plan = world.plan();
    assert!(
        plan.changes().is_empty(),
        "10 units billed are no 10 units used: {plan:?}"
    );
}

#[test]
fn section_6_a_split_by_percentages_is_rounded_by_largest_remainder_and_adds_up() {
    let thirds = || {
        ["33.34", "33.33", "33.33"]
            .iter()
            .zip(["P-a", "P-b", "P-c"])
            .map(|(percent, product)| part(product, Part::Percent(units(percent).value())))
            .collect::<Vec<_>>()
    };
    let created = |quantity| actions(&shows(thirds(), quantity).plan());
    let lines = |quantities: [&str; 3]| quantities.map(|q| format!("create a line of {q}"));
    assert_eq!(created("10"), lines(["4", "3", "3"]));
    assert_eq!(
        created("11"),
        lines(["4", "4", "3"]),
        "of equal remainders the first goes up"
    );
    assert_eq!(
        created("10.5"),
        lines(["3.5", "3.5", "3.5"]),
        "in tenths where q has tenths"
    );
}

#[test]
fn section_6_a_split_by_fixed_units_leaves_the_rest_to_one_line() {
    let rules = || {
        vec![
            part("P-a", Part::Units(units("10"))),
            part("P-b", Part::Rest),
            part("P-c", Part::Units(units("5"))),
        ]
    };
    let world = |quantity| {
        shows(rules(), quantity)
            .bills(1, "1", "P-a", "10")
            .bills(1, "2", "P-b", "1")
            .bills(1, "3", "P-c", "5")
    };
    assert_eq!(actions(&world("22").plan()), ["set quantity 1 -> 7"]);
    assert_eq!(
        actions(&world("12").plan()),
        ["set quantity 1 -> 0", "set quantity 5 -> 2"]
    );
}

#[test]
fn section_6_graduated_tiers_bill_each_slice_as_the_product_of_its_tier() {
    let world = shows(tiers(Part::SliceOver), "62")
        .bills(1, "1", "P-10", "10")
        .bills(1, "2", "P-50", "35");
    let plan = world.plan();
    assert_eq!(
        actions(&plan),
        ["set quantity 35 -> 40", "create a line of 12"]
    );
    let change = &plan.changes()[0];
    assert!(
        change.reason.contains("Market shows 62, which bills as 40"),
        "{}",
        change.reason
    );
    assert_eq!(
        change.evidence.rules,
        ["S-mail: the units above 10, up to the next product's slice"]
    );
    let edge = shows(tiers(Part::SliceOver), "10").plan();
    assert_eq!(actions(&edge), ["create a line of 10"]);
}

#[test]
fn section_6_volume_tiers_bill_the_whole_of_q_as_the_product_of_its_tier() {
    let world = |quantity| shows(tiers(Part::AllOver), quantity).bills(1, "1", "P-10", "10");
    assert!(world("10").plan().changes().is_empty());
    assert_eq!(
        actions(&world("11").plan()),
        ["set quantity 10 -> 0", "create a line of 11"]
    );
    assert_eq!(
        actions(&world("51").plan()),
        ["set quantity 10 -> 0", "create a line of 51"]
    );
    assert_eq!(actions(&world("0").plan()), ["set quantity 10 -> 0"]);
}

#[test]
fn a_cost_per_unit_goes_onto_each_part_that_carries_it() {
    let world = World::new()
        .account(1)
        .service_with("mail", tiers(Part::SliceOver), true)
        .bills(1, "1", "P-10", "10")
        .bills(1, "2", "P-50", "2")
        .reads(
            "c-1",
            vec![seats("sub:a", "mail", "12").with_unit_cost(Some(usd("7")))],
        );
    assert_eq!(
        actions(&world.plan()),
        ["set unit cost none -> 7.00 USD"; 2]
    );
}

#[test]
fn a_negative_quantity_is_not_divided_and_says_why() {
    let world = shows(tiers(Part::SliceOver), "-3").bills(1, "1", "P-10", "10");
    assert_eq!(kind_of(&world, "a-1 P-10"), Kind::NotObserved);
    let plan = world.plan();
    assert!(plan.changes().is_empty());
    let said = &plan.notices()[0].message;
    assert!(
        said.contains("-3 units cannot be divided among several products"),
        "{said}"
    );
}

#[test]
fn a_part_that_a_commitment_holds_up_is_blocked_as_the_whole_is() {
    let floor = tallyline_core::model::QuantityFloor {
        quantity: units("20"),
        until: "2026-12-31".parse().unwrap(),
    };
    let commitment = tallyline_core::model::Commitment::new(None, vec![floor]);
    let line = seats("sub:a", "mail", "12").with_commitment(Some(commitment));
    let world = World::new()
        .account(1)
        .service_with("mail", tiers(Part::SliceOver), true)
        .bills(1, "1", "P-10", "10")
        .bills(1, "2", "P-50", "10")
        .reads("c-1", vec![line]);
    assert_eq!(guards(&world.plan()), [Guard::CommitmentFloor]);
}

#[test]
fn section_6_many_to_one_sums_only_when_every_part_is_present() {
    let onto_one = || vec![ProductRule::one_to_one("P-suite")];
    let world = || {
        World::new()
            .account(1)
            .service_with("mail", onto_one(), true)
            .service_with("disk", onto_one(), true)
            .bills(1, "10", "P-suite", "9")
    };
    let both = vec![seats("sub:a", "mail", "3"), seats("sub:b", "disk", "4")];
    assert_eq!(
        actions(&world().reads("c-1", both).plan()),
        ["set quantity 9 -> 7"]
    );

    let mut part = world().reads("c-1", vec![seats("sub:a", "mail", "3")]);
    let why = "its report was not ready".to_owned();
    part.readings[0].unobserved.insert("S-disk".into(), why);
    assert_eq!(kind_of(&part, "a-1 P-suite"), Kind::NotObserved);
    assert!(part.plan().changes().is_empty());

    let other_account = world()
        .link("c-2", 1, true)
        .reads("c-1", vec![seats("sub:a", "mail", "3")]);
    assert_eq!(kind_of(&other_account, "a-1 P-suite"), Kind::NotObserved);
    assert!(other_account.plan().changes().is_empty());

    let mut failed = world().reads("c-1", vec![]);
    failed.readings[0].outcome = tallyline_core::model::ReadingOutcome::Failed(ReadFailure::new(
        tallyline_core::ErrorKind::Unavailable,
        "503",
    ));
    assert!(failed.plan().changes().is_empty());
}
