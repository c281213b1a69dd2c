//! The token call, and the check of the token on every other one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::error::error;
use super::state::{HeaderForm, HyAltoState};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// A token given out.
#[derive(Clone, Debug)]
pub(super) struct Token {
    text: String,
    expires: Timestamp,
    calls: u64,
}

/// Answers the call for a token.
pub(super) fn token(state: &mut HyAltoState, request: &SimRequest) -> Result<SimAnswer, SimAnswer> {
    if request.method != "POST" {
        return Err(error(405, "Method Not Allowed"));
    }
    if request.media_type().as_deref() != Some("application/json") {
        return Err(error(415, "Unsupported Media Type"));
    }
    let body = Json::parse(&request.body_text()).ok();
    let text = |name| body.as_ref()?.get(name)?.text().map(ToOwned::to_owned);
    let members = body.as_ref().and_then(Json::members).map(<[_]>::len);
    let (Some(access), Some(secret), Some(2)) = (text("accessKey"), text("secretKey"), members)
    else {
        return Err(error(
            400,
            "accessKey and secretKey are required, and nothing else",
        ));
    };
    let own = &state.credentials;
    if access != own.access_key || secret != own.secret_key {
        return Err(error(401, "The access key or secret key is invalid"));
    }
    let text = issue(state);
    let body = Json::object()
        .with("tokenType", "Bearer")
        .with("accessToken", text);
    Ok(SimAnswer::json(200, &body))
}

/// Gives out a JSON Web Token that lives for as long as the switches say.
fn issue(state: &mut HyAltoState) -> String {
    let now = state.clock.now();
    let life = state.switches.token_lifetime_seconds;
    state.tokens_issued += 1;
    let number = state.tokens_issued;
    let text = if state.switches.opaque_tokens {
        format!("opaque-example-token-{number}")
    } else {
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        let header = part(r#"{"typ":"JWT","alg":"HS256"}"#.to_owned());
        let payload = part(claims(state, now.as_second(), life, number).to_string());
        let signature = part(format!("example signature {number}"));
        format!("{header}.{payload}.{signature}")
    };
    let expires = now.checked_add(SignedDuration::from_secs(life));
    state.tokens.push(Token {
        text: text.clone(),
        expires: expires.unwrap_or(now),
        calls: 0,
    });
    text
}

fn claims(state: &HyAltoState, now: i64, life: i64, number: u64) -> Json {
    let rights = |area: &str, resource: &str| {
        let may = !state.denied.contains(resource);
        let rights = Json::object()
            .with("C", false)
            .with("R", may)
            .with("U", false)
            .with("D", false);
        (area.to_owned(), rights)
    };
    let access = Json::Object(vec![
        rights("Accounts", "accounts"),
        rights("Service Management", "services"),
    ]);
    Json::object()
        .with("jti", format!("00000000-0000-4000-8000-{number:012}"))
        .with("iat", now)
        .with("exp", now + life)
        .with("iss", "api.hyalto.example")
        .with("scope", "all")
        .with("serviceProviderId", 7_i64)
        .with("accountId", 900_i64)
        .with("companyName", "Example MSP")
        .with("userId", Json::Null)
        .with("username", Json::Null)
        .with("apiKeyId", 12_i64)
        .with("apex", false)
        .with("access", access)
}

/// Admits a call by its token, and by the right to what it asks for.
pub(super) fn admit(
    state: &mut HyAltoState,
    request: &SimRequest,
    resource: &str,
) -> Result<(), SimAnswer> {
    let refused = || error(401, "Unauthorized");
    let header = request.header("authorization").ok_or_else(refused)?;
    let bearer = header.strip_prefix("Bearer ");
    let text = match state.header_form {
        HeaderForm::Bearer => bearer.ok_or_else(refused)?,
        HeaderForm::Bare => header,
        HeaderForm::Either => bearer.unwrap_or(header),
    };
    let now = state.clock.now();
    let most = state.switches.calls_per_token.unwrap_or(u64::MAX);
    let mut tokens = state.tokens.iter_mut();
    let token = tokens.find(|token| token.text == text && now < token.expires);
    let token = token
        .filter(|token| token.calls < most)
        .ok_or_else(refused)?;
    token.calls += 1;
    if let Err(seconds) = state.limit.admit(now) {
        let answer = error(429, "Too Many Requests");
        return Err(answer.header("retry-after", seconds.to_string()));
    }
    if state.denied.contains(resource) {
        return Err(error(403, "The role of the API key does not allow this"));
    }
    Ok(())
}
