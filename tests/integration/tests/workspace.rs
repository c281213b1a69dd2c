//! The house's own rules, checked on the manifests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use tallyline_testkit::conformance::Group;

/// The room a package stands in: the first segment of its path in the repository.
fn room(package: &Package, root: &str) -> String {
    let path = package.manifest_path.as_str().strip_prefix(root).unwrap();
    path.trim_start_matches('/')
        .split('/')
        .next()
        .unwrap()
        .to_owned()
}

fn members() -> (Vec<Package>, String) {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let root = metadata.workspace_root.to_string();
    (metadata.packages, root)
}

#[test]
fn dependencies_point_from_examples_and_tests_to_connectors_and_psa_to_core() {
    let (packages, root) = members();
    let rooms: BTreeMap<String, String> = packages
        .iter()
        .map(|package| (package.name.to_string(), room(package, &root)))
        .collect();
    let mut checked = 0;
    for package in &packages {
        let here = &rooms[package.name.as_str()];
        for dependency in &package.dependencies {
            let Some(there) = rooms.get(&dependency.name) else {
                continue;
            };
            let test_only = dependency.kind == DependencyKind::Development;
            let allowed = match here.as_str() {
                "core" => false,
                "connectors" | "psa" => {
                    there == "core" || (test_only && dependency.name == "tallyline-testkit")
                }
                "examples" | "tests" => there != "examples",
                other => panic!("{other} is no room of the house"),
            };
            assert!(
                allowed,
                "{} may not depend on {}",
                package.name, dependency.name
            );
            checked += 1;
        }
    }
    assert!(checked >= 6, "only {checked} dependencies were seen");
}

#[test]
fn every_package_takes_versions_and_lints_from_the_workspace() {
    let (packages, _) = members();
    for package in &packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{}",
            package.name
        );
        let own = manifest.lines().find(|line| line.contains("version = \""));
        assert_eq!(own, None, "{} states a version of its own", package.name);
    }
}

#[test]
fn every_published_crate_has_the_same_headings_in_its_readme() {
    let (packages, root) = members();
    let connectors = packages
        .iter()
        .filter(|package| ["connectors", "psa"].contains(&room(package, &root).as_str()));
    let mut checked = 0;
    for package in connectors {
        let readme = package.manifest_path.with_file_name("README.md");
        let text = std::fs::read_to_string(&readme).unwrap();
        for heading in [
            "Capabilities",
            "Credentials you need",
            "Limits & known quirks",
            "Example",
            "API coverage table",
        ] {
            let found = text.lines().any(|line| line == format!("## {heading}"));
            assert!(found, "{readme} has no heading {heading:?}");
        }
        let reads_or_writes = text.lines().any(|line| {
            [
                "## What it reads",
                "## What it writes",
                "## What it reads/writes",
            ]
            .contains(&line)
        });
        assert!(
            reads_or_writes,
            "{readme} does not say what it reads or writes"
        );
        checked += 1;
    }
    assert!(checked >= 2);
}

/// The connectors of a table of conformance, with their side, and what is wrong with it: a test that failed, a group in
/// which nothing passed, a group too few, a skip without a reason.
fn rows(table: &str) -> (BTreeSet<(String, String)>, Vec<String>) {
    let mut rows = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in table.lines().filter(|line| line.starts_with('|')).skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (names, groups) = cells.split_at(2);
        rows.insert((names[0].to_owned(), names[1].to_owned()));
        let passed = |cell: &&str| {
            let (count, what) = cell.split_once(' ').unwrap_or_default();
            count.parse().is_ok_and(|count: u32| count > 0) && what.starts_with("passed")
        };
        let well = groups
            .iter()
            .all(|cell| passed(cell) && !cell.contains("FAILED"));
        if !well || groups.len() != Group::ALL.len() {
            wrong.push(row.to_owned());
        }
    }
    for skip in table.lines().filter(|line| line.starts_with("- ")) {
        let reason = skip
            .rsplit_once(" (")
            .and_then(|(_, reason)| reason.strip_suffix(')'));
        if reason.is_none_or(|reason| reason.trim().len() < 10) {
            wrong.push(skip.to_owned());
        }
    }
    (rows, wrong)
}

/// Whether a test asserts that the report of the batteries is conformant, and that the table holds it.
fn keeps_its_row(test: &str, side: &str) -> bool {
    let code: String = test
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .collect();
    let run = format!("let report = run_{side}(");
    [
        run.as_str(),
        "assert!(report.is_conformant(),",
        "report.check_table(&table).unwrap();",
        "\"../../tests/testkit/CONFORMANCE.md\"",
    ]
    .iter()
    .all(|wanted| code.contains(wanted))
}

#[test]
fn every_connector_and_psa_has_its_row_in_the_table_of_conformance_and_a_test_that_keeps_it() {
    let (packages, root) = members();
    let mut wanted = BTreeSet::new();
    for package in &packages {
        let side = match room(package, &root).as_str() {
            "connectors" => "source",
            "psa" => "sink",
            _ => continue,
        };
        let folder = package.manifest_path.parent().unwrap();
        let tests = folder.join("tests");
        let mut held = vec![(folder.file_name().unwrap().to_owned(), tests.clone())];
        // Each further system of a crate has a folder of tests of its own.
        for entry in tests.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            if entry.path().join("conformance.rs").is_file() {
                held.push((entry.file_name().to_owned(), entry.path().to_owned()));
            }
        }
        for (name, tests) in held {
            let test = std::fs::read_to_string(tests.join("conformance.rs")).unwrap_or_default();
            assert!(
                keeps_its_row(&test, side),
                "no test of {name} holds it to the batteries, and its row to what they give"
            );
            wanted.insert((name, side.to_owned()));
        }
    }
    assert!(wanted.len() >= 3, "only {wanted:?} were seen");
    let table = std::fs::read_to_string(format!("{root}/tests/testkit/CONFORMANCE.md")).unwrap();
    let (rows, wrong) = rows(&table);
    assert_eq!(rows, wanted, "rows of tests/testkit/CONFORMANCE.md, crates");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_row_that_says_failed_or_lacks_a_group_or_a_reason_is_found() {
    let groups = |cell: &str| format!("| a | source |{}", format!(" {cell} |").repeat(9));
    let table = |row: &str, skip: &str| format!("| head |\n| --- |\n{row}\n\n{skip}\n");
    let skip = "- a source, read: it is paged (its lists are not paged)";
    let sound = table(&groups("4 passed, 1 skipped"), skip);
    assert_eq!(rows(&sound).1, Vec::<String>::new());
    assert_eq!(rows(&sound).0.len(), 1);
    for (row, skip) in [
        (groups("4 passed, 1 FAILED"), skip),
        (groups("0 passed, 4 skipped"), skip),
        ("| a | source | 4 passed |".to_owned(), skip),
        (
            groups("4 passed, 1 skipped"),
            "- a source, read: it is paged ()",
        ),
    ] {
        assert_eq!(rows(&table(&row, skip)).1.len(), 1, "{row} {skip}");
    }
}

#[test]
fn a_test_that_does_not_assert_that_it_is_conformant_keeps_no_row() {
    let sound = "let report = run_source(&It).await;\nassert!(report.is_conformant(), \"\");\n\
                 let table = root.join(\"../../tests/testkit/CONFORMANCE.md\");\nreport.check_table(&table).unwrap();";
    assert!(keeps_its_row(sound, "source"));
    assert!(!keeps_its_row(sound, "sink"));
    let lines: Vec<&str> = sound.lines().collect();
    for at in 0..lines.len() {
        let mut less = lines.clone();
        less[at] = "// It is said elsewhere.";
        assert!(!keeps_its_row(&less.join("\n"), "source"), "{}", lines[at]);
        let commented = format!("// {}", lines[at]);
        less[at] = &commented;
        assert!(!keeps_its_row(&less.join("\n"), "source"), "{}", lines[at]);
    }
}

#[test]
fn the_readme_shows_the_first_plan_as_it_is_and_at_most_40_lines_of_it() {
    let (_, root) = members();
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let program = read("examples/examples/first_plan.rs");
    assert!(read("README.md").contains(&format!("```rust\n{program}```")));
    assert!(program.lines().count() <= 40);
}

#[test]
fn a_whole_source_of_a_third_party_stands_in_under_150_lines() {
    let (_, root) = members();
    let path = format!("{root}/examples/examples/custom_source.rs");
    let lines = std::fs::read_to_string(path).unwrap().lines().count();
    assert!(lines < 150, "it has {lines} lines");
}
