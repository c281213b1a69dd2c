//! What outlives a process: the journal of what was done, and the ledger of bills that is read off
//! it; and the counts of each day ([`CountHistory`]), where a rule takes them.
//!
//! [`Journal`] is the trait; [`MemoryStore`] forgets with the process, `SqliteStore` (feature
//! `sqlite`) keeps one file.

mod counts;
mod days;
mod event;
mod holders;
mod journal;
mod lease;
mod ledger;
mod memory;
mod seal;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sqlite_append;
#[cfg(feature = "sqlite")]
mod sqlite_charges;
#[cfg(feature = "sqlite")]
mod sqlite_days;
#[cfg(feature = "sqlite")]
mod sqlite_lease;
#[cfg(feature = "sqlite")]
mod sqlite_query;
#[cfg(feature = "sqlite")]
mod sqlite_shared;
#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sqlite_tests;
#[cfg(feature = "sqlite")]
mod sqlite_written;
#[cfg(test)]
mod tests;
mod written;

pub use counts::{Counts, LastCount};
pub use days::{CountHistory, DAYS_KEPT, DailyCounts, DayCount, DayReading, OwnCount};
pub use event::{ChangeState, Event, Failure, SkipCause};
pub use journal::{ChangeRecord, Journal, RecordedEvent, RunRecord, UnsettledChange};
pub use lease::{Claim, ClaimRequest, HolderId, Lease, Registration};
pub use ledger::{ExportedBill, Ledger, LedgerAgreement, LedgerCharge};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use written::{WrittenChange, WrittenPosition, WrittenQuery};
