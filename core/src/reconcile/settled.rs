//! Agreements settled while the readings still come, so that not all of them are in memory.

use std::collections::BTreeMap;

use super::book::index;
use super::comparison::Comparison;
use super::compiled::{AccountRoute, Routes};
use super::reconciler::Reconciler;
use super::sorted::{Chunk, Sorted};
use super::usage::AgreementUsage;
use crate::model::VendorAccountId;

/// Which accounts are still awaited.
#[derive(Debug)]
pub(super) struct Awaited {
    /// How many accounts that feed it were not read yet, by agreement.
    accounts: Vec<u32>,
    /// The first switched-off account that feeds it too, by agreement.
    switched_off: BTreeMap<u32, VendorAccountId>,
    /// Whether some accounts have agreements of their own: which ones is known at the end alone.
    has_own: bool,
}

impl Awaited {
    fn new(routes: &Routes<'_>, seen: &[bool], agreements: usize) -> Self {
        let mut awaited = Self {
            accounts: vec![0; agreements],
            switched_off: BTreeMap::new(),
            has_own: false,
        };
        for ((id, route), seen) in routes.accounts.iter().zip(seen) {
            match route {
                AccountRoute::To(agreement) if !seen => {
                    awaited.accounts[*agreement as usize] += 1;
                }
                AccountRoute::Off(Some(agreement)) => {
                    let first = awaited.switched_off.entry(*agreement);
                    first.or_insert_with(|| (*id).clone());
                }
                AccountRoute::Own(_) | AccountRoute::OwnOff(_) => awaited.has_own = true,
                _ => {}
            }
        }
        awaited
    }

    pub(super) fn was_read(&mut self, agreement: u32) {
        let left = &mut self.accounts[agreement as usize];
        *left = left.saturating_sub(1);
    }

    fn is_settled(&self, agreement: u32) -> bool {
        !self.has_own && self.accounts.get(agreement as usize) == Some(&0)
    }
}

impl<'a> Reconciler<'a> {
    /// Takes out what is settled: the rows of the agreements of which every account that feeds them was
    /// read, and all records that have no row so far. Nothing is kept of them, so that a stream of readings
    /// needs as much memory as the readings between two calls.
    ///
    /// Each row is in one comparison: of this, of a later call, or of [`finish`](Self::finish). Where
    /// accounts have agreements of their own, all rows are in the last. [`Row::offer_of`](super::Row::offer_of)
    /// knows the readings so far.
    pub fn settled(&mut self) -> Comparison<'a> {
        self.sort_waiting();
        self.sort_staying();
        let awaited = self.awaited.get_or_insert_with(|| {
            Awaited::new(&self.routes, &self.seen, self.book.agreement_count())
        });
        let usages = self.agreements.take();
        let (mut settled, others): (Vec<_>, Vec<_>) = usages
            .into_iter()
            .partition(|(agreement, _)| awaited.is_settled(*agreement));
        for (agreement, usage) in &mut settled {
            let off = awaited.switched_off.get(agreement);
            if let Some(account) = off {
                usage.is_incomplete(|| also_switched_off(account));
            }
        }
        let joined = self.join_all(&settled);
        let (kept, ids) = self.kept(others);
        let comparison = self.comparison(joined);
        self.accounts = ids;
        for (agreement, usage, sorted) in kept {
            *self.agreements.of(agreement) = usage;
            self.take_in(sorted);
        }
        comparison
    }

    /// What is not settled, with lines of its own and the accounts counted anew.
    fn kept(
        &self,
        usages: Vec<(u32, AgreementUsage)>,
    ) -> (Vec<(u32, AgreementUsage, Sorted<'a>)>, Vec<VendorAccountId>) {
        let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
        let mut ids = Vec::new();
        let mut number = |account: u32| {
            *numbers.entry(account).or_insert_with(|| {
                ids.push(self.accounts[account as usize].clone());
                index(ids.len() - 1)
            })
        };
        let mut kept = Vec::with_capacity(usages.len());
        for (agreement, mut usage) in usages {
            let mut chunk = Chunk::default();
            for run in usage.runs() {
                let of = &self.chunks[run.chunk as usize];
                for at in run.from..run.to {
                    let mut line = of.lines[at as usize].clone();
                    line.account = number(line.account);
                    chunk.push(of.extra(at).cloned(), || line);
                }
            }
            usage.renumber(&mut number);
            kept.push((agreement, usage, Sorted::of(agreement, chunk)));
        }
        (kept, ids)
    }
}

/// Why an agreement's usage is partial.
pub(super) fn also_switched_off(account: &VendorAccountId) -> String {
    format!("account {account} feeds the same agreement and is switched off")
}
