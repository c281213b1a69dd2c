//! The client and the source against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

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
