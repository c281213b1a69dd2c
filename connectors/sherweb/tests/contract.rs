//! What the README says about the vendor's documents, and that a mocked vendor holds requests to them.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use common::*;
use tallyline_testkit::contract::{self, System, check_readme};
use tallyline_testkit::mock::MockVendor;

#[test]
fn the_readme_lists_where_simulator_and_document_disagree() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    check_readme(&readme, System::Sherweb).unwrap();
}

/// The text of the panic that dropping a mock causes; empty when it does not panic.
fn dropped(server: MockVendor) -> String {
    let caught = catch_unwind(AssertUnwindSafe(|| drop(server)));
    caught.err().map_or_else(String::new, |panic| {
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    })
}

#[tokio::test]
async fn a_request_that_breaks_the_document_fails_the_test_whose_mock_got_it() {
    if let Some(why) = contract::skipped() {
        println!("skipped: {why}");
        return;
    }
    let asked_for = async |customer: &str| {
        let server = server().await;
        get(&format!("{SP}/billing/subscriptions"))
            .respond_with(json(r#"{"items":[]}"#))
            .expect(1)
            .mount(&server)
            .await;
        client(&server).subscriptions(customer).await.unwrap();
        server
    };
    let right = "c0000000-0000-4000-8000-000000000001";
    assert_eq!(dropped(asked_for(right).await), "");
    let told = dropped(asked_for("c-1").await);
    assert!(told.contains("query /customerId"), "{told}");
    let announced = asked_for("c-1").await;
    announced.expect_violations("no UUID");
    assert_eq!(dropped(announced), "");
    let needless = asked_for(right).await;
    needless.expect_violations("no UUID");
    assert!(dropped(needless).contains("none came: no UUID"));
}
