//! `/ContractServices`, written below `/Contracts/{contractId}/Services`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, non_empty};

use super::system::whole_number_opt;

/// One service on one contract. How many units it bills stands in [`ContractServiceUnit`](super::ContractServiceUnit).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContractService {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The contract.
    #[serde(rename = "contractID", deserialize_with = "whole_number_opt")]
    pub contract_id: Option<i64>,
    /// The service.
    #[serde(rename = "serviceID", deserialize_with = "whole_number_opt")]
    pub service_id: Option<i64>,
    /// The standard price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_price: Option<Decimal>,
    /// The price per unit after adjustments; most installations do not answer it.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub adjusted_price: Option<Decimal>,
    /// That price in the internal currency.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub internal_currency_adjusted_price: Option<Decimal>,
    /// The standard price in the internal currency.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub internal_currency_unit_price: Option<Decimal>,
    /// The cost per unit; absent without the right to see costs.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_cost: Option<Decimal>,
    /// The text on invoices.
    #[serde(deserialize_with = "non_empty")]
    pub invoice_description: Option<String>,
    /// The text for the MSP.
    #[serde(deserialize_with = "non_empty")]
    pub internal_description: Option<String>,
}

/// A new service on a contract, without units: those come with an adjustment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewContractService {
    /// The contract.
    #[serde(rename = "contractID")]
    pub contract_id: i64,
    /// The service.
    #[serde(rename = "serviceID")]
    pub service_id: i64,
    /// The price per unit; the service's own when absent.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub unit_price: Option<Decimal>,
    /// The cost per unit; the service's own when absent.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub unit_cost: Option<Decimal>,
    /// The text on invoices, at most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_description: Option<String>,
    /// The text for the MSP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_description: Option<String>,
}

impl NewContractService {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(contract_id: i64, service_id: i64) -> Self {
        Self {
            contract_id,
            service_id,
            unit_price: None,
            unit_cost: None,
            invoice_description: None,
            internal_description: None,
        }
    }
}

/// A change of a service on a contract: what is not given stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContractServicePatch {
    /// The service on the contract.
    pub id: i64,
    /// The cost per unit. Whether the API takes it is inferred.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub unit_cost: Option<Decimal>,
    /// The text on invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_description: Option<String>,
    /// The text for the MSP. Whether the API takes it is inferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_description: Option<String>,
}

impl ContractServicePatch {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(id: i64) -> Self {
        Self {
            id,
            unit_cost: None,
            invoice_description: None,
            internal_description: None,
        }
    }
}
