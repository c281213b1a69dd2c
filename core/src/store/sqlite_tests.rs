//! What only a file can show: rights, durability across openings, versions, strangers.

use rusqlite::Connection;

use super::{ChangeState, Event, Journal, RecordedEvent, RunId, RunRecord, SqliteStore};
use crate::apply::Approval;
use crate::error::ErrorKind;
use crate::model::Timestamp;
use crate::plan::{Action, Change};

fn change() -> Change {
    let action = Action::CreateLine {
        quantity: "2.50".parse().unwrap(),
        unit_cost: None,
        unit_price: None,
        last_day: None,
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
        .begin(&record, "{ \"a\": 1 }", &changes)
        .await
        .unwrap();
    let intended = Event::Intended { overridden: None };
    store.append(&run, &event(0, intended)).await.unwrap();
    let sent = Event::Sent { attempt: 1 };
    store.append(&run, &event(1, sent)).await.unwrap();
    run
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
    other.append(&run, &unsure).await.unwrap();
    let error = one.append(&run, &unsure).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(one.unsettled().await.unwrap().is_empty());
}

#[test]
fn every_commit_is_on_disk_before_it_returns() {
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
