//! Readings looked at on all threads, before they are taken in one after the other.

use std::iter;

use super::book::index;
use super::compiled::AccountRoute;
use super::reconciler::Reconciler;
use super::share::shared;
use super::sorted::AccountLines;
use super::usage::AgreementUsage;
use crate::model::{AccountReading, Period, ReadingOutcome, Timestamp, UsageLine, VendorAccountId};

/// Lines of an account that go onto one agreement, and are still to be sorted.
#[derive(Clone, Debug)]
pub(super) struct Waiting<L> {
    pub(super) agreement: u32,
    pub(super) account: u32,
    pub(super) lines: L,
    pub(super) as_of: Timestamp,
    pub(super) period: Option<Period>,
}

impl<L: AsRef<[UsageLine]>> Waiting<L> {
    /// It as the lines of its account.
    pub(super) fn of_account<'l>(&'l self, accounts: &'l [VendorAccountId]) -> AccountLines<'l> {
        AccountLines {
            account: (self.account, &accounts[self.account as usize]),
            lines: self.lines.as_ref(),
            as_of: self.as_of,
            period: self.period,
        }
    }
}

impl<'r> Waiting<&'r [UsageLine]> {
    /// The lines of a reading that stays where it is.
    pub(super) fn staying(
        agreement: u32,
        account: u32,
        reading: &AccountReading,
        lines: &'r [UsageLine],
    ) -> Self {
        Self {
            agreement,
            account,
            lines,
            as_of: reading.as_of(),
            period: reading.billing_period,
        }
    }
}

/// How many lines are sorted by one thread.
pub(super) const SHARE: usize = 1 << 12;

/// What waits to be sorted, in shares of so many lines, in order.
#[derive(Debug)]
pub(super) struct Shares<L>(pub(super) Vec<(usize, Vec<Waiting<L>>)>);

impl<L> Default for Shares<L> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<L: AsRef<[UsageLine]>> Shares<L> {
    pub(super) fn push(&mut self, waiting: Waiting<L>) {
        let lines = waiting.lines.as_ref().len();
        match self.0.last_mut() {
            Some((share, list)) if *share < SHARE => {
                *share += lines;
                list.push(waiting);
            }
            last => {
                // A share is likely to hold as many accounts as the one before.
                let mut list = Vec::with_capacity(last.map_or(0, |(_, list)| list.len()));
                list.push(waiting);
                self.0.push((lines, list));
            }
        }
    }
}

/// Readings that stay where they are: their lines are sorted as they are joined, while they are at hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Staying<'a> {
    /// Each with the place of the one before of the same agreement, one too high; 0 for none.
    readings: Vec<(Waiting<&'a [UsageLine]>, u32)>,
}

impl<'a> Staying<'a> {
    pub(super) fn reserve(&mut self, readings: usize) {
        self.readings.reserve(readings);
    }

    pub(super) fn push(&mut self, waiting: Waiting<&'a [UsageLine]>, usage: &mut AgreementUsage) {
        usage.staying_lines += index(waiting.lines.len());
        self.readings.push((waiting, usage.staying));
        usage.staying = index(self.readings.len());
    }

    /// Those of an agreement, each with its place.
    pub(super) fn of(
        &self,
        usage: &AgreementUsage,
    ) -> impl Iterator<Item = (u32, &Waiting<&'a [UsageLine]>)> {
        let mut next = usage.staying;
        iter::from_fn(move || {
            let at = next.checked_sub(1)?;
            let (waiting, before) = self.readings.get(at as usize)?;
            next = *before;
            Some((at, waiting))
        })
    }

    /// One of them.
    pub(super) fn at(&self, place: u32) -> Option<&Waiting<&'a [UsageLine]>> {
        self.readings
            .get(place as usize)
            .map(|(waiting, _)| waiting)
    }

    /// All of them, in the order in which they came.
    pub(super) fn into_shares(self) -> Shares<&'a [UsageLine]> {
        let mut shares = Shares::default();
        for (waiting, _) in self.readings {
            shares.push(waiting);
        }
        shares
    }
}

/// A reading that was looked at.
pub(super) struct Look<'r> {
    pub(super) decided: Option<u32>,
    pub(super) plain: Option<Plain<'r>>,
}

/// A reading whose lines all go onto one agreement, and that says nothing beside them.
pub(super) struct Plain<'r> {
    pub(super) account: VendorAccountId,
    /// Its lines; the account's number is given later.
    pub(super) waiting: Waiting<&'r [UsageLine]>,
}

/// How many pieces of the work there are for each thread, so that none waits long for another.
const PIECES: usize = 8;

impl<'a> Reconciler<'a> {
    /// Looks at many readings on all threads, before any of them is taken in.
    pub(super) fn look_at_all<'r>(&self, readings: &'r [AccountReading]) -> Vec<Vec<Look<'r>>> {
        let share = readings.len().div_ceil(self.threads.get() * PIECES);
        let shares = readings.chunks(share.max(SHARE)).collect();
        shared(self.threads, shares, |readings: &'r [AccountReading]| {
            let looks = readings.iter().map(|reading| {
                let decided = self.routes.account(&reading.account);
                let plain = self.plain(decided, reading);
                Look { decided, plain }
            });
            looks.collect()
        })
    }

    /// A reading whose lines all go onto one agreement, and that says nothing beside them.
    fn plain<'r>(&self, decided: Option<u32>, reading: &'r AccountReading) -> Option<Plain<'r>> {
        let AccountRoute::To(agreement) = self.routes.account_at(decided?) else {
            return None;
        };
        let ReadingOutcome::Complete(lines) = &reading.outcome else {
            return None;
        };
        let says_more = !(reading.unread_kinds.is_empty()
            && reading.unobserved.is_empty()
            && reading.exported.is_empty()
            && reading.bills.is_empty());
        let id = reading.account.as_str();
        let is_told = !self.routes.metadata.is_empty() && self.routes.metadata.contains_key(id);
        if says_more || is_told || !self.counted_by_day.is_empty() {
            return None;
        }
        Some(Plain {
            account: reading.account.clone(),
            waiting: Waiting::staying(agreement, 0, reading, lines),
        })
    }

    /// As [`note`](Self::note) for a reading that says nothing beside its lines.
    pub(super) fn note_plain(&mut self, plain: Plain<'a>) {
        let agreement = plain.waiting.agreement;
        if let Some(awaited) = &mut self.awaited {
            awaited.was_read(agreement);
        }
        let usage = self.agreements.of(agreement);
        usage.note(plain.waiting.as_of, &[], &[]);
        let waiting = Waiting {
            account: index(self.accounts.len()),
            ..plain.waiting
        };
        self.staying.push(waiting, usage);
        self.accounts.push(plain.account);
    }
}
