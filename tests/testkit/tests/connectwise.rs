//! The simulated PSA, driven over a raw socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::civil::date;
use rust_decimal::Decimal;
use support::{Answer, basic, encoded, send};
use tallyline_testkit::connectwise::{
    ConnectWiseSimulator, ConnectWiseState, CustomField, WriteKind,
};
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;

const CLIENT: (&str, &str) = ("clientid", "00000000-0000-4000-8000-0000000c11d0");
const JSON: (&str, &str) = ("content-type", "application/json");
const ROOT: &str = "/v4_6_release/apis/3.0";

struct World {
    sim: ConnectWiseSimulator,
    company: i64,
    agreement: i64,
    product: i64,
    addition: i64,
}

async fn world() -> World {
    let mut state = ConnectWiseState::new();
    let company = state.add_company("Northwind");
    let agreement = state.add_agreement(company, "Cloud Services");
    let product = state.add_vendor_product(
        "SW-MAIL-A",
        "Sherweb",
        "MAIL-A-MM",
        Decimal::new(950, 2),
        Decimal::new(710, 2),
    );
    let addition = state.add_addition(agreement, product, 14);
    World {
        sim: ConnectWiseSimulator::start(state).await.unwrap(),
        company,
        agreement,
        product,
        addition,
    }
}

fn keys() -> String {
    basic("examplemsp+example-public-key:example-private-key")
}

impl World {
    async fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        send(self.sim.base_url(), method, path, headers, body)
            .await
            .unwrap()
    }

    async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let keys = keys();
        let headers = [("authorization", keys.as_str()), CLIENT, JSON];
        self.raw(method, &format!("{ROOT}{path}"), &headers, body)
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "").await
    }

    fn additions(&self) -> String {
        format!("/finance/agreements/{}/additions", self.agreement)
    }

    async fn patch(&self, operations: &str) -> Answer {
        self.call(
            "PATCH",
            &format!("{}/{}", self.additions(), self.addition),
            operations,
        )
        .await
    }

    async fn post(&self, members: &str) -> Answer {
        let body = format!(
            r#"{{"product":{{"id":{}}},"billCustomer":"Billable"{members}}}"#,
            self.product
        );
        self.call("POST", &self.additions(), &body).await
    }

    async fn find(&self, conditions: &str) -> Answer {
        self.get(&format!(
            "/company/companies?conditions={}",
            encoded(conditions)
        ))
        .await
    }

    fn fill_companies(&self, count: usize) {
        self.sim.with_state(|state| {
            for index in 0..count {
                state.add_company(&format!("Company {index:04}"));
            }
        });
    }
}

fn decimal(answer: &Answer, member: &str) -> Option<Decimal> {
    answer.json().get(member).and_then(Json::decimal)
}

/// The code and field of every validation error.
fn errors(answer: &Answer) -> Vec<(String, String)> {
    let json = answer.json();
    let text = |error: &Json, name: &str| {
        error
            .get(name)
            .and_then(Json::text)
            .unwrap_or("")
            .to_owned()
    };
    let errors = json.get("errors").and_then(Json::items).unwrap_or(&[]);
    errors
        .iter()
        .map(|error| (text(error, "code"), text(error, "field")))
        .collect()
}

#[tokio::test]
async fn the_company_lookup_needs_no_credentials() {
    let world = world().await;
    let found = world
        .raw("GET", "/login/companyinfo/examplemsp", &[], "")
        .await;
    assert_eq!(
        (found.status, found.text("Codebase").as_str()),
        (200, "v2026_4/")
    );
    assert_eq!(
        world
            .raw("GET", "/login/companyinfo/nobody", &[], "")
            .await
            .body,
        "null"
    );
    let keys = keys();
    let own = world
        .raw(
            "GET",
            "/v2026_4/apis/3.0/system/info",
            &[("authorization", &keys), CLIENT],
            "",
        )
        .await;
    assert_eq!(own.status, 200);
    let stale = world
        .raw(
            "GET",
            "/v2024_1/apis/3.0/system/info",
            &[("authorization", &keys), CLIENT],
            "",
        )
        .await;
    assert_eq!(
        (stale.status, stale.text("message").as_str()),
        (404, "The endpoint does not exist.")
    );
}

#[tokio::test]
async fn keys_and_integration_id_are_required() {
    let world = world().await;
    let path = format!("{ROOT}/system/info");
    let keys = keys();
    let wrong = basic("examplemsp+example-public-key:wrong");
    assert_eq!(world.raw("GET", &path, &[CLIENT], "").await.status, 401);
    let refused = world
        .raw("GET", &path, &[("authorization", &wrong), CLIENT], "")
        .await;
    assert_eq!(
        (refused.status, refused.text("message").as_str()),
        (401, "UserNotAuthenticated")
    );
    assert!(refused.body.contains("\r\n"));
    assert_eq!(
        world
            .raw("GET", &path, &[("authorization", &keys)], "")
            .await
            .status,
        403
    );
    world
        .sim
        .with_state(|state| state.options.bad_keys_not_found = true);
    assert_eq!(
        world
            .raw("GET", &path, &[("authorization", &wrong), CLIENT], "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_accept_header_pins_a_version() {
    let world = world().await;
    world
        .sim
        .with_state(|state| state.options.version = (2026, 11));
    let keys = keys();
    let path = format!("{ROOT}{}/{}", world.additions(), world.addition);
    for (accept, status, newer) in [
        (
            "application/vnd.connectwise.com+json; version=2026.4",
            200,
            false,
        ),
        (
            "application/vnd.connectwise.com+json; version=2026.11",
            200,
            true,
        ),
        ("application/json", 200, true),
        (
            "application/vnd.connectwise.com+json; version=2031.1",
            406,
            false,
        ),
        (
            "application/vnd.connectwise.com+json; version=new",
            406,
            false,
        ),
        ("text/html", 406, false),
    ] {
        let answer = world
            .raw(
                "GET",
                &path,
                &[("authorization", &keys), CLIENT, ("accept", accept)],
                "",
            )
            .await;
        assert_eq!(
            (answer.status, answer.body.contains("additionStatus")),
            (status, newer),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn a_role_without_a_right_is_refused_and_hidden_types_vanish() {
    let world = world().await;
    world
        .sim
        .with_state(|state| state.rights.agreements.edit = false);
    assert_eq!(
        world
            .patch(r#"[{"op":"replace","path":"quantity","value":1}]"#)
            .await
            .status,
        403
    );
    world
        .sim
        .with_state(|state| state.rights.agreements.inquire = false);
    assert_eq!(world.get("/finance/agreements").await.status, 403);
    assert_eq!(world.get(&world.additions()).await.status, 403);
    world.sim.with_state(|state| {
        state.rights = Default::default();
        state.rights.hidden_agreement_types.insert(1);
    });
    assert_eq!(world.get("/finance/agreements").await.body, "[]");
    assert_eq!(
        world
            .get(&format!("/finance/agreements/{}", world.agreement))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn pages_are_25_by_default_and_1000_at_most() {
    let world = world().await;
    world.fill_companies(1100);
    assert_eq!(world.get("/company/companies").await.ids().len(), 25);
    assert_eq!(
        world
            .get("/company/companies?pageSize=5000")
            .await
            .ids()
            .len(),
        1000
    );
    assert_eq!(
        world
            .get("/company/companies?pageSize=1000&page=9")
            .await
            .ids()
            .len(),
        0
    );
    assert_eq!(world.get("/company/companies?pageSize=0").await.status, 400);
    assert_eq!(world.get("/company/companies?page=x").await.status, 400);
    assert_eq!(
        world
            .get("/company/companies/count")
            .await
            .json()
            .get("count")
            .and_then(Json::integer),
        Some(1102)
    );
}

#[tokio::test]
async fn links_stand_on_another_host_and_keep_the_query() {
    let world = world().await;
    world.fill_companies(60);
    let filter = encoded("name contains \"Company\"");
    let first = world
        .get(&format!(
            "/company/companies?conditions={filter}&orderBy=name%20desc"
        ))
        .await;
    let link = first.header("link").unwrap();
    assert!(
        link.starts_with(
            "<https://na.connectwise.example.com/v2026_3/apis/3.0//company/companies?"
        ),
        "{link}"
    );
    assert!(
        link.contains("conditions=name+contains") && link.contains("page=2>; rel=\"next\""),
        "{link}"
    );
    assert!(
        link.contains("page=3>; rel=\"last\"") && !link.contains("prev"),
        "{link}"
    );
    let last = world
        .get(&format!("/company/companies?conditions={filter}&page=3"))
        .await;
    assert_eq!(last.ids().len(), 10);
    let link = last.header("link").unwrap();
    assert!(
        !link.contains("next")
            && link.contains("page=2>; rel=\"prev\"")
            && link.contains("rel=\"first\"")
    );
}

#[tokio::test]
async fn forward_only_pages_are_walked_by_the_last_id() {
    let world = world().await;
    world.fill_companies(5);
    let keys = keys();
    let headers = [
        ("authorization", keys.as_str()),
        CLIENT,
        ("pagination-type", "forward-only"),
    ];
    let all = world.get("/company/companies").await.ids();
    let mut seen = Vec::new();
    let mut page_id = 0;
    loop {
        let path = format!("{ROOT}/company/companies?pageSize=3&pageId={page_id}&page=7");
        let answer = world.raw("GET", &path, &headers, "").await;
        assert_eq!(answer.header("pagination-type"), Some("forward-only"));
        seen.extend(answer.ids());
        page_id = *seen.last().unwrap();
        let link = answer.header("link").unwrap();
        if link.is_empty() {
            break;
        }
        assert!(
            link.contains(&format!("pageId={page_id}>; rel=\"next\"")),
            "{link}"
        );
    }
    assert_eq!(seen, all);
    let ordered = format!("{ROOT}/company/companies?orderBy=name");
    assert_eq!(world.raw("GET", &ordered, &headers, "").await.status, 400);
}

#[tokio::test]
async fn conditions_are_evaluated_and_unknown_names_refused() {
    let world = world().await;
    assert_eq!(
        world
            .find("name = \"northwind\" and deletedFlag = false")
            .await
            .ids(),
        [world.company]
    );
    assert_eq!(
        world.find("name = \"North\\\"wind\"").await.ids(),
        [] as [i64; 0]
    );
    let refused = world.find("nmae = \"x\"").await;
    assert_eq!(
        (refused.status, refused.text("code").as_str()),
        (400, "ApiFindCondition")
    );
    assert_eq!(refused.text("message"), "nmae is not a recognized name.");
    assert_eq!(world.find("name =").await.status, 400);
    let child = encoded("types/name = \"Vendor\"");
    let vendors = world
        .get(&format!("/company/companies?childConditions={child}"))
        .await;
    assert_eq!(vendors.ids().len(), 1);
    let custom = encoded("caption = \"x\"");
    assert_eq!(
        world
            .get(&format!(
                "/company/companies/types?customFieldConditions={custom}"
            ))
            .await
            .status,
        400
    );
    assert_eq!(
        world.get("/company/companies?orderBy=nmae").await.status,
        400
    );
    assert_eq!(
        world.get("/company/companies?fields=nmae").await.status,
        400
    );
}

#[tokio::test]
async fn fields_project_nested_members_and_leave_info_out() {
    let world = world().await;
    let path = format!(
        "/finance/agreements/{}?fields=id,company/id",
        world.agreement
    );
    let expected = format!(
        r#"{{"id":{},"company":{{"id":{}}}}}"#,
        world.agreement, world.company
    );
    assert_eq!(world.get(&path).await.body, expected);
    assert!(
        world
            .get(&format!("{path},_info"))
            .await
            .body
            .contains("lastUpdated")
    );
}

#[tokio::test]
async fn custom_fields_are_found_by_caption_and_value() {
    let world = world().await;
    world.sim.with_state(|state| {
        state.edit_addition(world.addition, |addition| {
            let (caption, kind) = ("Subscription ID".to_owned(), "Text".to_owned());
            addition.custom_fields.push(CustomField {
                id: 3,
                caption,
                kind,
                value: Json::from("a1b2"),
            });
        });
    });
    let find = |text: &str| {
        format!(
            "{}?customFieldConditions={}",
            world.additions(),
            encoded(text)
        )
    };
    let hit = world
        .get(&find("caption = \"Subscription ID\" AND value = \"a1b2\""))
        .await;
    assert_eq!(hit.ids(), [world.addition]);
    assert!(
        world
            .get(&find("caption = \"Subscription ID\" AND value = \"zzz\""))
            .await
            .ids()
            .is_empty()
    );
    let set = world
        .patch(r#"[{"op":"replace","path":"customFields","value":[{"id":3,"value":"c3"}]}]"#)
        .await;
    assert!(set.body.contains("c3"));
    let kept = world
        .patch(r#"[{"op":"replace","path":"customFields","value":[]}]"#)
        .await;
    assert!(kept.body.contains("c3"));
}

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
async fn unknown_records_paths_and_methods_are_told_apart() {
    let world = world().await;
    let gone = world.get(&format!("{}/9999", world.additions())).await;
    assert_eq!((gone.status, gone.text("code").as_str()), (404, "NotFound"));
    assert_eq!(gone.text("message"), "Addition 9999 not found");
    assert_eq!(
        world.get("/finance/invoices").await.text("message"),
        "The endpoint does not exist."
    );
    assert_eq!(
        world
            .call(
                "PUT",
                &format!("{}/{}", world.additions(), world.addition),
                "{}"
            )
            .await
            .status,
        405
    );
    assert_eq!(
        world.call("DELETE", "/company/companies", "").await.status,
        405
    );
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
async fn setup_tables_and_the_catalog_are_listed() {
    let world = world().await;
    let vendor = encoded("vendor/name = \"Sherweb\" and vendorSku = \"MAIL-A-MM\"");
    assert_eq!(
        world
            .get(&format!("/procurement/catalog?conditions={vendor}"))
            .await
            .ids(),
        [world.product]
    );
    for (path, text) in [
        ("/finance/billingCycles", "NotRecurring"),
        ("/finance/agreements/types", "Managed Services"),
        ("/company/companies/statuses", "Not-Approved"),
        ("/company/companies/types", "Prospect"),
        ("/company/companies/info", "Northwind"),
        ("/system/info", "v2026.4.112233"),
    ] {
        let answer = world.get(path).await;
        assert!(
            answer.status == 200 && answer.body.contains(text),
            "{path}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn a_limit_answers_429_with_whole_seconds() {
    let world = world().await;
    world
        .sim
        .with_state(|state| state.limit = RateLimit::per_window(1, 60));
    assert_eq!(world.get("/system/info").await.status, 200);
    let refused = world.get("/system/info").await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (429, Some("60"))
    );
    world
        .sim
        .clock()
        .advance(jiff::SignedDuration::from_secs(60));
    assert_eq!(world.get("/system/info").await.status, 200);
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
