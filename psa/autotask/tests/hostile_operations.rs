//! Every operation of the client against hostile answers, and the sink's writes.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use std::sync::Arc;

use common::{API, CHARGE_TYPES, LINE, PERIODS};
use raw::{MAX_BODY, PAGE, at, connect, lookup_table, main_table, route};
use tallyline_autotask::models::{
    ContractChargePatch, ContractPatch, ContractServicePatch, NewContract, NewContractCharge,
    NewContractService, NewProduct, NewService, ServicePatch,
};
use tallyline_autotask::operations::{self, EntityOperations};
use tallyline_autotask::query::Query;
use tallyline_autotask::{AutotaskClient, AutotaskSink, ContractSetup, QueryStyle};
use tallyline_core::model::{AgreementLineId, BillKey, BillingCycle, Money, Quantity, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::WriteError;
use tallyline_core::{PsaSink, Result};
use tallyline_testkit::hostile::{Field, HostileClient, Probe, covers};
use tallyline_testkit::raw::Route;

/// A client for each call: one keeps the fields of entities.
fn table() -> HostileClient<String> {
    HostileClient::new("autotask", |base: &str| Ok(base.to_owned())).max_body(MAX_BODY)
}

fn client(base: &str) -> Result<AutotaskClient> {
    connect(at(base), None)
}

/// The same, whose queries go into bodies.
fn posting(base: &str) -> Result<AutotaskClient> {
    raw::connect_with(at(base), None, QueryStyle::Post)
}

/// A value of a record, where it has a figure.
fn figure(path: &str, figure: Option<&str>) -> Option<Field> {
    let name = figure?;
    let field = Field::quantity(&format!("{path}/{name}")).optional();
    Some(field.named(&format!("`{name}`")))
}

/// With a field, where there is one.
fn with<C>(probe: Probe<C>, field: Option<Field>) -> Probe<C> {
    match field {
        Some(field) => probe.field(field),
        None => probe,
    }
}

/// The reads of an entity: its list and its count in the URL and in the body, and one record.
macro_rules! reads {
    ($entity:ident, $list:ident, $count:ident, $get:ident, $record:literal, $figure:expr, $shown:expr) => {{
        let entity: &EntityOperations = &operations::$entity;
        let at = |path: &str| format!("/{}/{path}", entity.entity);
        let page = || format!(r#"{{"items":[{}],{PAGE}}}"#, $record);
        let item = format!(r#"{{"item":{}}}"#, $record);
        let list = |client: AutotaskClient| async move {
            let found = client.$list(&Query::all()).try_collect_all(1000).await?;
            let found: Vec<_> = found.iter().map($shown).collect();
            Ok(format!("{found:?}"))
        };
        let count = |client: AutotaskClient| async move {
            Ok(client.$count(&Query::all()).await?.to_string())
        };
        let posted = |path: &str, answer: String| {
            Route::post(&format!("{API}{path}"), answer)
                .content_type("application/json; charset=utf-8")
        };
        let id = || Field::whole_id("/items/0/id").optional();
        let counted = || r#"{"queryCount":12}"#.to_owned();
        [
            with(
                Probe::new(
                    entity.query.name,
                    route(&at("query"), page()),
                    move |base: String| async move { list(client(&base)?).await },
                ),
                figure("/items/0", $figure),
            )
            .field(id()),
            with(
                Probe::new(
                    entity.query_post.name,
                    posted(&at("query"), page()),
                    move |base: String| async move { list(posting(&base)?).await },
                ),
                None,
            )
            .field(id()),
            Probe::new(
                entity.count.name,
                route(&at("query/count"), counted()),
                move |base: String| async move { count(client(&base)?).await },
            )
            .field(Field::whole_id("/queryCount")),
            Probe::new(
                entity.count_post.name,
                posted(&at("query/count"), counted()),
                move |base: String| async move { count(posting(&base)?).await },
            )
            .field(Field::whole_id("/queryCount")),
            with(
                Probe::new(
                    entity.get.name,
                    route(&at("3"), item),
                    |base: String| async move {
                        let found = client(&base)?.$get(3).await?;
                        Ok(format!("{:?}", Some(&found).map($shown)))
                    },
                ),
                figure("/item", $figure),
            ),
        ]
    }};
}

/// The records of all entities.
fn entities() -> HostileClient<String> {
    let probes = [
        reads!(
            COMPANIES,
            companies,
            count_companies,
            company,
            r#"{"id":3,"companyName":"Fern"}"#,
            None,
            |it| it.id
        ),
        reads!(
            CONTRACTS,
            contracts,
            count_contracts,
            contract,
            r#"{"id":3,"setupFee":12}"#,
            Some("setupFee"),
            |it| it.setup_fee.map(Quantity::new)
        ),
        reads!(
            CONTRACT_SERVICES,
            contract_services,
            count_contract_services,
            contract_service,
            r#"{"id":3,"unitPrice":12}"#,
            Some("unitPrice"),
            |it| it.unit_price.map(Quantity::new)
        ),
        reads!(
            CONTRACT_SERVICE_UNITS,
            contract_service_units,
            count_contract_service_units,
            contract_service_unit,
            r#"{"id":3,"units":12}"#,
            Some("units"),
            |it| it.units.map(Quantity::new)
        ),
        reads!(
            CONTRACT_SERVICE_BUNDLES,
            contract_service_bundles,
            count_contract_service_bundles,
            contract_service_bundle,
            r#"{"id":3,"adjustedPrice":12}"#,
            Some("adjustedPrice"),
            |it| it.adjusted_price.map(Quantity::new)
        ),
        reads!(
            CONTRACT_SERVICE_BUNDLE_UNITS,
            contract_service_bundle_units,
            count_contract_service_bundle_units,
            contract_service_bundle_unit,
            r#"{"id":3,"units":12}"#,
            Some("units"),
            |it| it.units.map(Quantity::new)
        ),
        reads!(
            CONTRACT_CHARGES,
            contract_charges,
            count_contract_charges,
            contract_charge,
            r#"{"id":3,"unitQuantity":12}"#,
            Some("unitQuantity"),
            |it| it.unit_quantity.map(Quantity::new)
        ),
        reads!(
            SERVICES,
            services,
            count_services,
            service,
            r#"{"id":3,"unitCost":12}"#,
            Some("unitCost"),
            |it| it.unit_cost.map(Quantity::new)
        ),
        reads!(
            SERVICE_BUNDLES,
            service_bundles,
            count_service_bundles,
            service_bundle,
            r#"{"id":3,"unitPrice":12}"#,
            Some("unitPrice"),
            |it| it.unit_price.map(Quantity::new)
        ),
        reads!(
            PRODUCTS,
            products,
            count_products,
            product,
            r#"{"id":3,"unitPrice":12}"#,
            Some("unitPrice"),
            |it| it.unit_price.map(Quantity::new)
        ),
        reads!(
            BILLING_CODES,
            billing_codes,
            count_billing_codes,
            billing_code,
            r#"{"id":3,"name":"Recurring"}"#,
            None,
            |it| it.id
        ),
        reads!(
            UDF_DEFINITIONS,
            udf_definitions,
            count_udf_definitions,
            udf_definition,
            r#"{"id":3,"name":"Subscription ID"}"#,
            None,
            |it| it.id
        ),
    ];
    let probes = probes.into_iter().flatten();
    // Companies are listed, contracts read and counted in the table of a sync, with every case.
    let known = ["companies.query", "companies.count"];
    probes
        .filter(|probe| !known.contains(&probe.name()))
        .fold(table(), |table, probe| table.probe(probe.brief()))
}

/// What the API says about its entities.
fn metadata() -> HostileClient<String> {
    let info = r#"{"info":{"name":"Contract","canCreate":true,"userAccessForCreate":"All"}}"#;
    let fields = r#"{"fields":[{"name":"status","isPickList":true,"picklistValues":[{"value":"1","label":"Active"}]}]}"#;
    let udfs =
        r#"{"fields":[{"name":"Subscription ID","label":"Subscription ID","type":"string"}]}"#;
    let mut all = table();
    for entity in operations::ENTITIES {
        let at = |path: &str| format!("/{}/entityInformation{path}", entity.entity);
        all = all
            .probe(
                Probe::new(
                    entity.info.name,
                    route(&at(""), info),
                    move |base: String| async move {
                        Ok(format!(
                            "{:?}",
                            client(&base)?.entity_info(entity).await?.name
                        ))
                    },
                )
                .brief(),
            )
            .probe(
                Probe::new(
                    entity.fields.name,
                    route(&at("/fields"), fields),
                    move |base: String| async move {
                        let fields = client(&base)?.fields(entity).await?;
                        let names: Vec<_> = fields.iter().map(|field| &field.name).collect();
                        Ok(format!("{names:?}"))
                    },
                )
                .brief(),
            )
            .probe(
                Probe::new(
                    entity.udfs.name,
                    route(&at("/userDefinedFields"), udfs),
                    move |base: String| async move {
                        let fields = client(&base)?.user_defined_fields(entity).await?;
                        let names: Vec<_> = fields.iter().map(|field| &field.name).collect();
                        Ok(format!("{names:?}"))
                    },
                )
                .brief(),
            );
    }
    all.probe(
        Probe::new(
            "adjustments.info",
            route("/ContractServiceAdjustments/entityInformation", info),
            |base: String| async move {
                Ok(format!("{:?}", client(&base)?.adjustments_info().await?.name))
            },
        )
        .brief(),
    )
    .probe(
        Probe::new(
            "versions",
            Route::get(
                &format!("{}/VersionInformation", common::ROOT),
                r#"{"apiVersions":["1.0"]}"#,
            ),
            |base: String| async move {
                Ok(format!("{:?}", client(&base)?.api_versions().await?.api_versions))
            },
        )
        .brief()
        .all_optional(),
    )
    .probe(
        Probe::new(
            "threshold",
            route(
                "/ThresholdInformation",
                r#"{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":318}"#,
            ),
            |base: String| async move {
                let told = client(&base)?.threshold_information().await?;
                Ok(format!("{:?}", told.external_request_threshold))
            },
        )
        .brief()
        .all_optional()
        .field(Field::whole_id("/externalRequestThreshold").optional()),
    )
}

/// A write: what is sent where, and the call.
macro_rules! write {
    ($name:literal, $verb:literal, $path:literal, $call:expr) => {
        Probe::write(
            $name,
            Route::new($verb, &format!("{API}{}", $path), r#"{"itemId":98765}"#),
            |base: String| async move {
                let client = client(&base).map_err(WriteError::from)?;
                let made: Result<i64> = $call(client).await;
                Ok(made.map_err(WriteError::from)?.to_string())
            },
        )
        .brief()
        .field(Field::whole_id("/itemId"))
    };
}

/// The writes that the table of a sync does not have.
fn writes() -> HostileClient<String> {
    table()
        .probe(write!("contracts.create", "POST", "/Contracts", |client: AutotaskClient| async move {
            let (first, last) = ("2026-11-01".parse()?, "2027-10-31".parse()?);
            client.create_contract(&NewContract::new(4021, "CSP", 7, 1, first, last, 0)).await
        }))
        .probe(write!("contracts.patch", "PATCH", "/Contracts", |client: AutotaskClient| async move {
            client.patch_contract(&ContractPatch::new(7)).await
        }))
        .probe(write!("contract_services.create", "POST", "/Contracts/7/Services", |client: AutotaskClient| async move {
            client.create_contract_service(&NewContractService::new(7, 31)).await
        }))
        .probe(write!("contract_services.patch", "PATCH", "/Contracts/7/Services", |client: AutotaskClient| async move {
            client.patch_contract_service(7, &ContractServicePatch::new(9)).await
        }))
        .probe(write!("contract_charges.create", "POST", "/Contracts/7/Charges", |client: AutotaskClient| async move {
            let day = "2026-10-31".parse()?;
            client.create_contract_charge(&NewContractCharge::new(7, "Azure 2026-10", day, 1)).await
        }))
        .probe(write!("contract_charges.patch", "PATCH", "/Contracts/7/Charges", |client: AutotaskClient| async move {
            client.patch_contract_charge(7, &ContractChargePatch::new(5)).await
        }))
        .probe(write!("contract_charges.delete", "DELETE", "/Contracts/7/Charges/5", |client: AutotaskClient| async move {
            client.delete_contract_charge(7, 5).await
        }))
        .probe(write!("services.create", "POST", "/Services", |client: AutotaskClient| async move {
            client.create_service(&NewService::new("Mail A", 2, 9.into(), 77)).await
        }))
        .probe(write!("services.patch", "PATCH", "/Services", |client: AutotaskClient| async move {
            client.patch_service(&ServicePatch::new(31)).await
        }))
        .probe(write!("products.create", "POST", "/Products", |client: AutotaskClient| async move {
            client.create_product(&NewProduct::new("Usage", 77, true, false)).await
        }))
}

/// A change of the sink, on contract 71 and the service of its line.
fn change(action: Action) -> Change {
    let day = "2026-04-01".parse().unwrap();
    Change::new("abc123", "45", "71", "31", action, day)
}

fn money(text: &str) -> Money {
    let amount: Quantity = text.parse().unwrap();
    Money::new(amount.value(), "USD".parse().unwrap())
}

/// A sink that may write all that a sink can.
fn sink(base: &str) -> Result<Arc<AutotaskSink>> {
    let mut setup = ContractSetup::new();
    setup.service_level_agreement = Some(1);
    setup.product_billing_code = Some(77);
    let clock = || Timestamp::from_second(1_773_230_400).unwrap();
    let sink = AutotaskSink::builder()
        .client(client(base)?)
        .currency("USD".parse()?)
        .clock(Arc::new(clock))
        .price_sync(true)
        .cost_sync(true)
        .setup(setup)
        .build();
    Ok(Arc::new(sink))
}

/// A tenant whose contract 71 has service 31 as line 971, with so many units or none.
fn tenant(has_units: bool) -> HostileClient<Arc<AutotaskSink>> {
    let line = LINE.replace(r#""id":9"#, r#""id":971"#);
    let rows = if has_units {
        raw::unit_rows(71)
    } else {
        String::new()
    };
    HostileClient::new("autotask", sink)
        .max_body(MAX_BODY)
        .route(raw::contract_route(71))
        .route(route("/Contracts/entityInformation/fields", PERIODS))
        .route(route(
            "/ContractCharges/entityInformation/fields",
            CHARGE_TYPES,
        ))
        .route(route(
            "/ContractServices/971",
            format!(r#"{{"item":{line}}}"#),
        ))
        .route(raw::list("/ContractServices/query", &line))
        .route(raw::list("/ContractServiceUnits/query", &rows))
        .route(raw::list("/Contracts/query", ""))
        .route(raw::list("/ContractCharges/query", ""))
}

/// The write of a change, and what its receipt says was written.
fn executed(name: &str, verb: &str, path: &str, change: Change) -> Probe<Arc<AutotaskSink>> {
    let write = Route::new(verb, &format!("{API}{path}"), r#"{"itemId":98765}"#);
    let call = move |sink: Arc<AutotaskSink>| {
        let change = change.clone();
        async move {
            let receipt = sink.execute(&change).await?;
            Ok(format!("{:?} {:?}", receipt.line, receipt.made))
        }
    };
    Probe::write(name, write, call).field(Field::whole_id("/itemId"))
}

const ADJUSTMENTS: &str = "/Contracts/71/ServiceAdjustments";

/// What the sink makes of the answers to the changes of a line.
fn sink_changes() -> HostileClient<Arc<AutotaskSink>> {
    let line = || AgreementLineId::new("971");
    let set = Action::SetQuantity {
        line: line(),
        from: 12_u32.into(),
        to: 14_u32.into(),
    };
    let end = Action::EndLine {
        line: line(),
        from: 12_u32.into(),
        last_day: "2026-03-31".parse().unwrap(),
        replaced_by: None,
    };
    let price = Action::SetUnitPrice {
        line: line(),
        from: Some(money("9.5")),
        to: money("9.75"),
    };
    let cost = Action::SetUnitCost {
        line: line(),
        from: Some(money("7.25")),
        to: money("7.5"),
    };
    let patched = executed(
        "a changed cost",
        "PATCH",
        "/Contracts/71/Services",
        change(cost),
    );
    tenant(true)
        .probe(executed(
            "a changed quantity",
            "POST",
            ADJUSTMENTS,
            change(set),
        ))
        .probe(executed("an ended line", "POST", ADJUSTMENTS, change(end)).brief())
        .probe(executed("a changed price", "POST", ADJUSTMENTS, change(price)).brief())
        .probe(patched.brief())
}

/// What the sink makes of the answers to what it creates.
fn sink_creations() -> HostileClient<Arc<AutotaskSink>> {
    let line = Action::CreateLine {
        quantity: 14_u32.into(),
        unit_cost: None,
        unit_price: None,
        last_day: None,
        like: None,
    };
    let agreement = Action::CreateAgreement {
        name: "Mail Plan A".into(),
        billing_cycle: BillingCycle::Monthly,
        last_day: "2027-03-31".parse().ok(),
        parent: None,
    };
    let mut contract = change(agreement);
    contract.agreement = "key:A1".into();
    let day = "2026-04-06".parse().unwrap();
    let mut charge = change(Action::AddCharge {
        account: "c-1".into(),
        bill: BillKey::new("Microsoft Azure", day),
        description: "Azure plan, bill of 2026-04-06".into(),
        quantity: "2.5".parse().unwrap(),
        unit_price: money("812.44"),
        unit_cost: None,
        period: None,
    });
    charge.marker = charge.charge_key().unwrap().marker("cloudmore");
    tenant(false)
        .probe(executed(
            "a created line",
            "POST",
            ADJUSTMENTS,
            change(line),
        ))
        .probe(executed("a created contract", "POST", "/Contracts", contract).brief())
        .probe(executed("an added charge", "POST", "/Contracts/71/Charges", charge).brief())
}

#[test]
fn every_operation_is_in_a_table_of_hostile_answers() {
    let covered = main_table().covered().and(lookup_table().covered());
    let covered = [entities(), metadata(), writes()]
        .iter()
        .fold(covered, |all, table| all.and(table.covered()));
    assert_eq!(covers(operations::all(), &covered, &[]), Ok(()));
}

#[tokio::test]
async fn no_answer_about_records_harms_the_client_and_every_wrong_one_is_named() {
    let report = entities().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_about_entities_harms_the_client() {
    let report = metadata().run().await;
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
async fn no_answer_to_a_change_harms_the_sink_and_none_makes_it_certain() {
    let report = sink_changes().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_to_a_creation_harms_the_sink_and_none_makes_it_certain() {
    let report = sink_creations().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}
