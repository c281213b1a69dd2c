//! The typed client on the wire: every operation, its headers and its exact body.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not take for tests

mod common;

use common::{
    API, CODE, SECRET, Setup, USER, body, client, header, json, mock, on, once, page, requests,
    search, sent,
};
use rust_decimal::Decimal;
use tallyline_autotask::models::{
    Access, ContractChargePatch, ContractPatch, ContractServicePatch, NewContract,
    NewContractCharge, NewContractService, NewContractServiceAdjustment, NewProduct, NewService,
    ServicePatch, UserDefinedField,
};
use tallyline_autotask::query::{Field, Query};
use tallyline_autotask::{QueryStyle, operations};
use tallyline_core::ErrorKind;
use tallyline_core::http::Idempotency;
use tallyline_core::model::CivilDate;
use wiremock::ResponseTemplate;

fn day(text: &str) -> CivilDate {
    text.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[tokio::test]
async fn every_call_carries_the_three_headers_and_writes_the_resource_they_are_made_as() {
    let server = mock().await;
    on(&server, "GET", "/Contracts/7", json(r#"{"item":{"id":7}}"#)).await;
    on(&server, "PATCH", "/Contracts", json(r#"{"itemId":7}"#)).await;
    let setup = Setup {
        impersonate: Some(29_682_885),
        ..Setup::default()
    };
    let client = setup.client(&server);
    client.contract(7).await.unwrap();
    client.patch_contract(&ContractPatch::new(7)).await.unwrap();
    for request in requests(&server).await {
        assert_eq!(
            header(&request, "apiintegrationcode").as_deref(),
            Some(CODE)
        );
        assert_eq!(header(&request, "username").as_deref(), Some(USER));
        assert_eq!(header(&request, "secret").as_deref(), Some(SECRET));
        assert_eq!(
            header(&request, "accept").as_deref(),
            Some("application/json")
        );
        assert_eq!(header(&request, "content-encoding"), None);
        let write = request.method.as_str() != "GET";
        assert_eq!(
            header(&request, "content-type").as_deref(),
            write.then_some("application/json")
        );
        assert_eq!(
            header(&request, "impersonationresourceid").as_deref(),
            write.then_some("29682885")
        );
    }
}

#[tokio::test]
async fn versions_and_thresholds_are_read_and_the_version_stands_above_the_api() {
    let server = mock().await;
    wiremock::Mock::given(wiremock::matchers::path(
        "/ATServicesRest/VersionInformation",
    ))
    .respond_with(json(r#"{"apiVersions":["1.0"]}"#))
    .mount(&server)
    .await;
    on(
        &server,
        "GET",
        "/ThresholdInformation",
        json(r#"{"externalRequestThreshold":10000,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":318}"#),
    )
    .await;
    let client = client(&server);
    assert_eq!(client.api_versions().await.unwrap().api_versions, ["1.0"]);
    for _ in 0..3 {
        let threshold = client.threshold_information().await.unwrap();
        assert_eq!(threshold.current_timeframe_request_count, Some(318));
    }
    assert_eq!(sent(&server, "GET", "/ThresholdInformation").await.len(), 1);
}

#[tokio::test]
async fn records_are_listed_counted_and_read() {
    let server = mock().await;
    let odd = [
        "answer body /items/0/contractPeriodType",
        "answer body /items/0/somethingNew",
    ];
    server.expect_odd_answers("a letter of old data, and a member that is new", &odd);
    on(
        &server,
        "GET",
        "/Contracts/query",
        page(
            r#"{"id":50012345,"companyID":0,"contractName":"CSP","contractType":7,"contractPeriodType":"m","status":1,
            "startDate":"2026-11-01T00:00:00","endDate":"2027-10-31T00:00:00","setupFee":995.0000,"contractNumber":"",
            "userDefinedFields":[{"name":"Subscription ID","value":"A1"}],"somethingNew":{"x":[1]}}"#,
        ),
    )
    .await;
    on(
        &server,
        "GET",
        "/Contracts/query/count",
        json(r#"{"queryCount":12}"#),
    )
    .await;
    on(
        &server,
        "GET",
        "/Contracts/50012345",
        json(r#"{"item":{"id":50012345}}"#),
    )
    .await;
    let client = client(&server);
    let query = Query::matching(Field::COMPANY_ID.equals(0)).only([Field::CONTRACT_NAME]);
    let found = client.contracts(&query).try_collect_all(10).await.unwrap();
    let [contract] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(contract.company_id, Some(0));
    assert!(
        contract
            .contract_type
            .as_ref()
            .is_some_and(|kind| *kind == 7)
    );
    assert_eq!(
        contract.contract_period_type.as_ref().unwrap().as_str(),
        "m"
    );
    assert_eq!(contract.contract_number, None);
    assert_eq!(contract.setup_fee.unwrap().to_string(), "995.0000");
    assert_eq!(
        contract.user_defined_fields,
        [UserDefinedField::new("Subscription ID", "A1")]
    );
    assert_eq!(client.count_contracts(&query).await.unwrap(), 12);
    assert_eq!(
        client.contract(50_012_345).await.unwrap().id,
        Some(50_012_345)
    );
    let asked = sent(&server, "GET", "/Contracts/query").await;
    assert_eq!(
        search(&asked[0]),
        r#"{"maxRecords":500,"includeFields":["id","contractName"],"filter":[{"op":"eq","field":"companyID","value":0}]}"#
    );
}

#[tokio::test]
async fn every_entity_is_read_at_its_own_place() {
    let server = mock().await;
    for entity in operations::ENTITIES {
        let name = entity.entity;
        on(
            &server,
            "GET",
            &format!("/{name}/query"),
            page(r#"{"id":3}"#),
        )
        .await;
        on(
            &server,
            "GET",
            &format!("/{name}/query/count"),
            json(r#"{"queryCount":1}"#),
        )
        .await;
        on(
            &server,
            "GET",
            &format!("/{name}/3"),
            json(r#"{"item":{"id":3}}"#),
        )
        .await;
    }
    let client = client(&server);
    let all = Query::all();
    macro_rules! read {
        ($($list:ident, $count:ident, $get:ident;)+) => {
            $(
                let found = client.$list(&all).try_collect_all(10).await.unwrap();
                assert_eq!(found[0].id, Some(3));
                assert_eq!(client.$count(&all).await.unwrap(), 1);
                assert_eq!(client.$get(3).await.unwrap().id, Some(3));
            )+
        };
    }
    read! {
        companies, count_companies, company;
        contracts, count_contracts, contract;
        contract_services, count_contract_services, contract_service;
        contract_service_units, count_contract_service_units, contract_service_unit;
        contract_service_bundles, count_contract_service_bundles, contract_service_bundle;
        contract_service_bundle_units, count_contract_service_bundle_units, contract_service_bundle_unit;
        contract_charges, count_contract_charges, contract_charge;
        services, count_services, service;
        service_bundles, count_service_bundles, service_bundle;
        products, count_products, product;
        billing_codes, count_billing_codes, billing_code;
        udf_definitions, count_udf_definitions, udf_definition;
    }
    assert_eq!(
        requests(&server).await.len(),
        operations::ENTITIES.len() * 3
    );
}

#[tokio::test]
async fn a_record_that_is_not_there_is_not_found_by_status_and_by_a_null() {
    let server = mock().await;
    on(&server, "GET", "/Services/1", json(r#"{"item":null}"#)).await;
    on(&server, "GET", "/Services/2", ResponseTemplate::new(404)).await;
    on(&server, "GET", "/Services/3", json("[]")).await;
    server.expect_odd_answers("a list in the place of a record", &["[] is not of type"]);
    let client = client(&server);
    for id in [1, 2] {
        let error = client.service(id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    assert_eq!(
        client.service(3).await.unwrap_err().kind(),
        ErrorKind::Protocol
    );
    requests(&server).await;
}

#[tokio::test]
async fn lists_are_walked_from_id_to_id_in_the_url_and_in_the_body() {
    for (style, verb) in [(QueryStyle::Short, "GET"), (QueryStyle::Post, "POST")] {
        let server = mock().await;
        let full = r#"{"id":4},{"id":9}"#;
        once(&server, verb, "/Companies/query", page(full)).await;
        on(&server, verb, "/Companies/query", page(r#"{"id":12}"#)).await;
        let setup = Setup {
            page_size: 2,
            style,
            ..Setup::default()
        };
        let client = setup.client(&server);
        let query = Query::matching(Field::IS_ACTIVE.equals(true));
        let found = client.companies(&query).try_collect_all(10).await.unwrap();
        let ids: Vec<i64> = found.iter().filter_map(|company| company.id).collect();
        assert_eq!(ids, [4, 9, 12]);
        let asked: Vec<String> = requests(&server).await.iter().map(search).collect();
        assert_eq!(
            asked,
            [
                r#"{"maxRecords":2,"filter":[{"op":"eq","field":"isActive","value":true}]}"#,
                r#"{"maxRecords":2,"filter":[{"op":"eq","field":"isActive","value":true},{"op":"gt","field":"id","value":9}]}"#,
            ]
        );
    }
}

#[tokio::test]
async fn a_query_too_long_for_a_url_goes_into_a_body_and_many_values_into_several_queries() {
    let server = mock().await;
    on(&server, "POST", "/Contracts/query", page("")).await;
    on(
        &server,
        "POST",
        "/Contracts/query/count",
        json(r#"{"queryCount":0}"#),
    )
    .await;
    let client = client(&server);
    let companies: Vec<i64> = (1_000_000..1_000_600).collect();
    let mut found = client.contracts_of_companies(&companies, &Query::all());
    assert!(futures::StreamExt::next(&mut found).await.is_none());
    let many = Field::COMPANY_ID.is_one_of(&companies[..300]);
    assert_eq!(
        client
            .count_contracts(&Query::matching(many))
            .await
            .unwrap(),
        0
    );
    let asked = sent(&server, "POST", "/Contracts/query").await;
    let values: Vec<usize> = asked
        .iter()
        .map(|request| {
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            body["filter"][0]["value"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(values, [200, 200, 200]);
    for request in &asked {
        assert_eq!(request.url.query(), None);
    }
}

#[tokio::test]
async fn a_query_beyond_the_limits_is_refused_before_anything_is_sent() {
    let server = mock().await;
    let client = client(&server);
    let many = Query::matching(Field::ID.is_one_of((0..501).collect::<Vec<i64>>()));
    let error = client
        .companies(&many)
        .try_collect_all(1)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.operation(), Some("companies.query"));
    assert_eq!(
        client.count_companies(&many).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert!(requests(&server).await.is_empty());
}

#[tokio::test]
async fn metadata_is_read_and_its_fields_are_kept() {
    let server = mock().await;
    on(
        &server,
        "GET",
        "/Contracts/entityInformation",
        json(r#"{"info":{"name":"Contract","canCreate":true,"userAccessForCreate":"All","hasUserDefinedFields":true}}"#),
    )
    .await;
    on(
        &server,
        "GET",
        "/ContractServiceAdjustments/entityInformation",
        json(r#"{"info":{"canCreate":true,"userAccessForCreate":"None"}}"#),
    )
    .await;
    on(
        &server,
        "GET",
        "/Contracts/entityInformation/fields",
        json(
            r#"{"fields":[{"name":"status","dataType":"integer","isPickList":true,"picklistValues":[
            {"value":"1","label":"Active","isActive":true},{"value":"0","label":"Inactive"}]},
            {"name":"description","dataType":"string","length":2000,"picklistValues":null}]}"#,
        ),
    )
    .await;
    on(
        &server,
        "GET",
        "/Contracts/entityInformation/userDefinedFields",
        json(r#"{"fields":[{"name":"Subscription ID","type":"string","isQueryable":true}]}"#),
    )
    .await;
    let client = client(&server);
    let info = client.entity_info(&operations::CONTRACTS).await.unwrap();
    assert_eq!(info.user_access_for_create, Some(Access::All));
    let info = client.adjustments_info().await.unwrap();
    assert_eq!(info.user_access_for_create, Some(Access::None));
    let status = client
        .picklist(&operations::CONTRACTS, "Status")
        .await
        .unwrap();
    assert!(*status.value_of("active").unwrap() == 1);
    let fields = client.fields(&operations::CONTRACTS).await.unwrap();
    assert_eq!(fields[1].length, Some(2000));
    for (field, kind) in [
        ("nothing", ErrorKind::NotFound),
        ("description", ErrorKind::Invalid),
    ] {
        let error = client
            .picklist(&operations::CONTRACTS, field)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    let asked = sent(&server, "GET", "/Contracts/entityInformation/fields").await;
    assert_eq!(asked.len(), 1);
    let udfs = client
        .user_defined_fields(&operations::CONTRACTS)
        .await
        .unwrap();
    assert_eq!(udfs[0].field_type.as_deref(), Some("string"));
}

#[tokio::test]
async fn an_adjustment_is_posted_below_its_contract_with_a_plain_date_and_exact_amounts() {
    let server = mock().await;
    on(
        &server,
        "POST",
        "/Contracts/50012345/ServiceAdjustments",
        json(r#"{"itemId":"98765"}"#),
    )
    .await;
    let client = client(&server);
    let mut new = NewContractServiceAdjustment::new(day("2026-12-01"));
    new.contract_id = Some(50_012_345);
    new.contract_service_id = Some(9);
    new.unit_change = Some(-3);
    new.adjusted_unit_price = Some(decimal("9.5000"));
    assert_eq!(
        client.create_adjustment(50_012_345, &new).await.unwrap(),
        98_765
    );
    let asked = requests(&server).await;
    assert_eq!(
        body(&asked[0]),
        r#"{"effectiveDate":"2026-12-01","contractID":50012345,"contractServiceID":9,"unitChange":-3,"adjustedUnitPrice":9.5000}"#
    );
}

#[tokio::test]
async fn contracts_services_and_charges_are_written_with_what_is_given_and_nothing_else() {
    let server = mock().await;
    for (verb, at) in [
        ("POST", "/Contracts"),
        ("PATCH", "/Contracts"),
        ("POST", "/Contracts/7/Services"),
        ("PATCH", "/Contracts/7/Services"),
        ("POST", "/Contracts/7/Charges"),
        ("PATCH", "/Contracts/7/Charges"),
        ("DELETE", "/Contracts/7/Charges/5"),
        ("POST", "/Services"),
        ("PATCH", "/Services"),
        ("POST", "/Products"),
    ] {
        on(&server, verb, at, json(r#"{"itemId":5}"#)).await;
    }
    let client = client(&server);
    let mut contract = NewContract::new(4021, "CSP", 7, 1, day("2026-11-01"), day("2027-10-31"), 0);
    contract.contract_period_type = Some(2.into());
    contract.setup_fee = Some(Decimal::ZERO);
    contract.user_defined_fields = vec![UserDefinedField::new("Subscription ID", "A1")];
    assert_eq!(client.create_contract(&contract).await.unwrap(), 5);
    let mut patch = ContractPatch::new(7);
    patch.end_date = Some(day("2028-10-31"));
    client.patch_contract(&patch).await.unwrap();
    client
        .create_contract_service(&NewContractService::new(7, 31))
        .await
        .unwrap();
    let mut patch = ContractServicePatch::new(9);
    patch.invoice_description = Some("Mail".to_owned());
    client.patch_contract_service(7, &patch).await.unwrap();
    let mut charge = NewContractCharge::new(7, "Azure 2026-10", day("2026-10-31"), 1);
    charge.billing_code_id = Some(77);
    charge.unit_quantity = Some(Decimal::ONE);
    charge.unit_price = Some(decimal("812.4411"));
    charge.is_billable_to_company = Some(true);
    charge.internal_purchase_order_number = Some("TL:A1:2026-10".to_owned());
    client.create_contract_charge(&charge).await.unwrap();
    let mut patch = ContractChargePatch::new(5);
    patch.unit_price = Some(decimal("812.45"));
    client.patch_contract_charge(7, &patch).await.unwrap();
    assert_eq!(client.delete_contract_charge(7, 5).await.unwrap(), 5);
    let service = NewService::new("Mail A", 2, decimal("9.50"), 77);
    client.create_service(&service).await.unwrap();
    let mut patch = ServicePatch::new(31);
    patch.is_active = Some(false);
    client.patch_service(&patch).await.unwrap();
    client
        .create_product(&NewProduct::new("Usage", 77, true, false))
        .await
        .unwrap();
    let asked = requests(&server).await;
    let told: Vec<String> = asked
        .iter()
        .map(|request| {
            let path = request.url.path().trim_start_matches(API);
            format!("{} {path} {}", request.method, body(request))
                .trim_end()
                .to_owned()
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"POST /Contracts {"companyID":4021,"contractName":"CSP","contractType":7,"status":1,"startDate":"2026-11-01","endDate":"2027-10-31","timeReportingRequiresStartAndStopTimes":0,"contractPeriodType":2,"setupFee":0,"userDefinedFields":[{"name":"Subscription ID","value":"A1"}]}"#,
            r#"PATCH /Contracts {"id":7,"endDate":"2028-10-31"}"#,
            r#"POST /Contracts/7/Services {"contractID":7,"serviceID":31}"#,
            r#"PATCH /Contracts/7/Services {"id":9,"invoiceDescription":"Mail"}"#,
            r#"POST /Contracts/7/Charges {"contractID":7,"name":"Azure 2026-10","datePurchased":"2026-10-31","chargeType":1,"billingCodeID":77,"unitQuantity":1,"unitPrice":812.4411,"isBillableToCompany":true,"internalPurchaseOrderNumber":"TL:A1:2026-10"}"#,
            r#"PATCH /Contracts/7/Charges {"id":5,"unitPrice":812.45}"#,
            "DELETE /Contracts/7/Charges/5",
            r#"POST /Services {"name":"Mail A","periodType":2,"unitPrice":9.50,"billingCodeID":77}"#,
            r#"PATCH /Services {"id":31,"isActive":false}"#,
            r#"POST /Products {"name":"Usage","productBillingCodeID":77,"isActive":true,"isSerialized":false}"#,
        ]
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_a_group_and_a_class() {
    let mut names = std::collections::BTreeSet::new();
    for operation in operations::all() {
        assert!(names.insert(operation.name), "{}", operation.name);
        let name = operation.name;
        let query = name.ends_with(".query_post") || name.ends_with(".count_post");
        let class = match operation.method.as_str() {
            "GET" => Idempotency::Safe,
            "POST" if query => Idempotency::Safe,
            "POST" => Idempotency::Unsafe,
            _ => Idempotency::Idempotent,
        };
        assert_eq!(operation.idempotency, class, "{name}");
        // The lookup alone is not limited.
        assert_eq!(operation.group.is_some(), name != "zone.get", "{name}");
    }
    assert_eq!(
        names.len(),
        operations::ENTITIES.len() * 8 + operations::OTHERS.len()
    );
}
