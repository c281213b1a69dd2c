//! The properties of the decoders, with the fuzz targets' seeds and changes of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use tallyline_core::http::TransportRequest;
use tallyline_integration::decoders::{ALL, Property, watch_requests};
use tallyline_testkit::contract::{System, check_exchange};

/// What changed seeds are made of, besides single bytes.
const FRAGMENTS: &[&str] = &[
    "\"",
    "\\",
    "\\u0000",
    "\u{feff}",
    "\u{202e}",
    "\r\n",
    "\n",
    "\t",
    "\0",
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    ":",
    "=",
    "'",
    "<",
    ">",
    "null",
    "true",
    "0",
    "-0",
    "-1",
    ".",
    "e9",
    "E-30",
    "99999999999999999999999999999",
    "1e400",
    "é",
    "{secret}",
    "{key}",
    "{token}",
    "{secret4}",
];

/// All properties; what they send is held to the vendors' documents from here on.
fn properties() -> &'static [Property] {
    watch_requests(hold);
    ALL
}

/// Holds a request to the document of its system.
fn hold(system: &'static str, request: &TransportRequest) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = request.headers.iter();
    let headers: Vec<(String, String)> = headers
        .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
        .collect();
    let query = request.url.query().map(|query| format!("?{query}"));
    let mut path = request.url.path().to_owned();
    // The zone is where an answer said, and so is the path before the version.
    if let Some(at) = path.find("/V1.0/")
        && system == "autotask"
    {
        path = format!("/ATServicesRest{}", path.split_off(at));
    }
    let target = format!("{path}{}", query.unwrap_or_default());
    let body = request.body.as_deref().map(text).unwrap_or_default();
    // Not every vendor publishes a document.
    let Some(system) = System::named(system) else {
        assert!(
            ["cloudmore", "dandh", "gradient", "hyalto", "vcd"].contains(&system),
            "{system}"
        );
        return;
    };
    let held = check_exchange(
        system,
        request.method.as_str(),
        &target,
        &headers,
        &body,
        None,
    );
    // An id that an answer gave is sent as it came.
    let mut wrong = held.err().unwrap_or_default();
    wrong.retain(|complaint| !complaint.ends_with("(format)"));
    assert_eq!(wrong, Vec::<String>::new());
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = fuzz().join("seeds").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A seed with a few pieces replaced, cut out or put in twice.
fn changed(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        select(FRAGMENTS).prop_map(|text| text.as_bytes().to_vec()),
        any::<u8>().prop_map(|byte| vec![byte]),
        Just(Vec::new()),
    ];
    let edit = (any::<Index>(), 0_usize..12, piece, any::<bool>());
    (select(seeds), prop::collection::vec(edit, 0..4)).prop_map(|(mut text, edits)| {
        for (at, len, piece, twice) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + len).min(text.len());
            let old: Vec<u8> = text.splice(start..end, piece).collect();
            if twice {
                let copy = [old.as_slice(), old.as_slice()].concat();
                text.splice(start..start, copy);
            }
        }
        text
    })
}

#[test]
fn every_property_has_a_fuzz_target_and_seeds_of_its_name() {
    let properties: BTreeSet<String> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), properties);
    assert_eq!(names(&fuzz().join("seeds")), properties);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &properties {
        assert!(!seeds(name).is_empty(), "{name} has no seeds");
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is not in the manifest of the fuzz targets"
        );
        let target = fuzz().join("fuzz_targets").join(format!("{name}.rs"));
        let target = fs::read_to_string(target).unwrap();
        assert!(
            target.contains(&format!("decoders::{name}(data)")),
            "{name}"
        );
    }
}

/// The sources of the models of each connector and PSA, by the name of the crate's folder.
fn models() -> BTreeMap<String, Vec<String>> {
    let mut models: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for room in ["connectors", "psa"] {
        let room = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(room);
        for name in names(&room) {
            let folder = room.join(&name).join("src/models");
            let files = fs::read_dir(&folder).unwrap();
            let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
            models.insert(name, texts.collect());
        }
    }
    models
}

/// The words of a source.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// The public structures of a source that answers are read into.
fn answers(source: &str) -> Vec<&str> {
    let parts: Vec<&str> = source.split("pub struct ").collect();
    let pairs = parts.windows(2);
    pairs
        .filter(|pair| {
            let attributes = pair[0].rsplit("\n\n").next().unwrap();
            words(attributes).any(|word| word == "Deserialize")
        })
        .map(|pair| words(pair[1]).next().unwrap())
        .collect()
}

#[test]
fn every_model_of_an_answer_is_in_a_property_or_is_part_of_one_that_is() {
    let properties =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/decoders/models.rs"))
            .unwrap();
    let mut seen = 0;
    for (system, sources) in models() {
        let fields: BTreeSet<&str> = sources
            .iter()
            .flat_map(|source| source.lines())
            .filter(|line| line.trim_start().starts_with("pub ") && line.contains(": "))
            .flat_map(|line| words(line.split_once(": ").unwrap().1))
            .collect();
        for answer in sources.iter().flat_map(|source| answers(source)) {
            let named = [">", "<"]
                .iter()
                .any(|end| properties.contains(&format!("{system}::{answer}{end}")));
            assert!(
                named || fields.contains(answer),
                "{system}::{answer} is read from outside and no property has it"
            );
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} models were seen");
}

#[test]
fn every_property_holds_of_its_seeds() {
    for (name, property) in properties() {
        for seed in seeds(name) {
            property(&seed);
        }
    }
}

#[test]
fn every_property_holds_of_nothing_and_of_bytes_that_are_no_text() {
    for (_, property) in properties() {
        for data in [
            &b""[..],
            b"\n",
            b"\xff\xfe\x00",
            b"\xef\xbb\xbf",
            &[b'['; 300],
        ] {
            property(data);
        }
    }
}

#[test]
fn every_property_holds_of_changed_seeds() {
    for (name, property) in properties() {
        let config = Config {
            cases: 192,
            failure_persistence: None,
            ..Config::default()
        };
        let result = TestRunner::new(config).run(&changed(seeds(name)), |data| {
            property(&data);
            Ok(())
        });
        if let Err(error) = result {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn every_property_holds_of_any_text() {
    for (name, property) in properties() {
        let config = Config {
            cases: 64,
            failure_persistence: None,
            ..Config::default()
        };
        let result = TestRunner::new(config).run(&".{0,80}", |text| {
            property(text.as_bytes());
            Ok(())
        });
        if let Err(error) = result {
            panic!("{name}: {error}");
        }
    }
}
