//! A journal that somebody edited between a run and its resume.

use super::made::{charge, moved};
use super::*;
use crate::apply::Stop;
use crate::error::ErrorKind;
use crate::store::SqliteStore;

/// A run that was stopped before its first change, and its journal.
async fn stopped() -> (Bench, SqliteStore) {
    let store = SqliteStore::open_in_memory().unwrap();
    let mut bench = Bench::on(Box::new(store.clone()));
    bench.options.cancel.cancel();
    bench.apply().await;
    bench.options.cancel = crate::apply::CancelFlag::new();
    (bench, store)
}

fn edit(store: &SqliteStore, sql: &str) {
    let connection = store.lock_for_test();
    let mut names = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap();
    let triggers = names.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for trigger in triggers.map(|name| name.unwrap()) {
        let drop = format!("DROP TRIGGER {trigger}");
        connection.execute(&drop, []).unwrap();
    }
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

#[tokio::test]
async fn what_was_edited_since_its_approval_is_not_carried_out() {
    for sql in [
        r#"UPDATE changes SET change = replace(change, '"to":"12"', '"to":"912"')"#,
        r#"UPDATE changes SET ordinal = 100 WHERE change LIKE '%"c1"%'"#,
        r#"UPDATE runs SET record = replace(record, '"by":"', '"by":"not ')"#,
        "DELETE FROM changes WHERE ordinal = 0",
    ] {
        let (bench, store) = stopped().await;
        edit(&store, sql);
        let resumed = bench.applier().resume(&"r1".into(), &bench.options).await;
        let error = resumed.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage, "{sql}");
        assert!(
            error
                .to_string()
                .contains("not what was approved when it began"),
            "{sql}: {error}"
        );
        assert_eq!(bench.all_attempts(), 0, "{sql}");
    }
    let (bench, _) = stopped().await;
    assert!(bench.resume().await.is_all_done());
}

#[tokio::test]
async fn a_history_with_a_gap_is_told_as_damaged_and_not_as_done() {
    let (bench, store) = stopped().await;
    assert!(bench.resume().await.is_all_done());
    edit(&store, "DELETE FROM events WHERE type = 'sent'");
    let error = bench.journal.changes(&"r1".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("are missing"), "{error}");
}

#[tokio::test]
async fn a_charge_whose_history_has_a_gap_elsewhere_keeps_the_bill_from_being_charged_again() {
    let store = SqliteStore::open_in_memory().unwrap();
    let mut bench = Bench::on(Box::new(store.clone()));
    bench.changes = vec![charge("n1", "2026-03-06")];
    bench.fault("n1", &[Fault::Lost]);
    bench.apply().await;
    edit(&store, "DELETE FROM events WHERE type = 'sent'");
    bench.options.run = Some(RunId::new("r2"));
    bench.changes = vec![moved(charge("m1", "2026-03-06"))];
    let report = bench.apply().await;
    let Some(Stop::Journal { failure }) = &report.stopped else {
        panic!("{report}");
    };
    assert!(failure.message.contains("are missing"), "{failure:?}");
    assert_eq!(bench.attempts("m1"), 0);
}
