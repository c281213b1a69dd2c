//! The vocabulary: ids, amounts, dates, and the records of both sides.
//!
//! *Account* and *service* are the vendor's side; *company*, *agreement*, *product* and *line*
//! the PSA's, whatever each system calls them.

mod amount;
mod bill;
mod commitment;
mod freshness;
mod ids;
mod note;
mod psa;
mod time;
mod vendor;

pub use amount::{Currency, Money, Quantity};
pub(crate) use amount::{exact_product, exact_sum};
pub use bill::{Bill, BillKey, BillStamp, ChargeKey, ExportedBills};
pub use commitment::{Batch, Commitment, CommittedQuantity, QuantityFloor, RETURN_WINDOW};
pub use freshness::{Freshness, Span};
pub use ids::{
    AgreementId, AgreementKey, AgreementLineId, ChangeId, ChargeId, CompanyId, LineKey, Marker,
    PlanId, ProductId, RunId, ServiceKey, SubscriptionId, VendorAccountId,
};
pub use note::{note_block, note_text, with_note_block};
pub use psa::{
    Agreement, AgreementLine, AgreementReading, Company, Eligibility, LineState, LinesOutcome,
    Product, Prorated,
};
pub use time::{CivilDate, Period, Timestamp};
pub use vendor::{
    AccountReading, Basis, BillingCycle, ChargeKind, ReadFailure, ReadingOutcome, Service,
    UsageLine, VendorAccount,
};
