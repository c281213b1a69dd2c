//! The rows of agreements of which nothing is to be told but two numbers of each product: most are like that.

use super::book::index;
use super::comparison::EvidenceLine;
use super::join::{Outcome, leading};
use super::look::Waiting;
use super::reconciler::Reconciler;
use super::rows::PlainRow;
use super::sorted::SortedLine;
use super::usage::AgreementUsage;
use crate::model::{
    Agreement, AgreementLine, BillingCycle, ChargeKind, CivilDate, Period, Quantity, UsageLine,
};

/// Products, each with the place of the one line of it on a side: the product in the upper half.
type Places = Vec<u64>;

/// What is used and what is billed of the products of one agreement, for one after the other.
#[derive(Debug, Default)]
pub(super) struct PlainBench {
    used: Places,
    billed: Places,
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
        let period = line.period.as_ref().or(reading.period.as_ref());
        let commitment = line.commitment.as_ref();
        EvidenceLine {
            key: &line.key,
            quantity: line.quantity,
            kind: line.kind,
            billing_cycle: line.billing_cycle,
            billed_until: period.map(Period::end),
            is_billed: line.bill.is_some(),
            account: reading.account,
            service: self.service,
            floor: commitment.and_then(|known| known.floor_at(today, reading.as_of)),
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
    /// said of any. Says whether it is so; nothing is done where it is not.
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
        let part = &mut out.part;
        part.begin(agreement, leading(terms.company.as_str()), usage.as_of);
        let (mut of_used, mut of_billed) = (bench.used.iter(), bench.billed.iter());
        let (mut next_used, mut next_billed) = (of_used.next(), of_billed.next());
        loop {
            let product = match (next_used, next_billed) {
                (Some(used), Some(billed)) => product(*used).min(product(*billed)),
                (Some(one), None) | (None, Some(one)) => product(*one),
                (None, None) => return true,
            };
            let place_in = |next: Option<&u64>| {
                let of_product = next.filter(|next| self::product(**next) == product);
                of_product.map(|next| place(*next))
            };
            let (place, at) = (place_in(next_used), place_in(next_billed));
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
                part.rests_on(std::iter::once(first + place));
                next_used = of_used.next();
            }
            if at.is_some() {
                next_billed = of_billed.next();
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
                    bench.used.push(of(plain.product, at));
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
                bench.used.push(of(plain.product, index(bench.used.len())));
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
    fn lay_out_billed(&self, lines: &[AgreementLine], billed: &mut Places) -> Option<u64> {
        billed.clear();
        let mut unowned = 0;
        for (at, line) in lines.iter().enumerate() {
            if !line.is_open_on(self.today) {
                continue;
            }
            match self.routes.product(&line.product) {
                Some(product) if self.routes.facts[product as usize].is_owned => {
                    if line.state.last_day.is_some() || !self.is_eligible(product) {
                        return None;
                    }
                    billed.push(of(product, index(at)));
                }
                _ => unowned += 1,
            }
        }
        put_in_order(billed).then_some(unowned)
    }

    fn is_eligible(&self, product: u32) -> bool {
        self.routes.facts[product as usize].is_eligible
    }
}

fn of(product: u32, place: u32) -> u64 {
    (u64::from(product) << 32) | u64::from(place)
}

fn product(of: u64) -> u32 {
    u32::try_from(of >> 32).unwrap_or_default()
}

fn place(of: u64) -> u32 {
    u32::try_from(of & u64::from(u32::MAX)).unwrap_or_default()
}

/// Puts lines in the order of their products. Says whether no two are of one.
fn put_in_order(places: &mut [u64]) -> bool {
    places.sort_unstable();
    places
        .windows(2)
        .all(|two| product(two[0]) != product(two[1]))
}
