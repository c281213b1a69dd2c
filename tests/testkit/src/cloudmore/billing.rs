//! How bills come about: quantities in advance with their proration as lines of its own, consumption in arrears.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use rust_decimal::{Decimal, RoundingStrategy};

use super::records::{
    Bill, BillLine, CANCELLED, LineKind, ManualLine, Product, Service, Subscription, Usage,
};
use super::state::CloudmoreState;
use crate::json::Json;

fn moved(day: Date, span: Span) -> Date {
    day.checked_add(span).unwrap_or(day)
}

fn day_before(day: Date) -> Date {
    day.yesterday().unwrap_or(day)
}

/// How many days from one to another, both counted.
fn days(from: Date, to: Date) -> Decimal {
    let days = from.until(to).map_or(0, |span| i64::from(span.get_days()));
    Decimal::from(days + 1)
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

impl CloudmoreState {
    /// Makes the bills of a day for every service, as the billing run of that day does, and gives their number. Bills of
    /// that day made before are made anew.
    pub fn generate_bills(&mut self, on: Date) -> usize {
        let services: Vec<String> = self.services.keys().cloned().collect();
        services
            .iter()
            .map(|service| self.generate_bills_of(service, on))
            .sum()
    }

    /// As [`generate_bills`](Self::generate_bills), for one service.
    pub fn generate_bills_of(&mut self, service: &str, on: Date) -> usize {
        let Some(service) = self.services.get(service).cloned() else {
            return 0;
        };
        self.acting("billing run", |state| {
            let organizations: Vec<String> = state.organizations.keys().cloned().collect();
            let mut made = 0;
            for organization in organizations {
                let lines = state.lines(&service, &organization, on);
                state.bills.retain(|bill| {
                    (bill.date, &bill.organization_id, &bill.service_id)
                        != (on, &organization, &service.id)
                });
                if lines.is_empty() {
                    continue;
                }
                let bill = Bill {
                    date: on,
                    organization_id: organization.clone(),
                    service_id: service.id.clone(),
                    invoice: format!("G{:04}{:02}{:02}", on.year(), on.month(), on.day()),
                    lines,
                };
                let after = Json::object()
                    .with("billingDate", on)
                    .with("serviceId", &service.id)
                    .with("lines", i64::try_from(bill.lines.len()).unwrap_or(0));
                let id = format!("{} {on}", service.id);
                state.remember("Bill", (&id, &organization), None, Some(after));
                state.bills.push(bill);
                made += 1;
            }
            made
        })
    }

    fn lines(&self, service: &Service, organization: &str, on: Date) -> Vec<BillLine> {
        let own = self.subscriptions.values().filter(|subscription| {
            subscription.organization_id == organization
                && self
                    .service_of(subscription)
                    .is_some_and(|of| of.id == service.id)
        });
        let mut lines = Vec::new();
        for subscription in own {
            let Some(product) = self.products.get(&subscription.product_id) else {
                continue;
            };
            if service.kind.in_arrears() {
                lines.extend(self.consumption(subscription, product, on));
            } else if subscription.yearly {
                lines.extend(yearly(subscription, product, on));
            } else {
                lines.extend(monthly(subscription, product, on));
            }
        }
        let previous = moved(on, -1.month());
        let manual = self.manual_lines.values().filter(|line| {
            line.organization_id == organization
                && line.service_id == service.id
                && line.billing_date > previous
                && line.billing_date <= on
        });
        lines.extend(manual.filter_map(|line| self.manual(line)));
        lines
    }

    fn manual(&self, line: &ManualLine) -> Option<BillLine> {
        let subscription = self.subscriptions.get(&line.subscription_id)?;
        let product = line.product_id.as_ref().unwrap_or(&subscription.product_id);
        let product = self.products.get(product)?;
        let product = Product {
            cost: line.unit_cost,
            price: line.unit_price,
            ..product.clone()
        };
        let period = (line.billing_date, line.billing_date);
        Some(whole(
            LineKind::Manual,
            subscription,
            &product,
            line.quantity,
            period,
        ))
    }

    /// A bill of the 25th covers the 26th of the month before up to the 25th; the first bill of a subscription comes once
    /// it is a month old, and covers everything since its first day.
    fn consumption(
        &self,
        subscription: &Subscription,
        product: &Product,
        on: Date,
    ) -> Vec<BillLine> {
        let previous = moved(on, -1.month());
        if moved(subscription.start, 1.month()) > on {
            return Vec::new();
        }
        let first = moved(subscription.start, 1.month()) > previous;
        let from = if first {
            subscription.start
        } else {
            previous.tomorrow().unwrap_or(previous)
        };
        let used = self.usage.iter().filter(|usage| {
            usage.subscription_id == subscription.id && (from..=on).contains(&usage.on)
        });
        let mut groups: BTreeMap<(String, String), Vec<&Usage>> = BTreeMap::new();
        for usage in used {
            let meter = if self.options.by_entitlement {
                String::new()
            } else {
                usage.meter.clone()
            };
            groups
                .entry((usage.entitlement.clone(), meter))
                .or_default()
                .push(usage);
        }
        let lines = groups.into_iter().map(|((entitlement, meter), usages)| {
            self.usage_line(
                subscription,
                product,
                (from, on),
                (entitlement, meter),
                &usages,
            )
        });
        lines.collect()
    }

    /// The totals of consumption are exact; they are not rounded to cents.
    fn usage_line(
        &self,
        subscription: &Subscription,
        product: &Product,
        period: (Date, Date),
        (entitlement, meter): (String, String),
        usages: &[&Usage],
    ) -> BillLine {
        let free = |usage: &Usage| usage.free && self.options.pass_discounts;
        let total = |unit: fn(&Usage) -> Decimal| {
            let charged = usages.iter().filter(|usage| !free(usage));
            charged
                .map(|usage| usage.quantity * unit(usage))
                .sum::<Decimal>()
        };
        let cost_total = total(|usage| usage.unit_cost);
        let price_total = total(|usage| usage.unit_price);
        let grouped = meter.is_empty();
        let last = usages.last().filter(|_| !grouped);
        let quantity = if grouped {
            Decimal::ONE
        } else {
            usages.iter().map(|usage| usage.quantity).sum()
        };
        BillLine {
            product_name: last.map_or(product.name.clone(), |usage| usage.meter.clone()),
            entitlement: Some(entitlement),
            category: last.map(|usage| usage.category.clone()),
            quantity,
            unit_cost: last.map_or(cost_total, |usage| usage.unit_cost),
            unit_price: last.map_or(price_total, |usage| usage.unit_price),
            cost_total,
            price_total,
            ..whole(LineKind::Usage, subscription, product, quantity, period)
        }
    }

    /// Consumption since the last bill of a service, which is not billed yet.
    pub(super) fn unbilled(&self) -> Vec<&Usage> {
        self.usage
            .iter()
            .filter(|usage| {
                let Some(subscription) = self.subscriptions.get(&usage.subscription_id) else {
                    return false;
                };
                let billed = self.bills.iter().filter(|bill| {
                    bill.organization_id == subscription.organization_id
                        && bill
                            .lines
                            .iter()
                            .any(|line| line.subscription_id == subscription.id)
                });
                billed
                    .map(|bill| bill.date)
                    .max()
                    .is_none_or(|last| usage.on > last)
            })
            .collect()
    }
}

/// A bill of the 25th covers the 25th up to the 24th of the month after, and what changed since the last one.
fn monthly(subscription: &Subscription, product: &Product, on: Date) -> Vec<BillLine> {
    let previous = moved(on, -1.month());
    let mut lines = changes(subscription, product, (previous, day_before(on)));
    let period = (on, day_before(moved(on, 1.month())));
    lines.extend(fee(subscription, product, period));
    lines
}

/// A year is billed with the first bill on or after its first day.
fn yearly(subscription: &Subscription, product: &Product, on: Date) -> Vec<BillLine> {
    let previous = moved(on, -1.month());
    let mut lines = Vec::new();
    for year in 0.. {
        let start = moved(subscription.start, Span::new().years(year));
        if start > on {
            break;
        }
        let period = (
            start,
            day_before(moved(subscription.start, Span::new().years(year + 1))),
        );
        if start > previous {
            lines.extend(fee(subscription, product, period));
        }
        let since = changes(subscription, product, period);
        lines.extend(
            since
                .into_iter()
                .filter(|line| line.start > previous && line.start <= on),
        );
    }
    lines
}

/// A whole period of the quantity on its first day, when there is one.
fn fee(subscription: &Subscription, product: &Product, period: (Date, Date)) -> Option<BillLine> {
    let quantity = subscription.quantity_on(period.0);
    let line = whole(LineKind::CycleFee, subscription, product, quantity, period);
    (!quantity.is_zero()).then_some(line)
}

/// The rest of a period for every change of quantity after its first day: actual days over actual days, both ends counted.
fn changes(
    subscription: &Subscription,
    product: &Product,
    (from, to): (Date, Date),
) -> Vec<BillLine> {
    let inside = subscription
        .changes
        .iter()
        .filter(|change| change.on > from && change.on <= to && change.action != CANCELLED);
    inside
        .filter_map(|change| {
            let before = subscription.quantity_on(day_before(change.on));
            let difference = change.quantity - before;
            let share =
                |unit: Decimal| cents(difference * unit * days(change.on, to) / days(from, to));
            (!difference.is_zero()).then(|| BillLine {
                cost_total: share(product.cost),
                price_total: share(product.price),
                ..whole(
                    LineKind::ProRate,
                    subscription,
                    product,
                    difference,
                    (change.on, to),
                )
            })
        })
        .collect()
}

fn whole(
    kind: LineKind,
    subscription: &Subscription,
    product: &Product,
    quantity: Decimal,
    (start, end): (Date, Date),
) -> BillLine {
    BillLine {
        kind,
        subscription_id: subscription.id.clone(),
        external_id: subscription.external_id.clone(),
        product_id: product.id.clone(),
        sku: product.sku.clone(),
        product_name: product.name.clone(),
        entitlement: None,
        category: None,
        quantity,
        unit_cost: product.cost,
        unit_price: product.price,
        cost_total: cents(quantity * product.cost),
        price_total: cents(quantity * product.price),
        start,
        end,
    }
}
