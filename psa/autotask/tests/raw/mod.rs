//! The client and the sink as the tables of hostile answers need them, their valid answers, and the tables of what a
//! sync reads.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tallyline_autotask::models::NewContractServiceAdjustment;
use tallyline_autotask::query::{Field as Wire, Query};
use tallyline_autotask::{AutotaskClient, AutotaskSink, QueryStyle};
use tallyline_core::http::{Limits, RetryPolicy, Timeouts};
use tallyline_core::model::{AgreementId, LinesOutcome, Quantity, Timestamp};
use tallyline_core::sink::WriteError;
use tallyline_core::{Error, PsaSink, Result};
use tallyline_testkit::hostile::{Field, FieldKind, HostileClient, Paging, Probe};
use tallyline_testkit::raw::Route;

use crate::common::{API, CODE, LINE, PERIODS, ROOT, SECRET, USER};

pub(crate) const MAX_BODY: usize = 1 << 20;

pub(crate) const PAGE: &str =
    r#""pageDetails":{"count":1,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}"#;

pub(crate) fn connect(zone: Option<String>, lookup: Option<String>) -> Result<AutotaskClient> {
    connect_with(zone, lookup, QueryStyle::Short)
}

/// Where no lookup of the zone is given none is to happen: nobody answers on this machine, and a client that knows no HTTPS
/// address reads no root certificates, of which a table would need thousands of readings.
const NO_LOOKUP: &str = "http://127.0.0.1:1/";

pub(crate) fn connect_with(
    zone: Option<String>,
    lookup: Option<String>,
    style: QueryStyle,
) -> Result<AutotaskClient> {
    AutotaskClient::builder()
        .query_style(style)
        .user_name(USER)
        .integration_code(CODE)
        .secret(SECRET)
        .maybe_zone_url(zone)
        .lookup_url(lookup.unwrap_or_else(|| NO_LOOKUP.to_owned()))
        .budget(busy())
        .retry(RetryPolicy {
            max_attempts: 2,
            min_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(2),
            ..RetryPolicy::default()
        })
        .rate_limit_wait(Duration::from_millis(1))
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(400)),
            ..Timeouts::default()
        })
        .limits(Limits {
            max_body: MAX_BODY,
            max_pages: 20,
        })
        .jitter_seed(1)
        .build()
}

/// More calls than a tenant allows: the table makes many.
pub(crate) fn busy() -> tallyline_autotask::TenantBudget {
    tallyline_autotask::TenantBudget::new(tallyline_autotask::BudgetOptions {
        hourly_threshold: 10_000_000,
        ..tallyline_autotask::BudgetOptions::default()
    })
}

pub(crate) fn at(base: &str) -> Option<String> {
    Some(format!("{}{ROOT}", base.trim_end_matches('/')))
}

pub(crate) fn sink(base: &str) -> Result<AutotaskSink> {
    let clock = || Timestamp::from_second(1_773_230_400).unwrap();
    Ok(AutotaskSink::builder()
        .client(connect(at(base), None)?)
        .currency("USD".parse()?)
        .clock(Arc::new(clock))
        .build())
}

pub(crate) fn route(path: &str, answer: impl Into<String>) -> Route {
    Route::get(&format!("{API}{path}"), answer).content_type("application/json; charset=utf-8")
}

pub(crate) fn list(path: &str, items: &str) -> Route {
    route(path, format!(r#"{{"items":[{items}],{PAGE}}}"#))
}

pub(crate) fn contract(id: u32) -> String {
    format!(
        r#"{{"id":{id},"companyID":45,"contractName":"Cloud {id}","contractType":7,"status":1,"contractPeriodType":2,
        "startDate":"2026-01-01T00:00:00","endDate":"2026-12-31T00:00:00"}}"#
    )
}

pub(crate) fn contract_route(id: u32) -> Route {
    route(
        &format!("/Contracts/{id}"),
        format!(r#"{{"item":{}}}"#, contract(id)),
    )
}

pub(crate) fn services(id: u32) -> Route {
    let line = LINE.replace("\"id\":9", &format!("\"id\":9{id}"));
    let line = line.replace("\"contractID\":71", &format!("\"contractID\":{id}"));
    let search = format!(
        r#"{{"maxRecords":500,"filter":[{{"op":"eq","field":"contractID","value":{id}}}]}}"#
    );
    list("/ContractServices/query", &line).query("search", &search)
}

/// The unit rows of the line of a contract: April and May, 12 units each.
pub(crate) fn unit_rows(id: u32) -> String {
    let row = |at: u32, start: &str, end: &str| {
        format!(
            r#"{{"id":{at}{id},"contractID":{id},"contractServiceID":9{id},"serviceID":31,"startDate":"{start}T00:00:00","endDate":"{end}T00:00:00","units":12}}"#
        )
    };
    let rows = [
        row(1, "2026-04-01", "2026-04-30"),
        row(2, "2026-05-01", "2026-05-31"),
    ];
    rows.join(",")
}

pub(crate) fn units(id: u32) -> Route {
    let search = format!(
        r#"{{"maxRecords":500,"filter":[{{"op":"eq","field":"contractID","value":{id}}},{{"op":"gte","field":"endDate","value":"2026-04-01"}}]}}"#
    );
    list("/ContractServiceUnits/query", &unit_rows(id)).query("search", &search)
}

/// What is posted of the contracts: nothing.
pub(crate) fn posted() -> Route {
    let search = r#"{"maxRecords":500,"includeFields":["id","contractID","endDate"],"filter":[{"op":"exist","field":"approveAndPostDate"},{"op":"gte","field":"endDate","value":"2026-03-12"},{"op":"in","field":"contractID","value":[70,71,72]}]}"#;
    list("/ContractServiceUnits/query", "").query("search", search)
}

/// The lines of contract 71, as the sink reads them.
async fn lines(client: AutotaskClient) -> Result<String> {
    let clock = || Timestamp::from_second(1_773_230_400).unwrap();
    let sink = AutotaskSink::builder()
        .client(client)
        .clock(Arc::new(clock))
        .build();
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

/// What a sync reads, and its one write.
pub(crate) fn main_table() -> HostileClient<AutotaskClient> {
    let companies = r#"{"id":44,"companyName":"Fern Clinic"},{"id":45,"companyName":"Oak Legal"}"#;
    let client = HostileClient::new("autotask", |base: &str| connect(at(base), None))
        .max_body(MAX_BODY)
        .route(contract_route(71))
        .route(services(71))
        .route(route("/Contracts/entityInformation/fields", PERIODS));
    client
        .probe(
            Probe::new(
                "companies",
                list("/Companies/query", companies),
                |client: AutotaskClient| async move {
                    let query = Query::all().only([Wire::COMPANY_NAME]);
                    let companies = client.companies(&query).try_collect_all(1000).await?;
                    let companies: Vec<_> =
                        companies.iter().map(|it| (it.id, &it.company_name)).collect();
                    Ok(format!("{companies:?}"))
                },
            )
            .field(Field::whole_id("/items/1/id").optional())
            .field(Field::name("/items/1/companyName").named("45"))
            .paging(Paging::NextUrl("/pageDetails/nextPageUrl", "paging")),
        )
        .probe(
            Probe::new("lines", units(71), lines)
                .field(Field::quantity("/items/1/units").named("271"))
                .field(Field::whole_id("/items/1/contractServiceID").named("271"))
                .field(Field::quantity("/items/0/units").named("171"))
                .field(Field::new(FieldKind::Date, "/items/1/startDate").named("271"))
                .field(Field::new(FieldKind::Date, "/items/1/endDate").named("271"))
                .paging(Paging::NextUrl("/pageDetails/nextPageUrl", "paging")),
        )
        .probe(
            Probe::new(
                "a contract",
                route(
                    "/Contracts/72",
                    r#"{"item":{"id":72,"contractName":"Cloud","setupFee":12,"startDate":"2026-01-01T00:00:00"}}"#,
                ),
                |client: AutotaskClient| async move {
                    let contract = client.contract(72).await?;
                    Ok(format!(
                        "{:?} {:?}",
                        contract.contract_name,
                        contract.setup_fee.map(Quantity::new)
                    ))
                },
            )
            .field(Field::whole_id("/item/id").optional().named("`id`"))
            .field(Field::quantity("/item/setupFee").optional().named("`setupFee`"))
            .field(Field::name("/item/contractName").named("Item<Contract>")),
        )
        .probe(
            Probe::new(
                "a count",
                route("/Companies/query/count", r#"{"queryCount":12}"#),
                |client: AutotaskClient| async move {
                    Ok(client.count_companies(&Query::all()).await?.to_string())
                },
            )
            .field(Field::whole_id("/queryCount")),
        )
        .probe(
            Probe::write(
                "a new adjustment",
                Route::post(
                    &format!("{API}/Contracts/71/ServiceAdjustments"),
                    r#"{"itemId":98765}"#,
                ),
                |client: AutotaskClient| async move {
                    let day = "2026-12-01".parse().unwrap();
                    let new = NewContractServiceAdjustment::new(day);
                    let made = client.create_adjustment(71, &new).await;
                    Ok(made.map_err(WriteError::from)?.to_string())
                },
            )
            .field(Field::whole_id("/itemId")),
        )
}

/// The lookup of the zone.
pub(crate) fn lookup_table() -> HostileClient<AutotaskClient> {
    HostileClient::new("autotask", |base: &str| connect(None, at(base)))
        .max_body(MAX_BODY)
        .probe(
            Probe::new(
                "the zone",
                route(
                    "/ZoneInformation",
                    r#"{"url":"https://webservices15.autotask.net/ATServicesRest/","ci":123456,"zoneName":"Zone"}"#,
                ),
                |client: AutotaskClient| async move {
                    Ok(format!("{:?}", client.zone_information().await?.url))
                },
            )
            .all_optional()
            .field(Field::whole_id("/ci").optional())
            .field(Field::name("/zoneName")),
        )
}
