//! What is made beside the lines: contracts for subscriptions, charges for bills.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{CHARGE_TYPES, CONTRACT, body, json, mock, now, on, once, page, requests, sent};
use serde_json::{Value, json as value};
use tallyline_autotask::{AutotaskSink, ContractKey, ContractSetup};
use tallyline_core::model::{BillKey, BillingCycle, CivilDate, Money, Period, Quantity};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Receipt, Verdict, WriteError};
use tallyline_core::{ErrorKind, PsaSink};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

fn setup() -> ContractSetup {
    let mut setup = ContractSetup::new();
    setup.service_level_agreement = Some(1);
    setup.product_billing_code = Some(77);
    setup
}

fn sink_on(server: &MockVendor, key: ContractKey) -> AutotaskSink {
    AutotaskSink::builder()
        .client(common::client(server))
        .clock(Arc::new(now))
        .currency("USD".parse().unwrap())
        .contract_key(key)
        .setup(setup())
        .build()
}

fn creation() -> Change {
    let action = Action::CreateAgreement {
        name: "Mail Plan A".into(),
        billing_cycle: BillingCycle::Monthly,
        last_day: Some(day("2027-03-05")),
        parent: None,
    };
    Change::new("c1", "45", "key:A1", "31", action, day("2026-03-06"))
}

fn charge() -> Change {
    let days = Period::new(day("2026-02-06"), day("2026-03-05")).unwrap();
    let action = Action::AddCharge {
        account: "c-1".into(),
        bill: BillKey::new("Microsoft Azure", day("2026-03-06")),
        description: "Azure plan, bill of 2026-03-06".into(),
        quantity: "2.5".parse().unwrap(),
        unit_price: Money::new("812.44".parse::<Quantity>().unwrap().value(), usd()),
        unit_cost: Some(Money::new(
            "706.47".parse::<Quantity>().unwrap().value(),
            usd(),
        )),
        period: Some(days),
    };
    let mut change = Change::new("c1", "45", "71", "31", action, day("2026-03-06"));
    change.marker = change.charge_key().unwrap().marker("cloudmore");
    change
}

fn usd() -> tallyline_core::model::Currency {
    "USD".parse().unwrap()
}

async fn posted(server: &MockVendor, at: &str) -> Vec<Value> {
    let posts = sent(server, "POST", at).await;
    posts
        .iter()
        .map(|post| serde_json::from_str(&body(post)).unwrap())
        .collect()
}

#[tokio::test]
async fn a_contract_is_created_with_company_type_sla_dates_and_the_subscriptions_field_c6_c10() {
    let server = mock().await;
    on(&server, "GET", "/Contracts/query", page("")).await;
    common::periods(&server).await;
    on(&server, "POST", "/Contracts", json(r#"{"itemId":"71"}"#)).await;
    let sink = sink_on(&server, ContractKey::default());
    let receipt = sink.execute(&creation()).await.unwrap();
    assert_eq!(receipt.made, Some(MadeRecord::Agreement("71".into())));
    assert_eq!(
        posted(&server, "/Contracts").await,
        [value!({
            "companyID": 45,
            "contractName": "Mail Plan A",
            "contractType": 7,
            "status": 1,
            "startDate": "2026-03-06",
            "endDate": "2027-03-05",
            "timeReportingRequiresStartAndStopTimes": 0,
            "contractPeriodType": 2,
            "serviceLevelAgreementID": 1,
            "setupFee": 0,
            "userDefinedFields": [{"name": "Subscription ID", "value": "A1"}]
        })]
    );
}

#[tokio::test]
async fn a_contract_is_recognised_by_its_number_where_the_sink_is_set_up_so() {
    let server = mock().await;
    on(&server, "GET", "/Contracts/query", page("")).await;
    common::periods(&server).await;
    on(&server, "POST", "/Contracts", json(r#"{"itemId":71}"#)).await;
    let sink = sink_on(&server, ContractKey::ContractNumber);
    sink.execute(&creation()).await.unwrap();
    let created = &posted(&server, "/Contracts").await[0];
    assert_eq!(created["contractNumber"], "A1");
    assert_eq!(created.get("userDefinedFields"), None);
}

/// The contract of [`creation`], with some members in place of its own.
fn made(edit: impl FnOnce(&mut Value)) -> String {
    let mut contract = value!({
        "id": 71, "companyID": 45, "contractName": "Renamed by a person", "contractType": 7, "status": 1,
        "contractPeriodType": 2, "startDate": "2026-03-06T00:00:00", "endDate": "2027-03-05T00:00:00",
        "userDefinedFields": [{"name": "Subscription ID", "value": "a1"}]
    });
    edit(&mut contract);
    contract.to_string()
}

#[tokio::test]
async fn a_contract_that_carries_the_key_is_compared_and_not_created_again() {
    for (contract, difference) in [
        (made(|_| {}), None),
        (
            made(|it| it["companyID"] = 46.into()),
            Some("is of company 46"),
        ),
        (
            made(|it| it["endDate"] = "2026-12-31T00:00:00".into()),
            Some("runs from 2026-03-06 to 2026-12-31, not from 2026-03-06 to 2027-03-05"),
        ),
        (
            made(|it| it["contractPeriodType"] = 5.into()),
            Some("bills yearly, not monthly"),
        ),
        (
            made(|it| it["contractType"] = 1.into()),
            Some("not a recurring service contract"),
        ),
    ] {
        let server = mock().await;
        on(&server, "GET", "/Contracts/query", page(&contract)).await;
        common::periods(&server).await;
        let sink = sink_on(&server, ContractKey::default());
        let verdict = sink.verify(&creation(), None).await.unwrap();
        match (difference, verdict, sink.execute(&creation()).await) {
            (None, Verdict::Made { record, .. }, Ok(receipt)) => {
                assert_eq!(record, MadeRecord::Agreement("71".into()));
                assert_eq!(receipt.made, Some(record));
            }
            (Some(part), Verdict::Conflict { detail, .. }, Err(WriteError::NotSent(error))) => {
                assert!(detail.contains(part), "{detail}");
                assert_eq!(error.kind(), ErrorKind::Conflict);
            }
            other => panic!("{other:?}"),
        }
        assert!(posted(&server, "/Contracts").await.is_empty());
    }
}

#[tokio::test]
async fn two_contracts_of_one_key_are_for_a_person_and_nothing_is_written_c12() {
    let server = mock().await;
    let two = format!("{},{}", made(|_| {}), made(|it| it["id"] = 72.into()));
    on(&server, "GET", "/Contracts/query", page(&two)).await;
    common::periods(&server).await;
    let sink = sink_on(&server, ContractKey::default());
    let verdict = sink.verify(&creation(), None).await.unwrap();
    assert!(matches!(verdict, Verdict::Conflict { .. }), "{verdict:?}");
    let refused = sink.execute(&creation()).await.unwrap_err();
    assert!(matches!(refused, WriteError::NotSent(_)), "{refused:?}");
    assert!(posted(&server, "/Contracts").await.is_empty());
}

#[tokio::test]
async fn what_was_answered_with_an_id_and_does_not_show_its_key_is_a_conflict_that_names_it_once_it_shows()
 {
    let contract = |edit: fn(&mut Value)| json(format!(r#"{{"item":{}}}"#, made(edit)));
    let bare = contract(|it| it["userDefinedFields"] = value!([]));
    let gone = ResponseTemplate::new(404);
    for (answer, part) in [
        (contract(|_| {}), None),
        (bare, Some("contract 71 was created, and does not carry A1")),
        (gone, LATER),
    ] {
        let server = mock().await;
        on(&server, "GET", "/Contracts/query", page("")).await;
        on(&server, "GET", "/Contracts/71", answer).await;
        common::periods(&server).await;
        let sink = sink_on(&server, ContractKey::default());
        let receipt = Receipt::made(MadeRecord::Agreement("71".into()));
        let verdict = sink.verify(&creation(), Some(&receipt)).await.unwrap();
        told(&verdict, part);
        // Nobody says of a lost answer what it named.
        let lost = sink.verify(&creation(), None).await.unwrap();
        assert_eq!(lost, Verdict::NotLanded);
    }
    // A list shows fields that users defined where a record by its id may not.
    for (id, conflict) in [
        (71, None),
        (72, Some("contract 71 was created, and does not")),
    ] {
        let server = mock().await;
        let listed = page(&made(|it| it["id"] = id.into()));
        on(&server, "GET", "/Contracts/query", listed).await;
        let bare = contract(|it| it["userDefinedFields"] = value!([]));
        on(&server, "GET", "/Contracts/71", bare).await;
        common::periods(&server).await;
        let sink = sink_on(&server, ContractKey::default());
        let receipt = Receipt::made(MadeRecord::Agreement("71".into()));
        let verdict = sink.verify(&creation(), Some(&receipt)).await.unwrap();
        told(&verdict, conflict);
    }
    let marker = charge().marker.to_string();
    for (id, answer, part) in [
        (9, json(format!(r#"{{"item":{}}}"#, added(&marker))), None),
        (
            9,
            json(format!(r#"{{"item":{}}}"#, added("by hand"))),
            Some("charge 9 of contract 71 was added, and does not carry"),
        ),
        (8, ResponseTemplate::new(404), LATER),
    ] {
        let server = mock().await;
        common::contract(&server, CONTRACT).await;
        common::periods(&server).await;
        on(&server, "GET", "/ContractCharges/query", page("")).await;
        let at = format!("/ContractCharges/{id}");
        on(&server, "GET", &at, answer).await;
        let sink = sink_on(&server, ContractKey::default());
        let receipt = Receipt::made(MadeRecord::Charge(id.to_string().into()));
        let verdict = sink.verify(&charge(), Some(&receipt)).await.unwrap();
        told(&verdict, part);
    }
}

/// What stands for a record that may show later.
const LATER: Option<&str> = Some("later");

/// A conflict that says so, or a record that was made or may show later.
fn told(verdict: &Verdict, conflict: Option<&str>) {
    match (verdict, conflict) {
        (Verdict::Made { .. }, None) | (Verdict::NotLanded, LATER) => {}
        (Verdict::Conflict { detail, .. }, Some(part)) if detail.contains(part) => {}
        other => panic!("{other:?}"),
    }
}

/// The charge of [`charge`], with a marker.
fn added(marker: &str) -> String {
    value!({
        "id": 9, "contractID": 71, "datePurchased": "2026-03-06T00:00:00", "unitQuantity": 2.5,
        "unitPrice": 812.44, "unitCost": 706.47, "internalPurchaseOrderNumber": marker
    })
    .to_string()
}

#[tokio::test]
async fn a_charge_is_added_with_the_billing_code_the_sums_and_the_marker_of_its_bill_c6_c11() {
    let server = mock().await;
    common::contract(&server, CONTRACT).await;
    common::periods(&server).await;
    on(&server, "GET", "/ContractCharges/query", page("")).await;
    on(
        &server,
        "GET",
        "/ContractCharges/entityInformation/fields",
        json(CHARGE_TYPES),
    )
    .await;
    on(
        &server,
        "POST",
        "/Contracts/71/Charges",
        json(r#"{"itemId":9}"#),
    )
    .await;
    let sink = sink_on(&server, ContractKey::default());
    let receipt = sink.execute(&charge()).await.unwrap();
    assert_eq!(receipt.made, Some(MadeRecord::Charge("9".into())));
    let marker = charge().marker.to_string();
    assert!(marker.len() <= 50, "{marker}");
    assert_eq!(
        posted(&server, "/Contracts/71/Charges").await,
        [value!({
            "contractID": 71,
            "name": "Azure plan, bill of 2026-03-06",
            "datePurchased": "2026-03-06",
            "chargeType": 1,
            "billingCodeID": 77,
            "unitQuantity": 2.5,
            "unitPrice": 812.44,
            "unitCost": 706.47,
            "isBillableToCompany": true,
            "description": "Azure plan, bill of 2026-03-06",
            "internalPurchaseOrderNumber": marker
        })]
    );
}

#[tokio::test]
async fn a_charge_that_carries_the_marker_is_made_though_its_contract_ends_before_it_by_now() {
    let server = mock().await;
    let ended = CONTRACT.replace("2026-12-31", "2026-03-05");
    common::contract(&server, &ended).await;
    common::periods(&server).await;
    let charges = page(&added(charge().marker.as_str()));
    once(&server, "GET", "/ContractCharges/query", charges).await;
    on(&server, "GET", "/ContractCharges/query", page("")).await;
    let sink = sink_on(&server, ContractKey::default());
    let verdict = sink.verify(&charge(), None).await.unwrap();
    told(&verdict, None);
    // One that was not made is not made there any more.
    let lost = sink.verify(&charge(), None).await.unwrap();
    assert_eq!(lost, Verdict::NotLanded);
    match sink.execute(&charge()).await {
        Err(WriteError::NotSent(error)) => assert!(error.to_string().contains("runs from")),
        other => panic!("{other:?}"),
    }
    assert!(posted(&server, "/Contracts/71/Charges").await.is_empty());
}

#[tokio::test]
async fn a_charge_outside_the_contract_of_too_many_digits_or_without_a_code_is_not_sent() {
    let server = mock().await;
    common::contract(&server, CONTRACT).await;
    common::periods(&server).await;
    let sink = sink_on(&server, ContractKey::default());
    assert_eq!(sink.descriptor().amount_digits, Some(4));
    let mut late = charge();
    late.effective = day("2027-03-06");
    let mut fine = charge();
    if let Action::AddCharge { unit_price, .. } = &mut fine.action {
        unit_price.amount = "0.00001".parse::<Quantity>().unwrap().value();
    }
    let mut many = charge();
    if let Action::AddCharge { quantity, .. } = &mut many.action {
        *quantity = "12.34567".parse().unwrap();
    }
    let mut euros = charge();
    if let Action::AddCharge { unit_price, .. } = &mut euros.action {
        unit_price.currency = Some("EUR".parse().unwrap());
    }
    for (change, part) in [
        (late, "runs from"),
        (fine, "price 0.00001 USD has more digits"),
        (many, "quantity 12.34567 has more digits than the 4"),
        (euros, "in USD"),
    ] {
        match sink.execute(&change).await {
            Err(WriteError::NotSent(error)) => assert!(error.to_string().contains(part), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    let without = AutotaskSink::builder()
        .client(common::client(&server))
        .build();
    assert!(!without.descriptor().capabilities.add_charge);
    match without.execute(&charge()).await {
        Err(WriteError::NotSent(error)) => assert_eq!(error.kind(), ErrorKind::Unsupported),
        other => panic!("{other:?}"),
    }
    assert!(
        requests(&server)
            .await
            .iter()
            .all(|request| request.method.as_str() == "GET")
    );
}
