//! A mock server whose requests are held to the vendor's document.
//!
//! Tests with answers of their own start their server with [`MockVendor::start`] and use it as the
//! [`wiremock::MockServer`] that it is. When it is dropped it checks every request that reached it, so that no test can
//! forget to. What the mocks answer is not held to the document: it is there to be wrong.

use std::fmt;
use std::ops::Deref;
use std::sync::Mutex;

use futures::executor::block_on;
use wiremock::{MockServer, Request};

use crate::contract::{Exchange, Ledger, System};
use crate::lock;

/// A mock server of a vendor. Dropping it panics when a request broke the vendor's document, unless the thread is
/// panicking already.
pub struct MockVendor {
    server: MockServer,
    /// None of a vendor that publishes no document.
    system: Option<System>,
    ledger: Mutex<Ledger>,
}

impl MockVendor {
    /// Starts a server on a loopback port that the system picks.
    pub async fn start(system: System) -> Self {
        Self::of(Some(system)).await
    }

    /// Starts a server of a vendor that publishes no document: there is nothing to hold its requests to.
    pub async fn undocumented() -> Self {
        Self::of(None).await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is what is to be used instead"
    )]
    async fn of(system: Option<System>) -> Self {
        Self {
            server: MockServer::start().await,
            system,
            ledger: Mutex::default(),
        }
    }

    /// The requests may break the vendor's document: for tests that send malformed ones on purpose. Dropping the
    /// server panics when none does.
    pub fn expect_violations(&self, reason: &str) {
        lock(&self.ledger).expect_requests(reason);
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

impl Drop for MockVendor {
    fn drop(&mut self) {
        let Some(system) = self.system.filter(|_| !std::thread::panicking()) else {
            return;
        };
        let requests = block_on(self.server.received_requests()).unwrap_or_default();
        let mut ledger = lock(&self.ledger);
        for request in &requests {
            examine(&mut ledger, system, request);
        }
        if let Some(verdict) = ledger.verdict() {
            drop(ledger);
            panic!("{verdict}");
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

fn examine(ledger: &mut Ledger, system: System, request: &Request) {
    let headers = request.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    let headers: Vec<_> = headers.collect();
    ledger.examine(
        system,
        &Exchange {
            method: request.method.as_str(),
            path: request.url.path(),
            query: request.url.query().unwrap_or(""),
            headers: &headers,
            body: &String::from_utf8_lossy(&request.body),
            answer: None,
        },
    );
}
