//! Lists: offset and limit, ten rows where none is asked for, the newest first.

use jiff::Timestamp;
use jiff::civil::Date;

use super::error::api;
use super::state::IngramState;
use crate::http::{SimAnswer, SimRequest};
use crate::json::Json;

/// The rows that a request gets of a list that holds the newest last.
pub(super) fn page(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    mut rows: Vec<Json>,
) -> Result<SimAnswer, SimAnswer> {
    rows.reverse();
    let offset = count(state, request, path, "offset", 0, 0)?;
    let limit = count(state, request, path, "limit", 10, 1)?;
    let total = rows.len();
    let rows = rows.into_iter().skip(offset).take(limit).collect();
    Ok(envelope(state, rows, offset, limit, total))
}

/// All rows at once, whatever was asked for.
pub(super) fn whole(state: &mut IngramState, mut rows: Vec<Json>) -> SimAnswer {
    rows.reverse();
    let total = rows.len();
    envelope(state, rows, 0, total, total)
}

fn envelope(
    state: &mut IngramState,
    rows: Vec<Json>,
    offset: usize,
    limit: usize,
    total: usize,
) -> SimAnswer {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mut body = Json::object().with("data", Json::Array(rows));
    if !state.switches.without_pagination {
        let pagination = Json::object()
            .with("offset", number(offset))
            .with("limit", number(limit))
            .with("total", number(total));
        body = body.with("pagination", pagination);
    }
    super::routes::answer(state, &body)
}

fn count(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    name: &str,
    default: usize,
    least: usize,
) -> Result<usize, SimAnswer> {
    let Some(text) = request.query(name) else {
        return Ok(default);
    };
    let parsed = text.parse().ok().filter(|count| *count >= least);
    parsed.ok_or_else(|| invalid(state, path, name, text))
}

/// A filter that is one of some words.
pub(super) fn word<'r>(
    state: &mut IngramState,
    request: &'r SimRequest,
    path: &str,
    name: &str,
    known: &[&str],
) -> Result<Option<&'r str>, SimAnswer> {
    match request.query(name) {
        Some(text) if !known.contains(&text) => Err(invalid(state, path, name, text)),
        found => Ok(found),
    }
}

/// A filter that is a day.
pub(super) fn day(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    name: &str,
) -> Result<Option<Date>, SimAnswer> {
    let Some(text) = request.query(name) else {
        return Ok(None);
    };
    let parsed = (text.len() == 10).then(|| text.parse().ok()).flatten();
    parsed
        .map(Some)
        .ok_or_else(|| invalid(state, path, name, text))
}

/// A filter that is an instant.
pub(super) fn instant(
    state: &mut IngramState,
    request: &SimRequest,
    path: &str,
    name: &str,
) -> Result<Option<Timestamp>, SimAnswer> {
    let Some(text) = request.query(name) else {
        return Ok(None);
    };
    let parsed = text.parse().ok();
    parsed
        .map(Some)
        .ok_or_else(|| invalid(state, path, name, text))
}

fn invalid(state: &mut IngramState, path: &str, name: &str, text: &str) -> SimAnswer {
    let message = format!("Failed to convert the value '{text}' of the parameter '{name}'");
    api(state, 400, path, message)
}
