//! The billing reports: the same bills in the nestings of the vendor's models.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::records::{Bill, BillLine, LineKind, ServiceKind, Usage};
use super::state::CloudmoreState;
use super::wire;
use crate::json::Json;

/// First and last billing date of a report, both included.
pub(super) type Range = (Date, Date);

fn seen(state: &CloudmoreState, range: Range, wanted: impl Fn(ServiceKind) -> bool) -> Vec<&Bill> {
    let (from, to) = range;
    let mut bills: Vec<&Bill> = state
        .bills
        .iter()
        .filter(|bill| (from..=to).contains(&bill.date))
        .filter(|bill| !state.rights.hidden.contains(&bill.organization_id))
        .filter(|bill| {
            let service = state.services.get(&bill.service_id);
            service.is_some_and(|service| wanted(service.kind))
        })
        .collect();
    bills.sort_by_key(|bill| (bill.date, &bill.organization_id, &bill.service_id));
    bills
}

/// How many lines a report of all services has.
pub(super) fn size(state: &CloudmoreState, range: Range) -> usize {
    let bills = seen(state, range, |_| true);
    bills.iter().map(|bill| bill.lines.len()).sum()
}

fn organization(state: &CloudmoreState, id: &str) -> Json {
    let name = state.organizations.get(id).map(|own| &own.name);
    Json::object()
        .with("organizationId", id)
        .with("organizationName", name)
}

fn service(state: &CloudmoreState, id: &str) -> Json {
    let name = state.services.get(id).map(|own| &own.name);
    Json::object()
        .with("serviceId", id)
        .with("serviceName", name)
}

fn lines<'a>(state: &CloudmoreState, lines: impl IntoIterator<Item = &'a BillLine>) -> Json {
    let lines = lines.into_iter().map(|line| wire::bill_line(state, line));
    Json::Array(lines.collect())
}

/// Groups things by a key, in the order of the keys.
fn grouped<K: Ord, T>(things: Vec<T>, key: impl Fn(&T) -> K) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for thing in things {
        groups.entry(key(&thing)).or_default().push(thing);
    }
    groups
}

fn dated(state: &CloudmoreState, date: Date) -> Json {
    Json::object()
        .with("billingDate", wire::day(state, date))
        .with("currencyCode", &state.currency)
}

/// All services: billing date, organization, service, lines.
pub(super) fn per_organization(state: &CloudmoreState, range: Range) -> Json {
    let dates = grouped(seen(state, range, |_| true), |bill| bill.date);
    let dates = dates.into_iter().map(|(date, bills)| {
        let organizations = grouped(bills, |bill| bill.organization_id.clone());
        let organizations = organizations.into_iter().map(|(id, bills)| {
            let services = bills.iter().map(|bill| {
                service(state, &bill.service_id).with("items", lines(state, &bill.lines))
            });
            organization(state, &id).with("services", Json::Array(services.collect()))
        });
        dated(state, date).with("organizations", Json::Array(organizations.collect()))
    });
    Json::Array(dates.collect())
}

/// The same, service first.
pub(super) fn per_service(state: &CloudmoreState, range: Range) -> Json {
    let dates = grouped(seen(state, range, |_| true), |bill| bill.date);
    let dates = dates.into_iter().map(|(date, bills)| {
        let services = grouped(bills, |bill| bill.service_id.clone());
        let services = services.into_iter().map(|(id, bills)| {
            let organizations = bills.iter().map(|bill| {
                organization(state, &bill.organization_id).with("items", lines(state, &bill.lines))
            });
            service(state, &id).with("organizations", Json::Array(organizations.collect()))
        });
        dated(state, date).with("services", Json::Array(services.collect()))
    });
    Json::Array(dates.collect())
}

/// Microsoft's legacy licences: per subscription, the kinds of lines apart.
pub(super) fn csp(state: &CloudmoreState, range: Range) -> Json {
    let bills = seen(state, range, |kind| kind == ServiceKind::Csp);
    let bills = bills.into_iter().map(|bill| {
        let subscriptions = grouped(bill.lines.iter().collect(), |line: &&BillLine| {
            line.subscription_id.clone()
        });
        let subscriptions = subscriptions.into_iter().map(|(id, own)| {
            let of = |kinds: &[LineKind]| {
                lines(
                    state,
                    own.iter()
                        .copied()
                        .filter(|line| kinds.contains(&line.kind)),
                )
            };
            Json::object()
                .with("subscriptionId", id)
                .with("billingCycleFees", of(&[LineKind::CycleFee]))
                .with("proRateItems", of(&[LineKind::ProRate]))
                .with("otherItems", of(&[LineKind::Other, LineKind::Manual]))
        });
        let mut json = organization(state, &bill.organization_id);
        if let (Json::Object(members), Json::Object(more)) =
            (&mut json, service(state, &bill.service_id))
        {
            members.extend(more);
        }
        json.with("billingDate", wire::day(state, bill.date))
            .with("currencyCode", &state.currency)
            .with("subscriptions", Json::Array(subscriptions.collect()))
    });
    Json::Array(bills.collect())
}

/// Consumption of a kind: billing date, organization, subscription, category, lines.
pub(super) fn azure(state: &CloudmoreState, range: Range, kind: ServiceKind) -> Json {
    let bills = seen(state, range, |of| of == kind);
    let bills = bills.into_iter().map(|bill| {
        let subscriptions = grouped(bill.lines.iter().collect(), |line: &&BillLine| {
            line.subscription_id.clone()
        });
        let subscriptions = subscriptions.into_iter().map(|(id, own)| {
            let categories = grouped(own, |line| line.category.clone());
            let categories = categories.into_iter().map(|(category, own)| {
                Json::object()
                    .with("category", category)
                    .with("items", lines(state, own))
            });
            Json::object()
                .with("subscriptionId", id)
                .with("items", Json::Array(categories.collect()))
        });
        organization(state, &bill.organization_id)
            .with("serviceId", &bill.service_id)
            .with("billingDate", wire::day(state, bill.date))
            .with("invoiceId", &bill.invoice)
            .with("currencyCode", &state.currency)
            .with("subscriptions", Json::Array(subscriptions.collect()))
    });
    Json::Array(bills.collect())
}

/// Every billing date.
const ALWAYS: Range = (Date::MIN, Date::MAX);

/// The invoices of some services: number, date, totals.
pub(super) fn invoices(state: &CloudmoreState, wanted: impl Fn(ServiceKind) -> bool) -> Json {
    let invoices = grouped(seen(state, ALWAYS, wanted), |bill| bill.invoice.clone());
    let invoices = invoices.into_iter().map(|(number, bills)| {
        let lines = || bills.iter().flat_map(|bill| &bill.lines);
        let date = bills.first().map(|bill| wire::day(state, bill.date));
        Json::object()
            .with("invoiceNumber", &number)
            .with("invoiceId", &number)
            .with("billingDate", date)
            .with(
                "totalCostPrice",
                lines()
                    .map(|line| line.cost_total)
                    .sum::<rust_decimal::Decimal>(),
            )
            .with(
                "totalSalesPrice",
                lines()
                    .map(|line| line.price_total)
                    .sum::<rust_decimal::Decimal>(),
            )
            .with("currencyCode", &state.currency)
    });
    Json::Array(invoices.collect())
}

/// The billing dates of a legacy invoice.
pub(super) fn dates_of(state: &CloudmoreState, invoice: &str) -> Option<Range> {
    let bills = seen(state, ALWAYS, |_| true);
    let bill = bills.into_iter().find(|bill| bill.invoice == invoice)?;
    Some((bill.date, bill.date))
}

/// The lines of one invoice of recurring and one-time purchases, flat; `None` when there is none of the number.
pub(super) fn one_time_invoice(state: &CloudmoreState, number: &str) -> Option<Json> {
    let bills = seen(state, ALWAYS, ServiceKind::on_one_time_invoice);
    let bills = bills.into_iter().filter(|bill| bill.invoice == number);
    let rows: Vec<Json> = bills.flat_map(|bill| flat(state, bill)).collect();
    (!rows.is_empty()).then_some(Json::Array(rows))
}

fn flat<'a>(state: &'a CloudmoreState, bill: &'a Bill) -> impl Iterator<Item = Json> + 'a {
    bill.lines.iter().map(|line| {
        let mut json = organization(state, &bill.organization_id)
            .with("serviceId", &bill.service_id)
            .with("billingDate", wire::day(state, bill.date))
            .with("invoiceNumber", &bill.invoice);
        if let (Json::Object(members), Json::Object(more)) =
            (&mut json, wire::bill_line(state, line))
        {
            members.extend(more);
        }
        json
    })
}

/// The billed consumption of one invoice; `None` when there is none of the number.
pub(super) fn billed_usage(state: &CloudmoreState, invoice: &str) -> Option<Vec<Json>> {
    let bills = seen(state, ALWAYS, |kind| kind == ServiceKind::AzurePlan);
    let bills = bills.into_iter().filter(|bill| bill.invoice == invoice);
    let rows: Vec<Json> = bills.flat_map(|bill| flat(state, bill)).collect();
    (!rows.is_empty()).then_some(rows)
}

/// The consumption of a kind of service that is not billed yet.
pub(super) fn unbilled(state: &CloudmoreState, kind: ServiceKind) -> Vec<Json> {
    let own = |usage: &&Usage| {
        let subscription = state.subscriptions.get(&usage.subscription_id);
        subscription.is_some_and(|own| {
            let service = state.service_of(own);
            service.is_some_and(|service| service.kind == kind)
                && !state.rights.hidden.contains(&own.organization_id)
        })
    };
    let usage = state.unbilled().into_iter().filter(own);
    usage.map(|usage| wire::usage(state, usage)).collect()
}
