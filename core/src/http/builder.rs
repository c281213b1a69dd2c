//! How a client is put together.

use std::fmt;
use std::sync::{Arc, Mutex};

use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::SecretString;

use super::auth::CredentialProvider;
use super::base_url::BaseUrl;
use super::client::{HttpClient, Newest, Parts};
use super::errors::{ErrorDecoder, PlainErrors};
use super::limiter::Limiter;
use super::locate::AddressCache;
use super::observe::Observer;
use super::options::{Limits, Timeouts};
use super::prepare::{Ids, Jitter};
use super::redact::Redactor;
use super::retry::RetryPolicy;
use super::transport::Transport;
use crate::error::{Error, ErrorKind, Result};

/// Puts an [`HttpClient`] together. Every part has a default but the two it begins with.
#[must_use = "a builder does nothing until `build` is called"]
pub struct HttpClientBuilder {
    connector: &'static str,
    base_url: BaseUrl,
    address: Option<Arc<AddressCache>>,
    credentials: Option<Arc<dyn CredentialProvider>>,
    errors: Arc<dyn ErrorDecoder>,
    limits: Limits,
    limiter: Option<Arc<Limiter>>,
    timeouts: Timeouts,
    retry: RetryPolicy,
    transport: Option<Arc<dyn Transport>>,
    observer: Option<Arc<dyn Observer>>,
    headers: HeaderMap,
    request_id_header: Option<HeaderName>,
    vendor_request_id_header: Option<HeaderName>,
    redactor: Redactor,
    jitter_seed: Option<u64>,
    malformed: Option<String>,
}

impl HttpClientBuilder {
    pub(crate) fn new(connector: &'static str, base_url: BaseUrl) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("tallyline/", env!("CARGO_PKG_VERSION"))),
        );
        Self {
            connector,
            base_url,
            address: None,
            credentials: None,
            errors: Arc::new(PlainErrors),
            limits: Limits::default(),
            limiter: None,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            transport: None,
            observer: None,
            headers,
            request_id_header: None,
            vendor_request_id_header: None,
            redactor: Redactor::new(),
            jitter_seed: None,
            malformed: None,
        }
    }

    /// Who is calling. Without this, no credentials are sent.
    pub fn credentials(mut self, credentials: Arc<dyn CredentialProvider>) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Where the tenant lives, for systems that have to be asked: calls and credentials go there
    /// and no longer to the base URL. Refused credentials have it asked for again, and the call is
    /// repeated where the tenant has moved.
    pub fn address(mut self, address: Arc<AddressCache>) -> Self {
        self.address = Some(address);
        self
    }

    /// How the system's error answers are read; [`PlainErrors`] where not set.
    pub fn errors(mut self, errors: Arc<dyn ErrorDecoder>) -> Self {
        self.errors = errors;
        self
    }

    /// The size limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many requests, how often; shared with other clients of the same credentials.
    pub fn limiter(mut self, limiter: Arc<Limiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// The time limits.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// How failed attempts are repeated.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// What carries the requests. Where not set, `ReqwestTransport` (feature `reqwest`).
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Hears what the client does.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The `User-Agent` header.
    pub fn user_agent(self, user_agent: &str) -> Self {
        self.header(header::USER_AGENT.as_str(), user_agent)
    }

    /// A header of every request. Not for secrets: those come from the credentials.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
            }
            _ => self.malformed(name),
        }
        self
    }

    /// Sends the id of each operation in this header. Without this, it is not sent.
    pub fn request_id_header(mut self, name: &'static str) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.request_id_header = Some(name),
            Err(_) => self.malformed(name),
        }
        self
    }

    /// Where the system's own request id stands in its answers.
    pub fn vendor_request_id_header(mut self, name: &'static str) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.vendor_request_id_header = Some(name),
            Err(_) => self.malformed(name),
        }
        self
    }

    /// A text to mask wherever it would show in an error or log. What the credentials send is
    /// masked anyway.
    pub fn secret(mut self, secret: SecretString) -> Self {
        self.redactor = self.redactor.with_secret(&secret);
        self
    }

    /// Makes the waits between attempts repeatable, for tests.
    pub fn jitter_seed(mut self, seed: u64) -> Self {
        self.jitter_seed = Some(seed);
        self
    }

    /// Puts the client together.
    ///
    /// # Errors
    /// `Config` when a header is malformed, when no transport is set and the feature `reqwest`
    /// is off, or when the transport cannot be set up.
    pub fn build(self) -> Result<HttpClient> {
        let in_connector = |error: Error| error.with_connector(self.connector);
        if let Some(name) = &self.malformed {
            return Err(in_connector(Error::new(
                ErrorKind::Config,
                format!("the header {name:?} is malformed"),
            )));
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(&self.timeouts, &self.base_url).map_err(in_connector)?,
        };
        let redactor = Arc::new(self.redactor);
        Ok(HttpClient::from_parts(Parts {
            connector: self.connector,
            base_url: self.base_url,
            address: self.address,
            credentials: self.credentials,
            errors: self.errors,
            limits: self.limits,
            limiter: self.limiter.unwrap_or_default(),
            timeouts: self.timeouts,
            retry: self.retry,
            transport,
            observer: self.observer,
            headers: self.headers,
            request_id_header: self.request_id_header,
            vendor_request_id_header: self.vendor_request_id_header,
            newest: Mutex::new(Newest {
                redactor: Arc::clone(&redactor),
                credentials: None,
            }),
            redactor,
            jitter: Jitter::new(self.jitter_seed),
            ids: Ids::new(),
        }))
    }

    fn malformed(&mut self, name: &str) {
        self.malformed.get_or_insert_with(|| name.to_owned());
    }
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("connector", &self.connector)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "reqwest")]
pub(super) fn default_transport(
    timeouts: &Timeouts,
    base_url: &BaseUrl,
) -> Result<Arc<dyn Transport>> {
    let transport = super::reqwest_transport::ReqwestTransport::new(timeouts);
    transport.prepare(base_url)?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "reqwest"))]
pub(super) fn default_transport(
    _timeouts: &Timeouts,
    _base_url: &BaseUrl,
) -> Result<Arc<dyn Transport>> {
    Err(Error::new(
        ErrorKind::Config,
        "no transport: set one, or switch the feature `reqwest` on",
    ))
}
