//! The join of what the accounts say with the PSA's lines: the rows.

use std::collections::BTreeMap;

use super::book::index;
use super::charges::{self, BillLine, ChargeSum};
use super::comparison::{ChargeData, Comparison, Kind, RowData, VendorCost};
use super::compiled::{Decision, ProductRoute, Routes};
use super::daily::Days;
use super::dismissals::can_be_dismissed;
use super::reconciler::{AgreementUsage, Entry, Reconciler, Silence, note_least};
use super::standing::Standing;
use crate::mapping::BilledAs;
use crate::model::{
    Agreement, AgreementId, AgreementLine, BillKey, ChargeKey, ChargeKind, Money, Quantity,
};
use crate::store::ChangeState;

/// What the usage says of one product of one agreement.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) quantity: Option<Quantity>,
    cost: Option<VendorCost>,
    price: Option<VendorCost>,
    switched_off: bool,
    evidence: Vec<u32>,
    /// Which days gave it, by service.
    pub(super) days: Vec<String>,
    /// Why it is not known, where more can be said than that it cannot be summed.
    pub(super) problem: Option<String>,
}

impl Owed {
    pub(super) fn none() -> Self {
        Self {
            quantity: Some(Quantity::ZERO),
            cost: None,
            price: None,
            switched_off: false,
            evidence: Vec::new(),
            days: Vec::new(),
            problem: None,
        }
    }
}

impl<'a> Reconciler<'a> {
    /// Makes the rows of one agreement.
    pub(super) fn join(&self, agreement: u32, mut usage: AgreementUsage, out: &mut Comparison<'a>) {
        // Keys decide the order, so that the order of the input does not show.
        usage.entries.sort_unstable_by(|a, b| {
            let account = |entry: &Entry| &out.accounts[entry.line.account as usize];
            (a.service, &a.line.key, account(a), a.line.quantity).cmp(&(
                b.service,
                &b.line.key,
                account(b),
                b.line.quantity,
            ))
        });
        let days = self.days_of(agreement, &usage, &out.accounts);
        let mut owed = self.owed(&days, &usage, out.evidence.len());
        let bills = self.bill_sums(agreement, &usage, out.evidence.len());
        let AgreementUsage {
            entries,
            incomplete,
            unread_kinds,
            unobserved,
            as_of,
            unmapped,
            ..
        } = usage;
        let unobserved = self.unobserved_products(&unobserved);
        if let Some(service) = unmapped {
            out.unmapped.insert(agreement, service);
        }
        out.evidence
            .extend(entries.into_iter().map(|entry| entry.line));

        let planned = self.owns.planned_at(self.book, agreement);
        let lines = match planned {
            // Nothing stands on an agreement that is to be.
            Some(_) => Ok(&[][..]),
            None => self.book.lines_at(agreement),
        };
        let (open, problem) = match lines {
            Ok(lines) => (self.open_owned_lines(lines, &mut out.unowned_lines), None),
            Err(failure) => {
                let why = failure.map_or("the PSA's answer does not hold them", |f| &f.message);
                let reason = format!("the agreement's lines were not observed: {why}");
                (BTreeMap::new(), Some(reason))
            }
        };
        self.owe_by_days(&days, |product| open.contains_key(&product), &mut owed);
        let terms = self.agreement_at(agreement);
        let refused = planned.and_then(|planned| planned.problem(self.book));
        let refused = refused.or_else(|| {
            let eligibility = &terms.eligibility;
            let refused = || (Kind::NotEligible, eligibility.reasons().join("; "));
            (!eligibility.is_eligible()).then(refused)
        });
        let mut products: BTreeMap<u32, Option<Owed>> =
            open.keys().map(|product| (*product, None)).collect();
        for (product, owed) in owed {
            products.insert(product, Some(owed));
        }
        let lines = lines.unwrap_or_default();
        for (product, mut owed) in products {
            let of_days = owed.as_mut().map(|owed| std::mem::take(&mut owed.days));
            if let Some(words) = of_days.filter(|words| !words.is_empty()) {
                out.days.insert((agreement, product), words);
            }
            let open = open.get(&product).map_or(&[][..], Vec::as_slice);
            let standing = Standing::of(terms, lines, open);
            let found = Found {
                owed: owed.as_ref(),
                standing: &standing,
                product,
            };
            let (kind, reason) = if let Some((kind, reason)) = &refused {
                (*kind, Some(reason.clone()))
            } else if let Some(reason) = problem.as_ref().or(incomplete.as_ref()) {
                (Kind::NotObserved, Some(reason.clone()))
            } else if let Some(silence) = unobserved.get(&product) {
                silence.clone()
            } else {
                self.judge(&found, &unread_kinds)
            };
            let vendor = owed.as_ref().and_then(|owed| owed.quantity);
            let cost = owed.as_ref().and_then(|owed| owed.cost);
            let cost = cost.unwrap_or(VendorCost::Unknown);
            let price = owed.as_ref().and_then(|owed| owed.price);
            let dismissed = self.dismissed(agreement, product, kind, (vendor, cost));
            let (kind, reason) = dismissed.unwrap_or((kind, reason));
            let from = index(out.evidence_index.len());
            out.evidence_index
                .extend(owed.iter().flat_map(|owed| owed.evidence.iter().copied()));
            out.rows.push(RowData {
                agreement,
                product,
                kind,
                line: match standing {
                    Standing::One { at, .. } => Some(at),
                    Standing::None | Standing::Several(_) => None,
                },
                vendor,
                cost,
                price: price.unwrap_or(VendorCost::Unknown),
                evidence: (from, index(out.evidence_index.len())),
                as_of,
                reason: reason.map(String::into_boxed_str),
                charge: None,
            });
        }
        let of_agreement = refused.or(incomplete.map(|reason| (Kind::NotObserved, reason)));
        for bill in bills {
            let (kind, reason) = match &of_agreement {
                Some((kind, reason)) => (*kind, Some(reason.clone())),
                None => self.judge_bill(&bill, &unread_kinds, &unobserved),
            };
            let from = index(out.evidence_index.len());
            out.evidence_index.extend(bill.evidence);
            let charge = bill.sum.ok().map(|sum| {
                let made = self.ledger.and_then(|ledger| ledger.charge(&sum.key));
                let made = made.cloned();
                out.charges.push(ChargeData { sum, made });
                index(out.charges.len() - 1)
            });
            out.rows.push(RowData {
                agreement,
                product: bill.product,
                kind,
                line: None,
                vendor: None,
                cost: VendorCost::Unknown,
                price: VendorCost::Unknown,
                evidence: (from, index(out.evidence_index.len())),
                as_of,
                reason: reason.map(String::into_boxed_str),
                charge,
            });
        }
    }

    /// What a line is that a person left as it is, where that still holds for what the vendor shows.
    fn dismissed(
        &self,
        agreement: u32,
        product: u32,
        kind: Kind,
        (vendor, cost): (Option<Quantity>, VendorCost),
    ) -> Option<(Kind, Option<String>)> {
        let dismissals = self.dismissals?;
        let agreement = match self.owns.keys.get(&agreement) {
            Some(key) => AgreementId::of_key(key),
            None => self.agreement_at(agreement).id.clone(),
        };
        let product = self.routes.products[product as usize].id;
        let dismissal = dismissals.get(&agreement, product)?;
        let holds = can_be_dismissed(kind) && dismissal.holds(self.today, vendor, cost);
        holds.then(|| (Kind::Dismissed, Some(dismissal.words())))
    }

    /// An agreement of the book, or one that is to be.
    pub(super) fn agreement_at(&self, position: u32) -> &Agreement {
        match self.owns.planned_at(self.book, position) {
            Some(planned) => &planned.new.agreement,
            None => &self.book.entry(position).agreement,
        }
    }

    /// The bills that are to be charged on an agreement, each added up.
    fn bill_sums(
        &self,
        agreement: u32,
        usage: &AgreementUsage,
        evidence_base: usize,
    ) -> Vec<BillSum> {
        let mut bills: BTreeMap<(u32, Option<&BillKey>), Vec<usize>> = BTreeMap::new();
        let mut kinds: BTreeMap<u32, (ChargeKind, bool)> = BTreeMap::new();
        for (at, entry) in usage.entries.iter().enumerate() {
            let Some(amounts) = &entry.amounts else {
                continue;
            };
            let Decision::Linked {
                products,
                counts,
                billed_as,
                enabled,
                ..
            } = &self.routes.services[entry.service as usize].decision
            else {
                continue;
            };
            let Some(route) = products.first() else {
                continue;
            };
            let kind = match billed_as {
                BilledAs::LineAndProrations => ChargeKind::Proration,
                _ => *counts,
            };
            let (_, off) = kinds.entry(route.product).or_insert((kind, false));
            *off |= !enabled;
            let bill = (route.product, amounts.bill.as_ref());
            bills.entry(bill).or_default().push(at);
        }
        let company = &self.agreement_at(agreement).company;
        let key = self.owns.keys.get(&agreement);
        bills
            .into_iter()
            .map(|((product, bill), entries)| {
                let id = self.routes.products[product as usize].id;
                let lines: Vec<BillLine<'_>> = entries
                    .iter()
                    .filter_map(|at| {
                        let entry = &usage.entries[*at];
                        let (line, amounts) = (&entry.line, entry.amounts.as_deref()?);
                        Some((&line.key, line.quantity, entry.cost, amounts))
                    })
                    .collect();
                let sum = match bill {
                    None => Err("the vendor has not put it on a bill yet".to_owned()),
                    Some(bill) => {
                        let key = ChargeKey::new(company.clone(), key, id.clone(), bill.clone());
                        charges::sum(key, &lines)
                    }
                };
                let (counts, switched_off) = kinds.get(&product).copied().unwrap_or_default();
                BillSum {
                    product,
                    counts,
                    switched_off,
                    sum,
                    evidence: entries.iter().map(|at| index(evidence_base + at)).collect(),
                }
            })
            .collect()
    }

    /// Says what one bill of one product of one agreement is.
    fn judge_bill(
        &self,
        bill: &BillSum,
        unread_kinds: &[ChargeKind],
        unobserved: &BTreeMap<u32, Silence>,
    ) -> (Kind, Option<String>) {
        if let Some(reason) = self.not_eligible_product(bill.product) {
            return (Kind::NotEligible, Some(reason));
        }
        if unread_kinds.contains(&bill.counts) {
            let reason = format!("the vendor's {} lines could not be read", bill.counts);
            return (Kind::NotObserved, Some(reason));
        }
        if let Some(silence) = unobserved.get(&bill.product) {
            return silence.clone();
        }
        if bill.switched_off {
            let reason = "a service that is part of the sum is switched off".to_owned();
            return (Kind::SwitchedOff, Some(reason));
        }
        let sum = match &bill.sum {
            Ok(sum) => sum,
            Err(reason) => return (Kind::NotObserved, Some(reason.clone())),
        };
        let Some(made) = self.ledger.and_then(|ledger| ledger.charge(&sum.key)) else {
            return (Kind::NewRevenue, None);
        };
        let of = format!("the bill of {}", sum.key.bill.date);
        match made.state {
            ChangeState::Done => (Kind::NoChange, None),
            ChangeState::Conflict => {
                let reason = format!(
                    "run {} left the charge of {of} in conflict: a person must look",
                    made.run
                );
                (Kind::Ambiguous, Some(reason))
            }
            _ => {
                let reason = format!(
                    "run {} may have charged {of}: it is to be resumed first",
                    made.run
                );
                (Kind::NotObserved, Some(reason))
            }
        }
    }

    /// Positions of the open lines of owned products, by product; counts the others.
    fn open_owned_lines(
        &self,
        lines: &[AgreementLine],
        unowned_lines: &mut u64,
    ) -> BTreeMap<u32, Vec<u32>> {
        let mut open: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (at, line) in lines.iter().enumerate() {
            if !line.is_open_on(self.today) {
                continue;
            }
            match self.routes.product_index.get(line.product.as_str()) {
                Some(product) if !self.routes.products[*product as usize].counted.is_empty() => {
                    open.entry(*product).or_default().push(index(at));
                }
                _ => *unowned_lines += 1,
            }
        }
        open
    }

    /// What the usage says for each product, in the order of the products.
    fn owed(
        &self,
        days: &Days,
        usage: &AgreementUsage,
        evidence_base: usize,
    ) -> BTreeMap<u32, Owed> {
        let mut owed: BTreeMap<u32, Owed> = BTreeMap::new();
        let mut end = evidence_base;
        for group in usage.entries.chunk_by(|a, b| a.service == b.service) {
            let start = end;
            end += group.len();
            let service = &self.routes.services[group[0].service as usize];
            let Decision::Linked {
                products,
                enabled,
                by_rules,
                ..
            } = &service.decision
            else {
                continue;
            };
            // What becomes a charge is added up by its bill.
            let lines: Vec<(usize, &Entry)> = (start..end)
                .zip(group)
                .filter(|(_, entry)| entry.amounts.is_none())
                .collect();
            if lines.is_empty() {
                continue;
            }
            let total = lines.iter().try_fold(Quantity::ZERO, |sum, (_, entry)| {
                sum.checked_add(entry.line.quantity)
            });
            let number = group[0].service;
            let mut by_rules =
                by_rules.map(|rules| self.billed_by_rules(days, number, rules, total).into_iter());
            for route in products {
                let product = match by_rules.as_mut().and_then(Iterator::next) {
                    Some(billed) => self.owe(number, *route, billed, &mut owed),
                    None => {
                        let product = owed.entry(route.product).or_insert_with(Owed::none);
                        let billed = total.and_then(|total| route.rule.billed(total).ok());
                        product.quantity = product
                            .quantity
                            .zip(billed)
                            .and_then(|(sum, billed)| sum.checked_add(billed));
                        product
                    }
                };
                product.switched_off |= !enabled;
                let costs = lines.iter().map(|(_, entry)| entry.cost);
                product.cost = Some(join_costs(product.cost, *route, costs));
                let prices = lines.iter().map(|(_, entry)| entry.price);
                product.price = Some(join_costs(product.price, *route, prices));
                let evidence = lines.iter().map(|(at, _)| index(*at));
                product.evidence.extend(evidence);
            }
        }
        owed
    }

    /// The products that services feed about which a reading says nothing.
    fn unobserved_products(&self, services: &BTreeMap<u32, Silence>) -> BTreeMap<u32, Silence> {
        let mut products = BTreeMap::new();
        for (at, reason) in services {
            let service = &self.routes.services[*at as usize];
            if let Decision::Linked { products: fed, .. } = &service.decision {
                for route in fed {
                    note_least(&mut products, route.product, reason.clone());
                }
            }
        }
        products
    }

    /// Says what one product of one agreement is, both sides being observed.
    fn judge(&self, found: &Found<'_>, unread_kinds: &[ChargeKind]) -> (Kind, Option<String>) {
        let owned = &self.routes.products[found.product as usize];
        if let Some(reason) = self.not_eligible_product(found.product) {
            return (Kind::NotEligible, Some(reason));
        }
        if let Some(kind) = owned
            .counted
            .iter()
            .find(|kind| unread_kinds.contains(kind))
        {
            let reason = format!("the vendor's {kind} lines could not be read");
            return (Kind::NotObserved, Some(reason));
        }
        if found.owed.is_some_and(|owed| owed.switched_off) {
            let reason = "a service that is part of the sum is switched off".to_owned();
            return (Kind::SwitchedOff, Some(reason));
        }
        let line = match found.standing {
            Standing::None => None,
            Standing::One { line, .. } => Some(*line),
            Standing::Several(reason) => return (Kind::Ambiguous, Some(reason.clone())),
        };
        if let Some(day) = line.and_then(|line| line.state.last_day) {
            let reason = format!("the line is set to end after {day}");
            return (Kind::Ambiguous, Some(reason));
        }
        let vendor = match found.owed {
            // A count of zero is what is wanted of usage that is gone.
            None if self.book.is_of_counts()
                && line.is_some_and(|line| line.state.quantity.is_zero()) =>
            {
                return (Kind::NoChange, None);
            }
            None => return (Kind::VendorMissing, None),
            Some(owed) => match owed.quantity {
                Some(quantity) => quantity,
                None => {
                    let summed = || "the quantities cannot be summed exactly".to_owned();
                    let reason = owed.problem.clone().unwrap_or_else(summed);
                    return (Kind::NotObserved, Some(reason));
                }
            },
        };
        match line {
            // Of what is not told back even zero is not known to be there.
            None if self.book.is_of_counts() => (Kind::FirstCount, None),
            None if vendor.is_zero() => (Kind::NoChange, None),
            None => (Kind::NewRevenue, None),
            Some(line) if line.state.quantity == vendor => (Kind::NoChange, None),
            Some(_) => (Kind::Change, None),
        }
    }

    fn not_eligible_product(&self, product: u32) -> Option<String> {
        let owned = &self.routes.products[product as usize];
        match owned.position.and_then(|at| self.book.product_at(at)) {
            None => Some(format!("product {} is not listed by the PSA", owned.id)),
            Some(product) if product.eligibility.is_eligible() => None,
            Some(product) => Some(product.eligibility.reasons().join("; ")),
        }
    }
}

/// One bill of one product of one agreement, added up.
struct BillSum {
    product: u32,
    counts: ChargeKind,
    switched_off: bool,
    sum: Result<ChargeSum, String>,
    evidence: Vec<u32>,
}

/// The two sides of one product of one agreement.
#[derive(Debug)]
struct Found<'r> {
    owed: Option<&'r Owed>,
    standing: &'r Standing<'r>,
    product: u32,
}

/// Joins the costs of one service's lines, where its rule carries them to the product.
fn join_costs(
    known: Option<VendorCost>,
    route: ProductRoute<'_>,
    mut costs: impl Iterator<Item = Option<Money>>,
) -> VendorCost {
    if !route.rule.carries_cost || !route.rule.keeps_units() {
        // A product fed by several services keeps the cost of those that carry one only when
        // all do: a figure for part of the sum would be wrong for the whole.
        return VendorCost::Unknown;
    }
    let first = match (known, costs.next()) {
        (Some(known), Some(cost)) => known.join(cost),
        (None, Some(cost)) => cost.map_or(VendorCost::Unknown, VendorCost::Uniform),
        (known, None) => known.unwrap_or(VendorCost::Unknown),
    };
    costs.fold(first, VendorCost::join)
}

/// Every rule in words, by service and product.
pub(super) fn rules(routes: &Routes<'_>) -> BTreeMap<(u32, u32), String> {
    let mut rules = BTreeMap::new();
    for (at, service) in routes.services.iter().enumerate() {
        if let Decision::Linked { products, .. } = &service.decision {
            for route in products {
                rules.insert((index(at), route.product), route.rule.to_string());
            }
        }
    }
    rules
}
