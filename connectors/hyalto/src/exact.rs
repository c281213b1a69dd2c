//! Arithmetic that is exact or says that it is not.

use rust_decimal::Decimal;

/// `value x 10^-scale`, where 28 digits hold it.
pub(crate) fn decimal(mut value: i128, mut scale: u32) -> Option<Decimal> {
    while scale > 0 && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    Decimal::try_from_i128_with_scale(value, scale).ok()
}

/// `a x b`, where 28 digits hold it.
pub(crate) fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b) = (a.normalize(), b.normalize());
    decimal(
        a.mantissa().checked_mul(b.mantissa())?,
        a.scale() + b.scale(),
    )
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::parse_decimal;

    use super::*;

    #[test]
    fn a_product_is_exact_or_none() {
        let times = |a: &str, b: &str| {
            product(parse_decimal(a).unwrap(), parse_decimal(b).unwrap())
                .map(|value| value.to_string())
        };
        assert_eq!(times("2.50", "0.4").as_deref(), Some("1"));
        assert_eq!(times("-1.5", "1024").as_deref(), Some("-1536"));
        assert_eq!(times("0.0009765625", "1024").as_deref(), Some("1"));
        assert_eq!(
            times("0", "0.0000000000000000000000000001").as_deref(),
            Some("0")
        );
        let tiny = "0.0000000000000000000000000001";
        assert_eq!(times(tiny, "0.1"), None);
        assert_eq!(times("79228162514264337593543950335", "10"), None);
    }
}
