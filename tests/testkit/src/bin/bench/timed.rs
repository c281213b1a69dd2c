//! A journal and a sink that are timed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use tallyline_core::Result;
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, ChangeId, Company, CompanyId, Product, RunId,
};
use tallyline_core::plan::Change;
use tallyline_core::sink::{
    AgreementFilter, PsaSink, ReadBack, Receipt, SinkDescriptor, Verdict, WriteError,
};
use tallyline_core::source::Identity;
use tallyline_core::store::{
    ChangeRecord, Claim, ClaimRequest, HolderId, Journal, Lease, Ledger, RecordedEvent,
    Registration, RunRecord, UnsettledChange, WrittenChange, WrittenPosition, WrittenQuery,
};

use super::figures::Figures;

/// From when to when.
#[derive(Clone, Copy)]
struct Span(Instant, Instant);

impl Span {
    fn since(begun: Instant) -> Self {
        Self(begun, Instant::now())
    }

    fn overlap(self, other: Self) -> Duration {
        let (from, to) = (self.0.max(other.0), self.1.min(other.1));
        to.saturating_duration_since(from)
    }
}

/// A call that added events to the journal.
struct Call {
    changes: Vec<ChangeId>,
    agreement: AgreementId,
    span: Span,
}

impl Call {
    /// For how long no request to the PSA was under way on the agreement meanwhile.
    fn alone(&self, requests: &[Span]) -> Duration {
        let covered: Duration = requests.iter().map(|it| self.span.overlap(*it)).sum();
        self.span
            .1
            .duration_since(self.span.0)
            .saturating_sub(covered)
    }

    /// For how long a request to the PSA waited for it: none does after the last one on the agreement, where the work on
    /// the next one goes on.
    fn waited_for(&self, requests: &[Span]) -> Duration {
        let is_last = requests.iter().all(|it| it.1 <= self.span.0);
        if is_last {
            return Duration::ZERO;
        }
        self.alone(requests)
    }
}

#[derive(Default)]
struct Taken {
    journal: Vec<Call>,
    /// By agreement, of which one is under way at a time.
    requests: HashMap<AgreementId, Vec<Span>>,
    of_leases: Vec<Duration>,
    /// Taking an agreement's lease, and reading what is on record of it: calls that are of none of its changes.
    of_agreements: Vec<(AgreementId, Span)>,
}

/// What the calls of a journal and of a sink took.
#[derive(Default)]
pub(super) struct Times(Mutex<Taken>);

impl Times {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease<R>(&self, since: Instant, done: R) -> R {
        self.lock().of_leases.push(since.elapsed());
        done
    }

    fn of_agreement<R>(&self, agreement: &AgreementId, since: Instant, done: R) -> R {
        let span = Span::since(since);
        self.lock().of_agreements.push((agreement.clone(), span));
        done
    }

    fn request<R>(&self, agreement: &AgreementId, since: Instant, done: R) -> R {
        let mut taken = self.lock();
        let requests = taken.requests.entry(agreement.clone()).or_default();
        requests.push(Span::since(since));
        done
    }

    pub(super) fn figures(&self, figures: &mut Figures) {
        let taken = self.lock();
        let waited_for = taken.by_change(&taken.journal, Call::waited_for);
        let with_last = taken.by_change(&taken.journal, Call::alone);
        let of_agreements = taken.of_agreements();
        let all_calls = taken.journal.iter().chain(&of_agreements);
        let all_waited_for = taken.by_change(all_calls, Call::waited_for);
        let mean = waited_for.iter().sum::<Duration>()
            / u32::try_from(waited_for.len()).unwrap_or(u32::MAX).max(1);
        figures.count("journal_calls", taken.journal.len() as u64);
        for (name, time) in [
            (
                "journal_waited_for_microseconds_a_change_median",
                median(waited_for),
            ),
            ("journal_waited_for_microseconds_a_change_mean", mean),
            ("journal_microseconds_a_change_median", median(with_last)),
            (
                "journal_all_waited_for_microseconds_a_change_median",
                median(all_waited_for),
            ),
            (
                "lease_microseconds_a_call_median",
                median(taken.of_leases.clone()),
            ),
        ] {
            figures.count(name, u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        }
    }
}

impl Taken {
    /// The calls that are of an agreement, as calls of all of its changes.
    fn of_agreements(&self) -> Vec<Call> {
        let mut changes: HashMap<&AgreementId, BTreeSet<&ChangeId>> = HashMap::new();
        for call in &self.journal {
            let of_agreement = changes.entry(&call.agreement).or_default();
            of_agreement.extend(&call.changes);
        }
        let changes_of = |agreement| changes.get(agreement).into_iter().flatten();
        let calls = self.of_agreements.iter().map(|(agreement, span)| Call {
            changes: changes_of(agreement).copied().cloned().collect(),
            agreement: agreement.clone(),
            span: *span,
        });
        calls.collect()
    }

    /// What each change took of some calls, where the changes of a call share its time alike.
    fn by_change<'c>(
        &self,
        calls: impl IntoIterator<Item = &'c Call>,
        of_call: impl Fn(&Call, &[Span]) -> Duration,
    ) -> Vec<Duration> {
        let mut of_changes: BTreeMap<&ChangeId, Duration> = BTreeMap::new();
        for call in calls {
            let requests = self.requests.get(&call.agreement);
            let shared_by = u32::try_from(call.changes.len()).unwrap_or(u32::MAX).max(1);
            let each = of_call(call, requests.map_or(&[][..], Vec::as_slice)) / shared_by;
            for change in &call.changes {
                *of_changes.entry(change).or_default() += each;
            }
        }
        of_changes.into_values().collect()
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub(super) struct TimedJournal<'a>(pub(super) &'a dyn Journal, pub(super) &'a Times);

pub(super) struct TimedSink<'a>(pub(super) &'a dyn PsaSink, pub(super) &'a Times);

#[async_trait]
impl PsaSink for TimedSink<'_> {
    fn descriptor(&self) -> &SinkDescriptor {
        self.0.descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        self.0.check().await
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        self.0.companies()
    }

    fn agreements<'a>(&'a self, filter: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        self.0.agreements(filter)
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        self.0.products()
    }

    fn lines<'a>(
        &'a self,
        agreements: &'a [AgreementId],
    ) -> BoxStream<'a, Result<AgreementReading>> {
        let all = async move {
            let since = Instant::now();
            let readings: Vec<_> = self.0.lines(agreements).collect().await;
            for agreement in agreements {
                self.1.request(agreement, since, ());
            }
            stream::iter(readings)
        };
        stream::once(all).flatten().boxed()
    }

    fn begin(&self, changes: &[Change]) {
        self.0.begin(changes);
    }

    fn expect(&self, changes: &[Change]) {
        self.0.expect(changes);
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        let since = Instant::now();
        let written = self.0.execute(change).await;
        self.1.request(&change.agreement, since, written)
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        let since = Instant::now();
        let verdict = self.0.verify(change, receipt).await;
        self.1.request(&change.agreement, since, verdict)
    }

    async fn read_back(&self, change: &Change, receipt: Option<&Receipt>) -> Result<ReadBack> {
        let since = Instant::now();
        let read = self.0.read_back(change, receipt).await;
        self.1.request(&change.agreement, since, read)
    }
}

#[async_trait]
impl Journal for TimedJournal<'_> {
    async fn begin(
        &self,
        run: &RunRecord,
        plan_text: &str,
        changes: &[Change],
        settled: &[RecordedEvent],
    ) -> Result<()> {
        self.0.begin(run, plan_text, changes, settled).await
    }

    async fn register(&self, holder: &HolderId) -> Result<Registration> {
        self.0.register(holder).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        let since = Instant::now();
        let claim = self.1.lease(since, self.0.claim(request).await);
        self.1.of_agreement(&request.agreement, since, claim)
    }

    async fn renew(&self, lease: &Lease) -> Result<()> {
        let since = Instant::now();
        self.1.lease(since, self.0.renew(lease).await)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let since = Instant::now();
        self.1.lease(since, self.0.release(lease).await)
    }

    async fn append(&self, lease: &Lease, run: &RunId, event: &RecordedEvent) -> Result<()> {
        self.append_all(lease, run, std::slice::from_ref(event))
            .await
    }

    async fn append_all(&self, lease: &Lease, run: &RunId, events: &[RecordedEvent]) -> Result<()> {
        let since = Instant::now();
        let done = self.0.append_all(lease, run, events).await;
        let mut changes: Vec<_> = events.iter().map(|event| event.change.clone()).collect();
        changes.dedup();
        self.1.lock().journal.push(Call {
            changes,
            agreement: lease.agreement.clone(),
            span: Span::since(since),
        });
        done
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunRecord>> {
        self.0.runs(limit).await
    }

    async fn run(&self, run: &RunId) -> Result<RunRecord> {
        self.0.run(run).await
    }

    async fn plan_text(&self, run: &RunId) -> Result<String> {
        self.0.plan_text(run).await
    }

    async fn changes(&self, run: &RunId) -> Result<Vec<ChangeRecord>> {
        self.0.changes(run).await
    }

    async fn changes_on(&self, run: &RunId, agreement: &AgreementId) -> Result<Vec<ChangeRecord>> {
        let since = Instant::now();
        let changes = self.0.changes_on(run, agreement).await;
        self.1.of_agreement(agreement, since, changes)
    }

    async fn events(&self, run: &RunId) -> Result<Vec<RecordedEvent>> {
        self.0.events(run).await
    }

    async fn unsettled(&self) -> Result<Vec<UnsettledChange>> {
        self.0.unsettled().await
    }

    async fn unsettled_on(
        &self,
        sink: &str,
        agreement: &AgreementId,
    ) -> Result<Vec<UnsettledChange>> {
        let since = Instant::now();
        let unsettled = self.0.unsettled_on(sink, agreement).await;
        self.1.of_agreement(agreement, since, unsettled)
    }

    async fn charges_of(&self, source: &str, sink: &str, company: &CompanyId) -> Result<Ledger> {
        self.0.charges_of(source, sink, company).await
    }

    async fn written(
        &self,
        query: &WrittenQuery,
        after: WrittenPosition,
        limit: usize,
    ) -> Result<Vec<WrittenChange>> {
        self.0.written(query, after, limit).await
    }
}
