//! The simulated Gradient over a raw socket: token, rate, wrapped and bare answers, literals, mapping, counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use rust_decimal::Decimal;
use support::gradient::{JSON, ROOT, token, vendor};
use tallyline_testkit::effects::EffectKind;
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;

#[tokio::test]
async fn every_call_needs_the_token_of_both_keys() {
    let it = vendor().await;
    let wrong = token().replace('=', "");
    for headers in [
        &[][..],
        &[("gradient-token", wrong.as_str())],
        &[("authorization", "x")],
    ] {
        let refused = it.raw("GET", ROOT, headers, "").await;
        assert_eq!(refused.status, 401, "{headers:?}");
        assert_eq!(
            refused.json().get("statusCode").and_then(Json::integer),
            Some(401)
        );
    }
    assert_eq!(it.get("/organization").await.status, 200);
    it.sim
        .with_state(|state| state.renew_partner_key("another"));
    assert_eq!(it.get("/organization").await.status, 401);
    assert_eq!(it.sim.state().accounts.len(), 2, "accounts stay");
}

#[tokio::test]
async fn more_calls_than_the_rate_are_429_and_an_anomaly_is_403() {
    let it = vendor().await;
    it.sim
        .with_state(|state| state.limit = RateLimit::per_window(2, 1));
    let statuses = [
        it.get("").await.status,
        it.get("").await.status,
        it.get("").await.status,
    ];
    assert_eq!(statuses, [200, 200, 429]);
    it.sim.with_state(|state| {
        state.limit = RateLimit::unlimited();
        state.switches.anomaly = true;
    });
    let refused = it.get("").await;
    assert_eq!(refused.status, 403);
    assert!(
        refused.text("message").contains("anomaly"),
        "{}",
        refused.body
    );
}

#[tokio::test]
async fn some_answers_are_wrapped_and_some_are_bare() {
    let it = vendor().await;
    let wrapped = it.get("").await.json();
    let data = wrapped.get("data").unwrap();
    assert_eq!(wrapped.get("status").and_then(Json::integer), Some(200));
    let skus = data.get("skus").and_then(Json::items).unwrap();
    assert_eq!(skus.len(), 2);
    assert_eq!(skus[0].get("_id"), skus[0].get("id"));
    assert!(data.get("__v").is_some());
    let service = it.get(&format!("/service/{}", it.mail)).await.json();
    assert!(service.get("data").is_some());
    let bare = it.get("/organization").await;
    assert_eq!(bare.text("status"), "inactive");
    let accounts = it.get("/organization/accounts").await.json();
    assert_eq!(accounts.items().unwrap().len(), 2);
    // A new service is answered by the vendor, and not wrapped.
    let body = r#"{"name":"Voice","description":"Voice","category":"other","subcategory":"other"}"#;
    let made = it.call("POST", "/service", body).await;
    assert_eq!(made.status, 201);
    assert_eq!(
        made.json().get("skus").and_then(Json::items).unwrap().len(),
        3
    );
    it.sim
        .with_state(|state| state.switches.only_old_ids = true);
    let old = it.get("").await.json();
    let sku = &old
        .get("data")
        .unwrap()
        .get("skus")
        .and_then(Json::items)
        .unwrap()[0];
    assert!(sku.get("id").is_none() && sku.get("_id").is_some());
}

#[tokio::test]
async fn categories_subcategories_and_statuses_are_literals_whose_case_counts() {
    let it = vendor().await;
    for (category, subcategory) in [
        ("Security", "other"),
        ("security", "dns filtering"),
        (
            "security",
            "privileged access and identity management (PAM/PIM)",
        ),
        ("cloud", "other"),
    ] {
        let body = format!(
            r#"{{"name":"X","description":"X","category":"{category}","subcategory":"{subcategory}"}}"#
        );
        let refused = it.call("POST", "/service", &body).await;
        assert_eq!(refused.status, 400, "{body}");
        let messages = refused.json();
        let messages = messages.get("message").and_then(Json::items).unwrap();
        assert_eq!(messages.len(), 1, "{}", refused.body);
    }
    let pam = r#"{"name":"X","description":"X","category":"security","subcategory":"priviledged access and identity management (PAM/PIM)"}"#;
    assert_eq!(it.call("POST", "/service", pam).await.status, 201);
    for (status, answer) in [
        ("Pending", 400),
        ("inactive", 400),
        ("pending", 200),
        ("active", 200),
    ] {
        let path = format!("/organization/status/{status}");
        assert_eq!(it.call("PATCH", &path, "").await.status, answer, "{status}");
    }
    assert_eq!(
        it.call("PATCH", "/organization/status/pending", "{}")
            .await
            .status,
        200
    );
    assert_eq!(it.sim.state().status, "pending");
}

#[tokio::test]
async fn accounts_come_in_a_list_and_one_that_is_there_refuses_the_list() {
    let it = vendor().await;
    let path = "/organization/accounts";
    for wrong in [
        r#"{"id":"c-9","name":"Nine"}"#,
        r#"[{"id":"c-9"}]"#,
        r#"[{"id":9,"name":"Nine"}]"#,
        r#"[{"id":"c-9","name":"Nine","email":"x"}]"#,
        "[",
    ] {
        assert_eq!(it.call("POST", path, wrong).await.status, 400, "{wrong}");
    }
    let known = r#"[{"id":"c-9","name":"Nine"},{"id":"c-1","name":"One"}]"#;
    assert_eq!(it.call("POST", path, known).await.status, 409);
    assert_eq!(it.sim.state().accounts.len(), 2);
    let new = r#"[{"id":"c-9","name":"Nine","description":"by hand"}]"#;
    assert_eq!(it.call("POST", path, new).await.status, 201);
    let renamed = it.call(
        "PATCH",
        "/organization/accounts/oak.example.com",
        r#"{"name":"Oak"}"#,
    );
    assert_eq!(renamed.await.text("name"), "Oak");
    assert_eq!(
        it.call("PATCH", "/organization/accounts/c-404", "{}")
            .await
            .status,
        404
    );
    assert_eq!(
        it.raw("POST", &format!("{ROOT}{path}"), &[JSON], new)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_count_is_set_for_a_mapped_pair_alone_and_is_absolute() {
    let it = vendor().await;
    let (mail, disk) = (it.mail.clone(), it.disk.clone());
    let of =
        |account: &str, count: &str| format!(r#"{{"accountId":"{account}","unitCount":{count}}}"#);
    assert_eq!(it.count(&mail, "", &of("c-1", "17")).await, 201);
    assert_eq!(it.count(&mail, "", &of("c-1", "12.5")).await, 201);
    assert_eq!(
        it.sim.state().count("c-1", &mail),
        Some(Decimal::new(125, 1))
    );
    for (service, account) in [(&mail, "oak.example.com"), (&disk, "c-1"), (&mail, "c-404")] {
        let path = format!("/service/{service}/count");
        let refused = it.call("POST", &path, &of(account, "1")).await;
        assert_eq!(refused.status, 404);
        let said = refused.text("message");
        assert_eq!(said, format!("No account map found with id: {account}"));
    }
    assert_eq!(it.count("66a0", "", &of("c-1", "1")).await, 404);
    for wrong in [
        r#"{"unitCount":1}"#,
        r#"{"accountId":"c-1"}"#,
        r#"{"accountId":"c-1","unitCount":"1"}"#,
        r#"{"accountId":"c-1","clientOId":null,"unitCount":1}"#,
        r#"{"accountId":"c-1","unitCount":1,"price":2}"#,
    ] {
        assert_eq!(it.count(&mail, "", wrong).await, 400, "{wrong}");
    }
    // No call tells it.
    let all = [
        it.get("").await.body,
        it.get("/organization/accounts").await.body,
    ];
    assert!(all.iter().all(|body| !body.contains("12.5")), "{all:?}");
}

#[tokio::test]
async fn the_view_is_built_unless_a_count_says_no() {
    let it = vendor().await;
    let body = r#"{"accountId":"c-1","unitCount":17}"#;
    for (query, status, builds, behind) in [
        ("?no_build=true", 201, 0, true),
        ("?no_build=false", 201, 1, false),
        ("?no_build=yes", 400, 1, false),
        ("", 201, 2, false),
    ] {
        assert_eq!(it.count(&it.mail, query, body).await, status, "{query}");
        let state = it.sim.state();
        assert_eq!(
            (state.builds, state.view_is_behind),
            (builds, behind),
            "{query}"
        );
    }
}

#[tokio::test]
async fn disconnecting_takes_the_accounts_and_their_counts_away() {
    let it = vendor().await;
    let body = r#"{"accountId":"c-1","unitCount":17}"#;
    assert_eq!(it.count(&it.mail, "", body).await, 201);
    it.sim.with_state(|state| state.disconnect());
    let state = it.sim.state();
    assert!(state.accounts.is_empty() && state.counts.is_empty());
    assert_eq!(state.services.len(), 2, "services stay");
    assert_eq!(it.count(&it.mail, "", body).await, 404);
    let kinds = it.sim.effects();
    let deleted = kinds.iter().filter(|it| it.kind == EffectKind::Deleted);
    assert_eq!(deleted.count(), 2);
}

#[tokio::test]
async fn an_alert_is_taken_at_once_and_decided_later() {
    let it = vendor().await;
    let alert = r#"{"title":"Down","description":"It is","alertId":"a-1","priority":4}"#;
    assert_eq!(
        it.call("POST", "/alerting/oak.example.com", alert)
            .await
            .status,
        404
    );
    let made = it.call("POST", "/alerting/c-1", alert).await;
    assert_eq!(made.status, 201);
    assert_eq!(it.call("POST", "/alerting/c-1", alert).await.status, 409);
    let path = format!("/alerting/debug/{}", made.text("messageId"));
    assert_eq!(it.get(&path).await.text("status"), "pending");
    assert_eq!(it.get(&path).await.text("status"), "success");
    let wrong = r#"{"title":"Down","description":"It is","alertId":"a-2","priority":5}"#;
    assert_eq!(it.call("POST", "/alerting/c-1", wrong).await.status, 400);
}

#[tokio::test]
async fn clients_are_listed_after_one_and_a_path_that_nobody_knows_is_404() {
    let it = vendor().await;
    it.sim.with_state(|state| {
        for number in 1..=3 {
            state.clients.push(tallyline_testkit::gradient::PsaClient {
                id: format!("p-{number}"),
                name: format!("Client {number}"),
            });
        }
    });
    let after = it
        .get("/organization/clients?search=client&previousId=p-1")
        .await
        .json();
    assert_eq!(after.get("clients").and_then(Json::items).unwrap().len(), 2);
    let lost = it.call("DELETE", "/organization/accounts/c-1", "").await;
    assert_eq!(lost.status, 404);
    assert!(
        lost.text("message").starts_with("Cannot DELETE"),
        "{}",
        lost.body
    );
}
