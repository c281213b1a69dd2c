//! The vendor source against a mock of the vendor.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use futures::StreamExt as _;
use tallyline_core::model::{AccountReading, Basis, ReadingOutcome, Timestamp};
use tallyline_core::source::{Trigger, UsageRequest};
use tallyline_core::{ErrorKind, Result, VendorSource};
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{body_string_contains, method, path, query_param};
use wiremock::{Mock, ResponseTemplate};

const CUSTOMERS: &str = r#"{"items":[
  {"id":"c0000000-0000-4000-8000-000000000002","displayName":"Oak Legal"},
  {"id":"c0000000-0000-4000-8000-000000000001","displayName":"Fern Clinic","suspendedOn":"2026-01-13T20:30:05.7613888"},
  {"id":"c0000000-0000-4000-8000-000000000002","displayName":"Oak Legal"}]}"#;

const CHARGES: &str = r#"{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":[
  {"sku":"MAIL-A","chargeId":"e0000000-0000-4000-8000-000000000001","chargeType":"Recurring","billingCycleType":"Monthly","periodFrom":"2026-03-01","periodTo":"2026-03-31",
   "quantity":3,"netPrice":9,"netPriceProrated":9,"subTotal":27,"currency":"usd","isBilled":true,
   "deductions":[{"deductionType":"PerformancePercentage","unitValue":1}],
   "tags":[{"name":"CustomerDisplayName","value":"Fern Clinic"}]},
  {"sku":"DISK","chargeName":"GB","chargeType":"Usage","billingCycleType":"Monthly","periodFrom":"2026-03-01","periodTo":"2026-03-31",
   "quantity":12.5,"netPrice":0.1,"netPriceProrated":0.1,"subTotal":1.25,"currency":"USD","isBilled":true,
   "tags":[{"name":"CustomerId","value":"C0000000-0000-4000-8000-000000000002"}]},
  {"sku":"DISK","chargeName":"GB","chargeType":"Setup","billingCycleType":"OneTime","quantity":1,"netPrice":5,"netPriceProrated":5,"subTotal":5,
   "isBilled":true,"tags":[{"name":"CustomerId","value":"c-gone"},{"name":"CustomerDisplayName","value":"Gone Gym"}]}]}"#;

fn request() -> UsageRequest {
    let now: Timestamp = "2026-03-20T10:00:00Z".parse().unwrap();
    UsageRequest::new(now)
}

async fn serve(server: &MockVendor, at: &str, body: &str) {
    get(at).respond_with(json(body)).mount(server).await;
}

/// A customer's subscriptions in the newer form.
async fn details(server: &MockVendor, customer: &str, answer: ResponseTemplate) {
    get(&format!("{SP}/billing/subscriptions/details"))
        .and(query_param("customerId", customer))
        .respond_with(answer)
        .mount(server)
        .await;
}

fn one(quantity: u32) -> ResponseTemplate {
    json(&format!(
        r#"{{"items":[{{"id":"50000000-0000-4000-8000-000000000001","sku":"MAIL-A","quantity":{quantity},"billingCycle":"monthly"}}]}}"#
    ))
}

async fn vendor() -> MockVendor {
    let server = server().await;
    serve(&server, &format!("{SP}/customers"), CUSTOMERS).await;
    server
}

async fn read(client: &SherwebClient, request: &UsageRequest) -> Vec<Result<AccountReading>> {
    client.usage(request).collect().await
}

fn lines(reading: &AccountReading) -> Vec<String> {
    reading
        .lines()
        .unwrap()
        .iter()
        .map(|line| {
            let cost = line
                .unit_cost
                .map_or_else(String::new, |cost| format!(" at {cost}"));
            format!("{} {} {}{cost}", line.key, line.kind, line.quantity)
        })
        .collect()
}

#[tokio::test]
async fn readings_hold_subscriptions_costs_and_charges_in_the_vendors_order() {
    let server = vendor().await;
    serve(&server, PAYABLE, CHARGES).await;
    details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
    details(&server, "c0000000-0000-4000-8000-000000000002", one(0)).await;
    let client = client(&server);
    let request = request();
    let readings: Vec<AccountReading> = read(&client, &request)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let [oak, fern, gone] = &readings[..] else {
        panic!("three readings: {readings:?}");
    };
    assert_eq!(oak.account.as_str(), "c0000000-0000-4000-8000-000000000002");
    assert_eq!(
        lines(oak),
        [
            "sub:50000000-0000-4000-8000-000000000001 recurring 0",
            "charge:DISK:GB:Usage:2026-03-01:2026-03-31 usage 12.5 at 0.10 USD",
        ]
    );
    assert_eq!(
        fern.account.as_str(),
        "c0000000-0000-4000-8000-000000000001"
    );
    assert_eq!(
        lines(fern),
        ["sub:50000000-0000-4000-8000-000000000001 recurring 3 at 10.00 USD"]
    );
    assert_eq!(fern.basis, Basis::Live);
    let period = fern.billing_period.unwrap().to_string();
    assert_eq!(period, "2026-03-01 to 2026-03-31");
    assert!(fern.unread_kinds.is_empty());
    assert_eq!(gone.account.as_str(), "unattributed:Gone Gym");
    assert_eq!(lines(gone), ["charge:DISK:GB:Setup:-:- setup 1 at 5.00"]);
    assert_eq!(gone.basis, Basis::Invoiced);

    let again = read(&client, &request)
        .await
        .into_iter()
        .map(Result::unwrap);
    assert_eq!(
        again.collect::<Vec<_>>(),
        readings,
        "same inputs, same readings"
    );
    let asked = asked(&server).await;
    assert!(
        asked.contains(&format!("GET {PAYABLE}?date=2026-03-20")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn only_wanted_accounts_are_asked_about() {
    let server = vendor().await;
    serve(&server, PAYABLE, CHARGES).await;
    details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
    let request = request().with_accounts([
        "c0000000-0000-4000-8000-000000000001".into(),
        "c-unknown".into(),
    ]);
    let readings = read(&client(&server), &request).await;
    assert_eq!(readings.len(), 1, "an unknown account is not observed");
    assert_eq!(
        readings[0].as_ref().unwrap().account.as_str(),
        "c0000000-0000-4000-8000-000000000001"
    );
}

#[tokio::test]
async fn a_tenant_without_details_is_remembered() {
    let server = vendor().await;
    serve(&server, PAYABLE, r#"{"charges":null}"#).await;
    get(&format!("{SP}/billing/subscriptions/details"))
        .respond_with(ResponseTemplate::new(404))
        .expect(1)
        .mount(&server)
        .await;
    serve(
        &server,
        &format!("{SP}/billing/subscriptions"),
        r#"{"items":[]}"#,
    )
    .await;
    let client = client(&server);
    for account in [
        "c0000000-0000-4000-8000-000000000001",
        "c0000000-0000-4000-8000-000000000002",
    ] {
        let request = request().with_accounts([account.into()]);
        let readings = read(&client, &request).await;
        assert_eq!(readings[0].as_ref().unwrap().lines(), Some(&[][..]));
    }
}

#[tokio::test]
async fn a_customer_that_is_gone_fails_alone_and_proves_nothing_about_the_tenant() {
    let server = vendor().await;
    serve(&server, PAYABLE, CHARGES).await;
    details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
    for form in ["", "/details"] {
        get(&format!("{SP}/billing/subscriptions{form}"))
            .and(query_param(
                "customerId",
                "c0000000-0000-4000-8000-000000000002",
            ))
            .respond_with(problem(404, r#"{"title":"no such customer"}"#))
            .expect(2)
            .mount(&server)
            .await;
    }
    let client = client(&server);
    for _ in 0..2 {
        let readings = read(&client, &request()).await;
        let ReadingOutcome::Failed(failure) = &readings[0].as_ref().unwrap().outcome else {
            panic!("c0000000-0000-4000-8000-000000000002 cannot be read");
        };
        assert_eq!(failure.kind, ErrorKind::NotFound);
        assert!(failure.message.contains("Oak Legal"), "{}", failure.message);
        assert!(readings[1].as_ref().unwrap().lines().is_some());
    }
}

#[tokio::test]
async fn an_undecodable_subscription_fails_its_account_by_name_and_path() {
    let server = vendor().await;
    serve(&server, PAYABLE, CHARGES).await;
    let bad = r#"{"items":[{"id":"50000000-0000-4000-8000-000000000001","sku":"A","quantity":1},{"id":"50000000-0000-4000-8000-000000000002","sku":"A"}]}"#;
    details(&server, "c0000000-0000-4000-8000-000000000002", json(bad)).await;
    details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
    let readings = read(&client(&server), &request()).await;
    let ReadingOutcome::Failed(failure) = &readings[0].as_ref().unwrap().outcome else {
        panic!("c0000000-0000-4000-8000-000000000002 cannot be read");
    };
    assert_eq!(failure.kind, ErrorKind::Protocol);
    for words in ["items[1]", "quantity", "Oak Legal"] {
        assert!(failure.message.contains(words), "{}", failure.message);
    }
    assert!(readings[1].as_ref().unwrap().lines().is_some());
}

#[tokio::test]
async fn without_payable_charges_quantities_stand_and_absence_proves_nothing() {
    for (answer, is_odd) in [
        (problem(403, r#"{"title":"Forbidden"}"#), false),
        (ResponseTemplate::new(400), false),
        (json(r#"{"charges":[{"quantity":"many"}]}"#), true),
    ] {
        let server = vendor().await;
        if is_odd {
            server.expect_odd_answers("no number", &["answer body /charges/0/quantity"]);
        }
        get(PAYABLE).respond_with(answer).mount(&server).await;
        details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
        details(&server, "c0000000-0000-4000-8000-000000000002", one(4)).await;
        let readings = read(&client(&server), &request()).await;
        assert_eq!(readings.len(), 2);
        let fern = readings[1].as_ref().unwrap();
        assert_eq!(
            lines(fern),
            ["sub:50000000-0000-4000-8000-000000000001 recurring 3"]
        );
        assert_eq!(fern.unread_kinds.len(), 4);
    }
}

#[tokio::test]
async fn refused_credentials_end_the_stream() {
    let server = vendor().await;
    serve(&server, PAYABLE, CHARGES).await;
    details(
        &server,
        "c0000000-0000-4000-8000-000000000002",
        problem(401, r#"{"message":"no"}"#),
    )
    .await;
    details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
    let readings = read(&client(&server), &request()).await;
    assert_eq!(readings.len(), 1);
    assert_eq!(readings[0].as_ref().unwrap_err().kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn without_the_list_of_customers_there_is_one_error_and_no_reading() {
    let server = server().await;
    get(&format!("{SP}/customers"))
        .respond_with(problem(403, r#"{"title":"Forbidden"}"#))
        .mount(&server)
        .await;
    let client = client(&server);
    let readings = read(&client, &request()).await;
    assert_eq!(readings.len(), 1);
    let error = readings[0].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let accounts: Vec<_> = client.accounts().collect().await;
    assert!(accounts.len() == 1 && accounts[0].is_err());
}

#[tokio::test]
async fn accounts_come_once_each_and_a_bad_record_is_an_error_item() {
    let server = server().await;
    serve(
        &server,
        &format!("{SP}/customers"),
        r#"{"items":[{"id":"c0000000-0000-4000-8000-000000000001","displayName":"Fern Clinic","suspendedOn":"2026-01-13"},{"displayName":"Nobody"},{"id":"c0000000-0000-4000-8000-000000000001"},{"id":"c0000000-0000-4000-8000-000000000002"}]}"#,
    )
    .await;
    let client = client(&server);
    let accounts: Vec<_> = client.accounts().collect().await;
    let [fern, nobody, second] = &accounts[..] else {
        panic!("three items: {accounts:?}");
    };
    assert!(fern.as_ref().unwrap().suspended);
    let error = nobody.as_ref().unwrap_err();
    assert!(
        error.json_path().unwrap().starts_with("items[1]"),
        "{error}"
    );
    assert_eq!(
        second.as_ref().unwrap().id.as_str(),
        "c0000000-0000-4000-8000-000000000002"
    );
}

#[tokio::test]
async fn services_are_listed_although_one_customer_fails() {
    let server = vendor().await;
    serve(&server, PAYABLE, CHARGES).await;
    details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
    details(
        &server,
        "c0000000-0000-4000-8000-000000000002",
        problem(400, r#"{"title":"no"}"#),
    )
    .await;
    let client = client(&server);
    let services: Vec<_> = client.services().collect().await;
    let keys: Vec<String> = services
        .iter()
        .map(|service| match service {
            Ok(service) => service.key.to_string(),
            Err(error) => format!("error {:?}", error.kind()),
        })
        .collect();
    assert_eq!(keys, ["DISK", "MAIL-A", "error Invalid"]);
}

#[tokio::test]
async fn b1_check_names_what_works_and_warns_of_a_missing_distributor_scope() {
    let server = vendor().await;
    let identity = client(&server).check().await.unwrap();
    assert_eq!(identity.subject, "client-1");
    assert_eq!(identity.verified.len(), 2);
    assert!(identity.warnings.is_empty());

    let server = mock().await;
    Mock::given(method("POST"))
        .and(path(TOKEN))
        .and(body_string_contains("scope=distributor"))
        .respond_with(problem(400, r#"{"error":"invalid_scope"}"#))
        .mount(&server)
        .await;
    tokens(&server).await;
    serve(&server, &format!("{SP}/customers"), CUSTOMERS).await;
    let identity = client(&server).check().await.unwrap();
    assert_eq!(identity.verified.len(), 1);
    assert!(identity.warnings[0].contains("unit costs will not be read"));
    assert!(identity.warnings[0].contains("distributor"));
}

#[tokio::test]
async fn check_names_the_missing_service_provider_scope() {
    let server = mock().await;
    Mock::given(method("POST"))
        .and(path(TOKEN))
        .respond_with(problem(400, r#"{"error":"invalid_scope"}"#))
        .mount(&server)
        .await;
    let error = client(&server).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("service-provider"), "{error}");
}

#[test]
fn the_source_is_object_safe_and_can_be_shared() {
    fn share<T: Send + Sync + Clone + 'static>() {}
    share::<SherwebClient>();
    let _boxed: fn(SherwebClient) -> Box<dyn VendorSource> = |client| Box::new(client);
}

#[tokio::test]
async fn a_charge_on_an_invoice_names_it_and_has_the_price_of_the_receivable_charge() {
    let invoiced = CHARGES.replace(
        r#""subTotal":1.25,"#,
        r#""subTotal":1.25,"invoice":{"number":"INV-7","date":"2026-03-31","periodFrom":"2026-03-01","periodTo":"2026-03-31"},"#,
    );
    let owed = r#"{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":[
      {"sku":"DISK","chargeName":"GB","chargeType":"Usage","periodFrom":"2026-03-01","periodTo":"2026-03-31",
       "quantity":12.50,"costPrice":0.16,"costPriceProrated":0.16,"currency":"USD"}]}"#;
    for (answer, price) in [(json(owed), Some("2.00 USD")), (problem(400, "{}"), None)] {
        let server = vendor().await;
        serve(&server, PAYABLE, &invoiced).await;
        details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
        details(&server, "c0000000-0000-4000-8000-000000000002", one(0)).await;
        get(&format!("{SP}/billing/receivable-charges"))
            .and(query_param(
                "customerId",
                "c0000000-0000-4000-8000-000000000002",
            ))
            .and(query_param("date", "2026-03-20"))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        let client = client(&server);
        let readings = read(&client, &request()).await;
        let oak = readings[0].as_ref().unwrap();
        let usage = &oak.lines().unwrap()[1];
        let bill = usage.bill.as_ref().unwrap();
        assert_eq!(bill.to_string(), "INV-7 of 2026-03-31");
        assert_eq!(oak.bills.len(), 1);
        assert_eq!(oak.bills[0].key, *bill);
        assert_eq!(usage.total_cost.unwrap().to_string(), "1.25 USD");
        let total = usage.total_price.map(|total| total.to_string());
        assert_eq!(total.as_deref(), price);
        assert!(readings[1].as_ref().unwrap().bills.is_empty());
    }
}

#[tokio::test]
async fn b17_triggers_are_derived_from_the_readings_and_their_billing_period() {
    let server = vendor().await;
    serve(&server, PAYABLE, CHARGES).await;
    details(&server, "c0000000-0000-4000-8000-000000000001", one(3)).await;
    details(&server, "c0000000-0000-4000-8000-000000000002", one(0)).await;
    let client = client(&server);
    let triggers = client.descriptor().triggers;
    assert_eq!(triggers.quota, Trigger::OnQuantityChange);
    assert_eq!(triggers.usage, Trigger::OnBillingDate);
    assert_eq!(triggers.usage_with_extra, Trigger::OnUsageChange);
    let request = request();
    let readings = read(&client, &request).await;
    let oak = readings[0].as_ref().unwrap();
    let billing_date = oak.billing_period.unwrap().end().to_string();
    assert_eq!(billing_date, "2026-03-31");
    let usage = &oak.lines().unwrap()[1];
    assert_eq!(usage.period, oak.billing_period);
}

#[tokio::test]
async fn b13_a_subscriptions_price_is_read_only_where_it_is_asked_for() {
    const OWED: &str = r#"{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":[
      {"productName":"Mail A","sku":"MAIL-A","chargeName":"Seats","chargeType":"Recurring","billingCycleType":"Monthly",
       "periodFrom":"2026-03-01","periodTo":"2026-03-31","quantity":3,"costPrice":12.5,"costPriceProrated":12.5,
       "currency":"USD","isProratable":true}]}"#;
    let server = vendor().await;
    serve(&server, PAYABLE, r#"{"charges":[]}"#).await;
    serve(&server, &format!("{SP}/billing/receivable-charges"), OWED).await;
    for customer in ["1", "2"] {
        let id = format!("c0000000-0000-4000-8000-00000000000{customer}");
        details(&server, &id, one(3)).await;
    }
    let price = |reading: &Result<AccountReading>| {
        let lines = reading.as_ref().unwrap().lines().unwrap().to_vec();
        lines[0].unit_price.map(|price| price.to_string())
    };
    let request = request();
    assert_eq!(price(&read(&client(&server), &request).await[0]), None);
    let calls = asked(&server).await;
    assert!(!calls.iter().any(|call| call.contains("receivable")));
    let priced = SherwebClient::builder()
        .client_id("client-1")
        .client_secret(SECRET.into())
        .subscription_key(KEY.into())
        .base_url(server.uri())
        .accept_language("en-CA")
        .retry(quick())
        .unit_prices(true)
        .build()
        .unwrap();
    let readings = read(&priced, &request).await;
    assert_eq!(price(&readings[0]).as_deref(), Some("12.50 USD"));
}
