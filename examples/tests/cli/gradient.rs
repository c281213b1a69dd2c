//! The commands where the MSP reconciles in Gradient: prepare, link, plan, push, push again.

use std::path::PathBuf;

use tallyline_testkit::gradient::{GradientSimulator, GradientState};
use tallyline_testkit::sherweb::{SherwebSimulator, SherwebState};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::{NOW, Run, finish, program};

struct World {
    // Dropped in this order: the simulators before the runtime they run on.
    vendor: SherwebSimulator,
    gradient: GradientSimulator,
    folder: TempDir,
    #[allow(dead_code, reason = "the simulators run on it")]
    runtime: Runtime,
}

impl World {
    /// Two clients with mail, one with disk as well.
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut state = SherwebState::new();
        for (name, mail, disk) in [("Birch Dental", 14, Some(3)), ("Cedar Legal", 5, None)] {
            let customer = state.add_customer(name);
            state.add_subscription(&customer, "MAIL-A", mail);
            if let Some(disk) = disk {
                state.add_subscription(&customer, "DISK-A", disk);
            }
        }
        let vendor = runtime.block_on(SherwebSimulator::start(state)).unwrap();
        let gradient = runtime
            .block_on(GradientSimulator::start(GradientState::new()))
            .unwrap();
        let world = Self {
            vendor,
            gradient,
            folder: tempfile::tempdir().unwrap(),
            runtime,
        };
        let config = format!(
            r#"[source]
kind = "sherweb"
base_url = "{}"
client_id = "example-client-id"
client_secret = {{ env = "CLIENT_SECRET" }}
subscription_key = {{ env = "SUBSCRIPTION_KEY" }}

[sink]
kind = "gradient"
base_url = "{}"
vendor_api_key = {{ env = "VENDOR_KEY" }}
partner_api_key = {{ env = "PARTNER_KEY" }}
organization_id = "66a0c0ffee0000000000bb02"

[network]
attempts = 1
requests_per_second = 0
"#,
            world.vendor.base_url(),
            world.gradient.base_url()
        );
        std::fs::write(world.path("tallyline.toml"), config).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut command = program(self.folder.path(), args);
        command
            .env("TALLYLINE_NOW", NOW)
            .env("CLIENT_SECRET", "example-client-secret")
            .env("SUBSCRIPTION_KEY", "example-subscription-key")
            .env("VENDOR_KEY", "example-gradient-vendor-key")
            .env("PARTNER_KEY", "example-gradient-partner-key");
        finish(command)
    }

    fn ends(&self, args: &[&str], code: i32) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, code, "{args:?}: {run:?}");
        run
    }

    /// The counts that Gradient truly holds.
    fn counts(&self) -> Vec<String> {
        let state = self.gradient.state();
        let mut counts: Vec<String> = state.counts.values().map(ToString::to_string).collect();
        counts.sort();
        counts
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_integration_is_prepared_linked_and_pushed_to_and_pushed_to_again() {
    let world = World::new();
    let checked = world.ends(&["check"], 0);
    assert!(flat(&checked.out).contains("run the set-up"), "{checked:?}");
    let shown = world.ends(&["prepare"], 2);
    assert!(shown.out.contains("Services to make: 2") && shown.out.contains("  Cedar Legal"));
    assert!(
        world.gradient.state().accounts.is_empty(),
        "it was shown only"
    );
    world.ends(&["prepare", "--yes"], 0);
    let nothing = world.ends(&["prepare", "--yes"], 0);
    assert!(nothing.out.contains("Nothing is missing"), "{nothing:?}");
    world.ends(&["map", "auto"], 0);

    let plan = world.ends(&["plan"], 2);
    assert!(plan.out.contains("not known -> 14"), "{plan:?}");
    // Nobody has mapped anything in Gradient yet: that is no failure.
    let first = world.ends(&["apply", "plan.json", "--yes"], 0);
    let said = flat(&first.out);
    assert!(said.contains("No change is done"), "{said}");
    assert!(
        said.contains("3 not taken, as they are not mapped there"),
        "{said}"
    );
    assert!(world.counts().is_empty());

    world.gradient.with_state(GradientState::map_all);
    world.ends(&["plan"], 2);
    let second = world.ends(&["apply", "plan.json", "--yes"], 0);
    let said = flat(&second.out);
    assert!(
        said.contains("3 changes are done; each was answered as taken"),
        "{said}"
    );
    assert_eq!(world.counts(), ["14", "3", "5"]);
    assert_eq!(world.gradient.state().builds, 1);

    let again = world.ends(&["plan"], 2);
    assert!(again.out.contains("14 -> 14"), "{again:?}");
    let history = world.ends(&["history"], 0);
    let said = flat(&history.out);
    assert!(said.contains("count not known -> 14"), "{said}");
    assert!(said.contains("answered as taken"), "{said}");
}

#[test]
fn products_that_the_settings_do_not_allow_to_make_are_told_and_not_made() {
    let world = crate::support::World::new();
    let run = world.run(&["prepare", "--yes"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(
        run.out.contains("ConnectWise PSA cannot create products"),
        "{run:?}"
    );
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn a_service_without_a_product_gets_one_once_and_is_linked_to_it() {
    let world = crate::support::World::mapped();
    let settings = "[sink.products]\nsubcategory = 2\nproduct_type = 1\n\n[mapping]";
    world.edit("tallyline.toml", "[mapping]", settings);
    world.vendor.with_state(|state| state.heal_customers());

    let shown = world.run(&["prepare"]);
    assert!(shown.out.contains("SHERWEB-PHONE-NEW-MM"), "{shown:?}");
    assert!(
        shown.out.contains("To make 1 product and link 1 service"),
        "{shown:?}"
    );
    assert_eq!(world.attempts_to_write(), 0);

    let made = world.run(&["prepare", "--yes"]);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.err.contains("1 service was linked"), "{made:?}");
    assert_eq!(world.attempts_to_write(), 1);
    assert!(world.read("mapping.toml").contains("PHONE-NEW-MM"));

    let again = world.run(&["prepare", "--yes"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("Nothing is missing"), "{again:?}");
    assert_eq!(world.attempts_to_write(), 1);
}

#[test]
fn wrong_keys_are_named_by_their_settings() {
    let world = World::new();
    world
        .gradient
        .with_state(|state| state.renew_partner_key("another"));
    let run = world.ends(&["prepare"], 1);
    assert!(
        run.err
            .contains("[sink] vendor_api_key and partner_api_key"),
        "{run:?}"
    );
    assert!(!run.err.contains("example-gradient"), "{run:?}");
}
