//! `GET /billing/receivable-charges`: what one customer owes the MSP.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::CivilDate;
use tallyline_core::wire::{
    as_number, as_number_opt, date_opt, exact_decimal, exact_decimal_opt, non_empty, null_as_empty,
};

use super::{BillingCycleType, ChargeType, required_text};

/// What one customer owes for one billing period.
///
/// Always read the period that came back: the vendor may answer with another one than asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReceivableCharges {
    /// The first day of the period.
    #[serde(default, deserialize_with = "date_opt")]
    pub period_from: Option<CivilDate>,
    /// The last day of the period.
    #[serde(default, deserialize_with = "date_opt")]
    pub period_to: Option<CivilDate>,
    /// The charges; `null` is read as none.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub charges: Vec<ReceivableCharge>,
}

/// One charge to a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReceivableCharge {
    /// The product's name; may change with the language.
    #[serde(default, deserialize_with = "non_empty")]
    pub product_name: Option<String>,
    /// The offer's key.
    #[serde(deserialize_with = "required_text")]
    pub sku: String,
    /// The kind of charge.
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
    /// The quantity.
    #[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")]
    pub quantity: Decimal,
    /// Per unit for a whole cycle.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub cost_price: Option<Decimal>,
    /// Per unit for the charge's own period.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub cost_price_prorated: Option<Decimal>,
    /// The currency's code, in any case.
    #[serde(default, deserialize_with = "non_empty")]
    pub currency: Option<String>,
    /// Whether its price can be prorated.
    #[serde(default)]
    pub is_proratable: Option<bool>,
}

impl ReceivableCharge {
    /// The quantity times the prorated price: the API states no subtotal here.
    ///
    /// `None` where the price is absent or the product does not fit 28 digits.
    #[must_use]
    pub fn sub_total(&self) -> Option<Decimal> {
        self.quantity.checked_mul(self.cost_price_prorated?)
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn the_subtotal_is_computed_exactly() {
        let charges: ReceivableCharges = decode_json(
            br#"{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":[
              {"productName":"Mail A","sku":"MAIL-A","chargeId":null,"chargeName":"Seat","chargeType":"recurring",
               "periodFrom":"2026-03-01","periodTo":"2026-03-31","quantity":3,"costPrice":0.1,"costPriceProrated":0.1,
               "currency":"CAD","isProratable":true}]}"#,
        )
        .unwrap();
        let charge = &charges.charges[0];
        assert_eq!(charge.sub_total().unwrap().to_string(), "0.3");
        assert_eq!(charge.charge_type, Some(ChargeType::Recurring));
    }
}
