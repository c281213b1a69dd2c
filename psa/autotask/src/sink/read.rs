//! The reads: companies, agreements, products, and the lines of agreements.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use futures::future;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tallyline_core::model::{
    Agreement, AgreementId, AgreementLine, AgreementReading, CivilDate, Company, Product,
};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::{Error, ErrorKind, Result};

use super::AutotaskSink;
use super::lookup::ContractKey;
use super::map::{self, Cycles, EffectiveDays, Frame};
use super::units::Units;
use crate::client::{CONNECTOR, operations};
use crate::models::{Contract, ContractService, ContractServiceUnit, Service};
use crate::query::{Field, LIST_CHUNK, Query};

/// The most services on one contract; more is a defect.
const MAX_LINES: usize = 20_000;

/// The most unit rows of one contract; more is a defect.
const MAX_ROWS: usize = 500_000;

/// A PSA id as a number.
pub(super) fn wire_id(what: &'static str, id: &str) -> Result<i64> {
    id.parse().map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            format!("{id:?} is not the id of {what}: it is a whole number"),
        )
        .with_connector(CONNECTOR)
    })
}

/// Leaves out records that came before: a name that stands twice is no longer unique.
fn once_each<'a, T: Send + 'a, K: Eq + Hash + Send + 'a>(
    records: BoxStream<'a, Result<T>>,
    id: fn(&T) -> K,
) -> BoxStream<'a, Result<T>> {
    let mut seen = HashSet::new();
    records
        .filter(move |record| {
            let new = record
                .as_ref()
                .map_or(true, |record| seen.insert(id(record)));
            future::ready(new)
        })
        .boxed()
}

pub(super) fn companies(sink: &AutotaskSink) -> BoxStream<'_, Result<Company>> {
    let query = Query::matching(Field::IS_ACTIVE.equals(true)).only([
        Field::COMPANY_NAME,
        Field::COMPANY_NUMBER,
        Field::IS_ACTIVE,
    ]);
    let companies = sink.client().companies(&query);
    let companies = companies.map(|wire| map::company(&wire?)).boxed();
    once_each(companies, |company| company.id.clone())
}

pub(super) fn products(sink: &AutotaskSink) -> BoxStream<'_, Result<Product>> {
    let products = stream::once(listed_products(sink))
        .map_ok(stream::iter)
        .try_flatten()
        .boxed();
    once_each(products, |product| product.id.clone())
}

async fn listed_products(sink: &AutotaskSink) -> Result<Vec<Result<Product>>> {
    let services: Vec<Result<Service>> = sink.client().services(&Query::all()).collect().await;
    let vendors = vendors(sink, &services).await?;
    let policy = sink.0.rules.policy;
    let products = services.into_iter();
    Ok(products
        .map(|wire| map::product(&wire?, &vendors, policy))
        .collect())
}

/// The names of the companies that services name as their vendor.
async fn vendors(
    sink: &AutotaskSink,
    services: &[Result<Service>],
) -> Result<HashMap<i64, String>> {
    let services = services.iter().filter_map(|service| service.as_ref().ok());
    let ids: BTreeSet<i64> = services.filter_map(|it| it.vendor_company_id).collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut names = HashMap::new();
    for some in ids.chunks(LIST_CHUNK) {
        let query = Query::matching(Field::ID.is_one_of(some)).only([Field::COMPANY_NAME]);
        let mut companies = sink.client().companies(&query);
        while let Some(company) = companies.next().await {
            let company = company?;
            if let (Some(id), Some(name)) = (company.id, company.company_name) {
                names.insert(id, name);
            }
        }
    }
    Ok(names)
}

/// What the tenant calls its billing periods, kept for an hour.
pub(super) async fn cycles(sink: &AutotaskSink) -> Result<Cycles> {
    let list = sink
        .client()
        .picklist(&operations::CONTRACTS, "contractPeriodType")
        .await;
    match list {
        Ok(list) => Ok(Cycles(Some(list))),
        // A tenant that does not name them: the known values have to do.
        Err(error) if error.http().is_none() => Ok(Cycles(None)),
        Err(error) => Err(error),
    }
}

/// The contracts with what changes depend on, and what they are recognised by.
fn contract_query(sink: &AutotaskSink) -> Query {
    let key = match sink.0.contract_key {
        ContractKey::UserDefinedField(_) => Field::USER_DEFINED_FIELDS,
        ContractKey::ContractNumber => Field::CONTRACT_NUMBER,
    };
    Query::all().only([
        Field::COMPANY_ID,
        Field::CONTRACT_NAME,
        Field::CONTRACT_TYPE,
        Field::CONTRACT_PERIOD_TYPE,
        Field::STATUS,
        Field::START_DATE,
        Field::END_DATE,
        key,
    ])
}

pub(super) fn agreements<'a>(
    sink: &'a AutotaskSink,
    filter: &'a AgreementFilter,
) -> BoxStream<'a, Result<Agreement>> {
    let agreements = stream::once(begin(sink, filter)).try_flatten().boxed();
    once_each(agreements, |agreement| agreement.id.clone())
}

async fn begin<'a>(
    sink: &'a AutotaskSink,
    filter: &'a AgreementFilter,
) -> Result<BoxStream<'a, Result<Agreement>>> {
    let contracts: BoxStream<'a, Result<Contract>> = if filter.companies.is_empty() {
        sink.client().contracts(&contract_query(sink)).boxed()
    } else {
        let companies: Vec<i64> = filter
            .companies
            .iter()
            .map(|company| wire_id("a company", company.as_str()))
            .collect::<Result<_>>()?;
        sink.client()
            .contracts_of_companies(&companies, &contract_query(sink))
    };
    let cycles = cycles(sink).await?;
    let frames = contracts.map(move |wire| Frame::of(&wire?, &cycles, Some(&sink.0.contract_key)));
    let agreements = frames
        .chunks(LIST_CHUNK)
        .then(move |frames| mapped(sink, frames))
        .flat_map(stream::iter);
    Ok(agreements.boxed())
}

/// A few contracts with what is posted of them.
async fn mapped(sink: &AutotaskSink, frames: Vec<Result<Frame>>) -> Vec<Result<Agreement>> {
    let today = sink.today();
    let live: Vec<&Frame> = frames
        .iter()
        .flatten()
        .filter(|frame| frame.recurring && !frame.has_ended(today))
        .collect();
    let since = live
        .iter()
        .map(|frame| frame.posted_from(sink.0.rules, today))
        .min();
    let live: Vec<i64> = live.iter().map(|frame| frame.id).collect();
    let posted = match posted_until(sink, &live, since.unwrap_or(today)).await {
        Ok(posted) => posted,
        // Nothing can be said of any of them.
        Err(error) => return vec![Err(error)],
    };
    frames
        .into_iter()
        .map(|frame| {
            let frame = frame?;
            let until = posted.get(&frame.id).copied();
            Ok(map::agreement(&frame, sink.0.rules, today, until))
        })
        .collect()
}

/// The last posted day of contracts that have one after a day.
async fn posted_until(
    sink: &AutotaskSink,
    contracts: &[i64],
    day: CivilDate,
) -> Result<HashMap<i64, CivilDate>> {
    let mut posted: HashMap<i64, CivilDate> = HashMap::new();
    if sink.0.rules.days == EffectiveDays::Prorated {
        return Ok(posted);
    }
    let query = posted_rows(day.plus_days(1)).only([Field::CONTRACT_ID, Field::END_DATE]);
    let mut rows = sink
        .client()
        .contract_service_units_of_contracts(contracts, &query);
    while let Some(row) = rows.next().await {
        let row = row?;
        let contract = map::required(row.contract_id.as_ref(), "unit row", row.id, "contractID")?;
        let end = map::date(row.end_date.as_deref(), "unit row", row.id, "endDate")?;
        let end = map::required(end.as_ref(), "unit row", row.id, "endDate")?;
        let known = posted.entry(contract).or_insert(end);
        *known = end.max(*known);
    }
    Ok(posted)
}

/// Unit rows that are posted and go on to a day or beyond.
pub(super) fn posted_rows(day: CivilDate) -> Query {
    Query::matching(Field::APPROVE_AND_POST_DATE.exists()).and(Field::END_DATE.at_least(day))
}

pub(super) fn lines<'a>(
    sink: &'a AutotaskSink,
    agreements: &'a [AgreementId],
) -> BoxStream<'a, Result<AgreementReading>> {
    stream::iter(agreements)
        .map(move |agreement| async move {
            Ok(match lines_of(sink, agreement).await {
                Ok(lines) => AgreementReading::complete(agreement.clone(), lines),
                Err(error) => AgreementReading::failed(agreement.clone(), &error),
            })
        })
        .buffered(sink.0.descriptor.concurrency)
        .boxed()
}

/// Every line of an agreement, or the first error.
async fn lines_of(sink: &AutotaskSink, agreement: &AgreementId) -> Result<Vec<AgreementLine>> {
    let in_agreement = |error: Error| error.with_context("agreement", agreement.as_str());
    let frame = frame(sink, agreement).await.map_err(in_agreement)?;
    let id = frame.id;
    let rules = sink.0.rules;
    let today = sink.today();
    let of_contract = Query::matching(Field::CONTRACT_ID.equals(id));
    let mut services = sink
        .client()
        .contract_services(&of_contract)
        .try_collect_all(MAX_LINES)
        .await
        .map_err(in_agreement)?;
    // A record may come twice.
    let mut seen = HashSet::new();
    services.retain(|service| service.id.is_none_or(|id| seen.insert(id)));
    if let Some(other) = services
        .iter()
        .find(|service| service.contract_id.is_some_and(|contract| contract != id))
    {
        let what = format!("it is not of contract {id} that was asked for");
        let error = map::unreadable("contract service", other.id, "contractID", what);
        return Err(in_agreement(error));
    }
    let read_at = sink.now();
    let from = match rules.days {
        EffectiveDays::OpenPeriod => frame.posted_from(rules, today),
        _ => frame.reading_day(rules, today, None),
    };
    let units = units(sink, of_contract, from).await.map_err(in_agreement)?;
    sink.0
        .ahead
        .keep(agreement, frame.clone(), &services, &units, from, read_at);
    let posted = units.values().filter_map(Units::posted_until).max();
    // Of no day before that is known what it bills.
    let day = frame.reading_day(rules, today, posted).max(from);
    let none = Units::default();
    services
        .iter()
        .enumerate()
        .map(|(at, service)| {
            let units = service.id.and_then(|id| units.get(&id)).unwrap_or(&none);
            map::line(service, units, day, rules.currency).map_err(|error| {
                let path = format!("items[{at}].{}", error.json_path().unwrap_or_default());
                in_agreement(error.with_json_path(path))
            })
        })
        .collect()
}

/// The contract, as far as changes depend on it: by its id, or by the key that it carries.
pub(super) async fn frame(sink: &AutotaskSink, agreement: &AgreementId) -> Result<Frame> {
    if let Some(key) = agreement.key() {
        let wire = sink.find_contract(key.as_str()).await?;
        let wire = wire.ok_or_else(|| {
            let message = format!("no contract carries {:?}", key.as_str());
            Error::new(ErrorKind::NotFound, message).with_connector(CONNECTOR)
        })?;
        return Frame::of(&wire, &cycles(sink).await?, Some(&sink.0.contract_key));
    }
    let contract = wire_id("an agreement", agreement.as_str())?;
    let wire = sink.client().contract(contract).await?;
    let frame = Frame::of(&wire, &cycles(sink).await?, Some(&sink.0.contract_key))?;
    if frame.id != contract {
        return Err(map::unreadable(
            "contract",
            Some(frame.id),
            "id",
            format!("it was answered where {contract} was asked for"),
        ));
    }
    Ok(frame)
}

/// The contract of an agreement.
pub(super) async fn contract_id(sink: &AutotaskSink, agreement: &AgreementId) -> Result<i64> {
    match agreement.key() {
        None => wire_id("an agreement", agreement.as_str()),
        Some(_) => Ok(frame(sink, agreement).await?.id),
    }
}

/// The unit rows that go on to a day or beyond, by line.
pub(super) async fn units(
    sink: &AutotaskSink,
    query: Query,
    day: CivilDate,
) -> Result<HashMap<i64, Units>> {
    let query = query.and(Field::END_DATE.at_least(day));
    let rows: Vec<ContractServiceUnit> = sink
        .client()
        .contract_service_units(&query)
        .try_collect_all(MAX_ROWS)
        .await?;
    Units::by_line(&rows)
}

/// The unit rows of one line that go on to a day or beyond.
pub(super) async fn units_of(sink: &AutotaskSink, line: i64, day: CivilDate) -> Result<Units> {
    let query = Query::matching(Field::CONTRACT_SERVICE_ID.equals(line));
    Ok(units(sink, query, day)
        .await?
        .remove(&line)
        .unwrap_or_default())
}

/// The lines of a service on a contract.
pub(super) async fn lines_of_service(
    sink: &AutotaskSink,
    contract: i64,
    service: i64,
) -> Result<Vec<ContractService>> {
    let query =
        Query::matching(Field::CONTRACT_ID.equals(contract)).and(Field::SERVICE_ID.equals(service));
    let mut found = sink
        .client()
        .contract_services(&query)
        .try_collect_all(MAX_LINES)
        .await?;
    let mut seen = HashSet::new();
    found.retain(|line| line.id.is_none_or(|id| seen.insert(id)));
    // What the filter let through is not taken on trust: a line of another contract would be
    // written to.
    let fits = |line: &ContractService| {
        line.contract_id == Some(contract) && line.service_id == Some(service)
    };
    match found.iter().find(|line| !fits(line)) {
        None => Ok(found),
        Some(other) => Err(map::unreadable(
            "contract service",
            other.id,
            "contractID",
            format!("it is not of contract {contract} and service {service} that were asked for"),
        )),
    }
}
