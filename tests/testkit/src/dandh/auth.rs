//! Sessions: signing in, the header on every call, expiry.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;

use super::body::Body;
use super::fault::{Fault, fault};
use super::state::{DandhState, TokenForm};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

const WRONG_PASSWORD: &str =
    "Authentication failed. Please check your username and password and try again.";
const MFA: &str = "Users with enabled MFA are not supported.";

/// `GetSessionToken`: the one operation without a session.
pub(super) fn sign_in(state: &mut DandhState, body: &Body) -> Result<SimAnswer, SimAnswer> {
    let now = state.clock.now();
    if state.logins.admit(now).is_err() {
        return Err(fault(403, "Access is temporarily blocked."));
    }
    let username = body.needed_text("username")?;
    let password = body.needed_text("password")?;
    let wanted = &state.credentials;
    if username != wanted.username || password != wanted.password || !wanted.allow_listed {
        return Err(fault(500, WRONG_PASSWORD));
    }
    if wanted.mfa {
        return Err(fault(500, MFA));
    }
    state.sessions_issued += 1;
    // Bytes that bring a slash, a plus and padding into the text.
    let mut bytes = vec![0xff, 0xef, 0xbe];
    bytes.extend_from_slice(format!("example-session-{}", state.sessions_issued).as_bytes());
    if bytes.len().is_multiple_of(3) {
        bytes.push(b'.');
    }
    let token = STANDARD.encode(bytes);
    let life = SignedDuration::from_mins(state.options.session_minutes);
    let expires = now.checked_add(life).unwrap_or(now);
    state.sessions.insert(token.clone(), expires);
    Ok(match state.options.token {
        TokenForm::EscapedText => {
            let text = Json::from(token).to_string().replace('/', "\\/");
            SimAnswer::new(200, "application/json; charset=utf-8", text)
        }
        TokenForm::Plain => SimAnswer::new(200, "text/plain; charset=utf-8", token),
        TokenForm::Object => SimAnswer::json(200, &Json::object().with("Value", token)),
    })
}

/// Admits a call with a session that has not expired.
pub(super) fn admit(state: &mut DandhState, request: &SimRequest) -> Result<String, SimAnswer> {
    let now = state.clock.now();
    if let Err(seconds) = state.limit.admit(now) {
        let answer = fault(429, "Too many requests.");
        return Err(if state.options.retry_after_header {
            answer.header("retry-after", seconds.to_string())
        } else {
            answer
        });
    }
    let token = request
        .header("authenticate")
        .and_then(|value| value.strip_prefix("CCPSessionId "))
        .filter(|token| !token.is_empty() && !token.contains(' '));
    let Some(token) = token else {
        return Err(fault(500, "The request carries no session."));
    };
    if state
        .sessions
        .get(token)
        .is_some_and(|expires| now < *expires)
    {
        return Ok(token.to_owned());
    }
    let expired = Fault {
        session_expired: true,
        ..Fault::new("The session has expired.")
    };
    Err(expired.answer(state.options.expired_status))
}

/// Refuses an operation that the user has no right to.
pub(super) fn permit(state: &DandhState, operation: &str) -> Result<(), SimAnswer> {
    if state.denied.contains(operation) {
        let text = format!("The user has no permission to call {operation}.");
        return Err(fault(state.options.denied_status, &text));
    }
    Ok(())
}

/// `TerminateSessionToken`.
pub(super) fn sign_out(state: &mut DandhState, token: &str) {
    state.sessions.remove(token);
}
