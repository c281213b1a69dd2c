//! Where the client's credentials go, and where they never do.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use common::{API, CODE, ROOT, SECRET, USER};
use tallyline_autotask::AutotaskClient;
use tallyline_autotask::models::NewContractServiceAdjustment;
use tallyline_autotask::query::Query;
use tallyline_core::Result;
use tallyline_core::http::{ReqwestTransport, RetryPolicy, Timeouts, Transport};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::raw::Route;

/// One for all clients: to set TLS up takes longer than a case.
fn transport() -> Arc<dyn Transport> {
    static SHARED: OnceLock<Arc<dyn Transport>> = OnceLock::new();
    let new = || Arc::new(ReqwestTransport::new(&Timeouts::default()).unwrap());
    Arc::clone(SHARED.get_or_init(|| new()))
}

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
        .transport(transport())
        .jitter_seed(1)
        .build()
}

fn at(base: &str) -> Option<String> {
    Some(format!("{}{ROOT}", base.trim_end_matches('/')))
}

fn calls(client: CredentialClient<AutotaskClient>) -> CredentialClient<AutotaskClient> {
    let at = |path: &str| format!("{API}{path}");
    client
        .secret(SECRET)
        .secret(CODE)
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
    let client = CredentialClient::new("autotask", |base: &str| connect(at(base), None));
    let report = calls(client).run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_to_the_lookup_of_the_zone_leads_credentials_elsewhere() {
    let report = CredentialClient::new("autotask", |base: &str| connect(None, at(base)))
        .secret(SECRET)
        .secret(CODE)
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
