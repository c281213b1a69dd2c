//! `/finance/agreements/{parentId}/additions`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, non_empty, null_as_empty};
use tallyline_core::wire_enum;

use super::{AgreementStatus, CustomFieldValue, Info, NewCustomFieldValue, RecordRef, Reference};

wire_enum! {
    /// Whether an addition is billed.
    pub enum BillCustomer {
        /// Billed.
        Billable = "Billable",
        /// Not billed and not shown.
        DoNotBill = "DoNotBill",
        /// Shown without charge.
        NoCharge = "NoCharge",
    }
}

/// An addition: a recurring line of an agreement.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Addition {
    /// The id.
    pub id: Option<i64>,
    /// The catalogue item.
    pub product: Option<Reference>,
    /// The units in total.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub quantity: Option<Decimal>,
    /// The units included free of charge: billed are `quantity` less these.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub less_included: Option<Decimal>,
    /// The price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_price: Option<Decimal>,
    /// The cost per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub unit_cost: Option<Decimal>,
    /// Whether it is billed.
    pub bill_customer: Option<BillCustomer>,
    /// The day its billing starts.
    #[serde(deserialize_with = "non_empty")]
    pub effective_date: Option<String>,
    /// The day its billing ends; absent while it is open.
    #[serde(deserialize_with = "non_empty")]
    pub cancelled_date: Option<String>,
    /// Whether it is taxed.
    pub taxable_flag: Option<bool>,
    /// A serial number: free text of at most 50 characters.
    #[serde(deserialize_with = "non_empty")]
    pub serial_number: Option<String>,
    /// The text on the invoice.
    #[serde(deserialize_with = "non_empty")]
    pub invoice_description: Option<String>,
    /// The catalogue item's description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// Whether it is to be purchased.
    pub purchase_item_flag: Option<bool>,
    /// Whether it is a special order.
    pub special_order_flag: Option<bool>,
    /// The agreement that owns it; in the list of a parent it may name a child.
    pub agreement_id: Option<i64>,
    /// The units billed. Computed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub billed_quantity: Option<Decimal>,
    /// The unit of measure.
    #[serde(deserialize_with = "non_empty")]
    pub uom: Option<String>,
    /// The price in total. Computed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub ext_price: Option<Decimal>,
    /// The cost in total. Computed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub ext_cost: Option<Decimal>,
    /// The margin. Computed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub margin: Option<Decimal>,
    /// The place on the invoice.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub sequence_number: Option<Decimal>,
    /// The cost per unit in a partial first period. Computed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub prorate_cost: Option<Decimal>,
    /// The price per unit in a partial first period. Computed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub prorate_price: Option<Decimal>,
    /// The cost in total in a partial first period. Computed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub extended_prorate_cost: Option<Decimal>,
    /// The price in total in a partial first period. Computed.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub extended_prorate_price: Option<Decimal>,
    /// Whether the running period is to be prorated.
    pub prorate_current_period_flag: Option<bool>,
    /// How it is grouped on the invoice.
    pub invoice_grouping: Option<Reference>,
    /// The opportunity that it came from.
    pub opportunity: Option<Reference>,
    /// The status of the agreement.
    pub agreement_status: Option<AgreementStatus>,
    /// The status of the addition; only from version 2026.11 on.
    pub addition_status: Option<AgreementStatus>,
    /// When and by whom the record was last edited.
    #[serde(rename = "_info")]
    pub info: Option<Info>,
    /// The custom fields.
    #[serde(deserialize_with = "null_as_empty")]
    pub custom_fields: Vec<CustomFieldValue>,
}

/// A new addition.
///
/// Absent amounts are taken from the catalogue by the system.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewAddition {
    /// The catalogue item. Required.
    pub product: RecordRef,
    /// The units in total.
    #[serde(
        serialize_with = "as_number_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub quantity: Option<Decimal>,
    /// The units included free of charge.
    #[serde(
        serialize_with = "as_number_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub less_included: Option<Decimal>,
    /// The price per unit.
    #[serde(
        serialize_with = "as_number_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub unit_price: Option<Decimal>,
    /// The cost per unit.
    #[serde(
        serialize_with = "as_number_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub unit_cost: Option<Decimal>,
    /// Whether it is billed. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_customer: Option<BillCustomer>,
    /// The day its billing starts, as `yyyy-mm-ddT00:00:00Z` (see [`midnight`](super::midnight)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_date: Option<String>,
    /// The day its billing ends, in the same form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled_date: Option<String>,
    /// Whether it is taxed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxable_flag: Option<bool>,
    /// Free text of at most 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// The text on the invoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_description: Option<String>,
    /// Whether the running period is to be prorated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prorate_current_period_flag: Option<bool>,
    /// The place on the invoice.
    #[serde(
        serialize_with = "as_number_opt",
        skip_serializing_if = "Option::is_none"
    )]
    pub sequence_number: Option<Decimal>,
    /// How it is grouped on the invoice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_grouping: Option<RecordRef>,
    /// Custom fields to set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<NewCustomFieldValue>,
}
