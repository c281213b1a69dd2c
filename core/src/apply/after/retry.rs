//! Bringing again what a run could not do, and nothing else.

use std::collections::BTreeSet;
use std::fmt;

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::{PAGE, Standing, written};
use crate::apply::agreement::already_holds;
use crate::apply::{Ceiling, ChangeResult};
use crate::error::{Error, ErrorKind, Result};
use crate::model::RunId;
use crate::plan::{Action, Change, Notice, Origin, Plan};
use crate::reconcile::PsaBook;
use crate::store::{ChangeRecord, ChangeState, Journal, RunRecord, WrittenQuery};

/// A retry of a run: a plan of its own for what is still in error, and what is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// The plan.
    pub plan: Plan,
    /// The changes of the run that are in error and have no place in the plan.
    pub left_out: Vec<NotRetried>,
}

/// A change that a retry does not bring again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotRetried {
    /// The change.
    pub change: Change,
    /// Why not.
    pub why: LeftOut,
}

/// Why a change is not brought again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftOut {
    /// The PSA shows what the change wanted.
    Landed,
    /// The two sides agree now, or another line takes its place.
    NothingToDo,
    /// It is not planned now, for a reason that the plan gives.
    NotPlanned {
        /// The reason.
        reason: String,
    },
    /// A person has to look at the line in the PSA first.
    Conflict {
        /// What was found there.
        detail: String,
    },
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Landed => f.write_str("it has landed meanwhile: the PSA shows what it wanted"),
            Self::NothingToDo => f.write_str("nothing is to be done any more"),
            Self::NotPlanned { reason } => write!(f, "it is not planned now: {reason}"),
            Self::Conflict { detail } => write!(
                f,
                "a person has to look at the line in the PSA first, then a new plan: {detail}"
            ),
        }
    }
}

/// The changes of a run that are in error: they failed or drifted, or were passed over because
/// of those.
///
/// # Errors
/// `Conflict` with their names when changes may still be on their way or were not begun: the
/// run is to be resumed first. `Unsupported` when the run is an undo: what a retry plans is
/// what the vendor says, the opposite.
pub fn in_error<'r>(run: &RunId, records: &'r [ChangeRecord]) -> Result<Vec<&'r Change>> {
    if let Some(undoes) = records
        .iter()
        .find_map(|record| record.change.evidence.undoes.as_ref())
    {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "run {run} is an undo and cannot be retried: undo run {} again",
                undoes.run
            ),
        ));
    }
    let mut open = records
        .iter()
        .filter(|record| !record.state().is_settled())
        .peekable();
    if open.peek().is_some() {
        let names: Vec<String> = open.map(|record| named(&record.change)).collect();
        return Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "run {run} is not finished and is to be resumed first; open are: {}",
                names.join("; ")
            ),
        ));
    }
    Ok(records
        .iter()
        .filter(|record| is_in_error(record))
        .map(|record| &record.change)
        .collect())
}

fn is_in_error(record: &ChangeRecord) -> bool {
    let standing = Standing::of(&ChangeResult::of(record));
    matches!(
        standing,
        Some(Standing::Failed | Standing::Refused | Standing::Drifted | Standing::Skipped)
    )
}

/// A change by its place and what it does.
fn named(change: &Change) -> String {
    let labels = &change.labels;
    let place = [&labels.company, &labels.agreement, &labels.product];
    let place: Vec<&str> = place
        .iter()
        .map(|part| part.as_str())
        .filter(|part| !part.is_empty())
        .collect();
    if place.is_empty() {
        return format!("agreement {}: {}", change.agreement, change.action);
    }
    format!("{}: {}", place.join(", "), change.action)
}

/// Restricts a fresh plan of the whole to the agreements, products and lines of a run's changes
/// in error.
///
/// The fresh plan is one of both sides as they are now, so that its figures, guards and
/// evidence are of the present; `book` is the PSA's side that it was made on.
///
/// # Errors
/// As [`in_error`]; `Config` when the plan is of other systems than the run, `Unexpected` when
/// the plan cannot be hashed.
pub fn retry(
    run: &RunRecord,
    records: &[ChangeRecord],
    fresh: &Plan,
    book: &PsaBook,
) -> Result<Retry> {
    let wanted = in_error(&run.id, records)?;
    let mut content = fresh.content().clone();
    if (content.source.as_str(), content.sink.as_str()) != (run.source.as_str(), run.sink.as_str())
    {
        return Err(Error::new(
            ErrorKind::Config,
            format!(
                "run {} was from {} to {}, and the plan is from {} to {}",
                run.id, run.source, run.sink, content.source, content.sink
            ),
        ));
    }
    content.origin = Some(Origin::Retry {
        run: run.id.clone(),
    });
    // What is left of a bill beside the changes in error is not in the plan.
    content.bills.clear();
    content
        .changes
        .retain(|change| wanted.iter().any(|target| is_target(target, change)));
    content
        .notices
        .retain(|notice| wanted.iter().any(|target| is_about(notice, target)));
    let mut left_out = Vec::new();
    for record in records {
        let change = &record.change;
        let why = if record.state() == ChangeState::Conflict {
            let detail = ChangeResult::of(record).detail;
            LeftOut::Conflict { detail }
        } else if is_in_error(record) && !content.changes.iter().any(|new| is_target(change, new)) {
            why_not(change, &content.notices, book)
        } else {
            continue;
        };
        left_out.push(NotRetried {
            change: change.clone(),
            why,
        });
    }
    Ok(Retry {
        plan: Plan::new(content)?,
        left_out,
    })
}

/// Whether a new change is of the agreement, product and line of an earlier one. One that was
/// to create a line is about any line that its product has got meanwhile.
fn is_target(earlier: &Change, new: &Change) -> bool {
    if earlier.action.makes_record() {
        return earlier.agreement == new.agreement && same_record(earlier, new);
    }
    earlier.agreement == new.agreement
        && earlier.product == new.product
        && !new.action.makes_record()
        && earlier
            .action
            .line()
            .is_none_or(|line| new.action.line() == Some(line))
}

/// Whether both make the one agreement of their id, or the charge of one bill.
fn same_record(earlier: &Change, new: &Change) -> bool {
    match (&earlier.action, &new.action) {
        (Action::CreateAgreement { .. }, Action::CreateAgreement { .. }) => true,
        // A company's account: created, or given the id where one of its name is there by now.
        (earlier, new) if earlier.is_of_account() => new.is_of_account(),
        (Action::CreateProduct { .. }, Action::CreateProduct { .. }) => true,
        (Action::WriteNote { owner: a, .. }, Action::WriteNote { owner: b, .. }) => a == b,
        (Action::AddCharge { .. }, Action::AddCharge { .. }) => earlier.marker == new.marker,
        _ => false,
    }
}

fn is_about(notice: &Notice, change: &Change) -> bool {
    notice.agreement.as_ref() == Some(&change.agreement)
        && match &notice.product {
            Some(product) => *product == change.product,
            // One notice for several products of the agreement names them.
            None => notice.message.contains(change.labels.product.as_str()),
        }
}

fn why_not(change: &Change, notices: &[Notice], book: &PsaBook) -> LeftOut {
    let lines = book.lines(&change.agreement).unwrap_or_default();
    let is_created =
        change.action.creates_agreement() && book.agreement(&change.agreement).is_some();
    if is_created || already_holds(change, lines) {
        return LeftOut::Landed;
    }
    if change.action.is_bounded() {
        let reason = "it is for days invoiced already, which no new plan brings again: enter it in \
                      the PSA by hand";
        return LeftOut::NotPlanned {
            reason: reason.to_owned(),
        };
    }
    match notices.iter().find(|notice| is_about(notice, change)) {
        Some(notice) => LeftOut::NotPlanned {
            reason: notice.message.clone(),
        },
        None => LeftOut::NothingToDo,
    }
}

/// What is left of a run's approval: of its changes that have not landed, those whose line
/// nothing was written to since.
///
/// # Errors
/// `Storage` when the journal could not be read.
pub async fn still_approved(
    journal: &dyn Journal,
    run: &RunRecord,
    records: &[ChangeRecord],
) -> Result<Ceiling> {
    run.check_seal(records)?;
    let mut ceiling = Ceiling::left_of(&run.approval, records);
    let newer = newer_runs(journal, run).await?;
    let mut kept = Vec::with_capacity(ceiling.grants.len());
    for grant in ceiling.grants {
        let query = WrittenQuery {
            agreement: Some(grant.agreement.clone()),
            product: Some(grant.product.clone()),
            ..WrittenQuery::default()
        };
        if !written_since(journal, query, run, &newer).await? {
            kept.push(grant);
        }
    }
    ceiling.grants = kept;
    Ok(ceiling)
}

/// The runs that began after a run. By their order in the journal: a clock can be set back.
async fn newer_runs(journal: &dyn Journal, run: &RunRecord) -> Result<BTreeSet<RunId>> {
    let mut limit = PAGE;
    loop {
        let runs = journal.runs(limit).await?;
        let found = runs.iter().position(|known| known.id == run.id);
        if found.is_some() || runs.len() < limit {
            let newer = runs.into_iter().take(found.unwrap_or(usize::MAX));
            return Ok(newer.map(|run| run.id).collect());
        }
        limit = limit.saturating_mul(4);
    }
}

/// Whether another run wrote, or may have written, since a run began.
async fn written_since(
    journal: &dyn Journal,
    query: WrittenQuery,
    run: &RunRecord,
    newer: &BTreeSet<RunId>,
) -> Result<bool> {
    let mut all = written(journal, query);
    while let Some(written) = all.next().await {
        let written = written?;
        // An older run may have been resumed later.
        let since = newer.contains(&written.run.id) || written.sent >= run.started;
        let failed = written.record.state() == ChangeState::Failed;
        if since && !failed && written.run.id != run.id {
            return Ok(true);
        }
    }
    Ok(false)
}
