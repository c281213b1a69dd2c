//! The invariants as properties, and what is refused. The worked numbers are in `tests/worked_numbers`.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::model::{CivilDate, Money, Period, Prorated, Quantity};
use crate::wire::parse_decimal;

fn dec(text: &str) -> Decimal {
    parse_decimal(text).unwrap()
}

fn date(text: &str) -> CivilDate {
    text.parse().unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(date(start), date(end)).unwrap()
}

fn october() -> Period {
    period("2026-10-01", "2026-10-31")
}

/// The amount of `quantity` at `unit` from `day`, in cents, half up.
fn amount(quantity: i64, unit: &str, period: &Period, day: &str, count: DayCount) -> String {
    prorate(quantity.into(), dec(unit), period, date(day), count)
        .and_then(|share| share.round(Rounding::half_up(2)))
        .unwrap()
        .to_string()
}

/// The rule of ConnectWise additions.
const PER_UNIT: ProrationRule =
    ProrationRule::per_unit(DayCount::ActualInclusive, Rounding::half_up(2));

fn predicted(
    rule: ProrationRule,
    period: &Period,
    days: (&str, Option<&str>),
    quantity: i64,
    price: &str,
) -> Option<Prediction> {
    let price = Some(Money::without_currency(dec(price)));
    let days = (date(days.0), days.1.map(date));
    Prediction::new(&rule, period, days, quantity.into(), [price, None])
}

#[test]
fn three_seats_from_the_11th_of_october_are_predicted_as_40_65_by_unit_and_by_line() {
    let per_line = ProrationRule::per_line(DayCount::ActualInclusive, Rounding::half_up(2));
    for rule in [PER_UNIT, per_line] {
        let days = ("2026-10-11", Some("2026-10-31"));
        let prediction = predicted(rule, &october(), days, 3, "20.00").unwrap();
        assert_eq!(prediction.unit_price.unwrap().amount, dec("13.55"));
        assert_eq!(prediction.price.unwrap().amount, dec("40.65"));
    }
}

#[test]
fn a_prediction_is_of_the_days_within_the_first_period() {
    let until = |last| {
        let days = ("2026-10-11", Some(last));
        predicted(PER_UNIT, &october(), days, 1, "31.00").unwrap()
    };
    assert_eq!(until("2026-10-20").price.unwrap().amount, dec("10"));
    assert_eq!(until("2026-11-30").price.unwrap().amount, dec("21"));
    assert_eq!(until("2026-11-30").until, date("2026-10-31"));
    for days in [
        ("2026-10-01", None),
        ("2026-10-01", Some("2026-11-30")),
        ("2026-09-30", None),
        ("2026-11-01", None),
        ("2026-10-11", Some("2026-10-10")),
    ] {
        assert_eq!(
            predicted(PER_UNIT, &october(), days, 1, "31.00"),
            None,
            "{days:?}"
        );
    }
}

#[test]
fn a_prediction_stands_beside_what_is_shown_and_says_where_they_differ() {
    let days = ("2026-10-11", None);
    let prediction = predicted(PER_UNIT, &october(), days, 3, "20.00").unwrap();
    let shown = |price: &str| Prorated {
        price: Some(Money::without_currency(dec(price))),
        ..Prorated::default()
    };
    let beside = |shown: Option<&Prorated>| prediction.beside("the PSA", shown).unwrap();
    assert_eq!(
        beside(Some(&shown("40.650"))),
        "predicted 40.65 for 2026-10-11 to 2026-10-31, the PSA shows 40.65"
    );
    assert_eq!(
        beside(Some(&shown("40.64"))),
        "predicted 40.65 for 2026-10-11 to 2026-10-31, but the PSA shows 40.64"
    );
    assert_eq!(
        beside(None),
        "predicted 40.65 for 2026-10-11 to 2026-10-31, the PSA shows no amount for them"
    );
}

#[test]
fn a_prediction_is_compared_by_the_first_amount_that_both_sides_have() {
    let money = |text: &str| Some(Money::without_currency(dec(text)));
    let days = (date("2026-10-11"), None);
    let amounts = [money("20.00"), money("14.00")];
    let prediction = Prediction::new(&PER_UNIT, &october(), days, 3_u32.into(), amounts).unwrap();
    let cost_alone = Prorated {
        cost: prediction.cost,
        ..Prorated::default()
    };
    assert_eq!(
        prediction.beside("the PSA", Some(&cost_alone)).unwrap(),
        "predicted 28.44 of cost for 2026-10-11 to 2026-10-31, the PSA shows 28.44"
    );
    assert_eq!(prediction.to_string(), "40.65 for 2026-10-11 to 2026-10-31");
    let cost = Prediction::new(
        &PER_UNIT,
        &october(),
        days,
        3_u32.into(),
        [None, amounts[1]],
    )
    .unwrap();
    assert_eq!(
        cost.to_string(),
        "28.44 of cost for 2026-10-11 to 2026-10-31"
    );
    let neither = Prediction::new(&PER_UNIT, &october(), days, 3_u32.into(), [None, None]).unwrap();
    assert_eq!(
        neither.to_string(),
        "a part of the period, 2026-10-11 to 2026-10-31"
    );
}

#[test]
fn a_change_on_the_first_day_is_charged_whole_even_where_its_day_is_free() {
    let seat = |day| amount(1, "31.00", &october(), day, DayCount::ActualExclusive);
    assert_eq!(seat("2026-10-01"), "31");
    assert_eq!(seat("2026-10-02"), "29");
    let share = prorate(
        1_u32.into(),
        dec("31.00"),
        &october(),
        date("2026-10-11"),
        DayCount::ActualInclusive,
    );
    let share = share.unwrap();
    assert_eq!((share.amount_days(), share.days()), (dec("651"), 31));
}

#[test]
fn a_day_before_the_period_and_steps_that_do_not_divide_it_are_refused() {
    let before = prorate(
        1_u32.into(),
        dec("1"),
        &october(),
        date("2026-09-30"),
        DayCount::ActualInclusive,
    );
    assert!(before.is_err());
    let one: Quantity = 1_u32.into();
    for steps in [
        vec![],
        vec![(date("2026-10-02"), one)],
        vec![(date("2026-10-01"), one), (date("2026-10-01"), one)],
        vec![(date("2026-10-01"), one), (date("2026-11-01"), one)],
    ] {
        assert!(segments(&steps, dec("1"), &october()).is_err(), "{steps:?}");
    }
}

#[test]
fn an_amount_that_would_lose_digits_is_refused() {
    let tiny = dec("0.000000000000000001");
    assert!(
        prorate(
            Quantity::new(tiny),
            tiny,
            &october(),
            date("2026-10-01"),
            DayCount::ActualInclusive
        )
        .is_err()
    );
}

/// A period of up to a year, a day in it, and cents per unit.
fn situations() -> impl Strategy<Value = (Period, CivilDate, Decimal)> {
    (0_i32..3000, 1_i32..366, 0_i64..100_000)
        .prop_flat_map(|(start, days, cents)| {
            let start = date("2020-01-01").plus_days(start);
            let period = Period::new(start, start.plus_days(days - 1)).unwrap();
            (Just(period), 0..days, Just(Decimal::new(cents, 2)))
        })
        .prop_map(|(period, day, unit)| (period, period.start().plus_days(day), unit))
}

fn share(quantity: i64, unit: Decimal, period: &Period, day: CivilDate) -> Decimal {
    prorate(
        quantity.into(),
        unit,
        period,
        day,
        DayCount::ActualInclusive,
    )
    .unwrap()
    .amount_days()
}

proptest! {
    #[test]
    fn invariant_1_the_first_day_is_the_whole_and_after_the_end_is_nothing((period, _, unit) in situations(), dq in -500_i64..500) {
        let whole = prorate(dq.into(), unit, &period, period.start(), DayCount::ActualInclusive).unwrap();
        prop_assert_eq!(whole.round(Rounding::half_up(10)).unwrap(), Decimal::from(dq) * unit);
        for count in [DayCount::ActualInclusive, DayCount::ActualExclusive, DayCount::Thirty, DayCount::Whole] {
            let after = prorate(dq.into(), unit, &period, period.end().plus_days(1), count).unwrap();
            prop_assert!(after.amount_days().is_zero());
        }
    }

    #[test]
    fn invariant_2_adding_and_removing_on_one_day_is_nothing((period, day, unit) in situations(), dq in 0_i64..500) {
        let cents = |quantity: i64| {
            prorate(quantity.into(), unit, &period, day, DayCount::ActualInclusive)
                .and_then(|share| share.round(Rounding::half_up(2)))
                .unwrap()
        };
        prop_assert_eq!(cents(dq) + cents(-dq), Decimal::ZERO);
    }

    #[test]
    fn invariant_3_segments_and_difference_agree((period, day, unit) in situations(), q0 in 0_i64..500, q1 in 0_i64..500) {
        prop_assume!(day != period.start());
        let steps = [(period.start(), q0.into()), (day, q1.into())];
        let parts = segments(&steps, unit, &period).unwrap();
        let by_segments: Decimal = parts.iter().map(Share::amount_days).sum();
        let whole = Decimal::from(q0) * unit * Decimal::from(period.days());
        prop_assert_eq!(by_segments, whole + share(q1 - q0, unit, &period, day));

        let cents = Rounding::half_up(2);
        let rounded: Decimal = parts.iter().map(|part| part.round(cents).unwrap()).sum();
        let difference = prorate((q1 - q0).into(), unit, &period, day, DayCount::ActualInclusive).unwrap();
        let by_difference = Decimal::from(q0) * unit + difference.round(cents).unwrap();
        prop_assert!((rounded - by_difference).abs() <= Decimal::new(15, 3));
    }

    #[test]
    fn invariant_4_one_change_of_k_is_k_changes_of_one((period, day, unit) in situations(), k in 0_i64..200) {
        prop_assert_eq!(share(k, unit, &period, day), Decimal::from(k) * share(1, unit, &period, day));
    }

    #[test]
    fn invariant_5_a_later_day_never_costs_more((period, day, unit) in situations(), later in 0_i32..400, dq in -500_i64..500) {
        for count in [DayCount::ActualInclusive, DayCount::ActualExclusive, DayCount::Thirty, DayCount::Whole] {
            let at = |day| prorate(dq.into(), unit, &period, day, count).unwrap().amount_days().abs();
            prop_assert!(at(day.plus_days(later)) <= at(day));
        }
    }

    #[test]
    fn invariant_6_a_price_times_n_is_the_amount_times_n((period, day, unit) in situations(), n in 0_i64..50, dq in -500_i64..500) {
        let n_times = Decimal::from(n) * unit;
        prop_assert_eq!(share(dq, n_times, &period, day), Decimal::from(n) * share(dq, unit, &period, day));
    }

    #[test]
    fn invariant_7_no_change_is_no_amount((period, day, unit) in situations()) {
        prop_assert!(share(0, unit, &period, day).is_zero());
    }

    #[test]
    fn rounding_twice_is_harmless_for_cents_over_a_month(days in 28_i32..=31, left in 0_i32..31, cents in 0_i64..1_000_000) {
        let start = date("2026-01-01");
        let month = Period::new(start, start.plus_days(days - 1)).unwrap();
        let day = start.plus_days(left.min(days - 1));
        let unit = Decimal::new(cents, 2);
        let part = prorate(1_u32.into(), unit, &month, day, DayCount::ActualInclusive).unwrap();
        let four = part.round(Rounding::half_up(4)).unwrap();
        let two = Rounding::half_up(2);
        prop_assert_eq!(two.of(four), part.round(two).unwrap());
    }

    #[test]
    fn instalments_always_add_up(cents in -1_000_000_i64..1_000_000, parts in 1_u32..40, named in 1_u32..40) {
        let total = Decimal::new(cents, 2);
        for remainder in [RemainderIn::First, RemainderIn::Last, RemainderIn::Number(named.min(parts))] {
            let all = instalments(total, parts, remainder, Rounding::half_up(2)).unwrap();
            prop_assert_eq!(all.iter().sum::<Decimal>(), total);
            prop_assert_eq!(all.len(), parts as usize);
        }
    }
}
