//! Other quantity policies.

use tallyline_core::mapping::{ProductRule, Ratio, Rounding};
use tallyline_core::model::Quantity;

use crate::units;

fn one_to_one() -> ProductRule {
    ProductRule::one_to_one("P")
}

fn billed(rule: &ProductRule, quantity: &str) -> Quantity {
    rule.billed(units(quantity)).unwrap()
}

#[test]
fn section_6_exact_bills_q() {
    assert_eq!(billed(&one_to_one(), "10.5"), units("10.5"));
}

#[test]
fn section_6_included_2_of_10_bills_8_and_never_less_than_nothing() {
    let mut rule = one_to_one();
    rule.included = units("2");
    assert_eq!(billed(&rule, "10"), units("8"));
    assert_eq!(billed(&rule, "1"), units("0"));
}

#[test]
fn section_6_a_minimum_of_5_bills_5_for_3() {
    let mut rule = one_to_one();
    rule.minimum = Some(units("5"));
    assert_eq!(billed(&rule, "3"), units("5"));
    assert_eq!(billed(&rule, "7"), units("7"));
}

#[test]
fn section_6_both_is_the_minimum_or_what_is_left_of_q_and_says_its_order() {
    let mut both = one_to_one();
    both.included = units("2");
    both.minimum = Some(units("5"));
    assert_eq!(
        billed(&both, "6"),
        units("5"),
        "max(5, 6 - 2), and not max(5, 6) - 2"
    );
    assert_eq!(billed(&both, "10"), units("8"));
    assert_eq!(
        both.to_string(),
        "one to one, less 2 included, then at least 5"
    );
}

#[test]
fn section_6_packs_of_25_mailboxes_are_3_for_61_by_ceil() {
    let packs = |rounding, quantity| {
        let mut rule = one_to_one();
        rule.ratio = Some(Ratio {
            units: Quantity::ONE,
            per: units("25"),
            rounding,
        });
        billed(&rule, quantity)
    };
    assert_eq!(packs(Rounding::Ceil, "61"), units("3"));
    assert_eq!(packs(Rounding::Floor, "61"), units("2"));
    assert_eq!(packs(Rounding::HalfUp, "61"), units("2"));
    assert_eq!(packs(Rounding::HalfUp, "62.5"), units("3"), "halves go up");
    assert_eq!(packs(Rounding::Exact, "61"), units("2.44"));
}
