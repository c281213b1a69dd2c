//! Exact decimals from their literal text.

use rust_decimal::Decimal;

use super::{quoted, told};

/// Why a text is not an exact decimal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecimalError {
    /// It is no number: the text in quotes, or its length.
    #[error("{0} is not a number")]
    NotANumber(String),
    /// It has more digits than 28, or is too large: the text, or its length.
    #[error("{0} cannot be held exactly: more than 28 digits")]
    TooManyDigits(String),
}

/// Parses a decimal from its literal text, exponent form included, exactly or not at all.
///
/// # Errors
/// [`DecimalError`] when the text is no number or does not fit 28 digits.
pub fn parse_decimal(text: &str) -> Result<Decimal, DecimalError> {
    match plain(text) {
        Some(value) => Ok(value),
        None => any_form(text.trim()),
    }
}

/// The most digits, point included, that surely fit.
const PLAIN: usize = 18;

/// A decimal as nearly all are written: a sign or none, a few digits, a point among them or none.
fn plain(text: &str) -> Option<Decimal> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > PLAIN {
        return None;
    }
    let mut value = 0_i64;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = value * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    if digits.len() == usize::from(point.is_some()) {
        return None;
    }
    if value == 0 {
        return Some(Decimal::ZERO);
    }
    let scale = point.map_or(0, |at| digits.len() - at - 1);
    let value = if negative { -value } else { value };
    Decimal::try_new(value, u32::try_from(scale).ok()?).ok()
}

fn any_form(text: &str) -> Result<Decimal, DecimalError> {
    let not_a_number = || DecimalError::NotANumber(quoted(text));
    let too_many = || DecimalError::TooManyDigits(told(text, str::to_owned));
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (
            &text[..at],
            exponent(&text[at + 1..]).ok_or_else(not_a_number)?,
        ),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit())
    {
        return Err(not_a_number());
    }
    let significant: String = [whole, fraction].concat();
    let significant = significant.trim_start_matches('0');
    let trimmed = significant.trim_end_matches('0');
    if trimmed.is_empty() {
        return Ok(Decimal::ZERO);
    }
    // Keep the written scale where it fits, so that 9.50 stays 9.50; else drop zeros.
    let scale = |kept: &str| -> Option<i64> {
        let dropped = significant.len() - kept.len();
        Some(i64::try_from(fraction.len()).ok()? - exponent - i64::try_from(dropped).ok()?)
    };
    for kept in [significant, trimmed] {
        let Some(scale) = scale(kept) else { continue };
        if let Some(value) = assemble(kept, scale, negative) {
            return Ok(value);
        }
    }
    Err(too_many())
}

/// A whole number; what is beyond any decimal's reach comes out as beyond reach.
fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(i64::MAX / 4);
    Some(if text.starts_with('-') { -size } else { size })
}

/// `digits` x 10^-`scale`, if 96 bits and 28 places hold it exactly.
fn assemble(digits: &str, scale: i64, negative: bool) -> Option<Decimal> {
    if digits.len() > 29 {
        return None;
    }
    let mut value: i128 = digits.parse().ok()?;
    if scale < 0 {
        let power = u32::try_from(-scale).ok()?;
        value = value.checked_mul(10_i128.checked_pow(power)?)?;
    }
    let scale = u32::try_from(scale.max(0)).ok()?;
    Decimal::try_from_i128_with_scale(if negative { -value } else { value }, scale).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> String {
        parse_decimal(text).map_or_else(|error| error.to_string(), |value| value.to_string())
    }

    #[test]
    fn exponents_signs_and_zeros_are_read_exactly() {
        assert_eq!(decimal("1.5e3"), "1500");
        assert_eq!(decimal("-25E-2"), "-0.25");
        assert_eq!(decimal("-0"), "0");
        assert_eq!(decimal("0e999"), "0");
        assert_eq!(decimal("0.00E-99999999999999999999"), "0");
        assert_eq!(decimal("9.50"), "9.50");
        assert_eq!(decimal("1.000000000000000000000000000000000000"), "1");
    }

    #[test]
    fn what_cannot_be_held_exactly_is_refused() {
        for text in [
            "1e308",
            "1e-40",
            "0.12345678901234567890123456789",
            "1e99999999999",
        ] {
            assert!(decimal(text).contains("28 digits"), "{text}");
        }
        for text in [
            "NaN", "", "-", ".", "1e", "1e+-9", "1,5", "0x10", "Infinity", "1.2.3", "--1",
        ] {
            assert!(decimal(text).contains("not a number"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_decimal_survives_its_own_text(mantissa in -79_228_162_514_264_337_593_543_950_335_i128..=79_228_162_514_264_337_593_543_950_335, scale in 0_u32..=28) {
            let value = Decimal::from_i128_with_scale(mantissa, scale);
            prop_assert_eq!(parse_decimal(&value.to_string()).unwrap(), value);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}") {
            let _ = parse_decimal(&text);
        }

        #[test]
        fn what_is_written_plainly_reads_as_any_other_form_does(text in "-?[0-9]{0,12}\\.?[0-9]{0,12}") {
            if let Some(value) = plain(&text) {
                let other = any_form(&text).unwrap();
                prop_assert_eq!((value, value.scale()), (other, other.scale()));
            }
        }
    }
}
