//! `/Services`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number, as_number_opt, exact_decimal_opt, non_empty, null_as_empty};

use super::metadata::PicklistValue;
use super::system::whole_number_opt;
use super::udf::UserDefinedField;

/// What can be put on a recurring service contract.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Service {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// The text on invoices.
    #[serde(deserialize_with = "non_empty")]
    pub invoice_description: Option<String>,
    /// How often it bills; see [`period_type`].
    pub period_type: Option<PicklistValue>,
    /// The price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_price: Option<Decimal>,
    /// The cost per unit; absent without the right to see costs.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_cost: Option<Decimal>,
    /// The billing code.
    #[serde(rename = "billingCodeID", deserialize_with = "whole_number_opt")]
    pub billing_code_id: Option<i64>,
    /// Whether it is active.
    pub is_active: Option<bool>,
    /// The SKU; absent on older installations.
    #[serde(deserialize_with = "non_empty")]
    pub sku: Option<String>,
    /// An id in another system.
    #[serde(rename = "externalID", deserialize_with = "non_empty")]
    pub external_id: Option<String>,
    /// The MSP's own id.
    #[serde(rename = "internalID", deserialize_with = "non_empty")]
    pub internal_id: Option<String>,
    /// The vendor, a company.
    #[serde(rename = "vendorCompanyID", deserialize_with = "whole_number_opt")]
    pub vendor_company_id: Option<i64>,
    /// Who makes or provides it.
    #[serde(deserialize_with = "non_empty")]
    pub manufacturer_service_provider: Option<String>,
    /// That party's number for it.
    #[serde(deserialize_with = "non_empty")]
    pub manufacturer_service_provider_product_number: Option<String>,
    /// The service level agreement.
    #[serde(rename = "serviceLevelAgreementID")]
    pub service_level_agreement_id: Option<PicklistValue>,
    /// When it was last edited.
    #[serde(deserialize_with = "non_empty")]
    pub last_modified_date: Option<String>,
    /// The user-defined fields, where they were asked for and any is set.
    #[serde(deserialize_with = "null_as_empty")]
    pub user_defined_fields: Vec<UserDefinedField>,
}

/// A new service. Creating one needs the rights of a system administrator.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewService {
    /// The name, at most 100 characters.
    pub name: String,
    /// How often it bills; fixed afterwards.
    pub period_type: PicklistValue,
    /// The price per unit.
    #[serde(serialize_with = "as_number")]
    pub unit_price: Decimal,
    /// The billing code: an active one for recurring services.
    #[serde(rename = "billingCodeID")]
    pub billing_code_id: i64,
    /// The cost per unit.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub unit_cost: Option<Decimal>,
    /// The description, at most 400 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The text on invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_description: Option<String>,
    /// The SKU, at most 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// An id in another system.
    #[serde(rename = "externalID", skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The vendor, a company.
    #[serde(rename = "vendorCompanyID", skip_serializing_if = "Option::is_none")]
    pub vendor_company_id: Option<i64>,
    /// The user-defined fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_defined_fields: Vec<UserDefinedField>,
}

impl NewService {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        period_type: impl Into<PicklistValue>,
        unit_price: Decimal,
        billing_code_id: i64,
    ) -> Self {
        Self {
            name: name.into(),
            period_type: period_type.into(),
            unit_price,
            billing_code_id,
            unit_cost: None,
            description: None,
            invoice_description: None,
            sku: None,
            external_id: None,
            vendor_company_id: None,
            user_defined_fields: Vec::new(),
        }
    }
}

/// A change of a service: what is not given stays as it is. Services are not deleted but deactivated.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServicePatch {
    /// The service.
    pub id: i64,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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
    /// The text on invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_description: Option<String>,
    /// Whether it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// The SKU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// An id in another system.
    #[serde(rename = "externalID", skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

impl ServicePatch {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(id: i64) -> Self {
        Self {
            id,
            name: None,
            unit_price: None,
            unit_cost: None,
            description: None,
            invoice_description: None,
            is_active: None,
            sku: None,
            external_id: None,
        }
    }
}

/// Values of [`Service::period_type`] and of a contract's, as one client in the field knows them.
///
/// Tenants name them in the picklist of the field: prefer its labels.
pub mod period_type {
    /// Monthly.
    pub const MONTHLY: i64 = 2;
    /// Quarterly.
    pub const QUARTERLY: i64 = 3;
    /// Twice a year.
    pub const SEMI_ANNUAL: i64 = 4;
    /// Yearly.
    pub const YEARLY: i64 = 5;
}
