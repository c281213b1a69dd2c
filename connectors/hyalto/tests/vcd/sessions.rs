//! Versions and sessions on the wire.

use jiff::SignedDuration;
use tallyline_core::ErrorKind;
use tallyline_core::VendorSource as _;
use tallyline_hyalto::vcd::{Filter, VcdClient, VcdCredentials, VcdSource};
use tallyline_testkit::faults::{Fault, Match};

use super::common::*;

const PROVIDER: &str = "/cloudapi/1.0.0/sessions/provider";

fn by_password(sim: &tallyline_testkit::vcd::VcdSimulator, org: &str, user: &str) -> VcdClient {
    let password = if org == "northwind" {
        PASSWORD
    } else {
        "example-password"
    };
    VcdClient::builder()
        .base_url(sim.base_url().as_str())
        .org(org)
        .credentials(VcdCredentials::password(user, password))
        .retry(quick())
        .build()
        .unwrap()
}

#[tokio::test]
async fn the_password_goes_to_the_call_that_opens_a_session_and_to_no_other_one() {
    let cloud = cloud(|_| {}).await;
    for (org, user, path) in [
        ("northwind", "reader", "/cloudapi/1.0.0/sessions"),
        ("System", "administrator", PROVIDER),
        ("system", "administrator", PROVIDER),
    ] {
        cloud.sim.clear_requests();
        let client = by_password(&cloud.sim, org, user);
        let mut orgs = client.organizations(&Filter::new());
        assert!(orgs.next_item().await.unwrap().is_ok());
        let session = client.current_session().await.unwrap();
        assert_eq!(session.user.unwrap().name.as_deref(), Some(user));
        let requests = cloud.sim.requests();
        assert_eq!(requests.len(), 3);
        let sign_in = &requests[0];
        assert_eq!(
            (sign_in.method.as_str(), sign_in.path.as_str()),
            ("POST", path)
        );
        assert!(
            sign_in
                .header("authorization")
                .unwrap()
                .starts_with("Basic ")
        );
        assert_eq!(sign_in.header("accept"), Some("application/*;version=37.0"));
        assert!(sign_in.body.is_empty());
        for request in &requests[1..] {
            let header = request.header("authorization").unwrap();
            assert!(
                header.starts_with("Bearer example-access-token-"),
                "{header}"
            );
        }
    }
}

#[tokio::test]
async fn an_api_token_goes_into_the_form_of_the_call_for_a_token() {
    let cloud = cloud(|state| state.add_api_token("northwind", "t0ken-of-northwind")).await;
    let tenant = VcdClient::builder()
        .base_url(cloud.sim.base_url().as_str())
        .org("northwind")
        .credentials(VcdCredentials::api_token("t0ken-of-northwind"))
        .build()
        .unwrap();
    for (client, path, form) in [
        (
            provider(&cloud.sim),
            "/oauth/provider/token",
            format!("grant_type=refresh_token&refresh_token={API_TOKEN}"),
        ),
        (
            tenant,
            "/oauth/tenant/northwind/token",
            "grant_type=refresh_token&refresh_token=t0ken-of-northwind".to_owned(),
        ),
    ] {
        cloud.sim.clear_requests();
        client.current_session().await.unwrap();
        let requests = cloud.sim.requests();
        assert_eq!(requests[0].path, path);
        assert_eq!(requests[0].body, form);
        assert!(requests[0].header("authorization").is_none());
        assert_eq!(requests.len(), 2);
    }
}

#[tokio::test]
async fn a_session_that_has_run_out_is_opened_again_once() {
    let cloud = cloud(|_| {}).await;
    let client = tenant(&cloud.sim);
    client.current_session().await.unwrap();
    cloud.sim.clock().advance(SignedDuration::from_secs(1800));
    client.current_session().await.unwrap();
    assert_eq!(cloud.sim.sessions_opened(), 2);

    let current = Match::get("/sessions/current");
    cloud.sim.faults().on(current, Fault::status(401));
    let error = client.current_session().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert_eq!(cloud.sim.sessions_opened(), 3);
}

#[tokio::test]
async fn refused_credentials_and_an_answer_without_a_token_are_told_apart() {
    let cloud = cloud(|_| {}).await;
    let wrong = by_password(&cloud.sim, "oak-legal", "nobody");
    let error = wrong.current_session().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    let wrong = VcdClient::builder()
        .base_url(cloud.sim.base_url().as_str())
        .org("northwind")
        .credentials(VcdCredentials::api_token("t0ken-of-nobody"))
        .build()
        .unwrap();
    let error = wrong.current_session().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert_eq!(error.vendor_code(), Some("invalid_grant"));
    for fault in [
        Fault::answer(200, "application/json", "{}"),
        Fault::answer(200, "application/json", "{}").header("x-vmware-vcloud-access-token", "a b"),
        Fault::html_login_200(),
    ] {
        cloud
            .sim
            .faults()
            .on(Match::post("/sessions").once(), fault);
        let error = tenant(&cloud.sim).current_session().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    }
}

#[tokio::test]
async fn a_session_that_is_closed_is_ended_and_no_other_one_is_opened_for_it() {
    let cloud = cloud(|_| {}).await;
    let client = tenant(&cloud.sim);
    client.close().await;
    assert_eq!(cloud.sim.request_count(), 0);
    client.current_session().await.unwrap();
    cloud.sim.clear_requests();
    client.close().await;
    client.close().await;
    let requests = asked(&cloud.sim);
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests[1].starts_with("DELETE /cloudapi/1.0.0/sessions/urn%3Avcloud%3Asession%3A"));
    assert_eq!(cloud.sim.sessions_opened(), 1);
    client.current_session().await.unwrap();
    assert_eq!(cloud.sim.sessions_opened(), 2);

    // A server that does not answer keeps nobody from going on.
    cloud
        .sim
        .faults()
        .on(Match::delete("/sessions/"), Fault::status(503));
    client.close().await;
}

#[tokio::test]
async fn versions_are_asked_for_without_credentials_and_a_version_that_is_not_offered_is_named() {
    let cloud = cloud(|_| {}).await;
    let versions = tenant(&cloud.sim).versions().await.unwrap().version_info;
    assert_eq!(versions.len(), 3);
    assert_eq!(versions[0].version, "36.3");
    assert_eq!(versions[0].deprecated, Some(true));
    let requests = cloud.sim.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].header("authorization").is_none());

    let source = |version: &str| {
        let client = VcdClient::builder()
            .base_url(cloud.sim.base_url().as_str())
            .org("System")
            .credentials(VcdCredentials::api_token(API_TOKEN))
            .api_version(version)
            .build();
        VcdSource::builder()
            .client(client.unwrap())
            .build()
            .unwrap()
    };
    let error = source("39.1").check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let message = error.to_string();
    assert!(
        message.contains("39.1") && message.contains("36.3, 37.0, 38.1"),
        "{message}"
    );
    let error = source("39.1").client().current_session().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");

    let identity = source("37.0").check().await.unwrap();
    assert_eq!(identity.subject, "api-token-user of System");
    assert_eq!(identity.version.as_deref(), Some("37.0"));
    assert!(identity.warnings.is_empty());
    assert_eq!(identity.verified.len(), 2);
    let old = source("36.3").check().await.unwrap();
    assert!(old.warnings[0].contains("give up version 36.3"), "{old:?}");
    cloud
        .sim
        .with_state(|state| state.switches.versions_as_xml = true);
    let untold = source("37.0").check().await.unwrap();
    assert!(
        untold.warnings[0].contains("could not be read"),
        "{untold:?}"
    );
}
