//! Records as the API writes them.

use jiff::Timestamp;

use super::records::{Account, Change, Service};
use super::state::{HyAltoState, Listing};
use crate::json::Json;

fn id(state: &HyAltoState, id: i64) -> Json {
    if state.switches.ids_as_text {
        id.to_string().into()
    } else {
        id.into()
    }
}

pub(super) fn account(state: &HyAltoState, account: &Account) -> Json {
    Json::object()
        .with("id", id(state, account.id))
        .with("companyName", &account.name)
}

pub(super) fn service(state: &HyAltoState, service: &Service) -> Json {
    let meta = Json::object().with_some("type", service.kind.clone());
    Json::object()
        .with("id", id(state, service.id))
        .with("name", &service.name)
        .with("metaData", meta)
}

/// A list in the form that the switches say.
pub(super) fn list(state: &HyAltoState, resource: &str, rows: Vec<Json>) -> Json {
    let rows = Json::Array(rows);
    match state.switches.listing {
        Listing::Array => rows,
        Listing::Under(name) => Json::object().with(name, rows),
        Listing::Counted(total) => Json::object().with(resource, rows).with("total", total),
    }
}

/// Records as a list, or the only one alone.
fn one_or_many(state: &HyAltoState, mut rows: Vec<Json>) -> Json {
    if state.switches.one_as_object
        && rows.len() == 1
        && let Some(one) = rows.pop()
    {
        return one;
    }
    Json::Array(rows)
}

pub(super) fn services(state: &HyAltoState, services: Vec<Json>) -> Json {
    Json::object().with("services", one_or_many(state, services))
}

/// The usage of a service: of each property the changes within a time, both ends included.
pub(super) fn usage(state: &HyAltoState, own: &Service, from: Timestamp, to: Timestamp) -> Json {
    let properties = own.properties.iter().fold(Json::object(), |all, property| {
        let before = property.changes.iter().filter(|change| change.at < from);
        let in_force = before
            .max_by_key(|change| change.at)
            .filter(|_| state.switches.in_force_at_start);
        let within = property.changes.iter();
        let within = within.filter(|change| from <= change.at && change.at <= to);
        let mut changes: Vec<&Change> = in_force.into_iter().chain(within).collect();
        if state.switches.newest_first {
            changes.reverse();
        }
        let changes = changes.into_iter().map(|own| change(state, own)).collect();
        let series = Json::object().with("changes", one_or_many(state, changes));
        all.with(&property.name, series)
    });
    Json::object()
        .with("id", id(state, own.id))
        .with("name", &own.name)
        .with("properties", properties)
}

fn change(state: &HyAltoState, change: &Change) -> Json {
    let value = change.value.to_string();
    let value = if state.switches.values_as_text {
        Json::Text(value)
    } else {
        Json::Number(value)
    };
    let at = change.at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    Json::object()
        .with("timestamp", at)
        .with("value", value)
        .with_some("unit_size", change.unit_size.clone())
}
