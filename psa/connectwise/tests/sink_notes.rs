//! B18: a block of an agreement's note, written beside what people wrote there.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use common::{body, client, json, on, once, sent};
use futures::TryStreamExt as _;
use tallyline_connectwise::{ConnectWiseSink, NoteField};
use tallyline_core::model::{Agreement, with_note_block};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{AgreementFilter, MadeRecord, Verdict, WriteError};
use tallyline_core::{ErrorKind, PsaSink};
use tallyline_testkit::mock::MockVendor;
use wiremock::ResponseTemplate;

const AT: &str = "/finance/agreements/88";
const OWNER: &str = "market C-1";
const PEOPLE: &str = "Ask for Ada.\r\nPO 4711";

fn change(from: Option<&str>, to: &str) -> Change {
    let action = Action::WriteNote {
        owner: OWNER.into(),
        from: from.map(str::to_owned),
        to: to.into(),
    };
    let day = "2026-03-31".parse().unwrap();
    Change::new("abc123", "45", "88", OWNER, action, day)
}

fn sink(server: &MockVendor, field: NoteField) -> ConnectWiseSink {
    ConnectWiseSink::builder()
        .client(client(server))
        .note_field(field)
        .build()
}

/// The agreement with a text in a field.
fn agreement(field: &str, text: &str) -> ResponseTemplate {
    let text = serde_json::to_string(text).unwrap();
    json(format!(
        r#"{{"id":88,"name":"Managed","company":{{"id":45}},"{field}":{text}}}"#
    ))
}

fn with(block: &str) -> String {
    with_note_block(PEOPLE, OWNER, block).unwrap()
}

#[tokio::test]
async fn b18_a_block_is_written_with_one_patch_of_the_chosen_field_and_the_rest_as_it_was() {
    for (field, name) in [
        (NoteField::InternalNotes, "internalNotes"),
        (NoteField::InvoiceDescription, "invoiceDescription"),
    ] {
        let server = common::mock().await;
        on(&server, "GET", AT, agreement(name, PEOPLE)).await;
        let after = agreement(name, &with("3 x Mail")).insert_header("x-cw-request-id", "cw-1");
        on(&server, "PATCH", AT, after).await;
        let receipt = sink(&server, field)
            .execute(&change(None, "3 x Mail"))
            .await;
        let receipt = receipt.unwrap();
        assert_eq!(receipt.made, Some(MadeRecord::Note("88".into())));
        assert_eq!(receipt.request_id.as_deref(), Some("cw-1"));
        let patches = sent(&server, "PATCH").await;
        assert_eq!(patches.len(), 1);
        let text = serde_json::to_string(&with("3 x Mail")).unwrap();
        assert_eq!(
            body(&patches[0]),
            format!(r#"[{{"op":"replace","path":"{name}","value":{text}}}]"#)
        );
        assert!(
            text.contains("Ask for Ada.\\r\\nPO 4711\\r\\n[tallyline market C-1]\\r\\n3 x Mail")
        );
    }
}

#[tokio::test]
async fn b18_the_block_that_is_there_is_not_written_again_and_another_one_is_left() {
    let server = common::mock().await;
    on(
        &server,
        "GET",
        AT,
        agreement("internalNotes", &with("3 x Mail")),
    )
    .await;
    let sink = sink(&server, NoteField::InternalNotes);
    sink.execute(&change(None, "3 x Mail")).await.unwrap();
    for stale in [
        change(None, "4 x Mail"),
        change(Some("2 x Mail"), "4 x Mail"),
    ] {
        let error = sink.execute(&stale).await.unwrap_err();
        assert!(matches!(error, WriteError::NotSent(_)), "{error}");
        assert_eq!(error.error().kind(), ErrorKind::Conflict);
    }
    assert!(sent(&server, "PATCH").await.is_empty());
}

#[tokio::test]
async fn b18_an_answer_that_does_not_show_the_block_leaves_the_outcome_open() {
    for answer in [
        agreement("internalNotes", &with("2 x Mail")),
        json(r#"{"id":89}"#),
        json("{}"),
        ResponseTemplate::new(502),
    ] {
        let server = common::mock().await;
        on(&server, "GET", AT, agreement("internalNotes", PEOPLE)).await;
        on(&server, "PATCH", AT, answer).await;
        let sink = sink(&server, NoteField::InternalNotes);
        let error = sink.execute(&change(None, "3 x Mail")).await.unwrap_err();
        assert!(matches!(error, WriteError::Unknown(_)), "{error}");
        assert_eq!(sent(&server, "PATCH").await.len(), 1);
    }
}

/// Where it were unknown, it would be sent again by every resume.
#[tokio::test]
async fn b18_an_answer_that_shows_the_note_as_it_was_is_an_answer() {
    let server = common::mock().await;
    on(&server, "GET", AT, agreement("internalNotes", PEOPLE)).await;
    on(&server, "PATCH", AT, agreement("internalNotes", PEOPLE)).await;
    let sink = sink(&server, NoteField::InternalNotes);
    let change = change(None, "3 x Mail");
    let receipt = sink.execute(&change).await.unwrap();
    let verdict = sink.verify(&change, Some(&receipt)).await.unwrap();
    assert_eq!(verdict, Verdict::NotLanded);
}

#[tokio::test]
async fn b18_a_refusal_over_custom_fields_is_answered_once_with_the_fields_as_they_stand() {
    let server = common::mock().await;
    let fields = r#""customFields":[{"id":7,"caption":"Region","type":"Text","value":"North"}]"#;
    let before = json(format!(r#"{{"id":88,"internalNotes":"x",{fields}}}"#));
    on(&server, "GET", AT, before).await;
    let refused = r#"{"code":"InvalidObject","message":"agreement object is invalid","errors":[{"code":"InvalidField","message":"Custom field Region is required","resource":"agreement","field":"customFields"}]}"#;
    once(
        &server,
        "PATCH",
        AT,
        ResponseTemplate::new(400).set_body_raw(refused, "application/json"),
    )
    .await;
    let text = with_note_block("x", OWNER, "3 x Mail").unwrap();
    on(&server, "PATCH", AT, agreement("internalNotes", &text)).await;
    let sink = sink(&server, NoteField::InternalNotes);
    sink.execute(&change(None, "3 x Mail")).await.unwrap();
    let patches = sent(&server, "PATCH").await;
    assert_eq!(patches.len(), 2);
    assert!(
        body(&patches[1]).contains(r#""path":"customFields""#),
        "{}",
        body(&patches[1])
    );
    assert!(body(&patches[1]).contains("North"));
}

#[tokio::test]
async fn b18_a_missing_right_is_named() {
    let server = common::mock().await;
    on(&server, "GET", AT, agreement("internalNotes", PEOPLE)).await;
    on(&server, "PATCH", AT, ResponseTemplate::new(403)).await;
    let sink = sink(&server, NoteField::InternalNotes);
    let error = sink.execute(&change(None, "3 x Mail")).await.unwrap_err();
    assert!(matches!(error, WriteError::Rejected(_)), "{error}");
    assert!(error.to_string().contains("Edit = All"), "{error}");
}

#[tokio::test]
async fn b18_a_note_is_read_back_as_landed_not_landed_or_a_conflict() {
    let broken = format!("{PEOPLE}\n[tallyline market C-1]");
    for (note, from, wanted) in [
        (with("3 x Mail"), None, "made"),
        (with("3 x Mail").replace("\r\n", " \r\n"), None, "made"),
        (with("3 x Mail").replace("\r\n", "\r"), None, "made"),
        (with("3 x Mail").replace("\r\n", " "), None, "conflict"),
        (with("3 x Mail").replace("]", "] (ours)"), None, "conflict"),
        (PEOPLE.to_owned(), None, "not landed"),
        (String::new(), None, "not landed"),
        (with("2 x Mail"), Some("2 x Mail"), "not landed"),
        (with("2 x Mail"), None, "conflict"),
        (PEOPLE.to_owned(), Some("2 x Mail"), "conflict"),
        (broken, None, "conflict"),
    ] {
        let server = common::mock().await;
        on(&server, "GET", AT, agreement("internalNotes", &note)).await;
        let sink = sink(&server, NoteField::InternalNotes);
        let verdict = sink.verify(&change(from, "3 x Mail"), None).await.unwrap();
        let shown = match verdict {
            Verdict::Made { .. } => "made",
            Verdict::NotLanded => "not landed",
            Verdict::Conflict { .. } => "conflict",
            other => panic!("{other:?}"),
        };
        assert_eq!(shown, wanted, "{note}");
    }
}

#[tokio::test]
async fn b18_without_a_chosen_field_no_note_is_read_or_written() {
    let server = common::mock().await;
    on(&server, "GET", "/finance/billingCycles", json("[]")).await;
    let row = format!(
        r#"[{{"id":88,"name":"Managed","company":{{"id":45}},"internalNotes":{}}}]"#,
        serde_json::to_string(PEOPLE).unwrap()
    );
    on(&server, "GET", "/finance/agreements", json(row)).await;
    let notes = |sink: ConnectWiseSink| async move {
        let filter = AgreementFilter::default();
        let found: Vec<Agreement> = sink.agreements(&filter).try_collect().await.unwrap();
        found
            .into_iter()
            .map(|found| found.note)
            .collect::<Vec<_>>()
    };
    let plain = common::sink(&server);
    assert!(!plain.descriptor().capabilities.write_note);
    let error = plain.execute(&change(None, "3 x Mail")).await.unwrap_err();
    assert!(matches!(error, WriteError::NotSent(_)), "{error}");
    assert_eq!(error.error().kind(), ErrorKind::Unsupported);
    assert_eq!(notes(plain).await, [None]);
    let chosen = sink(&server, NoteField::InternalNotes);
    assert!(chosen.descriptor().capabilities.write_note);
    assert_eq!(notes(chosen).await, [Some(PEOPLE.to_owned())]);
    let other = sink(&server, NoteField::InvoiceDescription);
    assert_eq!(notes(other).await, [Some(String::new())]);
}
