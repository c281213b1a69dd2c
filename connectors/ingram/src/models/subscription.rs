//! Subscriptions: rows of the list, and their details.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::CivilDate;
use tallyline_core::wire::{
    FreeForm, as_number_opt, date_opt, exact_decimal_opt, non_empty, null_as_empty,
};

use super::{Attributes, BillingModel, Money, Period, attributes, id, id_opt};

tallyline_core::wire_enum! {
    /// The status of a subscription.
    pub enum SubscriptionStatus {
        /// Not ready yet.
        Pending = "pending",
        /// In order.
        Active = "active",
        /// Suspended, its services disabled.
        Hold = "hold",
        /// Ended, its services disabled.
        Terminated = "terminated",
        /// Ended and deprovisioned.
        Removed = "removed",
    }
}

/// A row of the list. It tells no quantity and no price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Subscription {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name: usually that of the plan.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The customer.
    #[serde(default, deserialize_with = "id_opt")]
    pub customer_id: Option<String>,
    /// The status.
    #[serde(default)]
    pub status: Option<SubscriptionStatus>,
    /// Names and values.
    #[serde(default, deserialize_with = "attributes")]
    pub attributes: Attributes,
    /// Whether it renews itself.
    #[serde(default)]
    pub renewal_status: Option<bool>,
    /// When it was made.
    #[serde(default, deserialize_with = "date_opt")]
    pub creation_date: Option<CivilDate>,
    /// When it renews.
    #[serde(default, deserialize_with = "date_opt")]
    pub renewal_date: Option<CivilDate>,
    /// The day of the last change; no finer.
    #[serde(default, deserialize_with = "date_opt")]
    pub last_modified_date: Option<CivilDate>,
    /// When it ends; absent while it has not started.
    #[serde(default, deserialize_with = "date_opt")]
    pub expiration_date: Option<CivilDate>,
    /// When it is charged.
    #[serde(default)]
    pub billing_model: Option<BillingModel>,
    /// How often it is invoiced.
    #[serde(default)]
    pub billing_period: Option<Period>,
    /// How long it is committed to.
    #[serde(default)]
    pub subscription_period: Option<Period>,
}

/// A subscription with its products.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SubscriptionDetail {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name: usually that of the plan.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The customer.
    #[serde(default, deserialize_with = "id_opt")]
    pub customer_id: Option<String>,
    /// The status.
    #[serde(default)]
    pub status: Option<SubscriptionStatus>,
    /// Names and values.
    #[serde(default, deserialize_with = "attributes")]
    pub attributes: Attributes,
    /// Whether it renews itself.
    #[serde(default)]
    pub renewal_status: Option<bool>,
    /// When it was made.
    #[serde(default, deserialize_with = "date_opt")]
    pub creation_date: Option<CivilDate>,
    /// When it renews.
    #[serde(default, deserialize_with = "date_opt")]
    pub renewal_date: Option<CivilDate>,
    /// The day of the last change; no finer.
    #[serde(default, deserialize_with = "date_opt")]
    pub last_modified_date: Option<CivilDate>,
    /// When it ends; absent while it has not started.
    #[serde(default, deserialize_with = "date_opt")]
    pub expiration_date: Option<CivilDate>,
    /// When it is charged.
    #[serde(default)]
    pub billing_model: Option<BillingModel>,
    /// How often it is invoiced.
    #[serde(default)]
    pub billing_period: Option<Period>,
    /// How long it is committed to.
    #[serde(default)]
    pub subscription_period: Option<Period>,
    /// What is charged each billing period.
    #[serde(default)]
    pub total_price: Option<Money>,
    /// The price over the whole term.
    #[serde(default)]
    pub total_subscription_price: Option<Money>,
    /// The cost over the whole term.
    #[serde(default)]
    pub total_subscription_cost: Option<Money>,
    /// The cost above the reseller over the whole term.
    #[serde(default)]
    pub total_subscription_provider_cost: Option<Money>,
    /// The products. An empty list says that it is not counted in seats, which is not zero of them.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub products: Vec<SubscriptionProduct>,
    /// What was asked for when it was ordered.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub order_parameters: Vec<Parameter>,
    /// What the manufacturer made of it.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub fulfillment_parameters: Vec<Parameter>,
    /// The plan.
    #[serde(default, deserialize_with = "id_opt")]
    pub plan_id: Option<String>,
}

/// A product of a subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SubscriptionProduct {
    /// The product's id.
    #[serde(deserialize_with = "id_opt")]
    pub id: Option<String>,
    /// The manufacturer's part number.
    #[serde(deserialize_with = "id_opt")]
    pub mpn: Option<String>,
    /// The manufacturer.
    #[serde(deserialize_with = "non_empty")]
    pub vendor: Option<String>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The units that the customer may use: the seats that are charged.
    #[serde(
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub quantity: Option<Decimal>,
    /// The price at which one was ordered.
    pub unit_price: Option<Money>,
    /// What the reseller pays for one.
    pub unit_cost: Option<Money>,
    /// What is paid above the reseller for one.
    pub unit_provider_cost: Option<Money>,
    /// The calculated total.
    pub extended_price: Option<Money>,
    /// The manufacturer's own id of the subscription.
    #[serde(deserialize_with = "id_opt")]
    pub vendor_subscription_id: Option<String>,
}

/// A parameter, whose values are any JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<FreeForm>,
    /// A value with parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_value: Option<FreeForm>,
}

/// What is to be changed of a subscription; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionUpdate {
    /// Whether it renews itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewal_status: Option<bool>,
    /// Names and values.
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
    /// Other prices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<SubscriptionProductUpdate>,
}

/// Other prices of a product, which is named by id or part number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionProductUpdate {
    /// The product's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The manufacturer's part number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mpn: Option<String>,
    /// The price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// The reseller's cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
}
