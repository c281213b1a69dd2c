//! The client and the source as the tables of hostile answers need them, and their valid answers.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tallyline_cloudmore::fields::FieldMap;
use tallyline_cloudmore::models::TaskId;
use tallyline_cloudmore::{CloudmoreClient, CloudmoreSource, ReportMode};
use tallyline_core::clock::SharedClock;
use tallyline_core::http::{Limits, PollPolicy, RetryPolicy, Timeouts};
use tallyline_core::model::{Quantity, ReadingOutcome};
use tallyline_core::source::UsageRequest;
use tallyline_core::{Error, ErrorKind, Result, VendorSource as _};
use tallyline_testkit::hostile::{Field, HostileClient, Probe};
use tallyline_testkit::raw::Route;

use crate::common::{Jumping, PASSWORD, R, SECRET, START, TOKEN, quick};

pub(crate) const MAX_BODY: usize = 1 << 20;

pub(crate) const ORGANIZATIONS: &str = r#"[{"id":"o-1","name":"Fern Clinic","customProperties":[]},
  {"id":"o-2","name":"Oak Legal","customerNumber":"17","customProperties":[]}]"#;

pub(crate) const REPORT: &str = r#"[
  {"organizationId":"o-1","organizationName":"Fern Clinic","currencyCode":"EUR","services":[
    {"serviceId":"csp","serviceName":"CSP 365","billingDate":"2026-03-07","items":[
      {"subscriptionId":"u-1","sku":"MAIL-A","productName":"Mail A","quantity":12,"costPrice":7,"startDate":"2026-03-07","endDate":"2026-04-06"},
      {"subscriptionId":"u-2","sku":"DISK","productName":"Disk","quantity":3,"costPrice":7,"startDate":"2026-03-07","endDate":"2026-04-06"}]}]}]"#;

/// What is no JSON at all is named by its line and column.
pub(crate) const NO_JSON: &str = " at line ";

/// Three accounts.
pub(crate) const THREE: &str = r#"[{"id":"o-1","name":"Fern Clinic","customProperties":[]},
  {"id":"o-2","name":"Oak Legal","customProperties":[]},{"id":"o-3","name":"Elm Dental","customProperties":[]}]"#;

/// A bill of each.
pub(crate) const REPORT_OF_THREE: &str = r#"[
  {"organizationId":"o-1","currencyCode":"USD","services":[{"serviceId":"csp","billingDate":"2026-03-07","items":[
    {"subscriptionId":"u-1","sku":"MAIL-A","productName":"Mail A","quantity":12,"startDate":"2026-03-07","endDate":"2026-04-06"}]}]},
  {"organizationId":"o-2","currencyCode":"USD","services":[{"serviceId":"csp","billingDate":"2026-03-07","items":[
    {"subscriptionId":"u-2","sku":"MAIL-A","productName":"Mail A","quantity":3,"startDate":"2026-03-07","endDate":"2026-04-06"}]}]},
  {"organizationId":"o-3","currencyCode":"USD","services":[{"serviceId":"csp","billingDate":"2026-03-07","items":[
    {"subscriptionId":"u-3","sku":"MAIL-A","productName":"Mail A","quantity":5,"startDate":"2026-03-07","endDate":"2026-04-06"}]}]}]"#;

pub(crate) fn connect(base: &str) -> Result<CloudmoreClient> {
    connect_with(base, None)
}

/// A client on 15 March 2026.
pub(crate) fn clocked(base: &str) -> Result<CloudmoreClient> {
    connect_with(base, Some(SharedClock::new(Arc::new(Jumping::default()))))
}

fn connect_with(base: &str, clock: Option<SharedClock>) -> Result<CloudmoreClient> {
    CloudmoreClient::builder()
        .maybe_clock(clock)
        .username("api@example.com")
        .password(PASSWORD.into())
        .client_secret(SECRET.into())
        .reseller_id("r-1")
        .base_url(base)
        .retry(RetryPolicy {
            max_attempts: 2,
            ..quick()
        })
        .poll(PollPolicy {
            deadline: Duration::ZERO,
            ..PollPolicy::default()
        })
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(400)),
            ..Timeouts::default()
        })
        .limits(Limits {
            max_body: MAX_BODY,
            ..Limits::default()
        })
        .jitter_seed(1)
        .build()
}

pub(crate) fn token() -> Route {
    Route::post(
        TOKEN,
        r#"{"access_token":"token-1","expires_in":86400,"token_type":"Bearer"}"#,
    )
}

/// The report of a month, told at once.
pub(crate) fn report(answer: &str) -> Route {
    Route::get(
        &format!("{R}/billing/reports/MonthlyBillingPerOrganization"),
        answer,
    )
}

pub(crate) fn organizations() -> Route {
    Route::get(&format!("{R}/Organizations"), ORGANIZATIONS)
}

/// The lines of every reading; a failed one is an error.
pub(crate) async fn read(client: CloudmoreClient) -> Result<String> {
    let source = CloudmoreSource::builder()
        .client(client)
        .report(ReportMode::Direct)
        .build()?;
    let request = UsageRequest::new("2026-03-15T12:00:00Z".parse()?).with_accounts(["o-1".into()]);
    let mut shown = Vec::new();
    let mut readings = source.usage(&request);
    while let Some(reading) = readings.next().await {
        let reading = reading?;
        match reading.outcome {
            ReadingOutcome::Failed(failure) => {
                return Err(Error::new(failure.kind, failure.message)
                    .with_context("account", reading.account.as_str()));
            }
            ReadingOutcome::Complete(_) if !reading.unread_kinds.is_empty() => {
                return Err(Error::new(
                    ErrorKind::Protocol,
                    "nothing can be concluded: a line of [0].services[0].items[1] is of nobody",
                )
                .with_context("account", reading.account.as_str()));
            }
            ReadingOutcome::Complete(lines) => {
                let lines = lines.iter();
                shown.extend(lines.map(|line| format!("{} {}", line.key, line.quantity)));
            }
        }
    }
    Ok(shown.join(", "))
}

/// What a sync lists.
pub(crate) fn main_table() -> HostileClient<CloudmoreClient> {
    HostileClient::new("cloudmore", connect)
        .max_body(MAX_BODY)
        .route(token())
        .probe(
            Probe::new(
                "organizations",
                organizations(),
                |client: CloudmoreClient| async move {
                    let found = client.organizations().await?;
                    Ok(format!("{found:?}"))
                },
            )
            .field(Field::text_id("/1/id"))
            .field(Field::name("/1/name")),
        )
        .probe(
            Probe::new(
                "subscriptions",
                Route::get(
                    &format!("{R}/services/csp/nce/subscriptions"),
                    r#"[{"id":"u-1","quantity":1},{"id":"u-2","quantity":2}]"#,
                ),
                |client: CloudmoreClient| async move {
                    let found = client.nce_subscriptions().await?;
                    let shown = found.iter().map(|it| {
                        format!(
                            "{:?} {:?}",
                            it.text("id"),
                            it.decimal("quantity").map(Quantity::new)
                        )
                    });
                    Ok(shown.collect::<Vec<_>>().join(", "))
                },
            )
            .all_optional(),
        )
}

/// The report of a month, as the source reads it.
pub(crate) fn report_table() -> HostileClient<CloudmoreClient> {
    HostileClient::new("cloudmore", connect)
        .max_body(MAX_BODY)
        .route(token())
        .route(organizations())
        .probe(
            Probe::new("report", report(REPORT), read)
                .field(Field::quantity("/0/services/0/items/1/quantity").named(NO_JSON))
                .field(
                    Field::quantity("/0/services/0/items/1/costPrice")
                        .named(NO_JSON)
                        .optional(),
                )
                .field(Field::date("/0/services/0/items/1/startDate").named(NO_JSON))
                .field(Field::name("/0/services/0/items/1/productName").named(NO_JSON)),
        )
}

/// A job.
pub(crate) fn job_table() -> HostileClient<CloudmoreClient> {
    HostileClient::new("cloudmore", connect)
        .max_body(MAX_BODY)
        .route(token())
        .probe(
            Probe::new(
                "job",
                Route::get(&format!("{START}/t-1"), REPORT),
                |client: CloudmoreClient| async move {
                    let report = client.monthly_billing_result(&TaskId::new("t-1")).await?;
                    let named = |error: Error| error.with_context("task", "t-1");
                    let found = FieldMap::default().read(&report.decode().map_err(named)?);
                    match found.unreadable.first() {
                        None => Ok(found.lines.len().to_string()),
                        Some(unreadable) => {
                            let error = Error::new(ErrorKind::Protocol, unreadable.to_string());
                            Err(named(error))
                        }
                    }
                },
            )
            .all_optional(),
        )
}

/// The call for a token.
pub(crate) fn token_table() -> HostileClient<String> {
    // A client for each case: a token is kept.
    HostileClient::new("cloudmore", |base| Ok(base.to_owned()))
        .max_body(MAX_BODY)
        .route(organizations())
        .probe(Probe::new("token", token(), |base: String| async move {
            let found = connect(&base)?.organizations().await?;
            Ok(found.len().to_string())
        }))
}
