//! The simulated Ingram Micro over a raw socket: gateway, token, paging, filters, details, errors, orders, reports.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::SignedDuration;
use jiff::civil::date;
use rust_decimal::Decimal;
use support::ingram::{JSON, KEY, MAIL, MARKETPLACE, ROOT, USER, reseller};
use tallyline_testkit::faults::Match;
use tallyline_testkit::ingram::{DetailFailure, RetryAfter, gateway_timeout};
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;

#[tokio::test]
async fn a_token_needs_the_user_the_key_and_the_marketplace_and_lives_as_long_as_it_says() {
    let it = reseller().await;
    let given = it.ask_token(USER, MARKETPLACE).await;
    assert_eq!(given.status, 200);
    let seconds = given.json();
    let seconds = seconds.get("expiresInSeconds").and_then(Json::integer);
    assert_eq!(seconds, Some(1500));
    assert_eq!(it.ask_token("other:x", MARKETPLACE).await.status, 401);
    it.sim
        .expect_violations("bodies that are none of the document's", &["request body"]);
    for body in [r#"{"marketplace":"US"}"#, r#"{"code":"us"}"#, "us"] {
        assert_eq!(it.ask_token(USER, body).await.status, 400, "{body}");
    }
    assert_eq!(it.sim.tokens_issued(), 1);

    let token = it.token().await;
    let path = format!("{ROOT}/customers");
    let headers = [("Authorization", token.as_str()), KEY];
    assert_eq!(it.raw("GET", &path, &headers, "").await.status, 200);
    it.sim.clock().advance(SignedDuration::from_secs(1500));
    assert_eq!(it.raw("GET", &path, &headers, "").await.status, 401);
}

#[tokio::test]
async fn the_gateway_asks_for_the_key_first_and_has_a_form_of_its_own() {
    let it = reseller().await;
    it.sim
        .expect_violations("no key", &["header /X-Subscription-Key"]);
    let path = format!("{ROOT}/customers");
    let bare = it.raw("GET", &path, &[], "").await;
    assert_eq!(bare.status, 401);
    let told = bare.json();
    assert_eq!(told.get("statusCode").and_then(Json::integer), Some(401));
    assert!(bare.header("x-correlation-id").is_none());
    let keyed = it.raw("GET", &path, &[KEY], "").await;
    assert_eq!(keyed.status, 401);
    let told = keyed.json();
    for name in ["timeStamp", "status", "message", "path", "correlationId"] {
        assert!(told.get(name).is_some(), "{name}: {}", keyed.body);
    }
    let correlation = told.get("correlationId").and_then(Json::text);
    assert_eq!(keyed.header("x-correlation-id"), correlation);
}

#[tokio::test]
async fn lists_come_in_tens_the_newest_first_and_say_how_many_there_are() {
    let it = reseller().await;
    let ids: Vec<String> = it.sim.with_state(|state| {
        (0..24)
            .map(|at| state.add_customer(&format!("Client {at}")))
            .collect()
    });
    let (page, told) = it.page("/customers").await;
    assert_eq!(told, [0, 10, 25]);
    assert_eq!(page.first(), ids.last());
    let (rest, told) = it.page("/customers?offset=20&limit=500").await;
    assert_eq!((rest.len(), told), (5, [20, 500, 25]));
    assert_eq!(rest.last(), Some(&it.customer));
    let (beyond, told) = it.page("/customers?offset=30").await;
    assert_eq!((beyond.len(), told), (0, [30, 10, 25]));
    it.sim
        .expect_violations("no count", &["query /limit", "query /offset"]);
    for wrong in ["limit=0", "limit=ten", "offset=-1"] {
        assert_eq!(it.get(&format!("/customers?{wrong}")).await.status, 400);
    }
}

#[tokio::test]
async fn a_parameter_that_nobody_knows_changes_nothing_and_two_statuses_are_refused() {
    let it = reseller().await;
    it.sim
        .expect_violations("a name with a slip", &["query /state"]);
    let (all, _) = it.page("/subscriptions?state=terminated").await;
    assert_eq!(all, std::slice::from_ref(&it.subscription));
    let (none, told) = it.page("/subscriptions?status=terminated").await;
    assert_eq!((none.len(), told[2]), (0, 0));
    let refused = it.get("/subscriptions?status=active,hold").await;
    assert_eq!(refused.status, 400);
    let (own, _) = it
        .page(&format!("/subscriptions?customerId={}", it.customer))
        .await;
    assert_eq!(own.len(), 1);
    let (later, _) = it.page("/subscriptions?creationDateFrom=2026-03-01").await;
    assert!(later.is_empty());
}

#[tokio::test]
async fn quantities_and_prices_stand_in_the_detail_alone() {
    let it = reseller().await;
    let row = it.get("/subscriptions").await;
    assert!(!row.body.contains("quantity") && !row.body.contains("amount"));
    let path = format!("/subscriptions/{}", it.subscription);
    let detail = it.get(&path).await.json();
    assert!(detail.get("data").is_none(), "no envelope");
    let products = detail.get("products").and_then(Json::items).unwrap();
    let product = products.first().unwrap();
    assert_eq!(product.get("quantity").and_then(Json::integer), Some(14));
    let price = product.get("unitPrice").unwrap();
    assert_eq!(price.get("amount").and_then(Json::text), Some("6"));
    let total = product.get("extendedPrice").unwrap();
    assert_eq!(total.get("amount").and_then(Json::text), Some("84"));
    assert!(detail.get("planId").and_then(Json::integer).is_some());
    assert!(detail.get("id").and_then(Json::text).is_some());
    it.sim.with_state(|state| {
        state.switches.quantity_as_number = true;
        state.edit(&it.subscription, |own| own.modified = None);
    });
    let seen = it.get(&path).await;
    assert!(seen.body.contains("\"quantity\":14.0"), "{}", seen.body);
    assert!(!seen.body.contains("lastModifiedDate"));
    it.sim
        .with_state(|state| state.edit(&it.subscription, |own| own.products.clear()));
    assert!(it.get(&path).await.body.contains("\"products\":[]"));
}

#[tokio::test]
async fn the_day_of_the_last_change_is_all_that_a_change_leaves() {
    let it = reseller().await;
    it.sim.clock().set_day(date(2026, 4, 2));
    it.sim
        .with_state(|state| assert!(state.set_quantity(&it.subscription, 15.into())));
    let row = it.get("/subscriptions").await;
    assert!(
        row.body.contains("\"lastModifiedDate\":\"2026-04-02\""),
        "{}",
        row.body
    );
}

#[tokio::test]
async fn a_failing_detail_is_prose_of_status_500_or_a_page_of_the_proxy() {
    let it = reseller().await;
    let path = format!("/subscriptions/{}", it.subscription);
    let fail = |how| {
        it.sim.with_state(|state| {
            state.failing_details.insert(it.subscription.clone(), how);
        });
    };
    fail(DetailFailure::Prose);
    let prose = it.get(&path).await;
    assert_eq!(prose.status, 500);
    assert!(prose.json().get("message").is_some());
    fail(DetailFailure::GatewayTimeout);
    let page = it.get(&path).await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (504, Some("text/html"))
    );
    it.sim.with_state(|state| state.failing_details.clear());
    it.sim
        .faults()
        .on(Match::get("/customers"), gateway_timeout());
    assert_eq!(it.get("/customers").await.status, 504);
    assert_eq!(it.get("/subscriptions/999").await.status, 404);
}

#[tokio::test]
async fn the_calls_of_a_key_are_counted_by_window_and_not_every_refusal_says_how_long() {
    let it = reseller().await;
    let token = it.token().await;
    it.sim
        .with_state(|state| state.limit = RateLimit::per_window(2, 60));
    let path = format!("{ROOT}/customers");
    let headers = [("Authorization", token.as_str()), KEY];
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = it.raw("GET", &path, &headers, "").await;
        let wait = answer.header("retry-after").map(str::to_owned);
        seen.push((answer.status, wait));
    }
    assert_eq!(
        seen,
        [
            (200, None),
            (200, None),
            (429, Some("60".to_owned())),
            (429, None)
        ]
    );
    it.sim.clock().advance(SignedDuration::from_secs(60));
    assert_eq!(it.raw("GET", &path, &headers, "").await.status, 200);
    it.sim.with_state(|state| {
        state.switches.retry_after = RetryAfter::Never;
        state.limit = RateLimit::per_window(0, 60);
    });
    let refused = it.ask_token(USER, MARKETPLACE).await;
    assert_eq!(refused.status, 429, "the token's own call is counted too");
    assert_eq!(refused.header("retry-after"), None);
}

#[tokio::test]
async fn a_resource_without_the_right_to_it_is_a_403() {
    let it = reseller().await;
    it.sim.with_state(|state| {
        state.denied.insert("customers".to_owned());
    });
    assert_eq!(it.get("/customers").await.status, 403);
    assert_eq!(it.get("/subscriptions").await.status, 200);
}

#[tokio::test]
async fn reports_come_all_at_once_and_formats_in_any_case() {
    let it = reseller().await;
    it.sim.with_state(|state| {
        for _ in 0..14 {
            state.add_report("Monthly");
        }
    });
    let (page, told) = it.page("/reports?offset=3&limit=2").await;
    assert_eq!((page.len(), told), (15, [0, 15, 15]));
    let (none, _) = it.page("/reports?status=error").await;
    assert!(none.is_empty());
    let one = it.get(&format!("/reports/{}", page[0])).await.json();
    let url = one.get("downloadUrl").and_then(Json::text).unwrap();
    assert!(url.starts_with("https://reports.blob.example/"));
}

#[tokio::test]
async fn a_change_is_carried_out_later_and_two_at_once_conflict_as_500() {
    let it = reseller().await;
    let body = format!(
        r#"{{"type":"change","customerId":"{}","poNumber":"PO-1","products":[{{"subscriptionId":"{}","mpn":"{MAIL}","quantity":15}}]}}"#,
        it.customer, it.subscription
    );
    let estimate = it.call("POST", "/orders/estimate", &body).await;
    assert_eq!(estimate.status, 200, "{}", estimate.body);
    assert!(it.sim.with_state(|state| state.orders.is_empty()));
    let placed = it.call("POST", "/orders", &body).await;
    assert_eq!(placed.status, 200, "{}", placed.body);
    assert!(placed.body.contains("\"statusCode\":\"LO\""));
    let conflict = it.call("POST", "/orders", &body).await;
    assert_eq!(conflict.status, 500);
    assert!(conflict.body.contains("LO"), "{}", conflict.body);

    it.sim
        .with_state(tallyline_testkit::ingram::IngramState::complete_orders);
    let seats = it
        .sim
        .with_state(|state| state.subscriptions[0].products[0].quantity);
    assert_eq!(seats, Some(Decimal::from(15)));
    let id = placed.json();
    let id = id.get("id").and_then(Json::text).unwrap();
    let read = it.get(&format!("/orders/{id}")).await.json();
    let line = read.get("products").and_then(Json::items).unwrap();
    let told = line[0].get("quantity").and_then(Json::integer);
    assert_eq!(told, Some(1), "read back it is the difference");
    let (page, _) = it
        .page(&format!("/orders?customerId={}", it.customer))
        .await;
    assert_eq!(page, [id.to_owned()]);
    let list = it.get("/orders").await;
    assert!(!list.body.contains("poNumber") && !list.body.contains("products"));
}

#[tokio::test]
async fn what_may_be_written_beside_orders_is_kept() {
    let it = reseller().await;
    let path = format!("/subscriptions/{}", it.subscription);
    let body = format!(
        r#"{{"renewalStatus":false,"products":[{{"mpn":"{MAIL}","unitPrice":{{"currency":"USD","amount":"7.25"}}}}]}}"#
    );
    let patched = it.call("PATCH", &path, &body).await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    assert!(patched.body.contains("\"amount\":\"7.25\""));
    let customer = r#"{"name":"Oak Legal","language":"en","address":{"streetAddress":"1 Oak","postalCode":"1","city":"Oak","countryCode":"US"},
      "contactPersons":[{"type":"admin","firstName":"A","lastName":"B","email":"a@oak.example","phoneNumber":"1##5550100200#"}]}"#;
    let made = it.call("POST", "/customers", customer).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let id = made.json();
    let id = id.get("id").and_then(Json::text).unwrap();
    let changed = it
        .call(
            "PATCH",
            &format!("/customers/{id}"),
            r#"{"externalId":"250"}"#,
        )
        .await;
    assert!(changed.body.contains("\"externalId\":\"250\""));
    let token = it.token().await;
    let headers = [("Authorization", token.as_str()), KEY];
    it.sim.expect_violations("no label", &["content-type"]);
    let unlabelled = it
        .raw("PATCH", &format!("{ROOT}{path}"), &headers, "{}")
        .await;
    assert_eq!(unlabelled.status, 415);
    assert_eq!(JSON.1, "application/json");
}

#[tokio::test]
async fn another_region_is_no_place_at_all() {
    let it = reseller().await;
    let answer = it.raw("GET", "/marketplace/eu/customers", &[KEY], "").await;
    assert_eq!(answer.status, 404);
    it.sim.expect_violations("no region", &["operation"]);
    let answer = it.raw("GET", "/customers", &[KEY], "").await;
    assert_eq!(answer.status, 404);
}
