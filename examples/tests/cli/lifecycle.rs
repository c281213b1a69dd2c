//! `check`, `map`, `finish`, `plan` and `status` as steps of one lifecycle.

use serde_json::Value;
use tallyline_core::integration::State;

use crate::support::{World, finish, program};

fn standing(world: &World) -> Value {
    let (code, mut document) = world.json(&["status"]);
    assert_eq!(code, 0, "{document}");
    document["integration"].take()
}

fn state(world: &World) -> State {
    serde_json::from_value(standing(world)["state"].clone()).unwrap()
}

#[test]
fn item_2_the_set_up_is_finished_with_one_of_each_and_then_one_sync_runs() {
    let world = World::new();
    assert_eq!(state(&world), State::Disconnected);
    world
        .run(&["finish"])
        .is_error_saying(&["disconnected", "connect first"]);
    let check = world.run(&["check"]);
    assert!(check.err.contains("accounts and"), "{check:?}");
    assert_eq!(
        state(&world),
        State::Pending,
        "accounts and services are generated"
    );
    world
        .run(&["finish"])
        .is_error_saying(&["no account and no service is linked"]);

    let mapping = world.mapping();
    let (account, link) = mapping
        .accounts()
        .find_map(|(id, entry)| match entry {
            tallyline_core::mapping::AccountEntry::Link(link) => Some((id, link)),
            tallyline_core::mapping::AccountEntry::Exclude(_) => None,
        })
        .unwrap();
    let tallyline_core::mapping::LineTarget::Agreement(agreement) = &link.target else {
        panic!("{link:?}");
    };
    let set = [
        "map",
        "set",
        "account",
        account.as_str(),
        "--company",
        link.company.as_str(),
        "--agreement",
        agreement.as_str(),
    ];
    assert_eq!(world.run(&set).code, 0);
    assert_eq!(state(&world), State::Pending);
    world
        .run(&["finish"])
        .is_error_saying(&["no service is linked"]);
    assert!(
        !world.path("plan.json").exists(),
        "nothing was read for a sync"
    );

    let (service, product) = mapping
        .services()
        .find_map(|(key, entry)| match entry {
            tallyline_core::mapping::ServiceEntry::Link(link) => {
                Some((key, &link.products[0].product))
            }
            tallyline_core::mapping::ServiceEntry::Exclude(_) => None,
        })
        .unwrap();
    let set = [
        "map",
        "set",
        "service",
        service.as_str(),
        "--product",
        product.as_str(),
    ];
    assert_eq!(world.run(&set).code, 0);
    assert_eq!(state(&world), State::Mapped);
    assert_eq!(standing(&world)["last_success"], Value::Null);
    assert!(world.run(&["status"]).out.contains("tallyline finish"));

    let run = world.run(&["finish"]);
    assert!([0, 2, 3].contains(&run.code), "{run:?}");
    assert!(world.path("plan.json").exists(), "the sync has run");
    let after = standing(&world);
    assert_eq!(after["state"], "active");
    assert_eq!(after["last_success"], crate::support::NOW);
    assert_eq!(after["sync_running"], false);
    world
        .run(&["finish"])
        .is_error_saying(&["the integration is active", "finish requested"]);
    let status = world.run(&["status"]);
    for said in [
        "The integration is active",
        "Last successful sync: 2026-03-15T12:00:00Z",
        "1 of 20 accounts",
    ] {
        assert!(status.out.contains(said), "`{said}` is not in {status:?}");
    }
}

#[test]
fn of_two_that_finish_at_once_one_alone_starts_a_sync() {
    let world = World::mapped();
    world.run(&["check"]);
    let start = |out: &str| {
        let mut command = world.command(&["--json", "finish", "--out", out]);
        command
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let (one, two) = (start("one.json"), start("two.json"));
    let ends = [one, two].map(|child| child.wait_with_output().unwrap());
    let failed = ends
        .iter()
        .filter(|end| end.status.code() == Some(1))
        .count();
    assert_eq!(failed, 1, "{ends:?}");
    let plans = ["one.json", "two.json"].map(|name| world.path(name).exists());
    assert_ne!(plans[0], plans[1], "{ends:?}");
    assert_eq!(state(&world), State::Active);
}

#[test]
fn a_sync_whose_program_ended_is_told_as_failed_and_the_next_one_goes_ahead() {
    let world = World::mapped();
    world.run(&["check"]);
    world.run(&["finish"]);
    world.edit("mapping.integration.json", "\"active\"", "\"syncing\"");
    let status = world.run(&["status"]);
    assert!(
        status.out.contains("has ended before the sync did"),
        "{status:?}"
    );
    let plan = world.run(&["plan"]);
    assert_ne!(plan.code, 1, "{plan:?}");
    let after = standing(&world);
    assert_eq!(after["state"], "active");
    let why = after["last_failure"]["failure"]["message"]
        .as_str()
        .unwrap();
    assert!(why.contains("ended before the sync did"), "{after}");
}

#[test]
fn a_sync_that_fails_is_an_error_until_one_succeeds_and_the_last_success_stays() {
    let world = World::mapped();
    world.run(&["check"]);
    world.run(&["finish"]);
    world.write_secret("private-key.txt", "wrong-example-key");
    assert_eq!(world.run(&["plan"]).code, 1);
    let failed = standing(&world);
    assert_eq!(failed["state"], "error");
    assert_eq!(failed["last_success"], crate::support::NOW);
    let text = serde_json::to_string(&failed).unwrap();
    assert!(!text.contains("wrong-example-key"), "{text}");
    world.write_secret("private-key.txt", "example-private-key");
    assert_ne!(world.run(&["plan"]).code, 1);
    assert_eq!(state(&world), State::Active);
}

#[test]
fn while_the_integration_is_disabled_nothing_is_planned_or_written() {
    let world = World::mapped();
    world.run(&["check"]);
    world.run(&["finish"]);
    assert_eq!(world.run(&["disable"]).code, 0);
    world
        .run(&["plan"])
        .is_error_saying(&["disabled", "enable the integration first"]);
    world
        .run(&["apply", "plan.json", "--yes"])
        .is_error_saying(&["disabled", "tallyline enable"]);
    assert_eq!(world.attempts_to_write(), 0);
    assert_eq!(world.run(&["enable"]).code, 0);
    assert_eq!(state(&world), State::Active);
    assert_eq!(world.run(&["disconnect"]).code, 0);
    assert_eq!(state(&world), State::Disconnected);
}

#[test]
fn before_the_set_up_is_finished_a_plan_is_a_look_and_no_sync() {
    let world = World::mapped();
    assert_ne!(world.run(&["plan"]).code, 1);
    let after = standing(&world);
    assert_eq!(after["state"], "mapped", "both sides were listed");
    assert_eq!(after["last_success"], Value::Null);
    // Links that are taken away since leave the set-up unfinished.
    world.write("mapping.toml", "version = 1\nrevision = 0\n");
    assert_eq!(state(&world), State::Pending);
    world
        .run(&["finish"])
        .is_error_saying(&["no account and no service"]);
    let nowhere = program(world.path("mapping.toml").parent().unwrap(), &["status"]);
    assert_eq!(finish(nowhere).code, 0, "status needs no credentials");
}

#[test]
fn b2_the_billing_mode_is_kept_with_the_first_plan_and_another_is_an_error_that_names_the_key() {
    let world = World::mapped();
    let policy = |mode: &str| format!("[policy]\nbilling_mode = \"{mode}\"\n");
    let section = format!("{}[mapping]\n", policy("pre_billing"));
    world.edit("tallyline.toml", "[mapping]\n", &section);
    assert_ne!(world.run(&["plan"]).code, 1);
    let first = world.read("plan.json");
    assert!(
        first.contains("\"billing_mode\": \"pre_billing\""),
        "{first}"
    );
    world.edit("tallyline.toml", "pre_billing", "post_billing");
    world.run(&["plan"]).is_error_saying(&[
        "[policy] billing_mode",
        "pre_billing",
        "cannot be changed to post_billing",
    ]);
    assert_eq!(world.read("plan.json"), first, "nothing was planned by it");
    // Left out, it is as it was chosen.
    world.edit("tallyline.toml", &policy("post_billing"), "");
    assert_ne!(world.run(&["plan"]).code, 1);
    let again = world.read("plan.json");
    assert!(
        again.contains("\"billing_mode\": \"pre_billing\""),
        "{again}"
    );
}
