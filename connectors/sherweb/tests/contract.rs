//! What the README says about the vendor's documents, and that a mocked vendor holds requests to them.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::path::Path;

use common::*;
use tallyline_testkit::contract::{self, System, check_readme};
use tallyline_testkit::mock::said_on_drop;

#[test]
fn the_readme_lists_where_simulator_and_document_disagree() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    check_readme(&readme, System::Sherweb).unwrap();
}

#[tokio::test]
async fn a_request_that_breaks_the_document_fails_the_test_whose_mock_got_it() {
    if let Some(why) = contract::skipped() {
        println!("skipped: {why}");
        return;
    }
    let asked_for = async |customer: &str, announced: bool| {
        let server = server().await;
        if announced {
            server.expect_violations("no UUID", &["query /customerId"]);
        }
        get(&format!("{SP}/billing/subscriptions"))
            .respond_with(json(r#"{"items":[]}"#))
            .expect(1)
            .mount(&server)
            .await;
        client(&server).subscriptions(customer).await.unwrap();
        server
    };
    let right = "c0000000-0000-4000-8000-000000000001";
    assert_eq!(said_on_drop(asked_for(right, false).await), "");
    let told = said_on_drop(asked_for("c-1", false).await);
    assert!(told.contains("query /customerId"), "{told}");
    assert_eq!(said_on_drop(asked_for("c-1", true).await), "");
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
        get(&format!("{SP}/customers"))
            .respond_with(json(body))
            .mount(&server)
            .await;
        client(&server).customers().await.unwrap();
        said_on_drop(server)
    };
    let id = r#""id":"c0000000-0000-4000-8000-000000000001""#;
    let whole = format!(r#"{{"items":[{{{id}}}]}}"#);
    assert_eq!(answered(&whole, &[]).await, "");
    let odd = format!(r#"{{"items":[{{{id},"rank":1}}]}}"#);
    let told = answered(&odd, &[]).await;
    assert!(told.contains("answer body /items/0/rank"), "{told}");
    assert_eq!(answered(&odd, &["/items/0/rank"]).await, "");
    let twice = odd.replace("\"rank\"", "\"sort\":2,\"rank\"");
    let told = answered(&twice, &["/items/0/rank"]).await;
    assert!(
        told.contains("/items/0/sort") && !told.contains("/items/0/rank"),
        "{told}"
    );
}
