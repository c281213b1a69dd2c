//! Amending subscriptions of the simulated marketplace, over a raw socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::civil::date;
use support::sherweb::world;
use tallyline_testkit::sherweb::{
    CancelledSubscriptions, Commitment, MinimalQuantity, SherwebState,
};

#[tokio::test]
async fn an_amendment_is_accepted_before_it_is_applied() {
    let world = world().await;
    let body = format!(
        r#"{{"subscriptionAmendmentParameters":[{{"subscriptionId":"{}","newQuantity":20}}]}}"#,
        world.subscription
    );
    let receipt = world
        .call("POST", &world.subscriptions("/amendments"), &body)
        .await;
    assert_eq!(receipt.status, 200);
    let quantity = || {
        world
            .sim
            .with_state(|state| state.subscription(&world.subscription).unwrap().quantity)
    };
    assert_eq!(quantity(), 14);
    let id = receipt.text("subscriptionsAmendmentId");
    let status = format!("/service-provider/v1/billing/subscriptions/amendments/{id}/status");
    assert_eq!(world.get(&status).await.body, "\"Pending\"");
    assert_eq!(world.get(&status).await.body, "\"Processing\"");
    assert_eq!(world.get(&status).await.body, "\"Success\"");
    assert_eq!(quantity(), 20);
    let tracking = receipt
        .json()
        .get("trackingId")
        .and_then(|t| t.get("requestTrackingId"))
        .cloned()
        .unwrap();
    let tracking = world
        .get(&format!(
            "/service-provider/v1/tracking/{}",
            tracking.text().unwrap()
        ))
        .await;
    assert_eq!(tracking.text("status"), "Success");
}

#[tokio::test]
async fn unknown_members_of_an_amendment_are_refused() {
    let world = world().await;
    world.sim.expect_violations(
        "malformed amendments",
        &[
            "request body /subscriptionsAmendmentParameters",
            "request body /subscriptionAmendmentParameters/0/note",
            "request body /subscriptionAmendmentParameters/0/newQuantity",
            "request body: no JSON",
        ],
    );
    let id = &world.subscription;
    for body in [
        format!(
            r#"{{"subscriptionsAmendmentParameters":[{{"subscriptionId":"{id}","newQuantity":2}}]}}"#
        ),
        format!(
            r#"{{"subscriptionAmendmentParameters":[{{"subscriptionId":"{id}","newQuantity":2,"note":"x"}}]}}"#
        ),
        format!(
            r#"{{"subscriptionAmendmentParameters":[{{"subscriptionId":"{id}","newQuantity":2.5}}]}}"#
        ),
        format!(
            r#"{{"subscriptionAmendmentParameters":[{{"subscriptionId":"{id}","newQuantity":-1}}]}}"#
        ),
        r#"{"subscriptionAmendmentParameters":[]}"#.to_owned(),
        "not json".to_owned(),
    ] {
        assert_eq!(
            world
                .call("POST", &world.subscriptions("/amendments"), &body)
                .await
                .status,
            400,
            "{body}"
        );
    }
    assert!(world.sim.state().jobs.is_empty());
}

#[tokio::test]
async fn a_decrease_under_the_floor_fails_after_it_was_accepted() {
    let world = world().await;
    world.sim.with_state(|state| {
        state.switches.polls_until_applied = 0;
        state
            .subscription_mut(&world.subscription)
            .unwrap()
            .commitment = Some(Commitment {
            term: "Annual".to_owned(),
            term_end: date(2026, 12, 31),
            renewal: None,
            minimal_quantities: Some(vec![MinimalQuantity {
                committed_until: date(2026, 3, 20),
                quantity: 10,
            }]),
        });
    });
    for (wanted, outcome) in [(9, "\"Failure\""), (10, "\"Success\"")] {
        let body = format!(
            r#"{{"subscriptionAmendmentParameters":[{{"subscriptionId":"{}","newQuantity":{wanted}}}]}}"#,
            world.subscription
        );
        let id = world
            .call("POST", &world.subscriptions("/amendments"), &body)
            .await
            .text("subscriptionsAmendmentId");
        let path = format!("/service-provider/v1/billing/subscriptions/amendments/{id}/status");
        assert_eq!(world.get(&path).await.body, outcome);
    }
}

#[tokio::test]
async fn a_cancelled_subscription_vanishes_or_shows_zero() {
    let world = world().await;
    let body = format!(r#"{{"subscriptionIds":["{}"]}}"#, world.subscription);
    world.sim.with_state(|state| {
        state.switches.cancelled_subscriptions = CancelledSubscriptions::ShowZero
    });
    assert_eq!(
        world
            .call("POST", &world.subscriptions("/cancellations"), &body)
            .await
            .status,
        200
    );
    world.sim.with_state(SherwebState::complete_jobs);
    assert!(
        world
            .get(&world.subscriptions(""))
            .await
            .body
            .contains("\"quantity\":0")
    );
    world.sim.with_state(|state| {
        state.switches.cancelled_subscriptions = CancelledSubscriptions::Vanish
    });
    world
        .call("POST", &world.subscriptions("/cancellations"), &body)
        .await;
    world.sim.with_state(SherwebState::complete_jobs);
    assert_eq!(
        world.get(&world.subscriptions("")).await.body,
        r#"{"items":[]}"#
    );
}
