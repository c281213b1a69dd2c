//! The rows of agreements of which nothing is to be told but two numbers of each product: most are like that.

use std::iter;

use super::book::index;
use super::comparison::EvidenceLine;
use super::join::{Outcome, leading};
use super::look::Waiting;
use super::reconciler::Reconciler;
use super::rows::{Part, PlainRow};
use super::sorted::{SortedLine, billed_until, floor};
use super::usage::AgreementUsage;
use crate::model::{
    Agreement, AgreementLine, BillingCycle, ChargeKind, CivilDate, Quantity, UsageLine,
};

/// The one line of a product on a side, in the order of the products: the product in the upper half, the line's
/// place in the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LineOf(u64);

impl LineOf {
    fn new(product: u32, place: u32) -> Self {
        Self((u64::from(product) << 32) | u64::from(place))
    }

    fn product(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or_default()
    }

    fn place(self) -> u32 {
        u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or_default()
    }
}

/// What is used and what is billed of the products of one agreement, for one after the other.
#[derive(Debug, Default)]
pub(super) struct PlainBench {
    used: Vec<LineOf>,
    billed: Vec<LineOf>,
}

/// A usage line that counts, where it stays.
#[derive(Clone, Copy, Debug)]
pub(super) struct StayingLine<'a> {
    line: &'a UsageLine,
    /// The place of its reading among those that stay.
    pub(super) reading: u32,
    service: u32,
}

impl<'a> StayingLine<'a> {
    /// It as evidence, by its reading.
    pub(super) fn evidence(
        &self,
        reading: &Waiting<&'a [UsageLine]>,
        today: CivilDate,
    ) -> EvidenceLine<'a> {
        let line = self.line;
        EvidenceLine {
            key: &line.key,
            quantity: line.quantity,
            kind: line.kind,
            billing_cycle: line.billing_cycle,
            billed_until: billed_until(line, reading.period),
            is_billed: line.bill.is_some(),
            account: reading.account,
            service: self.service,
            floor: floor(line, today, reading.as_of),
        }
    }
}

/// The usage lines of an agreement, in one of their forms.
#[derive(Clone, Copy, Debug)]
enum Used<'l, 'a> {
    Sorted(&'l [SortedLine<'a>]),
    Staying(&'l [StayingLine<'a>]),
}

impl Used<'_, '_> {
    /// The quantity of a line, and whether it is billed by years.
    fn at(self, place: u32) -> Option<(Quantity, bool)> {
        match self {
            Self::Sorted(lines) => {
                let line = lines.get(place as usize)?;
                Some((line.quantity, line.is_yearly()))
            }
            Self::Staying(lines) => {
                let line = lines.get(place as usize)?.line;
                Some((line.quantity, line.billing_cycle == BillingCycle::Yearly))
            }
        }
    }
}

impl<'a> Reconciler<'a> {
    /// Makes the rows of an agreement where each product has one line at most on each side, and nothing else is
    /// said of any. Says whether it is so; no row is made where it is not.
    pub(super) fn join_plain(
        &self,
        (agreement, usage): (u32, &AgreementUsage),
        starts: &[u32],
        bench: &mut PlainBench,
        out: &mut Outcome<'a>,
    ) -> bool {
        let Some((terms, billed)) = self.plain_sides(agreement, usage) else {
            return false;
        };
        let Some(unowned) = self.lay_out_billed(billed, &mut bench.billed) else {
            return false;
        };
        let staying = out.lines.staying.len();
        let (used, first) = match usage.run {
            None => {
                if !self.lay_out_staying(usage, bench, out) {
                    out.lines.staying.truncate(staying);
                    return false;
                }
                let used = Used::Staying(&out.lines.staying[staying..]);
                (used, out.lines.start + index(staying))
            }
            Some(run) => {
                let chunk = self.chunks[run.chunk as usize].plain((run.from, run.to));
                let Some(lines) = chunk.filter(|_| usage.staying == 0) else {
                    return false;
                };
                if !self.lay_out_sorted(lines, bench) {
                    return false;
                }
                (Used::Sorted(lines), starts[run.chunk as usize] + run.from)
            }
        };
        out.unowned_lines += unowned;
        let order = leading(terms.company.as_str());
        out.part.begin(agreement, order, usage.as_of);
        self.add_rows((used, first), billed, bench, &mut out.part);
        true
    }

    /// Adds a row for each product that is on the bench; the first of the usage lines has a position.
    fn add_rows(
        &self,
        (used, first): (Used<'_, '_>, u32),
        billed: &[AgreementLine],
        bench: &PlainBench,
        part: &mut Part,
    ) {
        let mut of_used = bench.used.iter().copied().peekable();
        let mut of_billed = bench.billed.iter().copied().peekable();
        loop {
            let next = of_used.peek().into_iter().chain(of_billed.peek());
            let Some(product) = next.map(|line| line.product()).min() else {
                return;
            };
            let is_of_product = |line: &LineOf| line.product() == product;
            let place = of_used.next_if(is_of_product).map(LineOf::place);
            let at = of_billed.next_if(is_of_product).map(LineOf::place);
            let usage = place.and_then(|place| used.at(place));
            let line = at.and_then(|at| billed.get(at as usize));
            let vendor = usage.map(|(quantity, _)| quantity);
            part.push_plain(PlainRow {
                product,
                kind: self.compare(vendor, line),
                has_yearly: usage.is_some_and(|(_, is_yearly)| is_yearly),
                vendor,
                line: at,
            });
            if let Some(place) = place {
                part.rests_on(iter::once(first + place));
            }
        }
    }

    /// An agreement and its lines, where no reading and no decision says more of it.
    fn plain_sides(
        &self,
        agreement: u32,
        usage: &AgreementUsage,
    ) -> Option<(&Agreement, &[AgreementLine])> {
        let says_more = usage.has_more()
            || self.dismissals.is_some()
            || !self.counted_by_day.is_empty()
            || self.owns.planned_at(self.book, agreement).is_some();
        if says_more {
            return None;
        }
        let terms = self.book.agreement_at(agreement);
        let lines = self.book.known_lines(agreement)?;
        terms.eligibility.is_eligible().then_some((terms, lines))
    }

    /// Lays out usage lines by product. Says whether each has one, whose quantity is the product's.
    fn lay_out_sorted(&self, lines: &[SortedLine<'_>], bench: &mut PlainBench) -> bool {
        bench.used.clear();
        for (at, line) in (0..).zip(lines) {
            match self.routes.plain[line.service as usize] {
                Some(plain) if plain.enabled && self.is_eligible(plain.product) => {
                    bench.used.push(LineOf::new(plain.product, at));
                }
                _ => return false,
            }
        }
        put_in_order(&mut bench.used)
    }

    /// Lays out the lines of readings that stay, as [`lay_out_sorted`](Self::lay_out_sorted): each must be one that
    /// counts, without a cost or a price.
    fn lay_out_staying(
        &self,
        usage: &AgreementUsage,
        bench: &mut PlainBench,
        out: &mut Outcome<'a>,
    ) -> bool {
        bench.used.clear();
        for (reading, waiting) in self.staying.of(usage) {
            for line in waiting.lines {
                let Some(service) = self.routes.service(&line.service) else {
                    return false;
                };
                let plain = self.routes.plain[service as usize];
                let Some(plain) = plain.filter(|plain| plain.enabled) else {
                    return false;
                };
                let counts = plain.counts == Some(line.kind) && line.kind != ChargeKind::Proration;
                let states = line.unit_cost.is_some() || line.unit_price.is_some();
                if !counts || states || !self.is_eligible(plain.product) {
                    return false;
                }
                out.lines.sorted.saw(service, line.kind);
                let place = index(bench.used.len());
                bench.used.push(LineOf::new(plain.product, place));
                out.lines.staying.push(StayingLine {
                    line,
                    reading,
                    service,
                });
            }
        }
        put_in_order(&mut bench.used)
    }

    /// Lays out open lines of owned products, and says how many others there are; nothing where a product has two, or
    /// an end.
    fn lay_out_billed(&self, lines: &[AgreementLine], billed: &mut Vec<LineOf>) -> Option<u64> {
        billed.clear();
        let mut unowned = 0;
        for (at, line, product) in self.open_lines(lines) {
            let Some(product) = product else {
                unowned += 1;
                continue;
            };
            if line.state.last_day.is_some() || !self.is_eligible(product) {
                return None;
            }
            billed.push(LineOf::new(product, at));
        }
        put_in_order(billed).then_some(unowned)
    }

    fn is_eligible(&self, product: u32) -> bool {
        self.routes.facts[product as usize].is_eligible
    }
}

/// Puts lines in the order of their products. Says whether no two are of one.
fn put_in_order(lines: &mut [LineOf]) -> bool {
    lines.sort_unstable();
    lines.is_sorted_by(|one, next| one.product() < next.product())
}
