//! The simulated HyAlto over a raw socket: tokens, header forms, slashes, filters, forms of answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests are tests"
)]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use support::hyalto::{ACCOUNTS, JSON, KEYS, TOKEN, provider};
use tallyline_testkit::hyalto::{HeaderForm, Listing, TokenPaths};
use tallyline_testkit::json::Json;
use tallyline_testkit::limit::RateLimit;

const TIMES: &str =
    "filter[startTime]=2026-01-01T00%3A00%3A00&filter[endTime]=2026-03-15T12%3A00%3A00";

#[tokio::test]
async fn a_token_tells_its_life_and_its_rights_and_ends_with_the_clock() {
    let provider = provider().await;
    provider.sim.with_state(|state| {
        state.switches.token_lifetime_seconds = 600;
        state.denied.insert("services".to_owned());
    });
    let token = provider.token().await;
    let payload = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    let claims = Json::parse(&String::from_utf8(payload).unwrap()).unwrap();
    let number = |name| claims.get(name).and_then(Json::integer).unwrap();
    assert_eq!(number("exp") - number("iat"), 600);
    let may = |area| claims.get("access")?.get(area)?.get("R")?.flag();
    assert_eq!(may("Accounts"), Some(true));
    assert_eq!(may("Service Management"), Some(false));
    let bearer = format!("Bearer {token}");
    let asked = async || {
        let headers = [("Authorization", bearer.as_str())];
        provider.raw("GET", ACCOUNTS, &headers, "").await.status
    };
    assert_eq!(asked().await, 200);
    provider.sim.clock().advance(SignedDuration::from_secs(600));
    assert_eq!(asked().await, 401);
}

#[tokio::test]
async fn a_token_can_be_spent_by_calls() {
    let provider = provider().await;
    provider
        .sim
        .with_state(|state| state.switches.calls_per_token = Some(1));
    let bearer = format!("Bearer {}", provider.token().await);
    let headers = [("Authorization", bearer.as_str())];
    for status in [200, 401] {
        assert_eq!(
            provider.raw("GET", ACCOUNTS, &headers, "").await.status,
            status
        );
    }
}

#[tokio::test]
async fn only_the_two_keys_in_json_give_a_token() {
    let provider = provider().await;
    for (headers, body, status) in [
        (&[JSON][..], KEYS, 200),
        (&[][..], KEYS, 415),
        (&[JSON][..], "{}", 400),
        (&[JSON][..], r#"{"accessKey":"12.x","secretKey":"y"}"#, 401),
        (
            &[JSON][..],
            r#"{"access_key":"12.x","secret_key":"y"}"#,
            400,
        ),
        (
            &[JSON][..],
            r#"{"accessKey":"12.x","secretKey":"y","more":1}"#,
            400,
        ),
        (&[JSON][..], "no JSON", 400),
    ] {
        assert_eq!(
            provider.raw("POST", TOKEN, headers, body).await.status,
            status,
            "{body}"
        );
    }
    assert_eq!(provider.raw("GET", TOKEN, &[], "").await.status, 405);
}

#[tokio::test]
async fn slashes_at_the_end_of_paths_count() {
    let provider = provider().await;
    let slashed = format!("{TOKEN}/");
    for (paths, without, with) in [
        (TokenPaths::Both, 200, 200),
        (TokenPaths::WithSlash, 404, 200),
        (TokenPaths::WithoutSlash, 200, 404),
    ] {
        provider.sim.with_state(|state| state.token_paths = paths);
        assert_eq!(
            provider.raw("POST", TOKEN, &[JSON], KEYS).await.status,
            without
        );
        assert_eq!(
            provider.raw("POST", &slashed, &[JSON], KEYS).await.status,
            with
        );
    }
    provider
        .sim
        .with_state(|state| state.token_paths = TokenPaths::Both);
    assert_eq!(provider.get(ACCOUNTS).await.status, 200);
    assert_eq!(
        provider.get(ACCOUNTS.trim_end_matches('/')).await.status,
        404
    );
    let services = format!("/serviceOfferings/accounts/{}/services", provider.account);
    assert_eq!(provider.get(&format!("{services}/")).await.status, 200);
    assert_eq!(provider.get(&services).await.status, 404);
    let usage = provider.usage(TIMES);
    assert_eq!(provider.get(&usage).await.status, 200);
    assert_eq!(
        provider.get(&usage.replace("raw?", "raw/?")).await.status,
        404
    );
}

#[tokio::test]
async fn the_token_is_taken_in_the_form_that_is_set() {
    let provider = provider().await;
    let token = provider.token().await;
    let bearer = format!("Bearer {token}");
    for (form, bare_status, bearer_status) in [
        (HeaderForm::Bearer, 401, 200),
        (HeaderForm::Bare, 200, 401),
        (HeaderForm::Either, 200, 200),
    ] {
        provider.sim.with_state(|state| state.header_form = form);
        for (value, status) in [(&token, bare_status), (&bearer, bearer_status)] {
            let answer = provider
                .raw("GET", ACCOUNTS, &[("Authorization", value)], "")
                .await;
            assert_eq!(answer.status, status, "{form:?}");
        }
    }
    assert_eq!(provider.raw("GET", ACCOUNTS, &[], "").await.status, 401);
    provider.sim.revoke_tokens();
    let answer = provider
        .raw("GET", ACCOUNTS, &[("Authorization", &bearer)], "")
        .await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn usage_takes_literal_and_encoded_brackets_and_no_other_name() {
    let provider = provider().await;
    let own = provider.service;
    for (query, status) in [
        (format!("filter[Services_id]={own}&{TIMES}"), 200),
        (
            format!("filter%5BServices_id%5D={own}&{TIMES}")
                .replace('[', "%5B")
                .replace(']', "%5D"),
            200,
        ),
        (TIMES.to_owned(), 200),
        (format!("filter[services_id]={own}&{TIMES}"), 400),
        (
            format!("filter[Services_id]={own}&filter[Services_id]={own}&{TIMES}"),
            400,
        ),
        (format!("filter[Services_id]=1&{TIMES}"), 404),
        (format!("filter[Services_id]={own}"), 400),
        (
            format!(
                "filter[Services_id]={own}&{}",
                TIMES.replace("T12%3A00%3A00", "T12%3A00%3A00Z")
            ),
            400,
        ),
        (
            format!(
                "filter[Services_id]={own}&{}",
                TIMES.replace("T12%3A00%3A00", "")
            ),
            400,
        ),
        (
            format!(
                "filter[Services_id]={own}&{}",
                TIMES.replace("2026-01", "2027-01")
            ),
            400,
        ),
    ] {
        let answer = provider.get(&provider.usage(&query)).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
    }
    let other = provider
        .usage(TIMES)
        .replace(&provider.account.to_string(), "1");
    assert_eq!(provider.get(&other).await.status, 404);
}

#[tokio::test]
async fn only_changes_within_the_time_come_and_what_was_in_force_before_where_it_is_set() {
    let provider = provider().await;
    let query = format!(
        "filter[Services_id]={}&filter[startTime]=2026-03-01T00%3A00%3A00&filter[endTime]=2026-03-15T12%3A00%3A00",
        provider.service
    );
    let values = async || {
        let answer = provider.get(&provider.usage(&query)).await.json();
        let services = answer.get("services").unwrap();
        let own = services.items().map_or(services, |items| &items[0]);
        let changes = own
            .get("properties")
            .unwrap()
            .get("ram")
            .unwrap()
            .get("changes")
            .unwrap()
            .clone();
        let value = |change: &Json| change.get("value").unwrap().to_string();
        match changes.items() {
            Some(items) => format!("{:?}", items.iter().map(value).collect::<Vec<_>>()),
            None => value(&changes),
        }
    };
    assert_eq!(values().await, r#"["64"]"#);
    provider
        .sim
        .with_state(|state| state.switches.in_force_at_start = true);
    assert_eq!(values().await, r#"["32", "64"]"#);
    provider
        .sim
        .with_state(|state| state.switches.newest_first = true);
    assert_eq!(values().await, r#"["64", "32"]"#);
    provider.sim.with_state(|state| {
        state.switches.in_force_at_start = false;
        state.switches.one_as_object = true;
        state.switches.values_as_text = true;
    });
    assert_eq!(values().await, r#""64""#);
}

#[tokio::test]
async fn lists_and_ids_come_in_the_form_that_is_set() {
    let provider = provider().await;
    let answer = provider.get(ACCOUNTS).await.json();
    assert_eq!(
        answer.items().unwrap()[0].get("id").unwrap().integer(),
        Some(provider.account)
    );
    provider.sim.with_state(|state| {
        state.switches.listing = Listing::Under("data");
        state.switches.ids_as_text = true;
    });
    let answer = provider.get(ACCOUNTS).await.json();
    let row = &answer.get("data").unwrap().items().unwrap()[0];
    assert_eq!(
        row.get("id").unwrap().text().unwrap(),
        provider.account.to_string()
    );
    provider
        .sim
        .with_state(|state| state.switches.listing = Listing::Counted(9));
    let answer = provider.get(ACCOUNTS).await.json();
    assert_eq!(answer.get("total").unwrap().integer(), Some(9));
    assert_eq!(answer.get("accounts").unwrap().items().unwrap().len(), 1);
}

#[tokio::test]
async fn rights_limits_and_other_methods_are_refused() {
    let provider = provider().await;
    provider.sim.with_state(|state| {
        state.denied.insert("accounts".to_owned());
    });
    assert_eq!(provider.get(ACCOUNTS).await.status, 403);
    provider.sim.with_state(|state| {
        state.denied.clear();
        state.limit = RateLimit::counted(1, 1, 7);
    });
    assert_eq!(provider.get(ACCOUNTS).await.status, 200);
    let refused = provider.get(ACCOUNTS).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("7"));
    assert_eq!(provider.raw("POST", ACCOUNTS, &[], "").await.status, 405);
    assert_eq!(provider.get("/elsewhere/").await.status, 404);
    assert_eq!(
        provider.get(&format!("{ACCOUNTS}?page=2")).await.status,
        400
    );
}
