//! The vendor's error bodies, which are not documented: whatever stands in them is shown, and the status tells the kind.

use serde_json::{Map, Value};
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};

/// The most of a text that is no JSON, in characters.
const SHOWN: usize = 200;

/// Reads the vendor's error bodies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HyAltoErrors;

impl ErrorDecoder for HyAltoErrors {
    fn decode(&self, _status: u16, _headers: &HeaderMap, body: &[u8]) -> VendorError {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(fields)) => VendorError {
                message: text(&fields, "message").or_else(|| text(&fields, "error")),
                ..VendorError::default()
            },
            Ok(Value::String(text)) => VendorError::of_text(&text),
            Ok(_) => VendorError::default(),
            Err(_) => of_plain(&String::from_utf8_lossy(body)),
        }
    }
}

/// A text that is longer is left to the body that errors show anyway: cut here, a secret in it could not be masked whole.
fn of_plain(text: &str) -> VendorError {
    if text.trim().chars().count() > SHOWN {
        return VendorError::default();
    }
    VendorError::of_text(text)
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match fields.get(name)? {
        Value::String(text) => text.trim(),
        Value::Object(inner) => return text_of_inner(inner),
        _ => return None,
    };
    (!text.is_empty()).then(|| text.to_owned())
}

/// `{"error": {"message": …}}`.
fn text_of_inner(fields: &Map<String, Value>) -> Option<String> {
    let text = fields.get("message")?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Option<String> {
        HyAltoErrors
            .decode(400, &HeaderMap::new(), body.as_bytes())
            .message
    }

    #[test]
    fn the_message_is_read_in_every_form_that_a_body_may_have() {
        for (body, wanted) in [
            (
                r#"{"message":"Invalid filter","error":"x"}"#,
                "Invalid filter",
            ),
            (r#"{"error":"Unauthorized"}"#, "Unauthorized"),
            (r#"{"message":" ","error":"Unauthorized"}"#, "Unauthorized"),
            (
                r#"{"error":{"message":"No such account"}}"#,
                "No such account",
            ),
            ("upstream is away", "upstream is away"),
            ("\"no\"", "no"),
        ] {
            assert_eq!(message(body).as_deref(), Some(wanted), "{body}");
        }
        let long = "x".repeat(SHOWN + 1);
        for nothing in ["<html></html>", "", "[]", "7", r#"{"message":7}"#, &long] {
            assert_eq!(message(nothing), None, "{nothing}");
        }
    }
}
