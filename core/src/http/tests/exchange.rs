use super::*;
use crate::error::{ErrorKind, Sent};

#[tokio::test]
async fn path_and_query_values_cannot_leave_their_place() {
    let script = Script::new([answer(200, "{}")]);
    let request = Request::new(&READ)
        .path("id", "a/../b?x=1#y%2e é")
        .query("conditions", "name=\"x&y\" + 1")
        .query_opt("none", None::<u8>)
        .query_opt("page", Some(2));
    script.client().send(request).await.unwrap();
    assert_eq!(
        script.urls(),
        [
            "https://api.example.com/v1/things/a%2F..%2Fb%3Fx%3D1%23y%252e%20%C3%A9\
          ?conditions=name%3D%22x%26y%22%20%2B%201&page=2"
        ]
    );
}

#[tokio::test]
async fn a_path_value_that_is_empty_or_climbs_is_a_configuration_error() {
    for value in ["", ".", ".."] {
        let script = Script::new([]);
        let error = fails(&script.client(), Request::new(&READ).path("id", value)).await;
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Config, Sent::No));
        assert_eq!(error.operation(), Some("things.get"));
    }
    let script = Script::new([]);
    let error = fails(&script.client(), Request::new(&READ)).await;
    assert_eq!(error.kind(), ErrorKind::Unexpected);
}

#[tokio::test]
async fn a_body_that_cannot_be_written_is_said_at_send() {
    let script = Script::new([]);
    let map = std::collections::HashMap::from([((1, 2), 3)]);
    let error = fails(&script.client(), Request::new(&CREATE).json(&map)).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Unexpected, Sent::No)
    );
}

#[tokio::test]
async fn a_redirect_is_an_error_that_names_the_host_and_not_the_rest() {
    let location = [("location", "https://evil.example/login?token=abc")];
    let script = Script::new([with_headers(302, &location, "")]);
    let error = fails(&script.client(), create()).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Protocol, Sent::Yes)
    );
    assert!(error.to_string().contains("evil.example"), "{error}");
    assert!(!format!("{error:?}").contains("token=abc"));
    assert_eq!(script.count(), 1);
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_shown_in_part() {
    let page = format!("<html>{}", "é".repeat(4000));
    let script = Script::new([with_headers(200, &[("content-type", "text/html")], &page)]);
    let error = script.client().json::<u8>(read()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Protocol, Some(200))
    );
    let snippet = error.http().unwrap().body_snippet.clone().unwrap();
    assert!(snippet.starts_with("<html>") && snippet.len() <= 2048);
}

#[tokio::test]
async fn json_is_taken_by_its_content_type_or_without_one() {
    for headers in [
        &[("content-type", "application/vnd.acme+json; version=1")][..],
        &[("content-type", "Application/JSON;charset=utf-8")],
        &[],
    ] {
        let script = Script::new([with_headers(200, headers, "[1]")]);
        assert_eq!(script.client().json::<Vec<u8>>(read()).await.unwrap(), [1]);
    }
    let script = Script::new([with_headers(204, &[], "")]);
    let error = script.client().json::<Vec<u8>>(read()).await.unwrap_err();
    assert!(error.to_string().contains("empty"), "{error}");
}

#[tokio::test]
async fn a_decode_error_names_operation_exchange_and_path() {
    let headers = [
        ("content-type", "application/json"),
        ("x-request-id", "v-9"),
    ];
    let script = Script::new([with_headers(200, &headers, r#"{"items":[{"id":"x"}]}"#)]);
    let client = script
        .builder()
        .vendor_request_id_header("x-request-id")
        .build()
        .unwrap();
    let response = client.send(read()).await.unwrap();
    #[derive(Debug, serde::Deserialize)]
    struct Item {
        #[serde(rename = "id")]
        _id: u8,
    }
    let error = response.json_field::<Vec<Item>>("items").unwrap_err();
    assert_eq!(error.json_path(), Some("items[0].id"));
    assert_eq!(error.operation(), Some("things.get"));
    assert_eq!(
        (error.connector(), error.request_id()),
        (Some("acme"), Some("v-9"))
    );
    let http = error.http().unwrap();
    assert_eq!(
        (http.method.as_str(), http.url_template.as_str()),
        ("GET", "/things/{id}")
    );
    assert!(http.request_id.is_some());
    assert!(
        response
            .json_field::<Option<u8>>("absent")
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn deep_nesting_is_an_error_and_no_overflow() {
    for body in ["[".repeat(200_000), "{\"a\":".repeat(100_000)] {
        let script = Script::new([answer(200, &body), answer(400, &body)]);
        let client = script.client();
        let error = client.json::<serde_json::Value>(read()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(fails(&client, read()).await.kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_an_error_that_names_the_limit() {
    let script = Script::new([answer(200, "0123456789")]);
    let limits = Limits {
        max_body: 9,
        ..Limits::default()
    };
    let client = script.builder().limits(limits).build().unwrap();
    let error = fails(&client, create()).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Protocol, Sent::Yes)
    );
    assert!(error.to_string().contains("9 bytes"), "{error}");
}

#[tokio::test]
async fn each_operation_has_its_own_id_and_sends_it_only_when_asked_to() {
    let script = Script::new([answer(404, ""), answer(404, ""), answer(404, "")]);
    let client = script.client();
    let id = |error: Error| error.http().unwrap().request_id.clone().unwrap();
    let first = id(fails(&client, read()).await);
    assert_ne!(first, id(fails(&client, read()).await));
    assert!(
        script
            .request(0)
            .headers
            .values()
            .all(|value| *value != first)
    );
    let client = script
        .builder()
        .request_id_header("x-correlation-id")
        .build()
        .unwrap();
    let sent = id(fails(&client, read()).await);
    assert_eq!(script.request(2).headers["x-correlation-id"], sent);
}

#[tokio::test]
async fn headers_of_the_request_override_those_of_the_client() {
    let script = Script::new([answer(200, "")]);
    let client = script
        .builder()
        .header("x-a", "1")
        .user_agent("me/1")
        .build()
        .unwrap();
    client.send(read().header("x-a", "2")).await.unwrap();
    let headers = script.request(0).headers;
    assert_eq!(
        (&headers["x-a"], &headers["user-agent"]),
        (&"2".parse().unwrap(), &"me/1".parse().unwrap())
    );
    assert_eq!(headers["accept"], "application/json");
}

#[test]
fn a_malformed_header_is_said_at_build() {
    let error = Script::new([])
        .builder()
        .header("bad name", "x")
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}
