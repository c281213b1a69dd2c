//! The vendor's error bodies: those of the API, of the gateway before it, and pages of the proxy before both.

use std::time::Duration;

use serde_json::{Map, Value};
use tallyline_core::ErrorKind;
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};

/// Reads the vendor's error bodies. There are no codes: the status tells the kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IngramErrors {
    /// The wait after a 429 that names none.
    pub(crate) pause: Duration,
}

impl ErrorDecoder for IngramErrors {
    fn decode(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> VendorError {
        let mut error = read_body(body);
        let message = error.message.as_deref().unwrap_or_default();
        match status {
            429 if !headers.contains_key("retry-after") => error.retry_after = Some(self.pause),
            // The gateway's spent quota is a 403 and no missing right.
            403 if message.to_ascii_lowercase().contains("quota") => {
                error.kind = Some(ErrorKind::RateLimited);
                error.retryable = Some(false);
            }
            // A conflict is told with this status too: more than one repeat is wasted.
            500 => error.max_attempts = Some(2),
            _ => {}
        }
        error
    }
}

fn read_body(body: &[u8]) -> VendorError {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => VendorError {
            message: text(&fields, "message").or_else(|| text(&fields, "error")),
            ..VendorError::default()
        },
        Ok(Value::String(text)) => VendorError::of_text(&text),
        Ok(_) => VendorError::default(),
        Err(_) => VendorError::of_text(&String::from_utf8_lossy(body)),
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let text = fields.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECODER: IngramErrors = IngramErrors {
        pause: Duration::from_secs(15),
    };

    fn decode(status: u16, body: &str) -> VendorError {
        DECODER.decode(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn the_message_is_read_in_every_form_of_the_api_and_the_gateway() {
        for (body, message) in [
            (
                r#"{"timeStamp":"2026-03-15T12:00:00.125+00:00","status":500,"message":"An order is in work (LO)","path":"/orders","correlationId":"c"}"#,
                "An order is in work (LO)",
            ),
            (
                r#"{"timestamp":"x","status":404,"error":"Not Found","path":"/x"}"#,
                "Not Found",
            ),
            (
                r#"{"statusCode":401,"message":"Access denied due to missing subscription key."}"#,
                "Access denied due to missing subscription key.",
            ),
            ("upstream is away", "upstream is away"),
            ("\"no\"", "no"),
        ] {
            assert_eq!(decode(400, body).message.as_deref(), Some(message));
        }
        for nothing in [
            "<html><h1>504</h1></html>",
            "",
            "[]",
            "7",
            r#"{"message":7}"#,
        ] {
            assert_eq!(decode(504, nothing), VendorError::default(), "{nothing}");
        }
    }

    #[test]
    fn a_refusal_without_a_wait_is_given_one_and_a_told_one_is_kept() {
        assert_eq!(decode(429, "").retry_after, Some(DECODER.pause));
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "3".parse().unwrap());
        assert_eq!(DECODER.decode(429, &headers, b"").retry_after, None);
    }

    #[test]
    fn a_spent_quota_is_no_missing_right_and_a_500_is_worth_one_repeat() {
        let spent = decode(
            403,
            r#"{"statusCode":403,"message":"Out of call volume quota."}"#,
        );
        assert_eq!(spent.kind, Some(ErrorKind::RateLimited));
        assert_eq!(spent.retryable, Some(false));
        assert_eq!(decode(403, r#"{"message":"Access is denied"}"#).kind, None);
        assert_eq!(decode(500, "").max_attempts, Some(2));
        assert_eq!(decode(504, "").max_attempts, None);
    }
}
