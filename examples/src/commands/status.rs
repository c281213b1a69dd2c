//! `status`: the last runs, and what is left of them for a person.

use std::fmt::Write as _;

use serde::Serialize;
use tallyline_core::Result;
use tallyline_core::model::{ChangeId, Timestamp};
use tallyline_core::store::{
    ChangeRecord, ChangeState, Event, Journal as _, RunRecord, SkipCause, SqliteStore,
};

use super::Context;
use crate::cli::StatusArgs;
use crate::outcome::Outcome;
use crate::output::{count, safe, wrapped};
use crate::plan_view::{action_words, place_line};

#[derive(Serialize)]
struct Run {
    run: RunRecord,
    done: usize,
    changes: usize,
    open: Vec<Open>,
}

/// A change that has not landed.
#[derive(Serialize)]
struct Open {
    change: ChangeId,
    state: ChangeState,
    what: String,
    detail: String,
    to_do: &'static str,
}

/// Shows the last runs.
pub(crate) async fn run(context: &Context, args: &StatusArgs) -> Result<Outcome> {
    let config = context.config()?;
    let mut runs = Vec::new();
    if config.journal.exists() {
        let journal = SqliteStore::open(&config.journal)?;
        for run in journal.runs(args.runs).await? {
            let records = journal.changes(&run.id).await?;
            runs.push(Run {
                done: records
                    .iter()
                    .filter(|record| record.state() == ChangeState::Done)
                    .count(),
                changes: records.len(),
                open: records.iter().filter_map(open).collect(),
                run,
            });
        }
    }
    context
        .out
        .print(&serde_json::json!({ "runs": runs }), || text(&runs))?;
    Ok(Outcome::Done)
}

fn open(record: &ChangeRecord) -> Option<Open> {
    let state = record.state();
    let detail = record.events.iter().rev().find_map(|recorded| {
        Some(match &recorded.event {
            Event::Drifted { detail } | Event::Conflict { detail } => detail.clone(),
            Event::Failed { failure, .. }
            | Event::OutcomeUnknown { failure }
            | Event::Unverified { failure } => failure.message.clone(),
            Event::Skipped { reason, .. } => reason.clone(),
            _ => return None,
        })
    });
    let skipped = match record.events.last().map(|recorded| &recorded.event) {
        Some(Event::Skipped { cause, .. }) => Some(*cause),
        _ => None,
    };
    let to_do = match state {
        ChangeState::Done => return None,
        ChangeState::Drifted => "the PSA was changed since the plan: make a new plan",
        ChangeState::Failed => "mend the reason, then make a new plan",
        ChangeState::Conflict => "look at the line in the PSA, then make a new plan",
        ChangeState::Skipped if skipped == Some(SkipCause::Blocked) => {
            "blocked: leave it, or carry out a new plan with --override ID=REASON --by NAME"
        }
        ChangeState::Skipped if skipped == Some(SkipCause::NotApproved) => {
            "not approved: leave it, or approve it with `tallyline apply --only ID`"
        }
        ChangeState::Skipped => "not begun: make a new plan",
        ChangeState::Pending | ChangeState::Intended => {
            "not begun: go on with `tallyline apply --resume`"
        }
        _ => "may or may not have been written: settle it with `tallyline apply --resume`",
    };
    let (what, step) = action_words(&record.change.action);
    Some(Open {
        change: record.change.id.clone(),
        state,
        what: format!("{}: {what} {step}", place_line(&record.change)),
        detail: detail.unwrap_or_default(),
        to_do,
    })
}

/// The instant without the fraction of its second.
pub(crate) fn to_the_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

fn text(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "nothing was applied yet".to_owned();
    }
    let mut out = String::new();
    for run in runs {
        let _ = writeln!(
            out,
            "{} run {} by {}: {} of {} done",
            to_the_second(run.run.started),
            run.run.id,
            safe(&run.run.approval.by),
            run.done,
            count(run.changes, "change", "changes")
        );
        for open in &run.open {
            out.push_str(&wrapped("  - ", 4, &open.what));
            if !open.detail.is_empty() {
                out.push_str(&wrapped("    ", 4, &safe(&open.detail)));
            }
            out.push_str(&wrapped("    to do: ", 11, open.to_do));
        }
    }
    out
}
