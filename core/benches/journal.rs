//! What a change takes in the SQLite journal, on the disk of the temporary folder. Compare within one run.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]
#![allow(missing_docs, reason = "criterion's macros write functions without")]

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tallyline_core::apply::Approval;
use tallyline_core::model::{Quantity, RunId, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, Verdict};
use tallyline_core::store::{
    Claim, ClaimRequest, Event, Journal, Lease, RecordedEvent, RunRecord, SqliteStore,
};
use tokio::runtime::Runtime;

/// More than the time of one measurement takes.
const CHANGES: u32 = 200_000;

fn changes() -> Vec<Change> {
    let change = |at| {
        let action = Action::SetQuantity {
            line: format!("line-{at}").into(),
            from: Quantity::from(5_u32),
            to: Quantity::from(6_u32),
        };
        let first = "2026-02-01".parse().unwrap();
        Change::new(
            format!("change-{at:06}"),
            "company",
            "agreement",
            "product",
            action,
            first,
        )
    };
    (0..CHANGES).map(change).collect()
}

fn begun(runtime: &Runtime, store: &SqliteStore) -> (RunId, Lease) {
    let run = RunId::new("run");
    let now = Timestamp::EPOCH;
    let approval = Approval::of_plan("plan".into(), "bench@example.com", now);
    let record = RunRecord::new(run.clone(), "vendor", "psa", now, approval);
    let request = ClaimRequest {
        sink: "psa".into(),
        agreement: "agreement".into(),
        holder: "holder".into(),
        now,
        until: now.plus(Duration::from_secs(3600)),
    };
    runtime.block_on(async {
        store
            .begin(&record, "bench", &changes(), &[])
            .await
            .unwrap();
        match store.claim(&request).await.unwrap() {
            Claim::Taken { lease, .. } => (run, lease),
            Claim::Held(lease) => panic!("held by {}", lease.holder),
        }
    })
}

fn recorded(change: u32, first: u32, events: Vec<Event>) -> Vec<RecordedEvent> {
    let recorded = |(seq, event)| RecordedEvent {
        change: format!("change-{change:06}").into(),
        seq,
        at: Timestamp::EPOCH,
        event,
    };
    (first..).zip(events).map(recorded).collect()
}

/// Before the write leaves: on the disk when it returns.
fn before(change: u32) -> Vec<RecordedEvent> {
    let intended = Event::Intended { overridden: None };
    let held = Event::PreconditionHeld { observed: None };
    recorded(change, 0, vec![intended, held, Event::Sent { attempt: 1 }])
}

/// After it: on the disk with what waits for it next.
fn after(change: u32) -> Vec<RecordedEvent> {
    let receipt = Receipt::new("line");
    let verdict = Verdict::NotLanded;
    let events = vec![
        Event::Answered { receipt },
        Event::Verified { verdict },
        Event::Done { recovered: false },
    ];
    recorded(change, 3, events)
}

fn journal(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("journal.db")).unwrap();
    let (run, lease) = begun(&runtime, &store);
    let mut changes = 0..CHANGES;
    criterion.bench_function("journal/change", |bencher| {
        bencher.iter_batched(
            || {
                changes
                    .next()
                    .map(|change| (before(change), after(change)))
                    .unwrap()
            },
            |(before, after)| {
                runtime.block_on(async {
                    store.append_all(&lease, &run, &before).await.unwrap();
                    store.append_all(&lease, &run, &after).await.unwrap();
                });
            },
            BatchSize::PerIteration,
        );
    });
}

criterion_group!(of_the_journal, journal);
criterion_main!(of_the_journal);
