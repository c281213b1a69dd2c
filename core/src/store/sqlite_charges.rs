//! The charges of a company in the SQLite file.

use rusqlite::{Connection, params};

use super::sqlite::{decode, storage};
use super::sqlite_query::{events_of_change, without_gaps};
use super::{ChangeRecord, Ledger, RunRecord};
use crate::error::Result;
use crate::model::CompanyId;
use crate::plan::Change;

/// The step of the schema by which they are found: of the changes it holds charges alone.
pub(super) const INDEX: &str = "
CREATE INDEX charges_of_company ON changes (json_extract(change, '$.company'))
WHERE json_extract(change, '$.action.type') = 'add_charge';
";

/// `CROSS JOIN` keeps the order: the changes are found by the index first, and their runs by those.
pub(super) const CHARGES_OF: &str = "
SELECT runs.record, changes.change FROM changes
CROSS JOIN runs ON runs.id = changes.run
WHERE json_extract(changes.change, '$.action.type') = 'add_charge'
AND json_extract(changes.change, '$.company') = ?1
ORDER BY runs.ordinal, changes.ordinal";

pub(super) fn charges_of(
    connection: &Connection,
    source: &str,
    sink: &str,
    company: &CompanyId,
) -> Result<Ledger> {
    let mut query = connection.prepare_cached(CHARGES_OF).map_err(storage)?;
    let rows = query
        .query_map(params![company.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .map_err(storage)?;
    let mut ledger = Ledger::new();
    let mut last: Option<(String, RunRecord)> = None;
    for row in rows {
        let (text, change) = row.map_err(storage)?;
        let run = match last.take() {
            Some((known, run)) if known == text => run,
            _ => decode("run", &text)?,
        };
        if run.source == source && run.sink == sink {
            let change: Change = decode("change", &change)?;
            let events = events_of_change(connection, &run.id, &change.id)?;
            let record = ChangeRecord { change, events };
            without_gaps(&run.id, &record)?;
            ledger.add(&run, &[], &[record]);
        }
        last = Some((text, run));
    }
    ledger.keep_charges_of(company);
    Ok(ledger)
}
