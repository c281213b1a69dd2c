//! What goes wrong on the wire: faults, refusals, waits, hostile XML; and what never shows.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;

use common::*;
use secrecy::SecretString;
use tallyline_core::ErrorKind;
use tallyline_dandh::DandhClient;
use tallyline_testkit::mock::MockVendor;
use wiremock::matchers::{method, path};
use wiremock::{Mock, ResponseTemplate};

async fn signing_in_gives(answer: ResponseTemplate) -> (tallyline_core::Error, usize) {
    let server = mock().await;
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let error = client(&server).companies(PARENT).await.unwrap_err();
    let asked = server.received_requests().await.unwrap().len();
    (error, asked)
}

#[tokio::test]
async fn a_refused_user_is_auth_is_not_tried_again_and_is_told_what_to_look_at() {
    for (message, words) in [
        (
            "Please check your username and password and try again.",
            ["check user name and password", "allow-listed"],
        ),
        (
            "Users with enabled MFA are not supported.",
            ["multi-factor authentication", "switch it off"],
        ),
    ] {
        let (error, asked) = signing_in_gives(fault(500, message, false)).await;
        assert_eq!(error.kind(), ErrorKind::Auth, "{error:?}");
        assert_eq!(asked, 1, "a lock-out is near");
        for words in words {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
    let (error, asked) = signing_in_gives(ResponseTemplate::new(401)).await;
    assert_eq!((error.kind(), asked), (ErrorKind::Auth, 1));
}

#[tokio::test]
async fn a_blocked_sign_in_is_a_limit_and_not_tried_again() {
    let (error, asked) = signing_in_gives(fault(403, "Blocked.", false)).await;
    assert_eq!((error.kind(), asked), (ErrorKind::RateLimited, 1));
    assert!(error.to_string().contains("too often"), "{error}");
}

#[tokio::test]
async fn a_session_may_come_in_three_forms_and_what_is_none_is_refused_and_not_shown() {
    for (body, media) in [
        (format!("\"{SESSION}\""), "application/json"),
        (
            format!("{{\"Value\":\"{SESSION}\",\"More\":1}}"),
            "application/json",
        ),
        (format!(" {SESSION}\r\n"), "text/plain; charset=utf-8"),
    ] {
        let server = mock().await;
        Mock::given(path(at(SIGN_IN)))
            .respond_with(ResponseTemplate::new(200).set_body_raw(body, media))
            .mount(&server)
            .await;
        call("GetCompanies")
            .respond_with(json("[]"))
            .expect(1)
            .mount(&server)
            .await;
        client(&server).companies(PARENT).await.unwrap();
    }
    for (body, media) in [
        ("\"\"", "application/json"),
        ("null", "application/json"),
        ("{}", "application/json"),
        ("\"<html>\"", "application/json"),
        ("\"two words\"", "application/json"),
        ("\"line\\nbreak\"", "application/json"),
        ("<html></html>", "text/plain"),
        ("\"in-quotes\"", "text/plain"),
        ("", "text/plain"),
        (SESSION, "text/html"),
    ] {
        let answer = ResponseTemplate::new(200).set_body_raw(body.to_owned(), media);
        let (error, _) = signing_in_gives(answer).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}: {error:?}");
        assert!(!format!("{error:?}").contains("c2Vzc2"), "{error:?}");
    }
}

async fn companies_give(answer: ResponseTemplate) -> (tallyline_core::Error, usize) {
    let server = server().await;
    call("GetCompanies")
        .respond_with(answer)
        .mount(&server)
        .await;
    let error = client(&server).companies(PARENT).await.unwrap_err();
    (error, asked(&server).await.len())
}

#[tokio::test]
async fn a_fault_of_status_500_keeps_its_words_and_is_repeated_once() {
    let (error, asked) =
        companies_give(fault(500, "No &lt;valid&gt; parent &amp; so on", false)).await;
    assert_eq!((error.kind(), asked), (ErrorKind::Unavailable, 2));
    assert!(
        error.to_string().contains("No <valid> parent & so on"),
        "{error}"
    );
    for (status, attempts, kind) in [
        (400, 1, ErrorKind::Invalid),
        (404, 1, ErrorKind::NotFound),
        (405, 1, ErrorKind::Invalid),
        (403, 1, ErrorKind::PermissionDenied),
        (503, 4, ErrorKind::Unavailable),
    ] {
        let (error, asked) = companies_give(fault(status, "No", false)).await;
        assert_eq!((error.kind(), asked), (kind, attempts), "{status}");
        assert!(error.to_string().contains("No"), "{error}");
    }
}

#[tokio::test]
async fn a_missing_right_is_told_by_words_and_not_repeated() {
    let (error, asked) = companies_give(fault(500, "No permission to call it.", false)).await;
    assert_eq!((error.kind(), asked), (ErrorKind::PermissionDenied, 1));
}

#[tokio::test]
async fn a_fault_with_status_200_is_an_error_and_never_an_answer() {
    let (error, _) = companies_give(fault(200, "Not so", false)).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("Not so"), "{error}");
}

#[tokio::test]
async fn a_429_is_waited_out_and_a_page_of_a_proxy_is_no_fault() {
    let server = server().await;
    call("GetCompanies")
        .respond_with(fault(429, "Too many", false))
        .up_to_n_times(2)
        .expect(2)
        .mount(&server)
        .await;
    call("GetCompanies")
        .respond_with(json("[]"))
        .expect(1)
        .mount(&server)
        .await;
    client(&server).companies(PARENT).await.unwrap();
    let page = ResponseTemplate::new(502).set_body_raw("<html>Bad gateway</html>", "text/html");
    let (error, asked) = companies_give(page).await;
    assert_eq!((error.kind(), asked), (ErrorKind::Unavailable, 4));
}

/// Faults that say that the session is over, in XML that must not be believed.
fn hostile_xml() -> Vec<(&'static str, String)> {
    let fault = |inner: &str| {
        format!(
            "<Fault><Detail><ServiceException><IsSessionExpired>true</IsSessionExpired>{inner}\
             </ServiceException></Detail></Fault>"
        )
    };
    let bomb = "<!DOCTYPE Fault [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\
                <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">]>";
    let outside = "<!DOCTYPE Fault [<!ENTITY d SYSTEM \"file:///etc/hosts\">]>";
    let reference = fault("<Message>&d;</Message>");
    vec![
        ("a bomb of entities", format!("{bomb}{reference}")),
        ("an entity from outside", format!("{outside}{reference}")),
        (
            "a bare document type",
            format!("<!DOCTYPE Fault>{}", fault("")),
        ),
        (
            "a document type elsewhere",
            format!(
                "<!DOCTYPE Fault SYSTEM \"https://example.com/f.dtd\">{}",
                fault("")
            ),
        ),
        ("an entity that nobody declares", reference),
        (
            "deep nesting",
            fault(&format!("{}{}", "<a>".repeat(1500), "</a>".repeat(1500))),
        ),
        ("nesting without an end", "<Fault>".repeat(2000)),
        (
            "more than a fault has to say",
            fault(&format!("<Message>{}</Message>", "m".repeat(100_000))),
        ),
        ("half a fault", fault("").split_at(70).0.to_owned()),
        (
            "a fault inside another element",
            format!("<r>{}</r>", fault("")),
        ),
    ]
}

#[tokio::test]
async fn hostile_xml_is_no_fault_expires_no_session_and_harms_nobody() {
    for (what, body) in hostile_xml() {
        let answer = ResponseTemplate::new(500).set_body_raw(body, "text/xml");
        let server = server().await;
        call("GetCompanies")
            .respond_with(answer)
            .mount(&server)
            .await;
        let error = client(&server).companies(PARENT).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error:?}");
        let requests = server.received_requests().await.unwrap();
        let sign_ins = requests.iter().filter(|it| it.url.path() == at(SIGN_IN));
        assert_eq!(sign_ins.count(), 1, "{what}");
        assert!(format!("{error:?}").len() < 8 * 1024, "{what}");
    }
}

#[tokio::test]
async fn hostile_xml_on_signing_in_is_refused_as_well() {
    for (what, body) in hostile_xml() {
        let answer = ResponseTemplate::new(500).set_body_raw(body, "text/xml");
        let (error, _) = signing_in_gives(answer).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error:?}");
    }
}

#[test]
fn blank_credentials_a_wrong_parent_and_a_plain_address_are_refused() {
    let build = |username: &str, password: &str, parent: &str, url: &str| {
        DandhClient::builder()
            .username(username)
            .password(password.into())
            .parent_account_id(parent)
            .base_url(url)
            .build()
    };
    let at = "https://market.example/SimpleAPI/SimpleAPIService.svc/rest";
    assert!(build("u", "p", "7", at).is_ok());
    for (username, password, parent, url, words) in [
        (" ", "p", "7", at, "user name"),
        ("u", "", "7", at, "password"),
        ("u", "p", "", at, "parent account id"),
        ("u", "p", "7", "http://market.example", "https://"),
        ("u", "p", "7", "nowhere", "URL"),
    ] {
        let error = build(username, password, parent, url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.connector(), Some("dandh"));
        assert!(error.to_string().contains(words), "{error}");
    }
}

async fn echoing(server: &MockVendor) {
    let echo = format!("you sent {PASSWORD} and {SESSION}");
    call("GetCompanies")
        .respond_with(fault(400, &echo, false))
        .mount(server)
        .await;
}

#[tokio::test]
async fn no_secret_shows_in_debug_output() {
    let server = server().await;
    echoing(&server).await;
    let builder = DandhClient::builder()
        .username(USERNAME)
        .password(SecretString::from(PASSWORD))
        .parent_account_id(PARENT)
        .base_url(format!("{}{}", server.uri(), at("")));
    let mut texts = vec![format!("{builder:?}"), format!("{builder:#?}")];
    let client = builder.build().unwrap();
    texts.extend([format!("{client:?}"), format!("{client:#?}")]);
    let error = client.companies(PARENT).await.unwrap_err();
    texts.extend([
        format!("{error:?}"),
        format!("{error:#?}"),
        error.to_string(),
    ]);
    for text in texts {
        for hidden in [PASSWORD, SESSION, "pa55"] {
            assert!(!text.contains(hidden), "{hidden} shows in {text}");
        }
    }
}
