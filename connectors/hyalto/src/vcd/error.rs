//! The vendor's error bodies, of which there are two and a third one of the token calls, each an object.
//!
//! Legacy: `message`, `majorErrorCode`, `minorErrorCode`; OpenAPI: `minorErrorCode`, `message`; tokens: `error`,
//! `error_description` (inferred: that of OAuth 2.0). The stack trace that comes with the first two is passed over.

use serde_json::{Map, Value};
use tallyline_core::ErrorKind;
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};

/// Reads the vendor's error bodies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VcdErrors;

impl ErrorDecoder for VcdErrors {
    fn decode(&self, status: u16, _headers: &HeaderMap, body: &[u8]) -> VendorError {
        let told = match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(fields)) => VendorError {
                code: text(&fields, "minorErrorCode").or_else(|| text(&fields, "error")),
                message: text(&fields, "message").or_else(|| text(&fields, "error_description")),
                ..VendorError::default()
            },
            _ => VendorError::default(),
        };
        VendorError {
            // The version stands in Accept: it is a setting that is wrong.
            kind: (status == 406).then_some(ErrorKind::Config),
            ..told
        }
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match fields.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> VendorError {
        VcdErrors.decode(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn both_families_and_the_token_calls_are_read_and_nothing_else_is() {
        for (body, code, message) in [
            (
                r#"{"message":"No access","majorErrorCode":403,"minorErrorCode":"ACCESS_TO_RESOURCE_IS_FORBIDDEN","vendorSpecificErrorCode":null,"stackTrace":"at x"}"#,
                Some("ACCESS_TO_RESOURCE_IS_FORBIDDEN"),
                Some("No access"),
            ),
            (
                r#"{"minorErrorCode":"USER_SESSION_EXPIRED","message":"expired","stackTrace":null}"#,
                Some("USER_SESSION_EXPIRED"),
                Some("expired"),
            ),
            (
                r#"{"error":"invalid_grant","error_description":"no such token"}"#,
                Some("invalid_grant"),
                Some("no such token"),
            ),
            (r#"{"minorErrorCode":17,"message":" "}"#, Some("17"), None),
            ("<html></html>", None, None),
            ("[]", None, None),
            (r#"{"message":{"a":1}}"#, None, None),
        ] {
            let found = read(403, body);
            assert_eq!(found.code.as_deref(), code, "{body}");
            assert_eq!(found.message.as_deref(), message, "{body}");
            assert_eq!(found.kind, None);
        }
    }

    #[test]
    fn a_version_that_is_not_accepted_is_a_wrong_setting() {
        assert_eq!(read(406, "{}").kind, Some(ErrorKind::Config));
    }
}
