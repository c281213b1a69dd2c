//! Where the client's credentials go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::time::Duration;

use common::*;
use tallyline_core::Result;
use tallyline_core::http::Timeouts;
use tallyline_sherweb::SherwebClient;
use tallyline_sherweb::models::SubscriptionAmendment;
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

const ACCESS_TOKEN: &str = "eyJ0eXAi.the-access-token+/=.sig";

fn connect(base: &str) -> Result<SherwebClient> {
    SherwebClient::builder()
        .client_id("client-1")
        .client_secret(SECRET.into())
        .subscription_key(KEY.into())
        .base_url(base)
        .retry(quick())
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(2000)),
            ..Timeouts::default()
        })
        .jitter_seed(1)
        .build()
}

fn token() -> Route {
    let answer =
        format!(r#"{{"access_token":"{ACCESS_TOKEN}","expires_in":"3600","token_type":"Bearer"}}"#);
    Route::post(TOKEN, answer)
}

#[tokio::test]
async fn credentials_reach_the_vendor_alone_and_are_shown_nowhere() {
    let customers = || {
        Route::get(
            &format!("{SP}/customers"),
            r#"{"items":[{"id":"c0000000-0000-4000-8000-000000000001"}]}"#,
        )
    };
    let secrets = Secrets::of(SECRET).and(KEY).and(ACCESS_TOKEN);
    let report = CredentialClient::new("sherweb", secrets, connect)
        .route(token())
        .route(customers())
        .call(
            "customers",
            customers(),
            |client: SherwebClient| async move {
                let found = client.customers().await?.items;
                Ok(found.len().to_string())
            },
        )
        .call("token", token(), |client: SherwebClient| async move {
            let found = client.customers().await?.items;
            Ok(found.len().to_string())
        })
        .call(
            "amend",
            Route::post(
                &format!("{SP}/billing/subscriptions/amendments"),
                r#"{"subscriptionsAmendmentId":"a0000000-0000-4000-8000-000000000001"}"#,
            )
            .query("customerId", "c0000000-0000-4000-8000-000000000001"),
            |client: SherwebClient| async move {
                let amendments = [SubscriptionAmendment::new(
                    "50000000-0000-4000-8000-000000000001",
                    3,
                )];
                client
                    .amend_subscriptions("c0000000-0000-4000-8000-000000000001", &amendments)
                    .await
                    .map(|it| format!("{it:?}"))
            },
        )
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
