//! How a new quantity is brought onto a line, and that a second look finds it done.

use proptest::prelude::*;
use tallyline_core::model::{AgreementLine, CivilDate, Quantity};
use tallyline_core::plan::{Action, Guard, Plan, Strategy as By, VendorMissing, split_pair};
use tallyline_core::reconcile::Kind;

use crate::world::{World, actions, guards, kind_of, seats, usd};

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

/// October is invoiced; 10 seats at 20.00 are billed since January; the agreement prorates.
fn october(to: &str, today: &str) -> World {
    let mut world = World::new()
        .account(1)
        .service("mail")
        .bills(1, "10", "P-mail", "10")
        .reads("c-1", vec![seats("sub:a", "mail", to)])
        .on(day(today));
    let agreement = &mut world.agreements[0];
    agreement.prorates = Some(true);
    agreement.next_invoice = Some(day("2026-11-01"));
    agreement.bill_start = Some(day("2026-01-01"));
    agreement.period_anchor = Some(day("2026-01-01"));
    let state = &mut world.lines_of(1)[0].state;
    state.effective = Some(day("2026-01-01"));
    state.unit_price = Some(usd("20.00"));
    state.unit_cost = Some(usd("14.00"));
    world
}

fn settled(world: &World, plan: &Plan) {
    let again = world.clone().applied(plan).plan();
    assert_eq!(actions(&again), Vec::<String>::new());
}

#[test]
fn in_place_the_days_until_the_next_invoice_are_not_charged() {
    let world = october("13", "2026-10-11");
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 10 -> 13"]);
    assert_eq!(
        plan.changes()[0].reason,
        "Market shows 13; PSA bills 10: 3 more to bill, from 2026-11-01 on; nothing is charged \
         for the days until then"
    );
    settled(&world, &plan);
}

#[test]
fn three_seats_from_the_11th_of_october_are_caught_up_by_a_line_of_40_65() {
    let world = october("13", "2026-10-11").by(By::InPlaceWithCatchUp);
    let plan = world.plan();
    assert_eq!(
        actions(&plan),
        [
            "set quantity 10 -> 13",
            "create a line of 3 until 2026-10-31"
        ]
    );
    let [set, catch_up] = plan.changes() else {
        panic!("{plan:?}")
    };
    assert_eq!(catch_up.follows.as_ref(), Some(&set.id));
    assert_eq!(catch_up.effective, day("2026-10-11"));
    let Action::CreateLine {
        unit_price,
        unit_cost,
        ..
    } = &catch_up.action
    else {
        panic!("{catch_up:?}")
    };
    assert_eq!(
        (*unit_price, *unit_cost),
        (Some(usd("20")), Some(usd("14")))
    );
    let prediction = catch_up.prediction.as_ref().unwrap();
    assert_eq!(prediction.unit_price, Some(usd("13.55")));
    assert_eq!(prediction.price, Some(usd("40.65")));
    assert_eq!(
        catch_up.reason,
        "Market shows 13; PSA has invoiced 10 until 2026-10-31: 3 for 2026-10-11 to 2026-10-31, \
         charged in proportion to the days"
    );
    settled(&world, &plan);
}

#[test]
fn ten_to_twelve_on_17_march_is_caught_up_until_the_month_or_the_month_ahead_ends() {
    for (next_invoice, until) in [("2026-04-01", "2026-03-31"), ("2026-05-01", "2026-04-30")] {
        let mut world = october("12", "2026-03-17").by(By::InPlaceWithCatchUp);
        world.agreements[0].next_invoice = Some(day(next_invoice));
        let plan = world.plan();
        let wanted = format!("create a line of 2 until {until}");
        assert_eq!(actions(&plan), ["set quantity 10 -> 12", wanted.as_str()]);
        assert_eq!(plan.changes()[1].effective, day("2026-03-17"));
        settled(&world, &plan);
    }
}

#[test]
fn nothing_is_caught_up_without_proration_or_outside_the_invoiced_period() {
    let world = october("13", "2026-10-11").by(By::InPlaceWithCatchUp);
    let mut whole = world.clone();
    whole.agreements[0].prorates = Some(false);
    assert_eq!(actions(&whole.plan()), ["set quantity 10 -> 13"]);
    let mut unsaid = world.clone();
    unsaid.agreements[0].next_invoice = None;
    assert_eq!(actions(&unsaid.plan()), ["set quantity 10 -> 13"]);
    let mut open = world;
    open.agreements[0].next_invoice = Some(day("2026-10-01"));
    assert_eq!(actions(&open.plan()), ["set quantity 10 -> 13"]);
}

#[test]
fn a_reduction_is_credited_only_where_the_policy_says_so() {
    let world = october("8", "2026-10-20").by(By::InPlaceWithCatchUp);
    let plan = world.plan();
    assert_eq!(actions(&plan), ["set quantity 10 -> 8"]);
    assert!(
        plan.changes()[0]
            .reason
            .ends_with("nothing is credited for the days until then")
    );
    let crediting = world.with_policy(|policy| policy.catch_up_credits = true);
    let plan = crediting.plan();
    assert_eq!(
        actions(&plan),
        [
            "set quantity 10 -> 8",
            "create a line of -2 until 2026-10-31"
        ]
    );
    assert_eq!(
        guards(&plan),
        [],
        "a line that gives back is no negative quantity"
    );
    let credit = plan.changes()[1].prediction.as_ref().unwrap();
    assert_eq!(credit.unit_price, Some(usd("7.74")));
    assert_eq!(credit.price, Some(usd("-15.48")));
    settled(&crediting, &plan);
}

#[test]
fn nothing_is_caught_up_of_a_line_that_begins_later_nor_where_a_period_begins_that_day() {
    let world = october("13", "2026-10-11").by(By::InPlaceWithCatchUp);
    let planned = |edit: fn(&mut World)| {
        let mut world = world.clone();
        edit(&mut world);
        actions(&world.plan())
    };
    assert_eq!(planned(|_| {}).len(), 2);
    let begins = planned(|world| {
        world.lines_of(1)[0].state.effective = Some(day("2026-10-20"));
    });
    assert_eq!(begins, ["set quantity 10 -> 13"]);
    let next = planned(|world| {
        world.agreements[0].next_invoice = Some(day("2026-10-11"));
    });
    assert_eq!(next, ["set quantity 10 -> 13"]);
}

#[test]
fn a_line_of_another_product_or_of_other_days_is_no_catch_up() {
    let world = october("13", "2026-10-11").by(By::InPlaceWithCatchUp);
    for (product, begins, ends) in [
        ("P-disk", "2026-10-11", "2026-10-31"),
        ("P-mail", "2026-10-11", "2026-10-30"),
        ("P-mail", "2026-10-10", "2026-10-31"),
    ] {
        let mut world = world.clone().bills(1, "11", product, "3");
        let state = &mut world.lines_of(1)[1].state;
        state.effective = Some(day(begins));
        state.last_day = Some(day(ends));
        assert_eq!(actions(&world.plan()).len(), 2, "{product} {begins} {ends}");
    }
}

#[test]
fn a_catch_up_beyond_the_agreements_last_day_is_blocked() {
    let mut world = october("13", "2026-10-11").by(By::InPlaceWithCatchUp);
    world.agreements[0].end = Some(day("2026-10-31"));
    assert_eq!(guards(&world.plan()), []);
    world.agreements[0].end = Some(day("2026-10-30"));
    let plan = world.plan();
    assert!(
        guards(&plan).contains(&Guard::AgreementDates),
        "{:?}",
        guards(&plan)
    );
    let reasons: Vec<&str> = plan.changes()[1]
        .blocks
        .iter()
        .map(|block| block.reason.as_str())
        .collect();
    assert!(
        reasons.contains(
            &"the line would bill from 2026-10-11 to 2026-10-31, and the agreement ends on \
              2026-10-30"
        ),
        "{reasons:?}"
    );
}

#[test]
fn a_quantity_that_is_set_from_a_day_on_says_so() {
    let mut world = october("13", "2026-10-11");
    world.dated = true;
    let plan = world.plan();
    let effective = plan.changes()[0].effective;
    let said = &plan.changes()[0].reason;
    assert!(said.ends_with(&format!("from {effective} on")), "{said}");
}

#[test]
fn a_line_that_is_replaced_says_what_becomes_of_the_period() {
    let mut world = october("13", "2026-10-11").by(By::Versioned);
    world.prorates_ends = true;
    let said = |world: &World| world.plan().changes()[0].reason.clone();
    assert!(
        said(&world).ends_with("billed in proportion to the days of each"),
        "{}",
        said(&world)
    );
    world.agreements[0].prorates = Some(false);
    assert!(
        said(&world).ends_with("periods before stay as they are billed"),
        "{}",
        said(&world)
    );
}

#[test]
fn a_strategy_is_named_as_in_a_plan() {
    for strategy in [By::InPlace, By::InPlaceWithCatchUp, By::Versioned] {
        assert_eq!(strategy.to_string(), strategy.as_str());
    }
}

#[test]
fn a_second_catch_up_for_the_same_days_is_left_to_a_person() {
    let world = october("13", "2026-10-11").by(By::InPlaceWithCatchUp);
    let mut later = world.clone().applied(&world.plan());
    later.readings.clear();
    let later = later.reads("c-1", vec![seats("sub:a", "mail", "14")]);
    let plan = later.on(day("2026-10-11")).plan();
    assert_eq!(actions(&plan), ["set quantity 13 -> 14"]);
    assert!(plan.changes()[0].reason.contains("left to a person"));
}

#[test]
fn a_versioned_change_ends_the_old_line_with_the_period_and_begins_the_new_one() {
    let world = october("13", "2026-10-11").by(By::Versioned);
    let plan = world.plan();
    assert_eq!(
        actions(&plan),
        [
            "end the line of 10 after 2026-10-31, a line of 13 follows",
            "create a line of 13 in place of line 10",
        ]
    );
    let [end, create] = plan.changes() else {
        panic!("{plan:?}")
    };
    assert_eq!(create.follows.as_ref(), Some(&end.id));
    assert!(!end.action.is_reduction());
    let next = world.clone().applied(&plan);
    assert_eq!(kind_of(&next, "a-1 P-mail"), Kind::NoChange);
    let new = &next.lines[0].1[1];
    assert_eq!(new.state.unit_price, Some(usd("20")));
    assert_eq!(new.state.unit_cost, Some(usd("14")));
    assert_eq!(new.state.effective, Some(day("2026-11-01")));
    settled(&world, &plan);
}

#[test]
fn a_versioned_change_is_dated_within_a_period_where_ends_are_known_to_be_prorated() {
    let mut world = october("13", "2026-10-11").by(By::Versioned);
    world.prorates_ends = true;
    let plan = world.plan();
    assert_eq!(
        actions(&plan)[0],
        "end the line of 10 after 2026-10-10, a line of 13 follows"
    );
    assert_eq!(plan.changes()[1].effective, day("2026-10-11"));
    settled(&world, &plan);
}

#[test]
fn a_line_that_begins_later_is_set_and_not_replaced() {
    let world = october("13", "2026-10-11").by(By::Versioned);
    let mut later = world.clone().applied(&world.plan());
    later.readings.clear();
    let later = later
        .reads("c-1", vec![seats("sub:a", "mail", "15")])
        .on(day("2026-10-20"));
    assert_eq!(actions(&later.plan()), ["set quantity 13 -> 15"]);
    settled(&later, &later.plan());
}

#[test]
fn a_new_cost_comes_with_the_new_line() {
    let mut world = october("13", "2026-10-11").by(By::Versioned);
    world.readings.clear();
    let usage = seats("sub:a", "mail", "13").with_unit_cost(Some(usd("15")));
    let world = world.reads("c-1", vec![usage]).on(day("2026-10-11"));
    let plan = world.plan();
    assert_eq!(plan.changes().len(), 2);
    let Action::CreateLine { unit_cost, .. } = &plan.changes()[1].action else {
        panic!("{plan:?}")
    };
    assert_eq!(*unit_cost, Some(usd("15")));
    settled(&world, &plan);
}

#[test]
fn what_blocks_one_of_a_pair_blocks_both() {
    let mut world = october("13", "2026-10-11").by(By::Versioned);
    world.agreements[0].end = Some(day("2026-10-31"));
    let plan = world.plan();
    assert_eq!(guards(&plan), [Guard::AgreementDates; 2]);
    let chosen = |change: &tallyline_core::plan::Change| change.id == plan.changes()[0].id;
    assert!(split_pair(plan.changes(), chosen).is_some());
    assert!(split_pair(plan.changes(), |_| true).is_none());
}

#[test]
fn what_blocks_a_catch_up_alone_keeps_the_quantity_that_it_goes_with() {
    let mut world = october("13", "2026-10-11").by(By::InPlaceWithCatchUp);
    world.agreements[0].start = Some(day("2026-10-12"));
    let plan = world.plan();
    assert_eq!(guards(&plan), [Guard::AgreementDates; 2]);
    let [quantity, catch_up] = plan.changes() else {
        panic!("{plan:?}")
    };
    let with = format!("it goes with change {}: ", catch_up.id);
    assert!(
        quantity.blocks[0].reason.starts_with(&with),
        "{:?}",
        quantity.blocks
    );
    assert!(!catch_up.blocks[0].reason.starts_with("it goes with"));
}

#[test]
fn a_catch_up_is_not_written_without_the_quantity_that_it_goes_with() {
    let world = october("13", "2026-10-11").by(By::InPlaceWithCatchUp);
    let plan = world.plan();
    let lines = &world.lines[0].1;
    assert_eq!(
        plan.changes()[1].check_precondition(lines),
        Err("quantity of line 10 is 10, planned on 13".to_owned())
    );
}

#[test]
fn a_new_line_is_not_written_while_the_old_one_goes_on() {
    let world = october("13", "2026-10-11").by(By::Versioned);
    let plan = world.plan();
    let mut lines = world.lines[0].1.clone();
    let new = &plan.changes()[1];
    assert_eq!(
        new.check_precondition(&lines),
        Err("line 10 has no end yet".to_owned())
    );
    lines[0].state.last_day = Some(day("2026-10-30"));
    assert!(new.check_precondition(&lines).is_err());
    lines[0].state.last_day = Some(day("2026-10-31"));
    assert_eq!(new.check_precondition(&lines), Ok(()));
    lines.push(AgreementLine::new("99", "P-mail", 1_u32));
    assert!(new.check_precondition(&lines).is_err());
}

#[test]
fn a_line_that_ends_in_a_period_not_invoiced_yet_makes_the_open_one_ambiguous() {
    let mut world = october("13", "2026-10-11").bills(1, "11", "P-mail", "3");
    world.lines_of(1)[1].state.last_day = Some(day("2026-10-31"));
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::Change);
    world.lines_of(1)[1].state.last_day = Some(day("2026-11-01"));
    assert_eq!(kind_of(&world, "a-1 P-mail"), Kind::Ambiguous);
    let plan = world.plan();
    assert!(plan.changes().is_empty());
    assert!(
        plan.notices()[0].message.contains(
            "2 open lines for one product: line 11 still bills beside line 10 in a period that is \
             not invoiced yet"
        ),
        "{:?}",
        plan.notices()
    );
}

#[test]
fn a_line_that_begins_later_is_the_line_once_it_is_created() {
    let world = World::new()
        .account(1)
        .service("mail")
        .reads("c-1", vec![seats("sub:a", "mail", "5")]);
    let plan = world.plan();
    assert_eq!(plan.changes()[0].effective, day("2026-04-01"));
    settled(&world, &plan);
}

/// One line in one agreement, in every arrangement of dates.
fn worlds() -> impl proptest::strategy::Strategy<Value = World> {
    let by = prop_oneof![
        Just(By::InPlace),
        Just(By::InPlaceWithCatchUp),
        Just(By::Versioned)
    ];
    let quantities = (0_u32..40, prop::option::weighted(0.9, 0_u32..40), 0_u32..10);
    let terms = (
        prop::option::of(any::<bool>()),
        prop::option::weighted(0.9, -2_i32..4),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let begins = prop::option::of(-400_i32..60);
    (by, quantities, terms, begins, 0_i32..730, any::<bool>()).prop_map(
        |(by, (from, to, tenths), (prorates, next, credits, ends, ending), begins, today, cost)| {
            let today = day("2026-01-15").plus_days(today);
            let mut world = World::new().account(1).service("mail").by(by);
            world.prorates_ends = ends;
            world.policy.catch_up_credits = credits;
            if ending {
                world.policy.vendor_missing = VendorMissing::EndLine;
            }
            let agreement = &mut world.agreements[0];
            agreement.prorates = prorates;
            agreement.bill_start = Some(day("2024-01-01"));
            agreement.period_anchor = agreement.bill_start;
            agreement.next_invoice = next.map(|months| first_of_month(today, months));
            if from > 0 {
                world = world.bills(1, "10", "P-mail", &from.to_string());
                let state = &mut world.lines_of(1)[0].state;
                state.effective = begins.map(|days| today.plus_days(days));
                state.unit_price = Some(usd("20"));
            }
            let usage = to.map(|to| {
                let quantity = format!("{to}.{tenths}");
                seats("sub:a", "mail", &quantity).with_unit_cost(cost.then(|| usd("7.10")))
            });
            world.reads("c-1", usage.into_iter().collect()).on(today)
        },
    )
}

/// The first day of the month so many months from a day.
fn first_of_month(day: CivilDate, months: i32) -> CivilDate {
    let first = day.first_of_month();
    (0..months.abs()).fold(first, |first, _| {
        if months < 0 {
            first.plus_days(-1).first_of_month()
        } else {
            first.plus_months(1)
        }
    })
}

/// Invoicing has run up to the day: the period that begins with it is the next to be invoiced.
fn invoiced_up_to(mut world: World, day: CivilDate) -> World {
    for agreement in &mut world.agreements {
        agreement.next_invoice = agreement.next_invoice.map(|next| next.max(day));
    }
    world.on(day)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn invariant_7_by_each_strategy_a_plan_that_was_applied_leaves_nothing_to_do(world in worlds()) {
        let plan = world.plan();
        let after = world.clone().applied(&plan);
        prop_assert_eq!(ready(&after.plan()), Vec::<String>::new());
        // What was blocked is not done, and may be planned another way on another day.
        prop_assume!(plan.summary().blocked == 0);
        let next = first_of_month(world.now.date(), 1);
        for day in [next, first_of_month(next, 1)] {
            let later = invoiced_up_to(after.clone(), day);
            prop_assert_eq!(ready(&later.plan()), Vec::<String>::new(), "on {}", day);
        }
    }

    #[test]
    fn by_each_strategy_the_units_of_the_next_period_are_what_the_vendor_shows(world in worlds()) {
        let plan = world.plan();
        prop_assume!(plan.changes().iter().any(|change| {
            matches!(change.action, Action::SetQuantity { .. } | Action::CreateLine { .. })
        }));
        prop_assume!(plan.summary().blocked == 0);
        let wanted: Quantity = world.readings[0].lines().unwrap()[0].quantity;
        let after = world.clone().applied(&plan);
        let begins = after.lines[0].1.iter().filter_map(|line| line.state.effective).max();
        let next = after.agreements[0].next_invoice.unwrap_or(world.now.date());
        let probe = begins.map_or(next, |begins| begins.max(next)).max(world.now.date());
        let later = first_of_month(probe, 1);
        let billed = after.lines[0].1.iter().filter(|line| line.is_open_on(later));
        let sum = billed.fold(Quantity::ZERO, |sum, line| {
            sum.checked_add(line.state.quantity).unwrap()
        });
        prop_assert_eq!(sum, wanted);
    }
}

fn ready(plan: &Plan) -> Vec<String> {
    plan.changes()
        .iter()
        .filter(|change| !change.is_blocked())
        .map(|change| change.action.to_string())
        .collect()
}
