//! `/Contracts`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::CivilDate;
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, non_empty, null_as_empty};

use super::metadata::PicklistValue;
use super::system::whole_number_opt;
use super::udf::UserDefinedField;

/// A contract.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Contract {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The company.
    #[serde(rename = "companyID", deserialize_with = "whole_number_opt")]
    pub company_id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub contract_name: Option<String>,
    /// The external contract number: the best key of one's own.
    #[serde(deserialize_with = "non_empty")]
    pub contract_number: Option<String>,
    /// The kind of contract; see [`contract_type`].
    pub contract_type: Option<PicklistValue>,
    /// The status; see [`contract_status`]. An inactive recurring contract goes on billing until its end date.
    pub status: Option<PicklistValue>,
    /// The first day.
    #[serde(deserialize_with = "non_empty")]
    pub start_date: Option<String>,
    /// The last day: every contract has one.
    #[serde(deserialize_with = "non_empty")]
    pub end_date: Option<String>,
    /// How often it bills; see [`period_type`](super::period_type). Letters in old data.
    pub contract_period_type: Option<PicklistValue>,
    /// The category.
    pub contract_category: Option<PicklistValue>,
    /// The description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// The service level agreement.
    #[serde(rename = "serviceLevelAgreementID")]
    pub service_level_agreement_id: Option<PicklistValue>,
    /// The billing preference.
    pub billing_preference: Option<PicklistValue>,
    /// The company that is billed, where it is another.
    #[serde(rename = "billToCompanyID", deserialize_with = "whole_number_opt")]
    pub bill_to_company_id: Option<i64>,
    /// The line of business.
    #[serde(
        rename = "organizationalLevelAssociationID",
        deserialize_with = "whole_number_opt"
    )]
    pub organizational_level_association_id: Option<i64>,
    /// The purchase order.
    #[serde(deserialize_with = "non_empty")]
    pub purchase_order_number: Option<String>,
    /// The contract that renews it.
    #[serde(rename = "renewedContractID", deserialize_with = "whole_number_opt")]
    pub renewed_contract_id: Option<i64>,
    /// The set-up fee.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub setup_fee: Option<Decimal>,
    /// When it was last edited; absent on older installations.
    #[serde(deserialize_with = "non_empty")]
    pub last_modified_date_time: Option<String>,
    /// The user-defined fields, where they were asked for and any is set.
    #[serde(deserialize_with = "null_as_empty")]
    pub user_defined_fields: Vec<UserDefinedField>,
}

/// A new contract. Billing periods are stepped from its start date.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewContract {
    /// The company; fixed afterwards.
    #[serde(rename = "companyID")]
    pub company_id: i64,
    /// The name.
    pub contract_name: String,
    /// The kind; fixed afterwards.
    pub contract_type: PicklistValue,
    /// The status.
    pub status: PicklistValue,
    /// The first day.
    pub start_date: CivilDate,
    /// The last day.
    pub end_date: CivilDate,
    /// Whether time entries need a start and an end: 0 or 1.
    pub time_reporting_requires_start_and_stop_times: i32,
    /// How often it bills: needed for a recurring service contract, fixed afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_period_type: Option<PicklistValue>,
    /// The external contract number, at most 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_number: Option<String>,
    /// The category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_category: Option<PicklistValue>,
    /// The description, at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The service level agreement.
    #[serde(
        rename = "serviceLevelAgreementID",
        skip_serializing_if = "Option::is_none"
    )]
    pub service_level_agreement_id: Option<PicklistValue>,
    /// The billing preference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_preference: Option<PicklistValue>,
    /// The company that is billed, where it is another.
    #[serde(rename = "billToCompanyID", skip_serializing_if = "Option::is_none")]
    pub bill_to_company_id: Option<i64>,
    /// The line of business.
    #[serde(
        rename = "organizationalLevelAssociationID",
        skip_serializing_if = "Option::is_none"
    )]
    pub organizational_level_association_id: Option<i64>,
    /// The purchase order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order_number: Option<String>,
    /// The set-up fee.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub setup_fee: Option<Decimal>,
    /// The user-defined fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_defined_fields: Vec<UserDefinedField>,
}

impl NewContract {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(
        company_id: i64,
        contract_name: impl Into<String>,
        contract_type: impl Into<PicklistValue>,
        status: impl Into<PicklistValue>,
        start_date: CivilDate,
        end_date: CivilDate,
        time_reporting_requires_start_and_stop_times: i32,
    ) -> Self {
        Self {
            company_id,
            contract_name: contract_name.into(),
            contract_type: contract_type.into(),
            status: status.into(),
            start_date,
            end_date,
            time_reporting_requires_start_and_stop_times,
            contract_period_type: None,
            contract_number: None,
            contract_category: None,
            description: None,
            service_level_agreement_id: None,
            billing_preference: None,
            bill_to_company_id: None,
            organizational_level_association_id: None,
            purchase_order_number: None,
            setup_fee: None,
            user_defined_fields: Vec::new(),
        }
    }
}

/// A change of a contract: what is not given stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContractPatch {
    /// The contract.
    pub id: i64,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_name: Option<String>,
    /// The status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<PicklistValue>,
    /// The first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<CivilDate>,
    /// The last day. The system refuses one that would remove posted periods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_date: Option<CivilDate>,
    /// The external contract number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_number: Option<String>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The service level agreement.
    #[serde(
        rename = "serviceLevelAgreementID",
        skip_serializing_if = "Option::is_none"
    )]
    pub service_level_agreement_id: Option<PicklistValue>,
    /// The purchase order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase_order_number: Option<String>,
    /// The user-defined fields; those not listed stay as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_defined_fields: Vec<UserDefinedField>,
}

impl ContractPatch {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(id: i64) -> Self {
        Self {
            id,
            contract_name: None,
            status: None,
            start_date: None,
            end_date: None,
            contract_number: None,
            description: None,
            service_level_agreement_id: None,
            purchase_order_number: None,
            user_defined_fields: Vec::new(),
        }
    }
}

/// Values of [`Contract::contract_type`].
pub mod contract_type {
    /// A recurring service contract: the only kind that services can be put on.
    pub const RECURRING_SERVICE: i64 = 7;
}

/// Values of [`Contract::status`].
pub mod contract_status {
    /// Active.
    pub const ACTIVE: i64 = 1;
}
