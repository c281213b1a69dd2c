//! `export`: the PSA's companies as accounts of the vendor.

use std::path::PathBuf;

use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState, Entity};
use tallyline_testkit::cloudmore::{CloudmoreSimulator, CloudmoreState};
use tallyline_testkit::faults::{Fault, Match};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::{NOW, Run, World, finish, program};

const PROPERTY: &str = "AutotaskCompanyID";

/// Cloudmore with one organization, Autotask with four companies, and the program's folder.
struct Both {
    vendor: CloudmoreSimulator,
    psa: AutotaskSimulator,
    /// The ids of Fern Clinic, Oak Legal, Oak Legal again, and the provider's own company.
    companies: [String; 4],
    folder: TempDir,
    _runtime: Runtime,
}

impl Both {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut psa = AutotaskState::new();
        psa.records.entry(Entity::Companies).or_default().clear();
        let companies = ["Fern Clinic", "Oak Legal", "Elm Bakery", "Our own"]
            .map(|name| psa.add_company(name).to_string());
        let mut vendor = CloudmoreState::new();
        vendor.properties = vec![PROPERTY.to_owned()];
        vendor.add_organization("Fern Clinic");
        vendor.add_organization("elm bakery");
        let vendor = runtime.block_on(CloudmoreSimulator::start(vendor)).unwrap();
        let psa = runtime.block_on(AutotaskSimulator::start(psa)).unwrap();
        let both = Self {
            vendor,
            psa,
            companies,
            folder: tempfile::tempdir().unwrap(),
            _runtime: runtime,
        };
        std::fs::write(both.path("tallyline.toml"), both.config()).unwrap();
        both
    }

    fn config(&self) -> String {
        let (vendor, psa) = (self.vendor.state(), self.psa.state());
        format!(
            r#"[source]
kind = "cloudmore"
base_url = "{}"
username = "{}"
password = {{ env = "TEST_PASSWORD" }}
client_secret = {{ env = "TEST_CLIENT_SECRET" }}
reseller_id = "{}"

[sink]
kind = "autotask"
lookup_url = "{}ATServicesRest"
user_name = "{}"
integration_code = {{ env = "TEST_CODE" }}
secret = {{ env = "TEST_SECRET" }}

[network]
attempts = 1
requests_per_second = 0
"#,
            self.vendor.base_url(),
            vendor.credentials.username,
            vendor.reseller_id,
            self.psa.base_url(),
            psa.credentials.user
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Run {
        let (vendor, psa) = (self.vendor.state(), self.psa.state());
        let mut command = program(self.folder.path(), args);
        command
            .env("TALLYLINE_NOW", NOW)
            .env("TEST_PASSWORD", vendor.credentials.password)
            .env("TEST_CLIENT_SECRET", vendor.credentials.client_secret)
            .env("TEST_CODE", psa.credentials.integration_code)
            .env("TEST_SECRET", psa.credentials.secret);
        finish(command)
    }

    /// What is printed, with one blank between words.
    fn says(&self, code: i32, args: &[&str], texts: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, code, "{run:?}");
        let flat = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in texts {
            assert!(flat.contains(text), "`{text}` is not in {run:?}");
        }
        flat
    }

    fn last_run(&self) -> String {
        let status = self.run(&["--json", "status"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        status["runs"][0]["run"]["id"].as_str().unwrap().to_owned()
    }

    /// The organizations' names and companies.
    fn organizations(&self) -> Vec<(String, Option<String>)> {
        let state = self.vendor.state();
        let mut all: Vec<_> = state
            .organizations
            .values()
            .map(|own| (own.name.clone(), own.properties.get(PROPERTY).cloned()))
            .collect();
        all.sort();
        all
    }
}

#[test]
fn companies_are_exported_by_a_plan_that_is_shown_applied_and_then_has_nothing_left() {
    let both = Both::new();
    let own = both.companies[3].as_str();
    let plan = both.says(
        3,
        &["export", "--except", own],
        &[
            "from autotask to cloudmore: 2 changes to apply, 1 blocked",
            "new account Oak Legal",
            "company's id",
            "onto Fern Clinic",
            "an account of nearly this name is there",
            "Our own: left out on purpose",
            "tallyline apply export-plan.json",
        ],
    );
    assert!(!plan.contains("billed quantities"), "{plan}");
    both.says(3, &["show", "export-plan.json"], &["new account Oak Legal"]);
    assert_eq!(both.organizations().len(), 2, "nothing was written yet");

    let applied = both.says(
        3,
        &["apply", "export-plan.json", "--yes"],
        &[
            "2 changes are done",
            "Company, account, property",
            "it is account",
        ],
    );
    assert!(!applied.contains("the PSA"), "{applied}");
    let fern = ("Fern Clinic".to_owned(), Some(both.companies[0].clone()));
    let oak = ("Oak Legal".to_owned(), Some(both.companies[1].clone()));
    let elm = ("elm bakery".to_owned(), None);
    assert_eq!(both.organizations(), [fern, oak, elm]);

    both.says(
        3,
        &["export", "--except", own],
        &["0 changes to apply", "2 companies have their account"],
    );
    let again = both.run(&["apply", "export-plan.json", "--yes"]);
    assert_eq!(again.code, 3, "what is blocked still is: {again:?}");
    assert!(again.out.contains("There was nothing to do"), "{again:?}");
    assert!(!again.out.contains("read back"), "{again:?}");
    assert_eq!(both.organizations().len(), 3);
    // Status, history and an undo speak of it too.
    both.says(0, &["status"], &["tallyline export"]);
    both.says(0, &["history"], &["new account Oak Legal"]);
    assert!(both.psa.effects().is_empty());
}

#[test]
fn an_export_that_was_cut_off_is_gone_on_with_on_the_vendors_side_and_an_undo_leaves_the_accounts()
{
    let both = Both::new();
    both.says(3, &["export", "--except", &both.companies[3]], &[]);
    let create = Match::post("/Organizations").body("Oak Legal");
    both.vendor.faults().on(create.once(), Fault::lose_answer());
    let again = Match::get("/Organizations").path_end("/Organizations");
    both.vendor
        .faults()
        .on(again.after(3).times(50), Fault::text_503());
    let run = both.run(&["apply", "export-plan.json", "--yes"]);
    assert_eq!(run.code, 1, "{run:?}");
    both.vendor.faults().clear();
    both.says(3, &["apply", "--resume"], &["2 changes are done"]);
    let oaks = both
        .organizations()
        .into_iter()
        .filter(|(name, _)| name == "Oak Legal");
    assert_eq!(oaks.count(), 1);
    both.says(
        3,
        &["undo", &both.last_run()],
        &["stays once it is created", "keeps the company's id"],
    );
}

#[test]
fn what_the_vendor_refused_is_brought_again_on_the_earlier_approval_and_nothing_else() {
    let both = Both::new();
    both.says(3, &["export", "--except", &both.companies[3]], &[]);
    both.vendor.with_state(|state| state.properties.clear());
    let failed = both.says(
        1,
        &["apply", "export-plan.json", "--yes"],
        &["the vendor refused it", "No change is done"],
    );
    assert!(!failed.contains("the PSA"), "{failed}");
    both.says(1, &["export"], &[]);
    both.vendor
        .with_state(|state| state.properties.push(PROPERTY.to_owned()));
    let run = both.last_run();
    // An account was created and then refused the company's id: to write onto an account that is there
    // is another change than the one that was approved.
    let retried = both.run(&["retry", &run, "--apply", "--yes"]);
    assert_eq!(retried.code, 0, "{retried:?}");
    assert!(retried.out.contains("1 change is done"), "{retried:?}");
    let (_, more) = retried
        .err
        .split_once("To approve these: tallyline ")
        .unwrap();
    let stated = || {
        let all = both.organizations().into_iter();
        all.filter(|(_, company)| company.is_some()).count()
    };
    assert_eq!(stated(), 1);
    let more: Vec<_> = more.split_whitespace().chain(["--yes"]).collect();
    both.says(0, &more, &["1 change is done"]);
    // The company that was left out, and the one that is in doubt, are in neither.
    assert_eq!(stated(), 2);
    assert_eq!(both.organizations().len(), 3);
    both.says(0, &["retry", &run], &["nothing is to be done any more"]);
}

#[test]
fn a_vendor_that_takes_in_no_accounts_is_named() {
    let world = World::new();
    world
        .run(&["export"])
        .is_error_saying(&["[source]", "takes in no accounts"]);
}
