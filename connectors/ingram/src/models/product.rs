//! The catalogue.

use rust_decimal::Decimal;
use serde::Deserialize;
use tallyline_core::wire::{exact_decimal, exact_decimal_opt, non_empty, null_as_empty};

use super::{BillingModel, Period, id, id_opt};

/// A price or cost of a product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProductPrice {
    /// The code of ISO 4217.
    pub currency: String,
    /// The amount.
    #[serde(deserialize_with = "exact_decimal")]
    pub amount: Decimal,
    /// `recurring`, `setup` or `overuse`.
    #[serde(default, rename = "type", deserialize_with = "non_empty")]
    pub kind: Option<String>,
    /// How the quantity changes it, such as `FLAT` or `TIERED`.
    #[serde(default, deserialize_with = "non_empty")]
    pub model: Option<String>,
    /// Where its tier starts.
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub lower_limit: Option<Decimal>,
}

/// A product. A part number can occur several times, with other periods.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Product {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The manufacturer's part number.
    #[serde(default, deserialize_with = "id_opt")]
    pub mpn: Option<String>,
    /// The manufacturer.
    #[serde(default, deserialize_with = "non_empty")]
    pub vendor: Option<String>,
    /// The service that it is part of.
    #[serde(default, deserialize_with = "non_empty")]
    pub service_name: Option<String>,
    /// The name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The fewest that can be had.
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub minimum_quantity: Option<Decimal>,
    /// The most that can be had.
    #[serde(default, deserialize_with = "exact_decimal_opt")]
    pub maximum_quantity: Option<Decimal>,
    /// What a customer pays.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub prices: Vec<ProductPrice>,
    /// What the reseller pays.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub costs: Vec<ProductPrice>,
    /// How often it is invoiced.
    #[serde(default)]
    pub billing_period: Option<Period>,
    /// How long it is committed to.
    #[serde(default)]
    pub subscription_period: Option<Period>,
    /// When it is charged.
    #[serde(default)]
    pub billing_model: Option<BillingModel>,
}
