//! `retry`: what a run could not do, planned anew on what both sides show now.

use std::fmt::Write as _;

use serde::Serialize;
use tallyline_core::apply::Approval;
use tallyline_core::apply::after::{self, NotRetried, Retry};
use tallyline_core::clock::Clock as _;
use tallyline_core::model::ChangeId;
use tallyline_core::plan::{Change, PlanKind};
use tallyline_core::store::{ChangeRecord, ChangeState};
use tallyline_core::{Error, ErrorKind, Result};

use super::{Context, apply, plan, runs, show};
use crate::cli::RetryArgs;
use crate::clock::ApplyClock;
use crate::connect;
use crate::files;
use crate::outcome::Outcome;
use crate::output::{count, plain, safe, tell, wrapped};
use crate::plan_view::{self, Ages, Amount, action_words, place_line, short};

#[derive(Serialize)]
struct Document<'a> {
    /// Absent where nothing of the run is in error.
    plan: Option<plan_view::Document<'a>>,
    left_out: &'a [NotRetried],
    approved: Vec<&'a ChangeId>,
    not_approved: Vec<NotApproved<'a>>,
}

/// A change that the approval of the run does not cover.
#[derive(Serialize)]
struct NotApproved<'a> {
    change: &'a ChangeId,
    reason: String,
}

/// Plans the retry, and carries out what the earlier approval covers where that is asked for.
pub(crate) async fn run(context: &Context, args: &RetryArgs) -> Result<Outcome> {
    let config = context.config()?;
    let (journal, run, records) = runs::find(&config, &args.run).await?;
    let conflict = |record: &ChangeRecord| record.state() == ChangeState::Conflict;
    if after::in_error(&run.id, &records)?.is_empty() && !records.iter().any(conflict) {
        let nothing = Document {
            plan: None,
            left_out: &[],
            approved: Vec::new(),
            not_approved: Vec::new(),
        };
        context.out.print(&nothing, || {
            format!(
                "Nothing of run {} is in error: there is nothing to bring again.",
                run.id
            )
        })?;
        return Ok(Outcome::Done);
    }
    let kind = PlanKind::of(records.iter().map(|record| &record.change));
    if kind == PlanKind::Products {
        return Err(Error::new(
            ErrorKind::Config,
            "products are brought again by `tallyline prepare --yes`, which makes what is missing",
        ));
    }
    let connections = connect::for_plans(&config, kind)?;
    apply::check_run(&journal, &run.id, &config, connections.target()).await?;
    let (fresh, book) = plan::make(context, &config, &connections).await?;
    let retry = after::retry(&run, &records, &fresh, &book)?;
    let ceiling = after::still_approved(&journal, &run, &records).await?;
    let text = retry.plan.to_text()?;
    show::keep(&args.out, &text)?;
    tell(&format!("the plan is in {}", files::shown(&args.out)));

    let changes = retry.plan.changes();
    let covered = ceiling.cover(changes);
    let (mut approved, mut not_approved) = (Vec::new(), Vec::new());
    for (change, grant) in changes.iter().zip(covered) {
        match grant {
            Ok(_) => approved.push(change),
            Err(reason) => not_approved.push((change, reason)),
        }
    }
    if !args.apply {
        let ages = Ages::when_made(&retry.plan);
        let document = Document {
            plan: Some(plan_view::Document::new(&retry.plan, &args.out, ages)),
            left_out: &retry.left_out,
            approved: approved.iter().map(|change| &change.id).collect(),
            not_approved: not_approved
                .iter()
                .map(|(change, reason)| NotApproved {
                    change: &change.id,
                    reason: reason.clone(),
                })
                .collect(),
        };
        context.out.print(&document, || {
            let mut out = plan_view::body(&retry.plan, Amount::of_notices(args.all), ages);
            out.push_str(&left_out(&retry));
            out.push_str(&waiting(&not_approved, &run.approval.by));
            out.push_str(&next_step(
                &retry,
                args,
                approved.len(),
                &run.id.to_string(),
            ));
            out
        })?;
        return Ok(Outcome::of(&retry.plan));
    }
    for said in [left_out(&retry), waiting(&not_approved, &run.approval.by)] {
        if !said.is_empty() {
            tell(said.trim_matches('\n'));
        }
    }
    if !not_approved.is_empty() {
        let only: Vec<String> = not_approved
            .iter()
            .map(|(change, _)| format!(" --only {}", short(change.id.as_str())))
            .collect();
        let file = files::shown(&args.out);
        tell(&format!(
            "To approve these: tallyline apply {file}{}",
            only.concat()
        ));
    }
    if approved.is_empty() {
        tell("nothing of it can be carried out on the earlier approval; nothing was written");
        return Ok(Outcome::of(&retry.plan));
    }
    let by = apply::approver(args.by.as_deref())?;
    let plan = &retry.plan;
    let now = ApplyClock::new(connect::address(&config, kind), context.now).now();
    let approval = Approval::within(ceiling, plan.id().clone(), changes, by, now);
    let sink = connections.target();
    let terms = apply::Terms {
        yes: args.yes,
        deadline: args.deadline,
        now: context.now(),
    };
    apply::carry_out(context, &config, sink, (plan, &text), &approval, terms).await
}

/// The changes in error that the plan does not bring again.
fn left_out(retry: &Retry) -> String {
    if retry.left_out.is_empty() {
        return String::new();
    }
    let mut out = format!("\nNot brought again ({})\n", retry.left_out.len());
    for left in &retry.left_out {
        out.push_str(&item(&left.change, &left.why.to_string()));
    }
    out
}

/// The changes that wait for a new approval.
fn waiting(not_approved: &[(&Change, String)], by: &str) -> String {
    if not_approved.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "\nNot covered by what {} approved: these wait for a new approval ({})\n",
        safe(by),
        not_approved.len()
    );
    for (change, reason) in not_approved {
        out.push_str(&item(change, reason));
    }
    out
}

/// A change on a line of its own, and what is said of it.
pub(super) fn item(change: &Change, said: &str) -> String {
    let (what, step) = action_words(&change.action);
    let text = format!("{}: {what} {step}", place_line(change));
    wrapped("  - ", 4, &text) + &wrapped("    ", 4, &plain(said))
}

fn next_step(retry: &Retry, args: &RetryArgs, approved: usize, run: &str) -> String {
    let mut out = String::from("\n");
    let file = files::shown(&args.out);
    if approved > 0 {
        let _ = writeln!(
            out,
            "To carry out the {} that the earlier approval covers:\n  tallyline retry {run} --apply",
            count(approved, "change", "changes")
        );
    }
    if retry.plan.changes().len() > approved {
        let _ = writeln!(
            out,
            "To approve all of the plan anew:\n  tallyline apply {file}"
        );
    }
    if retry.plan.changes().is_empty() {
        out.push_str("Nothing is left to bring again.\n");
    }
    out
}
