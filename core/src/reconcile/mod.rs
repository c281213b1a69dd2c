//! The pure quantity diff: readings and maps in, comparison out. No I/O, no clock.
//!
//! ```
//! use tallyline_core::mapping::Mapping;
//! use tallyline_core::model::{AccountReading, Basis, Timestamp, UsageLine};
//! use tallyline_core::reconcile::{PsaBook, Reconciler};
//!
//! # fn main() -> tallyline_core::Result<()> {
//! let (mapping, book) = (Mapping::new(), PsaBook::default());
//! let mut reconciler = Reconciler::new(&mapping, &book, "2026-03-01".parse()?);
//! let lines = vec![UsageLine::new("sub:1", "MAIL-A", 3_u32)];
//! reconciler.observe(AccountReading::complete("c-1", lines, Basis::Live, Timestamp::EPOCH))?;
//! let comparison = reconciler.finish();
//! assert_eq!(comparison.unplaced().len(), 1, "nothing is mapped yet");
//! # Ok(())
//! # }
//! ```

mod ahead;
mod book;
mod charges;
mod comparison;
mod compiled;
mod daily;
mod dismissals;
mod index;
mod join;
mod judge;
mod look;
mod metadata;
mod owed;
mod own;
mod plain;
mod reconciler;
mod rows;
mod settled;
mod share;
mod sorted;
mod standing;
mod unbilled;
mod usage;

pub(crate) use ahead::{GROUP, look_at};
pub use book::PsaBook;
pub use charges::ChargeSum;
pub use comparison::{Comparison, EvidenceLine, Kind, Row, Unplaced, UnplacedSubject, VendorCost};
pub(crate) use comparison::{few, look_at_rows};
pub(crate) use daily::period_of;
pub use dismissals::{Dismissal, Dismissals};
pub use metadata::{AccountMetadata, MetadataLine};
pub use own::NewAgreement;
pub(crate) use own::key_of;
pub use reconciler::Reconciler;
pub(crate) use rows::Agreeing;
pub(crate) use share::{all_cores, shared, shared_into};
