//! What was read of contracts for the changes that come next, so that each needs no read of its own.
//!
//! Units stand for one write: with each change that is read back, the unit rows of those that come next
//! are read as well, so that the rows before a write are as young as if they were read for it alone.
//! Contract and line stand for as long as the descriptor lets lines stand.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::model::{AgreementId, CivilDate, Timestamp};
use tallyline_core::plan::{Action, Change};

use super::AutotaskSink;
use super::map::Frame;
use super::read;
use super::units::Units;
use super::write::effective_day;
use crate::models::ContractService;
use crate::query::{Field, Query};

/// For how long what was read may stand.
pub(super) const HOLDS_FOR: Duration = Duration::from_secs(60);

/// How many lines are read beside the one that is read back. One would do; where changes are passed over, the
/// next are known all the same. The rows of all of them fit on a page.
const BESIDE: usize = 3;

/// The contracts at work.
#[derive(Default)]
pub(super) struct Ahead(Mutex<HashMap<AgreementId, Known>>);

struct Known {
    /// The lines whose units change next, in their order, with the day.
    coming: Vec<(i64, CivilDate)>,
    contract: Option<(Frame, HashMap<i64, ContractService>)>,
    units: HashMap<i64, Rows>,
    /// When the contract was read, or the changes were told.
    at: Timestamp,
}

/// The unit rows of a line from a day on.
struct Rows {
    from: CivilDate,
    units: Units,
    at: Timestamp,
}

/// What is known of a line that a change names.
pub(super) struct Line {
    pub(super) frame: Frame,
    pub(super) line: ContractService,
    /// Its rows, for the one write they are given out for.
    pub(super) units: Option<Units>,
}

fn holds(at: Timestamp, now: Timestamp) -> bool {
    now < at.plus(HOLDS_FOR)
}

/// The line whose units a change sets, and no more than those.
fn line_of(change: &Change) -> Option<i64> {
    let units = matches!(
        change.action,
        Action::SetQuantity { .. } | Action::EndLine { .. }
    );
    change
        .action
        .line()
        .filter(|_| units)?
        .as_str()
        .parse()
        .ok()
}

impl Ahead {
    fn with<R>(&self, work: impl FnOnce(&mut HashMap<AgreementId, Known>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note of the changes of a contract that come next. One alone reads for itself.
    pub(super) fn expect(&self, changes: &[Change], now: Timestamp) {
        let coming: Vec<_> = changes
            .iter()
            .filter_map(|change| Some((line_of(change)?, effective_day(change))))
            .collect();
        let Some(first) = changes.first() else { return };
        self.with(|known| {
            known.retain(|_, known| holds(known.at, now));
            if coming.len() < 2 {
                known.remove(&first.agreement);
                return;
            }
            let new = Known {
                coming,
                contract: None,
                units: HashMap::new(),
                at: now,
            };
            known.insert(first.agreement.clone(), new);
        });
    }

    /// Keeps what was read of a contract, where changes of it come next.
    pub(super) fn keep(
        &self,
        agreement: &AgreementId,
        frame: Frame,
        lines: &[ContractService],
        units: &HashMap<i64, Units>,
        from: CivilDate,
        now: Timestamp,
    ) {
        self.with(|known| {
            let Some(known) = known.get_mut(agreement) else {
                return;
            };
            let by_id = |line: &ContractService| Some((line.id?, line.clone()));
            known.contract = Some((frame, lines.iter().filter_map(by_id).collect()));
            known.at = now;
            known.units = known
                .coming
                .iter()
                .map(|(line, _)| {
                    let units = units.get(line).cloned().unwrap_or_default();
                    (
                        *line,
                        Rows {
                            from,
                            units,
                            at: now,
                        },
                    )
                })
                .collect();
        });
    }

    /// What is known of the line that a change names; its rows are given out once.
    pub(super) fn take(&self, change: &Change, now: Timestamp) -> Option<Line> {
        let id = line_of(change)?;
        let day = effective_day(change);
        self.with(|known| {
            let known = known.get_mut(&change.agreement)?;
            let rows = known.units.remove(&id);
            let (frame, lines) = known.contract.as_ref().filter(|_| holds(known.at, now))?;
            let line = lines.get(&id)?;
            let of = (
                line.contract_id,
                line.service_id.map(|service| service.to_string()),
            );
            let fits = of == (Some(frame.id), Some(change.product.as_str().to_owned()));
            fits.then(|| Line {
                frame: frame.clone(),
                line: line.clone(),
                units: rows
                    .filter(|rows| rows.from <= day && holds(rows.at, now))
                    .map(|rows| rows.units),
            })
        })
    }

    /// Forgets what was read of a contract.
    pub(super) fn forget(&self, agreement: &AgreementId) {
        self.with(|known| known.remove(agreement));
    }

    /// The lines that come after the one of a change, with the first day that is needed of all.
    fn beside(&self, change: &Change, id: i64) -> Vec<(i64, CivilDate)> {
        self.with(|known| {
            let Some(known) = known.get_mut(&change.agreement) else {
                return Vec::new();
            };
            if let Some(place) = known.coming.iter().position(|(line, _)| *line == id) {
                known.coming.drain(..=place);
            }
            let next = known.coming.iter().filter(|(line, _)| *line != id);
            next.take(BESIDE).copied().collect()
        })
    }

    fn keep_units(
        &self,
        agreement: &AgreementId,
        read: Vec<(i64, Units)>,
        from: CivilDate,
        at: Timestamp,
    ) {
        self.with(|known| {
            if let Some(known) = known.get_mut(agreement) {
                let rows = |(line, units)| (line, Rows { from, units, at });
                known.units.extend(read.into_iter().map(rows));
            }
        });
    }
}

/// The rows of a line that is read back, from the day before its change on. Those of the lines that come next are read
/// with them and kept.
pub(super) async fn read_back(sink: &AutotaskSink, change: &Change, id: i64) -> Result<Units> {
    let ahead = &sink.0.ahead;
    let before = effective_day(change).plus_days(-1);
    let beside = ahead.beside(change, id);
    if beside.is_empty() {
        return read::units_of(sink, id, before).await;
    }
    let from = beside
        .iter()
        .map(|(_, day)| *day)
        .fold(before, CivilDate::min);
    let lines: Vec<i64> = std::iter::once(id)
        .chain(beside.into_iter().map(|(line, _)| line))
        .collect();
    let query = Query::matching(Field::CONTRACT_SERVICE_ID.is_one_of(lines.as_slice()));
    let now = sink.now();
    let Ok(mut units) = read::units(sink, query, from).await else {
        // What cannot be read of another line is no reason to doubt this one.
        return read::units_of(sink, id, before).await;
    };
    let mut rows = |line: i64| (line, units.remove(&line).unwrap_or_default());
    let (_, own) = rows(id);
    let others = lines.iter().skip(1).map(|line| rows(*line)).collect();
    ahead.keep_units(&change.agreement, others, from, now);
    Ok(own)
}
