//! Orders.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number, exact_decimal_opt, non_empty, null_as_empty};

use super::{Money, Period, id, id_opt};

tallyline_core::wire_enum! {
    /// What an order does.
    pub enum OrderType {
        /// It buys.
        Sales = "sales",
        /// It changes a subscription.
        Change = "change",
        /// It renews one.
        Renewal = "renewal",
        /// It ends one.
        Cancellation = "cancellation",
        /// It brings one from elsewhere.
        Migration = "migration",
    }
}

tallyline_core::wire_enum! {
    /// How far an order is.
    pub enum OrderStatus {
        /// Taken.
        Submitted = "submitted",
        /// In work.
        Processing = "processing",
        /// Gone wrong.
        Error = "error",
        /// Carried out.
        Completed = "completed",
        /// Withdrawn, which is no cancellation of a subscription.
        Cancelled = "cancelled",
    }
}

/// A charge line of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct OrderDetail {
    /// The kind of the charge, such as `recurring` or `overuse`.
    #[serde(rename = "type", deserialize_with = "non_empty")]
    pub kind: Option<String>,
    /// The manufacturer's part number.
    #[serde(deserialize_with = "id_opt")]
    pub mpn: Option<String>,
    /// The product's id.
    #[serde(deserialize_with = "id_opt")]
    pub product_id: Option<String>,
    /// The line in words; a recurring one names its period here.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// How many, which may be negative.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub quantity: Option<Decimal>,
    /// The price of one.
    pub unit_price: Option<Money>,
    /// The price of all.
    pub extended_price: Option<Money>,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Order {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// `SO...` of a sale, `CH...` of a change.
    #[serde(default, deserialize_with = "id_opt")]
    pub order_number: Option<String>,
    /// What it does.
    #[serde(default, rename = "type")]
    pub kind: Option<OrderType>,
    /// The customer.
    #[serde(default, deserialize_with = "id_opt")]
    pub customer_id: Option<String>,
    /// The reseller's own number; lists leave it out.
    #[serde(default, deserialize_with = "id_opt")]
    pub po_number: Option<String>,
    /// When it was placed, as it is written: not every instant has a zone.
    #[serde(default, deserialize_with = "non_empty")]
    pub creation_date: Option<String>,
    /// How far it is.
    #[serde(default)]
    pub status: Option<OrderStatus>,
    /// The system's own word for it, such as `CP` or `LO`.
    #[serde(default, deserialize_with = "non_empty")]
    pub status_code: Option<String>,
    /// What it comes to.
    #[serde(default)]
    pub total: Option<Money>,
    /// Its charge lines; lists leave them out.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub details: Vec<OrderDetail>,
}

/// A product of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct OrderProduct {
    /// The product's id.
    #[serde(deserialize_with = "id_opt")]
    pub id: Option<String>,
    /// The manufacturer's part number.
    #[serde(deserialize_with = "id_opt")]
    pub mpn: Option<String>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Of a sale how many, of a change the difference, of one that waits for the renewal the total: never the seats of now.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub quantity: Option<Decimal>,
    /// The price of all.
    pub extended_price: Option<Money>,
    /// The subscription.
    #[serde(deserialize_with = "id_opt")]
    pub subscription_id: Option<String>,
    /// What becomes of it, such as `CREATE` or `CANCEL`.
    #[serde(rename = "type", deserialize_with = "non_empty")]
    pub kind: Option<String>,
}

/// A whole order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrderDetailed {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// `SO...` of a sale, `CH...` of a change.
    #[serde(default, deserialize_with = "id_opt")]
    pub order_number: Option<String>,
    /// What it does.
    #[serde(default, rename = "type")]
    pub kind: Option<OrderType>,
    /// The customer.
    #[serde(default, deserialize_with = "id_opt")]
    pub customer_id: Option<String>,
    /// The reseller's own number.
    #[serde(default, deserialize_with = "id_opt")]
    pub po_number: Option<String>,
    /// When it was placed, as it is written: not every instant has a zone.
    #[serde(default, deserialize_with = "non_empty")]
    pub creation_date: Option<String>,
    /// How far it is.
    #[serde(default)]
    pub status: Option<OrderStatus>,
    /// The system's own word for it.
    #[serde(default, deserialize_with = "non_empty")]
    pub status_code: Option<String>,
    /// What it comes to.
    #[serde(default)]
    pub total: Option<Money>,
    /// Its charge lines; those of renewals and cancellations are left out.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub details: Vec<OrderDetail>,
    /// Its products; those of renewals and cancellations are left out.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub products: Vec<OrderProduct>,
    /// The subscription.
    #[serde(default, deserialize_with = "id_opt")]
    pub subscription_id: Option<String>,
    /// `renewal` where it waits for that.
    #[serde(default, deserialize_with = "non_empty")]
    pub scheduled_on: Option<String>,
}

/// What an order would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct OrderEstimate {
    /// What it would come to.
    pub total: Option<Money>,
    /// The products with their prices.
    #[serde(deserialize_with = "null_as_empty")]
    pub products: Vec<OrderProduct>,
}

/// An order to be placed or estimated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewOrder {
    /// What it does.
    #[serde(rename = "type")]
    pub kind: OrderType,
    /// The customer.
    pub customer_id: String,
    /// The reseller's own number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub po_number: Option<String>,
    /// The subscription: of a change, a renewal, a cancellation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// The products.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<NewOrderProduct>,
}

impl NewOrder {
    /// An order of a customer that names nothing yet.
    pub fn new(kind: OrderType, customer_id: impl Into<String>) -> Self {
        Self {
            kind,
            customer_id: customer_id.into(),
            po_number: None,
            subscription_id: None,
            products: Vec::new(),
        }
    }
}

/// A product of an order to be placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewOrderProduct {
    /// The subscription that is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<String>,
    /// The manufacturer's part number.
    pub mpn: String,
    /// The manufacturer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// How many. Of a change it is **not known** whether this is the new total or the difference: estimate first.
    #[serde(serialize_with = "as_number")]
    pub quantity: Decimal,
    /// How often it is invoiced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_period: Option<Period>,
    /// How long it is committed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_period: Option<Period>,
}

impl NewOrderProduct {
    /// So many of a part number.
    pub fn new(mpn: impl Into<String>, quantity: Decimal) -> Self {
        Self {
            subscription_id: None,
            mpn: mpn.into(),
            vendor: None,
            quantity,
            billing_period: None,
            subscription_period: None,
        }
    }
}

/// What is to be changed of an order; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderUpdate {
    /// The system's own word for its status; `CL` presumably withdraws it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
    /// Whether the credit is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_check: Option<bool>,
}
