//! Rules that divide a quantity, and rules that count by day, from the command line to the plan.

use serde_json::Value;
use tallyline_testkit::book::BookCase;

use crate::support::{Run, World, finish};

/// The service of a client whose quantity rose, its line's product and another product.
struct Rose {
    sku: String,
    customer: String,
    product: String,
    other: String,
}

fn rose(world: &World) -> Rose {
    let case = world.book.case(BookCase::Increase).unwrap();
    let (product, other) = world.psa.with_state(|state| {
        let product = state.additions[&case.addition_ids[0]].product_id;
        let mut others = state.additions.values().map(|line| line.product_id);
        let other = others.find(|id| *id != product).unwrap();
        (product.to_string(), other.to_string())
    });
    Rose {
        sku: case.sku.clone().unwrap(),
        customer: case.customer_id.clone(),
        product,
        other,
    }
}

fn set(world: &World, rose: &Rose, rest: &[&str]) -> Run {
    let args = [
        "map",
        "set",
        "service",
        &rose.sku,
        "--product",
        &rose.product,
    ];
    world.run(&[&args[..], rest].concat())
}

#[test]
fn parts_are_named_in_the_order_of_the_products_and_must_add_up() {
    let world = World::mapped();
    let rose = rose(&world);
    let tiers = ["--product", &rose.other, "--part", "slice over 0"];
    set(&world, &rose, &tiers).is_error_saying(&["2 products and 1 part"]);
    let before = world.read("mapping.toml");
    let wrong = ["--product", &rose.other, "--part", "60%", "--part", "30%"];
    set(&world, &rose, &wrong).is_error_saying(&["the percentages add up to 90"]);
    let unknown = ["--part", "half"];
    assert_eq!(set(&world, &rose, &unknown).code, 1);
    assert_eq!(world.read("mapping.toml"), before);

    let tiers = [&tiers[..], &["--part", "slice over 10"]].concat();
    let run = set(&world, &rose, &tiers);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("the units above 10"), "{run:?}");
    let mapping = world.read("mapping.toml");
    assert!(mapping.contains("slice_over = \"10\""), "{mapping}");
    let list = world.run(&["map", "list"]);
    let shown = format!("product {} (the units", rose.other);
    assert!(list.out.contains(&shown), "{list:?}");
}

fn plan_at(world: &World, now: &str) -> Value {
    let mut command = world.command(&["--json", "plan"]);
    command.env("TALLYLINE_NOW", now);
    let run = finish(command);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

#[test]
fn counts_are_kept_from_one_plan_to_the_next_and_a_day_that_was_not_read_is_not_zero() {
    let world = World::mapped();
    let rose = rose(&world);
    let run = set(&world, &rose, &["--daily", "high water"]);
    assert_eq!(run.code, 0, "{run:?}");
    let plan = plan_at(&world, "2026-03-02T12:00:00Z").to_string();
    assert!(
        plan.contains("its count of 2026-03-01 was not observed"),
        "{plan}"
    );

    let run = set(&world, &rose, &["--daily", "high water, gaps carried"]);
    assert_eq!(run.code, 0, "{run:?}");
    let show = |quantity: i64| {
        world.vendor.with_state(|state| {
            let of_client = |line: &&mut tallyline_testkit::sherweb::Subscription| {
                line.customer_id == rose.customer && line.sku == rose.sku
            };
            let mut lines = state.subscriptions.iter_mut();
            lines.find(of_client).unwrap().quantity = quantity;
        });
    };
    show(40);
    plan_at(&world, "2026-04-01T12:00:00Z");
    show(90);
    plan_at(&world, "2026-04-03T12:00:00Z");
    show(50);
    let plan = plan_at(&world, "2026-04-05T12:00:00Z").to_string();
    let words = "high-water mark of 2026-04-01 to 2026-04-05: 90 on 2026-04-03; carried from the day \
                 before: 2026-04-02, 2026-04-04";
    assert!(plan.contains(words), "{plan}");
}

#[test]
fn a_figure_of_the_policy_that_cannot_be_meant_is_refused_before_anything_is_read() {
    let world = World::mapped();
    world.edit("tallyline.toml", "attempts = 1", "attempts = 0");
    world
        .run(&["plan"])
        .is_error_saying(&["tallyline.toml", "network.attempts is 0"]);
    assert!(world.vendor.requests().is_empty() && world.psa.requests().is_empty());
}
