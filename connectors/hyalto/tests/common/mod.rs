//! A mock and a simulator of HyAlto, and clients of them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use tallyline_core::http::RetryPolicy;
use tallyline_hyalto::{AuthScheme, HyAltoClient, HyAltoSource};
use tallyline_testkit::hyalto::HyAltoSimulator;
use tallyline_testkit::mock::{self, MockVendor};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, ResponseTemplate};

pub(crate) const ACCESS_KEY: &str = "12.0acce55e-4f6d-4d0e-9a3c-1c2d3e4f5a6b";
pub(crate) const SECRET_KEY: &str = "5ec7e7c1-2f42-4b7b-8f0d-7a5f3a1b9c00";
pub(crate) const TOKEN: &str = "/accountManagement/auth/token";
pub(crate) const ACCOUNTS: &str = "/accountManagement/accounts/";
/// The payload says that it was given out at 1790000000 and ends 3600 seconds later.
pub(crate) const ACCESS: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3OTAwMDAwMDAsImV4cCI6MTc5MDAwMzYwMH0.c2lnbmF0dXJlLW9mLWEtdGVzdA";

/// Short waits, so that a retry costs a test nothing.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    }
}

pub(crate) fn services_of(account: &str) -> String {
    format!("/serviceOfferings/accounts/{account}/services/")
}

pub(crate) fn usage_of(account: &str) -> String {
    format!("/solutions/usage/account/{account}/raw")
}

pub(crate) fn with_scheme(server: &MockVendor, scheme: AuthScheme) -> HyAltoClient {
    HyAltoClient::builder()
        // With the slash that people paste.
        .base_url(format!(" {}/ ", server.uri()))
        .access_key(ACCESS_KEY)
        .secret_key(SECRET_KEY.into())
        .auth_scheme(scheme)
        .retry(quick())
        .jitter_seed(1)
        .build()
        .unwrap()
}

pub(crate) fn client(server: &MockVendor) -> HyAltoClient {
    with_scheme(server, AuthScheme::Auto)
}

/// A client of a simulator with the right keys.
pub(crate) fn of(sim: &HyAltoSimulator) -> HyAltoClient {
    with_concurrency(sim, 4)
}

/// One that makes a call when the one before is over.
pub(crate) fn one_at_a_time(sim: &HyAltoSimulator) -> HyAltoClient {
    with_concurrency(sim, 1)
}

fn with_concurrency(sim: &HyAltoSimulator, concurrency: usize) -> HyAltoClient {
    let state = sim.state();
    HyAltoClient::builder()
        .base_url(sim.base_url().as_str())
        .access_key(&state.credentials.access_key)
        .secret_key(state.credentials.secret_key.as_str().into())
        .concurrency(concurrency)
        .retry(quick())
        .jitter_seed(1)
        .build()
        .unwrap()
}

pub(crate) fn source(sim: &HyAltoSimulator) -> HyAltoSource {
    HyAltoSource::builder().client(of(sim)).build().unwrap()
}

pub(crate) fn json(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json")
}

/// A mock that gives nothing yet.
pub(crate) async fn mock() -> MockVendor {
    MockVendor::undocumented().await
}

/// The answer of the call for a token.
pub(crate) fn token_body() -> String {
    format!(r#"{{"tokenType":"Bearer","accessToken":"{ACCESS}"}}"#)
}

/// A mock that gives a token, exactly as it must be asked for, and refuses what no test asked for.
pub(crate) async fn server() -> MockVendor {
    let server = mock().await;
    Mock::given(method("POST"))
        .and(path(TOKEN))
        .and(header("Content-Type", "application/json"))
        .and(body_json(
            serde_json::json!({"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}),
        ))
        .respond_with(json(&token_body()))
        .mount(&server)
        .await;
    server
}

/// A call that must carry the token after `Bearer`.
pub(crate) fn get(at_path: &str) -> wiremock::MockBuilder {
    with_header(at_path, &format!("Bearer {ACCESS}"))
}

/// A call that must carry a header of credentials.
pub(crate) fn with_header(at_path: &str, authorization: &str) -> wiremock::MockBuilder {
    Mock::given(method("GET"))
        .and(path(at_path))
        .and(header("Authorization", authorization))
        .and(header("Accept", "application/json"))
}

/// What was asked, without the token calls: method, path and query.
pub(crate) async fn asked(server: &MockVendor) -> Vec<String> {
    mock::asked(server, TOKEN).await
}
