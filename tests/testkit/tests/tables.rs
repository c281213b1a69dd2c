//! The tables of hostile answers and credentials have teeth: clients that are wrong on purpose are caught.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tallyline_core::http::{
    BaseUrl, HttpClient, Limits, Operation, Request, RetryPolicy, StaticHeaders, Timeouts,
};
use tallyline_core::sink::WriteError;
use tallyline_core::wire::exact_decimal;
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_testkit::credentials::CredentialClient;
use tallyline_testkit::hostile::{Field, HostileClient, Probe, Report};
use tallyline_testkit::raw::Route;
use tallyline_testkit::secrets::Secrets;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SECRET: &str = "correct horse/battery+staple";

const SEATS: &str = r#"{"items":[{"id":"s-1","count":1},{"id":"s-2","count":12}]}"#;

static LIST: Operation = Operation::get("seats.list", "/seats");
static ORDER: Operation = Operation::post("orders.create", "/orders");

/// What is wrong with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    FollowsRedirects,
    TrustsNextLinks,
    PanicsOnOverflow,
    TakesNothingForZero,
    QuotesItsRequests,
    WaitsForEver,
}

/// A client by hand, with one fault.
#[derive(Clone)]
struct Client {
    base: String,
    wrong: Wrong,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({:?})", self.wrong)
    }
}

#[derive(serde::Deserialize)]
struct Seats {
    items: Vec<Seat>,
}

#[derive(serde::Deserialize)]
struct Seat {
    #[serde(deserialize_with = "exact_decimal")]
    count: rust_decimal::Decimal,
}

fn unavailable(error: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, error.to_string()).with_operation("seats.list")
}

impl Client {
    /// Asks for a URL, credentials included, and gives head and body.
    async fn get(&self, url: &str) -> Result<(String, String)> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| unavailable("no URL"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nx-key: {SECRET}\r\n\r\n");
        let mut socket = TcpStream::connect(host).await.map_err(unavailable)?;
        socket
            .write_all(request.as_bytes())
            .await
            .map_err(unavailable)?;
        let mut answer = Vec::new();
        let reading = socket.read_to_end(&mut answer);
        if self.wrong == Wrong::WaitsForEver {
            reading.await.map_err(unavailable)?;
        } else {
            let limit = Duration::from_millis(200);
            tokio::time::timeout(limit, reading)
                .await
                .map_err(unavailable)?
                .map_err(unavailable)?;
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer
            .split_once("\r\n\r\n")
            .ok_or_else(|| unavailable("no head"))?;
        if self.wrong == Wrong::QuotesItsRequests && !head.starts_with("HTTP/1.1 200") {
            tracing::debug!("the request failed: {request}");
            return Err(unavailable("refused"));
        }
        Ok((head.to_owned(), body.to_owned()))
    }

    async fn seats(&self) -> Result<String> {
        let (mut head, mut body) = self.get(&format!("{}/seats", self.base)).await?;
        let header = |head: &str, name: &str| {
            head.lines()
                .find_map(|line| Some(line.strip_prefix(name)?.trim_start_matches(": ").to_owned()))
        };
        if let (Wrong::FollowsRedirects, Some(to)) = (self.wrong, header(&head, "location")) {
            (head, body) = self.get(&to).await?;
        }
        if let (Wrong::TrustsNextLinks, Some(link)) = (self.wrong, header(&head, "link")) {
            let next = link.split(['<', '>']).nth(1).unwrap_or_default();
            self.get(next).await?;
        }
        match self.wrong {
            Wrong::TakesNothingForZero => {
                let seats: std::result::Result<Seats, _> = serde_json::from_str(&body);
                Ok(seats.map_or(0, |seats| seats.items.len()).to_string())
            }
            Wrong::PanicsOnOverflow => {
                let value: serde_json::Value = serde_json::from_str(&body).map_err(unavailable)?;
                let count = value["items"][1]["count"].as_i64().unwrap();
                Ok(u8::try_from(count).unwrap().to_string())
            }
            _ => {
                let seats: Seats = tallyline_core::wire::decode_json(body.as_bytes())
                    .map_err(|error| error.with_operation("seats.list"))?;
                Ok(seats.items[1].count.to_string())
            }
        }
    }
}

fn connect(wrong: Wrong) -> impl Fn(&str) -> Result<Client> + Send + Sync + 'static {
    move |base| {
        BaseUrl::parse(base)?;
        Ok(Client {
            base: base.to_owned(),
            wrong,
        })
    }
}

async fn hostile(wrong: Wrong) -> Report {
    let probe = Probe::new(
        "seats",
        Route::get("/seats", SEATS),
        |client: Client| async move { client.seats().await },
    );
    HostileClient::new("wrong", connect(wrong))
        .probe(probe.field(Field::quantity("/items/1/count")))
        .run()
        .await
}

async fn credentials(wrong: Wrong) -> Report {
    CredentialClient::new("wrong", Secrets::of(SECRET), connect(wrong))
        .call(
            "seats",
            Route::get("/seats", SEATS),
            |client: Client| async move { client.seats().await },
        )
        .run()
        .await
}

fn assert_caught(report: &Report, case: &str, why: &str) {
    let caught = report
        .failures()
        .iter()
        .any(|failure| failure.contains(case) && failure.contains(why));
    assert!(
        caught,
        "{case} was not caught ({why}): {:#?}",
        report.failures()
    );
    assert!(
        report
            .failures()
            .iter()
            .all(|failure| Secrets::of(SECRET).shown_in(failure).is_none())
    );
}

/// The runtime's own client on the same answers.
fn right(limit: usize) -> impl Fn(&str) -> Result<HttpClient> + Send + Sync + 'static {
    move |base| {
        HttpClient::builder("right", BaseUrl::parse(base)?)
            .credentials(Arc::new(
                StaticHeaders::new().header("x-key", SECRET.into()),
            ))
            .limits(Limits {
                max_body: limit,
                ..Limits::default()
            })
            .retry(RetryPolicy::none())
            .timeouts(Timeouts {
                attempt: Some(Duration::from_millis(400)),
                ..Timeouts::default()
            })
            .build()
    }
}

async fn read(client: HttpClient) -> Result<String> {
    let seats: Seats = client.json(Request::new(&LIST)).await?;
    let last = seats
        .items
        .get(1)
        .map(|seat| seat.count.normalize().to_string());
    Ok(last.unwrap_or_default())
}

#[tokio::test]
async fn the_runtimes_own_client_holds() {
    let probe = Probe::new("seats", Route::get("/seats", SEATS), read);
    let client = HostileClient::new("right", right(1 << 20)).max_body(1 << 20);
    client
        .probe(probe.field(Field::quantity("/items/1/count")))
        .run()
        .await
        .assert_held();
    let client = CredentialClient::new("right", Secrets::of(SECRET), right(1 << 20));
    client
        .call("seats", Route::get("/seats", SEATS), read)
        .run()
        .await
        .assert_held();
}

/// Orders seats, and once more where the first answer was no success.
async fn order(client: HttpClient, again: bool) -> std::result::Result<String, WriteError> {
    let mut sent = client.json::<Seat>(Request::new(&ORDER)).await;
    if again && sent.is_err() {
        sent = client.json(Request::new(&ORDER)).await;
    }
    let seat = sent.map_err(WriteError::from)?;
    Ok(seat.count.normalize().to_string())
}

async fn ordered(again: bool) -> Report {
    let route = Route::post("/orders", r#"{"id":"s-9","count":12}"#);
    let probe = Probe::write("order", route, move |client| order(client, again));
    HostileClient::new("right", right(1 << 20))
        .max_body(1 << 20)
        .probe(probe.field(Field::quantity("/count")))
        .run()
        .await
}

#[tokio::test]
async fn a_client_that_sends_a_write_again_is_caught_law_3() {
    ordered(false).await.assert_held();
    let report = ordered(true).await;
    for case in ["HTML on 200", "HTML on 500", "/count = 1e308"] {
        assert_caught(&report, case, "the write was sent 2 times");
    }
}

#[tokio::test]
async fn a_client_without_a_limit_is_caught() {
    let probe = Probe::new("seats", Route::get("/seats", SEATS), read);
    let report = HostileClient::new("no limit", right(usize::MAX / 2))
        .max_body(1 << 20)
        .probe(probe)
        .run()
        .await;
    for case in ["more than the limit", "a gzip bomb"] {
        assert_caught(&report, case, "");
    }
}

#[tokio::test]
async fn a_client_that_panics_on_overflow_is_caught() {
    let report = hostile(Wrong::PanicsOnOverflow).await;
    assert_caught(&report, "/items/1/count = 1e308", "panicked");
    assert_caught(&report, "/items/1/count = -1", "panicked");
}

#[tokio::test]
async fn a_client_that_takes_what_it_cannot_read_for_nothing_is_caught() {
    let report = hostile(Wrong::TakesNothingForZero).await;
    for case in [
        "cut off at byte 9 of",
        "HTML on 200",
        "/items/1/count = \"NaN\"",
        "a list of nulls",
    ] {
        assert_caught(&report, case, "it was read as 0");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_ever_is_caught() {
    let report = hostile(Wrong::WaitsForEver).await;
    assert_caught(&report, "nothing more comes in the body", "hung");
}

#[tokio::test]
async fn a_client_that_follows_redirects_is_caught() {
    let report = credentials(Wrong::FollowsRedirects).await;
    for status in [301, 302, 303, 307, 308] {
        assert_caught(
            &report,
            &format!("a {status} to http://127.0.0.1"),
            "reached the other host",
        );
    }
}

#[tokio::test]
async fn a_client_that_trusts_the_host_of_a_next_link_is_caught() {
    let report = credentials(Wrong::TrustsNextLinks).await;
    assert_caught(
        &report,
        "a link header to http://127.0.0.1",
        "reached the other host",
    );
}

#[tokio::test]
async fn a_client_that_traces_its_credentials_is_caught() {
    let report = credentials(Wrong::QuotesItsRequests).await;
    assert_caught(
        &report,
        "a 502 of a proxy",
        "a traced event or span holds a secret",
    );
}
