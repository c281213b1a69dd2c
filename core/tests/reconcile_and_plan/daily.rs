//! High-water marks and averages of the daily counts of a billing period. It is 11 March.

use tallyline_core::mapping::{DailyCount, DailyTake, Part, ProductRule};
use tallyline_core::model::{AccountReading, Basis, Timestamp, UsageLine};
use tallyline_core::plan::VendorMissing;
use tallyline_core::proration::Rounding;
use tallyline_core::reconcile::Kind;
use tallyline_core::store::DayReading;

use crate::world::{World, actions, kind_of, seats, today};

const PEAK: DailyCount = DailyCount::new(DailyTake::HighWater);
const AVERAGE: DailyCount = DailyCount::new(DailyTake::Average(Rounding::half_up(2)));

fn by(daily: DailyCount) -> World {
    let rule = ProductRule::one_to_one("P-mail").with_daily(daily);
    World::new()
        .account(1)
        .service_with("mail", vec![rule], true)
}

/// What a complete reading of an account counted on a day.
fn counted(mut world: World, account: &str, day: &str, lines: Vec<UsageLine>) -> World {
    let at: Timestamp = format!("{day}T06:00:00Z").parse().unwrap();
    let reading = AccountReading::complete(account, lines, Basis::Live, at);
    let wanted = world.mapping.counted_by_day();
    let reading = DayReading::of(&reading, &wanted, today()).unwrap();
    world.counts.add(reading);
    world
}

/// The counts of mail of an account on the days of March from the first on.
fn march(world: World, account: &str, counts: &[u32]) -> World {
    (1..).zip(counts).fold(world, |world, (day, count)| {
        let lines = vec![seats("sub:a", "mail", &count.to_string())];
        counted(world, account, &format!("2026-03-{day:02}"), lines)
    })
}

fn mail(quantity: &str) -> Vec<UsageLine> {
    vec![seats("sub:a", "mail", quantity)]
}

#[test]
fn section_6_the_high_water_mark_of_the_period_is_billed_and_its_day_is_named() {
    let world = march(by(PEAK), "c-1", &[5, 5, 5, 5, 5, 5, 12, 5, 5, 5])
        .bills(1, "10", "P-mail", "6")
        .reads("c-1", mail("6"));
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 6 -> 12"]);
    let change = &plan.changes()[0];
    assert!(
        change.reason.contains("Market shows 6, which bills as 12"),
        "{}",
        change.reason
    );
    assert_eq!(
        change.evidence.rules,
        [
            "S-mail: high water of the daily counts, one to one",
            "S-mail: high-water mark of 2026-03-01 to 2026-03-11: 12 on 2026-03-07"
        ]
    );
}

#[test]
fn section_6_the_average_is_the_sum_of_the_daily_counts_by_the_days_rounded_as_named() {
    let world = march(by(AVERAGE), "c-1", &[4; 10])
        .bills(1, "10", "P-mail", "4")
        .reads("c-1", mail("9"));
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 4 -> 4.45"]);
    assert_eq!(
        plan.changes()[0].evidence.rules[1],
        "S-mail: average of 2026-03-01 to 2026-03-11: 49 over 11 days is 4.45, half up to 2 places"
    );
}

#[test]
fn a_day_without_any_observation_is_not_zero_and_is_carried_only_by_the_rule() {
    let world = |daily| {
        let world = march(by(daily), "c-1", &[4, 4, 4, 4]);
        let world = (6..=10).fold(world, |world, day| {
            counted(world, "c-1", &format!("2026-03-{day:02}"), mail("9"))
        });
        world.bills(1, "10", "P-mail", "4").reads("c-1", mail("9"))
    };
    let strict = world(PEAK);
    assert_eq!(kind_of(&strict, "a-1 P-mail"), Kind::NotObserved);
    let plan = strict.plan();
    assert!(plan.changes().is_empty());
    let said = &plan.notices()[0].message;
    assert!(
        said.contains("service S-mail: account c-1: its count of 2026-03-05 was not observed"),
        "{said}"
    );
    let carried = world(AVERAGE.carried()).plan();
    assert_eq!(actions(&carried), ["set quantity 4 -> 6.73"]);
    let words = &carried.changes()[0].evidence.rules[1];
    assert!(
        words.ends_with("carried from the day before: 2026-03-05"),
        "{words}"
    );
}

#[test]
fn usage_that_is_gone_today_does_not_take_back_the_high_water_mark() {
    let gone = |world: World| {
        world
            .bills(1, "10", "P-mail", "7")
            .with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine)
            .reads("c-1", vec![])
    };
    let whole = gone(march(by(PEAK), "c-1", &[7; 10]));
    assert_eq!(kind_of(&whole, "a-1 P-mail"), Kind::NoChange);
    assert!(whole.plan().changes().is_empty());
    // Where a day is not known, neither is the mark, and the line is not ended.
    let gap = gone(march(by(PEAK), "c-1", &[7; 9]));
    assert_eq!(kind_of(&gap, "a-1 P-mail"), Kind::NotObserved);
    // Where nothing was used in the whole period, the line is the vendor's no more.
    let never = (1..=10).fold(by(PEAK), |world, day| {
        counted(world, "c-1", &format!("2026-03-{day:02}"), vec![])
    });
    assert_eq!(kind_of(&gone(never), "a-1 P-mail"), Kind::VendorMissing);
}

#[test]
fn accounts_of_one_agreement_are_added_day_by_day_before_the_mark_is_taken() {
    let world = by(PEAK).link("c-2", 1, true);
    let world = march(world, "c-1", &[5, 5, 5, 5, 5, 1, 1, 1, 1, 1]);
    let world = march(world, "c-2", &[1, 1, 1, 1, 1, 5, 5, 5, 5, 5])
        .bills(1, "10", "P-mail", "2")
        .reads("c-1", mail("1"))
        .reads("c-2", mail("5"));
    assert_eq!(actions(&world.plan()), ["set quantity 2 -> 6"]);
}

#[test]
fn an_agreement_of_its_own_counts_its_own_subscription_alone() {
    let rule = ProductRule::one_to_one("P-mail").with_daily(PEAK);
    let on = |key: &str, quantity: &str| seats(key, "mail", quantity).with_subscription(key);
    let mut world = World::new()
        .service_with("mail", vec![rule], true)
        .per_service("c-1", 1)
        .carries(1, "50", "A1")
        .carries(1, "60", "B1")
        .bills_on("50", "500", "P-mail", "2")
        .bills_on("60", "600", "P-mail", "3");
    for day in 1..=10 {
        let (a, b) = if day == 4 { ("8", "1") } else { ("2", "3") };
        let lines = vec![on("A1", a), on("B1", b)];
        world = counted(world, "c-1", &format!("2026-03-{day:02}"), lines);
    }
    // The second subscription is gone; its mark of the period stands.
    let world = world.reads("c-1", vec![on("A1", "2")]);
    assert_eq!(actions(&world.plan()), ["set quantity 2 -> 8"]);
    assert_eq!(kind_of(&world, "60 P-mail"), Kind::NoChange);
}

#[test]
fn the_last_period_is_counted_whole_whatever_is_shown_today() {
    let world = (1..=28).fold(by(PEAK.of_last_period()), |world, day| {
        let seats = if day == 28 { "20" } else { "3" };
        counted(world, "c-1", &format!("2026-02-{day:02}"), mail(seats))
    });
    let world = world.bills(1, "10", "P-mail", "3").reads("c-1", mail("3"));
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 3 -> 20"]);
    let words = &plan.changes()[0].evidence.rules[1];
    assert!(
        words.ends_with("2026-02-01 to 2026-02-28: 20 on 2026-02-28"),
        "{words}"
    );
}

#[test]
fn a_period_is_counted_as_far_as_the_readings_show_it() {
    let old: Timestamp = "2026-03-03T09:00:00Z".parse().unwrap();
    let mut world = march(by(PEAK), "c-1", &[9, 4]).bills(1, "10", "P-mail", "3");
    let reading = AccountReading::complete("c-1", mail("3"), Basis::Live, old);
    world.readings.push(reading);
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 3 -> 9"]);
    let words = &plan.changes()[0].evidence.rules[1];
    assert!(
        words.contains("2026-03-01 to 2026-03-03: 9 on 2026-03-01"),
        "{words}"
    );

    let before: Timestamp = "2026-02-27T09:00:00Z".parse().unwrap();
    let mut world = by(PEAK).bills(1, "10", "P-mail", "3");
    let reading = AccountReading::complete("c-1", mail("5"), Basis::Live, before);
    world.readings.push(reading);
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::NotObserved);
}

#[test]
fn a_mark_can_be_divided_and_a_copy_beside_it_keeps_the_present_count() {
    let tier = |product, over: u32| {
        ProductRule::one_to_one(product)
            .with_daily(PEAK)
            .with_part(Part::SliceOver(over.into()))
    };
    let tiers = vec![tier("P-a", 0), tier("P-b", 10)];
    let world = World::new().account(1).service_with("mail", tiers, true);
    let world = march(world, "c-1", &[12; 10]).reads("c-1", mail("3"));
    assert_eq!(
        actions(&world.plan()),
        ["create a line of 10", "create a line of 2"]
    );
    let copy = ProductRule {
        carries_cost: false,
        ..ProductRule::one_to_one("P-b")
    };
    let rules = vec![ProductRule::one_to_one("P-a").with_daily(PEAK), copy];
    let world = World::new().account(1).service_with("mail", rules, true);
    let world = march(world, "c-1", &[12; 10]).reads("c-1", mail("3"));
    assert_eq!(
        actions(&world.plan()),
        ["create a line of 12", "create a line of 3"]
    );
}
