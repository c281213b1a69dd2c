//! `/ContractServiceAdjustments`: create only, below `/Contracts/{contractId}/ServiceAdjustments`.

use rust_decimal::Decimal;
use serde::Serialize;
use tallyline_core::model::CivilDate;
use tallyline_core::wire::as_number_opt;

/// A change of units, price or cost of a service on a contract from a day on.
///
/// It can never be read, changed or deleted. Named is either the service on the contract, or contract and service: then the
/// system adds the service where it is not on the contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewContractServiceAdjustment {
    /// The first day that it counts, inside the contract's dates.
    pub effective_date: CivilDate,
    /// The contract.
    #[serde(rename = "contractID", skip_serializing_if = "Option::is_none")]
    pub contract_id: Option<i64>,
    /// The service on the contract.
    #[serde(rename = "contractServiceID", skip_serializing_if = "Option::is_none")]
    pub contract_service_id: Option<i64>,
    /// The service, with the contract.
    #[serde(rename = "serviceID", skip_serializing_if = "Option::is_none")]
    pub service_id: Option<i64>,
    /// The units more, or fewer when negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_change: Option<i32>,
    /// The price per unit from that day; unchanged when absent.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub adjusted_unit_price: Option<Decimal>,
    /// The cost per unit from that day; unchanged when absent.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_number_opt"
    )]
    pub adjusted_unit_cost: Option<Decimal>,
    /// Adds the service once more instead of changing the one that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_repeat_service: Option<bool>,
}

impl NewContractServiceAdjustment {
    /// With what the system requires, and nothing else.
    #[must_use]
    pub fn new(effective_date: CivilDate) -> Self {
        Self {
            effective_date,
            contract_id: None,
            contract_service_id: None,
            service_id: None,
            unit_change: None,
            adjusted_unit_price: None,
            adjusted_unit_cost: None,
            allow_repeat_service: None,
        }
    }
}
