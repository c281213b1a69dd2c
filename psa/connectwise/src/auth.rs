//! Credentials: basic authentication of an API member, and the integration's client id.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tallyline_core::http::{CredentialProvider, StaticHeaders, basic_auth};
use tallyline_core::{Error, ErrorKind, Result};

/// The headers of every call but the sign-in lookup.
pub(crate) struct Credentials {
    /// What gives the headers.
    pub(crate) provider: Arc<dyn CredentialProvider>,
    /// Texts to mask wherever they come up.
    pub(crate) secrets: Vec<SecretString>,
}

/// `Authorization: Basic base64("{company}+{public}:{private}")` and `clientId`.
pub(crate) fn credentials(
    company_id: &str,
    public_key: &str,
    private_key: &SecretString,
    client_id: &str,
) -> Result<Credentials> {
    plain("company id", company_id)?;
    plain("public key", public_key)?;
    plain("private key", private_key.expose_secret())?;
    let client_id = guid(client_id)?;
    let authorization = basic_auth(&format!("{company_id}+{public_key}"), private_key);
    let encoded = authorization
        .expose_secret()
        .trim_start_matches("Basic ")
        .to_owned();
    let provider = StaticHeaders::new()
        .header("authorization", authorization)
        .header("clientId", SecretString::from(client_id));
    Ok(Credentials {
        provider: Arc::new(provider),
        secrets: vec![private_key.clone(), SecretString::from(encoded)],
    })
}

/// Refuses what cannot stand in front of the colon of basic authentication.
fn plain(name: &str, value: &str) -> Result<()> {
    let wrong = if value.trim().is_empty() {
        "is empty"
    } else if value.trim() != value {
        "has blanks around it"
    } else if value.chars().any(|c| c.is_control() || c == ':') {
        "holds a colon or a control character"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Config, format!("the {name} {wrong}")))
}

/// The client id in the form 8-4-4-4-12.
fn guid(text: &str) -> Result<String> {
    let text = text.trim().trim_matches(['{', '}']);
    let parts: Vec<&str> = text.split('-').collect();
    let good = parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !good {
        return Err(Error::new(
            ErrorKind::Config,
            "the client id is not a GUID; the vendor's developer portal issues one per integration",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_is_a_guid() {
        assert_eq!(
            guid(" {0F0E0D0C-1111-2222-3333-444455556666} ").unwrap(),
            "0F0E0D0C-1111-2222-3333-444455556666"
        );
        for wrong in ["", "0f0e0d0c", "0f0e0d0c-1111-2222-3333-44445555666g"] {
            assert!(guid(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_that_would_shift_the_user_name_are_refused_without_being_shown() {
        for wrong in ["", " x", "a:b", "a\r\nb"] {
            let error = plain("private key", wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(wrong.is_empty() || !error.to_string().contains(wrong));
        }
    }
}
