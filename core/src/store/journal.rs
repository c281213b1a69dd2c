//! The journal as a trait.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    ChangeState, Claim, ClaimRequest, Event, HolderId, Lease, Ledger, Registration, WrittenChange,
    WrittenPosition, WrittenQuery,
};
use crate::apply::Approval;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementId, ChangeId, CompanyId, PlanId, RunId, Timestamp};
use crate::plan::{Change, PlannedBill};

impl RunId {
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
    /// A hash of all this and of the changes as the run was begun with them, by which a resume
    /// knows that they are still what was approved; absent where no applier began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
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
            seal: None,
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
/// Events are added under a [`Lease`] on the agreement that they are about: whoever comes late,
/// after another has taken the agreement over, can add nothing. Readers need none.
///
/// Calls of one lease may be under way at once: one that renews it, and one that adds.
///
/// Object-safe. When a call that adds returns `Ok`, what it added survives the process. With a durable
/// journal it also survives the loss of power where something is done on its word: what
/// [`begin`](Self::begin) added, [`Event::Sent`], which a write leaves on, and all that was added before
/// either, or before a lease was [given back](Self::release). What was added since then may be lost with
/// the power, from its end: a resume reads it back.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Records a new run with the text of its plan, its changes in plan order, and the first
    /// events of those that are settled from the start, whole or not at all.
    ///
    /// # Errors
    /// `Conflict` when there is a run of that id, `Invalid` when two changes have one id or an
    /// event is not the first of a change of the run, `Storage` when it could not be made
    /// durable.
    ///
    /// # Cancel safety
    /// When the future is dropped, the run may or may not have been recorded.
    async fn begin(
        &self,
        run: &RunRecord,
        plan_text: &str,
        changes: &[Change],
        settled: &[RecordedEvent],
    ) -> Result<()>;

    /// Makes a holder known, so that its leases can be told from those of the dead.
    ///
    /// A store that can tell whether a holder lives, as by a lock that the system lets go of
    /// when a process ends, gives a registration that proves it; others give one
    /// [without proof](Registration::without_proof).
    ///
    /// # Errors
    /// `Conflict` when a holder of that id lives, `Storage` when it could not be recorded.
    ///
    /// # Cancel safety
    /// When the future is dropped, the holder is gone.
    async fn register(&self, holder: &HolderId) -> Result<Registration>;

    /// Takes the lease on an agreement of a sink.
    ///
    /// It is granted when there is none, or when the newest was given back, is past its time,
    /// is of a holder that is proved to be gone, or is of this very holder. The new one has a
    /// larger fencing number than any before it on the agreement, and with it every older one
    /// is over: of two that believe to hold the agreement, only the later can record anything.
    ///
    /// # Errors
    /// `Storage` when it could not be made durable.
    ///
    /// # Cancel safety
    /// When the future is dropped, the lease may or may not have been taken.
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim>;

    /// Moves the end of a lease to its `until`. A lease past its time can still be renewed as
    /// long as nobody has taken the agreement.
    ///
    /// # Errors
    /// `Conflict` when the lease is not the newest, or was given back; `Storage` when it could
    /// not be made durable.
    async fn renew(&self, lease: &Lease) -> Result<()>;

    /// Gives a lease back.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Adds one event to a change of a run under the lease on the change's agreement, and moves
    /// the lease's end to its `until`, both or neither.
    ///
    /// The event's `seq` must be the number of events that the change has.
    ///
    /// # Errors
    /// `Conflict` when the lease is not the newest on the agreement or was given back, or the
    /// event is out of step; `Invalid` when the lease is on another agreement or sink;
    /// `NotFound` when there is no such run or change; `Storage` when it could not be made
    /// durable. Nothing was added then, but for `Storage`: there it may have been.
    ///
    /// # Cancel safety
    /// When the future is dropped, the event may or may not have been recorded.
    async fn append(&self, lease: &Lease, run: &RunId, event: &RecordedEvent) -> Result<()>;

    /// Adds events of changes on one agreement, in their order, as [`append`](Self::append) does each of
    /// them; those of one change follow one another. A store may add them all or none, and let them
    /// wait for the disk together: at the latest when this returns, all of them are as durable as the
    /// one among them that has to be most.
    ///
    /// # Errors
    /// As [`append`](Self::append). Where a store adds them one by one, those before the one that
    /// failed were added.
    ///
    /// # Cancel safety
    /// As [`append`](Self::append).
    async fn append_all(&self, lease: &Lease, run: &RunId, events: &[RecordedEvent]) -> Result<()> {
        for event in events {
            self.append(lease, run, event).await?;
        }
        Ok(())
    }

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

    /// The changes of a run on one agreement, in plan order, each with its events.
    ///
    /// # Errors
    /// As [`changes`](Self::changes).
    async fn changes_on(&self, run: &RunId, agreement: &AgreementId) -> Result<Vec<ChangeRecord>> {
        let mut changes = self.changes(run).await?;
        changes.retain(|record| record.change.agreement == *agreement);
        Ok(changes)
    }

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

    /// Those of them on one agreement of a sink.
    ///
    /// # Errors
    /// As [`unsettled`](Self::unsettled).
    async fn unsettled_on(
        &self,
        sink: &str,
        agreement: &AgreementId,
    ) -> Result<Vec<UnsettledChange>> {
        let mut open = self.unsettled().await?;
        open.retain(|change| change.sink == sink && change.agreement == *agreement);
        Ok(open)
    }

    /// The bills that were exported and charged, from a source to a sink, over all runs.
    ///
    /// # Errors
    /// `Storage` when they could not be read, were written by a newer version, or are of a plan that is not to be
    /// read any more.
    async fn ledger(&self, source: &str, sink: &str) -> Result<Ledger> {
        let mut ledger = Ledger::new();
        // Those that were never settled stand among all others: the whole of the runs is read.
        let mut runs = self.runs(usize::MAX).await?;
        runs.reverse();
        for run in runs {
            if run.source != source || run.sink != sink {
                continue;
            }
            let bills = PlannedBill::of_plan_text(&self.plan_text(&run.id).await?);
            let bills = bills.map_err(|error| {
                let message = format!("run {}: {}", run.id, error.message());
                Error::new(ErrorKind::Storage, message).with_source(error)
            })?;
            let changes = self.changes(&run.id).await?;
            ledger.add(&run, &bills, &changes);
        }
        Ok(ledger)
    }

    /// The part of the [ledger](Self::ledger) that is about the charges of a company: what is asked before each of
    /// them is made, so that it is to be quick. It shows all that was added, by whomever, before it was asked.
    ///
    /// # Errors
    /// As [`ledger`](Self::ledger).
    async fn charges_of(&self, source: &str, sink: &str, company: &CompanyId) -> Result<Ledger> {
        let mut ledger = self.ledger(source, sink).await?;
        ledger.keep_charges_of(company);
        Ok(ledger)
    }

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
