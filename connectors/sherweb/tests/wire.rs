//! Every operation on the wire. A request that no mock expects gets a 404 and fails its test.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use tallyline_core::ErrorKind;
use tallyline_core::error::Sent;
use tallyline_sherweb::models::{
    AmendmentState, ChargeType, SubscriptionAmendment, TrackingState, localized,
};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;
use wiremock::matchers::query_param;

/// A POST that must carry the headers of its scope.
fn post(at: &str) -> wiremock::MockBuilder {
    authorized("POST", at)
}

/// The body of the last request.
async fn last_body(server: &MockVendor) -> serde_json::Value {
    let requests = server.received_requests().await.unwrap();
    serde_json::from_slice(&requests.last().unwrap().body).unwrap()
}

#[tokio::test]
async fn a_token_is_asked_for_once_per_scope_with_exactly_four_fields() {
    let server = server().await;
    get(&format!("{SP}/customers"))
        .respond_with(json(r#"{"items":[]}"#))
        .expect(2)
        .mount(&server)
        .await;
    get(PAYABLE)
        .respond_with(json(r#"{"charges":null}"#))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    client.customers().await.unwrap();
    client.customers().await.unwrap();
    client.payable_charges(None).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let forms: Vec<Vec<(String, String)>> = requests
        .iter()
        .filter(|request| request.url.path() == TOKEN)
        .map(|request| {
            assert_eq!(
                request.headers["content-type"],
                "application/x-www-form-urlencoded"
            );
            assert!(request.url.query().is_none());
            assert!(!request.headers.contains_key("authorization"));
            let form = url::form_urlencoded::parse(&request.body);
            let mut form: Vec<(String, String)> = form.into_owned().collect();
            form.sort();
            form
        })
        .collect();
    let form = |scope: &str| {
        [
            ("client_id", "client-1"),
            ("client_secret", SECRET),
            ("grant_type", "client_credentials"),
            ("scope", scope),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    };
    assert_eq!(forms, [form("service-provider"), form("distributor")]);
}

#[tokio::test]
async fn a_request_that_no_mock_expects_fails() {
    let server = server().await;
    get(&format!("{SP}/customers"))
        .respond_with(json("{}"))
        .expect(0)
        .mount(&server)
        .await;
    let error = client(&server).platforms().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(asked(&server).await, [format!("GET {SP}/platforms")]);
}

#[tokio::test]
async fn payable_charges_send_a_date_only_when_there_is_one() {
    let server = server().await;
    server.expect_odd_answers(
        "a word in small letters",
        &["answer body /charges/0/chargeType"],
    );
    get(PAYABLE)
        .respond_with(json(
            r#"{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":[
              {"sku":"DISK","chargeType":"usage","quantity":0.1234567890123456789012345678,"subTotal":1E+2}]}"#,
        ))
        .expect(2)
        .mount(&server)
        .await;
    let client = client(&server);
    let charges = client
        .payable_charges(Some("2026-03-17".parse().unwrap()))
        .await
        .unwrap();
    client.payable_charges(None).await.unwrap();
    let charge = &charges.charges[0];
    assert_eq!(
        charge.quantity.unwrap().to_string(),
        "0.1234567890123456789012345678"
    );
    assert_eq!(charge.sub_total.unwrap().to_string(), "100");
    assert_eq!(charge.charge_type, Some(ChargeType::Usage));
    assert_eq!(
        asked(&server).await,
        [
            format!("GET {PAYABLE}?date=2026-03-17"),
            format!("GET {PAYABLE}")
        ]
    );
}

#[tokio::test]
async fn customers_are_listed_and_null_is_none() {
    let server = server().await;
    get(&format!("{SP}/customers"))
        .respond_with(json(r#"{"items":null}"#))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    get(&format!("{SP}/customers"))
        .respond_with(json(r#"{"items":[{"id":"c0000000-0000-4000-8000-000000000001","displayName":"Fern Clinic","path":["root"],"suspendedOn":null}]}"#))
        .mount(&server)
        .await;
    let client = client(&server);
    assert!(client.customers().await.unwrap().items.is_empty());
    assert_eq!(client.customers().await.unwrap().items[0].path, ["root"]);
}

#[tokio::test]
async fn subscriptions_and_their_other_forms_name_the_customer_in_the_query() {
    let server = server().await;
    server.expect_violations(
        "an id that has to be escaped is no UUID",
        &["query /customerId"],
    );
    server.expect_odd_answers("a member that is new", &["answer body /items/0/extra"]);
    for form in ["", "/details"] {
        get(&format!("{SP}/billing/subscriptions{form}"))
            .and(query_param("customerId", "c&1"))
            .respond_with(json(r#"{"items":[{"id":"50000000-0000-4000-8000-000000000001","sku":"A","quantity":2,"billingCycle":"Fortnightly","extra":{}}]}"#))
            .expect(1)
            .mount(&server)
            .await;
    }
    for form in ["pricing-information", "meters"] {
        get(&format!("{SP}/billing/subscriptions/{form}"))
            .and(query_param("customerId", "c&1"))
            .respond_with(json(r#"{"price":1.10}"#))
            .expect(1)
            .mount(&server)
            .await;
    }
    let client = client(&server);
    assert_eq!(client.subscriptions("c&1").await.unwrap().items.len(), 1);
    let details = client.subscription_details("c&1").await.unwrap();
    assert_eq!(
        details.items[0].billing_cycle.as_ref().unwrap().as_str(),
        "Fortnightly"
    );
    let prices = client.pricing_information("c&1").await.unwrap();
    assert_eq!(prices.as_str(), r#"{"price":1.10}"#);
    client.meters("c&1", "p-1").await.unwrap();
    let asked = asked(&server).await;
    assert!(
        asked[3].ends_with("customerId=c%261&platformId=p-1"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_amendment_states_totals_and_gives_a_receipt() {
    let server = server().await;
    post(&format!("{SP}/billing/subscriptions/amendments"))
        .and(query_param("customerId", "c0000000-0000-4000-8000-000000000001"))
        .respond_with(json(
            r#"{"subscriptionsAmendmentId":"a0000000-0000-4000-8000-000000000001","trackingId":{"requestTrackingId":"t-1"}}"#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let receipt = client(&server)
        .amend_subscriptions(
            "c0000000-0000-4000-8000-000000000001",
            &[SubscriptionAmendment::new(
                "50000000-0000-4000-8000-000000000001",
                7,
            )],
        )
        .await
        .unwrap();
    assert_eq!(
        receipt.subscriptions_amendment_id.as_deref(),
        Some("a0000000-0000-4000-8000-000000000001")
    );
    assert_eq!(receipt.tracking_id.as_deref(), Some("t-1"));
    assert_eq!(
        last_body(&server).await,
        serde_json::json!({"subscriptionAmendmentParameters": [{"subscriptionId": "50000000-0000-4000-8000-000000000001", "newQuantity": 7}]})
    );
}

#[tokio::test]
async fn a_cancellation_may_be_answered_with_nothing() {
    let server = server().await;
    post(&format!("{SP}/billing/subscriptions/cancellations"))
        .and(query_param(
            "customerId",
            "c0000000-0000-4000-8000-000000000001",
        ))
        .respond_with(ResponseTemplate::new(202))
        .expect(1)
        .mount(&server)
        .await;
    let receipt = client(&server)
        .cancel_subscriptions(
            "c0000000-0000-4000-8000-000000000001",
            &["50000000-0000-4000-8000-000000000001".into()],
        )
        .await
        .unwrap();
    assert_eq!(receipt.tracking_id, None);
    assert_eq!(
        last_body(&server).await,
        serde_json::json!({"subscriptionIds": ["50000000-0000-4000-8000-000000000001"]})
    );
}

#[tokio::test]
async fn a_write_has_one_attempt_whatever_goes_wrong() {
    for status in [500, 503, 429] {
        let server = server().await;
        post(&format!("{SP}/billing/subscriptions/amendments"))
            .respond_with(problem(status, r#"{"title":"Try again in 1 seconds"}"#))
            .expect(1)
            .mount(&server)
            .await;
        let error = client(&server)
            .amend_subscriptions(
                "c0000000-0000-4000-8000-000000000001",
                &[SubscriptionAmendment::new(
                    "50000000-0000-4000-8000-000000000001",
                    7,
                )],
            )
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.may_have_been_applied(), status != 429, "{error:?}");
    }
}

#[tokio::test]
async fn the_status_of_a_change_is_a_text_or_an_object() {
    let server = server().await;
    get(&format!(
        "{SP}/billing/subscriptions/amendments/a0000000-0000-4000-8000-000000000001/status"
    ))
    .respond_with(json(r#""PartialSuccess""#))
    .expect(1)
    .mount(&server)
    .await;
    get(&format!("{SP}/tracking/t-1"))
        .respond_with(json(r#"{"status":"queued"}"#))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    assert_eq!(
        client
            .amendment_status("a0000000-0000-4000-8000-000000000001")
            .await
            .unwrap()
            .status,
        AmendmentState::PartialSuccess
    );
    assert_eq!(
        client.tracking("t-1").await.unwrap().status,
        TrackingState::Queued
    );
}

#[tokio::test]
async fn receivable_charges_read_the_period_that_came_back() {
    let server = server().await;
    get(&format!("{SP}/billing/receivable-charges"))
        .and(query_param("customerId", "c0000000-0000-4000-8000-000000000001"))
        .and(query_param("date", "2026-03-17"))
        .respond_with(json(
            r#"{"periodFrom":"2026-02-01T00:00:00Z","periodTo":"2026-02-28","charges":[
              {"productName":"Mail","sku":"A","chargeName":"Seat","chargeType":"Recurring","periodFrom":"2026-02-01","periodTo":"2026-02-28",
               "quantity":1.5,"costPrice":2,"costPriceProrated":0.1,"currency":"usd","isProratable":true}]}"#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let date = Some("2026-03-17".parse().unwrap());
    let charges = client(&server)
        .receivable_charges("c0000000-0000-4000-8000-000000000001", date)
        .await
        .unwrap();
    assert_eq!(charges.period_from.unwrap().to_string(), "2026-02-01");
    assert_eq!(charges.charges[0].sub_total().unwrap().to_string(), "0.15");
}

#[tokio::test]
async fn receivable_charges_refused_over_a_psa_integration_are_a_configuration_error() {
    let server = server().await;
    get(&format!("{SP}/billing/receivable-charges"))
        .respond_with(problem(
            403,
            r#"{"title":"Forbidden","detail":"Not available while a PSA integration is enabled."}"#,
        ))
        .mount(&server)
        .await;
    let error = client(&server)
        .receivable_charges("c0000000-0000-4000-8000-000000000001", None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.status(), Some(403));
    assert!(error.to_string().contains("partner portal"), "{error}");
}

#[tokio::test]
async fn catalogs_and_platforms_are_read() {
    let server = server().await;
    let mocks = [
        (
            format!("{SP}/customer-catalogs/c%2F1"),
            r#"{"customerId":"c/1","catalogItems":[{"sku":"A","name":[{"culture":"en","value":"Mail"}]}]}"#,
        ),
        (
            format!("{SP}/platforms"),
            r#"{"platforms":[{"id":"p-1","name":[{"culture":"en","value":"Cloud"}]}]}"#,
        ),
        (
            format!("{SP}/customers/c0000000-0000-4000-8000-000000000001/platforms-configurations"),
            r#"{"configuredPlatforms":[{"id":"p-1","tenant":"t"}]}"#,
        ),
        (
            format!("{SP}/customers/c0000000-0000-4000-8000-000000000001/platforms/p-1/details"),
            r#"{"any":[1]}"#,
        ),
        (
            format!(
                "{SP}/customers/c0000000-0000-4000-8000-000000000001/platforms/p-1/meter-usages"
            ),
            r#"[{"meterId":"m-1","totalQuantities":10,"consumedQuantities":2.50,"availableQuantities":7.5}]"#,
        ),
    ];
    for (at, body) in &mocks {
        get(at)
            .respond_with(json(body))
            .expect(1)
            .mount(&server)
            .await;
    }
    post(&format!(
        "{SP}/customer-catalogs/c0000000-0000-4000-8000-000000000001/catalog-items-pricing"
    ))
    .respond_with(json("[]"))
    .expect(1)
    .mount(&server)
    .await;
    let client = client(&server);
    let catalog = client.customer_catalog("c/1").await.unwrap();
    assert_eq!(
        localized(&catalog.catalog_items[0].name, "en"),
        Some("Mail")
    );
    assert_eq!(client.platforms().await.unwrap().platforms[0].id, "p-1");
    let configured = client
        .platforms_configurations("c0000000-0000-4000-8000-000000000001")
        .await
        .unwrap();
    assert_eq!(configured.configured_platforms[0].id, "p-1");
    let details = client
        .platform_details("c0000000-0000-4000-8000-000000000001", "p-1")
        .await
        .unwrap();
    assert_eq!(details.as_str(), r#"{"any":[1]}"#);
    let usages = client
        .meter_usages("c0000000-0000-4000-8000-000000000001", "p-1")
        .await
        .unwrap();
    assert_eq!(
        usages.meters[0].consumed_quantities.unwrap().to_string(),
        "2.50"
    );
    let prices = client
        .catalog_items_pricing("c0000000-0000-4000-8000-000000000001", &["A".into()])
        .await
        .unwrap();
    assert_eq!(prices.as_str(), "[]");
    assert_eq!(last_body(&server).await, serde_json::json!({"skus": ["A"]}));
}

#[tokio::test]
async fn empty_ids_and_lists_are_refused_before_anything_is_sent() {
    let server = mock().await;
    let client = client(&server);
    let errors = [
        client.subscriptions("").await.unwrap_err(),
        client.subscription_details(" ").await.unwrap_err(),
        client.pricing_information("").await.unwrap_err(),
        client
            .meters("c0000000-0000-4000-8000-000000000001", "")
            .await
            .unwrap_err(),
        client.amendment_status("").await.unwrap_err(),
        client.tracking("").await.unwrap_err(),
        client.receivable_charges("", None).await.unwrap_err(),
        client.customer_catalog("").await.unwrap_err(),
        client
            .catalog_items_pricing("c0000000-0000-4000-8000-000000000001", &[])
            .await
            .unwrap_err(),
        client.platforms_configurations("").await.unwrap_err(),
        client
            .platform_details("c0000000-0000-4000-8000-000000000001", "")
            .await
            .unwrap_err(),
        client.meter_usages("", "p-1").await.unwrap_err(),
        client
            .amend_subscriptions("c0000000-0000-4000-8000-000000000001", &[])
            .await
            .unwrap_err(),
        client
            .amend_subscriptions(
                "c0000000-0000-4000-8000-000000000001",
                &[SubscriptionAmendment::new("", 1)],
            )
            .await
            .unwrap_err(),
        client
            .cancel_subscriptions("c0000000-0000-4000-8000-000000000001", &[])
            .await
            .unwrap_err(),
        client
            .cancel_subscriptions("", &["50000000-0000-4000-8000-000000000001".into()])
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert_eq!(error.sent(), Sent::No);
        assert!(error.operation().is_some());
    }
    let negative = client
        .amend_subscriptions(
            "c0000000-0000-4000-8000-000000000001",
            &[SubscriptionAmendment::new(
                "50000000-0000-4000-8000-000000000001",
                -1,
            )],
        )
        .await
        .unwrap_err();
    assert_eq!(negative.kind(), ErrorKind::Invalid);
    assert!(server.received_requests().await.unwrap().is_empty());
}
