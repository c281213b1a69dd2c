//! Jobs: started by a POST, asked for until they are ready.

use super::error::{api_error, not_found};
use super::records::ServiceKind;
use super::reports::{self, Range};
use super::state::{CloudmoreState, Location, NotReady};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// What a job makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// The report of all services per organization, of the billing dates between two days, both included.
    Monthly(Range),
    /// The lines of an invoice of recurring and one-time purchases.
    OneTimeInvoice(String),
    /// The consumption that is not billed yet.
    Unbilled,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it makes.
    pub kind: JobKind,
    /// How often it was asked for so far.
    pub polls: usize,
}

/// Starts a job and answers where it is.
pub(super) fn start(
    state: &mut CloudmoreState,
    request: &SimRequest,
    kind: JobKind,
    place: &str,
) -> SimAnswer {
    let id = state.fresh_id();
    let job = Job {
        id: id.clone(),
        kind: kind.clone(),
        polls: 0,
    };
    state.jobs.insert(id.clone(), job);
    let after = Json::object().with("kind", format!("{kind:?}"));
    state.remember("Job", (&id, ""), None, Some(after));
    let path = format!("{place}/{id}");
    let host = request.header("host").unwrap_or("127.0.0.1");
    let location = match &state.options.location {
        Location::Absolute => Some(format!("http://{host}{path}")),
        Location::Relative => Some(path),
        Location::Foreign(base) => Some(format!("{}{path}", base.trim_end_matches('/'))),
        Location::Missing => None,
    };
    let answer = SimAnswer::empty(state.options.start_status);
    match location {
        Some(location) => answer.header("location", location),
        None => answer,
    }
}

/// Asks for a job: the answer that it is not ready, or `None` when it is.
fn waiting(state: &mut CloudmoreState, id: &str) -> Option<SimAnswer> {
    let (polls, signals) = (state.options.polls, state.options.not_ready.clone());
    let job = state.jobs.get_mut(id)?;
    job.polls += 1;
    let at = job.polls;
    if at <= polls {
        let signal = signals.get((at - 1) % signals.len().max(1));
        return Some(match signal.unwrap_or(&NotReady::Accepted) {
            NotReady::Accepted => SimAnswer::empty(202),
            NotReady::NoContent => SimAnswer::empty(204),
            NotReady::NotFound => not_found(state),
            NotReady::EmptyBody => SimAnswer::new(200, "application/json; charset=utf-8", ""),
            NotReady::Status => status("Running"),
        });
    }
    state.options.jobs_fail.then(|| status("Failed"))
}

fn status(word: &str) -> SimAnswer {
    SimAnswer::json(200, &Json::object().with("status", word))
}

/// `GET` of a job's result.
pub(super) fn result(
    state: &mut CloudmoreState,
    id: &str,
    wanted: fn(&JobKind) -> bool,
) -> Result<SimAnswer, SimAnswer> {
    let kind = own(state, id, wanted)?;
    if let Some(answer) = waiting(state, id) {
        return Ok(answer);
    }
    let report = match kind {
        JobKind::Monthly(range) => reports::per_organization(state, range),
        JobKind::OneTimeInvoice(number) => {
            reports::one_time_invoice(state, &number).ok_or_else(|| not_found(state))?
        }
        JobKind::Unbilled => Json::Array(reports::unbilled(state, ServiceKind::AzurePlan)),
    };
    Ok(SimAnswer::json(200, &state.options.names.apply(report)))
}

/// `GET` of the status of a job of unbilled consumption.
pub(super) fn operation_status(
    state: &mut CloudmoreState,
    id: &str,
) -> Result<SimAnswer, SimAnswer> {
    own(state, id, |kind| *kind == JobKind::Unbilled)?;
    Ok(waiting(state, id).unwrap_or_else(|| status("Completed")))
}

/// The rows of a job of unbilled consumption, once its status was asked for often enough.
pub(super) fn operation_rows(state: &mut CloudmoreState, id: &str) -> Result<Vec<Json>, SimAnswer> {
    own(state, id, |kind| *kind == JobKind::Unbilled)?;
    let ready = state
        .jobs
        .get(id)
        .is_some_and(|job| job.polls > state.options.polls);
    if !ready {
        return Err(api_error(state, 404, "The result is not ready."));
    }
    Ok(reports::unbilled(state, ServiceKind::AzurePlan))
}

fn own(
    state: &CloudmoreState,
    id: &str,
    wanted: fn(&JobKind) -> bool,
) -> Result<JobKind, SimAnswer> {
    let job = state.jobs.get(id).filter(|job| wanted(&job.kind));
    job.map(|job| job.kind.clone())
        .ok_or_else(|| not_found(state))
}
