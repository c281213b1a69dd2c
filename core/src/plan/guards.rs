//! The guards: what speaks against a change.

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use rust_decimal::Decimal;

use super::dates::Calendar;
use super::prorated::unprorated;
use super::{Action, Block, Change, Guard, PlanContext, Policy, Precondition, ReductionLimit};
use crate::model::{self, Agreement, ChangeId, CivilDate, Currency, Money, Quantity};
use crate::reconcile::{Agreeing, Kind, Row, VendorCost};
use crate::sink::SinkDescriptor;

/// The currency of an agreement, by itself or by the policy.
pub(super) fn currency_of(agreement: &Agreement, policy: &Policy) -> Option<Currency> {
    agreement.currency.or(policy.default_currency)
}

/// Blocks for one change of a row.
pub(super) fn blocks(
    row: Row<'_>,
    change: &Change,
    policy: &Policy,
    context: &PlanContext<'_>,
) -> Vec<Block> {
    let block = |guard, reason: Option<String>| reason.map(|reason| Block { guard, reason });
    [
        block(
            Guard::Unsupported,
            unsupported(&change.action, context.sink),
        ),
        block(Guard::NegativeQuantity, negative(change)),
        block(Guard::AgreementDates, outside(row, change, context.sink)),
        block(Guard::WholeUnits, fractional(&change.action, context.sink)),
        block(
            Guard::Currency,
            unlike_currency(row, &change.action, policy, context.sink),
        ),
        block(Guard::CommitmentFloor, below_floor(row, &change.action)),
        block(Guard::StaleReading, stale(row, &change.action, context)),
        block(Guard::UnmappedUsage, goes_on_elsewhere(row, &change.action)),
        block(
            Guard::InvoicedPeriod,
            invoiced(row.agreement(), change, policy),
        ),
        block(
            Guard::Proration,
            unprorated(row, change, policy, context.sink),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Blocks for one change of an agreement that rests on no reading of the vendor.
pub(crate) fn of_agreement(
    agreement: &Agreement,
    change: &Change,
    policy: &Policy,
    sink: &SinkDescriptor,
) -> Vec<Block> {
    let block = |guard, reason: Option<String>| reason.map(|reason| Block { guard, reason });
    [
        block(Guard::Unsupported, unsupported(&change.action, sink)),
        block(Guard::NegativeQuantity, negative(change)),
        block(Guard::WholeUnits, fractional(&change.action, sink)),
        block(Guard::InvoicedPeriod, invoiced(agreement, change, policy)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the sink cannot do of a write, if so.
pub(crate) fn unsupported(action: &Action, sink: &SinkDescriptor) -> Option<String> {
    let can = &sink.capabilities;
    let (able, what) = match action {
        Action::CreateLine { .. } => (can.create_line, "create lines"),
        Action::SetQuantity { .. } => (can.set_quantity, "set quantities"),
        Action::SetUnitCost { .. } => (can.set_unit_cost, "set unit costs"),
        Action::SetUnitPrice { .. } => (can.set_unit_price, "set unit prices"),
        Action::EndLine { .. } => (can.end_line, "end lines"),
        Action::CreateAgreement {
            parent: Some(_), ..
        } => (can.child_agreements, "create agreements under others"),
        Action::CreateAgreement { .. } => (can.create_agreement, "create agreements"),
        Action::AddCharge { .. } => (can.add_charge, "add charges"),
        Action::CreateAccount { .. } | Action::LinkAccount { .. } => {
            (sink.account_field.is_some(), "take in accounts")
        }
        Action::CreateProduct { .. } => (can.create_product, "create products"),
        Action::WriteNote { .. } => (can.write_note, "write notes"),
        Action::SetCount { .. } => (can.set_count, "set counts"),
    };
    (!able).then(|| format!("{} cannot {what}", sink.name))
}

fn wanted(action: &Action) -> Option<Quantity> {
    if let Action::SetCount { to, .. } = action {
        return Some(*to);
    }
    action.quantities().map(|(_, to)| to)
}

fn negative(change: &Change) -> Option<String> {
    if let Action::AddCharge {
        quantity,
        unit_price,
        ..
    } = &change.action
    {
        let gives_back = quantity.value().is_sign_negative()
            != unit_price.amount.is_sign_negative()
            && !unit_price.amount.is_zero();
        return gives_back.then(|| {
            format!("the bill comes to {unit_price}: a charge would give the client money back")
        });
    }
    // A bounded line may give back what was billed.
    if is_billed_once(change) {
        return None;
    }
    let to = wanted(&change.action).filter(|to| *to < Quantity::ZERO)?;
    Some(format!("a line cannot bill {to} units"))
}

/// Whether its line is one of certain days, such as a catch-up.
fn is_billed_once(change: &Change) -> bool {
    let is_set = matches!(change.precondition, Precondition::QuantityUntil { .. });
    is_set || change.action.is_bounded()
}

fn fractional(action: &Action, sink: &SinkDescriptor) -> Option<String> {
    let to = wanted(action).filter(|to| !to.is_whole())?;
    sink.capabilities.whole_units_only.then(|| {
        format!(
            "{} takes whole units only, and the quantity is {to}: give the service link a rounding",
            sink.name
        )
    })
}

fn unlike_currency(
    row: Row<'_>,
    action: &Action,
    policy: &Policy,
    sink: &SinkDescriptor,
) -> Option<String> {
    let vendor = match (action, row.vendor_cost()) {
        (Action::AddCharge { unit_price, .. }, _) => unit_price.currency?,
        (
            _,
            VendorCost::Uniform(Money {
                currency: Some(vendor),
                ..
            }),
        ) => vendor,
        _ => return None,
    };
    match currency_of(row.agreement(), policy).or(sink.currency) {
        Some(agreement) if agreement != vendor => Some(format!(
            "the vendor charges in {vendor} and the agreement bills in {agreement}"
        )),
        None if writes_cost(row, action) => Some(format!(
            "the vendor charges in {vendor} and the agreement states no currency: \
             name it as the policy's default_currency"
        )),
        _ => None,
    }
}

/// Whether it writes the vendor's cost, and not one that the PSA holds already.
fn writes_cost(row: Row<'_>, action: &Action) -> bool {
    match action {
        Action::SetUnitCost { .. } | Action::AddCharge { .. } => true,
        Action::CreateLine {
            unit_cost: Some(cost),
            ..
        } => row.line().and_then(|line| line.state.unit_cost) != Some(*cost),
        _ => false,
    }
}

fn below_floor(row: Row<'_>, action: &Action) -> Option<String> {
    if !action.is_reduction() {
        return None;
    }
    row.evidence().find_map(|line| {
        let floor = line.floor().filter(|floor| line.quantity < *floor)?;
        Some(format!(
            "the vendor reports {} of {}, below its own commitment of {floor} ({})",
            line.quantity,
            row.service_of(&line),
            line.key()
        ))
    })
}

fn goes_on_elsewhere(row: Row<'_>, action: &Action) -> Option<String> {
    let unmapped = row.unmapped_service()?;
    let ends = matches!(
        action,
        Action::EndLine {
            replaced_by: None,
            ..
        }
    );
    let zeroed = matches!(action, Action::SetCount { .. }) && row.kind() == Kind::VendorMissing;
    (ends || zeroed).then(|| {
        format!(
            "the client also has usage of {unmapped}, which is not mapped: it may be the same \
             thing under another key; map or exclude it first"
        )
    })
}

fn stale(row: Row<'_>, action: &Action, context: &PlanContext<'_>) -> Option<String> {
    if !action.is_reduction() {
        return None;
    }
    let reading = row.freshness(context.now, context.source)?;
    reading.is_stale().then(|| {
        format!(
            "the reading is of {}, {} old; {} is read anew every {}",
            reading.as_of,
            model::Span(reading.age),
            context.source.name,
            model::Span(reading.rhythm)
        )
    })
}

fn invoiced(agreement: &Agreement, change: &Change, policy: &Policy) -> Option<String> {
    // A PSA takes no new line before the next invoice, for whichever period that is.
    let next = match change.action {
        Action::EndLine { .. } => Calendar::new(policy, agreement, change.effective).open_from()?,
        _ => agreement.next_invoice?,
    };
    let dated = matches!(
        change.action,
        Action::CreateLine { .. } | Action::EndLine { .. }
    );
    (dated && agreement.prorates != Some(true) && change.effective < next).then(|| {
        format!(
            "the change counts from {}, and the agreement is invoiced up to {next} and does not prorate",
            change.effective
        )
    })
}

/// Days on which the agreement does not bill, or on which the line does not yet.
fn outside(row: Row<'_>, change: &Change, sink: &SinkDescriptor) -> Option<String> {
    let agreement = row.agreement();
    let (first, last) = match &change.action {
        Action::AddCharge { .. } => return charge_outside(agreement, change.effective),
        Action::CreateLine { last_day, .. } => (change.effective, *last_day),
        Action::EndLine {
            line,
            last_day,
            replaced_by,
            ..
        } => {
            let begins = row
                .line()
                .filter(|known| known.id == *line)
                .and_then(|known| known.state.effective);
            let never = sink.capabilities.end_before_start;
            let too_early = |begins: &CivilDate| {
                let earliest = if never { begins.plus_days(-1) } else { *begins };
                *last_day < earliest
            };
            if let Some(begins) = begins.filter(too_early) {
                return Some(format!(
                    "the line begins to bill on {begins}, and cannot end before that, on {last_day}"
                ));
            }
            replaced_by.as_ref()?;
            (last_day.plus_days(1), None)
        }
        _ => return None,
    };
    let start = agreement.start.max(agreement.bill_start);
    if let Some(start) = start.filter(|start| first < *start) {
        return Some(format!(
            "the line would bill from {first}, and the agreement bills from {start}"
        ));
    }
    let end = agreement.end?;
    (first > end || last.is_some_and(|last| last > end)).then(|| {
        format!(
            "the line would bill {}, and the agreement ends on {end}",
            last.map_or_else(
                || format!("from {first}"),
                |last| format!("from {first} to {last}")
            )
        )
    })
}

/// A day on which the agreement takes no charge.
fn charge_outside(agreement: &Agreement, date: CivilDate) -> Option<String> {
    let early = agreement.start.filter(|start| date < *start);
    let late = agreement.end.filter(|end| *end < date);
    match (early, late) {
        (Some(start), _) => Some(format!(
            "the charge is dated {date}, and the agreement begins on {start}"
        )),
        (_, Some(end)) => Some(format!(
            "the charge is dated {date}, and the agreement ends on {end}"
        )),
        _ => None,
    }
}

/// Blocks the reductions of a plan that takes away too much, and the additions of one that adds
/// too much.
pub(super) fn block_in_sum(
    compared: Compared,
    Sums {
        increases,
        reductions,
    }: &Sums,
    changes: &mut [Change],
    policy: &Policy,
) {
    let (up, down) = (policy.increase_limit, policy.reduction_limit);
    let with_new_lines = || Compared {
        lines: compared.lines.saturating_add(increases.new_lines),
        ..compared
    };
    let too_much = [
        (
            Guard::TotalReduction,
            reductions.above(|| compared, (down.percent, down.lines), REDUCES),
        ),
        (
            Guard::TotalIncrease,
            increases.above(with_new_lines, (up.percent, up.lines), "adds units to"),
        ),
    ];
    for (guard, reason) in too_much {
        let Some(reason) = reason else { continue };
        for change in changes.iter_mut() {
            let Some((from, to)) = change.action.quantities() else {
                continue;
            };
            let concerned = match guard {
                Guard::TotalReduction => to < from,
                _ => to > from,
            };
            if concerned {
                change.blocks.push(Block {
                    guard,
                    reason: reason.clone(),
                });
            }
        }
    }
}

/// Whether any change goes with another one.
pub(super) fn are_linked<'c>(mut changes: impl Iterator<Item = &'c Change>) -> bool {
    changes.any(|change| change.follows.is_some() || change.action.creates_agreement())
}

/// What speaks against a change speaks against the one that goes with it. An agreement is created
/// as long as anything is to stand on it.
pub(super) fn block_together(changes: &mut [Change]) {
    for second in 1..changes.len() {
        let (before, rest) = changes.split_at_mut(second);
        let Some(after) = rest.first_mut() else {
            continue;
        };
        let Some(followed) = &after.follows else {
            continue;
        };
        let is_followed = |change: &&mut Change| change.id == *followed;
        let Some(first) = before.iter_mut().rev().find(is_followed) else {
            continue;
        };
        let (of_first, of_second) = (first.blocks.clone(), after.blocks.clone());
        if !first.action.creates_agreement() {
            carry_over(first, &of_second, &after.id);
        }
        carry_over(after, &of_first, &first.id);
    }
    let bare: Vec<(usize, ChangeId, Vec<Block>)> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| change.action.creates_agreement() && !change.is_blocked())
        .filter_map(|(at, change)| {
            let mut on_it = changes
                .iter()
                .skip(at)
                .filter(|other| other.follows.as_ref() == Some(&change.id));
            let first = on_it.next()?;
            let all = first.is_blocked() && on_it.all(Change::is_blocked);
            all.then(|| (at, first.id.clone(), first.blocks.clone()))
        })
        .collect();
    for (at, other, blocks) in bare {
        if let Some(change) = changes.get_mut(at) {
            carry_over(change, &blocks, &other);
        }
    }
}

fn carry_over(change: &mut Change, blocks: &[Block], other: &ChangeId) {
    for block in blocks {
        if change.blocks.iter().all(|known| known.guard != block.guard) {
            change.blocks.push(Block {
                guard: block.guard,
                reason: format!("it goes with change {other}: {}", block.reason),
            });
        }
    }
}

/// The open lines that a plan's changes are measured against.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Compared {
    lines: u64,
    units: Decimal,
}

impl Compared {
    /// Lines that agree.
    pub(super) fn of(agreeing: Agreeing) -> Self {
        let units = Decimal::try_from_i128_with_scale(agreeing.units, 0);
        Self {
            lines: agreeing.lines,
            units: units.unwrap_or(Decimal::MAX),
        }
    }

    /// Adds a line of so many units.
    pub(crate) fn add(&mut self, units: Quantity) {
        self.lines += 1;
        self.units = self.units.saturating_add(units.value());
    }

    /// Adds the line of a row, where both sides were observed.
    pub(super) fn add_row(&mut self, row: Row<'_>) {
        let observed = matches!(
            row.kind(),
            Kind::Change | Kind::NoChange | Kind::VendorMissing | Kind::Dismissed
        );
        // Of what agrees the vendor's side says what the line's does, and is at hand.
        let units = match row.vendor().filter(|_| row.kind() == Kind::NoChange) {
            Some(vendor) => row.has_line().then_some(vendor),
            None => row.psa(),
        };
        if let Some(units) = units.filter(|_| observed) {
            self.add(units);
        }
    }

    /// Adds the lines of another.
    pub(super) fn append(&mut self, other: Self) {
        self.lines += other.lines;
        self.units = self.units.saturating_add(other.units);
    }
}

/// Why changes take away too much of what they were compared with, if they do.
pub(crate) fn reduction_beyond(
    changes: &[Change],
    compared: impl FnOnce() -> Compared,
    limit: ReductionLimit,
) -> Option<String> {
    let sums = Sums::of(changes);
    sums.reductions
        .above(compared, (limit.percent, limit.lines), REDUCES)
}

/// What a plan does that takes away.
const REDUCES: &str = "takes units away from";

/// What a plan makes of the quantity of one line.
struct Span {
    from: Quantity,
    to: Quantity,
    new: bool,
}

/// What changes make of each line, from before the first step to after the last.
fn spans(changes: &[Change]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut places: HashMap<_, _, RandomState> = HashMap::default();
    places.reserve(changes.len());
    for (change, of_change) in changes.iter().filter_map(|one| Some((one, span(one)?))) {
        let place = change.action.line().map(|line| {
            *places
                .entry((&change.agreement, line))
                .or_insert(spans.len())
        });
        match place.and_then(|place| spans.get_mut(place)) {
            Some(span) => span.to = of_change.to,
            None => spans.push(of_change),
        }
    }
    spans
}

/// What one change makes of its line, where that counts.
fn span(change: &Change) -> Option<Span> {
    let (from, to) = change.action.quantities()?;
    // What is carried out on a person's word alone is no part of what the plan does by itself.
    let mut blocks = change.blocks.iter();
    let is_proposed = blocks.any(|block| block.guard == Guard::FirstAssociation);
    let counts = !is_proposed && !is_billed_once(change);
    counts.then(|| Span {
        from,
        to,
        new: change.action.line().is_none() && !change.action.is_absolute(),
    })
}

/// The changes of both directions in sum.
#[derive(Debug, Default)]
pub(super) struct Sums {
    increases: Sum,
    reductions: Sum,
}

impl Sums {
    pub(super) fn of(changes: &[Change]) -> Self {
        let mut sums = Self::default();
        sums.add(changes);
        sums
    }

    /// Adds changes of lines that no other changes are of.
    pub(super) fn add(&mut self, changes: &[Change]) {
        match changes {
            [] => {}
            [one] => span(one).iter().for_each(|span| self.add_span(span)),
            several => spans(several).iter().for_each(|span| self.add_span(span)),
        }
    }

    fn add_span(&mut self, span: &Span) {
        match span.to.cmp(&span.from) {
            Ordering::Greater => self.increases.add(span),
            Ordering::Less => self.reductions.add(span),
            Ordering::Equal => {}
        }
    }

    /// Adds the changes of other agreements.
    pub(super) fn append(&mut self, other: &Self) {
        self.increases.append(&other.increases);
        self.reductions.append(&other.reductions);
    }
}

/// The changes of one direction in sum. What is billed once does not count.
#[derive(Debug, Default)]
struct Sum {
    lines: u64,
    new_lines: u64,
    /// On lines that there are: those of new lines have nothing to be compared with.
    units: Decimal,
}

impl Sum {
    fn add(&mut self, span: &Span) {
        self.lines += 1;
        if span.new {
            self.new_lines += 1;
        } else {
            let units = span.from.value().saturating_sub(span.to.value()).abs();
            self.units = self.units.saturating_add(units);
        }
    }

    fn append(&mut self, other: &Self) {
        self.lines += other.lines;
        self.new_lines += other.new_lines;
        self.units = self.units.saturating_add(other.units);
    }

    /// Why it is above both the share and the count, if it is.
    fn above(
        &self,
        compared: impl FnOnce() -> Compared,
        (percent, lines): (Decimal, u64),
        does: &str,
    ) -> Option<String> {
        if self.lines <= lines {
            return None;
        }
        let all = compared();
        let line_share = share(Decimal::from(self.lines), Decimal::from(all.lines));
        let unit_share = share(self.units, all.units);
        (line_share.max(unit_share) > percent).then(|| {
            format!(
                "the plan {does} {} of {} lines ({line_share} %) and {} of {} units \
                 ({unit_share} %); allowed without a person's word: {lines} lines or {} %",
                self.lines,
                all.lines,
                self.units.normalize(),
                all.units.normalize(),
                percent.normalize()
            )
        })
    }
}

/// `part` in per cent of `whole`, to one place; 100 of nothing.
fn share(part: Decimal, whole: Decimal) -> Decimal {
    if part.is_zero() {
        return Decimal::ZERO;
    }
    part.checked_mul(Decimal::ONE_HUNDRED)
        .and_then(|scaled| scaled.checked_div(whole))
        .map_or(Decimal::ONE_HUNDRED, |share| share.round_dp(1).normalize())
}
