//! The canonical line of a bill.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::{CivilDate, Currency, Period};

/// What a line of a bill charges for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum LineKind {
    /// The fee of a whole billing cycle.
    CycleFee,
    /// A piece of a cycle, from a change within it.
    ProRate,
    /// Something else, once.
    Other,
    /// What was consumed.
    Usage,
    /// An adjustment that a person entered.
    Manual,
}

/// One line of a bill, in the words of this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BillLine {
    /// The organization's id.
    pub organization_id: String,
    /// The organization's name.
    pub organization_name: Option<String>,
    /// The service's id.
    pub service_id: Option<String>,
    /// The service's name.
    pub service_name: Option<String>,
    /// Cloudmore's id of the subscription.
    pub subscription_id: Option<String>,
    /// The supplier's id of the subscription.
    pub external_subscription_id: Option<String>,
    /// The product's id.
    pub product_id: Option<String>,
    /// The product's SKU.
    pub sku: Option<String>,
    /// The product's name.
    pub product_name: Option<String>,
    /// The line's own id.
    pub line_id: Option<String>,
    /// What it charges for; absent where it says so in a word that the map does not know, and where
    /// it says nothing and the map has no default.
    pub kind: Option<LineKind>,
    /// Whether its subscription is cancelled, as far as the line says.
    pub cancelled: bool,
    /// The date of the bill.
    pub billing_date: CivilDate,
    /// The period that it covers.
    pub period: Option<Period>,
    /// The number of units.
    pub quantity: Decimal,
    /// What the reseller pays per unit.
    pub unit_cost: Option<Decimal>,
    /// What the client pays per unit.
    pub unit_price: Option<Decimal>,
    /// What the reseller pays for the line.
    pub cost_total: Option<Decimal>,
    /// What the client pays for the line.
    pub price_total: Option<Decimal>,
    /// The currency of the amounts.
    pub currency: Currency,
    /// Where it stands in the report, such as `[0].services[1].items[0]`.
    pub path: String,
    /// Its own record as it came, as JSON.
    pub raw: String,
}

impl BillLine {
    /// The service by its id, else by its name.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service_id.as_deref().or(self.service_name.as_deref())
    }
}

/// A record of a report that gives no line, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// Where it stands in the report.
    pub path: String,
    /// The organization, where that much could be read.
    pub organization_id: Option<String>,
    /// What is missing or wrong, and of which record.
    pub why: String,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the line at {} cannot be read: {}", self.path, self.why)
    }
}

/// A report, read through a field map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BillReport {
    /// The lines, in the report's order.
    pub lines: Vec<BillLine>,
    /// What could not be read, in the report's order.
    pub unreadable: Vec<Unreadable>,
}
