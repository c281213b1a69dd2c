//! The simulated VMware Cloud Director over a raw socket: versions, sessions, queries, filters, pages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use jiff::SignedDuration;
use support::vcd::{ANY, FORM, LEGACY, OPEN, PROVIDER, SESSIONS, basic, cloud, names};
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;

#[tokio::test]
async fn every_call_names_an_offered_version_in_accept_but_that_for_the_versions() {
    let cloud = cloud().await;
    let session = cloud.provider().await;
    let bearer = ("Authorization", session.as_str());
    let query = "/api/query?type=organization";
    let current = "/cloudapi/1.0.0/sessions/current";
    for (target, accept, status) in [
        (query, Some("application/*+json;version=37.0"), 200),
        (query, Some("application/*+json;version=38.1"), 200),
        (query, Some("application/*+json;version=39.0"), 406),
        (query, Some("application/*+json"), 406),
        (query, Some("application/json;version=37.0"), 406),
        (query, None, 406),
        (current, Some("application/json;version=37.0"), 200),
        (current, Some("application/*+json;version=37.0"), 406),
        (current, None, 406),
    ] {
        let accept = accept.map(|accept| ("Accept", accept));
        let headers: Vec<_> = accept.into_iter().chain([bearer]).collect();
        let answer = cloud.raw("GET", target, &headers, "").await;
        assert_eq!(answer.status, status, "{target} {headers:?}");
    }
    let versions = [("Accept", "application/*+json")];
    let answer = cloud.raw("GET", "/api/versions", &versions, "").await;
    let body = answer.json();
    let all = body.get("versionInfo").and_then(Json::items).unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].get("deprecated").and_then(Json::flag), Some(true));
    let answer = cloud.raw("GET", "/api/versions", &[], "").await;
    assert_eq!(answer.header("content-type"), Some("text/xml"));
}

#[tokio::test]
async fn a_session_is_opened_by_the_path_of_its_organisation_with_basic_and_no_body() {
    let cloud = cloud().await;
    for (path, user, password, status) in [
        (PROVIDER, "administrator@System", "example-password", 200),
        (SESSIONS, "administrator@System", "example-password", 401),
        (SESSIONS, "reader@northwind", "tenant-password", 200),
        (SESSIONS, "reader@NorthWind", "tenant-password", 200),
        (PROVIDER, "reader@northwind", "tenant-password", 401),
        (SESSIONS, "reader@oak-legal", "tenant-password", 401),
        (SESSIONS, "reader@northwind", "another", 401),
        (SESSIONS, "reader", "tenant-password", 401),
    ] {
        let answer = cloud.sign_in(path, user, password).await;
        assert_eq!(answer.status, status, "{path} {user}");
        let token = answer.header("x-vmware-vcloud-access-token");
        assert_eq!(token.is_some(), status == 200);
    }
    let basic = basic("reader@northwind", "tenant-password");
    let headers = [ANY, ("Authorization", basic.as_str())];
    assert_eq!(
        cloud.raw("POST", SESSIONS, &headers, "{}").await.status,
        400
    );
    assert_eq!(
        cloud.raw("POST", SESSIONS, &headers[1..], "").await.status,
        406
    );
}

#[tokio::test]
async fn an_api_token_gives_a_session_of_its_organisation_for_a_form_and_nothing_else() {
    let cloud = cloud().await;
    let form = "grant_type=refresh_token&refresh_token=example-api-token";
    for (path, headers, body, status) in [
        ("/oauth/provider/token", &[ANY, FORM][..], form, 200),
        ("/oauth/tenant/northwind/token", &[ANY, FORM][..], form, 400),
        ("/oauth/provider/token", &[ANY][..], form, 415),
        ("/oauth/provider/token", &[FORM][..], form, 406),
        (
            "/oauth/provider/token",
            &[ANY, FORM][..],
            "grant_type=password&refresh_token=example-api-token",
            400,
        ),
        (
            "/oauth/provider/token",
            &[ANY, FORM][..],
            "grant_type=refresh_token",
            400,
        ),
    ] {
        let answer = cloud.raw("POST", path, headers, body).await;
        assert_eq!(answer.status, status, "{path} {body}");
        if status == 200 {
            let session = format!("Bearer {}", answer.text("access_token"));
            let found = cloud.query(&session, "type=adminVM").await;
            assert_eq!(found.status, 200);
            cloud.sim.clock().advance(SignedDuration::from_secs(1800));
            let found = cloud.query(&session, "type=adminVM").await;
            assert_eq!(found.status, 401);
        }
    }
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_when_it_is_signed_out() {
    let cloud = cloud().await;
    let session = cloud.tenant().await;
    for _ in 0..3 {
        cloud.sim.clock().advance(SignedDuration::from_secs(1799));
        let answer = cloud.query(&session, "type=vm").await;
        assert_eq!(answer.status, 200);
    }
    cloud.sim.clock().advance(SignedDuration::from_secs(1800));
    assert_eq!(cloud.query(&session, "type=vm").await.status, 401);

    let session = cloud.tenant().await;
    let current = cloud.open(&session, "sessions/current").await;
    let org = current.json().get("org").cloned().unwrap();
    assert_eq!(org.get("name").and_then(Json::text), Some("northwind"));
    let id = current.text("id");
    let headers = [OPEN, ("Authorization", session.as_str())];
    let other = "/cloudapi/1.0.0/sessions/urn:vcloud:session:1";
    assert_eq!(cloud.raw("DELETE", other, &headers, "").await.status, 403);
    let own = format!("/cloudapi/1.0.0/sessions/{id}");
    assert_eq!(cloud.raw("DELETE", &own, &headers, "").await.status, 204);
    assert_eq!(cloud.open(&session, "sessions/current").await.status, 401);
    cloud.sim.end_sessions();
    assert_eq!(cloud.sim.sessions_opened(), 2);
}

#[tokio::test]
async fn types_are_case_sensitive_and_of_the_kind_of_the_session() {
    let cloud = cloud().await;
    let (provider, tenant) = (cloud.provider().await, cloud.tenant().await);
    for (kind, as_provider, as_tenant) in [
        ("organization", 200, 200),
        ("edgeGateway", 200, 200),
        ("vm", 400, 200),
        ("adminVM", 200, 403),
        ("adminVm", 400, 400),
        ("orgVdc", 400, 200),
        ("adminOrgVdc", 200, 403),
        ("orgVdcStorageProfile", 400, 200),
        ("adminOrgVdcStorageProfile", 200, 403),
        ("Organization", 400, 400),
        ("", 400, 400),
    ] {
        let query = format!("type={kind}");
        assert_eq!(
            cloud.query(&provider, &query).await.status,
            as_provider,
            "{kind}"
        );
        assert_eq!(
            cloud.query(&tenant, &query).await.status,
            as_tenant,
            "{kind}"
        );
    }
    assert_eq!(cloud.query(&provider, "format=records").await.status, 400);
    assert_eq!(
        cloud
            .query(&provider, "type=adminVM&colour=red")
            .await
            .status,
        400
    );
    let refused = cloud.query(&tenant, "type=adminVM").await;
    assert_eq!(
        refused.text("minorErrorCode"),
        "ACCESS_TO_RESOURCE_IS_FORBIDDEN"
    );
    assert_eq!(
        refused.json().get("majorErrorCode").and_then(Json::integer),
        Some(403)
    );
}

#[tokio::test]
async fn a_tenant_sees_its_own_and_the_provider_all_with_their_organisations() {
    let cloud = cloud().await;
    let (provider, tenant) = (cloud.provider().await, cloud.tenant().await);
    let orgs = cloud.query(&provider, "type=organization").await;
    assert_eq!(names(&orgs, "record"), ["System", "northwind", "oak-legal"]);
    let orgs = cloud.query(&tenant, "type=organization").await;
    assert_eq!(names(&orgs, "record"), ["northwind"]);
    let own = cloud.query(&tenant, "type=vm").await;
    assert_eq!(
        names(&own, "record"),
        [
            "template-machine",
            "deleted-machine",
            "nwd-dc01",
            "nwd-web;01"
        ]
    );
    let row = |answer: &support::Answer, at: usize| {
        answer.json().get("record").and_then(Json::items).unwrap()[at].clone()
    };
    assert!(row(&own, 2).get("id").unwrap().is_null());
    assert_eq!(row(&own, 2).get("org"), None);
    let all = cloud.query(&provider, "type=adminVM").await;
    let org = row(&all, 2)
        .get("org")
        .and_then(Json::text)
        .unwrap()
        .to_owned();
    assert!(org.ends_with(&cloud.orgs[0]), "{org}");
}

#[tokio::test]
async fn filters_are_encoded_and_evaluated() {
    let cloud = cloud().await;
    let tenant = cloud.tenant().await;
    let all = [
        "template-machine",
        "deleted-machine",
        "nwd-dc01",
        "nwd-web;01",
    ];
    for (filter, wanted) in [
        ("isVAppTemplate%3D%3Dfalse", &all[1..]),
        ("isVAppTemplate%3D%3Dfalse%3BisDeleted!%3Dtrue", &all[2..]),
        ("name%3D%3DNWD-*", &all[2..]),
        ("name%3D%3Dnwd-web%5C%3B01", &all[3..]),
        (
            "name%3D%3Dnwd-dc01%2Cname%3D%3Dtemplate*",
            &[all[0], all[2]][..],
        ),
        ("numberOfCpus%3D%3D4", &all[2..3]),
        ("name%3D%3Dnobody", &[]),
    ] {
        let query = format!("type=vm&filter={filter}&filterEncoded=true");
        let answer = cloud.query(&tenant, &query).await;
        assert_eq!(answer.status, 200, "{filter} {}", answer.body);
        assert_eq!(names(&answer, "record"), wanted, "{filter}");
    }
    for wrong in [
        "type=vm&filter=isVAppTemplate%3D%3Dfalse",
        "type=vm&filter=isVAppTemplate%3D%3Dfalse&filterEncoded=false",
        "type=vm&filter=colour%3D%3Dred&filterEncoded=true",
        "type=vm&filter=name&filterEncoded=true",
        "type=vm&filter=name%3D%3D&filterEncoded=true",
        "type=vm&filter=name!%3Da*&filterEncoded=true",
        "type=vm&filter=name%3D%3Da%3Db&filterEncoded=true",
        "type=vm&filterEncoded=true",
    ] {
        assert_eq!(cloud.query(&tenant, wrong).await.status, 400, "{wrong}");
    }
    let provider = cloud.provider().await;
    let base = cloud
        .sim
        .base_url()
        .as_str()
        .trim_end_matches('/')
        .to_owned();
    for reference in [
        format!("{base}/api/org/{}", cloud.orgs[1]),
        cloud.orgs[1].clone(),
    ] {
        let reference = reference.replace('/', "%2F").replace(':', "%3A");
        let query = format!("type=adminVM&filter=org%3D%3D{reference}&filterEncoded=true");
        let answer = cloud.query(&provider, &query).await;
        assert_eq!(names(&answer, "record"), &all[..2], "{query}");
    }
}

#[tokio::test]
async fn pages_hold_128_at_most_and_tell_how_many_there_are() {
    let cloud = cloud().await;
    cloud.sim.with_state(|state| {
        for number in 0..30 {
            state.add_org(&format!("org-{number:02}"));
        }
    });
    let provider = cloud.provider().await;
    for (query, status) in [
        ("pageSize=128", 200),
        ("pageSize=129", 400),
        ("page=0", 400),
        ("page=1&page=2", 400),
        ("page=x", 400),
    ] {
        let query = format!("type=organization&{query}");
        assert_eq!(
            cloud.query(&provider, &query).await.status,
            status,
            "{query}"
        );
    }
    let first = cloud.query(&provider, "type=organization").await;
    assert_eq!(names(&first, "record").len(), 25);
    let number = |name: &str| first.json().get(name).and_then(Json::integer).unwrap();
    assert_eq!(
        (number("page"), number("pageSize"), number("total")),
        (1, 25, 33)
    );
    let last = cloud.query(&provider, "type=organization&page=2").await;
    assert_eq!(names(&last, "record").len(), 8);
    cloud.sim.with_state(|state| {
        state.switches.no_empty_record = true;
        state.switches.numbers_as_text = true;
        state.switches.max_page = Some(10);
    });
    let beyond = cloud.query(&provider, "type=organization&page=9").await;
    assert_eq!(beyond.json().get("record"), None);
    assert_eq!(beyond.text("total"), "33");
    let lowered = cloud
        .query(&provider, "type=organization&pageSize=128")
        .await;
    assert_eq!(names(&lowered, "record").len(), 10);
}

#[tokio::test]
async fn open_lists_name_their_next_page_and_may_leave_all_counts_out() {
    let cloud = cloud().await;
    let provider = cloud.provider().await;
    let first = cloud.open(&provider, "edgeGateways?pageSize=1").await;
    assert_eq!(names(&first, "values"), ["nwd-edge"]);
    let link = first.header("link").unwrap();
    assert!(
        link.contains("rel=\"nextPage\"") && link.contains("page=2"),
        "{link}"
    );
    assert_eq!(
        first.json().get("resultTotal").and_then(Json::integer),
        Some(2)
    );
    let last = cloud
        .open(&provider, "edgeGateways?pageSize=1&page=2")
        .await;
    assert_eq!(last.header("link"), None);
    let filter = format!(
        "edgeGateways?filter=orgRef.id%3D%3Durn:vcloud:org:{}",
        cloud.orgs[1]
    );
    let one = cloud.open(&provider, &filter).await;
    assert_eq!(names(&one, "values"), ["oak-edge"]);
    let tenant = cloud.tenant().await;
    assert_eq!(
        names(&cloud.open(&tenant, "edgeGateways").await, "values"),
        ["nwd-edge"]
    );
    assert_eq!(
        names(&cloud.open(&tenant, "orgs").await, "values"),
        ["northwind"]
    );
    cloud.sim.with_state(|state| {
        state.switches.untold_totals = true;
        state.switches.links = false;
    });
    let first = cloud.open(&provider, "edgeGateways?pageSize=1").await;
    assert!(first.json().get("resultTotal").unwrap().is_null());
    assert_eq!(first.header("link"), None);
    assert_eq!(
        cloud
            .open(&provider, "edgeGateways?pageSize=129")
            .await
            .status,
        400
    );
    assert_eq!(
        cloud.open(&provider, "edgeGateways?filter=x").await.status,
        400
    );
}

#[tokio::test]
async fn what_the_server_knows_and_does_not_say_is_filtered_by_all_the_same() {
    let cloud = cloud().await;
    cloud.sim.with_state(|state| {
        let machines: Vec<String> = state.vms.iter().map(|vm| vm.uuid.clone()).collect();
        state.edit_vm(&machines[2], |vm| vm.names_org = false);
        let edge = state.edges[0].uuid.clone();
        state.edit_edge(&edge, |edge| edge.names_org = false);
    });
    let provider = cloud.provider().await;
    let query = format!(
        "type=adminVM&filter=org%3D%3D{}&filterEncoded=true",
        cloud.orgs[0]
    );
    let answer = cloud.query(&provider, &query).await;
    let body = answer.json();
    let rows = body.get("record").and_then(Json::items).unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows[2].get("org").unwrap().is_null());
    let filter = format!("edgeGateways?filter=orgRef.id%3D%3D{}", cloud.orgs[0]);
    let edges = cloud.open(&provider, &filter).await.json();
    let edges = edges.get("values").and_then(Json::items).unwrap().to_vec();
    assert!(edges[0].get("orgRef").unwrap().is_null());
}

#[tokio::test]
async fn requests_are_named_in_their_answers_limited_and_refused_without_a_right() {
    let cloud = cloud().await;
    let session = cloud.provider().await;
    let bearer = ("Authorization", session.as_str());
    let named = |id| [LEGACY, bearer, ("X-VMWARE-VCLOUD-CLIENT-REQUEST-ID", id)];
    let query = "/api/query?type=organization";
    let answer = cloud.raw("GET", query, &named("abc-1"), "").await;
    let echoed = answer.header("x-vmware-vcloud-request-id").unwrap();
    assert!(echoed.starts_with("abc-1-"), "{echoed}");
    assert_eq!(cloud.raw("GET", query, &named("a_b"), "").await.status, 400);
    cloud.sim.with_state(|state| {
        state.denied.insert("organization".to_owned());
    });
    assert_eq!(cloud.query(&session, "type=organization").await.status, 403);
    cloud
        .sim
        .with_state(|state| state.limit = RateLimit::counted(0, 1, 7));
    let limited = cloud.query(&session, "type=adminVM").await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("7"))
    );
    assert_eq!(
        cloud.query("Bearer wrong", "type=adminVM").await.status,
        401
    );
    assert_eq!(
        cloud.raw("GET", "/api/nothing", &[LEGACY], "").await.status,
        404
    );
}
