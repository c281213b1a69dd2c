//! Service plans.

use serde::Deserialize;
use tallyline_core::wire::{non_empty, null_as_empty};

use super::{BillingModel, Period, PeriodType, id, id_opt};

/// A term that a plan is sold for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct PlanPeriod {
    /// The kind.
    #[serde(default, rename = "type")]
    pub kind: Option<PeriodType>,
    /// How many of it.
    #[serde(default)]
    pub duration: Option<i64>,
    /// Whether it is a trial.
    #[serde(default)]
    pub trial: Option<bool>,
    /// Whether it is on sale.
    #[serde(default)]
    pub active: Option<bool>,
}

/// A plan that one may switch to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlanSwitch {
    /// The plan.
    #[serde(default, deserialize_with = "id_opt")]
    pub plan_id: Option<String>,
    /// How the rest of the period is billed.
    #[serde(default, deserialize_with = "non_empty")]
    pub billing_policy: Option<String>,
    /// When the switch counts.
    #[serde(default, deserialize_with = "non_empty")]
    pub when_effective: Option<String>,
}

/// A plan. Lists leave out the switches.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Plan {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Whether it is on sale.
    #[serde(default)]
    pub published: Option<bool>,
    /// The terms.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub subscription_periods: Vec<PlanPeriod>,
    /// How often it is invoiced.
    #[serde(default)]
    pub billing_period: Option<Period>,
    /// When it is charged.
    #[serde(default)]
    pub billing_model: Option<BillingModel>,
    /// The plans that one may switch to.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub plan_switches: Vec<PlanSwitch>,
}
