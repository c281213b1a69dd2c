//! A mock server whose exchanges are held to the vendor's document.
//!
//! Tests with answers of their own start their server with [`MockVendor::start`] and use it as the
//! [`wiremock::MockServer`] that it is, but for its address: the mock's own is behind a [`Simulator`], which holds every
//! request and every answer to the document and fails the test when it is dropped, so that no test can forget to. Answers
//! may lack members that the document requires, and the body of a failure may be anything; those that are there to be wrong
//! are named with [`MockVendor::expect_odd_answers`].

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wiremock::MockServer;

use crate::contract::System;
use crate::http::SimAnswer;
use crate::server::Simulator;

/// A mock server of a vendor. Dropping it panics when an exchange broke the vendor's document, unless the thread is
/// panicking already.
pub struct MockVendor {
    server: MockServer,
    front: Simulator,
    /// None of a vendor that publishes no document.
    system: Option<System>,
}

impl MockVendor {
    /// Starts a server on a loopback port that the system picks.
    ///
    /// # Panics
    /// When no port can be bound, as the mock server itself does.
    pub async fn start(system: System) -> Self {
        Self::of(Some(system)).await
    }

    /// Starts a server of a vendor that publishes no document: there is nothing to hold its exchanges to.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn undocumented() -> Self {
        Self::of(None).await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is what is to be used instead"
    )]
    async fn of(system: Option<System>) -> Self {
        let server = MockServer::start().await;
        let mock = *server.address();
        let behind = Router::new().fallback(move |request: Request| handed_on(mock, request));
        let front = match Simulator::serve_by_hand(system, behind).await {
            Ok(front) => front,
            Err(error) => panic!("no port for a mock server: {error}"),
        };
        Self {
            server,
            front,
            system,
        }
    }

    /// Where clients find it: `http://127.0.0.1:PORT`.
    pub fn uri(&self) -> String {
        let url = self.front.base_url().as_str();
        url.trim_end_matches('/').to_owned()
    }

    /// Requests may break the vendor's document in the ways that are named, each by a part of the violation's text: for
    /// tests that send malformed ones on purpose. Dropping the server panics when one of them does not come.
    pub fn expect_violations(&self, reason: &str, violations: &[&str]) {
        self.front.expect_violations(reason, violations);
    }

    /// The same of answers: for tests of answers that no document has.
    pub fn expect_odd_answers(&self, reason: &str, violations: &[&str]) {
        self.front.expect_odd_answers(reason, violations);
    }
}

impl Deref for MockVendor {
    type Target = MockServer;

    fn deref(&self) -> &MockServer {
        &self.server
    }
}

impl fmt::Debug for MockVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockVendor")
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

/// Asks the mock, and gives its answer as it is.
async fn handed_on(mock: SocketAddr, request: Request) -> Response {
    match answer_of(mock, request).await {
        Ok(answer) => answer,
        Err(error) => {
            let why = format!("the mock server gave no answer: {error}");
            SimAnswer::new(502, "text/plain", why).into_response()
        }
    }
}

/// What a mock was asked, in order: method, path and query, without the calls to one path, that of the tokens.
pub async fn asked(server: &MockServer, but: &str) -> Vec<String> {
    let requests = server.received_requests().await.unwrap_or_default();
    let others = requests.iter().filter(|request| request.url.path() != but);
    others
        .map(|request| {
            let query = request.url.query().map(|query| format!("?{query}"));
            let query = query.unwrap_or_default();
            format!("{} {}{query}", request.method, request.url.path())
        })
        .collect()
}

async fn answer_of(
    mock: SocketAddr,
    request: Request,
) -> Result<Response, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(mock).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its end is the end of the exchange.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    Ok(answer.map(Body::new))
}

/// What a mock server says of the exchanges that broke the vendor's document as it is dropped; nothing where none did.
#[must_use]
pub fn said_on_drop(server: MockVendor) -> String {
    let caught = catch_unwind(AssertUnwindSafe(|| drop(server)));
    caught.err().map_or_else(String::new, |panic| {
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    })
}
