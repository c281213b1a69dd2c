//! The reads: companies, agreements, products, and the lines of agreements.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use futures::future;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::Deserialize;
use tallyline_core::http::{ListRecord, RawRecord};
use tallyline_core::model::{
    Agreement, AgreementId, AgreementLine, AgreementReading, CivilDate, Company, Product,
};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::wire::whole_number;
use tallyline_core::{Error, ErrorKind, Result};

use super::ConnectWiseSink;
use super::map::{self, Cycles};
use crate::client::{CONNECTOR, ListOptions};
use crate::conditions::Field;
use crate::models::{self, Addition};

/// Billing cycles are a short setup table; more than these is a defect.
pub(super) const MAX_BILLING_CYCLES: usize = 10_000;

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

fn fields(names: &[&'static str]) -> Result<Vec<Field>> {
    names.iter().map(|name| Field::new(*name)).collect()
}

/// Leaves out records that came before: a row may come twice when the list moves between two
/// pages, and a name that stands twice is no longer unique.
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

/// A stream that is one error.
fn refused<'a, T: Send + 'a>(error: Error) -> BoxStream<'a, Result<T>> {
    stream::once(future::ready(Err(error))).boxed()
}

pub(super) fn companies(sink: &ConnectWiseSink) -> BoxStream<'_, Result<Company>> {
    let fields = match fields(&["id", "identifier", "name", "status", "types", "deletedFlag"]) {
        Ok(fields) => fields,
        Err(error) => return refused(error),
    };
    let options = ListOptions {
        conditions: Some(Field::DELETED_FLAG.equals(false)),
        fields,
        ..ListOptions::default()
    };
    let companies = sink.client().companies(&options);
    let companies = companies.map(|wire| map::company(&wire?)).boxed();
    once_each(companies, |company| company.id.clone())
}

pub(super) fn products(sink: &ConnectWiseSink) -> BoxStream<'_, Result<Product>> {
    let fields = match fields(&[
        "id",
        "identifier",
        "description",
        "vendorSku",
        "vendor",
        "productClass",
        "price",
        "cost",
        "inactiveFlag",
    ]) {
        Ok(fields) => fields,
        Err(error) => return refused(error),
    };
    let options = ListOptions {
        conditions: Some(Field::INACTIVE_FLAG.equals(false)),
        fields,
        ..ListOptions::default()
    };
    let products = sink.client().catalog(&options);
    let products = products.map(|wire| map::product(&wire?)).boxed();
    once_each(products, |product| product.id.clone())
}

pub(super) fn agreements<'a>(
    sink: &'a ConnectWiseSink,
    filter: &'a AgreementFilter,
) -> BoxStream<'a, Result<Agreement>> {
    let agreements = stream::once(begin(sink, filter)).try_flatten().boxed();
    once_each(agreements, |agreement| agreement.id.clone())
}

/// What the mapping of one list of agreements needs beside each record.
struct Walk<'a> {
    sink: &'a ConnectWiseSink,
    cycles: Cycles,
    today: CivilDate,
    /// The next invoice date of agreements seen or asked for, for their children.
    next_invoice: HashMap<i64, Option<CivilDate>>,
}

async fn begin<'a>(
    sink: &'a ConnectWiseSink,
    filter: &'a AgreementFilter,
) -> Result<BoxStream<'a, Result<Agreement>>> {
    let options = ListOptions::matching(Field::CANCELLED_FLAG.equals(false));
    let found = if filter.companies.is_empty() {
        sink.client().agreements(&options).boxed()
    } else {
        let companies: Vec<i64> = filter
            .companies
            .iter()
            .map(|company| wire_id("a company", company.as_str()))
            .collect::<Result<_>>()?;
        sink.client()
            .agreements_of_companies(&companies, &options)?
    };
    let walk = Walk {
        sink,
        cycles: billing_cycles(sink).await?,
        today: (sink.0.clock)().date(),
        next_invoice: HashMap::new(),
    };
    let agreements = stream::unfold((walk, found), |(mut walk, mut found)| async move {
        loop {
            let wire = match found.next().await? {
                Ok(wire) => wire,
                Err(error) => return Some((Err(error), (walk, found))),
            };
            if wire.cancelled_flag == Some(true) {
                continue;
            }
            let agreement = walk.agreement(&wire).await;
            return Some((agreement, (walk, found)));
        }
    });
    Ok(agreements.boxed())
}

pub(super) async fn billing_cycles(sink: &ConnectWiseSink) -> Result<Cycles> {
    let cycles = sink
        .client()
        .billing_cycles(&ListOptions::default())
        .try_collect_all(MAX_BILLING_CYCLES)
        .await?;
    Ok(cycles
        .into_iter()
        .filter_map(|cycle| Some((cycle.id?, cycle.billing_options?)))
        .collect())
}

impl Walk<'_> {
    async fn agreement(&mut self, wire: &models::Agreement) -> Result<Agreement> {
        let mut agreement = map::agreement(wire, &self.cycles, self.sink.0.policy, self.today)?;
        agreement.key = self.sink.0.agreement_key.read(wire);
        let field = self.sink.0.note_field;
        agreement.note = field.map(|field| field.of(wire).to_owned());
        if let Some(id) = wire.id {
            self.next_invoice.insert(id, agreement.next_invoice);
            self.sink.remember_currency(id, agreement.currency);
        }
        // The date may be missing on a child: it is invoiced through its parent.
        let parent = wire.parent_agreement.as_ref().and_then(|parent| parent.id);
        if agreement.next_invoice.is_none()
            && let Some(parent) = parent
        {
            agreement.next_invoice = match self.next_invoice.get(&parent) {
                Some(known) => *known,
                None => {
                    let read = next_invoice(self.sink, parent).await?;
                    self.next_invoice.insert(parent, read);
                    read
                }
            };
        }
        Ok(agreement)
    }
}

/// The next invoice date of an agreement.
pub(super) async fn next_invoice(
    sink: &ConnectWiseSink,
    agreement: i64,
) -> Result<Option<CivilDate>> {
    let wire = sink.client().agreement(agreement).await?;
    let text = wire.next_invoice_date.as_deref();
    map::date(text, "agreement", Some(agreement), "nextInvoiceDate")
}

pub(super) fn lines<'a>(
    sink: &'a ConnectWiseSink,
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

/// The owner of an addition that does not fit.
fn owner_of(row: &RawRecord) -> Option<i64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Owner {
        #[serde(deserialize_with = "whole_number")]
        agreement_id: i64,
    }
    let owner: Owner = serde_json::from_str(row.get()).ok()?;
    Some(owner.agreement_id)
}

/// Every line of an agreement, or the first error.
pub(super) async fn lines_of(
    sink: &ConnectWiseSink,
    agreement: &AgreementId,
) -> Result<Vec<AgreementLine>> {
    let additions = additions_of(sink, agreement).await?;
    lines_in(sink, agreement, &additions).await
}

/// The additions of an agreement, each with its place in the list.
pub(super) type Additions = Vec<(usize, Addition)>;

/// Every addition of an agreement, or the first error.
pub(super) async fn additions_of(
    sink: &ConnectWiseSink,
    agreement: &AgreementId,
) -> Result<Additions> {
    let in_agreement = |error: Error| error.with_context("agreement", agreement.as_str());
    let id = sink.agreement_id(agreement).await?;
    let mut rows = sink.client().addition_rows(id)?;
    let mut seen = HashSet::new();
    let mut additions = Additions::new();
    let mut at = 0;
    while let Some(row) = rows.next_item().await {
        let row = row.map_err(in_agreement)?;
        let owner = match &row {
            ListRecord::Decoded(addition) => addition.agreement_id,
            ListRecord::Raw(row) => owner_of(row),
        };
        // The list of a parent may hold the additions of its children.
        if owner.is_none_or(|owner| owner == id) {
            let addition = match row {
                ListRecord::Decoded(addition) => addition,
                ListRecord::Raw(row) => {
                    sink.client().addition_of(&row, at).map_err(in_agreement)?
                }
            };
            // A row may come twice when the list moves between two pages.
            if addition.id.is_none_or(|id| seen.insert(id)) {
                additions.push((at, addition));
            }
        }
        at += 1;
    }
    Ok(additions)
}

/// What the additions of an agreement are as its lines.
pub(super) async fn lines_in(
    sink: &ConnectWiseSink,
    agreement: &AgreementId,
    additions: &Additions,
) -> Result<Vec<AgreementLine>> {
    let in_agreement = |error: Error| error.with_context("agreement", agreement.as_str());
    let amounts = additions
        .iter()
        .any(|(_, addition)| addition.unit_cost.is_some() || addition.unit_price.is_some());
    let currency = if amounts {
        let id = sink.agreement_id(agreement).await?;
        sink.currency_of(id).await.map_err(in_agreement)?
    } else {
        None
    };
    additions
        .iter()
        .map(|(at, addition)| {
            map::line(addition, currency, sink.0.cancelled_date, &sink.0.marker).map_err(|error| {
                let path = format!("[{at}].{}", error.json_path().unwrap_or_default());
                in_agreement(error.with_json_path(path))
            })
        })
        .collect()
}
