//! The join of what the accounts say with the PSA's lines: the rows.

use std::collections::BTreeMap;

use super::ahead::{GROUP, look_at_lines, look_at_usage};
use super::book::index;
use super::comparison::{ChargeData, Kind, VendorCost};
use super::compiled::{Decision, ProductRoute, Routes};
use super::daily::Days;
use super::dismissals::can_be_dismissed;
use super::judge::Found;
use super::owed::{Bench, Entry, Owed, OwedProducts};
use super::plain::{PlainBench, StayingLine};
use super::reconciler::Reconciler;
use super::rows::{NewRow, Part, PlainRow, RowTable, starts};
use super::share::shared;
use super::sorted::{Desk, Lines as _, Sorted};
use super::standing::Standing;
use super::usage::{AgreementUsage, MoreUsage, Silence, note_least};
use crate::model::{Agreement, AgreementId, AgreementLine, Money, Quantity, ServiceKey};

/// What all agreements come to.
pub(super) struct Joined<'a> {
    /// The lines of readings that stay.
    pub(super) lines: Vec<JoinedLines<'a>>,
    pub(super) rows: RowTable,
    /// Which days gave a quantity, by agreement and product.
    pub(super) days: BTreeMap<(u32, u32), Vec<String>>,
    /// For each agreement, the first service that its accounts use and nothing is decided about.
    pub(super) unmapped: BTreeMap<u32, ServiceKey>,
    pub(super) unowned_lines: u64,
}

/// The lines of the readings that stay of some agreements.
pub(super) struct JoinedLines<'a> {
    /// Those of plain agreements, and the position of the first.
    pub(super) staying: Vec<StayingLine<'a>>,
    pub(super) start: u32,
    /// All others, and the position of the first.
    pub(super) sorted: Sorted<'a>,
    pub(super) start_of_sorted: u32,
}

/// What some agreements come to.
pub(super) struct Outcome<'a> {
    pub(super) lines: JoinedLines<'a>,
    pub(super) part: Part,
    days: Vec<((u32, u32), Vec<String>)>,
    unmapped: Vec<(u32, ServiceKey)>,
    pub(super) unowned_lines: u64,
}

/// Agreements whose rows are made on one thread.
struct Piece<'p> {
    usages: &'p [(u32, AgreementUsage)],
    /// The position of the first line of their readings that stay, and how many there are.
    start: u32,
    staying: u32,
    /// How many lines were sorted before.
    sorted: u32,
}

impl<'p> Piece<'p> {
    fn new(usages: &'p [(u32, AgreementUsage)], start: u32) -> Self {
        let all = || usages.iter().map(|(_, usage)| usage);
        let runs = all().flat_map(AgreementUsage::runs);
        Self {
            usages,
            start,
            staying: all().map(|usage| usage.staying_lines).sum(),
            sorted: runs.map(|run| run.to - run.from).sum(),
        }
    }

    fn outcome<'a>(&self, desk: Desk<'_, '_>) -> Outcome<'a> {
        let lines = self.staying as usize;
        Outcome {
            lines: JoinedLines {
                staying: Vec::with_capacity(lines),
                start: self.start,
                sorted: Sorted::with_room(0, desk),
                start_of_sorted: self.start + self.staying,
            },
            part: Part::with_room(lines + self.sorted as usize),
            days: Vec::new(),
            unmapped: Vec::new(),
            unowned_lines: 0,
        }
    }

    /// The first position after those of its lines, each of which may be of either kind.
    fn end(&self) -> u32 {
        self.start + 2 * self.staying
    }
}

/// The fewest agreements for which a thread is worth it.
const FEW: usize = 64;

/// How many pieces of the work there are for each thread, so that none waits long for another.
const PIECES: usize = 8;

impl<'a> Reconciler<'a> {
    /// Makes the rows of all agreements.
    pub(super) fn join_all(&self, usages: &[(u32, AgreementUsage)]) -> Joined<'a> {
        let starts = starts(self.chunks.iter().map(|chunk| chunk.lines.len()));
        let compare = |a: u32, b: u32| {
            let ids = |agreement: u32| {
                let agreement = self.agreement_at(agreement);
                (&agreement.company, &agreement.id)
            };
            ids(a).cmp(&ids(b))
        };
        let pieces = self.threads.get() * PIECES;
        let mut start = index(self.chunks.iter().map(|chunk| chunk.lines.len()).sum());
        let pieces = usages.chunks(usages.len().div_ceil(pieces).max(FEW));
        let pieces = pieces.map(|usages| {
            let piece = Piece::new(usages, start);
            start = piece.end();
            piece
        });
        let outcomes = shared(self.threads, pieces.collect(), |piece: Piece<'_>| {
            let mut out = self.join_piece(&piece, &starts);
            out.part.put_in_order(compare);
            out
        });
        let mut lines = Vec::with_capacity(outcomes.len());
        let mut parts = Vec::with_capacity(outcomes.len());
        let (mut days, mut unmapped, mut unowned_lines) = (BTreeMap::new(), BTreeMap::new(), 0);
        for outcome in outcomes {
            lines.push(outcome.lines);
            parts.push(outcome.part);
            days.extend(outcome.days);
            unmapped.extend(outcome.unmapped);
            unowned_lines += outcome.unowned_lines;
        }
        Joined {
            lines,
            rows: RowTable::new(parts, compare),
            days,
            unmapped,
            unowned_lines,
        }
    }

    /// Makes the rows of some agreements.
    fn join_piece(&self, piece: &Piece<'_>, starts: &[u32]) -> Outcome<'a> {
        let mut out = piece.outcome(self.desk());
        let mut bench = Bench::new(self.routes.products.len());
        let mut plain = PlainBench::default();
        for group in piece.usages.chunks(GROUP) {
            let lines = group
                .iter()
                .filter_map(|(agreement, _)| self.book.known_lines(*agreement));
            look_at_lines(lines.flatten());
            let readings = group.iter().flat_map(|(_, usage)| self.staying.of(usage));
            look_at_usage(readings.flat_map(|(_, waiting)| waiting.lines));
            for (agreement, usage) in group {
                let of = (*agreement, usage);
                if !self.join_plain(of, starts, &mut plain, &mut out) {
                    self.join_any(of, starts, &mut bench, &mut out);
                }
            }
        }
        out
    }

    /// Makes the rows of one agreement, whatever is said of it.
    fn join_any(
        &self,
        of: (u32, &AgreementUsage),
        starts: &[u32],
        bench: &mut Bench,
        out: &mut Outcome<'a>,
    ) {
        let (agreement, usage) = of;
        let (from, to, unmapped) = self.sort_staying_of(usage, &mut out.lines.sorted);
        let unmapped = unmapped.into_iter().chain(usage.more().unmapped.clone());
        let unmapped = unmapped.min().map(|service| (agreement, service));
        out.unmapped.extend(unmapped);
        // Taken out for as long as its lines are looked at.
        let sorted = std::mem::take(&mut out.lines.sorted);
        let mut entries = Vec::new();
        for run in usage.runs() {
            let (chunk, start) = (run.chunk as usize, starts[run.chunk as usize]);
            entries.extend(Entry::of(&self.chunks[chunk], start, (run.from, run.to)));
        }
        let start = out.lines.start_of_sorted;
        entries.extend(Entry::of(&sorted.chunk, start, (from, to)));
        Entry::put_in_order(&mut entries, &self.accounts);
        self.join(of, &entries, bench, out);
        out.lines.sorted = sorted;
    }

    /// Sorts the lines of an agreement's readings that stay: says which ones these are, and the first service by
    /// key that nothing is decided about.
    fn sort_staying_of(
        &self,
        usage: &AgreementUsage,
        sorted: &mut Sorted<'a>,
    ) -> (u32, u32, Option<ServiceKey>) {
        let from = sorted.len();
        let mut unmapped: Option<ServiceKey> = None;
        sorted.chunk.lines.reserve(usage.staying_lines as usize);
        for (_, waiting) in self.staying.of(usage) {
            let of = waiting.of_account(&self.accounts);
            let key = |at: usize| waiting.lines.key_at(at);
            let service = sorted.sort(self.desk(), of, key, |_, _| None);
            unmapped = unmapped.into_iter().chain(service).min();
        }
        (from, sorted.len(), unmapped)
    }

    /// Makes the rows of one agreement, of its usage lines in their order.
    fn join(
        &self,
        (agreement, usage): (u32, &AgreementUsage),
        entries: &[Entry<'_>],
        bench: &mut Bench,
        out: &mut Outcome<'_>,
    ) {
        let Bench {
            owed,
            open,
            open_lines,
        } = bench;
        owed.begin();
        let days = self.days_of(agreement, usage, entries.iter().map(|entry| entry.service));
        self.owed(&days, entries, owed);
        let bills = self.bill_sums(agreement, entries);
        let MoreUsage {
            incomplete,
            unread_kinds,
            unobserved,
            ..
        } = usage.more();
        let unobserved = self.unobserved_products(unobserved);
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
                unless_in_part(silence, owed)
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
                plain: PlainRow {
                    product,
                    kind,
                    has_yearly: evidence_lines.any(Entry::is_yearly),
                    vendor,
                    line: match standing {
                        Standing::One { at, .. } => Some(at),
                        Standing::None | Standing::Several(_) => None,
                    },
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
        // A bill is of one account, which was read: that another one was not says nothing of it.
        for bill in bills {
            let (kind, reason) = match &refused {
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
                plain: PlainRow {
                    product: bill.product,
                    kind,
                    has_yearly: bill.has_yearly,
                    vendor: None,
                    line: None,
                },
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
        let product = self.routes.products[product as usize].id;
        let dismissal = dismissals.get(&self.name_of(agreement), product)?;
        let holds = can_be_dismissed(kind) && dismissal.holds(self.today, vendor, *cost);
        holds.then(|| (Kind::Dismissed, Some(dismissal.words())))
    }

    /// What changes name an agreement by: its key, where it was found by one.
    pub(super) fn name_of(&self, agreement: u32) -> AgreementId {
        match self.owns.keys.get(&agreement) {
            Some(key) => AgreementId::of_key(key),
            None => self.agreement_at(agreement).id.clone(),
        }
    }

    /// An agreement of the book, or one that is to be.
    pub(super) fn agreement_at(&self, position: u32) -> &Agreement {
        match self.owns.planned_at(self.book, position) {
            Some(planned) => &planned.new.agreement,
            None => self.book.agreement_at(position),
        }
    }

    /// The lines that are open on the day, each with its position and its product, where that is an owned one.
    pub(super) fn open_lines<'l>(
        &self,
        lines: &'l [AgreementLine],
    ) -> impl Iterator<Item = (u32, &'l AgreementLine, Option<u32>)> {
        let open = (0..)
            .zip(lines)
            .filter(|(_, line)| line.is_open_on(self.today));
        open.map(|(at, line)| {
            let product = self.routes.product(&line.product);
            let is_owned = |product: &u32| self.routes.facts[*product as usize].is_owned;
            (at, line, product.filter(is_owned))
        })
    }

    /// Adds the open lines of owned products, each as its product and its position; counts the others.
    fn open_owned_lines(&self, lines: &[AgreementLine], open: &mut Vec<(u32, u32)>) -> u64 {
        let mut unowned = 0;
        for (at, _, product) in self.open_lines(lines) {
            match product {
                Some(product) => open.push((product, at)),
                None => unowned += 1,
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
}

/// What a product is of which a reading says nothing. Where what was exported is a part of it alone, the sum is not known.
fn unless_in_part(silence: &Silence, owed: Option<&Owed>) -> Silence {
    let is_read = |owed: &Owed| owed.evidence().any(|(from, to)| from < to);
    if silence.0 == Kind::Exported && owed.is_some_and(is_read) {
        let reason = "a part of its usage is on a bill that was exported before and is not read again, so \
                      that the sum is not known";
        return (Kind::NotObserved, Some(reason.to_owned()));
    }
    silence.clone()
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
pub(super) fn leading(text: &str) -> u64 {
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
