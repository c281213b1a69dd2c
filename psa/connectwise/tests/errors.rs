//! Errors, retries and secrets on the wire.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use std::time::Duration;

use common::{API, BASIC, CLIENT_ID, PRIVATE_KEY};
use common::{body, client, new_record, on, requests, sent};
use tallyline_connectwise::models::{BillCustomer, NewAddition, RecordRef};
use tallyline_connectwise::patch::{FieldName, Patch};
use tallyline_connectwise::{ConnectWiseClient, PagingStyle};
use tallyline_core::ErrorKind;
use tallyline_core::error::Sent;
use tallyline_core::sink::WriteError;
use tallyline_testkit::secrets::Secrets;
use wiremock::ResponseTemplate;

const ADDITION: &str =
    r#"{"id":9,"product":{"id":512,"identifier":"BKP-1"},"quantity":14.00,"agreementId":88}"#;

fn new_addition() -> NewAddition {
    NewAddition {
        product: RecordRef::by_id(512),
        bill_customer: Some(BillCustomer::Billable),
        effective_date: Some("2026-03-01T00:00:00Z".into()),
        ..NewAddition::default()
    }
}

fn error_body(code: &str, message: &str) -> String {
    format!("{{\r\n  \"code\": \"{code}\",\r\n  \"message\": \"{message}\"\r\n}}")
}

fn failing(status: u16, body: &str, mime: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), mime)
}

#[tokio::test]
async fn error_answers_in_all_their_forms_become_errors_that_say_what_happened() {
    let invalid = "{\r\n \"code\": \"InvalidObject\",\r\n \"message\": \"addition object is invalid\",\r\n \"errors\": [{\"code\":\"MissingRequiredField\",\"message\":\"The product field is required.\",\"resource\":\"addition\",\"field\":\"product\"}]\r\n}";
    let not_found = error_body("NotFound", "Addition 9 not found");
    let endpoint = error_body("ConnectWiseApi", "The endpoint does not exist.");
    let login = error_body("ConnectWiseApi", "UserNotAuthenticated");
    let html = "<html><head><title>502 Bad Gateway</title></head><body>x</body></html>";
    let json = "application/json; charset=utf-8";
    let cases: [(u16, &str, &str, ErrorKind, &str); 10] = [
        (
            400,
            invalid,
            json,
            ErrorKind::Invalid,
            "product: The product field is required.",
        ),
        (401, &login, json, ErrorKind::Auth, "UserNotAuthenticated"),
        (403, "", "text/plain", ErrorKind::PermissionDenied, "403"),
        (
            404,
            &not_found,
            json,
            ErrorKind::NotFound,
            "Addition 9 not found",
        ),
        (
            404,
            &endpoint,
            json,
            ErrorKind::Unsupported,
            "endpoint does not exist",
        ),
        (
            409,
            "record is locked",
            "text/plain",
            ErrorKind::Conflict,
            "record is locked",
        ),
        (414, "", "text/html", ErrorKind::Invalid, "414"),
        (415, "", "text/html", ErrorKind::Invalid, "415"),
        (
            502,
            html,
            "text/html",
            ErrorKind::Unavailable,
            "502 Bad Gateway",
        ),
        (
            429,
            r#"{"error":"ConnectWiseAPI","message":"Slow down."}"#,
            json,
            ErrorKind::RateLimited,
            "Slow down.",
        ),
    ];
    for (status, text, mime, kind, says) in cases {
        let server = common::mock().await;
        on(
            &server,
            "GET",
            "/finance/agreements/88/additions/9",
            failing(status, text, mime).insert_header("x-cw-request-id", "cw-77"),
        )
        .await;
        let error = client(&server).addition(88, 9).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status}: {error}");
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.operation(), Some("agreements.additions.get"));
        assert_eq!(error.request_id(), Some("cw-77"));
        let shown = error.to_string();
        assert!(shown.contains(says), "{status}: {shown}");
        assert!(!shown.contains('\n') && !shown.contains('\r'), "{shown}");
    }
}

#[tokio::test]
async fn a_read_is_repeated_after_a_database_time_out_but_not_after_other_500s() {
    for (message, calls) in [
        ("A timeout has occured while processing the request.", 3),
        (
            "Timeout expired. No connection from the pool could be had.",
            3,
        ),
        ("Error converting value x to type System.Int32.", 1),
    ] {
        let server = common::mock().await;
        let text = error_body("ConnectWiseApi", message);
        on(
            &server,
            "GET",
            "/system/info",
            failing(500, &text, "application/json"),
        )
        .await;
        let error = client(&server).system_info().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(requests(&server).await.len(), calls, "{message}");
    }
}

#[tokio::test]
async fn a_retry_after_that_is_longer_than_allowed_is_told_and_not_waited_for() {
    let server = common::mock().await;
    let slow = failing(
        429,
        r#"{"error":"ConnectWiseAPI","message":"Slow down."}"#,
        "application/json",
    )
    .insert_header("retry-after", "3600");
    on(&server, "GET", "/system/info", slow).await;
    let error = client(&server).system_info().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::RateLimited, Some(Duration::from_secs(3600)))
    );
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn a_create_is_sent_once_whatever_becomes_of_it() {
    let timeout = error_body("ConnectWiseApi", "A timeout has occured.");
    for answer in [
        failing(500, &timeout, "application/json"),
        failing(502, "<html></html>", "text/html"),
        failing(503, "", "text/plain").insert_header("retry-after", "0"),
        new_record(ADDITION).set_delay(Duration::from_secs(5)),
    ] {
        let server = common::mock().await;
        on(&server, "POST", "/finance/agreements/88/additions", answer).await;
        let error = client(&server)
            .create_addition(88, &new_addition())
            .await
            .unwrap_err();
        assert!(error.may_have_been_applied(), "{error:?}");
        assert_ne!(error.sent(), Sent::No);
        assert!(matches!(WriteError::from(error), WriteError::Unknown(_)));
        assert_eq!(sent(&server, "POST").await.len(), 1);
    }
}

#[tokio::test]
async fn a_patch_is_not_repeated_after_a_gateway_error() {
    let server = common::mock().await;
    on(
        &server,
        "PATCH",
        "/finance/agreements/88/additions/9",
        failing(504, "", "text/html"),
    )
    .await;
    let patch = Patch::new().remove(FieldName::CANCELLED_DATE);
    let error = client(&server)
        .patch_addition(88, 9, &patch)
        .await
        .unwrap_err();
    assert!(matches!(WriteError::from(error), WriteError::Unknown(_)));
    let requests = requests(&server).await;
    assert_eq!(requests.len(), 1);
    assert_eq!(
        body(&requests[0]),
        r#"[{"op":"remove","path":"cancelledDate"}]"#
    );
}

#[tokio::test]
async fn an_answer_that_is_a_web_page_is_a_protocol_error() {
    let server = common::mock().await;
    let page = failing(200, "<html><title>Sign in</title></html>", "text/html");
    server.expect_odd_answers("a web page", &["answer type /text~1html", "no JSON"]);
    on(&server, "GET", "/system/info", page).await;
    let error = client(&server).system_info().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn no_secret_shows_in_debug_output_or_errors() {
    let server = common::mock().await;
    let echo = format!("the key {PRIVATE_KEY} and the header Basic {BASIC} are wrong");
    on(
        &server,
        "GET",
        "/system/info",
        failing(401, &echo, "text/plain"),
    )
    .await;
    let client = client(&server);
    let sink = common::sink(&server);
    let error = client.system_info().await.unwrap_err();
    for text in [
        format!("{client:?}"),
        format!("{client:#?}"),
        format!("{sink:?}"),
        format!("{sink:#?}"),
        error.to_string(),
        format!("{error:?}"),
        format!("{error:#?}"),
    ] {
        assert_eq!(Secrets::of(PRIVATE_KEY).shown_in(&text), None);
    }
}

#[test]
fn a_builder_names_what_is_wrong_and_sends_nothing() {
    let build = |site: &str, company: &str, client_id: &str, version: &str, size: u16| {
        ConnectWiseClient::builder()
            .site(site)
            .company_id(company)
            .public_key("p")
            .private_key("k")
            .client_id(client_id)
            .api_version(version)
            .page_size(size)
            .paging(PagingStyle::ForwardOnly)
            .build()
    };
    let good = build("na.myconnectwise.net", "acme", CLIENT_ID, "2026.11", 1).unwrap();
    assert_eq!(
        good.base_url().as_str(),
        format!("https://api-na.myconnectwise.net{API}")
    );
    for (says, built) in [
        (
            "plain HTTP",
            build(
                "http://na.myconnectwise.net",
                "acme",
                CLIENT_ID,
                "2026.4",
                9,
            ),
        ),
        (
            "company id",
            build("na.myconnectwise.net", "a:b", CLIENT_ID, "2026.4", 9),
        ),
        (
            "GUID",
            build("na.myconnectwise.net", "acme", "123", "2026.4", 9),
        ),
        (
            "API version",
            build("na.myconnectwise.net", "acme", CLIENT_ID, "3.0.0", 9),
        ),
        (
            "page size",
            build("na.myconnectwise.net", "acme", CLIENT_ID, "2026.4", 1001),
        ),
    ] {
        let error = built.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(says), "{error}");
    }
}
