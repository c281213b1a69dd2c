//! The store that forgets with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use super::days::first_kept;
use super::holders::LocalHolders;
use super::lease::{lease_lost, wrong_lease};
use super::{
    ChangeRecord, Claim, ClaimRequest, CountHistory, DailyCounts, DayReading, Event, HolderId,
    Journal, Lease, RecordedEvent, Registration, RunRecord, UnsettledChange, WrittenChange,
    WrittenPosition, WrittenQuery,
};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementId, ChangeId, CivilDate, Period, RunId, Timestamp, VendorAccountId};
use crate::plan::Change;

/// A journal in memory, for tests, trials and simulators.
///
/// It gives no proof after a crash: use a durable journal for writes that matter.
#[derive(Debug, Default)]
pub struct MemoryStore {
    runs: Mutex<Runs>,
    holders: LocalHolders,
    days: Mutex<Days>,
}

/// The counts of each day, by source, day and account.
type Days = BTreeMap<(String, CivilDate, VendorAccountId), DayReading>;

/// The newest lease on each agreement of a sink, and whether it was not given back.
type Leases = BTreeMap<(String, AgreementId), (Lease, bool)>;

#[derive(Debug, Default)]
struct Runs {
    runs: Vec<Run>,
    /// The first write of each change: the run's place, the change, and when it left.
    written: Vec<(usize, ChangeId, Timestamp)>,
    leases: Leases,
}

#[derive(Debug)]
struct Run {
    record: RunRecord,
    plan_text: String,
    changes: Vec<Change>,
    events: Vec<RecordedEvent>,
}

/// Moves the end of a lease, or gives it back.
fn keep(leases: &mut Leases, lease: &Lease, open: bool) -> Result<()> {
    let key = (lease.sink.clone(), lease.agreement.clone());
    match leases.get_mut(&key) {
        Some(newest) if newest.1 && newest.0.fence == lease.fence => {
            *newest = (lease.clone(), open);
            Ok(())
        }
        _ => Err(lease_lost(lease)),
    }
}

impl Run {
    fn changes(&self) -> Vec<ChangeRecord> {
        let mut by_change: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for event in &self.events {
            by_change
                .entry(&event.change)
                .or_default()
                .push(event.clone());
        }
        self.changes
            .iter()
            .map(|change| ChangeRecord {
                change: change.clone(),
                events: by_change.remove(&change.id).unwrap_or_default(),
            })
            .collect()
    }

    /// Refuses events of a change that do not follow those that it has, or that the lease is not for.
    fn check(&self, lease: &Lease, events: &[RecordedEvent]) -> Result<()> {
        let Some(first) = events.first() else {
            return Ok(());
        };
        let change = self.changes.iter().find(|change| change.id == first.change);
        let change = change.ok_or_else(|| no_change(&self.record.id, first))?;
        if change.agreement != lease.agreement || self.record.sink != lease.sink {
            return Err(wrong_lease(lease));
        }
        let of_change = |known: &&RecordedEvent| known.change == first.change;
        let expected = self.events.iter().filter(of_change).count() as u64;
        for (place, event) in (expected..).zip(events) {
            if u64::from(event.seq) != place {
                return Err(out_of_step(&self.record.id, event, place));
            }
        }
        Ok(())
    }

    fn record_of(&self, change: &ChangeId) -> Option<ChangeRecord> {
        let of_change = |event: &&RecordedEvent| event.change == *change;
        Some(ChangeRecord {
            change: self.changes.iter().find(|c| c.id == *change)?.clone(),
            events: self.events.iter().filter(of_change).cloned().collect(),
        })
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> Result<MutexGuard<'_, Runs>> {
        locked(&self.runs)
    }

    fn read<T>(&self, id: &RunId, read: impl FnOnce(&Run) -> T) -> Result<T> {
        let store = self.lock()?;
        let run = store.runs.iter().find(|run| run.record.id == *id);
        run.map(read).ok_or_else(|| no_run(id))
    }
}

fn locked<T>(shared: &Mutex<T>) -> Result<MutexGuard<'_, T>> {
    let panicked = |_| Error::new(ErrorKind::Storage, "a writer of the store panicked");
    shared.lock().map_err(panicked)
}

/// The error for a run that is not there.
pub(super) fn no_run(id: &RunId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no run {id}"))
}

/// The error for a run that is already there.
pub(super) fn run_exists(id: &RunId) -> Error {
    Error::new(ErrorKind::Conflict, format!("run {id} is already recorded"))
}

/// The error for an event whose place is taken or lies ahead.
pub(super) fn out_of_step(run: &RunId, event: &RecordedEvent, expected: u64) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "event {} of change {} of run {run} is next, not {}: another process works on the run",
            expected, event.change, event.seq
        ),
    )
}

/// The error for a change that is not in the run.
pub(super) fn no_change(run: &RunId, event: &RecordedEvent) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("run {run} has no change {}", event.change),
    )
}

/// Refuses changes of which two have one id.
pub(super) fn refuse_twins(changes: &[Change]) -> Result<()> {
    let mut seen = BTreeSet::new();
    match changes.iter().find(|change| !seen.insert(&change.id)) {
        None => Ok(()),
        Some(twin) => Err(Error::new(
            ErrorKind::Invalid,
            format!("two changes have the id {}", twin.id),
        )),
    }
}

/// Refuses events that are not the first of one of the changes.
pub(super) fn refuse_strays(changes: &[Change], settled: &[RecordedEvent]) -> Result<()> {
    let mut open: BTreeSet<_> = changes.iter().map(|change| &change.id).collect();
    let stray = |event: &&RecordedEvent| event.seq != 0 || !open.remove(&event.change);
    match settled.iter().find(stray) {
        None => Ok(()),
        Some(stray) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "event {} of change {} begins nothing",
                stray.seq, stray.change
            ),
        )),
    }
}

#[async_trait]
impl Journal for MemoryStore {
    async fn begin(
        &self,
        run: &RunRecord,
        plan_text: &str,
        changes: &[Change],
        settled: &[RecordedEvent],
    ) -> Result<()> {
        refuse_twins(changes)?;
        refuse_strays(changes, settled)?;
        let runs = &mut self.lock()?.runs;
        if runs.iter().any(|known| known.record.id == run.id) {
            return Err(run_exists(&run.id));
        }
        runs.push(Run {
            record: run.clone(),
            plan_text: plan_text.to_owned(),
            changes: changes.to_vec(),
            events: settled.to_vec(),
        });
        Ok(())
    }

    async fn register(&self, holder: &HolderId) -> Result<Registration> {
        self.holders.register(holder)
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        let mut store = self.lock()?;
        let key = (request.sink.clone(), request.agreement.clone());
        let newest = store.leases.get(&key).cloned();
        let dead = newest
            .as_ref()
            .is_some_and(|(lease, _)| self.holders.is_dead(&lease.holder));
        let claim = request.clone().decide(newest, dead);
        if let Claim::Taken { lease, .. } = &claim {
            store.leases.insert(key, (lease.clone(), true));
        }
        Ok(claim)
    }

    async fn renew(&self, lease: &Lease) -> Result<()> {
        keep(&mut self.lock()?.leases, lease, true)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        keep(&mut self.lock()?.leases, lease, false)
    }

    async fn append(&self, lease: &Lease, id: &RunId, event: &RecordedEvent) -> Result<()> {
        self.append_all(lease, id, std::slice::from_ref(event))
            .await
    }

    async fn append_all(&self, lease: &Lease, id: &RunId, events: &[RecordedEvent]) -> Result<()> {
        let mut store = self.lock()?;
        let Runs {
            runs,
            written,
            leases,
        } = &mut *store;
        let (place, run) = runs
            .iter_mut()
            .enumerate()
            .find(|(_, run)| run.record.id == *id)
            .ok_or_else(|| no_run(id))?;
        for of_change in events.chunk_by(|one, next| one.change == next.change) {
            run.check(lease, of_change)?;
        }
        keep(leases, lease, true)?;
        for event in events {
            run.events.push(event.clone());
            if event.event == (Event::Sent { attempt: 1 }) {
                written.push((place, event.change.clone(), event.at));
            }
        }
        Ok(())
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunRecord>> {
        let runs = &self.lock()?.runs;
        let newest_first = runs.iter().rev().map(|run| run.record.clone());
        Ok(newest_first.take(limit).collect())
    }

    async fn run(&self, run: &RunId) -> Result<RunRecord> {
        self.read(run, |run| run.record.clone())
    }

    async fn plan_text(&self, run: &RunId) -> Result<String> {
        self.read(run, |run| run.plan_text.clone())
    }

    async fn changes(&self, run: &RunId) -> Result<Vec<ChangeRecord>> {
        self.read(run, Run::changes)
    }

    async fn events(&self, run: &RunId) -> Result<Vec<RecordedEvent>> {
        self.read(run, |run| run.events.clone())
    }

    async fn unsettled(&self) -> Result<Vec<UnsettledChange>> {
        let store = self.lock()?;
        let open = store
            .runs
            .iter()
            .flat_map(|run| UnsettledChange::among(&run.record, run.changes()));
        Ok(open.collect())
    }

    async fn written(
        &self,
        query: &WrittenQuery,
        after: WrittenPosition,
        limit: usize,
    ) -> Result<Vec<WrittenChange>> {
        let store = self.lock()?;
        let from = usize::try_from(after.number()).unwrap_or(usize::MAX);
        let later = store.written.iter().enumerate().skip(from);
        let found = later.filter_map(|(index, (place, change, sent))| {
            let run = store.runs.get(*place)?;
            let record = run.record_of(change)?;
            let position = WrittenPosition::new(index as u64 + 1);
            (query.fits_at(*sent) && query.fits(&record))
                .then(|| WrittenChange::new(position, *sent, run.record.clone(), record))
        });
        Ok(found.take(limit).collect())
    }
}

#[async_trait]
impl CountHistory for MemoryStore {
    async fn record_days(
        &self,
        source: &str,
        today: CivilDate,
        readings: &[DayReading],
    ) -> Result<()> {
        let mut days = locked(&self.days)?;
        for reading in readings {
            let key = (source.to_owned(), reading.day, reading.account.clone());
            if days.get(&key).is_none_or(|known| reading.replaces(known)) {
                days.insert(key, reading.clone());
            }
        }
        let first = first_kept(today);
        days.retain(|(of, day, _), _| of != source || *day >= first);
        Ok(())
    }

    async fn days(&self, source: &str, period: &Period) -> Result<DailyCounts> {
        let days = locked(&self.days)?;
        let mut counts = DailyCounts::new();
        for ((of, day, _), reading) in days.iter() {
            if of == source && period.contains(*day) {
                counts.add(reading.clone());
            }
        }
        Ok(counts)
    }
}
