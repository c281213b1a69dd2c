//! The rows of agreements where each product has one line at most on each side, and no person, bill or daily count says
//! more of any: most are like that.

use std::iter;

use super::book::index;
use super::comparison::{EvidenceLine, VendorCost};
use super::join::{Outcome, leading};
use super::look::Waiting;
use super::reconciler::Reconciler;
use super::rows::{NewRow, Part, PlainRow};
use super::sorted::{Chunk, billed_until, floor};
use super::usage::AgreementUsage;
use crate::model::{
    Agreement, AgreementLine, BillingCycle, ChargeKind, CivilDate, Money, Quantity, UsageLine,
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
    /// Whether one of the usage lines may state a cost or a price.
    states_amounts: bool,
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
    /// The lines of a chunk from a place on.
    Sorted(&'l Chunk<'a>, u32),
    Staying(&'l [StayingLine<'a>]),
}

impl Used<'_, '_> {
    /// The quantity of a line, and whether it is billed by years.
    fn at(self, place: u32) -> Option<(Quantity, bool)> {
        match self {
            Self::Sorted(chunk, from) => {
                let line = chunk.lines.get((from + place) as usize)?;
                Some((line.quantity, line.is_yearly()))
            }
            Self::Staying(lines) => {
                let line = lines.get(place as usize)?.line;
                Some((line.quantity, line.billing_cycle == BillingCycle::Yearly))
            }
        }
    }

    /// The service of a line, and the cost and the price that it states.
    fn amounts_at(self, place: u32) -> Option<(u32, Option<Money>, Option<Money>)> {
        match self {
            Self::Sorted(chunk, from) => {
                let extra = chunk.extra(from + place)?;
                let line = chunk.lines.get((from + place) as usize)?;
                Some((line.service, extra.cost, extra.price))
            }
            Self::Staying(lines) => {
                let StayingLine { line, service, .. } = lines.get(place as usize)?;
                Some((*service, line.unit_cost, line.unit_price))
            }
        }
    }
}

impl<'a> Reconciler<'a> {
    /// Makes the rows of an agreement where each product has one line at most on each side, and nobody says more of
    /// any. Says whether it is so; no row is made where it is not.
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
                let chunk = &self.chunks[run.chunk as usize];
                if usage.staying != 0 || !self.lay_out_sorted(chunk, (run.from, run.to), bench) {
                    return false;
                }
                let used = Used::Sorted(chunk, run.from);
                (used, starts[run.chunk as usize] + run.from)
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
            let said = place.and_then(|place| used.at(place));
            let line = at.and_then(|at| billed.get(at as usize));
            let vendor = said.map(|(quantity, _)| quantity);
            let row = PlainRow {
                product,
                kind: self.compare(vendor, line),
                has_yearly: said.is_some_and(|(_, is_yearly)| is_yearly),
                vendor,
                line: at,
            };
            let stating = place.filter(|_| bench.states_amounts);
            match stating.and_then(|place| self.amounts_of(used, place)) {
                None => part.push_plain(row),
                Some((cost, price)) => part.push(NewRow {
                    plain: row,
                    cost: &cost,
                    price: &price,
                    reason: None,
                    charge: None,
                }),
            }
            if let Some(place) = place {
                part.rests_on(iter::once(first + place));
            }
        }
    }

    /// The cost and the price that a product has by a usage line, where that is carried over.
    fn amounts_of(&self, used: Used<'_, '_>, place: u32) -> Option<(VendorCost, VendorCost)> {
        let (service, cost, price) = used.amounts_at(place)?;
        let carries = self.routes.plain[service as usize]?.carries_cost;
        let amount =
            |stated: Option<Money>| stated.map_or(VendorCost::Unknown, VendorCost::Uniform);
        carries.then(|| (amount(cost), amount(price)))
    }

    /// Whether a person has left a line of an agreement as it is.
    fn has_dismissed(&self, agreement: u32) -> bool {
        let dismissals = self.dismissals;
        dismissals.is_some_and(|dismissals| dismissals.has_any_of(&self.name_of(agreement)))
    }

    /// An agreement and its lines, where no reading and no decision says more of it.
    fn plain_sides(
        &self,
        agreement: u32,
        usage: &AgreementUsage,
    ) -> Option<(&Agreement, &[AgreementLine])> {
        let says_more = usage.has_more()
            || self.has_dismissed(agreement)
            || !self.counted_by_day.is_empty()
            || self.owns.planned_at(self.book, agreement).is_some();
        if says_more {
            return None;
        }
        let terms = self.book.agreement_at(agreement);
        let lines = self.book.known_lines(agreement)?;
        terms.eligibility.is_eligible().then_some((terms, lines))
    }

    /// Lays out usage lines of a chunk by product. Says whether each has one, whose quantity is the product's, and
    /// none becomes part of a charge.
    fn lay_out_sorted(
        &self,
        chunk: &Chunk<'_>,
        (from, to): (u32, u32),
        bench: &mut PlainBench,
    ) -> bool {
        bench.used.clear();
        bench.states_amounts = false;
        let lines = chunk.lines.get(from as usize..to as usize);
        for (place, line) in (0..).zip(lines.unwrap_or_default()) {
            let extra = chunk.extra(from + place);
            let is_charge = extra.is_some_and(|extra| extra.amounts.is_some());
            bench.states_amounts |= extra.is_some();
            match self.routes.plain[line.service as usize] {
                Some(plain) if plain.enabled && !is_charge && self.is_eligible(plain.product) => {
                    bench.used.push(LineOf::new(plain.product, place));
                }
                _ => return false,
            }
        }
        put_in_order(&mut bench.used)
    }

    /// Lays out the lines of readings that stay, as [`lay_out_sorted`](Self::lay_out_sorted): each must be one that
    /// counts.
    fn lay_out_staying(
        &self,
        usage: &AgreementUsage,
        bench: &mut PlainBench,
        out: &mut Outcome<'a>,
    ) -> bool {
        bench.used.clear();
        bench.states_amounts = false;
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
                if !counts || !self.is_eligible(plain.product) {
                    return false;
                }
                bench.states_amounts |= line.unit_cost.is_some() || line.unit_price.is_some();
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
