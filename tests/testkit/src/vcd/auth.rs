//! Versions in `Accept`, sessions, and who may do what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;

use super::error::{Refusal, bad, forbidden, refuse};
use super::state::{SYSTEM, VcdState};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// A session that is open.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: String,
    token: String,
    pub(super) org: String,
    pub(super) user: String,
    used: Timestamp,
    /// Where its token lives for a time, whether it is used or not.
    expires: Option<Timestamp>,
}

impl Session {
    pub(super) fn is_provider(&self) -> bool {
        self.org == SYSTEM
    }
}

fn unauthorized() -> Refusal {
    refuse(
        401,
        "UNAUTHORIZED",
        "The credentials or the session are not valid",
    )
}

/// Refuses a request that does not name an offered version for one of some media types.
pub(super) fn accepts(
    state: &VcdState,
    request: &SimRequest,
    media: &[&str],
) -> Result<String, Refusal> {
    let refused = |why: String| refuse(406, "NOT_ACCEPTABLE", why);
    let accept = request.header("accept").unwrap_or_default();
    let mut parts = accept.split(';').map(str::trim);
    let named = parts.next().unwrap_or_default();
    if !media.contains(&named) {
        return Err(refused(format!(
            "The media type {named:?} is not supported"
        )));
    }
    let version = parts.find_map(|part| part.strip_prefix("version="));
    let version = version.ok_or_else(|| refused("Accept names no API version".to_owned()))?;
    if !state.versions.iter().any(|(own, _)| own == version) {
        return Err(refused(format!(
            "The API version {version} is not supported"
        )));
    }
    Ok(version.to_owned())
}

/// Opens a session for a user and a password.
pub(super) fn sign_in(
    state: &mut VcdState,
    request: &SimRequest,
    is_provider: bool,
) -> Result<SimAnswer, Refusal> {
    accepts(state, request, &["application/*", "application/json"])?;
    if !request.body.is_empty() {
        return Err(bad("A session is opened without a body"));
    }
    let pair = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value).ok())
        .and_then(|value| String::from_utf8(value).ok())
        .ok_or_else(unauthorized)?;
    let (who, password) = pair.split_once(':').ok_or_else(unauthorized)?;
    let (name, org) = who.rsplit_once('@').ok_or_else(unauthorized)?;
    let user = state.users.iter().find(|own| {
        own.name == name && own.org.eq_ignore_ascii_case(org) && own.password == password
    });
    let user = user.cloned().ok_or_else(unauthorized)?;
    if is_provider != (user.org == SYSTEM) {
        return Err(unauthorized());
    }
    let session = open(state, &user.org, &user.name, None);
    let body = describe(state, &session);
    Ok(SimAnswer::json(200, &body)
        .header("X-VMWARE-VCLOUD-ACCESS-TOKEN", session.token)
        .header("X-VMWARE-VCLOUD-TOKEN-TYPE", "Bearer"))
}

/// Gives a token for an API token.
pub(super) fn token(
    state: &mut VcdState,
    request: &SimRequest,
    org: &str,
) -> Result<SimAnswer, Refusal> {
    accepts(state, request, &["application/*", "application/json"])?;
    if request.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(refuse(415, "invalid_request", "A form is needed"));
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    let value = |name: &str| {
        let mut found = form.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value.clone()),
            _ => Err(refuse(
                400,
                "invalid_request",
                format!("{name} is required once"),
            )),
        }
    };
    if value("grant_type")? != "refresh_token" {
        return Err(refuse(400, "unsupported_grant_type", "Use refresh_token"));
    }
    let given = value("refresh_token")?;
    let known = state
        .api_tokens
        .iter()
        .any(|own| own.token == given && own.org.eq_ignore_ascii_case(org));
    if !known {
        return Err(refuse(400, "invalid_grant", "The API token is not valid"));
    }
    let life = state.switches.idle_seconds;
    let session = open(state, org, "api-token-user", Some(life));
    let body = Json::object()
        .with("access_token", session.token)
        .with("token_type", "Bearer")
        .with("expires_in", life)
        .with("refresh_token", Json::Null);
    Ok(SimAnswer::json(200, &body))
}

fn open(state: &mut VcdState, org: &str, user: &str, life: Option<i64>) -> Session {
    state.sessions_opened += 1;
    let (number, now) = (state.sessions_opened, state.clock.now());
    let known = state
        .orgs
        .iter()
        .find(|own| own.name.eq_ignore_ascii_case(org));
    let expires = life.and_then(|life| now.checked_add(SignedDuration::from_secs(life)).ok());
    let session = Session {
        id: format!("urn:vcloud:session:0b0b0b0b-0000-4000-8000-{number:012x}"),
        token: format!("example-access-token-{number}"),
        org: known.map_or_else(|| org.to_owned(), |own| own.name.clone()),
        user: user.to_owned(),
        used: now,
        expires,
    };
    state.sessions.push(session.clone());
    session
}

/// A session as it is shown.
pub(super) fn describe(state: &VcdState, session: &Session) -> Json {
    let reference = |name: &str, id: String| Json::object().with("name", name).with("id", id);
    let org = state.orgs.iter().find(|own| own.name == session.org);
    let org_id = org.map_or_else(String::new, |own| format!("urn:vcloud:org:{}", own.uuid));
    Json::object()
        .with("id", &session.id)
        .with("site", Json::Null)
        .with(
            "user",
            reference(
                &session.user,
                "urn:vcloud:user:0c0c0c0c-0000-4000-8000-000000000001".to_owned(),
            ),
        )
        .with("org", reference(&session.org, org_id))
        .with("location", "us-1")
        .with("roles", Json::Array(vec!["Auditor".into()]))
}

/// Admits a call by its session, and by the right to what it asks for.
pub(super) fn admit(
    state: &mut VcdState,
    request: &SimRequest,
    resource: &str,
) -> Result<Session, Refusal> {
    let header = request.header("authorization").ok_or_else(unauthorized)?;
    let token = header.strip_prefix("Bearer ").ok_or_else(unauthorized)?;
    let now = state.clock.now();
    let idle = SignedDuration::from_secs(state.switches.idle_seconds);
    let mut sessions = state.sessions.iter_mut();
    let session = sessions
        .find(|own| own.token == token)
        .filter(|own| now.duration_since(own.used) < idle)
        .filter(|own| own.expires.is_none_or(|at| now < at))
        .ok_or_else(unauthorized)?;
    session.used = now;
    let session = session.clone();
    if let Err(seconds) = state.limit.admit(now) {
        let refusal = refuse(429, "TOO_MANY_REQUESTS", "Too many requests");
        return Err(refusal.header("retry-after", seconds.to_string()));
    }
    if state.denied.contains(resource) {
        return Err(forbidden());
    }
    Ok(session)
}

/// Ends a session: its own.
pub(super) fn sign_out(
    state: &mut VcdState,
    session: &Session,
    id: &str,
) -> Result<SimAnswer, Refusal> {
    if id != session.id {
        return Err(forbidden());
    }
    state.sessions.retain(|own| own.id != id);
    Ok(SimAnswer::empty(204))
}
