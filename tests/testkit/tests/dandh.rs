//! The simulated D&H over a raw socket: sessions, faults, names, accounts, subscriptions, catalogue, reports.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::SignedDuration;
use jiff::civil::date;
use support::dandh::{JSON, MAIL, Provider, SIGN_IN, element, provider, units};
use tallyline_testkit::dandh::{AccountKind, Addons, Charging, PATH, TokenForm};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;

fn integer(row: &Json, name: &str) -> i64 {
    row.get(name).and_then(Json::integer).unwrap()
}

fn text<'a>(row: &'a Json, name: &str) -> &'a str {
    row.get(name).and_then(Json::text).unwrap()
}

fn ids(rows: &[Json]) -> Vec<i64> {
    rows.iter().map(|row| integer(row, "AccountId")).collect()
}

/// `{"parentAccountId":id}`.
fn parent(id: i64) -> String {
    format!(r#"{{"parentAccountId":{id}}}"#)
}

#[tokio::test]
async fn a_session_is_a_text_whose_slashes_are_escaped_or_comes_in_another_form() {
    let provider = provider().await;
    let text = provider.sign_in(SIGN_IN).await;
    assert!(text.body.contains("\\/"), "{}", text.body);
    let token = text.json().text().unwrap().to_owned();
    assert!(token.contains('/') && token.contains('+') && token.ends_with('='));
    provider
        .sim
        .with_state(|state| state.options.token = TokenForm::Plain);
    let plain = provider.sign_in(SIGN_IN).await;
    assert!(!plain.body.contains('"'));
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    provider
        .sim
        .with_state(|state| state.options.token = TokenForm::Object);
    assert!(!provider.sign_in(SIGN_IN).await.text("Value").is_empty());
    assert_eq!(provider.sim.sessions_issued(), 3);
}

#[tokio::test]
async fn who_may_not_sign_in_gets_a_fault_of_status_500_whose_text_tells_why() {
    let provider = provider().await;
    for body in [
        r#"{"username":"sync@msp.example","password":"other"}"#,
        r#"{"username":"other","password":"example-dandh-password"}"#,
    ] {
        let refused = provider.sign_in(body).await;
        assert_eq!(refused.status, 500);
        assert_eq!(
            refused.header("content-type"),
            Some("text/xml; charset=utf-8")
        );
        let words = element(&refused.body, "Message").to_ascii_lowercase();
        assert!(words.contains("check your username and password"));
        assert_eq!(element(&refused.body, "IsSessionExpired"), "false");
    }
    // Names are exact: another letter case is no parameter at all.
    let cased = SIGN_IN.replace("username", "UserName");
    let refused = provider.sign_in(&cased).await;
    assert!(refused.body.contains("username is required"));
    provider
        .sim
        .with_state(|state| state.credentials.allow_listed = false);
    let elsewhere = provider.sign_in(SIGN_IN).await;
    assert!(elsewhere.body.contains("check your username and password"));
    provider.sim.with_state(|state| {
        state.credentials.allow_listed = true;
        state.credentials.mfa = true;
    });
    let refused = provider.sign_in(SIGN_IN).await;
    let words = element(&refused.body, "Message").to_ascii_lowercase();
    assert!(words.contains("users with enabled mfa are not supported"));
    assert_eq!(provider.sim.sessions_issued(), 0);
}

#[tokio::test]
async fn too_many_sign_ins_are_blocked_with_403_and_too_many_calls_with_429() {
    let provider = provider().await;
    let session = provider.session().await;
    provider.sim.with_state(|state| {
        state.logins = RateLimit::counted(0, 9, 1);
        state.limit = RateLimit::counted(0, 9, 7);
    });
    assert_eq!(provider.sign_in(SIGN_IN).await.status, 403);
    let limited = provider.with_session(&session, "PingPong", "{}").await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, None));
    provider
        .sim
        .with_state(|state| state.options.retry_after_header = true);
    let limited = provider.with_session(&session, "PingPong", "{}").await;
    assert_eq!(limited.header("retry-after"), Some("7"));
}

#[tokio::test]
async fn the_session_stands_in_the_header_authenticate_after_its_prefix() {
    let provider = provider().await;
    let session = provider.session().await;
    let ping = provider.with_session(&session, "PingPong", "{}").await;
    assert_eq!((ping.status, ping.body.as_str()), (200, ""));
    let bare = session.strip_prefix("CCPSessionId ").unwrap();
    for headers in [
        vec![JSON],
        vec![("Authenticate", bare), JSON],
        vec![("Authorization", session.as_str()), JSON],
    ] {
        let refused = provider.raw("POST", "PingPong", &headers, "{}").await;
        assert_eq!(refused.status, 500, "{headers:?}");
        assert_eq!(element(&refused.body, "IsSessionExpired"), "false");
    }
}

#[tokio::test]
async fn an_expired_session_is_told_by_an_element_whatever_the_status() {
    let provider = provider().await;
    let session = provider.session().await;
    let ping = || provider.with_session(&session, "PingPong", "{}");
    provider
        .sim
        .clock()
        .advance(SignedDuration::from_secs(60 * 60 - 1));
    assert_eq!(ping().await.status, 200);
    provider.sim.clock().advance(SignedDuration::from_secs(1));
    for status in [500, 400, 401] {
        provider
            .sim
            .with_state(|state| state.options.expired_status = status);
        let late = ping().await;
        assert_eq!(late.status, status);
        assert_eq!(element(&late.body, "IsSessionExpired"), "true");
    }
    let fresh = provider.session().await;
    provider.sim.expire_sessions();
    let late = provider.with_session(&fresh, "PingPong", "{}").await;
    assert_eq!(element(&late.body, "IsSessionExpired"), "true");
}

#[tokio::test]
async fn a_session_ends_when_it_is_terminated_and_nothing_may_be_null() {
    let provider = provider().await;
    let session = provider.session().await;
    provider
        .sim
        .with_state(|state| state.options.nothing_as_null = true);
    let ended = provider
        .with_session(&session, "TerminateSessionToken", "{}")
        .await;
    assert_eq!((ended.status, ended.body.as_str()), (200, "null"));
    let late = provider.with_session(&session, "PingPong", "{}").await;
    assert_eq!(element(&late.body, "IsSessionExpired"), "true");
}

#[tokio::test]
async fn every_operation_is_a_post_of_a_json_object_at_its_exact_path() {
    let provider = provider().await;
    let session = provider.session().await;
    let headers = [("Authenticate", session.as_str()), JSON];
    for (method, operation, body, status) in [
        ("GET", "GetCompany", "", 405),
        ("POST", "GetCompany", "", 400),
        ("POST", "GetCompany", "[]", 400),
        ("POST", "GetCompany", "{", 400),
        ("POST", "getcompany", "{}", 404),
        ("POST", "/GetCompany", "{}", 404),
        ("POST", "GetCompany/", "{}", 404),
        ("POST", "GetCharges", "{}", 404),
        ("POST", "CreateSubscription", "{}", 404),
        ("POST", "GetInvoiceAggregationReport", "{}", 404),
        ("POST", "GetCompany", r#"{"accountId":"410022"}"#, 400),
        ("POST", "GetCompany", r#"{"accountId":null}"#, 200),
    ] {
        let answer = provider.raw(method, operation, &headers, body).await;
        assert_eq!(answer.status, status, "{method} {operation} {body}");
        let fault = answer.body.starts_with("<Fault ");
        assert_eq!(fault, status != 200, "{}", answer.body);
    }
    let form = [
        ("Authenticate", session.as_str()),
        ("Content-Type", "application/xml"),
    ];
    assert_eq!(
        provider.raw("POST", "GetCompany", &form, "{}").await.status,
        400
    );
    let charset = [
        ("Authenticate", session.as_str()),
        ("Content-Type", "application/json;charset=UTF8"),
    ];
    assert_eq!(
        provider
            .raw("POST", "GetCompany", &charset, "{}")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_fault_escapes_its_text_and_may_carry_the_number_of_an_incident() {
    let provider = provider().await;
    let refused = provider.call("GetSubscription", r#"{"accountId":1}"#).await;
    assert_eq!(refused.status, 500);
    assert!(element(&refused.body, "IssueToken").starts_with("5f3c"));
    provider.sim.with_state(|state| {
        state.denied.insert("GetCompanies".to_owned());
    });
    let refused = provider.call("GetCompanies", "{}").await;
    assert_eq!(refused.status, 500);
    assert!(refused.body.contains("<IssueToken i:nil=\"true\"/>"));
    assert!(element(&refused.body, "Message").contains("no permission"));
    assert!(!refused.body.contains("<!"));
}

#[tokio::test]
async fn a_parameter_in_another_letter_case_is_ignored() {
    let provider = provider().await;
    let other = provider.sim.with_state(|state| {
        let other = state.add_account(state.reseller_id, AccountKind::Reseller, "Below");
        state.add_account(other, AccountKind::Company, "Far Away Inc");
        other
    });
    let own = provider.list("GetCompanies", &parent(other)).await;
    assert_eq!(text(&own[0], "CompanyName"), "Far Away Inc");
    let cased = format!(r#"{{"ParentAccountId":{other}}}"#);
    assert_eq!(
        ids(&provider.list("GetCompanies", &cased).await),
        [provider.company],
        "the caller's own companies"
    );
    let body = format!(r#"{{"ParentAccountId":{}}}"#, provider.company);
    assert_eq!(provider.call("GetSubscriptions", &body).await.status, 500);
}

#[tokio::test]
async fn companies_are_those_of_the_first_level_and_the_own_account_may_be_a_list() {
    let provider = provider().await;
    let (reseller, below) = provider.sim.with_state(|state| {
        let below = state.add_account(state.reseller_id, AccountKind::Reseller, "Below");
        state.add_account(below, AccountKind::Company, "Far Away Inc");
        let part = state.add_account(provider.company, AccountKind::Department, "Lab");
        assert!(part > below);
        let company = state.accounts.get_mut(&provider.company).unwrap();
        company.vat_id = "US-1".to_owned();
        (state.reseller_id, below)
    });
    let companies = provider.list("GetCompanies", &parent(reseller)).await;
    assert_eq!(ids(&companies), [provider.company]);
    assert_ne!(
        text(&companies[0], "CustomerId"),
        provider.company.to_string(),
        "the numeric id is another one"
    );
    assert_eq!(ids(&provider.list("GetResellers", "{}").await), [below]);
    let parts = provider
        .list("GetDepartments", &parent(provider.company))
        .await;
    assert_eq!(parts.len(), 1);
    let found = provider
        .list("GetCompanyByVatId", r#"{"vatId":"US-1"}"#)
        .await;
    assert_eq!(ids(&found), [provider.company]);
    let own = provider.read("GetCompany", "{}").await;
    assert_eq!(integer(&own, "AccountId"), reseller);
    provider
        .sim
        .with_state(|state| state.options.company_as_list = true);
    assert_eq!(ids(&provider.list("GetCompany", "{}").await), [reseller]);
    let refused = provider
        .call("GetCompanies", &parent(provider.company))
        .await;
    assert_eq!(refused.status, 500, "a company is no parent");
}

async fn one_subscription(provider: &Provider) -> Json {
    let body = parent(provider.company);
    let mut rows = provider.list("GetSubscriptions", &body).await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn quantity(subscription: &Json) -> Json {
    let fields = subscription.get("Fields").unwrap().items().unwrap();
    let field = fields
        .iter()
        .find(|field| text(field, "Name") == "Quantity");
    field.unwrap().get("Value").unwrap().clone()
}

#[tokio::test]
async fn units_stand_in_the_field_that_the_price_names_and_are_those_of_the_moment() {
    let provider = provider().await;
    let own = one_subscription(&provider).await;
    assert_eq!(own.get("Quantity"), None, "there is no quantity of its own");
    assert_eq!(quantity(&own).to_string(), "14");
    let item = &own.get("PriceableItems").unwrap().items().unwrap()[0];
    assert_eq!(integer(item, "PriceableItemId"), provider.item);
    assert_eq!(text(item, "FieldName"), "Quantity");
    assert_eq!(item.get("IsUDRCField").and_then(Json::flag), Some(true));
    assert_eq!(integer(item, "CommitementPeriodInMonths"), 12);
    assert_eq!(text(&own, "ServiceName"), MAIL);
    assert_eq!(text(&own, "ServiceDisplayName"), "Mail Plan A");
    provider.sim.with_state(|state| {
        state.set_seats(provider.seats, date(2026, 3, 17), units(15));
        state.set_seats(provider.seats, date(2026, 3, 19), units(16));
        state.options.quantity_as_text = true;
        state.options.dot_zero = true;
    });
    assert_eq!(
        quantity(&one_subscription(&provider).await).to_string(),
        "\"15.0\""
    );
}

#[tokio::test]
async fn terminated_subscriptions_are_listed_unless_the_marketplace_hides_them() {
    let provider = provider().await;
    let state_of = |row: &Json| text(row, "AccountState").to_owned();
    assert_eq!(state_of(&one_subscription(&provider).await), "Active");
    provider
        .sim
        .with_state(|state| state.terminate(provider.seats, date(2026, 3, 17)));
    assert_eq!(state_of(&one_subscription(&provider).await), "Terminated");
    provider
        .sim
        .with_state(|state| state.options.list_terminated = false);
    let body = parent(provider.company);
    assert!(provider.list("GetSubscriptions", &body).await.is_empty());
}

#[tokio::test]
async fn subscriptions_of_users_can_be_left_out_and_some_accounts_fail() {
    let provider = provider().await;
    provider.sim.with_state(|state| {
        state.edit_subscription(provider.seats, |own| own.parent_type = "User".to_owned());
    });
    let all = one_subscription(&provider).await;
    assert_eq!(text(&all, "ParentType"), "User");
    let body = format!(
        r#"{{"parentAccountId":{},"excludeUserLevel":true}}"#,
        provider.company
    );
    assert!(provider.list("GetSubscriptions", &body).await.is_empty());
    provider.sim.with_state(|state| {
        state.failing_accounts.insert(provider.company);
    });
    let refused = provider
        .call("GetSubscriptions", &parent(provider.company))
        .await;
    assert_eq!(refused.status, 500);
    assert!(element(&refused.body, "Message").contains("not a valid parent"));
}

#[tokio::test]
async fn addons_are_subscriptions_of_their_own_and_named_in_three_forms() {
    let provider = provider().await;
    let addon = provider.sim.with_state(|state| {
        let addon = state.subscribe(provider.company, MAIL, units(2), date(2026, 3, 1));
        state.edit_subscription(addon, |own| own.dependency = Some(provider.seats));
        addon
    });
    let body = format!(r#"{{"accountId":{}}}"#, provider.seats);
    let listed = provider
        .list("GetSubscriptions", &parent(provider.company))
        .await;
    assert_eq!(ids(&listed), [provider.seats, addon]);
    assert_eq!(integer(&listed[1], "DependencyAccountId"), provider.seats);
    let dependent = provider.list("GetSubscriptionDependencies", &body).await;
    assert_eq!(ids(&dependent), [addon]);
    assert_eq!(
        provider.read("GetSubscription", &body).await.get("Addons"),
        None
    );
    for (form, start) in [
        (Addons::List, "[{"),
        (Addons::One, "{\"Parent"),
        (Addons::Null, "null"),
    ] {
        provider.sim.with_state(|state| state.options.addons = form);
        let own = provider.read("GetSubscriptionWithAddons", &body).await;
        let addons = own.get("Addons").unwrap().to_string();
        assert!(addons.starts_with(start), "{addons}");
    }
}

#[tokio::test]
async fn prices_are_those_of_the_providers_context() {
    let provider = provider().await;
    let below = provider
        .sim
        .with_state(|state| state.add_account(state.reseller_id, AccountKind::Reseller, "Below"));
    let price = async |context: &str| {
        let body = format!(r#"{{"parentAccountId":{}{context}}}"#, provider.company);
        let rows = provider.list("GetSubscriptions", &body).await;
        let items = rows[0]
            .get("PriceableItems")
            .unwrap()
            .items()
            .unwrap()
            .to_vec();
        items[0].get("PurchasePrice").unwrap().to_string()
    };
    assert_eq!(price("").await, "10");
    assert_eq!(price(&format!(r#","resellerContext":{below}"#)).await, "12");
    let foreign = format!(
        r#"{{"parentAccountId":{0},"resellerContext":{0}}}"#,
        provider.company
    );
    assert_eq!(
        provider.call("GetSubscriptions", &foreign).await.status,
        500
    );
}

#[tokio::test]
async fn the_catalogue_names_things_in_words_of_its_own() {
    let provider = provider().await;
    let market = provider.list("GetMarketplaces", "{}").await;
    let body = format!(r#"{{"marketplaceId":{}}}"#, integer(&market[0], "Id"));
    let services = provider.list("ListMarketplaceServices", &body).await;
    assert_eq!(text(&services[0], "ProductName"), MAIL);
    let possible = provider
        .list("GetPossibleServicesForParent", &parent(provider.company))
        .await;
    assert_eq!(services, possible);
    let charges = provider.list("GetMarketplaceServiceCharges", &body).await;
    assert_eq!(text(&charges[0], "ServiceId"), MAIL);
    provider
        .sim
        .with_state(|state| state.options.service_charges_as_one = true);
    let one = provider.read("GetMarketplaceServiceCharges", &body).await;
    assert_eq!(one, charges[0]);
    let named = format!(r#"{{"serviceName":"{MAIL}"}}"#);
    let about = provider.read("GetServiceInformation", &named).await;
    assert_eq!(text(&about, "DisplayName"), "Mail Plan A");
    let body = format!(
        r#"{{"parentAccountId":{},"productName":"{MAIL}","secondaryParentId":null}}"#,
        provider.company
    );
    let display = async || {
        let fields = provider.read("GetFieldsForService", &body).await;
        let fields = fields.get("Fields").unwrap().items().unwrap().to_vec();
        fields[0].get("DisplayType").unwrap().to_string()
    };
    assert_eq!(display().await, "\"Mandatory\"");
    provider
        .sim
        .with_state(|state| state.options.display_type_as_number = true);
    assert_eq!(display().await, "1");
}

/// The cells of a report by the names of their columns, in the order of the cells.
fn named_cells(report: &Json, cells: &[Json]) -> Vec<String> {
    let columns = report.get("Columns").unwrap().items().unwrap();
    (0..cells.len())
        .map(|at| {
            let index = i64::try_from(at).unwrap();
            let column = columns
                .iter()
                .find(|column| integer(column, "CellIndex") == index)
                .unwrap();
            format!("{}={}", text(column, "Name"), cells[at])
        })
        .collect()
}

#[tokio::test]
async fn the_cells_of_a_report_are_told_by_the_index_of_their_column_in_both_shapes_of_rows() {
    let provider = provider().await;
    provider
        .sim
        .with_state(|state| state.set_seats(provider.seats, date(2026, 3, 5), units(16)));
    let reports = provider.list("GetReports", "{}").await;
    assert_eq!(text(&reports[0], "Name"), "MSCSPSeatChanges");
    let body = r#"{"reportName":"MSCSPSeatChanges","parameters":{"startdate":"2026-03-01","enddate":"2026-03-31"},
        "columns":["AccountId","NewQuantity"]}"#;
    let expected = [
        format!("AccountId={}", provider.seats),
        "NewQuantity=16".to_owned(),
    ];
    let report = provider.read("ExecuteReport", body).await;
    let first = integer(
        &report.get("Columns").unwrap().items().unwrap()[0],
        "CellIndex",
    );
    assert_eq!(first, 1, "columns come in another order than cells");
    let row = &report.get("Rows").unwrap().items().unwrap()[0];
    let cells = row.get("Cells").unwrap().items().unwrap();
    assert_eq!(named_cells(&report, cells), expected);
    provider
        .sim
        .with_state(|state| state.options.rows_as_lists = true);
    let report = provider.read("ExecuteReport", body).await;
    let row = &report.get("Rows").unwrap().items().unwrap()[0];
    assert_eq!(named_cells(&report, row.items().unwrap()), expected);
    let company = provider.company;
    let log = format!(
        r#"{{"reportName":"Audit Log Object Company","parameters":{{"targetCompany":{company},"startDate":"2026-02-01T00:00:00"}}}}"#
    );
    let report = provider.read("ExecuteReport", &log).await;
    assert_eq!(report.get("Rows").unwrap().items().unwrap().len(), 1);
    for wrong in [
        body.replace("startdate", "startDate"),
        body.replace("2026-03-01", "01.03.2026"),
        body.replace("MSCSPSeatChanges", "SubscriptionList"),
    ] {
        assert_eq!(provider.call("ExecuteReport", &wrong).await.status, 500);
    }
}

#[tokio::test]
async fn two_newer_operations_exist_only_where_the_marketplace_has_them() {
    let provider = provider().await;
    provider
        .sim
        .with_state(|state| state.options.newer_operations = true);
    let month = r#"{"year":2026,"month":2}"#;
    let lines = provider.read("GetInvoiceAggregationReport", month).await;
    let lines = lines.get("InvoiceAggregation").unwrap().items().unwrap();
    assert_eq!(integer(&lines[0], "UdrcValue"), 14);
    let body = format!(r#"{{"productName":"{MAIL}"}}"#);
    let rows = provider
        .read("GetAllProductAccountsWithFieldsReport", &body)
        .await;
    let rows = rows.get("AllProductAccountsWithFields").unwrap();
    let fields = rows.items().unwrap()[0].get("Fields").unwrap();
    assert_eq!(integer(fields, "Quantity"), 14);
}

#[tokio::test]
async fn faults_strike_it_like_any_other_simulator() {
    let provider = provider().await;
    let session = provider.session().await;
    let faults = provider.sim.faults();
    faults.on(Match::post("/GetCompanies").once(), Fault::html_502());
    let first = provider.with_session(&session, "GetCompanies", "{}").await;
    assert_eq!(first.status, 502);
    let second = provider.with_session(&session, "GetCompanies", "{}").await;
    assert_eq!(second.status, 200);
    let seen = provider.sim.requests();
    assert_eq!(seen.last().unwrap().path, format!("/{PATH}/GetCompanies"));
    provider.sim.with_state(|state| {
        state.add_item(MAIL, Charging::Setup, units(5), units(6));
    });
    let own = one_subscription(&provider).await;
    assert_eq!(own.get("PriceableItems").unwrap().items().unwrap().len(), 2);
}
