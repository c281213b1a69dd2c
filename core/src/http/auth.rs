//! Credentials as headers.

use std::fmt;
use std::sync::Arc;

use ::http::{HeaderName, header};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{Error, ErrorKind, Result};

/// Gives the headers that prove who is calling.
#[async_trait]
pub trait CredentialProvider: Send + Sync + fmt::Debug {
    /// The headers of the next attempt.
    ///
    /// # Errors
    /// `Auth` when the system refuses to give a token, `Config` for malformed credentials, and
    /// whatever kept a token from being fetched (`Unavailable`, `Timeout`, `RateLimited`).
    async fn headers(&self) -> Result<AuthHeaders>;

    /// Drops what was cached, if it is still what was rejected. True where a retry makes sense.
    async fn invalidate(&self, rejected: &AuthHeaders) -> bool;
}

/// Headers whose values are secrets. Their `Debug` shows the names only. A clone is cheap.
#[derive(Clone, Default)]
pub struct AuthHeaders {
    headers: Arc<Vec<(HeaderName, SecretString)>>,
    generation: u64,
}

impl AuthHeaders {
    /// No headers yet, of a generation: a number that changes with each new token.
    #[must_use]
    pub fn new(generation: u64) -> Self {
        Self {
            headers: Arc::default(),
            generation,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: SecretString) -> Self {
        Arc::make_mut(&mut self.headers).push((name, value));
        self
    }

    /// The generation.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether their values are the same secrets.
    pub(crate) fn hold_the_same(&self, other: &Self) -> bool {
        let values = self.iter().map(|(_, value)| value.expose_secret());
        let others = other.iter().map(|(_, value)| value.expose_secret());
        Arc::ptr_eq(&self.headers, &other.headers) || values.eq(others)
    }

    /// The headers.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &SecretString)> {
        self.headers.iter().map(|(name, value)| (name, value))
    }
}

impl fmt::Debug for AuthHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthHeaders")
            .field(
                "names",
                &self
                    .headers
                    .iter()
                    .map(|(name, _)| name)
                    .collect::<Vec<_>>(),
            )
            .field("generation", &self.generation)
            .finish()
    }
}

/// Credentials that do not change: basic authentication, API keys, client ids.
#[derive(Clone, Debug, Default)]
pub struct StaticHeaders {
    headers: AuthHeaders,
    malformed: Option<String>,
}

impl StaticHeaders {
    /// No headers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a header. A malformed name is a `Config` error at send.
    #[must_use]
    pub fn header(mut self, name: &str, value: SecretString) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.headers = self.headers.with(name, value),
            Err(_) => self.malformed = Some(name.to_owned()),
        }
        self
    }

    /// Adds basic authentication.
    #[must_use]
    pub fn basic(self, user: &str, password: &SecretString) -> Self {
        self.header(header::AUTHORIZATION.as_str(), basic_auth(user, password))
    }
}

impl From<AuthHeaders> for StaticHeaders {
    /// These headers as they are, without another to come after them.
    fn from(headers: AuthHeaders) -> Self {
        Self {
            headers,
            malformed: None,
        }
    }
}

#[async_trait]
impl CredentialProvider for StaticHeaders {
    async fn headers(&self) -> Result<AuthHeaders> {
        match &self.malformed {
            None => Ok(self.headers.clone()),
            Some(name) => Err(malformed_header_name(name)),
        }
    }

    async fn invalidate(&self, _rejected: &AuthHeaders) -> bool {
        false
    }
}

pub(crate) fn malformed_header_name(name: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the credential header name {name:?} is malformed"),
    )
}

/// The value of an `Authorization` header for basic authentication.
#[must_use]
pub fn basic_auth(user: &str, password: &SecretString) -> SecretString {
    let pair = SecretString::from(format!("{user}:{}", password.expose_secret()));
    SecretString::from(format!("Basic {}", STANDARD.encode(pair.expose_secret())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_names_only() {
        let headers = StaticHeaders::new()
            .basic("user", &"hunter2".into())
            .header("clientId", "client-secret".into());
        for text in [format!("{headers:?}"), format!("{headers:#?}")] {
            assert!(text.contains("clientid") && text.contains("authorization"));
            assert!(!text.contains("hunter2") && !text.contains("client-secret"));
            assert!(!text.contains("dXNlcjpodW50ZXIy"));
        }
    }

    #[tokio::test]
    async fn a_malformed_header_name_is_a_configuration_error() {
        let headers = StaticHeaders::new().header("bad name", "x".into());
        let error = headers.headers().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}
