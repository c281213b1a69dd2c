//! Amendments and cancellations: accepted at once, applied later.

use super::problem::{invalid, not_found, problem};
use super::state::{CancelledSubscriptions, SherwebState};
use super::wire::is_uuid;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// A write that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The id of the old status call.
    pub amendment_id: String,
    /// The id of the tracking call.
    pub tracking_id: String,
    /// The customer.
    pub customer_id: String,
    /// What was asked for.
    pub kind: JobKind,
    /// How often its status was asked.
    pub polls: u32,
    /// What came of it; `None` while it is in work.
    pub outcome: Option<JobOutcome>,
}

/// What a job changes.
#[derive(Clone, Debug, PartialEq)]
pub enum JobKind {
    /// Sets quantities: subscription id and wanted total.
    Amend(Vec<(String, i64)>),
    /// Cancels subscriptions.
    Cancel(Vec<String>),
}

/// What came of a job, per subscription.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobOutcome {
    /// The subscriptions changed.
    pub applied: Vec<String>,
    /// The subscriptions refused.
    pub refused: Vec<String>,
}

/// Refuses a body that is not JSON, or has a member that is not known.
fn body(request: &SimRequest, known: &[&str]) -> Result<Json, SimAnswer> {
    if request.media_type().as_deref() != Some("application/json") {
        return Err(problem(
            415,
            "Unsupported Media Type",
            "The body must be application/json.",
        ));
    }
    let json = Json::parse(&request.body_text())
        .map_err(|_| invalid("$", "The body is not valid JSON."))?;
    check_members(&json, known)?;
    Ok(json)
}

fn check_members(json: &Json, known: &[&str]) -> Result<(), SimAnswer> {
    let Some(members) = json.members() else {
        return Err(invalid("$", "An object is expected."));
    };
    match members
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        Some((name, _)) => Err(invalid(name, &format!("The member '{name}' is not known."))),
        None => Ok(()),
    }
}

fn owned(
    state: &SherwebState,
    customer_id: &str,
    id: Option<&Json>,
    member: &str,
) -> Result<String, SimAnswer> {
    let id = id.and_then(Json::text).filter(|id| is_uuid(id));
    let id = id.ok_or_else(|| invalid(member, &format!("The {member} must be a UUID.")))?;
    let found = state
        .subscription(id)
        .filter(|subscription| subscription.customer_id == customer_id);
    found
        .map(|subscription| subscription.id.clone())
        .ok_or_else(|| not_found("Subscription", id))
}

/// `POST /billing/subscriptions/amendments`.
pub(super) fn amend(
    state: &mut SherwebState,
    customer_id: &str,
    request: &SimRequest,
) -> Result<SimAnswer, SimAnswer> {
    const MEMBER: &str = "subscriptionAmendmentParameters";
    let json = body(request, &[MEMBER])?;
    let items = json
        .get(MEMBER)
        .and_then(Json::items)
        .filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| invalid(MEMBER, "At least one amendment is required."))?;
    let mut wanted = Vec::new();
    for item in items {
        check_members(item, &["subscriptionId", "newQuantity"])?;
        let id = owned(
            state,
            customer_id,
            item.get("subscriptionId"),
            "subscriptionId",
        )?;
        let quantity = item
            .get("newQuantity")
            .and_then(Json::integer)
            .and_then(|n| i32::try_from(n).ok());
        let quantity = quantity.filter(|n| *n >= 0);
        let quantity = quantity.ok_or_else(|| {
            invalid(
                "newQuantity",
                "The newQuantity must be a whole number, zero or more.",
            )
        })?;
        wanted.push((id, i64::from(quantity)));
    }
    Ok(accept(state, customer_id, JobKind::Amend(wanted)))
}

/// `POST /billing/subscriptions/cancellations`.
pub(super) fn cancel(
    state: &mut SherwebState,
    customer_id: &str,
    request: &SimRequest,
) -> Result<SimAnswer, SimAnswer> {
    let json = body(request, &["subscriptionIds"])?;
    let items = json
        .get("subscriptionIds")
        .and_then(Json::items)
        .filter(|items| !items.is_empty());
    let items = items
        .ok_or_else(|| invalid("subscriptionIds", "At least one subscription is required."))?;
    let ids = items
        .iter()
        .map(|id| owned(state, customer_id, Some(id), "subscriptionIds"))
        .collect::<Result<_, _>>()?;
    Ok(accept(state, customer_id, JobKind::Cancel(ids)))
}

fn accept(state: &mut SherwebState, customer_id: &str, kind: JobKind) -> SimAnswer {
    let amendment_id = state.fresh_id('b');
    let tracking_id = state.fresh_id('f');
    let tracking = Json::object().with("requestTrackingId", &tracking_id);
    let receipt = match &kind {
        JobKind::Cancel(_) => Json::object().with("trackingId", tracking),
        JobKind::Amend(_) => {
            let receipt = Json::object().with("subscriptionsAmendmentId", &amendment_id);
            if state.switches.tracking_receipts {
                receipt.with("trackingId", tracking)
            } else {
                receipt
            }
        }
    };
    let customer_id = customer_id.to_owned();
    state.jobs.push(Job {
        amendment_id,
        tracking_id,
        customer_id,
        kind,
        polls: 0,
        outcome: None,
    });
    SimAnswer::json(200, &receipt)
}

/// Applies a job, once.
pub(super) fn complete(state: &mut SherwebState, at: usize) {
    let Some(job) = state
        .jobs
        .get(at)
        .filter(|job| job.outcome.is_none())
        .cloned()
    else {
        return;
    };
    let today = state.clock.today();
    let vanish = state.switches.cancelled_subscriptions == CancelledSubscriptions::Vanish;
    let mut outcome = JobOutcome::default();
    let wanted: Vec<(String, Option<i64>)> = match job.kind {
        JobKind::Amend(wanted) => wanted
            .into_iter()
            .map(|(id, quantity)| (id, Some(quantity)))
            .collect(),
        JobKind::Cancel(ids) => ids.into_iter().map(|id| (id, None)).collect(),
    };
    for (id, quantity) in wanted {
        let Some(subscription) = state.subscription_mut(&id) else {
            outcome.refused.push(id);
            continue;
        };
        if quantity.unwrap_or(0) < subscription.floor(today) {
            outcome.refused.push(id);
            continue;
        }
        subscription.quantity = quantity.unwrap_or(0);
        if quantity.is_none() && vanish {
            state.remove_subscription(&id);
        }
        outcome.applied.push(id);
    }
    if let Some(job) = state.jobs.get_mut(at) {
        job.outcome = Some(outcome);
    }
}

fn poll(state: &mut SherwebState, at: usize) -> Option<&Job> {
    let due = state.switches.polls_until_applied;
    let job = state.jobs.get_mut(at)?;
    job.polls += 1;
    if job.polls > due {
        complete(state, at);
    }
    state.jobs.get(at)
}

/// `GET /billing/subscriptions/amendments/{id}/status`: a bare string.
pub(super) fn amendment_status(state: &mut SherwebState, id: &str) -> Result<SimAnswer, SimAnswer> {
    let at = state.jobs.iter().position(|job| job.amendment_id == id);
    let job = at
        .and_then(|at| poll(state, at))
        .ok_or_else(|| not_found("Amendment", id))?;
    let status = match &job.outcome {
        None if job.polls <= 1 => "Pending",
        None => "Processing",
        Some(outcome) if outcome.refused.is_empty() => "Success",
        Some(outcome) if outcome.applied.is_empty() => "Failure",
        Some(_) => "PartialSuccess",
    };
    Ok(SimAnswer::json(200, &Json::from(status)))
}

/// `GET /tracking/{id}`: an object with a status.
pub(super) fn tracking(state: &mut SherwebState, id: &str) -> Result<SimAnswer, SimAnswer> {
    let at = state.jobs.iter().position(|job| job.tracking_id == id);
    let job = at
        .and_then(|at| poll(state, at))
        .ok_or_else(|| not_found("Tracking", id))?;
    let status = match &job.outcome {
        None if job.polls <= 1 => "Queued",
        None => "Processing",
        Some(outcome) if outcome.refused.is_empty() => "Success",
        Some(_) => "Failure",
    };
    Ok(SimAnswer::json(200, &Json::object().with("status", status)))
}
