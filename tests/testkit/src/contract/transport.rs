//! A transport whose exchanges are held to the vendor's document.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tallyline_core::http::{
    HeaderMap, Transport, TransportError, TransportRequest, TransportResponse,
};

use super::{Answered, Exchange, Ledger, System};
use crate::lock;

/// Holds what passes through a transport of a test's own to the document of a system.
///
/// Dropping it panics when an exchange broke the document, unless the thread is panicking already. Keep the handle that the
/// test made: a panic on a thread of the client's would be nobody's.
#[derive(Clone)]
pub struct HeldTransport {
    inner: Arc<dyn Transport>,
    ledger: Arc<Held>,
}

struct Held {
    system: System,
    ledger: Mutex<Ledger>,
}

impl HeldTransport {
    /// Around another.
    pub fn new(system: System, inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            ledger: Arc::new(Held {
                system,
                ledger: Mutex::default(),
            }),
        }
    }
}

impl fmt::Debug for HeldTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HeldTransport").field(&self.inner).finish()
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let headers = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    headers.collect()
}

#[async_trait]
impl Transport for HeldTransport {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let sent = request.clone();
        let answer = self.inner.send(request).await;
        let body = String::from_utf8_lossy(sent.body.as_deref().unwrap_or_default());
        let told = answer.as_ref().ok().map(|answer| {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let media = answer.headers.get("content-type");
            let media = media.and_then(|media| media.to_str().ok());
            (answer.status, media, text)
        });
        let exchange = Exchange {
            method: sent.method.as_str(),
            path: sent.url.path(),
            query: sent.url.query().unwrap_or(""),
            headers: &texts(&sent.headers),
            body: &body,
            answer: told.as_ref().map(|(status, media, body)| Answered {
                status: *status,
                content_type: *media,
                body,
            }),
        };
        lock(&self.ledger.ledger).examine(self.ledger.system, &exchange);
        answer
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let verdict = lock(&self.ledger).verdict();
        if let Some(verdict) = verdict
            && !std::thread::panicking()
        {
            panic!("{verdict}");
        }
    }
}
