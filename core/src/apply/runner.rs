//! Carries out a plan against a sink and a journal.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use futures::FutureExt;
use futures::stream::{self, StreamExt};

use super::work::AgreementWork;
use super::{ApplyOptions, ApplyReport, ApplyRequest, ChangeResult, Permission, Stop};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementId, ChangeId, RunId, Timestamp};
use crate::plan::Change;
use crate::sink::PsaSink;
use crate::store::{
    ChangeRecord, Event, Failure, HolderId, Journal, RecordedEvent, Registration, RunRecord,
};

/// Applies plans to one PSA, with one journal.
///
/// The changes of one agreement run in plan order, one at a time, under a lease; agreements
/// run beside each other. See the [module](super) for what happens to a change.
///
/// Several appliers, in one process or in several, may work with one journal at once, and on
/// one run too: an agreement that another is at work on is left to it and reported as waiting.
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
    /// the agreement; after an unsettled change, a cancellation, the deadline or a failure of
    /// the journal the rest waits for [`resume`](Self::resume). An agreement that another holds
    /// or on which another run has an unsettled change waits as well, and so does a charge for a bill that another
    /// run may have made, on whichever agreement: what follows on it goes on.
    ///
    /// # Errors
    /// `Config` when the approval is not [one for this plan](super::Approval::check), `Invalid`
    /// when two changes have one id, `Conflict` when there is a run of that id or the holder is
    /// at work already, `Storage` when the run could not be recorded. Nothing was written then.
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
        )
        .sealed(request.changes)?;
        let (holder, registration) = self.register(&record.id, started, options).await?;
        let changes = at_the_start(&record, request.changes);
        let settled: Vec<_> = changes.iter().flat_map(|c| c.events.clone()).collect();
        self.journal
            .begin(&record, request.plan_text, request.changes, &settled)
            .await?;
        for record_of in &changes {
            for event in &record_of.events {
                options.tell(&record.id, &record_of.change, event);
            }
        }
        let report = self.carry_out(&record, changes, holder, options).await;
        drop(registration);
        Ok(report)
    }

    /// Goes on with a run that was stopped, killed or left with unsettled changes.
    ///
    /// A change whose write may have left is read back first and written again only on proof
    /// that it has not landed. Settled changes are not touched. The approval is the one that
    /// the run was started with. Safe to repeat, and while another is at work on the run.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Config` when it belongs to another sink,
    /// `Conflict` when the holder is at work already, `Storage` when the journal could not be
    /// read, or when the run in it is not the one that was approved. Nothing was written then.
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
        let (holder, registration) = self.register(run, self.clock.now(), options).await?;
        let changes = self.journal.changes(run).await?;
        record.check_seal(&changes)?;
        let report = self.carry_out(&record, changes, holder, options).await;
        drop(registration);
        Ok(report)
    }

    async fn register(
        &self,
        run: &RunId,
        begun: Timestamp,
        options: &ApplyOptions,
    ) -> Result<(HolderId, Registration)> {
        let holder = options.holder.clone();
        let holder = holder.unwrap_or_else(|| HolderId::derive(run, begun));
        let registration = self.journal.register(&holder).await?;
        Ok((holder, registration))
    }

    #[expect(
        clippy::async_yields_async,
        reason = "what is last of an agreement is waited for apart"
    )]
    async fn carry_out(
        &self,
        record: &RunRecord,
        changes: Vec<ChangeRecord>,
        holder: HolderId,
        options: &ApplyOptions,
    ) -> ApplyReport {
        let run = Run {
            applier: self,
            record,
            options,
            holder,
            halted: OnceLock::new(),
        };
        let at_once = options
            .concurrency
            .min(self.sink.descriptor().concurrency)
            .max(1);
        let open = changes.iter().filter(|c| !c.state().is_settled());
        let open: Vec<Change> = open.map(|c| c.change.clone()).collect();
        self.sink.begin(&open);
        let order: Vec<ChangeId> = changes.iter().map(|c| c.change.id.clone()).collect();
        let work: Vec<_> = by_agreement(record, changes)
            .into_iter()
            .map(|(agreement, changes)| {
                let run = &run;
                async move {
                    let work = AgreementWork::new(run, agreement, changes);
                    work.carry_out().await.end().boxed()
                }
                .boxed()
            })
            .collect();
        // What is last of an agreement is recorded beside the work on others, however long it takes: no request waits
        // for it.
        let agreements = work.len();
        let carried_out = stream::iter(work).buffer_unordered(at_once);
        let ended = carried_out.buffer_unordered(agreements.max(1));
        let machines: Vec<_> = ended.collect().await;

        let mut results: HashMap<ChangeId, ChangeResult> = machines
            .iter()
            .flat_map(|machine| machine.results())
            .map(|result| (result.change.clone(), result))
            .collect();
        let results: Vec<_> = order.iter().filter_map(|id| results.remove(id)).collect();
        let unfinished = results.iter().any(|result| result.resumable);
        let mut late = machines.iter().filter_map(|machine| machine.stopped());
        let stopped = run.stop().or_else(|| late.next().cloned());
        let stopped = stopped.filter(|stop| unfinished || matches!(stop, Stop::Journal { .. }));
        ApplyReport::new(record.id.clone(), record.plan.clone(), results, stopped)
    }
}

/// The changes as a run begins: what the approval does not grant is settled then.
fn at_the_start(record: &RunRecord, changes: &[Change]) -> Vec<ChangeRecord> {
    let permissions = record.approval.permissions(changes);
    let records = changes.iter().zip(permissions).map(|(change, permission)| {
        let event = match permission {
            Permission::Granted { .. } => None,
            Permission::Withheld { cause, reason } => Some(Event::Skipped { cause, reason }),
        };
        let recorded = event.map(|event| RecordedEvent {
            change: change.id.clone(),
            seq: 0,
            at: record.started,
            event,
        });
        ChangeRecord {
            change: change.clone(),
            events: recorded.into_iter().collect(),
        }
    });
    records.collect()
}

type OfAgreement = (AgreementId, Vec<(ChangeRecord, Permission)>);

/// The changes of each agreement with what the approval says about them, in plan order.
fn by_agreement(record: &RunRecord, changes: Vec<ChangeRecord>) -> Vec<OfAgreement> {
    let all: Vec<Change> = changes.iter().map(|record| record.change.clone()).collect();
    let permissions = record.approval.permissions(&all);
    let mut places = HashMap::new();
    let mut agreements: Vec<OfAgreement> = Vec::new();
    for (change, permission) in changes.into_iter().zip(permissions) {
        let agreement = change.change.agreement.clone();
        let place = *places.entry(agreement.clone()).or_insert(agreements.len());
        if place == agreements.len() {
            agreements.push((agreement, Vec::new()));
        }
        agreements[place].1.push((change, permission));
    }
    agreements
}

/// What the agreements of a run share.
pub(super) struct Run<'a> {
    pub(super) applier: &'a Applier<'a>,
    pub(super) record: &'a RunRecord,
    pub(super) options: &'a ApplyOptions,
    pub(super) holder: HolderId,
    /// Why the journal takes nothing more.
    halted: OnceLock<Failure>,
}

impl Run<'_> {
    /// Why no further change may begin.
    pub(super) fn stop(&self) -> Option<Stop> {
        let halted = self.halted.get().cloned();
        let cancelled = self.options.cancel.is_cancelled();
        halted
            .map(|failure| Stop::Journal { failure })
            .or_else(|| cancelled.then_some(Stop::Cancelled))
    }

    /// Stops the run for a failure; of two failures the first stands.
    pub(super) fn halt(&self, failure: Failure) {
        self.halted.get_or_init(|| failure);
    }
}
