//! The client and the source against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::time::Duration;

use common::*;
use tallyline_core::Result;
use tallyline_core::http::{Limits, RetryPolicy, Timeouts};
use tallyline_core::model::Quantity;
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::hostile::{Field, HostileClient, HostileStreams, Probe};
use tallyline_testkit::raw::Route;

const MAX_BODY: usize = 1 << 20;

const DETAILS: &str = "/service-provider/v1/billing/subscriptions/details";

const CUSTOMERS: &str = r#"{"items":[{"id":"c0000000-0000-4000-8000-000000000001","displayName":"Fern Clinic","path":["Reseller"]},
  {"id":"c0000000-0000-4000-8000-000000000002","displayName":"Oak Legal","suspendedOn":"2026-01-13T20:30:05.7613888"},{"id":"c0000000-0000-4000-8000-000000000003","displayName":"Birch Gym"}]}"#;

const CHARGES: &str = r#"{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":[
  {"sku":"MAIL-A","chargeId":"k-1","chargeType":"Recurring","billingCycleType":"Monthly","periodFrom":"2026-03-01",
   "periodTo":"2026-03-31","quantity":3,"netPrice":9,"netPriceProrated":9,"subTotal":27,"currency":"USD","isBilled":true,
   "tags":[{"name":"CustomerDisplayName","value":"Fern Clinic"}]},
  {"sku":"DISK","chargeName":"GB","chargeType":"Usage","billingCycleType":"Monthly","quantity":12.5,"netPrice":0.1,
   "tags":[{"name":"CustomerDisplayName","value":"Gone Gym"}]}]}"#;

fn subscriptions(customer: &str) -> String {
    format!(
        r#"{{"items":[{{"id":"s-{customer}","sku":"MAIL-A","productName":"Mail","quantity":12,"billingCycle":"Monthly",
  "commitmentTerm":{{"type":"Annual","termEndDate":"2027-01-31","committedMinimalQuantities":[{{"committedUntil":"2026-02-09","quantity":10}}]}}}},
  {{"id":"t-{customer}","sku":"MAIL-B","productName":"Mail plus","quantity":3,"billingCycle":"Monthly","purchaseDate":"2026-01-05T08:09:10.1234567"}}]}}"#
    )
}

fn connect(base: &str) -> Result<SherwebClient> {
    SherwebClient::builder()
        .client_id("client-1")
        .client_secret(SECRET.into())
        .subscription_key(KEY.into())
        .base_url(base)
        .retry(RetryPolicy {
            max_attempts: 2,
            ..quick()
        })
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(400)),
            ..Timeouts::default()
        })
        .limits(Limits {
            max_body: MAX_BODY,
            ..Limits::default()
        })
        .jitter_seed(1)
        .build()
}

fn token() -> Route {
    Route::post(
        TOKEN,
        r#"{"access_token":"token-1","expires_in":"3600","token_type":"Bearer"}"#,
    )
}

fn details(customer: &str) -> Route {
    Route::get(DETAILS, subscriptions(customer)).query("customerId", customer)
}

fn shown(quantity: impl Into<Quantity>) -> String {
    quantity.into().to_string()
}

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = HostileClient::new("sherweb", connect)
        .max_body(MAX_BODY)
        .route(token())
        .probe(
            Probe::new(
                "customers",
                Route::get("/service-provider/v1/customers", CUSTOMERS),
                |client: SherwebClient| async move {
                    let items = client.customers().await?.items;
                    Ok(format!("{items:?}"))
                },
            )
            .field(Field::text_id("/items/1/id"))
            .field(Field::name("/items/1/displayName"))
            .field(Field::date("/items/1/suspendedOn")),
        )
        .probe(
            Probe::new(
                "subscriptions",
                details("c0000000-0000-4000-8000-000000000001"),
                |client: SherwebClient| async move {
                    let items = client
                        .subscription_details("c0000000-0000-4000-8000-000000000001")
                        .await?
                        .items;
                    let lines = items
                        .iter()
                        .map(|item| format!("{} {}", item.id, shown(item.quantity)));
                    Ok(lines.collect::<Vec<_>>().join(", "))
                },
            )
            .field(Field::text_id("/items/1/id"))
            .field(Field::text_id("/items/1/sku"))
            .field(Field::quantity("/items/1/quantity"))
            .field(Field::quantity(
                "/items/0/commitmentTerm/committedMinimalQuantities/0/quantity",
            ))
            .field(Field::date("/items/0/commitmentTerm/termEndDate"))
            .field(Field::date("/items/1/purchaseDate"))
            .field(Field::name("/items/1/productName")),
        )
        .probe(
            Probe::new(
                "payable charges",
                Route::get(PAYABLE, CHARGES),
                |client: SherwebClient| async move {
                    let charges = client.payable_charges(None).await?.charges;
                    let lines = charges
                        .iter()
                        .map(|charge| format!("{:?} {:?}", charge.sku, charge.quantity.map(shown)));
                    Ok(lines.collect::<Vec<_>>().join(", "))
                },
            )
            .field(Field::quantity("/charges/0/quantity").optional())
            .field(Field::quantity("/charges/0/netPrice").optional())
            .field(Field::date("/charges/0/periodFrom"))
            .field(Field::date("/periodTo").named("periodTo"))
            .field(Field::name("/charges/1/tags/0/value")),
        )
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_token_answer_harms_the_client() {
    // A client for each case: a token is kept.
    let report = HostileClient::new("sherweb", |base| Ok(base.to_owned()))
        .max_body(MAX_BODY)
        .route(Route::get("/service-provider/v1/customers", CUSTOMERS))
        .probe(Probe::new("token", token(), |base: String| async move {
            let customers = connect(&base)?.customers().await?;
            Ok(customers.items.len().to_string())
        }))
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}

fn streams(victim: &str, route: Route) -> HostileStreams {
    let streams = HostileStreams::source("sherweb", connect, victim, route)
        .max_body(MAX_BODY)
        .route(token())
        .route(Route::get("/service-provider/v1/customers", CUSTOMERS))
        .route(Route::get(PAYABLE, CHARGES));
    [
        "c0000000-0000-4000-8000-000000000001",
        "c0000000-0000-4000-8000-000000000002",
        "c0000000-0000-4000-8000-000000000003",
    ]
    .into_iter()
    .fold(streams, |streams, customer| {
        streams.route(details(customer))
    })
}

#[tokio::test]
async fn a_hostile_answer_for_one_account_fails_that_account_alone() {
    let report = streams(
        "c0000000-0000-4000-8000-000000000002",
        details("c0000000-0000-4000-8000-000000000002"),
    )
    .field(Field::quantity("/items/1/quantity"))
    .field(Field::text_id("/items/1/id"))
    .field(Field::text_id("/items/1/sku"))
    .field(Field::date("/items/0/commitmentTerm/termEndDate"))
    .field(Field::name("/items/1/productName"))
    .run()
    .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
