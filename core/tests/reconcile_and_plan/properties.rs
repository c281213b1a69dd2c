//! What holds of every world.

use proptest::prelude::*;
use tallyline_core::mapping::{ProductRule, Ratio, Rounding};
use tallyline_core::model::{Product, Quantity};
use tallyline_core::plan::{
    Block, Duplicates, Guard, IncreaseLimit, Plan, ReductionLimit, VendorMissing,
};

use crate::world::{World, seats, usd};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn applying_a_plan_and_reconciling_again_yields_no_change(world in worlds()) {
        let plan = world.plan();
        let again = world.clone().applied(&plan).plan();
        let ready: Vec<_> = again.changes().iter().filter(|change| !change.is_blocked()).collect();
        prop_assert!(ready.is_empty(), "{:?}", ready);
    }

    #[test]
    fn the_order_of_input_lines_does_not_change_the_bytes_of_the_plan((world, seed) in (worlds(), any::<u64>())) {
        let mut shuffled = world.clone();
        shuffle(&mut shuffled.readings, seed);
        for reading in &mut shuffled.readings {
            if let tallyline_core::model::ReadingOutcome::Complete(lines) = &mut reading.outcome {
                shuffle(lines, seed.rotate_left(7));
            }
        }
        shuffle(&mut shuffled.agreements, seed.rotate_left(13));
        shuffle(&mut shuffled.products, seed.rotate_left(17));
        shuffle(&mut shuffled.companies, seed.rotate_left(19));
        shuffle(&mut shuffled.lines, seed.rotate_left(23));
        for (_, lines) in &mut shuffled.lines {
            shuffle(lines, seed.rotate_left(29));
        }
        prop_assert_eq!(world.plan().to_text().unwrap(), shuffled.plan().to_text().unwrap());
    }

    #[test]
    fn a_line_that_no_mapping_owns_never_appears_in_a_plan(world in worlds()) {
        for change in world.plan().changes() {
            prop_assert_ne!(change.product.as_str(), "P-onsite");
        }
    }

    #[test]
    fn a_not_observed_account_yields_no_change(world in worlds()) {
        let failed: Vec<String> = world
            .readings
            .iter()
            .filter(|reading| reading.lines().is_none())
            .map(|reading| reading.account.as_str().replace("c-", "a-"))
            .collect();
        for change in world.plan().changes() {
            prop_assert!(!failed.contains(&change.agreement.to_string()));
        }
    }

    /// Duplicates that are proposed may be of rows that agree, so that all rows are looked at then.
    #[test]
    fn lines_that_agree_count_the_same_whether_they_are_looked_at_or_not(world in worlds()) {
        let limited = |duplicates: Duplicates| {
            let world = world.clone().with_policy(|policy| {
                policy.duplicates = duplicates;
                policy.reduction_limit = ReductionLimit { percent: 0.into(), lines: 0 };
                policy.increase_limit = IncreaseLimit { percent: 0.into(), lines: 0 };
            });
            let plan = world.plan();
            let proposed = |block: &Block| block.guard == Guard::FirstAssociation;
            let own = plan.changes().iter().filter(|change| !change.blocks.iter().any(proposed));
            own.cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(limited(Duplicates::Report), limited(Duplicates::Propose));
    }

    #[test]
    fn a_plan_survives_a_round_trip_through_its_file(world in worlds()) {
        let plan = world.plan();
        prop_assert_eq!(Plan::from_text(&plan.to_text().unwrap()).unwrap(), plan);
    }

    #[test]
    fn no_text_makes_the_plan_reader_panic(text in ".{0,200}") {
        prop_assert!(Plan::from_text(&text).is_err());
    }
}

fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for at in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let other = (seed >> 33) % (at as u64 + 1);
        items.swap(at, usize::try_from(other).unwrap());
    }
}

/// Worlds of a few accounts and services, with every kind of difference.
fn worlds() -> impl Strategy<Value = World> {
    let usage = (0_usize..4, 0_u32..30, 0_u32..3, prop::option::of(1_u32..5));
    let billed = (0_usize..5, 0_u32..30, any::<bool>());
    let account = (
        prop::collection::vec(usage, 0..6),
        prop::collection::vec(billed, 0..5),
        0_u8..10,
    );
    (
        prop::collection::vec(account, 1..8),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(accounts, ending, prorates)| {
            let pack = ProductRule {
                ratio: Some(Ratio {
                    units: Quantity::ONE,
                    per: 25_u32.into(),
                    rounding: Rounding::Ceil,
                }),
                ..ProductRule::one_to_one("P-pack")
            };
            let mut world = World::new()
                .service("mail")
                .service("backup")
                .service_with("box", vec![pack], true)
                .with_policy(|policy| {
                    if ending {
                        policy.vendor_missing = VendorMissing::EndLine;
                    }
                });
            world
                .products
                .push(Product::new("P-onsite", "P-onsite", ""));
            for (n, (usage, billed, fate)) in (1_u32..).zip(accounts) {
                world = world.account(n);
                if let Some(agreement) = world.agreements.last_mut() {
                    agreement.prorates = Some(prorates);
                }
                for (at, (product, quantity, ended)) in billed.into_iter().enumerate() {
                    let product = ["P-mail", "P-backup", "P-pack", "P-onsite", "P-mail"][product];
                    world = world.bills(n, &format!("{n}-{at}"), product, &quantity.to_string());
                    if ended && let Some(line) = world.lines_of(n).last_mut() {
                        line.state.last_day = Some("2026-02-28".parse().unwrap());
                    }
                }
                let lines = usage
                    .into_iter()
                    .enumerate()
                    .map(|(at, (service, whole, tenths, cost))| {
                        let service = ["mail", "backup", "box", "unknown"][service];
                        let quantity = format!("{whole}.{tenths}");
                        seats(&format!("sub:{n}:{at}"), service, &quantity)
                            .with_unit_cost(cost.map(|cost| usd(&cost.to_string())))
                    })
                    .collect();
                let account = format!("c-{n}");
                world = match fate {
                    0 => world.fails(&account),
                    1 => world,
                    _ => world.reads(&account, lines),
                };
            }
            world
        })
}
