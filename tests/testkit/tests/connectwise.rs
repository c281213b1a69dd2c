//! Reading from the simulated PSA over a raw socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use support::psa::{CLIENT, ROOT, keys, world};
use support::{basic, encoded};
use tallyline_testkit::connectwise::CustomField;
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;

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
    world
        .sim
        .expect_violations("a call without the integration id", &["header /clientId"]);
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
    world
        .sim
        .expect_violations("a page that is no number", &["query /page"]);
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
async fn unknown_records_paths_and_methods_are_told_apart() {
    let world = world().await;
    world.sim.expect_violations(
        "paths, methods and a body that no document has",
        &[
            "operation: the document has no such path",
            "request body /product",
            "request body /billCustomer",
            "operation: the document has this path, but not with this method",
        ],
    );
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
