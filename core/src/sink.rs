//! The PSA's side as a trait.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result, Sent};
use crate::model::{
    Agreement, AgreementId, AgreementLine, AgreementLineId, AgreementReading, ChargeId, Company,
    CompanyId, Currency, LineState, Product, ProductId, VendorAccountId,
};
use crate::plan::{Change, Strategy};
use crate::proration::ProrationRule;
use crate::source::Identity;

/// What a sink can do. Nothing is supported unless it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkCapabilities {
    /// Quantities are whole units only.
    pub whole_units_only: bool,
    /// A quantity is set from a day on, and its history is kept. Where it is not, a quantity
    /// that is set counts for all that is not invoiced yet.
    pub dated_quantities: bool,
    /// Lines can be created.
    pub create_line: bool,
    /// A line's quantity can be set.
    pub set_quantity: bool,
    /// A line's cost per unit can be set.
    pub set_unit_cost: bool,
    /// A line's price per unit can be set.
    pub set_unit_price: bool,
    /// A line can be ended on a day.
    pub end_line: bool,
    /// A line can be ended before its first day, so that it never bills. Where it cannot, an
    /// undo lets it bill nothing and ends it on its first day.
    pub end_before_start: bool,
    /// Agreements can be created, and are found again by their key.
    pub create_agreement: bool,
    /// Agreements can be created under another, which they are invoiced through, and are found again by
    /// their key.
    pub child_agreements: bool,
    /// Products can be created, and are found again by their identifier.
    pub create_product: bool,
    /// Charges can be added, and are found again by their marker.
    pub add_charge: bool,
    /// A block can be written into the note of an agreement, beside what people write there, and is read
    /// with the agreement.
    pub write_note: bool,
    /// Counts are set for an agreement and a product, absolute and without a line, and cannot be
    /// read back. What was set last is known from the journal alone; see
    /// [`CountRules`].
    pub set_count: bool,
}

/// How counts are planned for a sink that [sets them](SinkCapabilities::set_count).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountRules {
    /// A count is set in every run, also where it is the one that was set last.
    pub resend: bool,
    /// A count that was set, and whose usage is gone from a complete reading, is set to zero. Else
    /// it is reported, and stays.
    pub zero_vanished: bool,
}

impl Default for CountRules {
    /// Both: a count that is set twice is the same count.
    fn default() -> Self {
        Self {
            resend: true,
            zero_vanished: true,
        }
    }
}

/// What a sink is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkDescriptor {
    /// The short name of the system, such as `connectwise`.
    pub system: &'static str,
    /// The name to show.
    pub name: &'static str,
    /// What it can do.
    pub capabilities: SinkCapabilities,
    /// How many agreements may be worked on at once.
    pub concurrency: usize,
    /// Which of the system's tenants it is on, in words that hold no secret. A plan for one
    /// tenant is not carried out on another.
    pub tenant: Option<String>,
    /// The currency of what it bills, where all of it is in one: that of agreements to be.
    pub currency: Option<Currency>,
    /// How new quantities are brought onto lines.
    pub strategy: Strategy,
    /// How it charges the part of a period that a new line bills, where that is known.
    pub proration: Option<ProrationRule>,
    /// Whether a line that ends within a period is known to bill its days of it only.
    pub prorates_ends: bool,
    /// For how long the lines of an agreement that were read may stand for those of changes that
    /// come next, where each write before them was read back as landed. Nothing: they are read anew
    /// before each write. More is for a sink that reads what a change is about itself, just
    /// before it writes, and refuses where it is not what the change was planned on.
    pub lines_hold_for: Duration,
    /// The field of an account that holds the id of the PSA's company, of a vendor that takes in
    /// accounts: they are created with it, or given it, and found again by it. None elsewhere.
    pub account_field: Option<String>,
    /// How counts are planned, where it sets them.
    pub counts: CountRules,
    /// How many decimal places it keeps of costs, and of the quantity, price and cost of a charge, where that is
    /// known: nothing with more is planned.
    pub amount_digits: Option<u32>,
}

impl SinkDescriptor {
    /// A sink with capabilities, one agreement at a time.
    #[must_use]
    pub const fn new(
        system: &'static str,
        name: &'static str,
        capabilities: SinkCapabilities,
    ) -> Self {
        Self {
            system,
            name,
            capabilities,
            concurrency: 1,
            tenant: None,
            currency: None,
            strategy: Strategy::InPlace,
            proration: None,
            prorates_ends: false,
            lines_hold_for: Duration::ZERO,
            account_field: None,
            counts: CountRules {
                resend: true,
                zero_vanished: true,
            },
            amount_digits: None,
        }
    }
}

/// Which agreements to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgreementFilter {
    /// Of these companies only; all when empty.
    pub companies: Vec<CompanyId>,
}

/// A record of the PSA that is no line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MadeRecord {
    /// An agreement, by the PSA's id.
    Agreement(AgreementId),
    /// A charge.
    Charge(ChargeId),
    /// An account of a vendor, by the vendor's id.
    Account(VendorAccountId),
    /// A product of the catalogue, by the PSA's id.
    Product(ProductId),
    /// A block of the note of an agreement, by the agreement's id.
    Note(AgreementId),
}

impl fmt::Display for MadeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agreement(id) => write!(f, "agreement {id}"),
            Self::Charge(id) => write!(f, "charge {id}"),
            Self::Account(id) => write!(f, "account {id}"),
            Self::Product(id) => write!(f, "product {id}"),
            Self::Note(id) => write!(f, "the note of agreement {id}"),
        }
    }
}

/// What the PSA answered to a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The line concerned, new or changed; absent where it is about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<AgreementLineId>,
    /// The agreement, the charge or the account that was made, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<MadeRecord>,
    /// The line's state in the PSA's answer, where the answer shows it.
    pub state: Option<LineState>,
    /// The request's id, to ask the PSA's vendor about.
    pub request_id: Option<String>,
}

impl Receipt {
    /// A receipt that names the line.
    pub fn new(line: impl Into<AgreementLineId>) -> Self {
        Self {
            line: Some(line.into()),
            made: None,
            state: None,
            request_id: None,
        }
    }

    /// A receipt that names the agreement, the charge or the account that was made.
    #[must_use]
    pub fn made(record: MadeRecord) -> Self {
        Self {
            line: None,
            made: Some(record),
            state: None,
            request_id: None,
        }
    }
}

/// What reading back showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The PSA holds what the change wanted.
    Landed {
        /// The line concerned.
        line: AgreementLineId,
        /// Its state, as read.
        observed: LineState,
    },
    /// The system holds the agreement, the charge, the account, the product or the block of a note that the
    /// change was to make.
    Made {
        /// The record.
        record: MadeRecord,
        /// What was read of it, in words.
        detail: String,
    },
    /// The PSA holds what was there before the change.
    NotLanded,
    /// The system does not tell what the change is about: whether it landed is known from the answer
    /// to it alone, and there is none. Of a change that sets an absolute value it may be set once
    /// more, by a resumed run, once the first can no longer arrive; of any other change it settles nothing.
    CannotTell {
        /// Why, in words.
        detail: String,
    },
    /// The PSA holds something else.
    Conflict {
        /// What was found, in words.
        detail: String,
        /// The line's state, as read; absent where there is no such line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        observed: Option<LineState>,
    },
}

/// What reading back showed, with all that was read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadBack {
    /// Whether the change has landed.
    pub verdict: Verdict,
    /// All lines of the change's agreement, as they were read for the verdict; absent where it took
    /// less than all of them.
    pub lines: Option<Vec<AgreementLine>>,
}

impl ReadBack {
    /// A verdict on all lines of the agreement.
    #[must_use]
    pub fn with_lines(verdict: Verdict, lines: Vec<AgreementLine>) -> Self {
        Self {
            verdict,
            lines: Some(lines),
        }
    }
}

impl From<Verdict> for ReadBack {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            lines: None,
        }
    }
}

/// Why a write did not give a receipt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Nothing was sent, or the system said that it did nothing: the write may be tried again.
    #[error("nothing was written: {0}")]
    NotSent(Error),
    /// The system refused the write: trying again gives the same answer.
    #[error("the write was refused: {0}")]
    Rejected(Error),
    /// The system did not take it, as nobody has mapped there what it is about: no failure, and it
    /// comes again with the next plan.
    #[error("not mapped: {0}")]
    NotMapped(Error),
    /// The write may or may not have been carried out: only reading back can tell.
    #[error("the outcome of the write is unknown: {0}")]
    Unknown(Error),
}

impl WriteError {
    /// The error behind it.
    #[must_use]
    pub fn error(&self) -> &Error {
        match self {
            Self::NotSent(error)
            | Self::Rejected(error)
            | Self::NotMapped(error)
            | Self::Unknown(error) => error,
        }
    }
}

impl From<Error> for WriteError {
    /// Sorts an error by whether the request left and what the system said.
    ///
    /// Anything that is neither "nothing was sent" nor a clear refusal is unknown.
    fn from(error: Error) -> Self {
        if error.sent() == Sent::No {
            return Self::NotSent(error);
        }
        match (error.sent(), error.kind()) {
            (
                Sent::Yes,
                ErrorKind::Auth
                | ErrorKind::PermissionDenied
                | ErrorKind::NotFound
                | ErrorKind::Conflict
                | ErrorKind::Invalid
                | ErrorKind::Unsupported,
            ) => Self::Rejected(error),
            (Sent::Yes, ErrorKind::RateLimited) => Self::NotSent(error),
            _ => Self::Unknown(error),
        }
    }
}

/// A PSA: its companies, agreements, products and lines, and the writes on them.
///
/// A vendor that takes in accounts for the companies of a PSA is one as well, with nothing to list:
/// what it is told are the changes of a plan of accounts (`plan_accounts`, with the feature `engine`).
///
/// Object-safe: keep a `Box<dyn PsaSink>` per tenant. Dropping a stream stops its requests.
#[async_trait]
pub trait PsaSink: Send + Sync {
    /// What this sink is and can do.
    fn descriptor(&self) -> &SinkDescriptor;

    /// Makes the cheapest authenticated calls and names what is missing.
    ///
    /// # Errors
    /// `Auth` for refused credentials, `PermissionDenied` for a missing right, `Config` for a
    /// wrong address, `Unavailable` and `Timeout` when the system cannot be reached.
    async fn check(&self) -> Result<Identity>;

    /// The companies.
    ///
    /// # Errors
    /// An item is an error when the list, or one record of it, could not be read.
    fn companies(&self) -> BoxStream<'_, Result<Company>>;

    /// The agreements, ineligible ones included with the reason.
    ///
    /// # Errors
    /// An item is an error when the list, or one record of it, could not be read.
    fn agreements<'a>(&'a self, filter: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>>;

    /// The products, ineligible ones included with the reason.
    ///
    /// # Errors
    /// An item is an error when the list, or one record of it, could not be read.
    fn products(&self) -> BoxStream<'_, Result<Product>>;

    /// One reading per agreement asked for, each whole or failed.
    ///
    /// An agreement may be asked for by its key (see [`AgreementId::of_key`]): one that nobody
    /// carries, or several do, is failed.
    ///
    /// # Errors
    /// An item is an error when the read as a whole cannot go on; a failure of one agreement
    /// is a failed reading.
    fn lines<'a>(
        &'a self,
        agreements: &'a [AgreementId],
    ) -> BoxStream<'a, Result<AgreementReading>>;

    /// Is told, once before anything of a run is carried out, the changes that it may carry out, in the
    /// order of the plan. Nothing is to be sent, and none of them need come.
    fn begin(&self, changes: &[Change]) {
        let _ = changes;
    }

    /// Is told which changes of one agreement come next, in their order, before their lines are
    /// read: what several of them need can be read at once. Nothing is to be sent, and none of them
    /// need come.
    fn expect(&self, changes: &[Change]) {
        let _ = changes;
    }

    /// Carries out one change with one attempt to write.
    ///
    /// # Errors
    /// [`WriteError`] says whether nothing was sent, the system refused, or the outcome is
    /// unknown.
    ///
    /// # Cancel safety
    /// Not cancel-safe: when the future is dropped, the outcome is unknown.
    async fn execute(&self, change: &Change) -> std::result::Result<Receipt, WriteError>;

    /// Reads back whether a change has landed. Safe to repeat.
    ///
    /// Of a change that makes an agreement, a charge, an account or a product, or writes a note, it is asked
    /// before the write as well, without a receipt: what carries its key or its marker already is not made
    /// again, and a note whose block is neither what was planned on nor what is wanted is a conflict.
    ///
    /// # Errors
    /// Any read error; the question is then still open.
    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict>;

    /// As [`verify`](Self::verify), with the lines of the change's agreement where all of them are
    /// read for the verdict: after a change that has landed they are the reading that the next one of
    /// the agreement is compared with, so that they are not read twice in a row.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    async fn read_back(&self, change: &Change, receipt: Option<&Receipt>) -> Result<ReadBack> {
        Ok(self.verify(change, receipt).await?.into())
    }
}
