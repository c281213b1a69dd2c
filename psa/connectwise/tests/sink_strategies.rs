//! What a new line takes over, what is refused before anything is sent, and what is read back.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use common::{body, client, json, mock, new_record, on, sent, sink};
use tallyline_connectwise::{ConnectWiseSink, MarkerPlacement};
use tallyline_core::PsaSink;
use tallyline_core::model::{CivilDate, Currency, Money};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{Receipt, Verdict, WriteError};
use tallyline_core::wire::parse_decimal;
use tallyline_testkit::mock::MockVendor;

const LIST: &str = "/finance/agreements/88/additions";
const OLD: &str = "/finance/agreements/88/additions/9";

/// An agreement that prorates and is invoiced until the end of October.
const AGREEMENT: &str = r#"{"id":88,"company":{"id":45},"startDate":"2026-01-01T00:00:00Z","endDate":"2026-12-31T00:00:00Z","noEndingDateFlag":false,"billStartDate":"2026-01-01T00:00:00Z","nextInvoiceDate":"2026-11-01T00:00:00Z","prorateFlag":true,"currency":{"currencyCode":"USD"}}"#;

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

fn usd(text: &str) -> Money {
    Money::new(parse_decimal(text).unwrap(), Currency::USD)
}

fn change(action: Action, effective: &str) -> Change {
    Change::new("abc123", "45", "88", "512", action, day(effective))
}

fn end(last_day: &str, effective: &str) -> Change {
    let action = Action::EndLine {
        line: "9".into(),
        from: 10_u32.into(),
        last_day: day(last_day),
        replaced_by: Some(13_u32.into()),
    };
    change(action, effective)
}

fn new_line(quantity: u32, first: &str, last_day: Option<&str>) -> Change {
    let action = Action::CreateLine {
        quantity: quantity.into(),
        unit_cost: Some(usd("14.00")),
        unit_price: Some(usd("20.00")),
        last_day: last_day.map(day),
        like: Some("9".into()),
    };
    change(action, first)
}

/// The line that is there, with more members.
fn old(quantity: u32, more: &str) -> String {
    format!(
        r#"{{"id":9,"product":{{"id":512}},"quantity":{quantity},"unitCost":14.00,"unitPrice":20.00,"effectiveDate":"2026-01-01T00:00:00Z"{more}}}"#
    )
}

fn answer(quantity: u32, first: &str, more: &str) -> String {
    format!(
        r#"{{"id":10,"product":{{"id":512}},"quantity":{quantity},"unitCost":14.00,"unitPrice":20.00,"effectiveDate":"{first}T00:00:00Z"{more}}}"#
    )
}

async fn server(line: &str) -> MockVendor {
    let server = mock().await;
    on(&server, "GET", "/finance/agreements/88", json(AGREEMENT)).await;
    on(&server, "GET", OLD, json(line)).await;
    server
}

/// Carries out a change that is to be refused, and gives the words.
async fn not_sent(server: &MockVendor, sink: &ConnectWiseSink, change: &Change) -> String {
    match sink.execute(change).await.unwrap_err() {
        WriteError::NotSent(error) => {
            let writes = ["POST", "PATCH"];
            for verb in writes {
                assert_eq!(sent(server, verb).await.len(), 0, "{verb}");
            }
            error.message().to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_line_that_takes_anothers_place_takes_over_its_terms() {
    let terms = r#","lessIncluded":2,"billCustomer":"NoCharge","taxableFlag":true,"invoiceDescription":"Mail seats","sequenceNumber":1.5,"invoiceGrouping":{"id":3,"name":"Cloud"},"serialNumber":"tly-old","customFields":[{"id":4,"caption":"Cost centre","value":"A1"},{"id":5,"caption":"Empty"}]"#;
    let server = server(&old(10, terms)).await;
    let created = answer(
        13,
        "2026-11-01",
        r#","lessIncluded":2,"billCustomer":"NoCharge","serialNumber":"tly-abc123""#,
    );
    on(&server, "POST", LIST, new_record(created)).await;
    let receipt = sink(&server)
        .execute(&new_line(13, "2026-11-01", None))
        .await
        .unwrap();
    assert_eq!(receipt.line, Some("10".into()));
    assert_eq!(
        body(&sent(&server, "POST").await[0]),
        r#"{"product":{"id":512},"quantity":13,"lessIncluded":2,"unitPrice":20.00,"unitCost":14.00,"billCustomer":"NoCharge","effectiveDate":"2026-11-01T00:00:00Z","taxableFlag":true,"serialNumber":"tly-abc123","invoiceDescription":"Mail seats","sequenceNumber":1.5,"invoiceGrouping":{"id":3},"customFields":[{"id":4,"value":"A1"}]}"#
    );
}

#[tokio::test]
async fn terms_that_do_not_show_in_the_answer_leave_the_outcome_open() {
    let server = server(&old(10, r#","lessIncluded":2,"billCustomer":"NoCharge""#)).await;
    let created = answer(13, "2026-11-01", r#","billCustomer":"NoCharge""#);
    on(&server, "POST", LIST, new_record(created)).await;
    let error = sink(&server)
        .execute(&new_line(13, "2026-11-01", None))
        .await
        .unwrap_err();
    assert!(matches!(error, WriteError::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn a_line_that_lost_the_terms_it_was_to_take_over_has_not_landed_as_wanted() {
    let terms = r#","lessIncluded":2,"billCustomer":"NoCharge""#;
    let change = new_line(13, "2026-11-01", None);
    for (shown, landed) in [
        (terms, true),
        (r#","billCustomer":"NoCharge""#, false),
        (r#","lessIncluded":2,"billCustomer":"Billable""#, false),
    ] {
        let server = server(&old(10, terms)).await;
        let marked = format!(r#"{shown},"serialNumber":"tly-abc123""#);
        let new = answer(13, "2026-11-01", &marked);
        let list = format!("[{},{new}]", old(10, terms));
        on(&server, "GET", LIST, json(list)).await;
        let verdict = sink(&server).verify(&change, None).await.unwrap();
        match verdict {
            Verdict::Landed { .. } => assert!(landed, "{shown}"),
            Verdict::Conflict { detail, .. } => {
                assert!(
                    !landed && detail.contains("terms that line 9 has"),
                    "{detail}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_catch_up_is_billed_as_the_line_beside_it_without_its_free_units() {
    let terms = r#","lessIncluded":2,"billCustomer":"DoNotBill","taxableFlag":false,"sequenceNumber":1.5,"serialNumber":"SN-1""#;
    let server = server(&old(13, terms)).await;
    let created = answer(
        3,
        "2026-10-11",
        r#","billCustomer":"DoNotBill","cancelledDate":"2026-10-31T00:00:00Z","serialNumber":"tly-abc123","proratePrice":13.55,"extendedProratePrice":40.65,"prorateCost":9.48,"extendedProrateCost":28.44"#,
    );
    on(&server, "POST", LIST, new_record(created)).await;
    let receipt = sink(&server)
        .execute(&new_line(3, "2026-10-11", Some("2026-10-31")))
        .await
        .unwrap();
    assert_eq!(
        body(&sent(&server, "POST").await[0]),
        r#"{"product":{"id":512},"quantity":3,"unitPrice":20.00,"unitCost":14.00,"billCustomer":"DoNotBill","effectiveDate":"2026-10-11T00:00:00Z","cancelledDate":"2026-10-31T00:00:00Z","taxableFlag":false,"serialNumber":"tly-abc123"}"#
    );
    let prorated = receipt.state.unwrap().prorated.unwrap();
    assert_eq!(prorated.unit_price, Some(usd("13.55")));
    assert_eq!(prorated.price, Some(usd("40.65")));
    assert_eq!(prorated.unit_cost, Some(usd("9.48")));
    assert_eq!(prorated.cost, Some(usd("28.44")));
}

#[tokio::test]
async fn a_catch_up_of_units_that_are_partly_free_is_not_sent() {
    let server = server(&old(13, r#","lessIncluded":12"#)).await;
    let change = new_line(3, "2026-10-11", Some("2026-10-31"));
    let words = not_sent(&server, &sink(&server), &change).await;
    assert_eq!(
        words,
        "line 9 includes 12 units free of charge, and bills 1 of 13 instead of 10: a catch-up of \
         3 would not tell them apart; enter it by hand"
    );
}

#[tokio::test]
async fn an_old_line_does_not_end_where_the_new_one_could_not_begin() {
    for (line, change, wanted) in [
        (
            old(10, ""),
            end("2026-10-31", "2026-11-02"),
            "the line would end on 2026-10-31, and the one in its place start on 2026-11-02",
        ),
        (
            old(10, ""),
            end("2026-12-31", "2027-01-01"),
            "the line would bill from 2027-01-01, and agreement 88 ends on 2026-12-31",
        ),
        (old(10, ""), end("2025-12-31", "2026-01-01"), ""),
        (
            old(10, r#","serialNumber":"SN-1""#),
            end("2026-10-31", "2026-11-01"),
            "line 9 cannot be replaced by a new one: its serial number \"SN-1\" would give way to \
             the marker; keep markers in a custom field",
        ),
        (
            old(
                10,
                r#","customFields":[{"caption":"Cost centre","value":"A1"}]"#,
            ),
            end("2026-10-31", "2026-11-01"),
            "line 9 cannot be replaced by a new one: its custom field Cost centre comes without \
             an id and cannot be carried over",
        ),
        (
            old(10, "").replace("512", "513"),
            end("2026-10-31", "2026-11-01"),
            "line 9 is not of product 512",
        ),
    ] {
        let server = server(&line).await;
        if wanted.is_empty() {
            let ended = old(10, r#","cancelledDate":"2025-12-31T00:00:00Z""#);
            on(&server, "PATCH", OLD, json(ended)).await;
            sink(&server).execute(&change).await.unwrap();
            continue;
        }
        assert_eq!(not_sent(&server, &sink(&server), &change).await, wanted);
    }
}

#[tokio::test]
async fn markers_in_a_custom_field_leave_a_serial_number_to_the_new_line() {
    let terms =
        r#","serialNumber":"SN-1","customFields":[{"id":7,"caption":"Sync","value":"tly-old"}]"#;
    let server = server(&old(10, terms)).await;
    let ended = old(10, r#","cancelledDate":"2026-10-31T00:00:00Z""#);
    on(&server, "PATCH", OLD, json(ended)).await;
    on(
        &server,
        "POST",
        LIST,
        new_record(answer(13, "2026-11-01", "")),
    )
    .await;
    let sink = ConnectWiseSink::builder()
        .client(client(&server))
        .marker(MarkerPlacement::CustomField {
            id: 7,
            caption: "Sync".into(),
        })
        .build();
    sink.execute(&end("2026-10-31", "2026-11-01"))
        .await
        .unwrap();
    sink.execute(&new_line(13, "2026-11-01", None))
        .await
        .unwrap();
    let post = body(&sent(&server, "POST").await[0]);
    assert!(post.contains(r#""serialNumber":"SN-1""#), "{post}");
    assert!(
        post.ends_with(r#""customFields":[{"id":7,"caption":"Sync","value":"tly-abc123"}]}"#),
        "{post}"
    );
}

#[tokio::test]
async fn a_line_beyond_the_agreements_days_or_in_an_invoiced_period_is_not_sent() {
    let whole = AGREEMENT.replace(r#""prorateFlag":true"#, r#""prorateFlag":false"#);
    let unsaid = AGREEMENT.replace(r#","prorateFlag":true"#, "");
    let until = |last| new_line(3, "2026-10-11", Some(last));
    for (agreement, change, wanted) in [
        (
            AGREEMENT,
            until("2027-01-31"),
            "the line would bill from 2026-10-11 until 2027-01-31, and agreement 88 ends on \
             2026-12-31",
        ),
        (
            &whole,
            until("2026-10-31"),
            "the line would start on 2026-10-11, in a period already invoiced: agreement 88 does \
             not prorate and is next invoiced on 2026-11-01",
        ),
        (
            &unsaid,
            until("2026-10-31"),
            "the line would start on 2026-10-11, in a period already invoiced: agreement 88 does \
             not prorate and is next invoiced on 2026-11-01",
        ),
    ] {
        let server = mock().await;
        on(&server, "GET", "/finance/agreements/88", json(agreement)).await;
        assert_eq!(not_sent(&server, &sink(&server), &change).await, wanted);
    }
}

#[tokio::test]
async fn a_line_with_the_mark_of_another_change_is_never_the_one_that_was_sent() {
    let server = server(&old(10, "")).await;
    let others = answer(
        3,
        "2026-10-11",
        r#","cancelledDate":"2026-10-31T00:00:00Z","serialNumber":"tly-another""#,
    );
    on(&server, "GET", LIST, json(format!("[{others}]"))).await;
    let change = new_line(3, "2026-10-11", Some("2026-10-31"));
    for receipt in [Some(Receipt::new("10")), None] {
        let verdict = sink(&server)
            .verify(&change, receipt.as_ref())
            .await
            .unwrap();
        let Verdict::Conflict { detail, .. } = verdict else {
            panic!("{verdict:?}")
        };
        assert!(detail.contains("the mark of another change"), "{detail}");
    }
}

#[tokio::test]
async fn the_descriptor_names_the_tenant_and_holds_no_key() {
    let server = mock().await;
    let sink = sink(&server);
    assert_eq!(
        sink.descriptor().tenant.as_deref(),
        Some("northw at 127.0.0.1")
    );
    assert!(!format!("{:?}", sink.descriptor()).contains(common::PRIVATE_KEY));
}
