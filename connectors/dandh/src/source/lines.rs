//! The charges and subscriptions of one company as usage lines.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use tallyline_core::model::{
    BillingCycle, ChargeKind, Commitment, Currency, Money, Period, Quantity, ServiceKey, Timestamp,
    UsageLine,
};
use tallyline_core::{Error, ErrorKind, Result};

use super::book::ChargeBook;
use super::month::{Month, Span};
use super::quantity::{Count, Evidence, QuantityPolicy, is_credit};
use crate::client::CONNECTOR;
use crate::models::{
    AccountState, ServiceCharge, Subscription, SubscriptionPriceableItem, civil_date,
};

/// What was observed of one company.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub(super) lines: Vec<UsageLine>,
    /// Services about which nothing can be said, each with the reason.
    pub(super) unobserved: BTreeMap<ServiceKey, String>,
}

/// One price of one subscription: subscription, technical name of the product, price.
type Place<'a> = (i64, &'a str, Option<i64>);

/// What a service is mapped by: its technical name and the price, since one service may be charged
/// by several.
pub(super) fn service_key(service_id: &str, item: Option<i64>) -> ServiceKey {
    match item {
        Some(item) => format!("{service_id}/{item}").into(),
        None => service_id.into(),
    }
}

/// How often a price is charged.
pub(super) fn cycle_of(kind: Option<&str>, prepaid_months: Option<i64>) -> BillingCycle {
    let monthly = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Monthly"));
    match prepaid_months {
        Some(2) => BillingCycle::BiMonthly,
        Some(3) => BillingCycle::Quarterly,
        Some(6) => BillingCycle::SemiAnnual,
        Some(12) => BillingCycle::Yearly,
        None | Some(..=1) if monthly => BillingCycle::Monthly,
        _ => BillingCycle::Unknown,
    }
}

fn protocol(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, message).with_connector(CONNECTOR)
}

/// The charges of a company by place.
#[derive(Default)]
struct Sorted<'a> {
    recurring: BTreeMap<Place<'a>, Vec<&'a ServiceCharge>>,
    setup: BTreeMap<Place<'a>, Vec<&'a ServiceCharge>>,
    credits: BTreeMap<Place<'a>, Vec<&'a ServiceCharge>>,
}

impl<'a> Sorted<'a> {
    fn new(charges: &'a [ServiceCharge]) -> Result<Self> {
        let mut sorted = Self::default();
        for (at, charge) in charges.iter().enumerate() {
            let (Some(subscription), Some(service)) = (charge.account_id, &charge.service_id)
            else {
                let missing = "a charge names no subscription or no service";
                return Err(protocol(missing).with_json_path(format!("Charges[{at}]")));
            };
            let place = (subscription, service.as_str(), charge.priceable_item_id);
            let kind = if is_credit(charge) {
                &mut sorted.credits
            } else if charge.is_setup() {
                &mut sorted.setup
            } else {
                &mut sorted.recurring
            };
            kind.entry(place).or_default().push(charge);
        }
        Ok(sorted)
    }
}

/// The subscriptions of a company by id. One that comes twice counts once.
fn by_id(company: i64, found: Vec<Subscription>) -> Result<BTreeMap<i64, Subscription>> {
    let mut own: BTreeMap<i64, Subscription> = BTreeMap::new();
    for subscription in found {
        // What another company owns is read with that one.
        if subscription
            .company_account_id
            .is_some_and(|owner| owner != company)
        {
            continue;
        }
        let id = subscription.account_id;
        if own.get(&id).is_some_and(|known| *known != subscription) {
            let error = protocol("one subscription is listed twice, and differently");
            return Err(error.with_context("subscription", id.to_string()));
        }
        own.insert(id, subscription);
    }
    Ok(own)
}

/// Puts together what a company is charged and what it has.
pub(super) fn observe(
    company: i64,
    charges: &[ServiceCharge],
    subscriptions: Vec<Subscription>,
    book: &ChargeBook,
    policy: QuantityPolicy,
    now: Timestamp,
) -> Result<Observed> {
    let sorted = Sorted::new(charges)?;
    let own = by_id(company, subscriptions)?;
    let mut observing = Observing {
        company,
        book,
        found: Observed::default(),
    };
    for (place, charges) in &sorted.recurring {
        let subscription = own.get(&place.0);
        let credited = sorted.credits.contains_key(place);
        observing.charged(*place, charges, subscription, credited, policy);
    }
    for (kind, places) in [
        (ChargeKind::Setup, &sorted.setup),
        (ChargeKind::Credit, &sorted.credits),
    ] {
        for (place, charges) in places {
            observing.once(kind, *place, charges);
        }
    }
    let charged: BTreeSet<i64> = sorted.recurring.keys().map(|place| place.0).collect();
    let credited: BTreeSet<i64> = sorted.credits.keys().map(|place| place.0).collect();
    for (id, subscription) in &own {
        if !charged.contains(id) {
            observing.not_charged(subscription, credited.contains(id))?;
        }
    }
    let mut found = observing.found;
    if book.is_uncertain(now) {
        let words = "uncertain: the preview of this Friday may not be generated yet";
        for line in &mut found.lines {
            line.attributes.push(("data_as_of".into(), words.into()));
        }
    }
    found.lines.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

/// A company under observation.
struct Observing<'b> {
    company: i64,
    book: &'b ChargeBook,
    found: Observed,
}

impl Observing<'_> {
    fn line(&self, key: String, place: Place<'_>, quantity: Decimal) -> UsageLine {
        let (subscription, service, item) = place;
        let line = UsageLine::new(key, service_key(service, item), quantity)
            .with_subscription(subscription.to_string())
            .with_vendor_id("CompanyAccountId", self.company.to_string())
            .with_vendor_id("AccountId", subscription.to_string());
        match item {
            Some(item) => line.with_vendor_id("PriceableItemId", item.to_string()),
            None => line,
        }
    }

    /// A price that is charged in the month.
    fn charged(
        &mut self,
        place: Place<'_>,
        charges: &[&ServiceCharge],
        subscription: Option<&Subscription>,
        credited: bool,
        policy: QuantityPolicy,
    ) {
        let item = subscription.and_then(|own| item_of(own, place.2));
        let live = subscription
            .zip(item)
            .and_then(|(own, item)| live_units(own, item));
        let evidence = Evidence {
            charges,
            credited,
            item,
            live,
            month: self.book.month(),
        };
        let shown = place_text(place);
        let (key, quantity, flag) = match evidence.count(policy) {
            Count::Units(units) => (format!("sub:{shown}"), units, None),
            Count::Flat => (format!("sub:{shown}"), Decimal::ONE, Some("flat")),
            // One charge: its amount says what it comes to, and no units are known.
            Count::Metered => (format!("usage:{shown}"), Decimal::ONE, Some("metered")),
            Count::Unclear(reason) => {
                let reason = format!("subscription {}: {reason}", place.0);
                self.unobserved(service_key(place.1, place.2), reason);
                return;
            }
        };
        let metered = flag == Some("metered");
        let kind = charges
            .iter()
            .find_map(|own| own.priceable_item_type.as_deref());
        let prepaid = item.and_then(|item| item.prepaid_period_in_months);
        let mut line = self
            .line(key, place, quantity)
            .with_kind(if metered {
                ChargeKind::Usage
            } else {
                ChargeKind::Recurring
            })
            .with_unit_cost(agreed(charges, |own| own.costs_of_unit))
            .with_unit_price(agreed(charges, |own| own.sales_price_of_unit))
            .with_totals(
                total(charges, |own| own.costs),
                total(charges, |own| own.sales_price),
            )
            .with_period(period(charges, self.book.month()))
            .with_billing_cycle(cycle_of(kind, prepaid))
            .with_commitment(
                subscription
                    .zip(item)
                    .and_then(|(own, item)| commitment(own, item)),
            );
        if metered {
            line.unit = Some("charge".into());
        }
        describe(&mut line, charges);
        let live = match subscription.map(|own| &own.account_state) {
            Some(Some(AccountState::Terminated)) => Some("terminated".to_owned()),
            _ => live.map(|units| units.normalize().to_string()),
        };
        if let Some(live) = live {
            line.attributes.push(("liveQuantity".into(), live.into()));
        }
        if let Some(flag) = flag {
            line.attributes.push((flag.into(), "true".into()));
        }
        self.found.lines.push(line);
    }

    /// Charges that make no quantity that recurs: set-up fees, and what is given back.
    fn once(&mut self, kind: ChargeKind, place: Place<'_>, charges: &[&ServiceCharge]) {
        let mut charges = charges.to_vec();
        let figures = |own: &ServiceCharge| {
            (
                own.actual_charge_interval.clone(),
                own.udrc_value,
                own.costs,
                own.sales_price,
            )
        };
        charges.sort_by_key(|own| figures(own));
        // One that comes twice counts once.
        charges.dedup();
        for (at, charge) in charges.iter().enumerate() {
            let number = match at {
                0 => String::new(),
                at => format!("#{}", at + 1),
            };
            let key = format!("{kind}:{}{number}", place_text(place));
            let one = [*charge];
            let mut line = self
                .line(key, place, charge.udrc_value.unwrap_or(Decimal::ONE))
                .with_kind(kind)
                .with_unit_cost(agreed(&one, |own| own.costs_of_unit))
                .with_unit_price(agreed(&one, |own| own.sales_price_of_unit))
                .with_totals(
                    total(&one, |own| own.costs),
                    total(&one, |own| own.sales_price),
                )
                .with_period(period(&one, self.book.month()))
                .with_billing_cycle(BillingCycle::OneTime);
            describe(&mut line, &one);
            self.found.lines.push(line);
        }
    }

    /// A subscription without a charge in the month: prepaid, terminated, or made since Friday.
    fn not_charged(&mut self, own: &Subscription, credited: bool) -> Result<()> {
        let terminated = own.account_state == Some(AccountState::Terminated);
        let Some(service) = own.service_name.as_deref() else {
            if terminated {
                return Ok(());
            }
            let error = protocol("a subscription names no service");
            return Err(error.with_context("subscription", own.account_id.to_string()));
        };
        let id = own.account_id;
        if terminated {
            for item in items(own) {
                let place = (id, service, item.priceable_item_id);
                let key = format!("sub:{}", place_text(place));
                let mut line = self
                    .line(key, place, Decimal::ZERO)
                    .with_billing_cycle(cycle_of(
                        item.priceable_item_type.as_deref(),
                        item.prepaid_period_in_months,
                    ));
                name(&mut line, own, item);
                self.found.lines.push(line);
            }
            return Ok(());
        }
        let month = self.book.month();
        let reason = if credited {
            // What is given back may be all of it: the seats of this moment are no charge then.
            format!("something is given back in {month}, and nothing is charged")
        } else if self.book.is_closed() {
            format!("it is on no invoice of {month}, and how many there were then is not known")
        } else if own.account_state != Some(AccountState::Active) {
            let state = own.account_state.as_ref().map_or("", AccountState::as_str);
            format!("it is not in the preview of {month}, and its state {state:?} is not known")
        } else {
            match live_item(own) {
                Ok((item, units)) => {
                    self.live(own, service, item, units);
                    return Ok(());
                }
                Err(reason) => format!("it is not in the preview of {month}, and {reason}"),
            }
        };
        let known = items(own).map(|item| service_key(service, item.priceable_item_id));
        let known: Vec<ServiceKey> = known.chain(self.book.keys_of(service).cloned()).collect();
        for key in known {
            self.unobserved(key, format!("subscription {id}: {reason}"));
        }
        Ok(())
    }

    /// An active subscription that the preview does not show: its seats of this moment.
    fn live(
        &mut self,
        own: &Subscription,
        service: &str,
        item: &SubscriptionPriceableItem,
        units: Decimal,
    ) {
        let place = (own.account_id, service, item.priceable_item_id);
        let key = format!("sub:{}", place_text(place));
        let currency = item.currency.as_deref();
        let mut line = self
            .line(key, place, units)
            .with_unit_cost(money(item.purchase_price, currency))
            .with_unit_price(money(item.sales_price, currency))
            .with_billing_cycle(cycle_of(
                item.priceable_item_type.as_deref(),
                item.prepaid_period_in_months,
            ))
            .with_commitment(commitment(own, item));
        name(&mut line, own, item);
        let live = units.normalize().to_string();
        line.attributes.push(("liveQuantity".into(), live.into()));
        line.attributes
            .push(("not_in_preview".into(), "true".into()));
        self.found.lines.push(line);
    }

    /// The smallest reason, so that the vendor's order does not show.
    fn unobserved(&mut self, key: ServiceKey, reason: String) {
        let known = self
            .found
            .unobserved
            .entry(key)
            .or_insert_with(|| reason.clone());
        if reason < *known {
            *known = reason;
        }
    }
}

fn place_text((subscription, _, item): Place<'_>) -> String {
    match item {
        Some(item) => format!("{subscription}:{item}"),
        None => format!("{subscription}:-"),
    }
}

/// The prices of a subscription that recur.
fn items(own: &Subscription) -> impl Iterator<Item = &SubscriptionPriceableItem> {
    own.priceable_items.iter().filter(|item| !item.is_setup())
}

/// The price of an id; the only one that recurs where a charge names none.
fn item_of(own: &Subscription, id: Option<i64>) -> Option<&SubscriptionPriceableItem> {
    match id {
        Some(_) => own
            .priceable_items
            .iter()
            .find(|item| item.priceable_item_id == id),
        None => {
            let mut items = items(own);
            items.next().filter(|_| items.next().is_none())
        }
    }
}

/// The units of this moment.
fn live_units(own: &Subscription, item: &SubscriptionPriceableItem) -> Option<Decimal> {
    match own.account_state {
        Some(AccountState::Terminated) => Some(Decimal::ZERO),
        _ => own.units_of(item),
    }
}

/// The one price per unit of a subscription, and its units; else why they cannot be told.
fn live_item(
    own: &Subscription,
) -> std::result::Result<(&SubscriptionPriceableItem, Decimal), &'static str> {
    let said = |wanted: Option<bool>| -> Vec<&SubscriptionPriceableItem> {
        items(own)
            .filter(|item| item.is_udrc_field == wanted)
            .collect()
    };
    let mut candidates = said(Some(true));
    if candidates.is_empty() {
        candidates = said(None);
    }
    if candidates.len() > 1 {
        candidates.retain(|item| {
            let kind = item.priceable_item_type.as_deref();
            kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Monthly"))
        });
    }
    let [item] = candidates[..] else {
        return Err("which of its prices counts units cannot be told");
    };
    match own.units_of(item) {
        None => Err("its units cannot be told"),
        Some(units) if units < Decimal::ZERO => Err("its units are negative"),
        Some(units) => Ok((item, units)),
    }
}

/// The end of a commitment's term. No floors are stated.
fn commitment(own: &Subscription, item: &SubscriptionPriceableItem) -> Option<Commitment> {
    let months = item.commitement_period_in_months?;
    let end = civil_date(own.contract_end_date.as_deref()?)?;
    (months > 0).then(|| Commitment::new(Some(end), Vec::new()))
}

/// An amount; nothing in a currency that cannot be read.
fn money(amount: Option<Decimal>, currency: Option<&str>) -> Option<Money> {
    let amount = amount?;
    match currency.map(str::parse::<Currency>) {
        Some(Ok(currency)) => Some(Money::new(amount, currency)),
        Some(Err(_)) => None,
        None => Some(Money::without_currency(amount)),
    }
}

/// An amount on which all charges agree.
fn agreed(
    charges: &[&ServiceCharge],
    amount: impl Fn(&ServiceCharge) -> Option<Decimal>,
) -> Option<Money> {
    let mut amounts = charges
        .iter()
        .map(|own| money(amount(own), own.currency.as_deref()));
    let first = amounts.next()??;
    amounts.all(|other| other == Some(first)).then_some(first)
}

/// The exact sum of an amount over charges of one currency; its sign is kept. Nothing where one
/// comes twice.
fn total(
    charges: &[&ServiceCharge],
    amount: impl Fn(&ServiceCharge) -> Option<Decimal>,
) -> Option<Money> {
    let twice = |(at, own): (usize, &&ServiceCharge)| charges[..at].contains(own);
    if charges.iter().enumerate().any(twice) {
        return None;
    }
    let mut amounts = charges
        .iter()
        .map(|own| money(amount(own), own.currency.as_deref()));
    let first = amounts.next()??;
    amounts.try_fold(first, |sum, other| {
        let other = other.filter(|other| other.currency == sum.currency)?;
        let amount = Quantity::new(sum.amount).checked_add(Quantity::new(other.amount))?;
        Some(Money {
            amount: amount.value(),
            ..sum
        })
    })
}

/// From the first day of the charges to their last one, where all can be read.
fn period(charges: &[&ServiceCharge], month: Month) -> Option<Period> {
    let spans: Option<Vec<Span>> = charges
        .iter()
        .map(|own| Span::parse(own.actual_charge_interval.as_deref()?, month))
        .collect();
    let spans = spans?;
    let from = spans.iter().map(|span| span.from).min()?;
    let to = spans.iter().map(|span| span.to).max()?;
    Span { from, to }.period()
}

fn push(line: &mut UsageLine, texts: &[(&str, Option<&String>)]) {
    for (name, text) in texts {
        if let Some(text) = text {
            line.attributes.push(((*name).into(), text.as_str().into()));
        }
    }
}

/// What charges say about themselves.
fn describe(line: &mut UsageLine, charges: &[&ServiceCharge]) {
    let Some(first) = charges
        .iter()
        .min_by_key(|own| own.actual_charge_interval.clone())
    else {
        return;
    };
    push(
        line,
        &[
            ("ServiceName", first.service_name.as_ref()),
            (
                "PriceableItemDescription",
                first.priceable_item_description.as_ref(),
            ),
            ("PriceableItemType", first.priceable_item_type.as_ref()),
            ("ProductNumber", first.product_number.as_ref()),
            ("VendorReference", first.vendor_reference.as_ref()),
        ],
    );
    let intervals: BTreeSet<&String> = charges
        .iter()
        .filter_map(|own| own.actual_charge_interval.as_ref())
        .collect();
    for interval in intervals {
        push(line, &[("ActualChargeInterval", Some(interval))]);
    }
}

/// What a subscription says about itself.
fn name(line: &mut UsageLine, own: &Subscription, item: &SubscriptionPriceableItem) {
    push(
        line,
        &[
            ("ServiceName", own.service_display_name.as_ref()),
            (
                "PriceableItemDescription",
                item.priceable_item_description.as_ref(),
            ),
            ("PriceableItemType", item.priceable_item_type.as_ref()),
            ("ProductNumber", item.product_number.as_ref()),
            ("VendorReference", own.vendor_reference_id.as_ref()),
        ],
    );
}
