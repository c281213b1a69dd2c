//! The client as the tables of hostile answers need it, its valid answers, and the tables of what a sync reads.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use futures::TryStreamExt as _;
use tallyline_core::Result;
use tallyline_core::http::{Limits, RetryPolicy, Timeouts};
use tallyline_ingram::{CustomerFilter, IngramClient, SubscriptionFilter};
use tallyline_testkit::hostile::{Field, HostileClient, Probe};
use tallyline_testkit::raw::Route;

use crate::common::{ACCESS, BASE, KEY, PASSWORD, TOKEN, USERNAME, at, quick, unlimited};

pub(crate) const MAX_BODY: usize = 1 << 20;

/// The id of a record that is the whole answer. What is cut between its members has no path but the record's own.
pub(crate) fn own_id() -> Field {
    Field::text_id("/id").named(" at ?")
}

/// A list of rows that is whole.
pub(crate) fn whole(rows: &[&str]) -> String {
    format!(
        r#"{{"data":[{}],"pagination":{{"offset":0,"limit":200,"total":{}}}}}"#,
        rows.join(","),
        rows.len()
    )
}

pub(crate) fn customers() -> Route {
    let rows = [
        r#"{"id":"1000310","name":"Maple Dental LLC","status":"active"}"#,
        r#"{"id":"1000311","name":"Oak Legal","externalId":"250"}"#,
        r#"{"id":"1000312","name":"Birch Gym"}"#,
    ];
    Route::get(&at("/customers"), whole(&rows))
}

pub(crate) fn subscriptions() -> Route {
    let row = |id: &str, customer: &str| {
        format!(
            r#"{{"id":"{id}","name":"Mail","customerId":"{customer}","status":"active","lastModifiedDate":"2026-01-13"}}"#
        )
    };
    let rows = [
        row("1000451", "1000310"),
        row("1000452", "1000311"),
        row("1000453", "1000312"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    Route::get(&at("/subscriptions"), whole(&rows))
}

pub(crate) fn detail_of(id: &str, customer: &str) -> String {
    format!(
        r#"{{"id":"{id}","name":"Mail","customerId":"{customer}","status":"active","creationDate":"2025-03-04","expirationDate":"2026-12-03",
        "lastModifiedDate":"2026-01-13","billingPeriod":{{"type":"month","duration":1}},"subscriptionPeriod":{{"type":"year","duration":1}},"planId":10042,
        "products":[{{"id":"PRD1","mpn":"MAIL","name":"Mail","quantity":14,"unitPrice":{{"currency":"USD","amount":"6"}},"unitCost":{{"currency":"USD","amount":"5.1"}}}},
        {{"id":"PRD2","mpn":"DISK","name":"Disk","quantity":3}}]}}"#
    )
}

pub(crate) fn detail(id: &str, customer: &str) -> Route {
    Route::get(
        &at(&format!("/subscriptions/{id}")),
        detail_of(id, customer),
    )
}

pub(crate) fn connect(base: &str) -> Result<IngramClient> {
    IngramClient::builder()
        .base_url(format!("{base}{BASE}"))
        .marketplace("us")
        .username(USERNAME)
        .password(PASSWORD.into())
        .subscription_key(KEY.into())
        .limiter(unlimited())
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
        format!(r#"{{"token":"{ACCESS}","expiresInSeconds":1500}}"#),
    )
}

/// What a sync reads.
pub(crate) fn main_table() -> HostileClient<IngramClient> {
    HostileClient::new("ingram", connect)
        .max_body(MAX_BODY)
        .route(token())
        .probe(
            Probe::new(
                "customers",
                customers(),
                |client: IngramClient| async move {
                    let found = client.customers(&CustomerFilter::default());
                    let found: Vec<_> = found.try_collect().await?;
                    Ok(format!("{found:?}"))
                },
            )
            .field(Field::text_id("/data/1/id"))
            .field(Field::name("/data/1/name")),
        )
        .probe(
            Probe::new(
                "subscriptions",
                subscriptions(),
                |client: IngramClient| async move {
                    let found = client.subscriptions(&SubscriptionFilter::default());
                    let found: Vec<_> = found.try_collect().await?;
                    Ok(format!("{found:?}"))
                },
            )
            .field(Field::text_id("/data/1/id"))
            .field(Field::text_id("/data/1/customerId").optional())
            .field(Field::date("/data/1/lastModifiedDate"))
            .field(Field::name("/data/1/name")),
        )
        .probe(
            Probe::new(
                "the details of a subscription",
                detail("1000451", "1000310"),
                |client: IngramClient| async move {
                    let detail = client.subscription("1000451").await?;
                    let products = detail.products.iter().map(|product| {
                        let quantity = product.quantity.map(|it| it.normalize());
                        format!("{:?} {quantity:?}", product.mpn)
                    });
                    Ok(products.collect::<Vec<_>>().join(", "))
                },
            )
            .field(own_id())
            .field(Field::quantity("/products/0/quantity").optional())
            .field(Field::quantity("/products/0/unitCost/amount"))
            .field(Field::date("/expirationDate"))
            .field(Field::name("/products/1/name")),
        )
}

/// The call for a token.
pub(crate) fn token_table() -> HostileClient<String> {
    // A client for each case: a token is kept.
    HostileClient::new("ingram", |base| Ok(base.to_owned()))
        .max_body(MAX_BODY)
        .route(Route::get(&at("/customers/1"), r#"{"id":"1"}"#))
        .probe(Probe::new("token", token(), |base: String| async move {
            Ok(connect(&base)?.customer("1").await?.id)
        }))
}
