//! Every worked number of the billing semantics, by section, as the library computes it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod section_1;
mod section_2;
mod section_3;
mod section_4;
mod section_5;
mod section_6;
mod section_7;

use rust_decimal::Decimal;
use tallyline_core::model::{CivilDate, Currency, Money, Period, Quantity, Timestamp};
use tallyline_core::proration::{
    Billing, BillingRule, DayCount, NextBill, PartPeriod, ProrationRule, Rounding, Step, prorate,
};
use tallyline_core::wire::parse_decimal;

const CENTS: Rounding = Rounding::half_up(2);

fn dec(text: &str) -> Decimal {
    parse_decimal(text).unwrap()
}

fn units(text: &str) -> Quantity {
    text.parse().unwrap()
}

fn usd(text: &str) -> Money {
    Money::new(dec(text), Currency::USD)
}

fn date(text: &str) -> CivilDate {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(date(start), date(end)).unwrap()
}

fn october() -> Period {
    period("2026-10-01", "2026-10-31")
}

/// What `quantity` at `unit` come to from `day` on, in cents, half up.
fn part(quantity: i64, unit: &str, period: &Period, day: &str, count: DayCount) -> Decimal {
    let share = prorate(quantity.into(), dec(unit), period, date(day), count).unwrap();
    share.round(CENTS).unwrap()
}

/// As [`part`], by real days, the effective one included.
fn inclusive(quantity: i64, unit: &str, period: &Period, day: &str) -> Decimal {
    part(quantity, unit, period, day, DayCount::ActualInclusive)
}

fn step(before: i64, after: i64, effective: &str) -> Step {
    Step {
        before: before.into(),
        after: after.into(),
        effective: date(effective),
    }
}

fn rule(billing: Billing, part: PartPeriod) -> BillingRule {
    BillingRule {
        billing,
        proration: ProrationRule::per_line(DayCount::ActualInclusive, CENTS),
        increases: part,
        decreases: part,
    }
}

/// The next bill at 20.00 a unit, for a step in October.
fn bill(billing: Billing, rule_of_part: PartPeriod, step: Step) -> NextBill {
    let rule = rule(billing, rule_of_part);
    rule.next_bill(&step, dec("20.00"), &october()).unwrap()
}
