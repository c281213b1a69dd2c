//! A mock server, and a client and sink on it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tallyline_autotask::{AutotaskClient, AutotaskSink, QueryStyle, TenantBudget};
use tallyline_core::http::{RetryPolicy, Timeouts};
use tallyline_core::model::Timestamp;
use tallyline_testkit::contract::System;
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, ResponseTemplate};

/// A mock of the PSA, whose requests are held to the vendor's document.
pub async fn mock() -> MockVendor {
    MockVendor::start(System::Autotask).await
}

/// The path of a zone.
pub const ROOT: &str = "/ATServicesRest";

/// The path of the API below the host.
pub const API: &str = "/ATServicesRest/V1.0";

pub const USER: &str = "api7@example.com";

/// The integration code of all tests.
pub const CODE: &str = "C0DE4tests7QbW9zKpLmNx2RvTy";

/// The secret of all tests.
pub const SECRET: &str = "s3cr3t$Of#tests~Zq9";

/// How a client of the tests is made.
#[derive(Clone)]
pub struct Setup {
    /// Where the zone is looked up; the zone is fixed to the server where not given.
    pub lookup: Option<String>,
    pub page_size: u16,
    pub attempts: u32,
    pub style: QueryStyle,
    pub budget: TenantBudget,
    pub impersonate: Option<i64>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            lookup: None,
            page_size: 500,
            attempts: 3,
            style: QueryStyle::default(),
            budget: TenantBudget::default(),
            impersonate: None,
        }
    }
}

impl Setup {
    pub fn client(self, server: &MockVendor) -> AutotaskClient {
        let zone = format!("{}{ROOT}", server.uri());
        let zone = self.lookup.is_none().then_some(zone);
        AutotaskClient::builder()
            .user_name(USER)
            .integration_code(CODE)
            .secret(SECRET)
            .maybe_lookup_url(self.lookup)
            .maybe_zone_url(zone)
            .page_size(self.page_size)
            .query_style(self.style)
            .budget(self.budget)
            .maybe_impersonate(self.impersonate)
            .rate_limit_wait(Duration::from_millis(1))
            .retry(RetryPolicy {
                max_attempts: self.attempts,
                min_delay: Duration::from_millis(1),
                max_delay: Duration::from_millis(2),
                ..RetryPolicy::default()
            })
            .timeouts(Timeouts {
                // Longer than a busy machine takes.
                attempt: Some(Duration::from_secs(30)),
                ..Timeouts::default()
            })
            .jitter_seed(1)
            .build()
            .unwrap()
    }
}

pub fn client(server: &MockVendor) -> AutotaskClient {
    Setup::default().client(server)
}

/// The present of all tests: noon of 15 March 2026.
pub fn now() -> Timestamp {
    "2026-03-15T12:00:00Z".parse().unwrap()
}

pub fn sink(server: &MockVendor) -> AutotaskSink {
    AutotaskSink::builder()
        .client(client(server))
        .clock(Arc::new(now))
        .build()
}

/// A JSON answer from its text, so that numbers stay as they are written.
pub fn json(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into(), "application/json; charset=utf-8")
}

/// A page of a list, the last one.
pub fn page(items: &str) -> ResponseTemplate {
    json(format!(
        r#"{{"items":[{items}],"pageDetails":{{"count":1,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}}}"#
    ))
}

/// A failure with its texts.
pub fn errors(status: u16, text: &str) -> ResponseTemplate {
    let body = serde_json::json!({ "errors": [text] });
    ResponseTemplate::new(status).set_body_json(body)
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

/// The requests of a method at a path.
pub async fn sent(server: &MockVendor, verb: &str, at: &str) -> Vec<Request> {
    let mut all = requests(server).await;
    all.retain(|request| {
        request.method.as_str() == verb && request.url.path() == format!("{API}{at}")
    });
    all
}

/// The adjustments that were sent.
pub async fn adjustments(server: &MockVendor) -> Vec<Value> {
    let mut all = requests(server).await;
    all.retain(|request| {
        request.method.as_str() != "GET" && !request.url.path().contains("/query")
    });
    for request in &all {
        assert_eq!(request.method.as_str(), "POST");
        assert!(
            request.url.path().ends_with("/ServiceAdjustments"),
            "{}",
            request.url
        );
    }
    all.iter()
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect()
}

pub fn body(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

/// The query that a list call asks, from its URL or its body.
pub fn search(request: &Request) -> String {
    request
        .url
        .query_pairs()
        .find(|(key, _)| key == "search")
        .map_or_else(|| body(request), |(_, value)| value.into_owned())
}

pub fn header(request: &Request, name: &str) -> Option<String> {
    Some(request.headers.get(name)?.to_str().unwrap().to_owned())
}

/// A contract of company 45 that bills monthly from January to December.
pub const CONTRACT: &str = r#"{"id":71,"companyID":45,"contractName":"Cloud","contractType":7,"status":1,"contractPeriodType":2,
"startDate":"2026-01-01T00:00:00","endDate":"2026-12-31T00:00:00"}"#;

/// Service 31 on that contract, as line 9.
pub const LINE: &str = r#"{"id":9,"contractID":71,"serviceID":31,"unitPrice":9.5000,"internalCurrencyUnitPrice":9.5000,
"internalCurrencyAdjustedPrice":9.5000,"unitCost":7.2500}"#;

/// The labels of billing periods.
pub const PERIODS: &str = r#"{"fields":[{"name":"contractPeriodType","isPickList":true,"picklistValues":[
{"value":"2","label":"Monthly","isActive":true},{"value":"5","label":"Yearly","isActive":true}]},
{"name":"serviceLevelAgreementID","isPickList":true,"picklistValues":[
{"value":"1","label":"Standard","isActive":true},{"value":"2","label":"Old","isActive":false}]}]}"#;

/// The labels of the kinds of charges.
pub const CHARGE_TYPES: &str = r#"{"fields":[{"name":"chargeType","isPickList":true,"picklistValues":[
{"value":"1","label":"Operational","isActive":true},{"value":"2","label":"Capitalized","isActive":true}]}]}"#;

/// Unit rows of line 9: first day, last day, units, and whether posted.
pub fn rows(rows: &[(&str, &str, i64, bool)]) -> ResponseTemplate {
    let rows: Vec<String> = rows
        .iter()
        .enumerate()
        .map(|(at, (start, end, units, posted))| {
            let posted = if *posted {
                r#""2026-03-02T09:00:00""#
            } else {
                "null"
            };
            format!(
                r#"{{"id":{},"contractID":71,"contractServiceID":9,"serviceID":31,"startDate":"{start}T00:00:00","endDate":"{end}T00:00:00","units":{units},"approveAndPostDate":{posted}}}"#,
                at + 1
            )
        })
        .collect();
    page(&rows.join(","))
}

/// March posted, April and May open, with so many units each.
pub fn months(units: i64) -> ResponseTemplate {
    rows(&[
        ("2026-03-01", "2026-03-31", units, true),
        ("2026-04-01", "2026-04-30", units, false),
        ("2026-05-01", "2026-05-31", units, false),
    ])
}

/// The tenant's words for the billing periods of contracts.
pub async fn periods(server: &MockVendor) {
    on(
        server,
        "GET",
        "/Contracts/entityInformation/fields",
        json(PERIODS),
    )
    .await;
}

/// Contract 71 as it is read.
pub async fn contract(server: &MockVendor, contract: &str) {
    let answer = json(format!(r#"{{"item":{contract}}}"#));
    on(server, "GET", "/Contracts/71", answer).await;
}

/// A tenant with that contract and its line of 12 units.
pub async fn tenant() -> MockVendor {
    let server = mock().await;
    periods(&server).await;
    contract(&server, CONTRACT).await;
    on(
        &server,
        "GET",
        "/ContractServices/9",
        json(format!(r#"{{"item":{LINE}}}"#)),
    )
    .await;
    server
}
