//! What a plan may do.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

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

impl Policy {
    /// How a cost per unit is rounded.
    pub(super) fn unit_cost_rounding(&self) -> Rounding {
        Rounding {
            mode: self.money_rounding,
            digits: self.unit_cost_digits,
        }
    }
}
