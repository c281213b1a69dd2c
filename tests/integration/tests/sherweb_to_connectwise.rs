//! The whole path, over real HTTP: read, reconcile, plan, apply, and again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{World, apply, ending, small};
use futures::StreamExt as _;
use tallyline_core::VendorSource as _;
use tallyline_core::mapping::AccountEntry;
use tallyline_core::model::{AgreementId, Quantity};
use tallyline_core::plan::{Action, Guard, Plan, Policy};
use tallyline_core::reconcile::Kind;
use tallyline_core::source::UsageRequest;
use tallyline_core::store::MemoryStore;
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::json::Json;

#[tokio::test]
async fn a_plan_is_applied_line_by_line_and_nothing_is_left_to_do() {
    for seed in [1, 7] {
        let world = World::start(small(seed)).await;
        let plan = world.plan(&ending()).await;
        let ready = plan.summary().ready;
        assert!(ready >= 5, "the book has differences: {}", plan.summary());

        let report = apply(&world, &plan, &MemoryStore::new()).await;
        assert_eq!(report.totals.done, ready, "{report:?}");
        assert_eq!(world.psa.writes().len(), ready, "one write for each change");

        let again = world.plan(&ending()).await;
        assert_eq!(again.summary().ready, 0, "{:?}", again.changes());
        assert_eq!(again.summary().blocked, plan.summary().blocked);

        let before = world.psa.writes().len();
        let second = apply(&world, &plan, &MemoryStore::new()).await;
        assert_eq!(second.totals.done, 0, "the state it was planned on is gone");
        assert_eq!(world.psa.writes().len(), before, "nothing is written twice");
    }
}

#[tokio::test]
async fn reading_and_planning_write_nothing() {
    let world = World::start(small(3)).await;
    world.plan(&ending()).await;
    assert!(world.psa.writes().is_empty());
    let unsafe_calls = world
        .vendor
        .requests()
        .into_iter()
        .chain(world.psa.requests())
        .filter(|request| request.method != "GET" && !request.path.ends_with("/connect/token"))
        .count();
    assert_eq!(unsafe_calls, 0);
}

#[tokio::test]
async fn the_same_state_gives_the_same_bytes() {
    let world = World::start(small(4)).await;
    let (first, second) = (world.plan(&ending()).await, world.plan(&ending()).await);
    assert_eq!(first.to_text().unwrap(), second.to_text().unwrap());
    let twin = World::start(small(4)).await;
    assert_eq!(twin.plan(&ending()).await.id(), first.id());
}

#[tokio::test]
async fn an_outage_that_lists_no_customers_reduces_nothing() {
    let world = World::start(small(5)).await;
    world
        .vendor
        .with_state(|state| state.switches.empty_lists = true);
    let plan = world.plan(&ending()).await;
    assert!(plan.changes().is_empty(), "{:?}", plan.changes());
    let found = &plan.content().found;
    assert!(found[&Kind::NotObserved] > 0, "{found:?}");
}

#[tokio::test]
async fn an_outage_of_half_of_the_accounts_reduces_nothing_of_theirs() {
    let world = World::start(small(6)).await;
    let customers: Vec<String> = world
        .vendor
        .state()
        .customers
        .iter()
        .map(|customer| customer.id.clone())
        .collect();
    let failing: Vec<&str> = customers.iter().step_by(2).map(String::as_str).collect();
    world
        .vendor
        .with_state(|state| state.fail_customers(failing.iter().copied(), 503));
    let plan = world.plan(&ending()).await;
    let of_failing = plan.changes().iter().filter(|change| {
        let usage = &change.evidence.usage;
        let target = world.mapping.accounts().any(|(account, entry)| {
            failing.contains(&account.as_str())
                && format!("{entry:?}").contains(&format!("{:?}", change.agreement))
        });
        target
            || usage
                .iter()
                .any(|line| failing.contains(&line.account.as_str()))
    });
    assert_eq!(of_failing.count(), 0);
    let missing = plan
        .notices()
        .iter()
        .filter(|notice| notice.kind == Kind::NotObserved && notice.account.is_some())
        .count();
    assert!(missing >= failing.len(), "each one is named: {missing}");
}

#[tokio::test]
async fn an_outage_that_reads_every_client_as_empty_is_blocked_as_a_whole() {
    let world = World::start(small(8)).await;
    world.vendor.faults().on(
        Match::get("/billing/subscriptions"),
        Fault::answer(200, "application/json", r#"{"items":[]}"#),
    );
    let plan = world.plan(&ending()).await;
    let reductions: Vec<_> = plan
        .changes()
        .iter()
        .filter(|change| change.action.is_reduction())
        .collect();
    assert!(reductions.len() > 20);
    for change in reductions {
        let guards: Vec<Guard> = change.blocks.iter().map(|block| block.guard).collect();
        assert!(guards.contains(&Guard::TotalReduction), "{change:?}");
    }
    let report = apply(&world, &plan, &MemoryStore::new()).await;
    assert_eq!(report.totals.done, plan.summary().ready);
    assert!(
        world
            .psa
            .writes()
            .iter()
            .all(|write| !format!("{:?}", write.after).contains("cancelledDate"))
    );
}

#[tokio::test]
async fn twenty_eight_digits_come_exactly_from_the_wire_into_the_plan() {
    let world = World::start(small(9)).await;
    let plan = world.plan(&Policy::default()).await;
    let line = plan
        .changes()
        .iter()
        .find_map(|change| match &change.action {
            Action::SetQuantity { line, .. } if !change.is_blocked() => Some(line.clone()),
            _ => None,
        })
        .unwrap();
    let digits = "1234567890.123456789012345678";
    let id = line.as_str().parse().unwrap();
    world.psa.with_state(|state| {
        state.edit_addition(id, |addition| addition.quantity = digits.parse().unwrap())
    });
    let again = world.plan(&Policy::default()).await;
    let from = again
        .changes()
        .iter()
        .find_map(|change| match &change.action {
            Action::SetQuantity { line: l, from, .. } if *l == line => Some(*from),
            _ => None,
        })
        .unwrap();
    assert_eq!(from, digits.parse::<Quantity>().unwrap());
    assert!(
        again
            .to_text()
            .unwrap()
            .contains(&format!("\"from\": \"{digits}\""))
    );
}

/// The text of the notes of an agreement in the PSA, and their setter.
fn internal_notes(world: &World, agreement: &AgreementId) -> String {
    let id: i64 = agreement.as_str().parse().unwrap();
    let state = world.psa.state();
    let notes = state.agreements[&id].extra.get("internalNotes");
    notes.and_then(Json::text).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn b18_metadata_go_into_the_agreements_note_on_the_cycles_last_day_beside_what_people_wrote()
{
    let mut world = World::start(small(1)).await;
    let links = world
        .mapping
        .accounts()
        .find_map(|(account, entry)| match entry {
            AccountEntry::Link(link) if link.enabled => Some((account.clone(), link.clone())),
            _ => None,
        });
    let (account, mut link) = links.unwrap();
    let agreement = link.target.chosen().unwrap().clone();
    link.metadata_to = Some(agreement.clone());
    world.mapping.set_account(account, AccountEntry::Link(link));
    let id: i64 = agreement.as_str().parse().unwrap();
    world.psa.with_state(|state| {
        let extra = &mut state.agreements.get_mut(&id).unwrap().extra;
        extra.insert("internalNotes".into(), "Ask for Ada.\r\nPO 4711".into());
    });
    let request = UsageRequest::new(world.now);
    let first = world.source.usage(&request).next().await.unwrap().unwrap();
    let last_day = first.billing_period.unwrap().end();
    let notes = |plan: &Plan| {
        let changes = plan
            .changes()
            .iter()
            .filter(|change| change.action.writes_note());
        changes.count()
    };

    world.now = last_day.plus_days(-1).midnight_utc();
    assert_eq!(notes(&world.plan(&ending()).await), 0);

    world.now = last_day.midnight_utc();
    let plan = world.plan(&ending()).await;
    assert_eq!(notes(&plan), 1);
    let lines = world.psa.writes().len();
    let report = apply(&world, &plan, &MemoryStore::new()).await;
    assert_eq!(report.totals.done, plan.summary().ready, "{report}");
    let written = &world.psa.writes()[lines..];
    let of_agreements = written.iter().filter(|write| write.entity == "Agreement");
    assert_eq!(of_agreements.count(), 1);
    let note = internal_notes(&world, &agreement);
    assert!(
        note.starts_with("Ask for Ada.\r\nPO 4711\r\n[tallyline sherweb "),
        "{note}"
    );
    assert!(
        note.contains(&format!("to {last_day} (kept by Tallyline")),
        "{note}"
    );

    let again = world.plan(&ending()).await;
    assert_eq!(notes(&again), 0);
    assert_eq!(again.summary().ready, 0);
}
