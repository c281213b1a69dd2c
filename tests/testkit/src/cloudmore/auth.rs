//! The token endpoint, and the check of the token on every call.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use url::form_urlencoded;

use super::error::{api_error, forbidden, oauth};
use super::state::CloudmoreState;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// `POST /connect/token`: the password grant, with the client in the body or in a header.
pub(super) fn token(
    state: &mut CloudmoreState,
    request: &SimRequest,
) -> Result<SimAnswer, SimAnswer> {
    if request.method != "POST" {
        return Err(SimAnswer::empty(405));
    }
    if request.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(oauth("invalid_request", "The body is not a form."));
    }
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(&request.body).into_owned().collect();
    let field = |wanted: &str| {
        let mut found = fields.iter().filter(|(name, _)| name == wanted);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.clone()),
            _ => None,
        }
    };
    let in_body = field("client_id").zip(field("client_secret"));
    let client = match (basic(request), in_body) {
        (Some(client), None) | (None, Some(client)) => client,
        _ => {
            return Err(oauth(
                "invalid_client",
                "The client is told once, in the body or in a header.",
            ));
        }
    };
    let wanted = &state.credentials;
    if client != (wanted.client_id.clone(), wanted.client_secret.clone()) {
        return Err(oauth("invalid_client", "The client is not known."));
    }
    if field("grant_type").as_deref() != Some("password") {
        return Err(oauth(
            "unsupported_grant_type",
            "Only the grant password is supported.",
        ));
    }
    if field("scope").as_deref() != Some("api") {
        return Err(oauth("invalid_scope", "The scope is api."));
    }
    if field("username").as_ref() != Some(&wanted.username)
        || field("password").as_ref() != Some(&wanted.password)
    {
        return Err(oauth("invalid_grant", "invalid_username_or_password"));
    }
    let now = state.clock.now();
    let serial = state.fresh_id();
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let text = format!(
        "{}.{}.{}",
        part(r#"{"alg":"none","typ":"JWT"}"#),
        part(&format!(r#"{{"jti":"{serial}"}}"#)),
        part("example")
    );
    let lifetime = state.options.token_lifetime;
    let expires = now
        .checked_add(SignedDuration::from_secs(lifetime))
        .unwrap_or(now);
    state.tokens.insert(text.clone(), expires);
    let body = Json::object()
        .with("access_token", text)
        .with("expires_in", lifetime)
        .with("token_type", "Bearer");
    Ok(SimAnswer::json(200, &body))
}

fn basic(request: &SimRequest) -> Option<(String, String)> {
    let value = request.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Admits a call with a token that has not expired.
pub(super) fn admit(state: &mut CloudmoreState, request: &SimRequest) -> Result<(), SimAnswer> {
    let now = state.clock.now();
    if let Err(seconds) = state.limit.admit(now) {
        return Err(
            api_error(state, 429, "Too many requests.").header("retry-after", seconds.to_string())
        );
    }
    let given = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let valid = given
        .and_then(|token| state.tokens.get(token))
        .is_some_and(|expires| *expires > now);
    if !valid {
        return Err(
            api_error(state, 401, "The credentials are missing or invalid.")
                .header("www-authenticate", "Bearer"),
        );
    }
    if !state.rights.api {
        return Err(forbidden(state));
    }
    Ok(())
}
