//! A mock and a simulator of Gradient, and clients of them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy};
use tallyline_gradient::{GradientClient, GradientSink};
use tallyline_testkit::gradient::GradientSimulator;
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, Request, ResponseTemplate};

pub(crate) const VENDOR_KEY: &str = "v3ndor/K3y+of-the-tests";
pub(crate) const PARTNER_KEY: &str = "p4rtner/K3y+of-the-tests";
/// Both, as they travel.
pub(crate) const TOKEN: &str = "djNuZG9yL0szeStvZi10aGUtdGVzdHM6cDRydG5lci9LM3krb2YtdGhlLXRlc3Rz";
pub(crate) const ROOT: &str = "/api/vendor-api";

/// Short waits, so that a retry costs a test nothing.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        max_attempts: 3,
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    }
}

pub(crate) fn wide() -> Arc<Limiter> {
    Arc::new(Limiter::new(LimiterOptions {
        max_concurrent: 8,
        per_second: NonZeroU32::new(10_000),
        burst: NonZeroU32::new(10_000),
        ..LimiterOptions::default()
    }))
}

pub(crate) fn client_at(base: &str, vendor: &str, partner: &str) -> GradientClient {
    GradientClient::builder()
        .vendor_api_key(vendor.into())
        .partner_api_key(partner.into())
        .base_url(base)
        .retry(quick())
        .limiter(wide())
        .jitter_seed(1)
        .build()
        .unwrap()
}

pub(crate) fn client(server: &MockVendor) -> GradientClient {
    client_at(&server.uri(), VENDOR_KEY, PARTNER_KEY)
}

/// A client of a simulator, with the right keys.
pub(crate) fn of(sim: &GradientSimulator) -> GradientClient {
    let keys = sim.state().credentials;
    client_at(sim.base_url().as_str(), &keys.vendor_key, &keys.partner_key)
}

pub(crate) fn sink(sim: &GradientSimulator) -> GradientSink {
    GradientSink::builder().client(of(sim)).build()
}

/// A mock that gives nothing yet.
pub(crate) async fn mock() -> MockVendor {
    MockVendor::undocumented().await
}

pub(crate) fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json; charset=utf-8")
}

/// Answers a call that carries the token.
pub(crate) async fn on(server: &MockVendor, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(format!("{ROOT}{at}")))
        .and(header("gradient-token", TOKEN))
        .respond_with(answer)
        .mount(server)
        .await;
}

pub(crate) async fn requests(server: &MockVendor) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

pub(crate) fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}
