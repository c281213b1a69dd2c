//! One token per client: per base, marketplace and user.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tallyline_core::http::{HttpClient, Request, Token, TokenFetcher};
use tallyline_core::wire::whole_number;
use tallyline_core::{Error, ErrorKind, Result};

use crate::client::CONNECTOR;
use crate::operations;

/// The header of the subscription key: on every call, the token's own among them.
pub(crate) const SUBSCRIPTION_KEY: &str = "X-Subscription-Key";

/// Asks for tokens of one marketplace. There is no other way to renew one.
pub(crate) struct MarketplaceTokens {
    pub(crate) http: HttpClient,
    pub(crate) marketplace: String,
}

impl fmt::Debug for MarketplaceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarketplaceTokens")
            .field("marketplace", &self.marketplace)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct TokenRequest<'a> {
    marketplace: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenInfo {
    token: String,
    #[serde(deserialize_with = "whole_number")]
    expires_in_seconds: u64,
}

#[async_trait]
impl TokenFetcher for MarketplaceTokens {
    async fn fetch(&self) -> Result<Token> {
        let body = TokenRequest {
            marketplace: &self.marketplace,
        };
        let request = Request::new(&operations::TOKEN).sensitive().json(&body);
        let info: TokenInfo = self.http.json(request).await?;
        if info.token.trim().is_empty() {
            return Err(
                Error::new(ErrorKind::Protocol, "the token call gave no token")
                    .with_connector(CONNECTOR)
                    .with_operation(operations::TOKEN.name),
            );
        }
        Ok(Token {
            value: SecretString::from(info.token),
            expires_in: Some(Duration::from_secs(info.expires_in_seconds)),
        })
    }
}
