//! A mock of the vendor and a client of it.

use std::time::Duration;

use serde_json::Value;
use tallyline_core::http::RetryPolicy;
use tallyline_sherweb::SherwebClient;
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

pub const SECRET: &str = "s3cret/of+the client";
pub const KEY: &str = "k3y-of-the-subscription";
pub const SP: &str = "/service-provider/v1";
pub const PAYABLE: &str = "/distributor/v1/billing/payable-charges";
pub const TOKEN: &str = "/auth/oidc/connect/token";

/// Short waits, so that a retry costs a test nothing.
pub fn quick() -> RetryPolicy {
    RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    }
}

pub fn client(server: &MockServer) -> SherwebClient {
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

pub fn json(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json")
}

pub fn problem(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/problem+json")
}

/// Gives a token per scope.
pub async fn tokens(server: &MockServer) {
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

/// A server that gives tokens and refuses what no test asked for.
pub async fn server() -> MockServer {
    let server = MockServer::start().await;
    tokens(&server).await;
    server
}

/// A GET that must carry the headers of its scope.
pub fn get(at: &str) -> wiremock::MockBuilder {
    authorized("GET", at)
}

/// A POST that must carry the headers of its scope.
pub fn post(at: &str) -> wiremock::MockBuilder {
    authorized("POST", at)
}

fn authorized(verb: &str, at: &str) -> wiremock::MockBuilder {
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
pub async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .filter(|request| request.url.path() != TOKEN)
        .map(|request| {
            let query = request.url.query().map(|query| format!("?{query}"));
            format!(
                "{} {}{}",
                request.method,
                request.url.path(),
                query.unwrap_or_default()
            )
        })
        .collect()
}

/// The body of the last request.
pub async fn last_body(server: &MockServer) -> Value {
    let requests = server.received_requests().await.unwrap();
    serde_json::from_slice(&requests.last().unwrap().body).unwrap()
}
