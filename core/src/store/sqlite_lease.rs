//! Leases and their holders in the SQLite file.
//!
//! A holder keeps a file beside the store locked for as long as it lives. The system lets go of
//! the lock when the process ends, however it ends, so that whoever gets the lock has the proof
//! that the holder is gone. Each registration has a file of its own, which no other ever uses.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::holders::LocalHolders;
use super::lease::{holder_lives, lease_lost};
use super::sqlite::{create_private, immediate, storage};
use super::{Claim, ClaimRequest, HolderId, Lease, Registration};
use crate::error::{Error, ErrorKind, Result};
use crate::model::AgreementId;

/// Where the signs of life are.
#[derive(Clone, Debug)]
pub(super) enum Holders {
    /// In this process, for a store in memory.
    Local(LocalHolders),
    /// In files beside the store's own.
    Beside(PathBuf),
}

/// A locked file, taken away in the end.
#[derive(Debug)]
struct LockFile {
    path: PathBuf,
    _locked: File,
}

impl Drop for LockFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Registers a holder, and forgets those that are gone.
pub(super) fn register(
    connection: &mut Connection,
    holders: &Holders,
    holder: &HolderId,
) -> Result<Registration> {
    let store = match holders {
        Holders::Local(local) => return local.register(holder),
        Holders::Beside(store) => store,
    };
    // Whoever looks for signs of life is in a transaction too: one at a time.
    let transaction = immediate(connection)?;
    forget_the_dead(&transaction, store)?;
    let known: Option<bool> = transaction
        .query_row(
            "SELECT provable FROM holders WHERE id = ?1",
            [holder.as_str()],
            |row| row.get(0),
        )
        .optional()
        .map_err(storage)?;
    if known == Some(true) {
        return Err(holder_lives(holder));
    }
    transaction
        .execute("DELETE FROM holders WHERE id = ?1", [holder.as_str()])
        .and_then(|_| {
            transaction.execute(
                "INSERT INTO holders (id, provable) VALUES (?1, 1)",
                [holder.as_str()],
            )
        })
        .map_err(storage)?;
    let ordinal = transaction.last_insert_rowid();
    let registration = lock_new(beside(store, ordinal))?;
    if registration.is_none() {
        transaction
            .execute(
                "UPDATE holders SET provable = 0 WHERE ordinal = ?1",
                [ordinal],
            )
            .map_err(storage)?;
    }
    transaction.commit().map_err(storage)?;
    Ok(registration.map_or_else(Registration::without_proof, Registration::new))
}

fn beside(store: &Path, ordinal: i64) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(format!("-holder-{ordinal}"));
    store.with_file_name(name)
}

/// A new file under a lock; none where the file system has no locks.
fn lock_new(path: PathBuf) -> Result<Option<LockFile>> {
    create_private(&path)?;
    let file = OpenOptions::new().write(true).open(&path).map_err(unread)?;
    let locked = file.try_lock();
    let file = LockFile {
        path,
        _locked: file,
    };
    Ok(locked.is_ok().then_some(file))
}

fn unread(error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Storage,
        format!("a holder's file cannot be opened: {error}"),
    )
    .with_source(error)
}

/// Whether nobody keeps the file locked any more.
fn is_let_go(path: &Path) -> bool {
    match OpenOptions::new().write(true).open(path) {
        // The file was there before its holder was: it has been taken away.
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        Ok(file) => match file.try_lock() {
            Ok(()) => {
                drop(std::fs::remove_file(path));
                true
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
    }
}

/// Ends the leases of holders that are gone.
fn forget_the_dead(transaction: &Transaction<'_>, store: &Path) -> Result<()> {
    let mut query = transaction
        .prepare("SELECT ordinal, id FROM holders WHERE provable = 1")
        .map_err(storage)?;
    let rows = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(storage)?;
    for row in rows {
        let (ordinal, id): (i64, String) = row.map_err(storage)?;
        if is_let_go(&beside(store, ordinal)) {
            transaction
                .execute("UPDATE leases SET open = 0 WHERE holder = ?1", [&id])
                .and_then(|_| transaction.execute("DELETE FROM holders WHERE id = ?1", [&id]))
                .map_err(storage)?;
        }
    }
    Ok(())
}

fn is_dead(connection: &Connection, holders: &Holders, holder: &HolderId) -> Result<bool> {
    let store = match holders {
        Holders::Local(local) => return Ok(local.is_dead(holder)),
        Holders::Beside(store) => store,
    };
    let ordinal: Option<i64> = connection
        .query_row(
            "SELECT ordinal FROM holders WHERE id = ?1 AND provable = 1",
            [holder.as_str()],
            |row| row.get(0),
        )
        .optional()
        .map_err(storage)?;
    Ok(ordinal.is_some_and(|ordinal| is_let_go(&beside(store, ordinal))))
}

/// The newest lease on an agreement, and whether it was not given back.
fn newest(
    connection: &Connection,
    sink: &str,
    agreement: &AgreementId,
) -> Result<Option<(Lease, bool)>> {
    let row: Option<(i64, String, String, bool)> = connection
        .prepare_cached(
            "SELECT fence, holder, until, open FROM leases WHERE sink = ?1 AND agreement = ?2",
        )
        .and_then(|mut query| {
            query.query_row(params![sink, agreement.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
        })
        .optional()
        .map_err(storage)?;
    let Some((fence, holder, until, open)) = row else {
        return Ok(None);
    };
    let lease = Lease {
        sink: sink.to_owned(),
        agreement: agreement.clone(),
        holder: HolderId::new(holder),
        fence: u64::try_from(fence).unwrap_or_default(),
        until: until.parse()?,
    };
    Ok(Some((lease, open)))
}

/// Grants a lease, or says who holds it. To be called in a transaction.
pub(super) fn claim(
    connection: &Connection,
    holders: &Holders,
    request: ClaimRequest,
) -> Result<Claim> {
    let newest = newest(connection, &request.sink, &request.agreement)?;
    let dead = match &newest {
        Some((lease, true)) => is_dead(connection, holders, &lease.holder)?,
        _ => false,
    };
    let claim = request.decide(newest, dead);
    if let Claim::Taken { lease, .. } = &claim {
        connection
            .prepare_cached(
                "INSERT INTO leases (sink, agreement, fence, holder, until, open)
                 VALUES (?1, ?2, ?3, ?4, ?5, 1)
                 ON CONFLICT (sink, agreement) DO UPDATE
                 SET fence = ?3, holder = ?4, until = ?5, open = 1",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    lease.sink,
                    lease.agreement.as_str(),
                    fence_column(lease),
                    lease.holder.as_str(),
                    lease.until.to_string()
                ])
            })
            .map_err(storage)?;
    }
    Ok(claim)
}

pub(super) const KEEP: &str = "
UPDATE leases SET until = ?4, open = ?5
WHERE sink = ?1 AND agreement = ?2 AND fence = ?3 AND open = 1";

/// Moves the end of a lease, or gives it back.
pub(super) fn keep(connection: &Connection, lease: &Lease, open: bool) -> Result<()> {
    let moved = connection
        .prepare_cached(KEEP)
        .and_then(|mut update| {
            update.execute(params![
                lease.sink,
                lease.agreement.as_str(),
                fence_column(lease),
                lease.until.to_string(),
                open
            ])
        })
        .map_err(storage)?;
    if moved == 0 {
        return Err(lease_lost(lease));
    }
    Ok(())
}

/// SQLite's integers are signed.
pub(super) fn fence_column(lease: &Lease) -> i64 {
    i64::try_from(lease.fence).unwrap_or(i64::MAX)
}
