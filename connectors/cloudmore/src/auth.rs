//! The token: a password grant, the client pair in the body or in a header.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tallyline_core::http::{HttpClient, Request, Token, TokenAnswer, TokenFetcher};
use tallyline_core::{Error, Result};

use crate::client::CONNECTOR;
use crate::operations;

/// The client id that all customers of the vendor share.
pub(crate) const SHARED_CLIENT_ID: &str = "ro.customer.client";

/// What the vendor says a token lives where an answer does not.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Where the client id and the client secret stand in a token request. Both forms are in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientPair {
    /// In the form, as `client_id` and `client_secret`.
    #[default]
    Body,
    /// In the header `Authorization: Basic`.
    Header,
}

/// Asks for tokens.
pub(crate) struct PasswordTokens {
    pub(crate) http: HttpClient,
    pub(crate) username: String,
    pub(crate) password: SecretString,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) pair: ClientPair,
}

impl fmt::Debug for PasswordTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordTokens")
            .field("username", &self.username)
            .field("client_id", &self.client_id)
            .field("pair", &self.pair)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenFetcher for PasswordTokens {
    async fn fetch(&self) -> Result<Token> {
        let mut form = vec![
            ("grant_type", "password"),
            ("username", self.username.as_str()),
            ("password", self.password.expose_secret()),
            ("scope", "api"),
        ];
        if self.pair == ClientPair::Body {
            form.push(("client_id", &self.client_id));
            form.push(("client_secret", self.client_secret.expose_secret()));
        }
        let request = Request::new(&operations::TOKEN).form(&form);
        let answer: TokenAnswer = self.http.json(request).await?;
        let in_operation = |error: Error| {
            error
                .with_connector(CONNECTOR)
                .with_operation(operations::TOKEN.name)
        };
        let mut token = answer.into_token().map_err(in_operation)?;
        token.expires_in.get_or_insert(LIFE);
        Ok(token)
    }
}
