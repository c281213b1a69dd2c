//! Exact quantities and money.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind, Result};
use crate::wire;

/// An exact count of units: seats, licences, GB. May be fractional or negative.
///
/// Two quantities are equal when they are the same number, whatever their scale.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(Decimal);

impl Quantity {
    /// Zero units.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// One unit.
    pub const ONE: Self = Self(Decimal::ONE);

    /// A quantity from a decimal.
    #[must_use]
    pub const fn new(value: Decimal) -> Self {
        Self(value)
    }

    /// The decimal.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// Whether it is a whole number of units.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.0.fract().is_zero()
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// [`is_zero`](Self::is_zero) by reference, for serde's `skip_serializing_if`.
    #[cfg(feature = "engine")]
    pub(crate) fn is_zero_ref(&self) -> bool {
        self.is_zero()
    }

    /// What most are: a whole number of units, where 64 bits hold it.
    #[inline]
    pub(crate) fn seats(self) -> Option<i64> {
        let value = match self.0.scale() {
            0 => self.0,
            _ => self.0.normalize(),
        };
        let units = i64::try_from(value.mantissa()).ok()?;
        (value.scale() == 0).then_some(units)
    }

    /// The sum, or nothing when 96 bits cannot hold it exactly.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        exact_sum(self.0, other.0).map(Self)
    }

    /// The difference, or nothing when 96 bits cannot hold it exactly.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        exact_sum(self.0, -other.0).map(Self)
    }
}

/// `Decimal::checked_add` rounds where the scale does not fit; this refuses instead.
pub(crate) fn exact_sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    if a.is_zero() {
        return Some(b);
    }
    let sum = a.checked_add(b)?;
    (sum.checked_sub(b)? == a && sum.checked_sub(a)? == b).then_some(sum)
}

/// `a` x `b`, refused where 28 digits cannot hold it.
pub(crate) fn exact_product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    let scale = a.scale() + b.scale();
    if scale > Decimal::MAX_SCALE {
        return None;
    }
    let product = a.checked_mul(b)?;
    // The product drops digits only by lowering its scale.
    (product.scale() == scale || product.is_zero()).then_some(product)
}

impl From<u32> for Quantity {
    fn from(units: u32) -> Self {
        Self(Decimal::from(units))
    }
}

impl From<i64> for Quantity {
    fn from(units: i64) -> Self {
        Self(Decimal::from(units))
    }
}

impl From<Decimal> for Quantity {
    fn from(value: Decimal) -> Self {
        Self(value)
    }
}

impl FromStr for Quantity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        wire::parse_decimal(text)
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seats() {
            Some(units) => f.pad(itoa::Buffer::new().format(units)),
            None => f.pad(&self.0.normalize().to_string()),
        }
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quantity({self})")
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.seats() {
            Some(units) => serializer.serialize_str(itoa::Buffer::new().format(units)),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        wire::decimal_text(deserializer).map(Self)
    }
}

/// An ISO 4217 currency code, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Canadian dollar.
    pub const CAD: Self = Self(*b"CAD");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Digits after the decimal point that the currency has in cash (ISO 4217).
    #[must_use]
    pub fn minor_digits(&self) -> u32 {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF"
            | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = Error;

    /// Reads a code in any case.
    fn from_str(text: &str) -> Result<Self> {
        match text.trim().as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self([a, b, c].map(|letter| letter.to_ascii_uppercase())))
            }
            _ => Err(Error::new(
                ErrorKind::Invalid,
                format!("{text:?} is not a three-letter currency code"),
            )),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// An exact amount per unit or in total, in one currency.
///
/// The currency is absent where a system does not say it; an amount without currency is
/// never equal to one with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// The amount, in major units (dollars, not cents).
    #[serde(
        serialize_with = "wire::as_text",
        deserialize_with = "wire::decimal_text"
    )]
    pub amount: Decimal,
    /// The currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

impl Money {
    /// An amount in a currency.
    #[must_use]
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self {
            amount,
            currency: Some(currency),
        }
    }

    /// An amount whose currency the system does not say.
    #[must_use]
    pub const fn without_currency(amount: Decimal) -> Self {
        Self {
            amount,
            currency: None,
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// `Invalid` when the two are not of one currency, one of them not saying it included, or the
    /// sum cannot be held exactly.
    pub fn plus(self, other: Self) -> Result<Self> {
        if self.currency != other.currency {
            let named = |currency: Option<Currency>| {
                currency.map_or_else(|| "no currency".to_owned(), |code| code.to_string())
            };
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{} and {} are no one sum: convert one of them first",
                    named(self.currency),
                    named(other.currency)
                ),
            ));
        }
        let amount = exact_sum(self.amount.normalize(), other.amount.normalize());
        self.holding(amount)
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`plus`](Self::plus).
    pub fn minus(self, other: Self) -> Result<Self> {
        self.plus(Self {
            amount: -other.amount,
            ..other
        })
    }

    /// The amount of so many units, this being that of one.
    ///
    /// # Errors
    /// `Invalid` when it cannot be held exactly.
    pub fn times(self, quantity: Quantity) -> Result<Self> {
        self.holding(exact_product(quantity.value(), self.amount))
    }

    /// The exact sum of amounts, each with its sign; none of no amounts.
    ///
    /// # Errors
    /// As [`plus`](Self::plus).
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Result<Option<Self>> {
        let mut amounts = amounts.into_iter();
        let first = amounts.next();
        first
            .map(|first| amounts.try_fold(first, Self::plus))
            .transpose()
    }

    /// Another amount of the same currency, where there is one.
    fn holding(self, amount: Option<Decimal>) -> Result<Self> {
        amount.map(|amount| Self { amount, ..self }).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "the amount has more digits than can be held exactly",
            )
        })
    }

    /// Whether both say their currency and the two differ.
    #[must_use]
    pub fn is_unlike(&self, other: &Self) -> bool {
        matches!((self.currency, other.currency), (Some(a), Some(b)) if a != b)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.map_or(2, |currency| currency.minor_digits());
        let mut amount = self.amount.normalize();
        if amount.scale() < digits {
            amount.rescale(digits);
        }
        match self.currency {
            Some(currency) => f.pad(&format!("{amount} {currency}")),
            None => f.pad(&amount.to_string()),
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Money({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_equal_by_number_and_print_without_trailing_zeros() {
        let a: Quantity = "10.0".parse().unwrap();
        assert_eq!(a, Quantity::from(10_u32));
        assert_eq!(a.to_string(), "10");
    }

    #[test]
    fn quantities_are_padded_as_texts_whether_whole_or_not() {
        for (text, padded) in [("-7", "-7   |"), ("2.5", "2.5  |"), ("0", "0    |")] {
            let quantity: Quantity = text.parse().unwrap();
            assert_eq!(quantity.to_string(), text);
            assert_eq!(format!("{quantity:5}|"), padded);
        }
        let many: Quantity = "79228162514264337593543950335".parse().unwrap();
        assert_eq!(many.to_string(), "79228162514264337593543950335");
        assert_eq!(
            Quantity::from(-i64::MAX).to_string(),
            (-i64::MAX).to_string()
        );
    }

    #[test]
    fn a_sum_that_would_lose_digits_is_refused() {
        let big: Quantity = "7922816251426433759354395033".parse().unwrap();
        let tiny: Quantity = "0.0000000000000000000000000001".parse().unwrap();
        assert_eq!(big.checked_add(tiny), None);
        assert!(big.checked_add(Quantity::ONE).is_some());
    }

    #[test]
    fn money_prints_at_least_the_minor_digits_of_its_currency() {
        let money = |text: &str, code: &str| {
            Money::new(wire::parse_decimal(text).unwrap(), code.parse().unwrap()).to_string()
        };
        assert_eq!(money("9.5", "usd"), "9.50 USD");
        assert_eq!(money("9.50000", "USD"), "9.50 USD");
        assert_eq!(money("0.01234", "USD"), "0.01234 USD");
        assert_eq!(money("120", "JPY"), "120 JPY");
    }

    #[test]
    fn amounts_are_unlike_only_when_both_name_a_currency() {
        let usd = Money::new(Decimal::ONE, Currency::USD);
        assert!(usd.is_unlike(&Money::new(Decimal::ONE, Currency::CAD)));
        assert!(!usd.is_unlike(&Money::without_currency(Decimal::ONE)));
    }

    #[test]
    fn twenty_eight_digits_survive_a_round_trip_through_json() {
        let text = "7922816251426.433759354395033";
        let quantity: Quantity = text.parse().unwrap();
        let json = serde_json::to_string(&quantity).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Quantity>(&json).unwrap(), quantity);
    }
}
