//! What every connector and every PSA is held to, so that a new one cannot leave any of it out.
//!
//! The tables and batteries themselves run in the crates' own tests. Here it is seen that they do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;

use tallyline_integration::decoders::ALL;
use tallyline_testkit::contract::System;

/// A crate that is excused from something that all are held to: its name, from what, and why.
const EXCUSED: &[(&str, &str, &str)] = &[(
    "gradient",
    "a hostile answer for one of several",
    "no answer of Gradient is about one of several: it tells no counts, and lists come whole",
)];

/// Further systems of one crate, each held to all that a crate is: the folder of its tests, and its name.
const SECOND: &[(&str, &str)] = &[("connectors/hyalto/tests/vcd", "vcd")];

/// A connector or PSA.
struct Crate {
    name: String,
    is_source: bool,
    /// Its tests, without their comments.
    tests: String,
}

impl Crate {
    fn read(folder: &Path, is_source: bool) -> Self {
        let mut tests = String::new();
        append(&folder.join("tests"), &mut tests);
        Self {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            is_source,
            tests,
        }
    }

    /// A further source of a crate, by the folder of its own tests.
    fn second(folder: &Path, name: &str) -> Self {
        let mut tests = String::new();
        append(folder, &mut tests);
        Self {
            name: name.to_owned(),
            is_source: true,
            tests,
        }
    }

    /// Whether a call has the crate's own name as its first argument.
    fn calls_by_name(&self, call: &str) -> bool {
        let name = format!("\"{}\"", self.name);
        let call = format!("{call}(");
        let mut calls = self.tests.split(call.as_str()).skip(1);
        calls.any(|call| call.trim_start().starts_with(&name))
    }

    fn asserts_covered(&self) -> bool {
        let mut asserted = self.tests.split("assert_eq!(").skip(1);
        asserted.any(|what| what.trim_start().starts_with("covers(operations::"))
    }

    fn has_property(&self, of: &str) -> bool {
        let name = format!("{}_{of}", self.name);
        ALL.iter().any(|(property, _)| *property == name)
    }

    /// What all are held to, and whether this one is.
    fn held_to(&self) -> Vec<(&'static str, bool)> {
        let runs = if self.is_source {
            "run_source("
        } else {
            "run_sink("
        };
        let streams = if self.is_source {
            "HostileStreams::source"
        } else {
            "HostileStreams::sink"
        };
        let mut wanted = vec![
            ("the conformance batteries", self.tests.contains(runs)),
            (
                "its report asserted to be conformant",
                self.tests.contains("assert!(report.is_conformant(),"),
            ),
            (
                "its row in the table of conformance",
                self.tests.contains("report.check_table(&table).unwrap();"),
            ),
            (
                "hostile answers to its client",
                self.calls_by_name("HostileClient::new"),
            ),
            (
                "hostile answers to every operation that it declares",
                self.asserts_covered(),
            ),
            (
                "a hostile answer for one of several",
                self.calls_by_name(streams),
            ),
            (
                "the table of credentials",
                self.calls_by_name("CredentialClient::new"),
            ),
            ("a property of its models", self.has_property("models")),
            ("a property of its answers", self.has_property("answers")),
        ];
        if !self.is_source {
            let writes = self.tests.contains("Probe::write(") && self.tests.contains(".execute(");
            wanted.push(("hostile answers to the writes of its sink", writes));
        }
        if System::named(&self.name).is_some() {
            let readme = self.tests.contains("check_readme(");
            wanted.push(("the vendor's document, and its README to it", readme));
        }
        wanted
    }
}

/// Adds every Rust file of a folder, without comments.
fn append(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            append(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let source = std::fs::read_to_string(path).unwrap();
            let code = source
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            text.extend(code.flat_map(|line| [line, "\n"]));
        }
    }
}

fn crates() -> Vec<Crate> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut crates = Vec::new();
    for (room, is_source) in [("connectors", true), ("psa", false)] {
        for entry in std::fs::read_dir(root.join(room)).unwrap() {
            let folder = entry.unwrap().path();
            if folder.join("Cargo.toml").exists() {
                crates.push(Crate::read(&folder, is_source));
            }
        }
    }
    for (tests, name) in SECOND {
        crates.push(Crate::second(&root.join(tests), name));
    }
    crates
}

#[test]
fn every_connector_and_psa_is_held_to_all_that_the_others_are_or_excused_with_a_reason() {
    let crates = crates();
    assert!(crates.iter().filter(|it| it.is_source).count() >= 2);
    assert!(crates.iter().filter(|it| !it.is_source).count() >= 2);
    let mut missing = BTreeSet::new();
    for it in &crates {
        let lacks = it.held_to().into_iter().filter(|(_, held)| !held);
        missing.extend(lacks.map(|(what, _)| (it.name.clone(), what.to_owned())));
    }
    let excused: BTreeSet<(String, String)> = EXCUSED
        .iter()
        .map(|(name, what, _)| ((*name).to_owned(), (*what).to_owned()))
        .collect();
    let unlisted: Vec<_> = missing.difference(&excused).collect();
    let stale: Vec<_> = excused.difference(&missing).collect();
    assert!(
        unlisted.is_empty() && stale.is_empty(),
        "not held to: {unlisted:#?}\nexcused without need: {stale:#?}"
    );
    assert!(EXCUSED.iter().all(|(_, _, why)| why.len() > 20));
}

#[test]
fn a_crate_that_forgets_any_of_it_is_named() {
    let forgetful = Crate {
        name: "sherweb".to_owned(),
        is_source: true,
        tests: "HostileClient::new (\"another\", connect); covers(operations::ALL);".to_owned(),
    };
    let lacks: Vec<&str> = forgetful
        .held_to()
        .into_iter()
        .filter_map(|(what, held)| (!held).then_some(what))
        .collect();
    assert_eq!(
        lacks,
        [
            "the conformance batteries",
            "its report asserted to be conformant",
            "its row in the table of conformance",
            "hostile answers to its client",
            "hostile answers to every operation that it declares",
            "a hostile answer for one of several",
            "the table of credentials",
            "the vendor's document, and its README to it",
        ]
    );
}
