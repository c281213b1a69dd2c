//! Alerts, which become tickets of the PSA.

use super::body::{self, Member};
use super::error::error;
use super::routes::Handled;
use super::state::{Alert, GradientState};
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

const MEMBERS: [Member; 7] = [
    Member::text("title").required(),
    Member::text("description").required(),
    Member::text("alertId").required(),
    Member::whole("priority", 1, 4),
    Member::whole("status", 1, 6),
    Member::text("dueDateTime"),
    Member::text("serviceId"),
];

/// `POST /alerting/{accountId}`
pub(super) fn create(state: &mut GradientState, request: &SimRequest, account: &str) -> Handled {
    let alert = body::object(request, &MEMBERS)?;
    let known = state.accounts.iter().any(|known| known.id == account);
    if !known || !state.mapped_accounts.contains(account) {
        return Err(super::error::no_map(account));
    }
    let alert_id = body::text(&alert, "alertId").unwrap_or_default();
    if state.alerts.iter().any(|known| known.alert_id == alert_id) {
        return Err(error(
            409,
            &format!("An alert with id {alert_id} already exists"),
        ));
    }
    let message_id = state.fresh_id();
    let body = Json::object()
        .with("messageId", message_id.as_str())
        .with("alertId", alert_id.as_str())
        .with("correlationID", state.fresh_id());
    state.alerts.push(Alert {
        alert_id,
        account: account.to_owned(),
        message_id,
        asked: 0,
    });
    Ok(SimAnswer::json(201, &body))
}

/// `GET /alerting/debug/{messageId}`
pub(super) fn status(state: &mut GradientState, message: &str) -> Handled {
    let found = state
        .alerts
        .iter_mut()
        .find(|alert| alert.message_id == message);
    let Some(alert) = found else {
        return Err(error(404, &format!("No message found with id: {message}")));
    };
    alert.asked += 1;
    let body = Json::object().with("messageId", message);
    let body = if alert.asked == 1 {
        body.with("status", "pending")
            .with("statusCode", Json::Null)
    } else {
        body.with("status", "success")
            .with("statusCode", 201_i64)
            .with("ticketId", "T20260315.0001")
            .with("createdAt", "2026-03-15T12:00:00.000Z")
            .with("errors", Json::Array(Vec::new()))
    };
    Ok(SimAnswer::json(200, &body))
}
