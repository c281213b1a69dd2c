//! The vendor's error bodies: problem details, the gateway's form, the OAuth form, text.

use std::time::Duration;

use serde_json::{Map, Value};
use tallyline_core::ErrorKind;
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};

/// Reads the vendor's error bodies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SherwebErrors;

impl ErrorDecoder for SherwebErrors {
    fn decode(&self, status: u16, _headers: &HeaderMap, body: &[u8]) -> VendorError {
        let mut error = read_body(body);
        let message = error.message.as_deref().unwrap_or_default();
        match status {
            429 => error.retry_after = wait_in_sentence(message),
            // The gateway's call quota is refused as 403 and is no missing right.
            403 if contains_word(message, "call volume quota") => {
                error.kind = Some(ErrorKind::RateLimited);
                error.retryable = Some(false);
            }
            // A wrong id can make a 500, so more than one repeat is wasted.
            500 => error.max_attempts = Some(2),
            _ => {}
        }
        error
    }
}

fn read_body(body: &[u8]) -> VendorError {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => problem(&fields)
            .or_else(|| gateway(&fields))
            .or_else(|| oauth(&fields))
            .unwrap_or_default(),
        Ok(Value::String(text)) => VendorError::of_text(&text),
        Ok(_) => VendorError::default(),
        Err(_) => VendorError::of_text(&String::from_utf8_lossy(body)),
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// RFC 7807, extension members inline or under `extensions`.
fn problem(fields: &Map<String, Value>) -> Option<VendorError> {
    let title = text(fields, "title");
    let detail = text(fields, "detail");
    let kind = text(fields, "type").filter(|kind| kind != "about:blank");
    if title.is_none() && detail.is_none() && kind.is_none() {
        return None;
    }
    let extensions = fields.get("extensions").and_then(Value::as_object);
    let extension =
        |name: &str| text(fields, name).or_else(|| extensions.and_then(|more| text(more, name)));
    let code = extension("code")
        .or_else(|| extension("errorCode"))
        .or_else(|| kind.filter(|kind| !kind.contains("://")));
    let mut message = detail.or(title);
    let field_errors = fields
        .get("errors")
        .or_else(|| extensions.and_then(|more| more.get("errors")))
        .and_then(Value::as_object);
    for (field, errors) in field_errors.into_iter().flatten() {
        let errors = match errors {
            Value::Array(errors) => errors.iter().filter_map(Value::as_str).collect(),
            Value::String(error) => vec![error.as_str()],
            _ => Vec::new(),
        };
        for error in errors {
            let message = message.get_or_insert_default();
            message.push_str(&format!("; {field}: {error}"));
        }
    }
    Some(VendorError {
        code,
        message,
        ..VendorError::default()
    })
}

/// `{"statusCode": 401, "message": "..."}`.
fn gateway(fields: &Map<String, Value>) -> Option<VendorError> {
    text(fields, "message").map(|message| VendorError {
        message: Some(message),
        ..VendorError::default()
    })
}

/// `{"error": "...", "error_description": "..."}`.
fn oauth(fields: &Map<String, Value>) -> Option<VendorError> {
    let code = text(fields, "error")?;
    let kind = match code.as_str() {
        "invalid_client" | "unauthorized_client" | "invalid_grant" => Some(ErrorKind::Auth),
        "invalid_scope" | "access_denied" => Some(ErrorKind::PermissionDenied),
        _ => None,
    };
    Some(VendorError {
        message: text(fields, "error_description"),
        code: Some(code),
        kind,
        ..VendorError::default()
    })
}

/// Whether a text holds a phrase, whatever the case.
pub(crate) fn contains_word(text: &str, phrase: &str) -> bool {
    text.to_ascii_lowercase().contains(phrase)
}

/// The wait in "Try again in N seconds".
fn wait_in_sentence(text: &str) -> Option<Duration> {
    const PHRASE: &str = "try again in ";
    let text = text.to_ascii_lowercase();
    let rest = &text[text.find(PHRASE)? + PHRASE.len()..];
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let amount: u64 = rest[..digits].parse().ok()?;
    let unit = rest[digits..].trim_start();
    let seconds = if unit.starts_with("sec") || unit.starts_with("s ") || unit == "s" {
        amount
    } else if unit.starts_with("min") {
        amount.checked_mul(60)?
    } else {
        return None;
    };
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(status: u16, body: &str) -> VendorError {
        SherwebErrors.decode(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn problem_details_give_the_detail_and_the_fields() {
        let error = decode(
            400,
            r#"{"type":"https://example.com/problems/1","title":"Bad request","status":400,
              "detail":"The customer is not known","extensions":{"code":"C17","errors":{"customerId":["must be a UUID"]}}}"#,
        );
        assert_eq!(error.code.as_deref(), Some("C17"));
        assert_eq!(
            error.message.as_deref(),
            Some("The customer is not known; customerId: must be a UUID")
        );
        let inline = decode(
            400,
            r#"{"title":"Bad request","errors":{"date":["wrong"]}}"#,
        );
        assert_eq!(inline.message.as_deref(), Some("Bad request; date: wrong"));
    }

    #[test]
    fn the_gateways_form_the_oauth_form_and_text_are_read() {
        let gateway = decode(401, r#"{"statusCode":401,"message":"No subscription key"}"#);
        assert_eq!(gateway.message.as_deref(), Some("No subscription key"));
        let scope = decode(400, r#"{"error":"invalid_scope"}"#);
        assert_eq!(scope.kind, Some(ErrorKind::PermissionDenied));
        let client = decode(
            400,
            r#"{"error":"invalid_client","error_description":"no"}"#,
        );
        assert_eq!(client.kind, Some(ErrorKind::Auth));
        assert_eq!(client.message.as_deref(), Some("no"));
        assert_eq!(
            decode(502, "upstream is away").message.as_deref(),
            Some("upstream is away")
        );
        assert_eq!(
            decode(400, "\"no such id\"").message.as_deref(),
            Some("no such id")
        );
    }

    #[test]
    fn a_body_that_says_nothing_gives_nothing() {
        for body in [
            "",
            "<html><body>oops</body></html>",
            "[]",
            "null",
            "{}",
            r#"{"title":""}"#,
        ] {
            assert_eq!(decode(404, body), VendorError::default(), "{body}");
        }
    }

    #[test]
    fn the_wait_stands_in_the_sentence() {
        let wait = |detail: &str| decode(429, &format!(r#"{{"detail":"{detail}"}}"#)).retry_after;
        assert_eq!(
            wait("Rate limit is exceeded. Try again in 12 seconds."),
            Some(Duration::from_secs(12))
        );
        assert_eq!(wait("try again in 1 second"), Some(Duration::from_secs(1)));
        assert_eq!(
            wait("Try again in 2 minutes."),
            Some(Duration::from_secs(120))
        );
        for vague in [
            "Try again in a while",
            "Try again in 5 moons",
            "Try again in 99999999999999999999999 seconds",
            "Too many",
        ] {
            assert_eq!(wait(vague), None, "{vague}");
        }
        let gateway = decode(
            429,
            r#"{"statusCode":429,"message":"Try again in 3 seconds."}"#,
        );
        assert_eq!(gateway.retry_after, Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_spent_call_quota_is_no_missing_right() {
        let error = decode(
            403,
            r#"{"statusCode":403,"message":"Out of call volume quota."}"#,
        );
        assert_eq!(error.kind, Some(ErrorKind::RateLimited));
        assert_eq!(error.retryable, Some(false));
        assert_eq!(decode(403, r#"{"message":"not yours"}"#).kind, None);
    }

    #[test]
    fn a_failure_on_the_vendors_side_is_worth_one_repeat() {
        assert_eq!(decode(500, "").max_attempts, Some(2));
        assert_eq!(decode(503, "").max_attempts, None);
    }
}
