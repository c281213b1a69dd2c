//! A mock and a simulator of the marketplace, and clients of them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_ingram::{IngramClient, IngramSource};
use tallyline_testkit::contract::System;
use tallyline_testkit::ingram::IngramSimulator;
use tallyline_testkit::mock::{self, MockVendor};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, ResponseTemplate};

pub(crate) const USERNAME: &str = "example-msp.API";
pub(crate) const PASSWORD: &str = "pa55/w+rd of the user";
pub(crate) const KEY: &str = "k3y-of-the-subscription";
pub(crate) const ACCESS: &str = "eyJ0.the-access-token+/=.sig";
pub(crate) const BASE: &str = "/marketplace/na";
pub(crate) const TOKEN: &str = "/marketplace/na/token";

/// Short waits, so that a retry costs a test nothing.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    }
}

/// No quota, so that a test waits for nothing.
pub(crate) fn unlimited() -> Arc<Limiter> {
    Arc::new(Limiter::new(LimiterOptions {
        max_concurrent: 4,
        per_second: NonZeroU32::new(100_000),
        burst: NonZeroU32::new(1000),
        ..LimiterOptions::default()
    }))
}

/// The path of a resource.
pub(crate) fn at(path: &str) -> String {
    format!("{BASE}{path}")
}

pub(crate) fn client(server: &MockVendor) -> IngramClient {
    IngramClient::builder()
        .base_url(format!(" {}{BASE}/ ", server.uri()))
        .marketplace("US")
        .username(USERNAME)
        .password(PASSWORD.into())
        .subscription_key(KEY.into())
        .page_size(2)
        .retry(quick())
        .limiter(unlimited())
        .jitter_seed(1)
        .build()
        .unwrap()
}

/// A client of a simulator with the right credentials.
pub(crate) fn of(sim: &IngramSimulator) -> IngramClient {
    let state = sim.state();
    IngramClient::builder()
        .base_url(sim.api_url())
        .marketplace(state.marketplace.as_str())
        .username(state.credentials.username.as_str())
        .password(state.credentials.password.as_str().into())
        .subscription_key(state.credentials.subscription_key.as_str().into())
        .page_size(2)
        .retry(quick())
        .limiter(unlimited())
        .jitter_seed(1)
        .build()
        .unwrap()
}

pub(crate) fn source(sim: &IngramSimulator) -> IngramSource {
    IngramSource::builder().client(of(sim)).build().unwrap()
}

pub(crate) fn json(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200)
        .insert_header("X-Correlation-ID", "a8n-1")
        .set_body_raw(body.to_owned(), "application/json; charset=utf-8")
}

/// A list of some rows out of so many.
pub(crate) fn list(rows: &str, offset: u64, total: u64) -> ResponseTemplate {
    json(&page(rows, offset, total))
}

pub(crate) fn page(rows: &str, offset: u64, total: u64) -> String {
    format!(r#"{{"data":[{rows}],"pagination":{{"offset":{offset},"limit":2,"total":{total}}}}}"#)
}

/// A mock that gives nothing yet.
pub(crate) async fn mock() -> MockVendor {
    MockVendor::start(System::Ingram).await
}

/// A mock that gives a token, exactly as it must be asked for, and refuses what no test asked for.
pub(crate) async fn server() -> MockVendor {
    let server = mock().await;
    Mock::given(method("POST"))
        .and(path(TOKEN))
        .and(header("X-Subscription-Key", KEY))
        .and(header("Content-Type", "application/json"))
        .and(wiremock::matchers::basic_auth(USERNAME, PASSWORD))
        .and(body_json(serde_json::json!({"marketplace": "us"})))
        .respond_with(json(&format!(
            r#"{{"token":"{ACCESS}","expiresInSeconds":1500}}"#
        )))
        .mount(&server)
        .await;
    server
}

/// A call that must carry token and key.
pub(crate) fn call(verb: &str, at_path: &str) -> wiremock::MockBuilder {
    Mock::given(method(verb))
        .and(path(at(at_path)))
        .and(header("Authorization", format!("Bearer {ACCESS}").as_str()))
        .and(header("X-Subscription-Key", KEY))
        .and(header("Accept", "application/json"))
}

pub(crate) fn get(at_path: &str) -> wiremock::MockBuilder {
    call("GET", at_path)
}

/// What was asked, without the token calls: method, path and query.
pub(crate) async fn asked(server: &MockVendor) -> Vec<String> {
    let asked = mock::asked(server, TOKEN).await;
    asked.iter().map(|call| call.replace(BASE, "")).collect()
}

/// The body of the last request.
pub(crate) async fn last_body(server: &MockVendor) -> serde_json::Value {
    let requests = server.received_requests().await.unwrap();
    serde_json::from_slice(&requests.last().unwrap().body).unwrap()
}
