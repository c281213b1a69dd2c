//! What each crate pulls in with each set of features, as cargo resolves it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::LazyLock;

use cargo_metadata::MetadataCommand;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const CORE: &str = "tallyline-core";
const TLS: [&str; 3] = ["rustls", "rustls-no-provider", "native-tls"];
const DEFAULT: &str = "default features";
const NONE: &str = "no features";
const SQLITE: [&str; 3] = ["rusqlite", "libsqlite3-sys", "sqlx"];

/// Every package of the workspace that is a connector or a PSA.
static CONNECTORS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let root = &metadata.workspace_root;
    let rooms = ["connectors", "psa"].map(|room| root.join(room));
    let packages = metadata.packages.iter();
    let here = packages.filter(|package| {
        let path = &package.manifest_path;
        rooms.iter().any(|room| path.starts_with(room))
    });
    let names: Vec<String> = here.map(|package| package.name.to_string()).collect();
    assert!(names.len() >= 4, "only {names:?} were seen");
    names
});

fn connectors() -> impl Iterator<Item = &'static str> {
    CONNECTORS.iter().map(String::as_str)
}

/// The crates of a tree with the features that each is built with.
struct Tree {
    what: String,
    crates: BTreeMap<String, BTreeSet<String>>,
}

impl Tree {
    /// What a package needs to be built with some features, or with its default ones: without
    /// its tests, on this machine's platform.
    fn of(package: &str, features: &str) -> &'static Self {
        let found = TREES
            .iter()
            .find(|tree| tree.what == format!("{package} with {features}"));
        found.unwrap()
    }

    fn resolve(package: &str, features: &str) -> Self {
        let what = format!("{package} with {features}");
        let chosen = ["--no-default-features", "-F", features];
        let chosen = match features {
            DEFAULT => &chosen[..0],
            NONE => &chosen[..1],
            _ => &chosen[..],
        };
        Self::read(what, &[&["-p", package], chosen].concat())
    }

    fn read(what: String, arguments: &[&str]) -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--offline", "--edges", "normal,build"])
            .args(["--prefix", "none", "--format", "{p}|{f}"])
            .args(arguments)
            .current_dir(ROOT)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{what}: {errors}");
        let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let Some((package, features)) = line.split_once('|') else {
                continue;
            };
            let name = package.split(' ').next().unwrap().to_owned();
            let features = features.trim_end_matches(" (*)").split(',');
            let known = crates.entry(name).or_default();
            known.extend(features.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        assert!(crates.len() > 10, "{what}: only {}", crates.len());
        Self { what, crates }
    }

    fn has(&self, name: &str) -> bool {
        self.crates.contains_key(name)
    }

    fn feature(&self, name: &str, feature: &str) -> bool {
        self.crates
            .get(name)
            .is_some_and(|features| features.contains(feature))
    }

    fn lacks(&self, names: &[&str]) {
        for name in names {
            assert!(!self.has(name), "{} pulls in {name}", self.what);
        }
    }
}

/// What an application has that speaks HTTP anyway.
static REQWEST: LazyLock<Tree> =
    LazyLock::new(|| Tree::read("reqwest".to_owned(), &["-p", "reqwest"]));

/// Every tree that an application can ask for.
static TREES: LazyLock<Vec<Tree>> = LazyLock::new(|| {
    let mut trees = Vec::new();
    for features in [NONE, DEFAULT, "sink", "bills", "http", "reqwest", "sqlite"] {
        trees.push(Tree::resolve(CORE, features));
    }
    for package in [CORE].into_iter().chain(connectors()) {
        for features in TLS {
            trees.push(Tree::resolve(package, features));
        }
    }
    let others = ["tallyline-testkit", "tallyline-examples"];
    for package in connectors().chain(others) {
        trees.push(Tree::resolve(package, DEFAULT));
    }
    trees
});

#[test]
fn the_core_by_default_has_no_http_tls_runtime_or_database() {
    for features in [NONE, DEFAULT] {
        let tree = Tree::of(CORE, features);
        tree.lacks(&[
            "reqwest",
            "hyper",
            "http",
            "h2",
            "url",
            "tokio",
            "ureq",
            "curl",
            "rustls",
            "native-tls",
            "openssl",
            "openssl-sys",
            "ring",
            "aws-lc-rs",
            "aws-lc-sys",
        ]);
        tree.lacks(&SQLITE);
    }
}

#[test]
fn a_connector_brings_25_crates_at_most_beside_reqwest() {
    for connector in connectors() {
        let tree = Tree::of(connector, "rustls");
        assert!(
            !tree.feature(CORE, "engine"),
            "{connector} needs the engine"
        );
        let beside = tree.crates.keys().filter(|name| !REQWEST.has(name));
        let beside: Vec<_> = beside.collect();
        assert!(beside.contains(&&"tallyline-core".to_owned()));
        assert!(beside.len() <= 25, "{connector}: {beside:?}");
    }
}

#[test]
fn no_crate_stands_behind_sinks_and_one_behind_the_hashes_of_bills() {
    let names = |features: &str| Tree::of(CORE, features).crates.keys();
    assert!(names("sink").eq(names(NONE)));
    let of_bills: Vec<_> = names("bills")
        .filter(|name| !Tree::of(CORE, NONE).has(name))
        .collect();
    assert_eq!(of_bills, ["hmac-sha256"]);
}

#[test]
fn the_http_runtime_of_the_core_has_no_transport_of_its_own() {
    Tree::of(CORE, "http").lacks(&[
        "reqwest",
        "hyper",
        "h2",
        "rustls",
        "native-tls",
        "openssl-sys",
        "ring",
        "aws-lc-rs",
    ]);
}

#[test]
fn the_store_brings_no_http_and_no_tls() {
    let tree = Tree::of(CORE, "sqlite");
    assert!(tree.has("rusqlite"));
    tree.lacks(&["reqwest", "hyper", "http", "rustls", "openssl-sys"]);
}

#[test]
fn connectors_bring_no_database() {
    for package in connectors() {
        for features in TLS.into_iter().chain([DEFAULT]) {
            Tree::of(package, features).lacks(&SQLITE);
        }
    }
}

#[test]
fn only_native_tls_links_the_systems_openssl() {
    for tree in TREES.iter() {
        let wanted = tree.what.contains("native-tls");
        if !wanted {
            tree.lacks(&["openssl-sys", "openssl", "native-tls"]);
        } else if cfg!(target_os = "linux") {
            assert!(tree.has("openssl-sys"), "{} has no TLS", tree.what);
            tree.lacks(&["rustls", "ring", "aws-lc-rs"]);
        }
    }
}

#[test]
fn no_tree_holds_two_crypto_providers() {
    for tree in TREES.iter() {
        let both = tree.has("ring") && tree.has("aws-lc-rs");
        assert!(!both, "{} has ring and aws-lc-rs", tree.what);
    }
    for package in connectors() {
        let chosen_by_the_application = Tree::of(package, "rustls-no-provider");
        assert!(chosen_by_the_application.has("rustls"));
        chosen_by_the_application.lacks(&["ring", "aws-lc-rs", "aws-lc-sys"]);
        assert!(Tree::of(package, "rustls").has("aws-lc-rs"));
    }
}

#[test]
fn no_crate_changes_how_the_whole_program_reads_numbers() {
    for tree in TREES.iter() {
        for (package, feature) in [
            ("serde_json", "arbitrary_precision"),
            ("rust_decimal", "serde-arbitrary-precision"),
        ] {
            let set = tree.feature(package, feature);
            assert!(!set, "{} sets {feature} of {package}", tree.what);
        }
    }
    for package in [CORE].into_iter().chain(connectors()) {
        let tree = Tree::of(package, "rustls");
        assert!(tree.feature("serde_json", "raw_value"));
        for feature in ["float_roundtrip", "preserve_order", "unbounded_depth"] {
            let set = tree.feature("serde_json", feature);
            assert!(!set, "{package} sets {feature} of serde_json");
        }
    }
}
