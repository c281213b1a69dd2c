//! Error bodies: an array of texts, with status 500 for ordinary refusals.

use crate::http::SimAnswer;
use crate::json::Json;

/// A refusal with its texts.
pub(super) fn errors(status: u16, texts: &[String]) -> SimAnswer {
    let texts = texts.iter().map(Json::from).collect();
    SimAnswer::json(status, &Json::object().with("errors", Json::Array(texts)))
}

/// An ordinary refusal of one text.
pub(super) fn refused(text: impl Into<String>) -> SimAnswer {
    errors(500, &[text.into()])
}

/// The body or the query is no JSON.
pub(super) fn malformed(text: impl Into<String>) -> SimAnswer {
    errors(400, &[text.into()])
}

/// The security level does not allow a write.
pub(super) fn no_permission(verb: &str, entity: &str) -> SimAnswer {
    refused(format!(
        "The logged in Resource does not have the adequate permissions to {verb} this entity type: {entity}."
    ))
}

/// The record to change or delete does not exist.
pub(super) fn no_match() -> SimAnswer {
    refused("No matching records found")
}

/// A field or user-defined field that the entity does not have.
pub(super) fn unable_to_find(field: &str, entity: &str) -> SimAnswer {
    refused(format!("Unable to find {field} in the {entity} Entity."))
}

/// A text where the database wants another type.
pub(super) fn conversion(value: &str, to: &str) -> SimAnswer {
    refused(format!(
        "Conversion failed when converting the varchar value '{value}' to data type {to}."
    ))
}
