//! Behaviour of the runtime as a whole, over a scripted transport on paused time.

mod auth;
mod exchange;
mod id_cursor;
mod locate;
mod paging;
mod retries;
mod secrets;
#[cfg(feature = "reqwest")]
mod wire;
#[cfg(feature = "sink")]
mod writes;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use super::*;
use crate::error::Error;

pub(super) static READ: Operation = Operation::get("things.get", "/things/{id}");
pub(super) static LIST: Operation = Operation::get("things.list", "/things");
pub(super) static SET: Operation = Operation::put("things.set", "/things/{id}");
pub(super) static CREATE: Operation = Operation::post("things.create", "/things");

/// One step of a script.
pub(super) enum Step {
    Answer(u16, Vec<(&'static str, String)>, String),
    Fail(Phase),
    /// Takes this long, then answers.
    Slow(Duration, Box<Step>),
}

pub(super) fn answer(status: u16, body: &str) -> Step {
    with_headers(status, &[("content-type", "application/json")], body)
}

pub(super) fn with_headers(status: u16, headers: &[(&'static str, &str)], body: &str) -> Step {
    let headers = headers.iter().map(|(k, v)| (*k, (*v).to_owned()));
    Step::Answer(status, headers.collect(), body.to_owned())
}

/// Plays a script and keeps what was sent, and when.
pub(super) struct Script {
    steps: Mutex<VecDeque<Step>>,
    sent: Mutex<Vec<(Instant, TransportRequest)>>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    pub(super) fn new(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        Arc::new(Self {
            steps: Mutex::new(steps.into_iter().collect()),
            sent: Mutex::default(),
        })
    }

    pub(super) fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    pub(super) fn request(&self, index: usize) -> TransportRequest {
        self.sent.lock().unwrap()[index].1.clone()
    }

    pub(super) fn urls(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        sent.iter()
            .map(|(_, request)| request.url.to_string())
            .collect()
    }

    /// Seconds between the first and the last request.
    pub(super) fn span(&self) -> Duration {
        let sent = self.sent.lock().unwrap();
        sent[sent.len() - 1].0.duration_since(sent[0].0)
    }

    pub(super) fn builder(self: &Arc<Self>) -> HttpClientBuilder {
        let base = BaseUrl::parse("https://api.example.com/v1").unwrap();
        HttpClient::builder("acme", base)
            .transport(Arc::clone(self) as Arc<dyn Transport>)
            .jitter_seed(1)
    }

    pub(super) fn client(self: &Arc<Self>) -> HttpClient {
        self.builder().build().unwrap()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        self.sent.lock().unwrap().push((Instant::now(), request));
        let mut step = self
            .steps
            .lock()
            .unwrap()
            .pop_front()
            .expect("script is over");
        loop {
            match step {
                Step::Slow(wait, then) => {
                    sleep(wait).await;
                    step = *then;
                }
                Step::Fail(phase) => return Err(TransportError::new(phase, "socket closed")),
                Step::Answer(status, headers, body) => {
                    let mut map = HeaderMap::new();
                    for (name, value) in headers {
                        map.append(name, value.parse().unwrap());
                    }
                    return Ok(TransportResponse::new(status, map, body));
                }
            }
        }
    }
}

pub(super) fn read() -> Request {
    Request::new(&READ).path("id", 1)
}

pub(super) fn set() -> Request {
    Request::new(&SET)
        .path("id", 1)
        .json(&serde_json::json!({"quantity": 3}))
}

pub(super) fn create() -> Request {
    Request::new(&CREATE).json(&serde_json::json!({"name": "x"}))
}

pub(super) async fn fails(client: &HttpClient, request: Request) -> Error {
    client.send(request).await.unwrap_err()
}
