//! What is answered when something is wrong. The forms are our own words: none is on record.

use crate::http::SimAnswer;
use crate::json::Json;

/// An error with a message.
pub(super) fn error(status: u16, message: &str) -> SimAnswer {
    SimAnswer::json(status, &Json::object().with("message", message))
}
