//! Where the client's credentials go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::time::Duration;

use common::*;
use tallyline_core::Result;
use tallyline_core::http::Timeouts;
use tallyline_hyalto::{AuthScheme, HyAltoClient};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

fn connect_as(base: &str, scheme: AuthScheme) -> Result<HyAltoClient> {
    HyAltoClient::builder()
        .base_url(base)
        .access_key(ACCESS_KEY)
        .secret_key(SECRET_KEY.into())
        .auth_scheme(scheme)
        .retry(quick())
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(2000)),
            ..Timeouts::default()
        })
        .jitter_seed(1)
        .build()
}

async fn hold(scheme: AuthScheme) {
    let token = || Route::post(TOKEN, token_body());
    let accounts = || Route::get(ACCOUNTS, r#"[{"id":901}]"#);
    let usage = Route::get(&usage_of("901"), r#"{"services":[]}"#);
    let secrets = Secrets::of(ACCESS_KEY).and(SECRET_KEY).and(ACCESS);
    let connect = move |base: &str| connect_as(base, scheme);
    let report = CredentialClient::new("hyalto", secrets, connect)
        .route(token())
        .route(accounts())
        .call("accounts", accounts(), |client: HyAltoClient| async move {
            Ok(client.accounts().await?.len().to_string())
        })
        .call("token", token(), |client: HyAltoClient| async move {
            Ok(client.accounts().await?.len().to_string())
        })
        .call("usage", usage, |client: HyAltoClient| async move {
            let (from, to) = (
                "2026-03-01T00:00:00Z".parse()?,
                "2026-03-15T00:00:00Z".parse()?,
            );
            let usage = client.usage("901", "4411", from, to).await?;
            Ok(usage.services.len().to_string())
        })
        .run()
        .await;
    assert!(report.cases() > 0);
    report.assert_held();
}

#[tokio::test]
async fn credentials_reach_the_vendor_alone_and_are_shown_nowhere() {
    hold(AuthScheme::Auto).await;
}

#[tokio::test]
async fn a_bare_token_reaches_the_vendor_alone_and_is_shown_nowhere() {
    hold(AuthScheme::Bare).await;
}
