//! What carries a request to its host and the answer back.

use std::error::Error as StdError;
use std::fmt;

use ::http::{HeaderMap, Method};
use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

/// One request, ready to go out. Its `Debug` shows no query, header value or body.
#[derive(Clone)]
#[non_exhaustive]
pub struct TransportRequest {
    /// The method.
    pub method: Method,
    /// The full URL.
    pub url: Url,
    /// All headers, credentials included.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// The largest body of an answer, in bytes after decompression.
    pub max_body: usize,
}

impl fmt::Debug for TransportRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_len", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// One answer, its body read and decompressed. Its `Debug` shows no header value or body.
#[derive(Clone)]
#[non_exhaustive]
pub struct TransportResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Bytes,
}

impl TransportResponse {
    /// An answer.
    #[must_use]
    pub fn new(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            headers,
            body: body.into(),
        }
    }
}

impl fmt::Debug for TransportResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportResponse")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_len", &self.body.len())
            .finish()
    }
}

/// How far a request came before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No connection: nothing was sent.
    Connect,
    /// It may have reached the host; no answer came.
    Sent,
    /// The answer began, and its body was cut off.
    Body,
    /// The answer's body is larger than allowed.
    TooLarge,
}

/// Why no whole answer came.
#[derive(Debug)]
pub struct TransportError {
    /// How far it came.
    pub phase: Phase,
    /// Whether a time limit of the transport was the reason.
    pub timeout: bool,
    /// The reason.
    pub source: Box<dyn StdError + Send + Sync>,
}

impl TransportError {
    /// A failure that is no timeout.
    pub fn new(phase: Phase, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            phase,
            timeout: false,
            source: source.into(),
        }
    }

    /// Says whether a time limit was the reason.
    #[must_use]
    pub fn with_timeout(mut self, timeout: bool) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.phase {
            Phase::Connect => "no connection",
            Phase::Sent => "no answer",
            Phase::Body => "the answer was cut off",
            Phase::TooLarge => "the answer is larger than allowed",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// Carries one request and its answer: one attempt, no retries, no redirects followed, the
/// body read up to `max_body` decompressed bytes.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`TransportError`] saying how far it came. When in doubt whether anything was sent, the
    /// phase is [`Phase::Sent`].
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError>;
}
