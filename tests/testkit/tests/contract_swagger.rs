//! The contract checks on a Swagger 2.0 document: Autotask's.

#![allow(clippy::print_stderr, reason = "a skip is said")]

use tallyline_testkit::contract::{self, System, check_exchange};

const ROOT: &str = "/ATServicesRest/V1.0";

fn checked() -> bool {
    if let Some(why) = contract::skipped() {
        eprintln!("skipped: {why}");
        return false;
    }
    true
}

fn broken(method: &str, target: &str, body: &str, answer: Option<(u16, &str)>) -> String {
    let headers = [
        ("ApiIntegrationCode", "x"),
        ("UserName", "x"),
        ("Secret", "x"),
        ("Content-Type", "application/json"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    check_exchange(System::Autotask, method, target, &headers, body, answer)
        .err()
        .unwrap_or_default()
        .join("\n")
}

#[test]
fn an_exchange_that_keeps_the_document_passes_whatever_the_case_of_its_path() {
    let query = r#"{"maxRecords":500,"includeFields":["id"],"filter":[
        {"op":"gte","field":"id","value":0},
        {"op":"or","items":[{"op":"in","field":"companyID","value":[1,2]},{"op":"eq","field":"Subscription ID","udf":true,"value":"x"}]}]}"#;
    let answer = r#"{"items":[{"id":7,"contractName":null,"startDate":"2026-11-01T00:00:00","setupFee":0.0000,
        "userDefinedFields":[{"name":"Subscription ID","value":null}]}],
        "pageDetails":{"count":1,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}"#;
    for root in [ROOT, "/atservicesrest/v1.0", "/ATServicesRest/v1.0"] {
        let path = format!("{root}/contracts/query");
        assert_eq!(broken("POST", &path, query, Some((200, answer))), "");
    }
    let adjustment = r#"{"contractID":7,"contractServiceID":9,"effectiveDate":"2026-12-01","unitChange":-3,"adjustedUnitPrice":9.5000}"#;
    let path = format!("{ROOT}/Contracts/7/ServiceAdjustments");
    for id in ["12", "\"12\""] {
        let answer = format!(r#"{{"itemId":{id}}}"#);
        assert_eq!(broken("POST", &path, adjustment, Some((200, &answer))), "");
    }
    let missing = (200, r#"{"item":null}"#);
    assert_eq!(
        broken("GET", &format!("{ROOT}/Services/3"), "", Some(missing)),
        ""
    );
}

#[test]
fn what_the_document_does_not_name_is_reported() {
    if !checked() {
        return;
    }
    let adjust = format!("{ROOT}/Contracts/7/ServiceAdjustments");
    for (method, target, body, answer, expected) in [
        (
            "PATCH",
            format!("{ROOT}/Contracts/7"),
            "{}",
            None,
            "not with this method",
        ),
        (
            "GET",
            format!("{ROOT}/ContractServiceAdjustments/query"),
            "",
            None,
            "no such path",
        ),
        (
            "GET",
            format!("{ROOT}/Contracts/x"),
            "",
            None,
            "path /id: \"x\" is not of type \"integer\"",
        ),
        (
            "POST",
            adjust.clone(),
            r#"{"unitChange":1.5}"#,
            None,
            "request body /unitChange: 1.5 is not of type \"integer\"",
        ),
        (
            "POST",
            adjust.clone(),
            r#"{"effectiveDate":"December"}"#,
            None,
            "request body /effectiveDate:",
        ),
        (
            "POST",
            adjust.clone(),
            r#"{"contractID":null}"#,
            None,
            "request body /contractID: null is not of type \"integer\"",
        ),
        (
            "POST",
            adjust.clone(),
            r#"{"quantity":5}"#,
            None,
            "no member 'quantity' here",
        ),
        (
            "POST",
            adjust,
            r#"{"soapParentPropertyId":7}"#,
            None,
            "no member 'soapParentPropertyId' here",
        ),
        (
            "GET",
            format!("{ROOT}/ContractServices/9"),
            "",
            Some((200, r#"{"item":{"adjustedPrice":1}}"#)),
            "answer body /item/adjustedPrice:",
        ),
        (
            "GET",
            format!("{ROOT}/ContractServices/9"),
            "",
            Some((200, "null")),
            "answer body: null is not of type \"object\"",
        ),
    ] {
        let found = broken(method, &target, body, answer);
        assert!(found.contains(expected), "{target} {body}: {found:?}");
    }
}
