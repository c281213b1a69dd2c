//! Reading from the simulated Autotask over a raw socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::SignedDuration;
use support::autotask::{CODE, JSON, ROOT, SECRET, Tenant, UDF, USER, tenant};
use support::encoded;
use tallyline_testkit::autotask::{Entity, OWN_COMPANY, Threshold};
use tallyline_testkit::json::Json;
use url::Url;

const ALL: &str = r#"{"op":"gte","field":"id","value":0}"#;

fn target(url: &str) -> String {
    let url = Url::parse(url).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or(""))
}

#[tokio::test]
async fn the_zone_is_looked_up_without_credentials_and_is_the_simulators_own() {
    let tenant = tenant().await;
    let path = format!("{ROOT}/ZoneInformation?user={}", encoded(USER.1));
    let zone = tenant.raw("GET", &path, &[], "").await;
    assert_eq!(zone.status, 200);
    let own = tenant.sim.base_url();
    assert_eq!(zone.text("url"), format!("{own}ATServicesRest/"));
    assert_eq!(zone.json().get("ci").and_then(Json::integer), Some(123_456));
    tenant.sim.with_state(|state| {
        state.options.zone_url = Some("https://elsewhere.example.com/ATServicesRest/".to_owned());
    });
    let poisoned = tenant.raw("GET", &path, &[], "").await;
    assert_eq!(
        poisoned.text("url"),
        "https://elsewhere.example.com/ATServicesRest/"
    );
}

#[tokio::test]
async fn the_zone_of_an_unknown_user_is_a_500() {
    let tenant = tenant().await;
    let path = format!("{ROOT}/ZoneInformation?user=nobody");
    let zone = tenant.raw("GET", &path, &[], "").await;
    assert_eq!(
        (zone.status, zone.body.as_str()),
        (
            500,
            r#"{"errors":["Zone information could not be determined"]}"#
        )
    );
}

#[tokio::test]
async fn versions_are_told_outside_the_versioned_path_and_letter_case_does_not_matter() {
    let tenant = tenant().await;
    let headers = [CODE, USER, SECRET];
    for path in [
        "/atservicesrest/VersionInformation",
        "/ATServicesRest/versioninformation",
    ] {
        let found = tenant.raw("GET", path, &headers, "").await;
        assert_eq!(found.body, r#"{"apiVersions":["1.0"]}"#);
    }
    let path = format!("/atservicesrest/V1.0/companies/{}", tenant.company);
    assert_eq!(tenant.raw("GET", &path, &headers, "").await.status, 200);
}

#[tokio::test]
async fn a_wrong_code_user_or_secret_is_a_401_with_an_empty_body() {
    let tenant = tenant().await;
    tenant.sim.expect_violations(
        "calls without a credential",
        &[
            "header /ApiIntegrationCode",
            "header /UserName",
            "header /Secret",
        ],
    );
    let path = format!("{ROOT}/Companies/{}", tenant.company);
    for headers in [
        vec![USER, SECRET],
        vec![CODE, SECRET],
        vec![CODE, USER],
        vec![("ApiIntegrationCode", "WRONG"), USER, SECRET],
        vec![CODE, ("UserName", "nobody@example.com"), SECRET],
        vec![CODE, USER, ("Secret", "wrong")],
    ] {
        let refused = tenant.raw("GET", &path, &headers, "").await;
        assert_eq!((refused.status, refused.body.as_str()), (401, ""));
        let realm = refused.header("www-authenticate").unwrap();
        assert!(realm.starts_with("Basic Realm="), "{realm}");
    }
    tenant
        .sim
        .with_state(|state| state.options.bad_code_is_500 = true);
    let refused = tenant.raw("GET", &path, &[USER, SECRET], "").await;
    assert_eq!(
        refused.refusal(),
        (500, "IntegrationCode is invalid.".to_owned())
    );
    tenant
        .sim
        .with_state(|state| state.options.wrong_zone = true);
    let moved = tenant.raw("GET", &path, &[CODE, USER, SECRET], "").await;
    assert_eq!(moved.status, 401);
}

#[tokio::test]
async fn company_0_is_the_providers_own_and_a_valid_id() {
    let tenant = tenant().await;
    let own = tenant.get(&format!("/Companies/{OWN_COMPANY}")).await;
    assert_eq!(
        own.item().get("companyName").and_then(Json::text),
        Some("Example MSP")
    );
    assert_eq!(
        tenant.found("Companies", ALL).await,
        [OWN_COMPANY, tenant.company]
    );
    let equal = r#"{"op":"eq","field":"id","value":0}"#;
    assert_eq!(tenant.found("Companies", equal).await, [0]);
}

#[tokio::test]
async fn a_missing_record_is_a_404_or_a_null_item() {
    let tenant = tenant().await;
    let missing = tenant.get("/Contracts/1").await;
    assert_eq!(missing.status, 404);
    tenant
        .sim
        .with_state(|state| state.options.missing_item_is_null = true);
    let missing = tenant.get("/Contracts/1").await;
    assert_eq!(
        (missing.status, missing.body.as_str()),
        (200, r#"{"item":null}"#)
    );
}

async fn with_companies(count: usize) -> Tenant {
    let tenant = tenant().await;
    tenant.sim.with_state(|state| {
        for at in 0..count {
            state.add_company(&format!("Client {at}"));
        }
    });
    tenant
}

#[tokio::test]
async fn a_get_query_is_paged_by_absolute_addresses_in_ascending_order_of_ids() {
    let tenant = with_companies(5).await;
    let query = format!(r#"{{"maxRecords":3,"includeFields":["id"],"filter":[{ALL}]}}"#);
    let first = tenant.search("Companies", &query).await;
    let json = first.json();
    let details = json.get("pageDetails").unwrap();
    assert_eq!(details.get("count").and_then(Json::integer), Some(3));
    assert_eq!(details.get("requestCount").and_then(Json::integer), Some(3));
    assert_eq!(details.get("prevPageUrl"), Some(&Json::Null));
    let mut ids = first.item_ids();
    let mut next = first.next_page();
    let mut pages = 1;
    while let Some(url) = next {
        assert!(url.starts_with(tenant.sim.base_url().as_str()), "{url}");
        let headers = [CODE, USER, SECRET];
        let page = tenant.raw("GET", &target(&url), &headers, "").await;
        ids.extend(page.item_ids());
        next = page.next_page();
        pages += 1;
    }
    assert_eq!((pages, ids.len()), (3, 7));
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn a_post_query_is_paged_by_posting_the_same_body_again() {
    let tenant = with_companies(5).await;
    let query = format!(r#"{{"maxRecords":4,"filter":[{ALL}]}}"#);
    let first = tenant.post("/Companies/query", &query).await;
    let next = target(&first.next_page().unwrap());
    assert!(!next.contains("search="), "{next}");
    let headers = [CODE, USER, SECRET, JSON];
    let second = tenant.raw("POST", &next, &headers, &query).await;
    assert_eq!(second.item_ids().len(), 3);
    assert_eq!(second.next_page(), None);
    let back = second.json();
    let back = back
        .get("pageDetails")
        .and_then(|details| details.get("prevPageUrl"))
        .and_then(Json::text)
        .unwrap();
    let again = tenant.raw("POST", &target(back), &headers, &query).await;
    assert_eq!(again.item_ids(), first.item_ids());
    tenant.sim.expect_violations(
        "the page without the body",
        &[
            "request body: a body is required and missing",
            "query /search",
        ],
    );
    let lost = tenant.raw("POST", &next, &headers, "").await;
    assert_eq!(lost.status, 400);
    let got = tenant.raw("GET", &next, &headers, "").await;
    assert_eq!(got.status, 500);
}

#[tokio::test]
async fn page_addresses_can_be_foreign_or_endless() {
    let tenant = with_companies(5).await;
    let query = format!(r#"{{"maxRecords":4,"filter":[{ALL}]}}"#);
    tenant.sim.with_state(|state| {
        state.options.page_base = Some("https://evil.example.com".to_owned());
    });
    let foreign = tenant
        .search("Companies", &query)
        .await
        .next_page()
        .unwrap();
    assert!(
        foreign.starts_with("https://evil.example.com/"),
        "{foreign}"
    );
    tenant.sim.with_state(|state| {
        state.options.page_base = None;
        state.options.endless_pages = true;
    });
    let headers = [CODE, USER, SECRET];
    let first = tenant.search("Companies", &query).await;
    let next = target(&first.next_page().unwrap());
    let again = tenant.raw("GET", &next, &headers, "").await;
    assert_eq!(again.item_ids(), first.item_ids());
    assert!(again.next_page().is_some());
}

#[tokio::test]
async fn children_are_listed_below_their_parent_without_a_filter() {
    let tenant = tenant().await;
    let other = tenant.sim.with_state(|state| {
        let other = state.add_contract(tenant.company, "Another");
        state.add_line(other, tenant.service, 1)
    });
    let own = format!("/Contracts/{}/Services", tenant.contract);
    assert_eq!(tenant.get(&own).await.item_ids(), [tenant.line]);
    let child = tenant.get(&format!("{own}/{}", tenant.line)).await;
    assert_eq!(child.status, 200);
    assert_eq!(tenant.get(&format!("{own}/{other}")).await.status, 404);
    let flat = tenant.get(&format!("/ContractServices/{other}")).await;
    assert_eq!(flat.status, 200);
    let units = tenant
        .get(&format!("/Contracts/{}/ServiceUnits", tenant.contract))
        .await;
    assert_eq!(units.item_ids().len(), 24);
}

#[tokio::test]
async fn user_defined_fields_are_empty_unless_they_are_asked_for() {
    let tenant = tenant().await;
    tenant.sim.with_state(|state| {
        state.edit(Entity::Contracts, tenant.contract, |contract| {
            contract.udfs.insert(UDF.to_owned(), "A1B2-0001".to_owned());
        });
    });
    let udfs = |answer: &support::Answer| answer.items()[0].get("userDefinedFields").cloned();
    let value = Json::Array(vec![
        Json::object().with("name", UDF).with("value", "A1B2-0001"),
    ]);
    let whole = tenant.query("Contracts", ALL).await;
    assert_eq!(udfs(&whole), Some(value.clone()));
    let asked = format!(r#"{{"includeFields":["id","userDefinedFields"],"filter":[{ALL}]}}"#);
    let asked = tenant.post("/Contracts/query", &asked).await;
    assert_eq!(udfs(&asked), Some(value));
    let unasked = format!(r#"{{"includeFields":["id"],"filter":[{ALL}]}}"#);
    let unasked = tenant.post("/Contracts/query", &unasked).await;
    assert_eq!(udfs(&unasked), Some(Json::Array(Vec::new())));
    tenant.sim.with_state(|state| {
        state.options.omit_empty_udfs = true;
        state.edit(Entity::Contracts, tenant.contract, |contract| {
            contract.udfs.clear();
        });
    });
    let none = tenant.query("Contracts", ALL).await;
    assert_eq!(udfs(&none), None);
}

#[tokio::test]
async fn metadata_tells_fields_with_picklists_whose_values_are_texts() {
    let tenant = tenant().await;
    let fields = tenant.get("/Contracts/entityInformation/fields").await;
    let json = fields.json();
    let field = |name: &str| {
        let all = json.get("fields").and_then(Json::items).unwrap();
        let named = |field: &&Json| field.get("name").and_then(Json::text) == Some(name);
        all.iter().find(named).cloned().unwrap()
    };
    let status = field("status");
    assert_eq!(status.get("dataType").and_then(Json::text), Some("integer"));
    let active = status.get("picklistValues").unwrap().items().unwrap()[0].clone();
    assert_eq!(active.get("value").and_then(Json::text), Some("1"));
    assert_eq!(active.get("label").and_then(Json::text), Some("Active"));
    assert_eq!(
        field("contractName").get("picklistValues"),
        Some(&Json::Null)
    );
    // Said to be read-only, and taken by a create.
    let period = field("contractPeriodType");
    assert_eq!(period.get("isReadOnly").and_then(Json::flag), Some(true));
    let udfs = tenant
        .get("/Contracts/entityInformation/userDefinedFields")
        .await;
    assert!(udfs.body.contains(r#""name":"Subscription ID""#));
    let info = tenant.get("/ContractServiceUnits/entityInformation").await;
    let json = info.json();
    let info = json.get("info").unwrap();
    assert_eq!(info.get("canQuery").and_then(Json::flag), Some(true));
    assert_eq!(info.get("canCreate").and_then(Json::flag), Some(false));
    let all = tenant.get("/EntityInformation").await;
    let json = all.json();
    let all = json
        .get("entityDescriptions")
        .and_then(Json::items)
        .unwrap();
    assert_eq!(all.len(), Entity::ALL.len());
    let child = format!(
        "/Contracts/{}/Services/entityInformation/fields",
        tenant.contract
    );
    let fields = tenant.get(&child).await;
    assert!(fields.body.contains(r#""name":"serviceID""#));
    assert!(!fields.body.contains(r#""name":"adjustedPrice""#));
}

#[tokio::test]
async fn the_hourly_threshold_counts_all_integrations_and_rolls() {
    let tenant = tenant().await;
    tenant.sim.with_state(|state| {
        state.threshold = Threshold::new(5);
        let now = state.clock.now();
        state.threshold.spend(now, 3);
    });
    let told = tenant.get("/ThresholdInformation").await;
    assert_eq!(
        told.body,
        r#"{"externalRequestThreshold":5,"requestThresholdTimeframe":60,"currentTimeframeRequestCount":4}"#
    );
    let path = format!("/Companies/{}", tenant.company);
    assert_eq!(tenant.get(&path).await.status, 200);
    let refused = tenant.get(&path).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, None));
    assert!(refused.refusal().1.contains("threshold"));
    tenant
        .sim
        .with_state(|state| state.options.retry_after = Some(90));
    let refused = tenant.get(&path).await;
    assert_eq!(refused.header("retry-after"), Some("90"));
    let zone = format!("{ROOT}/ZoneInformation?user={}", encoded(USER.1));
    assert_eq!(tenant.raw("GET", &zone, &[], "").await.status, 200);
    tenant.sim.clock().advance(SignedDuration::from_mins(60));
    assert_eq!(tenant.get(&path).await.status, 200);
}

#[tokio::test]
async fn threads_are_counted_per_integration_and_endpoint_and_refused_with_their_code() {
    let tenant = tenant().await;
    tenant
        .sim
        .with_state(|state| state.options.threads = Some(3));
    let threads = tenant.sim.threads().clone();
    threads.hold();
    let flat = format!("/ContractServices/{}", tenant.line);
    // The child counts with its own entity.
    let child = format!("/Contracts/{}/Services", tenant.contract);
    let meta = "/ContractServices/entityInformation";
    let three = futures::future::join3(tenant.get(&flat), tenant.get(&child), tenant.get(meta));
    let fourth = async {
        threads.reach("ContractServices", 3).await;
        let refused = tenant.get(&flat).await;
        threads.release();
        let contract = tenant.get(&format!("/Contracts/{}", tenant.contract)).await;
        (refused, contract)
    };
    let ((one, two, three), (refused, contract)) = futures::future::join(three, fourth).await;
    assert_eq!([one.status, two.status, three.status], [200; 3]);
    let (status, text) = refused.refusal();
    assert!(
        status == 500 && text.contains("Itgenatr005"),
        "{status} {text}"
    );
    assert_eq!(contract.status, 200);
    assert_eq!(threads.peak("ContractServices"), 3);
    assert_eq!(threads.now("ContractServices"), 0);
    assert_eq!(tenant.get(&flat).await.status, 200);
}

#[tokio::test]
async fn a_restricted_user_gets_empty_results_instead_of_errors() {
    let tenant = tenant().await;
    tenant.sim.with_state(|state| {
        let other = state.add_company("Southwind");
        let contract = state.add_contract(other, "Hidden");
        state.add_line(contract, tenant.service, 2);
        state.rights.companies = Some([other].into());
    });
    let hidden = format!("/Contracts/{}", tenant.contract);
    assert_eq!(tenant.get(&hidden).await.status, 404);
    assert_eq!(tenant.found("Contracts", ALL).await.len(), 1);
    assert_eq!(tenant.units(tenant.line).await, []);
    tenant.sim.with_state(|state| {
        state.rights.companies = None;
        state.rights.unseen = [Entity::ContractServices].into();
    });
    assert!(tenant.found("ContractServices", ALL).await.is_empty());
    assert_eq!(tenant.found("Contracts", ALL).await.len(), 2);
    tenant.sim.with_state(|state| state.rights.forbidden = true);
    assert_eq!(tenant.get(&hidden).await.status, 403);
}

#[tokio::test]
async fn dates_carry_no_zone_unless_the_tenant_is_set_so() {
    let tenant = tenant().await;
    let path = format!("/Contracts/{}", tenant.contract);
    let start = |answer: &support::Answer| {
        let item = answer.item();
        item.get("startDate")
            .and_then(Json::text)
            .unwrap()
            .to_owned()
    };
    assert_eq!(start(&tenant.get(&path).await), "2026-01-01T00:00:00");
    tenant
        .sim
        .with_state(|state| state.options.dates_end_in_z = true);
    assert_eq!(start(&tenant.get(&path).await), "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn billing_flags_may_be_filtered_by_numbers_only() {
    let tenant = tenant().await;
    tenant.sim.with_state(|state| {
        let day = state.clock.today();
        state.add_charge(tenant.contract, "Consumption", day, 1.into(), 5.into());
    });
    let flag = r#"{"op":"eq","field":"isBilled","value":false}"#;
    let number = r#"{"op":"eq","field":"isBilled","value":0}"#;
    assert_eq!(tenant.found("ContractCharges", flag).await.len(), 1);
    assert_eq!(tenant.found("ContractCharges", number).await.len(), 0);
    tenant
        .sim
        .with_state(|state| state.options.billing_flags_as_numbers = true);
    assert_eq!(tenant.found("ContractCharges", flag).await.len(), 0);
    assert_eq!(tenant.found("ContractCharges", number).await.len(), 1);
}

#[tokio::test]
async fn billing_codes_are_found_by_their_use_type_and_cannot_be_written() {
    let tenant = tenant().await;
    let recurring =
        r#"{"op":"eq","field":"isActive","value":true},{"op":"eq","field":"useType","value":5}"#;
    let codes = tenant.query("BillingCodes", recurring).await;
    assert_eq!(
        codes.items()[0].get("name").and_then(Json::text),
        Some("Recurring services")
    );
    tenant.sim.expect_violations(
        "a write that is not documented",
        &["operation: the document has no such path"],
    );
    let refused = tenant.post("/BillingCodes", r#"{"name":"Mine"}"#).await;
    assert_eq!(refused.status, 405);
}

#[tokio::test]
async fn a_bundle_hides_its_services_from_the_contract_services() {
    let tenant = tenant().await;
    let bundle = tenant.sim.with_state(|state| {
        let inner = state.add_service("Backup", 3.into(), 2.into());
        state.add_bundle(tenant.contract, "Workplace", &[inner], 4)
    });
    assert_eq!(tenant.found("ContractServices", ALL).await, [tenant.line]);
    assert_eq!(tenant.found("ContractServiceBundles", ALL).await, [bundle]);
    let units = format!(r#"{{"op":"eq","field":"contractServiceBundleID","value":{bundle}}}"#);
    let units = tenant.query("ContractServiceBundleUnits", &units).await;
    assert_eq!(units.items().len(), 24);
    assert_eq!(
        units.items()[0].get("units").and_then(Json::integer),
        Some(4)
    );
    assert_eq!(tenant.found("ServiceBundleServices", ALL).await.len(), 1);
}

#[tokio::test]
async fn unknown_routes_are_404_and_wrong_verbs_405() {
    let tenant = tenant().await;
    tenant.sim.expect_violations(
        "routes that do not exist",
        &[
            "operation: the document has no such path",
            "path /id",
            "request body: the document has no body here",
            "operation: the document has this path, but not with this method",
        ],
    );
    for (method, path, status) in [
        ("GET", "/Invoices/1".to_owned(), 404),
        ("GET", "/Contracts/abc".to_owned(), 404),
        ("GET", "/ContractServiceAdjustments/1".to_owned(), 404),
        ("POST", "/ContractServiceAdjustments/query".to_owned(), 404),
        ("PATCH", format!("/Contracts/{}", tenant.contract), 405),
        ("DELETE", format!("/Contracts/{}", tenant.contract), 405),
        ("POST", "/ContractServices".to_owned(), 405),
        ("POST", "/ContractCharges".to_owned(), 405),
        ("PATCH", "/ContractServiceUnits".to_owned(), 405),
        (
            "POST",
            format!("/Contracts/{}/ServiceUnits", tenant.contract),
            405,
        ),
        (
            "GET",
            format!("/Contracts/{}/ServiceAdjustments", tenant.contract),
            405,
        ),
    ] {
        let answer = tenant.call(method, &path, "{}").await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
}
