//! The simulated Cloudmore over a raw socket: tokens, organizations, services, subscriptions, writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::SignedDuration;
use jiff::civil::date;
use rust_decimal::Decimal;
use support::basic;
use support::cloudmore::{FORM, JSON, form, reseller, shown};
use tallyline_testkit::cloudmore::{DateForm, Names, ServiceKind};
use tallyline_testkit::effects::{Cause, EffectKind};
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;

fn count(answer: &support::Answer) -> usize {
    answer.json().items().unwrap().len()
}

#[tokio::test]
async fn a_token_is_given_to_a_user_with_the_client_in_the_body_or_in_a_header() {
    let reseller = reseller().await;
    let body = reseller
        .raw("POST", "/connect/token", &[FORM], &form(&[]))
        .await;
    assert_eq!(body.status, 200);
    assert_eq!(
        body.json().get("expires_in").and_then(Json::integer),
        Some(86_400)
    );
    assert_eq!(body.text("token_type"), "Bearer");
    let client = basic("ro.customer.client:example-cloudmore-secret");
    let fields = form(&[("client_id", None), ("client_secret", None)]);
    let headers = [("authorization", client.as_str()), FORM];
    let header = reseller
        .raw("POST", "/connect/token", &headers, &fields)
        .await;
    assert_eq!(header.status, 200);
    assert_ne!(header.text("access_token"), body.text("access_token"));
    let both = reseller
        .raw("POST", "/connect/token", &headers, &form(&[]))
        .await;
    assert_eq!(both.text("error"), "invalid_client");
}

#[tokio::test]
async fn a_token_is_refused_in_the_form_of_oauth() {
    let reseller = reseller().await;
    for (field, value, error) in [
        (
            "grant_type",
            Some("client_credentials"),
            "unsupported_grant_type",
        ),
        ("password", Some("wrong"), "invalid_grant"),
        ("username", None, "invalid_grant"),
        ("scope", None, "invalid_scope"),
        ("client_id", Some("other"), "invalid_client"),
        ("client_secret", None, "invalid_client"),
    ] {
        let fields = form(&[(field, value)]);
        let refused = reseller
            .raw("POST", "/connect/token", &[FORM], &fields)
            .await;
        assert_eq!(
            (refused.status, refused.text("error").as_str()),
            (400, error)
        );
    }
    let json = reseller.raw("POST", "/connect/token", &[JSON], "{}").await;
    assert_eq!(json.text("error"), "invalid_request");
}

#[tokio::test]
async fn a_token_ends_after_24_hours() {
    let reseller = reseller().await;
    let token = reseller.token().await;
    let path = format!("{}/services", reseller.root);
    let headers = [("authorization", token.as_str())];
    reseller
        .sim
        .clock()
        .advance(SignedDuration::from_secs(86_399));
    assert_eq!(reseller.raw("GET", &path, &headers, "").await.status, 200);
    reseller.sim.clock().advance(SignedDuration::from_secs(1));
    let late = reseller.raw("GET", &path, &headers, "").await;
    assert_eq!(late.status, 401);
    assert_eq!(reseller.raw("GET", &path, &[], "").await.status, 401);
}

#[tokio::test]
async fn the_health_check_needs_no_token() {
    let reseller = reseller().await;
    let up = reseller.raw("GET", "/api/healthcheck", &[], "").await;
    assert_eq!(up.status, 200);
}

#[tokio::test]
async fn paths_do_not_mind_letter_case() {
    let reseller = reseller().await;
    for path in ["/Organizations", "/organizations", "/ORGANIZATIONS"] {
        assert_eq!(count(&reseller.get(path).await), 1, "{path}");
    }
    for path in [
        "/services/Csp/NCE/Subscriptions",
        "/services/csp/nce/subscriptions",
    ] {
        assert_eq!(count(&reseller.get(path).await), 1, "{path}");
    }
}

#[tokio::test]
async fn errors_carry_a_text_under_a_name_that_is_a_setting() {
    let reseller = reseller().await;
    let missing = "/organizations/00000000-0000-4000-8000-0000000fffff";
    let refused = reseller.get(missing).await;
    assert_eq!(refused.status, 404);
    assert!(!refused.text("message").is_empty());
    reseller
        .sim
        .with_state(|state| state.options.error_member = "Title".to_owned());
    assert!(!reseller.get(missing).await.text("Title").is_empty());
    reseller
        .sim
        .with_state(|state| state.options.error_member.clear());
    let plain = reseller.get(missing).await;
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn statuses_are_those_of_the_documentation() {
    let reseller = reseller().await;
    for (method, path, status) in [
        ("GET", "/organizations/not-a-guid", 400),
        ("GET", "/nothing", 404),
        ("DELETE", "/organizations", 405),
        ("POST", "/services", 405),
        ("GET", "/billing/reports/MonthlyBillingPerOrganization", 400),
        (
            "GET",
            "/billing/reports/MonthlyBillingPerOrganization?startDate=2026-03-01&endDate=01.04.2026",
            400,
        ),
        (
            "GET",
            "/billing/reports/MonthlyBillingPerOrganization?startDate=2026-03-02&endDate=2026-03-01",
            400,
        ),
    ] {
        assert_eq!(
            reseller.call(method, path, "{}").await.status,
            status,
            "{path}"
        );
    }
    let token = reseller.token().await;
    let headers = [("authorization", token.as_str())];
    for path in [
        "/api/resellers/00000000-0000-4000-8000-0000000fffff/services",
        "/api/sellers/00000000-0000-4000-8000-000000000001/subscriptions",
    ] {
        assert_eq!(reseller.raw("GET", path, &headers, "").await.status, 403);
    }
    reseller
        .sim
        .with_state(|state| state.rights.billing = false);
    let invoices = "/billing/azurereports/AzureOneTimeInvoiceList";
    assert_eq!(reseller.get(invoices).await.status, 403);
    assert_eq!(reseller.get("/services").await.status, 200);
    reseller.sim.with_state(|state| state.rights.api = false);
    assert_eq!(reseller.get("/services").await.status, 403);
    reseller
        .sim
        .with_state(|state| state.limit = RateLimit::counted(0, 1, 7));
    let limited = reseller.get("/services").await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("7"))
    );
}

#[tokio::test]
async fn custom_properties_stand_in_the_single_organization_alone_unless_told_otherwise() {
    let reseller = reseller().await;
    let defined = reseller.get("/settings/CustomProperties").await;
    assert_eq!(
        defined.body,
        r#"[{"name":"AutotaskCompanyID","type":"TextBox"}]"#
    );
    let values = Json::Array(vec![
        Json::object()
            .with("name", "AutotaskCompanyID")
            .with("value", "4021"),
    ]);
    let single = reseller.get(&reseller.of("")).await.json();
    assert_eq!(single.get("customProperties"), Some(&values));
    let first = |answer: support::Answer| answer.json().items().unwrap()[0].clone();
    let listed = first(reseller.get("/Organizations").await);
    assert_eq!(listed.get("customProperties"), None);
    reseller
        .sim
        .with_state(|state| state.options.properties_in_list = true);
    let listed = first(reseller.get("/Organizations").await);
    assert_eq!(listed.get("customProperties"), Some(&values));
}

#[tokio::test]
async fn organizations_can_be_asked_for_without_the_inactive_and_the_hidden_ones() {
    let reseller = reseller().await;
    let hidden = reseller.sim.with_state(|state| {
        let gone = state.add_organization("Gone");
        if let Some(gone) = state.organizations.get_mut(&gone) {
            gone.active = false;
        }
        let hidden = state.add_organization("Hidden");
        state.rights.hidden = [hidden.clone()].into();
        hidden
    });
    assert_eq!(count(&reseller.get("/Organizations").await), 2);
    let active = reseller.get("/Organizations?showActive=true").await;
    assert_eq!(count(&active), 1);
    let path = format!("/organizations/{hidden}");
    assert_eq!(reseller.get(&path).await.status, 404);
}

#[tokio::test]
async fn an_organization_is_made_and_changed() {
    let reseller = reseller().await;
    let made = reseller
        .call(
            "POST",
            "/Organizations",
            r#"{"name":"Fern Clinic","vat":"X1","contact":{"name":"Accounts","email":"a@example.com"}}"#,
        )
        .await;
    assert_eq!((made.status, made.text("vat").as_str()), (201, "X1"));
    let path = format!("/organizations/{}", made.text("id"));
    let patch = r#"{"customerNumber":"C-1","customProperties":[{"name":"AutotaskCompanyID","value":"29"}]}"#;
    assert_eq!(reseller.call("PATCH", &path, patch).await.status, 204);
    let found = reseller.get(&path).await;
    assert_eq!(found.text("vat"), "X1");
    assert_eq!(found.text("customerNumber"), "C-1");
    assert!(found.body.contains(r#""value":"29""#));
    assert_eq!(
        reseller
            .call("PUT", &path, r#"{"name":"Fern"}"#)
            .await
            .status,
        204
    );
    assert_eq!(
        reseller.get(&path).await.json().get("vat"),
        Some(&Json::Null)
    );
    let undefined = r#"{"customProperties":[{"name":"Unknown","value":"1"}]}"#;
    assert_eq!(reseller.call("PATCH", &path, undefined).await.status, 400);
    assert_eq!(
        reseller.call("POST", "/Organizations", "{}").await.status,
        400
    );
    let kinds: Vec<_> = reseller
        .sim
        .effects()
        .iter()
        .map(|effect| effect.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            EffectKind::Created,
            EffectKind::Updated,
            EffectKind::Updated
        ]
    );
}

#[tokio::test]
async fn subscriptions_of_every_kind_stand_under_their_paths() {
    let reseller = reseller().await;
    let (custom, own) = reseller.sim.with_state(|state| {
        let mut of = |name: &str, kind: ServiceKind| {
            let service = state.add_service(name, kind);
            let product = state.add_product(&service, name, name, 2.into(), 3.into());
            let day = date(2026, 1, 1);
            let own = state.subscribe(&reseller.organization, &product, 5.into(), day);
            (service, own)
        };
        of("Office 365 legacy", ServiceKind::Csp);
        of("Azure legacy", ServiceKind::Azure);
        of("Backup", ServiceKind::Custom)
    });
    for path in [
        "/services/csp/nce/subscriptions".to_owned(),
        "/services/csp/Subscriptions".to_owned(),
        "/services/azure/Subscriptions".to_owned(),
        format!("/services/{custom}/subscriptions"),
        reseller.of("/services/csp/nce/subscriptions"),
        reseller.of("/services/csp/subscriptions"),
        reseller.of("/services/azure/subscriptions"),
        reseller.of("/services/azureplan/subscriptions"),
        reseller.of(&format!("/services/{custom}/subscriptions")),
    ] {
        assert_eq!(count(&reseller.get(&path).await), 1, "{path}");
    }
    let single = reseller.of(&format!("/services/{custom}/subscriptions/{own}"));
    let json = reseller.get(&single).await.json();
    assert_eq!(
        shown(
            &json,
            &[
                "organizationName",
                "serviceName",
                "quantity",
                "costPrice",
                "status",
                "startDate"
            ]
        ),
        [
            "Northwind",
            "Backup",
            "5",
            "2",
            "Active",
            "2026-01-01T00:00:00"
        ]
    );
    let plan = reseller.of(&format!(
        "/services/azureplan/subscriptions/{}",
        reseller.azure
    ));
    assert_eq!(reseller.get(&plan).await.status, 200);
    // Under the path of another kind there is none.
    let wrong = reseller.of(&format!("/services/csp/subscriptions/{}", reseller.azure));
    assert_eq!(reseller.get(&wrong).await.status, 404);
    let services = reseller.get(&reseller.of("/services")).await;
    assert_eq!(count(&services), 5);
    let alignment = reseller.of("/services/csp/nce/subscriptions/alignmentdates");
    assert_eq!(reseller.get(&alignment).await.body, r#"["2026-11-24"]"#);
    let licences = reseller.of("/services/Csp/productlicenses");
    assert_eq!(count(&reseller.get(&licences).await), 2);
    let tenants = reseller.get("/services/csp/CspTenants/List").await;
    assert_eq!(count(&tenants), 1);
}

#[tokio::test]
async fn a_cancelled_subscription_stays_listed_and_its_history_tells_every_change() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        state.change_quantity(&reseller.seats, date(2026, 2, 10), 12.into());
        state.cancel(&reseller.seats, date(2026, 3, 1));
    });
    let listed = reseller.get("/services/csp/nce/subscriptions").await.json();
    assert_eq!(
        shown(&listed.items().unwrap()[0], &["status", "quantity"]),
        ["Cancelled", "0"]
    );
    let history = reseller.of(&format!(
        "/services/{}/Subscriptions/history/{}",
        reseller.nce, reseller.seats
    ));
    let history = reseller.get(&history).await.json();
    let history: Vec<_> = history
        .items()
        .unwrap()
        .iter()
        .map(|change| shown(change, &["date", "action", "quantity"]).join(" "))
        .collect();
    assert_eq!(
        history,
        [
            "2025-11-25T00:00:00 Created 10",
            "2026-02-10T00:00:00 QuantityChanged 12",
            "2026-03-01T00:00:00 Cancelled 0",
        ]
    );
}

#[tokio::test]
async fn a_quantity_is_put_as_a_whole_number_and_remembered() {
    let reseller = reseller().await;
    let path = reseller.of(&format!(
        "/services/csp/nce/subscriptions/{}",
        reseller.seats
    ));
    for body in [
        r#"{"quantity":1.5}"#,
        r#"{"quantity":-1}"#,
        r#"{"quantity":"3"}"#,
        "{}",
    ] {
        assert_eq!(
            reseller.call("PUT", &path, body).await.status,
            400,
            "{body}"
        );
    }
    let put = reseller.call("PUT", &path, r#"{"quantity":13}"#).await;
    assert_eq!(put.status, 204);
    assert_eq!(
        shown(&reseller.get(&path).await.json(), &["quantity"]),
        ["13"]
    );
    let effects = reseller.sim.effects();
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0].owner, reseller.organization);
    assert!(matches!(&effects[0].cause, Cause::Request { method, .. } if method == "PUT"));
}

#[tokio::test]
async fn prices_are_listed_in_the_resellers_currency() {
    let reseller = reseller().await;
    let path = format!("/services/{}/pricelist", reseller.nce);
    let prices = reseller
        .get(&format!("{path}?currencyCode=USD"))
        .await
        .json();
    assert_eq!(
        shown(
            &prices.items().unwrap()[0],
            &["productId", "costPrice", "salesPrice"]
        ),
        [reseller.product.as_str(), "15.00", "20.00"]
    );
    let euros = reseller.get(&format!("{path}?currencyCode=EUR")).await;
    assert_eq!(euros.status, 400);
    let own = format!(
        "{path}/PostRenewalPrice?organizationId={}&subscriptionId={}",
        reseller.organization, reseller.seats
    );
    assert_eq!(
        shown(&reseller.get(&own).await.json(), &["salesPrice"]),
        ["20.00"]
    );
}

#[tokio::test]
async fn a_manual_line_needs_all_its_members_and_is_listed() {
    let reseller = reseller().await;
    let body = Json::object()
        .with("billingDate", "2026-03-25T00:00:00")
        .with("serviceId", &reseller.nce)
        .with("subscriptionId", &reseller.seats)
        .with("quantity", 1)
        .with("costPrice", Decimal::ZERO)
        .with("salesPrice", Decimal::new(-500, 2));
    let path = reseller.of("/manualbilling");
    let made = reseller.call("POST", &path, &body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let single = reseller.get(&format!("{path}/{}", made.text("id"))).await;
    assert_eq!(
        shown(&single.json(), &["billingDate", "quantity", "salesPrice"]),
        ["2026-03-25T00:00:00", "1", "-5.00"]
    );
    for member in [
        "billingDate",
        "serviceId",
        "subscriptionId",
        "quantity",
        "costPrice",
        "salesPrice",
    ] {
        let members = body.members().unwrap().iter();
        let short = members.filter(|(name, _)| name != member).cloned();
        let short = Json::Object(short.collect()).to_string();
        let refused = reseller.call("POST", &path, &short).await;
        assert_eq!(refused.status, 400, "{member}");
    }
    assert_eq!(count(&reseller.get(&path).await), 1);
}

#[tokio::test]
async fn consumption_is_read_by_post_and_submitted_by_put() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        let unit = (Decimal::new(1, 1), Decimal::new(2, 1));
        state.add_usage(&reseller.azure, date(2026, 3, 1), "Hours", 3.into(), unit);
    });
    let path = "/services/consumptions";
    let all = reseller.call("POST", path, "{}").await;
    assert_eq!(count(&all), 1);
    let other = format!(r#"{{"serviceId":"{}"}}"#, reseller.nce);
    assert_eq!(count(&reseller.call("POST", path, &other).await), 0);
    let put = reseller.call("PUT", path, r#"{"quantity":1}"#).await;
    assert_eq!(put.status, 204);
    assert_eq!(reseller.sim.state().submitted.len(), 1);
}

#[tokio::test]
async fn names_and_dates_of_answers_are_settings() {
    let reseller = reseller().await;
    reseller.sim.with_state(|state| {
        state.options.names = Names::default()
            .rename("quantity", "licenseCount")
            .rename("startDate", "from");
        state.options.dates = DateForm::Date;
    });
    let listed = reseller.get("/services/csp/nce/subscriptions").await.json();
    let first = &listed.items().unwrap()[0];
    assert_eq!(
        shown(first, &["licenseCount", "from"]),
        ["10", "2025-11-25"]
    );
    assert_eq!(first.get("quantity"), None);
    reseller
        .sim
        .with_state(|state| state.options.dates = DateForm::Zoned);
    let listed = reseller.get("/services/csp/nce/subscriptions").await.json();
    assert_eq!(
        shown(&listed.items().unwrap()[0], &["from"]),
        ["2025-11-25T00:00:00Z"]
    );
}
