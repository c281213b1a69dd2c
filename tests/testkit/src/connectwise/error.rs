//! Error bodies in the documented shape: pretty-printed with CRLF.

use crate::http::SimAnswer;
use crate::json::Json;

fn body(status: u16, json: &Json) -> SimAnswer {
    SimAnswer::new(
        status,
        "application/json; charset=utf-8",
        json.to_pretty_crlf(),
    )
}

/// An error of a code and a message.
pub(super) fn error(status: u16, code: &str, message: &str) -> SimAnswer {
    body(
        status,
        &Json::object().with("code", code).with("message", message),
    )
}

/// The path or the endpoint does not exist.
pub(super) fn no_endpoint() -> SimAnswer {
    error(404, "ConnectWiseApi", "The endpoint does not exist.")
}

/// The record does not exist, or is hidden from this member.
pub(super) fn no_record(name: &str, id: &str) -> SimAnswer {
    error(404, "NotFound", &format!("{name} {id} not found"))
}

/// A bad name or form in a condition.
pub(super) fn bad_condition(message: &str) -> SimAnswer {
    error(400, "ApiFindCondition", message)
}

/// A name in a condition that the entity does not have.
pub(super) fn unrecognized(name: &str) -> SimAnswer {
    bad_condition(&format!("{name} is not a recognized name."))
}

/// A body member that the entity does not have in this version.
pub(super) fn no_member(name: &str, entity: &str) -> SimAnswer {
    let message = format!(
        "Could not find member '{name}' on object of type '{entity}'. Check the version of the accept header."
    );
    error(400, "ConnectWiseApi", &message)
}

/// Bad input in the disguise of a server error.
pub(super) fn conversion(value: &Json, path: &str) -> SimAnswer {
    error(
        500,
        "ConnectWiseApi",
        &format!("Error converting value {value}. Path '{path}'."),
    )
}

/// One validation error of a body.
#[derive(Clone, Debug)]
pub(super) struct Invalid {
    pub(super) code: &'static str,
    pub(super) field: String,
    pub(super) message: String,
}

impl Invalid {
    pub(super) fn missing(field: &str) -> Self {
        let message = format!("The {field} field is required.");
        Self {
            code: "MissingRequiredField",
            field: field.to_owned(),
            message,
        }
    }

    /// Another record has the value.
    pub(super) fn exists(field: &str, message: impl Into<String>) -> Self {
        Self {
            code: "ObjectExists",
            ..Self::field(field, message)
        }
    }

    pub(super) fn field(field: &str, message: impl Into<String>) -> Self {
        Self {
            code: "InvalidField",
            field: field.to_owned(),
            message: message.into(),
        }
    }
}

/// The validation errors of a body.
pub(super) fn invalid_object(resource: &str, errors: &[Invalid]) -> SimAnswer {
    let errors = errors.iter().map(|error| {
        Json::object()
            .with("code", error.code)
            .with("message", &error.message)
            .with("resource", resource)
            .with("field", &error.field)
    });
    let json = Json::object()
        .with("code", "InvalidObject")
        .with("message", format!("{resource} object is invalid"))
        .with("errors", Json::Array(errors.collect()));
    body(400, &json)
}

/// The other shape of error, seen on a refused rate.
pub(super) fn too_many(seconds: u64) -> SimAnswer {
    let json = Json::object().with("error", "ConnectWiseAPI").with(
        "message",
        "You have exceeded the number of requests allowed. Try again later.",
    );
    body(429, &json).header("retry-after", seconds.to_string())
}
