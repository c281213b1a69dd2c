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
use support::{Answer, send};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;
use tallyline_testkit::sherweb::{
    CancelledSubscriptions, Commitment, MinimalQuantity, PayableCharge, ReceivableCharge,
    SherwebSimulator, SherwebState,
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");
const KEY: (&str, &str) = ("ocp-apim-subscription-key", "example-subscription-key");
const GOOD: &str = "client_id=example-client-id&client_secret=example-client-secret&grant_type=client_credentials&scope=";

struct World {
    sim: SherwebSimulator,
    customer: String,
    subscription: String,
}

async fn world() -> World {
    let mut state = SherwebState::new();
    let customer = state.add_customer("Birch Harbor Dental");
    let subscription = state.add_subscription(&customer, "MAIL-A-MM", 14);
    let mut charge = PayableCharge::monthly(
        "Birch Harbor Dental",
        "MAIL-A-MM",
        14,
        Decimal::new(710, 2),
        date(2026, 3, 15),
    );
    charge.net_price_prorated = "6.096800000000000001".parse().unwrap();
    state.add_charge(charge);
    World {
        sim: SherwebSimulator::start(state).await.unwrap(),
        customer,
        subscription,
    }
}

impl World {
    async fn token(&self, form: &str) -> Answer {
        send(
            self.sim.base_url(),
            "POST",
            "/auth/oidc/connect/token",
            &[FORM],
            form,
        )
        .await
        .unwrap()
    }

    async fn bearer(&self, scope: &str) -> String {
        format!(
            "Bearer {}",
            self.token(&format!("{GOOD}{scope}"))
                .await
                .text("access_token")
        )
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let scope = if path.starts_with("/distributor") {
            "distributor"
        } else {
            "service-provider"
        };
        let bearer = self.bearer(scope).await;
        let headers = [KEY, JSON, ("authorization", bearer.as_str())];
        send(self.sim.base_url(), method, path, &headers, body)
            .await
            .unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    fn subscriptions(&self, tail: &str) -> String {
        format!(
            "/service-provider/v1/billing/subscriptions{tail}?customerId={}",
            self.customer
        )
    }
}

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

#[tokio::test]
async fn faults_strike_before_the_handler_and_are_recorded() {
    let world = world().await;
    let faults = world.sim.faults();
    faults.on(Match::get("/customers").once(), Fault::html_502());
    faults.on(
        Match::get("/customers").once(),
        Fault::too_many_requests(Some(3)),
    );
    assert!(
        world
            .get("/service-provider/v1/customers")
            .await
            .body
            .contains("<html>")
    );
    let limited = world.get("/service-provider/v1/customers").await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("3"))
    );
    assert_eq!(
        world.get("/service-provider/v1/customers").await.status,
        200
    );
    let seen: Vec<_> = world
        .sim
        .requests()
        .into_iter()
        .filter(|r| r.path.ends_with("/customers"))
        .collect();
    assert_eq!(
        seen.iter()
            .map(|r| (r.status, r.faulted))
            .collect::<Vec<_>>(),
        [(Some(502), true), (Some(429), true), (Some(200), false),]
    );
    assert_eq!(
        seen[0].header("Ocp-Apim-Subscription-Key"),
        Some("example-subscription-key")
    );
}

#[tokio::test]
async fn a_dropped_request_is_not_handled_and_a_lost_answer_is() {
    let world = world().await;
    let body = format!(
        r#"{{"subscriptionAmendmentParameters":[{{"subscriptionId":"{}","newQuantity":20}}]}}"#,
        world.subscription
    );
    let bearer = world.bearer("service-provider").await;
    let headers = [KEY, JSON, ("authorization", bearer.as_str())];
    let path = world.subscriptions("/amendments");
    world
        .sim
        .faults()
        .on(Match::post("/amendments").once(), Fault::drop_connection());
    world
        .sim
        .faults()
        .on(Match::post("/amendments").once(), Fault::lose_answer());
    assert!(
        send(world.sim.base_url(), "POST", &path, &headers, &body)
            .await
            .is_err()
    );
    assert_eq!(world.sim.state().jobs.len(), 0);
    assert!(
        send(world.sim.base_url(), "POST", &path, &headers, &body)
            .await
            .is_err()
    );
    assert_eq!(world.sim.state().jobs.len(), 1);
    assert_eq!(world.sim.requests().last().unwrap().status, None);
    assert!(
        send(world.sim.base_url(), "POST", &path, &headers, &body)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_port_is_closed_after_shutdown() {
    let world = world().await;
    let base = world.sim.base_url().clone();
    world.sim.shutdown().await;
    assert!(send(&base, "GET", "/", &[], "").await.is_err());
}

#[tokio::test]
async fn idle_connections_do_not_hold_a_shutdown_up() {
    let world = world().await;
    let base = world.sim.base_url().clone();
    let address = format!("{}:{}", base.host_str().unwrap(), base.port().unwrap());
    let silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    world.sim.shutdown().await;
    drop(silent);
    assert!(send(&base, "GET", "/", &[], "").await.is_err());
}

#[tokio::test]
async fn a_server_is_settled_when_what_a_client_sent_before_it_ended_is_handled() {
    let sim = SherwebSimulator::start(SherwebState::new()).await.unwrap();
    let port = sim.base_url().port().unwrap();
    let mut client = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    let request = b"GET /service-provider/v1/customers HTTP/1.1\r\nhost: x\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut client, request)
        .await
        .unwrap();
    drop(client);
    assert_eq!(sim.request_count(), 0, "nothing has run since it was sent");
    sim.server().settled().await.unwrap();
    assert_eq!(sim.request_count(), 1);
}
