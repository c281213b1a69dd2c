//! How the two PSAs behave.

use rust_decimal::Decimal;
use tallyline_core::proration::{
    Billing, BillingRule, DayCount, PartPeriod, ProrationRule, Rounding, Step, rounded_sum,
    segments,
};

use crate::{CENTS, bill, date, dec, inclusive, october, period, rule, step, units};

/// The rule of ConnectWise additions: the amount of one unit is rounded.
fn per_unit() -> BillingRule {
    BillingRule {
        proration: ProrationRule::per_unit(DayCount::ActualInclusive, CENTS),
        ..rule(Billing::Advance, PartPeriod::ByDays)
    }
}

/// The April bill for seats at 22.00 that came on 15 March, billed in advance.
fn april(rule: BillingRule, seats: i64) -> Decimal {
    let march = period("2026-03-01", "2026-03-31");
    let bill = rule.next_bill(&step(0, seats, "2026-03-15"), dec("22.00"), &march);
    bill.unwrap().total
}

#[test]
fn section_4_1_the_published_invoice_shows_34_06_a_seat_and_68_12_for_two() {
    assert_eq!(april(per_unit(), 1), dec("34.06"));
    assert_eq!(april(per_unit(), 2), dec("68.12"));
}

#[test]
fn section_4_1_rounding_the_extended_amount_would_give_68_13() {
    let per_line = rule(Billing::Advance, PartPeriod::ByDays);
    assert_eq!(april(per_line, 1), dec("34.06"));
    assert_eq!(april(per_line, 2), dec("68.13"));
}

#[test]
fn section_4_2_october_with_10_seats_to_the_14th_and_13_from_then_on_comes_to_232_90() {
    let steps = [
        (date("2026-10-01"), units("10")),
        (date("2026-10-15"), units("13")),
    ];
    let parts = segments(&steps, dec("20.00"), &october()).unwrap();
    let rounded = |digits| -> Vec<Decimal> {
        let rounding = Rounding::half_up(digits);
        let amount = |part: &tallyline_core::proration::Share| part.round(rounding).unwrap();
        parts.iter().map(amount).collect()
    };
    assert_eq!(rounded(4), [dec("90.3226"), dec("142.5806")]);
    assert_eq!(rounded(2), [dec("90.32"), dec("142.58")]);
    assert_eq!(rounded_sum(&parts, CENTS).unwrap(), dec("232.90"));
}

#[test]
fn section_4_2_by_the_difference_the_same_october_comes_to_200_00_and_32_90() {
    let bill = bill(
        Billing::Arrears,
        PartPeriod::ByDays,
        step(10, 13, "2026-10-15"),
    );
    assert_eq!((bill.period, bill.part), (dec("200.00"), dec("32.90")));
    assert_eq!(bill.total, dec("232.90"));
}

#[test]
fn section_4_2_a_period_from_the_contracts_day_comes_to_29_68() {
    let from_17th = period("2026-01-17", "2026-02-16");
    assert_eq!(from_17th.days(), 31);
    assert_eq!(
        inclusive(2, "20.00", &from_17th, "2026-01-25"),
        dec("29.68")
    );
}

#[test]
fn section_4_2_the_first_part_of_a_calendar_period_comes_to_96_77() {
    let january = period("2026-01-01", "2026-01-31");
    assert_eq!(inclusive(1, "200.00", &january, "2026-01-17"), dec("96.77"));
}

fn plus_3(effective: &str) -> Step {
    step(10, 13, effective)
}

#[test]
fn section_4_3_connectwise_with_proration_bills_260_00_and_40_65_by_unit_and_by_line() {
    let per_line = rule(Billing::Advance, PartPeriod::ByDays);
    for rule in [per_unit(), per_line] {
        let bill = rule.next_bill(&plus_3("2026-10-11"), dec("20.00"), &october());
        let bill = bill.unwrap();
        assert_eq!((bill.period, bill.part), (dec("260.00"), dec("40.65")));
    }
    let one = per_unit().next_bill(&step(0, 1, "2026-10-11"), dec("20.00"), &october());
    assert_eq!(one.unwrap().part, dec("13.55"));
}

#[test]
fn section_4_3_connectwise_without_proration_bills_260_00() {
    let bill = bill(Billing::Advance, PartPeriod::AtStart, plus_3("2026-10-11"));
    assert_eq!((bill.period, bill.total), (dec("260.00"), dec("260.00")));
}

#[test]
fn section_4_3_autotask_from_the_11th_bills_260_00_and_an_item_of_40_65() {
    let bill = bill(Billing::Advance, PartPeriod::ByDays, plus_3("2026-10-11"));
    assert_eq!((bill.period, bill.part), (dec("260.00"), dec("40.65")));
}

#[test]
fn section_4_3_autotask_from_the_next_period_bills_260_00_alone() {
    let bill = bill(Billing::Advance, PartPeriod::ByDays, plus_3("2026-11-01"));
    assert_eq!((bill.total, bill.part), (dec("260.00"), Decimal::ZERO));
}
