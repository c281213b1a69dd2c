//! Writing to the simulated PSA over a raw socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::civil::date;
use rust_decimal::Decimal;
use support::psa::{CLIENT, JSON, ROOT, decimal, errors, keys, world};
use support::{encoded, send};
use tallyline_testkit::connectwise::WriteKind;
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::json::Json;

#[tokio::test]
async fn a_created_addition_is_answered_whole_and_read_back() {
    let world = world().await;
    let created = world
        .post(r#","quantity":3,"effectiveDate":"2026-04-01T00:00:00Z","serialNumber":"tl-1""#)
        .await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(decimal(&created, "extPrice"), Some(Decimal::new(2850, 2)));
    assert_eq!(decimal(&created, "unitCost"), Some(Decimal::new(710, 2)));
    assert!(!created.body.contains("null") && !created.body.contains("cancelledDate"));
    let id = created.json().get("id").and_then(Json::integer).unwrap();
    let read = world.get(&format!("{}/{id}", world.additions())).await;
    assert_eq!(read.json(), created.json());
    let writes = world.sim.writes();
    assert_eq!(writes.len(), 1);
    assert_eq!(
        (writes[0].kind, writes[0].id, writes[0].before.is_none()),
        (WriteKind::Created, id, true)
    );
}

#[tokio::test]
async fn missing_and_unknown_members_are_named() {
    let world = world().await;
    world.sim.expect_violations(
        "missing and unknown members",
        &[
            "request body /product",
            "request body /billCustomer",
            "request body /integrationXRef",
            "request body /quantity",
        ],
    );
    let missing = world.call("POST", &world.additions(), "{}").await;
    assert_eq!(
        (missing.status, missing.text("message").as_str()),
        (400, "addition object is invalid")
    );
    let missing_field = "MissingRequiredField".to_owned();
    let expected = [
        (missing_field.clone(), "product".to_owned()),
        (missing_field, "billCustomer".to_owned()),
    ];
    assert_eq!(errors(&missing), expected);
    assert!(
        missing.body.contains("The product field is required.")
            && missing.body.contains("\"resource\": \"addition\"")
    );
    let unknown = world.post(r#","integrationXRef":"x""#).await;
    assert_eq!(
        (unknown.status, unknown.text("code").as_str()),
        (400, "ConnectWiseApi")
    );
    let message = "Could not find member 'integrationXRef' on object of type 'Addition'";
    assert!(unknown.text("message").starts_with(message));
    assert_eq!(
        errors(&world.post(r#","extPrice":1"#).await)[0].1,
        "extPrice"
    );
    assert_eq!(
        errors(&world.post(r#","billCustomer":"Sometimes""#).await)[0].1,
        "billCustomer"
    );
    assert_eq!(world.post(r#","quantity":"many""#).await.status, 500);
    assert!(world.sim.writes().is_empty());
}

#[tokio::test]
async fn dates_before_the_billing_start_or_in_an_invoiced_period_are_refused() {
    let world = world().await;
    let early = world
        .post(r#","effectiveDate":"2025-12-31T00:00:00Z""#)
        .await;
    assert_eq!(errors(&early)[0].1, "effectiveDate");
    assert!(early.body.contains("billing start date"));
    let invoiced = r#","effectiveDate":"2026-02-10T00:00:00Z""#;
    assert!(world.post(invoiced).await.body.contains("already invoiced"));
    world.sim.with_state(|state| {
        state.edit_agreement(world.agreement, |agreement| agreement.prorate = true)
    });
    assert_eq!(world.post(invoiced).await.status, 201);
    let ended = r#","effectiveDate":"2026-03-10T00:00:00Z","cancelledDate":"2026-03-09T00:00:00Z""#;
    assert_eq!(errors(&world.post(ended).await)[0].1, "cancelledDate");
}

#[tokio::test]
async fn a_bundle_cannot_be_added() {
    let world = world().await;
    world.sim.with_state(|state| {
        state.products.get_mut(&world.product).unwrap().class = "Bundle".to_owned()
    });
    assert_eq!(errors(&world.post("").await)[0].1, "product");
}

#[tokio::test]
async fn a_partial_first_period_is_prorated_per_unit_with_both_ends_counted() {
    let world = world().await;
    world.sim.with_state(|state| {
        state.edit_agreement(world.agreement, |agreement| agreement.prorate = true)
    });
    let created =
        world.post(r#","quantity":2,"unitPrice":22.00,"unitCost":10,"effectiveDate":"2026-03-15T00:00:00Z""#).await;
    assert_eq!(
        decimal(&created, "proratePrice"),
        Some(Decimal::new(1206, 2))
    );
    assert_eq!(
        decimal(&created, "extendedProratePrice"),
        Some(Decimal::new(2412, 2))
    );
    let whole = world
        .post(r#","effectiveDate":"2026-03-01T00:00:00Z""#)
        .await;
    assert_eq!(decimal(&whole, "proratePrice"), None);
}

#[tokio::test]
async fn a_patch_sets_members_moves_the_stamp_and_is_logged() {
    let world = world().await;
    world.sim.clock().set_day(date(2026, 3, 20));
    let patched = world
        .patch(r#"[{"op":"replace","path":"quantity","value":17.250},{"op":"add","path":"/cancelledDate","value":"2026-03-31T00:00:00Z"}]"#)
        .await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    assert!(patched.body.contains("\"quantity\":17.250"));
    assert_eq!(patched.text("cancelledDate"), "2026-03-31T00:00:00Z");
    let info = patched.json().get("_info").cloned().unwrap();
    assert_eq!(
        info.get("lastUpdated").and_then(Json::text),
        Some("2026-03-20T12:00:00Z")
    );
    assert_eq!(
        info.get("updatedBy").and_then(Json::text),
        Some("ExampleApiMember")
    );
    let write = world.sim.writes().pop().unwrap();
    assert_eq!(write.kind, WriteKind::Updated);
    assert_eq!(
        write
            .before
            .unwrap()
            .get("quantity")
            .and_then(Json::decimal),
        Some(Decimal::from(14))
    );
    let cleared = world
        .patch(r#"[{"op":"remove","path":"cancelledDate"}]"#)
        .await;
    assert!(cleared.json().get("cancelledDate").is_none());
}

#[tokio::test]
async fn a_sub_path_is_answered_200_and_changes_nothing() {
    let world = world().await;
    let answer = world
        .patch(r#"[{"op":"replace","path":"product/id","value":99}]"#)
        .await;
    assert_eq!(answer.status, 200);
    assert!(world.sim.writes().is_empty());
}

#[tokio::test]
async fn malformed_patches_are_refused() {
    let world = world().await;
    world.sim.expect_violations("malformed patches", &["request body: {\"op\":\"replace\",\"path\":\"quantity\",\"value\":1} is not of type \"array\"", "request body: no JSON", "request body /0/from", "header /content-type"]);
    for operations in [
        r#"{"op":"replace","path":"quantity","value":1}"#,
        "[]",
        "nothing",
        r#"[{"op":"Replace","path":"quantity","value":1}]"#,
        r#"[{"op":"test","path":"quantity","value":14}]"#,
        r#"[{"op":"move","path":"quantity","from":"lessIncluded"}]"#,
        r#"[{"op":"replace","path":"Quantity","value":1}]"#,
        r#"[{"op":"replace","path":"quantity"}]"#,
        r#"[{"op":"replace","path":"extPrice","value":1}]"#,
        r#"[{"op":"replace","path":"product","value":{"id":1}}]"#,
        r#"[{"op":"replace","path":"additionStatus","value":"Active"}]"#,
    ] {
        assert_eq!(world.patch(operations).await.status, 400, "{operations}");
    }
    assert!(world.sim.writes().is_empty());
    let keys = keys();
    let path = format!("{ROOT}{}/{}", world.additions(), world.addition);
    for media in ["application/json-patch+json", "text/plain"] {
        let headers = [
            ("authorization", keys.as_str()),
            CLIENT,
            ("content-type", media),
        ];
        assert_eq!(world.raw("PATCH", &path, &headers, "[]").await.status, 415);
    }
}

#[tokio::test]
async fn an_invoiced_addition_cannot_be_deleted_and_another_can() {
    let world = world().await;
    let path = format!("{}/{}", world.additions(), world.addition);
    assert_eq!(world.call("DELETE", &path, "").await.status, 400);
    let fresh = world
        .post("")
        .await
        .json()
        .get("id")
        .and_then(Json::integer)
        .unwrap();
    assert_eq!(
        world
            .call("DELETE", &format!("{}/{fresh}", world.additions()), "")
            .await
            .status,
        204
    );
    assert_eq!(world.sim.writes().last().unwrap().kind, WriteKind::Deleted);
}

#[tokio::test]
async fn an_agreement_is_created_under_a_parent_of_the_same_cycle() {
    let world = world().await;
    world.sim.expect_violations(
        "an agreement without its members",
        &[
            "request body /name",
            "request body /type",
            "request body /company",
            "request body /contact",
        ],
    );
    let missing = world.call("POST", "/finance/agreements", "{}").await;
    let fields: Vec<String> = errors(&missing)
        .into_iter()
        .map(|(_, field)| field)
        .collect();
    assert_eq!(fields, ["name", "type", "company", "contact"]);
    let contact = world
        .sim
        .with_state(|state| state.agreements[&world.agreement].contact_id.unwrap());
    let body = |cycle: i64| {
        format!(
            r#"{{"name":"Backup","type":{{"id":1}},"company":{{"id":{}}},"contact":{{"id":{contact}}},"parentAgreement":{{"id":{}}},"billingCycle":{{"id":{cycle}}}}}"#,
            world.company, world.agreement
        )
    };
    let other = world.call("POST", "/finance/agreements", &body(2)).await;
    assert_eq!(errors(&other)[0].1, "billingCycle");
    let created = world.call("POST", "/finance/agreements", &body(1)).await;
    assert_eq!(
        (created.status, created.text("agreementStatus").as_str()),
        (201, "Active")
    );
    let filter = encoded(&format!("parentAgreement/id = {}", world.agreement));
    let children = world
        .get(&format!("/finance/agreements?conditions={filter}"))
        .await;
    assert_eq!(children.ids().len(), 1);
    let path = format!("/finance/agreements/{}", world.agreement);
    let cancelled = world
        .call(
            "PATCH",
            &path,
            r#"[{"op":"replace","path":"cancelledFlag","value":true}]"#,
        )
        .await;
    assert_eq!(cancelled.text("agreementStatus"), "Cancelled");
}

#[tokio::test]
async fn a_lost_answer_leaves_the_write_in_the_log() {
    let world = world().await;
    world
        .sim
        .faults()
        .on(Match::post("/additions").once(), Fault::lose_answer());
    let keys = keys();
    let body = format!(
        r#"{{"product":{{"id":{}}},"billCustomer":"Billable"}}"#,
        world.product
    );
    let headers = [("authorization", keys.as_str()), CLIENT, JSON];
    let path = format!("{ROOT}{}", world.additions());
    assert!(
        send(world.sim.base_url(), "POST", &path, &headers, &body)
            .await
            .is_err()
    );
    assert_eq!(world.sim.writes().len(), 1);
    assert_eq!(world.get(&world.additions()).await.ids().len(), 2);
}
