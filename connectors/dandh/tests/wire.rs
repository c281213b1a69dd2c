//! Every operation on the wire. A request that no mock expects gets a 404 and fails its test.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use std::collections::BTreeMap;

use common::*;
use tallyline_core::{ErrorKind, Result};
use tallyline_dandh::DandhClient;
use tallyline_dandh::models::FieldValue;
use tallyline_testkit::mock::MockVendor;

async fn answers(server: &MockVendor, operation: &str, body: &str) {
    call(operation).respond_with(json(body)).mount(server).await;
}

/// What a call was sent as, where it is answered with a body.
async fn sent<T>(
    operation: &str,
    body: &str,
    run: impl AsyncFnOnce(DandhClient) -> Result<T>,
) -> (T, String) {
    let server = server().await;
    answers(&server, operation, body).await;
    let found = run(client(&server)).await;
    let mut asked = asked(&server).await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    (found.unwrap(), asked.remove(0))
}

#[tokio::test]
async fn signing_in_sends_name_and_password_without_a_session_and_once() {
    let server = server().await;
    answers(&server, "GetCompanies", "[]").await;
    let client = client(&server);
    for _ in 0..2 {
        client.companies(PARENT).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let sign_ins: Vec<_> = requests
        .iter()
        .filter(|request| request.url.path() == at(SIGN_IN))
        .collect();
    assert_eq!(sign_ins.len(), 1);
    let body: BTreeMap<String, String> = serde_json::from_slice(&sign_ins[0].body).unwrap();
    let wanted = [("password", PASSWORD), ("username", USERNAME)];
    assert!(
        body.iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .eq(wanted)
    );
    assert!(!sign_ins[0].headers.contains_key("authenticate"));
    for request in &requests {
        assert_eq!(request.method.as_str(), "POST");
        assert!(request.url.query().is_none());
        assert!(!request.headers.contains_key("authorization"));
    }
}

#[tokio::test]
async fn accounts_are_asked_for_by_names_in_their_exact_letter_case() {
    let list = r#"[{"AccountId":1,"CompanyName":"x"}]"#;
    let one = r#"{"AccountId":1}"#;
    let (found, asked) = sent("GetCompanies", list, async |it| it.companies(PARENT).await).await;
    assert_eq!(
        (found.len(), asked.as_str()),
        (1, "GetCompanies {\"parentAccountId\":410022}")
    );
    for answer in [one, "[{\"AccountId\":1}]"] {
        let (_, asked) = sent("GetCompany", answer, async |it| it.company(Some(1)).await).await;
        assert_eq!(asked, r#"GetCompany {"accountId":1}"#);
        let (_, asked) = sent("GetCompany", answer, async |it| it.company(None).await).await;
        assert_eq!(asked, "GetCompany {}", "an absent parameter is not null");
        let (_, asked) = sent("GetReseller", answer, async |it| it.reseller(Some(1)).await).await;
        assert_eq!(asked, r#"GetReseller {"accountId":1}"#);
    }
    let (_, asked) = sent("GetResellers", list, async |it| it.resellers(PARENT).await).await;
    assert_eq!(asked, r#"GetResellers {"parentAccountId":410022}"#);
    let (found, asked) = sent(
        "GetDepartments",
        r#"[{"AccountId":3,"DepartmentName":"Lab"}]"#,
        async |it| it.departments(2).await,
    )
    .await;
    assert_eq!(found[0].department_name.as_deref(), Some("Lab"));
    assert_eq!(asked, r#"GetDepartments {"parentAccountId":2}"#);
    let (_, asked) = sent("GetCompanyByVatId", list, async |it| {
        it.companies_by_vat_id("US-1").await
    })
    .await;
    assert_eq!(asked, r#"GetCompanyByVatId {"vatId":"US-1"}"#);
}

#[tokio::test]
async fn an_account_that_is_not_there_and_several_are_told_apart() {
    for (answer, kind) in [
        ("[]", ErrorKind::NotFound),
        (r#"[{"AccountId":1},{"AccountId":2}]"#, ErrorKind::Protocol),
        ("null", ErrorKind::Protocol),
    ] {
        let server = server().await;
        answers(&server, "GetCompany", answer).await;
        let error = client(&server).company(None).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{answer}");
        assert_eq!(error.operation(), Some("companies.get"));
    }
}

#[tokio::test]
async fn subscriptions_name_a_context_only_where_there_is_one() {
    let one = r#"{"AccountId":7,"Addons":[{"AccountId":8}]}"#;
    let list = format!("[{one}]");
    let (_, asked) = sent("GetSubscriptions", &list, async |it| {
        it.subscriptions(5, None).await
    })
    .await;
    assert_eq!(asked, r#"GetSubscriptions {"parentAccountId":5}"#);
    let (_, asked) = sent("GetSubscriptions", &list, async |it| {
        it.subscriptions_above_users(5, Some(9)).await
    })
    .await;
    assert_eq!(
        asked,
        r#"GetSubscriptions {"parentAccountId":5,"resellerContext":9,"excludeUserLevel":true}"#
    );
    let (_, asked) = sent("GetSubscription", one, async |it| {
        it.subscription(7, Some(9)).await
    })
    .await;
    assert_eq!(
        asked,
        r#"GetSubscription {"accountId":7,"resellerContext":9}"#
    );
    let (found, asked) = sent("GetSubscriptionWithAddons", one, async |it| {
        it.subscription_with_addons(7, None).await
    })
    .await;
    assert_eq!(found.addons[0].account_id, 8);
    assert_eq!(asked, r#"GetSubscriptionWithAddons {"accountId":7}"#);
    let (_, asked) = sent("GetSubscriptionDependencies", &list, async |it| {
        it.subscription_dependencies(7, None).await
    })
    .await;
    assert_eq!(asked, r#"GetSubscriptionDependencies {"accountId":7}"#);
}

#[tokio::test]
async fn invoices_are_asked_for_as_a_preview_or_by_their_month() {
    let list = r#"[{"BillingInterval":"11/2026","CompanyAccountId":5,"Charges":null}]"#;
    let (_, asked) = sent("GetPreviewInvoices", list, async |it| {
        it.preview_invoices(None).await
    })
    .await;
    assert_eq!(asked, "GetPreviewInvoices {}");
    let (_, asked) = sent("GetPreviewInvoices", list, async |it| {
        it.preview_invoices_by_department(Some(9)).await
    })
    .await;
    assert_eq!(
        asked,
        r#"GetPreviewInvoices {"resellerContext":9,"groupByDepartments":true}"#
    );
    let (_, asked) = sent("GetLatestInvoices", list, async |it| {
        it.latest_invoices(Some(9)).await
    })
    .await;
    assert_eq!(asked, r#"GetLatestInvoices {"resellerContext":9}"#);
    let (_, asked) = sent("GetLatestInvoicesForPeriod", list, async |it| {
        it.invoices_for_period(2026, 10, None).await
    })
    .await;
    assert_eq!(
        asked,
        r#"GetLatestInvoicesForPeriod {"year":2026,"month":10}"#
    );
    let server = server().await;
    for month in [0, 13, -1] {
        let refused = client(&server).invoices_for_period(2026, month, None).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Config);
    }
    assert!(asked_nothing(&server).await);
}

async fn asked_nothing(server: &MockVendor) -> bool {
    server.received_requests().await.unwrap().is_empty()
}

#[tokio::test]
async fn the_catalogue_is_read_in_either_shape() {
    let (found, asked) = sent(
        "GetMarketplaces",
        r#"[{"Id":7,"Name":"US","Priority":1}]"#,
        async |it| it.marketplaces().await,
    )
    .await;
    assert_eq!((found[0].id, asked.as_str()), (7, "GetMarketplaces {}"));
    let services = r#"[{"ProductName":"p","IsTCAccepted":true,"SimpleProductBillingInfo":[{"VendorSku":"s"}]}]"#;
    let (found, asked) = sent("ListMarketplaceServices", services, async |it| {
        it.marketplace_services(7).await
    })
    .await;
    assert_eq!(found[0].is_tc_accepted, Some(true));
    assert_eq!(asked, r#"ListMarketplaceServices {"marketplaceId":7}"#);
    let (_, asked) = sent("GetPossibleServicesForParent", services, async |it| {
        it.possible_services(5).await
    })
    .await;
    assert_eq!(
        asked,
        r#"GetPossibleServicesForParent {"parentAccountId":5}"#
    );
    let one = r#"{"ServiceId":"p","Charges":[{"PriceableItemId":3,"PurchasePrice":0.1}]}"#;
    for answer in [one.to_owned(), format!("[{one}]")] {
        let (found, asked) = sent("GetMarketplaceServiceCharges", &answer, async |it| {
            it.marketplace_charges(7).await
        })
        .await;
        assert_eq!(
            found[0].charges[0].purchase_price.unwrap().to_string(),
            "0.1"
        );
        assert_eq!(asked, r#"GetMarketplaceServiceCharges {"marketplaceId":7}"#);
    }
    let (_, asked) = sent(
        "GetServiceInformation",
        r#"{"DisplayName":"P"}"#,
        async |it| it.service_information("p").await,
    )
    .await;
    assert_eq!(asked, r#"GetServiceInformation {"serviceName":"p"}"#);
    let (_, asked) = sent("GetFieldsForService", r#"{"Fields":[]}"#, async |it| {
        it.service_fields(5, "p", Some(6)).await
    })
    .await;
    assert_eq!(
        asked,
        r#"GetFieldsForService {"parentAccountId":5,"productName":"p","secondaryParentId":6}"#
    );
}

#[tokio::test]
async fn reports_are_run_by_name_and_their_parameters_keep_their_letter_case() {
    let (_, asked) = sent("GetReports", "[]", async |it| it.reports().await).await;
    assert_eq!(asked, "GetReports {}");
    let report = r#"{"Columns":[{"CellIndex":0,"Name":"Id"}],"Rows":[{"Cells":[7]},[8]]}"#;
    let days = BTreeMap::from([("enddate", "2026-03-31"), ("startdate", "2026-03-01")]);
    let (found, asked) = sent("ExecuteReport", report, async |it| {
        it.execute_report("MSCSPSeatChanges", &days, &["Id"]).await
    })
    .await;
    assert_eq!(
        asked,
        r#"ExecuteReport {"reportName":"MSCSPSeatChanges","parameters":{"enddate":"2026-03-31","startdate":"2026-03-01"},"columns":["Id"]}"#
    );
    let ids = found
        .rows
        .iter()
        .map(|row| found.cell(row, "Id").map(FieldValue::as_json));
    assert_eq!(ids.collect::<Vec<_>>(), [Some("7"), Some("8")]);
    let none: BTreeMap<String, String> = BTreeMap::new();
    let (_, asked) = sent("ExecuteReport", report, async |it| {
        it.execute_report("R", &none, &[]).await
    })
    .await;
    assert_eq!(asked, r#"ExecuteReport {"reportName":"R","parameters":{}}"#);
    let server = server().await;
    let refused = client(&server).execute_report("R", &[1, 2], &[]).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Config);
    assert!(asked_nothing(&server).await);
}

#[tokio::test]
async fn the_newer_reports_are_read_where_they_are_and_not_found_where_they_are_not() {
    let lines = r#"{"InvoiceAggregation":[{"AccountId":7,"UdrcValue":14,"DaysBilled":30}]}"#;
    let (found, asked) = sent("GetInvoiceAggregationReport", lines, async |it| {
        it.invoice_aggregation(2026, 10, None).await
    })
    .await;
    assert_eq!(found.invoice_aggregation[0].udrc_value, Some(14.into()));
    assert_eq!(
        asked,
        r#"GetInvoiceAggregationReport {"year":2026,"month":10}"#
    );
    let accounts =
        r#"{"AllProductAccountsWithFields":[{"AccountId":7,"Fields":{"Quantity":"14"}}]}"#;
    let operation = "GetAllProductAccountsWithFieldsReport";
    let (found, asked) = sent(operation, accounts, async |it| {
        it.product_accounts("p", Some("2026-03-01T00:00:00"), None)
            .await
    })
    .await;
    let fields = &found.all_product_accounts_with_fields[0].fields;
    assert_eq!(
        fields["Quantity"].as_ref().unwrap().quantity(),
        Some(14.into())
    );
    assert_eq!(
        asked,
        r#"GetAllProductAccountsWithFieldsReport {"productName":"p","createdBefore":"2026-03-01T00:00:00"}"#
    );
    let server = server().await;
    let missing = client(&server).invoice_aggregation(2026, 10, None).await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_returns_nothing_may_be_empty_or_null_and_nothing_else() {
    for answer in ["", "null", " \r\n"] {
        let (_, asked) = sent("PingPong", answer, async |it| it.ping().await).await;
        assert_eq!(asked, "PingPong {}");
    }
    for answer in ["{}", "[]", "\"x\"", "<html></html>"] {
        let server = server().await;
        answers(&server, "PingPong", answer).await;
        let error = client(&server).ping().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{answer}");
    }
}

#[tokio::test]
async fn a_blank_name_is_refused_before_anything_is_sent() {
    let server = server().await;
    let client = client(&server);
    let none: BTreeMap<String, String> = BTreeMap::new();
    let refused = [
        client.companies_by_vat_id(" ").await.map(drop),
        client.service_information("").await.map(drop),
        client.service_fields(1, " ", None).await.map(drop),
        client.product_accounts("", None, None).await.map(drop),
        client.execute_report("", &none, &[]).await.map(drop),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Config);
    }
    assert!(asked_nothing(&server).await);
}
