//! Who may call, and how often.

use super::error::{errors, no_permission, refused};
use super::state::AutotaskState;
use crate::http::{SimAnswer, SimRequest};

/// Admits a call of the user, or answers why not.
pub(super) fn admit(state: &mut AutotaskState, request: &SimRequest) -> Result<(), SimAnswer> {
    let given = |name: &str| request.header(name).unwrap_or("");
    let wanted = &state.credentials;
    let code = given("apiintegrationcode") == wanted.integration_code;
    if !code && state.options.bad_code_is_500 {
        return Err(refused("IntegrationCode is invalid."));
    }
    let user = given("username") == wanted.user && given("secret") == wanted.secret;
    if !code || !user || state.options.wrong_zone {
        let realm = request.header("host").unwrap_or("127.0.0.1");
        return Err(
            SimAnswer::empty(401).header("www-authenticate", format!("Basic Realm=\"{realm}\""))
        );
    }
    if state.rights.forbidden {
        return Err(SimAnswer::empty(403));
    }
    let now = state.clock.now();
    if !state.threshold.admit(now) {
        let text = format!(
            "The number of API requests has exceeded the threshold of {} requests in {} minutes.",
            state.threshold.calls, state.threshold.minutes
        );
        return Err(wait(state, errors(state.options.threshold_status, &[text])));
    }
    let impersonates = request.header("impersonationresourceid").is_some();
    if impersonates && request.method != "GET" && !state.rights.impersonation {
        return Err(no_permission("impersonate in", "Resource"));
    }
    Ok(())
}

/// Too many calls of one integration at one endpoint at once.
pub(super) fn too_many_threads(state: &AutotaskState, limit: usize) -> SimAnswer {
    let text = format!(
        "Itgenatr005: The thread threshold of {limit} threads for this object endpoint has been exceeded."
    );
    wait(state, errors(state.options.thread_status, &[text]))
}

fn wait(state: &AutotaskState, answer: SimAnswer) -> SimAnswer {
    match state.options.retry_after {
        Some(seconds) => answer.header("retry-after", seconds.to_string()),
        None => answer,
    }
}

/// Who writes: the user, or the resource that it acts as.
pub(super) fn actor(request: &SimRequest) -> String {
    let user = request.header("username").unwrap_or("").to_owned();
    match request.header("impersonationresourceid") {
        Some(resource) => format!("{user} as {resource}"),
        None => user,
    }
}
