//! Error bodies. The members of the vendor's `ApiError` are not published; the name of the text's is a setting.

use super::state::CloudmoreState;
use crate::http::SimAnswer;
use crate::json::Json;

/// An error of the API.
pub(super) fn api_error(state: &CloudmoreState, status: u16, text: &str) -> SimAnswer {
    if state.options.error_member.is_empty() {
        return SimAnswer::new(status, "text/plain; charset=utf-8", text);
    }
    let body = Json::object()
        .with("statusCode", i64::from(status))
        .with(&state.options.error_member, text);
    SimAnswer::json(status, &body)
}

/// A missing, ill-formed or ill-typed parameter.
pub(super) fn bad(state: &CloudmoreState, text: &str) -> SimAnswer {
    api_error(state, 400, text)
}

/// No such record, or no such path.
pub(super) fn not_found(state: &CloudmoreState) -> SimAnswer {
    api_error(state, 404, "The requested resource was not found.")
}

/// No permission.
pub(super) fn forbidden(state: &CloudmoreState) -> SimAnswer {
    api_error(state, 403, "The user has no permission for this operation.")
}

/// The method is not known for the path.
pub(super) fn wrong_verb(state: &CloudmoreState) -> SimAnswer {
    api_error(state, 405, "The method is not allowed.")
}

/// An error of the token endpoint.
pub(super) fn oauth(error: &str, description: &str) -> SimAnswer {
    let body = Json::object()
        .with("error", error)
        .with("error_description", description);
    SimAnswer::json(400, &body)
}
