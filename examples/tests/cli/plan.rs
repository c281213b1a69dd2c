//! `plan` and `show`.

use tallyline_testkit::book::BookCase;

use crate::support::{World, finish};

#[test]
fn a_plan_with_something_blocked_exits_with_three_and_writes_nothing_to_the_psa() {
    let world = World::mapped();
    let run = world.run(&["plan"]);
    assert_eq!(run.code, 3, "{run:?}");
    for text in [
        "To apply",
        "Blocked: ",
        "Not mapped yet",
        "tallyline apply plan.json",
    ] {
        assert!(run.out.contains(text), "`{text}` is not in {run:?}");
    }
    assert!(
        run.out.lines().all(|line| line.chars().count() <= 100),
        "{}",
        run.out
    );
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn the_same_state_gives_the_same_plan_to_the_byte() {
    let world = World::mapped();
    world.vendor.with_state(|state| state.heal_customers());
    world.run(&["plan", "--out", "one.json"]);
    world.run(&["plan", "--out", "two.json"]);
    assert_eq!(world.read("one.json"), world.read("two.json"));
}

#[test]
fn show_prints_what_plan_printed_and_exits_alike() {
    let world = World::mapped();
    let planned = world.run(&["plan"]);
    let shown = world.run(&["show", "plan.json"]);
    assert_eq!((planned.code, &planned.out), (shown.code, &shown.out));
    let (code, document) = world.json(&["show", "plan.json"]);
    assert_eq!(code, 3);
    assert_eq!(document["summary"]["ready"], 4);
    assert_eq!(document["summary"]["blocked"], 2);
    assert_eq!(document["plan"]["changes"].as_array().unwrap().len(), 6);
}

#[test]
fn readings_are_as_old_as_they_are_when_they_are_looked_at() {
    let world = World::mapped();
    let planned = world.run(&["plan"]);
    assert!(
        planned.out.contains("reading 0 s old, renewed every 24 h"),
        "{planned:?}"
    );
    let mut later = world.command(&["show", "plan.json"]);
    later.env("TALLYLINE_NOW", "2026-03-16T12:00:01Z");
    let shown = finish(later);
    let flat = shown.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let old = "24 h 0 min 1 s old, renewed every 24 h: a new reading is due";
    assert!(flat.contains(old), "{shown:?}");
    let (_, document) = world.json(&["show", "plan.json"]);
    let readings = &document["readings"];
    assert_eq!(readings["refresh_seconds"], 86_400);
    assert_eq!(readings["oldest"]["age_seconds"], 0);
    let changes = document["plan"]["changes"].as_array().unwrap();
    for change in changes {
        let id = change["id"].as_str().unwrap();
        assert_eq!(readings["changes"][id]["stale"], false, "{readings}");
    }
}

#[test]
fn a_plan_of_pending_changes_alone_exits_with_two() {
    let world = World::mapped();
    unblock(&world);
    let (code, document) = world.json(&["plan"]);
    assert_eq!(document["summary"]["blocked"], 0, "{document}");
    assert_eq!(code, 2);
}

#[test]
fn a_plan_with_nothing_to_do_exits_with_zero() {
    let world = World::new();
    let (code, document) = world.json(&["plan"]);
    assert_eq!(document["summary"]["ready"], 0, "{document}");
    assert_eq!(code, 0, "nothing is mapped, so nothing is to do");
}

#[test]
fn a_plan_that_was_edited_by_hand_is_refused() {
    let world = World::mapped();
    world.run(&["plan"]);
    let id = world.book.case(BookCase::Increase).unwrap();
    let to = format!("\"to\": \"{}\"", id.vendor_quantity.unwrap());
    world.edit("plan.json", &to, "\"to\": \"9999\"");
    let shown = world.run(&["show", "plan.json"]);
    shown.is_error_saying(&[
        "plan.json",
        "was changed after it was made",
        "make the plan again",
    ]);
    let applied = world.run(&["apply", "plan.json", "--yes"]);
    applied.is_error_saying(&["plan.json", "was changed after it was made"]);
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn what_is_no_plan_is_refused_by_name() {
    let world = World::mapped();
    world
        .run(&["show", "mapping.toml"])
        .is_error_saying(&["mapping.toml", "not a plan file"]);
    world
        .run(&["show", "nowhere.json"])
        .is_error_saying(&["nowhere.json", "no such file"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_plan_a_mapping_or_the_journal() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.run(&["map", "auto"]);
    world.run(&["plan"]);
    world.run(&["apply", "plan.json", "--yes"]);
    for name in ["plan.json", "mapping.toml", "tallyline.db"] {
        let mode = std::fs::metadata(world.path(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_mapping_that_links_to_an_unknown_id_stops_the_plan() {
    let world = World::mapped();
    let mut mapping = world.mapping();
    let sku = world
        .book
        .case(BookCase::Increase)
        .unwrap()
        .sku
        .clone()
        .unwrap();
    let entry = mapping.service(&sku.as_str().into()).unwrap().clone();
    mapping.set_service("TYPO-SKU".into(), entry);
    let text = mapping.to_toml().unwrap();
    let increase = world.book.case(BookCase::Increase).unwrap();
    let agreement = format!("agreement = \"{}\"", increase.agreement_id);
    assert!(text.contains(&agreement), "{text}");
    world.write(
        "mapping.toml",
        &text.replace(&agreement, "agreement = \"999999\""),
    );
    let run = world.run(&["plan"]);
    run.is_error_saying(&["mapping.toml", "agreement 999999", &increase.customer_id]);
    assert!(!world.path("plan.json").exists());
    assert_eq!(world.attempts_to_write(), 0);
}

/// Brings the two blocked cases in step.
pub(crate) fn unblock(world: &World) {
    let floor = world.book.case(BookCase::DecreaseUnderFloor).unwrap();
    world.vendor.with_state(|state| {
        for id in &floor.subscription_ids {
            state.subscription_mut(id).unwrap().commitment = None;
        }
        for charge in &mut state.payable_charges {
            charge.currency = Some("USD".to_owned());
        }
    });
}

#[test]
fn item_7_a_dismissed_line_waits_for_the_next_period_or_another_value() {
    let world = World::mapped();
    let case = world.book.case(BookCase::Increase).unwrap();
    let of_case = |document: &serde_json::Value| -> Vec<(String, String)> {
        let changes = document["plan"]["changes"].as_array().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let mine = changes
            .iter()
            .filter(|change| change["agreement"] == case.agreement_id.to_string().as_str());
        mine.map(|change| (text(&change["agreement"]), text(&change["product"])))
            .collect()
    };
    let (_, before) = world.json(&["plan"]);
    let (agreement, product) = of_case(&before).remove(0);
    let line = ["--agreement", &agreement, "--product", &product];
    let dismiss = [&["dismiss"][..], &line, &["--reason", "Settled by hand."]].concat();
    let run = world.run(&dismiss);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.out.contains("test dismissed it until 2026-03-"),
        "{run:?}"
    );
    let (_, planned) = world.json(&["plan"]);
    assert!(of_case(&planned).is_empty(), "{planned}");
    let words = world.run(&["plan"]);
    assert!(
        words.out.contains("Dismissed for this billing period (1)"),
        "{words:?}"
    );
    let status = world.run(&["status"]);
    assert!(status.out.contains("1 line is dismissed"), "{status:?}");
    let mut next = world.command(&["--json", "plan"]);
    next.env("TALLYLINE_NOW", "2026-04-20T12:00:00Z");
    let next: serde_json::Value = serde_json::from_str(&finish(next).out).unwrap();
    assert!(!of_case(&next).is_empty(), "the next period: {next}");
    let restore = [&["restore"][..], &line].concat();
    assert_eq!(world.run(&restore).code, 0);
    assert_eq!(world.run(&restore).code, 1, "it is restored already");
    let (_, again) = world.json(&["plan"]);
    assert!(!of_case(&again).is_empty(), "{again}");
    let nowhere = [
        "dismiss",
        "--agreement",
        &agreement,
        "--product",
        "nothing",
        "--reason",
        "x",
    ];
    let (code, document) = world.json(&nowhere);
    assert_eq!((code, &document["lines"][0]["done"]), (1, &false.into()));
    assert_eq!(world.attempts_to_write(), 0);
}
