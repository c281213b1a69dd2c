//! `/ServiceBundles`, `/ContractServiceBundles` and `/ContractServiceBundleUnits`: read only here.

use rust_decimal::Decimal;
use serde::Deserialize;
use tallyline_core::wire::{exact_decimal_opt, non_empty};

use super::metadata::PicklistValue;
use super::system::whole_number_opt;

/// Services that are sold as one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServiceBundle {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// How often it bills.
    pub period_type: Option<PicklistValue>,
    /// The price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_price: Option<Decimal>,
    /// The cost per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_cost: Option<Decimal>,
    /// The billing code.
    #[serde(rename = "billingCodeID", deserialize_with = "whole_number_opt")]
    pub billing_code_id: Option<i64>,
    /// Whether it is active.
    pub is_active: Option<bool>,
    /// The SKU.
    #[serde(deserialize_with = "non_empty")]
    pub sku: Option<String>,
    /// An id in another system.
    #[serde(rename = "externalID", deserialize_with = "non_empty")]
    pub external_id: Option<String>,
}

/// A bundle on a contract.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContractServiceBundle {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The contract.
    #[serde(rename = "contractID", deserialize_with = "whole_number_opt")]
    pub contract_id: Option<i64>,
    /// The bundle.
    #[serde(rename = "serviceBundleID", deserialize_with = "whole_number_opt")]
    pub service_bundle_id: Option<i64>,
    /// The standard price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_price: Option<Decimal>,
    /// The price per unit after adjustments.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub adjusted_price: Option<Decimal>,
    /// The text on invoices.
    #[serde(deserialize_with = "non_empty")]
    pub invoice_description: Option<String>,
}

/// How many units a bundle on a contract bills in a span of days.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContractServiceBundleUnit {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The contract.
    #[serde(rename = "contractID", deserialize_with = "whole_number_opt")]
    pub contract_id: Option<i64>,
    /// The bundle on the contract.
    #[serde(
        rename = "contractServiceBundleID",
        deserialize_with = "whole_number_opt"
    )]
    pub contract_service_bundle_id: Option<i64>,
    /// The bundle.
    #[serde(rename = "serviceBundleID", deserialize_with = "whole_number_opt")]
    pub service_bundle_id: Option<i64>,
    /// The first day.
    #[serde(deserialize_with = "non_empty")]
    pub start_date: Option<String>,
    /// The last day.
    #[serde(deserialize_with = "non_empty")]
    pub end_date: Option<String>,
    /// The units.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub units: Option<Decimal>,
    /// The price.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub price: Option<Decimal>,
    /// The cost.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub cost: Option<Decimal>,
    /// When the period was approved and posted.
    #[serde(deserialize_with = "non_empty")]
    pub approve_and_post_date: Option<String>,
}
