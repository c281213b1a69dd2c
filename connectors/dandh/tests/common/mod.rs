//! A mock and a simulator of the marketplace, and clients of them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use tallyline_core::http::RetryPolicy;
use tallyline_dandh::{DandhClient, QuantityPolicy};
use tallyline_testkit::dandh::{DandhSimulator, PATH};
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, ResponseTemplate};

pub(crate) const USERNAME: &str = "sync@msp.example";
pub(crate) const PASSWORD: &str = "pa55/w+rd of the user";
pub(crate) const SESSION: &str = "c2Vzc2lvbi1vZi10aGUtdGVzdHM/+A==";
pub(crate) const SIGN_IN: &str = "GetSessionToken";
pub(crate) const PARENT: i64 = 410_022;
pub(crate) const OWN: &str = r#"{"AccountId":410022,"CompanyName":"Example MSP"}"#;

/// Short waits, so that a retry costs a test nothing.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        min_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(2),
        ..RetryPolicy::default()
    }
}

/// The path of an operation.
pub(crate) fn at(operation: &str) -> String {
    format!("/{PATH}/{operation}")
}

pub(crate) fn client(server: &MockVendor) -> DandhClient {
    DandhClient::builder()
        .username(USERNAME)
        .password(PASSWORD.into())
        .parent_account_id(PARENT)
        // With the slashes that people paste.
        .base_url(format!(" {}/{PATH}// ", server.uri()))
        .retry(quick())
        .jitter_seed(1)
        .build()
        .unwrap()
}

/// A client of a simulator, with the right credentials and a policy.
pub(crate) fn with_policy(sim: &DandhSimulator, policy: QuantityPolicy) -> DandhClient {
    let state = sim.state();
    DandhClient::builder()
        .username(&state.credentials.username)
        .password(state.credentials.password.as_str().into())
        .parent_account_id(state.reseller_id)
        .base_url(sim.rest_url())
        .quantity_policy(policy)
        .retry(quick())
        .jitter_seed(1)
        .build()
        .unwrap()
}

/// A client of a simulator, with the right credentials.
pub(crate) fn of(sim: &DandhSimulator) -> DandhClient {
    with_policy(sim, QuantityPolicy::default())
}

pub(crate) fn json(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json; charset=utf-8")
}

/// A fault of the platform.
pub(crate) fn fault(status: u16, message: &str, session_expired: bool) -> ResponseTemplate {
    let xml = format!(
        r#"<Fault xmlns="http://schemas.microsoft.com/ws/2005/05/envelope/none"><Code><Value>Sender</Value></Code><Reason><Text xml:lang="en-US">{message}</Text></Reason><Detail><ServiceException xmlns="http://schemas.datacontract.org/2004/07/Nervogrid.Platform.API" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><IsSessionExpired>{session_expired}</IsSessionExpired><IssueToken i:nil="true"/><Message>{message}</Message></ServiceException></Detail></Fault>"#
    );
    ResponseTemplate::new(status).set_body_raw(xml, "text/xml; charset=utf-8")
}

/// A mock that gives nothing yet.
pub(crate) async fn mock() -> MockVendor {
    MockVendor::undocumented().await
}

/// A mock that signs in and refuses what no test asked for.
pub(crate) async fn server() -> MockVendor {
    let server = mock().await;
    Mock::given(method("POST"))
        .and(path(at(SIGN_IN)))
        .respond_with(json(&format!("\"{}\"", SESSION.replace('/', "\\/"))))
        .mount(&server)
        .await;
    server
}

/// A call that must carry the session.
pub(crate) fn call(operation: &str) -> wiremock::MockBuilder {
    Mock::given(method("POST"))
        .and(path(at(operation)))
        .and(header(
            "Authenticate",
            format!("CCPSessionId {SESSION}").as_str(),
        ))
        .and(header("Accept", "application/json"))
        .and(header("Content-Type", "application/json"))
}

/// What was asked, without the sign-ins: operation and body.
pub(crate) async fn asked(server: &MockVendor) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let shown = requests.iter().map(|request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let path = request.url.path().to_owned();
        let operation = path.strip_prefix(&at("")).unwrap_or(&path).to_owned();
        format!("{operation} {body}")
    });
    shown.filter(|call| !call.starts_with(SIGN_IN)).collect()
}
