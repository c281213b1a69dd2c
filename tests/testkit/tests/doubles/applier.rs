//! Appliers that each do one thing wrong: the applier itself behind a sink or a journal that lies to it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt as _};
use tallyline_core::apply::ApplyReport;
use tallyline_core::model::{
    Agreement, AgreementId, AgreementLine, AgreementReading, ChangeId, Company, Product,
    ReadFailure, RunId,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{AgreementFilter, Receipt, SinkDescriptor, Verdict, WriteError};
use tallyline_core::source::Identity;
use tallyline_core::store::{Claim, ClaimRequest, Event, Journal, Lease, RecordedEvent};
use tallyline_core::{ErrorKind, PsaSink, Result};
use tallyline_testkit::schedule::{Bench, Hooks, Production, Subject, Through, World, WriteFault};

/// What stands between the applier and the sink; by default nothing.
#[async_trait]
trait Flaw: Send + Sync {
    async fn execute(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
    ) -> std::result::Result<Receipt, WriteError> {
        sink.execute(change).await
    }

    async fn verify(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
        receipt: Option<&Receipt>,
    ) -> Result<Verdict> {
        sink.verify(change, receipt).await
    }

    async fn reading(&self, reading: AgreementReading) -> AgreementReading {
        reading
    }
}

struct Flawed<'a, F> {
    sink: &'a dyn PsaSink,
    flaw: F,
}

#[async_trait]
impl<F: Flaw> PsaSink for Flawed<'_, F> {
    fn descriptor(&self) -> &SinkDescriptor {
        self.sink.descriptor()
    }

    async fn check(&self) -> Result<Identity> {
        self.sink.check().await
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        self.sink.companies()
    }

    fn agreements<'a>(&'a self, filter: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        self.sink.agreements(filter)
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        self.sink.products()
    }

    fn lines<'a>(&'a self, wanted: &'a [AgreementId]) -> BoxStream<'a, Result<AgreementReading>> {
        let told = self.sink.lines(wanted).then(move |reading| async move {
            match reading {
                Ok(reading) => Ok(self.flaw.reading(reading).await),
                Err(error) => Err(error),
            }
        });
        told.boxed()
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        self.flaw.execute(self.sink, change).await
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        self.flaw.verify(self.sink, change, receipt).await
    }
}

async fn behind_sink(bench: Bench<'_>, flaw: impl Flaw) -> Result<ApplyReport> {
    let sink = Flawed {
        sink: bench.sink,
        flaw,
    };
    Production
        .work(Bench {
            sink: &sink,
            ..bench
        })
        .await
}

async fn behind_journal(bench: Bench<'_>, hooks: impl Hooks) -> Result<ApplyReport> {
    let journal = Through {
        inner: bench.journal,
        hooks,
    };
    let bench = Bench {
        journal: &journal,
        ..bench
    };
    Production.work(bench).await
}

/// Sends a write again when its answer is lost.
pub(crate) struct RetriesBlindly;

#[async_trait]
impl Flaw for RetriesBlindly {
    async fn execute(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
    ) -> std::result::Result<Receipt, WriteError> {
        match sink.execute(change).await {
            Err(WriteError::Unknown(_)) => sink.execute(change).await,
            result => result,
        }
    }
}

#[async_trait]
impl Subject for RetriesBlindly {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, Self).await
    }
}

/// Records that a write left only when it has come back.
pub(crate) struct SkipsTheJournal;

#[derive(Default)]
struct SentLater(Mutex<BTreeMap<ChangeId, RecordedEvent>>);

#[async_trait]
impl Hooks for SentLater {
    async fn append(
        &self,
        inner: &dyn Journal,
        lease: &Lease,
        run: &RunId,
        event: &RecordedEvent,
    ) -> Result<()> {
        if let Event::Sent { .. } = event.event {
            let mut held = self.0.lock().unwrap();
            held.insert(event.change.clone(), event.clone());
            return Ok(());
        }
        let sent = self.0.lock().unwrap().remove(&event.change);
        if let Some(sent) = sent {
            inner.append(lease, run, &sent).await?;
        }
        inner.append(lease, run, event).await
    }
}

#[async_trait]
impl Subject for SkipsTheJournal {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_journal(bench, SentLater::default()).await
    }
}

/// Takes every target for what it was planned on.
pub(crate) struct IgnoresDrift;

struct AsPlanned<'a> {
    bench: Bench<'a>,
}

impl AsPlanned<'_> {
    /// The change of an agreement that is worked on.
    async fn present(&self, agreement: &AgreementId) -> Option<Change> {
        let records = self.bench.journal.changes(&self.bench.run()).await.ok()?;
        let open = records
            .into_iter()
            .find(|record| record.change.agreement == *agreement && !record.state().is_settled());
        open.map(|record| record.change)
    }
}

#[async_trait]
impl Flaw for AsPlanned<'_> {
    async fn reading(&self, mut reading: AgreementReading) -> AgreementReading {
        if let Some(change) = self.present(&reading.agreement).await
            && let Some(lines) = reading.lines()
        {
            let lines = lines
                .iter()
                .cloned()
                .filter_map(|line| as_planned(line, &change));
            reading = AgreementReading::complete(reading.agreement.clone(), lines.collect());
        }
        reading
    }
}

/// A line as the change expects it; none where it expects none.
fn as_planned(mut line: AgreementLine, change: &Change) -> Option<AgreementLine> {
    match &change.action {
        Action::CreateLine { .. } => return (line.product != change.product).then_some(line),
        action if action.line() != Some(&line.id) => return Some(line),
        Action::SetQuantity { from, .. } | Action::EndLine { from, .. } => {
            line.state.quantity = *from;
        }
        Action::SetUnitCost { from, .. } => line.state.unit_cost = *from,
        Action::SetUnitPrice { from, .. } => line.state.unit_price = *from,
        _ => {}
    }
    line.state.last_day = None;
    Some(line)
}

#[async_trait]
impl Subject for IgnoresDrift {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, AsPlanned { bench }).await
    }
}

/// Takes a write without an answer for one that was refused.
pub(crate) struct ReportsUnknownAsFailed;

#[async_trait]
impl Flaw for ReportsUnknownAsFailed {
    async fn execute(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
    ) -> std::result::Result<Receipt, WriteError> {
        sink.execute(change).await.map_err(|error| match error {
            WriteError::Unknown(error) => WriteError::Rejected(error),
            error => error,
        })
    }
}

#[async_trait]
impl Subject for ReportsUnknownAsFailed {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, Self).await
    }
}

/// Takes an answer for the proof of itself.
pub(crate) struct BelievesAnswers;

#[async_trait]
impl Flaw for BelievesAnswers {
    async fn verify(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
        receipt: Option<&Receipt>,
    ) -> Result<Verdict> {
        let Some((receipt, state)) = receipt.and_then(|r| Some((r, r.state.clone()?))) else {
            return sink.verify(change, receipt).await;
        };
        // A verdict has no constructor for others: it comes in its journalled form.
        let landed = serde_json::json!({ "landed": { "line": receipt.line, "observed": state } });
        Ok(serde_json::from_value(landed).unwrap())
    }
}

#[async_trait]
impl Subject for BelievesAnswers {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, Self).await
    }
}

/// Goes on although another process has taken over: it takes every lease for one without an end.
pub(crate) struct IgnoresItsLease;

/// How long its leases hold in truth.
const IN_TRUTH: Duration = Duration::from_secs(60);
/// How long it believes that they do.
const BELIEVED: Duration = Duration::from_secs(1_000_000);

/// A lease that is valid, whoever holds the agreement.
async fn taken_back(journal: &dyn Journal, lost: &Lease) -> Result<Lease> {
    let mut request = ClaimRequest {
        sink: lost.sink.clone(),
        agreement: lost.agreement.clone(),
        holder: lost.holder.clone(),
        now: lost.until,
        until: lost.until,
    };
    loop {
        match journal.claim(&request).await? {
            Claim::Taken { lease, .. } => return Ok(lease),
            Claim::Held(lease) => {
                request.now = lease.until;
                request.until = lease.until;
            }
        }
    }
}

#[async_trait]
impl Hooks for IgnoresItsLease {
    async fn claim(&self, inner: &dyn Journal, request: &ClaimRequest) -> Result<Claim> {
        let mut short = request.clone();
        short.until = request.now.plus(IN_TRUTH);
        let mut claim = inner.claim(&short).await?;
        if let Claim::Taken { lease, .. } = &mut claim {
            lease.until = request.until;
        }
        Ok(claim)
    }

    async fn append(
        &self,
        inner: &dyn Journal,
        lease: &Lease,
        run: &RunId,
        event: &RecordedEvent,
    ) -> Result<()> {
        let (mut lease, mut event) = (lease.clone(), event.clone());
        lease.until = event.at.plus(IN_TRUTH);
        loop {
            match inner.append(&lease, run, &event).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    lease = taken_back(inner, &lease).await?;
                    let records = inner.changes(run).await?;
                    let of = records
                        .iter()
                        .find(|record| record.change.id == event.change);
                    let next = of.map_or(0, |record| record.events.len());
                    event.seq = u32::try_from(next).unwrap();
                }
                result => return result,
            }
        }
    }
}

#[async_trait]
impl Subject for IgnoresItsLease {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        let mut options = bench.options.clone();
        options.lease = BELIEVED;
        let options = &options;
        behind_journal(Bench { options, ..bench }, Self).await
    }
}

/// Gives up wherever something is to be done, with a reason.
pub(crate) struct GivesUp;

#[async_trait]
impl Flaw for GivesUp {
    async fn reading(&self, reading: AgreementReading) -> AgreementReading {
        let failure = ReadFailure::new(ErrorKind::Unavailable, "too hard");
        AgreementReading::failed(reading.agreement, failure)
    }
}

#[async_trait]
impl Subject for GivesUp {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, Self).await
    }
}

/// Takes what is to be made for what is not there, without looking it up.
pub(crate) struct LooksUpNothing;

#[async_trait]
impl Flaw for LooksUpNothing {
    async fn verify(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
        receipt: Option<&Receipt>,
    ) -> Result<Verdict> {
        if change.action.makes_record() && receipt.is_none() {
            return Ok(Verdict::NotLanded);
        }
        sink.verify(change, receipt).await
    }
}

#[async_trait]
impl Subject for LooksUpNothing {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, Self).await
    }
}

/// Puts the lines of a child agreement on its master.
pub(crate) struct BillsTheMaster;

struct OnMaster<'a>(&'a [Change]);

#[async_trait]
impl Flaw for OnMaster<'_> {
    async fn execute(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
    ) -> std::result::Result<Receipt, WriteError> {
        let mut moved = change.clone();
        let is_it = |other: &&Change| other.agreement == change.agreement;
        for other in self.0.iter().filter(is_it) {
            if let Action::CreateAgreement {
                parent: Some(master),
                ..
            } = &other.action
                && !change.action.makes_record()
            {
                moved.agreement = master.clone();
            }
        }
        sink.execute(&moved).await
    }
}

#[async_trait]
impl Subject for BillsTheMaster {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        let changes = bench.request.changes;
        behind_sink(bench, OnMaster(changes)).await
    }
}

/// Makes agreements without a master.
pub(crate) struct ForgetsTheMaster;

#[async_trait]
impl Flaw for ForgetsTheMaster {
    async fn execute(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
    ) -> std::result::Result<Receipt, WriteError> {
        let mut alone = change.clone();
        if let Action::CreateAgreement { parent, .. } = &mut alone.action {
            *parent = None;
        }
        sink.execute(&alone).await
    }
}

#[async_trait]
impl Subject for ForgetsTheMaster {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, Self).await
    }
}

/// Waits for the first answer to a creation no longer than its patience, and sends it again while it is on its way.
pub(crate) struct Impatient;

/// When the first one arrives: later than the second.
const LATER: Duration = Duration::from_secs(40);

struct SendsAgain<'a>(&'a dyn World);

#[async_trait]
impl Flaw for SendsAgain<'_> {
    async fn execute(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
    ) -> std::result::Result<Receipt, WriteError> {
        if change.action.makes_record() {
            let late = [WriteFault::TimedOut(Some(LATER))];
            let _ = self.0.execute(change, &late, &|_| {}).await;
        }
        sink.execute(change).await
    }
}

#[async_trait]
impl Subject for Impatient {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, SendsAgain(bench.world)).await
    }
}

/// Puts another key on an agreement than the one that it is to be found by.
pub(crate) struct ForgetsTheKey;

#[async_trait]
impl Flaw for ForgetsTheKey {
    async fn execute(
        &self,
        sink: &dyn PsaSink,
        change: &Change,
    ) -> std::result::Result<Receipt, WriteError> {
        let mut other = change.clone();
        if change.action.creates_agreement() {
            other.agreement = format!("{}-{}", change.agreement, change.id).into();
        }
        sink.execute(&other).await
    }
}

#[async_trait]
impl Subject for ForgetsTheKey {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        behind_sink(bench, Self).await
    }
}
