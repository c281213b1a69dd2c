//! `undo`: the inverse of a run, as a plan.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use tallyline_core::Result;
use tallyline_core::apply::after::{self, NotUndone, Refusal, TakenBack, Undo, UndoContext};
use tallyline_core::flow;
use tallyline_core::plan::PlanKind;
use tallyline_core::store::Journal as _;

use super::{Context, apply, retry, runs, show};
use crate::cli::UndoArgs;
use crate::connect;
use crate::files;
use crate::lifecycle;
use crate::outcome::Outcome;
use crate::output::{count, tell, wrapped};
use crate::plan_view::{self, Ages, Amount};

#[derive(Serialize)]
struct Document<'a> {
    plan: plan_view::Document<'a>,
    refused: &'a [NotUndone],
}

/// Plans the undo and keeps it. Changes nothing.
pub(crate) async fn run(context: &Context, args: &UndoArgs) -> Result<Outcome> {
    let config = context.config()?;
    let (journal, run, records) = runs::find(&config, &args.run).await?;
    let changes = || records.iter().map(|record| &record.change);
    let sink = connect::target(&config, PlanKind::of(changes()))?;
    let plan = apply::check_run(&journal, &run.id, &config, sink.as_ref()).await?;
    let (_, tenant) = connect::source_tenant(&config)?;
    let ledger = journal.ledger(&run.source, &run.sink).await?;
    let book = flow::book_of_changes(sink.as_ref(), Some(&ledger), changes()).await?;
    let undo = after::undo(
        &run,
        &records,
        &UndoContext {
            sink: sink.descriptor(),
            book: &book,
            policy: &lifecycle::policy(&config)?,
            today: context.now().date(),
            now: context.now(),
            source_tenant: match &plan {
                Some(plan) => plan.content().source_tenant.as_deref(),
                None => Some(&tenant),
            },
            taken_back: &TakenBack::read(&journal, &run.id).await?,
        },
    )?;
    show::keep(&args.out, &undo.plan.to_text()?)?;
    tell(&format!("the plan is in {}", files::shown(&args.out)));
    let document = Document {
        plan: plan_view::Document::new(&undo.plan, &args.out, Ages::when_made(&undo.plan)),
        refused: &undo.refused,
    };
    context.out.print(&document, || text(&undo, args))?;
    let held = undo.refused.iter().any(|refused| !is_settled(refused));
    Ok(match Outcome::of(&undo.plan) {
        Outcome::Done if held => Outcome::Blocked,
        outcome => outcome,
    })
}

/// Whether nothing is left of a refused change for a person.
fn is_settled(refused: &NotUndone) -> bool {
    matches!(
        refused.refusal,
        Refusal::NotDone { .. } | Refusal::AlreadyUndone { .. }
    )
}

fn text(undo: &Undo, args: &UndoArgs) -> String {
    let mut out = plan_view::body(
        &undo.plan,
        Amount::of_notices(true),
        Ages::when_made(&undo.plan),
    );
    let (settled, held): (Vec<&NotUndone>, Vec<&NotUndone>) =
        undo.refused.iter().partition(|refused| is_settled(refused));
    if !held.is_empty() {
        let _ = writeln!(
            out,
            "\nNot taken back, a person has to look ({})",
            held.len()
        );
        for refused in held {
            out.push_str(&retry::item(&refused.change, &refused.refusal.to_string()));
        }
    }
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for refused in settled {
        *reasons.entry(refused.refusal.to_string()).or_default() += 1;
    }
    if !reasons.is_empty() {
        let _ = writeln!(out, "\nNothing to take back");
    }
    for (reason, changes) in reasons {
        let changes = count(changes, "change", "changes");
        out.push_str(&wrapped("  - ", 4, &format!("{changes}: {reason}")));
    }
    let file = files::shown(&args.out);
    out.push_str(&match undo.plan.summary() {
        summary if summary.ready + summary.blocked == 0 => {
            "\nNothing can be taken back.\n".to_owned()
        }
        _ if plan_view::overridable(&undo.plan) > 0 => format!(
            "\nTo carry it out: tallyline apply {file}\n\
             For a blocked change too: add --override ID=REASON --by NAME\n"
        ),
        _ => format!("\nTo carry it out: tallyline apply {file}\n"),
    });
    out
}
