//! The client and the source against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use raw::{
    MAX_BODY, accounts, connect, main_table, services, token, token_table, token_with_slash_table,
    usage, usage_fields,
};
use tallyline_core::Result;
use tallyline_hyalto::{HyAltoSource, operations};
use tallyline_testkit::hostile::{HostileStreams, covers};

#[test]
fn every_operation_is_in_a_table_of_hostile_answers() {
    let covered = main_table()
        .covered()
        .and(token_table().covered())
        .and(token_with_slash_table().covered());
    assert_eq!(
        covers(operations::ALL.iter().copied(), &covered, &[]),
        Ok(())
    );
}

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = main_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_token_answer_harms_the_client_by_either_path() {
    for table in [token_table(), token_with_slash_table()] {
        let report = table.run().await;
        println!("{} cases", report.cases());
        report.assert_held();
    }
}

fn source(base: &str) -> Result<HyAltoSource> {
    HyAltoSource::builder().client(connect(base)?).build()
}

#[tokio::test]
async fn a_hostile_answer_for_one_account_fails_that_account_alone() {
    let victim = usage("902", "4412", 16);
    let table = HostileStreams::source("hyalto", source, "902", victim.clone())
        .max_body(MAX_BODY)
        .route(token())
        .route(accounts())
        .route(services("901", "4411"))
        .route(services("902", "4412"))
        .route(services("903", "4413"))
        .route(usage("901", "4411", 32))
        .route(victim)
        .route(usage("903", "4413", 8));
    let table = usage_fields()
        .into_iter()
        .fold(table, HostileStreams::field);
    let report = table.run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}
