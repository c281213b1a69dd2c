//! From payable charges to unit costs and lines, each with the account it belongs to.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use tallyline_core::model::{
    Bill, BillKey, BillingCycle, ChargeKind, CivilDate, Money, Period, UsageLine,
};

use super::bills::{bill_of, charge_key, money};
use super::cost::{CostBook, cycle_of, unit_cost};
use crate::models::{ChargeType, Customer, PayableCharge, PayableCharges};

/// The kinds that come from payable charges alone.
pub(super) const CHARGED_KINDS: [ChargeKind; 4] = [
    ChargeKind::Setup,
    ChargeKind::Usage,
    ChargeKind::Proration,
    ChargeKind::Credit,
];

/// The charges of one period, sorted to the accounts.
#[derive(Debug, Default)]
pub(super) struct ChargeBook {
    costs: CostBook,
    lines: BTreeMap<String, Vec<Row>>,
    unattributed: BTreeMap<String, Unattributed>,
    in_doubt: BTreeSet<String>,
    all_in_doubt: bool,
    period: Option<Period>,
}

#[derive(Debug, Default)]
struct Unattributed {
    rows: Vec<Row>,
    open: bool,
}

/// A line before repeated keys are told apart.
#[derive(Debug)]
struct Row {
    order: (String, bool, Decimal, Option<Decimal>, Option<Decimal>),
    line: UsageLine,
}

/// Charges whose account could not be told.
#[derive(Debug)]
pub(super) struct UnattributedCharges {
    pub(super) name: String,
    pub(super) lines: Vec<UsageLine>,
    /// Some of them are not on an invoice yet.
    pub(super) open: bool,
}

impl ChargeBook {
    /// Nothing is known of the charges.
    pub(super) fn unread() -> Self {
        Self {
            all_in_doubt: true,
            ..Self::default()
        }
    }

    pub(super) fn new(charges: &PayableCharges, customers: &[Customer]) -> Self {
        let directory = Directory::new(customers);
        let mut book = Self {
            period: period_between(charges.period_from, charges.period_to),
            ..Self::default()
        };
        for charge in &charges.charges {
            warn_of_oddities(charge);
            book.add(charge, charges, &directory);
        }
        book
    }

    fn add(&mut self, charge: &PayableCharge, all: &PayableCharges, directory: &Directory<'_>) {
        let owner = directory.owner(charge);
        let kind = kind_of(charge, all);
        let row = kind.and_then(|kind| row(charge, kind));
        let (Some(kind), Some(row)) = (kind, row) else {
            tracing::warn!(
                sku = charge.sku.as_deref(),
                charge_type = charge.charge_type.as_ref().map(ChargeType::as_str),
                "a charge without type, key or quantity is left out"
            );
            self.doubt(&owner);
            return;
        };
        match owner {
            Owner::Account(account) => {
                if let (ChargeKind::Recurring | ChargeKind::Proration, Some(sku)) =
                    (kind, &charge.sku)
                {
                    let piece = kind == ChargeKind::Proration;
                    self.costs.add(account, sku, charge, piece);
                }
                // The subscription states a whole cycle's quantity, and states it live.
                if kind != ChargeKind::Recurring {
                    self.lines.entry(account.to_owned()).or_default().push(row);
                }
            }
            Owner::Nobody { ref name, .. } => {
                if kind != ChargeKind::Recurring {
                    self.doubt(&owner);
                }
                tracing::warn!(
                    customer = name.as_str(),
                    "a charge names no single known customer and is kept apart"
                );
                let group = self.unattributed.entry(name.clone()).or_default();
                group.open |= charge.is_billed != Some(true);
                group.rows.push(row);
            }
        }
    }

    /// Whose lines may be missing one now.
    fn doubt(&mut self, owner: &Owner<'_>) {
        match owner {
            Owner::Account(account) => {
                self.in_doubt.insert((*account).to_owned());
            }
            Owner::Nobody { candidates, .. } => match candidates {
                Candidates::Anyone => self.all_in_doubt = true,
                Candidates::These(ids) => {
                    self.in_doubt.extend(ids.iter().map(|id| (*id).to_owned()));
                }
            },
        }
    }

    /// The vendor's billing period, which ends on the next billing date.
    pub(super) fn period(&self) -> Option<Period> {
        self.period
    }

    /// The cost of a subscription's SKU, where its charges agree on one.
    pub(super) fn cost(&self, account: &str, sku: &str, cycle: BillingCycle) -> Option<Money> {
        self.costs.get(account, sku, cycle)
    }

    /// The lines of an account, in the order of their keys.
    pub(super) fn lines(&self, account: &str) -> Vec<UsageLine> {
        self.lines
            .get(account)
            .map_or_else(Vec::new, |rows| finish(rows))
    }

    /// The invoices that an account's lines stand on.
    pub(super) fn bills(&self, account: &str) -> Vec<Bill> {
        let mut bills: BTreeMap<BillKey, Vec<String>> = BTreeMap::new();
        let rows = self.lines.get(account).map(Vec::as_slice);
        for row in rows.unwrap_or_default() {
            if let Some(key) = &row.line.bill {
                let says = format!("{:?}", row.order);
                bills.entry(key.clone()).or_default().push(says);
            }
        }
        let bills = bills.into_iter();
        bills.map(|(key, says)| Bill::new(key, says)).collect()
    }

    /// The kinds of which the account may have lines that are not in the reading.
    pub(super) fn unread_kinds(&self, account: &str) -> &'static [ChargeKind] {
        if self.all_in_doubt || self.in_doubt.contains(account) {
            &CHARGED_KINDS
        } else {
            &[]
        }
    }

    /// The charges of no known account, in the order of the names.
    pub(super) fn unattributed(&self) -> Vec<UnattributedCharges> {
        self.unattributed
            .iter()
            .map(|(name, group)| UnattributedCharges {
                name: name.clone(),
                lines: finish(&group.rows),
                open: group.open,
            })
            .collect()
    }
}

/// Sorts the lines by what they say, so that the vendor's order does not matter, and numbers
/// those that have one key.
fn finish(rows: &[Row]) -> Vec<UsageLine> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|a, b| a.order.cmp(&b.order));
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    rows.into_iter()
        .map(|row| {
            let count = seen.entry(row.line.key.as_str()).or_default();
            *count += 1;
            let mut line = row.line.clone();
            if *count > 1 {
                line.key = format!("{}#{count}", row.line.key).into();
            }
            line
        })
        .collect()
}

/// The SKU, else the product's id. A name is no key.
pub(super) fn service_key(charge: &PayableCharge) -> Option<String> {
    match (&charge.sku, &charge.product_id) {
        (Some(sku), _) => Some(sku.clone()),
        (None, Some(product)) => Some(format!("product:{product}")),
        (None, None) => None,
    }
}

fn row(charge: &PayableCharge, kind: ChargeKind) -> Option<Row> {
    let quantity = charge.quantity?;
    let service = service_key(charge)?;
    let key = charge_key(
        &service,
        [charge.charge_id.as_deref(), charge.charge_name.as_deref()],
        charge.charge_type.as_ref(),
        [charge.period_from, charge.period_to],
    );
    let mut line = UsageLine::new(key.as_str(), service, quantity)
        .with_kind(kind)
        .with_unit_cost(unit_cost(charge))
        .with_totals(money(charge.sub_total, charge.currency.as_deref()), None)
        .with_bill(bill_of(charge))
        .with_period(period_between(charge.period_from, charge.period_to))
        .with_billing_cycle(cycle_of(charge.billing_cycle_type.as_ref()));
    let ids = [
        ("productId", &charge.product_id),
        ("chargeId", &charge.charge_id),
    ];
    for (name, id) in ids {
        if let Some(id) = id {
            line = line.with_vendor_id(name, id.as_str());
        }
    }
    if let Some(number) = charge.invoice.as_ref().and_then(|it| it.number.as_deref()) {
        line = line.with_vendor_id("invoiceNumber", number);
    }
    let texts = [
        ("productName", &charge.product_name),
        ("chargeName", &charge.charge_name),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            line.attributes.push((name.into(), text.as_str().into()));
        }
    }
    if let Some(billed) = charge.is_billed {
        let billed = if billed { "true" } else { "false" };
        line.attributes.push(("isBilled".into(), billed.into()));
    }
    Some(Row {
        order: (
            key,
            kind == ChargeKind::Credit,
            quantity,
            charge.net_price,
            charge.sub_total,
        ),
        line,
    })
}

fn period_between(from: Option<CivilDate>, to: Option<CivilDate>) -> Option<Period> {
    Period::new(from?, to?).ok()
}

/// What a charge is for; nothing where its type is not known.
fn kind_of(charge: &PayableCharge, all: &PayableCharges) -> Option<ChargeKind> {
    let negative = |value: Option<Decimal>| value.is_some_and(|value| value < Decimal::ZERO);
    let kind = match charge.charge_type.as_ref()? {
        ChargeType::Setup => ChargeKind::Setup,
        ChargeType::Usage => ChargeKind::Usage,
        ChargeType::Recurring if is_piece(charge, all) => ChargeKind::Proration,
        ChargeType::Recurring => ChargeKind::Recurring,
        ChargeType::Unknown(_) => return None,
    };
    if negative(charge.quantity) || negative(charge.sub_total) {
        return Some(ChargeKind::Credit);
    }
    Some(kind)
}

/// Whether a recurring charge covers less than its cycle.
fn is_piece(charge: &PayableCharge, all: &PayableCharges) -> bool {
    let (Some(from), Some(to)) = (charge.period_from, charge.period_to) else {
        return false;
    };
    match cycle_of(charge.billing_cycle_type.as_ref()) {
        BillingCycle::Monthly => to < last_day(from, 1),
        BillingCycle::Yearly => to < last_day(from, 12),
        BillingCycle::OneTime => false,
        // No cycle is stated: the billing period is the best measure there is.
        _ => match (all.period_from, all.period_to) {
            (Some(start), Some(end)) => from.days_until(to) < start.days_until(end),
            _ => false,
        },
    }
}

/// The last day of a cycle of whole months that begins on a day.
fn last_day(from: CivilDate, months: i16) -> CivilDate {
    let month = i16::from(from.month()) - 1 + months;
    let next = i8::try_from(month % 12 + 1)
        .ok()
        .and_then(|number| CivilDate::new(from.year() + month / 12, number, 1).ok())
        .and_then(|first| {
            let day = from.day().min(first.last_of_month().day());
            CivilDate::new(first.year(), first.month(), day).ok()
        });
    next.map_or(from, |next| next.plus_days(-1))
}

/// What is worth a look, though it breaks nothing.
fn warn_of_oddities(charge: &PayableCharge) {
    let (Some(quantity), Some(prorated), Some(stated)) =
        (charge.quantity, charge.net_price_prorated, charge.sub_total)
    else {
        return;
    };
    let computed = quantity.checked_mul(prorated);
    let off = computed
        .and_then(|computed| computed.checked_sub(stated))
        .is_none_or(|difference| difference.abs() > Decimal::new(1, 2));
    if off {
        tracing::warn!(
            sku = charge.sku.as_deref(),
            "a charge's subtotal is not its quantity times its price"
        );
    }
    if charge
        .net_price
        .is_some_and(|net| prorated > net && net >= Decimal::ZERO)
    {
        tracing::warn!(
            sku = charge.sku.as_deref(),
            "a charge's prorated price is above its price"
        );
    }
}

/// Who the customers are.
struct Directory<'a> {
    ids: BTreeMap<String, &'a str>,
    names: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// Whose charge it is.
enum Owner<'a> {
    Account(&'a str),
    Nobody {
        name: String,
        candidates: Candidates<'a>,
    },
}

/// Who an unattributed charge may belong to.
enum Candidates<'a> {
    Anyone,
    These(BTreeSet<&'a str>),
}

impl<'a> Directory<'a> {
    fn new(customers: &'a [Customer]) -> Self {
        let mut directory = Self {
            ids: BTreeMap::new(),
            names: BTreeMap::new(),
        };
        for customer in customers {
            let id = customer.id.as_str();
            directory.ids.insert(id.to_ascii_lowercase(), id);
            if let Some(name) = &customer.display_name {
                directory.names.entry(name).or_default().insert(id);
            }
        }
        directory
    }

    /// By the id tag first, else by the exact name of one customer, else nobody: never a guess.
    fn owner(&self, charge: &PayableCharge) -> Owner<'a> {
        let values = |matches: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
            charge
                .tags
                .iter()
                .filter(|tag| tag.name.as_deref().is_some_and(matches))
                .filter_map(|tag| tag.value.clone())
                .collect()
        };
        let names = values(&|name| name.eq_ignore_ascii_case("CustomerDisplayName"));
        let exact_ids = values(&|name| name.eq_ignore_ascii_case("CustomerId"));
        let ids = if exact_ids.is_empty() {
            values(&|name| name.to_ascii_lowercase().contains("customerid"))
        } else {
            exact_ids
        };
        let ids: BTreeSet<String> = ids
            .iter()
            .map(|id| id.trim().to_ascii_lowercase())
            .collect();
        let label = || {
            let name = names.first().or(ids.first());
            name.cloned()
                .unwrap_or_else(|| "(no customer named)".into())
        };
        let known: BTreeSet<&'a str> = ids
            .iter()
            .filter_map(|id| self.ids.get(id).copied())
            .collect();
        if let (1, Some(account)) = (ids.len(), known.first()) {
            return Owner::Account(account);
        }
        if !ids.is_empty() {
            // An id was stated; a name must not overrule it.
            return Owner::Nobody {
                name: label(),
                candidates: Candidates::These(known),
            };
        }
        let named: BTreeSet<&'a str> = names
            .iter()
            .filter_map(|name| self.names.get(name.as_str()))
            .flatten()
            .copied()
            .collect();
        match (names.len(), named.len(), named.first()) {
            (1, 1, Some(account)) => Owner::Account(account),
            (_, 0, _) => Owner::Nobody {
                name: label(),
                candidates: Candidates::Anyone,
            },
            _ => Owner::Nobody {
                name: label(),
                candidates: Candidates::These(named),
            },
        }
    }
}

#[cfg(test)]
mod tests;
