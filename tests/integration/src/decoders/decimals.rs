//! Exact decimals: what is accepted is exactly what stands there, and what fits is accepted.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::model::Quantity;
use tallyline_core::wire::{as_number, decode_json, exact_decimal, parse_decimal};

use super::json::write;

/// A number as sign, digits without zeros at either end, and the power of ten of the last one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Canonical {
    negative: bool,
    digits: String,
    power: i64,
}

#[derive(Deserialize, Serialize)]
struct Exact(#[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")] Decimal);

impl Canonical {
    /// Reads the grammar of a decimal by itself; `None` for what is no number.
    pub(super) fn read(text: &str) -> Option<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let (mantissa, exponent) = match lower.split_once('e') {
            Some((mantissa, exponent)) => (mantissa, signed(exponent)?),
            None => (lower.as_str(), 0),
        };
        let negative = mantissa.starts_with('-');
        let mantissa = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
        let point = mantissa.find('.').unwrap_or(mantissa.len());
        let mut digits = mantissa.to_owned();
        let mut power = exponent;
        if point < mantissa.len() {
            digits.remove(point);
            power = power.checked_sub(i64::try_from(mantissa.len() - point - 1).ok()?)?;
        }
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                power: 0,
            });
        }
        Some(Self {
            negative,
            digits: kept.to_owned(),
            power: power.checked_add(i64::try_from(digits.len() - kept.len()).ok()?)?,
        })
    }

    /// Whether 28 digits hold it, at most 28 of them behind the point.
    fn fits(&self) -> bool {
        let Ok(digits) = i64::try_from(self.digits.len()) else {
            return false;
        };
        if self.power >= 0 {
            self.power <= 28 && digits + self.power <= 28
        } else {
            self.power >= -28 && digits <= 28
        }
    }
}

/// A whole number; one beyond reach stands for all of them.
fn signed(text: &str) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let size = digits.parse().unwrap_or(FAR).min(FAR);
    plain.then_some(if text.starts_with('-') { -size } else { size })
}

/// A decimal is read exactly or not at all, from a text and from JSON alike.
pub fn decimals(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let expected = Canonical::read(text);
    match (parse_decimal(text), expected) {
        (Ok(value), Some(expected)) => {
            let written = value.to_string();
            assert_eq!(Canonical::read(&written), Some(expected), "{text:?}");
            let again = parse_decimal(&written).unwrap();
            assert_eq!(again.to_string(), written, "{text:?}");
            survives(value);
        }
        (Ok(value), None) => panic!("{text:?} is no number and was read as {value}"),
        (Err(error), Some(expected)) if expected.fits() => {
            panic!("{text:?} fits 28 digits and was refused: {error}")
        }
        (Err(_), _) => {}
    }
    if let Ok(Exact(value)) = decode_json(data) {
        let literal: String = serde_json::from_str(text).unwrap_or_else(|_| text.trim().to_owned());
        assert_eq!(parse_decimal(&literal).unwrap(), value, "{text:?}");
    }
}

/// A decimal in JSON, as a number and as a text, and as a quantity, is the same decimal.
fn survives(value: Decimal) {
    let number = write(&Exact(value));
    for json in [number.clone(), write(&number)] {
        let Exact(again) = decode_json(json.as_bytes()).unwrap();
        assert_eq!(again.to_string(), value.to_string(), "{json}");
    }
    let quantity = Quantity::new(value);
    assert_eq!(quantity.to_string().parse::<Quantity>().unwrap(), quantity);
    assert_eq!(super::json::read::<Quantity>(&write(&quantity)), quantity);
}
