//! The vendor is down, or half of it is: nothing may be concluded from what was not read.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::support::World;

fn changes(document: &Value) -> Vec<Value> {
    document["plan"]["changes"].as_array().unwrap().clone()
}

#[test]
fn empty_lists_everywhere_change_nothing() {
    let world = World::mapped();
    world.edit(
        "tallyline.toml",
        "[network]",
        "[policy]\nvendor_missing = \"end_line\"\n\n[network]",
    );
    world
        .vendor
        .with_state(|state| state.switches.empty_lists = true);
    let (code, document) = world.json(&["plan"]);
    assert!(changes(&document).is_empty(), "{document}");
    assert_eq!(code, 1, "an outage is not agreement");
    let run = world.run(&["plan"]);
    assert!(
        run.err
            .contains("none of the linked accounts and agreements"),
        "{run:?}"
    );
    assert!(
        run.err.contains("the vendor does not list account"),
        "{run:?}"
    );
    assert!(
        run.out.contains("Not read, so nothing is changed"),
        "{run:?}"
    );
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn accounts_that_cannot_be_read_lose_nothing() {
    let world = World::mapped();
    // Every line of every agreement bills 5 too many: all would be lowered.
    let additions: Vec<i64> = world
        .psa
        .with_state(|state| state.additions.keys().copied().collect());
    world.psa.with_state(|state| {
        for id in additions {
            state.edit_addition(id, |addition| addition.quantity += Decimal::from(5));
        }
    });
    let accounts = &world.book.expected_mapping().accounts;
    let (failing, read) = accounts.split_at(accounts.len() / 2);
    world.vendor.with_state(|state| {
        state.fail_customers(failing.iter().map(|link| link.customer_id.as_str()), 503);
    });
    let (code, document) = world.json(&["plan"]);
    assert_eq!(
        code, 3,
        "the half that was read is lowered too much to be trusted"
    );
    let agreements = |links: &[tallyline_testkit::book::AccountLink]| -> BTreeSet<String> {
        links
            .iter()
            .map(|link| link.agreement_id.to_string())
            .collect()
    };
    let (untouchable, touchable) = (agreements(failing), agreements(read));
    let touched: BTreeSet<String> = changes(&document)
        .iter()
        .map(|change| change["agreement"].as_str().unwrap().to_owned())
        .collect();
    assert!(touched.is_disjoint(&untouchable), "{touched:?}");
    assert!(!touched.is_disjoint(&touchable), "{touched:?}");
}

#[test]
fn subscriptions_that_vanish_everywhere_trip_the_guard() {
    let world = World::mapped();
    world.edit(
        "tallyline.toml",
        "[network]",
        "[policy]\nvendor_missing = \"end_line\"\n\n[network]",
    );
    world.vendor.with_state(|state| state.subscriptions.clear());
    let (code, document) = world.json(&["plan"]);
    assert_eq!(code, 3);
    let ends: Vec<Value> = changes(&document)
        .into_iter()
        .filter(|change| change["action"]["type"] == "end_line")
        .collect();
    assert!(ends.len() > 20, "{}", ends.len());
    for end in &ends {
        let guards = end["blocks"].as_array().unwrap();
        assert!(
            guards
                .iter()
                .any(|block| block["guard"] == "total_reduction"),
            "{end}"
        );
    }
    let run = world.run(&["plan"]);
    assert!(run.out.contains("too much at once"), "{run:?}");
    let run = world.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert_eq!(world.attempts_to_write(), 0);
}

#[test]
fn usage_that_is_gone_everywhere_is_pending_where_it_is_only_reported() {
    let world = World::mapped();
    world.vendor.with_state(|state| state.subscriptions.clear());
    let run = world.run(&["plan"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("the vendor shows no usage"), "{run:?}");
    assert!(run.out.contains("Nothing to apply."), "{run:?}");
}

#[test]
fn a_linked_account_that_the_vendor_no_longer_lists_is_said_plainly() {
    let world = World::mapped();
    let gone = &world.book.expected_mapping().accounts[0].customer_id;
    assert!(world.vendor.with_state(|state| state.remove_customer(gone)));
    let run = world.run(&["plan", "--all"]);
    let said = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = format!("account {gone} is linked, and Sherweb does not list it any more");
    assert!(said.contains(&sentence), "{run:?}");
}
