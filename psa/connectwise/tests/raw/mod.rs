//! The client and the sink as the tables of hostile answers need them, their valid answers, and the table of what a
//! sync reads.
#![allow(dead_code, reason = "each test file uses its part")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink, ListOptions, PagingStyle};
use tallyline_core::http::{Limiter, LimiterOptions, Limits, RetryPolicy, Timeouts};
use tallyline_core::model::{AgreementId, LinesOutcome, Quantity, Timestamp};
use tallyline_core::{Error, PsaSink, Result};
use tallyline_testkit::hostile::{Field, HostileClient, Paging, Probe};
use tallyline_testkit::raw::Route;

use crate::common::{API, CLIENT_ID, PRIVATE_KEY};

pub(crate) const MAX_BODY: usize = 1 << 20;

pub(crate) const COMPANIES: &str = r#"[{"id":44,"identifier":"FERN","name":"Fern Clinic"},{"id":45,"identifier":"OAK","name":"Oak Legal"}]"#;

pub(crate) const CYCLES: &str = r#"[{"id":2,"name":"Monthly","billingOptions":"Monthly"}]"#;

pub(crate) const CATALOG: &str = r#"[{"id":500,"identifier":"MAIL","description":"Mail","price":9.5,"cost":7.25,"productClass":"Agreement"}]"#;

pub(crate) fn agreements() -> String {
    let one = |id: u32| {
        format!(
            r#"{{"id":{id},"name":"Cloud {id}","company":{{"id":45}},"startDate":"2026-01-01T00:00:00Z","noEndingDateFlag":true,
  "cancelledFlag":false,"billingCycle":{{"id":2}},"invoicingCycle":"CalendarYear","prorateFlag":false,
  "nextInvoiceDate":"2026-04-01T00:00:00Z","agreementStatus":"Active","currency":{{"id":1,"currencyCode":"USD"}}}}"#
        )
    };
    format!("[{},{},{}]", one(70), one(71), one(72))
}

pub(crate) fn additions(agreement: u32) -> String {
    format!(
        r#"[{{"id":1{agreement},"product":{{"id":400,"identifier":"DISK"}},"quantity":2,"agreementId":{agreement}}},
  {{"id":2{agreement},"product":{{"id":500,"identifier":"MAIL"}},"quantity":12,"lessIncluded":0,"unitPrice":9.5,"unitCost":7.25,
  "effectiveDate":"2026-01-01T00:00:00Z","agreementId":{agreement},"description":"Mail"}}]"#
    )
}

pub(crate) fn connect(paging: PagingStyle, base: &str) -> Result<ConnectWiseClient> {
    let limiter = Limiter::new(LimiterOptions {
        max_concurrent: 8,
        per_second: NonZeroU32::new(10_000),
        burst: NonZeroU32::new(10_000),
        ..LimiterOptions::default()
    });
    ConnectWiseClient::builder()
        .site(base)
        .company_id("northw")
        .public_key("pubkey7")
        .private_key(PRIVATE_KEY)
        .client_id(CLIENT_ID)
        .paging(paging)
        .retry(RetryPolicy {
            max_attempts: 2,
            min_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(2),
            ..RetryPolicy::default()
        })
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(400)),
            ..Timeouts::default()
        })
        .limits(Limits {
            max_body: MAX_BODY,
            max_pages: 20,
        })
        .limiter(Arc::new(limiter))
        .jitter_seed(1)
        .build()
}

pub(crate) fn sink(base: &str) -> Result<ConnectWiseSink> {
    let clock = || Timestamp::from_second(1_773_230_400).unwrap();
    Ok(ConnectWiseSink::builder()
        .client(connect(PagingStyle::Navigable, base)?)
        .clock(Arc::new(clock))
        .build())
}

pub(crate) fn at(path: &str, answer: impl Into<String>) -> Route {
    Route::get(&format!("{API}{path}"), answer)
        .content_type("application/vnd.connectwise.com+json; charset=utf-8")
}

pub(crate) fn additions_of(agreement: u32) -> Route {
    at(
        &format!("/finance/agreements/{agreement}/additions"),
        additions(agreement),
    )
}

/// The lines of agreement 71, as the sink reads them.
async fn lines(client: ConnectWiseClient) -> Result<String> {
    let sink = ConnectWiseSink::builder().client(client).build();
    let wanted = [AgreementId::new("71")];
    let reading = sink.lines(&wanted).next().await.unwrap()?;
    match reading.outcome {
        LinesOutcome::Complete(lines) => Ok(lines
            .iter()
            .map(|line| format!("{} {:?}", line.id, line.state))
            .collect::<Vec<_>>()
            .join(", ")),
        LinesOutcome::Failed(failure) => {
            Err(Error::new(failure.kind, failure.message).with_context("read of", "71"))
        }
    }
}

/// What a sync reads.
pub(crate) fn main_table() -> HostileClient<ConnectWiseClient> {
    HostileClient::new("connectwise", |base| connect(PagingStyle::Navigable, base))
        .max_body(MAX_BODY)
        .route(at("/finance/agreements/71", r#"{"id":71}"#))
        .probe(
            Probe::new(
                "companies",
                at("/company/companies", COMPANIES),
                |client: ConnectWiseClient| async move {
                    let companies = client.companies(&ListOptions::default());
                    let companies = companies.try_collect_all(1000).await?;
                    Ok(format!(
                        "{:?}",
                        companies
                            .iter()
                            .map(|it| (it.id, &it.name))
                            .collect::<Vec<_>>()
                    ))
                },
            )
            .field(Field::whole_id("/1/id").optional())
            .field(Field::name("/1/name").named("45"))
            .paging(Paging::LinkHeader("page")),
        )
        .probe(
            Probe::new("lines", additions_of(71), lines)
                .field(Field::whole_id("/1/id"))
                .field(Field::whole_id("/1/product/id").named("271"))
                .field(Field::quantity("/1/quantity").named("271"))
                .field(Field::quantity("/1/unitCost").named("271").optional())
                .field(Field::date("/1/effectiveDate").named("271"))
                .field(Field::name("/1/description").named("271"))
                .paging(Paging::LinkHeader("page")),
        )
        .probe(
            Probe::new(
                "an agreement",
                at(
                    "/finance/agreements/71",
                    r#"{"id":71,"name":"Cloud","company":{"id":45},"billAmount":12}"#,
                ),
                |client: ConnectWiseClient| async move {
                    let agreement = client.agreement(71).await?;
                    Ok(format!(
                        "{:?} {:?}",
                        agreement.name,
                        agreement.bill_amount.map(Quantity::new)
                    ))
                },
            )
            .all_optional()
            .field(Field::whole_id("/id").optional())
            .field(Field::quantity("/billAmount").optional()),
        )
        .probe(
            Probe::new(
                "a count",
                at("/company/companies/count", r#"{"count":12}"#),
                |client: ConnectWiseClient| async move {
                    Ok(client.count_companies(None).await?.to_string())
                },
            )
            .field(Field::whole_id("/count")),
        )
}
