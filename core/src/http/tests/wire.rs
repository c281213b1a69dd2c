//! Over real sockets.
#![expect(
    clippy::disallowed_methods,
    reason = "no vendor is mocked here, so there is no document to hold requests to"
)]

use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::error::{ErrorKind, Sent};

async fn server(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/things/1"))
        .and(query_param("q", "a b&c"))
        .and(header("authorization", "Basic dXNlcjpodW50ZXIy"))
        .respond_with(template)
        .mount(&server)
        .await;
    server
}

fn client(server: &MockServer, limits: Limits) -> HttpClient {
    let base = BaseUrl::parse(&format!("{}/v1/", server.uri())).unwrap();
    HttpClient::builder("acme", base)
        .credentials(Arc::new(
            StaticHeaders::new().basic("user", &"hunter2".into()),
        ))
        .limits(limits)
        .retry(RetryPolicy::none())
        .build()
        .unwrap()
}

fn request() -> Request {
    read().query("q", "a b&c")
}

#[tokio::test]
async fn a_call_reaches_the_host_as_built() {
    let server = server(ResponseTemplate::new(200).set_body_json([1, 2])).await;
    let client = client(&server, Limits::default());
    assert_eq!(client.json::<Vec<u8>>(request()).await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    let target = elsewhere.uri();
    let redirect = ResponseTemplate::new(307).insert_header("location", target.as_str());
    let server = server(redirect).await;
    let error = fails(&client(&server, Limits::default()), request()).await;
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Protocol, Some(307))
    );
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

/// 64 KiB of zeros in less than 100 bytes of gzip.
const BOMB: &[u8] = include_bytes!("zeros.gz");

#[tokio::test]
async fn a_small_body_that_unfolds_stops_at_the_limit() {
    let bomb = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(BOMB);
    let server = server(bomb).await;
    let limits = |max_body| Limits {
        max_body,
        ..Limits::default()
    };
    let error = fails(&client(&server, limits(65_535)), request()).await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("65535"), "{error}");
    let response = client(&server, limits(65_536))
        .send(request())
        .await
        .unwrap();
    assert_eq!(response.bytes().len(), 65_536);
}

#[tokio::test]
async fn a_host_that_takes_no_connection_was_sent_nothing() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let base = BaseUrl::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let client = HttpClient::builder("acme", base)
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let error = fails(&client, create()).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Unavailable, Sent::No)
    );
}

#[tokio::test]
async fn a_connection_lost_after_sending_leaves_the_outcome_open() {
    use tokio::io::AsyncReadExt as _;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read(&mut [0; 1024]).await.unwrap()
    });
    let client = HttpClient::builder("acme", BaseUrl::parse(&base).unwrap())
        .build()
        .unwrap();
    let error = fails(&client, create()).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Unavailable, Sent::Maybe)
    );
    assert!(server.await.unwrap() > 0);
}
