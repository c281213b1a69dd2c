//! Where the client's credentials go, and where they never do.

use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::http::Timeouts;
use tallyline_hyalto::vcd::{Filter, VcdClient, VcdCredentials};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

use super::common::*;
use super::hostile::{ACCESS, edge_gateways, orgs, query, token};

fn connect(base: &str, credentials: VcdCredentials) -> Result<VcdClient> {
    VcdClient::builder()
        .base_url(base)
        .org("System")
        .credentials(credentials)
        .retry(quick())
        .timeouts(Timeouts {
            attempt: Some(Duration::from_millis(2000)),
            ..Timeouts::default()
        })
        .jitter_seed(1)
        .build()
}

async fn first_org(client: VcdClient) -> Result<String> {
    let org = client.organizations(&Filter::new()).next_item().await;
    Ok(format!("{:?}", org.transpose()?.and_then(|org| org.name)))
}

#[tokio::test]
async fn an_api_token_reaches_the_vendor_alone_and_is_shown_nowhere() {
    let secrets = Secrets::of(API_TOKEN).and(ACCESS);
    let by_token = |base: &str| connect(base, VcdCredentials::api_token(API_TOKEN));
    let report = CredentialClient::new("vcd", secrets, by_token)
        .route(token())
        .route(query("organization", &orgs()))
        .call("organizations", query("organization", &orgs()), first_org)
        .call("token", token(), first_org)
        .call(
            "edge gateways",
            edge_gateways(),
            |client: VcdClient| async move {
                let edge = client.edge_gateways(&Filter::new()).next_item().await;
                Ok(format!(
                    "{:?}",
                    edge.transpose()?.and_then(|edge| edge.name)
                ))
            },
        )
        .run()
        .await;
    assert!(report.cases() > 0);
    report.assert_held();
}

#[tokio::test]
async fn a_password_reaches_the_call_for_a_session_alone_and_is_shown_nowhere() {
    let sign_in = Route::post("/cloudapi/1.0.0/sessions/provider", "{}")
        .header("x-vmware-vcloud-access-token", ACCESS);
    let secrets = Secrets::of(PASSWORD).and(ACCESS);
    let by_password = |base: &str| connect(base, VcdCredentials::password("reader", PASSWORD));
    let report = CredentialClient::new("vcd", secrets, by_password)
        .route(sign_in.clone())
        .route(query("organization", &orgs()))
        .call("session", sign_in, first_org)
        .call("organizations", query("organization", &orgs()), first_org)
        .run()
        .await;
    assert!(report.cases() > 0);
    report.assert_held();
}
