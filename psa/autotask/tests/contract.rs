//! What the README says about the vendor's document, and that a mocked PSA holds requests to it.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use std::path::Path;

use common::{client, json, on};
use tallyline_autotask::models::NewContractServiceAdjustment;
use tallyline_testkit::contract::{self, System, check_readme};
use tallyline_testkit::mock::said_on_drop;

#[test]
fn the_readme_lists_where_simulator_and_document_disagree() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    check_readme(&readme, System::Autotask).unwrap();
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
    assert_eq!(said_on_drop(adjust(31).await), "");
    assert!(said_on_drop(adjust(TOO_LARGE).await).contains("request body /serviceID"));
}
