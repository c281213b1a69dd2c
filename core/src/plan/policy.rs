//! What a plan may do.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::model::Currency;
use crate::proration::{Rounding, RoundingMode};
use crate::wire;

/// What becomes of a line that a mapping owns and a complete reading has no usage for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VendorMissing {
    /// It is reported; nothing is changed.
    #[default]
    Report,
    /// The line is ended. For vendors whose lists drop what is cancelled.
    EndLine,
}

/// The first day on which a change counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EffectiveDate {
    /// The day of the plan where the agreement prorates; else the first day not invoiced yet,
    /// or the first of the next month where that is not known.
    #[default]
    ByAgreement,
    /// The first day not invoiced yet, or the first of the next month where that is not known.
    NextPeriod,
    /// The day of the plan.
    Today,
}

/// When a plan takes away too much to be trusted: above both figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReductionLimit {
    /// Per cent of the lines compared, or of the units on them.
    #[serde(
        serialize_with = "wire::as_text",
        deserialize_with = "wire::decimal_text"
    )]
    pub percent: Decimal,
    /// Number of lines.
    pub lines: u64,
}

impl Default for ReductionLimit {
    /// Above 20 per cent and above 5 lines.
    fn default() -> Self {
        Self {
            percent: Decimal::from(20),
            lines: 5,
        }
    }
}

/// When a plan adds too much to be trusted: above both figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncreaseLimit {
    /// Per cent of the lines compared, new ones included, or of the units on them. 100 for no
    /// limit on new lines: for a first plan, when nothing is billed yet.
    #[serde(
        serialize_with = "wire::as_text",
        deserialize_with = "wire::decimal_text"
    )]
    pub percent: Decimal,
    /// Number of lines.
    pub lines: u64,
}

impl Default for IncreaseLimit {
    /// Above 30 per cent and above 20 lines.
    fn default() -> Self {
        Self {
            percent: Decimal::from(30),
            lines: 20,
        }
    }
}

/// What a plan may do, and when it is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Whether usage with no line makes a new line.
    pub create_lines: bool,
    /// Whether usage that is to have an agreement of its own, and has none, makes a new one.
    pub create_agreements: bool,
    /// How many months a new agreement runs, where the vendor's commitment does not run longer.
    pub new_agreement_months: u32,
    /// Whether the vendor's cost per unit is written.
    pub sync_unit_cost: bool,
    /// Decimal places that a cost is rounded to before it is compared and written.
    pub unit_cost_digits: u32,
    /// What happens to ties where costs and the sums of charges are rounded.
    #[serde(skip_serializing_if = "RoundingMode::is_default")]
    pub money_rounding: RoundingMode,
    /// What becomes of a line without usage.
    pub vendor_missing: VendorMissing,
    /// The first day on which a change counts.
    pub effective_date: EffectiveDate,
    /// When a plan takes away too much to be trusted.
    pub reduction_limit: ReductionLimit,
    /// When a plan adds too much to be trusted.
    pub increase_limit: IncreaseLimit,
    /// Whether a reduction within a period that is invoiced already is credited by a line of
    /// its own, where the sink catches up (see [`Strategy`](super::Strategy)).
    pub catch_up_credits: bool,
    /// For how many hours a plan may be carried out.
    pub plan_valid_hours: u32,
    /// The currency of agreements that do not state one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_currency: Option<Currency>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            create_lines: true,
            create_agreements: true,
            new_agreement_months: 12,
            sync_unit_cost: true,
            unit_cost_digits: 4,
            money_rounding: RoundingMode::default(),
            vendor_missing: VendorMissing::default(),
            effective_date: EffectiveDate::default(),
            reduction_limit: ReductionLimit::default(),
            increase_limit: IncreaseLimit::default(),
            catch_up_credits: false,
            plan_valid_hours: 72,
            default_currency: None,
        }
    }
}

/// The longest new agreement: a century of months.
const MOST_MONTHS: u32 = 1200;

/// How long a plan may be carried out: a year of hours.
const MOST_HOURS: u32 = 366 * 24;

impl Policy {
    /// Checks that every figure can be meant. A plan can be made by one that is not checked; what reads
    /// a policy from a person checks it.
    ///
    /// # Errors
    /// `Config` with the key that makes no sense, and what it may be.
    pub fn validate(&self) -> Result<()> {
        let wrong = |key: &str, value: &dyn fmt::Display, what: &str| {
            Err(Error::new(
                ErrorKind::Config,
                format!("policy.{key} is {value}: {what}"),
            ))
        };
        let (reduction, increase) = (self.reduction_limit.percent, self.increase_limit.percent);
        if reduction < Decimal::ZERO || reduction > Decimal::ONE_HUNDRED {
            let what = "write a percentage from 0 to 100, which is no limit";
            return wrong("reduction_limit.percent", &reduction, what);
        }
        if increase < Decimal::ZERO {
            let what = "write a percentage from 0 on";
            return wrong("increase_limit.percent", &increase, what);
        }
        if !(1..=MOST_MONTHS).contains(&self.new_agreement_months) {
            let what = "a new agreement runs from 1 month to 1200";
            return wrong("new_agreement_months", &self.new_agreement_months, what);
        }
        if self.unit_cost_digits > Decimal::MAX_SCALE {
            let what = "amounts have 28 decimal places at most";
            return wrong("unit_cost_digits", &self.unit_cost_digits, what);
        }
        if !(1..=MOST_HOURS).contains(&self.plan_valid_hours) {
            let what = "a plan is valid from 1 hour to a year, 8784 hours";
            return wrong("plan_valid_hours", &self.plan_valid_hours, what);
        }
        Ok(())
    }

    /// How a cost per unit is rounded.
    pub(super) fn unit_cost_rounding(&self) -> Rounding {
        Rounding {
            mode: self.money_rounding,
            digits: self.unit_cost_digits,
        }
    }
}
