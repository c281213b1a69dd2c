//! Wire types, named exactly as the API names things.
//!
//! Response types ignore fields they do not know, keep enum values they do not know, and are
//! `#[non_exhaustive]`: build one for a test with `Default` and set its fields. A field is an
//! `Option` wherever the vendor does not guarantee it, and where its absence harms nothing.

mod amendment;
mod catalog;
mod customer;
mod payable;
mod platform;
mod receivable;
mod subscription;

use serde::{Deserialize, Deserializer};
use tallyline_core::wire_enum;

pub use amendment::{
    AmendmentState, AmendmentStatus, SubscriptionAmendment, TrackingState, TrackingStatus,
    WriteReceipt,
};
pub use catalog::{CatalogItem, CustomerCatalog, LocalizedText, localized};
pub use customer::{Customer, Customers};
pub use payable::{
    Deduction, DeductionType, Fee, Invoice, PayableCharge, PayableCharges, Tag, Tax,
};
pub use platform::{
    ConfiguredPlatform, MeterUsage, MeterUsages, Platform, Platforms, PlatformsConfigurations,
};
pub use receivable::{ReceivableCharge, ReceivableCharges};
pub use subscription::{
    CommitmentTerm, CommitmentTermType, CommittedMinimalQuantity, RenewalConfiguration,
    Subscription, SubscriptionBillingCycle, SubscriptionFees, Subscriptions,
};
pub use tallyline_core::wire::FreeForm;

pub(crate) use amendment::{AmendmentBody, CancellationBody};
pub(crate) use catalog::PricingBody;

wire_enum! {
    ignore_case
    /// What a charge is for. The vendor's own value `Unknown` (old invoices) is kept as
    /// [`Unknown`](Self::Unknown), like any value this version does not know.
    pub enum ChargeType {
        /// Occurs once: activation, cancellation or set-up.
        Setup = "Setup",
        /// Recurs every billing cycle.
        Recurring = "Recurring",
        /// Varies with what was consumed.
        Usage = "Usage",
    }
}

wire_enum! {
    ignore_case
    /// How often a charge is billed.
    pub enum BillingCycleType {
        /// Charged once.
        OneTime = "OneTime",
        /// Charged every month.
        Monthly = "Monthly",
        /// Charged every year.
        Yearly = "Yearly",
    }
}

/// Reads a text that must be there and hold something: an id or a key.
fn required_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom(
            "an empty text where a key must be",
        ));
    }
    Ok(text)
}
