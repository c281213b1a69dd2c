//! What the README says about the vendor's document, and that a mocked PSA holds requests to it.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use std::path::Path;

use common::{client, json, new_record, on};
use tallyline_connectwise::models::{BillCustomer, NewAddition, RecordRef};
use tallyline_testkit::contract::{self, System, check_readme};
use tallyline_testkit::mock::said_on_drop;

#[test]
fn the_readme_lists_where_simulator_and_document_disagree() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    check_readme(&readme, System::ConnectWise).unwrap();
}

#[tokio::test]
async fn a_wrong_path_or_body_fails_the_test_whose_mock_got_it() {
    if let Some(why) = contract::skipped() {
        println!("skipped: {why}");
        return;
    }
    const TOO_LARGE: i64 = 99_999_999_999;
    let read = async |id: i64| {
        let server = common::mock().await;
        let at = format!("/finance/agreements/88/additions/{id}");
        on(&server, "GET", &at, json(r#"{"id":9}"#)).await;
        client(&server).addition(88, id).await.unwrap();
        server
    };
    assert_eq!(said_on_drop(read(9).await), "");
    assert!(said_on_drop(read(TOO_LARGE).await).contains("path /id"));
    let create = async |bill_customer| {
        let server = common::mock().await;
        let answer = new_record(r#"{"id":9,"product":{"id":512}}"#);
        on(&server, "POST", "/finance/agreements/88/additions", answer).await;
        let addition = NewAddition {
            product: RecordRef::by_id(512),
            bill_customer,
            ..NewAddition::default()
        };
        client(&server)
            .create_addition(88, &addition)
            .await
            .unwrap();
        server
    };
    let billable = Some(BillCustomer::Billable);
    assert_eq!(said_on_drop(create(billable).await), "");
    assert!(said_on_drop(create(None).await).contains("request body /billCustomer"));
}
