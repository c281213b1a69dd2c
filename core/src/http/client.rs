//! The client.

use std::fmt;
use std::sync::Arc;

use ::http::{HeaderMap, HeaderName};
use serde::de::DeserializeOwned;

use super::auth::CredentialProvider;
use super::base_url::BaseUrl;
use super::builder::HttpClientBuilder;
use super::errors::ErrorDecoder;
use super::limiter::Limiter;
use super::observe::Observer;
use super::options::{Limits, Timeouts};
use super::paging::{PageStrategy, Paged};
use super::redact::Redactor;
use super::request::Request;
use super::response::Response;
use super::retry::RetryPolicy;
use super::transport::Transport;
use crate::error::{Error, ErrorKind, Result};

/// Sends the calls of one connector to one system. A clone is the same client.
#[derive(Clone)]
pub struct HttpClient(pub(crate) Arc<Parts>);

#[allow(dead_code)]
pub(crate) struct Parts {
    pub(crate) connector: &'static str,
    pub(crate) base_url: BaseUrl,
    pub(crate) credentials: Option<Arc<dyn CredentialProvider>>,
    pub(crate) errors: Arc<dyn ErrorDecoder>,
    pub(crate) limits: Limits,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: RetryPolicy,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) headers: HeaderMap,
    pub(crate) request_id_header: Option<HeaderName>,
    pub(crate) vendor_request_id_header: Option<HeaderName>,
    pub(crate) redactor: Redactor,
    pub(crate) jitter_seed: Option<u64>,
}

impl HttpClient {
    /// Begins a client of a connector.
    pub fn builder(connector: &'static str, base_url: BaseUrl) -> HttpClientBuilder {
        HttpClientBuilder::new(connector, base_url)
    }

    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Sends a call and gives its 2xx answer.
    ///
    /// # Errors
    /// By status: `Auth`, `PermissionDenied`, `NotFound`, `Conflict`, `Invalid`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    pub async fn send(&self, request: Request) -> Result<Response> {
        let _ = request;
        Err(Error::new(ErrorKind::Unexpected, "unfinished"))
    }

    /// Sends a call and decodes its JSON answer.
    ///
    /// # Errors
    /// As [`HttpClient::send`], and `Protocol` when the answer does not fit `T`.
    pub async fn json<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        self.send(request).await?.json()
    }

    /// The address that this client talks to.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.0.base_url
    }

    /// Walks the pages of a list. Nothing is sent until the first item is asked for.
    pub fn paged<T, S>(&self, request: Request, strategy: S) -> Paged<T>
    where
        T: DeserializeOwned + Send + 'static,
        S: PageStrategy<T>,
    {
        Paged::new(self.clone(), request, Arc::new(strategy))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("connector", &self.0.connector)
            .field("base_url", &self.0.base_url)
            .finish_non_exhaustive()
    }
}
