//! The session: one for all calls, given out for a user name and password.

use std::fmt;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tallyline_core::http::{HttpClient, Request, Response, Token, TokenFetcher};
use tallyline_core::{Error, ErrorKind, Result};

use crate::client::CONNECTOR;
use crate::error::is_about_mfa;
use crate::operations;

/// The header of the session. It is not `Authorization`.
pub(crate) const HEADER: &str = "authenticate";

/// What stands before the session in it.
pub(crate) const PREFIX: &str = "CCPSessionId ";

/// Signs in.
pub(crate) struct Sessions {
    pub(crate) http: HttpClient,
    pub(crate) username: String,
    pub(crate) password: SecretString,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct SignIn<'a> {
    username: &'a str,
    password: &'a str,
}

#[async_trait]
impl TokenFetcher for Sessions {
    /// The life of a session is not documented: it is renewed when the system says that it is over.
    async fn fetch(&self) -> Result<Token> {
        let request = Request::new(&operations::SIGN_IN)
            .json(&SignIn {
                username: &self.username,
                password: self.password.expose_secret(),
            })
            .sensitive();
        let response = self.http.send(request).await.map_err(explain)?;
        Ok(Token {
            value: session_of(&response)?,
            expires_in: None,
        })
    }
}

/// The session in an answer: a JSON text, an object with `Value`, or plain text.
fn session_of(response: &Response) -> Result<SecretString> {
    let no_session = || response.error(ErrorKind::Protocol, "the answer holds no session");
    let plain = response
        .header("content-type")
        .is_some_and(|media| media.trim_start().starts_with("text/plain"));
    let text = if plain {
        let text = response.text()?.trim().to_owned();
        let usual = |b: u8| b.is_ascii_alphanumeric() || b"+/=-_.".contains(&b);
        if !text.bytes().all(usual) {
            return Err(no_session());
        }
        text
    } else {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Wrapped {
            value: String,
        }
        let raw: Box<RawValue> = response.json()?;
        let text = match raw.get().as_bytes().first() {
            Some(b'{') => serde_json::from_str(raw.get()).map(|wrapped: Wrapped| wrapped.value),
            _ => serde_json::from_str(raw.get()),
        };
        text.map_err(|_| no_session())?
    };
    // What no header can carry is no session.
    let sound = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if !sound || text.starts_with('<') {
        return Err(no_session());
    }
    Ok(text.into())
}

/// Says what to look at, where the vendor's words do not.
fn explain(error: Error) -> Error {
    let vendor = error.http().and_then(|http| http.vendor_message.as_deref());
    let vendor = vendor.unwrap_or_default();
    let (kind, advice) = match (error.kind(), error.status()) {
        (_, Some(403)) => (
            ErrorKind::RateLimited,
            "signing in is blocked: it was done too often, or this machine's address is not \
             allowed; wait before the next try",
        ),
        (ErrorKind::Auth, _) if is_about_mfa(vendor) => (
            ErrorKind::Auth,
            "the user has multi-factor authentication: switch it off for this one user (portal: \
             Company > Security > Enforced Multi-Factor Authentication exceptions)",
        ),
        (ErrorKind::Auth, _) => (
            ErrorKind::Auth,
            "check user name and password; where both are right, the user may have multi-factor \
             authentication, or this machine's address may have to be allow-listed by the \
             marketplace",
        ),
        _ => return error,
    };
    let words = if vendor.is_empty() {
        advice.to_owned()
    } else {
        format!("{}: {advice}", vendor.trim_end_matches('.'))
    };
    let mut explained = Error::new(kind, words)
        .with_connector(CONNECTOR)
        .with_operation(operations::SIGN_IN.name)
        .with_sent(error.sent());
    if let Some(http) = error.http() {
        explained = explained.with_http(http.clone());
    }
    explained.with_source(error)
}
