//! What the sink reads, and what it makes of it.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{
    CONTRACT, LINE, PERIODS, client, errors, json, mock, now, on, once, page, rows, search, sent,
    sink, tenant,
};
use futures::StreamExt;
use tallyline_autotask::{
    AutotaskClient, AutotaskSink, ContractKey, ContractSetup, EffectiveDays, EligibilityPolicy,
};
use tallyline_core::model::{
    AgreementId, AgreementLine, BillingCycle, CompanyId, LinesOutcome, Quantity,
};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::{ErrorKind, PsaSink};
use tallyline_testkit::autotask::{AutotaskSimulator, AutotaskState, Entity};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;

async fn lines(sink: &AutotaskSink, agreement: &str) -> Result<Vec<AgreementLine>, String> {
    let wanted = [AgreementId::new(agreement)];
    let reading = sink.lines(&wanted).next().await.unwrap().unwrap();
    match reading.outcome {
        LinesOutcome::Complete(lines) => Ok(lines),
        LinesOutcome::Failed(failure) => Err(failure.message),
    }
}

#[tokio::test]
async fn companies_and_products_are_read_with_what_speaks_against_them() {
    let server = mock().await;
    let companies = r#"{"id":0,"companyName":"Own MSP","companyNumber":"","isActive":true},
        {"id":45,"companyName":"Fern Clinic","companyNumber":"FERN","isActive":true},
        {"id":46,"companyName":"Oak Legal","isActive":false},{"id":45,"companyName":"Fern Clinic"}"#;
    on(&server, "GET", "/Companies/query", page(companies)).await;
    let services = r#"{"id":31,"name":"Mail A","sku":"MAIL-A","unitPrice":9.5000,"unitCost":7.25,"isActive":true,"periodType":2},
        {"id":32,"name":"Backup","isActive":false},{"id":33}"#;
    on(&server, "GET", "/Services/query", page(services)).await;
    let sink = sink(&server);
    let companies: Vec<_> = sink.companies().collect().await;
    let companies: Vec<_> = companies.into_iter().map(Result::unwrap).collect();
    assert_eq!(companies.len(), 3);
    assert_eq!(
        (companies[0].id.as_str(), &companies[0].identifier),
        ("0", &None)
    );
    assert_eq!(companies[1].identifier.as_deref(), Some("FERN"));
    assert!(!companies[2].eligibility.is_eligible());
    let asked = sent(&server, "GET", "/Companies/query").await;
    assert!(search(&asked[0]).contains(r#"{"op":"eq","field":"isActive","value":true}"#));
    let products: Vec<_> = sink.products().collect().await;
    let first = products[0].as_ref().unwrap();
    assert_eq!(
        (first.identifier.as_str(), first.name.as_str()),
        ("MAIL-A", "Mail A")
    );
    assert_eq!(first.unit_price.unwrap().amount.to_string(), "9.5000");
    let second = products[1].as_ref().unwrap();
    assert_eq!(second.identifier, "Backup");
    assert_eq!(second.eligibility.reasons(), ["The service is inactive."]);
    let error = products[2].as_ref().unwrap_err();
    assert!(
        error.to_string().contains("service 33: name is missing"),
        "{error}"
    );
}

#[tokio::test]
async fn b22_a_service_names_its_vendor_and_one_that_is_not_billed_monthly_is_not_eligible() {
    let server = mock().await;
    let services = r#"{"id":31,"name":"Mail A","isActive":true,"periodType":2,"vendorCompanyID":900},
        {"id":32,"name":"Mail Y","isActive":true,"periodType":5,"vendorCompanyID":900},
        {"id":33,"name":"Backup","isActive":true,"periodType":2,"manufacturerServiceProvider":"Maker"},
        {"id":34,"name":"Other","isActive":true,"periodType":77}"#;
    on(&server, "GET", "/Services/query", page(services)).await;
    let vendors = r#"{"id":900,"companyName":"Sherweb","isActive":true}"#;
    on(&server, "GET", "/Companies/query", page(vendors)).await;
    let sink = sink(&server);
    let products: Vec<_> = sink.products().map(Result::unwrap).collect().await;
    let vendors: Vec<Option<&str>> = products.iter().map(|p| p.vendor.as_deref()).collect();
    assert_eq!(
        vendors,
        [Some("Sherweb"), Some("Sherweb"), Some("Maker"), None]
    );
    assert!(products[0].eligibility.is_eligible());
    assert_eq!(
        products[1].eligibility.reasons(),
        ["The service is billed yearly, not monthly."]
    );
    assert!(
        products[3].eligibility.is_eligible(),
        "a period that nobody knows speaks against nothing"
    );
    let asked = sent(&server, "GET", "/Companies/query").await;
    assert_eq!(asked.len(), 1, "each vendor is asked for once");
    let wider = AutotaskSink::builder()
        .client(client(&server))
        .clock(Arc::new(now))
        .policy(EligibilityPolicy {
            monthly_only: false,
        })
        .build();
    let products: Vec<_> = wider.products().map(Result::unwrap).collect().await;
    assert!(products[1].eligibility.is_eligible());
}

#[tokio::test]
async fn b22_costs_are_synced_and_prices_are_not_unless_that_is_switched_on() {
    let server = mock().await;
    let own = sink(&server);
    let can = &own.descriptor().capabilities;
    assert!(can.set_unit_cost);
    assert!(!can.set_unit_price);
}

#[tokio::test]
async fn b22_contracts_that_are_not_monthly_say_why_and_others_have_the_period_that_is_open_next() {
    let server = mock().await;
    let contracts = format!(
        r#"{CONTRACT},{{"id":72,"companyID":45,"contractName":"Hours","contractType":4,"status":1,"startDate":"2026-01-01","endDate":"2026-12-31"}},
        {{"id":73,"companyID":46,"contractName":"Yearly","contractType":7,"status":0,"contractPeriodType":5,"startDate":"2025-06-10","endDate":"2028-06-09"}}"#
    );
    on(&server, "GET", "/Contracts/query", page(&contracts)).await;
    common::periods(&server).await;
    let posted = r#"{"id":1,"contractID":71,"endDate":"2026-04-30T00:00:00"},{"id":2,"contractID":71,"endDate":"2026-03-31T00:00:00"}"#;
    on(&server, "GET", "/ContractServiceUnits/query", page(posted)).await;
    let sink = sink(&server);
    let filter = AgreementFilter::default();
    let found: Vec<_> = sink.agreements(&filter).collect().await;
    let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
    let day = |text: &str| Some(text.parse().unwrap());
    assert_eq!(found[0].billing_cycle, BillingCycle::Monthly);
    assert_eq!(
        (found[0].start, found[0].end),
        (day("2026-01-01"), day("2026-12-31"))
    );
    // April is posted in advance.
    assert_eq!(found[0].next_invoice, day("2026-05-01"));
    assert_eq!(found[0].prorates, Some(false));
    assert!(found[0].eligibility.is_eligible());
    assert_eq!(
        found[1].eligibility.reasons(),
        ["The contract is not a recurring service contract."]
    );
    assert_eq!(found[2].next_invoice, day("2026-06-10"));
    assert_eq!(found[2].eligibility.reasons().len(), 2);
    let asked = sent(&server, "GET", "/ContractServiceUnits/query").await;
    let asked: Vec<String> = asked.iter().map(search).collect();
    assert_eq!(
        asked,
        [
            r#"{"maxRecords":500,"includeFields":["id","contractID","endDate"],"filter":[{"op":"exist","field":"approveAndPostDate"},{"op":"gte","field":"endDate","value":"2026-03-16"},{"op":"in","field":"contractID","value":[71,73]}]}"#
        ]
    );
}

#[tokio::test]
async fn with_proration_changes_count_from_today_and_nothing_posted_is_asked_for() {
    let server = tenant().await;
    on(&server, "GET", "/Contracts/query", page(CONTRACT)).await;
    on(&server, "GET", "/ContractServices/query", page(LINE)).await;
    let units = rows(&[
        ("2026-03-01", "2026-03-20", 5, true),
        ("2026-03-20", "2026-03-31", 8, false),
        ("2026-04-01", "2026-04-30", 8, false),
    ]);
    on(&server, "GET", "/ContractServiceUnits/query", units).await;
    let sink = AutotaskSink::builder()
        .client(client(&server))
        .clock(Arc::new(now))
        .effective_days(EffectiveDays::Prorated)
        .currency("EUR".parse().unwrap())
        .policy(EligibilityPolicy {
            monthly_only: false,
        })
        .build();
    let filter = AgreementFilter {
        companies: vec![CompanyId::new("45")],
    };
    let found: Vec<_> = sink.agreements(&filter).collect().await;
    let agreement = found[0].as_ref().unwrap();
    assert_eq!(agreement.prorates, Some(true));
    assert_eq!(agreement.currency.unwrap().as_str(), "EUR");
    assert!(
        sent(&server, "GET", "/ContractServiceUnits/query")
            .await
            .is_empty()
    );
    assert_eq!(
        lines(&sink, "71").await.unwrap()[0].state.quantity,
        5_u32.into()
    );
}

#[tokio::test]
async fn a_line_has_the_units_in_force_on_the_day_a_change_would_count_from() {
    let server = tenant().await;
    let other = r#"{"id":10,"contractID":71,"serviceID":32}"#;
    on(
        &server,
        "GET",
        "/ContractServices/query",
        page(&format!("{LINE},{other}")),
    )
    .await;
    let units = rows(&[
        ("2026-03-01", "2026-04-01", 12, true),
        ("2026-04-01", "2026-04-15", 14, false),
        ("2026-04-15", "2026-04-30", 20, false),
    ]);
    on(&server, "GET", "/ContractServiceUnits/query", units).await;
    let lines = lines(&sink(&server), "71").await.unwrap();
    let [line, bare] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert_eq!((line.id.as_str(), line.product.as_str()), ("9", "31"));
    assert_eq!(line.state.quantity, 14_u32.into());
    assert_eq!(line.state.unit_cost.unwrap().amount.to_string(), "7.2500");
    assert_eq!(line.state.unit_price.unwrap().amount.to_string(), "9.5000");
    assert_eq!(line.state.last_day, None);
    // A service without units bills nothing and has nothing to end.
    assert_eq!(bare.state.quantity, 0_u32.into());
    assert_eq!(bare.state.last_day.unwrap().to_string(), "2026-03-31");
    let asked = sent(&server, "GET", "/ContractServiceUnits/query").await;
    assert_eq!(
        search(&asked[0]),
        r#"{"maxRecords":500,"filter":[{"op":"eq","field":"contractID","value":71},{"op":"gte","field":"endDate","value":"2026-04-01"}]}"#
    );
}

/// From when changes of contract 71 count, and the units of its line as it is read.
async fn counted(units: &[(&str, &str, i64, bool)]) -> (String, Quantity) {
    let server = tenant().await;
    on(&server, "GET", "/Contracts/query", page(CONTRACT)).await;
    on(&server, "GET", "/ContractServices/query", page(LINE)).await;
    let posted: Vec<_> = units.iter().copied().filter(|row| row.3).collect();
    let unit_rows = "/ContractServiceUnits/query";
    once(&server, "GET", unit_rows, rows(&posted)).await;
    on(&server, "GET", unit_rows, rows(units)).await;
    let sink = sink(&server);
    let filter = AgreementFilter::default();
    let found: Vec<_> = sink.agreements(&filter).collect().await;
    let next = found[0].as_ref().unwrap().next_invoice.unwrap();
    let lines = lines(&sink, "71").await.unwrap();
    (next.to_string(), lines[0].state.quantity)
}

#[tokio::test]
async fn a_line_is_read_as_of_the_day_from_which_changes_count_also_after_posting_in_advance() {
    let ahead = [
        ("2026-04-01", "2026-04-30", 12, true),
        ("2026-05-01", "2026-05-31", 12, true),
        ("2026-06-01", "2026-06-30", 15, false),
    ];
    let june = ("2026-06-01".to_owned(), 15_u32.into());
    assert_eq!(counted(&ahead).await, june);
    // A row may end on the day on which the next one starts.
    let overlapping = [
        ("2026-04-01", "2026-05-01", 12, true),
        ("2026-05-01", "2026-05-31", 13, false),
    ];
    let may = ("2026-05-01".to_owned(), 13_u32.into());
    assert_eq!(counted(&overlapping).await, may);
    // All that is left is posted: the line is not read as of a day of which nothing is known.
    let all = [("2026-04-01", "2026-12-31", 12, true)];
    assert_eq!(
        counted(&all).await,
        ("2027-01-01".to_owned(), 12_u32.into())
    );
}

#[tokio::test]
async fn an_agreement_that_cannot_be_read_whole_is_failed_and_never_shorter() {
    for (answer, part) in [
        (errors(500, "Unable to find x"), "Unable to find x"),
        (json(r#"{"items":null}"#), "no list"),
        (
            page(
                r#"{"id":1,"contractServiceID":9,"startDate":"2026-04-01","endDate":"2026-04-30"}"#,
            ),
            "units is missing",
        ),
        (
            page(
                r#"{"id":1,"contractServiceID":9,"startDate":"soon","endDate":"2026-04-30","units":1}"#,
            ),
            "not a date",
        ),
        (
            page(r#"{"id":1,"startDate":"2026-04-01"}"#),
            "contractServiceID is missing",
        ),
    ] {
        let server = tenant().await;
        if part == "not a date" {
            server.expect_odd_answers("no date", &["answer body /items/0/startDate"]);
        }
        on(&server, "GET", "/ContractServices/query", page(LINE)).await;
        on(&server, "GET", "/ContractServiceUnits/query", answer).await;
        let message = lines(&sink(&server), "71").await.unwrap_err();
        assert!(message.contains(part), "{message}");
        assert!(message.contains("agreement 71"), "{message}");
    }
    let server = tenant().await;
    let foreign = r#"{"id":9,"contractID":72,"serviceID":31}"#;
    on(&server, "GET", "/ContractServices/query", page(foreign)).await;
    let message = lines(&sink(&server), "71").await.unwrap_err();
    assert!(message.contains("not of contract 71"), "{message}");
    assert!(
        lines(&sink(&server), "x")
            .await
            .unwrap_err()
            .contains("whole number")
    );
}

/// Everything that the check asks for, as a sound tenant answers it.
async fn sound() -> MockVendor {
    let server = mock().await;
    let threshold = r#"{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":318}"#;
    for (at, answer) in [
        ("/ThresholdInformation", threshold),
        ("/Companies/query/count", r#"{"queryCount":3}"#),
        ("/Contracts/query/count", r#"{"queryCount":2}"#),
        ("/Services/query/count", r#"{"queryCount":5}"#),
        ("/ContractServiceUnits/query/count", r#"{"queryCount":60}"#),
        (
            "/ContractServiceAdjustments/entityInformation",
            r#"{"info":{"canCreate":true,"userAccessForCreate":"All"}}"#,
        ),
        (
            "/Contracts/entityInformation/userDefinedFields",
            r#"{"fields":[{"name":"Subscription ID","type":"string","isQueryable":true}]}"#,
        ),
        ("/Contracts/entityInformation/fields", PERIODS),
        (
            "/BillingCodes/5",
            r#"{"item":{"id":5,"name":"Recurring","useType":5,"isActive":true}}"#,
        ),
        (
            "/BillingCodes/4",
            r#"{"item":{"id":4,"name":"Material","useType":4,"isActive":true}}"#,
        ),
        (
            "/BillingCodes/6",
            r#"{"item":{"id":6,"name":"Past","useType":5,"isActive":false}}"#,
        ),
    ] {
        on(&server, "GET", at, json(answer)).await;
    }
    server
}

fn checking(
    server: &MockVendor,
    codes: [Option<i64>; 3],
    key: Option<ContractKey>,
) -> AutotaskSink {
    let mut setup = ContractSetup::new();
    [
        setup.service_billing_code,
        setup.product_billing_code,
        setup.service_level_agreement,
    ] = codes;
    AutotaskSink::builder()
        .client(client(server))
        .clock(Arc::new(now))
        .setup(setup)
        .contract_key(key.unwrap_or_default())
        .build()
}

#[tokio::test]
async fn the_check_proves_credentials_rights_field_and_ids_and_warns_of_another_sync_c1_c3_c4() {
    let server = sound().await;
    let sink = checking(&server, [Some(5), Some(4), Some(1)], None);
    let identity = sink.check().await.unwrap();
    assert_eq!(identity.subject, "api7@example.com at 127.0.0.1");
    let verified = identity.verified.join(" ");
    for part in [
        "\"Recurring\"",
        "\"Material\"",
        "\"Standard\"",
        "\"Subscription ID\"",
        "adjustments",
    ] {
        assert!(verified.contains(part), "{verified}");
    }
    // C1: contracts that carry the field may be another sync's.
    assert!(
        identity.warnings[0].contains("2 contracts carry a value"),
        "{identity:?}"
    );
    assert!(identity.warnings[0].contains("switch it off"));
    let counts = sent(&server, "GET", "/Contracts/query/count").await;
    assert!(search(&counts[1]).contains(r#"{"op":"exist","field":"Subscription ID","udf":true}"#));
}

#[tokio::test]
async fn each_wrong_setting_is_named_with_what_to_do_c4() {
    let server = sound().await;
    let wrong = [
        (
            [Some(4), None, None],
            "of use type 4: choose one of use type 5",
        ),
        (
            [None, Some(5), None],
            "of use type 5: choose one of use type 4",
        ),
        ([Some(6), None, None], "\"Past\" is not active"),
        (
            [Some(99), None, None],
            "service billing code 99 does not exist",
        ),
        ([None, None, Some(3)], "no service level agreement 3"),
        ([None, None, Some(2)], "\"Old\" is not active"),
    ];
    for (codes, part) in wrong {
        let error = checking(&server, codes, None).check().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let other = ContractKey::UserDefinedField("subscription id".to_owned());
    let error = checking(&server, [None; 3], Some(other))
        .check()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("an administrator adds it"),
        "{error}"
    );
    let number = checking(&server, [None; 3], Some(ContractKey::ContractNumber));
    assert!(number.check().await.is_ok());
}

#[tokio::test]
async fn a_field_that_is_no_text_or_cannot_be_searched_by_is_named_c3() {
    for (field, part) in [
        (
            r#"{"name":"Subscription ID","type":"integer"}"#,
            "is no text",
        ),
        (
            r#"{"name":"Subscription ID","type":"string","isPickList":true}"#,
            "is no text",
        ),
        (
            r#"{"name":"Subscription ID","type":"string","isQueryable":false}"#,
            "cannot be searched by",
        ),
    ] {
        let server = mock().await;
        let fields = json(format!(r#"{{"fields":[{field}]}}"#));
        once(
            &server,
            "GET",
            "/Contracts/entityInformation/userDefinedFields",
            fields,
        )
        .await;
        for (at, answer) in [
            ("/ThresholdInformation", "{}"),
            ("/Companies/query/count", r#"{"queryCount":3}"#),
            ("/Contracts/query/count", r#"{"queryCount":2}"#),
            ("/Services/query/count", r#"{"queryCount":5}"#),
            ("/ContractServiceUnits/query/count", r#"{"queryCount":60}"#),
            (
                "/ContractServiceAdjustments/entityInformation",
                r#"{"info":{}}"#,
            ),
        ] {
            on(&server, "GET", at, json(answer)).await;
        }
        let error = sink(&server).check().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// A sink with these settings on a simulator that takes others, or why it cannot be built.
async fn with_settings(
    simulator: &AutotaskSimulator,
    [user, secret, code]: [&str; 3],
) -> tallyline_core::Result<AutotaskSink> {
    let client = AutotaskClient::builder()
        .lookup_url(format!("{}ATServicesRest", simulator.base_url()))
        .user_name(user)
        .secret(secret)
        .integration_code(code)
        .build()?;
    Ok(AutotaskSink::builder().client(client).build())
}

#[tokio::test]
async fn user_name_secret_and_integration_code_are_settings_and_each_that_is_refused_is_named_c2() {
    let settings = ["user name", "secret", "integration code"];
    for bad_code_is_500 in [false, true] {
        let mut state = AutotaskState::new();
        state.add_udf(Entity::Contracts, "Subscription ID");
        state.options.bad_code_is_500 = bad_code_is_500;
        let own = state.credentials.clone();
        let simulator = AutotaskSimulator::start(state).await.unwrap();
        let right = [&*own.user, &*own.secret, &*own.integration_code];
        let sink = with_settings(&simulator, right).await.unwrap();
        sink.check().await.unwrap();
        for (at, name) in settings.iter().enumerate() {
            let mut wrong = right;
            wrong[at] = "another.one@example.com";
            let sink = with_settings(&simulator, wrong).await.unwrap();
            let error = sink.check().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Auth, "{name}: {error}");
            let text = error
                .to_string()
                .replace("IntegrationCode", "integration code");
            assert!(text.contains(name), "{name}: {error}");
            assert!(
                !text.contains(right[1]) && !text.contains(right[2]),
                "{text}"
            );
            wrong[at] = " ";
            let error = with_settings(&simulator, wrong).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(name), "{name}: {error}");
        }
    }
}

#[tokio::test]
async fn refused_credentials_and_missing_rights_are_told_apart_and_named_c2() {
    let server = mock().await;
    once(
        &server,
        "GET",
        "/ThresholdInformation",
        ResponseTemplate::new(401),
    )
    .await;
    let error = sink(&server).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);

    let refused = mock().await;
    for (at, answer) in [
        ("/ThresholdInformation", json("{}")),
        ("/Companies/query/count", json(r#"{"queryCount":0}"#)),
        ("/Contracts/query/count", ResponseTemplate::new(403)),
        (
            "/Services/query/count",
            errors(
                500,
                "The logged in Resource does not have the adequate permissions.",
            ),
        ),
        (
            "/ContractServiceUnits/query/count",
            json(r#"{"queryCount":60}"#),
        ),
        (
            "/ContractServiceAdjustments/entityInformation",
            json(r#"{"info":{"canCreate":true,"userAccessForCreate":"None"}}"#),
        ),
        (
            "/Contracts/entityInformation/userDefinedFields",
            json(r#"{"fields":[{"name":"Subscription ID","type":"string"}]}"#),
        ),
    ] {
        on(&refused, "GET", at, answer).await;
    }
    let error = sink(&refused).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    for part in [
        "read contracts",
        "read services",
        "create contract service adjustments",
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(error.status(), Some(403));
}

#[tokio::test]
async fn a_busy_tenant_and_rows_that_cannot_be_seen_are_warned_of() {
    let server = mock().await;
    for (at, answer) in [
        (
            "/ThresholdInformation",
            r#"{"externalRequestThreshold":10000,"currentTimeframeRequestCount":7500}"#,
        ),
        ("/Companies/query/count", r#"{"queryCount":0}"#),
        ("/Contracts/query/count", r#"{"queryCount":0}"#),
        ("/Services/query/count", r#"{"queryCount":5}"#),
        ("/ContractServiceUnits/query/count", r#"{"queryCount":60}"#),
        (
            "/ContractServiceAdjustments/entityInformation",
            r#"{"info":{}}"#,
        ),
    ] {
        on(&server, "GET", at, json(answer)).await;
    }
    let sink = checking(&server, [None; 3], Some(ContractKey::ContractNumber));
    let identity = sink.check().await.unwrap();
    assert!(
        identity.warnings[0].contains("7500 of the tenant's 10000"),
        "{identity:?}"
    );
    assert!(identity.warnings[1].contains("No companies are visible"));
    assert!(identity.warnings[2].contains("No recurring service contracts"));
    assert_eq!(identity.warnings.len(), 3);
}

#[tokio::test]
async fn a_contract_is_found_by_its_key_and_two_of_one_key_are_an_error_c12() {
    let server = mock().await;
    let carrying = |id: u32, value: &str| {
        format!(
            r#"{{"id":{id},"userDefinedFields":[{{"name":"Subscription ID","value":"{value}"}}]}}"#
        )
    };
    let found = format!("{},{}", carrying(1, "A11"), carrying(2, " a1"));
    once(&server, "GET", "/Contracts/query", page(&found)).await;
    let twice = format!("{},{}", carrying(2, "A1"), carrying(3, "a1"));
    once(&server, "GET", "/Contracts/query", page(&twice)).await;
    once(&server, "GET", "/Contracts/query", page("")).await;
    on(
        &server,
        "GET",
        "/Contracts/query",
        ResponseTemplate::new(503),
    )
    .await;
    let sink = sink(&server);
    // People copy keys by hand: with blanks, in another case of letters.
    assert_eq!(sink.find_contract("A1").await.unwrap().unwrap().id, Some(2));
    let error = sink.find_contract("A1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("2, 3"), "{error}");
    assert_eq!(sink.find_contract("A1").await.unwrap(), None);
    // A lookup that failed is no absence.
    assert!(sink.find_contract("A1").await.is_err());
    let asked = sent(&server, "GET", "/Contracts/query").await;
    assert!(
        search(&asked[0])
            .contains(r#"{"op":"eq","field":"Subscription ID","udf":true,"value":"A1"}"#)
    );
    assert!(search(&asked[0]).contains("\"userDefinedFields\""));
}

#[tokio::test]
async fn services_and_charges_are_found_by_keys_of_ones_own() {
    let server = mock().await;
    on(
        &server,
        "GET",
        "/Services/query",
        page(r#"{"id":31,"sku":"MAIL-A"}"#),
    )
    .await;
    let charges = r#"{"id":5,"contractID":71,"internalPurchaseOrderNumber":"TL:A1:2026-10"},
        {"id":6,"contractID":72,"internalPurchaseOrderNumber":"TL:A1:2026-10"}"#;
    on(&server, "GET", "/ContractCharges/query", page(charges)).await;
    let sink = sink(&server);
    assert_eq!(
        sink.find_service("MAIL-A").await.unwrap().unwrap().id,
        Some(31)
    );
    assert_eq!(sink.find_service("MAIL-B").await.unwrap(), None);
    let charge = sink
        .find_charge(71, "TL:A1:2026-10")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(charge.id, Some(5));
}
