//! What HyAlto holds.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::json::Json;

/// From when on a property has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The instant; written without a fraction and without an offset.
    pub at: Timestamp,
    /// The value.
    pub value: Decimal,
    /// Its unit, or a multiplier: nobody documents which. Left out where there is none.
    pub unit_size: Option<Json>,
}

/// A billable property of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The name, such as `ram`.
    pub name: String,
    /// Its changes, as they were entered.
    pub changes: Vec<Change>,
}

/// A service of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its id.
    pub id: i64,
    /// The name.
    pub name: String,
    /// What it is: `allocationVDC` is the one word that was seen. Left out where there is none.
    pub kind: Option<String>,
    /// Its properties; none where it has no usage.
    pub properties: Vec<Property>,
}

/// A customer of the service provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: i64,
    /// The company's name.
    pub name: String,
    /// Its services.
    pub services: Vec<Service>,
}
