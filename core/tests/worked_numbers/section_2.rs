//! Day-count conventions: one seat more on the 15th at 22.00.

use tallyline_core::model::{CivilDate, Period};
use tallyline_core::proration::DayCount;

use crate::{date, dec, october, part, period, usd};

fn seat(period: &Period, day: &str, count: DayCount) -> rust_decimal::Decimal {
    part(1, "22.00", period, day, count)
}

#[test]
fn section_2_october_inclusive_comes_to_12_06() {
    let seat = seat(&october(), "2026-10-15", DayCount::ActualInclusive);
    assert_eq!(seat, dec("12.06"));
}

#[test]
fn section_2_october_exclusive_as_ingrams_connector_has_it_comes_to_11_35() {
    let seat = seat(&october(), "2026-10-15", DayCount::ActualExclusive);
    assert_eq!(seat, dec("11.35"));
}

#[test]
fn section_2_a_month_of_30_days_comes_to_11_73_in_a_month_of_any_length() {
    let of = |day: &str| {
        let day: CivilDate = date(day);
        seat(&Period::month_of(day), &day.to_string(), DayCount::Thirty)
    };
    for day in ["2026-10-15", "2026-04-15", "2026-02-15", "2028-02-15"] {
        assert_eq!(of(day), dec("11.73"), "{day}");
    }
    let last = seat(&october(), "2026-10-31", DayCount::Thirty);
    assert_eq!(last, seat(&october(), "2026-10-30", DayCount::Thirty));
}

#[test]
fn section_2_without_proration_any_day_is_the_whole_month() {
    for day in ["2026-10-01", "2026-10-15", "2026-10-31"] {
        assert_eq!(
            seat(&october(), day, DayCount::Whole),
            dec("22.00"),
            "{day}"
        );
    }
    assert_eq!(seat(&october(), "2026-11-01", DayCount::Whole), dec("0"));
}

#[test]
fn section_2_two_conventions_are_0_71_apart_for_each_seat_and_change() {
    let of = |count| {
        let seat = seat(&october(), "2026-10-15", count);
        usd(&seat.to_string())
    };
    let spread = of(DayCount::ActualInclusive).minus(of(DayCount::ActualExclusive));
    assert_eq!(spread.unwrap(), usd("0.71"));
}

#[test]
fn section_2_a_period_of_28_to_31_or_of_366_days_has_its_real_days_as_denominator() {
    for (start, end, days) in [
        ("2026-02-01", "2026-02-28", 28),
        ("2028-02-01", "2028-02-29", 29),
        ("2026-04-01", "2026-04-30", 30),
        ("2026-10-01", "2026-10-31", 31),
        ("2027-03-01", "2028-02-29", 366),
    ] {
        let period = period(start, end);
        let count = DayCount::ActualInclusive;
        let share = tallyline_core::proration::prorate(
            tallyline_core::model::Quantity::ONE,
            dec("22.00"),
            &period,
            date(end),
            count,
        );
        assert_eq!(share.unwrap().days(), days);
    }
}
