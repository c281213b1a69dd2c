//! `check`, `accounts`, `services`, and everything wrong with a configuration.

use tallyline_testkit::faults::{Fault, Match};

use crate::support::{World, finish, program};

#[test]
fn b1_check_names_what_was_verified_on_both_sides() {
    let world = World::new();
    let run = world.run(&["check"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.out
            .contains("[source] Sherweb: connected as example-client-id")
    );
    assert!(run.out.contains("[sink] ConnectWise PSA: connected"));
    let (code, document) = world.json(&["check"]);
    assert_eq!((code, &document["ok"]), (0, &true.into()));
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn check_reports_wrong_credentials_of_both_sides_at_once() {
    let world = World::new();
    world.write_secret("client-secret.txt", "wrong-example-secret");
    world.write_secret("private-key.txt", "wrong-example-key");
    let run = world.run(&["check"]);
    assert_eq!(run.code, 1, "{run:?}");
    let flat = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("[source] Sherweb: NOT connected"), "{flat}");
    assert!(
        flat.contains("check [source] client_id, client_secret"),
        "{flat}"
    );
    assert!(
        flat.contains("[sink] ConnectWise PSA: NOT connected"),
        "{flat}"
    );
    assert!(
        flat.contains("check [sink] company_id, public_key, private_key"),
        "{flat}"
    );
    assert!(!flat.contains("wrong-example"), "{flat}");
    let (code, document) = world.json(&["check"]);
    assert_eq!((code, &document["sink"]["ok"]), (1, &false.into()));
}

#[test]
fn wrong_credentials_end_a_plan_with_the_settings_to_look_at() {
    let world = World::mapped();
    world.write_secret("private-key.txt", "wrong-example-key");
    let run = world.run(&["plan"]);
    run.is_error_saying(&[
        "ConnectWise",
        "[sink] company_id, public_key, private_key",
        "tallyline.toml",
    ]);
    assert!(!world.path("plan.json").exists());
    world.write_secret("private-key.txt", "example-private-key");
    world.write_secret("client-secret.txt", "wrong-example-secret");
    let run = world.run(&["plan"]);
    run.is_error_saying(&["Sherweb", "[source] client_id, client_secret"]);
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn a_missing_right_is_named() {
    let world = World::mapped();
    world
        .psa
        .with_state(|state| state.rights.agreements.inquire = false);
    let run = world.run(&["plan"]);
    run.is_error_saying(&["ConnectWise", "permission denied", "right"]);
    let run = world.run(&["check"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.contains("Agreements"), "{run:?}");
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn a_wrong_address_names_its_setting() {
    let world = World::mapped();
    let address = format!("site = \"{}\"", world.psa.base_url());
    world.edit("tallyline.toml", &address, "site = \"http://127.0.0.1:1\"");
    world
        .run(&["plan"])
        .is_error_saying(&["[sink] site", "tallyline.toml"]);
    world.edit(
        "tallyline.toml",
        "site = \"http://127.0.0.1:1\"",
        "site = \"http://psa.example.com\"",
    );
    world
        .run(&["plan"])
        .is_error_saying(&["[sink] site", "loopback only"]);
    let address = format!("base_url = \"{}\"", world.vendor.base_url());
    world.edit(
        "tallyline.toml",
        &address,
        "base_url = \"http://vendor.example.com\"",
    );
    world
        .run(&["accounts"])
        .is_error_saying(&["[source] base_url", "https://"]);
}

#[test]
fn a_login_page_in_place_of_the_api_is_no_empty_list() {
    let world = World::mapped();
    world
        .psa
        .faults()
        .on(Match::get("/finance/agreements"), Fault::html_login_200());
    world
        .run(&["plan"])
        .is_error_saying(&["ConnectWise", "[sink] site"]);
}

#[test]
fn a_configuration_that_is_not_there_says_how_to_name_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = finish(program(folder.path(), &["plan"]));
    run.is_error_saying(&[
        "tallyline.toml",
        "no such file",
        "--config",
        "TALLYLINE_CONFIG",
    ]);
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    let world = World::new();
    world.edit(
        "tallyline.toml",
        "{ file = \"private-key.txt\" }",
        "\"do-not-show-this\"",
    );
    let run = world.run(&["plan"]);
    // The PSA's settings are read by kind: the line is that of their section.
    run.is_error_saying(&[
        "tallyline.toml, line 8",
        "must not stand in this file",
        "env",
    ]);
    assert!(!run.err.contains("do-not-show-this"), "{run:?}");
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let world = World::new();
    let mut command = world.command(&["accounts"]);
    command.env_remove("TALLYLINE_TEST_KEY");
    finish(command).is_error_saying(&[
        "[source] subscription_key",
        "TALLYLINE_TEST_KEY",
        "not set",
    ]);
}

#[test]
fn a_slip_in_the_configuration_is_found_by_its_line() {
    let world = World::new();
    world.edit("tallyline.toml", "kind = \"sherweb\"", "kind = \"sherwb\"");
    world
        .run(&["check"])
        .is_error_saying(&["tallyline.toml, line 2", "sherwb", "sherweb"]);
}

#[test]
fn a_wrong_command_line_exits_with_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = finish(program(folder.path(), &["aply"]));
    assert_eq!(run.code, 1, "two means that changes are pending: {run:?}");
    let help = finish(program(folder.path(), &["--help"]));
    assert_eq!(help.code, 0);
    assert!(help.out.contains("Exit codes"), "{help:?}");
}

#[test]
fn accounts_and_services_are_listed_with_what_is_decided() {
    let world = World::mapped();
    let (code, document) = world.json(&["accounts"]);
    assert_eq!(code, 0);
    let accounts = document["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 20);
    assert!(
        accounts
            .iter()
            .any(|account| account["decision"] == "not mapped")
    );
    let run = world.run(&["services"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("excluded"), "{run:?}");
    let (_, document) = world.json(&["services"]);
    assert!(!document["services"].as_array().unwrap().is_empty());
}

#[test]
fn what_the_vendor_names_itself_cannot_move_the_cursor() {
    let world = World::new();
    world
        .vendor
        .with_state(|state| state.add_customer("Evil\u{1b}[2JClient\u{202e}"));
    let run = world.run(&["accounts"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!run.out.contains('\u{1b}') && !run.out.contains('\u{202e}'));
    assert!(run.out.contains("\\u{1b}"), "{run:?}");
}
