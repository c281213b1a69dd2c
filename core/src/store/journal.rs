//! The journal as a trait.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ChangeState, Event, WrittenChange, WrittenPosition, WrittenQuery};
use crate::apply::Approval;
use crate::error::Result;
use crate::model::{AgreementId, ChangeId, PlanId, Timestamp};
use crate::plan::Change;

/// One carrying out of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// The id from its text, kept as it is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// An id for a run of a plan that starts at an instant.
    #[must_use]
    pub fn derive(plan: &PlanId, started: Timestamp) -> Self {
        let digest = Sha256::new()
            .chain_update(plan.as_str())
            .chain_update([0])
            .chain_update(started.to_string())
            .finalize();
        let tail: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
        Self::new(format!("run-{}-{tail}", started.date()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for RunId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for RunId {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// The head of a run: which plan, from where to where, when, and on whose approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RunRecord {
    /// The run.
    pub id: RunId,
    /// The plan.
    pub plan: PlanId,
    /// The source the plan was made from.
    pub source: String,
    /// The sink it is applied to.
    pub sink: String,
    /// When it started.
    pub started: Timestamp,
    /// What may be written, and who said so.
    pub approval: Approval,
}

impl RunRecord {
    /// A run of the plan that an approval is for.
    pub fn new(
        id: RunId,
        source: impl Into<String>,
        sink: impl Into<String>,
        started: Timestamp,
        approval: Approval,
    ) -> Self {
        Self {
            id,
            plan: approval.plan.clone(),
            source: source.into(),
            sink: sink.into(),
            started,
            approval,
        }
    }
}

/// One event of a change of a run, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedEvent {
    /// The change.
    pub change: ChangeId,
    /// Its place among the change's events, from 0, without gaps.
    pub seq: u32,
    /// When it was recorded.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// A change of a run with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeRecord {
    /// The change.
    pub change: Change,
    /// Its events, oldest first.
    pub events: Vec<RecordedEvent>,
}

impl ChangeRecord {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> ChangeState {
        ChangeState::of(self.events.iter().map(|recorded| &recorded.event))
    }
}

/// A change of some run whose write may have left and whose outcome is open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnsettledChange {
    /// The run to resume.
    pub run: RunId,
    /// The sink it is applied to.
    pub sink: String,
    /// The agreement.
    pub agreement: AgreementId,
    /// The change.
    pub change: ChangeId,
}

impl UnsettledChange {
    /// The unsettled ones among the changes of a run.
    pub(super) fn among(run: &RunRecord, changes: Vec<ChangeRecord>) -> impl Iterator<Item = Self> {
        let unsettled = |record: &ChangeRecord| record.state().is_unsettled();
        changes.into_iter().filter(unsettled).map(|record| Self {
            run: run.id.clone(),
            sink: run.sink.clone(),
            agreement: record.change.agreement,
            change: record.change.id,
        })
    }
}

/// The record of runs: what was intended, sent, answered and proved. It only ever grows.
///
/// Object-safe. When a call that adds returns `Ok`, what it added survives the process, and
/// with a durable journal the loss of power: the applier lets a write leave on that word.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Records a new run with the text of its plan and its changes in plan order, whole or
    /// not at all.
    ///
    /// # Errors
    /// `Conflict` when there is a run of that id, `Invalid` when two changes have one id,
    /// `Storage` when it could not be made durable.
    ///
    /// # Cancel safety
    /// When the future is dropped, the run may or may not have been recorded.
    async fn begin(&self, run: &RunRecord, plan_text: &str, changes: &[Change]) -> Result<()>;

    /// Adds one event to a change of a run.
    ///
    /// The event's `seq` must be the number of events that the change has, so that of two
    /// writers that believe to be alone only one goes on.
    ///
    /// # Errors
    /// `Conflict` when another writer was there first, `NotFound` when there is no such run
    /// or change, `Storage` when it could not be made durable.
    ///
    /// # Cancel safety
    /// When the future is dropped, the event may or may not have been recorded.
    async fn append(&self, run: &RunId, event: &RecordedEvent) -> Result<()>;

    /// The latest runs, newest first, at most `limit`.
    ///
    /// # Errors
    /// `Storage` when they could not be read.
    async fn runs(&self, limit: usize) -> Result<Vec<RunRecord>>;

    /// One run.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Storage` when it could not be read.
    async fn run(&self, run: &RunId) -> Result<RunRecord>;

    /// The text of a run's plan, as it was given.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Storage` when it could not be read.
    async fn plan_text(&self, run: &RunId) -> Result<String>;

    /// The changes of a run in plan order, each with its events.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Storage` when it could not be read or was
    /// written by a newer version.
    async fn changes(&self, run: &RunId) -> Result<Vec<ChangeRecord>>;

    /// The events of a run in the order in which they were recorded.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn events(&self, run: &RunId) -> Result<Vec<RecordedEvent>>;

    /// The changes of all runs whose write may have left and whose outcome is open.
    ///
    /// # Errors
    /// `Storage` when they could not be read.
    async fn unsettled(&self) -> Result<Vec<UnsettledChange>>;

    /// The changes of all runs whose write left, in the order in which their first writes
    /// left, at most `limit` of those after a place; the default place is before all of them.
    ///
    /// # Errors
    /// `Storage` when they could not be read or were written by a newer version.
    async fn written(
        &self,
        query: &WrittenQuery,
        after: WrittenPosition,
        limit: usize,
    ) -> Result<Vec<WrittenChange>>;
}
