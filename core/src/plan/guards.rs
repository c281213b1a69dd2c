//! The guards: what speaks against a change.

use rust_decimal::Decimal;

use super::{Action, Block, Change, Guard, PlanContext, Policy, ReductionLimit};
use crate::model::{Agreement, Currency, Money, Quantity};
use crate::reconcile::{Comparison, Kind, Row, VendorCost};
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
        block(Guard::NegativeQuantity, negative(&change.action)),
        block(Guard::WholeUnits, fractional(&change.action, context.sink)),
        block(
            Guard::Currency,
            unlike_currency(row, &change.action, policy),
        ),
        block(Guard::CommitmentFloor, below_floor(row, &change.action)),
        block(Guard::StaleReading, stale(row, &change.action, context)),
        block(Guard::UnmappedUsage, goes_on_elsewhere(row, &change.action)),
        block(Guard::InvoicedPeriod, invoiced(row.agreement(), change)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Blocks for one change of an agreement that rests on no reading of the vendor.
pub(crate) fn of_agreement(
    agreement: &Agreement,
    change: &Change,
    sink: &SinkDescriptor,
) -> Vec<Block> {
    let block = |guard, reason: Option<String>| reason.map(|reason| Block { guard, reason });
    [
        block(Guard::Unsupported, unsupported(&change.action, sink)),
        block(Guard::NegativeQuantity, negative(&change.action)),
        block(Guard::WholeUnits, fractional(&change.action, sink)),
        block(Guard::InvoicedPeriod, invoiced(agreement, change)),
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
    };
    (!able).then(|| format!("{} cannot {what}", sink.name))
}

fn wanted(action: &Action) -> Option<Quantity> {
    action.quantities().map(|(_, to)| to)
}

fn negative(action: &Action) -> Option<String> {
    let to = wanted(action).filter(|to| *to < Quantity::ZERO)?;
    Some(format!("a line cannot bill {to} units"))
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

fn unlike_currency(row: Row<'_>, action: &Action, policy: &Policy) -> Option<String> {
    let VendorCost::Uniform(Money {
        currency: Some(vendor),
        ..
    }) = row.vendor_cost()
    else {
        return None;
    };
    match currency_of(row.agreement(), policy) {
        Some(agreement) if agreement != vendor => Some(format!(
            "the vendor charges in {vendor} and the agreement bills in {agreement}"
        )),
        None if writes_cost(action) => Some(format!(
            "the vendor charges in {vendor} and the agreement states no currency: \
             name it as the policy's default_currency"
        )),
        _ => None,
    }
}

fn writes_cost(action: &Action) -> bool {
    matches!(
        action,
        Action::SetUnitCost { .. }
            | Action::CreateLine {
                unit_cost: Some(_),
                ..
            }
    )
}

fn below_floor(row: Row<'_>, action: &Action) -> Option<String> {
    if !action.is_reduction() {
        return None;
    }
    row.evidence().find_map(|line| {
        let floor = line.floor.filter(|floor| line.quantity < *floor)?;
        Some(format!(
            "the vendor reports {} of {}, below its own commitment of {floor} ({})",
            line.quantity,
            row.service_of(line),
            line.key
        ))
    })
}

fn goes_on_elsewhere(row: Row<'_>, action: &Action) -> Option<String> {
    let unmapped = row.unmapped_service()?;
    matches!(action, Action::EndLine { .. }).then(|| {
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
    let as_of = row.as_of()?;
    let age = context.now.since(as_of);
    (age > context.source.fresh_for).then(|| {
        format!(
            "the reading is of {as_of}, {} hours old; {} is read anew every {} hours",
            age.as_secs() / 3600,
            context.source.name,
            context.source.fresh_for.as_secs() / 3600
        )
    })
}

fn invoiced(agreement: &Agreement, change: &Change) -> Option<String> {
    let next = agreement.next_invoice?;
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

/// The open lines that a plan's reductions are measured against.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Compared {
    lines: u64,
    units: Decimal,
}

impl Compared {
    /// Adds a line of so many units.
    pub(crate) fn add(&mut self, units: Quantity) {
        self.lines += 1;
        self.units = self.units.saturating_add(units.value());
    }
}

/// Why the plan as a whole takes away too much, if it does.
pub(super) fn total_reduction(
    comparison: &Comparison<'_>,
    changes: &[Change],
    policy: &Policy,
) -> Option<String> {
    let compared = || {
        let observed = comparison.rows().filter(|row| {
            matches!(
                row.kind(),
                Kind::Change | Kind::NoChange | Kind::VendorMissing
            )
        });
        let mut compared = Compared::default();
        observed
            .filter_map(|row| row.psa())
            .for_each(|units| compared.add(units));
        compared
    };
    reduction_beyond(changes, compared, policy.reduction_limit)
}

/// Why changes take away too much of what they were compared with, if they do.
pub(crate) fn reduction_beyond(
    changes: &[Change],
    compared: impl FnOnce() -> Compared,
    limit: ReductionLimit,
) -> Option<String> {
    let reductions: Vec<(Quantity, Quantity)> = changes
        .iter()
        .filter(|change| change.action.is_reduction())
        .filter_map(|change| change.action.quantities())
        .collect();
    let lines = reductions.len() as u64;
    if lines <= limit.lines {
        return None;
    }
    let Compared {
        lines: all_lines,
        units: all_units,
    } = compared();
    let lost_units = reductions.iter().fold(Decimal::ZERO, |sum, (from, to)| {
        sum.saturating_add(from.value().saturating_sub(to.value()))
    });
    let line_share = share(Decimal::from(lines), Decimal::from(all_lines));
    let unit_share = share(lost_units, all_units);
    (line_share.max(unit_share) > limit.percent).then(|| {
        format!(
            "the plan takes units away from {lines} of {all_lines} lines ({line_share} %) and {} of {} units \
             ({unit_share} %); allowed without a person's word: {} lines or {} %",
            lost_units.normalize(),
            all_units.normalize(),
            limit.lines,
            limit.percent.normalize()
        )
    })
}

/// `part` in per cent of `whole`, to one place; 100 of nothing.
fn share(part: Decimal, whole: Decimal) -> Decimal {
    part.checked_mul(Decimal::ONE_HUNDRED)
        .and_then(|scaled| scaled.checked_div(whole))
        .map_or(Decimal::ONE_HUNDRED, |share| share.round_dp(1).normalize())
}
