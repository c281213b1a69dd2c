//! Where the client's credentials go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::time::Duration;

use common::*;
use futures::TryStreamExt as _;
use tallyline_core::Result;
use tallyline_core::http::Timeouts;
use tallyline_ingram::models::{NewOrder, OrderType};
use tallyline_ingram::{IngramClient, ReportFilter};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

fn connect(base: &str) -> Result<IngramClient> {
    // Beside an address that is none at all.
    let base = if base.contains("://127.0.0.1:") || base.contains("://[") {
        format!("{base}{BASE}")
    } else {
        base.to_owned()
    };
    IngramClient::builder()
        .base_url(base)
        .marketplace("us")
        .username(USERNAME)
        .password(PASSWORD.into())
        .subscription_key(KEY.into())
        .retry(quick())
        .limiter(unlimited())
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(2000)),
            ..Timeouts::default()
        })
        .jitter_seed(1)
        .build()
}

fn token() -> Route {
    let answer = format!(r#"{{"token":"{ACCESS}","expiresInSeconds":1500}}"#);
    Route::post(TOKEN, answer)
}

#[tokio::test]
async fn credentials_reach_the_vendor_alone_and_are_shown_nowhere() {
    let customer = || Route::get(&at("/customers/1"), r#"{"id":"1"}"#);
    let reports = Route::get(
        &at("/reports"),
        page(
            r#"{"id":"4e000000-0000-4000-8000-000000000001","name":"M","startDate":"2026-03-01T00:00:00Z"}"#,
            0,
            1,
        ),
    );
    let order = Route::post(
        &at("/orders"),
        r#"{"id":"7","type":"sales","customerId":"1"}"#,
    );
    let secrets = Secrets::of(PASSWORD).and(KEY).and(ACCESS);
    let report = CredentialClient::new("ingram", secrets, connect)
        .route(token())
        .route(customer())
        .call("customer", customer(), |client: IngramClient| async move {
            Ok(client.customer("1").await?.id)
        })
        .call("token", token(), |client: IngramClient| async move {
            Ok(client.customer("1").await?.id)
        })
        .call("reports", reports, |client: IngramClient| async move {
            let found = client.reports(&ReportFilter::default());
            let found: Vec<_> = found.try_collect().await?;
            Ok(found.len().to_string())
        })
        .call("an order", order, |client: IngramClient| async move {
            let order = NewOrder::new(OrderType::Sales, "1");
            Ok(client.place_order(&order).await?.id)
        })
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
