//! Plans that `apply` does not carry out, and overrides that it does not take.

use crate::support::{World, finish};

#[test]
fn a_plan_that_is_too_old_is_not_carried_out() {
    let world = World::mapped();
    world.run(&["plan"]);
    let mut late = world.command(&["apply", "plan.json", "--yes"]);
    late.env("TALLYLINE_NOW", "2026-03-18T13:00:00Z");
    finish(late).is_error_saying(&[
        "3 days ",
        "ago, and may be carried out for 3 days",
        "make it again",
    ]);
    assert_eq!(world.attempts_to_write(), 0);
    let mut in_time = world.command(&["apply", "plan.json", "--yes"]);
    in_time.env("TALLYLINE_NOW", "2026-03-18T11:00:00Z");
    assert_eq!(finish(in_time).code, 3);
}

#[test]
fn a_plan_of_another_tenant_or_strategy_is_not_carried_out() {
    let world = World::mapped();
    world.run(&["plan"]);
    let config = world.read("tallyline.toml");
    for (from, to, words) in [
        (
            "company_id = \"examplemsp\"",
            "company_id = \"anothermsp\"",
            "connectwise (examplemsp at 127.0.0.1), and connectwise (anothermsp at 127.0.0.1)",
        ),
        (
            "client_id = \"example-client-id\"",
            "client_id = \"another-client-id\"",
            "sherweb (another-client-id at 127.0.0.1) is connected",
        ),
        (
            "kind = \"connectwise\"",
            "kind = \"connectwise\"\nstrategy = \"versioned\"",
            "made for the strategy in_place, and the sink is set to versioned",
        ),
    ] {
        world.edit("tallyline.toml", from, to);
        world
            .run(&["apply", "plan.json", "--yes"])
            .is_error_saying(&[words]);
        world.write("tallyline.toml", &config);
    }
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn a_block_that_no_word_can_lift_is_neither_offered_nor_taken() {
    let world = World::mapped();
    let (_, document) = world.json(&["plan"]);
    let changes = document["plan"]["changes"].as_array().unwrap();
    let currency = changes
        .iter()
        .find(|change| {
            change["blocks"][0]["guard"] == "currency" && change["action"]["type"] != "set_quantity"
        })
        .unwrap();
    let id = currency["id"].as_str().unwrap();
    let word = format!("{id}=we agreed on it");
    world
        .run(&[
            "apply",
            "plan.json",
            "--yes",
            "--override",
            &word,
            "--by",
            "Dana",
        ])
        .is_error_saying(&["cannot be overridden", "would refuse it"]);
    assert_eq!(world.attempts_to_write(), 0);
    let shown = world.run(&["show", "plan.json"]);
    assert!(shown.out.contains("cannot be overridden"), "{shown:?}");
}
