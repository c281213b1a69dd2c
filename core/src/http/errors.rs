//! From a system's error answers to our errors.

use std::fmt::Debug;
use std::time::Duration;

use ::http::HeaderMap;
use serde::Deserialize;

use crate::error::ErrorKind;

/// What a connector read from an error answer. All of it is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VendorError {
    /// The system's own code.
    pub code: Option<String>,
    /// The system's own message.
    pub message: Option<String>,
    /// Overrides the kind that follows from the status.
    pub kind: Option<ErrorKind>,
    /// The wait that the system asks for, where it is not in a `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// Overrides whether the answer is worth a retry. `Some(true)` does not make a write
    /// repeatable whose outcome is unknown (5xx, 408, an error inside a 2xx): say
    /// `not_executed` as well where that is so.
    pub retryable: Option<bool>,
    /// The system says that nothing was done: the request may be repeated whatever it is.
    pub not_executed: bool,
    /// The system read the request and refused it, whatever the status says: nothing was done, and
    /// the same request is refused again.
    pub refused: bool,
    /// The most attempts that this answer is worth, where that is less than the policy's.
    pub max_attempts: Option<u32>,
    /// The system says that the session or token is over, whatever the status says: nothing was
    /// done, a new one is fetched and the call repeated, once. Said again, it is `Auth`.
    pub session_expired: bool,
}

impl VendorError {
    /// An error whose body is a text: its message, unless it is blank or a page.
    #[must_use]
    pub fn of_text(body: &str) -> Self {
        let body = body.trim();
        let message = (!body.is_empty() && !body.starts_with('<')).then(|| body.to_owned());
        Self {
            message,
            ..Self::default()
        }
    }
}

/// Reads a system's error answers.
///
/// Texts are given whole: the caller masks secrets in them first and cuts them afterwards.
pub trait ErrorDecoder: Send + Sync + Debug {
    /// Reads an answer whose status is not 2xx.
    fn decode(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> VendorError;

    /// Finds an error inside a 2xx answer.
    fn check_success(
        &self,
        _status: u16,
        _headers: &HeaderMap,
        _body: &[u8],
    ) -> Option<VendorError> {
        None
    }
}

/// Reads the usual JSON shapes (`code`/`error`, `message`/`error_description`/`detail`/
/// `title`), and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainErrors;

#[derive(Deserialize)]
struct PlainBody {
    code: Option<serde_json::Value>,
    error: Option<serde_json::Value>,
    message: Option<serde_json::Value>,
    error_description: Option<serde_json::Value>,
    detail: Option<serde_json::Value>,
    title: Option<serde_json::Value>,
}

impl ErrorDecoder for PlainErrors {
    fn decode(&self, _status: u16, _headers: &HeaderMap, body: &[u8]) -> VendorError {
        let Ok(body) = serde_json::from_slice::<PlainBody>(body) else {
            return VendorError::default();
        };
        let text = |value: Option<serde_json::Value>| match value {
            Some(serde_json::Value::String(text)) if !text.trim().is_empty() => Some(text),
            Some(serde_json::Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        VendorError {
            code: text(body.code).or_else(|| text(body.error)),
            message: text(body.message)
                .or_else(|| text(body.error_description))
                .or_else(|| text(body.detail))
                .or_else(|| text(body.title)),
            ..VendorError::default()
        }
    }
}

/// The kind that follows from a status that is not 2xx.
pub(crate) const fn kind_by_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Auth,
        403 => ErrorKind::PermissionDenied,
        404 | 410 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        409 | 412 | 423 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::Invalid,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Protocol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_kind() {
        use ErrorKind as K;
        for (kind, statuses) in [
            (K::Invalid, &[400, 405, 414, 415, 422, 402, 499][..]),
            (K::Auth, &[401]),
            (K::PermissionDenied, &[403]),
            (K::NotFound, &[404, 410]),
            (K::Conflict, &[409, 412]),
            (K::Timeout, &[408]),
            (K::RateLimited, &[429]),
            (K::Unavailable, &[500, 502, 503, 504, 599]),
            (K::Protocol, &[301, 302, 304, 307, 308, 100, 600, 999]),
        ] {
            for status in statuses {
                assert_eq!(kind_by_status(*status), kind, "{status}");
            }
        }
    }

    #[test]
    fn a_text_is_a_message_and_a_page_is_none() {
        let message = |body: &str| VendorError::of_text(body).message;
        assert_eq!(
            message(" upstream is away\n").as_deref(),
            Some("upstream is away")
        );
        assert_eq!(message("<html><body>oops</body></html>"), None);
        assert_eq!(message(" "), None);
    }

    #[test]
    fn the_plain_decoder_reads_the_usual_shapes_and_survives_the_rest() {
        let decode = |body: &str| PlainErrors.decode(400, &HeaderMap::new(), body.as_bytes());
        let vendor = decode(r#"{"error":"invalid_client","error_description":"no such client"}"#);
        assert_eq!(vendor.code.as_deref(), Some("invalid_client"));
        assert_eq!(vendor.message.as_deref(), Some("no such client"));
        assert_eq!(decode(r#"{"code":17}"#).code.as_deref(), Some("17"));
        for body in ["", "<html>", "[]", "null", r#"{"message":{"a":1}}"#] {
            assert_eq!(decode(body), VendorError::default(), "{body}");
        }
    }
}
