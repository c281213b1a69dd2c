//! `status`: the last runs, and what is left of them for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tallyline_core::Result;
use tallyline_core::apply::after::{OpenChange, Remedy, RunStatus};
use tallyline_core::model::{ChangeId, PlanId, Timestamp};
use tallyline_core::reconcile::Dismissal;
use tallyline_core::store::{ChangeState, Journal};

use super::standing::Standing;
use super::{Context, runs};
use crate::cli::StatusArgs;
use crate::dismissals_file;
use crate::outcome::Outcome;
use crate::output::{count, plain, safe, wrapped};
use crate::plan_view::{action_words, place_line, short};

/// How many changes of one standing are named.
const NAMED: usize = 20;

/// Shows the last runs.
pub(crate) async fn run(context: &Context, args: &StatusArgs) -> Result<Outcome> {
    let config = context.config()?;
    let mut found = Vec::new();
    if let Some(journal) = runs::journal(&config)? {
        let mut done: BTreeMap<PlanId, BTreeSet<ChangeId>> = BTreeMap::new();
        for run in journal.runs(args.runs).await? {
            let records = journal.changes(&run.id).await?;
            let landed = records.iter().filter(|r| r.state() == ChangeState::Done);
            let of_plan = done.entry(run.plan.clone()).or_default();
            of_plan.extend(landed.map(|record| record.change.id.clone()));
            found.push(with_charges(&journal, RunStatus::of(run, &records)).await?);
        }
        let elsewhere = |status: RunStatus| {
            let of_plan = done.get(&status.run.plan).cloned().unwrap_or_default();
            status.with_done_elsewhere(&of_plan)
        };
        found = found.into_iter().map(elsewhere).collect();
    }
    let standing = Standing::of(&config)?;
    let dismissals = dismissals_file::load(&config)?;
    let today = context.now().date();
    let dismissed: Vec<&Dismissal> = dismissals
        .iter()
        .filter(|dismissal| dismissal.last_day >= today)
        .collect();
    context.out.print(
        &serde_json::json!({ "integration": standing, "runs": found, "dismissals": dismissed }),
        || {
            let standing = if standing.is_known() {
                format!("{}\n", standing.text())
            } else {
                String::new()
            };
            format!("{standing}{}{}", text(&found), dismissed_words(&dismissed))
        },
    )?;
    Ok(Outcome::Done)
}

/// The status, with the runs that its waiting charges wait for.
async fn with_charges(journal: &dyn Journal, status: RunStatus) -> Result<RunStatus> {
    if !status.has_waiting_charge() {
        return Ok(status);
    }
    let (source, sink) = (&status.run.source, &status.run.sink);
    let ledger = journal.ledger(source, sink).await?;
    Ok(status.with_charges_elsewhere(&ledger))
}

/// The instant without the fraction of its second.
pub(crate) fn to_the_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

fn text(runs: &[RunStatus]) -> String {
    if runs.is_empty() {
        return "nothing was applied yet".to_owned();
    }
    let texts: Vec<String> = runs.iter().map(run_text).collect();
    texts.join("\n")
}

/// What is dismissed at present.
fn dismissed_words(dismissals: &[&Dismissal]) -> String {
    if dismissals.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "\n{} for this billing period\n",
        count(dismissals.len(), "line is dismissed", "lines are dismissed")
    );
    for dismissal in dismissals {
        let place = format!(
            "agreement {}, product {}",
            dismissal.agreement, dismissal.product
        );
        let text = format!("{place}: {}", dismissal.words());
        out.push_str(&wrapped("  - ", 4, &safe(&text)));
    }
    out
}

fn run_text(status: &RunStatus) -> String {
    let run = &status.run;
    let mut out = format!(
        "{} run {}, approved by {}\n{} of {} done{}\n",
        to_the_second(run.started),
        run.id,
        safe(&run.approval.by),
        status.done,
        count(status.changes, "change", "changes"),
        match status.done_elsewhere {
            0 => String::new(),
            others => format!(", {others} more by another run of the same plan"),
        }
    );
    for group in groups(&status.open) {
        let Some(first) = group.first() else { continue };
        let _ = writeln!(out);
        let heading = format!(
            "{} {}",
            count(group.len(), "change", "changes"),
            first.standing
        );
        out.push_str(&wrapped("  ", 2, &heading));
        for open in group.iter().take(NAMED) {
            let (what, step) = action_words(&open.change.action);
            let place = place_line(&open.change);
            let id = short(open.change.id.as_str());
            out.push_str(&wrapped(
                "  - ",
                4,
                &format!("{place}: {what} {step} [{id}]"),
            ));
        }
        if group.len() > NAMED {
            let _ = writeln!(out, "    ... and {} more", group.len() - NAMED);
        }
        if !first.detail.is_empty() {
            out.push_str(&wrapped("  why:   ", 9, &plain(&first.detail)));
        }
        out.push_str(&wrapped("  to do: ", 9, first.remedy.as_str()));
        for command in commands(status, first) {
            let _ = writeln!(out, "           {command}");
        }
    }
    out
}

/// The open changes that share their standing and their reason, in the order of their first.
fn groups(open: &[OpenChange]) -> Vec<Vec<&OpenChange>> {
    let mut groups: Vec<Vec<&OpenChange>> = Vec::new();
    for change in open {
        let same = |group: &&mut Vec<&OpenChange>| {
            group.first().is_some_and(|first| {
                first.standing == change.standing
                    && first.remedy == change.remedy
                    && first.detail == change.detail
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(change),
            None => groups.push(vec![change]),
        }
    }
    groups
}

/// The commands that do it.
fn commands(status: &RunStatus, open: &OpenChange) -> Vec<String> {
    let run = &status.run.id;
    let id = short(open.change.id.as_str());
    if open.change.action.creates_product() && open.remedy != Remedy::Resume {
        // It looks for what is there first, and makes what is missing.
        return vec!["tallyline prepare --yes".to_owned()];
    }
    let (plan, file) = if open.change.action.is_of_account() {
        ("tallyline export".to_owned(), "export-plan.json")
    } else {
        ("tallyline plan".to_owned(), "plan.json")
    };
    match open.remedy {
        Remedy::Resume => vec![format!("tallyline apply --resume --run {run}")],
        Remedy::Retry | Remedy::MendAndRetry => vec![format!("tallyline retry {run}")],
        Remedy::UndoAgain => {
            let undoes = open.change.evidence.undoes.as_ref();
            let of = undoes.map_or(run, |undoes| &undoes.run);
            vec![format!("tallyline undo {of}")]
        }
        Remedy::Approve => vec![format!("tallyline apply PLAN_FILE --only {id}")],
        Remedy::Override => vec![
            plan,
            format!("tallyline apply {file} --override CHANGE_ID=REASON --by NAME"),
        ],
        _ => vec![plan],
    }
}
