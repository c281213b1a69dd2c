//! The wire types, named as the API names them.
//!
//! Every field of an answer is optional: the system omits what is empty. Unknown fields are
//! ignored, unknown enum values kept. Dates are kept as text; [`date_part`] reads them and
//! [`midnight`] writes them.

mod addition;
mod agreement;
mod catalog;
mod company;
mod reference;
mod system;

pub use addition::{Addition, BillCustomer, NewAddition};
pub use agreement::{
    Agreement, AgreementStatus, AgreementType, BillableOption, BillingCycle, BillingOptions,
    InvoicingCycle, NewAgreement,
};
pub use catalog::{CatalogItem, NewCatalogItem, ProductClass};
pub use company::{Company, CompanyInfoLookup};
pub use reference::{
    CurrencyReference, CustomFieldValue, Info, NewCustomFieldValue, RecordRef, Reference,
};
pub use system::{Count, LicenseBit, SystemInfo};

use tallyline_core::model::CivilDate;
use tallyline_core::{Error, ErrorKind, Result};

/// The calendar date of a wire date such as `2026-02-01T00:00:00Z`.
///
/// The system carries calendar dates as midnight UTC, so the time is left aside.
///
/// # Errors
/// `Protocol` when the text does not start with a `yyyy-mm-dd` date.
pub fn date_part(text: &str) -> Result<CivilDate> {
    let date = text.trim().split(['T', ' ']).next().unwrap_or_default();
    date.parse().map_err(|_| {
        Error::new(
            ErrorKind::Protocol,
            format!("{text:?} is not a date of the form 2026-02-01T00:00:00Z"),
        )
    })
}

/// A calendar date as the system wants it written: midnight UTC.
#[must_use]
pub fn midnight(date: CivilDate) -> String {
    format!("{date}T00:00:00Z")
}
