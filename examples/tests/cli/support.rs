//! Two simulators with the book, a folder with a configuration, and the program run on them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tallyline_core::mapping::{
    AccountEntry, AccountLink, BilledAs, Exclusion, LineTarget, Mapping, ProductRule, Provenance,
    Ratio, Rounding, ServiceEntry, ServiceLink,
};
use tallyline_core::model::{ChargeKind, Quantity};
use tallyline_testkit::book::{AccountMatch, Book, BookCase, BookOptions, ServiceRule};
use tallyline_testkit::connectwise::ConnectWiseSimulator;
use tallyline_testkit::sherweb::SherwebSimulator;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The day of the book.
pub(crate) const NOW: &str = "2026-03-15T12:00:00Z";

pub(crate) struct World {
    // Dropped in this order: the simulators before the runtime they run on.
    pub(crate) vendor: SherwebSimulator,
    pub(crate) psa: ConnectWiseSimulator,
    pub(crate) book: Book,
    folder: TempDir,
    runtime: Runtime,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// A small book, its configuration, and no mapping.
    pub(crate) fn new() -> Self {
        let book = Book::generate(BookOptions {
            accounts: 20,
            lines: 60,
            ..BookOptions::default()
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let vendor = runtime
            .block_on(SherwebSimulator::start(book.sherweb.clone()))
            .unwrap();
        let psa = runtime
            .block_on(ConnectWiseSimulator::start(book.connectwise.clone()))
            .unwrap();
        let world = Self {
            vendor,
            psa,
            book,
            folder: tempfile::tempdir().unwrap(),
            runtime,
        };
        world.write_secret("client-secret.txt", "example-client-secret");
        world.write_secret("private-key.txt", "example-private-key");
        world.write("tallyline.toml", &world.config());
        world
    }

    /// With the mapping that the book expects, but for what a person must decide.
    pub(crate) fn mapped() -> Self {
        let world = Self::new();
        world.write("mapping.toml", &world.mapping().to_toml().unwrap());
        world
    }

    pub(crate) fn config(&self) -> String {
        format!(
            r#"[source]
kind = "sherweb"
base_url = "{}"
client_id = "example-client-id"
client_secret = {{ file = "client-secret.txt" }}
subscription_key = {{ env = "TALLYLINE_TEST_KEY" }}

[sink]
kind = "connectwise"
site = "{}"
company_id = "examplemsp"
public_key = "example-public-key"
private_key = {{ file = "private-key.txt" }}
client_id = "00000000-0000-4000-8000-0000000c11d0"

[mapping]
product_vendor = "Sherweb"

[network]
attempts = 1
requests_per_second = 0
"#,
            self.vendor.base_url(),
            self.psa.base_url()
        )
    }

    pub(crate) fn mapping(&self) -> Mapping {
        let mut mapping = Mapping::new();
        for account in &self.book.expected_mapping().accounts {
            let not_monthly = self.book.case(BookCase::NotMonthly).unwrap();
            if account.found != AccountMatch::Exact
                || account.customer_id == not_monthly.customer_id
            {
                continue;
            }
            let link = AccountLink {
                company: account.company_id.to_string().into(),
                target: LineTarget::Agreement(account.agreement_id.to_string().into()),
                metadata_to: None,
                enabled: true,
                provenance: Provenance::Exact,
                note: None,
                tags: [].into(),
            };
            let id = account.customer_id.as_str().into();
            mapping.set_account(id, AccountEntry::Link(link));
        }
        for service in &self.book.expected_mapping().services {
            let one = |id: &i64| ProductRule::one_to_one(id.to_string());
            let products = match &service.rule {
                ServiceRule::Unmapped => continue,
                ServiceRule::Excluded(reason) => {
                    let exclusion = Exclusion {
                        reason: Some(reason.clone()),
                    };
                    let key = service.sku.as_str().into();
                    mapping.set_service(key, ServiceEntry::Exclude(exclusion));
                    continue;
                }
                ServiceRule::Product(id) => vec![one(id)],
                ServiceRule::Ratio { product_id, units } => vec![ProductRule {
                    ratio: Some(Ratio {
                        units: Quantity::new(*units),
                        per: Quantity::ONE,
                        rounding: Rounding::Exact,
                    }),
                    carries_cost: false,
                    ..one(product_id)
                }],
                ServiceRule::Products(ids) => ids
                    .iter()
                    .map(|id| ProductRule {
                        carries_cost: false,
                        ..one(id)
                    })
                    .collect(),
            };
            let link = ServiceLink::manual(products, ChargeKind::Recurring, BilledAs::Line);
            mapping.set_service(service.sku.as_str().into(), ServiceEntry::Link(link));
        }
        mapping
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn write_secret(&self, name: &str, text: &str) {
        self.write(name, text);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(self.path(name), mode).unwrap();
        }
    }

    /// Replaces a text in a file, which must be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{name} does not hold {from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// The program, ready to run in the folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = program(self.folder.path(), args);
        command.env("TALLYLINE_NOW", NOW);
        command.env("TALLYLINE_TEST_KEY", "example-subscription-key");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        finish(self.command(args))
    }

    /// Runs and reads the one JSON document on standard output.
    pub(crate) fn json(&self, args: &[&str]) -> (i32, Value) {
        let mut with_json = vec!["--json"];
        with_json.extend(args);
        let run = self.run(&with_json);
        let document = serde_json::from_str(&run.out)
            .unwrap_or_else(|error| panic!("{args:?} gave no JSON document ({error}): {run:?}"));
        (run.code, document)
    }

    /// How many writes the PSA has carried out.
    pub(crate) fn writes(&self) -> usize {
        self.psa.writes().len()
    }

    /// Waits until the PSA has taken in everything that was on its way to it.
    pub(crate) fn settle(&self) {
        self.runtime.block_on(self.psa.server().settled()).unwrap();
    }

    /// Every change request that reached the PSA, carried out or not.
    pub(crate) fn attempts_to_write(&self) -> usize {
        let requests = self.psa.requests();
        requests
            .iter()
            .filter(|request| request.method != "GET")
            .count()
    }
}

impl Run {
    /// Exit 1, one message with all of these texts, nothing on standard output.
    pub(crate) fn is_error_saying(&self, texts: &[&str]) {
        assert_eq!(self.code, 1, "{self:?}");
        assert!(self.out.is_empty(), "{self:?}");
        let errors: Vec<&str> = self
            .err
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "{self:?}");
        for text in texts {
            assert!(errors[0].contains(text), "`{text}` is not in {self:?}");
        }
        assert!(!self.err.contains("panicked"), "{self:?}");
        assert!(!self.err.contains("example-private-key"), "{self:?}");
        assert!(!self.err.contains("example-client-secret"), "{self:?}");
    }
}

pub(crate) fn program(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyline"));
    command
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("USER", "test")
        .stdin(Stdio::null());
    command
}

pub(crate) fn finish(mut command: Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
