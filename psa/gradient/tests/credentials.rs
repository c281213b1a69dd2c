//! Where the client's keys go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::{PARTNER_KEY, ROOT, TOKEN, VENDOR_KEY};
use raw::{ACCOUNTS, INTEGRATION, at, connect};
use rust_decimal::Decimal;
use tallyline_gradient::GradientClient;
use tallyline_gradient::models::Count;
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

#[tokio::test]
async fn keys_reach_the_configured_host_alone_and_are_shown_nowhere() {
    let secrets = Secrets::of(VENDOR_KEY).and(PARTNER_KEY).and(TOKEN);
    let count = format!("{ROOT}/service/66cc/count");
    let report = CredentialClient::new("gradient", secrets, connect)
        .call(
            "the integration",
            at("/organization", INTEGRATION),
            |client: GradientClient| async move { Ok(client.integration().await?.organization_id) },
        )
        .call(
            "accounts",
            at("/organization/accounts", ACCOUNTS),
            |client: GradientClient| async move { Ok(client.accounts().await?.len().to_string()) },
        )
        .call(
            "a count",
            Route::post(&count, r#"{"status":201,"message":"Success"}"#).status(201),
            |client: GradientClient| async move {
                let count = Count::new("c-1", Decimal::from(17));
                let set = client.set_count("66cc", &count, false).await?;
                Ok(format!("{:?}", set.message))
            },
        )
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
