//! Credentials: three headers.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tallyline_core::http::{CredentialProvider, StaticHeaders};
use tallyline_core::{Error, ErrorKind, Result};

/// `ApiIntegrationCode`, `UserName` and `Secret`.
pub(crate) fn credentials(
    integration_code: &SecretString,
    user_name: &str,
    secret: &SecretString,
) -> Result<Arc<dyn CredentialProvider>> {
    plain("integration code", integration_code.expose_secret())?;
    plain("user name", user_name)?;
    plain("secret", secret.expose_secret())?;
    Ok(Arc::new(
        StaticHeaders::new()
            .header("ApiIntegrationCode", integration_code.clone())
            .header("UserName", SecretString::from(user_name))
            .header("Secret", secret.clone()),
    ))
}

/// Refuses what cannot be a header, without showing it.
fn plain(name: &str, value: &str) -> Result<()> {
    let wrong = if value.trim().is_empty() {
        "is empty"
    } else if value.trim() != value {
        "has blanks around it"
    } else if !value.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        "holds characters that no header may"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Config, format!("the {name} {wrong}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_values_are_refused_by_name_and_not_shown() {
        for wrong in ["", " x", "a\r\nb", "sécret"] {
            let error = plain("secret", wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("the secret"));
            assert!(wrong.is_empty() || !error.to_string().contains(wrong));
        }
        assert!(plain("secret", "a$9#B w").is_ok());
    }
}
