//! A mock of the vendor and a client of it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tallyline_cloudmore::CloudmoreClient;
use tallyline_core::clock::{Clock, SharedClock};
use tallyline_core::http::RetryPolicy;
use tallyline_core::model::Timestamp;
use tallyline_testkit::mock::{self, MockVendor};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, ResponseTemplate};

pub(crate) const PASSWORD: &str = "pa55/w+rd of the user";
pub(crate) const SECRET: &str = "s3cret-of-the-api";
pub(crate) const TOKEN: &str = "/connect/token";
pub(crate) const R: &str = "/api/resellers/r-1";
pub(crate) const START: &str =
    "/api/resellers/r-1/billing/reports/MonthlyBillingPerOrganizationAsync";

/// Short waits, so that a retry costs a test nothing.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    }
}

/// A clock on 15 March 2026 that jumps over each wait and remembers it.
#[derive(Debug, Default)]
pub(crate) struct Jumping(Mutex<Vec<Duration>>);

impl Jumping {
    /// The waits so far, in seconds.
    pub(crate) fn waits(&self) -> Vec<u64> {
        let waits = self.0.lock().unwrap();
        waits.iter().map(Duration::as_secs).collect()
    }
}

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let waited = self.0.lock().unwrap().iter().sum();
        "2026-03-15T12:00:00Z"
            .parse::<Timestamp>()
            .unwrap()
            .plus(waited)
    }

    async fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

pub(crate) fn client_on(server: &MockVendor, clock: &Arc<Jumping>) -> CloudmoreClient {
    let clock: Arc<dyn Clock> = Arc::<Jumping>::clone(clock);
    CloudmoreClient::builder()
        .username("api@example.com")
        .password(PASSWORD.into())
        .client_secret(SECRET.into())
        .reseller_id("r-1")
        .base_url(server.uri())
        .retry(quick())
        .clock(SharedClock::new(clock))
        .jitter_seed(1)
        .build()
        .unwrap()
}

pub(crate) fn client(server: &MockVendor) -> CloudmoreClient {
    client_on(server, &Arc::default())
}

pub(crate) fn json(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json")
}

/// A mock of the vendor, which publishes no document.
pub(crate) async fn mock() -> MockVendor {
    MockVendor::undocumented().await
}

/// A mock that gives tokens and refuses what no test asked for.
pub(crate) async fn server() -> MockVendor {
    let server = mock().await;
    Mock::given(method("POST"))
        .and(path(TOKEN))
        .and(body_string_contains("grant_type=password"))
        .respond_with(json(
            r#"{"access_token":"token-1","expires_in":86400,"token_type":"Bearer"}"#,
        ))
        .mount(&server)
        .await;
    server
}

/// A call that must carry the token.
pub(crate) fn authorized(verb: &str, at: &str) -> wiremock::MockBuilder {
    Mock::given(method(verb))
        .and(path(at))
        .and(header("Authorization", "Bearer token-1"))
        .and(header("Accept", "application/json"))
}

pub(crate) fn get(at: &str) -> wiremock::MockBuilder {
    authorized("GET", at)
}

/// What was asked, without the token calls: method, path and query.
pub(crate) async fn asked(server: &MockVendor) -> Vec<String> {
    mock::asked(server, TOKEN).await
}

/// The body of the last request.
pub(crate) async fn last_body(server: &MockVendor) -> serde_json::Value {
    let requests = server.received_requests().await.unwrap();
    serde_json::from_slice(&requests.last().unwrap().body).unwrap()
}

/// A job that is started and answers its report.
pub(crate) async fn job(server: &MockVendor, report: &str) {
    authorized("POST", START)
        .respond_with(ResponseTemplate::new(202).insert_header("Location", format!("{START}/t-1")))
        .mount(server)
        .await;
    get(&format!("{START}/t-1"))
        .respond_with(json(report))
        .mount(server)
        .await;
}
