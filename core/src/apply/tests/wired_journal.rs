//! A journal that does as told, and can lose power at any call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::double::Wire;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementId, CompanyId, RunId};
use crate::plan::Change;
use crate::store::{
    ChangeRecord, Claim, ClaimRequest, Event, HolderId, Journal, Lease, Ledger, RecordedEvent,
    Registration, RunRecord, UnsettledChange, WrittenChange, WrittenPosition, WrittenQuery,
};

/// What becomes of the renewals of leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Renewals {
    #[default]
    Pass,
    /// The disk refuses them.
    Fail,
    /// The process stands still at them until it is woken.
    StandStill,
}

/// A journal on the wire; refuses from the n-th event on when told to.
pub(super) struct WiredJournal {
    inner: Box<dyn Journal>,
    wire: Arc<Wire>,
    takes: AtomicUsize,
    /// The place of the one event that is refused.
    fails_at: AtomicUsize,
    /// The agreements whose lease was given back.
    given_back: Mutex<Vec<AgreementId>>,
    pub(super) renewals: Mutex<Renewals>,
    /// Another takes the agreement over before an event of this name is recorded.
    pub(super) taken_over_before: Option<&'static str>,
    /// For how long an event of this name is recorded.
    pub(super) slow: Option<(&'static str, Duration)>,
    /// Whether it is refused then.
    pub(super) slow_is_refused: bool,
    /// Whether it adds the events of a call together, and not one by one.
    pub(super) all_or_none: bool,
    /// A process stands still.
    pub(super) still: Notify,
    /// Lets a process go on that stands still.
    pub(super) wake: Notify,
}

impl WiredJournal {
    pub(super) fn new(inner: Box<dyn Journal>, wire: Arc<Wire>) -> Self {
        Self {
            inner,
            wire,
            takes: AtomicUsize::new(usize::MAX),
            fails_at: AtomicUsize::new(usize::MAX),
            given_back: Mutex::default(),
            renewals: Mutex::default(),
            taken_over_before: None,
            slow: None,
            slow_is_refused: false,
            all_or_none: false,
            still: Notify::new(),
            wake: Notify::new(),
        }
    }

    /// Takes that many events and refuses all further ones.
    pub(super) fn take_only(&self, events: usize) {
        self.takes.store(events, Ordering::SeqCst);
    }

    /// Refuses the event after that many, and takes those after it.
    pub(super) fn fail_at(&self, events: usize) {
        self.fails_at.store(events, Ordering::SeqCst);
    }

    /// Takes all of the events, or refuses them.
    async fn add(&self, lease: &Lease, run: &RunId, events: &[RecordedEvent]) -> Result<()> {
        self.wire.point().await;
        let full = || Error::new(ErrorKind::Storage, "the disk is full");
        let spend = |left: usize| match left {
            usize::MAX => Some(left),
            left => left.checked_sub(events.len()),
        };
        self.takes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend)
            .map_err(|_| full())?;
        if self.fails_at.fetch_sub(events.len(), Ordering::SeqCst) < events.len() {
            return Err(full());
        }
        let names = || events.iter().map(|event| event.event.name());
        if self
            .taken_over_before
            .is_some_and(|it| names().any(|name| name == it))
        {
            let request = ClaimRequest {
                sink: lease.sink.clone(),
                agreement: lease.agreement.clone(),
                holder: "another".into(),
                now: lease.until,
                until: lease.until,
            };
            self.inner.claim(&request).await?;
        }
        if let Some((_, time)) = self
            .slow
            .filter(|(slow, _)| names().any(|name| name == *slow))
        {
            tokio::time::sleep(time).await;
            if self.slow_is_refused {
                return Err(full());
            }
        }
        self.inner.append_all(lease, run, events).await?;
        for event in events {
            if let Event::Sent { .. } = event.event {
                let mut sent = self.wire.sent.lock().unwrap();
                *sent.entry(event.change.clone()).or_default() += 1;
            }
        }
        self.wire.point().await;
        Ok(())
    }

    pub(super) fn given_back(&self) -> Vec<AgreementId> {
        self.given_back.lock().unwrap().clone()
    }
}

#[async_trait]
impl Journal for WiredJournal {
    async fn begin(
        &self,
        run: &RunRecord,
        plan: &str,
        changes: &[Change],
        settled: &[RecordedEvent],
    ) -> Result<()> {
        self.wire.point().await;
        self.inner.begin(run, plan, changes, settled).await?;
        self.wire.point().await;
        Ok(())
    }

    async fn register(&self, holder: &HolderId) -> Result<Registration> {
        self.wire.point().await;
        let registration = self.inner.register(holder).await?;
        self.wire.point().await;
        Ok(registration)
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        self.wire.point().await;
        let claim = self.inner.claim(request).await?;
        self.wire.point().await;
        Ok(claim)
    }

    async fn renew(&self, lease: &Lease) -> Result<()> {
        self.wire.point().await;
        let renewals = *self.renewals.lock().unwrap();
        match renewals {
            Renewals::Pass => {}
            Renewals::Fail => return Err(Error::new(ErrorKind::Storage, "the disk is full")),
            Renewals::StandStill => {
                self.still.notify_one();
                self.wake.notified().await;
            }
        }
        self.inner.renew(lease).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.wire.point().await;
        let agreement = lease.agreement.clone();
        self.given_back.lock().unwrap().push(agreement);
        self.inner.release(lease).await
    }

    async fn append(&self, lease: &Lease, run: &RunId, event: &RecordedEvent) -> Result<()> {
        self.add(lease, run, std::slice::from_ref(event)).await
    }

    async fn append_all(&self, lease: &Lease, run: &RunId, events: &[RecordedEvent]) -> Result<()> {
        if self.all_or_none {
            return self.add(lease, run, events).await;
        }
        for event in events {
            self.append(lease, run, event).await?;
        }
        Ok(())
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunRecord>> {
        self.inner.runs(limit).await
    }

    async fn run(&self, run: &RunId) -> Result<RunRecord> {
        self.inner.run(run).await
    }

    async fn plan_text(&self, run: &RunId) -> Result<String> {
        self.inner.plan_text(run).await
    }

    async fn changes(&self, run: &RunId) -> Result<Vec<ChangeRecord>> {
        self.inner.changes(run).await
    }

    async fn events(&self, run: &RunId) -> Result<Vec<RecordedEvent>> {
        self.inner.events(run).await
    }

    async fn changes_on(&self, run: &RunId, agreement: &AgreementId) -> Result<Vec<ChangeRecord>> {
        self.inner.changes_on(run, agreement).await
    }

    async fn unsettled_on(
        &self,
        sink: &str,
        agreement: &AgreementId,
    ) -> Result<Vec<UnsettledChange>> {
        self.inner.unsettled_on(sink, agreement).await
    }

    async fn unsettled(&self) -> Result<Vec<UnsettledChange>> {
        self.inner.unsettled().await
    }

    async fn charges_of(&self, source: &str, sink: &str, company: &CompanyId) -> Result<Ledger> {
        self.inner.charges_of(source, sink, company).await
    }

    async fn written(
        &self,
        query: &WrittenQuery,
        after: WrittenPosition,
        limit: usize,
    ) -> Result<Vec<WrittenChange>> {
        self.inner.written(query, after, limit).await
    }
}
