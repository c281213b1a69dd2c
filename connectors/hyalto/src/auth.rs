//! One token per client, and the form in which it stands in the header.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tallyline_core::http::{
    AuthHeaders, CredentialProvider, HeaderMap, HeaderName, HttpClient, Operation, Request, Token,
    TokenCache, TokenFetcher, Transport, TransportError, TransportRequest, TransportResponse,
};
use tallyline_core::{Error, ErrorKind, Result};

use crate::client::CONNECTOR;
use crate::contract::{self, IssuedToken, TokenRequest};
use crate::models::TokenClaims;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

/// What stands before the token in one of the two forms.
const BEARER: &str = "Bearer ";

/// How the token stands in the `Authorization` header. The token call says `Bearer`, the only client on record sends the
/// token alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthScheme {
    /// After `Bearer`; where that is refused before any call was answered, alone. What was answered is kept to.
    #[default]
    Auto,
    /// After `Bearer`.
    Bearer,
    /// Alone.
    Bare,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Bearer,
    Bare,
}

impl Form {
    fn other(self) -> Self {
        match self {
            Self::Bearer => Self::Bare,
            Self::Bare => Self::Bearer,
        }
    }

    fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(AUTHORIZATION)?.as_bytes();
        Some(if value.starts_with(BEARER.as_bytes()) {
            Self::Bearer
        } else {
            Self::Bare
        })
    }
}

/// The form that is sent, and whether it is known to be right.
#[derive(Debug)]
struct Forms(Mutex<(Form, bool)>);

impl Forms {
    fn new(scheme: AuthScheme) -> Self {
        Self(Mutex::new(match scheme {
            AuthScheme::Auto => (Form::Bearer, false),
            AuthScheme::Bearer => (Form::Bearer, true),
            AuthScheme::Bare => (Form::Bare, true),
        }))
    }

    fn state(&self) -> MutexGuard<'_, (Form, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn present(&self) -> Form {
        self.state().0
    }

    /// A call in this form was answered.
    fn worked(&self, form: Form) {
        let mut state = self.state();
        if !state.1 {
            *state = (form, true);
        }
    }

    /// A call in this form was refused. True where the token was, and not only its form.
    fn refused(&self, form: Form) -> bool {
        let mut state = self.state();
        if state.0 != form {
            // Another call has found out meanwhile.
            return false;
        }
        if state.1 {
            return true;
        }
        state.0 = form.other();
        // The token has been tried in both forms: it is to blame.
        form == Form::Bare
    }
}

/// A token as a call gave it. What no header can carry is none.
pub(crate) fn checked_token(
    token: String,
    connector: &'static str,
    operation: &Operation,
) -> Result<SecretString> {
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(
            Error::new(ErrorKind::Protocol, "the token call gave no token")
                .with_connector(connector)
                .with_operation(operation.name),
        );
    }
    Ok(SecretString::from(token))
}

/// Asks for tokens.
pub(crate) struct KeyTokens {
    pub(crate) http: HttpClient,
    pub(crate) operation: &'static Operation,
    pub(crate) access_key: SecretString,
    pub(crate) secret_key: SecretString,
}

impl fmt::Debug for KeyTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyTokens").finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenFetcher for KeyTokens {
    async fn fetch(&self) -> Result<Token> {
        let body = TokenRequest {
            access_key: self.access_key.expose_secret(),
            secret_key: self.secret_key.expose_secret(),
        };
        let request = Request::new(self.operation).sensitive().json(&body);
        let issued: IssuedToken = self.http.json(request).await?;
        let lifetime = contract::lifetime(&issued.access_token);
        Ok(Token {
            expires_in: Some(lifetime),
            value: checked_token(issued.access_token, CONNECTOR, self.operation)?,
        })
    }
}

/// The header of every call: the token in its present form.
#[derive(Debug)]
pub(crate) struct Credentials {
    tokens: TokenCache<KeyTokens>,
    forms: Arc<Forms>,
}

impl Credentials {
    pub(crate) fn new(tokens: KeyTokens, learning: &Learning) -> Self {
        Self {
            tokens: TokenCache::new(tokens).token_header("authorization", ""),
            forms: Arc::clone(&learning.forms),
        }
    }

    /// What the present token says of itself.
    pub(crate) async fn claims(&self) -> Result<Option<TokenClaims>> {
        let headers = self.tokens.headers().await?;
        let token = headers.iter().next();
        Ok(token.and_then(|(_, token)| contract::claims(token.expose_secret())))
    }
}

#[async_trait]
impl CredentialProvider for Credentials {
    /// A generation tells the token and, by its last bit, the form.
    async fn headers(&self) -> Result<AuthHeaders> {
        let bare = self.tokens.headers().await?;
        let form = self.forms.present();
        let generation = bare.generation() << 1 | u64::from(form == Form::Bare);
        let headers = AuthHeaders::new(generation);
        Ok(bare.iter().fold(headers, |headers, (name, token)| {
            let value = match form {
                Form::Bare => token.clone(),
                Form::Bearer => SecretString::from(format!("{BEARER}{}", token.expose_secret())),
            };
            headers.with(name.clone(), value)
        }))
    }

    async fn invalidate(&self, rejected: &AuthHeaders) -> bool {
        let form = match rejected.generation() & 1 {
            1 => Form::Bare,
            _ => Form::Bearer,
        };
        if self.forms.refused(form) {
            let token = AuthHeaders::new(rejected.generation() >> 1);
            return self.tokens.invalidate(&token).await;
        }
        true
    }
}

/// Carries the requests, and learns from the answers which form of the header is right.
#[derive(Debug)]
pub(crate) struct Learning {
    inner: Arc<dyn Transport>,
    forms: Arc<Forms>,
}

impl Learning {
    pub(crate) fn new(inner: Arc<dyn Transport>, scheme: AuthScheme) -> Self {
        Self {
            inner,
            forms: Arc::new(Forms::new(scheme)),
        }
    }
}

#[async_trait]
impl Transport for Learning {
    async fn send(
        &self,
        request: TransportRequest,
    ) -> std::result::Result<TransportResponse, TransportError> {
        let form = Form::of(&request.headers);
        let answer = self.inner.send(request).await?;
        if let Some(form) = form
            && (200..300).contains(&answer.status)
        {
            self.forms.worked(form);
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_form_is_changed_only_while_none_is_known_to_be_right() {
        let forms = Forms::new(AuthScheme::Auto);
        assert!(!forms.refused(Form::Bearer));
        assert_eq!(forms.present(), Form::Bare);
        // Others that were under way with the first one.
        assert!(!forms.refused(Form::Bearer));
        assert_eq!(forms.present(), Form::Bare);
        forms.worked(Form::Bare);
        assert!(forms.refused(Form::Bare));
        assert_eq!(forms.present(), Form::Bare);

        let forms = Forms::new(AuthScheme::Auto);
        forms.worked(Form::Bearer);
        assert!(forms.refused(Form::Bearer));
        assert_eq!(forms.present(), Form::Bearer);
    }

    #[test]
    fn a_token_that_is_refused_in_both_forms_is_to_blame_and_the_first_form_comes_again() {
        let forms = Forms::new(AuthScheme::Auto);
        assert!(!forms.refused(Form::Bearer));
        assert!(forms.refused(Form::Bare));
        assert_eq!(forms.present(), Form::Bearer);
    }

    #[test]
    fn a_form_that_was_chosen_is_kept_to() {
        for (scheme, form) in [
            (AuthScheme::Bearer, Form::Bearer),
            (AuthScheme::Bare, Form::Bare),
        ] {
            let forms = Forms::new(scheme);
            assert!(forms.refused(form));
            forms.worked(form.other());
            assert_eq!(forms.present(), form);
        }
    }
}
