//! The tokens of the source, got wrong in some ways.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tallyline_core::http::{
    AuthHeaders, CredentialProvider, HeaderName, HttpClient, Operation, Request, Token,
    TokenFetcher,
};
use tallyline_core::{Error, ErrorKind, Result};

use crate::flaw::Flaw;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

static TOKEN: Operation = Operation::post("token.create", "/v1/token");

#[derive(Deserialize)]
struct TokenAnswer {
    token: String,
    expires_in: u64,
}

/// Asks for tokens.
pub(crate) struct Tokens {
    pub(crate) http: HttpClient,
    pub(crate) key: SecretString,
    pub(crate) flaw: Flaw,
    /// Whether there was one already.
    pub(crate) had_one: AtomicBool,
}

#[async_trait]
impl TokenFetcher for Tokens {
    async fn fetch(&self) -> Result<Token> {
        let key = self.key.expose_secret();
        let request = Request::new(&TOKEN).form(&[("key", key)]);
        let answer: TokenAnswer = match self.http.json(request).await {
            Err(error) if self.had_one.load(Ordering::SeqCst) => match self.flaw {
                Flaw::PanicsWithItsKey => panic!("the key {key} is refused"),
                Flaw::CallsARefusedRenewalUnavailable => {
                    return Err(Error::new(ErrorKind::Unavailable, "no token"));
                }
                _ => return Err(error),
            },
            answer => answer?,
        };
        self.had_one.store(true, Ordering::SeqCst);
        match self.flaw {
            Flaw::LogsItsToken => tracing::debug!(token = answer.token.as_str(), "a new token"),
            Flaw::LogsItsTokenInBase64 => {
                let pair = STANDARD.encode(format!("token:{}", answer.token));
                tracing::trace!(pair, "a new token");
            }
            Flaw::LogsItsKeyInHex => {
                let bytes: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
                tracing::trace!(bytes, "what was sent");
            }
            _ => {}
        }
        Ok(Token {
            value: answer.token.into(),
            expires_in: Some(Duration::from_secs(answer.expires_in)),
        })
    }
}

/// Fetches one token and keeps it for ever, or one for every call.
pub(crate) struct Unmanaged(
    pub(crate) Tokens,
    pub(crate) tokio::sync::OnceCell<AuthHeaders>,
);

impl fmt::Debug for Unmanaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unmanaged")
    }
}

impl Unmanaged {
    async fn fetched(&self) -> Result<AuthHeaders> {
        let token = self.0.fetch().await?.value;
        let bearer = format!("Bearer {}", token.expose_secret());
        Ok(AuthHeaders::new(1).with(AUTHORIZATION, bearer.into()))
    }
}

#[async_trait]
impl CredentialProvider for Unmanaged {
    async fn headers(&self) -> Result<AuthHeaders> {
        if self.0.flaw == Flaw::FetchesATokenForEachCall {
            return self.fetched().await;
        }
        let headers = self.1.get_or_try_init(|| self.fetched());
        headers.await.cloned()
    }

    async fn invalidate(&self, _: &AuthHeaders) -> bool {
        self.0.flaw == Flaw::FetchesATokenForEachCall
    }
}
