//! The transport over reqwest.

use std::error::Error as StdError;
use std::sync::OnceLock;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::base_url::BaseUrl;
use super::options::Timeouts;
use super::transport::{Phase, Transport, TransportError, TransportRequest, TransportResponse};
use crate::error::{Error, ErrorKind, Result};

/// The most that memory is taken for at the word of a host, in bytes.
const MOST_AHEAD: usize = 1024 * 1024;

/// Carries requests over `reqwest`: gzip decoded, redirects not followed, the system's proxy
/// used where one is set. Plain HTTP, which is for this machine only, passes no proxy.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    https: OnceLock<reqwest::Client>,
    local: OnceLock<reqwest::Client>,
    timeouts: Timeouts,
}

impl ReqwestTransport {
    /// A transport with the connect and read limits of `timeouts`. TLS, which reads the system's
    /// root certificates, is set up by [`prepare`](Self::prepare) or by the first request over HTTPS.
    #[must_use]
    pub fn new(timeouts: &Timeouts) -> Self {
        Self {
            https: OnceLock::new(),
            local: OnceLock::new(),
            timeouts: timeouts.clone(),
        }
    }

    /// Sets up what requests to `base_url` need, so that a failure shows before the first of them.
    ///
    /// # Errors
    /// `Config` when TLS or the system's proxy settings cannot be set up.
    pub fn prepare(&self, base_url: &BaseUrl) -> Result<()> {
        self.client_for(base_url.scheme()).map_err(|error| {
            Error::new(ErrorKind::Config, "the HTTP transport cannot be set up")
                .with_source(error.without_url())
        })?;
        Ok(())
    }

    /// The client for a URL. Credentials in plain HTTP must not travel to a proxy.
    fn client_for(&self, scheme: &str) -> reqwest::Result<&reqwest::Client> {
        let (client, builder) = if scheme == "https" {
            (&self.https, builder(&self.timeouts))
        } else {
            (
                &self.local,
                without_roots(builder(&self.timeouts)).no_proxy(),
            )
        };
        match client.get() {
            Some(client) => Ok(client),
            None => {
                let new = builder.build()?;
                Ok(client.get_or_init(|| new))
            }
        }
    }
}

/// A client that never speaks TLS need not read the root certificates of the system.
#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
fn without_roots(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.tls_backend_rustls().tls_certs_only([])
}

#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
fn without_roots(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
}

fn builder(timeouts: &Timeouts) -> reqwest::ClientBuilder {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    if let Some(connect) = timeouts.connect {
        builder = builder.connect_timeout(connect);
    }
    if let Some(read) = timeouts.read {
        builder = builder.read_timeout(read);
    }
    builder
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let max_body = request.max_body;
        let mut builder = self
            .client_for(request.url.scheme())
            .map_err(|error| failed(Phase::Connect, error))?
            .request(request.method, request.url)
            .headers(request.headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let mut response = builder.send().await.map_err(|error| {
            let phase = if error.is_connect() || error.is_builder() {
                Phase::Connect
            } else {
                Phase::Sent
            };
            failed(phase, error)
        })?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = body_of(&mut response, max_body).await?;
        Ok(TransportResponse::new(status, headers, body))
    }
}

/// Reads a body, up to a length. Its chunks come decompressed: the cap holds against a small body that unfolds.
async fn body_of(
    response: &mut reqwest::Response,
    max_body: usize,
) -> Result<Bytes, TransportError> {
    // As it is told to be before anything of it came.
    let told = response.content_length();
    let told = told.and_then(|length| usize::try_from(length).ok());
    // A body of one chunk is not copied.
    let Some(first) = next_chunk(response, 0, max_body).await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = next_chunk(response, first.len(), max_body).await? else {
        return Ok(first);
    };
    let mut body = BytesMut::with_capacity(told.unwrap_or_default().min(MOST_AHEAD));
    body.extend_from_slice(&first);
    body.extend_from_slice(&second);
    while let Some(chunk) = next_chunk(response, body.len(), max_body).await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

async fn next_chunk(
    response: &mut reqwest::Response,
    read: usize,
    max_body: usize,
) -> Result<Option<Bytes>, TransportError> {
    let chunk = response.chunk().await;
    let chunk = chunk.map_err(|error| failed(Phase::Body, error))?;
    match chunk {
        Some(chunk) if chunk.len() > max_body.saturating_sub(read) => Err(TransportError::new(
            Phase::TooLarge,
            format!("more than {max_body} bytes"),
        )),
        chunk => Ok(chunk),
    }
}

fn failed(phase: Phase, error: reqwest::Error) -> TransportError {
    let timeout = error.is_timeout() || times_out(&error);
    TransportError::new(phase, error.without_url()).with_timeout(timeout)
}

fn times_out(error: &(dyn StdError + 'static)) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::TimedOut
        {
            return true;
        }
        source = error.source();
    }
    false
}
