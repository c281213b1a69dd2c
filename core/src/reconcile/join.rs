//! The join of what the accounts say with the PSA's lines: the rows.

use std::collections::BTreeMap;

use super::ahead::{GROUP, look_at_lines};
use super::book::index;
use super::charges::{self, BillLine, ChargeSum};
use super::comparison::{ChargeData, Kind, VendorCost};
use super::compiled::{Decision, ProductRoute, Routes};
use super::daily::Days;
use super::dismissals::can_be_dismissed;
use super::owed::{Bench, Entry, Owed, OwedProducts};
use super::reconciler::Reconciler;
use super::rows::{NewRow, Part, RowTable, starts};
use super::share::shared;
use super::standing::Standing;
use super::usage::{AgreementUsage, MoreUsage, Silence, note_least};
use crate::mapping::BilledAs;
use crate::model::{
    Agreement, AgreementId, AgreementLine, BillKey, ChargeKey, ChargeKind, Money, Quantity,
    ServiceKey,
};
use crate::store::ChangeState;

/// What all agreements come to.
pub(super) struct Joined {
    pub(super) rows: RowTable,
    /// Which days gave a quantity, by agreement and product.
    pub(super) days: BTreeMap<(u32, u32), Vec<String>>,
    /// For each agreement, the first service that its accounts use and nothing is decided about.
    pub(super) unmapped: BTreeMap<u32, ServiceKey>,
    pub(super) unowned_lines: u64,
}

/// What some agreements come to.
#[derive(Default)]
struct Outcome {
    part: Part,
    days: Vec<((u32, u32), Vec<String>)>,
    unmapped: Vec<(u32, ServiceKey)>,
    unowned_lines: u64,
}

/// The fewest agreements for which a thread is worth it.
const FEW: usize = 64;

/// How many pieces of the work there are for each thread, so that none waits long for another.
const PIECES: usize = 8;

impl<'a> Reconciler<'a> {
    /// Makes the rows of all agreements.
    pub(super) fn join_all(&self, usages: &[(u32, AgreementUsage)]) -> Joined {
        let starts = starts(self.chunks.iter().map(|chunk| chunk.lines.len()));
        let compare = |a: u32, b: u32| {
            let ids = |agreement: u32| {
                let agreement = self.agreement_at(agreement);
                (&agreement.company, &agreement.id)
            };
            ids(a).cmp(&ids(b))
        };
        let pieces = self.threads.get() * PIECES;
        let pieces = usages.chunks(usages.len().div_ceil(pieces).max(FEW));
        let outcomes = shared(self.threads, pieces.collect(), |piece| {
            let lines = piece.iter().flat_map(|(_, usage)| usage.runs());
            let mut out = Outcome {
                part: Part::with_room(lines.map(|run| (run.to - run.from) as usize).sum()),
                ..Outcome::default()
            };
            let mut bench = Bench::new(self.routes.products.len());
            for group in piece.chunks(GROUP) {
                let lines = group
                    .iter()
                    .filter_map(|(agreement, _)| self.book.known_lines(*agreement));
                look_at_lines(lines.flatten());
                for (agreement, usage) in group {
                    self.join(*agreement, usage, &starts, &mut bench, &mut out);
                }
            }
            out.part.put_in_order(compare);
            out
        });
        let mut parts = Vec::with_capacity(outcomes.len());
        let (mut days, mut unmapped, mut unowned_lines) = (BTreeMap::new(), BTreeMap::new(), 0);
        for outcome in outcomes {
            parts.push(outcome.part);
            days.extend(outcome.days);
            unmapped.extend(outcome.unmapped);
            unowned_lines += outcome.unowned_lines;
        }
        Joined {
            rows: RowTable::new(parts, compare),
            days,
            unmapped,
            unowned_lines,
        }
    }

    /// Makes the rows of one agreement.
    fn join<'s>(
        &'s self,
        agreement: u32,
        usage: &AgreementUsage,
        starts: &[u32],
        bench: &mut Bench<'s>,
        out: &mut Outcome,
    ) {
        bench.lay_out(usage, &self.chunks, starts, &self.accounts);
        let Bench {
            entries,
            owed,
            open,
            open_lines,
        } = bench;
        let days = self.days_of(agreement, usage, entries.iter().map(|entry| entry.service));
        self.owed(&days, entries, owed);
        let bills = self.bill_sums(agreement, entries);
        let MoreUsage {
            incomplete,
            unread_kinds,
            unobserved,
            unmapped,
            ..
        } = usage.more();
        let unobserved = self.unobserved_products(unobserved);
        if let Some(service) = unmapped {
            out.unmapped.push((agreement, service.clone()));
        }
        let planned = self.owns.planned_at(self.book, agreement);
        let lines = match planned {
            // Nothing stands on an agreement that is to be.
            Some(_) => Ok(&[][..]),
            None => self.book.lines_at(agreement),
        };
        open.clear();
        let problem = match lines {
            Ok(lines) => {
                out.unowned_lines += self.open_owned_lines(lines, open);
                None
            }
            Err(failure) => {
                let why = failure.map_or("the PSA's answer does not hold them", |f| &f.message);
                Some(format!("the agreement's lines were not observed: {why}"))
            }
        };
        // By product, and then in the order of the lines.
        open.sort_unstable();
        open_lines.clear();
        open_lines.extend(open.iter().map(|(_, at)| *at));
        let has_line = |product| open.binary_search_by_key(&product, |(of, _)| *of).is_ok();
        self.owe_by_days(&days, has_line, owed);
        let terms = self.agreement_at(agreement);
        let refused = planned.and_then(|planned| planned.problem(self.book));
        let refused = refused.or_else(|| {
            let eligibility = &terms.eligibility;
            let refused = || (Kind::NotEligible, eligibility.reasons().join("; "));
            (!eligibility.is_eligible()).then(refused)
        });
        let lines = lines.unwrap_or_default();
        let order = leading(terms.company.as_str());
        out.part.begin(agreement, order, usage.as_of);
        let mut owed = owed.in_order().iter().peekable();
        let mut at = 0;
        loop {
            let standing = open.get(at).map(|(product, _)| *product);
            let used = owed.peek().map(|(product, _)| *product);
            let Some(product) = used.into_iter().chain(standing).min() else {
                break;
            };
            let from = at;
            while open.get(at).is_some_and(|(of, _)| *of == product) {
                at += 1;
            }
            let owed = owed.next_if(|(of, _)| *of == product).map(|(_, owed)| owed);
            let of_days = owed.map_or(&[][..], Owed::days);
            if !of_days.is_empty() {
                out.days.push(((agreement, product), of_days.to_vec()));
            }
            let standing = Standing::of(terms, lines, &open_lines[from..at]);
            let found = Found {
                owed,
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
                self.judge(&found, unread_kinds)
            };
            let vendor = owed.and_then(|owed| owed.quantity);
            let cost = owed.and_then(|owed| owed.cost.as_ref());
            let cost = cost.unwrap_or(&VendorCost::Unknown);
            let price = owed.and_then(|owed| owed.price.as_ref());
            let dismissed = self.dismissed(agreement, product, kind, (vendor, cost));
            let (kind, reason) = dismissed.unwrap_or((kind, reason));
            let evidence = || owed.into_iter().flat_map(Owed::evidence);
            let mut evidence_lines =
                evidence().flat_map(|(from, to)| &entries[from as usize..to as usize]);
            let row = NewRow {
                product,
                kind,
                has_yearly: evidence_lines.any(Entry::is_yearly),
                vendor,
                line: match standing {
                    Standing::One { at, .. } => Some(at),
                    Standing::None | Standing::Several(_) => None,
                },
                cost,
                price: price.unwrap_or(&VendorCost::Unknown),
                reason,
                charge: None,
            };
            out.part.push(row);
            for (from, to) in evidence() {
                let lines = &entries[from as usize..to as usize];
                out.part.rests_on(lines.iter().map(|entry| entry.position));
            }
        }
        let of_agreement = refused.or(incomplete
            .as_ref()
            .map(|reason| (Kind::NotObserved, reason.clone())));
        for bill in bills {
            let (kind, reason) = match &of_agreement {
                Some((kind, reason)) => (*kind, Some(reason.clone())),
                None => self.judge_bill(&bill, unread_kinds, &unobserved),
            };
            let charge = bill.sum.ok().map(|sum| {
                let made = self.ledger.and_then(|ledger| ledger.charge(&sum.key));
                let made = made.cloned();
                out.part.charges.push(ChargeData { sum, made });
                index(out.part.charges.len() - 1)
            });
            let row = NewRow {
                product: bill.product,
                kind,
                has_yearly: bill.has_yearly,
                vendor: None,
                line: None,
                cost: &VendorCost::Unknown,
                price: &VendorCost::Unknown,
                reason,
                charge,
            };
            out.part.push(row);
            out.part.rests_on(bill.evidence.into_iter());
        }
    }

    /// What a line is that a person left as it is, where that still holds for what the vendor shows.
    fn dismissed(
        &self,
        agreement: u32,
        product: u32,
        kind: Kind,
        (vendor, cost): (Option<Quantity>, &VendorCost),
    ) -> Option<(Kind, Option<String>)> {
        let dismissals = self.dismissals?;
        let agreement = match self.owns.keys.get(&agreement) {
            Some(key) => AgreementId::of_key(key),
            None => self.agreement_at(agreement).id.clone(),
        };
        let product = self.routes.products[product as usize].id;
        let dismissal = dismissals.get(&agreement, product)?;
        let holds = can_be_dismissed(kind) && dismissal.holds(self.today, vendor, *cost);
        holds.then(|| (Kind::Dismissed, Some(dismissal.words())))
    }

    /// An agreement of the book, or one that is to be.
    pub(super) fn agreement_at(&self, position: u32) -> &Agreement {
        match self.owns.planned_at(self.book, position) {
            Some(planned) => &planned.new.agreement,
            None => self.book.agreement_at(position),
        }
    }

    /// The bills that are to be charged on an agreement, each added up.
    fn bill_sums(&self, agreement: u32, usage: &[Entry<'_>]) -> Vec<BillSum> {
        if usage.iter().all(|entry| entry.amounts().is_none()) {
            return Vec::new();
        }
        let mut bills: BTreeMap<(u32, Option<&BillKey>), Vec<usize>> = BTreeMap::new();
        let mut kinds: BTreeMap<u32, (ChargeKind, bool)> = BTreeMap::new();
        for (at, entry) in usage.iter().enumerate() {
            let Some(amounts) = entry.amounts() else {
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
                        let entry = &usage[*at];
                        let (line, amounts) = (entry.line, entry.amounts()?);
                        Some((line.key(), line.quantity, entry.cost(), amounts))
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
                    has_yearly: entries.iter().any(|at| usage[*at].is_yearly()),
                    evidence: entries.iter().map(|at| usage[*at].position).collect(),
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

    /// Adds the open lines of owned products, each as its product and its position; counts the others.
    fn open_owned_lines(&self, lines: &[AgreementLine], open: &mut Vec<(u32, u32)>) -> u64 {
        let mut unowned = 0;
        for (at, line) in lines.iter().enumerate() {
            if !line.is_open_on(self.today) {
                continue;
            }
            match self.routes.product_index.get(line.product.as_str()) {
                Some(product) if self.routes.facts[*product as usize].is_owned => {
                    open.push((*product, index(at)));
                }
                _ => unowned += 1,
            }
        }
        unowned
    }

    /// What the usage says for each product.
    fn owed(&self, days: &Days, entries: &[Entry<'_>], owed: &mut OwedProducts) {
        let mut end = 0;
        for group in entries.chunk_by(|a, b| a.service == b.service) {
            let start = end;
            end += group.len();
            let number = group[0].service;
            if let Some(plain) = self.routes.plain[number as usize]
                && !group.iter().any(Entry::states_amounts)
            {
                let product = owed.of(plain.product);
                let quantity = total(group.iter().map(|entry| entry.line.quantity));
                product.add(quantity.flatten());
                product.switched_off |= !plain.enabled;
                product.costs_nothing_known(plain.carries_cost);
                product.rests_on(index(start), index(end));
                continue;
            }
            let Decision::Linked {
                products,
                enabled,
                by_rules,
                ..
            } = &self.routes.services[number as usize].decision
            else {
                continue;
            };
            // What becomes a charge is added up by its bill.
            let lines = || group.iter().filter(|entry| entry.amounts().is_none());
            let Some(total) = total(lines().map(|entry| entry.line.quantity)) else {
                continue;
            };
            let mut by_rules =
                by_rules.map(|rules| self.billed_by_rules(days, number, rules, total).into_iter());
            for route in products {
                let product = match by_rules.as_mut().and_then(Iterator::next) {
                    Some(billed) => self.owe(number, *route, billed, owed),
                    None => {
                        let product = owed.of(route.product);
                        let billed = total.and_then(|total| route.rule.billed(total).ok());
                        product.add(billed);
                        product
                    }
                };
                product.switched_off |= !enabled;
                let costs = lines().map(Entry::cost);
                product.cost = Some(join_costs(product.cost, *route, costs));
                let prices = lines().map(Entry::price);
                product.price = Some(join_costs(product.price, *route, prices));
                let places = (index(start)..).zip(group);
                for (at, _) in places.filter(|(_, entry)| entry.amounts().is_none()) {
                    product.rests_on(at, at + 1);
                }
            }
        }
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
        if let Some(reason) = self.not_eligible_product(found.product) {
            return (Kind::NotEligible, Some(reason));
        }
        let counted = || self.routes.products[found.product as usize].counted.iter();
        if !unread_kinds.is_empty()
            && let Some(kind) = counted().find(|kind| unread_kinds.contains(kind))
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
                    let reason = owed.problem().map_or_else(summed, str::to_owned);
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
        if self.routes.facts[product as usize].is_eligible {
            return None;
        }
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
    has_yearly: bool,
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

/// The exact sum of quantities, or nothing where it cannot be held; none of no quantities.
fn total(mut quantities: impl Iterator<Item = Quantity>) -> Option<Option<Quantity>> {
    let first = quantities.next()?;
    Some(quantities.try_fold(first, Quantity::checked_add))
}

/// The first eight bytes of a text as a number: texts of unlike numbers are in the order of these.
fn leading(text: &str) -> u64 {
    let mut first = [0; 8];
    for (place, byte) in first.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    u64::from_be_bytes(first)
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
