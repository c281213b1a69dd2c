//! The operations.

use super::error::{Refusal, bad, refuse};
use super::state::{SYSTEM, VcdState};
use super::{auth, open, query};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

type Handled = Result<SimAnswer, Refusal>;

/// The longest name that a request may give itself.
const REQUEST_ID: usize = 128;

/// Answers one request, and names it: the caller's own name first.
pub(super) fn handle(state: &mut VcdState, request: &SimRequest) -> SimAnswer {
    let given = request.header("x-vmware-vcloud-client-request-id");
    let is_id = |id: &&str| {
        id.len() <= REQUEST_ID && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let handled = match given {
        Some(id) if !is_id(&id) => Err(bad("The request id is malformed")),
        _ => route(state, request),
    };
    let answer = handled.unwrap_or_else(|refusal| refusal.answer(request));
    let id = given.filter(is_id).unwrap_or("none");
    answer.header("x-vmware-vcloud-request-id", format!("{id}-0d0d0d0d"))
}

fn route(state: &mut VcdState, request: &SimRequest) -> Handled {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    match (method, segments.as_slice()) {
        ("GET", ["api", "versions"]) => versions(state, request),
        ("GET", ["api", "query"]) => query::query(state, request),
        ("POST", ["cloudapi", "1.0.0", "sessions"]) => auth::sign_in(state, request, false),
        ("POST", ["cloudapi", "1.0.0", "sessions", "provider"]) => {
            auth::sign_in(state, request, true)
        }
        ("GET", ["cloudapi", "1.0.0", "sessions", "current"]) => {
            auth::accepts(state, request, &["application/json"])?;
            let session = auth::admit(state, request, "sessions")?;
            Ok(SimAnswer::json(200, &auth::describe(state, &session)))
        }
        ("DELETE", ["cloudapi", "1.0.0", "sessions", id]) => {
            auth::accepts(state, request, &["application/json"])?;
            let session = auth::admit(state, request, "sessions")?;
            auth::sign_out(state, &session, id)
        }
        ("POST", ["oauth", "tenant", org, "token"]) => auth::token(state, request, org),
        ("POST", ["oauth", "provider", "token"]) => auth::token(state, request, SYSTEM),
        ("GET", ["cloudapi", "1.0.0", resource @ ("orgs" | "edgeGateways")]) => {
            open::list(state, request, resource)
        }
        _ => Err(refuse(404, "NOT_FOUND", "There is nothing here")),
    }
}

/// The versions, for which no version is named.
fn versions(state: &VcdState, request: &SimRequest) -> Handled {
    let xml = state.switches.versions_as_xml;
    if xml || request.header("accept") != Some("application/*+json") {
        let body = "<SupportedVersions><VersionInfo deprecated=\"false\"/></SupportedVersions>";
        return Ok(SimAnswer::new(200, "text/xml", body));
    }
    let base = query::base(request);
    let versions = state.versions.iter().map(|(version, deprecated)| {
        Json::object()
            .with("version", version)
            .with("loginUrl", format!("{base}/api/sessions"))
            .with("mediaTypeMapping", Json::Array(Vec::new()))
            .with("deprecated", *deprecated)
    });
    let body = Json::object()
        .with("versionInfo", Json::Array(versions.collect()))
        .with("schemaRoot", format!("{base}/api/v1.5/schema/"));
    Ok(SimAnswer::new(200, "application/*+json", body.to_string()))
}
