//! What one agreement's usage comes to, on a bench that the next agreement uses again.

use super::book::index;
use super::charges::Amounts;
use super::comparison::VendorCost;
use super::sorted::{Chunk, Extra, SortedLine};
use crate::model::{Money, Quantity, VendorAccountId};

/// What the usage says of one product of one agreement.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) quantity: Option<Quantity>,
    pub(super) cost: Option<VendorCost>,
    pub(super) price: Option<VendorCost>,
    pub(super) switched_off: bool,
    /// The usage lines that it rests on: from the first to before the last, and those after a gap.
    lines: (u32, u32),
    more: Option<Box<MoreOwed>>,
}

/// What few products have.
#[derive(Debug, Default)]
struct MoreOwed {
    lines: Vec<(u32, u32)>,
    /// Which days gave it, by service.
    days: Vec<String>,
    /// Why it is not known, where more can be said than that it cannot be summed.
    problem: Option<String>,
}

impl Owed {
    fn none() -> Self {
        Self {
            quantity: Some(Quantity::ZERO),
            cost: None,
            price: None,
            switched_off: false,
            lines: (0, 0),
            more: None,
        }
    }

    fn more(&mut self) -> &mut MoreOwed {
        self.more.get_or_insert_default()
    }

    /// Adds a quantity; the sum is not known where it is not, or cannot be held exactly.
    pub(super) fn add(&mut self, quantity: Option<Quantity>) {
        let both = self.quantity.zip(quantity);
        self.quantity = both.and_then(|(sum, quantity)| sum.checked_add(quantity));
    }

    /// Takes in a service whose lines state neither cost nor price.
    pub(super) fn costs_nothing_known(&mut self, carries_cost: bool) {
        for known in [&mut self.cost, &mut self.price] {
            match known {
                Some(known @ (VendorCost::Uniform(_) | VendorCost::Mixed)) if carries_cost => {
                    *known = known.join(None);
                }
                _ => *known = Some(VendorCost::Unknown),
            }
        }
    }

    /// Adds usage lines that it rests on: from the first to before the last.
    pub(super) fn rests_on(&mut self, from: u32, to: u32) {
        let more = self.more.as_mut().and_then(|more| more.lines.last_mut());
        let last = more.unwrap_or(&mut self.lines);
        if last.0 == last.1 {
            *last = (from, to);
        } else if last.1 == from {
            last.1 = to;
        } else {
            self.more().lines.push((from, to));
        }
    }

    /// The usage lines that it rests on, by their places on the bench: from the first to before the last of each
    /// run of them.
    pub(super) fn evidence(&self) -> impl Iterator<Item = (u32, u32)> {
        let more = self.more.iter().flat_map(|more| &more.lines);
        std::iter::once(self.lines).chain(more.copied())
    }

    /// Adds which days gave it.
    pub(super) fn by_days(&mut self, words: String) {
        self.more().days.push(words);
    }

    /// Says that it is not known, and why; the smallest reason is told.
    pub(super) fn unknown(&mut self, why: String) {
        self.quantity = None;
        let known = &mut self.more().problem;
        *known = known.take().into_iter().chain([why]).min();
    }

    pub(super) fn days(&self) -> &[String] {
        self.more.as_ref().map_or(&[], |more| &more.days)
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.more.as_ref()?.problem.as_deref()
    }
}

/// What is owed of each product.
#[derive(Debug)]
pub(super) struct OwedProducts {
    /// For each product, in which turn it was set, and its place then.
    places: Vec<(u32, u32)>,
    turn: u32,
    list: Vec<(u32, Owed)>,
}

impl OwedProducts {
    /// What is owed of a product; nothing yet where none of its services came before.
    pub(super) fn of(&mut self, product: u32) -> &mut Owed {
        let place = &mut self.places[product as usize];
        if place.0 != self.turn {
            *place = (self.turn, index(self.list.len()));
            self.list.push((product, Owed::none()));
        }
        &mut self.list[place.1 as usize].1
    }

    pub(super) fn begin(&mut self) {
        self.list.clear();
        self.turn += 1;
    }

    /// All of it, in the order of the products. Nothing is added after.
    pub(super) fn in_order(&mut self) -> &[(u32, Owed)] {
        if !self.list.is_sorted_by_key(|(product, _)| *product) {
            self.list.sort_unstable_by_key(|(product, _)| *product);
        }
        &self.list
    }
}

/// One usage line of the agreement on the bench.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'s> {
    pub(super) service: u32,
    /// Its position among all lines.
    pub(super) position: u32,
    pub(super) line: &'s SortedLine<'s>,
    extra: Option<&'s Extra>,
}

impl<'s> Entry<'s> {
    /// The lines of a chunk from one place to before another; the first of all has a position.
    pub(super) fn of(
        chunk: &'s Chunk<'s>,
        start: u32,
        (from, to): (u32, u32),
    ) -> impl Iterator<Item = Self> {
        let lines = chunk.lines.get(from as usize..to as usize);
        let lines = (from..).zip(lines.unwrap_or_default());
        lines.map(move |(at, line)| Self {
            service: line.service,
            position: start + at,
            line,
            extra: chunk.extra(at),
        })
    }

    /// Puts the lines of an agreement in order: keys decide it, so that the order of the input does not show.
    pub(super) fn put_in_order(entries: &mut [Self], accounts: &[VendorAccountId]) {
        let account = |entry: &Entry<'_>| &accounts[entry.line.account as usize];
        entries.sort_unstable_by(|a, b| {
            let by_key = || a.line.key().cmp(b.line.key());
            let by_account = || account(a).cmp(account(b));
            let by_quantity = || a.line.quantity.cmp(&b.line.quantity);
            let by_service = a.service.cmp(&b.service);
            by_service
                .then_with(by_key)
                .then_with(by_account)
                .then_with(by_quantity)
        });
    }

    pub(super) fn states_amounts(&self) -> bool {
        self.extra.is_some()
    }

    pub(super) fn is_yearly(&self) -> bool {
        self.line.is_yearly()
    }

    pub(super) fn amounts(&self) -> Option<&'s Amounts> {
        self.extra?.amounts.as_deref()
    }

    pub(super) fn cost(&self) -> Option<Money> {
        self.extra?.cost
    }

    pub(super) fn price(&self) -> Option<Money> {
        self.extra?.price
    }
}

/// What the work on one agreement needs.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) owed: OwedProducts,
    /// The open lines of owned products: the product, and the line's position.
    pub(super) open: Vec<(u32, u32)>,
    pub(super) open_lines: Vec<u32>,
}

impl Bench {
    pub(super) fn new(products: usize) -> Self {
        Self {
            owed: OwedProducts {
                places: vec![(0, 0); products],
                turn: 0,
                list: Vec::new(),
            },
            open: Vec::new(),
            open_lines: Vec::new(),
        }
    }
}
