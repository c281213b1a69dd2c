//! The source on the wire: accounts, services and readings.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use futures::StreamExt as _;
use tallyline_cloudmore::{CloudmoreSource, ReportMode, SelectedServices};
use tallyline_core::model::{AccountReading, Basis, ExportedBills, ReadingOutcome, VendorAccount};
use tallyline_core::source::UsageRequest;
use tallyline_core::{ErrorKind, Result, VendorSource as _};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;
use wiremock::matchers::query_param;

const REPORT: &str = r#"[
  {"organizationId":"O-1","organizationName":"Fern Clinic","currencyCode":"EUR","services":[
    {"serviceId":"csp","serviceName":"CSP 365","billingDate":"2026-03-07","items":[
      {"subscriptionId":"u-1","sku":"MAIL-A","productName":"Mail A","quantity":12,"costPrice":7,"startDate":"2026-03-07","endDate":"2026-04-06"}]}]},
  {"organizationId":"o-3","organizationName":"Gone Gym","currencyCode":"EUR","services":[
    {"serviceId":"csp","billingDate":"2026-03-07","items":[{"subscriptionId":"u-3","sku":"MAIL-A","quantity":1}]}]}]"#;

const ORGANIZATIONS: &str = r#"[
  {"id":"o-1","name":"Fern Clinic","customProperties":[{"name":"AutotaskCompanyID","value":"29683"}]},
  {"id":"o-2","name":"Oak Legal","customProperties":[]}]"#;

fn source(server: &MockVendor) -> CloudmoreSource {
    CloudmoreSource::builder()
        .client(client(server))
        .build()
        .unwrap()
}

async fn organizations(server: &MockVendor, body: &str) {
    get(&format!("{R}/Organizations"))
        .respond_with(json(body))
        .mount(server)
        .await;
}

fn request() -> UsageRequest {
    UsageRequest::new("2026-03-15T12:00:00Z".parse().unwrap())
}

async fn accounts(source: &CloudmoreSource) -> Vec<Result<VendorAccount>> {
    source.accounts().collect().await
}

async fn readings(source: &CloudmoreSource) -> Vec<AccountReading> {
    readings_of(source, &request()).await
}

async fn readings_of(source: &CloudmoreSource, request: &UsageRequest) -> Vec<AccountReading> {
    let items: Vec<_> = source.usage(request).collect().await;
    items.into_iter().map(Result::unwrap).collect()
}

fn failure(reading: &AccountReading) -> &str {
    match &reading.outcome {
        ReadingOutcome::Failed(failure) => &failure.message,
        ReadingOutcome::Complete(_) => panic!("{} is complete", reading.account),
    }
}

#[tokio::test]
async fn c7_the_custom_property_is_the_companys_id_and_an_account_without_it_names_none() {
    let server = server().await;
    organizations(&server, ORGANIZATIONS).await;
    let accounts = accounts(&source(&server)).await;
    let [fern, oak] = [0, 1].map(|at: usize| accounts[at].as_ref().unwrap());
    assert_eq!(fern.company_reference.as_deref(), Some("29683"));
    assert_eq!(oak.company_reference, None);
    for account in [fern, oak] {
        assert_eq!(
            account.reference_field.as_deref(),
            Some("AutotaskCompanyID")
        );
    }
    assert_eq!(
        asked(&server).await.len(),
        1,
        "the list tells the properties"
    );
}

#[tokio::test]
async fn c7_where_the_list_tells_no_properties_the_details_are_read() {
    let server = server().await;
    organizations(
        &server,
        r#"[{"id":"o-1","name":"Fern Clinic"},{"id":"o-2","name":"Oak Legal"},{"id":"O-1"}]"#,
    )
    .await;
    get(&format!("{R}/Organizations/o-1"))
        .respond_with(json(
            r#"{"id":"o-1","customProperties":{"AutotaskCompanyID":29683}}"#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    get(&format!("{R}/Organizations/o-2"))
        .respond_with(ResponseTemplate::new(403))
        .expect(1)
        .mount(&server)
        .await;
    let accounts = accounts(&source(&server)).await;
    assert_eq!(
        accounts.len(),
        2,
        "an organization that comes twice is listed once"
    );
    let fern = accounts[0].as_ref().unwrap();
    assert_eq!(fern.company_reference.as_deref(), Some("29683"));
    let error = accounts[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("Oak Legal"), "{error}");
    assert!(error.to_string().contains("API access"), "{error}");
}

#[tokio::test]
async fn without_a_property_accounts_are_linked_by_their_names() {
    let server = server().await;
    organizations(&server, r#"[{"id":"o-1","name":"Fern Clinic"}]"#).await;
    let source = CloudmoreSource::builder()
        .client(client(&server))
        .company_property(" ")
        .build()
        .unwrap();
    let accounts = accounts(&source).await;
    assert_eq!(
        *accounts[0].as_ref().unwrap(),
        VendorAccount::new("o-1", "Fern Clinic")
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_an_error_of_its_own() {
    let server = server().await;
    organizations(
        &server,
        r#"[{"name":"Nobody"},{"id":"o-1","name":"Fern Clinic","customProperties":[]}]"#,
    )
    .await;
    let accounts = accounts(&source(&server)).await;
    assert_eq!(accounts[0].as_ref().unwrap_err().json_path(), Some("[0]"));
    assert_eq!(accounts[1].as_ref().unwrap().id.as_str(), "o-1");
}

#[tokio::test]
async fn a_reading_is_invoiced_and_as_old_as_its_bill() {
    let server = server().await;
    organizations(&server, ORGANIZATIONS).await;
    job(&server, REPORT).await;
    let readings = readings(&source(&server)).await;
    let ids: Vec<&str> = readings.iter().map(|it| it.account.as_str()).collect();
    assert_eq!(
        ids,
        ["o-1", "o-2", "o-3"],
        "what is billed and not listed comes last"
    );
    let fern = &readings[0];
    assert_eq!(fern.basis, Basis::Invoiced);
    assert_eq!(fern.as_of().to_string(), "2026-03-07T00:00:00Z");
    let lines = fern.lines().unwrap();
    assert_eq!((lines.len(), lines[0].quantity), (1, 12_u32.into()));
    assert!(
        failure(&readings[1]).contains("no bill"),
        "{}",
        failure(&readings[1])
    );
}

#[tokio::test]
async fn the_range_reaches_back_so_that_a_prepaid_year_is_in_it() {
    let server = server().await;
    organizations(&server, ORGANIZATIONS).await;
    get(&format!(
        "{R}/billing/reports/MonthlyBillingPerOrganization"
    ))
    .and(query_param("startDate", "2025-02-08"))
    .and(query_param("endDate", "2026-03-15"))
    .respond_with(json(REPORT))
    .expect(1)
    .mount(&server)
    .await;
    let source = CloudmoreSource::builder()
        .client(client(&server))
        .report(ReportMode::Direct)
        .build()
        .unwrap();
    assert_eq!(readings(&source).await.len(), 3);
}

#[tokio::test]
async fn a_report_that_fails_fails_every_account_and_is_never_a_zero() {
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(403),
        json("{"),
        json("<html>"),
        json(r#"{"status":"Failed"}"#),
        ResponseTemplate::new(200).set_body_raw("<html>", "text/html"),
    ] {
        let server = server().await;
        organizations(&server, ORGANIZATIONS).await;
        authorized("POST", START)
            .respond_with(ResponseTemplate::new(202).insert_header("Location", "t-1"))
            .mount(&server)
            .await;
        get(&format!("{START}/t-1"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let readings = readings(&source(&server)).await;
        assert_eq!(readings.len(), 2);
        for reading in &readings {
            failure(reading);
        }
    }
}

#[tokio::test]
async fn a_report_of_nothing_says_nothing_of_any_account() {
    for report in [
        "[]",
        "{}",
        "null",
        r#"{"organizations":[]}"#,
        r#"[{"organizationId":"o-1","services":[]}]"#,
    ] {
        let server = server().await;
        organizations(&server, ORGANIZATIONS).await;
        job(&server, report).await;
        for reading in readings(&source(&server)).await {
            let nothing = reading.lines().is_none() || reading.unread_kinds.len() == 5;
            assert!(nothing, "{report}: {reading:?}");
        }
    }
}

#[tokio::test]
async fn refused_credentials_end_the_readings() {
    let server = server().await;
    organizations(&server, ORGANIZATIONS).await;
    authorized("POST", START)
        .respond_with(ResponseTemplate::new(401))
        .mount(&server)
        .await;
    let source = source(&server);
    let request = request();
    let items: Vec<_> = source.usage(&request).collect().await;
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].as_ref().unwrap_err().kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn only_the_accounts_that_are_asked_for_are_read() {
    let server = server().await;
    organizations(&server, ORGANIZATIONS).await;
    job(&server, REPORT).await;
    let source = source(&server);
    let request = request().with_accounts(["o-1".into()]);
    let items: Vec<_> = source.usage(&request).collect().await;
    assert_eq!(items.len(), 1);
}

#[tokio::test]
async fn c9_a_second_run_over_the_same_bill_says_nothing_and_a_new_bill_is_read() {
    let run = |report: String, exported: ExportedBills| async move {
        let server = server().await;
        organizations(&server, ORGANIZATIONS).await;
        job(&server, &report).await;
        readings_of(&source(&server), &request().with_exported(exported)).await
    };
    let first = run(REPORT.into(), ExportedBills::new()).await;
    assert_eq!(first[0].lines().unwrap().len(), 1);
    assert_eq!(first[0].bills.len(), 1);
    let bills = first.iter().flat_map(|it| {
        it.bills
            .iter()
            .map(|bill| (it.account.clone(), bill.stamp()))
    });
    let exported: ExportedBills = bills.collect();

    let second = run(REPORT.into(), exported.clone()).await;
    assert!(second[0].lines().unwrap().is_empty());
    assert!(second[0].bills.is_empty());
    assert_eq!(second[0].exported.len(), 1);
    assert!(second[0].unobserved.is_empty());

    let new = REPORT
        .replace("2026-03-07", "2026-03-14")
        .replace(":12,", ":13,");
    let third = run(new, exported).await;
    assert_eq!(third[0].lines().unwrap()[0].quantity, 13_u32.into());
    assert_eq!(third[0].bills[0].key.date.to_string(), "2026-03-14");
}

#[tokio::test]
async fn services_are_those_of_the_bills_and_an_unreadable_line_is_an_error_beside_them() {
    let server = server().await;
    let report = REPORT.replace(r#""quantity":1}"#, r#""quantity":"x"}"#);
    job(&server, &report).await;
    let source = source(&server);
    let services: Vec<_> = source.services().collect().await;
    assert_eq!(services.len(), 2);
    let mail = services[0].as_ref().unwrap();
    assert_eq!(
        (mail.key.as_str(), mail.name.as_str()),
        ("MAIL-A", "Mail A")
    );
    let error = services[1].as_ref().unwrap_err();
    assert_eq!(error.json_path(), Some("[1].services[0].items[0]"));
    assert!(error.to_string().contains("organization o-3"), "{error}");
}

#[tokio::test]
async fn check_says_who_may_read_what_and_warns_of_a_missing_property() {
    let server = server().await;
    organizations(&server, ORGANIZATIONS).await;
    get(&format!("{R}/settings/CustomProperties"))
        .respond_with(json(r#"[{"name":"autotaskCompanyId"}]"#))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    get(&format!("{R}/settings/CustomProperties"))
        .respond_with(json("[]"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let source = source(&server);
    let identity = source.check().await.unwrap();
    assert!(identity.subject.contains("api@example.com"));
    assert_eq!((identity.verified.len(), identity.warnings.len()), (2, 0));
    let identity = source.check().await.unwrap();
    assert!(
        identity.warnings[0].contains("AutotaskCompanyID"),
        "{identity:?}"
    );
    let identity = source.check().await.unwrap();
    assert!(
        identity.warnings[0].contains("could not be read"),
        "{identity:?}"
    );
}

#[tokio::test]
async fn c5_a_selected_service_that_the_reseller_does_not_have_is_a_warning() {
    let server = server().await;
    organizations(&server, ORGANIZATIONS).await;
    get(&format!("{R}/settings/CustomProperties"))
        .respond_with(json(r#"[{"name":"AutotaskCompanyID"}]"#))
        .mount(&server)
        .await;
    get(&format!("{R}/services"))
        .respond_with(json(r#"[{"serviceId":"s-1","serviceName":"CSP 365"}]"#))
        .mount(&server)
        .await;
    let source = CloudmoreSource::builder()
        .client(client(&server))
        .services(SelectedServices::only(["csp 365", "Marketplace"]))
        .build()
        .unwrap();
    let identity = source.check().await.unwrap();
    assert_eq!(identity.verified.len(), 3, "{identity:?}");
    let [warning] = &identity.warnings[..] else {
        panic!("{identity:?}");
    };
    assert!(warning.contains("Marketplace"), "{warning}");
}
