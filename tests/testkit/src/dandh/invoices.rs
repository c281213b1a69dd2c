//! The preview of the current month, and the invoices of closed ones.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::body::Body;
use super::charges::{self, Month};
use super::fault::fault;
use super::records::AccountKind;
use super::state::{BeforeFirstPreview, DandhState};
use crate::clock::date_of;
use crate::http::SimAnswer;
use crate::json::Json;

/// The last instant at which the preview was generated.
fn last_generation(state: &DandhState, now: Timestamp) -> Timestamp {
    let options = &state.options;
    let today = date_of(now);
    let mut days = (0..8_i64).filter_map(|back| today.checked_sub(back.days()).ok());
    days.find_map(|day| {
        let at = day.at(options.generation_hour, 0, 0, 0);
        let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
        (day.weekday() == options.generation_day && at <= now).then_some(at)
    })
    .unwrap_or(now)
}

/// `GetPreviewInvoices`: the current month as it was known when it was last generated.
pub(super) fn preview(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let now = state.clock.now();
    let generated = last_generation(state, now);
    let (current, shown) = (Month::of(date_of(now)), Month::of(date_of(generated)));
    let exists = current.first == shown.first
        || state.options.before_first_preview == BeforeFirstPreview::LastMonth;
    if !exists {
        context(state, body)?;
        return Ok(Json::Array(Vec::new()));
    }
    invoices(state, body, shown, generated, false)
}

/// `GetLatestInvoices`: the last month that is closed.
pub(super) fn latest(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let month = Month::of(state.clock.today()).before();
    invoices(state, body, month, state.clock.now(), true)
}

/// `GetLatestInvoicesForPeriod`: a closed month. One that is not closed has none.
pub(super) fn of_period(state: &DandhState, body: &Body) -> Result<Json, SimAnswer> {
    let year = body.needed_integer("year")?;
    let month = body.needed_integer("month")?;
    let first = i16::try_from(year)
        .ok()
        .zip(i8::try_from(month).ok())
        .and_then(|(year, month)| Date::new(year, month, 1).ok());
    let Some(first) = first else {
        return Err(fault(500, "The period is not valid."));
    };
    if first >= Month::of(state.clock.today()).first {
        context(state, body)?;
        return Ok(Json::Array(Vec::new()));
    }
    invoices(state, body, Month::of(first), state.clock.now(), true)
}

/// The provider whose prices and clients are wanted.
pub(super) fn context(state: &DandhState, body: &Body) -> Result<i64, SimAnswer> {
    let Some(id) = body.integer("resellerContext")? else {
        return Ok(state.reseller_id);
    };
    let known = state.accounts.get(&id);
    let reseller = known.is_some_and(|account| account.kind == AccountKind::Reseller);
    if !reseller || !state.is_below(id, state.reseller_id) {
        return Err(fault(500, "The reseller context is not valid."));
    }
    Ok(id)
}

fn invoices(
    state: &DandhState,
    body: &Body,
    month: Month,
    known: Timestamp,
    closed: bool,
) -> Result<Json, SimAnswer> {
    let context = context(state, body)?;
    let by_department = body.flag("groupByDepartments")?;
    let mut charges: BTreeMap<(i64, Option<i64>), Vec<Json>> = BTreeMap::new();
    for subscription in state.subscriptions.values() {
        if !state.is_below(subscription.company_id, context) {
            continue;
        }
        let department = subscription.department_id.filter(|_| by_department);
        let own = charges::of_subscription(state, subscription, month, known, context);
        if !own.is_empty() {
            charges
                .entry((subscription.company_id, department))
                .or_default()
                .extend(own);
        }
    }
    let invoices = charges.into_iter().map(|((company, department), charges)| {
        let name = |id: i64| state.accounts.get(&id).map(|account| account.name.clone());
        let account = state.accounts.get(&company);
        let number = if closed {
            format!("{}-{company}", month.first.strftime("%Y%m"))
        } else {
            String::new()
        };
        Json::object()
            .with("BillingInterval", month.interval())
            .with("CompanyAccountId", company)
            .with("CompanyName", name(company))
            .with(
                "CustomerId",
                account.map(|account| account.customer_id.clone()),
            )
            .with(
                "CompanyVatId",
                account.map(|account| account.vat_id.clone()),
            )
            .with_some("DepartmentName", department.and_then(name))
            .with("InvoiceNumber", number)
            .with("Salesman", "")
            .with("ResellerContractId", "")
            .with("Charges", Json::Array(charges))
    });
    Ok(Json::Array(invoices.collect()))
}
