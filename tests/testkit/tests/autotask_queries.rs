//! Queries of the simulated Autotask over a raw socket: their grammar, and what they find.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use support::autotask::{CODE, JSON, ROOT, SECRET, UDF, USER, tenant};
use support::encoded;
use tallyline_testkit::autotask::Entity;

const ALL: &str = r#"{"op":"gte","field":"id","value":0}"#;

#[tokio::test]
async fn a_query_by_get_and_by_post_answer_the_same_and_are_counted() {
    let tenant = tenant().await;
    let query = format!(r#"{{"filter":[{ALL}]}}"#);
    let got = tenant.search("BillingCodes", &query).await;
    let posted = tenant.post("/BillingCodes/query", &query).await;
    assert_eq!(got.item_ids(), posted.item_ids());
    assert_eq!(got.item_ids().len(), 3);
    let count = tenant.post("/BillingCodes/query/count", &query).await;
    assert_eq!(count.body, r#"{"queryCount":3}"#);
    let path = format!("/BillingCodes/query/count?search={}", encoded(&query));
    assert_eq!(tenant.get(&path).await.body, r#"{"queryCount":3}"#);
}

#[tokio::test]
async fn names_in_a_query_do_not_mind_letter_case_but_operators_do() {
    let tenant = tenant().await;
    tenant.sim.expect_violations(
        "names as the vendor's own examples write them",
        &[
            "request body /Filter",
            "request body /IncludeFields",
            "request body /MaxRecords",
        ],
    );
    let query = r#"{"MaxRecords":5,"IncludeFields":["ID","CompanyName"],"Filter":[{"op":"eq","field":"COMPANYNAME","value":"northwind"}]}"#;
    let found = tenant.post("/Companies/query", query).await;
    let names: Vec<String> = found.items()[0]
        .members()
        .unwrap()
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(names, ["id", "companyName", "userDefinedFields"]);
    let wrong = tenant
        .query("Companies", r#"{"op":"Eq","field":"id","value":0}"#)
        .await;
    assert_eq!(wrong.refusal(), (500, "'Eq' is no operator.".to_owned()));
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let tenant = tenant().await;
    tenant.sim.with_state(|state| {
        for (name, number) in [("Cedar Bay", Some("A-1")), ("Cedar Creek", None)] {
            let id = state.add_company(name);
            state.edit(Entity::Companies, id, |company| {
                company.set("companyNumber", number);
            });
        }
    });
    for (filter, count) in [
        (
            r#"{"op":"eq","field":"companyName","value":"CEDAR bay"}"#,
            1,
        ),
        (
            r#"{"op":"noteq","field":"companyName","value":"Cedar Bay"}"#,
            3,
        ),
        (r#"{"op":"gt","field":"id","value":0}"#, 3),
        (r#"{"op":"lte","field":"id","value":0}"#, 1),
        (r#"{"op":"lt","field":"id","value":0}"#, 0),
        (
            r#"{"op":"beginsWith","field":"companyName","value":"cedar"}"#,
            2,
        ),
        (
            r#"{"op":"endsWith","field":"companyName","value":"Creek"}"#,
            1,
        ),
        (
            r#"{"op":"contains","field":"companyName","value":"dar"}"#,
            2,
        ),
        (r#"{"op":"exist","field":"companyNumber"}"#, 1),
        (r#"{"op":"notExist","field":"companyNumber"}"#, 3),
        (
            r#"{"op":"in","field":"companyName","value":["Cedar Bay","Northwind"]}"#,
            2,
        ),
        (
            r#"{"op":"notIn","field":"companyName","value":["Cedar Bay","Northwind"]}"#,
            2,
        ),
        // Nothing compares with what is absent.
        (r#"{"op":"noteq","field":"companyNumber","value":"B-2"}"#, 1),
        (
            r#"{"op":"or","items":[{"op":"eq","field":"id","value":0},{"op":"and","items":[{"op":"contains","field":"companyName","value":"Cedar"},{"op":"exist","field":"companyNumber"}]}]}"#,
            2,
        ),
        // Entries beside each other must all hold.
        (
            r#"{"op":"gt","field":"id","value":0},{"op":"contains","field":"companyName","value":"Bay"}"#,
            1,
        ),
        (r#"{"op":"eq","field":"isActive","value":true}"#, 4),
    ] {
        assert_eq!(
            tenant.found("Companies", filter).await.len(),
            count,
            "{filter}"
        );
    }
}

#[tokio::test]
async fn dates_are_compared_as_instants_in_every_form_they_are_sent() {
    let tenant = tenant().await;
    for (op, value, count) in [
        ("eq", "2026-01-01", 1),
        ("eq", "2026-01-01T00:00:00", 1),
        ("eq", "2026-01-01T00:00:00Z", 1),
        ("gte", "2026-01-01T00:00:01", 0),
        ("lt", "2026-01-02", 1),
    ] {
        let filter = format!(r#"{{"op":"{op}","field":"startDate","value":"{value}"}}"#);
        assert_eq!(
            tenant.found("Contracts", &filter).await.len(),
            count,
            "{filter}"
        );
    }
    let words = r#"{"op":"gt","field":"startDate","value":"yesterday"}"#;
    let (status, text) = tenant.query("Contracts", words).await.refusal();
    assert!(
        status == 500 && text.starts_with("Conversion failed"),
        "{text}"
    );
}

#[tokio::test]
async fn a_number_written_as_a_text_matches_nothing_and_says_nothing() {
    let tenant = tenant().await;
    let id = tenant.contract;
    let text = format!(r#"{{"op":"eq","field":"id","value":"{id}"}}"#);
    assert!(tenant.found("Contracts", &text).await.is_empty());
    let list = format!(r#"{{"op":"in","field":"id","value":["{id}"]}}"#);
    assert!(tenant.found("Contracts", &list).await.is_empty());
    let number = format!(r#"{{"op":"eq","field":"id","value":{id}}}"#);
    assert_eq!(tenant.found("Contracts", &number).await, [id]);
}

#[tokio::test]
async fn a_label_where_the_picklist_has_a_number_is_a_failed_conversion() {
    let tenant = tenant().await;
    let label = r#"{"op":"eq","field":"contractType","value":"Recurring Service"}"#;
    assert_eq!(
        tenant.query("Contracts", label).await.refusal(),
        (
            500,
            "Conversion failed when converting the varchar value 'Recurring Service' to data type int.".to_owned()
        )
    );
}

#[tokio::test]
async fn unknown_fields_are_refused_in_filters_and_in_the_fields_to_include() {
    let tenant = tenant().await;
    let filter = r#"{"op":"eq","field":"isActive","value":true}"#;
    assert_eq!(
        tenant.query("Contracts", filter).await.refusal(),
        (
            500,
            "Unable to find isActive in the Contract Entity.".to_owned()
        )
    );
    let include = format!(r#"{{"includeFields":["quantity"],"filter":[{ALL}]}}"#);
    let refused = tenant.post("/ContractServices/query", &include).await;
    assert_eq!(refused.refusal().0, 500);
}

#[tokio::test]
async fn a_user_defined_field_is_found_with_its_flag_only_and_once_per_query() {
    let tenant = tenant().await;
    tenant.sim.with_state(|state| {
        state.edit(Entity::Contracts, tenant.contract, |contract| {
            contract.udfs.insert(UDF.to_owned(), "A1B2-0001".to_owned());
        });
        state.add_udf(Entity::Contracts, "Second");
        state.add_contract(tenant.company, "Another");
    });
    let own = format!(r#"{{"op":"eq","field":"{UDF}","udf":true,"value":"A1B2-0001"}}"#);
    assert_eq!(tenant.found("Contracts", &own).await, [tenant.contract]);
    let both = format!(r#"{own},{{"op":"eq","field":"contractType","value":7}}"#);
    assert_eq!(tenant.found("Contracts", &both).await, [tenant.contract]);
    let plain = format!(r#"{{"op":"eq","field":"{UDF}","value":"A1B2-0001"}}"#);
    assert_eq!(
        tenant.query("Contracts", &plain).await.refusal().1,
        "Unable to find Subscription ID in the Contract Entity."
    );
    let unknown = r#"{"op":"eq","field":"Third","udf":true,"value":"x"}"#;
    assert_eq!(tenant.query("Contracts", unknown).await.status, 500);
    let two = format!(r#"{own},{{"op":"exist","field":"Second","udf":true}}"#);
    assert_eq!(
        tenant.query("Contracts", &two).await.refusal(),
        (
            500,
            "Only one user-defined field condition is allowed per query.".to_owned()
        )
    );
}

#[tokio::test]
async fn more_than_500_choices_are_refused_as_values_or_as_conditions() {
    let tenant = tenant().await;
    let values = |count: i64| {
        let ids: Vec<String> = (0..count).map(|id| id.to_string()).collect();
        format!(r#"{{"op":"in","field":"id","value":[{}]}}"#, ids.join(","))
    };
    assert_eq!(tenant.found("Companies", &values(500)).await, [0]);
    assert_eq!(tenant.query("Companies", &values(501)).await.status, 500);
    let parts: Vec<String> = (0..501)
        .map(|id| format!(r#"{{"op":"eq","field":"id","value":{id}}}"#))
        .collect();
    let any = format!(r#"{{"op":"or","items":[{}]}}"#, parts.join(","));
    let (status, text) = tenant.query("Companies", &any).await.refusal();
    assert!(
        status == 500 && text.contains("500 OR conditions"),
        "{text}"
    );
}

#[tokio::test]
async fn a_query_without_a_filter_or_beyond_500_rows_is_refused() {
    let tenant = tenant().await;
    for (body, text) in [
        (r#"{"filter":[]}"#, "At least one filter is required."),
        (r#"{"maxRecords":5}"#, "At least one filter is required."),
        (
            r#"{"maxRecords":501,"filter":[{"op":"gte","field":"id","value":0}]}"#,
            "MaxRecords must be a value from 1 to 500.",
        ),
        (
            r#"{"maxRecords":0,"filter":[{"op":"gte","field":"id","value":0}]}"#,
            "MaxRecords must be a value from 1 to 500.",
        ),
        (
            r#"{"filter":[{"op":"exist","field":"id","value":1}]}"#,
            "exist and notExist have no value.",
        ),
        (
            r#"{"filter":[{"op":"contains","field":"id","value":1}]}"#,
            "id cannot be searched for a part of a text.",
        ),
        (
            r#"{"filter":[{"op":"or","items":[]}]}"#,
            "A group holds at least one condition.",
        ),
    ] {
        let refused = tenant.post("/Companies/query", body).await;
        assert_eq!(refused.refusal(), (500, text.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_json_or_no_query_is_a_400() {
    let tenant = tenant().await;
    tenant.sim.expect_violations(
        "bodies that are no query",
        &[
            "request body: no JSON",
            "request body /filter/0",
            "request body /sort",
            "header /content-type",
        ],
    );
    for body in ["{", r#"{"filter":[1]}"#, r#"{"sort":"id"}"#] {
        let refused = tenant.post("/Companies/query", body).await;
        assert_eq!(refused.status, 400, "{body}");
    }
    let headers = [CODE, USER, SECRET];
    let path = format!("{ROOT}/Companies/query");
    let untyped = tenant.raw("POST", &path, &headers, "{}").await;
    assert_eq!(untyped.status, 415);
    let headers = [CODE, USER, SECRET, JSON, ("Content-Encoding", "gzip")];
    let zipped = tenant.raw("POST", &path, &headers, "{}").await;
    assert_eq!(zipped.status, 500);
}
