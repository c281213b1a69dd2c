//! The store in one SQLite file.
//!
//! Durability: write-ahead logging with `synchronous = FULL`, so that every commit is on disk
//! before it returns, and a reader (a report, a review page) never holds up the writer.
//!
//! Blocking: SQLite blocks while it syncs, so each call runs on tokio's blocking pool, one at
//! a time behind a mutex. A thread of its own would do as well; the pool needs no shutdown
//! protocol, and whoever has this feature has the runtime for the HTTP clients already. A call
//! whose future is dropped may still be carried out; the journal's order makes that harmless,
//! for what is recorded too much is only ever an intent.

use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{
    Connection, OptionalExtension, Params, Row, Transaction, TransactionBehavior, params,
};
use serde::de::DeserializeOwned;

use super::memory::{no_change, no_run, out_of_step, refuse_twins, run_exists};
use super::sqlite_written;
use super::{
    ChangeRecord, Event, Journal, RecordedEvent, RunId, RunRecord, UnsettledChange, WrittenChange,
    WrittenPosition, WrittenQuery,
};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{ChangeId, PlanId};
use crate::plan::Change;

/// Marks the file as Tallyline's ("TLYL").
const APPLICATION_ID: i64 = 0x544C_594C;

/// How long a call waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// The layout that the first of the [`MIGRATIONS`] makes. Files of an older one are refused:
/// their runs do not say what was approved.
const FIRST_LAYOUT: usize = 2;

/// The steps of the schema. `user_version` is [`FIRST_LAYOUT`] after the first step and one more
/// after each further one; a step that was released is never edited.
const MIGRATIONS: &[&str] = &["
CREATE TABLE runs (
    ordinal     INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    plan        TEXT NOT NULL,
    plan_text   TEXT NOT NULL,
    started     TEXT NOT NULL,
    record      TEXT NOT NULL
) STRICT;

CREATE TABLE changes (
    run         TEXT NOT NULL REFERENCES runs (id),
    id          TEXT NOT NULL,
    ordinal     INTEGER NOT NULL,
    agreement   TEXT NOT NULL,
    change      TEXT NOT NULL,
    PRIMARY KEY (run, id),
    UNIQUE (run, ordinal)
) STRICT;

CREATE TABLE events (
    ordinal     INTEGER PRIMARY KEY AUTOINCREMENT,
    run         TEXT NOT NULL,
    change      TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    at          TEXT NOT NULL,
    type        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    payload     TEXT NOT NULL,
    UNIQUE (run, change, seq),
    FOREIGN KEY (run, change) REFERENCES changes (run, id)
) STRICT;

CREATE TRIGGER events_are_not_edited BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
"];

/// A journal in one SQLite file.
///
/// Its async calls need a tokio runtime. Cloning shares the connection.
///
/// # Examples
/// ```no_run
/// # fn main() -> tallyline_core::Result<()> {
/// let store = tallyline_core::store::SqliteStore::open("tallyline.db")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore(Arc<Mutex<Connection>>);

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file, and creates it, readable to its owner alone, when it is not there.
    ///
    /// This call blocks for as long as the file takes.
    ///
    /// # Errors
    /// `Storage` when the file cannot be opened, is not a store, or has a layout that this
    /// version does not read, newer or older.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let named = |error: Error| error.with_context("file", path.display().to_string());
        create_private(path).map_err(named)?;
        let connection = Connection::open(path).map_err(storage).map_err(named)?;
        Self::prepare(connection).map_err(named)
    }

    /// A store in memory, with everything but the durability.
    ///
    /// # Errors
    /// `Storage` when SQLite fails.
    pub fn open_in_memory() -> Result<Self> {
        Self::prepare(Connection::open_in_memory().map_err(storage)?)
    }

    fn prepare(mut connection: Connection) -> Result<Self> {
        connection.busy_timeout(BUSY).map_err(storage)?;
        refuse_stranger(&connection)?;
        for (name, value) in [
            ("journal_mode", "WAL"),
            ("synchronous", "FULL"),
            ("fullfsync", "ON"),
            ("foreign_keys", "ON"),
            ("trusted_schema", "OFF"),
        ] {
            connection
                .pragma_update(None, name, value)
                .map_err(storage)?;
        }
        migrate(&mut connection)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    #[cfg(test)]
    pub(super) fn lock_for_test(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.0.lock().unwrap()
    }

    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = Arc::clone(&self.0);
        let panicked = || Error::new(ErrorKind::Storage, "a call of the store panicked");
        tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().map_err(|_| panicked())?;
            work(&mut connection)
        })
        .await
        .map_err(|error| panicked().with_source(error))?
    }
}

/// Creates the file with rights for its owner alone. A file that is there stays as it is.
fn create_private(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::new(ErrorKind::Storage, error.to_string()).with_source(error)),
    }
}

/// Refuses a database of another program, before anything is written to it.
fn refuse_stranger(connection: &Connection) -> Result<()> {
    let application: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(storage)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(storage)?;
    if application == APPLICATION_ID || (application == 0 && tables == 0) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Storage,
        "the file is a database of another program",
    ))
}

fn migrate(connection: &mut Connection) -> Result<()> {
    // Immediate: of two processes that open a new file at once, one waits.
    let transaction = immediate(connection)?;
    let taken: i64 = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(storage)?;
    let steps = match usize::try_from(taken).map_err(|_| newer())? {
        0 => MIGRATIONS,
        layout if layout < FIRST_LAYOUT => return Err(older()),
        layout => {
            let taken = layout - FIRST_LAYOUT + 1;
            MIGRATIONS.get(taken..).ok_or_else(newer)?
        }
    };
    for step in steps {
        transaction.execute_batch(step).map_err(storage)?;
    }
    if !steps.is_empty() {
        let layout = FIRST_LAYOUT + MIGRATIONS.len() - 1;
        let version = i64::try_from(layout).unwrap_or(i64::MAX);
        transaction
            .pragma_update(None, "application_id", APPLICATION_ID)
            .and_then(|()| transaction.pragma_update(None, "user_version", version))
            .map_err(storage)?;
    }
    transaction.commit().map_err(storage)
}

fn immediate(connection: &mut Connection) -> Result<Transaction<'_>> {
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(storage)
}

pub(super) fn storage(error: rusqlite::Error) -> Error {
    Error::new(ErrorKind::Storage, error.to_string()).with_source(error)
}

fn newer() -> Error {
    Error::new(
        ErrorKind::Storage,
        "the store was written by a newer version",
    )
}

fn older() -> Error {
    Error::new(
        ErrorKind::Storage,
        "the store is of an older layout, which this version does not read: settle what it holds \
         with the version that wrote it, then move the file away",
    )
}

fn encode(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(
            ErrorKind::Storage,
            format!("the stored {what} cannot be read: {error}"),
        )
    })
}

fn exists(connection: &Connection, run: &RunId) -> Result<()> {
    let found = connection
        .query_row("SELECT 1 FROM runs WHERE id = ?1", [run.as_str()], |_| {
            Ok(())
        })
        .optional()
        .map_err(storage)?;
    found.ok_or_else(|| no_run(run))
}

fn events(connection: &Connection, run: &RunId) -> Result<Vec<RecordedEvent>> {
    read_events(
        connection,
        "SELECT change, seq, at, version, payload FROM events WHERE run = ?1 ORDER BY ordinal",
        params![run.as_str()],
    )
}

pub(super) fn events_of_change(
    connection: &Connection,
    run: &RunId,
    change: &ChangeId,
) -> Result<Vec<RecordedEvent>> {
    read_events(
        connection,
        "SELECT change, seq, at, version, payload FROM events WHERE run = ?1 AND change = ?2
         ORDER BY seq",
        params![run.as_str(), change.as_str()],
    )
}

fn read_events(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<RecordedEvent>> {
    let mut query = connection.prepare(sql).map_err(storage)?;
    let rows = query
        .query_map(params, |row: &Row<'_>| {
            let columns: (String, u32, String, u32, String) = (
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            );
            Ok(columns)
        })
        .map_err(storage)?;
    let mut events = Vec::new();
    for row in rows {
        let (change, seq, at, version, payload) = row.map_err(storage)?;
        if version > Event::VERSION {
            return Err(newer());
        }
        events.push(RecordedEvent {
            change: ChangeId::new(change),
            seq,
            at: at.parse()?,
            event: decode("event", &payload)?,
        });
    }
    Ok(events)
}

fn changes(connection: &Connection, run: &RunId) -> Result<Vec<ChangeRecord>> {
    let mut query = connection
        .prepare("SELECT change FROM changes WHERE run = ?1 ORDER BY ordinal")
        .map_err(storage)?;
    let rows = query
        .query_map([run.as_str()], |row| row.get::<_, String>(0))
        .map_err(storage)?;
    let mut records = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for row in rows {
        let change: Change = decode("change", &row.map_err(storage)?)?;
        places.insert(change.id.clone(), records.len());
        records.push(ChangeRecord {
            change,
            events: Vec::new(),
        });
    }
    for event in events(connection, run)? {
        if let Some(&place) = places.get(&event.change) {
            records[place].events.push(event);
        }
    }
    Ok(records)
}

#[async_trait]
impl Journal for SqliteStore {
    async fn begin(&self, run: &RunRecord, plan_text: &str, list: &[Change]) -> Result<()> {
        refuse_twins(list)?;
        let id = run.id.clone();
        let plan: PlanId = run.plan.clone();
        let started = run.started.to_string();
        let record = encode(run)?;
        let plan_text = plan_text.to_owned();
        let mut rows = Vec::with_capacity(list.len());
        for change in list {
            rows.push((change.id.clone(), change.agreement.clone(), encode(change)?));
        }
        self.call(move |connection| {
            let transaction = immediate(connection)?;
            if exists(&transaction, &id).is_ok() {
                return Err(run_exists(&id));
            }
            transaction
                .execute(
                    "INSERT INTO runs (id, plan, plan_text, started, record)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![id.as_str(), plan.as_str(), plan_text, started, record],
                )
                .map_err(storage)?;
            let mut insert = transaction
                .prepare(
                    "INSERT INTO changes (run, id, ordinal, agreement, change)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .map_err(storage)?;
            for (ordinal, (change, agreement, json)) in (0_i64..).zip(&rows) {
                let (change, agreement) = (change.as_str(), agreement.as_str());
                insert
                    .execute(params![id.as_str(), change, ordinal, agreement, json])
                    .map_err(storage)?;
            }
            drop(insert);
            transaction.commit().map_err(storage)
        })
        .await
    }

    async fn append(&self, run: &RunId, event: &RecordedEvent) -> Result<()> {
        let run = run.clone();
        let event = event.clone();
        let payload = encode(&event.event)?;
        self.call(move |connection| {
            let transaction = immediate(connection)?;
            let expected: Option<u32> = transaction
                .query_row(
                    "SELECT (SELECT count(*) FROM events
                             WHERE events.run = changes.run AND events.change = changes.id)
                     FROM changes WHERE run = ?1 AND id = ?2",
                    params![run.as_str(), event.change.as_str()],
                    |row| row.get(0),
                )
                .optional()
                .map_err(storage)?;
            let Some(expected) = expected else {
                exists(&transaction, &run)?;
                return Err(no_change(&run, &event));
            };
            if expected != event.seq {
                return Err(out_of_step(&run, &event, expected.into()));
            }
            transaction
                .execute(
                    "INSERT INTO events (run, change, seq, at, type, version, payload)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        run.as_str(),
                        event.change.as_str(),
                        event.seq,
                        event.at.to_string(),
                        event.event.name(),
                        Event::VERSION,
                        payload
                    ],
                )
                .map_err(storage)?;
            transaction.commit().map_err(storage)
        })
        .await
    }

    async fn runs(&self, limit: usize) -> Result<Vec<RunRecord>> {
        self.call(move |connection| {
            let mut query = connection
                .prepare("SELECT record FROM runs ORDER BY ordinal DESC LIMIT ?1")
                .map_err(storage)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = query
                .query_map([limit], |row| row.get::<_, String>(0))
                .map_err(storage)?;
            rows.map(|row| decode("run", &row.map_err(storage)?))
                .collect()
        })
        .await
    }

    async fn run(&self, run: &RunId) -> Result<RunRecord> {
        let run = run.clone();
        self.call(move |connection| {
            let found: Option<String> = connection
                .query_row(
                    "SELECT record FROM runs WHERE id = ?1",
                    [run.as_str()],
                    |row| row.get(0),
                )
                .optional()
                .map_err(storage)?;
            decode("run", &found.ok_or_else(|| no_run(&run))?)
        })
        .await
    }

    async fn plan_text(&self, run: &RunId) -> Result<String> {
        let run = run.clone();
        self.call(move |connection| {
            connection
                .query_row(
                    "SELECT plan_text FROM runs WHERE id = ?1",
                    [run.as_str()],
                    |row| row.get(0),
                )
                .optional()
                .map_err(storage)?
                .ok_or_else(|| no_run(&run))
        })
        .await
    }

    async fn changes(&self, run: &RunId) -> Result<Vec<ChangeRecord>> {
        let run = run.clone();
        self.call(move |connection| {
            exists(connection, &run)?;
            changes(connection, &run)
        })
        .await
    }

    async fn events(&self, run: &RunId) -> Result<Vec<RecordedEvent>> {
        let run = run.clone();
        self.call(move |connection| {
            exists(connection, &run)?;
            events(connection, &run)
        })
        .await
    }

    async fn unsettled(&self) -> Result<Vec<UnsettledChange>> {
        self.call(|connection| {
            // The database narrows down to the runs with a write and no end; the events say
            // what that means.
            let mut query = connection
                .prepare(
                    "SELECT record FROM runs WHERE id IN (
                         SELECT run FROM events WHERE type = 'sent'
                         AND NOT EXISTS (
                             SELECT 1 FROM events AS later
                             WHERE later.run = events.run AND later.change = events.change
                             AND later.type IN
                                 ('done', 'drifted', 'failed', 'conflict', 'skipped')))
                     ORDER BY ordinal",
                )
                .map_err(storage)?;
            let runs = query
                .query_map([], |row| row.get::<_, String>(0))
                .map_err(storage)?;
            let mut open = Vec::new();
            for run in runs {
                let run: RunRecord = decode("run", &run.map_err(storage)?)?;
                open.extend(UnsettledChange::among(&run, changes(connection, &run.id)?));
            }
            Ok(open)
        })
        .await
    }

    async fn written(
        &self,
        query: &WrittenQuery,
        after: WrittenPosition,
        limit: usize,
    ) -> Result<Vec<WrittenChange>> {
        let query = query.clone();
        self.call(move |connection| sqlite_written::written(connection, &query, after, limit))
            .await
    }
}
