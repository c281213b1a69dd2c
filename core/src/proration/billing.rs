//! What the client's next bill holds after a quantity changed within a period.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ProrationRule;
use super::share::{exact_product, too_large};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{ChargeKind, CivilDate, Period, Quantity, exact_sum};

/// When a period is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Billing {
    /// At its start: pre-billing.
    Advance,
    /// After its end: post-billing.
    Arrears,
}

impl Billing {
    /// When lines of a kind are billed where recurring ones are billed so: usage that is metered
    /// afterwards is always billed in arrears.
    #[must_use]
    pub fn of_kind(self, kind: ChargeKind) -> Self {
        match kind {
            ChargeKind::Usage => Self::Arrears,
            _ => self,
        }
    }
}

/// What becomes of a period in which a quantity changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PartPeriod {
    /// The difference is charged, or credited, for the days left.
    ByDays,
    /// The whole period is billed by the count at its start. Of one that is billed already nothing
    /// is caught up.
    AtStart,
    /// The whole period is billed by the count at its end. Of one that is billed already nothing is
    /// caught up.
    AtEnd,
    /// The whole period is billed by the larger count. Of one that is billed already nothing is
    /// caught up.
    Peak,
}

/// One change of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The quantity before.
    pub before: Quantity,
    /// The quantity after.
    pub after: Quantity,
    /// The first day on which the new quantity holds.
    pub effective: CivilDate,
}

/// When and how a line is billed. Proration up and proration down are switches of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillingRule {
    /// When a period is billed.
    pub billing: Billing,
    /// How days are counted and amounts rounded.
    pub proration: ProrationRule,
    /// What becomes of a period in which the quantity rose.
    pub increases: PartPeriod,
    /// What becomes of a period in which it fell.
    pub decreases: PartPeriod,
}

/// What a line comes to on the client's next bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NextBill {
    /// The whole period: in advance the one that follows, in arrears the one that ended.
    pub period: Decimal,
    /// What the days since the change add; negative for a credit.
    pub part: Decimal,
    /// Both together.
    pub total: Decimal,
}

impl BillingRule {
    /// What the next bill holds after a step within a period, at `unit` for a whole period.
    ///
    /// In advance the period is billed already, at the quantity before: the bill is for the period
    /// that follows, with what is caught up. In arrears the bill is for the period itself. A step on
    /// the day after the period leaves it as it was.
    ///
    /// # Errors
    /// `Invalid` when the step lies in another period (that is another bill), or an amount cannot
    /// be held exactly.
    pub fn next_bill(&self, step: &Step, unit: Decimal, period: &Period) -> Result<NextBill> {
        let follows = period.end().plus_days(1);
        if step.effective < period.start() || step.effective > follows {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{} lies in another period than {period}: it is on another bill",
                    step.effective
                ),
            ));
        }
        let by = step.after.checked_sub(step.before).ok_or_else(too_large)?;
        let rule = if by > Quantity::ZERO {
            self.increases
        } else {
            self.decreases
        };
        let part = match rule {
            PartPeriod::ByDays => {
                let from = step.effective;
                self.proration.part(by, unit, period, from)?
            }
            _ => Decimal::ZERO,
        };
        let counted = match (self.billing, rule) {
            (Billing::Advance, _) => step.after,
            (Billing::Arrears, _) if step.effective == follows => step.before,
            (Billing::Arrears, PartPeriod::ByDays | PartPeriod::AtStart) => step.before,
            (Billing::Arrears, PartPeriod::AtEnd) => step.after,
            (Billing::Arrears, PartPeriod::Peak) => step.before.max(step.after),
        };
        let rounding = self.proration.rounding;
        let whole = rounding.of(exact_product(counted.value(), unit)?);
        let total = exact_sum(whole, part).ok_or_else(too_large)?;
        Ok(NextBill {
            period: whole,
            part,
            total,
        })
    }
}
