//! Every operation of the client: what is sent, and what is made of the answer.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use rust_decimal::Decimal;
use tallyline_core::ErrorKind;
use tallyline_core::error::Sent;
use tallyline_gradient::models::{
    AccountUpdate, AlertState, Category, Count, IntegrationStatus, NewAccount, NewAlert,
    NewService, ServiceUpdate, Subcategory, VendorUpdate,
};
use tallyline_gradient::operations;
use tallyline_testkit::gradient::{CATEGORIES, STATUSES, SUBCATEGORIES};

const VENDOR: &str = r#"{"_id":"66a0c0ffee0000000000aa01","id":"66a0c0ffee0000000000aa01","name":"Tallyline bridge",
  "description":"Marketplace counts","integrationType":"custom","imageUri":null,"isDistributor":false,
  "externalIntegrationStatus":"notIntegrated","mappingResponsibilities":["accounts","services"],
  "modules":[{"variation":"alerts"},{"variation":"billing","status":"someday"}],"organizationId":"66a0c0ffee0000000000bb02",
  "attributes":[],"skus":[{"_id":"66a0c0ffee0000000000cc03","name":"Mail","description":"Seat","logo":null,
  "category":"productivity","subcategory":"hosted email","supportContact":"ops@example.com"}],
  "createdAt":"2026-02-06T13:55:04.681Z","__v":0}"#;

fn wrapped(data: &str) -> String {
    format!(r#"{{"status":200,"message":"Success","data":{data}}}"#)
}

#[tokio::test]
async fn the_vendor_is_read_with_its_services_under_either_name_of_the_id() {
    let server = mock().await;
    on(&server, "GET", "", json(200, &wrapped(VENDOR))).await;
    let vendor = client(&server).vendor().await.unwrap();
    assert_eq!(vendor.any_id(), Some("66a0c0ffee0000000000aa01"));
    let service = &vendor.skus[0];
    assert_eq!(
        (service.id.as_deref(), service.any_id()),
        (None, Some("66a0c0ffee0000000000cc03"))
    );
    assert_eq!(service.category, Some(Category::Productivity));
    assert_eq!(service.subcategory, Some(Subcategory::HostedEmail));
    let status = vendor.modules[1].status.as_ref().unwrap();
    assert_eq!(status, &IntegrationStatus::Unknown("someday".into()));
}

#[tokio::test]
async fn a_vendor_without_the_list_of_services_is_an_error_and_not_one_without_services() {
    let server = mock().await;
    on(&server, "GET", "", json(200, &wrapped(r#"{"id":"v"}"#))).await;
    let error = client(&server).vendor().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("skus"), "{error}");
}

#[tokio::test]
async fn a_change_of_the_vendor_sends_what_is_there_alone() {
    let server = mock().await;
    on(&server, "PATCH", "", json(200, &wrapped(VENDOR))).await;
    client(&server)
        .update_vendor(&VendorUpdate::described("Marketplace counts"))
        .await
        .unwrap();
    assert_eq!(
        body(&requests(&server).await[0]),
        r#"{"description":"Marketplace counts"}"#
    );
}

#[tokio::test]
async fn the_integration_is_bare_and_its_status_is_set_by_the_path() {
    let server = mock().await;
    let bare = r#"{"organizationId":"66bb","name":"Example MSP","status":"inactive","lastSyncedAt":"1900-01-01T00:00:00Z"}"#;
    on(&server, "GET", "/organization", json(200, bare)).await;
    on(
        &server,
        "PATCH",
        "/organization/status/pending",
        json(200, &wrapped(&bare.replace("inactive", "pending"))),
    )
    .await;
    let client = client(&server);
    let before = client.integration().await.unwrap();
    assert_eq!(
        (before.organization_id.as_str(), before.status),
        ("66bb", IntegrationStatus::Inactive)
    );
    let after = client
        .set_status(&IntegrationStatus::Pending)
        .await
        .unwrap();
    assert_eq!(after.status, IntegrationStatus::Pending);
    assert!(requests(&server).await[1].body.is_empty());
}

#[tokio::test]
async fn accounts_are_a_bare_list_and_new_ones_are_sent_as_one() {
    let server = mock().await;
    let one = r#"[{"id":"oak.example.com","name":"Oak Legal","description":""}]"#;
    on(&server, "GET", "/organization/accounts", json(200, one)).await;
    on(&server, "POST", "/organization/accounts", json(201, one)).await;
    on(
        &server,
        "PATCH",
        "/organization/accounts/a%2Fb%20c",
        json(200, r#"{"id":"a/b c","name":"New"}"#),
    )
    .await;
    let client = client(&server);
    assert_eq!(client.accounts().await.unwrap()[0].description, None);
    let new = [NewAccount::new("oak.example.com", "Oak Legal")];
    assert_eq!(client.create_accounts(&new).await.unwrap().len(), 1);
    let renamed = client
        .update_account("a/b c", &AccountUpdate::renamed("New"))
        .await;
    assert_eq!(renamed.unwrap().name, "New");
    let sent = requests(&server).await;
    assert_eq!(
        body(&sent[1]),
        r#"[{"id":"oak.example.com","name":"Oak Legal"}]"#
    );
    assert_eq!(body(&sent[2]), r#"{"name":"New"}"#);
}

#[tokio::test]
async fn clients_are_kept_as_they_came() {
    let server = mock().await;
    let answer = r#"{"meta":{"count":2},"clients":["p-1",{"id":"p-2","balance":0.10}]}"#;
    on(&server, "GET", "/organization/clients", json(200, answer)).await;
    let clients = client(&server)
        .clients(Some("a b"), Some("p-0"))
        .await
        .unwrap();
    let texts: Vec<&str> = clients.clients.iter().map(|raw| raw.get()).collect();
    assert_eq!(texts, [r#""p-1""#, r#"{"id":"p-2","balance":0.10}"#]);
    let url = requests(&server).await[0].url.to_string();
    assert!(url.ends_with("?search=a%20b&previousId=p-0"), "{url}");
}

#[tokio::test]
async fn a_new_service_is_answered_by_the_vendor_unwrapped() {
    let server = mock().await;
    on(&server, "POST", "/service", json(201, VENDOR)).await;
    on(
        &server,
        "PATCH",
        "/service/66cc",
        json(200, "").set_body_string(""),
    )
    .await;
    let sku = r#"{"id":"66cc","name":"Mail"}"#;
    on(&server, "GET", "/service/66cc", json(200, &wrapped(sku))).await;
    let client = client(&server);
    let new = NewService::new("Mail", Category::Productivity, Subcategory::HostedEmail);
    assert_eq!(client.create_service(&new).await.unwrap().skus.len(), 1);
    client
        .update_service("66cc", &ServiceUpdate::described("Seat"))
        .await
        .unwrap();
    assert_eq!(client.service("66cc").await.unwrap().name, "Mail");
    let sent = requests(&server).await;
    assert_eq!(
        body(&sent[0]),
        r#"{"name":"Mail","description":"Mail","category":"productivity","subcategory":"hosted email"}"#
    );
    assert_eq!(body(&sent[1]), r#"{"description":"Seat"}"#);
}

#[tokio::test]
async fn a_count_is_absolute_exact_and_without_the_deprecated_member() {
    let server = mock().await;
    let path = "/service/66cc/count";
    on(
        &server,
        "POST",
        path,
        json(201, r#"{"status":201,"message":"Success"}"#),
    )
    .await;
    let client = client(&server);
    let count = Count::new("cust-0042", Decimal::new(1705, 2));
    client.set_count("66cc", &count, true).await.unwrap();
    client.set_count("66cc", &count, false).await.unwrap();
    let sent = requests(&server).await;
    assert_eq!(
        body(&sent[0]),
        r#"{"accountId":"cust-0042","unitCount":17.05}"#
    );
    let queries: Vec<_> = sent.iter().map(|request| request.url.query()).collect();
    assert_eq!(queries, [Some("no_build=true"), None]);
}

#[tokio::test]
async fn a_success_that_is_not_201_leaves_open_whether_a_count_was_set() {
    for (status, answer) in [
        (200, r#"{"status":200,"message":"Success"}"#),
        (201, r#"{"status":404,"message":"No account map found"}"#),
        (202, r#"{"message":"Accepted"}"#),
    ] {
        let server = mock().await;
        on(&server, "POST", "/service/66cc/count", json(status, answer)).await;
        let count = Count::new("c-1", Decimal::ONE);
        let error = client(&server)
            .set_count("66cc", &count, false)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.sent()),
            (ErrorKind::Protocol, Sent::Yes),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_alert_is_raised_and_asked_for() {
    let server = mock().await;
    let made = r#"{"messageId":"m-1","alertId":"a-1","correlationID":"c-1"}"#;
    on(&server, "POST", "/alerting/cust-0042", json(201, made)).await;
    let status =
        r#"{"messageId":"m-1","status":"success","statusCode":null,"ticketId":"T1","errors":null}"#;
    on(&server, "GET", "/alerting/debug/m-1", json(200, status)).await;
    let client = client(&server);
    let mut alert = NewAlert::new("a-1", "Down", "It is");
    alert.priority = Some(4);
    let made = client.create_alert("cust-0042", &alert).await.unwrap();
    assert_eq!(made.correlation_id.as_deref(), Some("c-1"));
    let status = client.alert_status(&made.message_id).await.unwrap();
    assert_eq!(
        (status.status, status.ticket_id.as_deref()),
        (Some(AlertState::Success), Some("T1"))
    );
    assert_eq!(
        body(&requests(&server).await[0]),
        r#"{"alertId":"a-1","title":"Down","description":"It is","priority":4}"#
    );
}

#[tokio::test]
async fn what_the_system_refuses_is_told_in_its_words_and_by_its_kind() {
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Auth),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
        (409, ErrorKind::Conflict),
        (429, ErrorKind::RateLimited),
        (503, ErrorKind::Unavailable),
    ] {
        let server = mock().await;
        let answer = format!(r#"{{"statusCode":{status},"message":["first","second"]}}"#);
        on(
            &server,
            "GET",
            "/organization/accounts",
            json(status, &answer),
        )
        .await;
        let error = client(&server).accounts().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("first; second"), "{error}");
        let repeated = matches!(status, 429 | 503);
        assert_eq!(requests(&server).await.len(), if repeated { 3 } else { 1 });
    }
}

#[test]
fn the_words_are_those_of_the_api_and_their_case_counts() {
    for word in CATEGORIES {
        assert!(
            !matches!(Category::from(word), Category::Unknown(_)),
            "{word}"
        );
        assert!(matches!(
            Category::from(&*word.to_uppercase()),
            Category::Unknown(_)
        ));
    }
    for word in SUBCATEGORIES {
        let known = Subcategory::from(word);
        assert!(!matches!(known, Subcategory::Unknown(_)), "{word}");
        assert_eq!(known.as_str(), word);
    }
    for word in STATUSES {
        assert!(!matches!(
            IntegrationStatus::from(word),
            IntegrationStatus::Unknown(_)
        ));
    }
}

#[test]
fn the_operations_are_these_and_a_count_is_the_one_post_that_sets_what_it_sets() {
    let told: Vec<String> = operations::ALL
        .iter()
        .map(|it| format!("{} {} {:?}", it.method, it.template, it.idempotency))
        .collect();
    let posts: Vec<&String> = told
        .iter()
        .filter(|line| line.starts_with("POST"))
        .collect();
    assert_eq!(
        posts,
        [
            "POST /api/vendor-api/organization/accounts Unsafe",
            "POST /api/vendor-api/service Unsafe",
            "POST /api/vendor-api/service/{serviceId}/count Idempotent",
            "POST /api/vendor-api/alerting/{accountId} Unsafe",
        ]
    );
    assert_eq!(told.len(), 14);
}

#[test]
fn no_key_shows_in_debug_output() {
    let client = client_at("https://app.example.com", VENDOR_KEY, PARTNER_KEY);
    let sink = tallyline_gradient::GradientSink::builder()
        .client(client.clone())
        .build();
    let shown = format!("{client:?} {sink:?}");
    for secret in [VENDOR_KEY, PARTNER_KEY, TOKEN] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
