//! What a PSA will show for a line that bills part of a period.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{DayCount, Rounding, prorate};
use crate::error::Result;
use crate::model::{CivilDate, Money, Period, Prorated, Quantity};

/// How a PSA charges a part of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProrationRule {
    /// How it counts days.
    pub days: DayCount,
    /// How it rounds.
    pub rounding: Rounding,
    /// Whether it rounds the amount of one unit and multiplies that; else it rounds the amount
    /// of all units once.
    pub per_unit: bool,
}

impl ProrationRule {
    /// A rule that rounds the amount of one unit.
    #[must_use]
    pub const fn per_unit(days: DayCount, rounding: Rounding) -> Self {
        Self {
            days,
            rounding,
            per_unit: true,
        }
    }

    /// A rule that rounds the amount of all units together.
    #[must_use]
    pub const fn per_line(days: DayCount, rounding: Rounding) -> Self {
        Self {
            days,
            rounding,
            per_unit: false,
        }
    }

    /// What a step of so many units comes to from a day to the end of a period.
    pub(super) fn part(
        &self,
        quantity: Quantity,
        unit: Decimal,
        period: &Period,
        from: CivilDate,
    ) -> Result<Decimal> {
        let share = |quantity| prorate(quantity, unit, period, from, self.days);
        if self.per_unit {
            let one = share(Quantity::ONE)?.round(self.rounding)?;
            return super::share::exact_product(one, quantity.value());
        }
        share(quantity)?.round(self.rounding)
    }

    /// The amount of one unit and of all units from the first to the last day of a stretch
    /// within a period.
    fn amounts(
        &self,
        quantity: Quantity,
        unit: Decimal,
        stretch: &Stretch,
    ) -> Result<[Decimal; 2]> {
        let share = |quantity| {
            let from = prorate(quantity, unit, &stretch.period, stretch.from, self.days)?;
            let after = stretch.until.plus_days(1);
            let rest = prorate(quantity, unit, &stretch.period, after, self.days)?;
            from.less(&rest)?.round(self.rounding)
        };
        let one = share(Quantity::ONE)?;
        let all = if self.per_unit {
            super::share::exact_product(one, quantity.value())?
        } else {
            share(quantity)?
        };
        Ok([one, all])
    }
}

/// A stretch of days within one billing period, both ends included.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    period: Period,
    from: CivilDate,
    until: CivilDate,
}

/// What a PSA is expected to show for the part of a period that a line bills first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Prediction {
    /// The billing period.
    pub period: Period,
    /// The first day charged.
    pub from: CivilDate,
    /// The last day charged.
    pub until: CivilDate,
    /// The price of one unit for these days, where the price per period is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// The price of all units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The cost of one unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<Money>,
    /// The cost of all units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
}

impl Prediction {
    /// Predicts the part of a period that a line bills first.
    ///
    /// Nothing where the line bills the period whole, or where an amount cannot be held exactly.
    #[must_use]
    pub fn new(
        rule: &ProrationRule,
        period: &Period,
        days: (CivilDate, Option<CivilDate>),
        quantity: Quantity,
        [unit_price, unit_cost]: [Option<Money>; 2],
    ) -> Option<Self> {
        let (from, last) = days;
        let until = last.map_or(period.end(), |last| last.min(period.end()));
        let whole = from == period.start() && until == period.end();
        if whole || !period.contains(from) || until < from {
            return None;
        }
        let stretch = Stretch {
            period: *period,
            from,
            until,
        };
        let amounts = |unit: Option<Money>| {
            let unit = unit?;
            let amounts = rule.amounts(quantity, unit.amount, &stretch).ok()?;
            Some(amounts.map(|amount| Money {
                amount: amount.normalize(),
                ..unit
            }))
        };
        let (price, cost) = (amounts(unit_price), amounts(unit_cost));
        Some(Self {
            period: *period,
            from,
            until,
            unit_price: price.map(|[one, _]| one),
            price: price.map(|[_, all]| all),
            unit_cost: cost.map(|[one, _]| one),
            cost: cost.map(|[_, all]| all),
        })
    }

    /// What was predicted beside what the PSA shows, in words. Nothing without a price or cost
    /// to compare. A difference is for a person to know; it is no failure.
    #[must_use]
    pub fn beside(&self, psa: &str, shown: Option<&Prorated>) -> Option<String> {
        let shown = shown.cloned().unwrap_or_default();
        let pairs = [
            ("", self.price, shown.price),
            (" a unit", self.unit_price, shown.unit_price),
            (" of cost", self.cost, shown.cost),
            (" of cost a unit", self.unit_cost, shown.unit_cost),
        ];
        let different = |(_, predicted, shown): &&(_, Option<Money>, Option<Money>)| {
            predicted
                .zip(*shown)
                .is_some_and(|(a, b)| a.amount != b.amount || a.is_unlike(&b))
        };
        let compared = |(_, predicted, shown): &&(_, Option<Money>, Option<Money>)| {
            predicted.is_some() && shown.is_some()
        };
        if let Some((what, Some(predicted), Some(shown))) = pairs.iter().find(different) {
            return Some(format!(
                "predicted {predicted}{what} for {}, but {psa} shows {shown}",
                self.days()
            ));
        }
        match pairs.iter().find(compared) {
            Some((what, Some(predicted), Some(shown))) => Some(format!(
                "predicted {predicted}{what} for {}, {psa} shows {shown}",
                self.days()
            )),
            _ => {
                let (what, predicted) = pairs
                    .iter()
                    .find_map(|(what, predicted, _)| Some((what, (*predicted)?)))?;
                Some(format!(
                    "predicted {predicted}{what} for {}, {psa} shows no amount for them",
                    self.days()
                ))
            }
        }
    }

    fn days(&self) -> String {
        format!("{} to {}", self.from, self.until)
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.price, self.cost) {
            (Some(price), _) => write!(f, "{price} for {}", self.days()),
            (None, Some(cost)) => write!(f, "{cost} of cost for {}", self.days()),
            (None, None) => write!(f, "a part of the period, {}", self.days()),
        }
    }
}
