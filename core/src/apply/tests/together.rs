//! Several appliers at work on one journal and one PSA at once, in one process whose time moves
//! by itself whenever all of them wait.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use proptest::prelude::*;

use super::double::ScriptedSink;
use super::made::{charge, moved};
use super::wired_journal::Renewals;
use super::{Bench, Outcome, approval, create};
use crate::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Stop};
use crate::clock::Clock;
use crate::error::Result;
use crate::model::{
    Agreement, AgreementId, AgreementReading, Company, PlanId, Product, RunId, Timestamp,
};
use crate::plan::Change;
use crate::sink::{AgreementFilter, PsaSink, Receipt, SinkDescriptor, Verdict, WriteError};
use crate::source::Identity;
use crate::store::Journal;

/// Tokio's time, which tests pause.
#[derive(Clone, Copy)]
struct PausedClock(tokio::time::Instant);

impl PausedClock {
    fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

#[async_trait]
impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH.plus(self.0.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn alongside(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The PSA as seen over a line on which each request takes its time.
struct Slow<'a> {
    sink: &'a ScriptedSink,
    delays: Vec<u64>,
    calls: std::sync::atomic::AtomicUsize,
}

impl<'a> Slow<'a> {
    fn over(bench: &'a Bench, delays: &[u64]) -> Self {
        Self {
            sink: &bench.sink,
            delays: delays.to_vec(),
            calls: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    async fn delay(&self) {
        let call = self.calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let seconds = self.delays[call % self.delays.len()];
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

#[async_trait]
impl PsaSink for Slow<'_> {
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
        let read = async move {
            self.delay().await;
            self.sink.lines(wanted)
        };
        futures::stream::once(read).flatten().boxed()
    }

    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError> {
        self.delay().await;
        let result = self.sink.execute(change).await;
        self.delay().await;
        result
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        self.delay().await;
        self.sink.verify(change, receipt).await
    }
}

/// One of several that apply the same plan, each as a run of its own.
async fn apply(bench: &Bench, clock: PausedClock, run: &str, delays: &[u64]) -> ApplyReport {
    carry_out(bench, clock, run, &bench.changes, delays).await
}

async fn carry_out(
    bench: &Bench,
    clock: PausedClock,
    run: &str,
    changes: &[Change],
    delays: &[u64],
) -> ApplyReport {
    let sink = Slow::over(bench, delays);
    let mut options = ApplyOptions::new();
    options.run = Some(RunId::new(run));
    let plan = PlanId::new("plan-1");
    let request = ApplyRequest {
        plan_id: &plan,
        plan_text: "{}",
        source: "vendor",
        changes,
        approval: &approval(),
    };
    let applier = Applier::new(&sink, &bench.journal, &clock);
    applier.apply(&request, &options).await.unwrap()
}

/// One that goes on with the run, over a line on which the requests take so many seconds.
async fn resume(bench: &Bench, clock: PausedClock, holder: &str, delays: &[u64]) -> ApplyReport {
    let sink = Slow::over(bench, delays);
    let mut options = ApplyOptions::new();
    options.concurrency = 1;
    options.holder = Some(holder.into());
    let applier = Applier::new(&sink, &bench.journal, &clock);
    let run = RunId::new("r1");
    applier.resume(&run, &options).await.unwrap()
}

/// Runs a future to its end in a time that moves by itself.
fn in_paused_time(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(work);
}

/// What is left of two runs is brought to its end by whoever resumes, long after.
async fn settle_long_after(bench: &Bench, clock: PausedClock) {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    for run in ["r1", "r2", "r1", "r2"] {
        let applier = Applier::new(&bench.sink, &bench.journal, &clock);
        let run = RunId::new(run);
        applier.resume(&run, &ApplyOptions::new()).await.unwrap();
    }
    assert!(bench.journal.unsettled().await.unwrap().is_empty());
}

fn assert_once(bench: &Bench, reports: &[ApplyReport]) {
    for change in &bench.changes {
        let id = change.id.as_str();
        let done = reports.iter().filter(|report| {
            let result = report
                .changes
                .iter()
                .find(|result| result.change == change.id);
            matches!(result.unwrap().outcome, Outcome::Done { .. })
        });
        assert_eq!(bench.applied(id) as usize, done.count(), "{id}");
        assert!(bench.applied(id) <= 1, "{id}");
    }
}

on_every_store! {

async fn two_appliers_of_one_plan_at_once_do_every_change_once(bench) {
    tokio::time::pause();
    let clock = PausedClock::start();
    let (one, other) = tokio::join!(
        apply(&bench, clock, "r1", &[1]),
        apply(&bench, clock, "r2", &[1]),
    );
    assert_once(&bench, &[one.clone(), other.clone()]);
    assert_eq!(one.totals.done + other.totals.done, 7, "{one}{other}");
    assert_eq!(bench.all_attempts(), 7);
    // Whoever came second was left nothing of an agreement but to wait for it.
    assert_eq!(one.totals.waiting + other.totals.waiting, 7, "{one}{other}");
    assert!(bench.journal.unsettled().await.unwrap().is_empty());
}

async fn two_that_go_on_with_one_run_at_once_share_its_agreements(bench) {
    bench.options.cancel.cancel();
    bench.apply().await;
    tokio::time::pause();
    let clock = PausedClock::start();
    let (one, other) = tokio::join!(
        resume(&bench, clock, "one", &[1]),
        resume(&bench, clock, "other", &[1]),
    );
    assert_eq!(bench.all_attempts(), 7);
    let last = bench.applier().resume(&RunId::new("r1"), &ApplyOptions::new()).await.unwrap();
    assert!(last.is_all_done(), "{one}{other}{last}");
    assert!(one.totals.done >= 2 && other.totals.done >= 2, "{one}{other}");
}


async fn the_last_of_an_agreement_is_recorded_while_the_next_one_is_at_work(bench) {
    bench.changes.truncate(2);
    bench.journal.slow = Some(("done", Duration::from_secs(100)));
    bench.options.cancel.cancel();
    bench.apply().await;
    tokio::time::pause();
    let clock = PausedClock::start();
    let report = resume(&bench, clock, "one", &[1]).await;
    assert!(report.is_all_done(), "{report}");
    assert_eq!(report.changes.len(), 2);
    // Four seconds of requests on each of the two, one after the other, and what is last of the second one.
    assert_eq!(clock.now().since(Timestamp::EPOCH).as_secs(), 108);
}

async fn where_the_last_of_an_agreement_cannot_be_recorded_the_run_stops(bench) {
    bench.changes.truncate(2);
    // Refused while the write to the next one is under way.
    bench.journal.slow = Some(("done", Duration::from_millis(1_500)));
    bench.journal.slow_is_refused = true;
    bench.options.cancel.cancel();
    bench.apply().await;
    tokio::time::pause();
    let report = resume(&bench, PausedClock::start(), "one", &[1]).await;
    assert!(matches!(report.stopped, Some(Stop::Journal { .. })), "{report}");
    assert_eq!(report.totals.done, 0, "{report}");
    assert_eq!((bench.attempts("c1"), bench.attempts("c2")), (1, 1), "{report}");
    bench.journal.slow = None;
    assert!(resume(&bench, PausedClock::start(), "two", &[1]).await.is_all_done());
    assert_eq!((bench.attempts("c1"), bench.attempts("c2")), (1, 1));
}

async fn a_request_that_takes_longer_than_a_lease_keeps_it(bench) {
    bench.changes.truncate(1);
    tokio::time::pause();
    let clock = PausedClock::start();
    let others = async {
        // The whole run takes four such requests.
        for n in 0..5 {
            tokio::time::sleep(Duration::from_secs(230)).await;
            let report = resume(&bench, clock, &format!("other-{n}"), &[1]).await;
            assert!(report.changes[0].detail.contains("is at work"), "{report}");
        }
    };
    let (report, ()) = tokio::join!(apply(&bench, clock, "r1", &[300]), others);
    assert!(report.is_all_done(), "{report}");
    assert_eq!(bench.attempts("c1"), 1);
}

async fn a_request_is_dropped_when_its_lease_ends_and_cannot_be_renewed(bench) {
    bench.changes.truncate(1);
    tokio::time::pause();
    let clock = PausedClock::start();
    let disk = async {
        // In the middle of the read that comes before the write, and for a while.
        tokio::time::sleep(Duration::from_secs(50)).await;
        *bench.journal.renewals.lock().unwrap() = Renewals::Fail;
        tokio::time::sleep(Duration::from_secs(30)).await;
        *bench.journal.renewals.lock().unwrap() = Renewals::Pass;
        // In the middle of the wait before the write leaves.
        tokio::time::sleep(Duration::from_secs(50)).await;
        *bench.journal.renewals.lock().unwrap() = Renewals::Fail;
    };
    let (report, ()) = tokio::join!(apply(&bench, clock, "r1", &[100]), disk);
    assert_eq!((report.totals.unsettled, bench.attempts("c1")), (1, 0), "{report}");
    assert!(matches!(report.stopped, Some(Stop::Journal { .. })), "{report}");
}

async fn a_process_that_stood_still_in_a_request_does_not_go_on_with_it_after_another_took_over(bench) {
    bench.changes.truncate(1);
    tokio::time::pause();
    let clock = PausedClock::start();
    let other = async {
        // The read took its time; the write waits for its turn.
        tokio::time::sleep(Duration::from_secs(105)).await;
        *bench.journal.renewals.lock().unwrap() = Renewals::StandStill;
        bench.journal.still.notified().await;
        *bench.journal.renewals.lock().unwrap() = Renewals::Pass;
        tokio::time::sleep(Duration::from_secs(600)).await;
        let report = resume(&bench, clock, "other", &[1]).await;
        bench.journal.wake.notify_one();
        report
    };
    let (late, other) = tokio::join!(apply(&bench, clock, "r1", &[100]), other);
    assert_eq!((late.totals.unsettled, other.totals.unsettled), (1, 1), "{late}{other}");
    assert_eq!(bench.attempts("c1"), 0);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(resume(&bench, clock, "last", &[1]).await.is_all_done());
    assert_eq!(bench.attempts("c1"), 1);
}

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Requests that take longer than a lease among them: then the holder is late, and what it
    /// had begun is settled by the other.
    #[test]
    fn however_long_requests_take_nothing_is_applied_twice(
        one in prop::collection::vec(0..90_u64, 1..6),
        other in prop::collection::vec(0..90_u64, 1..6),
        head_start in 0..100_u64,
    ) {
        in_paused_time(async {
            let bench = Bench::memory();
            let clock = PausedClock::start();
            let later = async {
                tokio::time::sleep(Duration::from_secs(head_start)).await;
                apply(&bench, clock, "r2", &other).await
            };
            tokio::join!(apply(&bench, clock, "r1", &one), later);
            for change in &bench.changes {
                let applied = bench.applied(change.id.as_str());
                assert!(applied <= 1, "{} was applied {applied} times", change.id);
            }
            settle_long_after(&bench, clock).await;
            for change in &bench.changes {
                assert!(bench.applied(change.id.as_str()) <= 1);
            }
        });
    }

    /// A run that was planned before a client moved, and one that was planned after: the bill stands on two agreements.
    #[test]
    fn however_long_requests_take_a_bill_is_charged_once_by_runs_on_two_agreements(
        one in prop::collection::vec(0..90_u64, 1..6),
        other in prop::collection::vec(0..90_u64, 1..6),
        head_start in 0..300_u64,
    ) {
        in_paused_time(async {
            let bench = Bench::memory();
            let clock = PausedClock::start();
            let before = vec![create("n1", "a1", "p5", 4), charge("n2", "2026-03-06")];
            let after = vec![create("m1", "a2", "p5", 4), moved(charge("m2", "2026-03-06"))];
            let later = async {
                tokio::time::sleep(Duration::from_secs(head_start)).await;
                carry_out(&bench, clock, "r2", &after, &other).await
            };
            tokio::join!(carry_out(&bench, clock, "r1", &before, &one), later);
            let applied = || bench.applied("n2") + bench.applied("m2");
            assert!(applied() <= 1, "the bill was charged {} times", applied());
            settle_long_after(&bench, clock).await;
            assert_eq!(applied(), 1);
        });
    }
}
