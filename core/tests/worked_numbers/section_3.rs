//! Advance and arrears: 10 units at 20.00 in October.

use rust_decimal::Decimal;
use tallyline_core::model::ChargeKind;
use tallyline_core::proration::{Billing, BillingRule, PartPeriod, ProrationRule, Step};

use crate::{CENTS, bill, dec, october, rule, step};

use Billing::{Advance, Arrears};
use PartPeriod::{AtEnd, AtStart, ByDays, Peak};

fn plus_3() -> Step {
    step(10, 13, "2026-10-11")
}

fn minus_2() -> Step {
    step(10, 8, "2026-10-20")
}

fn total(billing: Billing, part: PartPeriod, step: Step) -> Decimal {
    bill(billing, part, step).total
}

#[test]
fn section_3_where_nothing_changes_both_bill_200_00() {
    for part in [ByDays, AtStart, AtEnd, Peak] {
        for billing in [Advance, Arrears] {
            let unchanged = step(10, 10, "2026-10-11");
            assert_eq!(total(billing, part, unchanged), dec("200.00"));
        }
    }
}

#[test]
fn section_3_plus_3_on_oct_11_prorated_in_advance_comes_to_300_65() {
    let bill = bill(Advance, ByDays, plus_3());
    assert_eq!((bill.period, bill.part), (dec("260.00"), dec("40.65")));
    assert_eq!(bill.total, dec("300.65"));
}

#[test]
fn section_3_plus_3_on_oct_11_prorated_in_arrears_comes_to_240_65() {
    let bill = bill(Arrears, ByDays, plus_3());
    assert_eq!((bill.period, bill.part), (dec("200.00"), dec("40.65")));
    assert_eq!(bill.total, dec("240.65"));
}

#[test]
fn section_3_plus_3_not_prorated_in_advance_is_260_00_and_octobers_use_is_unbilled() {
    for part in [AtStart, AtEnd, Peak] {
        let bill = bill(Advance, part, plus_3());
        assert_eq!((bill.total, bill.part), (dec("260.00"), Decimal::ZERO));
    }
}

#[test]
fn section_3_plus_3_not_prorated_in_arrears_is_260_00_by_the_end_and_200_00_by_the_start() {
    assert_eq!(total(Arrears, AtEnd, plus_3()), dec("260.00"));
    assert_eq!(total(Arrears, AtStart, plus_3()), dec("200.00"));
    assert_eq!(total(Arrears, Peak, plus_3()), dec("260.00"));
}

#[test]
fn section_3_minus_2_on_oct_20_prorated_down_in_advance_comes_to_144_52() {
    let bill = bill(Advance, ByDays, minus_2());
    assert_eq!((bill.period, bill.part), (dec("160.00"), dec("-15.48")));
    assert_eq!(bill.total, dec("144.52"));
}

#[test]
fn section_3_minus_2_on_oct_20_prorated_down_in_arrears_comes_to_184_52() {
    let bill = bill(Arrears, ByDays, minus_2());
    assert_eq!((bill.period, bill.part), (dec("200.00"), dec("-15.48")));
    assert_eq!(bill.total, dec("184.52"));
}

#[test]
fn section_3_minus_2_not_prorated_down_is_160_00_in_advance_and_in_arrears_by_peak_or_end() {
    let advance = bill(Advance, AtStart, minus_2());
    assert_eq!(
        (advance.total, advance.part),
        (dec("160.00"), Decimal::ZERO)
    );
    assert_eq!(total(Arrears, Peak, minus_2()), dec("200.00"));
    assert_eq!(total(Arrears, AtStart, minus_2()), dec("200.00"));
    assert_eq!(total(Arrears, AtEnd, minus_2()), dec("160.00"));
}

#[test]
fn section_3_proration_up_and_proration_down_are_two_switches() {
    let up_only = BillingRule {
        decreases: Peak,
        ..rule(Advance, ByDays)
    };
    let total = |step| {
        let bill = up_only.next_bill(&step, dec("20.00"), &october());
        bill.unwrap().total
    };
    assert_eq!(total(plus_3()), dec("300.65"));
    assert_eq!(total(minus_2()), dec("160.00"));
}

#[test]
fn section_3_metered_usage_is_always_billed_in_arrears() {
    assert_eq!(Advance.of_kind(ChargeKind::Usage), Arrears);
    assert_eq!(Arrears.of_kind(ChargeKind::Usage), Arrears);
    assert_eq!(Advance.of_kind(ChargeKind::Recurring), Advance);
}

#[test]
fn section_3_a_step_in_another_period_is_on_another_bill() {
    let rule = rule(Advance, ByDays);
    for day in ["2026-09-30", "2026-11-02"] {
        let refused = rule.next_bill(&step(10, 13, day), dec("20.00"), &october());
        assert!(refused.is_err(), "{day}");
    }
    let next = rule.next_bill(&step(10, 13, "2026-11-01"), dec("20.00"), &october());
    assert_eq!(next.unwrap().total, dec("260.00"));
    let per_unit = BillingRule {
        proration: ProrationRule::per_unit(rule.proration.days, CENTS),
        billing: Arrears,
        ..rule
    };
    let same = per_unit.next_bill(&step(10, 13, "2026-11-01"), dec("20.00"), &october());
    assert_eq!(same.unwrap().total, dec("200.00"));
}
