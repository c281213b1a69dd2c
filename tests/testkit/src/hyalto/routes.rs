//! The operations. Paths are exact, their trailing slashes among it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::error::error;
use super::records::Service;
use super::state::{HyAltoState, TokenPaths};
use super::{auth, wire};
use crate::http::{SimAnswer, SimRequest};

type Handled = Result<SimAnswer, SimAnswer>;

/// Answers one request.
pub(super) fn handle(state: &mut HyAltoState, request: &SimRequest) -> SimAnswer {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let handled = match segments.as_slice() {
        ["accountManagement", "auth", "token"] if state.token_paths != TokenPaths::WithSlash => {
            auth::token(state, request)
        }
        ["accountManagement", "auth", "token", ""]
            if state.token_paths != TokenPaths::WithoutSlash =>
        {
            auth::token(state, request)
        }
        path => read(state, request, path),
    };
    handled.unwrap_or_else(|refusal| refusal)
}

fn read(state: &mut HyAltoState, request: &SimRequest, path: &[&str]) -> Handled {
    let resource = match path {
        ["accountManagement", "accounts", ""] => "accounts",
        ["serviceOfferings", "accounts", _, "services", ""] => "services",
        ["solutions", "usage", "account", _, "raw"] => "usage",
        _ => return Err(error(404, "Not Found")),
    };
    if request.method != "GET" {
        return Err(error(405, "Method Not Allowed"));
    }
    auth::admit(state, request, resource)?;
    match path {
        ["serviceOfferings", _, account, ..] => {
            no_parameters(request)?;
            let account = account_of(state, account)?;
            let rows = account.services.iter();
            let rows = rows.map(|own| wire::service(state, own)).collect();
            Ok(SimAnswer::json(200, &wire::list(state, "services", rows)))
        }
        ["solutions", _, _, account, _] => usage(state, request, account),
        _ => {
            no_parameters(request)?;
            let rows = state.accounts.iter();
            let rows = rows.map(|own| wire::account(state, own)).collect();
            Ok(SimAnswer::json(200, &wire::list(state, "accounts", rows)))
        }
    }
}

fn no_parameters(request: &SimRequest) -> Result<(), SimAnswer> {
    match request.query.first() {
        None => Ok(()),
        Some((name, _)) => Err(error(400, &format!("Unknown parameter {name}"))),
    }
}

fn account_of<'s>(
    state: &'s HyAltoState,
    id: &str,
) -> Result<&'s super::records::Account, SimAnswer> {
    let mut accounts = state.accounts.iter();
    accounts
        .find(|own| own.id.to_string() == id)
        .ok_or_else(|| error(404, "Account not found"))
}

/// The series of one service, or of all where none is named.
fn usage(state: &HyAltoState, request: &SimRequest, account: &str) -> Handled {
    let known = [
        "filter[Services_id]",
        "filter[startTime]",
        "filter[endTime]",
    ];
    for (at, (name, _)) in request.query.iter().enumerate() {
        let earlier = request.query.iter().take(at);
        if !known.contains(&name.as_str()) || earlier.clone().any(|(other, _)| other == name) {
            return Err(error(400, &format!("Invalid filter {name}")));
        }
    }
    let from = time(request, "filter[startTime]")?;
    let to = time(request, "filter[endTime]")?;
    if from > to {
        return Err(error(400, "Invalid filter: startTime is after endTime"));
    }
    let account = account_of(state, account)?;
    let wanted = request.query("filter[Services_id]");
    let is = |own: &&Service| wanted.is_none_or(|id| own.id.to_string() == id);
    if !account.services.iter().any(|own| is(&own)) && wanted.is_some() {
        return Err(error(404, "Service not found"));
    }
    let services = account
        .services
        .iter()
        .filter(|own| state.switches.all_services || is(own))
        .filter(|own| !(state.switches.without_silent && own.properties.is_empty()));
    let services = services
        .map(|own| wire::usage(state, own, from, to))
        .collect();
    Ok(SimAnswer::json(200, &wire::services(state, services)))
}

/// `YYYY-MM-DDTHH:MM:SS`, and nothing else.
fn time(request: &SimRequest, name: &str) -> Result<Timestamp, SimAnswer> {
    let refused = || {
        error(
            400,
            &format!("Invalid filter {name}: give YYYY-MM-DDTHH:MM:SS"),
        )
    };
    let text = request.query(name).ok_or_else(refused)?;
    if text.len() != 19 || text.as_bytes().get(10) != Some(&b'T') {
        return Err(refused());
    }
    let civil: DateTime = text.parse().map_err(|_| refused())?;
    let zoned = civil.to_zoned(TimeZone::UTC).map_err(|_| refused())?;
    Ok(zoned.timestamp())
}
