//! What is to be prorated and cannot be, and what a PSA is expected to compute.

use super::dates::{Calendar, Direction};
use super::{Action, BillingMode, Change, PlanContext, Policy, ProrationCheck};
use crate::model::{Money, Product, Quantity};
use crate::proration::Prediction;
use crate::reconcile::Row;
use crate::sink::SinkDescriptor;

/// Whether a period that is billed afterwards is to be prorated, on an agreement that does not
/// prorate.
pub(super) fn wants_proration(row: Row<'_>, direction: Direction, policy: &Policy) -> bool {
    policy.billing_mode == Some(BillingMode::PostBilling)
        && policy.prorates(direction) == Some(true)
        && row.agreement().prorates != Some(true)
        && !row.is_metered()
}

/// What keeps a change from being prorated that is to be.
pub(super) fn unprorated(
    row: Row<'_>,
    change: &Change,
    policy: &Policy,
    sink: &SinkDescriptor,
) -> Option<String> {
    let (from, to) = match &change.action {
        Action::CreateLine {
            quantity,
            last_day: None,
            like: None,
            ..
        } => (Quantity::ZERO, *quantity),
        Action::EndLine {
            from, replaced_by, ..
        } => (*from, replaced_by.unwrap_or(Quantity::ZERO)),
        Action::SetQuantity { from, to, .. } => (*from, *to),
        _ => return None,
    };
    let direction = Direction::of(from, to);
    if policy.proration_check == ProrationCheck::Refuse && wants_proration(row, direction, policy) {
        return Some(
            "post-billing with proration needs the agreement's option to prorate, which is off: \
             switch it on in the PSA, or switch the policy's proration off"
                .to_owned(),
        );
    }
    let replaced = matches!(
        change.action,
        Action::EndLine {
            replaced_by: Some(_),
            ..
        }
    );
    let calendar = Calendar::new(policy, row.agreement(), change.effective);
    let within = || calendar.running_period().0 < change.effective;
    let by_days = sink.prorates_ends || !calendar.is_in_arrears();
    (replaced && !by_days && within()).then(|| {
        format!(
            "the old line ends within a period that is billed afterwards, and it is not known that \
             {} bills it for its days of it only: say so with prorates_ends once you have seen it",
            sink.name
        )
    })
}

/// What the PSA is expected to compute for the first period of a new line.
pub(super) fn prediction(
    row: Row<'_>,
    change: &Change,
    context: &PlanContext<'_>,
) -> Option<Prediction> {
    let rule = context.sink.proration.as_ref()?;
    let Action::CreateLine {
        quantity,
        unit_cost,
        unit_price,
        last_day,
        ..
    } = &change.action
    else {
        return None;
    };
    let agreement = row.agreement();
    if agreement.prorates != Some(true) {
        return None;
    }
    let period = agreement.period_of(change.effective)?;
    let product = row.book().product(row.product());
    let listed = |own: Option<Money>, of: fn(&Product) -> Option<Money>| {
        own.or_else(|| {
            let money = product.and_then(of)?;
            let currency = money.currency.or(agreement.currency);
            Some(Money { currency, ..money })
        })
    };
    let units = [
        listed(*unit_price, |product| product.unit_price),
        listed(*unit_cost, |product| product.unit_cost),
    ];
    let days = (change.effective, *last_day);
    Prediction::new(rule, &period, days, *quantity, units)
}
