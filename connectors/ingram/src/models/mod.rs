//! Wire types, named as the API names them.
//!
//! The document marks almost nothing as required: every member of an answer but an id is optional here, and null counts as
//! absent. Amounts are texts on the wire and exact decimals here.

mod customer;
mod order;
mod plan;
mod product;
mod report;
mod subscription;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use tallyline_core::wire::{FreeForm, as_text, exact_decimal, text_or_number};

pub use customer::{
    Address, ContactPerson, ContactType, Customer, CustomerUpdate, NewCustomer, PartyStatus,
    Reseller,
};
pub use order::{
    NewOrder, NewOrderProduct, Order, OrderDetail, OrderDetailed, OrderEstimate, OrderProduct,
    OrderStatus, OrderType, OrderUpdate,
};
pub use plan::{Plan, PlanPeriod, PlanSwitch};
pub use product::{Product, ProductPrice};
pub use report::{DownloadUrl, Report, ReportFormat, ReportStatus, ReportType};
pub use subscription::{
    Parameter, Subscription, SubscriptionDetail, SubscriptionProduct, SubscriptionProductUpdate,
    SubscriptionStatus, SubscriptionUpdate,
};

/// Names and values. A value that is neither text, number nor truth is left out.
pub type Attributes = BTreeMap<String, String>;

/// An amount and its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Money {
    /// The code of ISO 4217.
    pub currency: String,
    /// The amount: a text on the wire, and read from a number as well.
    #[serde(deserialize_with = "exact_decimal", serialize_with = "as_text")]
    pub amount: Decimal,
}

impl Money {
    /// An amount of a currency.
    pub fn new(currency: impl Into<String>, amount: Decimal) -> Self {
        Self {
            currency: currency.into(),
            amount,
        }
    }
}

tallyline_core::wire_enum! {
    /// The kind of a period.
    pub enum PeriodType {
        /// Days.
        Day = "day",
        /// Months.
        Month = "month",
        /// Years.
        Year = "year",
        /// From one statement to the next.
        StatementDay = "statement_day",
    }
}

/// A length of time: how often something is invoiced, or how long it is committed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Period {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: PeriodType,
    /// How many of it.
    #[serde(
        deserialize_with = "exact_decimal",
        serialize_with = "tallyline_core::wire::as_number"
    )]
    pub duration: Decimal,
}

impl Period {
    /// So many of a kind.
    #[must_use]
    pub fn new(kind: PeriodType, duration: u32) -> Self {
        Self {
            kind,
            duration: duration.into(),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.duration.normalize())
    }
}

tallyline_core::wire_enum! {
    /// When something is charged.
    pub enum BillingModel {
        /// Before each billing period.
        ChargeBeforeBillingPeriod = "chargeBeforeBillingPeriod",
        /// After each billing period, by what was used.
        ChargeAfterBillingPeriod = "chargeAfterBillingPeriod",
        /// Once, before the term.
        ChargeBeforeSubscriptionPeriod = "chargeBeforeSubscriptionPeriod",
        /// By the manufacturer's rating.
        ChargeExternalRating = "chargeExternalRating",
    }
}

/// An id that may be a text or a number.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = text_or_number(deserializer)?;
    if id.trim().is_empty() {
        return Err(serde::de::Error::custom("the id is blank"));
    }
    Ok(id.to_string())
}

/// An id that may be absent, null, a text or a number.
fn id_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Id(#[serde(deserialize_with = "text_or_number")] Arc<str>);
    let id = Option::<Id>::deserialize(deserializer)?;
    Ok(id
        .map(|Id(id)| id.to_string())
        .filter(|id| !id.trim().is_empty()))
}

/// Attributes, which are texts by the document: any other value must not cost the record.
fn attributes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    let found = Option::<BTreeMap<String, FreeForm>>::deserialize(deserializer)?;
    let found = found.unwrap_or_default().into_iter();
    let texts = found.filter_map(|(name, value)| Some((name, plain_text(&value)?)));
    Ok(texts.collect())
}

/// A text, or the literal of a number or a truth.
fn plain_text(value: &FreeForm) -> Option<String> {
    match value.as_str().as_bytes().first()? {
        b'"' => value.decode().ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn an_attribute_that_is_no_text_does_not_cost_the_record() {
        let json = r#"{"id":1000310,"attributes":{"a":"x\u0041","b":1.50,"c":true,"d":null,"e":{"f":1},"g":[]}}"#;
        let customer: Customer = serde_json::from_str(json).unwrap();
        let found = customer.attributes.iter();
        let shown: Vec<String> = found
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(shown, ["a=xA", "b=1.50", "c=true"]);
        for absent in [r#"{"id":"1"}"#, r#"{"id":"1","attributes":null}"#] {
            let customer: Customer = serde_json::from_str(absent).unwrap();
            assert!(customer.attributes.is_empty());
        }
    }
}
