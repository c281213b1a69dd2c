//! What the README says about the vendor's document, and that a mocked PSA holds requests to it.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use common::{client, json, on};
use tallyline_autotask::models::NewContractServiceAdjustment;
use tallyline_testkit::contract::{self, System, check_readme};
use tallyline_testkit::mock::MockVendor;

#[test]
fn the_readme_lists_where_simulator_and_document_disagree() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    check_readme(&readme, System::Autotask).unwrap();
}

/// The text of the panic that dropping a mock causes; empty when it does not panic.
fn dropped(server: MockVendor) -> String {
    let caught = catch_unwind(AssertUnwindSafe(|| drop(server)));
    caught.err().map_or_else(String::new, |panic| {
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    })
}

#[tokio::test]
async fn a_wrong_body_fails_the_test_whose_mock_got_it() {
    if let Some(why) = contract::skipped() {
        println!("skipped: {why}");
        return;
    }
    const TOO_LARGE: i64 = 99_999_999_999;
    let adjust = async |service| {
        let server = common::mock().await;
        let at = "/Contracts/7/ServiceAdjustments";
        on(&server, "POST", at, json(r#"{"itemId":1}"#)).await;
        let mut new = NewContractServiceAdjustment::new("2026-12-01".parse().unwrap());
        new.service_id = Some(service);
        client(&server).create_adjustment(7, &new).await.unwrap();
        server
    };
    assert_eq!(dropped(adjust(31).await), "");
    assert!(dropped(adjust(TOO_LARGE).await).contains("request body /serviceID"));
}
