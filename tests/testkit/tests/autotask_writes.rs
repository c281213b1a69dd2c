//! Writing to the simulated Autotask over a raw socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::civil::date;
use rust_decimal::Decimal;
use support::autotask::{CODE, JSON, ROOT, SECRET, Tenant, UDF, USER, tenant};
use tallyline_testkit::autotask::{Entity, OWN_COMPANY};
use tallyline_testkit::effects::{Cause, EffectKind};
use tallyline_testkit::json::Json;

/// A contract body that is taken, with changes: a value replaces, `None` leaves out.
fn contract(tenant: &Tenant, changes: &[(&str, Option<Json>)]) -> String {
    let mut members = vec![
        ("companyID", Json::from(tenant.company)),
        ("contractName", Json::from("CSP Microsoft Monthly 2026")),
        ("contractNumber", Json::from("TL-9F2C")),
        ("contractType", Json::from(7)),
        ("status", Json::from(1)),
        ("startDate", Json::from("2026-11-01")),
        ("endDate", Json::from("2027-10-31")),
        ("contractPeriodType", Json::from(2)),
        ("timeReportingRequiresStartAndStopTimes", Json::from(0)),
        ("setupFee", Json::from(0)),
        ("serviceLevelAgreementID", Json::from(1)),
    ];
    for (name, value) in changes {
        members.retain(|(member, _)| member != name);
        if let Some(value) = value {
            members.push((name, value.clone()));
        }
    }
    let members = members.into_iter();
    Json::Object(
        members
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
    .to_string()
}

fn udfs(name: &str, value: impl Into<Json>) -> Json {
    Json::Array(vec![
        Json::object()
            .with("name", name)
            .with("value", value.into()),
    ])
}

#[tokio::test]
async fn a_create_answers_200_with_the_id_alone() {
    let tenant = tenant().await;
    let body = contract(
        &tenant,
        &[("userDefinedFields", Some(udfs(UDF, "A1B2-0001")))],
    );
    let answer = tenant.post("/Contracts", &body).await;
    let id = answer.item_id();
    assert_eq!(answer.body, format!(r#"{{"itemId":{id}}}"#));
    let item = tenant.get(&format!("/Contracts/{id}")).await.item();
    assert_eq!(
        item.get("contractNumber").and_then(Json::text),
        Some("TL-9F2C")
    );
    assert_eq!(
        item.get("startDate").and_then(Json::text),
        Some("2026-11-01T00:00:00")
    );
    assert_eq!(item.get("userDefinedFields"), Some(&udfs(UDF, "A1B2-0001")));
    // Amounts come with four decimals.
    assert_eq!(item.get("setupFee").unwrap().to_string(), "0.0000");
}

#[tokio::test]
async fn a_contract_of_the_providers_own_company_0_is_taken() {
    let tenant = tenant().await;
    let body = contract(&tenant, &[("companyID", Some(Json::from(OWN_COMPANY)))]);
    assert_eq!(tenant.post("/Contracts", &body).await.status, 200);
}

#[tokio::test]
async fn every_required_field_of_a_contract_is_asked_for_by_name() {
    let tenant = tenant().await;
    for field in [
        "companyID",
        "contractName",
        "contractType",
        "status",
        "startDate",
        "endDate",
        "timeReportingRequiresStartAndStopTimes",
    ] {
        let refused = tenant
            .post("/Contracts", &contract(&tenant, &[(field, None)]))
            .await;
        assert_eq!(
            refused.refusal(),
            (500, format!("Missing Required Field: {field}."))
        );
    }
    let refused = tenant
        .post(
            "/Contracts",
            &contract(&tenant, &[("contractPeriodType", None)]),
        )
        .await;
    assert!(refused.refusal().1.contains("contractPeriodType"));
}

#[tokio::test]
async fn bad_values_of_a_contract_are_refused_as_500_with_texts() {
    let tenant = tenant().await;
    let long = "x".repeat(51);
    for (field, value, text) in [
        (
            "status",
            Json::from(99),
            "Picklist value [99] does not exist for status.",
        ),
        (
            "companyID",
            Json::from(1),
            "Reference value on field: companyID of type: Company does not exist or is invalid.",
        ),
        (
            "contractNumber",
            Json::from(long.as_str()),
            "The value of contractNumber exceeds the maximum length of 50.",
        ),
        (
            "endDate",
            Json::from("2026-10-31"),
            "The startDate of a Contract must not be later than its endDate.",
        ),
        (
            "userDefinedFields",
            udfs("No Such Field", "x"),
            "Unable to find No Such Field in the Contract Entity.",
        ),
    ] {
        let refused = tenant
            .post("/Contracts", &contract(&tenant, &[(field, Some(value))]))
            .await;
        assert_eq!(refused.refusal(), (500, text.to_owned()));
    }
    tenant.sim.expect_violations(
        "values of the wrong type",
        &[
            "request body /status",
            "request body /startDate",
            "request body /contractName",
            "request body /quantity",
        ],
    );
    for (field, value) in [
        ("status", Json::from("1")),
        ("startDate", Json::from("soon")),
        ("startDate", Json::from("2026-11-01T00:00:00+01:00")),
        ("contractName", Json::from(5)),
        ("quantity", Json::from(5)),
        ("lastModifiedDateTime", Json::from("2026-11-01")),
    ] {
        let refused = tenant
            .post("/Contracts", &contract(&tenant, &[(field, Some(value))]))
            .await;
        assert_eq!(refused.status, 500, "{field}");
    }
}

#[tokio::test]
async fn a_patch_carries_the_id_in_its_body_and_leaves_unsent_fields_alone() {
    let tenant = tenant().await;
    let id = tenant
        .post("/Contracts", &contract(&tenant, &[]))
        .await
        .item_id();
    let body = format!(r#"{{"id":{id},"contractName":"Renamed"}}"#);
    assert_eq!(
        tenant.call("PATCH", "/Contracts", &body).await.item_id(),
        id
    );
    let item = tenant.get(&format!("/Contracts/{id}")).await.item();
    assert_eq!(
        item.get("contractName").and_then(Json::text),
        Some("Renamed")
    );
    assert_eq!(
        item.get("contractNumber").and_then(Json::text),
        Some("TL-9F2C")
    );
    let none = tenant
        .call("PATCH", "/Contracts", r#"{"contractName":"Nobody's"}"#)
        .await;
    assert!(none.refusal().1.contains("id"));
    let missing = tenant
        .call(
            "PATCH",
            "/Contracts",
            r#"{"id":1,"contractName":"Nobody's"}"#,
        )
        .await;
    assert_eq!(
        missing.refusal(),
        (500, "No matching records found".to_owned())
    );
    tenant.sim.expect_violations(
        "the id in the path, and null",
        &[
            "operation: the document has this path, but not with this method",
            "request body /contractNumber",
        ],
    );
    let path = format!("/Contracts/{id}");
    assert_eq!(tenant.call("PATCH", &path, &body).await.status, 405);
    let clear = format!(r#"{{"id":{id},"contractNumber":null}}"#);
    tenant.call("PATCH", "/Contracts", &clear).await.item_id();
    let item = tenant.get(&path).await.item();
    assert_eq!(item.get("contractNumber"), Some(&Json::Null));
}

#[tokio::test]
async fn a_patch_changes_only_the_user_defined_fields_it_lists() {
    let tenant = tenant().await;
    tenant
        .sim
        .with_state(|state| state.add_udf(Entity::Contracts, "Second"));
    let id = tenant
        .post(
            "/Contracts",
            &contract(&tenant, &[("userDefinedFields", Some(udfs(UDF, "A1")))]),
        )
        .await
        .item_id();
    let body = format!(r#"{{"id":{id},"userDefinedFields":[{{"name":"Second","value":"B2"}}]}}"#);
    tenant.call("PATCH", "/Contracts", &body).await.item_id();
    let udfs = tenant
        .sim
        .with_state(|state| state.record(Entity::Contracts, id).unwrap().udfs.clone());
    let udfs: Vec<_> = udfs.into_iter().collect();
    assert_eq!(
        udfs,
        [
            ("Second".to_owned(), "B2".to_owned()),
            (UDF.to_owned(), "A1".to_owned())
        ]
    );
}

#[tokio::test]
async fn a_put_nulls_every_writable_field_it_omits() {
    let tenant = tenant().await;
    let id = tenant
        .post(
            "/Contracts",
            &contract(&tenant, &[("userDefinedFields", Some(udfs(UDF, "A1")))]),
        )
        .await
        .item_id();
    let short = format!(r#"{{"id":{id},"contractName":"Replaced"}}"#);
    let refused = tenant.call("PUT", "/Contracts", &short).await;
    assert!(
        refused
            .refusal()
            .1
            .contains("Missing Required Field: status.")
    );
    let body = format!(
        r#"{{"id":{id},"contractName":"Replaced","status":1,"startDate":"2026-11-01","endDate":"2027-10-31","timeReportingRequiresStartAndStopTimes":0}}"#
    );
    tenant.call("PUT", "/Contracts", &body).await.item_id();
    let item = tenant.get(&format!("/Contracts/{id}")).await.item();
    assert_eq!(item.get("contractNumber"), Some(&Json::Null));
    assert_eq!(item.get("serviceLevelAgreementID"), Some(&Json::Null));
    assert_eq!(item.get("userDefinedFields"), Some(&udfs(UDF, Json::Null)));
    // Set once, at creation, and not the replacement's business.
    assert_eq!(
        item.get("companyID").and_then(Json::integer),
        Some(tenant.company)
    );
    assert_eq!(item.get("contractType").and_then(Json::integer), Some(7));
}

#[tokio::test]
async fn the_company_and_the_type_of_a_contract_cannot_be_changed() {
    let tenant = tenant().await;
    let id = tenant.contract;
    for (field, value) in [
        ("companyID", OWN_COMPANY),
        ("contractType", 1),
        ("contractPeriodType", 5),
    ] {
        let body = format!(r#"{{"id":{id},"{field}":{value}}}"#);
        let refused = tenant.call("PATCH", "/Contracts", &body).await;
        assert_eq!(
            refused.refusal(),
            (500, format!("{field} cannot be changed."))
        );
    }
    let same = format!(r#"{{"id":{id},"companyID":{}}}"#, tenant.company);
    assert_eq!(tenant.call("PATCH", "/Contracts", &same).await.status, 200);
}

#[tokio::test]
async fn children_are_written_below_their_parent_only() {
    let tenant = tenant().await;
    let service = tenant
        .sim
        .with_state(|state| state.add_service("Backup", 3.into(), 2.into()));
    let (contract, line) = (tenant.contract, tenant.line);
    let body = format!(r#"{{"contractID":{contract},"serviceID":{service}}}"#);
    let path = format!("/Contracts/{contract}/Services");
    let id = tenant.post(&path, &body).await.item_id();
    let item = tenant.get(&format!("/ContractServices/{id}")).await.item();
    // The standard price and text are the service's.
    assert_eq!(item.get("unitPrice").unwrap().to_string(), "3.0000");
    assert_eq!(
        item.get("invoiceDescription").and_then(Json::text),
        Some("Backup")
    );
    assert!(item.get("quantity").is_none() && item.get("units").is_none());
    let other = tenant
        .sim
        .with_state(|state| state.add_contract(tenant.company, "Another"));
    let path = format!("/Contracts/{other}/Services");
    assert_eq!(tenant.post(&path, &body).await.status, 500);
    let body = format!(r#"{{"id":{line},"internalDescription":"x"}}"#);
    assert_eq!(
        tenant.call("PATCH", &path, &body).await.refusal().1,
        "No matching records found"
    );
    assert_eq!(tenant.post("/Contracts/1/Services", "{}").await.status, 404);
    tenant.sim.expect_violations(
        "a child on its flat path",
        &["operation: the document has no such path"],
    );
    assert_eq!(tenant.post("/ContractServices", &body).await.status, 405);
}

#[tokio::test]
async fn a_line_needs_a_recurring_contract_and_an_active_service() {
    let tenant = tenant().await;
    let (fixed, retired) = tenant.sim.with_state(|state| {
        let fixed = state.add_contract(tenant.company, "Project");
        state.edit(Entity::Contracts, fixed, |contract| {
            contract.set("contractType", 3);
        });
        let retired = state.add_service("Retired", 3.into(), 2.into());
        state.edit(Entity::Services, retired, |service| {
            service.set("isActive", false);
        });
        (fixed, retired)
    });
    let body = format!(r#"{{"contractID":{fixed},"serviceID":{}}}"#, tenant.service);
    let refused = tenant
        .post(&format!("/Contracts/{fixed}/Services"), &body)
        .await;
    assert!(refused.refusal().1.contains("Recurring Service"));
    let body = format!(
        r#"{{"contractID":{},"serviceID":{retired}}}"#,
        tenant.contract
    );
    let refused = tenant
        .post(&format!("/Contracts/{}/Services", tenant.contract), &body)
        .await;
    assert!(refused.refusal().1.contains("inactive"));
}

#[tokio::test]
async fn the_adjusted_price_of_a_line_is_taken_and_never_shown_by_its_name() {
    let tenant = tenant().await;
    tenant.sim.expect_violations(
        "adjustedPrice is not in the document",
        &["request body /adjustedPrice"],
    );
    let (service, contract) = tenant.sim.with_state(|state| {
        state.options.exchange_rate = Decimal::new(11, 1);
        let service = state.add_service("Backup", 10.into(), 2.into());
        (service, tenant.contract)
    });
    let body = format!(r#"{{"contractID":{contract},"serviceID":{service},"adjustedPrice":8.5}}"#);
    let path = format!("/Contracts/{contract}/Services");
    let id = tenant.post(&path, &body).await.item_id();
    let item = tenant.get(&format!("{path}/{id}")).await.item();
    assert!(item.get("adjustedPrice").is_none());
    let shown = |name: &str| item.get(name).unwrap().to_string();
    assert_eq!(shown("unitPrice"), "10.0000");
    assert_eq!(shown("internalCurrencyUnitPrice"), "11.0000");
    assert_eq!(shown("internalCurrencyAdjustedPrice"), "9.3500");
}

#[tokio::test]
async fn a_service_needs_an_active_billing_code_of_the_recurring_use_type() {
    let tenant = tenant().await;
    let (recurring, material) = tenant.sim.with_state(|state| {
        (
            state.billing_code(5).unwrap(),
            state.billing_code(4).unwrap(),
        )
    });
    let body = |code: i64| {
        format!(
            r#"{{"name":"New","periodType":2,"unitPrice":-1.5,"billingCodeID":{code},"sku":"N-1"}}"#
        )
    };
    let id = tenant.post("/Services", &body(recurring)).await.item_id();
    let item = tenant.get(&format!("/Services/{id}")).await.item();
    assert_eq!(item.get("isActive").and_then(Json::flag), Some(true));
    assert_eq!(item.get("unitPrice").unwrap().to_string(), "-1.5000");
    let refused = tenant.post("/Services", &body(material)).await;
    assert!(
        refused
            .refusal()
            .1
            .contains("Recurring Contract Service Code")
    );
    tenant.sim.with_state(|state| {
        state.edit(Entity::BillingCodes, recurring, |code| {
            code.set("isActive", false);
        });
    });
    assert_eq!(tenant.post("/Services", &body(recurring)).await.status, 500);
}

#[tokio::test]
async fn without_the_permission_costs_are_null_and_writes_to_them_vanish() {
    let tenant = tenant().await;
    tenant.sim.with_state(|state| state.rights.costs = false);
    let path = format!("/Services/{}", tenant.service);
    let service = tenant.get(&path).await.item();
    assert_eq!(service.get("unitCost"), Some(&Json::Null));
    let body = format!(
        r#"{{"id":{},"unitCost":99,"unitPrice":21}}"#,
        tenant.service
    );
    tenant.call("PATCH", "/Services", &body).await.item_id();
    let kept = tenant.sim.with_state(|state| {
        state
            .record(Entity::Services, tenant.service)
            .cloned()
            .unwrap()
    });
    assert_eq!(kept.decimal("unitCost"), Some(15.into()));
    assert_eq!(kept.decimal("unitPrice"), Some(21.into()));
    let rows = format!(
        r#"{{"op":"eq","field":"contractServiceID","value":{}}}"#,
        tenant.line
    );
    let rows = tenant.query("ContractServiceUnits", &rows).await;
    assert_eq!(rows.items()[0].get("cost"), Some(&Json::Null));
}

#[tokio::test]
async fn a_missing_right_to_write_is_a_500_that_says_so() {
    let tenant = tenant().await;
    tenant
        .sim
        .with_state(|state| state.rights.not_written = [Entity::Contracts].into());
    let refused = tenant.post("/Contracts", &contract(&tenant, &[])).await;
    let (status, text) = refused.refusal();
    assert_eq!(status, 500);
    assert!(text.starts_with("The logged in Resource does not have the adequate permissions"));
    let headers = [CODE, USER, SECRET, JSON, ("ImpersonationResourceId", "4")];
    let path = format!("{ROOT}/Companies");
    let refused = tenant.raw("PATCH", &path, &headers, "{}").await;
    assert_eq!(refused.status, 500);
    // Reading on somebody's behalf is no matter of rights.
    let path = format!("{ROOT}/Companies/0");
    assert_eq!(tenant.raw("GET", &path, &headers, "").await.status, 200);
}

fn charge(contract: i64, code: Option<i64>, more: &str) -> String {
    let code = code.map_or(String::new(), |code| format!(r#","billingCodeID":{code}"#));
    format!(
        r#"{{"contractID":{contract},"name":"Azure plan 2026-02","datePurchased":"2026-02-28","chargeType":1,"unitQuantity":1.5,"unitPrice":812.44114{code}{more}}}"#
    )
}

#[tokio::test]
async fn a_charge_takes_fractions_and_is_changed_until_it_is_billed() {
    let tenant = tenant().await;
    let code = tenant.sim.with_state(|state| state.billing_code(4));
    let path = format!("/Contracts/{}/Charges", tenant.contract);
    let marker = r#","internalPurchaseOrderNumber":"TL:A1B2:2026-02""#;
    let body = charge(tenant.contract, code, marker);
    let id = tenant.post(&path, &body).await.item_id();
    let item = tenant.get(&format!("/ContractCharges/{id}")).await.item();
    let shown = |name: &str| item.get(name).unwrap().to_string();
    // Rounded to four decimals on the way in.
    assert_eq!(shown("unitPrice"), "812.4411");
    assert_eq!(shown("unitQuantity"), "1.5000");
    assert_eq!(shown("billableAmount"), "1218.6617");
    assert_eq!(shown("isBilled"), "false");
    assert_eq!(shown("isBillableToCompany"), "true");
    assert_eq!(shown("status"), "7");
    let patch = format!(r#"{{"id":{id},"unitQuantity":2}}"#);
    tenant.call("PATCH", &path, &patch).await.item_id();
    tenant.sim.with_state(|state| {
        state.approve_and_post(tenant.contract, date(2026, 2, 28));
    });
    let refused = tenant.call("PATCH", &path, &patch).await;
    assert!(refused.refusal().1.contains("billed"));
    let own = format!("{path}/{id}");
    let refused = tenant.call("DELETE", &own, "").await;
    assert_eq!(refused.status, 500);
    let items = format!(r#"{{"op":"eq","field":"contractChargeID","value":{id}}}"#);
    let items = tenant.query("BillingItems", &items).await;
    assert_eq!(
        items.items()[0].get("totalAmount").unwrap().to_string(),
        "1624.8800"
    );
}

#[tokio::test]
async fn a_charge_that_is_not_billed_can_be_deleted_once() {
    let tenant = tenant().await;
    let code = tenant.sim.with_state(|state| state.billing_code(4));
    let path = format!("/Contracts/{}/Charges", tenant.contract);
    let body = charge(tenant.contract, code, "");
    let id = tenant.post(&path, &body).await.item_id();
    let own = format!("{path}/{id}");
    assert_eq!(tenant.call("DELETE", &own, "").await.item_id(), id);
    let again = tenant.call("DELETE", &own, "").await;
    assert_eq!(
        again.refusal(),
        (500, "No matching records found".to_owned())
    );
}

#[tokio::test]
async fn a_charge_needs_a_material_code_or_a_product_on_a_contract_that_takes_charges() {
    let tenant = tenant().await;
    let (material, recurring, product, block) = tenant.sim.with_state(|state| {
        let block = state.add_contract(tenant.company, "Hours");
        state.edit(Entity::Contracts, block, |contract| {
            contract.set("contractType", 4);
        });
        let product = state.add_product("Licence", 5.into(), 4.into());
        let codes = (state.billing_code(4), state.billing_code(5));
        (codes.0, codes.1, product, block)
    });
    let path = format!("/Contracts/{}/Charges", tenant.contract);
    let post = async |body: String| tenant.post(&path, &body).await.refusal();
    let neither = post(charge(tenant.contract, None, "")).await;
    assert_eq!(
        neither,
        (
            500,
            "One of billingCodeID and productID is required.".to_owned()
        )
    );
    let wrong = post(charge(tenant.contract, recurring, "")).await;
    assert!(wrong.1.contains("Material Cost Code"), "{}", wrong.1);
    let by_product = format!(r#","productID":{product}"#);
    let by_product = charge(tenant.contract, None, &by_product);
    assert_eq!(post(by_product).await.0, 200);
    let path = format!("/Contracts/{block}/Charges");
    let refused = tenant.post(&path, &charge(block, material, "")).await;
    assert_eq!(refused.status, 500);
}

#[tokio::test]
async fn the_price_of_a_charge_falls_back_to_its_codes() {
    let tenant = tenant().await;
    let id = tenant.sim.with_state(|state| {
        let code = state.billing_code(4).unwrap();
        state.edit(Entity::BillingCodes, code, |code| {
            code.set("unitPrice", Decimal::new(12_5000, 4));
        });
        let day = state.clock.today();
        let id = state.add_charge(tenant.contract, "Usage", day, 2.into(), 1.into());
        state.edit(Entity::ContractCharges, id, |charge| {
            charge.set("unitPrice", Json::Null);
        });
        id
    });
    let item = tenant.get(&format!("/ContractCharges/{id}")).await.item();
    assert_eq!(item.get("billableAmount").unwrap().to_string(), "25.0000");
}

#[tokio::test]
async fn a_user_defined_field_can_be_made_and_is_there_at_once() {
    let tenant = tenant().await;
    let body = r#"{"name":"Reference","dataType":1,"udfType":3,"isActive":true}"#;
    tenant
        .post("/UserDefinedFieldDefinitions", body)
        .await
        .item_id();
    let udfs = tenant
        .get("/Contracts/entityInformation/userDefinedFields")
        .await;
    assert!(udfs.body.contains(r#""name":"Reference""#));
    let again = tenant.post("/UserDefinedFieldDefinitions", body).await;
    assert_eq!(again.status, 500);
}

#[tokio::test]
async fn a_date_with_a_time_may_end_on_the_day_before() {
    let tenant = tenant().await;
    tenant
        .sim
        .with_state(|state| state.options.date_shift_hours = -5);
    let start = async |text: &str| {
        let body = contract(&tenant, &[("startDate", Some(Json::from(text)))]);
        let id = tenant.post("/Contracts", &body).await.item_id();
        let item = tenant.get(&format!("/Contracts/{id}")).await.item();
        item.get("startDate")
            .and_then(Json::text)
            .unwrap()
            .to_owned()
    };
    assert_eq!(start("2026-10-09T02:00:00").await, "2026-10-08T00:00:00");
    assert_eq!(start("2026-10-09T00:00:00").await, "2026-10-09T00:00:00");
    assert_eq!(start("2026-10-09").await, "2026-10-09T00:00:00");
}

#[tokio::test]
async fn the_history_tells_what_changed_when_and_because_of_which_request() {
    let tenant = tenant().await;
    assert_eq!(tenant.sim.effects(), []);
    let id = tenant.contract;
    let body = format!(r#"{{"id":{id},"contractName":"Renamed"}}"#);
    tenant.call("PATCH", "/Contracts", &body).await.item_id();
    tenant.sim.clock().set_day(date(2026, 3, 16));
    tenant.sim.with_state(|state| {
        state.acting("a person", |state| {
            state.edit(Entity::Contracts, id, |contract| {
                contract.set("status", 0);
            });
        });
    });
    // What changes nothing is no effect.
    tenant.call("PATCH", "/Contracts", &body).await.item_id();
    let effects = tenant.sim.effects();
    let [request, person] = effects.as_slice() else {
        panic!("two effects, not {effects:?}");
    };
    assert_eq!(request.kind, EffectKind::Updated);
    assert_eq!(
        (request.entity, request.id.clone()),
        ("Contracts", id.to_string())
    );
    let name = |json: &Option<Json>| json.as_ref().unwrap().get("contractName").cloned();
    assert_eq!(name(&request.before), Some(Json::from("Cloud Services")));
    assert_eq!(name(&request.after), Some(Json::from("Renamed")));
    assert_eq!(
        request.cause,
        Cause::Request {
            number: 1,
            method: "PATCH".to_owned(),
            path: format!("{ROOT}/Contracts"),
            user: USER.1.to_owned(),
        }
    );
    assert_eq!(person.cause, Cause::Handle("a person".to_owned()));
    assert!(person.at > request.at);
}
