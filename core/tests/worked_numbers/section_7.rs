//! Rounding.

use rust_decimal::Decimal;
use tallyline_core::model::{Currency, Money, Quantity};
use tallyline_core::proration::{DayCount, ProrationRule, Rounding, RoundingMode, Share, prorate};

use crate::{CENTS, date, dec, october, period, units, usd};

const FOUR: Rounding = Rounding::half_up(4);

fn days(unit: &str, left: i32, of: &str, until: &str) -> Share {
    let period = period(of, until);
    let from = period.end().plus_days(1 - left);
    let count = DayCount::ActualInclusive;
    prorate(Quantity::ONE, dec(unit), &period, from, count).unwrap()
}

#[test]
fn section_7_10_01_for_15_of_30_days_is_5_01_half_up_and_5_00_half_even() {
    let half = days("10.01", 15, "2026-04-01", "2026-04-30");
    assert_eq!(half.round(Rounding::half_up(3)).unwrap(), dec("5.005"));
    assert_eq!(half.round(Rounding::half_up(2)).unwrap(), dec("5.01"));
    assert_eq!(half.round(Rounding::half_even(2)).unwrap(), dec("5.00"));
}

#[test]
fn section_7_a_unit_rounded_and_extended_is_24_12_and_the_line_rounded_once_24_13() {
    let amount = |rule: ProrationRule| {
        let price = Some(usd("22.00"));
        let days = (date("2026-10-15"), None);
        let predicted = tallyline_core::proration::Prediction::new(
            &rule,
            &october(),
            days,
            units("2"),
            [price, None],
        );
        predicted.unwrap().price.unwrap()
    };
    let count = DayCount::ActualInclusive;
    assert_eq!(amount(ProrationRule::per_unit(count, CENTS)), usd("24.12"));
    assert_eq!(amount(ProrationRule::per_line(count, CENTS)), usd("24.13"));
}

#[test]
fn section_7_99_99_for_19_of_365_days_is_5_20_and_through_four_decimals_5_21() {
    let share = days("99.99", 19, "2026-01-01", "2026-12-31");
    assert_eq!(share.round(Rounding::half_up(6)).unwrap(), dec("5.204959"));
    assert_eq!(share.round(CENTS).unwrap(), dec("5.20"));
    let four = share.round(FOUR).unwrap();
    assert_eq!(four, dec("5.2050"));
    assert_eq!(CENTS.of(four), dec("5.21"));
}

#[test]
fn section_7_181_and_182_of_365_days_of_a_cent_go_up_only_when_rounded_twice() {
    for (left, four_digits) in [(181, "0.4959"), (182, "0.4986")] {
        let cent = days("0.01", left, "2026-01-01", "2026-12-31");
        let unit = days("1", left, "2026-01-01", "2026-12-31");
        assert_eq!(unit.round(FOUR).unwrap(), dec(four_digits));
        assert_eq!(cent.round(CENTS).unwrap(), Decimal::ZERO);
        assert_eq!(
            CENTS.of(cent.round(FOUR).unwrap()),
            dec("0.01"),
            "{left} days"
        );
    }
    for left in [180, 183] {
        let cent = days("0.01", left, "2026-01-01", "2026-12-31");
        let once = cent.round(CENTS).unwrap();
        assert_eq!(CENTS.of(cent.round(FOUR).unwrap()), once, "{left} days");
    }
}

#[test]
fn section_7_no_fraction_of_a_month_lies_where_rounding_twice_does_harm() {
    for (of, until) in [
        ("2026-02-01", "2026-02-28"),
        ("2028-02-01", "2028-02-29"),
        ("2026-04-01", "2026-04-30"),
        ("2026-10-01", "2026-10-31"),
    ] {
        for left in 0..=period(of, until).days() {
            let cent = days("0.01", left, of, until);
            let once = cent.round(CENTS).unwrap();
            assert_eq!(
                CENTS.of(cent.round(FOUR).unwrap()),
                once,
                "{left} from {of}"
            );
        }
    }
}

#[test]
fn section_7_unlike_currencies_are_not_added() {
    let euro = Money::new(dec("1"), Currency::EUR);
    let refused = usd("1").plus(euro).unwrap_err();
    assert!(refused.to_string().contains("USD and EUR"), "{refused}");
    assert!(usd("1").minus(euro).is_err());
    assert!(usd("1").plus(Money::without_currency(dec("1"))).is_err());
    assert!(Money::total([usd("1"), usd("2"), euro]).is_err());
    assert_eq!(Money::total([]).unwrap(), None);
}

#[test]
fn section_7_minor_units_are_those_of_iso_4217() {
    for (code, rounded, shown) in [
        ("JPY", "1235", "1235 JPY"),
        ("USD", "1234.57", "1234.57 USD"),
        ("KWD", "1234.568", "1234.568 KWD"),
    ] {
        let currency: Currency = code.parse().unwrap();
        let amount = RoundingMode::HalfUp
            .in_minor_units(currency)
            .of(dec("1234.5678"));
        assert_eq!(amount, dec(rounded));
        assert_eq!(Money::new(amount, currency).to_string(), shown);
    }
}

#[test]
fn section_7_a_price_below_a_cent_keeps_its_digits_until_the_line() {
    let price = usd("0.000123").times(units("1000")).unwrap();
    assert_eq!(price, usd("0.123"));
    assert_eq!(CENTS.of(price.amount), dec("0.12"));
    let too_fine = usd("0.0000000000000000000000000001");
    assert!(too_fine.times(units("0.1")).is_err(), "no digit is lost");
}
