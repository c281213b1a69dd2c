//! Tokens that expire.

use std::fmt;
use std::time::Duration;

use ::http::{HeaderName, header};
use async_trait::async_trait;
use secrecy::SecretString;

use super::auth::{AuthHeaders, CredentialProvider};
use crate::error::{Error, ErrorKind, Result};

/// A token as it was given out.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token.
    pub value: SecretString,
    /// How long it is valid; `None` where the system does not say.
    pub expires_in: Option<Duration>,
}

/// Fetches a token.
#[async_trait]
pub trait TokenFetcher: Send + Sync {
    /// Asks the system for a new token.
    ///
    /// # Errors
    /// Whatever the request met; a refusal becomes `Auth` in the [`TokenCache`].
    async fn fetch(&self) -> Result<Token>;
}

/// Keeps a token until shortly before it expires.
pub struct TokenCache<F> {
    fetcher: F,
    name: Option<HeaderName>,
    prefix: &'static str,
    fixed: AuthHeaders,
}

impl<F: TokenFetcher> TokenCache<F> {
    /// A cache without a token; the first call fetches one.
    #[must_use]
    pub fn new(fetcher: F) -> Self {
        Self {
            fetcher,
            name: Some(header::AUTHORIZATION),
            prefix: "Bearer ",
            fixed: AuthHeaders::new(0),
        }
    }

    /// Sends the token in another header, after a prefix.
    #[must_use]
    pub fn token_header(mut self, name: &'static str, prefix: &'static str) -> Self {
        self.name = HeaderName::from_bytes(name.as_bytes()).ok();
        self.prefix = prefix;
        self
    }

    /// Adds a header that does not change, such as a subscription key.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: SecretString) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => self.fixed = self.fixed.with(name, value),
            Err(_) => self.name = None,
        }
        self
    }
}

impl<F> fmt::Debug for TokenCache<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

#[async_trait]
impl<F: TokenFetcher> CredentialProvider for TokenCache<F> {
    async fn headers(&self) -> Result<AuthHeaders> {
        let _ = (&self.fetcher, &self.prefix);
        Err(Error::new(ErrorKind::Unexpected, "unfinished"))
    }

    async fn invalidate(&self, _rejected: &AuthHeaders) -> bool {
        false
    }
}
