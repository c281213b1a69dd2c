//! The client against hostile answers to what a sync reads.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use raw::main_table;

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = main_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}
