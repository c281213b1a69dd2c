//! The client and the source against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use raw::{
    MAX_BODY, connect, customers, detail, main_table, own_id, subscriptions, token, token_table,
};
use tallyline_core::Result;
use tallyline_ingram::IngramSource;
use tallyline_testkit::hostile::{Field, HostileStreams};

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

fn source(base: &str) -> Result<IngramSource> {
    IngramSource::builder().client(connect(base)?).build()
}

#[tokio::test]
async fn a_hostile_answer_for_one_account_fails_that_account_alone() {
    let victim = detail("1000452", "1000311");
    let report = HostileStreams::source("ingram", source, "1000311", victim.clone())
        .max_body(MAX_BODY)
        .route(token())
        .route(customers())
        .route(subscriptions())
        .route(detail("1000451", "1000310"))
        .route(victim)
        .route(detail("1000453", "1000312"))
        .field(Field::quantity("/products/1/quantity").optional())
        .field(Field::quantity("/products/0/unitCost/amount"))
        .field(own_id())
        .field(Field::date("/expirationDate"))
        .field(Field::name("/products/1/name"))
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
