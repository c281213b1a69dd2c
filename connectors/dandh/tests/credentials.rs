//! Where the client's credentials go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::time::Duration;

use common::*;
use tallyline_core::Result;
use tallyline_core::http::Timeouts;
use tallyline_dandh::DandhClient;
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

fn connect(base: &str) -> Result<DandhClient> {
    // Beside an address that is none at all.
    let base = if base.contains("://127.0.0.1:") || base.contains("://[") {
        format!("{base}{}", at(""))
    } else {
        base.to_owned()
    };
    DandhClient::builder()
        .username(USERNAME)
        .password(PASSWORD.into())
        .parent_account_id(PARENT)
        .base_url(base)
        .retry(quick())
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(2000)),
            ..Timeouts::default()
        })
        .jitter_seed(1)
        .build()
}

fn session() -> Route {
    Route::post(&at(SIGN_IN), format!("\"{SESSION}\""))
}

#[tokio::test]
async fn credentials_reach_the_vendor_alone_and_are_shown_nowhere() {
    let companies = || Route::post(&at("GetCompanies"), r#"[{"AccountId":1}]"#);
    let own = || Route::post(&at("GetCompany"), OWN);
    let secrets = Secrets::of(PASSWORD).and(SESSION);
    let report = CredentialClient::new("dandh", secrets, connect)
        .route(session())
        .route(companies())
        .route(own())
        .call("companies", companies(), |client: DandhClient| async move {
            let found = client.companies(PARENT).await?;
            Ok(found.len().to_string())
        })
        .call("company", own(), |client: DandhClient| async move {
            let found = client.company(None).await?;
            Ok(found.account_id.to_string())
        })
        .call("session", session(), |client: DandhClient| async move {
            let found = client.companies(PARENT).await?;
            Ok(found.len().to_string())
        })
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
