//! The system's error bodies, in all the forms that they come in.

use serde::Deserialize;
use tallyline_core::ErrorKind;
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};
use tallyline_core::wire::non_empty;

/// Reads the system's error answers for the HTTP runtime.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors;

impl ErrorDecoder for Errors {
    fn decode(&self, status: u16, _headers: &HeaderMap, body: &[u8]) -> VendorError {
        let meaning = meaning(status, body);
        VendorError {
            code: meaning.code,
            message: meaning.message,
            kind: meaning.kind,
            retryable: meaning.retryable,
            ..VendorError::default()
        }
    }
}

/// The documented error body, and the other shape of rate-limit answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    #[serde(deserialize_with = "non_empty")]
    code: Option<String>,
    #[serde(deserialize_with = "non_empty")]
    error: Option<String>,
    #[serde(deserialize_with = "non_empty")]
    message: Option<String>,
    errors: Option<Vec<FieldError>>,
}

/// One entry of the documented error body.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FieldError {
    #[serde(deserialize_with = "non_empty")]
    code: Option<String>,
    #[serde(deserialize_with = "non_empty")]
    message: Option<String>,
    #[serde(deserialize_with = "non_empty")]
    field: Option<String>,
}

/// What an error answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// The system's code.
    pub(crate) code: Option<String>,
    /// The system's words, on one line.
    pub(crate) message: Option<String>,
    /// The kind, where it is not the one of the status.
    pub(crate) kind: Option<ErrorKind>,
    /// Whether a read may be repeated, where it does not follow from the status.
    pub(crate) retryable: Option<bool>,
}

/// Reads an error answer: JSON of either shape, plain text, or a page of a proxy or web server.
pub(crate) fn meaning(status: u16, body: &[u8]) -> Meaning {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let (code, message, codes) = match serde_json::from_str::<ErrorBody>(text) {
        Ok(body) => from_json(body),
        Err(_) if text.starts_with('<') => (None, Some(page(text)), Vec::new()),
        Err(_) if text.is_empty() => (None, None, Vec::new()),
        Err(_) => (None, Some(one_line(text)), Vec::new()),
    };
    let words = message.as_deref().unwrap_or_default();
    let (kind, retryable) = classify(status, words, &codes);
    Meaning {
        code,
        message,
        kind,
        retryable,
    }
}

fn from_json(body: ErrorBody) -> (Option<String>, Option<String>, Vec<String>) {
    let code = body.code.or(body.error);
    let mut words: Vec<String> = body.message.into_iter().collect();
    let mut codes: Vec<String> = code.iter().cloned().collect();
    for entry in body.errors.unwrap_or_default() {
        let field = entry.field.map(|field| format!("{field}: "));
        let what = entry.message.or_else(|| entry.code.clone());
        if let Some(what) = what {
            words.push(format!("{}{what}", field.unwrap_or_default()));
        }
        codes.extend(entry.code);
    }
    let message = (!words.is_empty()).then(|| one_line(&words.join("; ")));
    (code, message, codes)
}

fn classify(status: u16, words: &str, codes: &[String]) -> (Option<ErrorKind>, Option<bool>) {
    let says = |needle: &str| contains_ignore_case(words, needle);
    let coded = |code: &str| codes.iter().any(|found| found.eq_ignore_ascii_case(code));
    if says("UserNotAuthenticated") || coded("UserNotAuthenticated") {
        return (Some(ErrorKind::Auth), Some(false));
    }
    match status {
        400 if coded("ObjectExists") => (Some(ErrorKind::Conflict), None),
        404 if says("endpoint does not exist") => (Some(ErrorKind::Unsupported), None),
        // A time-out of the system's own database passes; other 500s are bad input in disguise.
        500 => (
            Some(ErrorKind::Unavailable),
            Some(
                says("timeout has occured")
                    || says("timeout has occurred")
                    || says("timeout expired"),
            ),
        ),
        _ => (None, None),
    }
}

/// Whether a refusal is about custom fields.
pub(crate) fn names_custom_field(message: &str) -> bool {
    contains_ignore_case(message, "custom field") || contains_ignore_case(message, "customField")
}

fn contains_ignore_case(text: &str, needle: &str) -> bool {
    text.to_ascii_lowercase()
        .contains(&needle.to_ascii_lowercase())
}

/// A web page in words: its title, if it has one.
fn page(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let rest = text.get(start + "<title>".len()..)?;
        let end = rest.to_ascii_lowercase().find("</title>")?;
        rest.get(..end)
    });
    match title.map(str::trim).filter(|title| !title.is_empty()) {
        Some(title) => format!("a web page instead of an answer: {}", one_line(title)),
        None => "a web page instead of an answer".to_owned(),
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

    #[test]
    fn pretty_json_with_crlf_gives_code_and_words_on_one_line() {
        let body = "{\r\n  \"code\": \"InvalidObject\",\r\n  \"message\": \"addition object is invalid\",\r\n  \"errors\": [\r\n    {\r\n      \"code\": \"MissingRequiredField\",\r\n      \"message\": \"The product field\\r\\nis required.\",\r\n      \"resource\": \"addition\",\r\n      \"field\": \"product\"\r\n    }\r\n  ]\r\n}";
        let meaning = meaning(400, body.as_bytes());
        assert_eq!(meaning.code.as_deref(), Some("InvalidObject"));
        assert_eq!(
            meaning.message.as_deref(),
            Some("addition object is invalid; product: The product field is required.")
        );
        assert_eq!(meaning.kind, None);
    }

    #[test]
    fn the_other_shape_of_a_rate_limit_is_read() {
        let meaning = meaning(429, br#"{"error":"ConnectWiseAPI","message":"Slow down."}"#);
        assert_eq!(meaning.code.as_deref(), Some("ConnectWiseAPI"));
        assert_eq!(meaning.message.as_deref(), Some("Slow down."));
    }

    #[test]
    fn pages_texts_and_nothing_are_survived() {
        let page = meaning(
            502,
            b"<html>\r\n<head><TITLE>502 Bad Gateway</TITLE></head></html>",
        );
        assert_eq!(
            page.message.as_deref(),
            Some("a web page instead of an answer: 502 Bad Gateway")
        );
        assert_eq!(
            meaning(503, b"Service is\r\nrestarting").message.as_deref(),
            Some("Service is restarting")
        );
        assert_eq!(meaning(404, b""), Meaning::default());
        assert_eq!(meaning(400, b"[1,2]").message.as_deref(), Some("[1,2]"));
        assert!(meaning(500, &[0xff, 0xfe, b'<']).message.is_some());
    }

    #[test]
    fn only_time_outs_among_the_500s_may_be_repeated() {
        let retryable = |message: &str| {
            let body = format!(r#"{{"code":"ConnectWiseApi","message":"{message}"}}"#);
            meaning(500, body.as_bytes()).retryable
        };
        assert_eq!(
            retryable("A timeout has occured while processing."),
            Some(true)
        );
        assert_eq!(
            retryable("Timeout expired. No connection from the pool was obtained."),
            Some(true)
        );
        assert_eq!(
            retryable("Error converting value \\\"x\\\" to type 'System.Int32'."),
            Some(false)
        );
    }

    #[test]
    fn the_words_decide_where_the_status_does_not() {
        let kind = |status, code: &str, message: &str| {
            let body = format!(r#"{{"code":"{code}","message":"{message}"}}"#);
            meaning(status, body.as_bytes()).kind
        };
        assert_eq!(
            kind(401, "ConnectWiseApi", "UserNotAuthenticated"),
            Some(ErrorKind::Auth)
        );
        assert_eq!(
            kind(404, "ConnectWiseApi", "The endpoint does not exist."),
            Some(ErrorKind::Unsupported)
        );
        assert_eq!(kind(404, "NotFound", "Addition 9 not found"), None);
        assert_eq!(
            meaning(
                400,
                br#"{"code":"InvalidObject","errors":[{"code":"ObjectExists","message":"x"}]}"#
            )
            .kind,
            Some(ErrorKind::Conflict)
        );
    }
}
