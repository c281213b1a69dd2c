//! Every operation of the client against hostile answers, and the sink's writes.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::API;
use raw::{CATALOG, CYCLES, MAX_BODY, agreements, at, connect, main_table, sink};
use rust_decimal::Decimal;
use tallyline_connectwise::models::{
    BillCustomer, NewAddition, NewAgreement, NewCatalogItem, RecordRef,
};
use tallyline_connectwise::patch::{FieldName, Patch};
use tallyline_connectwise::{
    ConnectWiseClient, ConnectWiseSink, ListOptions, PagingStyle, operations,
};
use tallyline_core::model::Quantity;
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::WriteError;
use tallyline_core::{PsaSink, Result};
use tallyline_testkit::hostile::{Field, HostileClient, Probe, covers};
use tallyline_testkit::raw::Route;

/// The operations without a row, and why.
const EXCUSED: [(&str, &str); 1] = [(
    "agreements.additions.delete",
    "what stands in its answer is not read: a success is told by the status alone",
)];

const MEDIA: &str = "application/vnd.connectwise.com+json; charset=utf-8";

const ADDITION: &str = r#"{"id":9,"product":{"id":512},"quantity":14,"unitPrice":9.5,"billCustomer":"Billable","effectiveDate":"2026-04-01T00:00:00Z","agreementId":88}"#;

fn table() -> HostileClient<ConnectWiseClient> {
    HostileClient::new("connectwise", |base| connect(PagingStyle::Navigable, base))
        .max_body(MAX_BODY)
}

/// A list that is read as the companies are, by the ids of its records.
macro_rules! list {
    ($name:literal, $path:literal, $answer:expr, $records:expr) => {
        Probe::new(
            $name,
            at($path, $answer),
            |client: ConnectWiseClient| async move {
                let records = $records(&client, &ListOptions::default());
                let records = records.try_collect_all(1000).await?;
                let ids: Vec<_> = records.iter().map(|record| record.id).collect();
                Ok(format!("{ids:?}"))
            },
        )
        .brief()
        .field(Field::whole_id("/0/id").optional())
    };
}

/// A count.
macro_rules! count {
    ($name:literal, $path:literal, $count:expr) => {
        Probe::new(
            $name,
            at($path, r#"{"count":12}"#),
            |client: ConnectWiseClient| async move {
                let count: Result<u64> = $count(client).await;
                Ok(count?.to_string())
            },
        )
        .brief()
        .field(Field::whole_id("/count"))
    };
}

/// The lists and counts that the table of a sync does not have.
fn lists() -> HostileClient<ConnectWiseClient> {
    table()
        .probe(list!(
            "agreements",
            "/finance/agreements",
            agreements(),
            ConnectWiseClient::agreements
        ))
        .probe(list!(
            "agreement types",
            "/finance/agreements/types",
            r#"[{"id":14,"name":"Managed","prorateFlag":true}]"#,
            ConnectWiseClient::agreement_types
        ))
        .probe(list!(
            "billing cycles",
            "/finance/billingCycles",
            CYCLES,
            ConnectWiseClient::billing_cycles
        ))
        .probe(list!(
            "catalogue",
            "/procurement/catalog",
            CATALOG,
            ConnectWiseClient::catalog
        ))
        .probe(count!(
            "a count of agreements",
            "/finance/agreements/count",
            |client: ConnectWiseClient| async move { client.count_agreements(None).await }
        ))
        .probe(count!(
            "a count of additions",
            "/finance/agreements/88/additions/count",
            |client: ConnectWiseClient| async move { client.count_additions(88, None).await }
        ))
        .probe(count!(
            "a count of the catalogue",
            "/procurement/catalog/count",
            |client: ConnectWiseClient| async move { client.count_catalog(None).await }
        ))
}

/// The single records that the table of a sync does not have.
fn records() -> HostileClient<ConnectWiseClient> {
    let lookup = Route::get(
        "/login/companyinfo/northw",
        r#"{"CompanyName":"Northwind IT","Codebase":"v2026_1/","CompanyID":"northw","IsCloud":true,"SiteUrl":"api-na.myconnectwise.net"}"#,
    );
    table()
        .probe(
            Probe::new(
                "a company",
                at("/company/companies/45", r#"{"id":45,"name":"Oak Legal"}"#),
                |client: ConnectWiseClient| async move {
                    Ok(format!("{:?}", client.company(45).await?.name))
                },
            )
            .brief()
            .all_optional()
            .field(Field::whole_id("/id").optional()),
        )
        .probe(
            Probe::new(
                "an addition",
                at("/finance/agreements/88/additions/9", ADDITION),
                |client: ConnectWiseClient| async move {
                    let quantity = client.addition(88, 9).await?.quantity;
                    Ok(format!("{:?}", quantity.map(Quantity::new)))
                },
            )
            .brief()
            .all_optional()
            .field(Field::whole_id("/product/id").optional().named("`id`"))
            .field(Field::quantity("/quantity").optional()),
        )
        .probe(
            Probe::new(
                "an item of the catalogue",
                at(
                    "/procurement/catalog/512",
                    r#"{"id":512,"price":9.5,"cost":7.25}"#,
                ),
                |client: ConnectWiseClient| async move {
                    let price = client.catalog_item(512).await?.price;
                    Ok(format!("{:?}", price.map(Quantity::new)))
                },
            )
            .brief()
            .all_optional()
            .field(Field::quantity("/price").optional()),
        )
        .probe(
            Probe::new(
                "the system",
                at(
                    "/system/info",
                    r#"{"version":"v2026.4.112233","isCloud":true}"#,
                ),
                |client: ConnectWiseClient| async move {
                    Ok(format!("{:?}", client.system_info().await?.version))
                },
            )
            .brief()
            .all_optional(),
        )
        .probe(
            Probe::new(
                "the lookup",
                lookup,
                |client: ConnectWiseClient| async move {
                    Ok(format!("{:?}", client.company_info().await?.codebase))
                },
            )
            .brief()
            .all_optional(),
        )
}

fn written(verb: &str, path: &str, answer: &str) -> Route {
    Route::new(verb, &format!("{API}{path}"), answer).content_type(MEDIA)
}

/// The writes of the client.
fn writes() -> HostileClient<ConnectWiseClient> {
    table()
        .probe(
            Probe::write(
                "a new addition",
                written("POST", "/finance/agreements/88/additions", ADDITION).status(201),
                |client: ConnectWiseClient| async move {
                    let addition = NewAddition {
                        product: RecordRef::by_id(512),
                        bill_customer: Some(BillCustomer::Billable),
                        ..NewAddition::default()
                    };
                    let created = client.create_addition(88, &addition).await;
                    let quantity = created.map_err(WriteError::from)?.quantity;
                    Ok(format!("{:?}", quantity.map(Quantity::new)))
                },
            )
            .all_optional()
            .field(Field::whole_id("/id").optional())
            .field(Field::quantity("/quantity").optional()),
        )
        .probe(
            Probe::write(
                "a change of an addition",
                written("PATCH", "/finance/agreements/88/additions/9", ADDITION),
                |client: ConnectWiseClient| async move {
                    let patch = Patch::new().replace(FieldName::QUANTITY, Decimal::from(14));
                    let patch = patch.map_err(WriteError::from)?;
                    let changed = client.patch_addition(88, 9, &patch).await;
                    let quantity = changed.map_err(WriteError::from)?.quantity;
                    Ok(format!("{:?}", quantity.map(Quantity::new)))
                },
            )
            .brief()
            .all_optional()
            .field(Field::quantity("/quantity").optional()),
        )
        .probe(
            Probe::write(
                "a change of an agreement",
                written(
                    "PATCH",
                    "/finance/agreements/88",
                    r#"{"id":88,"internalNotes":"Ask for Ada."}"#,
                ),
                |client: ConnectWiseClient| async move {
                    let patch = Patch::new().replace(FieldName::INTERNAL_NOTES, "Ask for Ada.");
                    let patch = patch.map_err(WriteError::from)?;
                    let changed = client.patch_agreement(88, &patch).await;
                    Ok(format!(
                        "{:?}",
                        changed.map_err(WriteError::from)?.internal_notes
                    ))
                },
            )
            .brief()
            .all_optional()
            .field(Field::whole_id("/id").optional()),
        )
        .probe(
            Probe::write(
                "a new agreement",
                written(
                    "POST",
                    "/finance/agreements",
                    r#"{"id":90,"name":"Private Cloud"}"#,
                )
                .status(201),
                |client: ConnectWiseClient| async move {
                    let agreement = NewAgreement {
                        name: "Private Cloud".into(),
                        r#type: RecordRef::by_id(14),
                        company: RecordRef::by_identifier("NORTHW"),
                        contact: RecordRef::by_id(107),
                        ..NewAgreement::default()
                    };
                    let created = client.create_agreement(&agreement).await;
                    Ok(format!("{:?}", created.map_err(WriteError::from)?.id))
                },
            )
            .brief()
            .all_optional()
            .field(Field::whole_id("/id").optional()),
        )
        .probe(
            Probe::write(
                "a new product",
                written(
                    "POST",
                    "/procurement/catalog",
                    r#"{"id":512,"identifier":"HYALTO-VDC-RAM"}"#,
                )
                .status(201),
                |client: ConnectWiseClient| async move {
                    let item = NewCatalogItem {
                        identifier: "HYALTO-VDC-RAM".into(),
                        description: "RAM".into(),
                        customer_description: "RAM".into(),
                        subcategory: RecordRef::by_id(2),
                        r#type: RecordRef::by_id(1),
                        ..NewCatalogItem::default()
                    };
                    let created = client.create_catalog_item(&item).await;
                    Ok(format!("{:?}", created.map_err(WriteError::from)?.id))
                },
            )
            .brief()
            .all_optional()
            .field(Field::whole_id("/id").optional()),
        )
}

const AGREEMENT: &str = r#"{"id":88,"company":{"id":45},"billStartDate":"2026-01-01T00:00:00Z","nextInvoiceDate":"2026-04-01T00:00:00Z","prorateFlag":false,"currency":{"currencyCode":"USD"}}"#;

fn change(action: Action) -> Change {
    let day = "2026-04-01".parse().unwrap();
    Change::new("abc123", "45", "88", "512", action, day)
}

/// What the sink makes of the answer to a write: its receipt needs an id, and whatever is wrong leaves the outcome open.
fn sink_writes() -> HostileClient<std::sync::Arc<ConnectWiseSink>> {
    let create = || {
        change(Action::CreateLine {
            quantity: 14_u32.into(),
            unit_cost: None,
            unit_price: None,
            last_day: None,
            like: None,
        })
    };
    let set = || {
        change(Action::SetQuantity {
            line: "9".into(),
            from: 12_u32.into(),
            to: 14_u32.into(),
        })
    };
    let execute = |change: Change| {
        move |sink: std::sync::Arc<ConnectWiseSink>| {
            let change = change.clone();
            async move {
                let receipt = sink.execute(&change).await?;
                Ok(receipt
                    .line
                    .map(|line| line.to_string())
                    .unwrap_or_default())
            }
        }
    };
    HostileClient::new("connectwise", |base| Ok(std::sync::Arc::new(sink(base)?)))
        .max_body(MAX_BODY)
        .route(at("/finance/agreements/88", AGREEMENT))
        .route(at("/finance/agreements/88/additions/9", ADDITION))
        .probe(
            Probe::write(
                "a created line",
                written("POST", "/finance/agreements/88/additions", ADDITION).status(201),
                execute(create()),
            )
            .field(Field::whole_id("/id")),
        )
        .probe(
            Probe::write(
                "a changed quantity",
                written("PATCH", "/finance/agreements/88/additions/9", ADDITION),
                execute(set()),
            )
            .brief()
            .all_optional()
            .field(Field::quantity("/unitPrice").optional()),
        )
}

#[test]
fn every_operation_is_in_a_table_of_hostile_answers_or_excused() {
    let covered = main_table().covered();
    let covered = [lists(), records(), writes()]
        .iter()
        .fold(covered, |all, table| all.and(table.covered()));
    assert_eq!(covers(operations::ALL, &covered, &EXCUSED), Ok(()));
}

#[tokio::test]
async fn no_answer_to_a_list_or_count_harms_the_client_and_every_wrong_one_is_named() {
    let report = lists().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_about_one_record_harms_the_client_and_every_wrong_one_is_named() {
    let report = records().run().await;
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
async fn no_answer_to_a_write_harms_the_sink_and_none_makes_it_certain() {
    let report = sink_writes().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}
