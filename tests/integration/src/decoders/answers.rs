//! Whole answers of the systems through their clients, error bodies first of all.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use tallyline_autotask::models::NewContractServiceAdjustment;
use tallyline_autotask::query::Query;
use tallyline_cloudmore::models::{OrganizationBody, TaskId};
use tallyline_connectwise::ListOptions;
use tallyline_connectwise::models::{BillCustomer, NewAddition, RecordRef};
use tallyline_core::Result;
use tallyline_core::http::{
    HeaderMap, HeaderValue, Transport, TransportError, TransportRequest, TransportResponse,
};
use tallyline_gradient::models::{Count, NewAccount};
use tallyline_hyalto::vcd::Filter;
use tallyline_ingram::models::{NewOrder, OrderType};
use tallyline_ingram::{CustomerFilter, ReportFilter};

use super::clients::{
    self, BOTH, KEY, PAIR, SECRET, Secrets, TOKEN, hold_error, run, shows, token_answer, watched,
};
use super::first_line;

/// What must not be shown, by the name that stands for it in an input.
const SHERWEB: Secrets = &[("{secret}", SECRET), ("{key}", KEY), ("{token}", TOKEN)];
/// While no token is known yet.
const SIGNING_IN: Secrets = &[("{secret}", SECRET), ("{key}", KEY)];
const CONNECTWISE: Secrets = &[("{secret}", SECRET), ("{token}", PAIR)];

const DANDH: Secrets = &[("{secret}", SECRET), ("{token}", TOKEN)];
/// While no session is known yet.
const DANDH_SIGNING_IN: Secrets = &[("{secret}", SECRET)];

const GRADIENT: Secrets = &[("{secret}", SECRET), ("{key}", KEY), ("{token}", BOTH)];

const AUTOTASK: Secrets = &[("{secret}", SECRET), ("{key}", KEY)];

const CUSTOMER: &str = "c0000000-0000-4000-8000-000000000001";
const PLATFORM: &str = "c0000000-0000-4000-8000-000000000002";
const TRACKING: &str = "c0000000-0000-4000-8000-000000000003";
const SUBSCRIPTION: &str = "c0000000-0000-4000-8000-000000000004";

/// Gives one answer to everything but, where it is told so, the call for a token.
#[derive(Clone, Debug)]
struct Canned {
    system: &'static str,
    answer: TransportResponse,
    tokens: bool,
}

#[async_trait]
impl Transport for Canned {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        watched(self.system, &request);
        let token = token_answer(self.system, &request).filter(|_| self.tokens);
        Ok(token.unwrap_or_else(|| self.answer.clone()))
    }
}

/// The answer that an input stands for: status and header on the first line, then the body,
/// in which `{secret}`, `{key}` and `{token}` stand for what must not be shown.
fn answer(data: &[u8], secrets: Secrets) -> Option<TransportResponse> {
    let text = String::from_utf8_lossy(data);
    if shows(&text, secrets) {
        return None;
    }
    let data = filled(data, secrets);
    let (line, body) = first_line(&data);
    let (status, header) = line.split_once(' ').unwrap_or((&line, ""));
    let status = status.parse().ok();
    let status = status.filter(|status| (200..600).contains(status));
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(header) {
        for name in ["retry-after", "location", "link", "x-cw-request-id", "date"] {
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

/// The answer given, and what its errors must not show.
struct Check {
    status: u16,
    secrets: Secrets,
}

impl Check {
    fn check<T>(&self, result: Result<T>) {
        let Err(error) = result else { return };
        assert!(error.status().is_none_or(|status| status == self.status));
        hold_error(&error, self.secrets);
    }
}

/// Gives the answer of an input to each way of calling a system: once signed in, and once to the call for a token as well.
fn each_way(
    data: &[u8],
    system: &'static str,
    ways: [(bool, Secrets); 2],
    call: impl Fn(Arc<Canned>, Check, bool),
) {
    for (tokens, secrets) in ways {
        let Some((canned, check)) = canned(data, system, secrets, tokens) else {
            return;
        };
        call(Arc::new(canned), check, tokens);
    }
}

/// The answer of an input, and what is held of it; none where the input holds a secret.
fn canned(
    data: &[u8],
    system: &'static str,
    secrets: Secrets,
    tokens: bool,
) -> Option<(Canned, Check)> {
    let answer = answer(data, secrets)?;
    let status = answer.status;
    let canned = Canned {
        system,
        answer,
        tokens,
    };
    Some((canned, Check { status, secrets }))
}

/// With a token, and while none is known.
const BEARER: [(bool, Secrets); 2] = [(true, SHERWEB), (false, SIGNING_IN)];

/// Of a client whose one secret is its own, and which takes no key.
const VCD: [(bool, Secrets); 2] = [(true, DANDH), (false, DANDH_SIGNING_IN)];

/// More records than a list of a test has.
const MANY: usize = 1000;

/// Whatever Sherweb answers becomes a value or an error that shows no secret.
pub fn sherweb_answers(data: &[u8]) {
    each_way(data, "sherweb", BEARER, |canned, check, tokens| {
        let client = clients::sherweb(canned);
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
    });
}

/// Whatever Ingram Micro answers, pages of a proxy among it, becomes a value or an error that shows no secret.
pub fn ingram_answers(data: &[u8]) {
    each_way(data, "ingram", BEARER, |canned, check, tokens| {
        let client = clients::ingram(canned);
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
    });
}

/// Whatever HyAlto answers becomes a value or an error that shows no secret.
pub fn hyalto_answers(data: &[u8]) {
    each_way(data, "hyalto", BEARER, |canned, check, tokens| {
        let client = clients::hyalto(canned);
        let (from, to) = (
            "2026-03-01T00:00:00Z".parse().unwrap(),
            "2026-03-11T12:00:00Z".parse().unwrap(),
        );
        run(async {
            check.check(client.accounts().await);
            if tokens {
                check.check(client.services("901").await);
                check.check(client.usage("901", "4411", from, to).await);
            }
        });
    });
}

/// Whatever VMware Cloud Director answers becomes a value or an error that shows no secret.
pub fn vcd_answers(data: &[u8]) {
    each_way(data, "vcd", VCD, |canned, check, tokens| {
        let client = clients::vcd(canned);
        let all = Filter::new();
        run(async {
            check.check(client.current_session().await);
            if tokens {
                check.check(client.organizations(&all).try_collect_all(MANY).await);
                check.check(client.org_vdcs(&all).try_collect_all(MANY).await);
                check.check(client.vms(&all).try_collect_all(MANY).await);
                check.check(
                    client
                        .edge_gateway_records(&all)
                        .try_collect_all(MANY)
                        .await,
                );
                check.check(client.storage_policies(&all).try_collect_all(MANY).await);
                check.check(client.orgs(&all).try_collect_all(MANY).await);
                check.check(client.edge_gateways(&all).try_collect_all(MANY).await);
            } else {
                // Without a session, whose token the server cannot know from this call.
                check.check(client.versions().await);
            }
        });
    });
}

/// Whatever Cloudmore answers becomes a value or an error that shows no secret.
pub fn cloudmore_answers(data: &[u8]) {
    each_way(data, "cloudmore", BEARER, |canned, check, tokens| {
        let client = clients::cloudmore(canned);
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
    });
}

/// Whatever D&H answers, XML first of all, becomes a value or an error that shows no secret.
pub fn dandh_answers(data: &[u8]) {
    each_way(
        data,
        "dandh",
        [(true, DANDH), (false, DANDH_SIGNING_IN)],
        |canned, check, tokens| {
            let client = clients::dandh(canned);
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
        },
    );
}

/// Whatever ConnectWise answers becomes a value or an error that shows no secret.
pub fn connectwise_answers(data: &[u8]) {
    let Some((canned, check)) = canned(data, "connectwise", CONNECTWISE, false) else {
        return;
    };
    let client = clients::connectwise(Arc::new(canned));
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
    let Some((canned, check)) = canned(data, "autotask", AUTOTASK, false) else {
        return;
    };
    for zone in [
        None,
        Some("https://webservices1.autotask.net/ATServicesRest"),
    ] {
        let transport = Arc::new(Zoned(canned.clone()));
        let client = clients::autotask(transport, zone);
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

/// Whatever Gradient answers becomes a value or an error that shows no key.
pub fn gradient_answers(data: &[u8]) {
    let Some((canned, check)) = canned(data, "gradient", GRADIENT, false) else {
        return;
    };
    let client = clients::gradient(Arc::new(canned));
    let count = Count::new("c-1", rust_decimal::Decimal::ONE);
    let new = [NewAccount::new("c-1", "Fern Clinic")];
    run(async {
        check.check(client.vendor().await);
        check.check(client.integration().await);
        check.check(client.accounts().await);
        check.check(client.clients(None, None).await);
        check.check(client.create_accounts(&new).await);
        check.check(client.set_count("66cc", &count, true).await);
        check.check(client.alert_status("m-1").await);
    });
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
