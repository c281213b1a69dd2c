//! A change against the lines of its agreement, and against another change.

use crate::apply::Check;
use crate::error::ErrorKind;
use crate::model::AgreementLine;
use crate::plan::{Action, Change};
use crate::sink::Verdict;
use crate::store::Failure;

/// Compares the target with the change's precondition.
pub(super) fn check(change: &Change, lines: &[AgreementLine]) -> Check {
    let observed = lines.iter().find(|line| match change.action.line() {
        Some(id) => line.id == *id,
        None => change.action.is_absolute() && line.product == change.product,
    });
    let observed = observed.map(|line| line.state.clone());
    match change.check_precondition(lines) {
        Ok(()) => Check::Held { observed },
        Err(mut detail) => {
            if already_holds(change, lines) {
                detail.push_str("; that is what the change wanted");
            }
            Check::Drifted { detail, observed }
        }
    }
}

/// Compares what carries the key or the marker of what a change is to make with what it is to be.
pub(super) fn looked_up(found: std::result::Result<Verdict, Failure>) -> Check {
    match found {
        Ok(Verdict::NotLanded) => Check::Held { observed: None },
        Ok(Verdict::Conflict { detail, observed }) => Check::Drifted { detail, observed },
        Ok(Verdict::CannotTell { detail }) => {
            Check::Unreadable(Failure::new(ErrorKind::Unsupported, detail))
        }
        Ok(verdict) => Check::Stands { verdict },
        Err(failure) => Check::Unreadable(failure),
    }
}

/// Whether two changes of an agreement are about one line, a line still to be created being
/// any line of its product.
pub(super) fn same_line(a: &Change, b: &Change) -> bool {
    if a.action.makes_record() || b.action.makes_record() {
        return false;
    }
    match (a.action.line(), b.action.line()) {
        (Some(a), Some(b)) => a == b,
        _ => a.product == b.product,
    }
}

/// Whether the lines hold already what the change wants.
pub(in crate::apply) fn already_holds(change: &Change, lines: &[AgreementLine]) -> bool {
    lines.iter().any(|line| {
        let state = &line.state;
        change.action.line().is_none_or(|id| line.id == *id)
            && match &change.action {
                Action::CreateLine { .. } => line.marker.as_ref() == Some(&change.marker),
                Action::SetQuantity { to, .. } => state.quantity == *to,
                Action::SetUnitCost { to, .. } => state.unit_cost == Some(*to),
                Action::SetUnitPrice { to, .. } => state.unit_price == Some(*to),
                Action::EndLine { last_day, .. } => state.last_day == Some(*last_day),
                Action::SetCount { to, .. } => {
                    line.product == change.product && state.quantity == *to
                }
                // What is made beside the lines is looked up by its key.
                Action::CreateProduct { .. }
                | Action::WriteNote { .. }
                | Action::CreateAgreement { .. }
                | Action::AddCharge { .. }
                | Action::CreateAccount { .. }
                | Action::LinkAccount { .. } => false,
            }
    })
}
