//! A client of each system over a transport that gives what it is told to, and what none of them may show.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tallyline_autotask::AutotaskClient;
use tallyline_cloudmore::CloudmoreClient;
use tallyline_connectwise::ConnectWiseClient;
use tallyline_core::Error;
use tallyline_core::http::{
    HeaderMap, Limiter, LimiterOptions, PollPolicy, RetryPolicy, Transport, TransportRequest,
    TransportResponse,
};
use tallyline_dandh::DandhClient;
use tallyline_gradient::GradientClient;
use tallyline_hyalto::HyAltoClient;
use tallyline_hyalto::vcd::{VcdClient, VcdCredentials};
use tallyline_ingram::IngramClient;
use tallyline_sherweb::SherwebClient;
use tokio::runtime::{Builder, Runtime};

/// What must not be shown, by the name that stands for it in an input.
pub(super) type Secrets = &'static [(&'static str, &'static str)];

pub(super) const SECRET: &str = "Zq7vK2mX9tB4wR8nL3pD";
pub(super) const KEY: &str = "hY5cJ1gF6sV0kQ2zT8uM";
pub(super) const TOKEN: &str = "eW4xN9bA3jC7oG1iS5lU";

/// The company, public key and `SECRET` in the form of basic authentication.
pub(super) const PAIR: &str = "YWNtZStwdWJsaWMtMTpacTd2SzJtWDl0QjR3UjhuTDNwRA==";

/// `SECRET` and `KEY` as Gradient's token.
pub(super) const BOTH: &str = "WnE3dksybVg5dEI0d1I4bkwzcEQ6aFk1Y0oxZ0Y2c1Ywa1EyelQ4dU0=";

/// Pieces of this length of a secret are not shown either.
const PIECE: usize = 6;

/// Looks at a request to a system, by the system's name.
pub type Watcher = fn(&'static str, &TransportRequest);

static WATCHER: OnceLock<Watcher> = OnceLock::new();

/// Shows every request that the properties of answers send to a function, once and for all: tests hold them to the
/// vendors' documents, and fuzz targets need no more than the properties.
pub fn watch_requests(with: Watcher) {
    WATCHER.get_or_init(|| with);
}

/// Shows a request to the function that looks at them.
pub(super) fn watched(system: &'static str, request: &TransportRequest) {
    if let Some(watch) = WATCHER.get() {
        watch(system, request);
    }
}

/// The answer to the call for a token, where the request is one.
pub(super) fn token_answer(system: &str, request: &TransportRequest) -> Option<TransportResponse> {
    let path = request.url.path();
    let body = if path.ends_with("/GetSessionToken") {
        format!("\"{TOKEN}\"")
    } else if !path.ends_with("/token") {
        return None;
    } else if system == "ingram" {
        format!(r#"{{"token":"{TOKEN}","expiresInSeconds":1500}}"#)
    } else if system == "hyalto" {
        format!(r#"{{"tokenType":"Bearer","accessToken":"{TOKEN}"}}"#)
    } else {
        format!(r#"{{"access_token":"{TOKEN}","expires_in":3600}}"#)
    };
    Some(TransportResponse::new(200, HeaderMap::new(), body))
}

/// The beginning and the end of each secret, and what lies between them, in pieces.
fn pieces(secrets: Secrets) -> impl Iterator<Item = &'static str> {
    secrets.iter().flat_map(|(_, secret)| {
        let last = secret.len() - PIECE;
        (0..last)
            .step_by(PIECE)
            .chain([last])
            .map(|start| &secret[start..start + PIECE])
    })
}

/// An error shows no piece of a secret, on one line that leaves the terminal alone.
pub(super) fn hold_error(error: &Error, secrets: Secrets) {
    let hidden = |text: &str| {
        assert!(!shows(text, secrets), "a piece of a secret in {text:?}");
    };
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "{line:?}");
    hidden(&line);
    hidden(&format!("{error:?}"));
    hidden(error.json_path().unwrap_or_default());
    for (_, value) in error.context() {
        hidden(value);
    }
    if let Some(http) = error.http() {
        hidden(&format!("{http:?}"));
        let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        assert!(len(&http.vendor_code) <= 200);
        assert!(len(&http.vendor_message) <= 1024);
        assert!(len(&http.body_snippet) <= 2048);
    }
    let mut source = error.source();
    while let Some(error) = source {
        hidden(&error.to_string());
        source = error.source();
    }
}

/// Whether a text shows a piece of a secret.
pub(super) fn shows(text: &str, secrets: Secrets) -> bool {
    pieces(secrets).any(|piece| text.contains(piece))
}

/// Runs calls on a clock that waits for nothing.
pub(super) fn run(calls: impl Future<Output = ()>) {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(calls));
}

fn limiter() -> Arc<Limiter> {
    Arc::new(Limiter::new(LimiterOptions::default()))
}

pub(super) fn sherweb(transport: Arc<dyn Transport>) -> SherwebClient {
    SherwebClient::builder()
        .client_id("client-1")
        .client_secret(SECRET.into())
        .subscription_key(KEY.into())
        .retry(RetryPolicy::none())
        .limiter(limiter())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}

pub(super) fn ingram(transport: Arc<dyn Transport>) -> IngramClient {
    IngramClient::builder()
        .base_url("https://api.example.com/marketplace/na")
        .marketplace("us")
        .username("example-msp.API")
        .password(SECRET.into())
        .subscription_key(KEY.into())
        .retry(RetryPolicy::none())
        .limiter(limiter())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}

pub(super) fn cloudmore(transport: Arc<dyn Transport>) -> CloudmoreClient {
    CloudmoreClient::builder()
        .username("api@example.com")
        .password(KEY.into())
        .client_secret(SECRET.into())
        .reseller_id("r-1")
        .retry(RetryPolicy::none())
        .poll(PollPolicy {
            deadline: Duration::ZERO,
            ..PollPolicy::default()
        })
        .limiter(limiter())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}

pub(super) fn hyalto(transport: Arc<dyn Transport>) -> HyAltoClient {
    HyAltoClient::builder()
        .access_key(KEY)
        .secret_key(SECRET.into())
        .retry(RetryPolicy::none())
        .limiter(limiter())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}

pub(super) fn vcd(transport: Arc<dyn Transport>) -> VcdClient {
    VcdClient::builder()
        .base_url("https://vcd.example.com")
        .org("System")
        .credentials(VcdCredentials::api_token(SECRET))
        .retry(RetryPolicy::none())
        .limiter(limiter())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}

pub(super) fn dandh(transport: Arc<dyn Transport>) -> DandhClient {
    DandhClient::builder()
        .username("sync@msp.example")
        .password(SECRET.into())
        .parent_account_id(7)
        .retry(RetryPolicy::none())
        .limiter(limiter())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}

pub(super) fn connectwise(transport: Arc<dyn Transport>) -> ConnectWiseClient {
    ConnectWiseClient::builder()
        .site("api-na.myconnectwise.net")
        .company_id("acme")
        .public_key("public-1")
        .private_key(SECRET)
        .client_id("0a1b2c3d-0000-4000-8000-000000000001")
        .retry(RetryPolicy::none())
        .limiter(limiter())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}

pub(super) fn autotask(transport: Arc<dyn Transport>, zone: Option<&str>) -> AutotaskClient {
    AutotaskClient::builder()
        .user_name("api@example.com")
        .integration_code(KEY)
        .secret(SECRET)
        .maybe_zone_url(zone)
        .retry(RetryPolicy::none())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}

pub(super) fn gradient(transport: Arc<dyn Transport>) -> GradientClient {
    GradientClient::builder()
        .vendor_api_key(SECRET.into())
        .partner_api_key(KEY.into())
        .retry(RetryPolicy::none())
        .limiter(limiter())
        .jitter_seed(1)
        .transport(transport)
        .build()
        .unwrap()
}
