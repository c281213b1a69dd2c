//! The pass over the readings, and the join with the PSA's lines.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::book::{PsaBook, index};
use super::comparison::{
    Comparison, EvidenceLine, Kind, RowData, Unplaced, UnplacedSubject, VendorCost,
};
use super::compiled::{AccountRoute, Decision, ProductRoute, Routes};
use super::standing::Standing;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{LineTarget, Mapping};
use crate::model::{
    AccountReading, AgreementLine, ChargeKind, CivilDate, Money, Quantity, ReadingOutcome,
    ServiceKey, Timestamp, UsageLine, VendorAccountId,
};

/// Takes the readings one by one and joins them with the PSA's lines.
///
/// The readings may come in any order; the comparison is the same. Each is consumed and
/// nothing of it is kept but what the rows need.
#[derive(Debug)]
pub struct Reconciler<'a> {
    book: &'a PsaBook,
    today: CivilDate,
    mapping_revision: u64,
    routes: Routes<'a>,
    seen: HashSet<VendorAccountId>,
    accounts: Vec<VendorAccountId>,
    agreements: BTreeMap<u32, AgreementUsage>,
    unplaced: Vec<Unplaced>,
    not_counted: BTreeMap<ChargeKind, u64>,
}

/// What the accounts of one agreement say.
#[derive(Debug, Default)]
struct AgreementUsage {
    entries: Vec<Entry>,
    /// Why the agreement's usage is not known whole.
    incomplete: Option<String>,
    /// Kinds of lines that some account could not state.
    unread_kinds: Vec<ChargeKind>,
    /// Mapped services about which some account says nothing, each with the reason.
    unobserved: BTreeMap<u32, String>,
    /// The oldest state that its readings show.
    as_of: Option<Timestamp>,
    /// The first service by key that nothing is decided about.
    unmapped: Option<ServiceKey>,
}

/// One usage line on its way to a row.
#[derive(Debug)]
struct Entry {
    service: u32,
    line: EvidenceLine,
    cost: Option<Money>,
}

/// Lines of one service of one account that are not compared.
#[derive(Debug)]
struct LeftLines<'a> {
    kind: Kind,
    reason: Option<&'a str>,
    lines: u64,
    /// The sum of the recurring ones.
    quantity: Option<Quantity>,
}

impl<'a> LeftLines<'a> {
    fn new(kind: Kind, reason: Option<&'a str>) -> Self {
        Self {
            kind,
            reason,
            lines: 0,
            quantity: Some(Quantity::ZERO),
        }
    }

    fn add(&mut self, kind: ChargeKind, quantity: Quantity) {
        self.lines += 1;
        if kind == ChargeKind::Recurring {
            self.quantity = self.quantity.and_then(|sum| sum.checked_add(quantity));
        }
    }
}

/// What the usage says of one product of one agreement.
#[derive(Debug)]
struct Owed {
    product: u32,
    quantity: Option<Quantity>,
    cost: Option<VendorCost>,
    switched_off: bool,
    evidence: Vec<u32>,
}

impl Owed {
    fn none_of(product: u32) -> Self {
        Self {
            product,
            quantity: Some(Quantity::ZERO),
            cost: None,
            switched_off: false,
            evidence: Vec::new(),
        }
    }
}

impl<'a> Reconciler<'a> {
    /// Starts a reconcile of the mapping's accounts against the PSA's lines on a day.
    #[must_use]
    pub fn new(mapping: &'a Mapping, book: &'a PsaBook, today: CivilDate) -> Self {
        Self {
            book,
            today,
            mapping_revision: mapping.revision(),
            routes: Routes::new(mapping, book),
            seen: HashSet::new(),
            accounts: Vec::new(),
            agreements: BTreeMap::new(),
            unplaced: Vec::new(),
            not_counted: BTreeMap::new(),
        }
    }

    /// Takes one account's reading.
    ///
    /// # Errors
    /// `Protocol` when the account was already read: one of the two readings is wrong, and
    /// nobody knows which.
    pub fn observe(&mut self, reading: AccountReading) -> Result<()> {
        if !self.seen.insert(reading.account.clone()) {
            return Err(Error::new(
                ErrorKind::Protocol,
                format!("account {} was read twice in one run", reading.account),
            ));
        }
        let account = index(self.accounts.len());
        self.accounts.push(reading.account.clone());
        let as_of = reading.as_of();
        let lines = match reading.outcome {
            ReadingOutcome::Complete(lines) => lines,
            ReadingOutcome::Failed(failure) => {
                self.not_observed(&reading.account, failure.message);
                return Ok(());
            }
        };
        match self.routes.account(&reading.account) {
            Some(AccountRoute::To(agreement)) => {
                let usage = self.agreements.entry(agreement).or_default();
                usage.unread_kinds.extend(reading.unread_kinds);
                for (service, reason) in reading.unobserved {
                    if let Some((at, _)) = self.routes.service(&service) {
                        let reason =
                            format!("account {} of service {service}: {reason}", reading.account);
                        note_least(&mut usage.unobserved, at, reason);
                    }
                }
                usage.as_of = Some(usage.as_of.map_or(as_of, |oldest| oldest.min(as_of)));
                self.place(agreement, account, lines);
            }
            Some(AccountRoute::Excluded(reason)) => {
                self.leave(reading.account, Kind::Excluded, &lines, reason);
            }
            Some(AccountRoute::Off(_)) => {
                self.leave(reading.account, Kind::SwitchedOff, &lines, None);
            }
            Some(AccountRoute::Lost(LineTarget::Agreement(target))) => {
                let reason = format!("agreement {target} is not listed by the PSA");
                self.leave(reading.account, Kind::NotEligible, &lines, Some(&reason));
            }
            None => self.leave(reading.account, Kind::Unmapped, &lines, None),
        }
        Ok(())
    }

    /// Records an account whose lines are not compared.
    fn leave(
        &mut self,
        account: VendorAccountId,
        kind: Kind,
        lines: &[UsageLine],
        reason: Option<&str>,
    ) {
        self.unplaced.push(Unplaced {
            account,
            subject: UnplacedSubject::Account,
            kind,
            lines: lines.len() as u64,
            quantity: None,
            reason: reason.map(str::to_owned),
        });
    }

    /// Records an account that was not observed, and that its agreement is not known whole.
    fn not_observed(&mut self, account: &VendorAccountId, why: String) {
        if let Some(AccountRoute::To(agreement)) = self.routes.account(account) {
            let usage = self.agreements.entry(agreement).or_default();
            let reason = format!("account {account} was not observed: {why}");
            // The smallest reason, so that the order of the readings does not show.
            if usage
                .incomplete
                .as_ref()
                .is_none_or(|known| reason < *known)
            {
                usage.incomplete = Some(reason);
            }
        }
        self.unplaced.push(Unplaced {
            account: account.clone(),
            subject: UnplacedSubject::Account,
            kind: Kind::NotObserved,
            lines: 0,
            quantity: None,
            reason: Some(why),
        });
    }

    /// Sorts an account's lines onto its agreement.
    fn place(&mut self, agreement: u32, account: u32, lines: Vec<UsageLine>) {
        let mut left: BTreeMap<ServiceKey, LeftLines<'a>> = BTreeMap::new();
        for line in lines {
            let (kind, reason) = match self.routes.service(&line.service) {
                Some((at, route)) => match &route.decision {
                    Decision::Linked { counts, .. } if *counts == line.kind => {
                        let entry = self.entry(at, account, line);
                        let usage = self.agreements.entry(agreement).or_default();
                        usage.entries.push(entry);
                        continue;
                    }
                    Decision::Linked { .. } => {
                        *self.not_counted.entry(line.kind).or_default() += 1;
                        continue;
                    }
                    Decision::Excluded(reason) => (Kind::Excluded, *reason),
                },
                None => (Kind::Unmapped, None),
            };
            left.entry(line.service)
                .or_insert_with(|| LeftLines::new(kind, reason))
                .add(line.kind, line.quantity);
        }
        let unmapped = left
            .iter()
            .find(|(_, left)| left.kind == Kind::Unmapped)
            .map(|(service, _)| service.clone());
        let usage = self.agreements.entry(agreement).or_default();
        usage.unmapped = [usage.unmapped.take(), unmapped]
            .into_iter()
            .flatten()
            .min();
        let id = &self.accounts[account as usize];
        for (service, left) in left {
            self.unplaced.push(Unplaced {
                account: id.clone(),
                subject: UnplacedSubject::Service(service),
                kind: left.kind,
                lines: left.lines,
                quantity: left.quantity,
                reason: left.reason.map(str::to_owned),
            });
        }
    }

    fn entry(&self, service: u32, account: u32, line: UsageLine) -> Entry {
        let commitment = line.commitment.as_ref();
        Entry {
            service,
            cost: line.unit_cost,
            line: EvidenceLine {
                floor: commitment.and_then(|commitment| commitment.floor_on(self.today)),
                key: line.key,
                quantity: line.quantity,
                account,
                service,
            },
        }
    }

    /// Joins everything observed with the PSA's lines.
    #[must_use]
    pub fn finish(mut self) -> Comparison<'a> {
        self.note_absent_accounts();
        let mut comparison = Comparison {
            book: self.book,
            today: self.today,
            mapping_revision: self.mapping_revision,
            rows: Vec::new(),
            evidence: Vec::new(),
            evidence_index: Vec::new(),
            products: self.routes.products.iter().map(|p| p.id.clone()).collect(),
            services: self.routes.services.iter().map(|s| s.key.clone()).collect(),
            rules: rules(&self.routes),
            accounts: std::mem::take(&mut self.accounts),
            unmapped: BTreeMap::new(),
            unplaced: std::mem::take(&mut self.unplaced),
            not_counted: std::mem::take(&mut self.not_counted),
            unowned_lines: 0,
        };
        let mut agreements: Vec<_> = std::mem::take(&mut self.agreements).into_iter().collect();
        agreements.sort_by(|(a, _), (b, _)| {
            let key = |at: &u32| {
                let agreement = &self.book.entry(*at).agreement;
                (&agreement.company, &agreement.id)
            };
            key(a).cmp(&key(b))
        });
        for (agreement, usage) in agreements {
            self.join(agreement, usage, &mut comparison);
        }
        comparison.unplaced.sort_unstable();
        comparison
    }

    /// Linked accounts without a reading were not observed; switched-off ones make their
    /// agreement's usage partial where others feed it.
    fn note_absent_accounts(&mut self) {
        let absent: BTreeSet<VendorAccountId> = self
            .routes
            .accounts
            .iter()
            .filter(|(id, route)| {
                matches!(route, AccountRoute::To(_))
                    && !self.seen.contains(&VendorAccountId::from(**id))
            })
            .map(|(id, _)| VendorAccountId::from(*id))
            .collect();
        for account in absent {
            self.not_observed(&account, "the vendor's answer does not hold it".into());
        }
        let mut off: Vec<_> = self
            .routes
            .accounts
            .iter()
            .filter_map(|(id, route)| match route {
                AccountRoute::Off(Some(agreement)) => Some((*agreement, *id)),
                _ => None,
            })
            .collect();
        off.sort_unstable();
        for (agreement, account) in off {
            if let Some(usage) = self.agreements.get_mut(&agreement)
                && usage.incomplete.is_none()
            {
                usage.incomplete = Some(format!(
                    "account {account} feeds the same agreement and is switched off"
                ));
            }
        }
    }

    /// Makes the rows of one agreement.
    fn join(&self, agreement: u32, mut usage: AgreementUsage, out: &mut Comparison<'a>) {
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
        let owed = self.owed(&usage, out.evidence.len());
        let AgreementUsage {
            entries,
            incomplete,
            unread_kinds,
            unobserved,
            as_of,
            unmapped,
        } = usage;
        let unobserved = self.unobserved_products(&unobserved);
        if let Some(service) = unmapped {
            out.unmapped.insert(agreement, service);
        }
        out.evidence
            .extend(entries.into_iter().map(|entry| entry.line));

        let (open, problem) = match self.book.lines_at(agreement) {
            Ok(lines) => (self.open_owned_lines(lines, out), None),
            Err(failure) => {
                let why = failure.map_or("the PSA's answer does not hold them", |f| &f.message);
                let reason = format!("the agreement's lines were not observed: {why}");
                (BTreeMap::new(), Some(reason))
            }
        };
        let terms = &self.book.entry(agreement).agreement;
        let eligibility = &terms.eligibility;
        let mut products: BTreeMap<u32, Option<Owed>> =
            open.keys().map(|product| (*product, None)).collect();
        for owed in owed {
            products.insert(owed.product, Some(owed));
        }
        for (product, owed) in products {
            let lines = open.get(&product).map_or(&[][..], Vec::as_slice);
            let standing = Standing::of(
                terms,
                self.book.lines_at(agreement).unwrap_or_default(),
                lines,
            );
            let found = Found {
                owed: owed.as_ref(),
                standing: &standing,
                product,
            };
            let (kind, reason) = if !eligibility.is_eligible() {
                (Kind::NotEligible, Some(eligibility.reasons().join("; ")))
            } else if let Some(reason) = problem.as_ref().or(incomplete.as_ref()) {
                (Kind::NotObserved, Some(reason.clone()))
            } else if let Some(reason) = unobserved.get(&product) {
                (Kind::NotObserved, Some(reason.clone()))
            } else {
                self.judge(&found, &unread_kinds)
            };
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
                vendor: owed.as_ref().and_then(|owed| owed.quantity),
                cost: owed
                    .as_ref()
                    .and_then(|owed| owed.cost)
                    .unwrap_or(VendorCost::Unknown),
                evidence: (from, index(out.evidence_index.len())),
                as_of,
                reason: reason.map(String::into_boxed_str),
            });
        }
    }

    /// Positions of the open lines of owned products, by product; counts the others.
    fn open_owned_lines(
        &self,
        lines: &[AgreementLine],
        out: &mut Comparison<'a>,
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
                _ => out.unowned_lines += 1,
            }
        }
        open
    }

    /// What the usage says for each product, in the order of the products.
    fn owed(&self, usage: &AgreementUsage, evidence_base: usize) -> Vec<Owed> {
        let mut owed: BTreeMap<u32, Owed> = BTreeMap::new();
        let mut end = evidence_base;
        for group in usage.entries.chunk_by(|a, b| a.service == b.service) {
            let start = end;
            end += group.len();
            let service = &self.routes.services[group[0].service as usize];
            let Decision::Linked {
                products, enabled, ..
            } = &service.decision
            else {
                continue;
            };
            let total = group.iter().try_fold(Quantity::ZERO, |sum, entry| {
                sum.checked_add(entry.line.quantity)
            });
            for route in products {
                let product = owed
                    .entry(route.product)
                    .or_insert_with(|| Owed::none_of(route.product));
                product.switched_off |= !enabled;
                let billed = total.and_then(|total| route.rule.billed(total).ok());
                product.quantity = product
                    .quantity
                    .zip(billed)
                    .and_then(|(sum, billed)| sum.checked_add(billed));
                product.cost = Some(join_costs(product.cost, *route, group));
                product.evidence.extend((start..end).map(index));
            }
        }
        owed.into_values().collect()
    }

    /// The products that services feed about which nothing is known, each with the reason.
    fn unobserved_products(&self, services: &BTreeMap<u32, String>) -> BTreeMap<u32, String> {
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
            None => return (Kind::VendorMissing, None),
            Some(owed) => match owed.quantity {
                Some(quantity) => quantity,
                None => {
                    let reason = "the quantities cannot be summed exactly".to_owned();
                    return (Kind::NotObserved, Some(reason));
                }
            },
        };
        match line {
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

/// Keeps the smallest reason, so that the order of the readings does not show.
fn note_least(reasons: &mut BTreeMap<u32, String>, of: u32, reason: String) {
    let known = reasons.entry(of).or_insert_with(|| reason.clone());
    if reason < *known {
        *known = reason;
    }
}

/// The two sides of one product of one agreement.
#[derive(Debug)]
struct Found<'r> {
    owed: Option<&'r Owed>,
    standing: &'r Standing<'r>,
    product: u32,
}

/// Joins the costs of one service's lines, where its rule carries them to the product.
fn join_costs(known: Option<VendorCost>, route: ProductRoute<'_>, group: &[Entry]) -> VendorCost {
    if !route.rule.carries_cost || !route.rule.is_one_to_one() {
        // A product fed by several services keeps the cost of those that carry one only when
        // all do: a figure for part of the sum would be wrong for the whole.
        return VendorCost::Unknown;
    }
    let mut entries = group.iter();
    let first = match (known, entries.next()) {
        (Some(known), Some(entry)) => known.join(entry.cost),
        (None, Some(entry)) => entry.cost.map_or(VendorCost::Unknown, VendorCost::Uniform),
        (known, None) => known.unwrap_or(VendorCost::Unknown),
    };
    entries.fold(first, |cost, entry| cost.join(entry.cost))
}

/// Every rule in words, by service and product.
fn rules(routes: &Routes<'_>) -> BTreeMap<(u32, u32), String> {
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
