//! Every operation of the client against hostile answers, and the sink's writes.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use std::sync::Arc;

use common::ROOT;
use raw::{ACCOUNTS, INTEGRATION, MAX_BODY, SKU, at, main_table, sink, table, vendor, wrapped};
use rust_decimal::Decimal;
use tallyline_core::PsaSink;
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::WriteError;
use tallyline_gradient::models::{
    AccountUpdate, Category, Count, IntegrationStatus, NewAccount, NewAlert, NewService,
    Subcategory, VendorUpdate,
};
use tallyline_gradient::{GradientClient, GradientSink, operations};
use tallyline_testkit::hostile::{Field, HostileClient, Probe, covers};
use tallyline_testkit::raw::Route;

/// The operations without a row, and why.
const EXCUSED: [(&str, &str); 1] = [(
    "services.update",
    "what stands in its answer is not read: a success is told by the status alone",
)];

const SET: &str = r#"{"status":201,"message":"Success"}"#;

fn written(verb: &str, path: &str, answer: impl Into<String>) -> Route {
    Route::new(verb, &format!("{ROOT}{path}"), answer)
}

/// The reads that the table of a sync does not have.
fn reads() -> HostileClient<GradientClient> {
    table()
        .probe(
            Probe::new(
                "a service",
                at("/service/66cc", wrapped(SKU)),
                |client: GradientClient| async move {
                    Ok(format!("{:?}", client.service("66cc").await?))
                },
            )
            .brief()
            .field(Field::name("/data/description").named("data")),
        )
        .probe(
            Probe::new(
                "clients",
                at(
                    "/organization/clients",
                    r#"{"meta":{},"clients":["p-1","p-2"]}"#,
                ),
                |client: GradientClient| async move {
                    Ok(format!("{:?}", client.clients(None, None).await?))
                },
            )
            .brief()
            .free_form(),
        )
        .probe(
            Probe::new(
                "what became of an alert",
                at(
                    "/alerting/debug/m-1",
                    r#"{"messageId":"m-1","status":"success"}"#,
                ),
                |client: GradientClient| async move {
                    Ok(format!("{:?}", client.alert_status("m-1").await?))
                },
            )
            .brief()
            .all_optional(),
        )
}

/// The writes of the client.
fn writes() -> HostileClient<GradientClient> {
    table()
        .probe(
            Probe::write(
                "a change of the vendor",
                written("PATCH", "", wrapped(&vendor())),
                |client: GradientClient| async move {
                    let changed = client.update_vendor(&VendorUpdate::described("x")).await;
                    Ok(format!("{:?}", changed.map_err(WriteError::from)?))
                },
            )
            .brief(),
        )
        .probe(
            Probe::write(
                "a status",
                written(
                    "PATCH",
                    "/organization/status/pending",
                    wrapped(INTEGRATION),
                ),
                |client: GradientClient| async move {
                    let set = client.set_status(&IntegrationStatus::Pending).await;
                    Ok(format!("{:?}", set.map_err(WriteError::from)?))
                },
            )
            .brief(),
        )
        .probe(
            Probe::write(
                "new accounts",
                written("POST", "/organization/accounts", ACCOUNTS).status(201),
                |client: GradientClient| async move {
                    let new = [NewAccount::new("c-1", "Fern Clinic")];
                    let made = client.create_accounts(&new).await;
                    Ok(format!("{:?}", made.map_err(WriteError::from)?))
                },
            )
            .brief(),
        )
        .probe(
            Probe::write(
                "a change of an account",
                written(
                    "PATCH",
                    "/organization/accounts/c-1",
                    r#"{"id":"c-1","name":"New"}"#,
                ),
                |client: GradientClient| async move {
                    let update = AccountUpdate::renamed("New");
                    let changed = client.update_account("c-1", &update);
                    Ok(format!("{:?}", changed.await.map_err(WriteError::from)?))
                },
            )
            .brief(),
        )
        .probe(
            Probe::write(
                "a new service",
                written("POST", "/service", vendor()).status(201),
                |client: GradientClient| async move {
                    let new = NewService::new("Mail", Category::Other, Subcategory::Other);
                    let made = client.create_service(&new).await;
                    Ok(format!("{:?}", made.map_err(WriteError::from)?))
                },
            )
            .brief(),
        )
        .probe(
            Probe::write(
                "a count",
                written("POST", "/service/66cc/count", SET).status(201),
                |client: GradientClient| async move {
                    let count = Count::new("c-1", Decimal::from(17));
                    let set = client.set_count("66cc", &count, false).await;
                    Ok(format!("{:?}", set.map_err(WriteError::from)?.message))
                },
            )
            .field(Field::name("/message")),
        )
        .probe(
            Probe::write(
                "a new alert",
                written(
                    "POST",
                    "/alerting/c-1",
                    r#"{"messageId":"m-1","alertId":"a-1"}"#,
                )
                .status(201),
                |client: GradientClient| async move {
                    let alert = NewAlert::new("a-1", "Down", "It is");
                    let made = client.create_alert("c-1", &alert);
                    Ok(format!("{:?}", made.await.map_err(WriteError::from)?))
                },
            )
            .brief(),
        )
}

/// What the sink makes of the answer to a count: whatever is wrong leaves the outcome open.
fn sink_writes() -> HostileClient<Arc<GradientSink>> {
    HostileClient::new("gradient", sink)
        .max_body(MAX_BODY)
        .probe(
            Probe::write(
                "a count of the sink",
                written("POST", "/service/66cc/count", SET).status(201),
                |sink: Arc<GradientSink>| async move {
                    let action = Action::SetCount {
                        from: None,
                        to: 17_u32.into(),
                    };
                    let day = "2026-03-15".parse().unwrap();
                    let change = Change::new("abc123", "c-1", "c-1", "66cc", action, day);
                    // A run of its own: a refusal before has ended the others.
                    sink.begin(std::slice::from_ref(&change));
                    let receipt = sink.execute(&change).await?;
                    Ok(format!("{:?}", receipt.state))
                },
            )
            .field(Field::name("/message")),
        )
}

#[test]
fn every_operation_is_in_a_table_of_hostile_answers_or_excused() {
    let covered = main_table()
        .covered()
        .and(reads().covered())
        .and(writes().covered());
    assert_eq!(
        covers(operations::ALL.iter().copied(), &covered, &EXCUSED),
        Ok(())
    );
}

#[tokio::test]
async fn no_answer_to_a_read_harms_the_client_and_every_wrong_one_is_named() {
    let report = reads().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_to_a_write_harms_the_client_and_none_makes_it_certain() {
    let report = writes().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_to_a_count_harms_the_sink_and_none_makes_it_certain() {
    let report = sink_writes().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}
