//! Many schedules, counted.

use std::fmt;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tallyline_core::apply::Totals;
use tallyline_core::sink::{MadeRecord, Verdict};
use tallyline_core::store::{ChangeRecord, Event};

use super::kinds::Faults;
use super::play::{Place, Played, play_in};
use super::subject::Subject;
use super::world::{Cause, Making};
use crate::lock;

/// What came of many schedules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many were played.
    pub schedules: usize,
    /// Of these, over HTTP.
    pub over_http: usize,
    /// The changes of their plans.
    pub changes: usize,
    /// Faults that struck, by kind.
    pub faults: Faults,
    /// Changes that took effect more than once.
    pub duplicated: usize,
    /// Changes that were lost.
    pub lost: usize,
    /// Changes that were wrongly reported.
    pub wrong: usize,
    /// Changes that were reported as unknown when the faults were over.
    pub unsettled: Unsettled,
    /// What became of the changes in the end.
    pub ends: Ends,
    /// What was made beside the lines.
    pub made: Made,
}

/// What became of the changes in the end, as the last reports say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// They are as planned, and that was read back.
    pub done: usize,
    /// Blocked by a guard, or not approved.
    pub withheld: usize,
    /// The line was not as planned, as after a colleague's edit.
    pub drifted: usize,
    /// The PSA or the connection refused.
    pub failed: usize,
    /// A person has to look.
    pub conflict: usize,
    /// Passed over, on account of an earlier change of the line or the agreement.
    pub skipped: usize,
    /// Unknown or not begun: such a change is counted as lost too.
    pub open: usize,
}

impl Ends {
    /// Counts those of one more run.
    pub(crate) fn add_run(&mut self, totals: &Totals) {
        self.done += totals.done;
        self.withheld += totals.blocked + totals.not_approved;
        self.drifted += totals.drifted;
        self.failed += totals.failed;
        self.conflict += totals.conflict;
        self.skipped += totals.skipped;
        self.open += totals.unsettled + totals.waiting;
    }

    fn add(&mut self, others: &Self) {
        self.done += others.done;
        self.withheld += others.withheld;
        self.drifted += others.drifted;
        self.failed += others.failed;
        self.conflict += others.conflict;
        self.skipped += others.skipped;
        self.open += others.open;
    }
}

/// What was made beside the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Agreements.
    pub agreements: usize,
    /// Products of the catalogue.
    pub products: usize,
    /// Charges.
    pub charges: usize,
    /// Those that were wanted and stood already: an earlier run had made them.
    pub found: usize,
}

impl Made {
    /// What changes have made, of all that was made; and what they found.
    pub(crate) fn of(makings: &[Making]) -> Self {
        let mut made = Self::default();
        for making in makings {
            let count = match (&making.cause, &making.record) {
                (Cause::Change(_), MadeRecord::Agreement(_)) => &mut made.agreements,
                (Cause::Change(_), MadeRecord::Charge(_)) => &mut made.charges,
                (Cause::Change(_), _) => &mut made.products,
                (Cause::Earlier, _) if making.usable => &mut made.found,
                _ => continue,
            };
            *count += 1;
        }
        made
    }

    fn add(&mut self, others: &Self) {
        self.agreements += others.agreements;
        self.products += others.products;
        self.charges += others.charges;
        self.found += others.found;
    }
}

impl fmt::Display for Made {
    /// One line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in [
            ("agreements made", self.agreements),
            ("products made", self.products),
            ("charges made", self.charges),
            ("that stood already", self.found),
        ] {
            writeln!(f, "  {what:<44}{count:>9}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Ends {
    /// One line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in [
            ("done", self.done),
            ("withheld: blocked, or not approved", self.withheld),
            ("the line was not as planned", self.drifted),
            ("refused", self.failed),
            ("a person has to look", self.conflict),
            ("passed over after one of these", self.skipped),
            ("unknown or not begun", self.open),
        ] {
            writeln!(f, "  {what:<44}{count:>9}")?;
        }
        Ok(())
    }
}

/// Changes that were unknown when the faults were over, by what the journal says of them last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// They do not show, and their write may still arrive.
    pub may_arrive: usize,
    /// They could not be read back.
    pub unreadable: usize,
    /// Whoever sent them was gone, or its journal failed, before they were read back.
    pub interrupted: usize,
}

impl Unsettled {
    /// Those among the changes of a run.
    pub(crate) fn among(records: &[ChangeRecord]) -> Self {
        let mut found = Self::default();
        for record in records.iter().filter(|r| r.state().is_unsettled()) {
            let last = record.events.last().map(|recorded| &recorded.event);
            let count = match last {
                Some(Event::Verified {
                    verdict: Verdict::NotLanded,
                }) => &mut found.may_arrive,
                Some(Event::Unverified { .. }) => &mut found.unreadable,
                _ => &mut found.interrupted,
            };
            *count += 1;
        }
        found
    }

    pub(crate) fn add(&mut self, others: &Self) {
        self.may_arrive += others.may_arrive;
        self.unreadable += others.unreadable;
        self.interrupted += others.interrupted;
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.may_arrive + self.unreadable + self.interrupted
    }
}

impl fmt::Display for Unsettled {
    /// One line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in [
            ("does not show, and may still arrive", self.may_arrive),
            ("could not be read back", self.unreadable),
            ("interrupted before it was read back", self.interrupted),
        ] {
            writeln!(f, "  {what:<44}{count:>9}")?;
        }
        Ok(())
    }
}

impl Tally {
    /// Counts one more schedule.
    pub fn add(&mut self, played: &Played) {
        self.schedules += 1;
        self.over_http += usize::from(played.place != Place::Memory);
        self.changes += played.changes;
        self.faults.add_all(&played.faults);
        self.duplicated += played.findings.duplicated.len();
        self.lost += played.findings.lost.len();
        self.wrong += played.findings.wrong.len();
        self.unsettled.add(&played.unsettled);
        self.ends.add(&played.ends);
        self.made.add(&played.made);
    }

    /// Whether each change was applied exactly once and truly reported.
    pub fn is_sound(&self) -> bool {
        self.duplicated == 0 && self.lost == 0 && self.wrong == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unsettled = self.unsettled.total();
        let share = unsettled * 10_000 / self.changes.max(1);
        write!(
            f,
            "{} schedules ({} over HTTP), {} changes ({} done), {} faults injected: \
             {} duplicated, {} lost, {} wrongly reported, {} unsettled when the faults \
             were over ({}.{:02} %) and {} in the end",
            self.schedules,
            self.over_http,
            self.changes,
            self.ends.done,
            self.faults.total(),
            self.duplicated,
            self.lost,
            self.wrong,
            unsettled,
            share / 100,
            share % 100,
            self.ends.open,
        )
    }
}

/// Plays the schedules of consecutive seeds, on as many threads as there are processors, each
/// schedule on one; gives the count, and the schedules in which something was found.
///
/// # Errors
/// When a runtime or a simulator cannot be started.
pub fn play_all(first: u64, count: u64, subject: &dyn Subject) -> io::Result<(Tally, Vec<Played>)> {
    play_all_in(&Place::of, first, count, subject)
}

/// As [`play_all`], each schedule in the world that is named for its seed.
///
/// # Errors
/// When a runtime or a simulator cannot be started.
pub fn play_all_in(
    place: &(dyn Fn(u64) -> Place + Sync),
    first: u64,
    count: u64,
    subject: &dyn Subject,
) -> io::Result<(Tally, Vec<Played>)> {
    let next = AtomicU64::new(0);
    let results = Mutex::new((Tally::default(), Vec::new(), None));
    let work = || loop {
        let at = next.fetch_add(1, Ordering::SeqCst);
        if at >= count {
            return;
        }
        let seed = first.wrapping_add(at);
        let played = play_in(place(seed), seed, subject, false);
        let mut results = lock(&results);
        match played {
            Ok(played) => {
                results.0.add(&played);
                if !played.findings.is_empty() {
                    results.1.push(played);
                }
            }
            Err(error) => results.2 = Some(error),
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let (tally, mut failing, error) = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    failing.sort_by_key(|played| played.seed);
    match error {
        Some(error) => Err(error),
        None => Ok((tally, failing)),
    }
}
