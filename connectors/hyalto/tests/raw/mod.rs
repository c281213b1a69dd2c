//! The client as the tables of hostile answers need it, its valid answers, and the tables of all operations.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::http::{Limits, RetryPolicy, Timeouts};
use tallyline_core::model::Timestamp;
use tallyline_hyalto::{HyAltoClient, TokenPath};
use tallyline_testkit::hostile::{Field, FieldKind, HostileClient, Probe};
use tallyline_testkit::raw::Route;

use crate::common::{
    ACCESS_KEY, ACCOUNTS, SECRET_KEY, TOKEN, quick, services_of, token_body, usage_of,
};

pub(crate) const MAX_BODY: usize = 1 << 20;

pub(crate) fn accounts() -> Route {
    Route::get(
        ACCOUNTS,
        r#"[{"id":"901","companyName":"Northwind Dental"},{"id":902,"companyName":"Oak Legal"},{"id":903,"companyName":"Birch Gym"}]"#,
    )
}

pub(crate) fn services(account: &str, service: &str) -> Route {
    Route::get(
        &services_of(account),
        format!(r#"[{{"id":"{service}","name":"vdc","metaData":{{"type":"allocationVDC"}}}}]"#),
    )
}

pub(crate) fn usage(account: &str, service: &str, ram: u32) -> Route {
    let change = |value: u32, unit: &str| {
        format!(r#"{{"timestamp":"2026-03-01T00:00:00","value":{value},"unit_size":"{unit}"}}"#)
    };
    Route::get(
        &usage_of(account),
        format!(
            r#"{{"services":[{{"id":"{service}","name":"vdc","properties":{{"ram":{{"changes":[{}]}},"storage":{{"changes":[{}]}}}}}}]}}"#,
            change(ram, "GB"),
            change(500, "GB"),
        ),
    )
}

/// The values of a usage answer that are made hostile.
pub(crate) fn usage_fields() -> [Field; 4] {
    let change = "/services/0/properties/ram/changes/0";
    [
        Field::quantity(&format!("{change}/value")),
        Field::new(FieldKind::Date, &format!("{change}/timestamp")),
        Field::text_id("/services/0/id"),
        Field::name("/services/0/name"),
    ]
}

fn builder_of(base: &str, token_path: TokenPath) -> Result<HyAltoClient> {
    HyAltoClient::builder()
        .base_url(base)
        .access_key(ACCESS_KEY)
        .secret_key(SECRET_KEY.into())
        .token_path(token_path)
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

pub(crate) fn connect(base: &str) -> Result<HyAltoClient> {
    builder_of(base, TokenPath::WithoutSlash)
}

pub(crate) fn token() -> Route {
    Route::post(TOKEN, token_body())
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What a sync reads.
pub(crate) fn main_table() -> HostileClient<HyAltoClient> {
    let usage = Probe::new(
        "usage",
        usage("901", "4411", 32),
        |client: HyAltoClient| async move {
            let (from, to) = (
                instant("2026-01-01T00:00:00Z"),
                instant("2026-03-15T00:00:00Z"),
            );
            let usage = client.usage("901", "4411", from, to).await?;
            let values = usage.services.iter().flat_map(|own| {
                own.properties.iter().flat_map(|(name, series)| {
                    let changes = series.changes.iter();
                    changes.map(move |own| {
                        format!("{name} {} {}", own.timestamp, own.value.normalize())
                    })
                })
            });
            Ok(values.collect::<Vec<_>>().join(", "))
        },
    );
    let usage = usage_fields().into_iter().fold(usage, Probe::field);
    HostileClient::new("hyalto", connect)
        .max_body(MAX_BODY)
        .route(token())
        .probe(
            Probe::new("accounts", accounts(), |client: HyAltoClient| async move {
                Ok(format!("{:?}", client.accounts().await?))
            })
            .field(Field::text_id("/1/id"))
            .field(Field::name("/1/companyName")),
        )
        .probe(
            Probe::new(
                "services",
                services("901", "4411"),
                |client: HyAltoClient| async move {
                    Ok(format!("{:?}", client.services("901").await?))
                },
            )
            .field(Field::text_id("/0/id"))
            .field(Field::name("/0/name"))
            .field(Field::name("/0/metaData/type"))
            .brief(),
        )
        .probe(usage)
}

/// The call for a token, by one of its two paths.
fn token_table_of(path: &str, token_path: TokenPath) -> HostileClient<String> {
    // A client for each case: a token is kept.
    HostileClient::new("hyalto", |base| Ok(base.to_owned()))
        .max_body(MAX_BODY)
        .route(Route::get(ACCOUNTS, r#"[{"id":1}]"#))
        .probe(Probe::new(
            "token",
            Route::post(path, token_body()),
            move |base: String| async move {
                let accounts = builder_of(&base, token_path)?.accounts().await?;
                Ok(accounts.len().to_string())
            },
        ))
}

pub(crate) fn token_table() -> HostileClient<String> {
    token_table_of(TOKEN, TokenPath::WithoutSlash)
}

pub(crate) fn token_with_slash_table() -> HostileClient<String> {
    token_table_of(&format!("{TOKEN}/"), TokenPath::WithSlash)
}
