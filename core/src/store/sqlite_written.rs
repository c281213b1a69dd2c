//! Looking for changes across all runs of the SQLite file.

use rusqlite::{Connection, params};

use super::sqlite::{decode, storage};
use super::sqlite_query::events_of_change;
use super::{ChangeRecord, WrittenChange, WrittenPosition, WrittenQuery};
use crate::error::Result;
use crate::model::{ChangeId, Timestamp};

/// The first write of each change; the table's own order is the order of time.
const WRITTEN: &str = "
SELECT sent.ordinal, sent.at, runs.record, changes.change, changes.id
FROM events AS sent
JOIN changes ON changes.run = sent.run AND changes.id = sent.change
JOIN runs ON runs.id = sent.run
WHERE sent.ordinal > ?1
AND sent.type = 'sent' AND json_extract(sent.payload, '$.attempt') = 1
AND (?2 IS NULL OR changes.agreement = ?2)
AND (?3 IS NULL OR json_extract(changes.change, '$.company') = ?3)
AND (?4 IS NULL OR json_extract(changes.change, '$.product') = ?4)
AND (?5 IS NULL OR json_extract(changes.change, '$.evidence.undoes.run') = ?5)
AND (?6 IS NULL OR sent.at >= ?6)
AND (?7 IS NULL OR json_extract(changes.change, '$.action.line') = ?7 OR EXISTS (
    SELECT 1 FROM events AS answer
    WHERE answer.run = sent.run AND answer.change = sent.change
    AND (json_extract(answer.payload, '$.receipt.line') = ?7
        OR json_extract(answer.payload, '$.verdict.landed.line') = ?7)))
ORDER BY sent.ordinal LIMIT ?8";

pub(super) fn written(
    connection: &Connection,
    query: &WrittenQuery,
    after: WrittenPosition,
    limit: usize,
) -> Result<Vec<WrittenChange>> {
    let mut statement = connection.prepare(WRITTEN).map_err(storage)?;
    let rows = statement
        .query_map(
            params![
                i64::try_from(after.number()).unwrap_or(i64::MAX),
                query.agreement.as_ref().map(|id| id.as_str()),
                query.company.as_ref().map(|id| id.as_str()),
                query.product.as_ref().map(|id| id.as_str()),
                query.undoes.as_ref().map(|id| id.as_str()),
                // An instant is stored as a text that begins with its day.
                query.since.map(|day| day.to_string()),
                query.line.as_ref().map(|id| id.as_str()),
                i64::try_from(limit).unwrap_or(i64::MAX),
            ],
            |row| {
                let columns: (i64, String, String, String, String) = (
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                );
                Ok(columns)
            },
        )
        .map_err(storage)?;
    let mut found = Vec::new();
    for row in rows {
        let (ordinal, at, run, change, id) = row.map_err(storage)?;
        let run: super::RunRecord = decode("run", &run)?;
        let sent: Timestamp = at.parse()?;
        let record = ChangeRecord {
            change: decode("change", &change)?,
            events: events_of_change(connection, &run.id, &ChangeId::new(id))?,
        };
        let position = WrittenPosition::new(u64::try_from(ordinal).unwrap_or_default());
        found.push(WrittenChange::new(position, sent, run, record));
    }
    Ok(found)
}
