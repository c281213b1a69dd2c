//! What the rows of a comparison come to, piece by piece and together.

use std::collections::BTreeSet;

use super::guards::{Compared, Sums};
use super::{Change, Notice};
use crate::model::VendorAccountId;
use crate::reconcile::Row;

/// In how many pieces the rows are planned: enough for many threads, and as many on one, so that what is
/// summed up is summed up in one order.
pub(super) const PIECES: usize = 64;

/// What rows come to.
#[derive(Debug, Default)]
pub(super) struct Rows<'c> {
    pub(super) changes: Vec<Change>,
    pub(super) notices: Vec<Notice>,
    pub(super) unchanged: Vec<Row<'c>>,
    /// The accounts of which something is not changed in this run.
    pub(super) held_back: BTreeSet<&'c VendorAccountId>,
    pub(super) compared: Compared,
    /// What the changes do in sum, where no line is changed by two rows.
    pub(super) sums: Sums,
    /// Whether any change goes with another one.
    pub(super) are_linked: bool,
}

impl<'c> Rows<'c> {
    /// Keeps the bills of a row's accounts from being exported: something of them is left as it is.
    pub(super) fn hold_back(&mut self, row: Row<'c>) {
        let accounts = row.evidence().map(|line| row.account_of(&line));
        self.held_back.extend(accounts);
    }

    /// None yet, with room for so many changes, and with lines that are compared without a look at each.
    pub(super) fn with_room(changes: usize, compared: Compared) -> Self {
        Self {
            changes: Vec::with_capacity(changes),
            compared,
            ..Self::default()
        }
    }

    /// Adds what the rows that come next come to.
    pub(super) fn append(&mut self, mut next: Self) {
        self.changes.append(&mut next.changes);
        self.notices.append(&mut next.notices);
        self.unchanged.append(&mut next.unchanged);
        self.held_back.append(&mut next.held_back);
        self.compared.append(next.compared);
        self.sums.append(&next.sums);
        self.are_linked |= next.are_linked;
    }
}
