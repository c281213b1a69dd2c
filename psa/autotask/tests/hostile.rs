//! The client and the sink against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use common::PERIODS;
use raw::{
    MAX_BODY, contract, contract_route, list, lookup_table, main_table, posted, route, services,
    sink, units,
};
use tallyline_testkit::hostile::{Field, HostileStreams};

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = main_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_answer_to_the_lookup_harms_the_client() {
    let report = lookup_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn a_hostile_answer_for_one_agreement_fails_that_agreement_alone() {
    let contracts = [contract(70), contract(71), contract(72)].join(",");
    let report = HostileStreams::sink("autotask", sink, "71", units(71), "31")
        .max_body(MAX_BODY)
        .route(list(
            "/Companies/query",
            r#"{"id":45,"companyName":"Oak Legal","isActive":true}"#,
        ))
        .route(list(
            "/Services/query",
            r#"{"id":31,"name":"Mail","sku":"MAIL","isActive":true}"#,
        ))
        .route(list("/Contracts/query", &contracts))
        .route(route("/Contracts/entityInformation/fields", PERIODS))
        .route(contract_route(70))
        .route(contract_route(71))
        .route(contract_route(72))
        .route(posted())
        .route(services(70))
        .route(services(71))
        .route(services(72))
        .route(units(70))
        .route(units(71))
        .route(units(72))
        .field(Field::quantity("/items/1/units").named("271"))
        .field(Field::whole_id("/items/1/contractServiceID").named("271"))
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
