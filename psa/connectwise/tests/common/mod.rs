//! A mock server, and a client and sink on it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink, PagingStyle};
use tallyline_core::ErrorKind;
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy, Timeouts};
use tallyline_core::model::Timestamp;
use tallyline_core::sink::WriteError;
use tallyline_testkit::contract::System;
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, ResponseTemplate};

/// A mock of the PSA, whose requests are held to the vendor's document.
pub async fn mock() -> MockVendor {
    MockVendor::start(System::ConnectWise).await
}

/// The path of the API below the site's root.
pub const API: &str = "/v4_6_release/apis/3.0";

/// The private key of all tests.
pub const PRIVATE_KEY: &str = "k3y-Priv4te/Zq9";

/// Base64 of `northw+pubkey7:` and the private key.
pub const BASIC: &str = "bm9ydGh3K3B1YmtleTc6azN5LVByaXY0dGUvWnE5";

pub const CLIENT_ID: &str = "5f1d2c3b-0a9e-4c7d-8b6a-123456789abc";

pub fn client_with(
    site: &str,
    page_size: u16,
    paging: PagingStyle,
    attempts: u32,
) -> ConnectWiseClient {
    let retry = RetryPolicy {
        max_attempts: attempts,
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    };
    let limiter = Limiter::new(LimiterOptions {
        max_concurrent: 8,
        per_second: NonZeroU32::new(10_000),
        burst: NonZeroU32::new(10_000),
        ..LimiterOptions::default()
    });
    let timeouts = Timeouts {
        // Longer than a busy machine takes, shorter than the answers that come too late.
        attempt: Some(Duration::from_secs(2)),
        ..Timeouts::default()
    };
    ConnectWiseClient::builder()
        .site(site)
        .company_id("northw")
        .public_key("pubkey7")
        .private_key(PRIVATE_KEY)
        .client_id(CLIENT_ID)
        .page_size(page_size)
        .paging(paging)
        .retry(retry)
        .limiter(Arc::new(limiter))
        .timeouts(timeouts)
        .build()
        .unwrap()
}

pub fn client(server: &MockVendor) -> ConnectWiseClient {
    client_with(&server.uri(), 1000, PagingStyle::Navigable, 3)
}

pub fn sink(server: &MockVendor) -> ConnectWiseSink {
    ConnectWiseSink::builder()
        .client(client(server))
        .clock(Arc::new(|| {
            "2026-02-15T08:00:00Z".parse::<Timestamp>().unwrap()
        }))
        .build()
}

/// A JSON answer from its text, so that numbers stay as they are written.
pub fn json(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into(), "application/json; charset=utf-8")
}

/// The answer to a create.
pub fn new_record(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_raw(body.into(), "application/json; charset=utf-8")
}

pub async fn on(server: &MockVendor, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(format!("{API}{at}")))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// An answer that is given once, before those mounted later.
pub async fn once(server: &MockVendor, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(format!("{API}{at}")))
        .respond_with(answer)
        .up_to_n_times(1)
        .mount(server)
        .await;
}

pub async fn requests(server: &MockVendor) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

/// The requests of a method.
pub async fn sent(server: &MockVendor, verb: &str) -> Vec<Request> {
    let mut all = requests(server).await;
    all.retain(|request| request.method.as_str() == verb);
    all
}

/// How a write failed, and of which kind the error is.
pub fn refused(error: &WriteError) -> (&'static str, ErrorKind) {
    let sort = match error {
        WriteError::NotSent(_) => "not sent",
        WriteError::Rejected(_) => "rejected",
        WriteError::Unknown(_) => "unknown",
        _ => "?",
    };
    (sort, error.error().kind())
}

pub fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

pub fn query(request: &Request, name: &str) -> Option<String> {
    request
        .url
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub fn header(request: &Request, name: &str) -> Option<String> {
    Some(request.headers.get(name)?.to_str().unwrap().to_owned())
}
