//! Error bodies, as the framework under the API writes them.

use crate::http::SimAnswer;
use crate::json::Json;

/// An error with one sentence.
pub(super) fn error(status: u16, message: &str) -> SimAnswer {
    let body = Json::object()
        .with("statusCode", i64::from(status))
        .with("message", message);
    SimAnswer::json(status, &body)
}

/// What is wrong with a body, member by member.
pub(super) fn invalid(problems: Vec<String>) -> SimAnswer {
    let problems: Vec<Json> = problems.into_iter().map(Json::Text).collect();
    let body = Json::object()
        .with("statusCode", 400_i64)
        .with("message", Json::Array(problems))
        .with("error", "Bad Request");
    SimAnswer::json(400, &body)
}

/// No such path, or no such method on it.
pub(super) fn no_route(method: &str, path: &str) -> SimAnswer {
    let body = Json::object()
        .with("statusCode", 404_i64)
        .with("message", format!("Cannot {method} {path}"))
        .with("error", "Not Found");
    SimAnswer::json(404, &body)
}

/// The account or the service of a count is not mapped, or not known.
pub(super) fn no_map(account: &str) -> SimAnswer {
    error(404, &format!("No account map found with id: {account}"))
}

/// A record that is there already.
pub(super) fn exists(id: &str) -> SimAnswer {
    error(409, &format!("An account with id {id} already exists"))
}
