//! What only a file can show: rights, durability across openings, versions, strangers.

use rusqlite::Connection;

use super::tests::take;
use super::{
    ChangeState, Claim, ClaimRequest, CountHistory, DayReading, Event, Journal, Lease,
    RecordedEvent, RunRecord, SqliteStore,
};
use crate::apply::Approval;
use crate::error::ErrorKind;
use crate::model::{AccountReading, Basis, Period, RunId, Timestamp};
use crate::plan::{Action, Change};

fn change() -> Change {
    let action = Action::CreateLine {
        quantity: "2.50".parse().unwrap(),
        unit_cost: None,
        unit_price: None,
        last_day: None,
        like: None,
    };
    let effective = "2026-02-01".parse().unwrap();
    Change::new("c1", "co", "a1", "p1", action, effective)
}

fn event(seq: u32, event: Event) -> RecordedEvent {
    RecordedEvent {
        change: "c1".into(),
        seq,
        at: Timestamp::EPOCH,
        event,
    }
}

async fn with_a_write_out(store: &SqliteStore) -> RunId {
    let run = RunId::new("r1");
    let approval = Approval::of_plan("plan".into(), "dana", Timestamp::EPOCH);
    let record = RunRecord::new(run.clone(), "vendor", "psa", Timestamp::EPOCH, approval);
    let changes = [change()];
    store
        .begin(&record, "{ \"a\": 1 }", &changes, &[])
        .await
        .unwrap();
    let intended = Event::Intended { overridden: None };
    let lease = take(store, "a1").await;
    store
        .append(&lease, &run, &event(0, intended))
        .await
        .unwrap();
    let sent = Event::Sent { attempt: 1 };
    store.append(&lease, &run, &event(1, sent)).await.unwrap();
    run
}

#[tokio::test]
async fn a_run_whose_exported_bills_cannot_be_read_is_named() {
    let store = SqliteStore::open_in_memory().unwrap();
    let text = r#"{ "format": "tallyline-plan", "version": 4, "plan": { "bills": [] } }"#;
    for (run, text) in [("r1", r#"{ "bills": [] }"#), ("r2", text)] {
        let approval = Approval::of_plan("plan".into(), "dana", Timestamp::EPOCH);
        let record = RunRecord::new(run.into(), "vendor", "psa", Timestamp::EPOCH, approval);
        store.begin(&record, text, &[change()], &[]).await.unwrap();
        let ledger = store.ledger("vendor", "psa").await;
        let is_plan = run == "r2";
        assert_eq!(ledger.is_err(), is_plan, "{ledger:?}");
        if let Err(error) = ledger {
            assert_eq!(error.kind(), ErrorKind::Storage);
            for part in ["run r2", "cannot be read", "missing field"] {
                assert!(error.message().contains(part), "{part}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyline.db");
    let store = SqliteStore::open(&file).unwrap();
    store
        .lock_for_test()
        .pragma_update(None, "query_only", true)
        .unwrap();
    let run = RunId::new("r1");
    let approval = Approval::of_plan("plan".into(), "dana", Timestamp::EPOCH);
    let record = RunRecord::new(run, "vendor", "psa", Timestamp::EPOCH, approval);
    let error = store.begin(&record, "{}", &[], &[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    let text = error.to_string();
    for part in ["tallyline.db", "readonly", "must be writable", "its folder"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Reading it needs no such right.
    assert!(store.runs(1).await.unwrap().is_empty());
    let nowhere = folder.path().join("none").join("tallyline.db");
    let text = SqliteStore::open(nowhere).unwrap_err().to_string();
    assert!(
        text.contains("none") && text.contains("cannot be made"),
        "{text}"
    );
}

#[tokio::test]
async fn what_was_recorded_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyline.db");
    let run = with_a_write_out(&SqliteStore::open(&file).unwrap()).await;

    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(store.run(&run).await.unwrap().approval.by, "dana");
    assert_eq!(store.plan_text(&run).await.unwrap(), "{ \"a\": 1 }");
    let changes = store.changes(&run).await.unwrap();
    assert_eq!(changes[0].change, change());
    assert_eq!(changes[0].state(), ChangeState::Unknown);
    assert_eq!(store.unsettled().await.unwrap()[0].run, run);
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_readable_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("tallyline.db")).unwrap();
    with_a_write_out(&store).await;
    let mut files = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        files += 1;
    }
    assert!(files >= 2, "the log stands beside the file");
}

#[tokio::test]
async fn two_openings_of_one_file_see_and_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyline.db");
    let (one, other) = (
        SqliteStore::open(&file).unwrap(),
        SqliteStore::open(&file).unwrap(),
    );
    let run = with_a_write_out(&one).await;
    let unsure = event(2, Event::Done { recovered: true });
    let lease = take(&other, "a1").await;
    other.append(&lease, &run, &unsure).await.unwrap();
    let error = one.append(&lease, &run, &unsure).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(one.unsettled().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_write_waits_until_its_intent_and_all_before_it_are_on_the_disk_and_nothing_else_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("tallyline.db")).unwrap();
    // What the commit of each event will wait for: 1 for nothing, 2 for the disk.
    let watch = "CREATE TEMP TABLE seen (type TEXT, waits INTEGER);
        CREATE TEMP TRIGGER watch AFTER INSERT ON main.events BEGIN
            INSERT INTO seen SELECT NEW.type, synchronous FROM pragma_synchronous;
        END;";
    store.lock_for_test().execute_batch(watch).unwrap();
    let run = with_a_write_out(&store).await;
    let lease = take(&store, "a1").await;
    let done = event(2, Event::Done { recovered: true });
    store.append(&lease, &run, &done).await.unwrap();
    let late = store.append(&lease, &run, &done).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    let connection = store.lock_for_test();
    let mut query = connection.prepare("SELECT type, waits FROM seen").unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let seen: Vec<(String, i64)> = rows.unwrap().map(Result::unwrap).collect();
    let wanted = [("intended", 1), ("sent", 2), ("done", 1)];
    assert_eq!(seen, wanted.map(|(event, waits)| (event.to_owned(), waits)));
    let waits: i64 = connection
        .pragma_query_value(None, "synchronous", |row| row.get(0))
        .unwrap();
    assert_eq!(waits, 2, "also after an event that was refused");
}

#[tokio::test]
async fn events_of_several_changes_are_added_together_or_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("tallyline.db")).unwrap();
    let run = RunId::new("r1");
    let approval = Approval::of_plan("plan".into(), "dana", Timestamp::EPOCH);
    let record = RunRecord::new(run.clone(), "vendor", "psa", Timestamp::EPOCH, approval);
    let mut next = change();
    next.id = "c2".into();
    let changes = [change(), next];
    store.begin(&record, "{}", &changes, &[]).await.unwrap();
    let lease = take(&store, "a1").await;
    let intended = || Event::Intended { overridden: None };
    let of_next = |seq, event: Event| RecordedEvent {
        change: "c2".into(),
        ..self::event(seq, event)
    };
    let out_of_step = [event(0, intended()), of_next(1, intended())];
    let refused = store.append_all(&lease, &run, &out_of_step).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(store.events(&run).await.unwrap(), []);
    let done = Event::Done { recovered: true };
    let all = [
        event(0, intended()),
        event(1, done),
        of_next(0, intended()),
        of_next(1, Event::Sent { attempt: 1 }),
    ];
    store.append_all(&lease, &run, &all).await.unwrap();
    assert_eq!(store.events(&run).await.unwrap(), all);
}

#[tokio::test]
async fn what_adds_events_is_prepared_once_whatever_is_added() {
    use super::sqlite_append::{ADD, HAS};
    use super::sqlite_lease::KEEP;

    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("tallyline.db")).unwrap();
    let run = with_a_write_out(&store).await;
    let lease = take(&store, "a1").await;
    let done = event(2, Event::Done { recovered: true });
    store.append(&lease, &run, &done).await.unwrap();
    let connection = store.lock_for_test();
    for sql in [HAS, KEEP, ADD] {
        use rusqlite::StatementStatus::{RePrepare, Run};
        let kept = connection.prepare_cached(sql).unwrap();
        assert_eq!(
            (kept.get_status(Run), kept.get_status(RePrepare)),
            (3, 0),
            "{sql}"
        );
    }
}

#[test]
fn a_commit_is_on_the_disk_before_it_returns_where_nothing_else_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("tallyline.db")).unwrap();
    let setting = |name: &str| {
        let connection = store.lock_for_test();
        connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .unwrap()
    };
    assert_eq!(setting("journal_mode"), "wal".to_owned().into());
    assert_eq!(setting("synchronous"), 2_i64.into());
    assert_eq!(setting("foreign_keys"), 1_i64.into());
}

#[tokio::test]
async fn events_can_be_neither_edited_nor_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyline.db");
    with_a_write_out(&SqliteStore::open(&file).unwrap()).await;
    let connection = Connection::open(&file).unwrap();
    for tampering in ["UPDATE events SET seq = 7", "DELETE FROM events"] {
        let error = connection.execute(tampering, []).unwrap_err();
        assert!(error.to_string().contains("only ever added"), "{error}");
    }
}

#[tokio::test]
async fn an_event_of_a_newer_version_is_refused_and_not_passed_over() {
    for (version, payload) in [(2, r#"{"type":"done"}"#), (1, r#"{"type":"leased"}"#)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tallyline.db");
        let store = SqliteStore::open(&file).unwrap();
        let run = with_a_write_out(&store).await;
        Connection::open(&file)
            .unwrap()
            .execute(
                "INSERT INTO events (run, change, seq, at, type, version, payload)
                 VALUES ('r1', 'c1', 2, '1970-01-01T00:00:00Z', 'x', ?1, ?2)",
                rusqlite::params![version, payload],
            )
            .unwrap();
        let error = store.changes(&run).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
    }
}

#[tokio::test]
async fn a_file_of_the_layout_before_keeps_what_it_holds_and_takes_counts_of_days() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyline.db");
    let run = with_a_write_out(&SqliteStore::open(&file).unwrap()).await;
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch("DROP TABLE days; DROP INDEX charges_of_company; PRAGMA user_version = 3;")
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(store.changes(&run).await.unwrap().len(), 1);
    let today = "2026-03-11".parse().unwrap();
    let reading = AccountReading::complete("c-1", vec![], Basis::Live, Timestamp::EPOCH);
    let day = DayReading::of(&reading, &[].into(), today).unwrap();
    let day = DayReading { day: today, ..day };
    store
        .record_days("market", today, std::slice::from_ref(&day))
        .await
        .unwrap();
    drop(store);
    let again = SqliteStore::open(&file).unwrap();
    let period = Period::month_of(today);
    let days = again.days("market", &period).await.unwrap();
    assert_eq!(days.readings().collect::<Vec<_>>(), [&day]);
}

#[test]
fn a_file_of_another_layout_and_one_of_another_program_are_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyline.db");
    drop(SqliteStore::open(&file).unwrap());
    let connection = Connection::open(&file).unwrap();
    connection
        .pragma_update(None, "user_version", 1_000)
        .unwrap();
    drop(connection);
    let error = SqliteStore::open(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("newer version"), "{error}");

    let connection = Connection::open(&file).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);
    let error = SqliteStore::open(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("older layout"), "{error}");

    let file = folder.path().join("other.db");
    let connection = Connection::open(&file).unwrap();
    connection.execute("CREATE TABLE theirs (a)", []).unwrap();
    drop(connection);
    let before = std::fs::read(&file).unwrap();
    let error = SqliteStore::open(&file).unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);

    let file = folder.path().join("no.db");
    std::fs::write(&file, "not a database at all, just a text of some length").unwrap();
    let error = SqliteStore::open(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
}

fn wants(holder: &str, now: i64) -> ClaimRequest {
    let at = |second| Timestamp::from_second(second).unwrap();
    ClaimRequest {
        sink: "psa".into(),
        agreement: "a1".into(),
        holder: holder.into(),
        now: at(now),
        until: at(now + 60),
    }
}

fn files(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("holder"))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_holder_of_another_opening_is_known_to_live_by_the_file_that_it_keeps_locked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyline.db");
    let (one, other) = (
        SqliteStore::open(&file).unwrap(),
        SqliteStore::open(&file).unwrap(),
    );
    let living = one.register(&"one".into()).await.unwrap();
    let taken = one.claim(&wants("one", 0)).await.unwrap();
    assert!(matches!(taken, Claim::Taken { .. }));
    assert_eq!(files(&folder), ["tallyline.db-holder-1"]);
    let twin = other.register(&"one".into()).await.unwrap_err();
    assert_eq!(twin.kind(), ErrorKind::Conflict);
    let held = other.claim(&wants("other", 1)).await.unwrap();
    assert!(matches!(held, Claim::Held(_)), "{held:?}");
    drop(living);
    assert!(files(&folder).is_empty(), "the file goes with its holder");
    let taken = other.claim(&wants("other", 1)).await.unwrap();
    assert!(
        matches!(
            taken,
            Claim::Taken {
                lease: Lease { fence: 2, .. },
                ..
            }
        ),
        "{taken:?}"
    );
}

#[tokio::test]
async fn a_file_that_a_killed_process_left_is_taken_away_and_its_leases_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyline.db");
    let store = SqliteStore::open(&file).unwrap();
    let living = store.register(&"killed".into()).await.unwrap();
    store.claim(&wants("killed", 0)).await.unwrap();
    drop(living);
    // The system let go of the lock, and nobody took the file away.
    let left = folder.path().join("tallyline.db-holder-1");
    std::fs::write(&left, "").unwrap();
    let _next = store.register(&"next".into()).await.unwrap();
    assert_eq!(files(&folder), ["tallyline.db-holder-2"]);
    let taken = store.claim(&wants("next", 1)).await.unwrap();
    assert!(
        matches!(
            taken,
            Claim::Taken {
                lease: Lease { fence: 2, .. },
                ..
            }
        ),
        "{taken:?}"
    );
}

/// Opens the file and writes a run of its own, like a process that is alone.
fn write_a_run(file: &std::path::Path, writer: usize, events: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let store = SqliteStore::open(file).unwrap();
    runtime.block_on(async {
        let (run, agreement) = (RunId::new(format!("r{writer}")), format!("a{writer}"));
        let approval = Approval::of_plan("plan".into(), "dana", Timestamp::EPOCH);
        let record = RunRecord::new(run.clone(), "vendor", "psa", Timestamp::EPOCH, approval);
        let mut one = change();
        one.agreement = agreement.as_str().into();
        store.begin(&record, "{}", &[one], &[]).await.unwrap();
        let lease = take(&store, &agreement).await;
        for seq in 0..events {
            let sent = Event::Sent { attempt: seq + 1 };
            store.append(&lease, &run, &event(seq, sent)).await.unwrap();
        }
    });
}

#[test]
fn many_openings_of_a_new_file_that_write_at_once_wait_for_each_other() {
    const WRITERS: usize = 6;
    const EVENTS: u32 = 5;
    let folder = tempfile::tempdir().unwrap();
    for round in 0..8 {
        let file = folder.path().join(format!("{round}.db"));
        let start = std::sync::Barrier::new(WRITERS);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (start, file) = (&start, &file);
                scope.spawn(move || {
                    start.wait();
                    write_a_run(file, writer, EVENTS);
                });
            }
        });
        let connection = Connection::open(&file).unwrap();
        let events: i64 = connection
            .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
            .unwrap();
        assert_eq!(events, i64::from(EVENTS) * WRITERS as i64);
    }
}
