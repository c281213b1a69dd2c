//! Which changes of a run later runs have taken back.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;

use super::written;
use crate::error::Result;
use crate::model::{ChangeId, RunId};
use crate::store::{ChangeRecord, ChangeState, Journal, WrittenQuery};

/// What later runs did about the changes of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenBack(BTreeMap<ChangeId, Later>);

/// What later runs did about one change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Later {
    /// The run that took it back whole.
    done: Option<RunId>,
    /// A run that may have taken it back.
    unsettled: Option<RunId>,
    /// How many runs wrote something to take it back.
    attempts: usize,
}

impl TakenBack {
    /// Reads from the journal what later runs did about the changes of a run: an undo that was
    /// itself taken back counts for nothing.
    ///
    /// # Errors
    /// `Storage` when the journal could not be read.
    pub async fn read(journal: &dyn Journal, run: &RunId) -> Result<Self> {
        // The undoing runs of each run, as far as they lead.
        let mut undoing: BTreeMap<RunId, BTreeMap<RunId, Vec<ChangeRecord>>> = BTreeMap::new();
        let mut open = vec![run.clone()];
        while let Some(next) = open.pop() {
            if undoing.contains_key(&next) {
                continue;
            }
            let mut runs = BTreeMap::new();
            for by in writers(journal, &next).await? {
                let mut records = journal.changes(&by).await?;
                records.retain(|record| takes_back(record, &next).is_some());
                open.push(by.clone());
                runs.insert(by, records);
            }
            undoing.insert(next, runs);
        }
        Ok(Self::of(run, &undoing))
    }

    fn of(run: &RunId, undoing: &BTreeMap<RunId, BTreeMap<RunId, Vec<ChangeRecord>>>) -> Self {
        let mut found = Self::default();
        for (by, records) in undoing.get(run).into_iter().flatten() {
            let back_again = Self::of(by, undoing);
            let mut of_change: BTreeMap<&ChangeId, Vec<&ChangeRecord>> = BTreeMap::new();
            for record in records {
                for change in takes_back(record, run).into_iter().flatten() {
                    of_change.entry(change).or_default().push(record);
                }
            }
            for (change, records) in of_change {
                let later = found.0.entry(change.clone()).or_default();
                let done = |record: &&ChangeRecord| record.state() == ChangeState::Done;
                let stands =
                    |record: &&ChangeRecord| back_again.run_of(&record.change.id).is_none();
                if records.iter().all(|record| done(record) && stands(record)) {
                    later.done = Some(by.clone());
                }
                if records.iter().any(|record| record.state().is_unsettled()) {
                    later.unsettled = Some(by.clone());
                }
                later.attempts += usize::from(records.iter().any(done));
            }
        }
        found
    }

    /// The run that took a change back.
    #[must_use]
    pub fn run_of(&self, change: &ChangeId) -> Option<&RunId> {
        self.0.get(change)?.done.as_ref()
    }

    /// A run that may have taken a change back.
    #[must_use]
    pub fn unsettled_run_of(&self, change: &ChangeId) -> Option<&RunId> {
        self.0.get(change)?.unsettled.as_ref()
    }

    /// How many runs have taken changes back, or begun to, so that the next one is not taken
    /// for one of them.
    pub(super) fn attempts(&self, changes: &[ChangeId]) -> usize {
        let of_change = |change| self.0.get(change).map_or(0, |later: &Later| later.attempts);
        changes.iter().map(of_change).max().unwrap_or(0)
    }
}

fn takes_back<'r>(record: &'r ChangeRecord, run: &RunId) -> Option<&'r [ChangeId]> {
    let undoes = record.change.evidence.undoes.as_ref()?;
    (undoes.run == *run).then_some(undoes.changes.as_slice())
}

/// The runs that wrote something to take a run back.
async fn writers(journal: &dyn Journal, run: &RunId) -> Result<BTreeSet<RunId>> {
    let query = WrittenQuery {
        undoes: Some(run.clone()),
        ..WrittenQuery::default()
    };
    let runs = written(journal, query).map_ok(|written| written.run.id);
    runs.try_collect().await
}
