//! `/ContractServiceUnits`: read only.

use rust_decimal::Decimal;
use serde::Deserialize;
use tallyline_core::wire::{exact_decimal_opt, non_empty};

use super::system::whole_number_opt;

/// How many units a service on a contract bills in a span of days.
///
/// There is one row for each billing period, past and future, split where an adjustment counts from. Two rows may share a
/// day: in force is the one that starts last. Never a sum over rows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContractServiceUnit {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The contract.
    #[serde(rename = "contractID", deserialize_with = "whole_number_opt")]
    pub contract_id: Option<i64>,
    /// The service on the contract.
    #[serde(rename = "contractServiceID", deserialize_with = "whole_number_opt")]
    pub contract_service_id: Option<i64>,
    /// The service.
    #[serde(rename = "serviceID", deserialize_with = "whole_number_opt")]
    pub service_id: Option<i64>,
    /// The first day.
    #[serde(deserialize_with = "non_empty")]
    pub start_date: Option<String>,
    /// The last day; the next row may start on it.
    #[serde(deserialize_with = "non_empty")]
    pub end_date: Option<String>,
    /// The units.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub units: Option<Decimal>,
    /// The price, by all signs of the whole row.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub price: Option<Decimal>,
    /// The cost, by all signs of the whole row.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub cost: Option<Decimal>,
    /// The price in the internal currency.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub internal_currency_price: Option<Decimal>,
    /// When the period was approved and posted: from then on the row is fixed.
    #[serde(deserialize_with = "non_empty")]
    pub approve_and_post_date: Option<String>,
    /// The line of business.
    #[serde(
        rename = "organizationalLevelAssociationID",
        deserialize_with = "whole_number_opt"
    )]
    pub organizational_level_association_id: Option<i64>,
    /// The vendor.
    #[serde(rename = "vendorCompanyID", deserialize_with = "whole_number_opt")]
    pub vendor_company_id: Option<i64>,
}
