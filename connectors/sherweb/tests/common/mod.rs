//! A mock of the vendor and a client of it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use tallyline_core::http::RetryPolicy;
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::contract::System;
use tallyline_testkit::mock::{self, MockVendor};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, ResponseTemplate};

pub(crate) const SECRET: &str = "s3cret/of+the client";
pub(crate) const KEY: &str = "k3y-of-the-subscription";
pub(crate) const SP: &str = "/service-provider/v1";
pub(crate) const PAYABLE: &str = "/distributor/v1/billing/payable-charges";
pub(crate) const TOKEN: &str = "/auth/oidc/connect/token";

/// Short waits, so that a retry costs a test nothing.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    }
}

pub(crate) fn client(server: &MockVendor) -> SherwebClient {
    SherwebClient::builder()
        .client_id("client-1")
        .client_secret(SECRET.into())
        .subscription_key(KEY.into())
        .base_url(server.uri())
        .accept_language("en-CA")
        .retry(quick())
        .jitter_seed(1)
        .build()
        .unwrap()
}

pub(crate) fn json(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json")
}

pub(crate) fn problem(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/problem+json")
}

/// Gives a token per scope.
pub(crate) async fn tokens(server: &MockVendor) {
    for scope in ["service-provider", "distributor"] {
        Mock::given(method("POST"))
            .and(path(TOKEN))
            .and(header("Ocp-Apim-Subscription-Key", KEY))
            .and(body_string_contains(format!("scope={scope}")))
            .respond_with(json(&format!(
                r#"{{"access_token":"token-{scope}","expires_in":"3600","token_type":"Bearer"}}"#
            )))
            .mount(server)
            .await;
    }
}

/// A mock of the vendor, whose requests are held to the vendor's documents.
pub(crate) async fn mock() -> MockVendor {
    MockVendor::start(System::Sherweb).await
}

/// A mock that gives tokens and refuses what no test asked for.
pub(crate) async fn server() -> MockVendor {
    let server = mock().await;
    tokens(&server).await;
    server
}

/// A GET that must carry the headers of its scope.
pub(crate) fn get(at: &str) -> wiremock::MockBuilder {
    authorized("GET", at)
}

/// A call that must carry the headers of its scope.
pub(crate) fn authorized(verb: &str, at: &str) -> wiremock::MockBuilder {
    let scope = if at.starts_with("/distributor/") {
        "distributor"
    } else {
        "service-provider"
    };
    Mock::given(method(verb))
        .and(path(at))
        .and(header(
            "Authorization",
            format!("Bearer token-{scope}").as_str(),
        ))
        .and(header("Ocp-Apim-Subscription-Key", KEY))
        .and(header("Accept-Language", "en-CA"))
        .and(header("Accept", "application/json"))
}

/// What was asked, without the token calls: method, path and query.
pub(crate) async fn asked(server: &MockVendor) -> Vec<String> {
    mock::asked(server, TOKEN).await
}
