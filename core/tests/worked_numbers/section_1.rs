//! The one general formula, and what always holds of it.

use proptest::prelude::*;
use rust_decimal::Decimal;
use tallyline_core::model::{CivilDate, Period, Quantity};
use tallyline_core::proration::{DayCount, Share, prorate, rounded_sum, segments};

use crate::{CENTS, date, dec, inclusive, october};

const COUNTS: [DayCount; 4] = [
    DayCount::ActualInclusive,
    DayCount::ActualExclusive,
    DayCount::Thirty,
    DayCount::Whole,
];

#[test]
fn section_1_a_period_is_inclusive_of_both_ends_and_the_effective_day_is_charged() {
    assert_eq!(october().days(), 31);
    let share = |day| {
        let count = DayCount::ActualInclusive;
        prorate(Quantity::ONE, Decimal::ONE, &october(), date(day), count).unwrap()
    };
    assert_eq!(share("2026-10-11").amount_days(), dec("21"));
    assert_eq!(share("2026-10-31").amount_days(), dec("1"));
}

#[test]
fn section_1_the_effective_day_before_the_period_is_another_periods_business() {
    for count in COUNTS {
        let before = date("2026-09-30");
        let refused = prorate(Quantity::ONE, Decimal::ONE, &october(), before, count);
        assert!(
            refused.unwrap_err().to_string().contains("before"),
            "{count:?}"
        );
    }
}

#[test]
fn section_1_the_first_day_is_the_whole_price_by_every_day_count() {
    for count in COUNTS {
        let all = crate::part(3, "20.00", &october(), "2026-10-01", count);
        assert_eq!(all, dec("60.00"), "{count:?}");
    }
    assert_eq!(
        inclusive(3, "20.00", &october(), "2026-11-01"),
        Decimal::ZERO
    );
}

/// A period of up to a year, steps on different days in it from the first, and cents a unit.
fn stepped() -> impl Strategy<Value = (Period, Vec<(CivilDate, Quantity)>, Decimal)> {
    let quantities = prop::collection::btree_map(0_i32..366, 0_i64..500, 0..5);
    (
        0_i32..3000,
        1_i32..367,
        0_i64..500,
        quantities,
        0_i64..100_000,
    )
        .prop_map(|(start, days, first, later, cents)| {
            let start = date("2020-01-01").plus_days(start);
            let period = Period::new(start, start.plus_days(days - 1)).unwrap();
            let later = later.into_iter().filter(|(day, _)| (1..days).contains(day));
            let later = later.map(|(day, quantity)| (start.plus_days(day), quantity.into()));
            let steps = std::iter::once((start, first.into())).chain(later);
            (period, steps.collect(), Decimal::new(cents, 2))
        })
}

proptest! {
    #[test]
    fn section_1_invariant_3_segments_and_deltas_agree_for_any_number_of_steps((period, steps, unit) in stepped()) {
        let parts = segments(&steps, unit, &period).unwrap();
        let whole = |quantity: Quantity| {
            prorate(quantity, unit, &period, period.start(), DayCount::ActualInclusive).unwrap()
        };
        let deltas: Vec<Share> = steps
            .windows(2)
            .map(|pair| {
                let by = pair[1].1.checked_sub(pair[0].1).unwrap();
                prorate(by, unit, &period, pair[1].0, DayCount::ActualInclusive).unwrap()
            })
            .collect();
        let exact = |shares: &[Share]| -> Decimal { shares.iter().map(Share::amount_days).sum() };
        let first = whole(steps[0].1);
        prop_assert_eq!(exact(&parts), exact(&deltas) + first.amount_days());

        let by_segments = rounded_sum(&parts, CENTS).unwrap();
        let by_deltas = rounded_sum(&deltas, CENTS).unwrap() + first.round(CENTS).unwrap();
        let most = Decimal::new(5, 3) * Decimal::from(parts.len() + deltas.len());
        prop_assert!((by_segments - by_deltas).abs() <= most);
    }

    #[test]
    fn section_1_invariant_1_no_day_of_the_period_is_charged_more_than_the_whole(
        (period, steps, unit) in stepped(),
    ) {
        for count in COUNTS {
            for (day, _) in &steps {
                let share = prorate(Quantity::ONE, unit, &period, *day, count).unwrap();
                prop_assert!(share.round(CENTS).unwrap() <= unit);
            }
        }
    }
}
