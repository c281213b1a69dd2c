//! The system's error bodies.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tallyline_core::ErrorKind;
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};

/// The code of a rejection for too many calls at once.
const THREADS: &str = "Itgenatr005";

/// Reads the system's error answers for the HTTP runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Errors {
    /// The wait after a rejected rate, where the system names none.
    pub(crate) rate_limit_wait: Duration,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    errors: Option<Vec<Value>>,
    message: Option<String>,
    #[serde(rename = "itemId")]
    item_id: Option<Value>,
}

impl Body {
    /// The texts, on one line each; none where nothing is wrong.
    fn texts(&self) -> Vec<String> {
        let errors = self.errors.iter().flatten();
        errors
            .filter_map(|error| match error {
                Value::String(text) => Some(one_line(text)),
                Value::Object(parts) => {
                    let text = ["message", "error", "code"].into_iter();
                    let mut found = text.filter_map(|name| parts.get(name)?.as_str());
                    Some(found.next().map_or_else(|| error.to_string(), one_line))
                }
                Value::Null => None,
                other => Some(other.to_string()),
            })
            .filter(|text| !text.is_empty())
            .collect()
    }
}

impl ErrorDecoder for Errors {
    fn decode(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> VendorError {
        let parsed: Option<Body> = serde_json::from_slice(body).ok();
        let mut texts = parsed.as_ref().map(Body::texts).unwrap_or_default();
        let listed = !texts.is_empty();
        if !listed {
            let message = parsed.and_then(|body| body.message);
            texts.extend(message.map(|text| one_line(&text)).or_else(|| plain(body)));
        }
        self.meaning(status, headers, &texts, listed)
    }

    fn check_success(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> Option<VendorError> {
        const NAME: &[u8] = b"\"errors\"";
        let named = |part: &[u8]| part.eq_ignore_ascii_case(NAME);
        if !body.windows(NAME.len()).any(named) {
            return None;
        }
        let body: Body = serde_json::from_slice(body).ok()?;
        let texts = body.texts();
        if texts.is_empty() {
            return None;
        }
        let mut error = self.meaning(status, headers, &texts, true);
        if body.item_id.is_some_and(|id| !id.is_null()) {
            // It names what it wrote and says that something is wrong: only reading back can tell.
            error.refused = false;
            error.not_executed = false;
            error.retryable = Some(false);
            error.kind = Some(ErrorKind::Protocol);
        }
        Some(error)
    }
}

impl Errors {
    fn meaning(
        &self,
        status: u16,
        headers: &HeaderMap,
        texts: &[String],
        listed: bool,
    ) -> VendorError {
        let limited = status == 429 || texts.iter().any(|text| is_rate_limit(text));
        let mut error = VendorError {
            message: (!texts.is_empty()).then(|| texts.join("; ")),
            ..VendorError::default()
        };
        if status == 401 && texts.is_empty() {
            // The system does not say which.
            let refused = "the user name, the secret or the integration code is refused";
            error.message = Some(refused.to_owned());
        }
        if limited {
            error.kind = Some(ErrorKind::RateLimited);
            error.retryable = Some(true);
            error.not_executed = true;
            let named = texts.iter().any(|text| has(text, THREADS));
            error.code = named.then(|| THREADS.to_owned());
            let own = self.rate_limit_wait;
            error.retry_after = (!headers.contains_key("retry-after")).then_some(own);
            return error;
        }
        error.kind = match status {
            // A wrong verb or route.
            405 => Some(ErrorKind::Unsupported),
            200..=299 | 500 if listed => Some(kind_of(texts)),
            _ => None,
        };
        if listed && (status == 500 || (200..300).contains(&status)) {
            error.refused = true;
            error.retryable = Some(false);
        }
        error
    }
}

/// The kind behind the words of a refusal.
fn kind_of(texts: &[String]) -> ErrorKind {
    let says = |needle: &str| texts.iter().any(|text| has(text, needle));
    if says("IntegrationCode is invalid") || says("invalid username") || says("not authenticated") {
        ErrorKind::Auth
    } else if says("adequate permissions") || says("does not have permission") {
        ErrorKind::PermissionDenied
    } else if says("Zone information could not be determined") {
        ErrorKind::Config
    } else if says("No matching records found") {
        ErrorKind::NotFound
    } else if says("insert duplicate data") {
        ErrorKind::Conflict
    } else {
        ErrorKind::Invalid
    }
}

/// Whether a text speaks of too many calls: at once, or in the hour.
fn is_rate_limit(text: &str) -> bool {
    let exceeded = has(text, "exceed") || has(text, "reached");
    has(text, THREADS)
        || (has(text, "thread threshold") && exceeded)
        || (has(text, "request threshold") && exceeded)
        || (has(text, "threshold") && exceeded && (has(text, "request") || has(text, "thread")))
}

fn has(text: &str, needle: &str) -> bool {
    text.to_ascii_lowercase()
        .contains(&needle.to_ascii_lowercase())
}

/// The words of a body that is no error body: a text, or that it is a page.
fn plain(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.as_bytes().first() {
        None | Some(b'{' | b'[') => None,
        Some(b'<') => Some("a web page instead of an answer".to_owned()),
        Some(_) => Some(one_line(text)),
    }
}

/// The text with every run of blanks and line breaks as one blank. Not cut here: that comes
/// after the masking of secrets, so that no piece of one is left at the cut.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERRORS: Errors = Errors {
        rate_limit_wait: Duration::from_secs(60),
    };

    fn decode(status: u16, body: &str) -> VendorError {
        ERRORS.decode(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn a_500_with_errors_is_final_and_one_without_is_not() {
        let refused = decode(
            500,
            r#"{"errors":["Picklist value [99] does not exist for x."]}"#,
        );
        assert!(refused.refused && refused.retryable == Some(false));
        assert_eq!(refused.kind, Some(ErrorKind::Invalid));
        for body in [
            "",
            "{}",
            r#"{"errors":[]}"#,
            r#"{"errors":[null,""]}"#,
            "<html>",
        ] {
            let open = decode(500, body);
            assert!(!open.refused && open.retryable.is_none(), "{body}");
            assert_eq!(open.kind, None, "{body}");
        }
        // A gateway's failure says nothing of the system.
        assert!(!decode(502, r#"{"errors":["bad gateway"]}"#).refused);
    }

    #[test]
    fn the_words_of_a_refusal_give_its_kind() {
        let kind = |text: &str| {
            decode(500, &format!(r#"{{"errors":["{text}"]}}"#))
                .kind
                .unwrap()
        };
        assert_eq!(kind("IntegrationCode is invalid."), ErrorKind::Auth);
        assert_eq!(
            kind(
                "The logged in Resource does not have the adequate permissions to create this entity type."
            ),
            ErrorKind::PermissionDenied
        );
        assert_eq!(
            kind("Zone information could not be determined"),
            ErrorKind::Config
        );
        assert_eq!(kind("No matching records found"), ErrorKind::NotFound);
        assert_eq!(
            kind("Attempt to insert duplicate data into contract_service_period"),
            ErrorKind::Conflict
        );
        assert_eq!(
            kind("unitChange would make the units negative."),
            ErrorKind::Invalid
        );
        assert_eq!(decode(405, "").kind, Some(ErrorKind::Unsupported));
        assert_eq!(decode(403, "").kind, None);
    }

    #[test]
    fn thread_and_threshold_texts_are_rate_limits_whatever_the_status() {
        for (status, text) in [
            (
                500,
                "The thread threshold of 3 for this endpoint has been exceeded.",
            ),
            (401, "Itgenatr005"),
            (
                500,
                "The request threshold of 10000 requests has been exceeded.",
            ),
            (403, "You have exceeded the external request threshold."),
            (429, "slow down"),
        ] {
            let error = decode(status, &format!(r#"{{"errors":["{text}"]}}"#));
            assert_eq!(error.kind, Some(ErrorKind::RateLimited), "{text}");
            assert!(error.not_executed && !error.refused, "{text}");
            assert_eq!(error.retry_after, Some(Duration::from_secs(60)), "{text}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        assert_eq!(ERRORS.decode(429, &headers, b"").retry_after, None);
        for text in ["The field threshold is required.", "The thread is closed."] {
            let error = decode(500, &format!(r#"{{"errors":["{text}"]}}"#));
            assert_eq!(error.kind, Some(ErrorKind::Invalid), "{text}");
        }
    }

    #[test]
    fn errors_in_a_200_are_errors_and_beside_an_id_they_leave_the_outcome_open() {
        let check = |body: &str| ERRORS.check_success(200, &HeaderMap::new(), body.as_bytes());
        let refused = check(r#"{"itemId":null,"errors":["no"]}"#).unwrap();
        assert!(refused.refused && refused.kind == Some(ErrorKind::Invalid));
        let open = check(r#"{"itemId":5,"errors":["no"]}"#).unwrap();
        assert!(!open.refused && open.kind == Some(ErrorKind::Protocol));
        for body in [
            r#"{"itemId":5}"#,
            r#"{"itemId":5,"errors":[]}"#,
            r#"{"items":[{"name":"\"errors\""}]}"#,
            "no \"errors\" here",
        ] {
            assert_eq!(check(body), None, "{body}");
        }
    }

    #[test]
    fn errors_may_be_objects_and_texts_come_on_one_line() {
        let error = decode(
            500,
            r#"{"errors":[{"message":"one\r\n two"},"three",{"x":1}]}"#,
        );
        assert_eq!(error.message.as_deref(), Some("one two; three; {\"x\":1}"));
        assert_eq!(
            decode(503, "Service is\r\nrestarting").message.as_deref(),
            Some("Service is restarting")
        );
        assert_eq!(
            decode(500, r#"{"message":"An error has occurred."}"#)
                .message
                .as_deref(),
            Some("An error has occurred.")
        );
    }
}
