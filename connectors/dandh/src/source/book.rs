//! The charges of one month, sorted to the companies, and whether they may be believed.

use std::collections::{BTreeMap, BTreeSet};

use tallyline_core::model::{Basis, ReadFailure, ServiceKey, Timestamp};
use tallyline_core::{Error, ErrorKind, Result};

use super::lines::service_key;
use super::month::{Month, is_friday, latest_friday};
use crate::client::{CONNECTOR, InvoiceRecord};
use crate::models::{Invoice, ServiceCharge};

/// The charges of one month.
#[derive(Debug)]
pub(super) struct ChargeBook {
    month: Month,
    closed: bool,
    /// Why nothing of it may be believed.
    stale: Option<ReadFailure>,
    companies: BTreeMap<i64, Own>,
    keys: BTreeMap<String, BTreeSet<ServiceKey>>,
}

/// What one company is charged.
#[derive(Debug, Default)]
struct Own {
    charges: Vec<ServiceCharge>,
    /// It has an invoice of the month.
    present: bool,
    failure: Option<ReadFailure>,
}

fn protocol(message: String) -> Error {
    Error::new(ErrorKind::Protocol, message).with_connector(CONNECTOR)
}

impl ChargeBook {
    /// The invoices of the month asked for.
    ///
    /// # Errors
    /// `Protocol` when an invoice names no company: it may be that of any.
    pub(super) fn new(records: Vec<InvoiceRecord>, asked: Month, closed: bool) -> Result<Self> {
        let mut invoices: Vec<(Month, Invoice)> = Vec::new();
        let mut companies: BTreeMap<i64, Own> = BTreeMap::new();
        for record in records {
            let invoice = match (record.invoice, record.company) {
                (Ok(invoice), _) => invoice,
                (Err(error), None) => return Err(error),
                (Err(error), Some(company)) => {
                    let error = error.with_context("account", company.to_string());
                    companies.entry(company).or_default().failure = Some(ReadFailure::from(&error));
                    continue;
                }
            };
            let interval = invoice.billing_interval.as_deref().unwrap_or_default();
            match Month::parse(interval) {
                Some(month) => invoices.push((month, invoice)),
                None => {
                    let own = companies.entry(invoice.company_account_id).or_default();
                    let error = protocol(format!("the billing interval {interval:?} is no month"));
                    own.failure = Some(ReadFailure::from(&error));
                }
            }
        }
        let newest = invoices.iter().map(|(month, _)| *month).max();
        // A vendor whose month has turned already is ahead, not stale.
        let month = match newest {
            Some(newest) if !closed && newest > asked => newest,
            _ => asked,
        };
        let mut book = Self {
            month,
            closed,
            stale: stale(newest, asked, closed),
            companies,
            keys: BTreeMap::new(),
        };
        let (of_month, others): (Vec<_>, Vec<_>) =
            invoices.into_iter().partition(|(of, _)| *of == month);
        for (_, invoice) in of_month {
            book.add(invoice);
        }
        for (of, invoice) in others {
            let own = book
                .companies
                .entry(invoice.company_account_id)
                .or_default();
            if !own.present {
                own.failure
                    .get_or_insert_with(|| not_generated(Some(of), month));
            }
        }
        Ok(book)
    }

    fn add(&mut self, invoice: Invoice) {
        for charge in &invoice.charges {
            if let (Some(service), false) = (&charge.service_id, charge.is_setup()) {
                let key = service_key(service, charge.priceable_item_id);
                self.keys.entry(service.clone()).or_default().insert(key);
            }
        }
        let own = self
            .companies
            .entry(invoice.company_account_id)
            .or_default();
        own.present = true;
        own.charges.extend(invoice.charges);
    }

    /// The charges of a company; none where it is on no invoice, which is not zero.
    pub(super) fn charges(
        &self,
        company: i64,
    ) -> std::result::Result<&[ServiceCharge], ReadFailure> {
        if let Some(stale) = &self.stale {
            return Err(stale.clone());
        }
        match self.companies.get(&company) {
            None => Ok(&[]),
            Some(own) => match &own.failure {
                Some(failure) => Err(failure.clone()),
                None => Ok(&own.charges),
            },
        }
    }

    /// The keys under which a service is charged, whoever has it.
    pub(super) fn keys_of(&self, service_id: &str) -> impl Iterator<Item = &ServiceKey> {
        self.keys.get(service_id).into_iter().flatten()
    }

    /// The month charged.
    pub(super) fn month(&self) -> Month {
        self.month
    }

    /// Whether the month is closed, and its charges are invoiced.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// What its counts mean.
    pub(super) fn basis(&self) -> Basis {
        if self.closed {
            Basis::Invoiced
        } else {
            Basis::ProjectedInvoice
        }
    }

    /// The state that its counts are from: the last day of a closed month, or the latest Friday, as
    /// the answer itself does not say when it was generated.
    pub(super) fn data_as_of(&self, now: Timestamp) -> Timestamp {
        let day = if self.closed {
            self.month.last()
        } else {
            latest_friday(now.date())
        };
        day.midnight_utc()
    }

    /// Whether that is not certain: on a Friday the preview of the day may not be generated yet.
    pub(super) fn is_uncertain(&self, now: Timestamp) -> bool {
        !self.closed && is_friday(now.date())
    }

    /// Says which charges belong to companies that are not listed.
    pub(super) fn warn_of_strangers(&self, known: impl Iterator<Item = i64>) {
        let known: BTreeSet<i64> = known.collect();
        for company in self.companies.keys().filter(|id| !known.contains(id)) {
            tracing::warn!(
                company,
                "charges of an account that is no company below the parent are not read"
            );
        }
    }
}

/// Why nothing of the answer may be believed, if so.
fn stale(newest: Option<Month>, asked: Month, closed: bool) -> Option<ReadFailure> {
    match newest {
        None if closed => Some(ReadFailure::new(
            ErrorKind::Unavailable,
            format!(
                "there are no invoices of {asked}: that is no statement that nothing was charged"
            ),
        )),
        Some(newest) if closed && newest == asked => None,
        Some(newest) if !closed && newest >= asked => None,
        _ => Some(not_generated(newest, asked)),
    }
}

fn not_generated(newest: Option<Month>, asked: Month) -> ReadFailure {
    let newest = match newest {
        Some(newest) => format!("the newest is of {newest}"),
        None => "there is none".to_owned(),
    };
    ReadFailure::new(
        ErrorKind::Unavailable,
        format!(
            "the charges of {asked} are not generated yet ({newest}): a month's preview comes with \
             its first Friday"
        ),
    )
}
