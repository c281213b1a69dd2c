//! Credentials: one header that holds both keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use tallyline_core::http::refuse_blank;
use tallyline_core::{Error, ErrorKind, Result};

use crate::client::CONNECTOR;

/// The header.
pub(crate) const HEADER: &str = "Gradient-Token";

/// `base64("<vendor key>:<partner key>")`.
pub(crate) fn token(vendor: &SecretString, partner: &SecretString) -> Result<SecretString> {
    let keys = [
        ("vendor API key", vendor.expose_secret()),
        ("partner API key", partner.expose_secret()),
    ];
    refuse_blank(CONNECTOR, keys)?;
    for (name, key) in keys {
        let wrong = if key.trim() != key {
            "has blanks around it"
        } else if key.chars().any(char::is_control) {
            "holds a control character"
        } else if name.starts_with("vendor") && key.contains(':') {
            "holds a colon, which parts it from the partner's"
        } else {
            continue;
        };
        let message = format!("the {name} {wrong}");
        return Err(Error::new(ErrorKind::Config, message).with_connector(CONNECTOR));
    }
    let pair = format!("{}:{}", vendor.expose_secret(), partner.expose_secret());
    Ok(SecretString::from(STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(vendor: &str, partner: &str) -> Result<SecretString> {
        token(&vendor.into(), &partner.into())
    }

    #[test]
    fn a_token_is_both_keys_in_the_standard_alphabet_with_padding() {
        let token = of("v", "p?>~é").unwrap();
        assert_eq!(token.expose_secret(), "djpwPz5+w6k=");
    }

    #[test]
    fn malformed_keys_are_refused_by_name_and_not_shown() {
        for (vendor, partner, name) in [
            ("", "p", "vendor API key"),
            ("v", " ", "partner API key"),
            ("k3y:Zq", "p", "vendor API key"),
            ("v", "pa\nrt", "partner API key"),
            ("v ", "p", "vendor API key"),
        ] {
            let error = of(vendor, partner).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(name), "{error}");
            assert!(!error.to_string().contains("Zq"), "{error}");
        }
        assert!(of("v", "p:q").is_ok());
    }
}
