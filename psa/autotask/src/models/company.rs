//! `/Companies`.

use serde::Deserialize;
use tallyline_core::wire::{non_empty, null_as_empty};

use super::metadata::PicklistValue;
use super::system::whole_number_opt;
use super::udf::UserDefinedField;

/// A client of the MSP. Company 0 is the MSP itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Company {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub company_name: Option<String>,
    /// The number: an external key.
    #[serde(deserialize_with = "non_empty")]
    pub company_number: Option<String>,
    /// The kind: customer, lead and so on.
    pub company_type: Option<PicklistValue>,
    /// Whether it is active.
    pub is_active: Option<bool>,
    /// The company above it.
    #[serde(rename = "parentCompanyID", deserialize_with = "whole_number_opt")]
    pub parent_company_id: Option<i64>,
    /// The currency it is billed in.
    #[serde(rename = "currencyID", deserialize_with = "whole_number_opt")]
    pub currency_id: Option<i64>,
    /// When it was made.
    #[serde(deserialize_with = "non_empty")]
    pub create_date: Option<String>,
    /// When it was last edited.
    #[serde(deserialize_with = "non_empty")]
    pub last_tracked_modified_date_time: Option<String>,
    /// The user-defined fields, where they were asked for and any is set.
    #[serde(deserialize_with = "null_as_empty")]
    pub user_defined_fields: Vec<UserDefinedField>,
}
