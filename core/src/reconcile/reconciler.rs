//! The pass over the readings, and the join with the PSA's lines.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;

use super::ahead::{GROUP, look_at, look_at_usage};
use super::book::{PsaBook, index};
use super::comparison::{Comparison, Kind, Unplaced, UnplacedSubject};
use super::compiled::{AccountRoute, Routes};
use super::daily::Counted;
use super::dismissals::Dismissals;
use super::join::{Joined, rules};
use super::look::{SHARE, Shares, Staying, Waiting};
use super::metadata::{self, AccountMetadata};
use super::own::{Home, Known, Owns};
use super::rows::{EvidenceChunk, EvidenceLines};
use super::settled::{Awaited, also_switched_off};
use super::share::{all_cores, shared};
use super::sorted::{AccountLines, Chunk, Desk, KeyOf, Lines, Run, Sorted};
use super::usage::{Silence, Usages, note_least_text};
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::model::{
    AccountReading, Bill, ChargeKind, CivilDate, ReadingOutcome, ServiceKey, UsageLine,
    VendorAccountId,
};
use crate::store::{DailyCounts, Ledger};

/// Takes the readings one by one and joins them with the PSA's lines.
///
/// The readings may come in any order; the comparison is the same. Of one that is handed over nothing is kept but
/// what the rows need; [`observe_all`](Self::observe_all) borrows them.
#[derive(Debug)]
pub struct Reconciler<'a> {
    pub(super) book: &'a PsaBook,
    pub(super) today: CivilDate,
    mapping_revision: u64,
    pub(super) routes: Routes<'a>,
    pub(super) ledger: Option<&'a Ledger>,
    pub(super) dismissals: Option<&'a Dismissals>,
    first_sync: Option<CivilDate>,
    /// For each service, whether the readings hold recurring lines and measured ones.
    kinds: Vec<[bool; 2]>,
    pub(super) owns: Owns<'a>,
    /// What is counted by day: the services, and the counts.
    pub(super) counted_by_day: BTreeMap<ServiceKey, ChargeKind>,
    pub(super) days: DailyCounts,
    bills: Vec<(VendorAccountId, Bill)>,
    /// Whether an account was read: those that something is decided about by their positions.
    pub(super) seen: Vec<bool>,
    seen_undecided: HashSet<VendorAccountId>,
    pub(super) accounts: Vec<VendorAccountId>,
    pub(super) chunks: Vec<Chunk<'a>>,
    pub(super) agreements: Usages,
    waiting: Shares<Vec<UsageLine>>,
    waiting_lines: usize,
    pub(super) staying: Staying<'a>,
    pub(super) threads: NonZeroUsize,
    /// Which accounts are still awaited, where agreements are settled one after the other.
    pub(super) awaited: Option<Awaited>,
    unplaced: Vec<Unplaced>,
    not_counted: BTreeMap<ChargeKind, u64>,
    metadata: Vec<AccountMetadata>,
}

/// Where the lines of a reading go.
enum Goal<'a> {
    Agreement(u32),
    /// Each onto its own.
    Own(Home<'a>, Vec<(u32, Silence)>),
    Nowhere,
}

/// How many lines wait before they are sorted: enough that threads are worth starting, few enough that a
/// stream of readings is not held in memory.
const BATCH: usize = 1 << 16;

impl<'a> Reconciler<'a> {
    /// Starts a reconcile of the mapping's accounts against the PSA's lines on a day.
    #[must_use]
    pub fn new(mapping: &'a Mapping, book: &'a PsaBook, today: CivilDate) -> Self {
        let routes = Routes::new(mapping, book);
        Self {
            book,
            today,
            mapping_revision: mapping.revision(),
            kinds: vec![[false; 2]; routes.services.len()],
            seen: vec![false; routes.accounts.len()],
            routes,
            ledger: None,
            dismissals: None,
            first_sync: None,
            owns: Owns::default(),
            counted_by_day: mapping.counted_by_day(),
            days: DailyCounts::new(),
            bills: Vec::new(),
            seen_undecided: HashSet::new(),
            accounts: Vec::new(),
            chunks: Vec::new(),
            agreements: Usages::default(),
            waiting: Shares::default(),
            waiting_lines: 0,
            staying: Staying::default(),
            threads: all_cores(),
            awaited: None,
            unplaced: Vec::new(),
            not_counted: BTreeMap::new(),
            metadata: Vec::new(),
        }
    }

    /// Says which bills were exported and charged before: none of them is charged again.
    #[must_use]
    pub fn with_ledger(mut self, ledger: &'a Ledger) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Says which lines a person leaves as they are for the rest of the billing period.
    #[must_use]
    pub fn with_dismissals(mut self, dismissals: &'a Dismissals) -> Self {
        self.dismissals = Some(dismissals).filter(|dismissals| !dismissals.is_empty());
        self
    }

    /// Says on which day the first sync was, or is: prorations for days before it are told, and
    /// never charged.
    #[must_use]
    pub fn with_first_sync(mut self, day: Option<CivilDate>) -> Self {
        self.first_sync = day;
        self
    }

    /// Says how many threads share the work on many lines; as many as there are cores where nothing is
    /// said. The comparison is the same.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Takes one account's reading.
    ///
    /// # Errors
    /// `Protocol` when the account was already read: one of the two readings is wrong, and
    /// nobody knows which.
    pub fn observe(&mut self, reading: AccountReading) -> Result<()> {
        let decided = self.routes.account(&reading.account);
        if !self.is_first(decided, &reading.account) {
            return Err(read_twice(&reading.account));
        }
        let account = index(self.accounts.len());
        match self.note(decided, &reading) {
            Goal::Agreement(agreement) => {
                if let (as_of, ReadingOutcome::Complete(lines)) = (reading.as_of(), reading.outcome)
                    && !lines.is_empty()
                {
                    self.waiting_lines += lines.len();
                    self.waiting.push(Waiting {
                        agreement,
                        account,
                        lines,
                        as_of,
                        period: reading.billing_period,
                    });
                }
                if self.waiting_lines >= BATCH {
                    self.sort_waiting();
                }
            }
            Goal::Own(home, unobserved) => self.place_each(home, account, &reading, &unobserved),
            Goal::Nowhere => {}
        }
        Ok(())
    }

    /// Takes the readings of many accounts, which stay where they are: the comparison is that of
    /// [`observe`](Self::observe) for each. Quicker where all are in memory.
    ///
    /// # Errors
    /// `Protocol` when an account was already read, or is there twice: none of them is taken in.
    pub fn observe_all(&mut self, readings: &'a [AccountReading]) -> Result<()> {
        let looked_at = self.look_at_all(readings);
        let all = || looked_at.iter().flatten().zip(readings);
        let second =
            all().position(|(look, reading)| !self.is_first(look.decided, &reading.account));
        if let Some(second) = second {
            for (look, reading) in all().take(second) {
                self.forget(look.decided, &reading.account);
            }
            return Err(read_twice(&readings[second].account));
        }
        self.accounts.reserve(readings.len());
        self.staying.reserve(readings.len());
        self.agreements.reserve(readings.len());
        for (look, reading) in looked_at.into_iter().flatten().zip(readings) {
            if let Some(plain) = look.plain {
                self.note_plain(plain);
                continue;
            }
            let account = index(self.accounts.len());
            match (self.note(look.decided, reading), &reading.outcome) {
                (Goal::Agreement(agreement), ReadingOutcome::Complete(lines)) => {
                    let waiting = Waiting::staying(agreement, account, reading, lines);
                    self.staying.push(waiting, self.agreements.of(agreement));
                }
                (Goal::Own(home, unobserved), _) => {
                    self.place_each(home, account, reading, &unobserved);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether an account was not read before; from now on it was.
    fn is_first(&mut self, decided: Option<u32>, account: &VendorAccountId) -> bool {
        match decided {
            Some(position) => !std::mem::replace(&mut self.seen[position as usize], true),
            None => self.seen_undecided.insert(account.clone()),
        }
    }

    fn forget(&mut self, decided: Option<u32>, account: &VendorAccountId) {
        match decided {
            Some(position) => self.seen[position as usize] = false,
            None => {
                self.seen_undecided.remove(account);
            }
        }
    }

    /// Takes note of all that a reading says beside its lines, and says where they go.
    fn note(&mut self, decided: Option<u32>, reading: &AccountReading) -> Goal<'a> {
        self.note_day(reading);
        let metadata = self.routes.metadata.get(reading.account.as_str());
        let routes = &self.routes;
        let metadata = metadata
            .and_then(|to| metadata::of_reading(reading, *to, |service| routes.is_billed(service)));
        self.metadata.extend(metadata);
        let route = decided.map(|position| self.routes.account_at(position));
        let as_of = reading.as_of();
        let id = &reading.account;
        let account = index(self.accounts.len());
        self.accounts.push(id.clone());
        if let (Some(AccountRoute::To(agreement)), Some(awaited)) = (route, &mut self.awaited) {
            awaited.was_read(agreement);
        }
        let lines = match &reading.outcome {
            ReadingOutcome::Complete(lines) => lines.len() as u64,
            ReadingOutcome::Failed(failure) => {
                self.not_observed(id, route, failure.message.clone());
                return Goal::Nowhere;
            }
        };
        let bills = reading.bills.iter();
        self.bills
            .extend(bills.map(|bill| (id.clone(), bill.clone())));
        let unobserved = reading.unobserved.iter().map(|(service, reason)| {
            let reason = format!("account {id} of service {service}: {reason}");
            (service, (Kind::NotObserved, Some(reason)))
        });
        let exported = reading.exported.iter();
        let exported = exported.map(|service| (service, (Kind::Exported, None)));
        let unobserved: Vec<(u32, Silence)> = unobserved
            .chain(exported)
            .filter_map(|(service, silence)| Some((self.routes.service(service)?, silence)))
            .collect();
        let lost = |what: std::fmt::Arguments<'_>| Some(format!("{what} is not listed by the PSA"));
        let (kind, reason) = match route {
            Some(AccountRoute::To(agreement)) => {
                let usage = self.agreements.of(agreement);
                usage.note(as_of, &reading.unread_kinds, &unobserved);
                if !self.counted_by_day.is_empty() {
                    usage.counts(account, Counted::All);
                }
                return Goal::Agreement(agreement);
            }
            Some(AccountRoute::Own(home)) => {
                self.owns
                    .observed(home, as_of, &reading.unread_kinds, &unobserved);
                return Goal::Own(home, unobserved);
            }
            Some(AccountRoute::Unfit(home)) => (Kind::NotEligible, home.unfit(self.book)),
            Some(AccountRoute::Excluded(reason)) => (Kind::Excluded, reason.map(str::to_owned)),
            Some(AccountRoute::Off(_) | AccountRoute::OwnOff(_)) => (Kind::SwitchedOff, None),
            Some(AccountRoute::Lost(target)) => {
                (Kind::NotEligible, lost(format_args!("agreement {target}")))
            }
            Some(AccountRoute::LostCompany(company)) => {
                (Kind::NotEligible, lost(format_args!("company {company}")))
            }
            None => (Kind::Unmapped, None),
        };
        // The lines of an account as a whole are not compared.
        self.unplaced.push(Unplaced {
            account: id.clone(),
            subject: UnplacedSubject::Account,
            kind,
            lines,
            quantity: None,
            reason,
            as_of: Some(as_of),
        });
        Goal::Nowhere
    }

    /// Sorts the lines that wait.
    pub(super) fn sort_waiting(&mut self) {
        self.waiting_lines = 0;
        let waiting = std::mem::take(&mut self.waiting);
        self.sort(waiting);
    }

    /// Sorts lines, each share on one thread.
    fn sort<L: Lines<'a>>(&mut self, waiting: Shares<L>) {
        let desk = self.desk();
        let accounts = &self.accounts;
        let shares = waiting.0;
        let sorted = shared(self.threads, shares, |(lines, share)| {
            let mut sorted = Sorted::with_room(lines, desk);
            let mut unmapped = Vec::new();
            for group in share.chunks(GROUP) {
                let lines = || group.iter().flat_map(|waiting| waiting.lines.as_ref());
                look_at_usage(lines());
                if !L::STAY {
                    // Whose key is held, its text is touched.
                    look_at(lines().map(|line| line.key.as_str()));
                }
                for waiting in group {
                    let from = sorted.len();
                    let of = waiting.of_account(accounts);
                    let service = sorted.sort(desk, of, |at| waiting.lines.key_at(at), |_, _| None);
                    sorted.run(waiting.agreement, from);
                    unmapped.extend(service.map(|service| (waiting.agreement, service)));
                }
            }
            (sorted, unmapped)
        });
        for (sorted, unmapped) in sorted {
            self.take_in(sorted);
            for (agreement, service) in unmapped {
                let known = &mut self.agreements.of(agreement).more_mut().unmapped;
                *known = [known.take(), Some(service)].into_iter().flatten().min();
            }
        }
    }

    /// Sorts the lines of readings that stay, where they are not joined at once.
    pub(super) fn sort_staying(&mut self) {
        let staying = std::mem::take(&mut self.staying);
        self.agreements.forget_staying();
        self.sort(staying.into_shares());
    }

    pub(super) fn desk(&self) -> Desk<'_, 'a> {
        Desk {
            routes: &self.routes,
            today: self.today,
            first_sync: self.first_sync,
        }
    }

    /// Sorts an account's lines, each onto an agreement of its own.
    fn place_each(
        &mut self,
        home: Home<'a>,
        account: u32,
        reading: &AccountReading,
        unobserved: &[(u32, Silence)],
    ) {
        let desk = Desk {
            routes: &self.routes,
            today: self.today,
            first_sync: self.first_sync,
        };
        let known = Known {
            book: self.book,
            ledger: self.ledger,
        };
        let (owns, agreements) = (&mut self.owns, &mut self.agreements);
        let by_day = !self.counted_by_day.is_empty();
        let (id, as_of) = (&reading.account, reading.as_of());
        let lines = reading.lines().unwrap_or_default();
        let mut sorted = Sorted::with_room(lines.len(), desk);
        let of = AccountLines {
            account: (account, id),
            lines,
            as_of,
            period: reading.billing_period,
        };
        let key = |at: usize| KeyOf::Own(lines[at].key.clone());
        sorted.sort(desk, of, key, |line, charge| {
            let agreement = owns.position(known, home, id, line, charge);
            let usage = agreements.of(agreement);
            usage.note(as_of, &reading.unread_kinds, unobserved);
            if by_day {
                usage.counts(account, Counted::own(id, line, home));
            }
            Some(agreement)
        });
        self.take_in(sorted);
    }

    /// Takes in what was sorted.
    pub(super) fn take_in(&mut self, mut sorted: Sorted<'a>) {
        self.take_in_rest(&mut sorted);
        if sorted.chunk.lines.is_empty() {
            return;
        }
        // Accounts of few lines share a chunk.
        let (chunk, base) = match self.chunks.last_mut() {
            Some(last) if last.lines.len() + sorted.chunk.lines.len() <= SHARE => {
                let base = index(last.lines.len());
                last.append(sorted.chunk);
                (self.chunks.len() - 1, base)
            }
            _ => {
                self.chunks.push(sorted.chunk.trimmed());
                (self.chunks.len() - 1, 0)
            }
        };
        for (agreement, from, to) in sorted.runs {
            let usage = self.agreements.of(agreement);
            let run = Run {
                chunk: index(chunk),
                from: base + from,
                to: base + to,
            };
            match usage.run {
                None => usage.run = Some(run),
                Some(_) => usage.more_mut().more_runs.push(run),
            }
        }
    }

    /// Takes in what was sorted and does not count.
    fn take_in_rest(&mut self, sorted: &mut Sorted<'a>) {
        for (known, more) in self.kinds.iter_mut().zip(&sorted.kinds) {
            known[0] |= more[0];
            known[1] |= more[1];
        }
        for (kind, lines) in std::mem::take(&mut sorted.not_counted) {
            *self.not_counted.entry(kind).or_default() += lines;
        }
        self.unplaced.append(&mut sorted.unplaced);
    }

    /// Records an account that was not observed, and that its agreement is not known whole.
    fn not_observed(
        &mut self,
        account: &VendorAccountId,
        route: Option<AccountRoute<'a>>,
        why: String,
    ) {
        let reason = format!("account {account} was not observed: {why}");
        match route {
            Some(AccountRoute::To(agreement)) => {
                let usage = self.agreements.of(agreement);
                note_least_text(&mut usage.more_mut().incomplete, reason);
            }
            Some(AccountRoute::Own(home)) => self.owns.incomplete(home, reason),
            _ => {}
        }
        self.unplaced.push(Unplaced {
            account: account.clone(),
            subject: UnplacedSubject::Account,
            kind: Kind::NotObserved,
            lines: 0,
            quantity: None,
            reason: Some(why),
            as_of: None,
        });
    }

    /// Joins everything observed with the PSA's lines.
    #[must_use]
    pub fn finish(mut self) -> Comparison<'a> {
        self.sort_waiting();
        self.note_absent_accounts();
        for (position, usage) in self.owns.without_usage(self.book, self.ledger) {
            if self.agreements.known(position).is_none() {
                *self.agreements.of(position) = usage;
            }
        }
        let usages = self.agreements.take();
        let joined = self.join_all(&usages);
        let mut comparison = self.comparison(joined);
        comparison.planned = self.owns.planned;
        comparison.keys = self.owns.keys;
        comparison
    }

    /// Puts together what was joined and all that was kept for it, which is let go of.
    pub(super) fn comparison(&mut self, mut joined: Joined<'a>) -> Comparison<'a> {
        let mut evidence = EvidenceLines::of(std::mem::take(&mut self.staying), self.today);
        let mut end = 0;
        for chunk in std::mem::take(&mut self.chunks) {
            let start = end;
            end += index(chunk.lines.len());
            evidence.push(start, EvidenceChunk::Sorted(chunk.lines));
        }
        for mut joined in std::mem::take(&mut joined.lines) {
            self.take_in_rest(&mut joined.sorted);
            evidence.push(joined.start, EvidenceChunk::Staying(joined.staying));
            let sorted = joined.sorted.chunk.trimmed().lines;
            evidence.push(joined.start_of_sorted, EvidenceChunk::Sorted(sorted));
        }
        let mut unplaced = std::mem::take(&mut self.unplaced);
        unplaced.sort_unstable();
        let mut metadata = std::mem::take(&mut self.metadata);
        metadata.sort_by(|a, b| a.account.cmp(&b.account));
        Comparison {
            book: self.book,
            today: self.today,
            mapping_revision: self.mapping_revision,
            rows: joined.rows,
            evidence,
            products: self.routes.products.iter().map(|p| p.id.clone()).collect(),
            listed: self.routes.products.iter().map(|p| p.position).collect(),
            services: self.routes.services.iter().map(|s| s.key.clone()).collect(),
            rules: rules(&self.routes),
            accounts: std::mem::take(&mut self.accounts),
            days: joined.days,
            unmapped: joined.unmapped,
            unplaced,
            not_counted: std::mem::take(&mut self.not_counted),
            metadata,
            unowned_lines: joined.unowned_lines,
            planned: Vec::new(),
            keys: BTreeMap::new(),
            bills: std::mem::take(&mut self.bills),
            extra: (0..)
                .zip(&self.kinds)
                .filter(|(_, kinds)| **kinds == [true, true])
                .map(|(service, _)| service)
                .collect(),
            ledger: self.ledger,
            threads: self.threads,
        }
    }

    /// Linked accounts without a reading were not observed; switched-off ones make their
    /// agreement's usage partial where others feed it.
    fn note_absent_accounts(&mut self) {
        let accounts = self.routes.accounts.iter().zip(&self.seen);
        let absent: Vec<(&VendorAccountId, AccountRoute<'a>)> = accounts
            .filter(|((_, route), seen)| {
                matches!(route, AccountRoute::To(_) | AccountRoute::Own(_)) && !**seen
            })
            .map(|((id, route), _)| (*id, *route))
            .collect();
        for (account, route) in absent {
            let why = "the vendor's answer does not hold it";
            self.not_observed(account, Some(route), why.into());
        }
        let own_off = self.routes.accounts.iter().filter_map(|(id, route)| {
            let AccountRoute::OwnOff(home) = route else {
                return None;
            };
            Some((*home, format!("account {id} is switched off")))
        });
        for (home, reason) in own_off {
            self.owns.incomplete_if_observed(home, reason);
        }
        // In the order of the ids: the first one is told.
        for (account, route) in &self.routes.accounts {
            let AccountRoute::Off(Some(agreement)) = route else {
                continue;
            };
            if let Some(usage) = self.agreements.known(*agreement) {
                usage.is_incomplete(|| also_switched_off(account));
            }
        }
    }
}

fn read_twice(account: &VendorAccountId) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("account {account} was read twice in one run"),
    )
}
