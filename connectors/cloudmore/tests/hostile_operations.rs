//! Every operation of the client against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::R;
use raw::{MAX_BODY, connect, token};
use rust_decimal::Decimal;
use tallyline_cloudmore::models::{
    FreeForm, NewManualBillingLine, OrganizationBody, Record, TaskId,
};
use tallyline_cloudmore::{CloudmoreClient, operations};
use tallyline_core::Result;
use tallyline_core::model::CivilDate;
use tallyline_core::sink::WriteError;
use tallyline_testkit::hostile::{Covered, HostileClient, Probe, covers};
use tallyline_testkit::raw::Route;

/// The operations without a row, and why.
const EXCUSED: [(&str, &str); 4] = [
    (
        "health.check",
        "whatever it answers is a success: its body is not read",
    ),
    ("monthly_billing.start", STARTED),
    ("one_time_invoice.start", STARTED),
    ("azure_usage.start_unbilled", STARTED),
];

const STARTED: &str = "a header of its answer names the job: its body is not read";

/// The path of an organization.
const O: &str = "organizations/o-1";

fn table() -> HostileClient<CloudmoreClient> {
    HostileClient::new("cloudmore", connect)
        .max_body(MAX_BODY)
        .route(token())
}

fn get(path: &str, answer: &str) -> Route {
    Route::get(&format!("{R}/{path}"), answer)
}

fn records(found: &[Record]) -> String {
    let ids: Vec<_> = found.iter().map(|record| record.text("id")).collect();
    format!("{ids:?}")
}

fn text(found: &FreeForm) -> String {
    found.as_str().len().to_string()
}

fn day() -> CivilDate {
    "2026-03-01".parse().unwrap()
}

/// A list of records.
macro_rules! list {
    ($path:expr, $call:ident($($arg:expr),*)) => {
        Probe::new(
            stringify!($call),
            get(&$path, r#"[{"id":"a-1","quantity":2},{"id":"a-2"}]"#),
            |client: CloudmoreClient| async move {
                let found: Vec<Record> = client.$call($($arg),*).await?;
                Ok(records(&found))
            },
        )
        .brief()
        .all_optional()
    };
}

/// One record.
macro_rules! record {
    ($path:expr, $call:ident($($arg:expr),*)) => {
        Probe::new(
            stringify!($call),
            get(&$path, r#"{"id":"a-1","quantity":2}"#),
            |client: CloudmoreClient| async move {
                let found: Record = client.$call($($arg),*).await?;
                Ok(format!("{:?}", found.text("id")))
            },
        )
        .brief()
        .all_optional()
    };
}

/// An answer whose shape is not published.
macro_rules! free {
    ($path:expr, $call:ident($($arg:expr),*)) => {
        Probe::new(
            stringify!($call),
            get(&$path, r#"{"any":[1]}"#),
            |client: CloudmoreClient| async move {
                let found: FreeForm = client.$call($($arg),*).await?;
                Ok(text(&found))
            },
        )
        .brief()
        .free_form()
    };
}

/// The reads of the reseller.
fn reseller() -> HostileClient<CloudmoreClient> {
    let at = |path: &str| path.to_owned();
    table()
        .probe(
            Probe::new(
                "organization",
                get(
                    O.replacen('o', "O", 1).as_str(),
                    r#"{"id":"o-1","name":"Fern Clinic"}"#,
                ),
                |client: CloudmoreClient| async move {
                    Ok(format!("{:?}", client.organization("o-1").await?))
                },
            )
            .brief(),
        )
        .probe(list!(at("settings/CustomProperties"), custom_properties()))
        .probe(list!(at("services"), services()))
        .probe(record!(at("services/s-1"), service("s-1")))
        .probe(list!(
            at("services/s-1/subscriptions"),
            service_subscriptions("s-1")
        ))
        .probe(list!(at("services/csp/Subscriptions"), csp_subscriptions()))
        .probe(list!(
            at("services/azure/Subscriptions"),
            azure_subscriptions()
        ))
        .probe(list!(at("services/csp/CspTenants/List"), csp_tenants()))
        .probe(list!(at("services/s-1/pricelist"), price_list("s-1", None)))
        .probe(free!(
            at("services/s-1/pricelist/CommitmentPrice"),
            commitment_price("s-1", "o-1", "u-1")
        ))
        .probe(free!(
            at("services/s-1/pricelist/PostRenewalPrice"),
            post_renewal_price("s-1", "o-1", "u-1")
        ))
        .probe(
            Probe::new(
                "consumptions",
                Route::post(&format!("{R}/services/consumptions"), r#"[{"id":"a-1"}]"#),
                |client: CloudmoreClient| async move {
                    Ok(records(&client.consumptions(&Record::default()).await?))
                },
            )
            .brief()
            .all_optional(),
        )
}

/// The reads of one organization.
fn organization() -> HostileClient<CloudmoreClient> {
    let at = |path: &str| format!("{O}/{path}");
    table()
        .probe(list!(at("services"), organization_services("o-1")))
        .probe(record!(
            at("services/s-1"),
            organization_service("o-1", "s-1")
        ))
        .probe(list!(
            at("services/s-1/products"),
            organization_products("o-1", "s-1")
        ))
        .probe(list!(
            at("services/s-1/pricelist"),
            organization_price_list("o-1", "s-1")
        ))
        .probe(list!(
            at("services/s-1/subscriptions"),
            subscriptions("o-1", "s-1")
        ))
        .probe(record!(
            at("services/s-1/subscriptions/u-1"),
            subscription("o-1", "s-1", "u-1")
        ))
        .probe(free!(
            at("services/s-1/Subscriptions/history/u-1"),
            subscription_history("o-1", "s-1", "u-1")
        ))
        .probe(record!(at("services/Csp"), organization_csp("o-1")))
        .probe(list!(
            at("services/Csp/products"),
            organization_csp_products("o-1")
        ))
        .probe(list!(
            at("services/Csp/productlicenses"),
            organization_csp_licenses("o-1")
        ))
        .probe(list!(
            at("services/csp/nce/subscriptions"),
            organization_nce_subscriptions("o-1")
        ))
        .probe(record!(
            at("services/csp/nce/subscriptions/u-1"),
            organization_nce_subscription("o-1", "u-1")
        ))
        .probe(free!(
            at("services/csp/nce/subscriptions/alignmentdates"),
            organization_nce_alignment_dates("o-1")
        ))
        .probe(list!(
            at("services/csp/subscriptions"),
            organization_csp_subscriptions("o-1")
        ))
        .probe(record!(
            at("services/csp/subscriptions/u-1"),
            organization_csp_subscription("o-1", "u-1")
        ))
        .probe(list!(
            at("services/azure/subscriptions"),
            organization_azure_subscriptions("o-1")
        ))
        .probe(list!(
            at("services/azureplan/subscriptions"),
            organization_azure_plans("o-1")
        ))
        .probe(record!(
            at("services/azureplan/subscriptions/u-1"),
            organization_azure_plan("o-1", "u-1")
        ))
        .probe(list!(at("manualbilling"), manual_billing("o-1")))
        .probe(record!(
            at("manualbilling/m-1"),
            manual_billing_line("o-1", "m-1")
        ))
        .probe(list!(
            at("ExternalInvoice"),
            external_invoices("o-1", day(), day())
        ))
        .probe(record!(
            at("ExternalInvoice/i-1"),
            external_invoice("o-1", "i-1")
        ))
        .probe(free!(
            at("costcenters/reports/2026/3"),
            cost_centers("o-1", day())
        ))
}

/// The reports.
fn reports() -> HostileClient<CloudmoreClient> {
    let at = |path: &str| format!("billing/{path}");
    let usage = "azureonetimeusage";
    table()
        .probe(free!(
            at("reports/MonthlyBillingPerService"),
            monthly_billing_by_service(day(), day())
        ))
        .probe(free!(
            at("cspreports/MonthlyBillingPerOrganization"),
            csp_monthly_billing(day(), day())
        ))
        .probe(free!(
            at("azurereports/MonthlyBillingPerOrganization"),
            azure_monthly_billing(day(), day())
        ))
        .probe(free!(
            at("azurereports/InvoicesByCustomDates"),
            azure_invoices_by_dates(day(), day())
        ))
        .probe(list!(
            at("azurereports/AzureOneTimeInvoiceList"),
            one_time_invoices()
        ))
        .probe(free!(
            at("azurereports/InvoiceOverview"),
            azure_invoice_overview()
        ))
        .probe(list!(at("azurereports/InvoiceList"), azure_invoices()))
        .probe(free!(at("azurereports/Invoice"), azure_invoice("i-1")))
        .probe(free!(
            at("azurereports/OngoingPeriod"),
            azure_ongoing_period()
        ))
        .probe(free!(
            at(&format!("{usage}/AzureOneTimeInvoice")),
            azure_usage_invoice()
        ))
        .probe(free!(
            at(&format!("{usage}/AzureOneTimeOngoingPeriod")),
            azure_usage_ongoing()
        ))
        .probe(free!(
            at(&format!("{usage}/report/billed/invoice/i-1")),
            azure_billed_usage("i-1", 1, 50)
        ))
        .probe(free!(
            at(&format!("{usage}/report/unbilled/operation/t-1/result")),
            unbilled_usage(&TaskId::new("t-1"), 1, 50)
        ))
        .probe(free!(
            at("azurereports/AzureOneTimeInvoice/t-1"),
            one_time_invoice_result(&TaskId::new("t-1"))
        ))
        .probe(free!(
            at(&format!("{usage}/report/unbilled/operation/t-1/status")),
            unbilled_usage_status(&TaskId::new("t-1"))
        ))
}

/// The writes: the system may answer them with nothing.
fn writes() -> HostileClient<CloudmoreClient> {
    fn shown(written: Result<Option<Record>>) -> std::result::Result<String, WriteError> {
        let written = written.map_err(WriteError::from)?;
        Ok(format!("{:?}", written.map(|record| record.text("id"))))
    }
    fn write<F>(
        name: &str,
        verb: &str,
        path: &str,
        call: impl Fn(CloudmoreClient) -> F + Send + Sync + 'static,
    ) -> Probe<CloudmoreClient>
    where
        F: Future<Output = std::result::Result<String, WriteError>> + Send + 'static,
    {
        let route = Route::new(verb, &format!("{R}/{path}"), r#"{"id":"a-1"}"#);
        Probe::write(name, route, call)
            .all_optional()
            .may_be_empty()
    }
    fn named() -> OrganizationBody {
        let mut body = OrganizationBody::default();
        body.name = Some("Fern Clinic".to_owned());
        body
    }
    table()
        .probe(write(
            "a new organization",
            "POST",
            "Organizations",
            |client: CloudmoreClient| async move { shown(client.create_organization(&named()).await) },
        ))
        .probe(
            write(
                "a change of an organization",
                "PATCH",
                "Organizations/o-1",
                |client: CloudmoreClient| async move {
                    shown(client.update_organization("o-1", &named()).await)
                },
            )
            .brief(),
        )
        .probe(
            write(
                "a new adjustment",
                "POST",
                "organizations/o-1/manualbilling",
                |client: CloudmoreClient| async move {
                    let line = NewManualBillingLine::new(day(), "s-1", "u-1", Decimal::ONE);
                    shown(client.create_manual_billing_line("o-1", &line).await)
                },
            )
            .brief(),
        )
}

#[test]
fn every_operation_is_in_a_table_of_hostile_answers_or_excused() {
    let tables = [
        raw::main_table(),
        raw::report_table(),
        raw::job_table(),
        reseller(),
        organization(),
        reports(),
        writes(),
    ];
    let covered = tables
        .iter()
        .fold(raw::token_table().covered(), |all: Covered, table| {
            all.and(table.covered())
        });
    assert_eq!(
        covers(operations::ALL.iter().copied(), &covered, &EXCUSED),
        Ok(())
    );
}

#[tokio::test]
async fn no_answer_to_a_read_of_the_reseller_harms_the_client() {
    let report = reseller().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_to_a_read_of_an_organization_harms_the_client() {
    let report = organization().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_report_harms_the_client() {
    let report = reports().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_to_a_write_harms_the_client_and_none_makes_it_certain() {
    let report = writes().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}
