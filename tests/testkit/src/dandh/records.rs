//! What the marketplace holds: accounts, products with their prices, subscriptions.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::clock::date_of;

/// What an account is. Subscriptions and users are accounts too, and are kept apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// The provider, or another one below it.
    Reseller,
    /// A client.
    Company,
    /// A part of a client.
    Department,
}

impl AccountKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reseller => "Reseller",
            Self::Company => "Company",
            Self::Department => "Department",
        }
    }
}

/// An account of the tree.
#[derive(Clone, Debug)]
pub struct Account {
    /// The id, which the portal's addresses show.
    pub id: i64,
    /// The account above it.
    pub parent_id: i64,
    /// What it is.
    pub kind: AccountKind,
    /// The word for its state, such as `Active`.
    pub state: String,
    /// The name.
    pub name: String,
    /// The VAT id; empty when there is none.
    pub vat_id: String,
    /// The numeric id, which is another one than the account's id.
    pub customer_id: String,
    /// The ISO code of its currency.
    pub currency: String,
}

/// How an item is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charging {
    /// Every month, or in advance for more of them, for each unit.
    PerUnit,
    /// Every month, whatever the number of units.
    Flat,
    /// For what was consumed.
    Metered,
    /// Once.
    Setup,
}

/// A price of a product.
#[derive(Clone, Debug)]
pub struct PriceableItem {
    /// The id.
    pub id: i64,
    /// What it is, in words.
    pub description: String,
    /// How it is charged.
    pub charging: Charging,
    /// The word for its type; that of the way it is charged when empty.
    pub kind: String,
    /// The field that holds the number of units; empty when there is none.
    pub field: String,
    /// What the provider pays, per unit and month.
    pub cost: Decimal,
    /// What the provider asks for it.
    pub price: Decimal,
    /// The ISO code of the currency.
    pub currency: String,
    /// The months charged at once: 0 and 1 are monthly.
    pub prepaid_months: i64,
    /// The months of the commitment; 0 without one.
    pub commitment_months: i64,
    /// The distributor's number.
    pub material_number: String,
    /// The vendor's SKU.
    pub product_number: String,
}

impl PriceableItem {
    pub(super) fn type_word(&self) -> &str {
        match self.charging {
            _ if !self.kind.is_empty() => &self.kind,
            Charging::Setup => "Setup",
            _ => "Monthly",
        }
    }
}

/// A product of the catalogue.
#[derive(Clone, Debug)]
pub struct Product {
    /// The technical name: `ServiceName` of subscriptions, `ServiceId` of charges, `ProductName` of the catalogue.
    pub service_id: String,
    /// The name that people see.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// Its prices.
    pub items: Vec<PriceableItem>,
}

/// A number of units from an instant on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeatChange {
    /// When it was made.
    pub at: Timestamp,
    /// The units from then on.
    pub seats: Decimal,
}

/// Something consumed, in money.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Consumption {
    /// The day.
    pub on: Date,
    /// What the provider pays.
    pub cost: Decimal,
    /// What the provider asks for it.
    pub price: Decimal,
}

/// A subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The id.
    pub id: i64,
    /// The client.
    pub company_id: i64,
    /// The account above it: the client, a user, or another service.
    pub parent_id: i64,
    /// What that is.
    pub parent_type: String,
    /// The department that it is charged to.
    pub department_id: Option<i64>,
    /// Its product.
    pub service_id: String,
    /// Its history, oldest first; the first entry is when it was made.
    pub changes: Vec<SeatChange>,
    /// When it was terminated.
    pub terminated: Option<Timestamp>,
    /// Another word for its state than `Active` and `Terminated`.
    pub state: Option<String>,
    /// The last day of its term.
    pub contract_end: Option<Date>,
    /// The base subscription of an add-on.
    pub dependency: Option<i64>,
    /// The vendor's own id.
    pub vendor_reference: String,
    /// The units set for the renewal.
    pub renewal_seats: Option<Decimal>,
    /// What was consumed.
    pub consumption: Vec<Consumption>,
}

impl Subscription {
    /// The units at an instant; nothing before it was made.
    pub fn seats_at(&self, at: Timestamp) -> Option<Decimal> {
        let known = self.changes.iter().rfind(|change| change.at <= at);
        known.map(|change| change.seats)
    }

    /// When it was made.
    pub(super) fn made(&self) -> Timestamp {
        self.changes
            .first()
            .map_or(Timestamp::UNIX_EPOCH, |first| first.at)
    }

    /// The day on which its billing starts.
    pub fn start(&self) -> Date {
        date_of(self.made())
    }

    pub(super) fn is_terminated(&self, at: Timestamp) -> bool {
        self.terminated.is_some_and(|ended| ended <= at)
    }
}
