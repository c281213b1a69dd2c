//! What reading back shows in the PSA in memory.

use tallyline_core::model::{AgreementLine, AgreementLineId, LineState};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, Verdict};

/// The verdict on a change from the agreement's lines.
///
/// A created line is known by its receipt, else by its marker; a line of the product without the
/// marker is nobody's to claim. A field shows what was sent, what was there, or something else.
pub(super) fn verdict(
    change: &Change,
    lines: &[AgreementLine],
    receipt: Option<&Receipt>,
) -> Verdict {
    let find = |id: &AgreementLineId| lines.iter().find(|line| line.id == *id);
    let receipt = receipt.and_then(|receipt| receipt.line.as_ref());
    let line = match (change.action.line(), receipt) {
        (Some(id), _) | (None, Some(id)) => find(id),
        (None, None) => {
            let mark = Some(&change.marker);
            let mut marked: Vec<_> = lines.iter().collect();
            marked.retain(|line| line.marker.as_ref() == mark);
            // A row may come twice.
            marked.dedup_by_key(|line| &line.id);
            match marked.as_slice() {
                [] if change.check_precondition(lines).is_ok() => return Verdict::NotLanded,
                // One of an earlier run is among them.
                [_, _, ..] => return conflict("several lines carry the marker".to_owned(), None),
                several => several.first().copied(),
            }
        }
    };
    match line {
        Some(line) if line.product == change.product => judge(change, line),
        Some(line) => {
            let detail = format!("line {} is of product {}", line.id, line.product);
            conflict(detail, Some(&line.state))
        }
        None => conflict(
            "the line is not there, or is not to be told from another".to_owned(),
            None,
        ),
    }
}

pub(super) fn conflict(detail: String, observed: Option<&LineState>) -> Verdict {
    Verdict::Conflict {
        detail,
        observed: observed.cloned(),
    }
}

/// Whether a state shows what was sent, and whether it shows what was there.
fn shows(action: &Action, state: &LineState) -> (bool, bool) {
    match action {
        Action::CreateLine {
            quantity,
            unit_cost,
            unit_price,
            last_day,
            ..
        } => {
            let as_sent = state.quantity == *quantity
                && state.last_day == *last_day
                && (unit_cost.is_none() || state.unit_cost == *unit_cost)
                && (unit_price.is_none() || state.unit_price == *unit_price);
            (as_sent, false)
        }
        Action::SetQuantity { from, to, .. } => (state.quantity == *to, state.quantity == *from),
        Action::SetUnitCost { from, to, .. } => {
            (state.unit_cost == Some(*to), state.unit_cost == *from)
        }
        Action::SetUnitPrice { from, to, .. } => {
            (state.unit_price == Some(*to), state.unit_price == *from)
        }
        Action::EndLine { last_day, .. } => {
            (state.last_day == Some(*last_day), state.last_day.is_none())
        }
        _ => (false, false),
    }
}

fn judge(change: &Change, line: &AgreementLine) -> Verdict {
    match shows(&change.action, &line.state) {
        (true, _) => Verdict::Landed {
            line: line.id.clone(),
            observed: line.state.clone(),
        },
        (false, true) => Verdict::NotLanded,
        (false, false) => conflict(
            format!(
                "line {} shows neither what was there nor what was sent",
                line.id
            ),
            Some(&line.state),
        ),
    }
}
