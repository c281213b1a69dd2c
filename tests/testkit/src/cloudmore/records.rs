//! The records as plain data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;

/// An organization: a client of the reseller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Organization {
    /// Its id, a GUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is active.
    pub active: bool,
    /// Its further texts, by their names on the wire: `registrationNumber`, `vat`, `customerNumber`, `notificationEmail`.
    pub texts: BTreeMap<String, String>,
    /// Its contact: `name`, `email`, `phone`, `cellPhone`.
    pub contact: BTreeMap<String, String>,
    /// The values of its custom properties, by name.
    pub properties: BTreeMap<String, String>,
    /// The services that are active for it.
    pub services: BTreeSet<String>,
}

/// What a service is, which decides its paths and how it is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// Microsoft's new commerce: licences, in advance.
    CspNce,
    /// Microsoft's legacy licences, in advance.
    Csp,
    /// Legacy Azure: consumption, in arrears.
    Azure,
    /// Azure plan: consumption, in arrears.
    AzurePlan,
    /// A service of a seller: quantities, in advance.
    Custom,
}

impl ServiceKind {
    /// Whether it is consumption, which is billed after it was used.
    pub fn in_arrears(self) -> bool {
        matches!(self, Self::Azure | Self::AzurePlan)
    }

    /// Whether it is on Microsoft's invoice of recurring and one-time purchases.
    pub fn on_one_time_invoice(self) -> bool {
        matches!(self, Self::CspNce | Self::AzurePlan)
    }
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its id, a GUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ServiceKind,
}

/// A product of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its id, a GUID.
    pub id: String,
    /// The service it belongs to.
    pub service_id: String,
    /// The seller's key for it.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// What the reseller pays per unit and period.
    pub cost: Decimal,
    /// What the client pays per unit and period.
    pub price: Decimal,
}

/// The action of a change that ends a subscription.
pub(super) const CANCELLED: &str = "Cancelled";

/// A change of a subscription's quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first day it counts.
    pub on: Date,
    /// The quantity from then on.
    pub quantity: Decimal,
    /// What was done: `Created`, `QuantityChanged`, `Cancelled`.
    pub action: &'static str,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Cloudmore's id, a GUID.
    pub id: String,
    /// The supplier's id, such as Microsoft's GUID.
    pub external_id: String,
    /// The client.
    pub organization_id: String,
    /// The product.
    pub product_id: String,
    /// Its first day.
    pub start: Date,
    /// The last day of its term.
    pub term_end: Date,
    /// Billed once a year instead of once a month.
    pub yearly: bool,
    /// The day from which it is cancelled.
    pub cancelled: Option<Date>,
    /// Its quantities over time, in order; the first is that of its first day.
    pub changes: Vec<Change>,
}

impl Subscription {
    /// The quantity on a day; 0 before its first day and once it is cancelled.
    pub fn quantity_on(&self, day: Date) -> Decimal {
        if self.cancelled.is_some_and(|on| on <= day) {
            return Decimal::ZERO;
        }
        let mut before = self.changes.iter().filter(|change| change.on <= day);
        before
            .next_back()
            .map_or(Decimal::ZERO, |last| last.quantity)
    }
}

/// Metered consumption of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The subscription.
    pub subscription_id: String,
    /// The day.
    pub on: Date,
    /// The entitlement it belongs to.
    pub entitlement: String,
    /// The category of the meter.
    pub category: String,
    /// The meter.
    pub meter: String,
    /// The units.
    pub quantity: Decimal,
    /// What the reseller pays per unit.
    pub unit_cost: Decimal,
    /// What the client pays per unit.
    pub unit_price: Decimal,
    /// Whether Microsoft takes 100 % off.
    pub free: bool,
}

/// A one-off adjustment; a discount where it is negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualLine {
    /// Its id, a GUID.
    pub id: String,
    /// The client.
    pub organization_id: String,
    /// The bill it goes on: the first on or after this day.
    pub billing_date: Date,
    /// The service.
    pub service_id: String,
    /// The product, when there is one.
    pub product_id: Option<String>,
    /// The subscription.
    pub subscription_id: String,
    /// The units.
    pub quantity: Decimal,
    /// What the reseller pays per unit.
    pub unit_cost: Decimal,
    /// What the client pays per unit.
    pub unit_price: Decimal,
}

/// What a line of a bill charges for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineKind {
    /// A whole period of a quantity.
    CycleFee,
    /// The rest of a period after a change of quantity.
    ProRate,
    /// Something else.
    Other,
    /// Consumption.
    Usage,
    /// A manual adjustment.
    Manual,
}

impl LineKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::CycleFee => "CycleFee",
            Self::ProRate => "ProRate",
            Self::Other => "Other",
            Self::Usage => "Usage",
            Self::Manual => "Manual",
        }
    }
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// What it charges for.
    pub kind: LineKind,
    /// Cloudmore's id of the subscription.
    pub subscription_id: String,
    /// The supplier's id of the subscription.
    pub external_id: String,
    /// The product.
    pub product_id: String,
    /// The seller's key for the product.
    pub sku: String,
    /// The product's name, or the meter's.
    pub product_name: String,
    /// The entitlement, for consumption.
    pub entitlement: Option<String>,
    /// The meter's category, for consumption.
    pub category: Option<String>,
    /// The units.
    pub quantity: Decimal,
    /// What the reseller pays per unit.
    pub unit_cost: Decimal,
    /// What the client pays per unit.
    pub unit_price: Decimal,
    /// What the reseller pays.
    pub cost_total: Decimal,
    /// What the client pays.
    pub price_total: Decimal,
    /// The first day charged.
    pub start: Date,
    /// The last day charged.
    pub end: Date,
}

/// The bill of one client for one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Its date.
    pub date: Date,
    /// The client.
    pub organization_id: String,
    /// The service.
    pub service_id: String,
    /// The number of the supplier's invoice behind it.
    pub invoice: String,
    /// Its lines.
    pub lines: Vec<BillLine>,
}
