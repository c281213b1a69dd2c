//! The vendor's error bodies. The fields of its `ApiError` are not published: what is usual is read.

use tallyline_core::ErrorKind;
use tallyline_core::http::{ErrorDecoder, HeaderMap, VendorError};

use crate::models::{Json, Object};

/// Members that may hold the message, the best first.
const MESSAGES: [&str; 6] = [
    "message",
    "error_description",
    "detail",
    "title",
    "errorMessage",
    "error",
];

/// Members that may hold a code, the best first.
const CODES: [&str; 3] = ["code", "errorCode", "error"];

/// Reads the vendor's error bodies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CloudmoreErrors;

impl ErrorDecoder for CloudmoreErrors {
    fn decode(&self, _status: u16, _headers: &HeaderMap, body: &[u8]) -> VendorError {
        let text = String::from_utf8_lossy(body);
        match Json::parse(&text) {
            Ok(Json::Object(fields)) => of_fields(&fields),
            Ok(Json::Text(text)) => VendorError::of_text(&text),
            Ok(_) => VendorError::default(),
            Err(_) => VendorError::of_text(&text),
        }
    }
}

fn of_fields(fields: &Object) -> VendorError {
    let first = |names: &[&str]| {
        let mut texts = names.iter().filter_map(|name| fields.text(name));
        texts.next()
    };
    let code = first(&CODES);
    let kind = match code.as_deref() {
        Some("invalid_client" | "unauthorized_client" | "invalid_grant") => Some(ErrorKind::Auth),
        Some("invalid_scope" | "access_denied") => Some(ErrorKind::PermissionDenied),
        _ => None,
    };
    let mut message = first(&MESSAGES);
    for (field, errors) in validation(fields) {
        let message = message.get_or_insert_default();
        if !message.is_empty() {
            message.push_str("; ");
        }
        message.push_str(&format!("{field}: {errors}"));
    }
    VendorError {
        code,
        message,
        kind,
        ..VendorError::default()
    }
}

/// The errors of single fields, as ASP.NET gives them.
fn validation(fields: &Object) -> Vec<(String, String)> {
    let Some(Json::Object(errors)) = fields.get("errors") else {
        return Vec::new();
    };
    let text = |value: &Json| match value {
        Json::Text(text) => Some(text.to_string()),
        _ => None,
    };
    errors
        .iter()
        .filter_map(|(field, value)| {
            let texts = match value {
                Json::List(items) => items.iter().filter_map(text).collect::<Vec<_>>().join(", "),
                value => text(value)?,
            };
            Some((field.to_owned(), texts))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &str) -> VendorError {
        CloudmoreErrors.decode(400, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn the_message_is_read_from_whichever_usual_member_holds_it() {
        for body in [
            r#"{"message":"The organization is not known"}"#,
            r#"{"Message":"The organization is not known"}"#,
            r#"{"title":"Bad request","detail":"The organization is not known"}"#,
            r#"{"error":"The organization is not known"}"#,
            r#""The organization is not known""#,
            "The organization is not known",
        ] {
            let message = decode(body).message;
            assert_eq!(
                message.as_deref(),
                Some("The organization is not known"),
                "{body}"
            );
        }
    }

    #[test]
    fn the_errors_of_single_fields_are_named() {
        let error = decode(
            r#"{"title":"One or more validation errors occurred.","errors":{"startDate":["is not a date","is required"],"x":1}}"#,
        );
        assert_eq!(
            error.message.as_deref(),
            Some("One or more validation errors occurred.; startDate: is not a date, is required")
        );
    }

    #[test]
    fn refused_tokens_are_told_apart_by_their_code() {
        let grant = decode(
            r#"{"error":"invalid_grant","error_description":"invalid_username_or_password"}"#,
        );
        assert_eq!(grant.kind, Some(ErrorKind::Auth));
        assert_eq!(grant.code.as_deref(), Some("invalid_grant"));
        assert_eq!(
            grant.message.as_deref(),
            Some("invalid_username_or_password")
        );
        let scope = decode(r#"{"error":"invalid_scope"}"#);
        assert_eq!(scope.kind, Some(ErrorKind::PermissionDenied));
    }

    #[test]
    fn a_body_that_says_nothing_gives_nothing() {
        for body in [
            "",
            "<html><body>oops</body></html>",
            "[]",
            "null",
            "{}",
            r#"{"message":" "}"#,
            "17",
        ] {
            assert_eq!(decode(body), VendorError::default(), "{body}");
        }
    }
}
