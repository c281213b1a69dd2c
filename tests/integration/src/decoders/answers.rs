//! Whole answers of Autotask, Sherweb, Cloudmore, D&H, Ingram Micro and ConnectWise through their clients, error
//! bodies first of all.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use tallyline_autotask::AutotaskClient;
use tallyline_autotask::models::NewContractServiceAdjustment;
use tallyline_autotask::query::Query;
use tallyline_cloudmore::CloudmoreClient;
use tallyline_cloudmore::models::{OrganizationBody, TaskId};
use tallyline_connectwise::models::{BillCustomer, NewAddition, RecordRef};
use tallyline_connectwise::{ConnectWiseClient, ListOptions};
use tallyline_core::Result;
use tallyline_core::http::{
    HeaderMap, HeaderValue, Limiter, LimiterOptions, PollPolicy, RetryPolicy, Transport,
    TransportError, TransportRequest, TransportResponse,
};
use tallyline_dandh::DandhClient;
use tallyline_ingram::models::{NewOrder, OrderType};
use tallyline_ingram::{CustomerFilter, IngramClient, ReportFilter};
use tallyline_sherweb::SherwebClient;
use tokio::runtime::{Builder, Runtime};

use super::first_line;

const SECRET: &str = "Zq7vK2mX9tB4wR8nL3pD";
const KEY: &str = "hY5cJ1gF6sV0kQ2zT8uM";
const TOKEN: &str = "eW4xN9bA3jC7oG1iS5lU";

/// The company, public key and `SECRET` in the form of basic authentication.
const PAIR: &str = "YWNtZStwdWJsaWMtMTpacTd2SzJtWDl0QjR3UjhuTDNwRA==";

/// What must not be shown, by the name that stands for it in an input.
const SHERWEB: &[(&str, &str)] = &[("{secret}", SECRET), ("{key}", KEY), ("{token}", TOKEN)];
/// While no token is known yet.
const SIGNING_IN: &[(&str, &str)] = &[("{secret}", SECRET), ("{key}", KEY)];
const CONNECTWISE: &[(&str, &str)] = &[("{secret}", SECRET), ("{token}", PAIR)];

const DANDH: &[(&str, &str)] = &[("{secret}", SECRET), ("{token}", TOKEN)];
/// While no session is known yet.
const DANDH_SIGNING_IN: &[(&str, &str)] = &[("{secret}", SECRET)];

const AUTOTASK: &[(&str, &str)] = &[("{secret}", SECRET), ("{key}", KEY)];

const CUSTOMER: &str = "c0000000-0000-4000-8000-000000000001";
const PLATFORM: &str = "c0000000-0000-4000-8000-000000000002";
const TRACKING: &str = "c0000000-0000-4000-8000-000000000003";
const SUBSCRIPTION: &str = "c0000000-0000-4000-8000-000000000004";

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

/// Gives one answer to everything but, where it is told so, the call for a token.
#[derive(Debug)]
struct Canned {
    system: &'static str,
    answer: TransportResponse,
    tokens: bool,
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        if let Some(watch) = WATCHER.get() {
            watch(self.system, &request);
        }
        if self.tokens && request.url.path().ends_with("/token") {
            let body = match self.system {
                "ingram" => format!(r#"{{"token":"{TOKEN}","expiresInSeconds":1500}}"#),
                _ => format!(r#"{{"access_token":"{TOKEN}","expires_in":3600}}"#),
            };
            return Ok(TransportResponse::new(200, HeaderMap::new(), body));
        }
        if self.tokens && request.url.path().ends_with("/GetSessionToken") {
            let session = format!("\"{TOKEN}\"");
            return Ok(TransportResponse::new(200, HeaderMap::new(), session));
        }
        Ok(self.answer.clone())
    }
}

/// The answer that an input stands for: status and header on the first line, then the body,
/// in which `{secret}`, `{key}` and `{token}` stand for what must not be shown.
fn answer(data: &[u8], secrets: &[(&str, &'static str)]) -> Option<TransportResponse> {
    let text = String::from_utf8_lossy(data);
    if pieces(secrets).any(|piece| text.contains(piece)) {
        return None;
    }
    let data = filled(data, secrets);
    let (line, body) = first_line(&data);
    let (status, header) = line.split_once(' ').unwrap_or((&line, ""));
    let status = status.parse().ok();
    let status = status.filter(|status| (200..600).contains(status));
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(header) {
        for name in ["retry-after", "location", "x-cw-request-id", "date"] {
            headers.insert(name, value.clone());
        }
    }
    let status = status.unwrap_or(400);
    Some(TransportResponse::new(status, headers, body.to_vec()))
}

fn filled(text: &[u8], secrets: &[(&str, &str)]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(text.len());
    let mut rest = text;
    'outer: while let Some(first) = rest.first() {
        for (name, value) in secrets {
            if let Some(after) = rest.strip_prefix(name.as_bytes()) {
                filled.extend_from_slice(value.as_bytes());
                rest = after;
                continue 'outer;
            }
        }
        filled.push(*first);
        rest = &rest[1..];
    }
    filled
}

/// The beginning and the end of each secret, and what lies between them, in pieces.
fn pieces<'a>(secrets: &[(&str, &'a str)]) -> impl Iterator<Item = &'a str> {
    secrets.iter().flat_map(|(_, secret)| {
        let last = secret.len() - PIECE;
        (0..last)
            .step_by(PIECE)
            .chain([last])
            .map(|start| &secret[start..start + PIECE])
    })
}

/// The answer given, and what its errors must not show.
struct Check {
    status: u16,
    secrets: &'static [(&'static str, &'static str)],
}

impl Check {
    /// An error shows no piece of a secret, on one line that leaves the terminal alone.
    fn check<T>(&self, result: Result<T>) {
        let Err(error) = result else { return };
        assert!(error.status().is_none_or(|status| status == self.status));
        let line = error.to_string();
        assert!(!line.contains(char::is_control), "{line:?}");
        self.hidden(&line);
        self.hidden(&format!("{error:?}"));
        self.hidden(error.json_path().unwrap_or_default());
        for (_, value) in error.context() {
            self.hidden(value);
        }
        if let Some(http) = error.http() {
            self.hidden(&format!("{http:?}"));
            let len = |text: &Option<String>| text.as_ref().map_or(0, String::len);
            assert!(len(&http.vendor_code) <= 200);
            assert!(len(&http.vendor_message) <= 1024);
            assert!(len(&http.body_snippet) <= 2048);
        }
        let mut source = error.source();
        while let Some(error) = source {
            self.hidden(&error.to_string());
            source = error.source();
        }
    }

    fn hidden(&self, text: &str) {
        for piece in pieces(self.secrets) {
            assert!(!text.contains(piece), "a piece of a secret in {text:?}");
        }
    }
}

/// Runs calls on a clock that waits for nothing.
fn run(calls: impl Future<Output = ()>) {
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

/// Whatever Sherweb answers becomes a value or an error that shows no secret.
pub fn sherweb_answers(data: &[u8]) {
    for (tokens, secrets) in [(true, SHERWEB), (false, SIGNING_IN)] {
        let Some(answer) = answer(data, secrets) else {
            return;
        };
        let check = Check {
            status: answer.status,
            secrets,
        };
        let client = SherwebClient::builder()
            .client_id("client-1")
            .client_secret(SECRET.into())
            .subscription_key(KEY.into())
            .retry(RetryPolicy::none())
            .limiter(limiter())
            .jitter_seed(1)
            .transport(Arc::new(Canned {
                system: "sherweb",
                answer,
                tokens,
            }))
            .build();
        let client = client.unwrap();
        run(async {
            check.check(client.customers().await);
            if tokens {
                check.check(client.payable_charges(None).await);
                check.check(client.meter_usages(CUSTOMER, PLATFORM).await);
                check.check(client.tracking(TRACKING).await);
                let amendments = client
                    .cancel_subscriptions(CUSTOMER, &[SUBSCRIPTION.to_owned()])
                    .await;
                check.check(amendments);
            }
        });
    }
}

/// Whatever Ingram Micro answers, pages of a proxy among it, becomes a value or an error that shows no secret.
pub fn ingram_answers(data: &[u8]) {
    for (tokens, secrets) in [(true, SHERWEB), (false, SIGNING_IN)] {
        let Some(answer) = answer(data, secrets) else {
            return;
        };
        let check = Check {
            status: answer.status,
            secrets,
        };
        let client = IngramClient::builder()
            .base_url("https://api.example.com/marketplace/na")
            .marketplace("us")
            .username("example-msp.API")
            .password(SECRET.into())
            .subscription_key(KEY.into())
            .retry(RetryPolicy::none())
            .limiter(limiter())
            .jitter_seed(1)
            .transport(Arc::new(Canned {
                system: "ingram",
                answer,
                tokens,
            }))
            .build();
        let client = client.unwrap();
        run(async {
            check.check(client.subscription("1000451").await);
            if tokens {
                let mut customers = client.customers(&CustomerFilter::default()).take(8);
                while let Some(customer) = customers.next().await {
                    check.check(customer);
                }
                let mut reports = client.reports(&ReportFilter::default()).take(8);
                while let Some(report) = reports.next().await {
                    check.check(report);
                }
                let order = NewOrder::new(OrderType::Sales, "1000310");
                check.check(client.place_order(&order).await);
            }
        });
    }
}

/// Whatever Cloudmore answers becomes a value or an error that shows no secret.
pub fn cloudmore_answers(data: &[u8]) {
    for (tokens, secrets) in [(true, SHERWEB), (false, SIGNING_IN)] {
        let Some(answer) = answer(data, secrets) else {
            return;
        };
        let check = Check {
            status: answer.status,
            secrets,
        };
        let client = CloudmoreClient::builder()
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
            .transport(Arc::new(Canned {
                system: "cloudmore",
                answer,
                tokens,
            }))
            .build();
        let client = client.unwrap();
        let day = "2026-03-01".parse().unwrap();
        run(async {
            check.check(client.organizations().await);
            if tokens {
                check.check(client.monthly_billing_now(day, day).await);
                check.check(client.start_monthly_billing(day, day).await);
                check.check(client.monthly_billing_result(&TaskId::new("t-1")).await);
                let mut body = OrganizationBody::default();
                body.name = Some("Fern Clinic".to_owned());
                check.check(client.create_organization(&body).await);
            }
        });
    }
}

/// Whatever D&H answers, XML first of all, becomes a value or an error that shows no secret.
pub fn dandh_answers(data: &[u8]) {
    for (tokens, secrets) in [(true, DANDH), (false, DANDH_SIGNING_IN)] {
        let Some(answer) = answer(data, secrets) else {
            return;
        };
        let check = Check {
            status: answer.status,
            secrets,
        };
        let client = DandhClient::builder()
            .username("sync@msp.example")
            .password(SECRET.into())
            .parent_account_id(7)
            .retry(RetryPolicy::none())
            .limiter(limiter())
            .jitter_seed(1)
            .transport(Arc::new(Canned {
                system: "dandh",
                answer,
                tokens,
            }))
            .build();
        let client = client.unwrap();
        run(async {
            check.check(client.companies(7).await);
            if tokens {
                check.check(client.company(None).await);
                check.check(client.preview_invoices(None).await);
                check.check(client.subscriptions(8, None).await);
                let none: [(&str, &str); 0] = [];
                let none = std::collections::BTreeMap::from(none);
                check.check(client.execute_report("R", &none, &[]).await);
                check.check(client.ping().await);
                client.close().await;
            }
        });
    }
}

/// Whatever ConnectWise answers becomes a value or an error that shows no secret.
pub fn connectwise_answers(data: &[u8]) {
    let Some(answer) = answer(data, CONNECTWISE) else {
        return;
    };
    let check = Check {
        status: answer.status,
        secrets: CONNECTWISE,
    };
    let client = ConnectWiseClient::builder()
        .site("api-na.myconnectwise.net")
        .company_id("acme")
        .public_key("public-1")
        .private_key(SECRET)
        .client_id("0a1b2c3d-0000-4000-8000-000000000001")
        .retry(RetryPolicy::none())
        .limiter(limiter())
        .jitter_seed(1)
        .transport(Arc::new(Canned {
            system: "connectwise",
            answer,
            tokens: false,
        }))
        .build();
    let client = client.unwrap();
    let addition = NewAddition {
        product: RecordRef::by_id(1),
        bill_customer: Some(BillCustomer::Billable),
        ..NewAddition::default()
    };
    let options = ListOptions::default();
    run(async {
        check.check(client.addition(1, 2).await);
        check.check(client.count_additions(1, None).await);
        let additions = client.additions(1, &options);
        check.check(additions.try_collect_all(100).await);
        check.check(client.create_addition(1, &addition).await);
        check.check(client.company_info().await);
        check.check(client.delete_addition(1, 2).await);
    });
}

/// Whatever Autotask answers becomes a value or an error that shows no secret, and no zone but the
/// vendor's own gets credentials.
pub fn autotask_answers(data: &[u8]) {
    let Some(answer) = answer(data, AUTOTASK) else {
        return;
    };
    let check = Check {
        status: answer.status,
        secrets: AUTOTASK,
    };
    for zone in [
        None,
        Some("https://webservices1.autotask.net/ATServicesRest"),
    ] {
        let transport = Arc::new(Zoned(Canned {
            system: "autotask",
            answer: answer.clone(),
            tokens: false,
        }));
        let client = AutotaskClient::builder()
            .user_name("api@example.com")
            .integration_code(KEY)
            .secret(SECRET)
            .maybe_zone_url(zone)
            .retry(RetryPolicy::none())
            .jitter_seed(1)
            .transport(transport)
            .build();
        let client = client.unwrap();
        let adjustment = NewContractServiceAdjustment::new("2026-12-01".parse().unwrap());
        run(async {
            check.check(client.zone_information().await);
            check.check(client.contract(1).await);
            check.check(client.count_contracts(&Query::all()).await);
            let units = client.contract_service_units(&Query::all());
            check.check(units.try_collect_all(100).await);
            check.check(client.create_adjustment(1, &adjustment).await);
            check.check(client.threshold_information().await);
        });
    }
}

/// Sees to it that credentials go to the vendor's hosts alone.
#[derive(Debug)]
struct Zoned(Canned);

#[async_trait]
impl Transport for Zoned {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        if request.headers.contains_key("secret") {
            let host = request.url.host_str().unwrap_or_default();
            assert!(host.ends_with(".autotask.net") && request.url.scheme() == "https");
        }
        self.0.send(request).await
    }
}
