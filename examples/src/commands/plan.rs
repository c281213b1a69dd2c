//! `plan`: reads both sides and writes down what would bring them in step.

use std::path::Path;

use tallyline_core::flow::{Flow, accounts_plan};
use tallyline_core::integration::{Event, State};
use tallyline_core::model::ReadFailure;
use tallyline_core::plan::Plan;
use tallyline_core::reconcile::PsaBook;
use tallyline_core::store::{Journal as _, Ledger};
use tallyline_core::{ErrorKind, Result};

use super::{Context, runs, show};
use crate::cli::PlanArgs;
use crate::config::Config;
use crate::connect::{self, Connections};
use crate::dismissals_file;
use crate::files;
use crate::lifecycle::{self, RunningSync};
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{tell, warn};
use crate::plan_view::{self, Ages, Amount};
use crate::progress::Bars;

/// Makes the plan, keeps it and shows it.
pub(crate) async fn run(context: &Context, args: &PlanArgs) -> Result<Outcome> {
    let config = context.config()?;
    let state = lifecycle::load(&config)?.state();
    // Before the set-up is finished a plan is a look at what would come, and no sync.
    if !matches!(
        state,
        State::Syncing | State::Active | State::Error | State::Disabled
    ) {
        let connections = connect::both(&config)?;
        let (plan, _) = make(context, &config, &connections).await?;
        return keep_and_show(context, &plan, &args.out, args.all);
    }
    let mapping = mapping_file::load(&config)?;
    let sync = lifecycle::begin(&config, &mapping, Event::SyncStarted, context.now())?;
    synced(context, &config, &args.out, args.all, sync).await
}

/// Makes and shows the plan of a sync that has begun, and says how it ended.
pub(super) async fn synced(
    context: &Context,
    config: &Config,
    out: &Path,
    all: bool,
    sync: RunningSync<'_>,
) -> Result<Outcome> {
    let done = async {
        let connections = connect::both(config)?;
        let (plan, _) = make(context, config, &connections).await?;
        keep_and_show(context, &plan, out, all)
    };
    let done = done.await;
    let failure = match &done {
        Ok(Outcome::Failed) => Some(ReadFailure::new(
            ErrorKind::Unavailable,
            "none of the linked accounts and agreements could be read",
        )),
        Ok(_) => None,
        Err(error) => Some(ReadFailure::from(error)),
    };
    sync.end(context.now(), failure)?;
    done
}

/// Writes the plan file and shows the plan, with all notices or the first of each kind.
pub(super) fn keep_and_show(
    context: &Context,
    plan: &Plan,
    out: &Path,
    all: bool,
) -> Result<Outcome> {
    show::keep(out, &plan.to_text()?)?;
    tell(&format!("the plan is in {}", files::shown(out)));
    let ages = Ages::when_made(plan);
    context
        .out
        .print(&plan_view::Document::new(plan, out, ages), || {
            plan_view::text(plan, out, Amount::of_notices(all), ages)
        })?;
    Ok(Outcome::of(plan))
}

/// The bills that the journal says were exported, where anything was applied yet.
pub(super) async fn ledger(config: &Config, connections: &Connections) -> Result<Ledger> {
    let source = connections.source.descriptor().system;
    let sink = connections.sink.descriptor().system;
    match runs::journal(config)? {
        Some(journal) => journal.ledger(source, sink).await,
        None => Ok(Ledger::new()),
    }
}

/// Reads both sides and plans; gives what was read of the PSA too, which for a plan of accounts holds no
/// agreement.
pub(super) async fn make(
    context: &Context,
    config: &Config,
    connections: &Connections,
) -> Result<(Plan, PsaBook)> {
    if let Some(accounts) = &connections.accounts {
        let (psa, vendor) = (connections.sink.as_ref(), connections.source.as_ref());
        let (policy, now) = (&config.policy, context.now());
        let left_out = &connections.left_out;
        let plan = accounts_plan(psa, vendor, accounts.descriptor(), left_out, policy, now).await?;
        return Ok((plan, PsaBook::new([], [], [])));
    }
    let policy = lifecycle::policy(config)?;
    let bars = Bars::for_reading();
    let ledger = ledger(config, connections).await?;
    let dismissals = dismissals_file::load(config)?;
    let mapping = mapping_file::load(config)?;
    let history = runs::count_history(config, &mapping)?;
    let mut flow = Flow::new(connections.source.as_ref(), connections.sink.as_ref())
        .on_progress(|progress| bars.report(progress))
        .with_ledger(&ledger)
        .with_dismissals(&dismissals);
    if let Some(history) = &history {
        flow = flow.with_count_history(history);
    }
    let lists = flow.lists().await?;
    lifecycle::listed(config, &lists, &mapping);
    for problem in &lists.problems {
        warn(&format!(
            "a record could not be read, and nothing of it is changed: {}",
            problem.message
        ));
    }
    mapping_file::check(config, &mapping, &lists)?;
    let plan = async {
        let book = flow.book_for(&lists, &mapping, &policy).await?;
        let now = context.now();
        let plan = flow.plan_on(&book, &lists, &mapping, &policy, now).await?;
        Ok((plan, book))
    };
    let plan = plan.await;
    bars.finish();
    plan
}
