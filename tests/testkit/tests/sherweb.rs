//! The simulated marketplace, driven over a raw socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::SignedDuration;
use jiff::civil::date;
use rust_decimal::Decimal;
use support::send;
use support::sherweb::{GOOD, JSON, KEY, world};
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;
use tallyline_testkit::sherweb::{ReceivableCharge, SherwebState};

#[tokio::test]
async fn the_token_call_takes_exactly_the_four_fields_as_a_form() {
    let world = world().await;
    world.sim.expect_violations(
        "other forms than the four fields",
        &[
            "request body /audience",
            "request body /client_secret",
            "header /content-type",
        ],
    );
    let granted = world.token(&format!("{GOOD}distributor")).await;
    assert_eq!(
        (granted.status, granted.text("token_type").as_str()),
        (200, "Bearer")
    );
    assert_eq!(
        granted.json().get("expires_in").and_then(Json::integer),
        Some(3600)
    );
    for (form, error) in [
        (format!("{GOOD}distributor&audience=x"), "invalid_request"),
        (
            "client_id=example-client-id&grant_type=client_credentials&scope=distributor"
                .to_owned(),
            "invalid_request",
        ),
        (
            format!("{GOOD}distributor,service-provider"),
            "invalid_scope",
        ),
        (format!("{GOOD}admin"), "invalid_scope"),
        (
            GOOD.replace("example-client-secret", "wrong") + "distributor",
            "invalid_client",
        ),
        (
            GOOD.replace("client_credentials", "password") + "distributor",
            "unsupported_grant_type",
        ),
    ] {
        let refused = world.token(&form).await;
        assert!(refused.status >= 400, "{form}");
        assert_eq!(refused.text("error"), error, "{form}");
    }
    let json = send(
        world.sim.base_url(),
        "POST",
        "/auth/oidc/connect/token",
        &[JSON],
        "{}",
    )
    .await
    .unwrap();
    assert_eq!(
        (json.status, json.text("error").as_str()),
        (400, "invalid_request")
    );
}

#[tokio::test]
async fn a_call_needs_key_token_and_scope() {
    let world = world().await;
    let path = "/service-provider/v1/customers";
    let base = world.sim.base_url();
    let bearer = world.bearer("service-provider").await;
    let other = world.bearer("distributor").await;
    let missing = send(base, "GET", path, &[("authorization", &bearer)], "")
        .await
        .unwrap();
    assert_eq!(
        (
            missing.status,
            missing.json().get("statusCode").and_then(Json::integer)
        ),
        (401, Some(401))
    );
    assert!(missing.text("message").contains("missing subscription key"));
    let wrong = [
        ("ocp-apim-subscription-key", "nope"),
        ("authorization", bearer.as_str()),
    ];
    assert!(
        send(base, "GET", path, &wrong, "")
            .await
            .unwrap()
            .text("message")
            .contains("invalid subscription key")
    );
    assert_eq!(
        send(base, "GET", path, &[KEY], "").await.unwrap().status,
        401
    );
    assert_eq!(
        send(
            base,
            "GET",
            path,
            &[KEY, ("authorization", "Bearer made-up")],
            ""
        )
        .await
        .unwrap()
        .status,
        401
    );
    let scope = send(base, "GET", path, &[KEY, ("authorization", &other)], "")
        .await
        .unwrap();
    assert_eq!(
        (scope.status, scope.text("title").as_str()),
        (403, "Forbidden")
    );
    assert_eq!(
        send(base, "GET", path, &[KEY, ("authorization", &bearer)], "")
            .await
            .unwrap()
            .status,
        200
    );
    world.sim.clock().advance(SignedDuration::from_secs(3600));
    assert_eq!(
        send(base, "GET", path, &[KEY, ("authorization", &bearer)], "")
            .await
            .unwrap()
            .status,
        401
    );
}

#[tokio::test]
async fn amounts_keep_their_literal_text() {
    let world = world().await;
    let answer = world
        .get("/distributor/v1/billing/payable-charges?date=2026-03-01")
        .await;
    assert!(
        answer
            .body
            .contains("\"netPriceProrated\":6.096800000000000001"),
        "{}",
        answer.body
    );
    assert_eq!(
        (
            answer.text("periodFrom").as_str(),
            answer.text("periodTo").as_str()
        ),
        ("2026-03-01", "2026-03-31")
    );
    assert!(answer.body.contains("\"invoice\":null"));
    let april = world
        .get("/distributor/v1/billing/payable-charges?date=2026-04-30")
        .await;
    assert_eq!(
        april
            .json()
            .get("charges")
            .and_then(Json::items)
            .map(<[Json]>::len),
        Some(0)
    );
}

#[tokio::test]
async fn malformed_parameters_are_refused_with_problem_details() {
    let world = world().await;
    world.sim.expect_violations(
        "malformed parameters",
        &[
            "query /date",
            "query /customerId",
            "operation: the document has this path, but not with this method",
            "operation: the document has no such path",
        ],
    );
    for path in [
        "/distributor/v1/billing/payable-charges?date=",
        "/distributor/v1/billing/payable-charges?date=2026-3-1",
        "/distributor/v1/billing/payable-charges?date=2026-02-30",
        "/service-provider/v1/billing/subscriptions",
        "/service-provider/v1/billing/subscriptions?customerId=7",
        "/service-provider/v1/billing/receivable-charges?customerId=",
    ] {
        let refused = world.get(path).await;
        assert_eq!(refused.status, 400, "{path}");
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json; charset=utf-8")
        );
        assert_eq!(
            refused.json().get("status").and_then(Json::integer),
            Some(400)
        );
    }
    let nobody = "/service-provider/v1/billing/subscriptions?customerId=c0000000-0000-4000-8000-00000000ffff";
    assert_eq!(world.get(nobody).await.status, 404);
    assert_eq!(
        world
            .get("/service-provider/v1/customer-catalogs/undefined")
            .await
            .status,
        500
    );
    assert_eq!(
        world
            .call("POST", "/service-provider/v1/customers", "{}")
            .await
            .status,
        405
    );
    assert_eq!(world.get("/service-provider/v1/nothing").await.status, 404);
}

#[tokio::test]
async fn details_can_be_missing_so_that_clients_must_fall_back() {
    let world = world().await;
    assert_eq!(
        world.get(&world.subscriptions("/details")).await.status,
        200
    );
    world
        .sim
        .with_state(|state| state.switches.details_available = false);
    assert_eq!(
        world.get(&world.subscriptions("/details")).await.status,
        404
    );
    assert!(
        world
            .get(&world.subscriptions(""))
            .await
            .body
            .contains("\"quantity\":14")
    );
}

#[tokio::test]
async fn lists_can_be_empty_or_null_and_customers_can_fail() {
    let world = world().await;
    world
        .sim
        .with_state(|state| state.switches.empty_lists = true);
    assert_eq!(
        world.get("/service-provider/v1/customers").await.body,
        r#"{"items":[]}"#
    );
    world
        .sim
        .with_state(|state| state.switches.null_collections = true);
    assert_eq!(
        world.get("/service-provider/v1/customers").await.body,
        r#"{"items":null}"#
    );
    world
        .sim
        .with_state(|state| state.fail_customers([world.customer.as_str()], 503));
    assert_eq!(world.get(&world.subscriptions("")).await.status, 503);
    world.sim.with_state(SherwebState::heal_customers);
    assert_eq!(world.get(&world.subscriptions("")).await.status, 200);
}

#[tokio::test]
async fn receivable_charges_are_refused_while_a_psa_integration_is_on() {
    let world = world().await;
    world.sim.with_state(|state| {
        let charge = ReceivableCharge::monthly(
            &world.customer,
            "MAIL-A-MM",
            14,
            Decimal::TEN,
            date(2026, 2, 3),
        );
        state.add_receivable_charge(charge);
    });
    let path = format!(
        "/service-provider/v1/billing/receivable-charges?customerId={}",
        world.customer
    );
    let latest = world.get(&path).await;
    assert_eq!(
        (latest.status, latest.text("periodFrom").as_str()),
        (200, "2026-02-01")
    );
    world
        .sim
        .with_state(|state| state.switches.psa_integration_enabled = true);
    let refused = world.get(&path).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text("detail").contains("PSA integration"));
}

#[tokio::test]
async fn platforms_meters_and_catalogs_are_listed() {
    let world = world().await;
    let platform = world.sim.with_state(|state| {
        let platform = state.add_platform("Cloud");
        state.add_meter(
            &platform,
            &world.customer,
            Decimal::TEN,
            Decimal::new(25, 1),
        );
        state.add_catalog_item(&world.customer, "MAIL-A-MM", "Mail Plan A", Decimal::TEN);
        platform
    });
    let root = "/service-provider/v1";
    let customer = &world.customer;
    for (path, text) in [
        (format!("{root}/platforms"), "\"culture\":\"en\""),
        (
            format!("{root}/customers/{customer}/platforms-configurations"),
            "configuredPlatforms",
        ),
        (
            format!("{root}/customers/{customer}/platforms/{platform}/details"),
            "configured",
        ),
        (
            format!("{root}/customers/{customer}/platforms/{platform}/meter-usages"),
            "\"availableQuantities\":7.5",
        ),
        (
            format!(
                "{root}/billing/subscriptions/meters?customerId={customer}&platformId={platform}"
            ),
            "meterId",
        ),
        (
            world.subscriptions("/pricing-information"),
            "\"price\":10.00",
        ),
        (
            format!("{root}/customer-catalogs/{customer}"),
            "Mail Plan A",
        ),
    ] {
        let answer = world.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains(text), "{path}: {}", answer.body);
    }
    let pricing = format!("{root}/customer-catalogs/{customer}/catalog-items-pricing");
    for body in [r#"{"skus":["MAIL-A-MM"]}"#, r#"["MAIL-A-MM"]"#] {
        assert!(
            world
                .call("POST", &pricing, body)
                .await
                .body
                .contains("\"price\":10")
        );
    }
}

#[tokio::test]
async fn a_limit_says_in_a_sentence_how_long_to_wait() {
    let world = world().await;
    world
        .sim
        .with_state(|state| state.limit = RateLimit::counted(1, 1, 7));
    assert_eq!(
        world.get("/service-provider/v1/customers").await.status,
        200
    );
    let refused = world.get("/service-provider/v1/customers").await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, None));
    assert!(refused.text("detail").contains("Try again in 7 seconds"));
    assert_eq!(
        world.get("/service-provider/v1/customers").await.status,
        200
    );
}
