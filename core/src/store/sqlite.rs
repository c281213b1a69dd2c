//! The store in one SQLite file.
//!
//! Durability: write-ahead logging, so that a reader (a report, a review page) never holds up the writer.
//! A commit waits for the disk where something is done on its word: a run's begin, a registration, the
//! [`Event::Sent`](super::Event::Sent) that a write leaves on, and the end of the work on an agreement. All others are in
//! the log at once and on the disk with the next one that waits, which takes along everything before it.
//! When the power fails between the two, an outcome may be missing that was recorded, never an intent:
//! a resume reads it back. Leases may be missing as well; their holders are gone with the machine.
//!
//! Calls that add wait behind each other; what has come meanwhile shares the transaction that is under way, where it
//! waits for no more than that, or the next one, and with it the wait for the disk, which it takes once.
//!
//! Several processes: each transaction that writes takes the file's one write lock at its start
//! and waits for it, so that two that write at once wait for each other and none of them fails.
//!
//! Blocking: SQLite blocks while it syncs, so all is carried out on tokio's blocking pool, one at
//! a time behind a mutex; what adds, by whoever came first, for all that wait. A thread of its own would do as well;
//! the pool needs no shutdown protocol, and whoever has this feature has the runtime for the HTTP clients already. A call
//! whose future is dropped may still be carried out; the journal's order makes that harmless,
//! for what is recorded too much is what had happened, and an intent at most.

use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::de::DeserializeOwned;

use super::holders::LocalHolders;
use super::memory::{no_run, refuse_strays, refuse_twins, run_exists};
use super::sqlite_append::{add_event, append, commit_of, encoded};
use super::sqlite_lease::Holders;
use super::sqlite_query::{changes, events, exists, unsettled};
use super::sqlite_shared::{Commit, Waiting};
use super::{
    ChangeRecord, Claim, ClaimRequest, HolderId, Journal, Lease, Ledger, RecordedEvent,
    Registration, RunRecord, UnsettledChange, WrittenChange, WrittenPosition, WrittenQuery,
};
use super::{sqlite_charges, sqlite_days, sqlite_lease, sqlite_written};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementId, CompanyId, PlanId, RunId};
use crate::plan::Change;

/// Marks the file as Tallyline's ("TLYL").
const APPLICATION_ID: i64 = 0x544C_594C;

/// How long a call waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// How many statements are kept prepared: those of the work on agreements, with some to spare.
const STATEMENTS: usize = 32;

/// The layout that the first of the [`MIGRATIONS`] makes. Files of an older one are refused:
/// their runs do not say what was approved, and know no leases.
const FIRST_LAYOUT: usize = 3;

/// The steps of the schema. `user_version` is [`FIRST_LAYOUT`] after the first step and one more
/// after each further one; a step that was released is never edited.
const MIGRATIONS: &[&str] = &[
    "
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

CREATE INDEX changes_of_agreement ON changes (agreement);

CREATE TABLE leases (
    sink        TEXT NOT NULL,
    agreement   TEXT NOT NULL,
    fence       INTEGER NOT NULL,
    holder      TEXT NOT NULL,
    until       TEXT NOT NULL,
    open        INTEGER NOT NULL,
    PRIMARY KEY (sink, agreement)
) STRICT;

CREATE TABLE holders (
    ordinal     INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    provable    INTEGER NOT NULL
) STRICT;

CREATE TRIGGER events_are_not_edited BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
",
    sqlite_days::TABLE,
    sqlite_charges::INDEX,
];

/// A journal in one SQLite file.
///
/// Its async calls need a tokio runtime. Cloning shares the connection, and the runtime: what one carries out for
/// others is not done where that one ends.
///
/// # Examples
/// ```no_run
/// # fn main() -> tallyline_core::Result<()> {
/// let store = tallyline_core::store::SqliteStore::open("tallyline.db")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    connection: Arc<Mutex<Connection>>,
    /// What waits behind the connection.
    waiting: Waiting,
    holders: Holders,
    /// The file as it was named; none in memory.
    file: Option<Arc<str>>,
}

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
        // Signs of life are looked for under the name that all processes share.
        let whole = path
            .canonicalize()
            .map_err(|error| named(Error::new(ErrorKind::Storage, error.to_string())))?;
        let connection = Connection::open(path).map_err(storage).map_err(named)?;
        let mut store = Self::prepare(connection, Holders::Beside(whole)).map_err(named)?;
        store.file = Some(path.display().to_string().into());
        Ok(store)
    }

    /// A store in memory, with everything but the durability.
    ///
    /// # Errors
    /// `Storage` when SQLite fails.
    pub fn open_in_memory() -> Result<Self> {
        let connection = Connection::open_in_memory().map_err(storage)?;
        Self::prepare(connection, Holders::Local(LocalHolders::default()))
    }

    fn prepare(mut connection: Connection, holders: Holders) -> Result<Self> {
        connection.busy_timeout(BUSY).map_err(storage)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Else each statement is prepared anew once other values are bound.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(storage)?;
        refuse_stranger(&connection)?;
        turn_on_wal(&connection)?;
        for (name, value) in [
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
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            waiting: Waiting::default(),
            holders,
            file: None,
        })
    }

    #[cfg(test)]
    pub(crate) fn lock_for_test(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.connection.lock().unwrap()
    }

    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let waiting = self.waiting.clone();
        self.on_the_pool(move |connection| {
            let mut connection = connection.lock().map_err(|_| panicked())?;
            waiting.restore(&connection)?;
            work(&mut connection)
        })
        .await
    }

    async fn on_the_pool<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Mutex<Connection>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || work(&connection)).await;
        self.named(done.unwrap_or_else(|error| Err(panicked().with_source(error))))
    }

    /// Names the file that failed.
    fn named<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|error| match &self.file {
            Some(file) if error.kind() == ErrorKind::Storage => {
                error.with_context("file", file.to_string())
            }
            _ => error,
        })
    }
}

impl SqliteStore {
    /// Carries out work in a transaction that other calls may share. Where it fails, but for the
    /// storage, it must have written nothing.
    async fn share<T: Send + 'static>(
        &self,
        commit: Commit,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, turn) = self.waiting.add(commit, work);
        if let Some(turn) = turn {
            let connection = Arc::clone(&self.connection);
            tokio::task::spawn_blocking(move || turn.carry_out(&connection));
        }
        let not_told = "a call of the store panicked, or its runtime ended before it";
        let told = answer.await;
        self.named(told.unwrap_or_else(|_| Err(Error::new(ErrorKind::Storage, not_told))))
    }
}

fn panicked() -> Error {
    Error::new(ErrorKind::Storage, "a call of the store panicked")
}

/// Creates the file with rights for its owner alone. A file that is there stays as it is.
///
/// One at a time: to close any handle of a file gives up all locks that the process has on it,
/// those of a connection that was opened meanwhile among them.
pub(super) fn create_private(path: &Path) -> Result<()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
            let to_do = match error.kind() {
                PermissionDenied | ReadOnlyFilesystem => ": its folder must be writable",
                _ => "",
            };
            let message = format!("the file cannot be made: {error}{to_do}");
            Err(Error::new(ErrorKind::Storage, message).with_source(error))
        }
    }
}

/// Refuses a database of another program, before anything is written to it.
fn refuse_stranger(connection: &Connection) -> Result<()> {
    // In one statement: between two, another process may make the tables.
    let (application, tables): (i64, i64) = connection
        .query_row(
            "SELECT application_id, (SELECT count(*) FROM sqlite_master)
             FROM pragma_application_id",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(storage)?;
    if application == APPLICATION_ID || (application == 0 && tables == 0) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Storage,
        "the file is a database of another program",
    ))
}

/// Switches a new file to write-ahead logging. Where two do so at once, SQLite refuses one of
/// them without a wait, whatever the timeout.
fn turn_on_wal(connection: &Connection) -> Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Ok(()) => return Ok(()),
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(storage(error)),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseBusy | DatabaseLocked)
    )
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

pub(super) fn immediate(connection: &mut Connection) -> Result<Transaction<'_>> {
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(storage)
}

/// A failure of SQLite, with what to do where a person can do something.
pub(super) fn storage(error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly};
    let to_do = match error.sqlite_error_code() {
        Some(ReadOnly | PermissionDenied | CannotOpen) => {
            ": it must be writable, and so must its folder, for what is beside it (-wal, -shm): mend their \
             rights or whose they are, or move the file off a disk that is read-only"
        }
        Some(DiskFull) => ": make room on its disk, then go on",
        _ => "",
    };
    Error::new(ErrorKind::Storage, format!("{error}{to_do}")).with_source(error)
}

pub(super) fn newer() -> Error {
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

pub(super) fn encode(value: &impl serde::Serialize) -> Result<String> {
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

#[async_trait]
impl Journal for SqliteStore {
    async fn begin(
        &self,
        run: &RunRecord,
        plan_text: &str,
        list: &[Change],
        settled: &[RecordedEvent],
    ) -> Result<()> {
        refuse_twins(list)?;
        refuse_strays(list, settled)?;
        let settled = encoded(settled)?;
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
            for (event, payload) in &settled {
                add_event(&transaction, &id, event, payload)?;
            }
            transaction.commit().map_err(storage)
        })
        .await
    }

    async fn register(&self, holder: &HolderId) -> Result<Registration> {
        let (holder, holders) = (holder.clone(), self.holders.clone());
        self.call(move |connection| sqlite_lease::register(connection, &holders, &holder))
            .await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claim> {
        let (request, holders) = (request.clone(), self.holders.clone());
        self.share(Commit::Follows, move |transaction| {
            sqlite_lease::claim(transaction, &holders, request)
        })
        .await
    }

    async fn renew(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.share(Commit::Follows, move |transaction| {
            sqlite_lease::keep(transaction, &lease, true)
        })
        .await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.share(Commit::Waits, move |transaction| {
            sqlite_lease::keep(transaction, &lease, false)
        })
        .await
    }

    async fn append(&self, lease: &Lease, run: &RunId, event: &RecordedEvent) -> Result<()> {
        self.append_all(lease, run, std::slice::from_ref(event))
            .await
    }

    async fn append_all(&self, lease: &Lease, run: &RunId, events: &[RecordedEvent]) -> Result<()> {
        let commit = commit_of(events);
        let (lease, run, events) = (lease.clone(), run.clone(), encoded(events)?);
        self.share(commit, move |transaction| {
            append(transaction, &lease, &run, &events)
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
            changes(connection, &run, None)
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

    async fn changes_on(&self, run: &RunId, agreement: &AgreementId) -> Result<Vec<ChangeRecord>> {
        let (run, agreement) = (run.clone(), agreement.clone());
        self.call(move |connection| {
            exists(connection, &run)?;
            changes(connection, &run, Some(&agreement))
        })
        .await
    }

    async fn unsettled_on(
        &self,
        sink: &str,
        agreement: &AgreementId,
    ) -> Result<Vec<UnsettledChange>> {
        let (sink, agreement) = (sink.to_owned(), agreement.clone());
        self.call(move |connection| {
            let mut open = unsettled(connection, Some(&agreement))?;
            open.retain(|change| change.sink == sink);
            Ok(open)
        })
        .await
    }

    async fn charges_of(&self, source: &str, sink: &str, company: &CompanyId) -> Result<Ledger> {
        let sides = (source.to_owned(), sink.to_owned());
        let company = company.clone();
        self.call(move |connection| {
            let (source, sink) = &sides;
            sqlite_charges::charges_of(connection, source, sink, &company)
        })
        .await
    }

    async fn unsettled(&self) -> Result<Vec<UnsettledChange>> {
        self.call(|connection| unsettled(connection, None)).await
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
