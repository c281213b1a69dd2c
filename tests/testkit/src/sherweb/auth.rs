//! The token endpoint, and the check of key, token and scope on every call.

use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;

use super::problem::{gateway, oauth, problem};
use super::state::SherwebState;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// Scope of the Distributor API.
pub(super) const DISTRIBUTOR: &str = "distributor";
/// Scope of the Service Provider API.
pub(super) const SERVICE_PROVIDER: &str = "service-provider";

/// An application made in the partner portal: its credentials and what it may ask for.
#[derive(Clone, Debug)]
pub struct Application {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
    /// The subscription key of the API gateway.
    pub subscription_key: String,
    /// The scopes granted.
    pub scopes: Vec<String>,
}

impl Default for Application {
    fn default() -> Self {
        Self {
            client_id: "example-client-id".to_owned(),
            client_secret: "example-client-secret".to_owned(),
            subscription_key: "example-subscription-key".to_owned(),
            scopes: vec![DISTRIBUTOR.to_owned(), SERVICE_PROVIDER.to_owned()],
        }
    }
}

/// A token given out.
#[derive(Clone, Debug)]
pub(super) struct Token {
    text: String,
    scopes: Vec<String>,
    expires: Timestamp,
}

/// Answers `POST /auth/oidc/connect/token`.
pub(super) fn token(state: &mut SherwebState, request: &SimRequest) -> SimAnswer {
    issue(state, request).unwrap_or_else(|refusal| refusal)
}

fn issue(state: &mut SherwebState, request: &SimRequest) -> Result<SimAnswer, SimAnswer> {
    if request.method != "POST" {
        return Err(SimAnswer::empty(405));
    }
    let given = subscription_key(request);
    if given.is_some() || state.switches.require_key_on_token {
        check_key(state, given)?;
    }
    if request.media_type().as_deref() != Some("application/x-www-form-urlencoded") {
        return Err(oauth(
            400,
            "invalid_request",
            "The body must be application/x-www-form-urlencoded.",
        ));
    }
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(&request.body).into_owned().collect();
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if names != ["client_id", "client_secret", "grant_type", "scope"] {
        return Err(oauth(
            400,
            "invalid_request",
            "Expected client_id, client_secret, grant_type and scope, each once.",
        ));
    }
    let field = |wanted: &str| {
        fields
            .iter()
            .find(|(name, _)| name == wanted)
            .map_or("", |(_, value)| value.as_str())
    };
    let application = &state.application;
    if field("client_id") != application.client_id
        || field("client_secret") != application.client_secret
    {
        return Err(oauth(
            401,
            "invalid_client",
            "The client is unknown or its secret is wrong.",
        ));
    }
    if field("grant_type") != "client_credentials" {
        return Err(oauth(
            400,
            "unsupported_grant_type",
            "Only client_credentials is supported.",
        ));
    }
    let scopes: Vec<String> = field("scope").split(' ').map(str::to_owned).collect();
    if let Some(refused) = scopes
        .iter()
        .find(|scope| !application.scopes.contains(scope))
    {
        return Err(oauth(
            400,
            "invalid_scope",
            &format!("The scope '{refused}' is not granted to this client."),
        ));
    }
    let lifetime = state.switches.token_lifetime_seconds;
    let now = state.clock.now();
    state.tokens_issued += 1;
    let token = Token {
        text: format!("example-token-{}", state.tokens_issued),
        scopes,
        expires: now
            .checked_add(SignedDuration::from_secs(lifetime))
            .unwrap_or(now),
    };
    let mut body = Json::object().with("access_token", &token.text);
    body = if state.switches.expires_in_as_text {
        body.with("expires_in", lifetime.to_string())
    } else {
        body.with("expires_in", lifetime)
    };
    state.tokens.push(token);
    Ok(SimAnswer::json(200, &body.with("token_type", "Bearer")))
}

fn subscription_key(request: &SimRequest) -> Option<&str> {
    request
        .header("ocp-apim-subscription-key")
        .or_else(|| request.query("subscription-key"))
}

fn check_key(state: &SherwebState, given: Option<&str>) -> Result<(), SimAnswer> {
    match given {
        Some(key) if key == state.application.subscription_key => Ok(()),
        Some(_) => Err(gateway(
            401,
            "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
        )),
        None => Err(gateway(
            401,
            "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.",
        )),
    }
}

/// Admits a call to an API that needs a scope: key, limit, token, scope, in this order.
pub(super) fn admit(
    state: &mut SherwebState,
    request: &SimRequest,
    scope: &str,
) -> Result<(), SimAnswer> {
    check_key(state, subscription_key(request))?;
    let now = state.clock.now();
    if let Err(seconds) = state.limit.admit(now) {
        let answer = problem(
            429,
            "Too Many Requests",
            &format!("Rate limit is exceeded. Try again in {seconds} seconds."),
        );
        return Err(if state.switches.retry_after_header {
            answer.header("retry-after", seconds.to_string())
        } else {
            answer
        });
    }
    let unauthorized =
        |detail: &str| problem(401, "Unauthorized", detail).header("www-authenticate", "Bearer");
    let Some(bearer) = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
    else {
        return Err(unauthorized("A bearer token is required."));
    };
    let Some(token) = state.tokens.iter().find(|token| token.text == bearer) else {
        return Err(unauthorized("The token is not valid."));
    };
    if token.expires <= now {
        return Err(unauthorized("The token has expired."));
    }
    // The grant is looked at again: it may have been taken away after the token was given out.
    if !token.scopes.iter().any(|own| own == scope)
        || !state.application.scopes.iter().any(|own| own == scope)
    {
        return Err(problem(
            403,
            "Forbidden",
            &format!("The token does not carry the scope '{scope}'."),
        ));
    }
    Ok(())
}
