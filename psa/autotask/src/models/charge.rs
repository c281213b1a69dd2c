//! `/ContractCharges`, written below `/Contracts/{contractId}/Charges`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::CivilDate;
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, non_empty};

use super::metadata::PicklistValue;
use super::system::whole_number_opt;

/// A one-off charge on a contract.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContractCharge {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The contract.
    #[serde(rename = "contractID", deserialize_with = "whole_number_opt")]
    pub contract_id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The day of the purchase.
    #[serde(deserialize_with = "non_empty")]
    pub date_purchased: Option<String>,
    /// The kind: operational or capitalised.
    pub charge_type: Option<PicklistValue>,
    /// The quantity; fractions are allowed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_quantity: Option<Decimal>,
    /// The price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_price: Option<Decimal>,
    /// The cost per unit; absent without the right to see costs.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_cost: Option<Decimal>,
    /// What is billed: quantity times price.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub billable_amount: Option<Decimal>,
    /// What it costs in all.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub extended_cost: Option<Decimal>,
    /// The billing code.
    #[serde(rename = "billingCodeID", deserialize_with = "whole_number_opt")]
    pub billing_code_id: Option<i64>,
    /// The product.
    #[serde(rename = "productID", deserialize_with = "whole_number_opt")]
    pub product_id: Option<i64>,
    /// Whether it is billed to the client.
    pub is_billable_to_company: Option<bool>,
    /// Whether it has been billed: then it is fixed.
    pub is_billed: Option<bool>,
    /// The description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// Notes.
    #[serde(deserialize_with = "non_empty")]
    pub notes: Option<String>,
    /// The client's purchase order.
    #[serde(deserialize_with = "non_empty")]
    pub purchase_order_number: Option<String>,
    /// The MSP's own purchase order: where a marker goes.
    #[serde(deserialize_with = "non_empty")]
    pub internal_purchase_order_number: Option<String>,
    /// The service on the contract that it belongs to.
    #[serde(rename = "contractServiceID", deserialize_with = "whole_number_opt")]
    pub contract_service_id: Option<i64>,
    /// The status.
    pub status: Option<PicklistValue>,
    /// When it was made.
    #[serde(deserialize_with = "non_empty")]
    pub create_date: Option<String>,
}

/// A new charge. It needs a billing code or a product.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewContractCharge {
    /// The contract.
    #[serde(rename = "contractID")]
    pub contract_id: i64,
    /// The name.
    pub name: String,
    /// The day of the purchase.
    pub date_purchased: CivilDate,
    /// The kind; a value of the field's picklist.
    pub charge_type: PicklistValue,
    /// The billing code: one for material.
    #[serde(rename = "billingCodeID", skip_serializing_if = "Option::is_none")]
    pub billing_code_id: Option<i64>,
    /// The product.
    #[serde(rename = "productID", skip_serializing_if = "Option::is_none")]
    pub product_id: Option<i64>,
    /// The quantity.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub unit_quantity: Option<Decimal>,
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
    /// Whether it is billed to the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_billable_to_company: Option<bool>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The client's purchase order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order_number: Option<String>,
    /// The MSP's own purchase order: where a marker goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_purchase_order_number: Option<String>,
    /// The service on the contract that it belongs to.
    #[serde(rename = "contractServiceID", skip_serializing_if = "Option::is_none")]
    pub contract_service_id: Option<i64>,
}

impl NewContractCharge {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(
        contract_id: i64,
        name: impl Into<String>,
        date_purchased: CivilDate,
        charge_type: impl Into<PicklistValue>,
    ) -> Self {
        Self {
            contract_id,
            name: name.into(),
            date_purchased,
            charge_type: charge_type.into(),
            billing_code_id: None,
            product_id: None,
            unit_quantity: None,
            unit_price: None,
            unit_cost: None,
            is_billable_to_company: None,
            description: None,
            notes: None,
            purchase_order_number: None,
            internal_purchase_order_number: None,
            contract_service_id: None,
        }
    }
}

/// A change of a charge that has not been billed: what is not given stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContractChargePatch {
    /// The charge.
    pub id: i64,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The day of the purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_purchased: Option<CivilDate>,
    /// The quantity.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub unit_quantity: Option<Decimal>,
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
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl ContractChargePatch {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(id: i64) -> Self {
        Self {
            id,
            name: None,
            date_purchased: None,
            unit_quantity: None,
            unit_price: None,
            unit_cost: None,
            description: None,
            notes: None,
        }
    }
}
