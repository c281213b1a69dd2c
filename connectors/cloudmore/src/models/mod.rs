//! Wire types.
//!
//! The vendor's schema is not public: beyond the few names that its documents show, an answer is a
//! [`Record`], kept whole and exact, whose fields the caller reads by name. What the source reads
//! from billing reports is set by the [`FieldMap`](crate::fields::FieldMap).

mod json;
mod manual;
mod organization;
mod record;

pub use json::{Json, Object};
pub use manual::NewManualBillingLine;
pub use organization::{Contact, CustomPropertyValue, Organization, OrganizationBody};
pub use record::{Record, TaskId};
pub use tallyline_core::wire::FreeForm;
