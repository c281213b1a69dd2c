//! Reads that go on where they stopped, and what is not read again.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::civil::date;
use jiff::{SignedDuration, ToSpan as _};
use tallyline_core::clock::SharedClock;
use tallyline_core::model::{AccountReading, Timestamp};
use tallyline_core::source::UsageRequest;
use tallyline_core::{ErrorKind, VendorSource};
use tallyline_ingram::IngramSource;
use tallyline_ingram::progress::{MemoryProgress, ProgressFile, ProgressStore};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::ingram::{IngramSimulator, IngramState};

/// Seven customers on four pages, nine subscriptions on five.
async fn start() -> IngramSimulator {
    let mut state = IngramState::new();
    state.add_product("MAIL", "Mail", 6.into(), 5.into());
    let customers: Vec<String> = (0..7)
        .map(|at| state.add_customer(&format!("Client {at}")))
        .collect();
    for at in 0..9_usize {
        let seats = i64::try_from(at).unwrap() + 1;
        state.subscribe(&customers[at % 5], "MAIL", seats.into());
    }
    IngramSimulator::start(state).await.unwrap()
}

fn now(sim: &IngramSimulator) -> Timestamp {
    sim.clock().now().to_string().parse().unwrap()
}

fn kept(sim: &IngramSimulator, store: &Arc<dyn ProgressStore>) -> IngramSource {
    IngramSource::builder()
        .client(of(sim))
        .progress(Arc::clone(store))
        .build()
        .unwrap()
}

async fn read(source: &IngramSource, sim: &IngramSimulator) -> Vec<AccountReading> {
    let request = UsageRequest::new(now(sim));
    source.usage(&request).try_collect().await.unwrap()
}

/// How often each page and each subscription was answered.
fn answered(sim: &IngramSimulator) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for own in sim.requests() {
        if own.status == Some(200) && !own.path.ends_with("/token") && !own.faulted {
            *counts
                .entry(format!("{}?{}", own.path, own.query))
                .or_default() += 1;
        }
    }
    counts
}

fn sums(readings: &[AccountReading]) -> Vec<(String, String)> {
    let mut sums: Vec<(String, String)> = readings
        .iter()
        .map(|reading| {
            let lines = reading.lines().unwrap().iter();
            let units: Vec<String> = lines.map(|line| line.quantity.to_string()).collect();
            (reading.account.to_string(), units.join(" "))
        })
        .collect();
    sums.sort();
    sums
}

#[tokio::test]
async fn a_read_interrupted_at_any_page_goes_on_there_and_reads_no_finished_page_again() {
    let calm = start().await;
    let whole = sums(&read(&source(&calm), &calm).await);
    for (list, pages) in [("/customers", 4), ("/subscriptions", 5)] {
        for at in 1..=pages {
            let sim = start().await;
            sim.faults().on(
                Match::get(list).path_end(list).after(at - 1).times(4),
                Fault::status(503),
            );
            let store: Arc<dyn ProgressStore> = Arc::new(MemoryProgress::new());
            let request = UsageRequest::new(now(&sim));
            let first = kept(&sim, &store);
            let error = first.usage(&request).try_collect::<Vec<_>>().await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
            drop(first);

            // Another process, later, with what the first one left.
            sim.clock().advance(SignedDuration::from_hours(2));
            let readings = read(&kept(&sim, &store), &sim).await;
            assert_eq!(sums(&readings), whole, "{list} {at}");
            let counts = answered(&sim);
            assert_eq!(counts.len(), 4 + 5 + 9, "{counts:?}");
            assert!(counts.values().all(|count| *count == 1), "{counts:?}");
            if at > 1 || list == "/subscriptions" {
                let oldest = readings.iter().filter_map(|own| own.data_as_of).min();
                let expected = (list == "/subscriptions" && at > 1).then_some(request.now);
                assert_eq!(oldest, expected, "{list} {at}");
            }
        }
    }
}

#[tokio::test]
async fn a_read_dropped_after_any_account_reads_no_finished_detail_again() {
    let calm = start().await;
    let whole = sums(&read(&source(&calm), &calm).await);
    for after in 1..7 {
        let sim = start().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.jsonl");
        let store = || -> Arc<dyn ProgressStore> { Arc::new(ProgressFile::new(&path)) };
        {
            let first = kept(&sim, &store());
            let request = UsageRequest::new(now(&sim));
            let readings: Vec<_> = first.usage(&request).take(after).collect().await;
            assert_eq!(readings.len(), after);
        }
        sim.server().settled().await.unwrap();
        let done = answered(&sim);
        let again = kept(&sim, &store());
        assert_eq!(sums(&read(&again, &sim).await), whole, "{after}");
        let counts = answered(&sim);
        let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
        // What was on its way when the stream was dropped may not have been put down.
        assert!(twice.len() <= 4, "{after}: {twice:?}");
        assert!(done.len() >= 4 + 5, "{after}: {done:?}");
        let lists = counts.iter().filter(|(call, _)| call.contains('='));
        assert!(lists.clone().all(|(_, count)| *count == 1), "{counts:?}");
    }
}

#[tokio::test]
async fn a_finished_read_is_not_taken_up_and_neither_is_one_of_long_ago() {
    let sim = start().await;
    let store: Arc<dyn ProgressStore> = Arc::new(MemoryProgress::new());
    let source = kept(&sim, &store);
    read(&source, &sim).await;
    sim.clear_requests();
    sim.with_state(|state| {
        let id = state.subscriptions[0].id.clone();
        assert!(state.set_quantity(&id, 77.into()));
    });
    let readings = read(&source, &sim).await;
    assert!(
        sums(&readings)
            .iter()
            .any(|(_, units)| units.contains("77"))
    );
    assert_eq!(answered(&sim).len(), 18);

    let request = UsageRequest::new(now(&sim));
    let some: Vec<_> = source.usage(&request).take(1).collect().await;
    assert!(some[0].is_ok());
    sim.clear_requests();
    sim.clock().advance(SignedDuration::from_hours(7));
    read(&source, &sim).await;
    assert_eq!(answered(&sim).len(), 18, "it is read anew");
}

#[tokio::test]
async fn what_is_new_since_the_interruption_is_seen_and_what_moved_is_seen_once() {
    let sim = start().await;
    sim.faults().on(
        Match::get("/subscriptions")
            .path_end("/subscriptions")
            .after(2)
            .times(4),
        Fault::status(503),
    );
    let store: Arc<dyn ProgressStore> = Arc::new(MemoryProgress::new());
    let source = kept(&sim, &store);
    let request = UsageRequest::new(now(&sim));
    assert!(
        source
            .usage(&request)
            .try_collect::<Vec<_>>()
            .await
            .is_err()
    );
    sim.with_state(|state| {
        let client = state.customers[6].id.clone();
        state.subscribe(&client, "MAIL", 99.into());
    });
    let readings = read(&source, &sim).await;
    let sums = sums(&readings);
    assert!(sums.iter().any(|(_, units)| units == "99"), "{sums:?}");
    let lines: usize = readings.iter().map(|own| own.lines().unwrap().len()).sum();
    assert_eq!(lines, 10);
}

/// The details read of late, in the days after a change.
async fn details(source: &IngramSource, sim: &IngramSimulator) -> usize {
    sim.clear_requests();
    read(source, sim).await;
    let asked = sim.requests();
    asked
        .iter()
        .filter(|own| own.path.contains("/subscriptions/"))
        .count()
}

#[tokio::test]
async fn the_cache_reads_again_what_changed_since_and_whatever_changed_today_or_yesterday() {
    let sim = start().await;
    let source = IngramSource::builder()
        .client(of(&sim))
        .cache(true)
        .build()
        .unwrap();
    // All of them were made, and changed last, a month ago.
    assert_eq!(details(&source, &sim).await, 9);
    assert_eq!(details(&source, &sim).await, 0);
    let id = sim.with_state(|state| state.subscriptions[4].id.clone());
    let set = |seats: i64| sim.with_state(|state| assert!(state.set_quantity(&id, seats.into())));
    set(50);
    assert_eq!(details(&source, &sim).await, 1);
    // A second change of the same day leaves no trace in the list.
    set(51);
    assert_eq!(details(&source, &sim).await, 1);
    let day = date(2026, 3, 15);
    for (later, expected) in [(1, 1), (2, 1), (3, 0), (4, 0)] {
        sim.clock().set_day(day.checked_add(later.days()).unwrap());
        assert_eq!(details(&source, &sim).await, expected, "{later} days later");
    }
    let readings = read(&source, &sim).await;
    assert!(
        sums(&readings)
            .iter()
            .any(|(_, units)| units.contains("51"))
    );
}

#[tokio::test]
async fn details_read_on_the_day_of_a_change_are_not_trusted_however_long_ago_that_was() {
    let sim = start().await;
    let source = IngramSource::builder()
        .client(of(&sim))
        .cache(true)
        .build()
        .unwrap();
    let id = sim.with_state(|state| state.subscriptions[4].id.clone());
    sim.with_state(|state| assert!(state.set_quantity(&id, 50.into())));
    read(&source, &sim).await;
    sim.with_state(|state| assert!(state.set_quantity(&id, 51.into())));
    // A weekly run: the change of the evening has the day of that of the morning.
    sim.clock().set_day(date(2026, 3, 22));
    let readings = read(&source, &sim).await;
    assert!(
        sums(&readings)
            .iter()
            .any(|(_, units)| units.contains("51"))
    );
}

#[tokio::test]
async fn without_the_cache_everything_is_read_each_time() {
    let sim = start().await;
    let source = source(&sim);
    assert_eq!(details(&source, &sim).await, 9);
    assert_eq!(details(&source, &sim).await, 9);
}

#[tokio::test]
async fn what_the_list_of_services_read_just_before_is_used_where_that_is_wanted_and_says_its_age()
{
    struct At(Timestamp);
    #[async_trait::async_trait]
    impl tallyline_core::clock::Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
        async fn sleep(&self, _: Duration) {}
        async fn alongside(&self, _: Duration) {
            std::future::pending::<()>().await;
        }
    }
    let sim = start().await;
    let listed = now(&sim);
    let source = IngramSource::builder()
        .client(of(&sim))
        .reuse_within(Duration::from_secs(900))
        .clock(SharedClock::new(Arc::new(At(listed))))
        .build()
        .unwrap();
    let services: Vec<_> = source.services().try_collect().await.unwrap();
    assert_eq!(services.len(), 1);
    sim.clock().advance(SignedDuration::from_secs(600));
    assert_eq!(details(&source, &sim).await, 0);
    let readings = read(&source, &sim).await;
    let of_lines = readings
        .iter()
        .filter(|own| !own.lines().unwrap().is_empty());
    for reading in of_lines {
        assert_eq!(reading.data_as_of, Some(listed));
    }
    sim.clock().advance(SignedDuration::from_secs(600));
    assert_eq!(details(&source, &sim).await, 9);
}
