//! A simulator without a socket, for tests whose time is paused.

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

use crate::clock::Clock;
use crate::http::{SimAnswer, SimRequest};
use crate::lock;

/// A state that answers requests.
pub trait Served: Send + 'static {
    /// Its clock.
    fn clock(&self) -> Clock;

    /// The answer to a request.
    fn answer(&mut self, request: &SimRequest) -> SimAnswer;

    /// How much of a path is the place where the API stands.
    fn root(path: &str) -> usize {
        let _ = path;
        0
    }
}

/// A transport that ends in a state, whose clock runs with tokio's: paused time moves both.
///
/// Clones share the state. Put it into a [`HeldTransport`](crate::contract::HeldTransport) to hold what passes to the
/// vendor's document.
pub struct InProcess<S> {
    state: Arc<Mutex<S>>,
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
    /// The path below the place where the API stands.
    pub path: String,
    /// The raw query.
    pub query: String,
    /// The status answered.
    pub status: u16,
}

impl<S: Served> InProcess<S> {
    /// Serves a state from now on. Must be called inside a tokio runtime.
    pub fn new(state: S) -> Self {
        let clock = state.clock();
        Self {
            state: Arc::new(Mutex::new(state)),
            asked: Arc::default(),
            from: clock.now(),
            clock,
            since: Instant::now(),
        }
    }

    /// Reads or changes the state.
    pub fn with_state<R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        work(&mut lock(&self.state))
    }

    /// Every call so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }

    /// The present instant, to which the simulator's clock is set.
    pub fn now(&self) -> Timestamp {
        let gone = SignedDuration::try_from(self.since.elapsed()).unwrap_or_default();
        let now = self.from.checked_add(gone).unwrap_or(self.from);
        self.clock.set(now);
        now
    }
}

impl<S> Clone for InProcess<S> {
    fn clone(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            asked: Arc::clone(&self.asked),
            clock: self.clock.clone(),
            from: self.from,
            since: self.since,
        }
    }
}

impl<S> fmt::Debug for InProcess<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

#[async_trait]
impl<S: Served> Transport for InProcess<S> {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        self.now();
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
        let answer = lock(&self.state).answer(&asked);
        let path = asked.path.get(S::root(&asked.path)..).unwrap_or_default();
        lock(&self.asked).push(Asked {
            method: asked.method.clone(),
            path: path.to_owned(),
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
