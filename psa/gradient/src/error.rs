//! The system's error bodies.

use serde::Deserialize;
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};
use tallyline_core::wire::{non_empty, one_or_many};

/// Reads the system's error answers for the HTTP runtime.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors;

/// The body of the framework under the API: one sentence, or one for each member that is wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    #[serde(deserialize_with = "one_or_many")]
    message: Vec<String>,
    #[serde(deserialize_with = "non_empty")]
    error: Option<String>,
}

impl ErrorDecoder for Errors {
    fn decode(&self, _status: u16, _headers: &HeaderMap, body: &[u8]) -> VendorError {
        let text = String::from_utf8_lossy(body);
        let Ok(body) = serde_json::from_str::<ErrorBody>(text.trim_start_matches('\u{feff}'))
        else {
            return VendorError::of_text(&text);
        };
        let message = body.message.join("; ");
        VendorError {
            code: body.error,
            message: (!message.trim().is_empty()).then_some(message),
            ..VendorError::default()
        }
    }
}

/// Whether a refusal of a count says that the MSP has not mapped the account or the service.
pub(crate) fn is_not_mapped(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.starts_with("no ") && message.contains(" map found")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &str) -> VendorError {
        Errors.decode(400, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn a_sentence_and_a_list_of_them_are_read() {
        let one = decoded(r#"{"statusCode":404,"message":"No account map found with id: c-1"}"#);
        assert_eq!(
            one.message.as_deref(),
            Some("No account map found with id: c-1")
        );
        assert_eq!(one.code, None);
        let two = decoded(
            r#"{"statusCode":400,"message":["id must be a string","name should not be empty"],"error":"Bad Request"}"#,
        );
        assert_eq!(
            two.message.as_deref(),
            Some("id must be a string; name should not be empty")
        );
        assert_eq!(two.code.as_deref(), Some("Bad Request"));
    }

    #[test]
    fn what_is_no_such_body_is_read_as_text() {
        for body in ["", "[1]", "<html></html>", r#"{"message":7}"#] {
            let _ = decoded(body);
        }
        assert_eq!(
            decoded("Bad gateway").message.as_deref(),
            Some("Bad gateway")
        );
    }

    #[test]
    fn only_the_words_of_a_missing_map_say_that_it_is_missing() {
        assert!(is_not_mapped("No account map found with id: cust-0042"));
        assert!(is_not_mapped("No service map found with id: 66a0"));
        for other in [
            "Not Found",
            "No service found with id: 66a0",
            "Cannot POST /",
            "",
        ] {
            assert!(!is_not_mapped(other), "{other}");
        }
    }
}
