//! What an OAuth 2.0 token endpoint answers.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::token::Token;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::whole_number;

/// The answer of an OAuth 2.0 token endpoint (RFC 6749, 5.1); unknown members are ignored.
///
/// Its `Debug` shows no token.
#[derive(Deserialize)]
pub struct TokenAnswer {
    access_token: String,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default)]
    token_type: Option<String>,
}

/// A number, or a text that holds one.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    whole_number(deserializer).map(Some)
}

impl TokenAnswer {
    /// The token, where the answer holds one to be sent as `Bearer`.
    ///
    /// # Errors
    /// `Protocol` when the token is blank or of another type.
    pub fn into_token(self) -> Result<Token> {
        let bearer = self
            .token_type
            .is_none_or(|token_type| token_type.eq_ignore_ascii_case("bearer"));
        if self.access_token.trim().is_empty() || !bearer {
            return Err(Error::new(
                ErrorKind::Protocol,
                "the token endpoint gave no bearer token",
            ));
        }
        Ok(Token {
            value: SecretString::from(self.access_token),
            expires_in: self.expires_in.map(Duration::from_secs),
        })
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("expires_in", &self.expires_in)
            .field("token_type", &self.token_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::decode_json;

    fn read(json: &str) -> Result<Token> {
        decode_json::<TokenAnswer>(json.as_bytes())?.into_token()
    }

    #[test]
    fn a_bearer_token_keeps_its_life_in_whichever_form_it_is_written() {
        for life in ["86400", "\"86400\""] {
            let json =
                format!(r#"{{"access_token":"t","expires_in":{life},"token_type":"bearer"}}"#);
            let token = read(&json).unwrap();
            assert_eq!(
                token.expires_in,
                Some(Duration::from_secs(86_400)),
                "{life}"
            );
        }
        assert_eq!(read(r#"{"access_token":"t"}"#).unwrap().expires_in, None);
    }

    #[test]
    fn what_is_no_bearer_token_is_refused_and_never_shown() {
        for json in [
            r#"{"access_token":" "}"#,
            r#"{"access_token":"t0p-secret","token_type":"mac"}"#,
            r#"{"token_type":"Bearer"}"#,
            r#"{"access_token":"t0p-secret","expires_in":"soon"}"#,
        ] {
            assert_eq!(
                read(json).unwrap_err().kind(),
                ErrorKind::Protocol,
                "{json}"
            );
        }
        let answer: TokenAnswer = decode_json(br#"{"access_token":"t0p-secret"}"#).unwrap();
        assert!(!format!("{answer:?}").contains("t0p"));
    }
}
