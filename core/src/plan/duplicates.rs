//! Lines that would bill the same thing twice once a mapping goes on with one of them.

use super::{Action, Block, Change, Duplicates, Guard, Policy};
use crate::model::{AgreementId, AgreementLine, CivilDate};
use crate::reconcile::{Kind, Row};

/// A line that is likely to bill what another does, and why that is said.
pub(super) struct Duplicate<'a> {
    /// The agreement on which it stands: that of the row, or one that is invoiced through it.
    pub(super) agreement: &'a AgreementId,
    pub(super) line: &'a AgreementLine,
    pub(super) reason: String,
}

/// The likely duplicates of a row on an agreement that is not invoiced through another, where
/// nothing was written for the product there yet: of several open lines those beside the only one that
/// bills what the vendor shows, and open lines of the product on agreements that are invoiced through it.
pub(super) fn of_row<'c>(row: Row<'c>, policy: &Policy) -> Vec<Duplicate<'c>> {
    let agreement = row.agreement();
    let first = row
        .ledger()
        .is_some_and(|ledger| !ledger.has_written(&agreement.id, row.product()));
    let compared = matches!(
        row.kind(),
        Kind::NewRevenue | Kind::Change | Kind::NoChange | Kind::Ambiguous
    );
    let is_line = row.new_agreement().is_none() && row.charge().is_none();
    if policy.duplicates == Duplicates::Report
        || !(first && compared && is_line)
        || agreement.parent.is_some()
    {
        return Vec::new();
    }
    let mut found = Vec::new();
    if row.kind() == Kind::Ambiguous {
        let open = open_lines(row, &agreement.id);
        let billed: Vec<&AgreementLine> = open
            .iter()
            .copied()
            .filter(|line| Some(line.state.quantity) == row.vendor())
            .collect();
        if let [kept] = billed.as_slice() {
            let others = open.iter().copied().filter(|line| line.id != kept.id);
            found.extend(others.map(|line| Duplicate {
                agreement: &agreement.id,
                line,
                reason: format!(
                    "it stands beside line {}, which bills what the vendor shows",
                    kept.id
                ),
            }));
        }
    }
    for child in row.book().agreements() {
        if child.parent.as_ref() != Some(&agreement.id) || child.company != agreement.company {
            continue;
        }
        let open = open_lines(row, &child.id);
        found.extend(open.into_iter().map(|line| Duplicate {
            agreement: &child.id,
            line,
            reason: format!(
                "agreement {} is invoiced through {}, which bills the product from now on",
                child.id, agreement.id
            ),
        }));
    }
    found.sort_by(|a, b| (a.agreement, &a.line.id).cmp(&(b.agreement, &b.line.id)));
    found
}

/// The lines of the row's product without an end, of an agreement that was read.
fn open_lines<'c>(row: Row<'c>, agreement: &AgreementId) -> Vec<&'c AgreementLine> {
    let lines = row.book().lines(agreement).unwrap_or_default();
    let open = lines.iter().filter(|line| {
        // A line of ours is no line from before.
        line.product == *row.product() && line.state.last_day.is_none() && line.marker.is_none()
    });
    open.collect()
}

impl Duplicate<'_> {
    /// What ends it before the day from which the mapping's line bills.
    pub(super) fn end(&self, effective: CivilDate) -> (Action, String) {
        let last_day = effective.plus_days(-1);
        let action = Action::EndLine {
            line: self.line.id.clone(),
            from: self.line.state.quantity,
            last_day,
            replaced_by: None,
        };
        let reason = format!(
            "the line of {} was there before the first sync, and is likely to bill the same twice: {}; \
             it ends on {last_day}",
            self.line.state.quantity, self.reason
        );
        (action, reason)
    }

    /// Puts the person's word before the end, unless the policy gives it.
    pub(super) fn guard(change: &mut Change, policy: &Policy) {
        if policy.duplicates == Duplicates::End {
            return;
        }
        change.blocks.push(Block {
            guard: Guard::FirstAssociation,
            reason:
                "whether it is the same thing only a person can tell: the end is carried out on \
                     your word alone"
                    .to_owned(),
        });
    }
}
