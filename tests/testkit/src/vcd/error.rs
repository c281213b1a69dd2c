//! What is answered when something is wrong, in the form of either family.

use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// Something that is wrong: status, code, message.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    headers: Vec<(&'static str, String)>,
}

pub(super) fn refuse(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        status,
        code,
        message: message.into(),
        headers: Vec::new(),
    }
}

pub(super) fn bad(message: impl Into<String>) -> Refusal {
    refuse(400, "BAD_REQUEST", message)
}

pub(super) fn forbidden() -> Refusal {
    refuse(
        403,
        "ACCESS_TO_RESOURCE_IS_FORBIDDEN",
        "Either you need some or all of the rights, or the entity does not exist",
    )
}

impl Refusal {
    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer: legacy bodies name a major code too.
    pub(super) fn answer(self, request: &SimRequest) -> SimAnswer {
        let is_legacy = request.path.starts_with("/api/");
        let is_token = request.path.starts_with("/oauth/");
        let body = if is_token {
            Json::object()
                .with("error", self.code)
                .with("error_description", &self.message)
        } else if is_legacy {
            Json::object()
                .with("message", &self.message)
                .with("majorErrorCode", i64::from(self.status))
                .with("minorErrorCode", self.code)
                .with("vendorSpecificErrorCode", Json::Null)
                .with("stackTrace", Json::Null)
        } else {
            Json::object()
                .with("minorErrorCode", self.code)
                .with("message", &self.message)
                .with("stackTrace", Json::Null)
        };
        let headers = self.headers.into_iter();
        headers.fold(
            SimAnswer::json(self.status, &body),
            |answer, (name, value)| answer.header(name, value),
        )
    }
}
