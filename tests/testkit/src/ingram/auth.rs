//! The token call, and the check of key, limit and token on every other one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::error::{api, gateway};
use super::state::{IngramState, RetryAfter};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// A token given out.
#[derive(Clone, Debug)]
pub(super) struct Token {
    text: String,
    expires: Timestamp,
}

/// The gateway: the subscription key, then the calls that it has left.
pub(super) fn pass_gateway(state: &mut IngramState, request: &SimRequest) -> Result<(), SimAnswer> {
    match request.header("x-subscription-key") {
        Some(key) if key == state.credentials.subscription_key => {}
        Some(_) => {
            return Err(gateway(
                401,
                "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
            ));
        }
        None => {
            return Err(gateway(
                401,
                "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.",
            ));
        }
    }
    let now = state.clock.now();
    let Err(seconds) = state.limit.admit(now) else {
        return Ok(());
    };
    state.refused += 1;
    let told = match state.switches.retry_after {
        RetryAfter::Always => true,
        RetryAfter::Never => false,
        RetryAfter::EverySecond => state.refused % 2 == 1,
    };
    let answer = gateway(429, "Rate limit is exceeded. Try again later.");
    Err(if told {
        answer.header("retry-after", seconds.to_string())
    } else {
        answer
    })
}

/// Answers `POST /token`.
pub(super) fn token(state: &mut IngramState, request: &SimRequest) -> Result<SimAnswer, SimAnswer> {
    const PATH: &str = "/token";
    if request.method != "POST" {
        return Err(api(state, 405, PATH, "Method Not Allowed"));
    }
    if request.media_type().as_deref() != Some("application/json") {
        return Err(api(state, 415, PATH, "Unsupported Media Type"));
    }
    if !is_user(state, request) {
        return Err(api(state, 401, PATH, "Unauthorized"));
    }
    let body = Json::parse(&request.body_text()).ok();
    let members = body.as_ref().and_then(Json::members);
    let marketplace = match members {
        Some([(name, Json::Text(code))]) if name == "marketplace" => code,
        _ => {
            let message = "The body must hold the marketplace and nothing else";
            return Err(api(state, 400, PATH, message));
        }
    };
    if *marketplace != state.marketplace {
        let message = format!("Marketplace {marketplace} is not found");
        return Err(api(state, 400, PATH, message));
    }
    let lifetime = state.switches.token_lifetime_seconds;
    let now = state.clock.now();
    state.tokens_issued += 1;
    let text = format!("example-token.{}.signature", state.tokens_issued);
    state.tokens.push(Token {
        text: text.clone(),
        expires: now
            .checked_add(SignedDuration::from_secs(lifetime))
            .unwrap_or(now),
    });
    let body = Json::object()
        .with("token", text)
        .with("expiresInSeconds", lifetime);
    Ok(super::routes::answer(state, &body))
}

fn is_user(state: &IngramState, request: &SimRequest) -> bool {
    let credentials = &state.credentials;
    let wanted = format!("{}:{}", credentials.username, credentials.password);
    request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|pair| STANDARD.decode(pair).ok())
        .is_some_and(|pair| pair == wanted.as_bytes())
}

/// Admits a call to the API by its token, and by the right to what it asks for.
pub(super) fn admit(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    resource: &str,
) -> Result<(), SimAnswer> {
    let now = state.clock.now();
    let bearer = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let valid = bearer.is_some_and(|bearer| {
        let mut tokens = state.tokens.iter();
        tokens.any(|token| token.text == bearer && now < token.expires)
    });
    if !valid {
        return Err(api(state, 401, path, "Unauthorized"));
    }
    if state.denied.contains(resource) {
        return Err(api(state, 403, path, "Access is denied"));
    }
    Ok(())
}
