//! One token per scope; the subscription key on every call.

use std::fmt;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tallyline_core::http::{
    AuthHeaders, CredentialProvider, HttpClient, Request, Token, TokenAnswer, TokenCache,
    TokenFetcher,
};
use tallyline_core::{Error, ErrorKind, Result};

use crate::operations;

/// The header of the subscription key. It is never sent in a URL.
pub(crate) const SUBSCRIPTION_KEY: &str = "Ocp-Apim-Subscription-Key";

/// What a token is good for. One token is asked for per scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Distributor,
    ServiceProvider,
}

impl Scope {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Distributor => "distributor",
            Self::ServiceProvider => "service-provider",
        }
    }
}

/// Asks for tokens of one scope.
pub(crate) struct ScopeTokens {
    pub(crate) http: HttpClient,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) scope: Scope,
}

impl fmt::Debug for ScopeTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeTokens")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenFetcher for ScopeTokens {
    async fn fetch(&self) -> Result<Token> {
        let request = Request::new(&operations::TOKEN).form(&[
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
            ("grant_type", "client_credentials"),
            ("scope", self.scope.as_str()),
        ]);
        let answer: TokenAnswer = self
            .http
            .json(request)
            .await
            .map_err(|error| self.explain(error))?;
        answer.into_token().map_err(|error| self.name_scope(error))
    }
}

/// The headers of one scope.
///
/// The cache takes every refusal for refused credentials; a scope that was not granted is a
/// missing right, and stays one.
#[derive(Debug)]
pub(crate) struct ScopeCredentials(pub(crate) TokenCache<ScopeTokens>);

#[async_trait]
impl CredentialProvider for ScopeCredentials {
    async fn headers(&self) -> Result<AuthHeaders> {
        self.0.headers().await.map_err(|error| {
            if !matches!(error.vendor_code(), Some("invalid_scope" | "access_denied")) {
                return error;
            }
            let mut denied = Error::new(ErrorKind::PermissionDenied, error.message())
                .with_connector(crate::client::CONNECTOR)
                .with_operation(operations::TOKEN.name)
                .with_retry(error.retry())
                .with_sent(error.sent());
            for (key, value) in error.context() {
                denied = denied.with_context(key, value.as_str());
            }
            if let Some(http) = error.http() {
                denied = denied.with_http(http.clone());
            }
            denied.with_source(error)
        })
    }

    async fn invalidate(&self, rejected: &AuthHeaders) -> bool {
        self.0.invalidate(rejected).await
    }
}

impl ScopeTokens {
    fn name_scope(&self, error: Error) -> Error {
        error
            .with_connector(crate::client::CONNECTOR)
            .with_operation(operations::TOKEN.name)
            .with_context("scope", self.scope.as_str())
    }

    /// Says which scope is missing, in words, where that is the cause.
    fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::PermissionDenied {
            return error.with_context("scope", self.scope.as_str());
        }
        let mut explained = Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "the application was not granted the scope {}: grant it in the partner portal, \
                 under Security > APIs",
                self.scope.as_str()
            ),
        )
        .with_sent(error.sent());
        if let Some(http) = error.http() {
            explained = explained.with_http(http.clone());
        }
        self.name_scope(explained).with_source(error)
    }
}
