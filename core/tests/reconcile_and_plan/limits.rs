//! The limits of what a plan takes away, and of what it adds, in sum.

use tallyline_core::model::{AccountReading, Basis, Quantity, ReadingOutcome};
use tallyline_core::plan::{Guard, VendorMissing};

use crate::world::{World, cut, guards, now, seats, usd};

#[test]
fn the_reduction_guard_needs_both_the_share_and_the_count() {
    assert_eq!(
        guards(&cut(10, 5, "9").plan()),
        [],
        "5 lines are within the count"
    );
    assert_eq!(
        guards(&cut(100, 6, "9").plan()),
        [],
        "6 % is within the share"
    );
    let tripped = cut(20, 6, "9").plan();
    assert_eq!(guards(&tripped), [Guard::TotalReduction; 6]);
    assert!(
        tripped.changes()[0].blocks[0].reason.starts_with(
            "the plan takes units away from 6 of 20 lines (30 %) and 6 of 200 units (3 %)"
        ),
        "{:?}",
        tripped.changes()[0].blocks
    );
}

#[test]
fn the_reduction_guard_counts_lines_that_agree_in_parts_of_a_unit_and_with_a_cost() {
    let mut world = cut(20, 6, "9");
    for (n, quantity, cost) in [(19_u32, "10.25", None), (20, "30", Some(usd("2")))] {
        let agreed = seats("sub:a", "mail", quantity).with_unit_cost(cost);
        world.readings[n as usize - 1].outcome = ReadingOutcome::Complete(vec![agreed]);
        world.lines_of(n)[0].state.quantity = quantity.parse().unwrap();
        world.lines_of(n)[0].state.unit_cost = cost;
    }
    let plan = world.plan();
    let reason = &plan.changes()[0].blocks[0].reason;
    let counted = "6 of 20 lines (30 %) and 6 of 220.25 units (2.7 %)";
    assert!(reason.contains(counted), "{reason}");
}

#[test]
fn an_outage_that_reads_every_account_as_empty_blocks_every_reduction() {
    let mut world =
        cut(30, 0, "10").with_policy(|policy| policy.vendor_missing = VendorMissing::EndLine);
    for reading in &mut world.readings {
        *reading = AccountReading::complete(reading.account.clone(), vec![], Basis::Live, now());
    }
    let plan = world.plan();
    assert_eq!(plan.summary().blocked, 30);
    assert_eq!(plan.summary().ready, 0);
}

/// `lines` accounts of 10 seats each, of which `new` are not billed.
fn unbilled(lines: u32, new: u32) -> World {
    (1..=lines).fold(World::new().service("mail"), |world, n| {
        let world = world.account(n);
        let world = if n > new {
            world.bills(n, &n.to_string(), "P-mail", "10")
        } else {
            world
        };
        world.reads(&format!("c-{n}"), vec![seats("sub:a", "mail", "10")])
    })
}

#[test]
fn the_increase_guard_needs_both_the_share_and_the_count() {
    assert_eq!(
        guards(&unbilled(30, 20).plan()),
        [],
        "20 lines are the count"
    );
    assert_eq!(guards(&unbilled(70, 21).plan()), [], "30 % is the share");
    let tripped = unbilled(60, 21).plan();
    assert_eq!(guards(&tripped), [Guard::TotalIncrease; 21]);
    assert!(
        tripped.changes()[0].blocks[0]
            .reason
            .starts_with("the plan adds units to 21 of 60 lines (35 %)"),
        "{:?}",
        tripped.changes()[0].blocks
    );
}

#[test]
fn an_outage_that_reads_every_agreement_as_empty_creates_no_line() {
    let plan = unbilled(40, 40).plan();
    assert_eq!(guards(&plan), [Guard::TotalIncrease; 40]);
    let first_plan = unbilled(40, 40)
        .with_policy(|policy| policy.increase_limit.percent = Quantity::from(100_u32).value());
    assert_eq!(first_plan.plan().summary().ready, 40);
}

#[test]
fn a_reading_that_doubles_every_quantity_is_blocked() {
    let plan = cut(30, 30, "20").plan();
    assert_eq!(guards(&plan), [Guard::TotalIncrease; 30]);
}
