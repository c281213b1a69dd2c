//! Keys, integration id, version and role.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::{error, too_many};
use super::state::ConnectWiseState;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// What a call to a module needs from the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Companies,
    Catalog,
    CatalogAdd,
    TableSetup,
    AgreementsInquire,
    AgreementsAdd,
    AgreementsEdit,
    AgreementsDelete,
    Nothing,
}

/// Admits a call: limit, keys, integration id, version. Gives the version that answers.
pub(super) fn admit(
    state: &mut ConnectWiseState,
    request: &SimRequest,
) -> Result<(u16, u16), SimAnswer> {
    let now = state.clock.now();
    state.limit.admit(now).map_err(too_many)?;
    let credentials = &state.credentials;
    let wanted = format!(
        "{}+{}:{}",
        credentials.company_id.to_lowercase(),
        credentials.public_key,
        credentials.private_key
    );
    let given = request.header("authorization").map(|value| {
        let encoded = value.strip_prefix("Basic ").unwrap_or("");
        let text = STANDARD
            .decode(encoded)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_default();
        // The company part is not case-sensitive; the keys are.
        match text.split_once('+') {
            Some((company, keys)) => format!("{}+{keys}", company.to_lowercase()),
            None => text,
        }
    });
    match given {
        Some(given) if given == wanted => {}
        _ if state.options.bad_keys_not_found => return Err(SimAnswer::empty(404)),
        Some(_) => return Err(error(401, "ConnectWiseApi", "UserNotAuthenticated")),
        None => return Err(error(401, "Unauthorized", "Authentication is required.")),
    }
    match request.header("clientid") {
        Some(id) if id.eq_ignore_ascii_case(&credentials.client_id) => {}
        Some(_) => return Err(error(403, "ConnectWiseApi", "The clientId is not valid.")),
        None => {
            return Err(error(
                403,
                "ConnectWiseApi",
                "A clientId header is required.",
            ));
        }
    }
    version(state, request.header("accept"))
}

fn version(state: &ConnectWiseState, accept: Option<&str>) -> Result<(u16, u16), SimAnswer> {
    let current = state.options.version;
    let Some(accept) = accept else {
        return Ok(current);
    };
    let not_acceptable = || {
        error(
            406,
            "ConnectWiseApi",
            &format!("The accept header '{accept}' is not supported."),
        )
    };
    let mut understood = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        match parts.next().unwrap_or("").to_ascii_lowercase().as_str() {
            "" | "*/*" | "application/*" | "application/json" => {
                understood = understood.or(Some(current))
            }
            "application/vnd.connectwise.com+json" => {
                let version = parts
                    .find_map(|part| part.strip_prefix("version="))
                    .map(str::trim);
                let asked = match version {
                    None | Some("3.0.0") => current,
                    Some(text) => text
                        .split_once('.')
                        .and_then(|(year, number)| Some((year.parse().ok()?, number.parse().ok()?)))
                        .filter(|asked| *asked <= current)
                        .ok_or_else(not_acceptable)?,
                };
                return Ok(asked);
            }
            _ => {}
        }
    }
    understood.ok_or_else(not_acceptable)
}

/// Refuses what the role may not do.
pub(super) fn allow(state: &ConnectWiseState, need: Need) -> Result<(), SimAnswer> {
    let rights = &state.rights;
    let (granted, what) = match need {
        Need::Nothing => (true, ""),
        Need::Companies => (
            rights.companies,
            "Companies / Company Maintenance (Inquire)",
        ),
        Need::Catalog => (rights.catalog, "Procurement / Product Catalog (Inquire)"),
        Need::CatalogAdd => (rights.catalog_add, "Procurement / Product Catalog (Add)"),
        Need::TableSetup => (rights.table_setup, "System / Table Setup (Inquire)"),
        Need::AgreementsInquire => (rights.agreements.inquire, "Finance / Agreements (Inquire)"),
        Need::AgreementsAdd => (rights.agreements.add, "Finance / Agreements (Add)"),
        Need::AgreementsEdit => (rights.agreements.edit, "Finance / Agreements (Edit)"),
        Need::AgreementsDelete => (rights.agreements.delete, "Finance / Agreements (Delete)"),
    };
    if granted {
        return Ok(());
    }
    Err(error(
        403,
        "ConnectWiseApi",
        &format!("The member's security role does not allow this: {what}."),
    ))
}

/// Reads the JSON body of a write; other media types are refused.
pub(super) fn json_body(request: &SimRequest) -> Result<Json, SimAnswer> {
    if request.media_type().as_deref() != Some("application/json") {
        return Err(error(
            415,
            "ConnectWiseApi",
            "The request entity's media type is not supported for this resource.",
        ));
    }
    Json::parse(&request.body_text())
        .map_err(|_| error(400, "ConnectWiseApi", "The body is not valid JSON."))
}
