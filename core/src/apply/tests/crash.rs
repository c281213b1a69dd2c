//! The power fails anywhere, any number of times: each change is applied at most once, and
//! exactly once where the report says done.

use proptest::prelude::*;

use super::double::Fault;
use super::{ApplyReport, Bench, DONE, Outcome, RECOVERED};
use crate::error::ErrorKind;
use crate::model::{ChangeId, RunId};
use crate::store::Journal;

impl Bench {
    /// Goes on with the run, or starts it where it was not recorded yet, until it ends or the
    /// power fails.
    async fn go_on(&self) -> Option<ApplyReport> {
        let run = RunId::new("r1");
        let work = async {
            match self.applier().resume(&run, &self.options).await {
                Ok(report) => report,
                Err(error) if error.kind() == ErrorKind::NotFound => self.apply().await,
                Err(error) => panic!("{error:?}"),
            }
        };
        tokio::select! {
            biased;
            report = work => Some(report),
            () = self.wire.power_failure() => None,
        }
    }

    /// Lets the power fail at each of these points in turn, then brings the run to its end.
    async fn survive(&self, failures: &[usize]) -> ApplyReport {
        for points in failures {
            self.wire.fail_after(*points);
            let _ = self.go_on().await;
        }
        self.wire.restore();
        for _ in 0..8 {
            let report = self.go_on().await.unwrap();
            if !report.is_resumable() {
                return report;
            }
        }
        panic!("the run does not come to an end");
    }

    fn assert_once(&self, report: &ApplyReport) {
        for result in &report.changes {
            let applied = self.applied(result.change.as_str());
            let allowed = match result.outcome {
                Outcome::Done { .. } => 1..=1,
                Outcome::Conflict => 0..=1,
                _ => 0..=0,
            };
            assert!(
                allowed.contains(&applied),
                "applied {applied} times: {result}"
            );
        }
    }
}

/// Two points each for the holder, the run, the lease, `intended`, the lines,
/// `precondition_held`, `sent`; then the first one of the write.
const AFTER_THE_FIRST_WRITE: usize = 15;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(work)
}

#[test]
fn a_crash_at_any_point_leaves_every_change_done_exactly_once_after_resume() {
    let mut finished_unharmed = false;
    for points in 0..400 {
        let bench = Bench::memory();
        bench.fault("c1", &[Fault::LostButLanded]);
        let report = block_on(bench.survive(&[points]));
        assert!(report.is_all_done(), "at point {points}: {report}");
        bench.assert_once(&report);
        finished_unharmed |= report.changes.iter().skip(1).all(|c| c.outcome == DONE);
    }
    assert!(
        finished_unharmed,
        "the last points lie behind the end of the run"
    );
}

#[test]
fn a_crash_after_a_write_that_was_lost_on_its_way_writes_it_once_more() {
    let mut bench = Bench::memory();
    bench.changes.truncate(1);
    bench.fault("c1", &[Fault::Lost]);
    block_on(async {
        bench.wire.fail_after(AFTER_THE_FIRST_WRITE);
        assert!(bench.go_on().await.is_none());
        let history = bench.history("c1").await;
        assert_eq!(history, ["intended", "precondition_held", "sent"]);
        assert_eq!(bench.attempts("c1"), 1);
        let open = bench.journal.unsettled().await.unwrap();
        assert_eq!(open.len(), 1);
        bench.wire.restore();
        let report = bench.resume().await;
        assert_eq!(report.changes[0].outcome, DONE);
        assert_eq!((bench.attempts("c1"), bench.applied("c1")), (2, 1));
        let history = bench.history("c1").await;
        let rest = [
            "verified",
            "verified",
            "verified",
            "precondition_held",
            "sent",
            "answered",
            "verified",
            "done",
        ];
        assert_eq!(history[3..], rest);
        assert!(bench.journal.unsettled().await.unwrap().is_empty());
    });
}

#[test]
fn a_crash_after_a_write_that_landed_is_recovered_without_a_second_write() {
    let mut bench = Bench::memory();
    bench.changes.truncate(1);
    block_on(async {
        bench.wire.fail_after(AFTER_THE_FIRST_WRITE);
        assert!(bench.go_on().await.is_none());
        assert_eq!(bench.applied("c1"), 1);
        bench.wire.restore();
        let report = bench.resume().await;
        assert_eq!(report.changes[0].outcome, RECOVERED);
        assert_eq!(bench.attempts("c1"), 1);
    });
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::None),
        1 => Just(Fault::Rejected),
        1 => Just(Fault::NotSent),
        3 => Just(Fault::LostButLanded),
        3 => Just(Fault::Lost),
        1 => Just(Fault::Ignored),
        1 => Just(Fault::Overwritten),
    ]
}

#[derive(Debug)]
struct Story {
    faults: Vec<Vec<Fault>>,
    unreadable: Vec<u32>,
    failures: Vec<usize>,
    concurrency: usize,
    all_or_none: bool,
}

fn story() -> impl Strategy<Value = Story> {
    (
        prop::collection::vec(prop::collection::vec(fault(), 0..3), 7),
        prop::collection::vec(prop_oneof![3 => Just(0_u32), 1 => 0..5_u32], 7),
        prop::collection::vec(0..120_usize, 0..5),
        1..3_usize,
        any::<bool>(),
    )
        .prop_map(
            |(faults, unreadable, failures, concurrency, all_or_none)| Story {
                faults,
                unreadable,
                failures,
                concurrency,
                all_or_none,
            },
        )
}

fn play(story: &Story, mut bench: Bench) -> (ApplyReport, Vec<(String, &'static str)>) {
    bench.options.concurrency = story.concurrency;
    bench.journal.all_or_none = story.all_or_none;
    for (index, faults) in story.faults.iter().enumerate() {
        let id = format!("c{}", index + 1);
        bench.fault(&id, faults);
        let mut world = bench.sink.world();
        world
            .unreadable
            .insert(ChangeId::new(id), story.unreadable[index]);
    }
    block_on(async {
        let report = bench.survive(&story.failures).await;
        bench.assert_once(&report);
        assert!(bench.journal.unsettled().await.unwrap().is_empty());
        let events = bench.journal.events(&RunId::new("r1")).await.unwrap();
        let names = events
            .iter()
            .map(|event| (event.change.to_string(), event.event.name()));
        let mut names: Vec<_> = names.collect();
        // Of agreements side by side each has its own order.
        names.sort_by_key(|(change, _)| bench.agreement_of(change));
        (report, names)
    })
}

#[test]
fn a_created_line_that_somebody_edits_is_not_created_again_after_a_crash() {
    for point in 0..120 {
        let mut faults = vec![Vec::new(); 7];
        faults[6] = vec![Fault::Overwritten];
        let story = Story {
            faults,
            unreadable: vec![0; 7],
            failures: vec![point],
            concurrency: 1,
            all_or_none: false,
        };
        play(&story, Bench::memory());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_whenever_nothing_is_applied_twice(story in story()) {
        play(&story, Bench::memory());
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_whenever_nothing_is_applied_twice_by_the_word_of_a_file(story in story()) {
        play(&story, Bench::sqlite());
    }

    #[test]
    fn both_stores_tell_the_same_story(mut story in story()) {
        // What goes on side by side takes turns as the store's thread answers, and the power fails elsewhere.
        story.concurrency = 1;
        story.failures.clear();
        // So does what is last of an agreement, and it passes at other instants.
        let told = |bench| {
            let (mut report, names) = play(&story, bench);
            for result in &mut report.changes {
                (result.sent, result.proved) = (None, None);
            }
            (report, names)
        };
        prop_assert_eq!(told(Bench::memory()), told(Bench::sqlite()));
    }
}

/// The disk takes so many more pages of the file, or as many as come.
#[cfg(feature = "sqlite")]
fn let_grow(store: &crate::store::SqliteStore, pages: Option<i64>) {
    let connection = store.lock_for_test();
    let count = |name: &str| -> i64 {
        let read = |row: &rusqlite::Row<'_>| row.get(0);
        connection.pragma_query_value(None, name, read).unwrap()
    };
    let most = pages.map_or(i64::from(u32::MAX) - 1, |pages| count("page_count") + pages);
    connection
        .pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))
        .unwrap();
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_disk_that_is_full_stops_the_run_and_lets_nothing_leave_that_is_not_recorded() {
    use crate::apply::Stop;

    let mut stopped = 0;
    for pages in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::store::SqliteStore::open(folder.path().join("journal.db")).unwrap();
        let mut bench = Bench::on(Box::new(store.clone()));
        bench.options.concurrency = 1;
        bench.options.cancel.cancel();
        bench.apply().await;
        bench.options.cancel = crate::apply::CancelFlag::new();
        let_grow(&store, Some(pages));
        match bench.applier().resume(&"r1".into(), &bench.options).await {
            // The sink itself refuses, by panic, a write that is not on record.
            Ok(report) => {
                let failed = matches!(report.stopped, Some(Stop::Journal { .. }));
                assert_eq!(report.is_resumable(), failed, "{report}");
                stopped += usize::from(failed);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Storage, "{error}"),
        }
        let_grow(&store, None);
        let report = bench.resume().await;
        assert!(report.is_all_done(), "{pages} pages: {report}");
        bench.assert_once(&report);
    }
    assert!((1..8).contains(&stopped), "it was full {stopped} times");
}
