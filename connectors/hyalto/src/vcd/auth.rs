//! Sessions: by a user and password, or by an API token.

use std::fmt;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tallyline_core::Result;
use tallyline_core::http::{HttpClient, Request, Token, TokenAnswer, TokenFetcher};

use super::contract::{self, ACCESS_TOKEN, CONNECTOR};
use super::operations;
use crate::auth::checked_token;

/// Asks for the token of a session.
pub(crate) struct Sessions {
    /// Sends the password, as basic authentication, where there is one; it is used for nothing else.
    pub(crate) http: HttpClient,
    pub(crate) org: String,
    pub(crate) accept: String,
    /// The API token; the password where there is none.
    pub(crate) api_token: Option<SecretString>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("org", &self.org)
            .finish_non_exhaustive()
    }
}

impl Sessions {
    /// The token stands in a header of the answer; how long it lives depends on its use, and is not told.
    async fn sign_in(&self) -> Result<Token> {
        let operation = if contract::is_system(&self.org) {
            &operations::SIGN_IN_PROVIDER
        } else {
            &operations::SIGN_IN
        };
        let request = Request::new(operation)
            .sensitive()
            .header("accept", &self.accept);
        let response = self.http.send(request).await?;
        let token = response.header(ACCESS_TOKEN).unwrap_or_default();
        Ok(Token {
            value: checked_token(token.to_owned(), CONNECTOR, operation)?,
            expires_in: None,
        })
    }

    async fn exchange(&self, api_token: &SecretString) -> Result<Token> {
        let (operation, request) = if contract::is_system(&self.org) {
            let operation = &operations::TOKEN_PROVIDER;
            (operation, Request::new(operation))
        } else {
            let operation = &operations::TOKEN;
            (operation, Request::new(operation).path("org", &self.org))
        };
        let request = request.header("accept", &self.accept).form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", api_token.expose_secret()),
        ]);
        let answer: TokenAnswer = self.http.json(request).await?;
        let token = answer.into_token().map_err(|error| {
            error
                .with_connector(CONNECTOR)
                .with_operation(operation.name)
        })?;
        let value = token.value.expose_secret().to_owned();
        Ok(Token {
            value: checked_token(value, CONNECTOR, operation)?,
            ..token
        })
    }
}

#[async_trait]
impl TokenFetcher for Sessions {
    async fn fetch(&self) -> Result<Token> {
        match &self.api_token {
            Some(token) => self.exchange(token).await,
            None => self.sign_in().await,
        }
    }
}
