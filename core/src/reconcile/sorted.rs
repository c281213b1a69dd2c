//! Usage lines sorted: what becomes evidence of an agreement, and what is left of an account.

use std::collections::BTreeMap;
use std::iter;

use super::book::index;
use super::charges::Amounts;
use super::comparison::{EvidenceLine, Kind, Unplaced, UnplacedSubject};
use super::compiled::{Decision, Routes};
use super::unbilled::Unbilled;
use crate::model::{
    BillingCycle, ChargeKind, CivilDate, LineKey, Money, Period, Quantity, ServiceKey, Timestamp,
    UsageLine, VendorAccountId,
};

/// The key of a usage line: of a reading that stays where it is, or one held beside it.
#[derive(Clone, Debug)]
pub(super) enum KeyOf<'a> {
    Reading(&'a LineKey),
    Own(LineKey),
}

/// A usage line that counts, in the form in which it is kept.
#[derive(Clone, Debug)]
pub(super) struct SortedLine<'a> {
    key: KeyOf<'a>,
    pub(super) quantity: Quantity,
    kind: ChargeKind,
    billing_cycle: BillingCycle,
    billed_until: Option<CivilDate>,
    is_billed: bool,
    pub(super) account: u32,
    pub(super) service: u32,
    /// Few lines have one: as a box it leaves a line in 64 bytes.
    floor: Option<Box<Quantity>>,
}

impl SortedLine<'_> {
    pub(super) fn key(&self) -> &LineKey {
        match &self.key {
            KeyOf::Reading(key) => key,
            KeyOf::Own(key) => key,
        }
    }

    pub(super) fn is_yearly(&self) -> bool {
        self.billing_cycle == BillingCycle::Yearly
    }

    pub(super) fn evidence(&self) -> EvidenceLine<'_> {
        EvidenceLine {
            key: self.key(),
            quantity: self.quantity,
            kind: self.kind,
            billing_cycle: self.billing_cycle,
            billed_until: self.billed_until,
            is_billed: self.is_billed,
            account: self.account,
            service: self.service,
            floor: self.floor.as_deref().copied(),
        }
    }
}

/// What lines are sorted by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Desk<'d, 'a> {
    pub(super) routes: &'d Routes<'a>,
    pub(super) today: CivilDate,
    pub(super) first_sync: Option<CivilDate>,
}

/// The lines of one account.
#[derive(Debug)]
pub(super) struct AccountLines<'l> {
    /// Its number, and its id.
    pub(super) account: (u32, &'l VendorAccountId),
    pub(super) lines: &'l [UsageLine],
    pub(super) as_of: Timestamp,
    pub(super) period: Option<Period>,
}

/// Lines that are sorted: of a reading that stays where it is, or that are let go of then.
pub(super) trait Lines<'a>: AsRef<[UsageLine]> + Send {
    /// Whether they stay where they are.
    const STAY: bool;

    /// The key of the line in a place.
    fn key_at(&self, place: usize) -> KeyOf<'a>;
}

impl<'a> Lines<'a> for &'a [UsageLine] {
    const STAY: bool = true;

    fn key_at(&self, place: usize) -> KeyOf<'a> {
        let lines: &'a [UsageLine] = self;
        KeyOf::Reading(&lines[place].key)
    }
}

impl<'a> Lines<'a> for Vec<UsageLine> {
    const STAY: bool = false;

    fn key_at(&self, place: usize) -> KeyOf<'a> {
        KeyOf::Own(self[place].key.clone())
    }
}

/// Usage lines that count, in the order in which they were read.
#[derive(Debug, Default)]
pub(super) struct Chunk<'a> {
    pub(super) lines: Vec<SortedLine<'a>>,
    /// What is beside the lines, up to the last one that has anything: most sources state amounts for
    /// all lines or for none.
    extras: Vec<Extra>,
}

/// What a row needs of a usage line beside the evidence.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    pub(super) cost: Option<Money>,
    pub(super) price: Option<Money>,
    /// What a charge adds up of it; none of what becomes a line.
    pub(super) amounts: Option<Box<Amounts>>,
}

impl<'a> Chunk<'a> {
    pub(super) fn extra(&self, at: u32) -> Option<&Extra> {
        self.extras.get(at as usize)
    }

    /// Adds the lines of another after its own.
    pub(super) fn append(&mut self, mut other: Self) {
        if !other.extras.is_empty() {
            self.extras.resize_with(self.lines.len(), Extra::default);
            self.extras.append(&mut other.extras);
        }
        self.lines.append(&mut other.lines);
    }

    /// Without room for lines that did not come to count.
    pub(super) fn trimmed(mut self) -> Self {
        if self.lines.len() < self.lines.capacity() / 2 {
            self.lines.shrink_to_fit();
        }
        self
    }

    /// Adds a line, which is made where it stays: small parts of what is moved right after it is made are waited for.
    #[inline]
    pub(super) fn push(&mut self, extra: Option<Extra>, line: impl FnOnce() -> SortedLine<'a>) {
        if let Some(extra) = extra {
            self.extras.resize_with(self.lines.len(), Extra::default);
            self.extras.push(extra);
        }
        self.lines.extend(iter::once_with(line));
    }
}

/// Lines of a chunk that go onto one agreement: from the first to before the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) chunk: u32,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// The lines of accounts, sorted.
#[derive(Debug, Default)]
pub(super) struct Sorted<'a> {
    pub(super) chunk: Chunk<'a>,
    /// The agreement that lines go onto, and which lines: from the first to before the last.
    pub(super) runs: Vec<(u32, u32, u32)>,
    /// For each service, whether the lines hold recurring ones and measured ones.
    pub(super) kinds: Vec<[bool; 2]>,
    pub(super) not_counted: BTreeMap<ChargeKind, u64>,
    pub(super) unplaced: Vec<Unplaced>,
    /// The services of the lines that are being sorted.
    services: Vec<Option<u32>>,
}

impl<'a> Sorted<'a> {
    pub(super) fn with_room(lines: usize, desk: Desk<'_, '_>) -> Self {
        Self {
            chunk: Chunk {
                lines: Vec::with_capacity(lines),
                extras: Vec::new(),
            },
            kinds: vec![[false; 2]; desk.routes.services.len()],
            ..Self::default()
        }
    }

    /// Lines that all go onto one agreement.
    pub(super) fn of(agreement: u32, chunk: Chunk<'a>) -> Self {
        let mut sorted = Self {
            chunk,
            ..Self::default()
        };
        sorted.run(agreement, 0);
        sorted
    }

    /// Takes note that a service has a line of a kind.
    pub(super) fn saw(&mut self, service: u32, kind: ChargeKind) {
        if let Some(kinds) = self.kinds.get_mut(service as usize) {
            kinds[0] |= kind == ChargeKind::Recurring;
            kinds[1] |= kind == ChargeKind::Usage;
        }
    }

    /// How many lines count so far.
    pub(super) fn len(&self) -> u32 {
        index(self.chunk.lines.len())
    }

    /// Says onto which agreement the lines from a position on go.
    pub(super) fn run(&mut self, agreement: u32, from: u32) {
        let to = self.len();
        match self.runs.last_mut() {
            Some((last, _, end)) if *last == agreement && *end == from => *end = to,
            _ if from < to => self.runs.push((agreement, from, to)),
            _ => {}
        }
    }

    /// Sorts an account's lines. `key` gives the key of the line in a place, and `own` the agreement that a line goes onto where each has its own;
    /// it hears whether the line is a part of a charge. Gives the first service by key that nothing is
    /// decided about.
    pub(super) fn sort(
        &mut self,
        desk: Desk<'_, '_>,
        of: AccountLines<'_>,
        key: impl Fn(usize) -> KeyOf<'a>,
        mut own: impl FnMut(&UsageLine, bool) -> Option<u32>,
    ) -> Option<ServiceKey> {
        let mut left: BTreeMap<ServiceKey, LeftLines<'_>> = BTreeMap::new();
        let mut unbilled: BTreeMap<(ServiceKey, ChargeKind), Unbilled> = BTreeMap::new();
        let (account, id) = of.account;
        // Looked up before anything is done with them: what is waited for is memory, and look-ups that
        // stand side by side wait together.
        let mut services = std::mem::take(&mut self.services);
        services.clear();
        services.extend(
            of.lines
                .iter()
                .map(|line| desk.routes.service(&line.service)),
        );
        for (place, (line, service)) in of.lines.iter().zip(&services).enumerate() {
            let Some(service) = *service else {
                left.entry(line.service.clone())
                    .or_insert_with(|| LeftLines::new(Kind::Unmapped, None))
                    .add(line.kind, line.quantity);
                continue;
            };
            let route = &desk.routes.services[service as usize];
            let (counts, billed_as, enabled) = match &route.decision {
                Decision::Linked {
                    counts,
                    billed_as,
                    enabled,
                    ..
                } => (*counts, *billed_as, *enabled),
                Decision::Excluded(reason) => {
                    left.entry(line.service.clone())
                        .or_insert_with(|| LeftLines::new(Kind::Excluded, *reason))
                        .add(line.kind, line.quantity);
                    continue;
                }
            };
            self.saw(service, line.kind);
            let early = desk.first_sync.filter(|day| is_before(line, *day));
            let (None, Some(charge)) = (early, billed_as.charges(counts, line.kind)) else {
                *self.not_counted.entry(line.kind).or_default() += 1;
                if enabled {
                    let why = || early.map_or(Unbilled::beside(counts), Unbilled::before);
                    let key = (line.service.clone(), line.kind);
                    unbilled.entry(key).or_insert_with(why).add(line);
                }
                continue;
            };
            let agreement = own(line, charge);
            let states = charge || line.unit_cost.is_some() || line.unit_price.is_some();
            let extra = states.then(|| Extra {
                cost: line.unit_cost,
                price: line.unit_price,
                amounts: charge.then(|| Box::new(Amounts::of(line))),
            });
            let floor = floor(line, desk.today, of.as_of);
            let evidence = || SortedLine {
                key: key(place),
                quantity: line.quantity,
                floor: floor.map(Box::new),
                kind: line.kind,
                billing_cycle: line.billing_cycle,
                billed_until: billed_until(line, of.period),
                is_billed: line.bill.is_some(),
                account,
                service,
            };
            let at = self.len();
            self.chunk.push(extra, evidence);
            if let Some(agreement) = agreement {
                self.run(agreement, at);
            }
        }
        self.services = services;
        let unmapped = left
            .iter()
            .find(|(_, left)| left.kind == Kind::Unmapped)
            .map(|(service, _)| service.clone());
        let unplaced = |service, kind, lines| Unplaced {
            account: id.clone(),
            subject: UnplacedSubject::Service(service),
            kind,
            lines,
            quantity: None,
            reason: None,
            as_of: Some(of.as_of),
        };
        for (service, left) in left {
            self.unplaced.push(Unplaced {
                quantity: left.quantity,
                reason: left.reason.map(str::to_owned),
                ..unplaced(service, left.kind, left.lines)
            });
        }
        for ((service, kind), of_kind) in unbilled {
            self.unplaced.push(Unplaced {
                reason: Some(of_kind.words(kind)),
                ..unplaced(service, Kind::NotBilled, of_kind.lines())
            });
        }
        unmapped
    }
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

/// The last day that the vendor bills a line for: of its own period, else of that of its reading.
pub(super) fn billed_until(line: &UsageLine, of_reading: Option<Period>) -> Option<CivilDate> {
    let period = line.period.or(of_reading);
    period.map(|period| period.end())
}

/// The lowest quantity that the vendor's commitment allows on a day, by a state of an instant.
pub(super) fn floor(line: &UsageLine, today: CivilDate, as_of: Timestamp) -> Option<Quantity> {
    line.commitment.as_ref()?.floor_at(today, as_of)
}

/// Whether a line is a proration for days before a day.
fn is_before(line: &UsageLine, day: CivilDate) -> bool {
    line.kind == ChargeKind::Proration && line.period.is_some_and(|period| period.start() < day)
}
