//! Where the client's credentials go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::time::Duration;

use common::{API, CODE, ROOT, SECRET, USER};
use tallyline_autotask::AutotaskClient;
use tallyline_autotask::models::NewContractServiceAdjustment;
use tallyline_autotask::query::Query;
use tallyline_core::http::RetryPolicy;
use tallyline_core::{ErrorKind, Result};
use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;

fn connect(zone: Option<String>, lookup: Option<String>) -> Result<AutotaskClient> {
    AutotaskClient::builder()
        .user_name(USER)
        .integration_code(CODE)
        .secret(SECRET)
        .maybe_zone_url(zone)
        .maybe_lookup_url(lookup)
        .retry(RetryPolicy {
            max_attempts: 2,
            min_delay: Duration::from_millis(1),
            max_delay: Duration::from_millis(2),
            ..RetryPolicy::default()
        })
        .rate_limit_wait(Duration::from_millis(1))
        .jitter_seed(1)
        .build()
}

fn secrets() -> Secrets {
    Secrets::of(SECRET).and(CODE)
}

fn at(base: &str) -> Option<String> {
    Some(format!("{}{ROOT}", base.trim_end_matches('/')))
}

fn calls(client: CredentialClient<AutotaskClient>) -> CredentialClient<AutotaskClient> {
    let at = |path: &str| format!("{API}{path}");
    client
        .call(
            "companies",
            Route::get(
                &at("/Companies/query"),
                r#"{"items":[{"id":44,"companyName":"Fern Clinic"}],"pageDetails":{"nextPageUrl":null}}"#,
            ),
            |client: AutotaskClient| async move {
                let companies = client.companies(&Query::all());
                Ok(companies.try_collect_all(100).await?.len().to_string())
            },
        )
        .call(
            "a company",
            Route::get(&at("/Companies/44"), r#"{"item":{"id":44}}"#),
            |client: AutotaskClient| async move {
                Ok(format!("{:?}", client.company(44).await?.id))
            },
        )
        .call(
            "a new adjustment",
            Route::post(&at("/Contracts/71/ServiceAdjustments"), r#"{"itemId":9}"#),
            |client: AutotaskClient| async move {
                let mut new = NewContractServiceAdjustment::new("2026-12-01".parse()?);
                new.contract_service_id = Some(9);
                Ok(client.create_adjustment(71, &new).await?.to_string())
            },
        )
}

#[tokio::test]
async fn credentials_reach_the_zone_alone_and_are_shown_nowhere() {
    let client = CredentialClient::new("autotask", secrets(), |base: &str| connect(at(base), None));
    let report = calls(client).run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_to_the_lookup_of_the_zone_leads_credentials_elsewhere() {
    let report = CredentialClient::new("autotask", secrets(), |base: &str| connect(None, at(base)))
        .call(
            "the zone",
            // The zone is nobody's: whatever the answer tempts to, nothing arrives anywhere.
            Route::get(
                &format!("{API}/ZoneInformation"),
                r#"{"zoneName":"Zone","url":"https://autotask.net.example.com/ATServicesRest/"}"#,
            ),
            |client: AutotaskClient| async move {
                let refused = client.company(44).await;
                Ok(format!("{:?}", refused.map_err(|error| error.kind())))
            },
        )
        .run()
        .await;
    println!("{} cases", report.cases());
    // The lookup is sent without secrets, which the table takes for a wrong description.
    let held = report.failures().iter().all(|failure| {
        failure.contains("the valid answer") && failure.contains("without any of the secrets")
    });
    assert!(held, "{:#?}", report.failures());
}

/// A tenant with companies, at whose place the client looks its zone up.
async fn tenant(companies: usize) -> AutotaskSimulator {
    let mut state = AutotaskState::new();
    state.credentials.user = USER.to_owned();
    state.credentials.integration_code = CODE.to_owned();
    state.credentials.secret = SECRET.to_owned();
    for number in 0..companies {
        state.add_company(&format!("Client {number}"));
    }
    AutotaskSimulator::start(state).await.unwrap()
}

#[tokio::test]
async fn a_poisoned_zone_answer_is_refused_by_name_and_gets_no_credentials() {
    let (home, elsewhere) = (tenant(0).await, tenant(0).await);
    for zone in [
        format!("{}ATServicesRest/", elsewhere.base_url()),
        "https://autotask.net.example.com/ATServicesRest/".to_owned(),
        "https://webservices15.autotask.net@example.com/ATServicesRest/".to_owned(),
        "https://webservices15.autotask.net:8443/ATServicesRest/".to_owned(),
        "http://webservices15.autotask.net/ATServicesRest/".to_owned(),
        "https://169.254.169.254/ATServicesRest/".to_owned(),
        "not an address".to_owned(),
    ] {
        home.with_state(|state| state.options.zone_url = Some(zone.clone()));
        let client = connect(None, at(home.base_url().as_str())).unwrap();
        let error = client.company(44).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{zone}: {error}");
        assert_eq!(error.json_path(), Some("url"), "{zone}: {error}");
        assert_eq!(client.zone_url(), None, "{zone}");
    }
    assert_eq!(elsewhere.request_count(), 0);
    for request in home.requests() {
        let lookup = request.path.to_ascii_lowercase();
        assert!(lookup.ends_with("/zoneinformation"), "{lookup}");
        for credential in ["apiintegrationcode", "username", "secret"] {
            assert_eq!(request.header(credential), None);
        }
    }
}

#[tokio::test]
async fn a_foreign_next_page_url_is_not_followed_and_loses_nothing() {
    let (home, elsewhere) = (tenant(7).await, tenant(0).await);
    let foreign = elsewhere.base_url().as_str().trim_end_matches('/');
    home.with_state(|state| state.options.page_base = Some(foreign.to_owned()));
    let client = connect(None, at(home.base_url().as_str())).unwrap();
    let three = Query::all().max_records(3);
    let listed = client.companies(&three).try_collect_all(100).await.unwrap();
    // The provider's own company is one of them.
    assert_eq!(listed.len(), 8);
    assert_eq!(elsewhere.request_count(), 0);
    let pages = home.requests();
    let of_list = |path: &str| path.ends_with("/Companies/query");
    assert_eq!(pages.iter().filter(|page| of_list(&page.path)).count(), 3);
}
