//! The worked examples, and the invariants as properties.

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

fn inclusive(quantity: i64, unit: &str, period: &Period, day: &str) -> String {
    amount(quantity, unit, period, day, DayCount::ActualInclusive)
}

#[test]
fn one_seat_on_the_15th_differs_by_the_convention() {
    let seat = |count| amount(1, "22.00", &october(), "2026-10-15", count);
    assert_eq!(seat(DayCount::ActualInclusive), "12.06");
    assert_eq!(seat(DayCount::ActualExclusive), "11.35");
    let capped = period("2026-10-01", "2026-10-30");
    let thirty = amount(1, "22.00", &capped, "2026-10-15", DayCount::Thirty);
    assert_eq!(thirty, "11.73");
    assert_eq!(seat(DayCount::Whole), "22");
}

#[test]
fn three_seats_from_the_11th_of_october_cost_40_65_more() {
    assert_eq!(inclusive(3, "20.00", &october(), "2026-10-11"), "40.65");
    assert_eq!(
        dec("260.00") + dec("40.65"),
        dec("300.65"),
        "billed in advance"
    );
    assert_eq!(
        dec("200.00") + dec("40.65"),
        dec("240.65"),
        "billed in arrears"
    );
}

#[test]
fn two_seats_fewer_from_the_20th_of_october_are_15_48_less() {
    assert_eq!(inclusive(-2, "20.00", &october(), "2026-10-20"), "-15.48");
    assert_eq!(
        dec("160.00") - dec("15.48"),
        dec("144.52"),
        "billed in advance"
    );
    assert_eq!(
        dec("200.00") - dec("15.48"),
        dec("184.52"),
        "billed in arrears"
    );
}

#[test]
fn what_is_not_prorated_is_whole_or_nothing() {
    let whole = |quantity, day| amount(quantity, "20.00", &october(), day, DayCount::Whole);
    let sum = |billed: &str, step: String| dec(billed) + dec(&step);
    assert_eq!(sum("200.00", whole(3, "2026-10-11")), dec("260.00"));
    assert_eq!(sum("200.00", whole(3, "2026-11-01")), dec("200.00"));
    assert_eq!(sum("200.00", whole(-2, "2026-10-20")), dec("160.00"));
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
fn two_seats_from_the_15th_of_march_are_predicted_by_unit_as_24_12_and_by_line_as_24_13() {
    let march = period("2026-03-01", "2026-03-31");
    let per_line = ProrationRule::per_line(DayCount::ActualInclusive, Rounding::half_up(2));
    let price = |rule| {
        let prediction = predicted(rule, &march, ("2026-03-15", None), 2, "22.00").unwrap();
        prediction.price.unwrap().amount
    };
    assert_eq!(price(PER_UNIT), dec("24.12"));
    assert_eq!(price(per_line), dec("24.13"));
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
fn the_published_invoice_of_two_seats_from_the_15th_of_march_fits_per_unit() {
    let march = period("2026-03-01", "2026-03-31");
    let unit = dec(&inclusive(1, "22.00", &march, "2026-03-15"));
    assert_eq!(dec("22.00") + unit, dec("34.06"));
    assert_eq!((dec("22.00") + unit) * dec("2"), dec("68.12"));
    let extended = dec(&inclusive(2, "22.00", &march, "2026-03-15"));
    assert_eq!(
        dec("44.00") + extended,
        dec("68.13"),
        "extended and then rounded"
    );
}

#[test]
fn a_step_within_october_by_segments_and_by_difference_is_232_90() {
    let steps = [
        (date("2026-10-01"), 10_u32.into()),
        (date("2026-10-15"), 13_u32.into()),
    ];
    let parts = segments(&steps, dec("20.00"), &october()).unwrap();
    let cents: Vec<String> = parts
        .iter()
        .map(|part| part.round(Rounding::half_up(2)).unwrap().to_string())
        .collect();
    assert_eq!(cents, ["90.32", "142.58"]);
    assert_eq!(
        parts[0].round(Rounding::half_up(4)).unwrap(),
        dec("90.3226")
    );
    assert_eq!(
        parts[1].round(Rounding::half_up(4)).unwrap(),
        dec("142.5806")
    );
    assert_eq!(dec("90.32") + dec("142.58"), dec("232.90"));
    let difference = inclusive(3, "20.00", &october(), "2026-10-15");
    assert_eq!(dec("200.00") + dec(&difference), dec("232.90"));
}

#[test]
fn periods_may_run_from_the_contracts_day_or_be_cut_to_the_month() {
    let from_17th = period("2026-01-17", "2026-02-16");
    assert_eq!(from_17th.days(), 31);
    assert_eq!(inclusive(2, "20.00", &from_17th, "2026-01-25"), "29.68");
    let january = period("2026-01-01", "2026-01-31");
    assert_eq!(inclusive(1, "200.00", &january, "2026-01-17"), "96.77");
}

#[test]
fn four_seats_within_a_year_by_days_left() {
    let year = period("2025-03-01", "2026-02-28");
    assert_eq!(year.days(), 365);
    assert_eq!(inclusive(4, "144.00", &year, "2025-06-09"), "418.19");
    let leap = period("2027-03-01", "2028-02-29");
    assert_eq!(leap.days(), 366);
    assert_eq!(inclusive(4, "144.00", &leap, "2027-06-09"), "418.62");
}

#[test]
fn a_cut_within_the_window_gives_back_all_but_the_used_days() {
    let year = period("2025-03-01", "2026-02-28");
    assert_eq!(inclusive(-4, "144.00", &year, "2025-03-06"), "-568.11");
    assert_eq!(dec("576.00") - dec("568.11"), dec("7.89"));
}

#[test]
fn a_term_aligned_to_another_is_charged_for_its_days() {
    let aligned = period("2025-03-10", "2025-12-18");
    assert_eq!(aligned.days(), 284);
    let year = period("2024-12-19", "2025-12-18");
    assert_eq!(inclusive(5, "144.00", &year, "2025-03-10"), "560.22");
}

#[test]
fn twelve_instalments_of_100_add_up_by_the_last() {
    let parts = instalments(dec("100.00"), 12, Rounding::half_up(2));
    assert_eq!(parts[0], dec("8.33"));
    assert_eq!(parts[0] * dec("12"), dec("99.96"));
    assert_eq!(parts[11], dec("8.37"));
    assert_eq!(parts.iter().copied().sum::<Decimal>(), dec("100.00"));
    assert!(instalments(dec("1"), 0, Rounding::half_up(2)).is_empty());
}

#[test]
fn a_term_bought_on_the_31st_keeps_its_anchor_day() {
    let anchor = date("2026-01-31");
    assert_eq!(months_after(anchor, 1), date("2026-02-28"));
    assert_eq!(months_after(anchor, 2), date("2026-03-31"));
}

#[test]
fn ties_need_a_named_mode() {
    let april = period("2026-04-01", "2026-04-30");
    let half = prorate(
        1_u32.into(),
        dec("10.01"),
        &april,
        date("2026-04-16"),
        DayCount::ActualInclusive,
    )
    .unwrap();
    assert_eq!(half.round(Rounding::half_up(2)).unwrap(), dec("5.01"));
    assert_eq!(half.round(Rounding::half_even(2)).unwrap(), dec("5.00"));
}

#[test]
fn rounding_a_unit_and_rounding_the_line_differ() {
    let unit = dec(&inclusive(1, "22.00", &october(), "2026-10-15"));
    assert_eq!(unit * dec("2"), dec("24.12"));
    assert_eq!(inclusive(2, "22.00", &october(), "2026-10-15"), "24.13");
}

#[test]
fn rounding_twice_is_not_rounding_once() {
    let year = period("2026-01-01", "2026-12-31");
    let share = prorate(
        1_u32.into(),
        dec("99.99"),
        &year,
        date("2026-12-13"),
        DayCount::ActualInclusive,
    )
    .unwrap();
    assert_eq!(share.round(Rounding::half_up(2)).unwrap(), dec("5.20"));
    let four = share.round(Rounding::half_up(4)).unwrap();
    assert_eq!(four, dec("5.2050"));
    assert_eq!(Rounding::half_up(2).of(four), dec("5.21"));
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
    fn instalments_always_add_up(cents in -1_000_000_i64..1_000_000, parts in 1_u32..40) {
        let total = Decimal::new(cents, 2);
        let sum: Decimal = instalments(total, parts, Rounding::half_up(2)).iter().sum();
        prop_assert_eq!(sum, total);
    }
}
