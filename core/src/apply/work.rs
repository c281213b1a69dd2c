//! Carries out what the machine of an agreement says.

use std::collections::BTreeMap;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};

use super::runner::Run;
use super::{AgreementInput, AgreementMachine, AgreementStep, Permission, Stop, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementId, AgreementLine, ChangeId, CompanyId, LinesOutcome, RunId};
use crate::plan::Change;
use crate::sink::{ReadBack, Verdict};
use crate::store::{
    ChangeRecord, ChangeState, Claim, ClaimRequest, Counts, Event, Failure, Lease, Ledger,
    RecordedEvent, UnsettledChange,
};

/// The work on one agreement.
pub(super) struct AgreementWork<'a> {
    run: &'a Run<'a>,
    agreement: AgreementId,
    changes: Arc<[Change]>,
    machine: AgreementMachine,
    lease: Option<Lease>,
    /// What happened and is still to be recorded.
    unrecorded: Vec<RecordedEvent>,
    /// Whether the machine took in what it did not ask for: nothing more is done then.
    is_broken: bool,
}

impl<'a> AgreementWork<'a> {
    pub(super) fn new(
        run: &'a Run<'a>,
        agreement: AgreementId,
        changes: Vec<(ChangeRecord, Permission)>,
    ) -> Self {
        let now = run.applier.clock.now();
        let mut limits = run.options.limits();
        limits.lines_hold_for = run.applier.sink.descriptor().lines_hold_for;
        Self {
            run,
            agreement,
            changes: changes
                .iter()
                .map(|(record, _)| record.change.clone())
                .collect(),
            machine: AgreementMachine::new(limits, changes, now),
            lease: None,
            unrecorded: Vec::new(),
            is_broken: false,
        }
    }

    /// Carries out one step after the other, until nothing is left but to record what happened and to give the
    /// lease back.
    pub(super) async fn carry_out(mut self) -> Self {
        while !matches!(
            self.next_step(),
            AgreementStep::Release | AgreementStep::Finished
        ) {
            self.go_on().await;
        }
        self
    }

    /// Does what is left to do.
    pub(super) async fn end(mut self) -> AgreementMachine {
        while self.next_step() != AgreementStep::Finished {
            self.go_on().await;
        }
        self.machine
    }

    fn next_step(&mut self) -> AgreementStep {
        if self.is_broken {
            return AgreementStep::Finished;
        }
        if let Some(stop) = self.run.stop() {
            self.machine.stop(stop);
        }
        self.machine.next_step()
    }

    async fn go_on(&mut self) {
        let step = self.machine.next_step();
        let input = self.step_on_record(step).await;
        if let AgreementInput::JournalFailed(failure)
        | AgreementInput::NotRecorded {
            failure: Some(failure),
            ..
        } = &input
        {
            self.run.halt(failure.clone());
        }
        let now = self.run.applier.clock.now();
        if let Err(defect) = self.machine.handle(input, now) {
            let failure = Failure::from(&defect);
            self.run.halt(failure.clone());
            self.machine.stop(Stop::Journal { failure });
            if let Err(not_recorded) = self.record().await {
                drop(self.machine.handle(not_recorded.into(), now));
            }
            self.is_broken = true;
        }
    }

    /// Carries out a step. What is to be recorded is recorded together with what comes next that is; while the
    /// next step goes on where that writes nothing, and before it where it does.
    async fn step_on_record(&mut self, step: AgreementStep) -> AgreementInput {
        match step {
            AgreementStep::Record { .. } => self.step(step).await,
            AgreementStep::LookUp(_) | AgreementStep::Verify(..) => self.step_meanwhile(step).await,
            // What counts were set is read from the journal, which is to have them all.
            AgreementStep::Read if !self.run.applier.sink.descriptor().capabilities.set_count => {
                self.step_meanwhile(step).await
            }
            step => match self.record().await {
                Ok(()) => self.step(step).await,
                Err(not_recorded) => not_recorded.into(),
            },
        }
    }

    /// Carries out a step that writes nothing while what is to be recorded is; gives it up where that fails.
    async fn step_meanwhile(&mut self, step: AgreementStep) -> AgreementInput {
        let recording = pin!(self.recording());
        let (recorded, input) = {
            let step = pin!(self.step(step));
            match select(recording, step).await {
                Either::Left((Err(not_recorded), _)) => return not_recorded.into(),
                Either::Left((recorded, step)) => (recorded, step.await),
                Either::Right((input, recording)) => (recording.await, input),
            }
        };
        match recorded {
            Ok(lease) => {
                self.hold(lease);
                input
            }
            Err(not_recorded) => not_recorded.into(),
        }
    }

    async fn step(&mut self, step: AgreementStep) -> AgreementInput {
        let run = self.run;
        let sink = run.applier.sink;
        match step {
            AgreementStep::Claim => self.claim().await.unwrap_or_else(journal_failed),
            AgreementStep::Load => self.load().await.unwrap_or_else(journal_failed),
            AgreementStep::Read => {
                let agreement = self.agreement.clone();
                sink.expect(self.machine.ahead(&self.changes));
                let read = read(run, &agreement);
                self.under_lease(read, AgreementInput::Lines).await
            }
            AgreementStep::Record {
                change,
                seq,
                events,
            } => self.note(&change, seq, events).await,
            AgreementStep::Renew(time) => self.renew(time).await.unwrap_or_else(lease_or_journal),
            AgreementStep::Charges(id) => {
                let charged = self.charge_elsewhere(&id).await;
                charged.map_or_else(journal_failed, AgreementInput::Charged)
            }
            AgreementStep::Write(id) => match self.change(&id).cloned() {
                Ok(change) => {
                    let written = |result| AgreementInput::Written(Written::from(result));
                    self.under_lease(sink.execute(&change), written).await
                }
                Err(error) => journal_failed(error),
            },
            AgreementStep::Verify(id, receipt) => match self.change(&id).cloned() {
                Ok(change) => {
                    let verified = |read: Result<ReadBack>| {
                        AgreementInput::Verified(read.map_err(|error| Failure::from(&error)))
                    };
                    self.under_lease(sink.read_back(&change, receipt.as_ref()), verified)
                        .await
                }
                Err(error) => journal_failed(error),
            },
            AgreementStep::LookUp(id) => match self.change(&id).cloned() {
                Ok(change) => {
                    let looked_up = |found: Result<Verdict>| {
                        AgreementInput::LookedUp(found.map_err(|error| Failure::from(&error)))
                    };
                    self.under_lease(sink.verify(&change, None), looked_up)
                        .await
                }
                Err(error) => journal_failed(error),
            },
            AgreementStep::Wait(time) => {
                run.applier.clock.sleep(time).await;
                AgreementInput::Waited
            }
            AgreementStep::Release | AgreementStep::Finished => {
                self.release().await;
                AgreementInput::Released
            }
        }
    }

    fn change(&self, id: &ChangeId) -> Result<&Change> {
        let mut changes = self.changes.iter();
        changes
            .find(|change| change.id == *id)
            .ok_or_else(|| defect("a change that is not on the agreement"))
    }

    async fn claim(&mut self) -> Result<AgreementInput> {
        let now = self.run.applier.clock.now();
        let request = ClaimRequest {
            sink: self.run.record.sink.clone(),
            agreement: self.agreement.clone(),
            holder: self.run.holder.clone(),
            now,
            until: now.plus(self.run.options.lease),
        };
        let claim = self.run.applier.journal.claim(&request).await?;
        if let Claim::Taken { lease, .. } = &claim {
            self.lease = Some(lease.clone());
        }
        Ok(AgreementInput::Claimed(claim))
    }

    /// What is on record about the agreement now that nobody else adds to it.
    async fn load(&self) -> Result<AgreementInput> {
        let journal = self.run.applier.journal;
        let run = &self.run.record.id;
        let records = journal.changes_on(run, &self.agreement).await?;
        let unsettled = journal
            .unsettled_on(&self.run.record.sink, &self.agreement)
            .await?;
        let of_another = |open: &UnsettledChange| open.run != *run;
        Ok(AgreementInput::Loaded {
            records,
            elsewhere: unsettled.into_iter().find(of_another).map(|open| open.run),
            charged: self.charged().await?,
        })
    }

    /// The changes whose charge another run has made or may have made, on whichever agreement, with that run and where
    /// it stands there.
    async fn charged(&self) -> Result<Vec<(ChangeId, RunId, ChangeState)>> {
        let mut ledgers = BTreeMap::new();
        let mut charged = Vec::new();
        for change in self.changes.iter() {
            let Some(key) = change.charge_key() else {
                continue;
            };
            if !ledgers.contains_key(&key.company) {
                let ledger = self.charges_of(&key.company).await?;
                ledgers.insert(key.company.clone(), ledger);
            }
            let ledger = ledgers.get(&key.company);
            let elsewhere = ledger.and_then(|it| it.charge_elsewhere(&key, &self.run.record.id));
            charged.extend(elsewhere.map(|it| (change.id.clone(), it.run.clone(), it.state)));
        }
        Ok(charged)
    }

    /// What another run has made of a charge, or may have made.
    async fn charge_elsewhere(&self, change: &ChangeId) -> Result<Option<(RunId, ChangeState)>> {
        let change = self.change(change)?;
        let Some(key) = change.charge_key() else {
            return Ok(None);
        };
        let ledger = self.charges_of(&key.company).await?;
        let elsewhere = ledger.charge_elsewhere(&key, &self.run.record.id);
        Ok(elsewhere.map(|it| (it.run.clone(), it.state)))
    }

    async fn charges_of(&self, company: &CompanyId) -> Result<Ledger> {
        let (journal, run) = (self.run.applier.journal, self.run.record);
        journal.charges_of(&run.source, &run.sink, company).await
    }

    /// The lease in hand, as it is to hold for a time from now.
    fn prolonged(&self, time: Duration) -> Result<Lease> {
        let now = self.run.applier.clock.now();
        let mut lease = self.lease.clone().ok_or_else(|| defect("no lease"))?;
        lease.until = lease.until.max(now.plus(time));
        Ok(lease)
    }

    async fn renew(&mut self, time: Duration) -> Result<AgreementInput> {
        let lease = self.prolonged(time)?;
        self.run.applier.journal.renew(&lease).await?;
        let until = lease.until;
        self.lease = Some(lease);
        Ok(AgreementInput::Renewed { until })
    }

    /// Waits for a request and keeps the lease meanwhile.
    ///
    /// A request is dropped when another has the lease, or when it ended and could not be renewed:
    /// what has not left by then must not.
    async fn under_lease<T>(
        &mut self,
        request: impl Future<Output = T> + Send,
        to_input: impl FnOnce(T) -> AgreementInput,
    ) -> AgreementInput {
        let (clock, options) = (self.run.applier.clock, self.run.options);
        let mut request = pin!(request);
        loop {
            let pause = clock.alongside(options.limits().renewal());
            // The pause is looked at first: a process that stood still sees to its lease before
            // the request goes on.
            if let Either::Right((result, _)) = select(pause, request.as_mut()).await {
                return to_input(result);
            }
            let Err(error) = self.renew(options.lease).await else {
                continue;
            };
            let until = self.lease.as_ref().map(|lease| lease.until);
            if error.kind() == ErrorKind::Conflict || until.is_none_or(|end| end <= clock.now()) {
                return lease_or_journal(error);
            }
            tracing::warn!(agreement = %self.agreement, %error, "lease not renewed");
        }
    }

    async fn release(&mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        if let Err(error) = self.run.applier.journal.release(&lease).await {
            tracing::warn!(agreement = %lease.agreement, %error, "lease not given back");
        }
    }

    /// Takes down what is to be recorded, and records all that is where a write is to leave on its word.
    async fn note(&mut self, id: &ChangeId, seq: u32, events: Vec<Event>) -> AgreementInput {
        let at = self.run.applier.clock.now();
        let leaves = events.iter().any(|it| matches!(it, Event::Sent { .. }));
        let noted = |(seq, event)| RecordedEvent {
            change: id.clone(),
            seq,
            at,
            event,
        };
        self.unrecorded.extend((seq..).zip(events).map(noted));
        if leaves && let Err(not_recorded) = self.record().await {
            return not_recorded.into();
        }
        AgreementInput::Recorded { at }
    }

    /// Records all that is still to be recorded.
    async fn record(&mut self) -> std::result::Result<(), NotRecorded> {
        let lease = self.recording().await?;
        self.hold(lease);
        Ok(())
    }

    /// Takes all that is still to be recorded, records it, and tells it; gives the lease as it was prolonged
    /// with it, and none where there was nothing.
    fn recording(
        &mut self,
    ) -> impl Future<Output = std::result::Result<Option<Lease>, NotRecorded>> + Send + use<'a>
    {
        let (run, changes) = (self.run, Arc::clone(&self.changes));
        let events = mem::take(&mut self.unrecorded);
        let lease = self.prolonged(run.options.lease);
        async move {
            if events.is_empty() {
                return Ok(None);
            }
            match add(run, lease, &events).await {
                Ok(lease) => {
                    tell(run, &changes, &events);
                    Ok(Some(lease))
                }
                Err(error) => Err(NotRecorded::new(events, error)),
            }
        }
    }

    /// Keeps a lease that was prolonged; it may have been prolonged further meanwhile.
    fn hold(&mut self, prolonged: Option<Lease>) {
        let until = self.lease.as_ref().map(|lease| lease.until);
        if let Some(lease) = prolonged.filter(|it| until.is_none_or(|until| until < it.until)) {
            self.lease = Some(lease);
        }
    }
}

async fn add(run: &Run<'_>, lease: Result<Lease>, events: &[RecordedEvent]) -> Result<Lease> {
    let (lease, journal) = (lease?, run.applier.journal);
    journal.append_all(&lease, &run.record.id, events).await?;
    Ok(lease)
}

fn tell(run: &Run<'_>, changes: &[Change], events: &[RecordedEvent]) {
    for event in events {
        if let Some(change) = changes.iter().find(|change| change.id == event.change) {
            run.options.tell(&run.record.id, change, event);
        }
    }
}

/// The lines of an agreement; where the sink does not tell counts, those that were set last. What a
/// change of another run may have set is settled before: see [`AgreementMachine`].
async fn read(
    run: &Run<'_>,
    agreement: &AgreementId,
) -> std::result::Result<Vec<AgreementLine>, Failure> {
    if run.applier.sink.descriptor().capabilities.set_count {
        let sides = (run.record.source.as_str(), run.record.sink.as_str());
        let counts = Counts::of_agreement(run.applier.journal, sides, agreement).await;
        return match counts {
            Ok(counts) => Ok(counts.lines(agreement)),
            Err(error) => Err(Failure::from(&error)),
        };
    }
    let wanted = [agreement.clone()];
    let mut readings = run.applier.sink.lines(&wanted);
    while let Some(reading) = readings.next().await {
        let reading = reading.map_err(|error| Failure::from(&error))?;
        if reading.agreement != *agreement {
            continue;
        }
        return match reading.outcome {
            LinesOutcome::Complete(lines) => Ok(lines),
            LinesOutcome::Failed(failure) => Err(Failure::new(failure.kind, failure.message)),
        };
    }
    Err(Failure::new(
        ErrorKind::Protocol,
        format!("agreement {agreement} was asked for and not answered"),
    ))
}

fn defect(what: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("asked about {what}"))
}

fn journal_failed(error: Error) -> AgreementInput {
    tracing::error!(%error, "journal failed");
    AgreementInput::JournalFailed(Failure::from(&error))
}

/// Another is at work on the agreement, or the journal failed.
fn lease_or_journal(error: Error) -> AgreementInput {
    if error.kind() == ErrorKind::Conflict {
        tracing::warn!(%error, "the lease is lost");
        return AgreementInput::LeaseLost;
    }
    journal_failed(error)
}

/// Events could not be recorded, as another is at work on the agreement, or the journal failed.
struct NotRecorded {
    from: Vec<(ChangeId, u32)>,
    failure: Option<Failure>,
}

impl NotRecorded {
    fn new(events: Vec<RecordedEvent>, error: Error) -> Self {
        let failure = match lease_or_journal(error) {
            AgreementInput::JournalFailed(failure) => Some(failure),
            _ => None,
        };
        let mut from: Vec<(ChangeId, u32)> = Vec::new();
        for event in events {
            if from.last().is_none_or(|(last, _)| *last != event.change) {
                from.push((event.change, event.seq));
            }
        }
        Self { from, failure }
    }
}

impl From<NotRecorded> for AgreementInput {
    fn from(NotRecorded { from, failure }: NotRecorded) -> Self {
        Self::NotRecorded { from, failure }
    }
}
