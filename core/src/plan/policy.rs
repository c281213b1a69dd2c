//! What a plan may do.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::dates::Direction;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Currency, ServiceKey};
use crate::proration::{Rounding, RoundingMode};
use crate::sink::SinkDescriptor;
use crate::source::Trigger;
use crate::wire;

/// Whether a period is billed before it begins or after it ends. Chosen once for an
/// [integration](crate::integration::Integration), and never changed after that.
///
/// What is metered is billed afterwards in either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BillingMode {
    /// In advance: the invoice dated with a period's first day is for that period.
    PreBilling,
    /// In arrears: the invoice is for the period that ends the day before its date.
    PostBilling,
}

impl BillingMode {
    /// The name, as it stands in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreBilling => "pre_billing",
            Self::PostBilling => "post_billing",
        }
    }
}

impl fmt::Display for BillingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which changes count from their own day, in proportion to the days: two switches that do not
/// depend on each other. What is switched off counts from the first day of a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proration {
    /// More units.
    pub increase: bool,
    /// Fewer units: what is billed already is credited.
    pub decrease: bool,
}

/// What becomes of a change that is to be prorated in arrears on an agreement that does not prorate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProrationCheck {
    /// It is blocked.
    #[default]
    Refuse,
    /// It counts from a period's first day, and the plan warns.
    Warn,
}

/// Which count of a period is billed in arrears where it is not prorated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArrearsCount {
    /// That of its first day: a change counts from the next period on.
    #[default]
    StartOfPeriod,
    /// That of its last day: a change counts for the whole of the period that runs.
    EndOfPeriod,
}

/// What becomes of what is prepaid for a year where the agreement bills monthly. A year's commitment
/// that the vendor bills monthly is none of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PrepaidYears {
    /// Nothing is changed, and the plan says why.
    #[default]
    Leave,
    /// Its units are billed monthly, at a twelfth of the vendor's yearly amounts.
    Monthly,
}

/// What becomes of the lines that an agreement has beside the one that a mapping goes on with, where
/// nothing was written to the agreement yet: they would bill the same thing twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Duplicates {
    /// They are reported as ambiguous.
    #[default]
    Report,
    /// Their ends are proposed, and wait for a person's word.
    Propose,
    /// They are ended.
    End,
}

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
    /// Whether the price per unit that the vendor states for the client is written. Where it is not,
    /// no price is touched, and a new line has its product's.
    #[serde(skip_serializing_if = "is_off")]
    pub sync_unit_price: bool,
    /// Decimal places that a cost is rounded to before it is compared and written; no more than the sink keeps
    /// ([`SinkDescriptor::amount_digits`]). A bill is charged by its units where quantity, price and cost have
    /// no more, else by its total.
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
    /// Whether periods are billed in advance or in arrears. Where nothing is said, the agreement's
    /// next invoice is taken to be for the days from its date on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_mode: Option<BillingMode>,
    /// Which changes are prorated. Where nothing is said, those of agreements that prorate, as the
    /// sink's [`Strategy`](super::Strategy) does it, and reductions by `catch_up_credits`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proration: Option<Proration>,
    /// What becomes of a change to be prorated in arrears, where the agreement does not prorate.
    #[serde(skip_serializing_if = "is_default")]
    pub proration_check: ProrationCheck,
    /// Which count of a period is billed in arrears where it is not prorated.
    #[serde(skip_serializing_if = "is_default")]
    pub arrears_count: ArrearsCount,
    /// What becomes of what is prepaid for a year on a monthly agreement.
    #[serde(skip_serializing_if = "is_default")]
    pub prepaid_years: PrepaidYears,
    /// When changes of a service are due, where it is not as the source says of its kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<ServiceKey, Trigger>,
    /// What becomes of lines that would bill the same thing twice, on an agreement that nothing was
    /// written to yet.
    #[serde(skip_serializing_if = "is_default")]
    pub duplicates: Duplicates,
}

fn is_off(switch: &bool) -> bool {
    !switch
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Policy {
    /// Whether changes of a direction are prorated; none where the agreement decides.
    pub(crate) fn prorates(&self, direction: Direction) -> Option<bool> {
        let switches = self.proration?;
        Some(match direction {
            Direction::Increase => switches.increase,
            Direction::Decrease => switches.decrease,
            Direction::Either => switches.increase && switches.decrease,
        })
    }

    /// Whether costs or prices per unit are set.
    pub(crate) fn syncs_amounts(&self) -> bool {
        self.sync_unit_cost || self.sync_unit_price
    }

    /// Whether anything is prorated by a switch.
    pub(crate) fn has_proration(&self) -> bool {
        self.proration
            .is_some_and(|switches| switches.increase || switches.decrease)
    }

    /// Whether a reduction within a period that is invoiced already is credited.
    pub(crate) fn credits(&self) -> bool {
        self.proration
            .map_or(self.catch_up_credits, |switches| switches.decrease)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            create_lines: true,
            create_agreements: true,
            new_agreement_months: 12,
            sync_unit_cost: true,
            sync_unit_price: false,
            unit_cost_digits: 4,
            money_rounding: RoundingMode::default(),
            vendor_missing: VendorMissing::default(),
            effective_date: EffectiveDate::default(),
            reduction_limit: ReductionLimit::default(),
            increase_limit: IncreaseLimit::default(),
            catch_up_credits: false,
            plan_valid_hours: 72,
            default_currency: None,
            billing_mode: None,
            proration: None,
            proration_check: ProrationCheck::default(),
            arrears_count: ArrearsCount::default(),
            prepaid_years: PrepaidYears::default(),
            triggers: BTreeMap::new(),
            duplicates: Duplicates::default(),
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

    /// The policy as a sink can carry it out.
    pub(super) fn within(mut self, sink: &SinkDescriptor) -> Self {
        let kept = sink.amount_digits.unwrap_or(self.unit_cost_digits);
        self.unit_cost_digits = self.unit_cost_digits.min(kept);
        self
    }

    /// How a cost per unit is rounded.
    pub(super) fn unit_cost_rounding(&self) -> Rounding {
        Rounding {
            mode: self.money_rounding,
            digits: self.unit_cost_digits,
        }
    }
}
