//! Every operation of the client against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::at;
use raw::{MAX_BODY, connect, session};
use rust_decimal::Decimal;
use tallyline_core::Result;
use tallyline_dandh::models::Invoice;
use tallyline_dandh::{DandhClient, operations};
use tallyline_testkit::hostile::{Field, HostileClient, Probe, covers};
use tallyline_testkit::raw::Route;

/// What no table can hold.
const EXCUSED: &[(&str, &str)] = &[
    (
        "session.ping",
        "its answer is nothing: the wire tests hold what is read as nothing, and what is not",
    ),
    (
        "session.terminate",
        "its answer is dropped: a session that cannot be ended ends by itself",
    ),
];

const ACCOUNTS: &str = r#"[{"AccountId":410977,"CompanyName":"Maple Dental LLC"},{"AccountId":410988,"CompanyName":"Oak Legal"}]"#;

const SUBSCRIPTION: &str = r#"{"AccountId":733105,"AccountState":"Active","CompanyAccountId":410977,"ServiceName":"MAIL",
  "Fields":[{"Name":"Quantity","Value":14}],"PriceableItems":[{"PriceableItemId":90211,"PurchasePrice":18.7}],
  "Addons":[{"AccountId":733106}]}"#;

const INVOICES: &str = r#"[{"BillingInterval":"02/2026","CompanyAccountId":410977,
  "Charges":[{"AccountId":733105,"ServiceId":"MAIL","PriceableItemId":90211,"UDRCValue":14,"Costs":261.8}]}]"#;

const SERVICES: &str = r#"[{"ProductName":"MAIL","DisplayName":"Mail","SimpleProductBillingInfo":[{"VendorSku":"s","AdvancePaymentPeriodInMonths":1}]}]"#;

fn post(operation: &str, answer: impl Into<String>) -> Route {
    Route::post(&at(operation), answer)
}

/// Units, for people.
fn shown(units: impl Iterator<Item = Option<Decimal>>) -> String {
    let units = units.map(|units| format!("{:?}", units.map(|it| it.normalize())));
    units.collect::<Vec<_>>().join(", ")
}

fn charged(invoices: &[Invoice]) -> String {
    let charges = invoices.iter().flat_map(|invoice| &invoice.charges);
    shown(charges.map(|charge| charge.udrc_value))
}

/// A table of operations that are sent and read as those of the main one.
fn table(probes: Vec<Probe<DandhClient>>) -> HostileClient<DandhClient> {
    let table = HostileClient::new("dandh", connect)
        .max_body(MAX_BODY)
        .route(session());
    probes
        .into_iter()
        .fold(table, |table, probe| table.probe(probe.brief()))
}

/// A list of accounts.
fn accounts<F>(
    name: &str,
    operation: &str,
    call: impl Fn(DandhClient) -> F + Send + Sync + 'static,
) -> Probe<DandhClient>
where
    F: Future<Output = Result<String>> + Send + 'static,
{
    Probe::new(name, post(operation, ACCOUNTS), call)
        .field(Field::whole_id("/1/AccountId"))
        .field(Field::name("/1/CompanyName"))
}

/// The account tree.
fn tree() -> HostileClient<DandhClient> {
    table(vec![
        accounts("resellers", "GetResellers", |client| async move {
            Ok(format!("{:?}", client.resellers(1).await?))
        }),
        accounts(
            "companies by VAT id",
            "GetCompanyByVatId",
            |client| async move { Ok(format!("{:?}", client.companies_by_vat_id("US-1").await?)) },
        ),
        Probe::new(
            "a reseller",
            post("GetReseller", common::OWN),
            |client: DandhClient| async move { Ok(format!("{:?}", client.reseller(None).await?)) },
        )
        .field(Field::whole_id("/AccountId"))
        .field(Field::name("/CompanyName")),
        Probe::new(
            "departments",
            post(
                "GetDepartments",
                r#"[{"AccountId":3,"DepartmentName":"Lab"}]"#,
            ),
            |client: DandhClient| async move { Ok(format!("{:?}", client.departments(2).await?)) },
        )
        .field(Field::whole_id("/0/AccountId"))
        .field(Field::name("/0/DepartmentName")),
    ])
}

/// Single subscriptions, and the invoices of closed months.
fn subscriptions_and_invoices() -> HostileClient<DandhClient> {
    table(vec![
        Probe::new(
            "a subscription",
            post("GetSubscription", SUBSCRIPTION),
            |client: DandhClient| async move {
                Ok(format!("{:?}", client.subscription(733_105, None).await?))
            },
        )
        .field(Field::whole_id("/AccountId"))
        .field(Field::quantity("/PriceableItems/0/PurchasePrice").optional())
        // A text without its end leaves nothing whose name could be told but the line.
        .field(Field::name("/AccountState").named(" at line ")),
        Probe::new(
            "a subscription with its add-ons",
            post("GetSubscriptionWithAddons", SUBSCRIPTION),
            |client: DandhClient| async move {
                let found = client.subscription_with_addons(733_105, None).await?;
                Ok(format!("{found:?}"))
            },
        )
        .field(Field::whole_id("/AccountId"))
        // One or many: which of them it was is lost, the list's name is not.
        .field(Field::whole_id("/Addons/0/AccountId").named("at Addons")),
        Probe::new(
            "dependencies of a subscription",
            post("GetSubscriptionDependencies", format!("[{SUBSCRIPTION}]")),
            |client: DandhClient| async move {
                let found = client.subscription_dependencies(733_105, None).await?;
                Ok(format!("{found:?}"))
            },
        )
        .field(Field::whole_id("/0/AccountId")),
        Probe::new(
            "the latest invoices",
            post("GetLatestInvoices", INVOICES),
            |client: DandhClient| async move {
                let found = client.latest_invoices(None).await?;
                Ok(charged(&found))
            },
        )
        .field(Field::whole_id("/0/CompanyAccountId"))
        .field(Field::quantity("/0/Charges/0/UDRCValue").optional()),
        Probe::new(
            "the invoices of a month",
            post("GetLatestInvoicesForPeriod", INVOICES),
            |client: DandhClient| async move {
                let found = client.invoices_for_period(2026, 2, None).await?;
                Ok(charged(&found))
            },
        )
        .field(Field::whole_id("/0/CompanyAccountId"))
        .field(Field::quantity("/0/Charges/0/UDRCValue").optional()),
    ])
}

/// The catalogue.
fn catalogue() -> HostileClient<DandhClient> {
    table(vec![
        Probe::new(
            "marketplaces",
            post("GetMarketplaces", r#"[{"Id":7,"Name":"US","Priority":1}]"#),
            |client: DandhClient| async move { Ok(format!("{:?}", client.marketplaces().await?)) },
        )
        .field(Field::whole_id("/0/Id"))
        .field(Field::whole_id("/0/Priority").optional())
        .field(Field::name("/0/Name")),
        Probe::new(
            "services of a marketplace",
            post("ListMarketplaceServices", SERVICES),
            |client: DandhClient| async move {
                Ok(format!("{:?}", client.marketplace_services(7).await?))
            },
        )
        .field(Field::name("/0/ProductName"))
        .field(
            Field::whole_id("/0/SimpleProductBillingInfo/0/AdvancePaymentPeriodInMonths")
                .optional(),
        ),
        Probe::new(
            "services that can be bought",
            post("GetPossibleServicesForParent", SERVICES),
            |client: DandhClient| async move {
                Ok(format!("{:?}", client.possible_services(7).await?))
            },
        )
        .field(Field::name("/0/DisplayName")),
        Probe::new(
            "charges of services",
            post(
                "GetMarketplaceServiceCharges",
                r#"[{"ServiceId":"MAIL","Charges":[{"PriceableItemId":90211,"PurchasePrice":18.7}]}]"#,
            ),
            |client: DandhClient| async move {
                let found = client.marketplace_charges(7).await?;
                Ok(format!("{found:?}"))
            },
        )
        .field(Field::whole_id("/0/Charges/0/PriceableItemId"))
        .field(Field::quantity("/0/Charges/0/PurchasePrice").optional())
        .field(Field::name("/0/ServiceId")),
        Probe::new(
            "what a service is",
            post("GetServiceInformation", r#"{"DisplayName":"Mail","Description":"D"}"#),
            |client: DandhClient| async move {
                Ok(format!("{:?}", client.service_information("MAIL").await?))
            },
        )
        .field(Field::name("/Description")),
        Probe::new(
            "fields of a service",
            post(
                "GetFieldsForService",
                r#"{"ParentAccountId":410977,"Fields":[{"Name":"Quantity","DisplayType":"Mandatory","DefaultValue":1}]}"#,
            ),
            |client: DandhClient| async move {
                let found = client.service_fields(410_977, "MAIL", None).await?;
                Ok(format!("{found:?}"))
            },
        )
        .field(Field::whole_id("/ParentAccountId").optional())
        .field(Field::name("/Fields/0/Name")),
    ])
}

/// Reports.
fn reports() -> HostileClient<DandhClient> {
    table(vec![
        Probe::new(
            "reports",
            post(
                "GetReports",
                r#"[{"Name":"R","Parameters":[{"Name":"startdate","Type":"DateTime"}]}]"#,
            ),
            |client: DandhClient| async move { Ok(format!("{:?}", client.reports().await?)) },
        )
        .field(Field::name("/0/Name"))
        .field(Field::name("/0/Parameters/0/Name")),
        Probe::new(
            "the aggregation of invoices",
            post(
                "GetInvoiceAggregationReport",
                r#"{"InvoiceAggregation":[{"AccountId":733105,"UdrcValue":14,"DaysBilled":30}]}"#,
            ),
            |client: DandhClient| async move {
                let found = client.invoice_aggregation(2026, 2, None).await?;
                let lines = found.invoice_aggregation.iter();
                Ok(shown(lines.map(|line| line.udrc_value)))
            },
        )
        .field(Field::quantity("/InvoiceAggregation/0/UdrcValue").optional())
        .field(Field::whole_id("/InvoiceAggregation/0/DaysBilled").optional()),
        Probe::new(
            "subscriptions of a product",
            post(
                "GetAllProductAccountsWithFieldsReport",
                r#"{"AllProductAccountsWithFields":[{"AccountId":733105,"Fields":{"Quantity":"14"}}]}"#,
            ),
            |client: DandhClient| async move {
                let found = client.product_accounts("MAIL", None, None).await?;
                Ok(format!("{found:?}"))
            },
        )
        .field(Field::whole_id("/AllProductAccountsWithFields/0/AccountId")),
    ])
}

#[test]
fn every_operation_is_in_a_table_of_hostile_answers() {
    let tables = [
        raw::main_table(),
        tree(),
        subscriptions_and_invoices(),
        catalogue(),
        reports(),
    ];
    let covered = tables.iter().map(HostileClient::covered);
    let covered = covered.reduce(|all, more| all.and(more)).unwrap();
    let covered = covered.and(raw::session_table().covered());
    assert_eq!(
        covers(operations::ALL.iter().copied(), &covered, EXCUSED),
        Ok(())
    );
}

async fn assert_held(table: HostileClient<DandhClient>) {
    let report = table.run().await;
    report.assert_held();
}

#[tokio::test]
async fn no_answer_about_the_account_tree_harms_the_client_and_every_wrong_one_is_named() {
    assert_held(tree()).await;
}

#[tokio::test]
async fn no_answer_about_subscriptions_and_invoices_harms_the_client_and_every_wrong_one_is_named()
{
    assert_held(subscriptions_and_invoices()).await;
}

#[tokio::test]
async fn no_answer_about_the_catalogue_harms_the_client_and_every_wrong_one_is_named() {
    assert_held(catalogue()).await;
}

#[tokio::test]
async fn no_answer_about_reports_harms_the_client_and_every_wrong_one_is_named() {
    assert_held(reports()).await;
}
