//! What becomes of failures: zones, refusals, limits, lost answers.
#![allow(clippy::unwrap_used)]

mod common;

use common::{
    ROOT, SECRET, Setup, USER, client, errors, header, json, mock, on, once, requests, sent,
};
use tallyline_autotask::AutotaskClient;
use tallyline_autotask::models::NewContractServiceAdjustment;
use tallyline_autotask::query::Query;
use tallyline_core::error::{Retry, Sent};
use tallyline_core::sink::WriteError;
use tallyline_core::{Error, ErrorKind};
use tallyline_testkit::mock::MockVendor;
use tallyline_testkit::secrets::Secrets;
use wiremock::matchers::path;
use wiremock::{Mock, ResponseTemplate};

const ADJUST: &str = "/Contracts/7/ServiceAdjustments";

fn zone(url: &str) -> ResponseTemplate {
    json(format!(
        r#"{{"zoneName":"Example Zone","url":"{url}","webUrl":"https://ww15.autotask.net/","ci":123456}}"#
    ))
}

fn looking_up(server: &MockVendor) -> Setup {
    Setup {
        lookup: Some(format!("{}{ROOT}", server.uri())),
        ..Setup::default()
    }
}

async fn adjust(client: &AutotaskClient) -> Error {
    let mut new = NewContractServiceAdjustment::new("2026-12-01".parse().unwrap());
    new.contract_service_id = Some(9);
    new.unit_change = Some(1);
    client.create_adjustment(7, &new).await.unwrap_err()
}

#[tokio::test]
async fn the_zone_is_looked_up_once_without_credentials_and_calls_go_there() {
    let server = mock().await;
    let home = format!("{}{ROOT}/", server.uri());
    on(&server, "GET", "/ZoneInformation", zone(&home)).await;
    on(
        &server,
        "GET",
        "/Companies/query/count",
        json(r#"{"queryCount":1}"#),
    )
    .await;
    let client = looking_up(&server).client(&server);
    assert_eq!(client.zone_url(), None);
    for _ in 0..3 {
        client.count_companies(&Query::all()).await.unwrap();
    }
    assert_eq!(
        client.zone_url().unwrap().as_str(),
        home.trim_end_matches('/')
    );
    let asked = sent(&server, "GET", "/ZoneInformation").await;
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].url.query(), Some("user=api7%40example.com"));
    for name in ["secret", "username", "apiintegrationcode"] {
        assert_eq!(header(&asked[0], name), None);
    }
    assert_eq!(client.zone_information().await.unwrap().ci, Some(123_456));
}

#[tokio::test]
async fn a_tenant_that_was_moved_is_followed_once_writes_included() {
    // The new zone is another path of the same mock: of this machine, nothing else is taken.
    const NEW: &str = "/atservicesrest";
    let server = mock().await;
    let at = |root: &str| zone(&format!("{}{root}/", server.uri()));
    once(&server, "GET", "/ZoneInformation", at(ROOT)).await;
    on(&server, "GET", "/ZoneInformation", at(NEW)).await;
    on(&server, "POST", ADJUST, ResponseTemplate::new(401)).await;
    Mock::given(path(format!("{NEW}/V1.0{ADJUST}")))
        .respond_with(json(r#"{"itemId":1}"#))
        .mount(&server)
        .await;
    let client = looking_up(&server).client(&server);
    let adjustment = NewContractServiceAdjustment::new("2026-12-01".parse().unwrap());
    client.create_adjustment(7, &adjustment).await.unwrap();
    assert_eq!(sent(&server, "GET", "/ZoneInformation").await.len(), 2);
    assert_eq!(sent(&server, "POST", ADJUST).await.len(), 1);
    assert_eq!(requests(&server).await.len(), 4);
}

#[tokio::test]
async fn a_401_where_the_tenant_has_not_moved_is_final_after_one_lookup() {
    let server = mock().await;
    on(
        &server,
        "GET",
        "/ZoneInformation",
        zone(&format!("{}{ROOT}/", server.uri())),
    )
    .await;
    on(
        &server,
        "GET",
        "/Companies/query/count",
        ResponseTemplate::new(401),
    )
    .await;
    let client = looking_up(&server).client(&server);
    let error = client.count_companies(&Query::all()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Auth, Retry::Permanent)
    );
    assert_eq!(sent(&server, "GET", "/ZoneInformation").await.len(), 2);
    assert_eq!(
        sent(&server, "GET", "/Companies/query/count").await.len(),
        1
    );
}

#[tokio::test]
async fn a_poisoned_zone_gets_no_credentials() {
    for poison in [
        "https://autotask.net.example.com/ATServicesRest/",
        "https://example.com/.autotask.net/",
        "http://webservices15.autotask.net/ATServicesRest/",
        "https://webservices15.autotask.net:8443/ATServicesRest/",
        "https://api:x@webservices15.autotask.net/",
        "http://127.0.0.1:9/ATServicesRest/",
        "file:///etc/passwd",
        "",
    ] {
        let server = mock().await;
        on(&server, "GET", "/ZoneInformation", zone(poison)).await;
        let client = looking_up(&server).client(&server);
        let error = client.company(1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{poison}: {error}");
        assert_eq!(error.sent(), Sent::No, "{poison}");
        assert!(!error.to_string().contains("example.com"), "{error}");
        assert_eq!(requests(&server).await.len(), 1, "{poison}");
    }
}

#[tokio::test]
async fn a_user_name_that_no_zone_knows_is_a_matter_of_credentials() {
    let server = mock().await;
    let refusal = errors(500, "Zone information could not be determined");
    on(&server, "GET", "/ZoneInformation", refusal).await;
    let client = looking_up(&server).client(&server);
    let error = client.company(1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("check the user name"), "{error}");
    assert_eq!(requests(&server).await.len(), 1);
}

#[test]
fn addresses_that_credentials_may_not_go_to_are_refused_when_the_client_is_built() {
    for wrong in [
        "http://webservices.autotask.net/ATServicesRest",
        "https://api.example.com/ATServicesRest",
        "",
    ] {
        let build = |zone: Option<&str>, lookup: Option<&str>| {
            AutotaskClient::builder()
                .user_name(USER)
                .integration_code("x")
                .secret(SECRET)
                .maybe_zone_url(zone)
                .maybe_lookup_url(lookup)
                .build()
                .unwrap_err()
        };
        for (error, part) in [
            (build(Some(wrong), None), "zone URL"),
            (build(None, Some(wrong)), "lookup URL"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}

#[tokio::test]
async fn a_500_with_errors_is_a_refusal_and_is_not_repeated() {
    let server = mock().await;
    let text = "ContractServiceAdjustment effectiveDate must be between the start date and end date of the Contract referenced by contractID.";
    on(&server, "POST", ADJUST, errors(500, text)).await;
    on(
        &server,
        "GET",
        "/Companies/query/count",
        errors(500, "Unable to find x in the Account Entity"),
    )
    .await;
    let client = client(&server);
    let error = adjust(&client).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Invalid, Sent::Yes)
    );
    assert!(error.to_string().contains("must be between"), "{error}");
    assert!(matches!(WriteError::from(error), WriteError::Rejected(_)));
    let error = client.count_companies(&Query::all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn a_500_without_errors_is_unknown_for_a_write_and_repeated_for_a_read() {
    for body in ["", "{}", r#"{"errors":[]}"#, "<html></html>"] {
        let server = mock().await;
        let failure = || ResponseTemplate::new(500).set_body_string(body);
        on(&server, "POST", ADJUST, failure()).await;
        once(&server, "GET", "/Companies/query/count", failure()).await;
        on(
            &server,
            "GET",
            "/Companies/query/count",
            json(r#"{"queryCount":1}"#),
        )
        .await;
        let client = client(&server);
        let error = adjust(&client).await;
        assert!(
            matches!(WriteError::from(error), WriteError::Unknown(_)),
            "{body}"
        );
        assert_eq!(sent(&server, "POST", ADJUST).await.len(), 1);
        assert_eq!(client.count_companies(&Query::all()).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn each_status_has_its_meaning_for_a_write() {
    for (answer, kind, unknown) in [
        (ResponseTemplate::new(400), ErrorKind::Invalid, false),
        (ResponseTemplate::new(401), ErrorKind::Auth, false),
        (
            ResponseTemplate::new(403),
            ErrorKind::PermissionDenied,
            false,
        ),
        (ResponseTemplate::new(404), ErrorKind::NotFound, false),
        (ResponseTemplate::new(405), ErrorKind::Unsupported, false),
        (ResponseTemplate::new(409), ErrorKind::Conflict, false),
        (
            errors(500, "IntegrationCode is invalid."),
            ErrorKind::Auth,
            false,
        ),
        (
            errors(200, "Something is missing."),
            ErrorKind::Invalid,
            false,
        ),
        (ResponseTemplate::new(502), ErrorKind::Unavailable, true),
        (ResponseTemplate::new(503), ErrorKind::Unavailable, true),
        (json("{}"), ErrorKind::Protocol, true),
        (json(r#"{"itemId":null}"#), ErrorKind::Protocol, true),
        (
            json(r#"{"itemId":5,"errors":["but"]}"#),
            ErrorKind::Protocol,
            true,
        ),
    ] {
        let server = mock().await;
        on(&server, "POST", ADJUST, answer).await;
        let error = adjust(&client(&server)).await;
        assert_eq!(error.kind(), kind, "{error}");
        let shown = error.to_string();
        let sorted = WriteError::from(error);
        assert_eq!(matches!(sorted, WriteError::Unknown(_)), unknown, "{shown}");
        assert_eq!(
            matches!(sorted, WriteError::Rejected(_)),
            !unknown,
            "{shown}"
        );
        assert_eq!(requests(&server).await.len(), 1, "{shown}");
    }
}

#[tokio::test]
async fn rejected_rates_are_waited_out_whatever_their_status() {
    for (status, text) in [
        (429, "x"),
        (
            500,
            "The thread threshold of 3 has been exceeded (Itgenatr005).",
        ),
        (500, "The external request threshold has been exceeded."),
    ] {
        let server = mock().await;
        once(&server, "POST", ADJUST, errors(status, text)).await;
        on(&server, "POST", ADJUST, json(r#"{"itemId":1}"#)).await;
        let client = client(&server);
        let new = NewContractServiceAdjustment::new("2026-12-01".parse().unwrap());
        client.create_adjustment(7, &new).await.unwrap();
        assert_eq!(requests(&server).await.len(), 2, "{text}");
    }
    let server = mock().await;
    on(&server, "POST", ADJUST, errors(500, "Itgenatr005")).await;
    let error = adjust(&client(&server)).await;
    assert_eq!(
        (error.kind(), error.vendor_code()),
        (ErrorKind::RateLimited, Some("Itgenatr005"))
    );
    assert!(matches!(WriteError::from(error), WriteError::NotSent(_)));
}

#[tokio::test]
async fn no_error_or_debug_output_shows_a_secret() {
    let server = mock().await;
    let echo = format!("Secret {SECRET} of {} is unknown", common::CODE);
    on(&server, "GET", "/Companies/query/count", errors(500, &echo)).await;
    let client = client(&server);
    let error = client.count_companies(&Query::all()).await.unwrap_err();
    for text in [
        error.to_string(),
        format!("{error:?}"),
        format!("{client:?} {client:#?}"),
        format!("{:?}", common::sink(&server)),
    ] {
        let secrets = Secrets::of(SECRET).and(common::CODE);
        assert_eq!(secrets.shown_in(&text), None);
    }
}
