//! One line of a bill as a usage line, and as an entry of the list of services.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use tallyline_core::model::{
    BillKey, BillingCycle, ChargeKind, Money, Period, Service, ServiceKey, UsageLine,
};

use super::CloudmoreSource;
use crate::fields::{BillLine, LineKind};

/// Why a prepaid year is not synced as it is.
const PREPAID_YEAR: &str = "it is prepaid for a year: its quantity does not recur monthly";

/// A period of fewer days than this is a piece of a cycle: no billing cycle is shorter than a month.
const SHORTEST_MONTH: i32 = 28;

/// What a line charges for; nothing where it says so in an unknown word.
pub(super) fn kind_of(line: &BillLine, source: &CloudmoreSource) -> Option<ChargeKind> {
    let kind = match line.kind? {
        LineKind::Usage => ChargeKind::Usage,
        LineKind::CycleFee if source.is_usage(line) => ChargeKind::Usage,
        LineKind::CycleFee if is_piece(line.period) => ChargeKind::Proration,
        LineKind::CycleFee => ChargeKind::Recurring,
        LineKind::ProRate => ChargeKind::Proration,
        LineKind::Other | LineKind::Manual => ChargeKind::Setup,
    };
    let negative = |value: Decimal| value < Decimal::ZERO;
    let totals = [line.cost_total, line.price_total];
    if negative(line.quantity) || totals.into_iter().flatten().any(negative) {
        return Some(ChargeKind::Credit);
    }
    Some(kind)
}

fn is_piece(period: Option<Period>) -> bool {
    period.is_some_and(|period| period.start().days_until(period.end()) + 1 < SHORTEST_MONTH)
}

/// What the line is mapped by: the SKU, else the product, else the service. Consumption is mapped by
/// the service: meters are many, and one bill gives one charge.
pub(super) fn service_key(line: &BillLine, kind: ChargeKind) -> ServiceKey {
    let product = match kind {
        ChargeKind::Usage => None,
        _ => line.sku.as_deref().or(line.product_id.as_deref()),
    };
    match (product, line.service()) {
        (Some(product), _) => product.into(),
        (None, service) => format!("service:{}", service.unwrap_or("-")).into(),
    }
}

/// The cycle that a period is one of.
pub(super) fn cycle_of(period: Option<Period>) -> BillingCycle {
    let Some(period) = period else {
        return BillingCycle::Unknown;
    };
    let next = period.end().plus_days(1);
    let cycles = [
        (1, BillingCycle::Monthly),
        (3, BillingCycle::Quarterly),
        (6, BillingCycle::SemiAnnual),
        (12, BillingCycle::Yearly),
    ];
    cycles
        .into_iter()
        .find(|(months, _)| period.start().plus_months(*months) == next)
        .map_or(BillingCycle::Unknown, |(_, cycle)| cycle)
}

/// The subscription: the supplier's id where it is known, else Cloudmore's.
fn subscription_of(line: &BillLine) -> Option<&str> {
    let external = line.external_subscription_id.as_deref();
    external.or(line.subscription_id.as_deref())
}

/// What stays the same of a recurring line from bill to bill.
pub(super) fn recurring_key(line: &BillLine) -> String {
    let key = service_key(line, ChargeKind::Recurring);
    match line.subscription_id.as_deref().or(subscription_of(line)) {
        Some(subscription) => format!("sub:{subscription}:{key}"),
        None => format!("service:{}:{key}", line.service().unwrap_or("-")),
    }
}

fn line_key(line: &BillLine, kind: ChargeKind) -> String {
    if kind == ChargeKind::Recurring {
        return recurring_key(line);
    }
    if let Some(id) = &line.line_id {
        return format!("line:{id}");
    }
    let product = line.sku.as_deref().or(line.product_id.as_deref());
    format!(
        "bill:{}:{}:{}:{}:{kind}",
        line.billing_date,
        line.service().unwrap_or("-"),
        subscription_of(line).unwrap_or("-"),
        product.unwrap_or("-"),
    )
}

/// A line of a bill as a usage line.
pub(super) fn usage_line(line: &BillLine, kind: ChargeKind) -> UsageLine {
    let money = |amount: Option<Decimal>| amount.map(|amount| Money::new(amount, line.currency));
    let mut usage = UsageLine::new(line_key(line, kind), service_key(line, kind), line.quantity)
        .with_kind(kind)
        .with_unit_cost(money(line.unit_cost))
        .with_unit_price(money(line.unit_price))
        .with_totals(money(line.cost_total), money(line.price_total))
        .with_bill(Some(BillKey::new(
            line.service().unwrap_or("-"),
            line.billing_date,
        )))
        .with_period(line.period)
        .with_billing_cycle(match kind {
            ChargeKind::Recurring => cycle_of(line.period),
            ChargeKind::Setup => BillingCycle::OneTime,
            _ => BillingCycle::Unknown,
        });
    if let Some(subscription) = subscription_of(line) {
        usage = usage.with_subscription(subscription);
    }
    let ids = [
        ("organizationId", Some(&line.organization_id)),
        ("serviceId", line.service_id.as_ref()),
        ("subscriptionId", line.subscription_id.as_ref()),
        (
            "externalSubscriptionId",
            line.external_subscription_id.as_ref(),
        ),
        ("productId", line.product_id.as_ref()),
        ("lineId", line.line_id.as_ref()),
    ];
    for (name, id) in ids {
        if let Some(id) = id {
            usage = usage.with_vendor_id(name, id.as_str());
        }
    }
    let texts = [
        ("serviceName", &line.service_name),
        ("productName", &line.product_name),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            usage.attributes.push((name.into(), text.as_str().into()));
        }
    }
    usage
}

/// All that a line says about its charge, as one text: two lines with one text say the same.
pub(super) fn says(line: &BillLine) -> String {
    let shown = |value: Option<Decimal>| value.map(|value| value.normalize().to_string());
    format!(
        "{:?}",
        (
            (
                line.service(),
                &line.subscription_id,
                &line.external_subscription_id
            ),
            (
                &line.product_id,
                &line.sku,
                &line.line_id,
                line.kind,
                line.cancelled
            ),
            (
                line.billing_date,
                line.period,
                line.quantity.normalize().to_string()
            ),
            (shown(line.unit_cost), shown(line.unit_price)),
            (shown(line.cost_total), shown(line.price_total)),
            line.currency.as_str(),
        )
    )
}

/// The services found so far, by key.
#[derive(Default)]
pub(super) struct Catalog(BTreeMap<ServiceKey, Entry>);

#[derive(Default)]
struct Entry {
    name: Option<String>,
    cycles: BTreeSet<BillingCycle>,
    once: bool,
}

impl Catalog {
    pub(super) fn add(&mut self, line: &BillLine, source: &CloudmoreSource) {
        let Some(kind) = kind_of(line, source) else {
            return;
        };
        let key = service_key(line, kind);
        let by_product = !key.as_str().starts_with("service:");
        let entry = self.0.entry(key).or_default();
        let product = line.product_name.as_ref().filter(|_| by_product);
        let name = product.or(line.service_name.as_ref());
        entry.name = entry.name.take().or_else(|| name.cloned());
        match kind {
            ChargeKind::Recurring => {
                entry.cycles.insert(cycle_of(line.period));
            }
            ChargeKind::Setup => entry.once = true,
            _ => {}
        }
    }

    pub(super) fn services(self) -> impl Iterator<Item = Service> {
        self.0.into_iter().map(|(key, entry)| {
            let cycle = match (entry.cycles.len(), entry.cycles.first()) {
                (1, Some(cycle)) => *cycle,
                (0, _) if entry.once => BillingCycle::OneTime,
                _ => BillingCycle::Unknown,
            };
            let name = entry.name.unwrap_or_else(|| key.to_string());
            let service = Service::new(key, name).with_billing_cycle(cycle);
            if cycle == BillingCycle::Yearly {
                service.with_not_syncable(PREPAID_YEAR)
            } else {
                service
            }
        })
    }
}
