//! The binary that measures, on inputs that take no time: what it counts, never how long it took.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The figures of one call.
fn bench(arguments: &[&str]) -> Value {
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(arguments)
        .arg("--json")
        .env("TALLYLINE_SPECS", "")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{told}");
    serde_json::from_slice(&run.stdout).unwrap()
}

/// Three accounts of one SKU each: one only at the vendor, one only in the PSA, one of two counts.
fn rows(folder: &Path) {
    for (file, text) in [
        ("accounts.csv", "account,company\na-1,1\na-2,2\na-3,3\n"),
        ("services.csv", "sku,product\nMAIL,1\n"),
        ("usage.csv", "account,sku,qty\na-1,MAIL,5\na-3,MAIL,7\n"),
        ("lines.csv", "company,product,psa_qty\n2,1,4\n3,1,6\n"),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
}

#[test]
fn a_reconcile_of_rows_in_files_counts_each_kind_and_plans_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    rows(folder.path());
    let path = folder.path().to_str().unwrap();
    let figures = bench(&["reconcile", "--csv", path, "--runs", "1"]);
    for kind in ["new revenue", "vendor missing", "change"] {
        assert_eq!(figures["found"][kind], 1, "{kind}: {figures}");
    }
    assert_eq!(figures["changes"], 3, "{figures}");
    assert!(figures["peak_bytes_above_inputs"].is_u64(), "{figures}");
}

#[test]
fn a_folder_without_rows_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["reconcile", "--csv", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("accounts.csv"));
}
