//! The marketplace without a socket, for tests whose time is paused.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tallyline_core::http::{
    HeaderMap, HeaderName, HeaderValue, Transport, TransportError, TransportRequest,
    TransportResponse,
};
use tokio::time::Instant;
use url::form_urlencoded;

use super::routes;
use super::state::IngramState;
use crate::clock::Clock;
use crate::http::SimRequest;
use crate::lock;

/// A transport that ends in a state, whose clock runs with tokio's: paused time moves both.
///
/// Clones share the state. Put it into a [`HeldTransport`](crate::contract::HeldTransport) to hold what passes to the
/// vendor's document.
#[derive(Clone)]
pub struct InProcess {
    state: Arc<Mutex<IngramState>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    clock: Clock,
    from: Timestamp,
    since: Instant,
}

/// One call and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The path below the region.
    pub path: String,
    /// The raw query.
    pub query: String,
    /// The status answered.
    pub status: u16,
}

impl InProcess {
    /// Serves a state from now on. Must be called inside a tokio runtime.
    pub fn new(state: IngramState) -> Self {
        let clock = state.clock.clone();
        Self {
            state: Arc::new(Mutex::new(state)),
            asked: Arc::default(),
            from: clock.now(),
            clock,
            since: Instant::now(),
        }
    }

    /// Reads or changes the state.
    pub fn with_state<R>(&self, work: impl FnOnce(&mut IngramState) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// Every call so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let gone = SignedDuration::try_from(self.since.elapsed()).unwrap_or_default();
        self.clock
            .set(self.from.checked_add(gone).unwrap_or(self.from));
        let query = request.url.query().unwrap_or("").to_owned();
        let asked = SimRequest {
            method: request.method.as_str().to_owned(),
            path: request.url.path().to_owned(),
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: request.headers,
            body: request.body.unwrap_or_default(),
        };
        let answer = routes::handle(&mut lock(&self.state), &asked);
        let path = asked.path.splitn(4, '/').nth(3).unwrap_or("").to_owned();
        lock(&self.asked).push(Asked {
            method: asked.method,
            path: format!("/{path}"),
            query,
            status: answer.status,
        });
        let mut headers = HeaderMap::new();
        for (name, value) in answer.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.append(name, value);
            }
        }
        Ok(TransportResponse::new(answer.status, headers, answer.body))
    }
}
