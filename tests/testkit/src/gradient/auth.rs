//! The check of rate and token on every call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::error;
use super::state::GradientState;
use crate::http::{SimAnswer, SimRequest};

/// Admits a call, or says why not.
pub(super) fn admit(state: &mut GradientState, request: &SimRequest) -> Result<(), SimAnswer> {
    let now = state.clock.now();
    if let Err(seconds) = state.limit.admit(now) {
        return Err(error(429, "Too Many Requests").header("retry-after", seconds.to_string()));
    }
    let keys = &state.credentials;
    let pair = format!("{}:{}", keys.vendor_key, keys.partner_key);
    if request.header("gradient-token") != Some(STANDARD.encode(pair).as_str()) {
        return Err(error(401, "Unauthorized"));
    }
    if state.switches.anomaly {
        return Err(error(
            403,
            "Forbidden: an anomaly was detected in your requests",
        ));
    }
    if !state.switches.allowed {
        return Err(error(403, "Forbidden resource"));
    }
    Ok(())
}
