//! Shares of a period, as exact fractions.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::model::{CivilDate, Currency, Period, Quantity, exact_sum};

/// How the days of a period are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DayCount {
    /// Real days; the effective day itself is charged. ConnectWise additions, Autotask units.
    ActualInclusive,
    /// Real days; the effective day itself is free.
    ActualExclusive,
    /// Every period has 30 days, counted from its first; the effective day is charged. The 31st
    /// counts as the 30th does.
    Thirty,
    /// The whole period or nothing: any day makes it whole.
    Whole,
}

impl DayCount {
    /// Days charged and days in the whole, for a change on a day of the period or after it.
    fn days(self, period: &Period, effective: CivilDate) -> (i32, i32) {
        let left = (effective.days_until(period.end()) + 1).max(0);
        match self {
            Self::ActualInclusive => (left, period.days()),
            Self::ActualExclusive if effective == period.start() => (left, period.days()),
            Self::ActualExclusive => ((left - 1).max(0), period.days()),
            Self::Thirty if left == 0 => (0, 30),
            Self::Thirty => ((30 - period.start().days_until(effective)).max(1), 30),
            Self::Whole => (left.min(1), 1),
        }
    }
}

/// What happens to a value exactly between two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RoundingMode {
    /// Away from zero: what people check by hand.
    #[default]
    HalfUp,
    /// To the even digit.
    HalfEven,
}

impl RoundingMode {
    /// The mode that a policy has where it names none.
    #[cfg(feature = "engine")]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Rounds in this mode to the minor unit of a currency (ISO 4217).
    #[must_use]
    pub fn in_minor_units(self, currency: Currency) -> Rounding {
        Rounding {
            mode: self,
            digits: currency.minor_digits(),
        }
    }
}

impl fmt::Display for RoundingMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::HalfUp => "half up",
            Self::HalfEven => "half even",
        })
    }
}

/// A rounding to a number of decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rounding {
    /// What happens to ties.
    pub mode: RoundingMode,
    /// Decimal places: 2 for cents.
    pub digits: u32,
}

impl Rounding {
    /// Half up to so many places.
    #[must_use]
    pub const fn half_up(digits: u32) -> Self {
        Self {
            mode: RoundingMode::HalfUp,
            digits,
        }
    }

    /// Half even to so many places.
    #[must_use]
    pub const fn half_even(digits: u32) -> Self {
        Self {
            mode: RoundingMode::HalfEven,
            digits,
        }
    }

    /// The rounded value.
    #[must_use]
    pub fn of(self, value: Decimal) -> Decimal {
        let strategy = match self.mode {
            RoundingMode::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            RoundingMode::HalfEven => RoundingStrategy::MidpointNearestEven,
        };
        value.round_dp_with_strategy(self.digits, strategy)
    }
}

/// An exact amount: a whole amount times a number of days, divided by the days of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The whole amount times the days charged.
    amount_days: Decimal,
    /// The days in the whole; above zero.
    days: i32,
}

impl Share {
    /// The amount times the days charged, before it is divided.
    #[must_use]
    pub fn amount_days(&self) -> Decimal {
        self.amount_days
    }

    /// The days it is divided by.
    #[must_use]
    pub fn days(&self) -> i32 {
        self.days
    }

    /// What is left of it without another share of the same whole.
    ///
    /// # Errors
    /// `Invalid` when the two do not divide by the same number of days, or the amount cannot be
    /// held exactly.
    pub fn less(&self, other: &Self) -> Result<Self> {
        if self.days != other.days {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{} days and {} days are no one whole",
                    self.days, other.days
                ),
            ));
        }
        let amount_days = self
            .amount_days
            .checked_sub(other.amount_days)
            .ok_or_else(too_large)?;
        Ok(Self {
            amount_days,
            ..*self
        })
    }

    /// The amount, rounded once.
    ///
    /// # Errors
    /// `Invalid` when it is too large.
    pub fn round(&self, rounding: Rounding) -> Result<Decimal> {
        // A quotient by a few hundred days lies on a tie or further from it than 28 digits
        // resolve, so that the division cannot turn a near miss into a tie.
        self.amount_days
            .checked_div(Decimal::from(self.days))
            .map(|amount| rounding.of(amount))
            .ok_or_else(too_large)
    }
}

/// The amount of a period in stretches: each is rounded once, then they are added.
///
/// # Errors
/// `Invalid` when an amount is too large.
pub fn rounded_sum(shares: &[Share], rounding: Rounding) -> Result<Decimal> {
    shares.iter().try_fold(Decimal::ZERO, |sum, share| {
        exact_sum(sum, share.round(rounding)?).ok_or_else(too_large)
    })
}

/// The exact amount of a change of `quantity` units at `unit` per whole period, from a day on.
///
/// Nothing where the day lies after the period.
///
/// # Errors
/// `Invalid` when the day lies before the period (that is another period's business), or the
/// amount cannot be held exactly.
pub fn prorate(
    quantity: Quantity,
    unit: Decimal,
    period: &Period,
    effective: CivilDate,
    count: DayCount,
) -> Result<Share> {
    if effective < period.start() {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("{effective} lies before the period {period}"),
        ));
    }
    let (charged, days) = count.days(period, effective);
    let whole = exact_product(quantity.value(), unit)?;
    Ok(Share {
        amount_days: exact_product(whole, Decimal::from(charged))?,
        days,
    })
}

/// The exact amount of each stretch of a period with its own quantity.
///
/// `steps` are the days on which a quantity begins to hold, in order; the first is the first day
/// of the period.
///
/// # Errors
/// `Invalid` when the steps do not begin with the period, are not in order, leave it, or an
/// amount cannot be held exactly.
pub fn segments(
    steps: &[(CivilDate, Quantity)],
    unit: Decimal,
    period: &Period,
) -> Result<Vec<Share>> {
    let in_order = steps.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let begins = steps.first().is_some_and(|(day, _)| *day == period.start());
    let ends = steps.last().is_some_and(|(day, _)| period.contains(*day));
    if !(in_order && begins && ends) {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("the steps do not divide the period {period}"),
        ));
    }
    let ends = steps
        .iter()
        .skip(1)
        .map(|(day, _)| *day)
        .chain([period.end().plus_days(1)]);
    steps
        .iter()
        .zip(ends)
        .map(|((start, quantity), end)| {
            let whole = exact_product(quantity.value(), unit)?;
            Ok(Share {
                amount_days: exact_product(whole, Decimal::from(start.days_until(end)))?,
                days: period.days(),
            })
        })
        .collect()
}

/// `a` x `b`, refused where 28 digits cannot hold it.
pub(super) fn exact_product(a: Decimal, b: Decimal) -> Result<Decimal> {
    crate::model::exact_product(a, b).ok_or_else(too_large)
}

pub(super) fn too_large() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "the amount has more digits than can be held exactly",
    )
}
