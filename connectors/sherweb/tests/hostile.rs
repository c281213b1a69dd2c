//! The client and the source against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::PAYABLE;
use raw::{CHARGES, CUSTOMERS, MAX_BODY, connect, details, main_table, token, token_table};
use tallyline_testkit::hostile::{Field, HostileStreams};
use tallyline_testkit::raw::Route;

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = main_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_token_answer_harms_the_client() {
    let report = token_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

fn streams(victim: &str, route: Route) -> HostileStreams {
    let streams = HostileStreams::source("sherweb", connect, victim, route)
        .max_body(MAX_BODY)
        .route(token())
        .route(Route::get("/service-provider/v1/customers", CUSTOMERS))
        .route(Route::get(PAYABLE, CHARGES));
    [
        "c0000000-0000-4000-8000-000000000001",
        "c0000000-0000-4000-8000-000000000002",
        "c0000000-0000-4000-8000-000000000003",
    ]
    .into_iter()
    .fold(streams, |streams, customer| {
        streams.route(details(customer))
    })
}

#[tokio::test]
async fn a_hostile_answer_for_one_account_fails_that_account_alone() {
    let report = streams(
        "c0000000-0000-4000-8000-000000000002",
        details("c0000000-0000-4000-8000-000000000002"),
    )
    .field(Field::quantity("/items/1/quantity"))
    .field(Field::text_id("/items/1/id"))
    .field(Field::text_id("/items/1/sku"))
    .field(Field::date("/items/0/commitmentTerm/termEndDate"))
    .field(Field::name("/items/1/productName"))
    .run()
    .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
