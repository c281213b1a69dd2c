//! `GET /billing/payable-charges` of the Distributor API: what the MSP owes.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::CivilDate;
use tallyline_core::wire::{as_number_opt, date_opt, exact_decimal_opt, non_empty, null_as_empty};
use tallyline_core::wire_enum;

use super::{BillingCycleType, ChargeType};

/// Everything the MSP owes for one billing period, for all its customers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PayableCharges {
    /// The first day of the period.
    #[serde(default, deserialize_with = "date_opt")]
    pub period_from: Option<CivilDate>,
    /// The last day of the period.
    #[serde(default, deserialize_with = "date_opt")]
    pub period_to: Option<CivilDate>,
    /// The charges; `null` is read as none, absence is an error.
    #[serde(deserialize_with = "null_as_empty")]
    pub charges: Vec<PayableCharge>,
}

wire_enum! {
    ignore_case
    /// Why a price was reduced.
    pub enum DeductionType {
        /// A promotion of a fixed amount.
        PromotionalMoney = "PromotionalMoney",
        /// A promotion of a percentage.
        PromotionalPercentage = "PromotionalPercentage",
        /// The rebate of the partner's performance tier.
        PerformancePercentage = "PerformancePercentage",
    }
}

/// One charge. A product has one or more of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PayableCharge {
    /// The product.
    #[serde(default, deserialize_with = "non_empty")]
    pub product_id: Option<String>,
    /// The product's name; may change with the language.
    #[serde(default, deserialize_with = "non_empty")]
    pub product_name: Option<String>,
    /// The offer's key.
    #[serde(default, deserialize_with = "non_empty")]
    pub sku: Option<String>,
    /// The kind of charge; presumably repeated by prorated pieces.
    #[serde(default, deserialize_with = "non_empty")]
    pub charge_id: Option<String>,
    /// The charge's name; may change with the language.
    #[serde(default, deserialize_with = "non_empty")]
    pub charge_name: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub charge_type: Option<ChargeType>,
    /// How often it is billed.
    #[serde(default)]
    pub billing_cycle_type: Option<BillingCycleType>,
    /// The first day that the charge covers.
    #[serde(default, deserialize_with = "date_opt")]
    pub period_from: Option<CivilDate>,
    /// The last day that the charge covers.
    #[serde(default, deserialize_with = "date_opt")]
    pub period_to: Option<CivilDate>,
    /// The quantity, fractional for usage.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub quantity: Option<Decimal>,
    /// Per unit, before deductions.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub list_price: Option<Decimal>,
    /// Per unit for a whole cycle, after deductions.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub net_price: Option<Decimal>,
    /// Per unit for the charge's own period, after deductions.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub net_price_prorated: Option<Decimal>,
    /// The quantity times the prorated net price, before tax.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub sub_total: Option<Decimal>,
    /// The currency's code, in any case.
    #[serde(default, deserialize_with = "non_empty")]
    pub currency: Option<String>,
    /// Whether it is on an invoice; if not it may still change.
    #[serde(default)]
    pub is_billed: Option<bool>,
    /// Whether its price can be prorated.
    #[serde(default)]
    pub is_proratable: Option<bool>,
    /// What was taken off the list price.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub deductions: Vec<Deduction>,
    /// What was added.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub fees: Vec<Fee>,
    /// The invoice it is on.
    #[serde(default)]
    pub invoice: Option<Invoice>,
    /// The taxes that apply, as rates.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub taxes: Vec<Tax>,
    /// Names and values; the only place that names the customer.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tags: Vec<Tag>,
}

/// A reduction of a price.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Deduction {
    /// The vendor's code.
    #[serde(default, deserialize_with = "non_empty")]
    pub code: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Why.
    #[serde(default)]
    pub deduction_type: Option<DeductionType>,
    /// The amount or percentage.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub value: Option<Decimal>,
    /// Per unit, prorated.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub unit_value: Option<Decimal>,
    /// For the whole charge.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub total_value: Option<Decimal>,
}

/// A fee on top of a charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Fee {
    /// The name to show.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Per unit.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub unit_value: Option<Decimal>,
    /// For the whole charge.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub total_value: Option<Decimal>,
    /// Whether tax is due on it.
    #[serde(default)]
    pub is_taxable: Option<bool>,
}

/// The invoice that a charge is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Invoice {
    /// Its number.
    #[serde(default, deserialize_with = "non_empty")]
    pub number: Option<String>,
    /// Its date.
    #[serde(default, deserialize_with = "date_opt")]
    pub date: Option<CivilDate>,
    /// The first day it covers.
    #[serde(default, deserialize_with = "date_opt")]
    pub period_from: Option<CivilDate>,
    /// The last day it covers.
    #[serde(default, deserialize_with = "date_opt")]
    pub period_to: Option<CivilDate>,
}

/// A tax on a charge: a rate, never an amount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tax {
    /// The name to show.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The rate.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub applied_rate: Option<Decimal>,
}

/// A name and a value on a charge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tag {
    /// The name, such as `CustomerDisplayName`.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The value.
    #[serde(default, deserialize_with = "non_empty")]
    pub value: Option<String>,
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn a_charge_keeps_every_digit_and_unknown_values() {
        let charges: PayableCharges = decode_json(
            br#"{"periodFrom":"2026-03-01T00:00:00","periodTo":"2026-03-31","charges":[
              {"sku":"DISK","chargeType":"Unknown","billingCycleType":"Quarterly","quantity":1234567890.123456789012345678,
               "netPrice":1e-3,"deductions":[{"deductionType":"LoyaltyPoints","unitValue":0.10}],
               "fees":null,"invoice":null,"taxes":null,"tags":null,"currency":"usd","isNew":true}]}"#,
        )
        .unwrap();
        let charge = &charges.charges[0];
        assert_eq!(
            charge.quantity.unwrap().to_string(),
            "1234567890.123456789012345678"
        );
        assert_eq!(charge.net_price.unwrap().to_string(), "0.001");
        assert_eq!(
            charge.charge_type,
            Some(ChargeType::Unknown("Unknown".into()))
        );
        assert_eq!(
            charge.deductions[0].deduction_type,
            Some(DeductionType::Unknown("LoyaltyPoints".into()))
        );
        assert!(charge.tags.is_empty());
    }

    #[test]
    fn a_number_that_is_no_number_is_refused_by_its_path() {
        let error =
            decode_json::<PayableCharges>(br#"{"charges":[{"sku":"A"},{"quantity":"many"}]}"#)
                .unwrap_err();
        assert_eq!(error.json_path(), Some("charges[1].quantity"));
    }

    #[test]
    fn null_charges_are_none() {
        let charges: PayableCharges = decode_json(br#"{"charges":null}"#).unwrap();
        assert!(charges.charges.is_empty());
    }
}
