//! `apply`: carries out a plan, and proves each change by reading it back.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval, Override};
use tallyline_core::clock::Clock;
use tallyline_core::model::{ChangeId, RunId, Timestamp};
use tallyline_core::plan::{Change, Plan, PlanKind, Side};
use tallyline_core::store::{ChangeRecord, ChangeState, Journal, RunRecord, SqliteStore};
use tallyline_core::{Error, ErrorKind, PsaSink, Result};

use super::status::to_the_second;
use super::{Context, show};
use crate::cli::ApplyArgs;
use crate::clock::ApplyClock;
use crate::config::Config;
use crate::connect;
use crate::files;
use crate::lifecycle;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{count, safe, tell};
use crate::plan_view::{self, Ages};
use crate::progress;
use crate::report_view;

/// How many runs are looked through for one of the same plan.
const RUNS: usize = 1000;

/// How many changes are shown before asking.
const ASKED: usize = 50;

#[derive(Serialize)]
struct Document<'a> {
    report: &'a ApplyReport,
    changes: &'a [Change],
}

/// Whether to ask first, and in how many minutes no further change may begin.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) yes: bool,
    pub(super) deadline: Option<u32>,
    /// The instant that ages are told at.
    pub(super) now: Timestamp,
}

/// Carries out the plan, or goes on with a run.
pub(crate) async fn run(context: &Context, args: &ApplyArgs) -> Result<Outcome> {
    let plan = args.plan.as_deref().map(show::read).transpose()?;
    let config = context.config()?;
    lifecycle::refuse_disabled(&config)?;
    if args.resume {
        return go_on(context, &config, plan.as_ref().map(|(plan, _)| plan), args).await;
    }
    let (plan, text) = plan.ok_or_else(|| wrong("name a plan file".to_owned()))?;
    check_mapping(&plan, &config)?;
    let kind = plan.content().kind;
    let clock = ApplyClock::new(connect::address(&config, kind), context.now);
    let approval = approval(&plan, args, clock.now())?;
    let sink = connect::target(&config, kind)?;
    check_systems(&plan, &config, sink.as_ref())?;
    let journal = SqliteStore::open(&config.journal)?;
    plan.check_age(clock.now())?;
    plan.check_strategy(sink.descriptor())?;
    refuse_again(&journal, &plan, &approval).await?;
    let applier = Applier::new(sink.as_ref(), &journal, &clock);
    let terms = Terms {
        yes: args.yes,
        deadline: args.deadline,
        now: context.now(),
    };
    match carry_out_with(applier, (&plan, &text), &approval, terms).await? {
        Some(report) => show_report(context, &report, plan.changes()),
        None => Ok(Outcome::Pending),
    }
}

/// Goes on with the run that has something left to do, of this plan where one is named.
async fn go_on(
    context: &Context,
    config: &Config,
    plan: Option<&Plan>,
    args: &ApplyArgs,
) -> Result<Outcome> {
    // A plan of other systems is refused before anything else is looked at.
    if let Some(plan) = plan {
        let sink = connect::target(config, plan.content().kind)?;
        check_systems(plan, config, sink.as_ref())?;
    }
    let journal = SqliteStore::open(&config.journal)?;
    let run = run_to_resume(&journal, plan, args.run.as_deref()).await?;
    let records = journal.changes(&run).await?;
    let kind = PlanKind::of(records.iter().map(|record| &record.change));
    let sink = connect::target(config, kind)?;
    check_run(&journal, &run, config, sink.as_ref()).await?;
    let clock = ApplyClock::new(connect::address(config, kind), context.now);
    let (report, changes) = resume(&journal, sink.as_ref(), &clock, &run, args).await?;
    show_report(context, &report, &changes)
}

/// Carries out a plan on an approval, with the journal of the configuration.
pub(super) async fn carry_out(
    context: &Context,
    config: &Config,
    sink: &dyn PsaSink,
    plan: (&Plan, &str),
    approval: &Approval,
    terms: Terms,
) -> Result<Outcome> {
    lifecycle::refuse_disabled(config)?;
    let journal = SqliteStore::open(&config.journal)?;
    refuse_again(&journal, plan.0, approval).await?;
    let address = connect::address(config, plan.0.content().kind);
    let clock = ApplyClock::new(address, context.now);
    let applier = Applier::new(sink, &journal, &clock);
    match carry_out_with(applier, plan, approval, terms).await? {
        Some(report) => show_report(context, &report, plan.0.changes()),
        None => Ok(Outcome::Pending),
    }
}

/// Carries out a plan; nothing comes back where somebody was asked and said no.
async fn carry_out_with(
    applier: Applier<'_>,
    (plan, text): (&Plan, &str),
    approval: &Approval,
    terms: Terms,
) -> Result<Option<ApplyReport>> {
    let permissions = approval.permissions(plan.changes());
    let granted = plan.changes().iter().zip(permissions);
    let ready: Vec<&Change> = granted
        .filter(|(_, said)| said.is_granted())
        .map(|(change, _)| change)
        .collect();
    if ready.is_empty() {
        tell("nothing of this plan can be carried out");
    } else if !terms.yes && !confirmed(plan, &ready, terms.now)? {
        tell("nothing was written");
        return Ok(None);
    }
    let (options, bar) = options(terms.deadline, applier.clock, ready.len());
    let request = ApplyRequest {
        plan_id: plan.id(),
        plan_text: text,
        source: &plan.content().source,
        changes: plan.changes(),
        approval,
    };
    let report = applier.apply(&request, &options).await;
    bar.finish_and_clear();
    report.map(Some)
}

fn show_report(context: &Context, report: &ApplyReport, changes: &[Change]) -> Result<Outcome> {
    let document = Document { report, changes };
    context
        .out
        .print(&document, || report_view::text(report, changes))?;
    Ok(report_view::outcome(report))
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}

/// The plan of a run must be of this source and this sink, and gives its content. A plan that
/// this program does not read any more is taken for one.
pub(super) async fn check_run(
    journal: &dyn Journal,
    run: &RunId,
    config: &Config,
    sink: &dyn PsaSink,
) -> Result<Option<Plan>> {
    let plan = Plan::of_run(&journal.plan_text(run).await?).ok();
    if let Some(plan) = &plan {
        check_systems(plan, config, sink)?;
    }
    Ok(plan)
}

/// What was decided after a plan was made is not passed over: it is of the mapping as it stands. An undo
/// is of no mapping.
fn check_mapping(plan: &Plan, config: &Config) -> Result<()> {
    let made_of = plan.content().mapping_revision;
    let present = mapping_file::load(config)?.revision();
    if made_of == 0 || made_of == present {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::StalePlan,
        format!(
            "the mapping was changed since this plan was made (it was of revision {made_of} and is of \
             {present}): make a new plan"
        ),
    ))
}

/// The plan must be of this source and this sink; of a plan of accounts the PSA is the source.
fn check_systems(plan: &Plan, config: &Config, sink: &dyn PsaSink) -> Result<()> {
    let (system, tenant) = match plan.content().kind {
        PlanKind::Accounts => {
            let psa = connect::sink(config)?;
            let psa = psa.descriptor();
            (psa.system, psa.tenant.clone())
        }
        _ => {
            let (system, tenant) = connect::source_tenant(config)?;
            (system, Some(tenant))
        }
    };
    let source = Side {
        system,
        tenant: tenant.as_deref(),
    };
    plan.check_sides(source, sink.descriptor())
        .map_err(|error| {
            Error::new(
                error.kind(),
                format!(
                    "{}; see [source] and [sink] in {}",
                    error.message(),
                    files::shown(&config.path)
                ),
            )
        })
}

/// What is approved: the whole plan or the changes named, and the blocked ones that a named
/// person wants carried out all the same.
fn approval(plan: &Plan, args: &ApplyArgs, now: Timestamp) -> Result<Approval> {
    let by = approver(args.by.as_deref())?;
    let mut approval = Approval::of_plan(plan.id().clone(), by, now);
    let named = |id: &String| Ok(named(plan, "--only", id)?.id.clone());
    if !args.only.is_empty() {
        let only = args.only.iter().map(named).collect::<Result<Vec<_>>>()?;
        approval = approval.with_only(only);
    }
    for text in &args.overrides {
        let (change, word) = override_of(plan, text, args.by.as_deref())?;
        approval = approval.with_override(change, word);
    }
    approval.check(plan.id(), plan.changes())?;
    Ok(approval)
}

/// One `--override`.
fn override_of(plan: &Plan, text: &str, by: Option<&str>) -> Result<(ChangeId, Override)> {
    let (start, reason) = text.split_once('=').unwrap_or((text, ""));
    let (start, reason) = (start.trim(), reason.trim());
    let by = by.unwrap_or_default().trim();
    if reason.is_empty() {
        return Err(wrong(format!(
            "--override {}: say why, as CHANGE_ID=REASON",
            safe(text)
        )));
    }
    if by.is_empty() {
        return Err(wrong(
            "--override: say who decided it with --by NAME".to_owned(),
        ));
    }
    let change = named(plan, "--override", start)?;
    if !change.is_blocked() {
        return Err(wrong(format!(
            "--override {}: the change is not blocked",
            safe(start)
        )));
    }
    Ok((change.id.clone(), Override::new(by, reason)))
}

/// The one change of the plan whose id begins so.
fn named<'a>(plan: &'a Plan, option: &str, start: &str) -> Result<&'a Change> {
    let start = start.trim();
    let mut found = plan
        .changes()
        .iter()
        .filter(|change| !start.is_empty() && change.id.as_str().starts_with(start));
    let problem = match (found.next(), found.next()) {
        (Some(change), None) => return Ok(change),
        (None, _) => "no change of the plan has this id",
        _ => "more than one change begins so; give more of the id",
    };
    Err(wrong(format!("{option} {}: {problem}", safe(start))))
}

/// Who approves: the name given, or whoever is logged in.
pub(super) fn approver(by: Option<&str>) -> Result<String> {
    let named = by.map(|name| name.trim().to_owned());
    let user = || {
        ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    };
    named
        .or_else(user)
        .filter(|name| !name.is_empty() && !name.contains(char::is_control))
        .ok_or_else(|| wrong("say who approves the plan with --by NAME, on one line".to_owned()))
}

/// Asks, where somebody is there to answer.
fn confirmed(plan: &Plan, ready: &[&Change], now: Timestamp) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(wrong(
            "nothing was written: say --yes, or run this in a terminal to be asked".to_owned(),
        ));
    }
    let ages = Ages::at(plan, now);
    tell(&plan_view::head(plan, ages));
    tell(&format!(
        "This will be written:\n{}",
        plan_view::some(ready, ASKED, false, ages)
    ));
    tell(&format!(
        "Carry out {}? [y/N]",
        count(ready.len(), "change", "changes")
    ));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| wrong(format!("the answer cannot be read: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Options that show progress and stop after so many minutes and at the first Ctrl-C.
fn options(minutes: Option<u32>, clock: &dyn Clock, changes: usize) -> (ApplyOptions, ProgressBar) {
    let bar = progress::bar("applying");
    progress::begin(&bar, changes);
    let shown = bar.clone();
    let mut options = ApplyOptions::new().with_on_event(move |event| {
        if event.event.is_final() {
            shown.inc(1);
        }
    });
    options.deadline = minutes.map(|minutes| {
        let wait = Duration::from_secs(60 * u64::from(minutes));
        clock.now().plus(wait)
    });
    let cancel = options.cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            tell("stopping: the changes in hand are settled first");
            cancel.cancel();
        }
    });
    (options, bar)
}

/// A change is carried out once: what is left of a run belongs to it, or to a new plan. What
/// was not approved then can be approved later.
async fn refuse_again(journal: &SqliteStore, plan: &Plan, approval: &Approval) -> Result<()> {
    for run in runs_of(journal, Some(plan)).await? {
        let records = journal.changes(&run.id).await?;
        let in_both = |id: &ChangeId| run.approval.includes(id) && approval.includes(id);
        let left =
            |record: &ChangeRecord| !record.state().is_settled() && in_both(&record.change.id);
        if records.iter().any(left) {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "run {id} of this plan is at work or was interrupted; go on with \
                     `tallyline apply --resume --run {id}`",
                    id = run.id
                ),
            ));
        }
        let done = |record: &ChangeRecord| {
            record.state() == ChangeState::Done && approval.includes(&record.change.id)
        };
        if records.iter().any(done) {
            return Err(Error::new(
                ErrorKind::StalePlan,
                format!(
                    "this plan was carried out on {} (run {}); make a new plan for what is left",
                    to_the_second(run.started),
                    run.id
                ),
            ));
        }
    }
    Ok(())
}

async fn runs_of(journal: &SqliteStore, plan: Option<&Plan>) -> Result<Vec<RunRecord>> {
    let mut runs = journal.runs(RUNS).await?;
    runs.retain(|run| plan.is_none_or(|plan| run.plan == *plan.id()));
    Ok(runs)
}

/// Whether a run has something left to do.
fn is_open(records: &[ChangeRecord]) -> bool {
    records.iter().any(|record| !record.state().is_settled())
}

/// The one run, of this plan where one is named, that has something left to do; of several, the one
/// whose id begins so. Where several wait for each other, a person says which goes first.
async fn run_to_resume(
    journal: &SqliteStore,
    plan: Option<&Plan>,
    start: Option<&str>,
) -> Result<RunId> {
    let mut open = Vec::new();
    for run in runs_of(journal, plan).await? {
        let named = start.is_none_or(|start| run.id.as_str().starts_with(start.trim()));
        if named && is_open(&journal.changes(&run.id).await?) {
            open.push(run);
        }
    }
    match (&open[..], start) {
        ([run], _) => Ok(run.id.clone()),
        ([], None) => Err(Error::new(
            ErrorKind::NotFound,
            "there is no interrupted run to go on with; see `tallyline status`",
        )),
        ([], Some(start)) => Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "there is no interrupted run {}; see `tallyline status`",
                safe(start)
            ),
        )),
        (several, _) => Err(several_open(several)),
    }
}

fn several_open(runs: &[RunRecord]) -> Error {
    let mut text = format!(
        "{} runs were interrupted; go on with each, the oldest first:",
        runs.len()
    );
    for run in runs.iter().rev() {
        let started = to_the_second(run.started);
        let _ = write!(
            text,
            " `tallyline apply --resume --run {}` (begun {started}, approved by {});",
            run.id,
            safe(&run.approval.by)
        );
    }
    Error::new(ErrorKind::Conflict, text.trim_end_matches(';'))
}

async fn resume(
    journal: &SqliteStore,
    sink: &dyn PsaSink,
    clock: &ApplyClock,
    run: &RunId,
    args: &ApplyArgs,
) -> Result<(ApplyReport, Vec<Change>)> {
    let records = journal.changes(run).await?;
    let changes: Vec<Change> = records.into_iter().map(|record| record.change).collect();
    let (options, bar) = options(args.deadline, clock, changes.len());
    let applier = Applier::new(sink, journal, clock);
    let report = applier.resume(run, &options).await;
    bar.finish_and_clear();
    Ok((report?, changes))
}
