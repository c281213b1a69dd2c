//! What the rows of a comparison come to, piece by piece and together.

use std::collections::BTreeSet;
use std::iter;
use std::num::NonZeroUsize;

use super::guards::{Compared, Sums};
use super::{Change, Notice};
use crate::model::VendorAccountId;
use crate::reconcile::{Comparison, Kind, Row, shared};

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
    /// What the changes do in sum, where each agreement has its own.
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

    fn append(&mut self, mut next: Self) {
        self.changes.append(&mut next.changes);
        self.notices.append(&mut next.notices);
        self.unchanged.append(&mut next.unchanged);
        self.held_back.append(&mut next.held_back);
        self.compared.append(next.compared);
        self.sums.append(&next.sums);
        self.are_linked |= next.are_linked;
    }
}

/// For how many changes a piece has room at first: for one of each row that differs, where these are spread evenly.
pub(super) fn room_of_a_piece(comparison: &Comparison<'_>) -> usize {
    let found = comparison.counts().into_iter();
    let differ = found.filter(|(kind, _)| *kind != Kind::NoChange);
    let differ: u64 = differ.map(|(_, count)| count).sum();
    let even = usize::try_from(differ).unwrap_or(0) / PIECES;
    even + even / 8
}

/// What pieces come to together, in their order. Each thread brings some of them together, for many changes take
/// their time to be moved.
pub(super) fn together(pieces: Vec<Rows<'_>>, threads: NonZeroUsize) -> Rows<'_> {
    let count = |pieces: &[Rows<'_>]| pieces.iter().map(|piece| piece.changes.len()).sum();
    let (all, of_a_thread) = (count(&pieces), pieces.len().div_ceil(threads.get()));
    let mut pieces = pieces.into_iter();
    let groups = iter::from_fn(|| {
        let group: Vec<_> = pieces.by_ref().take(of_a_thread).collect();
        (!group.is_empty()).then_some(group)
    });
    // The first has room for all: the others are added to it.
    let rooms = iter::once(all).chain(iter::repeat(0));
    let groups = shared(
        threads,
        rooms.zip(groups).collect(),
        |(room, group): (usize, Vec<_>)| {
            let mut together = Rows::default();
            together.changes.reserve_exact(room.max(count(&group)));
            group.into_iter().for_each(|piece| together.append(piece));
            together
        },
    );
    let together = groups.into_iter().reduce(|mut together, group| {
        together.append(group);
        together
    });
    together.unwrap_or_default()
}
