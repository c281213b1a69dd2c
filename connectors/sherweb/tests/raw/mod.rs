//! The client as the tables of hostile answers need it, its valid answers, and the tables of what a sync reads.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::http::{Limits, RetryPolicy, Timeouts};
use tallyline_core::model::Quantity;
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::hostile::{Field, HostileClient, Probe};
use tallyline_testkit::raw::Route;

use crate::common::{KEY, PAYABLE, SECRET, TOKEN, quick};

pub(crate) const MAX_BODY: usize = 1 << 20;

pub(crate) const CUSTOMER: &str = "c0000000-0000-4000-8000-000000000001";

pub(crate) const DETAILS: &str = "/service-provider/v1/billing/subscriptions/details";

pub(crate) const CUSTOMERS: &str = r#"{"items":[{"id":"c0000000-0000-4000-8000-000000000001","displayName":"Fern Clinic","path":["Reseller"]},
  {"id":"c0000000-0000-4000-8000-000000000002","displayName":"Oak Legal","suspendedOn":"2026-01-13T20:30:05.7613888"},{"id":"c0000000-0000-4000-8000-000000000003","displayName":"Birch Gym"}]}"#;

pub(crate) const CHARGES: &str = r#"{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":[
  {"sku":"MAIL-A","chargeId":"e0000000-0000-4000-8000-000000000001","chargeType":"Recurring","billingCycleType":"Monthly","periodFrom":"2026-03-01",
   "periodTo":"2026-03-31","quantity":3,"netPrice":9,"netPriceProrated":9,"subTotal":27,"currency":"USD","isBilled":true,
   "tags":[{"name":"CustomerDisplayName","value":"Fern Clinic"}]},
  {"sku":"DISK","chargeName":"GB","chargeType":"Usage","billingCycleType":"Monthly","quantity":12.5,"netPrice":0.1,
   "tags":[{"name":"CustomerDisplayName","value":"Gone Gym"}]}]}"#;

pub(crate) fn subscriptions(customer: &str) -> String {
    format!(
        r#"{{"items":[{{"id":"s-{customer}","sku":"MAIL-A","productName":"Mail","quantity":12,"billingCycle":"Monthly",
  "commitmentTerm":{{"type":"Annual","termEndDate":"2027-01-31","committedMinimalQuantities":[{{"committedUntil":"2026-02-09","quantity":10}}]}}}},
  {{"id":"t-{customer}","sku":"MAIL-B","productName":"Mail plus","quantity":3,"billingCycle":"Monthly","purchaseDate":"2026-01-05T08:09:10.1234567"}}]}}"#
    )
}

pub(crate) fn connect(base: &str) -> Result<SherwebClient> {
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

pub(crate) fn token() -> Route {
    Route::post(
        TOKEN,
        r#"{"access_token":"token-1","expires_in":"3600","token_type":"Bearer"}"#,
    )
}

pub(crate) fn details(customer: &str) -> Route {
    Route::get(DETAILS, subscriptions(customer)).query("customerId", customer)
}

pub(crate) fn shown(quantity: impl Into<Quantity>) -> String {
    quantity.into().to_string()
}

/// The calls of a sync.
pub(crate) fn main_table() -> HostileClient<SherwebClient> {
    HostileClient::new("sherweb", connect)
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
}

/// The call for a token.
pub(crate) fn token_table() -> HostileClient<String> {
    // A client for each case: a token is kept.
    HostileClient::new("sherweb", |base| Ok(base.to_owned()))
        .max_body(MAX_BODY)
        .route(Route::get("/service-provider/v1/customers", CUSTOMERS))
        .probe(Probe::new("token", token(), |base: String| async move {
            let customers = connect(&base)?.customers().await?;
            Ok(customers.items.len().to_string())
        }))
}
