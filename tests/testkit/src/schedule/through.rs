//! A journal behind hooks.

use std::fmt;

use async_trait::async_trait;
use tallyline_core::Result;
use tallyline_core::model::{AgreementId, CompanyId, RunId};
use tallyline_core::plan::Change;
use tallyline_core::store::{
    ChangeRecord, Claim, ClaimRequest, HolderId, Journal, Lease, Ledger, RecordedEvent,
    Registration, RunRecord, UnsettledChange, WrittenChange, WrittenPosition, WrittenQuery,
};

/// What is done about the calls to a journal; by default they pass.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Before anything is read.
    ///
    /// # Errors
    /// When it shall not be read.
    async fn read(&self) -> Result<()> {
        Ok(())
    }

    /// A run is recorded.
    ///
    /// # Errors
    /// When it was not, or is said not to have been.
    async fn begin(
        &self,
        inner: &dyn Journal,
        run: &RunRecord,
        plan: &str,
        changes: &[Change],
        settled: &[RecordedEvent],
    ) -> Result<()> {
        inner.begin(run, plan, changes, settled).await
    }

    /// A holder is made known.
    ///
    /// # Errors
    /// When it was not, or is said not to have been.
    async fn register(&self, inner: &dyn Journal, holder: &HolderId) -> Result<Registration> {
        inner.register(holder).await
    }

    /// A lease is wanted.
    ///
    /// # Errors
    /// When it was not taken, or is said not to have been.
    async fn claim(&self, inner: &dyn Journal, request: &ClaimRequest) -> Result<Claim> {
        inner.claim(request).await
    }

    /// A lease is renewed.
    ///
    /// # Errors
    /// When it was not, or is said not to have been.
    async fn renew(&self, inner: &dyn Journal, lease: &Lease) -> Result<()> {
        inner.renew(lease).await
    }

    /// A lease is given back.
    ///
    /// # Errors
    /// When it was not, or is said not to have been.
    async fn release(&self, inner: &dyn Journal, lease: &Lease) -> Result<()> {
        inner.release(lease).await
    }

    /// An event is recorded.
    ///
    /// # Errors
    /// When it was not, or is said not to have been.
    async fn append(
        &self,
        inner: &dyn Journal,
        lease: &Lease,
        run: &RunId,
        event: &RecordedEvent,
    ) -> Result<()> {
        inner.append(lease, run, event).await
    }

    /// Events are recorded together; by default one by one.
    ///
    /// # Errors
    /// When they were not, or are said not to have been.
    async fn append_all(
        &self,
        inner: &dyn Journal,
        lease: &Lease,
        run: &RunId,
        events: &[RecordedEvent],
    ) -> Result<()> {
        for event in events {
            self.append(inner, lease, run, event).await?;
        }
        Ok(())
    }
}

/// A journal whose calls pass through hooks.
pub struct Through<'a, H> {
    /// The journal.
    pub inner: &'a dyn Journal,
    /// The hooks.
    pub hooks: H,
}

impl<H> fmt::Debug for Through<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Through").finish_non_exhaustive()
    }
}

#[async_trait]
impl<H: Hooks> Journal for Through<'_, H> {
    async fn begin(
        &self,
        run: &RunRecord,
        plan: &str,
        changes: &[Change],
        settled: &[RecordedEvent],
    ) -> Result<()> {
        let inner = self.inner;
        self.hooks.begin(inner, run, plan, changes, settled).await
    }

    async fn register(&self, holder: &HolderId) -> Result<Registration> {
        self.hooks.register(self.inner, holder).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        self.hooks.claim(self.inner, request).await
    }

    async fn renew(&self, lease: &Lease) -> Result<()> {
        self.hooks.renew(self.inner, lease).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.hooks.release(self.inner, lease).await
    }

    async fn append(&self, lease: &Lease, run: &RunId, event: &RecordedEvent) -> Result<()> {
        self.hooks.append(self.inner, lease, run, event).await
    }

    async fn append_all(&self, lease: &Lease, run: &RunId, events: &[RecordedEvent]) -> Result<()> {
        self.hooks.append_all(self.inner, lease, run, events).await
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunRecord>> {
        self.hooks.read().await?;
        self.inner.runs(limit).await
    }

    async fn run(&self, run: &RunId) -> Result<RunRecord> {
        self.hooks.read().await?;
        self.inner.run(run).await
    }

    async fn plan_text(&self, run: &RunId) -> Result<String> {
        self.hooks.read().await?;
        self.inner.plan_text(run).await
    }

    async fn changes(&self, run: &RunId) -> Result<Vec<ChangeRecord>> {
        self.hooks.read().await?;
        self.inner.changes(run).await
    }

    async fn events(&self, run: &RunId) -> Result<Vec<RecordedEvent>> {
        self.hooks.read().await?;
        self.inner.events(run).await
    }

    async fn changes_on(&self, run: &RunId, agreement: &AgreementId) -> Result<Vec<ChangeRecord>> {
        self.hooks.read().await?;
        self.inner.changes_on(run, agreement).await
    }

    async fn unsettled_on(
        &self,
        sink: &str,
        agreement: &AgreementId,
    ) -> Result<Vec<UnsettledChange>> {
        self.hooks.read().await?;
        self.inner.unsettled_on(sink, agreement).await
    }

    async fn unsettled(&self) -> Result<Vec<UnsettledChange>> {
        self.hooks.read().await?;
        self.inner.unsettled().await
    }

    async fn charges_of(&self, source: &str, sink: &str, company: &CompanyId) -> Result<Ledger> {
        self.hooks.read().await?;
        self.inner.charges_of(source, sink, company).await
    }

    async fn written(
        &self,
        query: &WrittenQuery,
        after: WrittenPosition,
        limit: usize,
    ) -> Result<Vec<WrittenChange>> {
        self.hooks.read().await?;
        self.inner.written(query, after, limit).await
    }
}
