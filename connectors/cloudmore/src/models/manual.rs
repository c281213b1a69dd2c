//! `O/manualbilling`.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::CivilDate;
use tallyline_core::wire::{as_number, exact_decimal};

/// A one-off adjustment of an organization's bill: a charge, or a discount where it is negative.
///
/// The first three members are documented, the others inferred from the fields that the vendor
/// calls mandatory. The source never writes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewManualBillingLine {
    /// The day of the bill that it goes on. Sent as midnight.
    #[serde(with = "midnight")]
    pub billing_date: CivilDate,
    /// The service.
    pub service_id: String,
    /// The product, where it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// The subscription.
    pub subscription_id: String,
    /// The number of units.
    #[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")]
    pub quantity: Decimal,
    /// What the reseller pays per unit.
    #[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")]
    pub cost_price: Decimal,
    /// What the client pays per unit.
    #[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")]
    pub sales_price: Decimal,
}

impl NewManualBillingLine {
    /// An adjustment of one subscription, without prices.
    pub fn new(
        billing_date: CivilDate,
        service_id: impl Into<String>,
        subscription_id: impl Into<String>,
        quantity: Decimal,
    ) -> Self {
        Self {
            billing_date,
            service_id: service_id.into(),
            product_id: None,
            subscription_id: subscription_id.into(),
            quantity,
            cost_price: Decimal::ZERO,
            sales_price: Decimal::ZERO,
        }
    }
}

/// A date that is written as the date-time of its midnight.
mod midnight {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use tallyline_core::model::CivilDate;
    use tallyline_core::wire::parse_date;

    pub(super) fn serialize<S: Serializer>(date: &CivilDate, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{date}T00:00:00"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<CivilDate, D::Error> {
        let text = String::deserialize(from)?;
        parse_date(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not a date")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adjustment_is_written_with_exact_numbers_and_a_date_time() {
        let date = "2026-03-25".parse().unwrap();
        let mut line = NewManualBillingLine::new(date, "s-1", "u-1", "-1.50".parse().unwrap());
        line.sales_price = "0.10".parse().unwrap();
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(
            text,
            r#"{"billingDate":"2026-03-25T00:00:00","serviceId":"s-1","subscriptionId":"u-1","quantity":-1.50,"costPrice":0,"salesPrice":0.10}"#
        );
        let again: NewManualBillingLine = serde_json::from_str(&text).unwrap();
        assert_eq!(again, line);
    }
}
