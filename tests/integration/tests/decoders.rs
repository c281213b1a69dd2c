//! The properties of the decoders, with the fuzz targets' seeds and changes of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use tallyline_integration::decoders::ALL;

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

#[test]
fn every_property_holds_of_its_seeds() {
    for (name, property) in ALL {
        for seed in seeds(name) {
            property(&seed);
        }
    }
}

#[test]
fn every_property_holds_of_nothing_and_of_bytes_that_are_no_text() {
    for (_, property) in ALL {
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
    for (name, property) in ALL {
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
    for (name, property) in ALL {
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
