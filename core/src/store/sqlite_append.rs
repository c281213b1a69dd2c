//! Adding events to the SQLite file.

use rusqlite::{Connection, OptionalExtension, params};

use super::lease::wrong_lease;
use super::memory::{no_change, out_of_step};
use super::sqlite::{encode, storage};
use super::sqlite_lease;
use super::sqlite_query::exists;
use super::sqlite_shared::Commit;
use super::{Event, Lease, RecordedEvent};
use crate::error::Result;
use crate::model::RunId;

/// How many events a change has, and whose lease it takes to add to them.
pub(super) const HAS: &str = "
SELECT (SELECT count(*) FROM events
        WHERE events.run = changes.run AND events.change = changes.id),
       changes.agreement, json_extract(runs.record, '$.sink')
FROM changes JOIN runs ON runs.id = changes.run
WHERE changes.run = ?1 AND changes.id = ?2";

pub(super) const ADD: &str = "
INSERT INTO events (run, change, seq, at, type, version, payload)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Adds events, each with its payload; those of one change follow one another. All is looked at before
/// anything is written, so that a refusal leaves nothing behind in a transaction that others share.
pub(super) fn append(
    connection: &Connection,
    lease: &Lease,
    run: &RunId,
    events: &[(RecordedEvent, String)],
) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    for of_change in events.chunk_by(|(one, _), (next, _)| one.change == next.change) {
        check(connection, lease, run, of_change)?;
    }
    sqlite_lease::keep(connection, lease, true)?;
    for (event, payload) in events {
        add_event(connection, run, event, payload)?;
    }
    Ok(())
}

/// Refuses events of a change that do not follow those that it has, or that the lease is not for.
fn check(
    connection: &Connection,
    lease: &Lease,
    run: &RunId,
    events: &[(RecordedEvent, String)],
) -> Result<()> {
    let Some((first, _)) = events.first() else {
        return Ok(());
    };
    let found: Option<(u32, String, String)> = connection
        .prepare_cached(HAS)
        .and_then(|mut query| {
            query.query_row(params![run.as_str(), first.change.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
        })
        .optional()
        .map_err(storage)?;
    let Some((expected, agreement, sink)) = found else {
        exists(connection, run)?;
        return Err(no_change(run, first));
    };
    if agreement != lease.agreement.as_str() || sink != lease.sink {
        return Err(wrong_lease(lease));
    }
    for (place, (event, _)) in (expected..).zip(events) {
        if event.seq != place {
            return Err(out_of_step(run, event, place.into()));
        }
    }
    Ok(())
}

/// Events with their payloads.
///
/// # Errors
/// `Unexpected` when one cannot be written as JSON.
pub(super) fn encoded(events: &[RecordedEvent]) -> Result<Vec<(RecordedEvent, String)>> {
    let encoded = events.iter().map(|event| {
        let payload = encode(&event.event)?;
        Ok((event.clone(), payload))
    });
    encoded.collect()
}

/// What is committed with an event: one that a write leaves on is on the disk before.
pub(super) fn commit_of(events: &[RecordedEvent]) -> Commit {
    let is_sent = |recorded: &RecordedEvent| matches!(recorded.event, Event::Sent { .. });
    if events.iter().any(is_sent) {
        return Commit::Waits;
    }
    Commit::Follows
}

pub(super) fn add_event(
    connection: &Connection,
    run: &RunId,
    event: &RecordedEvent,
    payload: &str,
) -> Result<()> {
    connection
        .prepare_cached(ADD)
        .and_then(|mut insert| {
            insert.execute(params![
                run.as_str(),
                event.change.as_str(),
                event.seq,
                event.at.to_string(),
                event.event.name(),
                Event::VERSION,
                payload
            ])
        })
        .map_err(storage)?;
    Ok(())
}
