//! What goes wrong on the wire: refusals, waits, bodies of every form; and what never shows.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use secrecy::SecretString;
use tallyline_core::ErrorKind;
use tallyline_sherweb::SherwebClient;
use tallyline_testkit::secrets::Secrets;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

#[tokio::test]
async fn a_429_tells_the_wait_of_its_sentence_where_it_is_longer_than_allowed() {
    let server = server().await;
    get(&format!("{SP}/customers"))
        .respond_with(problem(
            429,
            r#"{"detail":"Rate limit is exceeded. Try again in 3600 seconds."}"#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let error = client(&server).customers().await.unwrap_err();
    let hour = std::time::Duration::from_secs(3600);
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::RateLimited, Some(hour))
    );
}

#[tokio::test]
async fn a_401_drops_the_token_and_asks_for_another_once() {
    let server = mock().await;
    for token in ["old", "new"] {
        Mock::given(method("POST"))
            .and(path(TOKEN))
            .respond_with(json(&format!(
                r#"{{"access_token":"{token}-token-value","expires_in":3600,"token_type":"bearer"}}"#
            )))
            .up_to_n_times(1)
            .expect(1)
            .mount(&server)
            .await;
    }
    let at = format!("{SP}/customers");
    for (token, answer) in [
        (
            "old",
            problem(401, r#"{"statusCode":401,"message":"expired"}"#),
        ),
        ("new", json(r#"{"items":[]}"#)),
    ] {
        Mock::given(method("GET"))
            .and(path(at.as_str()))
            .and(wiremock::matchers::header(
                "Authorization",
                format!("Bearer {token}-token-value").as_str(),
            ))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
    }
    client(&server).customers().await.unwrap();
}

#[tokio::test]
async fn a_500_is_repeated_once_and_a_503_up_to_the_policy() {
    for (status, attempts) in [(500, 2), (503, 4), (404, 1), (400, 1), (403, 1)] {
        let server = server().await;
        get(&format!("{SP}/customers"))
            .respond_with(ResponseTemplate::new(status))
            .expect(attempts)
            .mount(&server)
            .await;
        client(&server).customers().await.unwrap_err();
    }
}

#[tokio::test]
async fn each_form_of_error_keeps_its_message() {
    for (status, body, kind, words) in [
        (
            400,
            r#"{"title":"Bad","detail":"no such customer"}"#,
            ErrorKind::Invalid,
            "no such customer",
        ),
        (
            403,
            r#"{"statusCode":403,"message":"not your customer"}"#,
            ErrorKind::PermissionDenied,
            "not your customer",
        ),
        (
            404,
            r#"{"error":"gone","error_description":"it was moved"}"#,
            ErrorKind::NotFound,
            "it was moved",
        ),
        (
            409,
            "a plain conflict",
            ErrorKind::Conflict,
            "a plain conflict",
        ),
        (
            502,
            "<html><h1>Bad gateway</h1></html>",
            ErrorKind::Unavailable,
            "",
        ),
    ] {
        let server = server().await;
        get(&format!("{SP}/customers"))
            .respond_with(problem(status, body))
            .mount(&server)
            .await;
        let error = client(&server).customers().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.operation(), Some("customers.list"));
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_html_page_with_status_200_is_a_protocol_error() {
    let server = server().await;
    server.expect_odd_answers("a web page", &["answer type /text~1html", "no JSON"]);
    get(&format!("{SP}/customers"))
        .respond_with(ResponseTemplate::new(200).set_body_raw("<html></html>", "text/html"))
        .mount(&server)
        .await;
    let error = client(&server).customers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn refused_credentials_and_a_missing_scope_are_told_apart() {
    for (status, body, kind) in [
        (400, r#"{"error":"invalid_client"}"#, ErrorKind::Auth),
        (
            401,
            r#"{"statusCode":401,"message":"no such key"}"#,
            ErrorKind::Auth,
        ),
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            ErrorKind::PermissionDenied,
        ),
    ] {
        let server = mock().await;
        Mock::given(method("POST"))
            .and(path(TOKEN))
            .respond_with(problem(status, body))
            .mount(&server)
            .await;
        let error = client(&server).customers().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains("service-provider"), "{error}");
        for text in [
            format!("{error:?}"),
            format!("{error:#?}"),
            error.to_string(),
        ] {
            assert_eq!(Secrets::of(SECRET).and(KEY).shown_in(&text), None);
        }
    }
}

#[test]
fn a_blank_credential_and_a_plain_address_are_refused() {
    let build = |id: &str, secret: &str, key: &str, url: &str| {
        SherwebClient::builder()
            .client_id(id)
            .client_secret(secret.into())
            .subscription_key(key.into())
            .base_url(url)
            .build()
    };
    let at = "https://api.example.com";
    assert!(build("id", "secret", "key", at).is_ok());
    for (id, secret, key, url, words) in [
        (" ", "secret", "key", at, "client id"),
        ("id", "", "key", at, "client secret"),
        ("id", "secret", " ", at, "subscription key"),
        ("id", "secret", "key", "http://api.example.com", ""),
    ] {
        let error = build(id, secret, key, url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn no_secret_shows_in_debug_output() {
    let server = server().await;
    let echo = format!(r#"{{"title":"you sent {KEY} and {SECRET} and token-service-provider"}}"#);
    Mock::given(method("GET"))
        .respond_with(problem(400, &echo))
        .mount(&server)
        .await;
    let builder = SherwebClient::builder()
        .client_id("client-1")
        .client_secret(SecretString::from(SECRET))
        .subscription_key(KEY.into())
        .base_url(server.uri());
    let mut texts = vec![format!("{builder:?}"), format!("{builder:#?}")];
    let client = builder.build().unwrap();
    texts.extend([format!("{client:?}"), format!("{client:#?}")]);
    let error = client.customers().await.unwrap_err();
    texts.extend([
        format!("{error:?}"),
        format!("{error:#?}"),
        error.to_string(),
    ]);
    for text in texts {
        for hidden in [SECRET, KEY, "token-service-provider"] {
            assert!(!text.contains(hidden), "{hidden} shows in {text}");
        }
    }
}
