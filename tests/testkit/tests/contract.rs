//! The contract checks: what they catch, what they allow, and that every allowance is needed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests are tests"
)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use support::psa::world;
use support::sherweb::call;
use tallyline_core::http::{
    BaseUrl, HeaderMap, HttpClient, Operation, Request, RetryPolicy, StaticHeaders, Timeouts,
    Transport, TransportError, TransportRequest, TransportResponse,
};
use tallyline_testkit::contract::{
    self, EXCEPTIONS, FOLDER, HeldTransport, System, check_exchange, check_readme, check_requests,
    exceptions_markdown,
};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::faults::{Fault, Match};
use tallyline_testkit::hostile::{HostileClient, Probe, Report};
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;
use tallyline_testkit::sherweb::{SherwebSimulator, SherwebState};

const UUID: &str = "c0000000-0000-4000-8000-000000000001";
const ADDITIONS: &str = "/v4_6_release/apis/3.0/finance/agreements/7/additions";
const SUBSCRIPTIONS: &str = "/service-provider/v1/billing/subscriptions";

/// Whether there is anything to check against; a skip is said.
fn checked() -> bool {
    if let Some(why) = contract::skipped() {
        eprintln!("skipped: {why}");
        return false;
    }
    true
}

fn headers() -> Vec<(String, String)> {
    [("ClientId", UUID), ("Content-Type", "application/json")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// The violations of one exchange, one per line.
fn broken(
    system: System,
    method: &str,
    target: &str,
    body: &str,
    answer: Option<(u16, &str)>,
) -> String {
    check_exchange(system, method, target, &headers(), body, answer)
        .err()
        .unwrap_or_default()
        .join("\n")
}

fn psa(method: &str, target: &str, body: &str) -> String {
    broken(System::ConnectWise, method, target, body, None)
}

#[test]
fn a_run_without_documents_is_reported_as_skipped() {
    assert_eq!(
        contract::skipped().is_some(),
        std::env::var_os(FOLDER).is_none_or(|folder| folder.is_empty())
    );
    if !checked() {
        assert_eq!(psa("GET", "/nowhere?at=all", ""), "");
    }
}

#[test]
fn an_exchange_that_keeps_the_document_passes() {
    if !checked() {
        return;
    }
    let body = r#"{"product":{"id":512},"billCustomer":"Billable","quantity":14.50,"effectiveDate":"2026-03-01T00:00:00Z"}"#;
    let answer = r#"{"id":9,"product":{"id":512},"billCustomer":"Billable","quantity":14.500000000000000001}"#;
    let kept = broken(
        System::ConnectWise,
        "post",
        ADDITIONS,
        body,
        Some((201, answer)),
    );
    assert_eq!(kept, "");
    let list = format!("{ADDITIONS}?conditions=quantity%3E0&pageSize=1000&page=1");
    assert_eq!(psa("GET", &list, ""), "");
    assert_eq!(
        psa("GET", &ADDITIONS.replace("v4_6_release", "v2026_4"), ""),
        ""
    );
}

#[test]
fn a_wrong_path_method_or_parameter_is_reported() {
    if !checked() {
        return;
    }
    for (method, target, expected) in [
        (
            "GET",
            "/v4_6_release/apis/3.0/finance/agreement",
            "GET /finance/agreement: operation: the document has no such path",
        ),
        (
            "GET",
            "/apis/3.0/finance/agreements",
            "no document covers this path",
        ),
        (
            "DELETE",
            "/v4_6_release/apis/3.0/company/companies",
            "not with this method",
        ),
        (
            "GET",
            "/v4_6_release/apis/3.0/finance/agreements/x",
            "GET /finance/agreements/{id}: path /id: \"x\" is not of type \"integer\"",
        ),
        (
            "GET",
            "/v4_6_release/apis/3.0/finance/agreements/99999999999",
            "path /id:",
        ),
        (
            "GET",
            "/v4_6_release/apis/3.0/finance/agreements?limit=5",
            "GET /finance/agreements: query /limit: the document has no such query parameter",
        ),
        (
            "GET",
            "/v4_6_release/apis/3.0/finance/agreements?pageSize=many",
            "query /pageSize:",
        ),
        (
            "GET",
            "/v4_6_release/apis/3.0/finance/agreements?page=1&page=2",
            "query /page: the query parameter is repeated",
        ),
    ] {
        let found = psa(method, target, "");
        assert!(found.contains(expected), "{target}: {found}");
    }
    let bare = check_exchange(
        System::ConnectWise,
        "GET",
        "/v4_6_release/apis/3.0/system/info",
        &[],
        "",
        None,
    );
    assert!(bare.unwrap_err()[0].contains("header /clientId: the parameter is required"));
    let sherweb = |target: &str| broken(System::Sherweb, "GET", target, "", None);
    assert!(sherweb(SUBSCRIPTIONS).contains("query /customerId: the parameter is required"));
    assert!(sherweb(&format!("{SUBSCRIPTIONS}?customerId=7")).contains("query /customerId:"));
    let details = format!("{SUBSCRIPTIONS}/details");
    assert!(sherweb(&details).contains("query /customerId: the parameter is required"));
    assert!(
        sherweb(&format!("{details}?customerId={UUID}&page=2"))
            .contains("query /page: the document")
    );
    let charges = "/distributor/v1/billing/payable-charges";
    assert_eq!(sherweb(&format!("{charges}?date=2026-03-01")), "");
    assert!(sherweb(&format!("{charges}?date=2026-03-01T00:00:00Z")).contains("query /date:"));
}

#[test]
fn a_wrong_body_is_reported_with_a_pointer() {
    if !checked() {
        return;
    }
    let whole =
        |member: &str| format!(r#"{{"product":{{"id":512}},"billCustomer":"Billable"{member}}}"#);
    for (body, expected) in [
        (String::new(), "request body: a body is required"),
        ("{".to_owned(), "request body: no JSON"),
        (
            "[]".to_owned(),
            "request body: [] is not of type \"object\"",
        ),
        (whole(r#","quantity":"14""#), "request body /quantity:"),
        (
            whole(r#","product":{"id":"a/b"}"#),
            "request body /product/id:",
        ),
        (
            whole(r#","note":"x""#),
            "request body /note: the document has no member 'note'",
        ),
        (
            whole(r#","effectiveDate":"2026-03-01""#),
            "request body /effectiveDate:",
        ),
        (
            r#"{"product":{"id":1}}"#.to_owned(),
            "request body /billCustomer: the member is required",
        ),
    ] {
        let found = psa("POST", ADDITIONS, &body);
        assert!(found.contains(expected), "{body}: {found}");
    }
    let patch = psa(
        "PATCH",
        &format!("{ADDITIONS}/9"),
        r#"[{"op":"replace","path":"quantity","value":1,"note":1}]"#,
    );
    assert!(patch.contains("request body /0/note:"), "{patch}");
    let text = [("clientid", UUID), ("content-type", "text/plain")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let media = check_exchange(System::ConnectWise, "POST", ADDITIONS, &text, "{}", None);
    assert!(media.unwrap_err()[0].contains("header /content-type: 'text/plain'"));
    assert!(psa("GET", ADDITIONS, "{}").contains("request body: the document has no body"));
}

#[test]
fn a_wrong_answer_is_reported_with_a_pointer() {
    if !checked() {
        return;
    }
    let good = r#"{"items":[{"id":"c0000000-0000-4000-8000-000000000001","displayName":"Birch","path":["Birch"],"suspendedOn":null}]}"#;
    let customers = |answer: (u16, &str)| {
        let target = "/service-provider/v1/customers";
        broken(System::Sherweb, "GET", target, "", Some(answer))
    };
    assert_eq!(customers((200, good)), "");
    assert_eq!(customers((200, r#"{"items":null}"#)), "");
    assert_eq!(customers((503, "")), "");
    for (answer, expected) in [
        (
            (200, good.replace("[\"Birch\"]", "7")),
            "answer body /items/0/path: 7 is not of type",
        ),
        (
            (200, good.replace("displayName", "name")),
            "answer body /items/0/displayName: the member is required",
        ),
        (
            (200, good.replace("displayName", "name")),
            "answer body /items/0/name: the document has no member",
        ),
        (
            (200, good.replace("c0000000-", "")),
            "answer body /items/0/id:",
        ),
        ((200, String::new()), "answer body: a body is expected"),
        (
            (201, good.to_owned()),
            "status /201: the document has no answer",
        ),
    ] {
        let found = customers((answer.0, &answer.1));
        assert!(found.contains(expected), "{answer:?}: {found}");
    }
}

#[test]
fn plain_requests_of_a_mock_server_are_numbered() {
    if !checked() {
        return;
    }
    let plain = |target: &str| {
        (
            "GET".to_owned(),
            target.to_owned(),
            headers(),
            String::new(),
        )
    };
    assert_eq!(
        check_requests(System::ConnectWise, [plain(ADDITIONS)]),
        Ok(())
    );
    let two = [plain(ADDITIONS), plain(&format!("{ADDITIONS}?skip=1"))];
    let found = check_requests(System::ConnectWise, two).unwrap_err();
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("request 2: ") && found[0].contains("query /skip"));
}

/// The text of the panic that dropping something causes; empty when it does not panic.
fn dropped<T>(value: T) -> String {
    let caught = catch_unwind(AssertUnwindSafe(|| drop(value)));
    caught.err().map_or_else(String::new, |panic| {
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    })
}

#[tokio::test]
async fn dropping_a_simulator_tells_what_broke_the_document() {
    if !checked() {
        return;
    }
    let quiet = world().await;
    quiet.get("/system/info").await;
    assert_eq!(dropped(quiet), "");
    let loud = world().await;
    loud.get("/finance/agreements?limit=5").await;
    assert_eq!(loud.sim.server().violations()[0].pointer, "/limit");
    assert!(dropped(loud).contains("query /limit"));
    let expecting = world().await;
    expecting
        .sim
        .expect_violations("a made-up parameter", &["query /limit"]);
    expecting.get("/finance/agreements?limit=5").await;
    assert_eq!(dropped(expecting), "");
    let needless = world().await;
    needless
        .sim
        .expect_violations("a made-up parameter", &["query /limit"]);
    needless.get("/finance/agreements").await;
    assert!(dropped(needless).contains("did not come:\n  \"query /limit\" (a made-up parameter)"));
}

#[tokio::test]
async fn only_the_violations_that_are_named_are_expected() {
    if !checked() {
        return;
    }
    let world = world().await;
    world
        .sim
        .expect_violations("a made-up parameter", &["query /limit"]);
    world.get("/finance/agreements?limit=5").await;
    world.get("/finance/agreements?limit=5&skip=1").await;
    let told = dropped(world);
    assert!(
        told.contains("query /skip") && !told.contains("/limit"),
        "{told}"
    );
}

#[tokio::test]
async fn a_request_whose_client_does_not_wait_for_the_answer_is_held_all_the_same() {
    if !checked() {
        return;
    }
    let world = world().await;
    let faults = world.sim.faults();
    faults.on(Match::any(), Fault::delay(Duration::from_secs(3600)));
    let asking = world.get("/finance/agreements?limit=5");
    let arrived = async {
        while world.sim.request_count() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = asking => panic!("it was answered"),
        () = arrived => {}
    }
    world.sim.server().settled().await.unwrap();
    assert_eq!(world.sim.server().violations()[0].pointer, "/limit");
    assert!(dropped(world).contains("query /limit"));
}

#[tokio::test]
async fn what_passes_a_transport_of_a_tests_own_is_held() {
    if !checked() {
        return;
    }
    #[derive(Debug)]
    struct Answers(&'static str);

    #[async_trait::async_trait]
    impl Transport for Answers {
        async fn send(&self, _: TransportRequest) -> Result<TransportResponse, TransportError> {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", "application/json".parse().unwrap());
            Ok(TransportResponse::new(200, headers, self.0))
        }
    }

    static INFO: Operation = Operation::get("info", "/v4_6_release/apis/3.0/system/info");
    let asked = async |answer, query: &[(&'static str, &str)]| {
        let transport = HeldTransport::new(System::ConnectWise, Arc::new(Answers(answer)));
        let base = BaseUrl::parse("https://api.example.com").unwrap();
        let client = HttpClient::builder("acme", base)
            .transport(Arc::new(transport.clone()))
            .build()
            .unwrap();
        let request = Request::new(&INFO).header("clientId", UUID);
        let request = query.iter().fold(request, |request, (name, value)| {
            request.set_query(name, *value)
        });
        client.send(request).await.unwrap();
        drop(client);
        dropped(transport)
    };
    let whole = r#"{"version":"v2026.4.1"}"#;
    assert_eq!(asked(whole, &[]).await, "");
    let told = asked(r#"{"version":4}"#, &[]).await;
    assert!(told.contains("answer body /version"), "{told}");
    let told = asked(whole, &[("limit", "5")]).await;
    assert!(told.contains("query /limit"), "{told}");
}

#[tokio::test]
async fn what_a_fault_answers_is_not_held_to_the_document_and_the_request_is() {
    if !checked() {
        return;
    }
    let world = world().await;
    let faults = world.sim.faults();
    faults.on(Match::get("/agreements").once(), Fault::html_login_200());
    faults.on(Match::get("/agreements").once(), Fault::empty_200());
    world.get("/finance/agreements").await;
    world.get("/finance/agreements?limit=5").await;
    let requests = world.sim.requests();
    assert_eq!(requests[1].answer_body.as_deref(), Some(""));
    assert_eq!(requests[1].answer_type.as_deref(), Some("application/json"));
    assert_eq!(world.sim.server().violations().len(), 1);
    assert!(dropped(world).contains("query /limit"));
}

#[tokio::test]
async fn odd_answers_must_be_announced() {
    if !checked() {
        return;
    }
    for announced in [false, true] {
        let mut state = SherwebState::new();
        state.add_customer("");
        let sim = SherwebSimulator::start(state).await.unwrap();
        if announced {
            sim.expect_odd_answers(
                "a customer without a name",
                &["answer body /items/0/displayName"],
            );
        }
        call(&sim, "GET", "/service-provider/v1/customers", "").await;
        let told = dropped(sim);
        assert_eq!(told.contains("/items/0/displayName"), !announced, "{told}");
    }
}

#[test]
fn a_readme_that_does_not_list_every_exception_is_not_current() {
    let table = exceptions_markdown(System::Sherweb);
    let rows = EXCEPTIONS
        .iter()
        .filter(|row| row.system == System::Sherweb);
    assert_eq!(table.lines().count(), rows.count() + 2);
    let folder = tempfile::tempdir().unwrap();
    let readme = folder.path().join("README.md");
    let check = |text: &str| {
        std::fs::write(&readme, text).unwrap();
        check_readme(&readme, System::Sherweb)
    };
    check(&format!("# A connector\n\n{table}\nMore.")).unwrap();
    let last = table.trim_end().rfind('\n').unwrap();
    let short = check(&table[..last]).unwrap_err();
    assert!(short.contains("TALLYLINE_BLESS=1"), "{short}");
    let none = check("# A connector").unwrap_err();
    assert!(none.contains("does not list"), "{none}");
}

#[tokio::test]
async fn the_hostile_table_and_the_table_of_credentials_report_requests_that_no_document_has() {
    if !checked() {
        return;
    }
    static LOOKUP: Operation = Operation::get("seats.list", "/seats");
    let connect = |base: &str| {
        HttpClient::builder("acme", BaseUrl::parse(base)?)
            .credentials(Arc::new(
                StaticHeaders::new().basic("user", &"correct-horse-battery".into()),
            ))
            .retry(RetryPolicy::none())
            .timeouts(Timeouts {
                attempt: Some(Duration::from_millis(300)),
                ..Timeouts::default()
            })
            .build()
    };
    let call = |client: HttpClient| async move {
        let answer = client.send(Request::new(&LOOKUP)).await?;
        Ok(answer.status().to_string())
    };
    for (name, broken) in [("connectwise", true), ("acme", false)] {
        let told = |report: &Report| {
            let failures = report.failures().iter();
            failures
                .filter(|line| line.contains("no document covers this path"))
                .count()
        };
        let route = || Route::get("/seats", "[]");
        let hostile = HostileClient::new(name, connect).probe(Probe::new("seats", route(), call));
        assert_eq!(told(&hostile.run().await), usize::from(broken), "{name}");
        let secrets = Secrets::of("correct-horse-battery");
        let credentials =
            CredentialClient::new(name, secrets, connect).call("seats", route(), call);
        assert_eq!(
            told(&credentials.run().await),
            usize::from(broken),
            "{name}"
        );
    }
}
