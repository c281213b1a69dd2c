//! Where the client's credentials go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::time::Duration;

use common::*;
use tallyline_cloudmore::models::{NewManualBillingLine, TaskId};
use tallyline_cloudmore::{ClientPair, CloudmoreClient};
use tallyline_core::Result;
use tallyline_core::http::{PollPolicy, Timeouts};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

const ACCESS_TOKEN: &str = "eyJ0eXAi.the-access-token+/=.sig";

fn connect(base: &str, pair: ClientPair) -> Result<CloudmoreClient> {
    CloudmoreClient::builder()
        .username("api@example.com")
        .password(PASSWORD.into())
        .client_secret(SECRET.into())
        .reseller_id("r-1")
        .client_pair(pair)
        .base_url(base)
        .retry(quick())
        .poll(PollPolicy {
            deadline: Duration::ZERO,
            ..PollPolicy::default()
        })
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(2000)),
            ..Timeouts::default()
        })
        .jitter_seed(1)
        .build()
}

fn token() -> Route {
    let answer =
        format!(r#"{{"access_token":"{ACCESS_TOKEN}","expires_in":86400,"token_type":"Bearer"}}"#);
    Route::post(TOKEN, answer)
}

fn organizations() -> Route {
    Route::get(&format!("{R}/Organizations"), r#"[{"id":"o-1"}]"#)
}

async fn count(client: CloudmoreClient) -> Result<String> {
    let found = client.organizations().await?;
    Ok(found.len().to_string())
}

#[tokio::test]
async fn credentials_reach_the_vendor_alone_and_are_shown_nowhere() {
    for pair in [ClientPair::Body, ClientPair::Header] {
        let secrets = Secrets::of(SECRET).and(PASSWORD).and(ACCESS_TOKEN);
        let report = CredentialClient::new("cloudmore", secrets, move |base| connect(base, pair))
            .route(token())
            .route(organizations())
            .call("organizations", organizations(), count)
            .call("token", token(), count)
            .call(
                "job",
                Route::get(&format!("{START}/t-1"), "[]"),
                |client: CloudmoreClient| async move {
                    let report = client.monthly_billing_result(&TaskId::new("t-1")).await?;
                    Ok(report.as_str().len().to_string())
                },
            )
            .call(
                "manual billing",
                Route::post(
                    "/api/resellers/r-1/organizations/o-1/manualbilling",
                    r#"{"id":"m-1"}"#,
                ),
                |client: CloudmoreClient| async move {
                    let date = "2026-03-25".parse()?;
                    let line = NewManualBillingLine::new(date, "s-1", "u-1", 1.into());
                    let created = client.create_manual_billing_line("o-1", &line).await?;
                    Ok(format!("{created:?}"))
                },
            )
            .run()
            .await;
        println!("{} cases", report.cases());
        report.assert_held();
    }
}
