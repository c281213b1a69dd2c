//! Jobs: how they are started, waited for and given up. The clock jumps over every wait.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::sync::Arc;

use common::*;
use tallyline_cloudmore::models::{FreeForm, TaskId};
use tallyline_core::{ErrorKind, Result};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;

/// Answers an ask, so many times.
async fn then(server: &MockVendor, answer: ResponseTemplate, times: u64) {
    get(&format!("{START}/t-1"))
        .respond_with(answer)
        .up_to_n_times(times)
        .expect(times)
        .mount(server)
        .await;
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

/// Starts nothing: asks about a job that runs.
async fn result(server: &MockVendor, clock: &Arc<Jumping>) -> Result<FreeForm> {
    client_on(server, clock)
        .monthly_billing_result(&TaskId::new("t-1"))
        .await
}

#[tokio::test]
async fn a_job_is_started_by_a_post_and_named_by_its_location_whose_host_is_never_called() {
    let elsewhere = mock().await;
    for location in [
        format!("{START}/t-1"),
        format!("{}/elsewhere/t-1?x=1", elsewhere.uri()),
        "t-1".to_owned(),
    ] {
        let server = server().await;
        authorized("POST", START)
            .respond_with(status(202).insert_header("Location", location.as_str()))
            .expect(1)
            .mount(&server)
            .await;
        then(&server, json("[]"), 1).await;
        let client = client(&server);
        let report = client
            .monthly_billing("2026-03-01".parse().unwrap(), "2026-03-31".parse().unwrap())
            .await
            .unwrap();
        assert_eq!(report.as_str(), "[]");
        let requests = server.received_requests().await.unwrap();
        let start = requests.iter().find(|it| it.url.path() == START).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&start.body).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"startDate": "2026-03-01", "endDate": "2026-03-31"})
        );
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_start_that_names_no_job_is_an_error_and_not_sent_again() {
    for location in [
        None,
        Some(""),
        Some("/api/resellers/r-1/billing/reports/monthlybillingperorganizationasync"),
    ] {
        let server = server().await;
        let mut answer = status(202);
        if let Some(location) = location {
            answer = answer.insert_header("Location", location);
        }
        authorized("POST", START)
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        let day = "2026-03-01".parse().unwrap();
        let error = client(&server)
            .start_monthly_billing(day, day)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{location:?}");
        assert!(error.message().contains("Location"), "{error}");
    }
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_not_sent_again() {
    for code in [500, 502, 503, 429, 408] {
        let server = server().await;
        authorized("POST", START)
            .respond_with(status(code))
            .expect(1)
            .mount(&server)
            .await;
        let day = "2026-03-01".parse().unwrap();
        let error = client(&server).monthly_billing(day, day).await.unwrap_err();
        assert_eq!(error.status(), Some(code));
        assert_eq!(asked(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn everything_that_says_not_yet_is_waited_for_from_two_to_thirty_seconds() {
    let server = server().await;
    then(&server, status(404), 1).await;
    then(&server, status(202), 1).await;
    then(&server, status(204), 1).await;
    then(&server, json(" \n"), 1).await;
    then(&server, json(r#"{"status":"Running"}"#), 1).await;
    then(&server, json(r#"{"TaskStatus":"Queued"}"#), 1).await;
    then(&server, json(r#"[{"organizationId":"o-1"}]"#), 1).await;
    let clock = Arc::default();
    let report = result(&server, &clock).await.unwrap();
    assert_eq!(report.as_str(), r#"[{"organizationId":"o-1"}]"#);
    assert_eq!(clock.waits(), [2, 4, 8, 16, 30, 30]);
}

#[tokio::test]
async fn a_finished_status_gives_what_stands_beside_it() {
    let server = server().await;
    let body = r#"{"status":"Completed","data":[{"quantity":1.50}]}"#;
    then(&server, json(body), 1).await;
    assert_eq!(
        result(&server, &Arc::default()).await.unwrap().as_str(),
        body
    );
}

#[tokio::test]
async fn a_job_that_failed_is_an_error_at_once() {
    let server = server().await;
    then(
        &server,
        json(r#"{"state":"FAILED","message":"too many lines"}"#),
        1,
    )
    .await;
    let clock = Arc::default();
    let error = result(&server, &clock).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("FAILED"), "{error}");
    assert!(clock.waits().is_empty());
}

#[tokio::test]
async fn an_unknown_job_is_waited_for_shortly_after_its_start_and_not_longer() {
    let server = server().await;
    get(&format!("{START}/t-1"))
        .respond_with(status(404))
        .mount(&server)
        .await;
    let clock = Arc::default();
    let error = result(&server, &clock).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(clock.waits(), [2, 4, 8, 16, 30, 30]);
    assert!(error.to_string().contains("t-1"), "{error}");
}

#[tokio::test]
async fn a_job_that_never_ends_is_given_up_at_the_deadline() {
    let server = server().await;
    get(&format!("{START}/t-1"))
        .respond_with(status(202).insert_header("Retry-After", "300"))
        .expect(4)
        .mount(&server)
        .await;
    let clock = Arc::default();
    let error = result(&server, &clock).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.operation(), Some("monthly_billing.result"));
    assert_eq!(
        clock.waits(),
        [300, 300, 300],
        "the vendor's own wait is kept"
    );
}

#[tokio::test]
async fn an_ask_that_fails_for_a_moment_is_repeated() {
    let server = server().await;
    then(&server, status(503), 1).await;
    then(&server, json("[]"), 1).await;
    let clock = Arc::default();
    result(&server, &clock).await.unwrap();
    assert!(clock.waits().is_empty(), "that wait is the client's own");
}

#[tokio::test]
async fn one_time_invoices_and_unbilled_usage_are_jobs_as_well() {
    let server = server().await;
    let invoices = format!("{R}/billing/azurereports/AzureOneTimeInvoice");
    authorized("POST", &format!("{invoices}/generateReport"))
        .respond_with(status(202).insert_header("Location", format!("{invoices}/t-7")))
        .expect(1)
        .mount(&server)
        .await;
    get(&format!("{invoices}/t-7"))
        .respond_with(json("[]"))
        .expect(1)
        .mount(&server)
        .await;
    let usage = format!("{R}/billing/azureonetimeusage/report/unbilled");
    authorized("POST", &format!("{usage}/period/current/export"))
        .respond_with(status(202).insert_header("Location", format!("{usage}/operation/x-1")))
        .expect(1)
        .mount(&server)
        .await;
    get(&format!("{usage}/operation/x-1/status"))
        .respond_with(json(r#"{"status":"Succeeded"}"#))
        .expect(1)
        .mount(&server)
        .await;
    get(&format!("{usage}/operation/x-1/result"))
        .respond_with(json("[]"))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    assert_eq!(client.one_time_invoice("G 1").await.unwrap().as_str(), "[]");
    let task = client.start_unbilled_usage("current").await.unwrap();
    client.unbilled_usage_status(&task).await.unwrap();
    client.unbilled_usage(&task, 1, 100).await.unwrap();
    let asked = asked(&server).await;
    assert!(
        asked[0].ends_with("generateReport?storeToBlob=false&invoiceNumber=G%201"),
        "{asked:?}"
    );
    assert!(
        asked[4].ends_with("result?pageNumber=1&pageSize=100"),
        "{asked:?}"
    );
}
