//! From a request to what goes out, and what is known of it when something goes wrong.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::client::Parts;
use super::operation::Operation;
use super::redact::Redactor;
use super::request::Request;
use crate::error::{Error, ErrorKind, HttpContext, Result};

/// How much of a body an error keeps.
const SNIPPET: usize = 2048;

/// What every error of one exchange says.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) connector: &'static str,
    pub(crate) operation: &'static Operation,
    pub(crate) request_id: String,
    pub(crate) vendor_request_id_header: Option<HeaderName>,
    pub(crate) redactor: Arc<Redactor>,
    /// Neither the request's body nor the answer's may be shown.
    pub(crate) sensitive: bool,
}

impl Exchange {
    pub(crate) fn new(parts: &Parts, request: &Request, request_id: String) -> Self {
        let redactor = if request.secrets.is_empty() {
            Arc::clone(&parts.redactor)
        } else {
            let own = Redactor::clone(&parts.redactor);
            let secrets = request.secrets.iter();
            Arc::new(secrets.fold(own, |redactor, secret| {
                redactor.with_secret(&secret.as_str().into())
            }))
        };
        Self {
            connector: parts.connector,
            operation: request.operation,
            request_id,
            vendor_request_id_header: parts.vendor_request_id_header.clone(),
            redactor,
            sensitive: request.sensitive,
        }
    }

    /// The same, masked by what knows the secrets of the credentials as well.
    pub(crate) fn masked_by(&self, redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            ..self.clone()
        }
    }

    pub(crate) fn error(
        &self,
        kind: ErrorKind,
        message: impl Into<String>,
        http: HttpContext,
    ) -> Error {
        Error::new(kind, message)
            .with_connector(self.connector)
            .with_operation(self.operation.name)
            .with_http(http)
    }

    /// The context of an exchange without an answer.
    pub(crate) fn unanswered(&self) -> HttpContext {
        HttpContext {
            method: self.operation.method.as_str().to_owned(),
            url_template: self.operation.template.to_owned(),
            request_id: Some(self.request_id.clone()),
            ..HttpContext::default()
        }
    }

    /// The context of an exchange with an answer.
    pub(crate) fn http_context(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
    ) -> HttpContext {
        let shown = !self.sensitive && !body.is_empty();
        HttpContext {
            status: Some(status),
            vendor_request_id: self.vendor_request_id(headers),
            body_snippet: shown.then(|| self.redactor.snippet(body, SNIPPET)),
            ..self.unanswered()
        }
    }

    pub(crate) fn vendor_request_id(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get(self.vendor_request_id_header.as_ref()?)?;
        Some(self.shown(value.to_str().ok()?, 200))
    }

    /// A text of the system, masked and cut.
    pub(crate) fn shown(&self, text: &str, max: usize) -> String {
        self.redactor.snippet(text.as_bytes(), max)
    }
}

/// A request ready to go out, but for the credentials.
pub(crate) struct Prepared {
    /// Below the base URL, percent-encoded.
    pub(crate) path: String,
    /// Percent-encoded.
    pub(crate) query: String,
    pub(crate) group: Option<&'static str>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) exchange: Arc<Exchange>,
}

impl Prepared {
    pub(crate) fn new(parts: &Parts, request: Request, exchange: Exchange) -> Result<Self> {
        let in_exchange = |error: Error| {
            exchange.error(
                error.kind(),
                exchange.redactor.redact(error.message()),
                exchange.unanswered(),
            )
        };
        if let Some((kind, message)) = &request.defect {
            return Err(in_exchange(Error::new(*kind, message)));
        }
        let path = request.rendered_path().map_err(in_exchange)?;
        let query = request.rendered_query();
        let mut headers = parts.headers.clone();
        for (name, value) in request.headers {
            headers.insert(name, value);
        }
        if let Some(name) = &parts.request_id_header {
            let id = HeaderValue::from_str(&exchange.request_id)
                .map_err(|_| in_exchange(Error::new(ErrorKind::Unexpected, "malformed id")))?;
            headers.insert(name, id);
        }
        Ok(Self {
            path,
            query,
            group: request.group.or(exchange.operation.group),
            headers,
            body: request.body,
            exchange: Arc::new(exchange),
        })
    }
}

/// Gives out ids that are unique to this process and, very likely, beyond.
#[derive(Debug)]
pub(crate) struct Ids {
    prefix: u64,
    count: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self {
            prefix: entropy(),
            count: AtomicU64::new(1),
        }
    }

    pub(crate) fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{count:x}", self.prefix)
    }
}

/// Draws for jitter; the same seed gives the same draws.
#[derive(Debug)]
pub(crate) struct Jitter(AtomicU64);

impl Jitter {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(AtomicU64::new(seed.unwrap_or_else(entropy)))
    }

    /// The next draw (splitmix64).
    pub(crate) fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// A number that differs between processes and clients; not for secrets.
fn entropy() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write(format!("{:?}", Instant::now()).as_bytes());
    hasher.finish()
}
