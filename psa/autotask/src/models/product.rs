//! `/Products`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, non_empty, null_as_empty};

use super::metadata::PicklistValue;
use super::system::whole_number_opt;
use super::udf::UserDefinedField;

/// What can be sold once: a charge may name it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Product {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// Whether it is active.
    pub is_active: Option<bool>,
    /// The billing code.
    #[serde(rename = "productBillingCodeID", deserialize_with = "whole_number_opt")]
    pub product_billing_code_id: Option<i64>,
    /// The billing code of charges.
    #[serde(rename = "chargeBillingCodeID", deserialize_with = "whole_number_opt")]
    pub charge_billing_code_id: Option<i64>,
    /// The SKU.
    #[serde(deserialize_with = "non_empty")]
    pub sku: Option<String>,
    /// An id in another system.
    #[serde(rename = "externalProductID", deserialize_with = "non_empty")]
    pub external_product_id: Option<String>,
    /// The MSP's own id.
    #[serde(rename = "internalProductID", deserialize_with = "non_empty")]
    pub internal_product_id: Option<String>,
    /// The vendor's number.
    #[serde(deserialize_with = "non_empty")]
    pub vendor_product_number: Option<String>,
    /// The price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_price: Option<Decimal>,
    /// The cost per unit; absent without the right to see costs.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_cost: Option<Decimal>,
    /// How often it bills.
    pub period_type: Option<PicklistValue>,
    /// The user-defined fields, where they were asked for and any is set.
    #[serde(deserialize_with = "null_as_empty")]
    pub user_defined_fields: Vec<UserDefinedField>,
}

/// A new product.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewProduct {
    /// The name.
    pub name: String,
    /// The billing code.
    #[serde(rename = "productBillingCodeID")]
    pub product_billing_code_id: i64,
    /// Whether it is active.
    pub is_active: bool,
    /// Whether each piece has a serial number.
    pub is_serialized: bool,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The SKU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// An id in another system.
    #[serde(rename = "externalProductID", skip_serializing_if = "Option::is_none")]
    pub external_product_id: Option<String>,
    /// The price per unit.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub unit_price: Option<Decimal>,
    /// The cost per unit.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub unit_cost: Option<Decimal>,
}

impl NewProduct {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        product_billing_code_id: i64,
        is_active: bool,
        is_serialized: bool,
    ) -> Self {
        Self {
            name: name.into(),
            product_billing_code_id,
            is_active,
            is_serialized,
            description: None,
            sku: None,
            external_product_id: None,
            unit_price: None,
            unit_cost: None,
        }
    }
}
