//! What the SQLite file is asked for about runs and changes.

use rusqlite::{Connection, Params, Row, params};

use super::memory::no_run;
use super::sqlite::{decode, newer, storage};
use super::{ChangeRecord, Event, RecordedEvent, RunRecord, UnsettledChange};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{AgreementId, ChangeId, RunId};
use crate::plan::Change;

pub(super) fn exists(connection: &Connection, run: &RunId) -> Result<()> {
    let found = connection
        .prepare_cached("SELECT 1 FROM runs WHERE id = ?1")
        .and_then(|mut query| query.exists([run.as_str()]))
        .map_err(storage)?;
    if found { Ok(()) } else { Err(no_run(run)) }
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
    let mut query = connection.prepare_cached(sql).map_err(storage)?;
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

const CHANGES: &str = "SELECT change FROM changes WHERE run = ?1 ORDER BY ordinal";

/// By the agreement's index, in which there are few: the `+` takes the run's out of the choice, in which there are
/// all of a run.
const CHANGES_ON: &str =
    "SELECT change FROM changes WHERE agreement = ?2 AND +run = ?1 ORDER BY ordinal";

/// The runs that have a change with a write and no end.
const UNSETTLED: &str = "
SELECT record FROM runs WHERE id IN (
    SELECT changes.run FROM changes
    JOIN events ON events.run = changes.run AND events.change = changes.id
    WHERE events.type = 'sent'
    AND NOT EXISTS (
        SELECT 1 FROM events AS later
        WHERE later.run = events.run AND later.change = events.change
        AND later.type IN ('done', 'drifted', 'failed', 'conflict', 'skipped')))
ORDER BY ordinal";

/// Those that have one on an agreement. The changes are found by the agreement's index first, and the runs by
/// those: `CROSS JOIN` keeps the order.
const UNSETTLED_ON: &str = "
SELECT record FROM runs WHERE id IN (
    SELECT changes.run FROM changes
    CROSS JOIN events ON events.run = changes.run AND events.change = changes.id
    WHERE changes.agreement = ?1 AND events.type = 'sent'
    AND NOT EXISTS (
        SELECT 1 FROM events AS later
        WHERE later.run = events.run AND later.change = events.change
        AND later.type IN ('done', 'drifted', 'failed', 'conflict', 'skipped')))
ORDER BY ordinal";

/// The changes of a run, on one agreement where one is named.
pub(super) fn changes(
    connection: &Connection,
    run: &RunId,
    agreement: Option<&AgreementId>,
) -> Result<Vec<ChangeRecord>> {
    let sql = match agreement {
        Some(_) => CHANGES_ON,
        None => CHANGES,
    };
    let mut query = connection.prepare_cached(sql).map_err(storage)?;
    let agreement = agreement.map(AgreementId::as_str);
    let rows = match agreement {
        Some(agreement) => query.query(params![run.as_str(), agreement]),
        None => query.query(params![run.as_str()]),
    };
    let rows = rows.map_err(storage)?.mapped(|row| row.get::<_, String>(0));
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
pub(super) fn without_gaps(run: &RunId, record: &ChangeRecord) -> Result<()> {
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
    let sql = match agreement {
        Some(_) => UNSETTLED_ON,
        None => UNSETTLED,
    };
    let mut query = connection.prepare_cached(sql).map_err(storage)?;
    let runs = match agreement {
        Some(agreement) => query.query([agreement.as_str()]),
        None => query.query([]),
    };
    let runs = runs.map_err(storage)?.mapped(|row| row.get::<_, String>(0));
    let mut open = Vec::new();
    for run in runs {
        let run: RunRecord = decode("run", &run.map_err(storage)?)?;
        let changes = changes(connection, &run.id, agreement)?;
        open.extend(UnsettledChange::among(&run, changes));
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteStore;
    use crate::store::sqlite_charges::CHARGES_OF;

    #[test]
    fn what_is_asked_about_one_agreement_is_found_without_a_look_at_all_others() {
        let store = SqliteStore::open_in_memory().unwrap();
        let connection = store.lock_for_test();
        for (sql, index) in [
            (CHANGES_ON, "changes_of_agreement"),
            (UNSETTLED_ON, "changes_of_agreement"),
            (CHARGES_OF, "charges_of_company"),
        ] {
            let explained = format!("EXPLAIN QUERY PLAN {sql}");
            let mut query = connection.prepare(&explained).unwrap();
            let steps = query.raw_query().mapped(|row| row.get::<_, String>(3));
            let steps: Vec<String> = steps.map(std::result::Result::unwrap).collect();
            assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
            assert!(
                !steps.iter().any(|step| step.starts_with("SCAN")),
                "{steps:?}"
            );
        }
    }
}
