//! The counts of each day in the SQLite file.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

use super::days::{CountHistory, DailyCounts, DayReading, first_kept};
use super::sqlite::{SqliteStore, decode, encode, immediate, storage};
use crate::error::Result;
use crate::model::{CivilDate, Period};

/// The step of the schema that holds them.
pub(super) const TABLE: &str = "
CREATE TABLE days (
    source      TEXT NOT NULL,
    account     TEXT NOT NULL,
    day         TEXT NOT NULL,
    reading     TEXT NOT NULL,
    PRIMARY KEY (source, account, day)
) STRICT;

CREATE INDEX days_of_source ON days (source, day);
";

#[async_trait]
impl CountHistory for SqliteStore {
    async fn record_days(
        &self,
        source: &str,
        today: CivilDate,
        readings: &[DayReading],
    ) -> Result<()> {
        let (source, readings) = (source.to_owned(), readings.to_vec());
        self.call(move |connection| {
            let transaction = immediate(connection)?;
            for reading in &readings {
                let (account, day) = (reading.account.as_str(), reading.day.to_string());
                let known: Option<String> = transaction
                    .query_row(
                        "SELECT reading FROM days WHERE source = ?1 AND account = ?2 AND day = ?3",
                        params![source, account, day],
                        |row| row.get(0),
                    )
                    .optional()
                    .map_err(storage)?;
                let known: Option<DayReading> = known
                    .map(|text| decode("count of a day", &text))
                    .transpose()?;
                if known.is_none_or(|known| reading.replaces(&known)) {
                    transaction
                        .execute(
                            "INSERT OR REPLACE INTO days (source, account, day, reading)
                             VALUES (?1, ?2, ?3, ?4)",
                            params![source, account, day, encode(reading)?],
                        )
                        .map_err(storage)?;
                }
            }
            transaction
                .execute(
                    "DELETE FROM days WHERE source = ?1 AND day < ?2",
                    params![source, first_kept(today).to_string()],
                )
                .map_err(storage)?;
            transaction.commit().map_err(storage)
        })
        .await
    }

    async fn days(&self, source: &str, period: &Period) -> Result<DailyCounts> {
        let (source, period) = (source.to_owned(), *period);
        self.call(move |connection| {
            let mut query = connection
                .prepare("SELECT reading FROM days WHERE source = ?1 AND day BETWEEN ?2 AND ?3")
                .map_err(storage)?;
            let (start, end) = (period.start().to_string(), period.end().to_string());
            let rows = query
                .query_map(params![source, start, end], |row| row.get::<_, String>(0))
                .map_err(storage)?;
            let mut counts = DailyCounts::new();
            for row in rows {
                counts.add(decode("count of a day", &row.map_err(storage)?)?);
            }
            Ok(counts)
        })
        .await
    }
}
