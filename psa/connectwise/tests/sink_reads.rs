//! The sink's reads: what becomes of companies, agreements, products and additions.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use common::{API, json, on, query, requests, sink};
use futures::StreamExt;
use tallyline_connectwise::{
    CancelledDateMeaning, ConnectWiseSink, EligibilityPolicy, MarkerPlacement,
};
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, BillingCycle, CompanyId, Currency, Eligibility,
    LinesOutcome,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::{ErrorKind, PsaSink, Result};
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

const AGREEMENTS: &str = include_str!("fixtures/agreements.json");
const CYCLES: &str = include_str!("fixtures/billing_cycles.json");
const ONE_CYCLE: &str = r#"[{"id":2,"name":"Monthly","billingOptions":"Monthly"}]"#;
const ADDITIONS: &str = include_str!("fixtures/additions.json");
const ODD_ADDITIONS: [&str; 2] = ["answer body /1/billCustomer", "answer body /2/quantity"];

async fn with_agreements() -> MockVendor {
    let server = common::mock().await;
    on(&server, "GET", "/finance/agreements", json(AGREEMENTS)).await;
    on(&server, "GET", "/finance/billingCycles", json(CYCLES)).await;
    let odd = [
        "answer body /3/billingOptions",
        "answer body /5/agreementStatus",
        "answer body /8/billStartDate",
    ];
    server.expect_odd_answers("words that are new, and no date", &odd);
    on(
        &server,
        "GET",
        "/finance/agreements/60",
        json(r#"{"id":60,"nextInvoiceDate":"2026-04-01"}"#),
    )
    .await;
    server
}

async fn agreements(sink: &ConnectWiseSink, filter: &AgreementFilter) -> Vec<Result<Agreement>> {
    sink.agreements(filter).collect().await
}

fn find<'a>(all: &'a [Result<Agreement>], id: &str) -> &'a Agreement {
    all.iter()
        .flatten()
        .find(|agreement| agreement.id.as_str() == id)
        .unwrap()
}

#[tokio::test]
async fn b5_only_monthly_agreements_of_the_calendar_year_are_eligible_and_others_say_why() {
    let server = with_agreements().await;
    let all = agreements(&sink(&server), &AgreementFilter::default()).await;
    let reasons = |id: &str| find(&all, id).eligibility.reasons().join(" ");
    assert_eq!(find(&all, "71").eligibility, Eligibility::Eligible);
    assert_eq!(find(&all, "88").eligibility, Eligibility::Eligible);
    assert_eq!(
        reasons("90"),
        "The agreement's status is Inactive, not Active. The agreement bills yearly, not monthly. \
         The agreement's invoicing cycle is ContractYear, not CalendarYear."
    );
    assert_eq!(
        reasons("91"),
        "The agreement's billing cycle is not recurring."
    );
    assert_eq!(
        reasons("92"),
        "The agreement's status is OnHold, not Active. The agreement's billing cycle is not known. \
         The agreement's invoicing cycle is not known."
    );
    assert_eq!(
        reasons("93"),
        "The agreement's status is Expired, not Active."
    );
    assert!(
        all.iter()
            .flatten()
            .all(|agreement| agreement.id.as_str() != "94")
    );
    let unreadable: Vec<String> = all
        .iter()
        .filter_map(|agreement| agreement.as_ref().err().map(ToString::to_string))
        .collect();
    assert_eq!(unreadable.len(), 1);
    assert!(unreadable[0].contains("agreement 95") && unreadable[0].contains("billStartDate"));
}

#[tokio::test]
async fn a_wider_policy_takes_yearly_agreements_by_contract() {
    let server = with_agreements().await;
    let sink = ConnectWiseSink::builder()
        .client(common::client(&server))
        .policy(EligibilityPolicy {
            monthly_only: false,
            calendar_year_only: false,
        })
        .build();
    let all = agreements(&sink, &AgreementFilter::default()).await;
    assert_eq!(find(&all, "90").billing_cycle, BillingCycle::Yearly);
    assert_eq!(
        find(&all, "90").eligibility.reasons(),
        ["The agreement's status is Inactive, not Active."]
    );
    assert!(!find(&all, "91").eligibility.is_eligible());
    assert!(!find(&all, "92").eligibility.is_eligible());
}

#[tokio::test]
async fn an_agreement_keeps_its_dates_currency_and_parent() {
    let server = with_agreements().await;
    let all = agreements(&sink(&server), &AgreementFilter::default()).await;
    let master = find(&all, "71");
    assert_eq!(master.currency.unwrap().as_str(), "USD");
    assert_eq!(master.end, None);
    assert_eq!(master.prorates, Some(false));
    assert_eq!(master.billing_cycle, BillingCycle::Monthly);
    let child = find(&all, "88");
    let day = |text: &str| Some(text.parse().unwrap());
    assert_eq!(child.parent.as_ref().unwrap().as_str(), "71");
    assert_eq!(child.currency, None);
    assert_eq!(child.bill_start, day("2026-01-15"));
    assert_eq!(child.end, day("2026-12-31"));
    // Missing on the child: the parent's, seen in the list or asked for.
    assert_eq!(child.next_invoice, day("2026-03-01"));
    assert_eq!(find(&all, "89").next_invoice, day("2026-04-01"));
}

#[tokio::test]
async fn agreements_of_some_companies_are_asked_for_by_id() {
    let server = with_agreements().await;
    let filter = AgreementFilter {
        companies: vec![CompanyId::new("45"), CompanyId::new("46")],
    };
    agreements(&sink(&server), &filter).await;
    let asked = requests(&server).await;
    let list = asked
        .iter()
        .find(|request| request.url.path() == format!("{API}/finance/agreements"));
    assert_eq!(
        query(list.unwrap(), "conditions").as_deref(),
        Some("cancelledFlag = false and company/id in (45,46)")
    );
    let filter = AgreementFilter {
        companies: vec![CompanyId::new("45) or (id > 0")],
    };
    let refused = agreements(&sink(&server), &filter).await;
    assert_eq!(refused[0].as_ref().unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn companies_and_products_are_filtered_by_the_system_and_checked_again() {
    let server = common::mock().await;
    on(&server, "GET", "/company/companies", json(r#"[{"id":45,"identifier":"NORTHW","name":"Northwind","deletedFlag":false},{"id":46,"name":"Gone","deletedFlag":true},{"id":47,"identifier":"X"}]"#)).await;
    on(&server, "GET", "/procurement/catalog", json(r#"[{"id":512,"identifier":"BKP-1","description":"Backup seat","vendorSku":"V-1","vendor":{"id":3,"identifier":"SHERWEB","name":"Sherweb"},"productClass":"Agreement","price":9.50,"cost":7.10},{"id":513,"identifier":"SET","productClass":"Bundle"},{"id":514,"identifier":"OLD","inactiveFlag":true}]"#)).await;
    let sink = sink(&server);
    let companies: Vec<_> = sink.companies().collect().await;
    let first = companies[0].as_ref().unwrap();
    assert_eq!(first.identifier.as_deref(), Some("NORTHW"));
    assert!(first.eligibility.is_eligible());
    assert_eq!(
        companies[1].as_ref().unwrap().eligibility.reasons(),
        ["The company is deleted in the PSA."]
    );
    let error = companies[2].as_ref().unwrap_err();
    assert!(
        error.to_string().contains("company 47: name is missing"),
        "{error}"
    );
    let products: Vec<_> = sink.products().map(Result::unwrap).collect().await;
    assert_eq!(products[0].vendor.as_deref(), Some("Sherweb"));
    assert_eq!(products[0].vendor_sku.as_deref(), Some("V-1"));
    assert_eq!(products[0].name, "Backup seat");
    assert_eq!(products[0].unit_price.unwrap().amount.to_string(), "9.50");
    assert_eq!(products[0].unit_price.unwrap().currency, None);
    assert_eq!(
        products[1].eligibility.reasons(),
        ["The product is a Bundle, which cannot be an addition."]
    );
    assert!(!products[2].eligibility.is_eligible());
    let asked = requests(&server).await;
    assert_eq!(
        query(&asked[0], "conditions").as_deref(),
        Some("deletedFlag = false")
    );
    assert_eq!(
        query(&asked[1], "conditions").as_deref(),
        Some("inactiveFlag = false")
    );
}

async fn lines(sink: &ConnectWiseSink, ids: &[&str]) -> Vec<AgreementReading> {
    let ids: Vec<AgreementId> = ids.iter().map(|id| AgreementId::new(*id)).collect();
    sink.lines(&ids).map(Result::unwrap).collect().await
}

#[tokio::test]
async fn additions_become_lines_without_those_of_children_and_without_doubles() {
    let server = common::mock().await;
    server.expect_odd_answers("a word that is new, and no number", &ODD_ADDITIONS);
    on(
        &server,
        "GET",
        "/finance/agreements/88/additions",
        json(ADDITIONS),
    )
    .await;
    on(
        &server,
        "GET",
        "/finance/agreements/88",
        json(r#"{"id":88,"currency":{"currencyCode":"CAD"}}"#),
    )
    .await;
    let sink = sink(&server);
    let readings = lines(&sink, &["88"]).await;
    let found = readings[0].lines().unwrap();
    assert_eq!(found.len(), 2);
    let first = &found[0];
    assert_eq!(first.state.quantity.to_string(), "14");
    assert_eq!(
        first.state.unit_cost.unwrap().to_string(),
        "7.1234567890123456789012345 CAD"
    );
    assert_eq!(first.state.unit_price.unwrap().to_string(), "9.50 CAD");
    assert_eq!(first.state.effective, Some("2026-01-15".parse().unwrap()));
    assert_eq!(first.state.last_day, None);
    assert_eq!(first.marker.as_ref().unwrap().as_str(), "abc123");
    assert_eq!(first.revision.as_deref(), Some("2026-02-03T09:11:05Z"));
    let second = &found[1];
    assert_eq!(second.state.quantity.to_string(), "0.5");
    assert_eq!(second.state.last_day, Some("2026-01-31".parse().unwrap()));
    assert_eq!(second.marker, None);
    // The currency is asked for once.
    lines(&sink, &["88"]).await;
    assert_eq!(requests(&server).await.len(), 3);
}

#[tokio::test]
async fn the_meaning_of_the_cancelled_date_and_the_place_of_the_marker_are_choices() {
    let server = common::mock().await;
    on(&server, "GET", "/finance/agreements/88/additions", json(r#"[{"id":1,"product":{"id":5},"quantity":1,"cancelledDate":"2026-03-01T00:00:00Z","serialNumber":"tly-no","customFields":[{"id":7,"caption":"Sync","type":"Text","value":"tly-yes"}]}]"#)).await;
    let sink = ConnectWiseSink::builder()
        .client(common::client(&server))
        .cancelled_date(CancelledDateMeaning::FirstUnbilledDay)
        .marker(MarkerPlacement::CustomField {
            id: 7,
            caption: "Sync".into(),
        })
        .build();
    let readings = lines(&sink, &["88"]).await;
    let line = &readings[0].lines().unwrap()[0];
    assert_eq!(line.state.last_day, Some("2026-02-28".parse().unwrap()));
    assert_eq!(line.marker.as_ref().unwrap().as_str(), "yes");
}

#[tokio::test]
async fn an_addition_that_cannot_be_read_fails_its_agreement_alone_by_name_and_path() {
    for (row, name, place) in [
        (r#"{"id":7,"product":{"id":5}}"#, "addition 7", "quantity"),
        (
            r#"{"id":7,"product":{"id":5},"quantity":null}"#,
            "addition 7",
            "quantity",
        ),
        (
            r#"{"id":7,"product":{"id":5},"quantity":[1]}"#,
            "record 7",
            "[1].quantity",
        ),
        (
            r#"{"id":7,"product":{"identifier":"A"},"quantity":1}"#,
            "addition 7",
            "product/id",
        ),
        (
            r#"{"id":7,"product":{"id":5},"quantity":1,"effectiveDate":"soon"}"#,
            "addition 7",
            "effectiveDate",
        ),
        (
            r#"{"product":{"id":5},"quantity":1}"#,
            "addition without id",
            "id",
        ),
    ] {
        let server = common::mock().await;
        match place {
            "[1].quantity" => server.expect_odd_answers("a list", &["answer body /1/quantity"]),
            "effectiveDate" => {
                server.expect_odd_answers("no date", &["answer body /1/effectiveDate"]);
            }
            _ => {}
        }
        let good = r#"{"id":1,"product":{"id":5},"quantity":1}"#;
        on(
            &server,
            "GET",
            "/finance/agreements/88/additions",
            json(format!("[{good},{row}]")),
        )
        .await;
        on(
            &server,
            "GET",
            "/finance/agreements/89/additions",
            json(format!("[{good}]")),
        )
        .await;
        let readings = lines(&sink(&server), &["88", "89"]).await;
        let LinesOutcome::Failed(failure) = &readings[0].outcome else {
            panic!("{row}");
        };
        assert_eq!(failure.kind, ErrorKind::Protocol);
        for part in [name, place, "agreement 88"] {
            assert!(
                failure.message.contains(part),
                "{part}: {}",
                failure.message
            );
        }
        assert_eq!(readings[1].lines().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn readings_come_in_the_order_asked_for_and_failures_stay_with_their_agreement() {
    let server = common::mock().await;
    for id in 1..=9 {
        let answer = match id {
            3 => ResponseTemplate::new(403),
            // The earlier, the slower: order must not follow the answers.
            _ => json("[]").set_delay(std::time::Duration::from_millis(90 - 10 * id)),
        };
        on(
            &server,
            "GET",
            &format!("/finance/agreements/{id}/additions"),
            answer,
        )
        .await;
    }
    let ids = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "x"];
    let readings = lines(&sink(&server), &ids).await;
    let found: Vec<&str> = readings
        .iter()
        .map(|reading| reading.agreement.as_str())
        .collect();
    assert_eq!(found, ids);
    let failed: Vec<&str> = readings
        .iter()
        .filter(|reading| reading.lines().is_none())
        .map(|reading| reading.agreement.as_str())
        .collect();
    assert_eq!(failed, ["3", "x"]);
}

#[tokio::test]
async fn a_currency_that_cannot_be_read_fails_the_reading() {
    let server = common::mock().await;
    server.expect_odd_answers("a word that is new, and no number", &ODD_ADDITIONS);
    on(
        &server,
        "GET",
        "/finance/agreements/88/additions",
        json(ADDITIONS),
    )
    .await;
    on(
        &server,
        "GET",
        "/finance/agreements/88",
        ResponseTemplate::new(403),
    )
    .await;
    let readings = lines(&sink(&server), &["88"]).await;
    assert!(readings[0].lines().is_none());
}

#[tokio::test]
async fn a_run_asks_anew_for_the_currency_that_is_known_from_before() {
    let server = common::mock().await;
    let agreement = |currency: &str| {
        json(format!(
            r#"{{"id":88,"company":{{"id":45}},"currency":{{"currencyCode":"{currency}"}}}}"#
        ))
    };
    let list = r#"[{"id":9,"product":{"id":512},"quantity":1,"unitCost":7.10}]"#;
    on(
        &server,
        "GET",
        "/finance/agreements/88/additions",
        json(list),
    )
    .await;
    common::once(&server, "GET", "/finance/agreements/88", agreement("USD")).await;
    on(&server, "GET", "/finance/agreements/88", agreement("CAD")).await;
    let sink = sink(&server);
    let currency = async || {
        let readings = lines(&sink, &["88"]).await;
        let cost = readings[0].lines().unwrap()[0].state.unit_cost;
        cost.unwrap().currency
    };
    assert_eq!(currency().await, Some(Currency::USD));
    assert_eq!(currency().await, Some(Currency::USD));
    let action = Action::SetQuantity {
        line: "9".into(),
        from: 1_u32.into(),
        to: 2_u32.into(),
    };
    let day = "2026-03-01".parse().unwrap();
    sink.begin(&[Change::new("c1", "45", "88", "512", action, day)]);
    assert_eq!(currency().await, Some(Currency::CAD));
}

async fn probe(server: &MockVendor, at: &str, status: u16) {
    let answer = match status {
        200 => json(r#"{"count":4}"#),
        status => ResponseTemplate::new(status),
    };
    Mock::given(method("GET"))
        .and(path(format!("{API}{at}")))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn checked([agreements, companies, catalog, cycles]: [u16; 4]) -> Result<String> {
    let server = common::mock().await;
    on(
        &server,
        "GET",
        "/system/info",
        json(r#"{"version":"v2026.4.112233"}"#),
    )
    .await;
    probe(&server, "/finance/agreements/count", agreements).await;
    probe(&server, "/company/companies/count", companies).await;
    probe(&server, "/procurement/catalog/count", catalog).await;
    let list = match cycles {
        200 => json(ONE_CYCLE),
        status => ResponseTemplate::new(status),
    };
    on(&server, "GET", "/finance/billingCycles", list).await;
    let identity = sink(&server).check().await?;
    assert_eq!(identity.version.as_deref(), Some("v2026.4.112233"));
    assert_eq!(identity.verified.len(), 5);
    Ok(identity.subject)
}

#[tokio::test]
async fn b21_a_check_says_that_the_right_to_write_cannot_be_tested_without_writing() {
    let server = common::mock().await;
    let info = json(r#"{"version":"v2026.4.112233"}"#);
    on(&server, "GET", "/system/info", info).await;
    for list in [
        "/finance/agreements",
        "/company/companies",
        "/procurement/catalog",
    ] {
        probe(&server, &format!("{list}/count"), 200).await;
    }
    on(&server, "GET", "/finance/billingCycles", json(ONE_CYCLE)).await;
    let warnings = sink(&server).check().await.unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("before the first write")
                && warning.contains("Add = All and Edit = All")),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn b21_a_check_names_the_tenant_or_the_right_that_is_missing() {
    assert_eq!(
        checked([200, 200, 200, 200]).await.unwrap(),
        "northw at 127.0.0.1"
    );
    let error = checked([403, 200, 403, 200]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let text = error.to_string();
    assert!(
        text.contains("Finance / Agreements needs Inquire = All"),
        "{text}"
    );
    assert!(
        text.contains("Procurement / Product Catalog needs Inquire = All"),
        "{text}"
    );
    assert!(!text.contains("Company Maintenance"), "{text}");
    let error = checked([200, 200, 200, 403]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(
        error.to_string().contains("System / Table Setup"),
        "{error}"
    );
    let error = checked([404, 404, 404, 404]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("company id"), "{error}");
    assert_eq!(
        checked([401, 401, 401, 401]).await.unwrap_err().kind(),
        ErrorKind::Auth
    );
    assert_eq!(
        checked([200, 200, 404, 200]).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn the_descriptor_says_what_the_sink_can_do() {
    let server = common::mock().await;
    let sink = sink(&server);
    let descriptor = sink.descriptor();
    assert_eq!(descriptor.system, "connectwise");
    assert_eq!(descriptor.concurrency, 4);
    let can = &descriptor.capabilities;
    assert!(!can.whole_units_only);
    assert!(can.create_line && can.set_quantity && can.set_unit_cost);
    assert!(can.set_unit_price && can.end_line);
}
