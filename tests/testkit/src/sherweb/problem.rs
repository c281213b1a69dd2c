//! The three forms of error body: problem details, the gateway's own form, and OAuth.

use crate::http::SimAnswer;
use crate::json::Json;

/// RFC 7807 problem details.
pub(super) fn problem(status: u16, title: &str, detail: &str) -> SimAnswer {
    let body = Json::object()
        .with("type", format!("https://httpstatuses.io/{status}"))
        .with("title", title)
        .with("status", i64::from(status))
        .with("detail", detail);
    SimAnswer::new(
        status,
        "application/problem+json; charset=utf-8",
        body.to_string(),
    )
}

/// A refused input, with the names of the offending members as extensions.
pub(super) fn invalid(member: &str, detail: &str) -> SimAnswer {
    let body = Json::object()
        .with("type", "https://httpstatuses.io/400")
        .with("title", "One or more validation errors occurred.")
        .with("status", 400_i64)
        .with("detail", detail)
        .with(
            "extensions",
            Json::object().with("errors", Json::object().with(member, vec![detail])),
        );
    SimAnswer::new(
        400,
        "application/problem+json; charset=utf-8",
        body.to_string(),
    )
}

/// A record that is not there.
pub(super) fn not_found(what: &str, id: &str) -> SimAnswer {
    problem(404, "Not Found", &format!("{what} '{id}' was not found."))
}

/// The API gateway's own form.
pub(super) fn gateway(status: u16, message: &str) -> SimAnswer {
    let body = Json::object()
        .with("statusCode", i64::from(status))
        .with("message", message);
    SimAnswer::json(status, &body)
}

/// An OAuth error.
pub(super) fn oauth(status: u16, error: &str, description: &str) -> SimAnswer {
    let body = Json::object()
        .with("error", error)
        .with("error_description", description);
    SimAnswer::json(status, &body)
}
