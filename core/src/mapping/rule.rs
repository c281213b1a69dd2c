//! How a vendor quantity becomes a billed quantity.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::{DailyCount, Part};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{ProductId, Quantity};

/// How a fraction becomes a whole number of units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rounding {
    /// The fraction stays.
    #[default]
    Exact,
    /// Up to the next whole unit: packs.
    Ceil,
    /// Down to the whole units below.
    Floor,
    /// To the nearest whole unit, halves away from zero.
    HalfUp,
}

impl Rounding {
    fn apply(self, value: Decimal) -> Decimal {
        match self {
            Self::Exact => value,
            Self::Ceil => value.ceil(),
            Self::Floor => value.floor(),
            Self::HalfUp => value.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero),
        }
    }
}

/// So many billed units for so many vendor units: `units` for every `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Billed units.
    pub units: Quantity,
    /// Vendor units; above zero.
    pub per: Quantity,
    /// What happens to a fraction.
    #[serde(default)]
    pub rounding: Rounding,
}

/// One product of a service link, with the rule that gives its quantity.
///
/// The order is fixed: the daily count, then the product's part, then ratio and rounding, then less
/// the included units (never below zero), then at least the minimum: `max(m, q - f)`, and not
/// `max(m, q) - f`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductRule {
    /// The product.
    pub product: ProductId,
    /// What it bills of the counts of a period's days; the present count when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<DailyCount>,
    /// Its part of a quantity that is divided among the link's products; all of it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Packs and other ratios; one to one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// Units that are free.
    #[serde(default, skip_serializing_if = "Quantity::is_zero_ref")]
    pub included: Quantity,
    /// The least that is billed while there is any usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Quantity>,
    /// Whether the vendor's cost per unit goes onto this product's line. Of the products of
    /// one service at most one carries the cost; of those that divide its quantity each may, for their
    /// units add up.
    #[serde(default)]
    pub carries_cost: bool,
}

impl ProductRule {
    /// One to one, carrying the cost.
    pub fn one_to_one(product: impl Into<ProductId>) -> Self {
        Self {
            product: product.into(),
            daily: None,
            part: None,
            ratio: None,
            included: Quantity::ZERO,
            minimum: None,
            carries_cost: true,
        }
    }

    /// Takes a part of a quantity that is divided among several products.
    #[must_use]
    pub fn with_part(mut self, part: Part) -> Self {
        self.part = Some(part);
        self
    }

    /// Bills what the counts of a period's days come to.
    #[must_use]
    pub fn with_daily(mut self, daily: DailyCount) -> Self {
        self.daily = Some(daily);
        self
    }

    /// Whether the billed quantity is the vendor's as it is.
    #[must_use]
    pub fn is_one_to_one(&self) -> bool {
        self.takes_its_part_as_it_is() && self.part.is_none() && self.daily.is_none()
    }

    /// Whether one billed unit is one of the vendor's units as they are at present.
    pub(crate) fn keeps_units(&self) -> bool {
        self.takes_its_part_as_it_is() && self.daily.is_none()
    }

    /// Whether it has neither ratio nor included units nor minimum.
    pub(super) fn takes_its_part_as_it_is(&self) -> bool {
        self.ratio.is_none() && self.included.is_zero() && self.minimum.is_none()
    }

    /// Checks the rule's own figures.
    ///
    /// # Errors
    /// `Mapping` when the ratio divides by zero or less, a figure is negative, or the daily count makes
    /// no sense.
    pub fn validate(&self) -> Result<()> {
        let wrong = |what: &str| {
            Err(Error::new(
                ErrorKind::Mapping,
                format!("the rule for product {}: {what}", self.product),
            ))
        };
        if let Some(ratio) = &self.ratio {
            if ratio.per <= Quantity::ZERO {
                return wrong("the ratio is per zero or fewer units");
            }
            if ratio.units <= Quantity::ZERO {
                return wrong(
                    "the ratio gives zero or fewer units; exclude the service if it is not to be billed",
                );
            }
        }
        if self.included < Quantity::ZERO {
            return wrong("the included units are negative");
        }
        if self.minimum.is_some_and(|minimum| minimum < Quantity::ZERO) {
            return wrong("the minimum is negative");
        }
        match &self.daily {
            Some(daily) => daily.validate().or_else(|error| wrong(error.message())),
            None => Ok(()),
        }
    }

    /// The billed quantity for the vendor's quantity of one service; for the daily count's figure,
    /// where the rule has one.
    ///
    /// # Errors
    /// `Mapping` when the rule is invalid, the number cannot be held exactly, or it takes a part: that
    /// depends on the link's other products (see [`ServiceLink::billed`](super::ServiceLink::billed)).
    pub fn billed(&self, vendor: Quantity) -> Result<Quantity> {
        if self.is_one_to_one() {
            return Ok(vendor);
        }
        if self.part.is_some() {
            return Err(Error::new(
                ErrorKind::Mapping,
                format!(
                    "product {} takes a part of the quantity, which depends on the others' parts",
                    self.product
                ),
            ));
        }
        self.validate()?;
        let mut value = vendor.value();
        if let Some(ratio) = &self.ratio {
            value = value
                .checked_mul(ratio.units.value())
                .and_then(|units| units.checked_div(ratio.per.value()))
                .map(|units| ratio.rounding.apply(units))
                .ok_or_else(|| {
                    Error::new(
                        ErrorKind::Mapping,
                        format!(
                            "{vendor} units are too many for the rule of product {}",
                            self.product
                        ),
                    )
                })?;
        }
        if !self.included.is_zero() {
            value = (value - self.included.value()).max(Decimal::ZERO);
        }
        if let Some(minimum) = self.minimum {
            value = value.max(minimum.value());
        }
        Ok(Quantity::new(value))
    }
}

impl fmt::Display for ProductRule {
    /// The rule in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(daily) = &self.daily {
            write!(f, "{daily} of the daily counts, ")?;
        }
        match (&self.part, &self.ratio) {
            (Some(part), _) => f.write_str(&part.words())?,
            (None, None) => f.write_str("one to one")?,
            (None, Some(ratio)) => {
                write!(f, "{} for every {}", ratio.units, ratio.per)?;
                f.write_str(match ratio.rounding {
                    Rounding::Exact => "",
                    Rounding::Ceil => ", rounded up",
                    Rounding::Floor => ", rounded down",
                    Rounding::HalfUp => ", rounded to the nearest",
                })?;
            }
        }
        if !self.included.is_zero() {
            write!(f, ", less {} included", self.included)?;
        }
        if let Some(minimum) = self.minimum {
            let then = if self.included.is_zero() { "" } else { "then " };
            write!(f, ", {then}at least {minimum}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> ProductRule {
        ProductRule::one_to_one("P")
    }

    #[test]
    fn packs_of_25_round_up() {
        let packs = ProductRule {
            ratio: Some(Ratio {
                units: Quantity::ONE,
                per: 25_u32.into(),
                rounding: Rounding::Ceil,
            }),
            ..rule()
        };
        assert_eq!(packs.billed(61_u32.into()).unwrap(), 3_u32.into());
        assert_eq!(packs.billed(50_u32.into()).unwrap(), 2_u32.into());
        assert_eq!(packs.to_string(), "1 for every 25, rounded up");
    }

    #[test]
    fn included_units_are_free_and_the_minimum_comes_last() {
        let both = ProductRule {
            included: 2_u32.into(),
            minimum: Some(5_u32.into()),
            ..rule()
        };
        assert_eq!(both.billed(10_u32.into()).unwrap(), 8_u32.into());
        assert_eq!(both.billed(3_u32.into()).unwrap(), 5_u32.into());
        assert_eq!(both.billed(0_u32.into()).unwrap(), 5_u32.into());
    }

    #[test]
    fn a_ratio_per_zero_is_refused() {
        let broken = ProductRule {
            ratio: Some(Ratio {
                units: Quantity::ONE,
                per: Quantity::ZERO,
                rounding: Rounding::Exact,
            }),
            ..rule()
        };
        assert_eq!(
            broken.billed(1_u32.into()).unwrap_err().kind(),
            ErrorKind::Mapping
        );
    }
}
