//! `/BillingCodes`: read only.

use rust_decimal::Decimal;
use serde::Deserialize;
use tallyline_core::wire::{exact_decimal_opt, non_empty};

use super::metadata::PicklistValue;
use super::system::whole_number_opt;

/// A billing code: what posts under which account.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct BillingCode {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// What it is for; see [`use_type`].
    pub use_type: Option<PicklistValue>,
    /// Normal, system or non-billable.
    pub billing_code_type: Option<PicklistValue>,
    /// Whether it is active.
    pub is_active: Option<bool>,
    /// The description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// The number in the accounts.
    #[serde(deserialize_with = "non_empty")]
    pub external_number: Option<String>,
    /// The price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_price: Option<Decimal>,
    /// The cost per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_cost: Option<Decimal>,
    /// The tax category.
    #[serde(rename = "taxCategoryID", deserialize_with = "whole_number_opt")]
    pub tax_category_id: Option<i64>,
}

/// Values of [`BillingCode::use_type`].
pub mod use_type {
    /// Material: what charges need.
    pub const MATERIAL: i64 = 4;
    /// Recurring contract service: what services need.
    pub const RECURRING_CONTRACT_SERVICE: i64 = 5;
}
