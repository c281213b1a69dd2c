//! From wire types to the model. No I/O, no clock.

use std::collections::HashMap;

use rust_decimal::{Decimal, RoundingStrategy};
use tallyline_core::model::{
    Agreement, AgreementKey, AgreementLine, BillingCycle, CivilDate, Company, Currency,
    Eligibility, LineState, Money, Product,
};
use tallyline_core::{Error, ErrorKind, Result};

use super::lookup::ContractKey;
use super::make::no_cycle;
use super::period::{PeriodGrid, Periods};
use super::units::Units;
use crate::client::{CONNECTOR, Picklist};
use crate::models::{
    self, ContractService, PicklistValue, Service, civil_date, contract_status, contract_type,
    period_type,
};

/// Which contracts may be synced onto.
///
/// A contract that is not a recurring service contract, is not active, has ended, or whose
/// billing period is not known is never eligible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EligibilityPolicy {
    /// Only contracts that bill monthly.
    pub monthly_only: bool,
}

impl Default for EligibilityPolicy {
    fn default() -> Self {
        Self { monthly_only: true }
    }
}

/// From when a change counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EffectiveDays {
    /// From the first day of the next billing period that is not posted: nothing is prorated.
    /// Quantities are read as of that day, so that a change that is already there is not planned
    /// again.
    #[default]
    NextPeriod,
    /// From the first day of the first billing period that is not posted, the running one included:
    /// a vendor that bills in advance has billed it. Nothing is prorated. Quantities are read as of
    /// that day.
    OpenPeriod,
    /// From the day of the plan: the system bills the part of the period as an item of its own,
    /// also in a period that is posted. Quantities are read as of the present day.
    Prorated,
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
    text.map(|text| {
        civil_date(text).map_err(|error| unreadable(record, id, field, error.message()))
    })
    .transpose()
}

/// A company; inactive ones are not eligible.
pub(super) fn company(wire: &models::Company) -> Result<Company> {
    let id = required(wire.id.as_ref(), "company", None, "id")?;
    let name = required(
        wire.company_name.as_ref(),
        "company",
        Some(id),
        "companyName",
    )?;
    let mut reasons = Vec::new();
    if wire.is_active == Some(false) {
        reasons.push("The company is inactive in the PSA.".to_owned());
    }
    Ok(Company::new(id.to_string(), name)
        .with_identifier(wire.company_number.clone())
        .with_eligibility(Eligibility::from_reasons(reasons)))
}

/// A product: a service. Inactive ones are not eligible.
///
/// Its vendor is the company that it names, else the manufacturer. Its period is known by the values
/// that one client in the field has seen: one that is not among them speaks against nothing.
pub(super) fn product(
    wire: &Service,
    vendors: &HashMap<i64, String>,
    policy: EligibilityPolicy,
) -> Result<Product> {
    let id = required(wire.id.as_ref(), "service", None, "id")?;
    let name = required(wire.name.as_ref(), "service", Some(id), "name")?;
    let mut reasons = Vec::new();
    if wire.is_active == Some(false) {
        reasons.push("The service is inactive.".to_owned());
    }
    match wire.period_type.as_ref().map(by_value) {
        None | Some(BillingCycle::Monthly | BillingCycle::Unknown) => {}
        Some(cycle) if policy.monthly_only => {
            reasons.push(format!("The service is billed {cycle}, not monthly."));
        }
        Some(_) => {}
    }
    let identifier = wire.sku.as_ref().or(wire.external_id.as_ref());
    let identifier = identifier.unwrap_or(&name).clone();
    let mut product = Product::new(id.to_string(), identifier, name);
    let vendor = wire.vendor_company_id.and_then(|id| vendors.get(&id));
    product.vendor = vendor
        .or(wire.manufacturer_service_provider.as_ref())
        .cloned();
    product.vendor_sku = wire
        .sku
        .clone()
        .or_else(|| wire.manufacturer_service_provider_product_number.clone());
    product.unit_price = wire.unit_price.map(Money::without_currency);
    product.unit_cost = wire.unit_cost.map(Money::without_currency);
    product.eligibility = Eligibility::from_reasons(reasons);
    Ok(product)
}

/// What the tenant calls its billing periods.
pub(super) struct Cycles(pub(super) Option<Picklist>);

impl Cycles {
    /// The cycle of a value: by the tenant's own label; by the known values only where the tenant
    /// names none, and for the letters of old data.
    pub(super) fn of(&self, value: Option<&PicklistValue>) -> BillingCycle {
        let Some(value) = value else {
            return BillingCycle::Unknown;
        };
        match self.0.as_ref().and_then(|list| list.label(value)) {
            Some(label) => by_label(label),
            None => by_value(value),
        }
    }

    /// The value of a cycle: the tenant's own, or the known one where the tenant names none.
    pub(super) fn value_of(&self, cycle: BillingCycle) -> Result<PicklistValue> {
        let Some(list) = &self.0 else {
            let value = match cycle {
                BillingCycle::Monthly => period_type::MONTHLY,
                BillingCycle::Quarterly => period_type::QUARTERLY,
                BillingCycle::SemiAnnual => period_type::SEMI_ANNUAL,
                BillingCycle::Yearly => period_type::YEARLY,
                _ => return Err(no_cycle(cycle)),
            };
            return Ok(value.into());
        };
        let mut values = list.entries().iter().filter_map(|entry| {
            let means = entry
                .label
                .as_deref()
                .is_some_and(|label| by_label(label) == cycle);
            let usable = means && cycle.months().is_some() && entry.is_active != Some(false);
            entry.value.clone().filter(|_| usable)
        });
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(no_cycle(cycle)),
        }
    }
}

fn by_label(label: &str) -> BillingCycle {
    let letters: String = label
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    match letters.as_str() {
        "monthly" | "month" => BillingCycle::Monthly,
        "quarterly" | "quarter" => BillingCycle::Quarterly,
        "semiannual" | "semiannually" | "halfyearly" => BillingCycle::SemiAnnual,
        "yearly" | "year" | "annual" | "annually" => BillingCycle::Yearly,
        "onetime" => BillingCycle::OneTime,
        _ => BillingCycle::Unknown,
    }
}

fn by_value(value: &PicklistValue) -> BillingCycle {
    match value.as_number() {
        Some(period_type::MONTHLY) => BillingCycle::Monthly,
        Some(period_type::QUARTERLY) => BillingCycle::Quarterly,
        Some(period_type::SEMI_ANNUAL) => BillingCycle::SemiAnnual,
        Some(period_type::YEARLY) => BillingCycle::Yearly,
        Some(_) => BillingCycle::Unknown,
        None => match value.as_str() {
            "m" | "M" => BillingCycle::Monthly,
            "q" | "Q" => BillingCycle::Quarterly,
            "s" | "S" => BillingCycle::SemiAnnual,
            "y" | "Y" => BillingCycle::Yearly,
            _ => BillingCycle::Unknown,
        },
    }
}

/// A contract as far as changes depend on it.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) id: i64,
    pub(super) company: i64,
    pub(super) name: String,
    pub(super) recurring: bool,
    pub(super) active: bool,
    pub(super) start: Option<CivilDate>,
    pub(super) end: Option<CivilDate>,
    pub(super) cycle: BillingCycle,
    /// What it is recognised by, where it carries that.
    pub(super) key: Option<AgreementKey>,
}

impl Frame {
    pub(super) fn of(
        wire: &models::Contract,
        cycles: &Cycles,
        key: Option<&ContractKey>,
    ) -> Result<Self> {
        const RECORD: &str = "contract";
        let id = required(wire.id.as_ref(), RECORD, None, "id")?;
        let kind = required(
            wire.contract_type.as_ref(),
            RECORD,
            Some(id),
            "contractType",
        )?;
        let date =
            |text: Option<&String>, field| date(text.map(String::as_str), RECORD, Some(id), field);
        Ok(Self {
            id,
            company: required(wire.company_id.as_ref(), RECORD, Some(id), "companyID")?,
            name: required(
                wire.contract_name.as_ref(),
                RECORD,
                Some(id),
                "contractName",
            )?,
            recurring: kind == contract_type::RECURRING_SERVICE,
            active: wire
                .status
                .as_ref()
                .is_some_and(|status| *status == contract_status::ACTIVE),
            start: date(wire.start_date.as_ref(), "startDate")?,
            end: date(wire.end_date.as_ref(), "endDate")?,
            cycle: cycles.of(wire.contract_period_type.as_ref()),
            key: key.and_then(|key| key.value_in(wire)).map(Into::into),
        })
    }

    pub(super) fn periods(&self, grid: PeriodGrid) -> Option<Periods> {
        Periods::new(self.start?, self.cycle, grid)
    }

    pub(super) fn has_ended(&self, today: CivilDate) -> bool {
        self.end.is_some_and(|end| end < today)
    }

    /// The first day of the first period that a change may count from: of those that are not
    /// posted the next one or, where that is wished for, the one that holds the present day.
    pub(super) fn next_open(
        &self,
        rules: Rules,
        today: CivilDate,
        posted_until: Option<CivilDate>,
    ) -> Option<CivilDate> {
        let periods = self.periods(rules.grid)?;
        let first = if rules.days == EffectiveDays::OpenPeriod {
            periods.holding(today)
        } else {
            periods.first_after(today)
        };
        // A row may end on the day on which the next one starts: of that period it is none.
        let closed = posted_until.map(|posted| {
            if periods.begins_on(posted) {
                posted.plus_days(-1)
            } else {
                posted
            }
        });
        let open = closed.map(|posted| periods.first_after(posted));
        Some(open.map_or(first, |open| open.max(first)))
    }

    /// The first day about which it matters what is posted.
    pub(super) fn posted_from(&self, rules: Rules, today: CivilDate) -> CivilDate {
        let running = self
            .periods(rules.grid)
            .filter(|_| rules.days == EffectiveDays::OpenPeriod)
            .map(|periods| periods.holding(today));
        running.map_or(today, |running| running.min(today))
    }

    /// The day whose quantities are compared with the vendor's: the first on which a change
    /// planned today would count.
    pub(super) fn reading_day(
        &self,
        rules: Rules,
        today: CivilDate,
        posted_until: Option<CivilDate>,
    ) -> CivilDate {
        let begun = self.start.map_or(today, |start| start.max(today));
        if rules.days == EffectiveDays::Prorated {
            return begun;
        }
        let next = self.next_open(rules, today, posted_until).unwrap_or(begun);
        // In the last period there is no next one.
        if self.end.is_some_and(|end| end < next) {
            begun
        } else {
            next
        }
    }
}

/// What the reading of contracts depends on beside them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) policy: EligibilityPolicy,
    pub(super) days: EffectiveDays,
    pub(super) grid: PeriodGrid,
    pub(super) currency: Option<Currency>,
}

/// A contract with every reason against it.
pub(super) fn agreement(
    frame: &Frame,
    rules: Rules,
    today: CivilDate,
    posted_until: Option<CivilDate>,
) -> Agreement {
    let mut agreement = Agreement::new(
        frame.id.to_string(),
        frame.company.to_string(),
        frame.name.as_str(),
    );
    agreement.key.clone_from(&frame.key);
    agreement.currency = rules.currency;
    agreement.start = frame.start;
    agreement.end = frame.end;
    agreement.bill_start = frame.start;
    agreement.billing_cycle = frame.cycle;
    agreement.next_invoice = frame.next_open(rules, today, posted_until);
    agreement.counts_from = agreement
        .next_invoice
        .filter(|_| rules.days == EffectiveDays::OpenPeriod);
    agreement.prorates = Some(rules.days == EffectiveDays::Prorated);
    agreement.eligibility =
        Eligibility::from_reasons(reasons(frame, rules, today, agreement.next_invoice));
    agreement
}

fn reasons(frame: &Frame, rules: Rules, today: CivilDate, next: Option<CivilDate>) -> Vec<String> {
    if !frame.recurring {
        return vec!["The contract is not a recurring service contract.".to_owned()];
    }
    let mut reasons = Vec::new();
    if !frame.active {
        reasons.push(
            "The contract's status is not Active; it goes on billing until its end date."
                .to_owned(),
        );
    }
    match (frame.start, frame.end) {
        (Some(_), Some(end)) if end < today => {
            reasons.push(format!("The contract ended on {end}."));
        }
        (Some(_), Some(end)) => {
            let last = rules.days != EffectiveDays::Prorated && next.is_some_and(|next| end < next);
            if last {
                reasons.push(format!(
                    "The contract ends on {end}, before another open billing period begins: extend \
                     it, or sync onto the one that renews it."
                ));
            }
        }
        _ => reasons.push("The contract's first or last day is not known.".to_owned()),
    }
    match frame.cycle {
        BillingCycle::Monthly => {}
        BillingCycle::Unknown => {
            reasons.push("The contract's billing period is not known.".to_owned());
        }
        BillingCycle::OneTime => {
            reasons.push("The contract's billing period is not recurring.".to_owned());
        }
        cycle if rules.policy.monthly_only => {
            reasons.push(format!("The contract bills {cycle}, not monthly."));
        }
        _ => {}
    }
    reasons
}

/// A service on a contract as a line, with the units in force on a day.
pub(super) fn line(
    wire: &ContractService,
    units: &Units,
    day: CivilDate,
    currency: Option<Currency>,
) -> Result<AgreementLine> {
    const RECORD: &str = "contract service";
    let id = required(wire.id.as_ref(), RECORD, None, "id")?;
    let service = required(wire.service_id.as_ref(), RECORD, Some(id), "serviceID")?;
    let mut line = AgreementLine::new(id.to_string(), service.to_string(), units.quantity_on(day));
    line.state = state(wire, units, day, currency);
    Ok(line)
}

/// The state of a line on a day.
pub(super) fn state(
    wire: &ContractService,
    units: &Units,
    day: CivilDate,
    currency: Option<Currency>,
) -> LineState {
    let money = |amount: Option<Decimal>| {
        amount.map(|amount| match currency {
            Some(currency) => Money::new(amount, currency),
            None => Money::without_currency(amount),
        })
    };
    LineState {
        quantity: units.quantity_on(day),
        unit_cost: money(wire.unit_cost),
        unit_price: money(unit_price(wire)),
        last_day: units.last_day(day),
        ..LineState::default()
    }
}

/// Amounts, and quantities of charges, are kept with four decimals: what has more is rounded without a word.
pub(super) const DIGITS: u32 = 4;

/// The price per unit after adjustments, in the client's currency.
///
/// Where the system does not answer it, it follows from the figures in the internal currency.
fn unit_price(wire: &ContractService) -> Option<Decimal> {
    if wire.adjusted_price.is_some() {
        return wire.adjusted_price;
    }
    let (Some(adjusted), Some(standard), Some(unit)) = (
        wire.internal_currency_adjusted_price,
        wire.internal_currency_unit_price,
        wire.unit_price,
    ) else {
        return wire.unit_price;
    };
    if standard == unit {
        return Some(adjusted);
    }
    if adjusted.is_zero() {
        return Some(Decimal::ZERO);
    }
    // The rate is not known where one of the standard prices is nothing.
    if unit.is_zero() || standard.is_zero() {
        return None;
    }
    let exact = adjusted.checked_mul(unit)?.checked_div(standard)?;
    Some(
        exact
            .round_dp_with_strategy(DIGITS, RoundingStrategy::MidpointAwayFromZero)
            .normalize(),
    )
}

/// Whether two amounts are the same, an unsaid currency aside.
pub(super) fn same_amount(a: Option<&Money>, b: Option<&Money>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.amount == b.amount && !a.is_unlike(b),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> CivilDate {
        text.parse().unwrap()
    }

    fn contract(kind: i64, status: i64, period: i64, end: &str) -> Frame {
        let wire = models::Contract {
            id: Some(71),
            company_id: Some(0),
            contract_name: Some("Cloud".to_owned()),
            contract_type: Some(kind.into()),
            status: Some(status.into()),
            start_date: Some("2026-01-17T00:00:00".to_owned()),
            end_date: Some(format!("{end}T00:00:00")),
            contract_period_type: Some(period.into()),
            ..models::Contract::default()
        };
        Frame::of(&wire, &Cycles(None), None).unwrap()
    }

    const RULES: Rules = Rules {
        policy: EligibilityPolicy { monthly_only: true },
        days: EffectiveDays::NextPeriod,
        grid: PeriodGrid::ContractStart,
        currency: None,
    };

    fn reasons_of(frame: &Frame) -> Vec<String> {
        let found = agreement(frame, RULES, day("2026-03-15"), None);
        found.eligibility.reasons().to_vec()
    }

    #[test]
    fn a_contract_is_eligible_or_says_why_not() {
        assert!(reasons_of(&contract(7, 1, 2, "2026-12-31")).is_empty());
        for (frame, part) in [
            (
                contract(1, 1, 2, "2026-12-31"),
                "not a recurring service contract",
            ),
            (
                contract(7, 0, 2, "2026-12-31"),
                "goes on billing until its end date",
            ),
            (contract(7, 1, 2, "2026-03-14"), "ended on 2026-03-14"),
            (
                contract(7, 1, 2, "2026-03-16"),
                "before another open billing period begins",
            ),
            (contract(7, 1, 5, "2026-12-31"), "not monthly"),
            (
                contract(7, 1, 9, "2026-12-31"),
                "billing period is not known",
            ),
        ] {
            let reasons = reasons_of(&frame);
            assert!(
                reasons.iter().any(|reason| reason.contains(part)),
                "{reasons:?}"
            );
        }
    }

    #[test]
    fn the_next_open_period_comes_after_today_and_after_what_is_posted() {
        let frame = contract(7, 1, 2, "2026-12-31");
        let next = |posted: Option<&str>| {
            let posted = posted.map(day);
            frame.next_open(RULES, day("2026-03-15"), posted).unwrap()
        };
        assert_eq!(next(None), day("2026-03-17"));
        assert_eq!(next(Some("2026-02-16")), day("2026-03-17"));
        assert_eq!(next(Some("2026-04-16")), day("2026-04-17"));
    }

    #[test]
    fn a_posted_row_that_ends_where_a_period_begins_does_not_close_that_period() {
        let frame = contract(7, 1, 2, "2026-12-31");
        for (days, posted, expected) in [
            (EffectiveDays::NextPeriod, "2026-03-17", "2026-03-17"),
            (EffectiveDays::NextPeriod, "2026-04-17", "2026-04-17"),
            (EffectiveDays::NextPeriod, "2026-04-18", "2026-05-17"),
            (EffectiveDays::OpenPeriod, "2026-02-17", "2026-02-17"),
            (EffectiveDays::OpenPeriod, "2026-03-17", "2026-03-17"),
            (EffectiveDays::OpenPeriod, "2026-04-17", "2026-04-17"),
        ] {
            let rules = Rules { days, ..RULES };
            let (today, posted) = (day("2026-03-15"), Some(day(posted)));
            let next = frame.next_open(rules, today, posted);
            assert_eq!(next, Some(day(expected)), "{days:?} {posted:?}");
            assert_eq!(frame.reading_day(rules, today, posted), day(expected));
        }
    }

    #[test]
    fn c14_the_running_period_is_open_until_it_is_posted() {
        let frame = contract(7, 1, 2, "2026-12-31");
        let rules = Rules {
            days: EffectiveDays::OpenPeriod,
            ..RULES
        };
        for (posted, expected) in [
            (None, "2026-02-17"),
            // The row of the period before may be said to end on the day of the next one.
            (Some("2026-02-17"), "2026-02-17"),
            (Some("2026-02-28"), "2026-03-17"),
            (Some("2026-03-16"), "2026-03-17"),
            (Some("2026-04-16"), "2026-04-17"),
        ] {
            let (today, posted) = (day("2026-03-15"), posted.map(day));
            let found = agreement(&frame, rules, today, posted);
            assert_eq!(found.counts_from, Some(day(expected)), "{posted:?}");
            assert_eq!(found.next_invoice, found.counts_from);
            assert_eq!(frame.reading_day(rules, today, posted), day(expected));
        }
        assert_eq!(
            frame.posted_from(rules, day("2026-03-15")),
            day("2026-02-17")
        );
        assert_eq!(
            frame.posted_from(RULES, day("2026-03-15")),
            day("2026-03-15")
        );
    }

    #[test]
    fn quantities_are_read_as_of_the_day_a_change_would_count_from() {
        let frame = contract(7, 1, 2, "2026-12-31");
        let read = |days, today: &str| {
            let rules = Rules { days, ..RULES };
            frame.reading_day(rules, day(today), None)
        };
        assert_eq!(
            read(EffectiveDays::NextPeriod, "2026-03-15"),
            day("2026-03-17")
        );
        assert_eq!(
            read(EffectiveDays::Prorated, "2026-03-15"),
            day("2026-03-15")
        );
        assert_eq!(
            read(EffectiveDays::Prorated, "2025-12-01"),
            day("2026-01-17")
        );
        // In the last period there is no next one to read.
        assert_eq!(
            read(EffectiveDays::NextPeriod, "2026-12-20"),
            day("2026-12-20")
        );
    }

    #[test]
    fn the_price_follows_from_the_internal_currency_where_it_is_not_answered() {
        let decimal = |text: &str| Some(text.parse::<Decimal>().unwrap());
        let mut wire = ContractService {
            unit_price: decimal("9.50"),
            ..ContractService::default()
        };
        assert_eq!(unit_price(&wire), decimal("9.50"));
        wire.internal_currency_unit_price = decimal("9.5000");
        wire.internal_currency_adjusted_price = decimal("8.2500");
        assert_eq!(unit_price(&wire), decimal("8.25"));
        wire.internal_currency_unit_price = decimal("19.00");
        assert_eq!(unit_price(&wire), decimal("4.125"));
        wire.internal_currency_adjusted_price = decimal("0");
        assert_eq!(unit_price(&wire), decimal("0"));
        wire.unit_price = decimal("0");
        wire.internal_currency_adjusted_price = decimal("8.25");
        assert_eq!(unit_price(&wire), None);
        wire.adjusted_price = decimal("7");
        assert_eq!(unit_price(&wire), decimal("7"));
    }

    #[test]
    fn the_tenants_own_labels_name_the_period_before_the_known_values_do() {
        for (label, cycle) in [
            ("Monthly", BillingCycle::Monthly),
            ("Semi-Annual", BillingCycle::SemiAnnual),
            ("One-Time", BillingCycle::OneTime),
            ("Every other moon", BillingCycle::Unknown),
        ] {
            assert_eq!(by_label(label), cycle, "{label}");
        }
        let letter: PicklistValue = serde_json::from_str("\"m\"").unwrap();
        assert_eq!(Cycles(None).of(Some(&letter)), BillingCycle::Monthly);
        assert_eq!(Cycles(None).of(Some(&1.into())), BillingCycle::Unknown);
    }
}
