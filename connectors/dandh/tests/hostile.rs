//! The client and the source against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::{OWN, at};
use raw::{MAX_BODY, companies, connect, main_table, of_company, preview, session, session_table};
use tallyline_testkit::hostile::{Field, HostileStreams};
use tallyline_testkit::raw::Route;

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = main_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_session_answer_harms_the_client() {
    let report = session_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn a_hostile_answer_for_one_account_fails_that_account_alone() {
    let victim = of_company(410_988, 733_205);
    let report = HostileStreams::source("dandh", connect, "410988", victim.clone())
        .max_body(MAX_BODY)
        .route(session())
        .route(Route::post(&at("GetCompany"), OWN))
        .route(companies())
        .route(Route::post(&at("GetPreviewInvoices"), preview()))
        .route(of_company(410_977, 733_105))
        .route(victim)
        .route(of_company(410_999, 733_305))
        .field(Field::whole_id("/1/AccountId"))
        .field(Field::name("/0/ServiceDisplayName"))
        .field(Field::name("/1/ContractEndDate"))
        .field(Field::quantity("/1/PriceableItems/0/PurchasePrice").optional())
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
