//! The client and the sink against hostile answers.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod raw;

use raw::{
    CATALOG, COMPANIES, CYCLES, MAX_BODY, additions_of, agreements, at, connect, main_table, sink,
};
use tallyline_connectwise::{ConnectWiseClient, ListOptions, PagingStyle};
use tallyline_testkit::hostile::{Field, HostileClient, HostileStreams, Paging, Probe};

#[tokio::test]
async fn no_answer_harms_the_client_and_every_wrong_one_is_named() {
    let report = main_table().run().await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn no_list_read_forward_only_goes_on_for_ever() {
    let report = HostileClient::new("connectwise", |base| {
        connect(PagingStyle::ForwardOnly, base)
    })
    .max_body(MAX_BODY)
    .probe(
        Probe::new(
            "companies",
            at("/company/companies", COMPANIES),
            |client: ConnectWiseClient| async move {
                let companies = client.companies(&ListOptions::default());
                Ok(companies.try_collect_all(1000).await?.len().to_string())
            },
        )
        .paging(Paging::LinkHeader("pageId")),
    )
    .run()
    .await;
    println!("{} cases", report.cases());
    report.assert_held();
}

#[tokio::test]
async fn a_hostile_answer_for_one_agreement_fails_that_agreement_alone() {
    let report = HostileStreams::sink("connectwise", sink, "71", additions_of(71), "500")
        .max_body(MAX_BODY)
        .route(at("/company/companies", COMPANIES))
        .route(at("/finance/billingCycles", CYCLES))
        .route(at("/procurement/catalog", CATALOG))
        .route(at("/finance/agreements", agreements()))
        .route(additions_of(70))
        .route(additions_of(71))
        .route(additions_of(72))
        .field(Field::quantity("/1/quantity").named("271"))
        .field(Field::whole_id("/1/product/id").named("271"))
        .field(Field::whole_id("/1/id"))
        .field(Field::date("/1/effectiveDate").named("271"))
        .field(Field::name("/1/description").named("271"))
        .run()
        .await;
    println!("{} cases", report.cases());
    report.assert_held();
}
