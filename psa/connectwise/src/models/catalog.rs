//! `/procurement/catalog`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{exact_decimal_opt, non_empty, null_as_empty};
use tallyline_core::wire_enum;

use super::{BillableOption, CustomFieldValue, Info, InvoicingCycle, RecordRef, Reference};

wire_enum! {
    /// The class of a catalogue item.
    pub enum ProductClass {
        /// Sold on agreements.
        Agreement = "Agreement",
        /// Made of other items; cannot be an addition.
        Bundle = "Bundle",
        /// Kept in stock.
        Inventory = "Inventory",
        /// Not kept in stock.
        NonInventory = "NonInventory",
        /// Work.
        Service = "Service",
    }
}

/// A catalogue item: a product.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct CatalogItem {
    /// The id.
    pub id: Option<i64>,
    /// The code, unique.
    #[serde(deserialize_with = "non_empty")]
    pub identifier: Option<String>,
    /// The description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// The description for the customer.
    #[serde(deserialize_with = "non_empty")]
    pub customer_description: Option<String>,
    /// Whether it is switched off.
    pub inactive_flag: Option<bool>,
    /// The class.
    pub product_class: Option<ProductClass>,
    /// The category.
    pub category: Option<Reference>,
    /// The subcategory.
    pub subcategory: Option<Reference>,
    /// The type, from a setup table.
    pub r#type: Option<Reference>,
    /// The unit of measure.
    pub unit_of_measure: Option<Reference>,
    /// The list price per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub price: Option<Decimal>,
    /// The list cost per unit.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub cost: Option<Decimal>,
    /// Whether it is taxed.
    pub taxable_flag: Option<bool>,
    /// Whether it carries serial numbers.
    pub serialized_flag: Option<bool>,
    /// The manufacturer.
    pub manufacturer: Option<Reference>,
    /// The manufacturer's part number.
    #[serde(deserialize_with = "non_empty")]
    pub manufacturer_part_number: Option<String>,
    /// The vendor, a company.
    pub vendor: Option<Reference>,
    /// The vendor's SKU.
    #[serde(deserialize_with = "non_empty")]
    pub vendor_sku: Option<String>,
    /// The reference of an integration.
    #[serde(rename = "integrationXRef", deserialize_with = "non_empty")]
    pub integration_xref: Option<String>,
    /// Notes.
    #[serde(deserialize_with = "non_empty")]
    pub notes: Option<String>,
    /// Whether it recurs.
    pub recurring_flag: Option<bool>,
    /// The recurring revenue.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub recurring_revenue: Option<Decimal>,
    /// The recurring cost.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub recurring_cost: Option<Decimal>,
    /// Whether it also bills once.
    pub recurring_one_time_flag: Option<bool>,
    /// The billing cycle it recurs on.
    pub recurring_bill_cycle: Option<Reference>,
    /// Whether its periods follow the calendar or the contract.
    pub recurring_cycle_type: Option<InvoicingCycle>,
    /// The agreement type it belongs to.
    pub agreement_type: Option<Reference>,
    /// Whether it is billed.
    pub billable_option: Option<BillableOption>,
    /// Whether the price is computed.
    pub calculated_price_flag: Option<bool>,
    /// Whether the cost is computed.
    pub calculated_cost_flag: Option<bool>,
    /// The computed price.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub calculated_price: Option<Decimal>,
    /// The computed cost.
    #[serde(deserialize_with = "exact_decimal_opt")]
    pub calculated_cost: Option<Decimal>,
    /// Whether a new cost flows into existing additions.
    pub auto_update_unit_cost_flag: Option<bool>,
    /// Whether a new price flows into existing additions.
    pub auto_update_unit_price_flag: Option<bool>,
    /// When and by whom the record was last edited.
    #[serde(rename = "_info")]
    pub info: Option<Info>,
    /// The custom fields.
    #[serde(deserialize_with = "null_as_empty")]
    pub custom_fields: Vec<CustomFieldValue>,
}

/// A new catalogue item. The rest is the system's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewCatalogItem {
    /// The code, at most 75 characters. Required.
    pub identifier: String,
    /// The description, at most 60 characters. Required.
    pub description: String,
    /// The description for the customer, at most 6000 characters. Required.
    pub customer_description: String,
    /// The subcategory. Required.
    pub subcategory: RecordRef,
    /// The type, from a setup table. Required.
    pub r#type: RecordRef,
    /// The category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<RecordRef>,
    /// The class; not kept in stock where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_class: Option<ProductClass>,
}
