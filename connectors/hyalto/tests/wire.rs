//! Every operation on the wire. A request that no mock expects gets a 404 and fails its test.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use tallyline_core::ErrorKind;
use tallyline_core::model::Timestamp;
use tallyline_hyalto::models::ServiceType;
use tallyline_hyalto::{AuthScheme, Brackets, HyAltoClient, TokenPath};
use wiremock::ResponseTemplate;
use wiremock::matchers::{method, path};

const ACCOUNT: &str = r#"{"id":901,"companyName":"Northwind Dental"}"#;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn october() -> (Timestamp, Timestamp) {
    (at("2026-10-01T00:00:00Z"), at("2026-10-15T12:30:00Z"))
}

#[tokio::test]
async fn a_token_is_asked_for_once_with_both_keys_in_its_body_and_nowhere_else() {
    let server = server().await;
    get(ACCOUNTS)
        .respond_with(json(&format!("[{ACCOUNT}]")))
        .expect(2)
        .mount(&server)
        .await;
    let client = client(&server);
    for _ in 0..2 {
        let accounts = client.accounts().await.unwrap();
        assert_eq!(accounts[0].id, "901");
        let name = accounts[0].company_name.as_deref();
        assert_eq!(name, Some("Northwind Dental"));
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].url.path(), TOKEN);
    assert!(!requests[0].headers.contains_key("authorization"));
    for request in &requests[1..] {
        assert_eq!(request.url.path(), ACCOUNTS);
        assert!(request.url.query().is_none() && request.body.is_empty());
    }
}

#[tokio::test]
async fn the_token_can_be_asked_for_with_a_trailing_slash() {
    let server = mock().await;
    wiremock::Mock::given(method("POST"))
        .and(path(format!("{TOKEN}/")))
        .respond_with(json(&token_body()))
        .expect(1)
        .mount(&server)
        .await;
    get(ACCOUNTS)
        .respond_with(json("[]"))
        .expect(1)
        .mount(&server)
        .await;
    let client = HyAltoClient::builder()
        .base_url(server.uri())
        .access_key(ACCESS_KEY)
        .secret_key(SECRET_KEY.into())
        .token_path(TokenPath::WithSlash)
        .build()
        .unwrap();
    assert!(client.accounts().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_bearer_is_tried_once_as_the_bare_token_and_what_worked_is_kept() {
    let server = server().await;
    get(ACCOUNTS)
        .respond_with(ResponseTemplate::new(401))
        .expect(1)
        .mount(&server)
        .await;
    with_header(ACCOUNTS, ACCESS)
        .respond_with(json("[]"))
        .expect(3)
        .mount(&server)
        .await;
    let client = client(&server);
    for _ in 0..3 {
        client.accounts().await.unwrap();
    }
    let tokens = server.received_requests().await.unwrap();
    let tokens = tokens.iter().filter(|call| call.url.path() == TOKEN);
    assert_eq!(tokens.count(), 1);
}

#[tokio::test]
async fn once_bearer_has_worked_a_refusal_is_of_the_token_and_a_new_one_is_asked_for() {
    let server = server().await;
    get(ACCOUNTS)
        .respond_with(json("[]"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    get(ACCOUNTS)
        .respond_with(ResponseTemplate::new(401))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    get(ACCOUNTS).respond_with(json("[]")).mount(&server).await;
    let client = client(&server);
    client.accounts().await.unwrap();
    client.accounts().await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let tokens = requests.iter().filter(|call| call.url.path() == TOKEN);
    assert_eq!(tokens.count(), 2);
    assert_eq!(asked(&server).await.len(), 3);
}

#[tokio::test]
async fn a_chosen_scheme_is_sent_from_the_first_call_on_and_never_changed() {
    for (scheme, header) in [
        (AuthScheme::Bearer, format!("Bearer {ACCESS}")),
        (AuthScheme::Bare, ACCESS.to_owned()),
    ] {
        let server = server().await;
        with_header(ACCOUNTS, &header)
            .respond_with(ResponseTemplate::new(401))
            .expect(2)
            .mount(&server)
            .await;
        let error = with_scheme(&server, scheme).accounts().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
    }
}

#[tokio::test]
async fn a_token_refused_in_both_forms_is_an_error_and_the_next_call_starts_anew() {
    let server = server().await;
    let answers = [(format!("Bearer {ACCESS}"), 1), (ACCESS.to_owned(), 2)];
    for (header, times) in answers {
        with_header(ACCOUNTS, &header)
            .respond_with(ResponseTemplate::new(401))
            .up_to_n_times(times)
            .expect(times)
            .mount(&server)
            .await;
    }
    get(ACCOUNTS).respond_with(json("[]")).mount(&server).await;
    let client = client(&server);
    let error = client.accounts().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    client.accounts().await.unwrap();
    assert_eq!(asked(&server).await.len(), 4);
}

#[tokio::test]
async fn lists_are_read_bare_or_in_an_object_with_one_array() {
    for body in [
        format!("[{ACCOUNT}]"),
        format!(r#"{{"accounts":[{ACCOUNT}],"total":1}}"#),
        format!(r#"{{"data":[{ACCOUNT}],"next":null}}"#),
        format!(r#"{{"items":[{ACCOUNT}],"hasMore":false}}"#),
        format!(r#"{{"results":[{ACCOUNT}],"links":[]}}"#),
    ] {
        let server = server().await;
        get(ACCOUNTS).respond_with(json(&body)).mount(&server).await;
        let accounts = client(&server).accounts().await.unwrap();
        assert_eq!(accounts.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn what_is_no_list_or_no_whole_one_is_refused_in_words() {
    for (body, words) in [
        (r#"{"message":"be right back"}"#, "no list of accounts"),
        (r#"{"id":901}"#, "no list of accounts"),
        (r#"{"data":[],"items":[]}"#, "no list of accounts"),
        (r#"{"accounts":[{"id":1}],"total":2}"#, "1 of 2 rows"),
        (r#"{"accounts":[{"id":1}],"totalCount":"3"}"#, "1 of 3 rows"),
        (
            r#"{"data":[{"id":1}],"next":"/more"}"#,
            "goes on by its next",
        ),
        (
            r#"{"data":[{"id":1}],"hasMore":true}"#,
            "goes on by its hasMore",
        ),
        (r#"[{"id":1},{"companyName":"Nameless"}]"#, "[1]"),
        (r#"[{"id":" "}]"#, "[0]"),
    ] {
        let server = server().await;
        get(ACCOUNTS).respond_with(json(body)).mount(&server).await;
        let error = client(&server).accounts().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        assert_eq!(error.operation(), Some("accounts.list"));
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn services_are_asked_for_below_their_account_with_the_slash_at_the_end() {
    let server = server().await;
    get(&services_of("a%2F1"))
        .respond_with(json(
            r#"[{"id":4411,"name":"nwd-vdc-01","metaData":{"type":"allocationVDC","zone":1},"x":{}},
                {"id":"s-2","metaData":{"type":"reservationVDC"}},{"id":3,"name":"","metaData":null},{"id":4,"metaData":{"type":" "}}]"#,
        ))
        .expect(1)
        .mount(&server)
        .await;
    let services = client(&server).services("a/1").await.unwrap();
    assert_eq!(services[0].kind(), Some(&ServiceType::AllocationVdc));
    let other = services[1].kind().unwrap();
    assert_eq!(other.as_str(), "reservationVDC");
    assert_eq!(services[2].kind(), None);
    assert_eq!(services[2].name, None);
    assert_eq!(services[3].kind(), None);
    let error = client(&server).services(" ").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

const USAGE: &str = r#"{"services":[{"id":4411,"name":"nwd-vdc-01","properties":{
    "ram":{"changes":[{"timestamp":"2026-10-01T00:00:00","value":32,"unit_size":"GB"}]},
    "compute":{"changes":{"timestamp":"2026-10-01T00:00:00Z","value":"12.50000000000000000000000001","unit_size":1000}},
    "gpu":{"changes":[]}}}]}"#;

#[tokio::test]
async fn usage_is_asked_for_with_literal_brackets_and_read_to_the_last_digit() {
    let server = server().await;
    get(&usage_of("901"))
        .respond_with(json(USAGE))
        .expect(1)
        .mount(&server)
        .await;
    let (from, to) = october();
    let usage = client(&server)
        .usage("901", "4411", from, to)
        .await
        .unwrap();
    let properties = &usage.services[0].properties;
    let value = |name: &str| properties[name].changes[0].value.to_string();
    assert_eq!(value("ram"), "32");
    assert_eq!(value("compute"), "12.50000000000000000000000001");
    let unit = properties["compute"].changes[0].unit_size.as_ref();
    assert_eq!(unit.unwrap().as_json(), "1000");
    assert!(properties["gpu"].changes.is_empty());
    assert_eq!(
        asked(&server).await,
        [
            "GET /solutions/usage/account/901/raw?filter[Services_id]=4411&filter[startTime]=2026-10-01T00%3A00%3A00\
             &filter[endTime]=2026-10-15T12%3A30%3A00"
        ]
    );
}

#[tokio::test]
async fn brackets_can_be_sent_encoded() {
    let server = server().await;
    get(&usage_of("901"))
        .respond_with(json(r#"{"services":[]}"#))
        .expect(1)
        .mount(&server)
        .await;
    let client = HyAltoClient::builder()
        .base_url(server.uri())
        .access_key(ACCESS_KEY)
        .secret_key(SECRET_KEY.into())
        .brackets(Brackets::Encoded)
        .build()
        .unwrap();
    let (from, to) = october();
    client.usage("901", "4411", from, to).await.unwrap();
    let asked = asked(&server).await;
    assert!(asked[0].contains("?filter%5BServices_id%5D=4411&filter%5BstartTime%5D="));
    let error = client.usage("901", " ", from, to).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn errors_are_told_by_status_and_their_words_are_shown() {
    for (status, body, kind, words, calls) in [
        (
            400,
            r#"{"message":"Invalid filter"}"#,
            ErrorKind::Invalid,
            "Invalid filter",
            1,
        ),
        (
            403,
            r#"{"error":"No right"}"#,
            ErrorKind::PermissionDenied,
            "No right",
            1,
        ),
        (
            404,
            "no such account",
            ErrorKind::NotFound,
            "no such account",
            1,
        ),
        (
            500,
            r#"{"error":{"message":"away"}}"#,
            ErrorKind::Unavailable,
            "away",
            2,
        ),
    ] {
        let server = server().await;
        get(&usage_of("901"))
            .respond_with(ResponseTemplate::new(status).set_body_raw(body, "application/json"))
            .mount(&server)
            .await;
        let (from, to) = october();
        let error = client(&server)
            .usage("901", "4411", from, to)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(words), "{error}");
        let asked = asked(&server).await.len();
        assert!(if calls == 1 { asked == 1 } else { asked > 1 }, "{asked}");
    }
}

#[tokio::test]
async fn refused_keys_are_told_and_no_key_is_shown() {
    let server = mock().await;
    wiremock::Mock::given(method("POST"))
        .and(path(TOKEN))
        .respond_with(ResponseTemplate::new(401).set_body_string(format!(
            r#"{{"message":"no key {ACCESS_KEY} with {SECRET_KEY}"}}"#
        )))
        .mount(&server)
        .await;
    let error = client(&server).accounts().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains(ACCESS_KEY) && !shown.contains(SECRET_KEY),
        "{shown}"
    );
}

#[tokio::test]
async fn the_token_says_who_its_key_belongs_to_and_one_that_says_nothing_is_used_all_the_same() {
    let opaque = mock().await;
    wiremock::Mock::given(method("POST"))
        .and(path(TOKEN))
        .respond_with(json(r#"{"accessToken":"an-opaque-token"}"#))
        .mount(&opaque)
        .await;
    with_header(ACCOUNTS, "Bearer an-opaque-token")
        .respond_with(json("[]"))
        .mount(&opaque)
        .await;
    let it = client(&opaque);
    assert_eq!(it.claims().await.unwrap(), None);
    it.accounts().await.unwrap();

    let server = server().await;
    let claims = client(&server).claims().await.unwrap().unwrap();
    assert_eq!(
        (claims.iat, claims.exp),
        (Some(1_790_000_000), Some(1_790_003_600))
    );
    assert_eq!(claims.may_read("Accounts"), None);

    for wrong in [
        r#"{"accessToken":""}"#,
        r#"{"accessToken":"a b"}"#,
        "{}",
        r#"{"accessToken":7}"#,
    ] {
        let server = mock().await;
        wiremock::Mock::given(method("POST"))
            .and(path(TOKEN))
            .respond_with(json(wrong))
            .mount(&server)
            .await;
        let error = client(&server).claims().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{wrong}");
    }
}
