//! The client and the source against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use raw::{MAX_BODY, REPORT_OF_THREE, THREE, clocked, report, token};
use tallyline_cloudmore::{CloudmoreSource, ReportMode};
use tallyline_core::Result;
use tallyline_testkit::hostile::{Field, HostileStreams};
use tallyline_testkit::raw::Route;

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = raw::main_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_report_is_read_as_another_and_every_wrong_line_is_named() {
    let report = raw::report_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_about_a_job_harms_the_client() {
    let report = raw::job_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_token_answer_harms_the_client() {
    let report = raw::token_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

fn source(base: &str) -> Result<CloudmoreSource> {
    CloudmoreSource::builder()
        .client(clocked(base)?)
        .report(ReportMode::Direct)
        .build()
}

#[tokio::test]
async fn a_hostile_line_of_one_account_fails_that_account_alone() {
    let report = HostileStreams::source("cloudmore", source, "o-2", report(REPORT_OF_THREE))
        .shared()
        .max_body(MAX_BODY)
        .route(token())
        .route(Route::get(&format!("{}/Organizations", common::R), THREE))
        .field(Field::quantity("/1/services/0/items/0/quantity").named(raw::NO_JSON))
        .field(Field::date("/1/services/0/items/0/startDate").named(raw::NO_JSON))
        .field(Field::name("/1/services/0/items/0/productName").named(raw::NO_JSON))
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
