//! The binary that measures, on inputs that take no time: what it counts, never how long it took.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tallyline_testkit::connectwise::{ConnectWiseSimulator, ConnectWiseState};

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
fn the_long_way_finds_and_plans_the_same_of_usage_lines_in_two() {
    let folder = tempfile::tempdir().unwrap();
    rows(folder.path());
    let path = folder.path().to_str().unwrap();
    let words = ["reconcile", "--csv", path, "--runs", "1"];
    let (short, long) = (
        bench(&words),
        bench(&[&words[..], &["--long-way"]].concat()),
    );
    assert_eq!(
        (&short["usage_lines"], &long["usage_lines"]),
        (&2.into(), &4.into())
    );
    for same in ["found", "changes"] {
        assert_eq!(short[same], long[same], "{same}");
    }
}

/// What is said of words that cannot be measured.
fn refused(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(!run.status.success(), "{arguments:?}");
    String::from_utf8(run.stderr).unwrap()
}

#[test]
fn a_folder_without_rows_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(&["reconcile", "--csv", folder.path().to_str().unwrap()]);
    assert!(said.contains("accounts.csv"), "{said}");
}

#[test]
fn rows_that_are_not_in_the_order_of_the_accounts_are_refused_and_not_left_out() {
    for (file, text) in [
        ("usage.csv", "account,sku,qty\na-3,MAIL,7\na-1,MAIL,5\n"),
        ("lines.csv", "company,product,psa_qty\n3,1,6\n2,1,4\n"),
        ("usage.csv", "account,sku,qty\na-9,MAIL,5\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        rows(folder.path());
        fs::write(folder.path().join(file), text).unwrap();
        let said = refused(&["reconcile", "--csv", folder.path().to_str().unwrap()]);
        assert!(said.contains(file) && said.contains("order"), "{said}");
    }
}

#[test]
fn what_cannot_be_counted_in_whole_requests_is_refused_before_anything_is_sent() {
    for (requests, seconds) in [("1", "2"), ("3", "2")] {
        let words = ["limit", "--rule", "bucket", "--requests", requests];
        let said = refused(&[&words[..], &["--seconds", seconds]].concat());
        assert!(said.contains("no whole number"), "{said}");
    }
    for zero in ["--requests", "--seconds", "--periods", "--concurrency"] {
        let said = refused(&["limit", zero, "0"]);
        assert!(said.contains(zero) && said.contains("non-zero"), "{said}");
    }
}

#[test]
fn a_streamed_vendor_side_gives_a_row_for_each_line_of_the_psa_and_loses_no_usage_line() {
    let lines = ["--vendor-lines", "600", "--psa-lines", "100"];
    let figures = bench(&[&["stream", "--settle-after", "130"], &lines[..]].concat());
    assert_eq!(figures["rows"], 100, "{figures}");
    assert_eq!(figures["evidence"], 600, "{figures}");
}

#[test]
fn a_plan_is_applied_and_every_request_and_journal_entry_is_counted() {
    let figures = bench(&["apply", "--changes", "4", "--latency-ms", "0"]);
    assert_eq!(figures["agreements"], 2, "{figures}");
    assert_eq!(figures["requests_by_kind"]["patch"], 4, "{figures}");
    assert_eq!(figures["requests_needed"], 10, "{figures}");
    let sent = &figures["requests_by_kind"];
    assert_eq!(sent["list lines"], 6, "{sent}");
    // That of the agreements' currencies is what is sent beside what is needed.
    assert_eq!(figures["requests"], 11, "{sent}");
    assert_eq!(figures["journal_calls"], 12, "{figures}");
    let [entries, all] = ["journal_waited_for", "journal_all_waited_for"]
        .map(|name| figures[format!("{name}_microseconds_a_change_median")].as_u64());
    assert!(entries < all, "no lease and nothing read: {figures}");
}

#[test]
fn a_limit_is_kept_to_and_what_passed_is_counted() {
    // A bucket holds one second's worth at the beginning.
    for (rule, allowed) in [("window", 5), ("bucket", 10)] {
        let limits = ["--requests", "5", "--seconds", "1", "--periods", "1"];
        let more = ["--latency-ms", "2"];
        let figures = bench(&[&["limit", "--rule", rule], &limits[..], &more].concat());
        assert_eq!(figures["allowed"], allowed, "{figures}");
        assert_eq!(figures["refused"], 0, "{figures}");
        assert!(figures["passed"].as_u64().unwrap() > 0, "{figures}");
    }
}

#[test]
fn another_client_that_takes_half_is_seen_from_its_beginning_on() {
    let limits = ["limit", "--requests", "5", "--seconds", "1", "--shared"];
    let figures = bench(&[&limits[..], &["--periods", "2"]].concat());
    let beside = &figures["beside_the_other"];
    for figure in ["began_at_seconds", "seconds_to_the_last_refusal"] {
        assert!(beside[figure].is_number(), "{figure}: {figures}");
    }
    assert_eq!(figures["failed"], 0, "{figures}");
    let said = refused(&[&limits[..], &["--periods", "1"]].concat());
    assert!(said.contains("before the other client began"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_and_the_loops_written_by_hand_read_the_same_lines() {
    let mut state = ConnectWiseState::new();
    let company = state.add_company("Example Client");
    let product = state.add_product("MAIL", 20.into(), 10.into());
    for _ in 0..3 {
        let agreement = state.add_agreement(company, "Monthly Services");
        state.add_addition(agreement, product, 5);
        state.add_addition(agreement, product, 6);
    }
    state.credentials.company_id = "example".into();
    state.credentials.public_key = "example-public".into();
    state.credentials.private_key = "example-private".into();
    state.credentials.client_id = "00000000-0000-4000-8000-000000000000".into();
    let psa = ConnectWiseSimulator::start(state).await.unwrap();
    let url = psa.base_url().to_string();
    let read = move |baseline: &'static [&'static str]| {
        let words = ["read", "--runs", "1", "--url", &url];
        bench(&[&words[..], baseline].concat())
    };
    let readers: [&[_]; 3] = [&[], &["--baseline"], &["--baseline", "plain"]];
    let figures = tokio::task::spawn_blocking(move || readers.map(read));
    let figures = figures.await.unwrap();
    let said = figures.map(|figures| (figures["reader"].clone(), figures["lines"].clone()));
    let wanted = ["tallyline", "reqwest", "reqwest, plain"];
    assert_eq!(said, wanted.map(|reader| (reader.into(), 6.into())));
    psa.shutdown().await;
}
