//! What the SQLite file is asked for about runs and changes.

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::memory::no_run;
use super::sqlite::{decode, newer, storage};
use super::{ChangeRecord, Event, RecordedEvent, RunId, RunRecord, UnsettledChange};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementId, ChangeId};
use crate::plan::Change;

pub(super) fn exists(connection: &Connection, run: &RunId) -> Result<()> {
    let found = connection
        .query_row("SELECT 1 FROM runs WHERE id = ?1", [run.as_str()], |_| {
            Ok(())
        })
        .optional()
        .map_err(storage)?;
    found.ok_or_else(|| no_run(run))
}

pub(super) fn events(connection: &Connection, run: &RunId) -> Result<Vec<RecordedEvent>> {
    read_events(
        connection,
        "SELECT change, seq, at, version, payload FROM events WHERE run = ?1 ORDER BY ordinal",
        params![run.as_str()],
    )
}

pub(super) fn events_of_change(
    connection: &Connection,
    run: &RunId,
    change: &ChangeId,
) -> Result<Vec<RecordedEvent>> {
    read_events(
        connection,
        "SELECT change, seq, at, version, payload FROM events WHERE run = ?1 AND change = ?2
         ORDER BY seq",
        params![run.as_str(), change.as_str()],
    )
}

fn read_events(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<RecordedEvent>> {
    let mut query = connection.prepare(sql).map_err(storage)?;
    let rows = query
        .query_map(params, |row: &Row<'_>| {
            let columns: (String, u32, String, u32, String) = (
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            );
            Ok(columns)
        })
        .map_err(storage)?;
    let mut events = Vec::new();
    for row in rows {
        let (change, seq, at, version, payload) = row.map_err(storage)?;
        if version > Event::VERSION {
            return Err(newer());
        }
        events.push(RecordedEvent {
            change: ChangeId::new(change),
            seq,
            at: at.parse()?,
            event: decode("event", &payload)?,
        });
    }
    Ok(events)
}

/// The changes of a run, on one agreement where one is named.
pub(super) fn changes(
    connection: &Connection,
    run: &RunId,
    agreement: Option<&AgreementId>,
) -> Result<Vec<ChangeRecord>> {
    let mut query = connection
        .prepare(
            "SELECT change FROM changes WHERE run = ?1 AND (?2 IS NULL OR agreement = ?2)
             ORDER BY ordinal",
        )
        .map_err(storage)?;
    let agreement = agreement.map(AgreementId::as_str);
    let rows = query
        .query_map(params![run.as_str(), agreement], |row| {
            row.get::<_, String>(0)
        })
        .map_err(storage)?;
    let mut records = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for row in rows {
        let change: Change = decode("change", &row.map_err(storage)?)?;
        places.insert(change.id.clone(), records.len());
        records.push(ChangeRecord {
            change,
            events: Vec::new(),
        });
    }
    if agreement.is_some() {
        for record in &mut records {
            record.events = events_of_change(connection, run, &record.change.id)?;
            without_gaps(run, record)?;
        }
        return Ok(records);
    }
    for event in events(connection, run)? {
        if let Some(&place) = places.get(&event.change) {
            records[place].events.push(event);
        }
    }
    for record in &records {
        without_gaps(run, record)?;
    }
    Ok(records)
}

/// What happened to a change is told whole or not at all.
fn without_gaps(run: &RunId, record: &ChangeRecord) -> Result<()> {
    let mut events = (0_u32..).zip(&record.events);
    if events.all(|(place, event)| event.seq == place) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Storage,
        format!(
            "events of change {} of run {run} are missing in the journal: it was edited or is damaged",
            record.change.id
        ),
    ))
}

/// The unsettled changes, on one agreement where one is named. The database narrows down to the
/// runs with a write and no end; the events say what that means.
pub(super) fn unsettled(
    connection: &Connection,
    agreement: Option<&AgreementId>,
) -> Result<Vec<UnsettledChange>> {
    let mut query = connection
        .prepare(
            "SELECT record FROM runs WHERE id IN (
                 SELECT changes.run FROM changes
                 JOIN events ON events.run = changes.run AND events.change = changes.id
                 WHERE (?1 IS NULL OR changes.agreement = ?1) AND events.type = 'sent'
                 AND NOT EXISTS (
                     SELECT 1 FROM events AS later
                     WHERE later.run = events.run AND later.change = events.change
                     AND later.type IN ('done', 'drifted', 'failed', 'conflict', 'skipped')))
             ORDER BY ordinal",
        )
        .map_err(storage)?;
    let runs = query
        .query_map([agreement.map(AgreementId::as_str)], |row| {
            row.get::<_, String>(0)
        })
        .map_err(storage)?;
    let mut open = Vec::new();
    for run in runs {
        let run: RunRecord = decode("run", &run.map_err(storage)?)?;
        let changes = changes(connection, &run.id, agreement)?;
        open.extend(UnsettledChange::among(&run, changes));
    }
    Ok(open)
}
