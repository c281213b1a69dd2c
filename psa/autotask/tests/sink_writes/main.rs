//! Changes: what is sent, what is refused before anything is sent, and what reading back says.
#![allow(clippy::unwrap_used)]

mod amounts;
#[path = "../common/mod.rs"]
mod common;

use std::sync::Arc;

use common::{
    CONTRACT, LINE, adjustments, client, errors, json, mock, months, now, on, once, page, requests,
    rows, sent, sink, tenant,
};
use serde_json::json as value;
use tallyline_autotask::{AutotaskSink, EffectiveDays};
use tallyline_core::model::{AgreementLineId, Money, Quantity};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, Verdict, WriteError};
use tallyline_core::{ErrorKind, PsaSink};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;

const ADJUST: &str = "/Contracts/71/ServiceAdjustments";
const UNITS: &str = "/ContractServiceUnits/query";
const LINES: &str = "/ContractServices/query";

fn change(action: Action, effective: &str) -> Change {
    Change::new("c1", "45", "71", "31", action, effective.parse().unwrap())
}

fn set(from: i64, to: i64) -> Change {
    set_at(from, to, "2026-04-01")
}

fn set_at(from: i64, to: i64, effective: &str) -> Change {
    let line = AgreementLineId::new("9");
    let (from, to) = (from.into(), to.into());
    change(Action::SetQuantity { line, from, to }, effective)
}

fn create(quantity: &str) -> Change {
    let action = Action::CreateLine {
        quantity: quantity.parse().unwrap(),
        unit_cost: None,
        unit_price: None,
        last_day: None,
        like: None,
    };
    change(action, "2026-04-01")
}

fn money(text: &str) -> Money {
    Money::without_currency(text.parse().unwrap())
}

fn end(from: i64, last_day: &str) -> Change {
    let action = Action::EndLine {
        line: AgreementLineId::new("9"),
        from: from.into(),
        last_day: last_day.parse().unwrap(),
        replaced_by: None,
    };
    change(action, "2026-04-01")
}

async fn taken(server: &MockVendor) {
    on(server, "POST", ADJUST, json(r#"{"itemId":98765}"#)).await;
}

/// The refusal of a change of which nothing was sent.
async fn refused(sink: &AutotaskSink, server: &MockVendor, change: &Change) -> (ErrorKind, String) {
    match sink.execute(change).await {
        Err(WriteError::NotSent(error)) => {
            assert!(adjustments(server).await.is_empty(), "{error}");
            (error.kind(), error.to_string())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_quantity_is_set_by_the_difference_from_the_day_on_step_3_step_4_step_6() {
    let server = tenant().await;
    on(&server, "GET", UNITS, months(12)).await;
    taken(&server).await;
    let receipt = sink(&server).execute(&set(12, 15)).await.unwrap();
    assert_eq!(receipt.line, Some("9".into()));
    assert_eq!(receipt.request_id.as_deref(), Some("adjustment 98765"));
    assert_eq!(
        adjustments(&server).await,
        [
            value!({"effectiveDate": "2026-04-01", "contractID": 71, "contractServiceID": 9, "unitChange": 3})
        ]
    );
}

#[tokio::test]
async fn what_is_there_already_is_not_sent_step_4() {
    let server = tenant().await;
    on(&server, "GET", UNITS, months(15)).await;
    let receipt = sink(&server).execute(&set(12, 15)).await.unwrap();
    assert_eq!(receipt.state.unwrap().quantity, 15_u32.into());
    assert!(adjustments(&server).await.is_empty());
}

#[tokio::test]
async fn units_that_are_not_those_planned_on_are_not_touched() {
    let server = tenant().await;
    on(&server, "GET", UNITS, months(13)).await;
    let (kind, message) = refused(&sink(&server), &server, &set(12, 15)).await;
    assert_eq!(kind, ErrorKind::Conflict);
    assert!(message.contains("13 units on 2026-04-01") && message.contains("planned on 12"));
}

#[tokio::test]
async fn later_rows_that_differ_are_a_conflict_and_not_shifted_step_4() {
    let server = tenant().await;
    let units = rows(&[
        ("2026-04-01", "2026-04-30", 12, false),
        ("2026-05-01", "2026-05-31", 20, false),
    ]);
    on(&server, "GET", UNITS, units).await;
    let (kind, message) = refused(&sink(&server), &server, &set(12, 15)).await;
    assert_eq!(kind, ErrorKind::Conflict);
    assert!(
        message.contains("12 units on 2026-04-01 and 20 from 2026-05-01 on"),
        "{message}"
    );
}

#[tokio::test]
async fn fractions_and_negative_units_are_refused_step_5() {
    let server = tenant().await;
    on(&server, "GET", UNITS, months(12)).await;
    for to in ["12.5", "-1", "3000000000"] {
        let line = AgreementLineId::new("9");
        let to: Quantity = to.parse().unwrap();
        let from = 12_u32.into();
        let change = change(Action::SetQuantity { line, from, to }, "2026-04-01");
        let (kind, message) = refused(&sink(&server), &server, &change).await;
        assert_eq!(kind, ErrorKind::Invalid);
        assert!(message.contains("whole units"), "{message}");
    }
}

#[tokio::test]
async fn the_contracts_window_owner_and_kind_are_checked_step_1() {
    let server = tenant().await;
    on(&server, "GET", UNITS, months(12)).await;
    let sink = sink(&server);
    for day in ["2025-12-01", "2027-01-01"] {
        let (kind, message) = refused(&sink, &server, &set_at(12, 15, day)).await;
        assert_eq!(kind, ErrorKind::Invalid);
        assert!(
            message.contains("runs from 2026-01-01 to 2026-12-31"),
            "{message}"
        );
    }
    let mut other = set(12, 15);
    other.company = "46".into();
    let (kind, message) = refused(&sink, &server, &other).await;
    assert_eq!(kind, ErrorKind::Conflict);
    assert!(message.contains("of company 45, not 46"), "{message}");
    let server = mock().await;
    let hours = CONTRACT.replace("\"contractType\":7", "\"contractType\":4");
    common::contract(&server, &hours).await;
    common::periods(&server).await;
    let (_, message) = refused(&common::sink(&server), &server, &set(12, 15)).await;
    assert!(
        message.contains("not a recurring service contract"),
        "{message}"
    );
}

#[tokio::test]
async fn a_line_of_another_contract_or_service_is_not_written_to_step_2() {
    for foreign in [
        r#"{"id":9,"contractID":72,"serviceID":31}"#,
        r#"{"id":9,"contractID":71,"serviceID":32}"#,
        r#"{"id":10,"contractID":71,"serviceID":31}"#,
    ] {
        let server = mock().await;
        let answer = |item: &str| json(format!(r#"{{"item":{item}}}"#));
        on(&server, "GET", "/Contracts/71", answer(CONTRACT)).await;
        common::periods(&server).await;
        on(&server, "GET", "/ContractServices/9", answer(foreign)).await;
        let (kind, _) = refused(&sink(&server), &server, &set(12, 15)).await;
        assert_eq!(kind, ErrorKind::Conflict);
        let verdict = sink(&server).verify(&set(12, 15), None).await.unwrap();
        assert!(matches!(verdict, Verdict::Conflict { .. }));
    }
}

#[tokio::test]
async fn without_proration_a_change_counts_from_an_open_periods_first_day_alone() {
    let server = tenant().await;
    on(&server, "GET", UNITS, months(12)).await;
    let sink = sink(&server);
    let (kind, message) = refused(&sink, &server, &set_at(12, 15, "2026-04-11")).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(message.contains("would be prorated"), "{message}");
    let (_, message) = refused(&sink, &server, &set_at(12, 15, "2026-03-01")).await;
    assert!(message.contains("approved and posted"), "{message}");
}

#[tokio::test]
async fn with_proration_a_change_may_count_from_a_posted_day_as_in_section_4_3() {
    let server = tenant().await;
    on(&server, "GET", UNITS, months(10)).await;
    taken(&server).await;
    let sink = AutotaskSink::builder()
        .client(client(&server))
        .effective_days(EffectiveDays::Prorated)
        .clock(Arc::new(now))
        .build();
    sink.execute(&set_at(10, 13, "2026-03-11")).await.unwrap();
    assert_eq!(
        adjustments(&server).await,
        [
            value!({"effectiveDate": "2026-03-11", "contractID": 71, "contractServiceID": 9, "unitChange": 3})
        ]
    );
}

#[tokio::test]
async fn a_line_is_created_by_the_adjustment_itself_in_one_write() {
    let server = tenant().await;
    once(&server, "GET", LINES, page("")).await;
    on(&server, "GET", LINES, page(LINE)).await;
    on(
        &server,
        "GET",
        "/ContractServiceUnits/query/count",
        json(r#"{"queryCount":0}"#),
    )
    .await;
    taken(&server).await;
    let receipt = sink(&server).execute(&create("7")).await.unwrap();
    assert_eq!(receipt.line, Some("9".into()));
    assert_eq!(
        adjustments(&server).await,
        [
            value!({"effectiveDate": "2026-04-01", "contractID": 71, "serviceID": 31, "unitChange": 7})
        ]
    );
}

#[tokio::test]
async fn a_line_that_bills_nothing_is_taken_up_again_in_place_of_a_new_one() {
    let server = tenant().await;
    on(&server, "GET", LINES, page(LINE)).await;
    on(&server, "GET", UNITS, months(0)).await;
    taken(&server).await;
    sink(&server).execute(&create("7")).await.unwrap();
    let sent = adjustments(&server).await;
    assert_eq!(sent[0]["contractServiceID"], 9);
    assert!(sent[0].get("serviceID").is_none());
}

#[tokio::test]
async fn a_line_is_not_created_where_one_bills_where_several_are_or_in_a_posted_period_step_2() {
    let server = tenant().await;
    on(&server, "GET", LINES, page(LINE)).await;
    on(&server, "GET", UNITS, months(3)).await;
    let (kind, message) = refused(&sink(&server), &server, &create("7")).await;
    assert_eq!(kind, ErrorKind::Conflict);
    assert!(
        message.contains("bills 3 units of the service already"),
        "{message}"
    );

    let server = tenant().await;
    let second = LINE.replace("\"id\":9", "\"id\":10");
    on(&server, "GET", LINES, page(&format!("{LINE},{second}"))).await;
    let (kind, message) = refused(&sink(&server), &server, &create("7")).await;
    assert_eq!(kind, ErrorKind::Conflict);
    assert!(message.contains("2 lines of service 31"), "{message}");

    let server = tenant().await;
    on(&server, "GET", LINES, page("")).await;
    on(
        &server,
        "GET",
        "/ContractServiceUnits/query/count",
        json(r#"{"queryCount":1}"#),
    )
    .await;
    let (_, message) = refused(&sink(&server), &server, &create("7")).await;
    assert!(message.contains("approved and posted"), "{message}");
    for none in ["0", "2.5"] {
        assert_eq!(
            refused(&sink(&server), &server, &create(none)).await.0,
            ErrorKind::Invalid
        );
    }
    let mut bounded = create("7");
    if let Action::CreateLine { last_day, .. } = &mut bounded.action {
        *last_day = Some("2026-04-30".parse().unwrap());
    }
    // A line with an end would be two adjustments.
    assert_eq!(
        refused(&sink(&server), &server, &bounded).await.0,
        ErrorKind::Unsupported
    );
}

#[tokio::test]
async fn a_created_line_that_does_not_show_leaves_the_outcome_open() {
    for after in [page(""), ResponseTemplate::new(500), json("{}")] {
        let server = tenant().await;
        once(&server, "GET", LINES, page("")).await;
        on(&server, "GET", LINES, after).await;
        on(
            &server,
            "GET",
            "/ContractServiceUnits/query/count",
            json(r#"{"queryCount":0}"#),
        )
        .await;
        taken(&server).await;
        let executed = sink(&server).execute(&create("7")).await;
        assert!(
            matches!(executed, Err(WriteError::Unknown(_))),
            "{executed:?}"
        );
        assert_eq!(adjustments(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_line_of_a_cancelled_subscription_goes_to_nothing_from_the_day_after_the_vendors_end() {
    let server = tenant().await;
    on(&server, "GET", UNITS, months(12)).await;
    taken(&server).await;
    sink(&server).execute(&end(12, "2026-04-30")).await.unwrap();
    assert_eq!(
        adjustments(&server).await,
        [
            value!({"effectiveDate": "2026-05-01", "contractID": 71, "contractServiceID": 9, "unitChange": -12})
        ]
    );
}

#[tokio::test]
async fn an_answer_says_what_became_of_the_write_and_it_is_never_repeated() {
    type Sorted = fn(&WriteError) -> bool;
    let rejected: Sorted = |error| matches!(error, WriteError::Rejected(_));
    let unknown: Sorted = |error| matches!(error, WriteError::Unknown(_));
    for (answer, sorted) in [
        (
            errors(
                500,
                "Attempt to insert duplicate data into contract_service_period",
            ),
            rejected,
        ),
        (errors(500, "The units would become negative."), rejected),
        (ResponseTemplate::new(403), rejected),
        (ResponseTemplate::new(500), unknown),
        (ResponseTemplate::new(504), unknown),
        (json("{}"), unknown),
    ] {
        let server = tenant().await;
        on(&server, "GET", UNITS, months(12)).await;
        on(&server, "POST", ADJUST, answer).await;
        let error = sink(&server).execute(&set(12, 15)).await.unwrap_err();
        assert!(sorted(&error), "{error:?}");
        assert_eq!(sent(&server, "POST", ADJUST).await.len(), 1);
    }
}

#[tokio::test]
async fn a_read_that_failed_before_the_write_is_not_sent() {
    let server = tenant().await;
    on(&server, "GET", UNITS, ResponseTemplate::new(500)).await;
    let (kind, _) = refused(&sink(&server), &server, &set(12, 15)).await;
    assert_eq!(kind, ErrorKind::Unavailable);
}

async fn verdict(units: ResponseTemplate, change: &Change) -> Verdict {
    let server = tenant().await;
    on(&server, "GET", LINES, page(LINE)).await;
    on(&server, "GET", UNITS, units).await;
    let verdict = sink(&server).verify(change, None).await.unwrap();
    assert!(adjustments(&server).await.is_empty());
    verdict
}

fn detail(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Conflict { detail, .. } => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reading_back_tells_by_the_difference_that_is_left_step_7() {
    let landed = verdict(months(15), &set(12, 15)).await;
    let Verdict::Landed { line, observed } = landed else {
        panic!("{landed:?}")
    };
    assert_eq!((line.as_str(), observed.quantity), ("9", 15_u32.into()));
    assert_eq!(verdict(months(12), &set(12, 15)).await, Verdict::NotLanded);
    let other = verdict(months(18), &set(12, 15)).await;
    assert!(detail(&other).contains("18 units"), "{other:?}");
    let later = rows(&[
        ("2026-04-01", "2026-04-30", 15, false),
        ("2026-05-01", "2026-05-31", 12, false),
    ]);
    let later = verdict(later, &set(12, 15)).await;
    assert!(
        detail(&later).contains("12 from 2026-05-01 on"),
        "{later:?}"
    );
}

#[tokio::test]
async fn a_change_that_the_system_moved_by_a_day_is_a_conflict_step_7() {
    let early = rows(&[
        ("2026-03-01", "2026-03-31", 12, false),
        ("2026-03-31", "2026-04-30", 15, false),
    ]);
    let early = verdict(early, &set(12, 15)).await;
    assert!(
        detail(&early).contains("from 2026-03-31 on, where 2026-04-01 was sent"),
        "{early:?}"
    );
    let late = rows(&[
        ("2026-04-01", "2026-04-02", 12, false),
        ("2026-04-02", "2026-04-30", 15, false),
        ("2026-05-01", "2026-05-31", 15, false),
    ]);
    let late = verdict(late, &set(12, 15)).await;
    assert!(detail(&late).contains("from 2026-04-02 on"), "{late:?}");
}

#[tokio::test]
async fn a_lost_create_is_settled_by_the_service_on_the_contract() {
    assert!(matches!(
        verdict(months(7), &create("7")).await,
        Verdict::Landed { .. }
    ));
    assert_eq!(verdict(months(0), &create("7")).await, Verdict::NotLanded);
    assert!(detail(&verdict(months(9), &create("7")).await).contains("9 units"));
    for (lines, expected) in [
        (String::new(), true),
        (format!("{LINE},{}", LINE.replace(":9,", ":10,")), false),
    ] {
        let server = tenant().await;
        on(&server, "GET", LINES, page(&lines)).await;
        let verdict = sink(&server).verify(&create("7"), None).await.unwrap();
        assert_eq!(verdict == Verdict::NotLanded, expected, "{verdict:?}");
        assert_eq!(matches!(verdict, Verdict::Conflict { .. }), !expected);
    }
    let server = tenant().await;
    on(&server, "GET", UNITS, months(7)).await;
    let receipt = Receipt::new("9");
    let verdict = sink(&server)
        .verify(&create("7"), Some(&receipt))
        .await
        .unwrap();
    assert!(matches!(verdict, Verdict::Landed { .. }));
    assert!(sent(&server, "GET", LINES).await.is_empty());
}

#[tokio::test]
async fn an_ended_line_reads_back_as_ended() {
    let units = rows(&[
        ("2026-04-01", "2026-04-30", 12, false),
        ("2026-05-01", "2026-05-31", 0, false),
    ]);
    let landed = verdict(units, &end(12, "2026-04-30")).await;
    let Verdict::Landed { observed, .. } = landed else {
        panic!("{landed:?}")
    };
    assert_eq!(observed.last_day, Some("2026-04-30".parse().unwrap()));
    assert_eq!(
        verdict(months(12), &end(12, "2026-04-30")).await,
        Verdict::NotLanded
    );
}

#[tokio::test]
async fn a_failed_read_leaves_the_question_open() {
    for answer in [ResponseTemplate::new(500), json(r#"{"items":null}"#)] {
        let server = tenant().await;
        on(&server, "GET", UNITS, answer).await;
        assert!(sink(&server).verify(&set(12, 15), None).await.is_err());
    }
    let server = mock().await;
    on(
        &server,
        "GET",
        "/ContractServices/9",
        json(r#"{"item":null}"#),
    )
    .await;
    let gone = sink(&server).verify(&set(12, 15), None).await.unwrap();
    assert!(detail(&gone).contains("line 9 is gone"), "{gone:?}");
}
