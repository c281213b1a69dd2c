//! Every operation on the wire. A request that no mock expects gets a 404 and fails its test.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use tallyline_cloudmore::models::{
    Contact, CustomPropertyValue, NewManualBillingLine, OrganizationBody, Record,
};
use tallyline_cloudmore::{ClientPair, CloudmoreClient};
use tallyline_core::ErrorKind;
use tallyline_core::error::Sent;
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, ResponseTemplate};

const O: &str = "/api/resellers/r-1/organizations/o-1";

/// Answers a GET once, and only with the token.
async fn answers(server: &MockVendor, at: &str, body: &str) {
    get(at)
        .respond_with(json(body))
        .expect(1)
        .mount(server)
        .await;
}

async fn token_form(pair: ClientPair) -> (Option<String>, Vec<(String, String)>) {
    let server = mock().await;
    Mock::given(method("POST"))
        .and(path(TOKEN))
        .respond_with(json(r#"{"access_token":"token-1","expires_in":"86400"}"#))
        .expect(1)
        .mount(&server)
        .await;
    get(&format!("{R}/Organizations"))
        .respond_with(json("[]"))
        .expect(2)
        .mount(&server)
        .await;
    let client = CloudmoreClient::builder()
        .username("api@example.com")
        .password(PASSWORD.into())
        .client_secret(SECRET.into())
        .reseller_id("r-1")
        .client_pair(pair)
        .base_url(server.uri())
        .build()
        .unwrap();
    client.organizations().await.unwrap();
    client.organizations().await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let token = requests.iter().find(|it| it.url.path() == TOKEN).unwrap();
    assert!(token.url.query().is_none());
    assert_eq!(
        token.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    let mut form: Vec<(String, String)> = url::form_urlencoded::parse(&token.body)
        .into_owned()
        .collect();
    form.sort();
    let basic = token.headers.get("authorization");
    (basic.map(|it| it.to_str().unwrap().to_owned()), form)
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[tokio::test]
async fn one_token_serves_many_calls_and_the_client_pair_stands_in_the_body() {
    let (basic, form) = token_form(ClientPair::Body).await;
    assert_eq!(basic, None);
    assert_eq!(
        form,
        owned(&[
            ("client_id", "ro.customer.client"),
            ("client_secret", SECRET),
            ("grant_type", "password"),
            ("password", PASSWORD),
            ("scope", "api"),
            ("username", "api@example.com"),
        ])
    );
}

#[tokio::test]
async fn the_client_pair_can_stand_in_a_header_instead() {
    let (basic, form) = token_form(ClientPair::Header).await;
    // base64 of ro.customer.client:s3cret-of-the-api
    assert_eq!(
        basic.as_deref(),
        Some("Basic cm8uY3VzdG9tZXIuY2xpZW50OnMzY3JldC1vZi10aGUtYXBp")
    );
    assert_eq!(
        form,
        owned(&[
            ("grant_type", "password"),
            ("password", PASSWORD),
            ("scope", "api"),
            ("username", "api@example.com"),
        ])
    );
}

#[tokio::test]
async fn a_request_that_no_mock_expects_fails() {
    let server = server().await;
    get(&format!("{R}/Organizations"))
        .respond_with(json("[]"))
        .expect(0)
        .mount(&server)
        .await;
    let error = client(&server).services().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(asked(&server).await, [format!("GET {R}/services")]);
}

#[tokio::test]
async fn the_health_check_needs_no_body() {
    let server = server().await;
    get("/api/healthcheck")
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    client(&server).health().await.unwrap();
}

#[tokio::test]
async fn organizations_and_their_properties_are_read() {
    let server = server().await;
    answers(
        &server,
        &format!("{R}/Organizations"),
        r#"[{"id":"o-1","name":"Fern Clinic","extra":1.50}]"#,
    )
    .await;
    answers(
        &server,
        &format!("{R}/Organizations/o%2F1"),
        r#"{"id":"o/1","customProperties":[]}"#,
    )
    .await;
    answers(
        &server,
        &format!("{R}/settings/CustomProperties"),
        r#"[{"name":"AutotaskCompanyID"}]"#,
    )
    .await;
    let client = client(&server);
    let organizations = client.organizations().await.unwrap();
    assert_eq!(organizations[0].name.as_deref(), Some("Fern Clinic"));
    assert_eq!(
        organizations[0]
            .record
            .decimal("extra")
            .unwrap()
            .to_string(),
        "1.50"
    );
    assert_eq!(client.organization("o/1").await.unwrap().id, "o/1");
    let defined = client.custom_properties().await.unwrap();
    assert_eq!(
        defined[0].text("name").as_deref(),
        Some("AutotaskCompanyID")
    );
}

#[tokio::test]
async fn services_subscriptions_and_prices_of_the_reseller_are_read() {
    let server = server().await;
    for (at, body) in [
        ("services", r#"[{"id":"s-1"}]"#),
        ("services/s-1", r#"{"id":"s-1"}"#),
        ("services/s-1/subscriptions", "[]"),
        (
            "services/csp/nce/subscriptions",
            r#"[{"id":"u-1","quantity":12}]"#,
        ),
        ("services/csp/Subscriptions", "[]"),
        ("services/azure/Subscriptions", "[]"),
        ("services/csp/CspTenants/List", "[]"),
        ("services/s-1/pricelist", "[]"),
        (
            "services/s-1/pricelist/CommitmentPrice",
            r#"{"price":1.10}"#,
        ),
        ("services/s-1/pricelist/PostRenewalPrice", "1.20"),
    ] {
        answers(&server, &format!("{R}/{at}"), body).await;
    }
    let client = client(&server);
    client.services().await.unwrap();
    client.service("s-1").await.unwrap();
    client.service_subscriptions("s-1").await.unwrap();
    let nce = client.nce_subscriptions().await.unwrap();
    assert_eq!(nce[0].decimal("quantity").unwrap().to_string(), "12");
    client.csp_subscriptions().await.unwrap();
    client.azure_subscriptions().await.unwrap();
    client.csp_tenants().await.unwrap();
    client.price_list("s-1", Some("EUR")).await.unwrap();
    let price = client.commitment_price("s-1", "o-1", "u-1").await.unwrap();
    assert_eq!(price.as_str(), r#"{"price":1.10}"#);
    client
        .post_renewal_price("s-1", "o-1", "u-1")
        .await
        .unwrap();
    let asked = asked(&server).await;
    assert!(
        asked[7].ends_with("pricelist?currencyCode=EUR"),
        "{asked:?}"
    );
    assert!(
        asked[8].ends_with("?organizationId=o-1&subscriptionId=u-1"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_organizations_services_and_subscriptions_are_read() {
    let server = server().await;
    for (at, body) in [
        ("services", "[]"),
        ("services/s-1", "{}"),
        ("services/s-1/products", "[]"),
        ("services/s-1/pricelist", "[]"),
        (
            "services/s-1/subscriptions",
            r#"[{"id":"u-1","status":"Cancelled"}]"#,
        ),
        ("services/s-1/subscriptions/u-1", "{}"),
        (
            "services/s-1/Subscriptions/history/u-1",
            r#"[{"quantity":1},{"quantity":2}]"#,
        ),
        ("services/Csp", "{}"),
        ("services/Csp/products", "[]"),
        ("services/Csp/productlicenses", "[]"),
        ("services/csp/nce/subscriptions", "[]"),
        ("services/csp/nce/subscriptions/u-1", "{}"),
        ("services/csp/nce/subscriptions/alignmentdates", "[]"),
        ("services/csp/subscriptions", "[]"),
        ("services/csp/subscriptions/u-1", "{}"),
        ("services/azure/subscriptions", "[]"),
        ("services/azureplan/subscriptions", "[]"),
        ("services/azureplan/subscriptions/u-1", "{}"),
        ("manualbilling", "[]"),
        ("manualbilling/m-1", "{}"),
        ("ExternalInvoice", "[]"),
        ("ExternalInvoice/i-1", "{}"),
        ("costcenters/reports/2026/3", "[]"),
    ] {
        answers(&server, &format!("{O}/{at}"), body).await;
    }
    let client = client(&server);
    let (start, end) = ("2026-03-01".parse().unwrap(), "2026-03-31".parse().unwrap());
    client.organization_services("o-1").await.unwrap();
    client.organization_service("o-1", "s-1").await.unwrap();
    client.organization_products("o-1", "s-1").await.unwrap();
    client.organization_price_list("o-1", "s-1").await.unwrap();
    let subscriptions = client.subscriptions("o-1", "s-1").await.unwrap();
    assert_eq!(
        subscriptions[0].text("status").as_deref(),
        Some("Cancelled")
    );
    client.subscription("o-1", "s-1", "u-1").await.unwrap();
    let history = client
        .subscription_history("o-1", "s-1", "u-1")
        .await
        .unwrap();
    assert_eq!(history.decode::<Vec<Record>>().unwrap().len(), 2);
    client.organization_csp("o-1").await.unwrap();
    client.organization_csp_products("o-1").await.unwrap();
    client.organization_csp_licenses("o-1").await.unwrap();
    client.organization_nce_subscriptions("o-1").await.unwrap();
    client
        .organization_nce_subscription("o-1", "u-1")
        .await
        .unwrap();
    client
        .organization_nce_alignment_dates("o-1")
        .await
        .unwrap();
    client.organization_csp_subscriptions("o-1").await.unwrap();
    client
        .organization_csp_subscription("o-1", "u-1")
        .await
        .unwrap();
    client
        .organization_azure_subscriptions("o-1")
        .await
        .unwrap();
    client.organization_azure_plans("o-1").await.unwrap();
    client.organization_azure_plan("o-1", "u-1").await.unwrap();
    client.manual_billing("o-1").await.unwrap();
    client.manual_billing_line("o-1", "m-1").await.unwrap();
    client.external_invoices("o-1", start, end).await.unwrap();
    client.external_invoice("o-1", "i-1").await.unwrap();
    client.cost_centers("o-1", start).await.unwrap();
    let asked = asked(&server).await;
    assert!(
        asked[20].ends_with("ExternalInvoice?startDate=2026-03-01&endDate=2026-03-31"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn reports_that_are_answered_at_once_are_read() {
    let server = server().await;
    for (at, body) in [
        ("reports/MonthlyBillingPerOrganization", "[]"),
        ("reports/MonthlyBillingPerService", "[]"),
        ("cspreports/MonthlyBillingPerOrganization", "[]"),
        ("azurereports/MonthlyBillingPerOrganization", "[]"),
        ("azurereports/InvoicesByCustomDates", "[]"),
        ("azurereports/AzureOneTimeInvoiceList", "[]"),
        ("azurereports/InvoiceOverview", "{}"),
        ("azurereports/InvoiceList", "[]"),
        ("azurereports/Invoice", "{}"),
        ("azurereports/OngoingPeriod", "{}"),
        ("azureonetimeusage/AzureOneTimeInvoice", "[]"),
        ("azureonetimeusage/AzureOneTimeOngoingPeriod", "[]"),
        (
            "azureonetimeusage/report/billed/invoice/i-1",
            r#"{"items":[]}"#,
        ),
    ] {
        answers(&server, &format!("{R}/billing/{at}"), body).await;
    }
    let client = client(&server);
    let (start, end) = ("2026-03-01".parse().unwrap(), "2026-03-31".parse().unwrap());
    client.monthly_billing_now(start, end).await.unwrap();
    client.monthly_billing_by_service(start, end).await.unwrap();
    client.csp_monthly_billing(start, end).await.unwrap();
    client.azure_monthly_billing(start, end).await.unwrap();
    client.azure_invoices_by_dates(start, end).await.unwrap();
    client.one_time_invoices().await.unwrap();
    client.azure_invoice_overview().await.unwrap();
    client.azure_invoices().await.unwrap();
    client.azure_invoice("i 1").await.unwrap();
    client.azure_ongoing_period().await.unwrap();
    client.azure_usage_invoice().await.unwrap();
    client.azure_usage_ongoing().await.unwrap();
    client.azure_billed_usage("i-1", 2, 500).await.unwrap();
    let asked = asked(&server).await;
    for dated in &asked[..5] {
        assert!(
            dated.ends_with("?startDate=2026-03-01&endDate=2026-03-31"),
            "{dated}"
        );
    }
    assert!(asked[8].ends_with("Invoice?invoiceId=i%201"), "{asked:?}");
    assert!(
        asked[12].ends_with("?pageNumber=2&pageSize=500"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn reading_consumption_is_a_post_and_is_repeated_like_a_read() {
    let server = server().await;
    let at = format!("{R}/services/consumptions");
    authorized("POST", &at)
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    authorized("POST", &at)
        .and(header("Content-Type", "application/json"))
        .respond_with(json(r#"[{"quantity":0.10}]"#))
        .expect(1)
        .mount(&server)
        .await;
    let filter: Record = serde_json::from_str(r#"{"serviceId":"s-1","from":1.50}"#).unwrap();
    let consumed = client(&server).consumptions(&filter).await.unwrap();
    assert_eq!(consumed[0].decimal("quantity").unwrap().to_string(), "0.10");
    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        requests.last().unwrap().body,
        br#"{"serviceId":"s-1","from":1.50}"#
    );
}

#[tokio::test]
async fn organizations_and_adjustments_are_written_once_with_what_is_set() {
    let server = server().await;
    authorized("POST", &format!("{R}/Organizations"))
        .respond_with(
            ResponseTemplate::new(201).set_body_raw(r#"{"id":"o-2"}"#, "application/json"),
        )
        .expect(1)
        .mount(&server)
        .await;
    authorized("PATCH", &format!("{R}/Organizations/o-1"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    authorized("POST", &format!("{O}/manualbilling"))
        .respond_with(ResponseTemplate::new(201))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server);
    let mut body = OrganizationBody::default();
    body.name = Some("Oak Legal".into());
    let mut contact = Contact::default();
    contact.email = Some("it@example.com".into());
    body.contact = Some(contact);
    let created = client.create_organization(&body).await.unwrap().unwrap();
    assert_eq!(created.text("id").as_deref(), Some("o-2"));
    assert_eq!(
        last_body(&server).await,
        serde_json::json!({"name": "Oak Legal", "contact": {"email": "it@example.com"}})
    );
    let mut change = OrganizationBody::default();
    change.custom_properties = vec![CustomPropertyValue::new("AutotaskCompanyID", "29683")];
    assert_eq!(
        client.update_organization("o-1", &change).await.unwrap(),
        None
    );
    assert_eq!(
        last_body(&server).await,
        serde_json::json!({"customProperties": [{"name": "AutotaskCompanyID", "value": "29683"}]})
    );
    let date = "2026-03-25".parse().unwrap();
    let line = NewManualBillingLine::new(date, "s-1", "u-1", "-2".parse().unwrap());
    client
        .create_manual_billing_line("o-1", &line)
        .await
        .unwrap();
    assert_eq!(
        last_body(&server).await["billingDate"],
        "2026-03-25T00:00:00"
    );
}

#[tokio::test]
async fn a_write_has_one_attempt_whatever_goes_wrong() {
    for status in [500, 503, 429] {
        let server = server().await;
        authorized("PATCH", &format!("{R}/Organizations/o-1"))
            .respond_with(ResponseTemplate::new(status))
            .expect(1)
            .mount(&server)
            .await;
        let mut change = OrganizationBody::default();
        change.vat = Some("1".into());
        let error = client(&server)
            .update_organization("o-1", &change)
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.may_have_been_applied(), status != 429, "{error:?}");
    }
}

#[tokio::test]
async fn empty_ids_and_bodies_are_refused_before_anything_is_sent() {
    let server = mock().await;
    let client = client(&server);
    let date = "2026-03-25".parse().unwrap();
    let line = NewManualBillingLine::new(date, "", "u-1", "1".parse().unwrap());
    let errors = [
        client.organization("").await.unwrap_err(),
        client.service(" ").await.unwrap_err(),
        client.price_list("", None).await.unwrap_err(),
        client.commitment_price("s", "", "u").await.unwrap_err(),
        client.subscriptions("", "s-1").await.unwrap_err(),
        client.subscription("o-1", "s-1", "").await.unwrap_err(),
        client.external_invoices("", date, date).await.unwrap_err(),
        client.azure_invoice("").await.unwrap_err(),
        client.azure_billed_usage("", 1, 1).await.unwrap_err(),
        client.start_one_time_invoice("").await.unwrap_err(),
        client.start_unbilled_usage("").await.unwrap_err(),
        client
            .create_organization(&OrganizationBody::default())
            .await
            .unwrap_err(),
        client
            .update_organization("o-1", &OrganizationBody::default())
            .await
            .unwrap_err(),
        client
            .create_manual_billing_line("o-1", &line)
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert_eq!(error.sent(), Sent::No);
        assert!(error.operation().is_some());
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}
