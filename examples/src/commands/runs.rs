//! Runs of the journal, by what is typed of their ids.

use tallyline_core::mapping::Mapping;
use tallyline_core::store::{ChangeRecord, Journal as _, RunRecord, SqliteStore};
use tallyline_core::{Error, ErrorKind, Result};

use crate::config::Config;
use crate::output::safe;

/// How many runs an id is looked for in.
const RUNS: usize = 10_000;

/// The journal, where anything was applied yet.
///
/// # Errors
/// `Storage` when the file cannot be read.
pub(super) fn journal(config: &Config) -> Result<Option<SqliteStore>> {
    if config.journal.exists() {
        SqliteStore::open(&config.journal).map(Some)
    } else {
        Ok(None)
    }
}

/// Where the counts of each day are kept, beside the journal, where a rule of the mapping takes them.
///
/// # Errors
/// `Storage` when the file cannot be opened.
pub(super) fn count_history(config: &Config, mapping: &Mapping) -> Result<Option<SqliteStore>> {
    if mapping.counted_by_day().is_empty() {
        return Ok(None);
    }
    SqliteStore::open(&config.journal).map(Some)
}

/// The one run whose id is this or begins so, with its changes.
///
/// # Errors
/// `NotFound` when there is none, `Config` when there are several.
pub(super) async fn find(
    config: &Config,
    start: &str,
) -> Result<(SqliteStore, RunRecord, Vec<ChangeRecord>)> {
    let start = start.trim();
    let none = || {
        Error::new(
            ErrorKind::NotFound,
            format!("there is no run {}; see `tallyline status`", safe(start)),
        )
    };
    let journal = journal(config)?.ok_or_else(none)?;
    let mut runs = journal.runs(RUNS).await?;
    if !runs.iter().any(|run| run.id.as_str() == start) {
        runs.retain(|run| !start.is_empty() && run.id.as_str().starts_with(start));
    } else {
        runs.retain(|run| run.id.as_str() == start);
    }
    let found = runs.pop().ok_or_else(none)?;
    if !runs.is_empty() {
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "more than one run begins with {}; give more of the id",
                safe(start)
            ),
        ));
    }
    let records = journal.changes(&found.id).await?;
    Ok((journal, found, records))
}
