//! What is answered when something is wrong: by the gateway, by the API, by the proxy before both.

use super::state::IngramState;
use crate::faults::Fault;
use crate::http::SimAnswer;
use crate::json::Json;

/// The page that the proxy answers when the API takes too long.
pub const GATEWAY_TIMEOUT: &str = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// The fault of a proxy that gave up waiting: status 504 with a page.
pub fn gateway_timeout() -> Fault {
    Fault::answer(504, "text/html", GATEWAY_TIMEOUT)
}

/// The proxy's answer itself.
pub(super) fn timed_out() -> SimAnswer {
    SimAnswer::new(504, "text/html", GATEWAY_TIMEOUT)
}

/// The gateway's own error. There is no correlation id: the API never saw the call.
pub(super) fn gateway(status: u16, message: &str) -> SimAnswer {
    let body = Json::object()
        .with("statusCode", i64::from(status))
        .with("message", message);
    SimAnswer::json(status, &body)
}

/// An error of the API: five members, and no code.
pub(super) fn api(
    state: &mut IngramState,
    status: u16,
    path: &str,
    message: impl Into<String>,
) -> SimAnswer {
    let correlation = state.correlation_id();
    let at = state.clock.now().strftime("%Y-%m-%dT%H:%M:%S");
    let body = Json::object()
        .with("timeStamp", format!("{at}.125+00:00"))
        .with("status", i64::from(status))
        .with("message", message.into())
        .with("path", path)
        .with("correlationId", &correlation);
    SimAnswer::json(status, &body).header("x-correlation-id", correlation)
}
