//! What the README says about the vendor's document, and that a mocked vendor holds requests to it.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::path::Path;

use common::*;
use tallyline_ingram::models::OrderUpdate;
use tallyline_testkit::contract::{self, System, check_readme};
use tallyline_testkit::mock::said_on_drop;

#[test]
fn the_readme_lists_where_simulator_and_document_disagree() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    check_readme(&readme, System::Ingram).unwrap();
}

#[tokio::test]
async fn a_request_that_breaks_the_document_fails_the_test_whose_mock_got_it() {
    if let Some(why) = contract::skipped() {
        println!("skipped: {why}");
        return;
    }
    let asked_for = async |report: &str, announced: bool| {
        let server = server().await;
        if announced {
            server.expect_violations("no UUID", &["path /reportId"]);
        }
        get(&format!("/reports/{report}"))
            .respond_with(json(r#"{"id":"4e000000-0000-4000-8000-000000000001"}"#))
            .expect(1)
            .mount(&server)
            .await;
        client(&server).report(report).await.unwrap();
        server
    };
    let right = "4e000000-0000-4000-8000-000000000001";
    assert_eq!(said_on_drop(asked_for(right, false).await), "");
    let told = said_on_drop(asked_for("r-1", false).await);
    assert!(told.contains("path /reportId"), "{told}");
    assert_eq!(said_on_drop(asked_for("r-1", true).await), "");
    let needless = said_on_drop(asked_for(right, true).await);
    assert!(needless.contains("did not come"), "{needless}");
}

#[tokio::test]
async fn an_answer_that_no_document_has_fails_the_test_that_wrote_it_unless_it_is_named() {
    if let Some(why) = contract::skipped() {
        println!("skipped: {why}");
        return;
    }
    let answered = async |body: &str, announced: &[&str]| {
        let server = server().await;
        server.expect_odd_answers("on purpose", announced);
        call("PATCH", "/orders/7")
            .respond_with(json(body))
            .mount(&server)
            .await;
        let update = OrderUpdate::default();
        client(&server).update_order("7", &update).await.unwrap();
        said_on_drop(server)
    };
    assert_eq!(answered(r#"{"id":"7"}"#, &[]).await, "");
    let odd = r#"{"id":"7","rank":1}"#;
    let told = answered(odd, &[]).await;
    assert!(told.contains("answer body /rank"), "{told}");
    assert_eq!(answered(odd, &["/rank"]).await, "");
}
