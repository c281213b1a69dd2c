//! What a row needs on a sink that sets counts and does not tell them.

use super::planner::shows;
use super::{Action, PlanContext};
use crate::model::Quantity;
use crate::reconcile::{Kind, Row};

/// The count to set, and why, in words; none where nothing is to be set.
pub(super) fn of_row(row: Row<'_>, context: &PlanContext<'_>) -> Option<(Action, String)> {
    let rules = context.sink.counts;
    let (source, sink) = (&*context.source.name, context.sink.name);
    let last = row.psa();
    let to = match row.kind() {
        Kind::FirstCount | Kind::Change => row.vendor()?,
        Kind::NoChange if rules.resend => row.vendor().filter(|_| last.is_some())?,
        Kind::VendorMissing if rules.zero_vanished => Quantity::ZERO,
        _ => return None,
    };
    let shown = shows(row, source, to);
    let reason = match (row.kind(), last) {
        (Kind::VendorMissing, Some(last)) => format!(
            "{source} shows no usage any more; the last count that {sink} was given is {last}: it is \
             set to zero, so that the old one is not billed on"
        ),
        (_, Some(last)) if last == to => {
            format!("{shown}, as it did last time; the count is given to {sink} again")
        }
        (_, Some(last)) => format!(
            "{shown}; the last count that {sink} was given is {last}, and it does not tell \
             what it bills"
        ),
        (_, None) => {
            format!("{shown}; {sink} was given no count yet, and does not tell what it bills")
        }
    };
    Some((Action::SetCount { from: last, to }, reason))
}
