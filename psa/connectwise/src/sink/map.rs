//! From wire types to the model. No I/O, no clock.

use std::collections::HashMap;

use rust_decimal::Decimal;
use tallyline_core::model::{
    Agreement, AgreementLine, BillingCycle, CivilDate, Company, Currency, Eligibility, Money,
    Product, Prorated, Quantity,
};
use tallyline_core::{Error, ErrorKind, Result};

use super::marker::MarkerPlacement;
use crate::client::CONNECTOR;
use crate::models::{
    self, Addition, AgreementStatus, BillingOptions, CatalogItem, CurrencyReference,
    InvoicingCycle, ProductClass, Reference, date_part,
};

/// Which agreements may be synced onto.
///
/// The default is the strictest rule in use: monthly agreements billed by calendar periods.
/// An agreement that is not active or whose billing cycle is not known is never eligible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EligibilityPolicy {
    /// Only agreements that bill monthly.
    pub monthly_only: bool,
    /// Only agreements whose periods follow the calendar.
    pub calendar_year_only: bool,
}

impl Default for EligibilityPolicy {
    fn default() -> Self {
        Self {
            monthly_only: true,
            calendar_year_only: true,
        }
    }
}

/// What the date in an addition's `cancelledDate` means. The vendor does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelledDateMeaning {
    /// The last day that is billed: what integrations in the field write.
    #[default]
    LastDay,
    /// The first day that is not billed.
    FirstUnbilledDay,
}

impl CancelledDateMeaning {
    /// The last billed day behind a wire date.
    pub(super) fn last_day(self, cancelled: CivilDate) -> CivilDate {
        match self {
            Self::LastDay => cancelled,
            Self::FirstUnbilledDay => cancelled.plus_days(-1),
        }
    }

    /// The wire date for a last billed day.
    pub(super) fn cancelled(self, last_day: CivilDate) -> CivilDate {
        match self {
            Self::LastDay => last_day,
            Self::FirstUnbilledDay => last_day.plus_days(1),
        }
    }
}

/// A record that lacks something, or holds something that cannot be read.
pub(super) fn unreadable(
    record: &'static str,
    id: Option<i64>,
    field: &'static str,
    what: impl std::fmt::Display,
) -> Error {
    let name = id.map_or_else(|| "without id".to_owned(), |id| id.to_string());
    Error::new(ErrorKind::Protocol, format!("{record} {name}: {what}"))
        .with_connector(CONNECTOR)
        .with_json_path(field)
}

pub(super) fn required<T: Clone>(
    value: Option<&T>,
    record: &'static str,
    id: Option<i64>,
    field: &'static str,
) -> Result<T> {
    value
        .cloned()
        .ok_or_else(|| unreadable(record, id, field, format!("{field} is missing")))
}

/// The calendar date of a wire date, if there is one.
pub(super) fn date(
    text: Option<&str>,
    record: &'static str,
    id: Option<i64>,
    field: &'static str,
) -> Result<Option<CivilDate>> {
    text.map(|text| date_part(text).map_err(|error| unreadable(record, id, field, error.message())))
        .transpose()
}

/// The currency, where the system names it by its ISO code.
pub(super) fn currency(reference: Option<&CurrencyReference>) -> Option<Currency> {
    reference?.currency_code.as_deref()?.parse().ok()
}

fn id_of(reference: Option<&Reference>) -> Option<i64> {
    reference?.id
}

/// A company; deleted ones, which are not asked for, are not eligible.
pub(super) fn company(wire: &models::Company) -> Result<Company> {
    let id = required(wire.id.as_ref(), "company", None, "id")?;
    let name = required(wire.name.as_ref(), "company", Some(id), "name")?;
    let mut reasons = Vec::new();
    if wire.deleted_flag == Some(true) {
        reasons.push("The company is deleted in the PSA.".to_owned());
    }
    Ok(Company::new(id.to_string(), name)
        .with_identifier(wire.identifier.clone())
        .with_eligibility(Eligibility::from_reasons(reasons)))
}

/// A product; those of class Bundle are not eligible.
pub(super) fn product(wire: &CatalogItem) -> Result<Product> {
    let id = required(wire.id.as_ref(), "catalog item", None, "id")?;
    let identifier = required(
        wire.identifier.as_ref(),
        "catalog item",
        Some(id),
        "identifier",
    )?;
    let name = wire
        .description
        .clone()
        .unwrap_or_else(|| identifier.clone());
    let mut reasons = Vec::new();
    if wire.inactive_flag == Some(true) {
        reasons.push("The product is inactive.".to_owned());
    }
    if wire.product_class == Some(ProductClass::Bundle) {
        reasons.push("The product is a Bundle, which cannot be an addition.".to_owned());
    }
    let mut product = Product::new(id.to_string(), identifier, name);
    product.vendor = wire
        .vendor
        .as_ref()
        .and_then(|vendor| vendor.name.clone().or_else(|| vendor.identifier.clone()));
    product.vendor_sku.clone_from(&wire.vendor_sku);
    product.unit_price = wire.price.map(Money::without_currency);
    product.unit_cost = wire.cost.map(Money::without_currency);
    product.eligibility = Eligibility::from_reasons(reasons);
    Ok(product)
}

/// The billing cycles by id; ids without a known answer are left out.
pub(super) type Cycles = HashMap<i64, BillingOptions>;

fn billing_cycle(options: Option<&BillingOptions>) -> BillingCycle {
    match options {
        Some(BillingOptions::NotRecurring) => BillingCycle::OneTime,
        Some(BillingOptions::Weekly) => BillingCycle::Weekly,
        Some(BillingOptions::BiWeekly) => BillingCycle::BiWeekly,
        Some(BillingOptions::Monthly) => BillingCycle::Monthly,
        Some(BillingOptions::BiMonthly) => BillingCycle::BiMonthly,
        Some(BillingOptions::Quarterly) => BillingCycle::Quarterly,
        Some(BillingOptions::SemiAnnual) => BillingCycle::SemiAnnual,
        Some(BillingOptions::Yearly) => BillingCycle::Yearly,
        Some(BillingOptions::Unknown(_)) | None => BillingCycle::Unknown,
    }
}

/// The billing cycle of an id.
pub(super) fn cycle_of(cycles: &Cycles, id: i64) -> BillingCycle {
    billing_cycle(cycles.get(&id))
}

/// The id of the only billing cycle that bills so often. Two that are not known need not be alike.
pub(super) fn cycle_id(cycles: &Cycles, wanted: BillingCycle) -> Option<i64> {
    if wanted == BillingCycle::Unknown {
        return None;
    }
    let mut fitting = cycles.keys().filter(|id| cycle_of(cycles, **id) == wanted);
    let only = fitting.next()?;
    fitting.next().is_none().then_some(*only)
}

/// The last day of an agreement, where it has one.
pub(super) fn end(wire: &models::Agreement) -> Result<Option<CivilDate>> {
    match wire.no_ending_date_flag {
        Some(true) => Ok(None),
        _ => date(wire.end_date.as_deref(), "agreement", wire.id, "endDate"),
    }
}

pub(super) fn is_active(status: &AgreementStatus) -> bool {
    *status == AgreementStatus::Active
}

/// The status; derived from flag and dates where the system does not state it.
pub(super) fn status(
    wire: &models::Agreement,
    end: Option<CivilDate>,
    today: CivilDate,
) -> AgreementStatus {
    if wire.cancelled_flag == Some(true) {
        return AgreementStatus::Cancelled;
    }
    match &wire.agreement_status {
        Some(status) => status.clone(),
        None if end.is_some_and(|end| end < today) => AgreementStatus::Expired,
        None => AgreementStatus::Active,
    }
}

/// An agreement with every reason against it.
pub(super) fn agreement(
    wire: &models::Agreement,
    cycles: &Cycles,
    policy: EligibilityPolicy,
    today: CivilDate,
) -> Result<Agreement> {
    const RECORD: &str = "agreement";
    let id = required(wire.id.as_ref(), RECORD, None, "id")?;
    let name = required(wire.name.as_ref(), RECORD, Some(id), "name")?;
    let company = id_of(wire.company.as_ref());
    let company = required(company.as_ref(), RECORD, Some(id), "company/id")?;
    let date =
        |text: Option<&String>, field| date(text.map(String::as_str), RECORD, Some(id), field);
    let mut agreement = Agreement::new(id.to_string(), company.to_string(), name);
    agreement.parent =
        id_of(wire.parent_agreement.as_ref()).map(|parent| parent.to_string().into());
    agreement.currency = currency(wire.currency.as_ref());
    agreement.start = date(wire.start_date.as_ref(), "startDate")?;
    agreement.end = end(wire)?;
    agreement.bill_start = date(wire.bill_start_date.as_ref(), "billStartDate")?;
    agreement.next_invoice = date(wire.next_invoice_date.as_ref(), "nextInvoiceDate")?;
    agreement.prorates = wire.prorate_flag;
    agreement.period_anchor = match wire.invoicing_cycle {
        Some(InvoicingCycle::CalendarYear) => CivilDate::new(2000, 1, 1).ok(),
        Some(InvoicingCycle::ContractYear) => agreement.bill_start,
        _ => None,
    };
    let options = id_of(wire.billing_cycle.as_ref()).and_then(|cycle| cycles.get(&cycle));
    agreement.billing_cycle = billing_cycle(options);
    let status = status(wire, agreement.end, today);
    agreement.eligibility =
        Eligibility::from_reasons(reasons(wire, &status, agreement.billing_cycle, policy));
    Ok(agreement)
}

fn reasons(
    wire: &models::Agreement,
    status: &AgreementStatus,
    cycle: BillingCycle,
    policy: EligibilityPolicy,
) -> Vec<String> {
    let mut reasons = Vec::new();
    if *status != AgreementStatus::Active {
        reasons.push(format!("The agreement's status is {status}, not Active."));
    }
    match cycle {
        BillingCycle::Unknown => {
            reasons.push("The agreement's billing cycle is not known.".to_owned());
        }
        BillingCycle::OneTime => {
            reasons.push("The agreement's billing cycle is not recurring.".to_owned());
        }
        BillingCycle::Monthly => {}
        cycle if policy.monthly_only => {
            reasons.push(format!("The agreement bills {cycle}, not monthly."));
        }
        _ => {}
    }
    if policy.calendar_year_only && wire.invoicing_cycle != Some(InvoicingCycle::CalendarYear) {
        reasons.push(match &wire.invoicing_cycle {
            Some(cycle) => format!("The agreement's invoicing cycle is {cycle}, not CalendarYear."),
            None => "The agreement's invoicing cycle is not known.".to_owned(),
        });
    }
    reasons
}

/// An addition as a line.
pub(super) fn line(
    wire: &Addition,
    currency: Option<Currency>,
    cancelled_date: CancelledDateMeaning,
    marker: &MarkerPlacement,
) -> Result<AgreementLine> {
    const RECORD: &str = "addition";
    let id = required(wire.id.as_ref(), RECORD, None, "id")?;
    let product = id_of(wire.product.as_ref());
    let product = required(product.as_ref(), RECORD, Some(id), "product/id")?;
    // An absent quantity is not zero: nothing is known of the line.
    let quantity = required(wire.quantity.as_ref(), RECORD, Some(id), "quantity")?;
    let money = |amount: Option<Decimal>| {
        amount.map(|amount| match currency {
            Some(currency) => Money::new(amount, currency),
            None => Money::without_currency(amount),
        })
    };
    let date =
        |text: Option<&String>, field| date(text.map(String::as_str), RECORD, Some(id), field);
    let mut line = AgreementLine::new(id.to_string(), product.to_string(), Quantity::new(quantity));
    line.state.unit_cost = money(wire.unit_cost);
    line.state.unit_price = money(wire.unit_price);
    line.state.effective = date(wire.effective_date.as_ref(), "effectiveDate")?;
    line.state.last_day = date(wire.cancelled_date.as_ref(), "cancelledDate")?
        .map(|cancelled| cancelled_date.last_day(cancelled));
    let prorated = Prorated {
        unit_price: money(wire.prorate_price),
        price: money(wire.extended_prorate_price),
        unit_cost: money(wire.prorate_cost),
        cost: money(wire.extended_prorate_cost),
    };
    line.state.prorated = (prorated != Prorated::default()).then(|| Box::new(prorated));
    line.marker = marker.read(wire);
    line.revision = wire
        .info
        .as_ref()
        .and_then(|info| info.last_updated.clone());
    Ok(line)
}

/// Whether two amounts are the same, an unsaid currency aside.
pub(super) fn same_amount(a: Option<&Money>, b: Option<&Money>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.amount == b.amount && !a.is_unlike(b),
        (None, None) => true,
        _ => false,
    }
}
