//! Other quantity policies.

use std::collections::BTreeMap;

use tallyline_core::mapping::{
    BilledAs, DailyCount, DailyTake, Part, ProductRule, Ratio, Rounding as RatioRounding,
    ServiceLink,
};
use tallyline_core::model::{ChargeKind, Period, Quantity};
use tallyline_core::proration::Rounding;

use crate::{date, units};

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
    assert_eq!(packs(RatioRounding::Ceil, "61"), units("3"));
    assert_eq!(packs(RatioRounding::Floor, "61"), units("2"));
    assert_eq!(packs(RatioRounding::HalfUp, "61"), units("2"));
    assert_eq!(
        packs(RatioRounding::HalfUp, "62.5"),
        units("3"),
        "halves go up"
    );
    assert_eq!(packs(RatioRounding::Exact, "61"), units("2.44"));
}

fn link(parts: &[(&str, Part)]) -> ServiceLink {
    let rule = |(product, part): &(&str, Part)| ProductRule::one_to_one(*product).with_part(*part);
    let products = parts.iter().map(rule).collect();
    ServiceLink::manual(products, ChargeKind::Recurring, BilledAs::Line)
}

fn each(link: &ServiceLink, quantity: &str) -> Vec<String> {
    let billed = link.billed(units(quantity)).unwrap();
    billed.iter().map(ToString::to_string).collect()
}

#[test]
fn section_6_volume_tiers_bill_the_whole_of_q_in_its_tier() {
    let tiers = link(&[
        ("P-10", Part::AllOver(units("0"))),
        ("P-50", Part::AllOver(units("10"))),
        ("P-more", Part::AllOver(units("50"))),
    ]);
    for (quantity, wanted) in [
        ("0", ["0", "0", "0"]),
        ("10", ["10", "0", "0"]),
        ("11", ["0", "11", "0"]),
        ("50", ["0", "50", "0"]),
        ("50.5", ["0", "0", "50.5"]),
    ] {
        assert_eq!(each(&tiers, quantity), wanted, "{quantity}");
    }
}

#[test]
fn section_6_graduated_tiers_bill_each_slice_in_its_own_tier_in_whatever_order_they_stand() {
    let tiers = link(&[
        ("P-more", Part::SliceOver(units("50"))),
        ("P-10", Part::SliceOver(units("0"))),
        ("P-50", Part::SliceOver(units("10"))),
    ]);
    for (quantity, wanted) in [
        ("0", ["0", "0", "0"]),
        ("7.5", ["0", "7.5", "0"]),
        ("10", ["0", "10", "0"]),
        ("62", ["12", "10", "40"]),
    ] {
        assert_eq!(each(&tiers, quantity), wanted, "{quantity}");
    }
}

#[test]
fn section_6_a_split_is_rounded_by_largest_remainder_so_that_it_adds_up_to_q() {
    let percent = |text: &str| Part::Percent(units(text).value());
    let split = link(&[
        ("P-a", percent("50")),
        ("P-b", percent("30")),
        ("P-c", percent("20")),
    ]);
    assert_eq!(each(&split, "10"), ["5", "3", "2"]);
    // 3.5, 2.1 and 1.4: the one unit left goes to the largest remainder.
    assert_eq!(each(&split, "7"), ["4", "2", "1"]);
    let halves = link(&[("P-a", percent("50")), ("P-b", percent("50"))]);
    assert_eq!(
        each(&halves, "7"),
        ["4", "3"],
        "of equal remainders the first goes up"
    );
    let fixed = link(&[("P-a", Part::Units(units("5"))), ("P-b", Part::Rest)]);
    assert_eq!(each(&fixed, "12"), ["5", "7"]);
    assert_eq!(each(&fixed, "3"), ["3", "0"]);
}

#[test]
fn section_6_one_to_many_copies_q_to_each_product() {
    let copy = |product: &str| ProductRule {
        carries_cost: false,
        ..ProductRule::one_to_one(product)
    };
    let products = vec![copy("P-licence"), copy("P-service")];
    let link = ServiceLink::manual(products, ChargeKind::Recurring, BilledAs::Line);
    assert_eq!(each(&link, "5"), ["5", "5"]);
}

/// What a rule takes of the counts of the days from 1 October on.
fn taken(take: DailyTake, counts: &[&str]) -> Quantity {
    let rule = DailyCount::new(take);
    let start = date("2026-10-01");
    let observed: BTreeMap<_, _> = (0..)
        .zip(counts)
        .map(|(day, count)| (start.plus_days(day), units(count)))
        .collect();
    let days = Period::new(start, *observed.keys().next_back().unwrap()).unwrap();
    let series = rule.series(&days, &observed).unwrap();
    rule.figure(&series).unwrap().quantity
}

#[test]
fn section_6_the_high_water_mark_is_the_largest_daily_count_of_the_period() {
    let mut october = ["10"; 31];
    october[16] = "14";
    assert_eq!(taken(DailyTake::HighWater, &october), units("14"));
}

#[test]
fn section_6_the_average_is_the_sum_of_daily_counts_by_n_rounded_to_a_stated_scale() {
    let mut october = ["10"; 31];
    october[16] = "14";
    let average = |rounding| taken(DailyTake::Average(rounding), &october);
    assert_eq!(average(Rounding::half_up(4)), units("10.1290"));
    assert_eq!(average(Rounding::half_up(2)), units("10.13"));
    assert_eq!(average(Rounding::half_up(0)), units("10"));
    let tie = |rounding| taken(DailyTake::Average(rounding), &["1", "2"]);
    assert_eq!(tie(Rounding::half_up(0)), units("2"));
    assert_eq!(tie(Rounding::half_even(0)), units("2"));
    let tie = |rounding| taken(DailyTake::Average(rounding), &["2", "3"]);
    assert_eq!(tie(Rounding::half_up(0)), units("3"));
    assert_eq!(tie(Rounding::half_even(0)), units("2"));
}
