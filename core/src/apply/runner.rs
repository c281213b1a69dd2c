//! Carries out a plan against a sink and a journal.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use futures::FutureExt;
use futures::stream::{self, StreamExt};

use super::work::AgreementWork;
use super::{ApplyEvent, ApplyOptions, ApplyReport, ApplyRequest, Clock, Limits, Permission, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::model::AgreementId;
use crate::plan::Change;
use crate::sink::PsaSink;
use crate::store::{ChangeRecord, Event, Failure, Journal, RecordedEvent, RunId, RunRecord};

/// Applies plans to one PSA, with one journal.
///
/// The changes of one agreement run in plan order, one at a time; agreements run beside each
/// other. See the [module](super) for what happens to a change.
///
/// A run belongs to one process at a time: resume a run only when whoever started it is gone,
/// for a write that is still on its way looks like one that was lost.
#[derive(Clone, Copy)]
pub struct Applier<'a> {
    /// The PSA.
    pub sink: &'a dyn PsaSink,
    /// The record of what is done.
    pub journal: &'a dyn Journal,
    /// The time.
    pub clock: &'a dyn Clock,
}

impl fmt::Debug for Applier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applier")
            .field("sink", self.sink.descriptor())
            .finish_non_exhaustive()
    }
}

impl<'a> Applier<'a> {
    /// An applier.
    #[must_use]
    pub fn new(sink: &'a dyn PsaSink, journal: &'a dyn Journal, clock: &'a dyn Clock) -> Self {
        Self {
            sink,
            journal,
            clock,
        }
    }

    /// Starts a run of a plan and carries it out.
    ///
    /// What goes wrong with a change stands in the report. After `Failed` and `Drifted` the
    /// further changes of the same line are skipped, after a conflict all further changes of
    /// the agreement; after an unsettled change, a cancellation or a failure of the journal
    /// the rest waits for [`resume`](Self::resume). An agreement on which another run has an
    /// unsettled change waits as well, until that run has been resumed.
    ///
    /// # Errors
    /// `Config` when the approval is not [one for this plan](super::Approval::check), `Invalid` when two changes have one id, `Conflict` when there is a run of
    /// that id, `Storage` when the run could not be recorded. Nothing was written then.
    ///
    /// # Cancel safety
    /// Safe to drop, but not for free: a write on its way may still land. The journal knows
    /// it, and [`resume`](Self::resume) settles it before anything else. Prefer
    /// [`CancelFlag`](super::CancelFlag).
    pub async fn apply(
        &self,
        request: &ApplyRequest<'_>,
        options: &ApplyOptions,
    ) -> Result<ApplyReport> {
        request.approval.check(request.plan_id, request.changes)?;
        let started = self.clock.now();
        let id = options
            .run
            .clone()
            .unwrap_or_else(|| RunId::derive(request.plan_id, started));
        let record = RunRecord::new(
            id,
            request.source,
            self.sink.descriptor().system,
            started,
            request.approval.clone(),
        );
        let held = self.held(&record).await?;
        self.journal
            .begin(&record, request.plan_text, request.changes)
            .await?;
        let changes = request.changes.iter().map(|change| ChangeRecord {
            change: change.clone(),
            events: Vec::new(),
        });
        Ok(self
            .carry_out(&record, changes.collect(), held, options)
            .await)
    }

    /// Goes on with a run that was stopped, killed or left with unsettled changes.
    ///
    /// A change whose write may have left is read back first and written again only on proof
    /// that it has not landed. Settled changes are not touched. Approval and overrides are
    /// those that the run was started with. Safe to repeat.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Config` when it belongs to another sink,
    /// `Storage` when the journal could not be read. Nothing was written then.
    ///
    /// # Cancel safety
    /// As [`apply`](Self::apply).
    pub async fn resume(&self, run: &RunId, options: &ApplyOptions) -> Result<ApplyReport> {
        let record = self.journal.run(run).await?;
        let system = self.sink.descriptor().system;
        if record.sink != system {
            return Err(Error::new(
                ErrorKind::Config,
                format!("run {run} is of {}, not of {system}", record.sink),
            ));
        }
        let changes = self.journal.changes(run).await?;
        let held = self.held(&record).await?;
        Ok(self.carry_out(&record, changes, held, options).await)
    }

    /// The agreements on which another run has a write whose outcome is open.
    async fn held(&self, record: &RunRecord) -> Result<HashMap<AgreementId, RunId>> {
        let unsettled = self.journal.unsettled().await?;
        let elsewhere = unsettled
            .into_iter()
            .filter(|open| open.run != record.id && open.sink == record.sink);
        Ok(elsewhere.map(|open| (open.agreement, open.run)).collect())
    }

    async fn carry_out(
        &self,
        record: &RunRecord,
        changes: Vec<ChangeRecord>,
        held: HashMap<AgreementId, RunId>,
        options: &ApplyOptions,
    ) -> ApplyReport {
        let run = Run {
            applier: self,
            record,
            options,
            held,
            halted: OnceLock::new(),
        };
        let mut places = HashMap::new();
        let all: Vec<Change> = changes.iter().map(|record| record.change.clone()).collect();
        let permissions = record.approval.permissions(&all);
        let mut agreements: Vec<Vec<(usize, &ChangeRecord, &Permission)>> = Vec::new();
        for (index, (change, permission)) in changes.iter().zip(&permissions).enumerate() {
            let place = *places.entry(&change.change.agreement).or_insert_with(|| {
                agreements.push(Vec::new());
                agreements.len() - 1
            });
            agreements[place].push((index, change, permission));
        }
        let at_once = options
            .concurrency
            .min(self.sink.descriptor().concurrency)
            .max(1);
        let work: Vec<_> = agreements
            .into_iter()
            .map(|changes| AgreementWork::new(&run).carry_out(changes).boxed())
            .collect();
        let mut results: Vec<_> = stream::iter(work)
            .buffer_unordered(at_once)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .flatten()
            .collect();
        results.sort_by_key(|(index, _)| *index);
        let results: Vec<_> = results.into_iter().map(|(_, result)| result).collect();
        let unfinished = results.iter().any(|result| result.resumable);
        let stopped = run.stop().filter(|stop| match stop {
            Stop::Cancelled => unfinished,
            Stop::Journal { .. } => true,
        });
        ApplyReport::new(record.id.clone(), record.plan.clone(), results, stopped)
    }
}

/// What the agreements of a run share.
pub(super) struct Run<'a> {
    pub(super) applier: &'a Applier<'a>,
    pub(super) record: &'a RunRecord,
    pub(super) options: &'a ApplyOptions,
    /// The agreements on which another run has a write whose outcome is open.
    held: HashMap<AgreementId, RunId>,
    /// Why the journal takes nothing more.
    halted: OnceLock<Failure>,
}

impl Run<'_> {
    pub(super) fn limits(&self, record: &ChangeRecord) -> Limits {
        let sent = record
            .events
            .iter()
            .rev()
            .find(|recorded| matches!(recorded.event, Event::Sent { .. }));
        let now = self.applier.clock.now();
        Limits {
            verify_attempts: self.options.verify_attempts.max(1),
            may_rewrite: sent.is_none_or(|sent| now.since(sent.at) >= self.options.late_write),
        }
    }

    /// Why no further change may begin.
    pub(super) fn stop(&self) -> Option<Stop> {
        let halted = self.halted.get().cloned();
        let cancelled = self.options.cancel.is_cancelled();
        halted
            .map(|failure| Stop::Journal { failure })
            .or_else(|| cancelled.then_some(Stop::Cancelled))
    }

    /// The run that has to be resumed before anything is written to an agreement.
    pub(super) fn held_by(&self, agreement: &AgreementId) -> Option<&RunId> {
        self.held.get(agreement)
    }

    /// Why no write may leave.
    pub(super) fn halt(&self) -> Option<Stop> {
        let failure = self.halted.get()?.clone();
        Some(Stop::Journal { failure })
    }

    /// Adds an event to the journal and to the history.
    ///
    /// # Errors
    /// The stop of the whole run.
    pub(super) async fn record(
        &self,
        change: &Change,
        history: &mut Vec<Event>,
        event: Event,
    ) -> std::result::Result<(), Stop> {
        let at = self.applier.clock.now();
        let recorded = RecordedEvent {
            change: change.id.clone(),
            seq: u32::try_from(history.len()).unwrap_or(u32::MAX),
            at,
            event,
        };
        let journal = self.applier.journal;
        if let Err(error) = journal.append(&self.record.id, &recorded).await {
            let failure = Failure::from(&error);
            tracing::error!(run = %self.record.id, change = %change.id, %error, "journal failed");
            return Err(self.halt_with(failure));
        }
        let event = recorded.event;
        tracing::debug!(run = %self.record.id, change = %change.id, event = event.name());
        if let Some(tell) = &self.options.on_event {
            tell(ApplyEvent {
                run: &self.record.id,
                change,
                at,
                event: &event,
            });
        }
        history.push(event);
        Ok(())
    }

    /// Stops the run for a failure; of two failures the first stands.
    pub(super) fn halt_with(&self, failure: Failure) -> Stop {
        let failure = self.halted.get_or_init(|| failure).clone();
        Stop::Journal { failure }
    }
}
