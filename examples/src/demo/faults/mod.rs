//! `demo --faults`: the plan is carried out while everything goes wrong that can, and every
//! change is written exactly once all the same.

mod evidence;
mod journal;
mod trouble;
mod view;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::clock::Clock;
use tallyline_core::model::{RunId, Timestamp};
use tallyline_core::plan::{Plan, PlanSummary};
use tallyline_core::store::{ChangeRecord, Journal, MemoryStore, SqliteStore};
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_testkit::book::ServiceRule;

use self::evidence::{EndState, Finding};
use self::journal::Folder;
use self::trouble::{Crash, Kind, Trouble};
use super::stage::Stage;
use super::telling::Narrator;
use super::{decisions, lists, plan};
use crate::cli::DemoArgs;
use crate::commands::Context;
use crate::outcome::Outcome;
use crate::output::say;

/// How many clients without a special case buy more than is billed.
const BUYERS: usize = 9;

/// Between the crash and the next start.
const DOWN: Duration = Duration::from_secs(120);

/// A clock that moves by the waits of the run alone, which it does not spend.
pub(super) struct StoryClock(Mutex<Timestamp>);

impl StoryClock {
    fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.plus(by);
    }
}

#[async_trait]
impl Clock for StoryClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }

    async fn alongside(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// What the demo came to.
#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    plan: PlanSummary,
    starts: &'a [Start],
    faults: &'a [Finding],
    applied: &'a ApplyReport,
    end_state: &'a EndState,
    second_plan: PlanSummary,
}

/// How far the run had come when one start of the program ended.
#[derive(Clone, Copy, Debug, Serialize)]
struct Start {
    began: Timestamp,
    done: usize,
    drifted: usize,
    open: usize,
}

impl Start {
    fn of(began: Timestamp, records: &[ChangeRecord]) -> Self {
        use tallyline_core::store::ChangeState;
        let states = || records.iter().map(ChangeRecord::state);
        let number = |wanted: fn(ChangeState) -> bool| states().filter(|it| wanted(*it)).count();
        Self {
            began,
            done: number(|state| state == ChangeState::Done),
            drifted: number(|state| state == ChangeState::Drifted),
            open: number(ChangeState::is_unsettled),
        }
    }
}

/// Plays the demo.
pub(super) async fn run(context: &Context, args: &DemoArgs) -> Result<Outcome> {
    let narrator = Narrator {
        silent: context.out.is_json(),
    };
    let stage = Stage::set(args).await?;
    narrator.tell(&view::opening(&stage))?;

    let bought = buy_more(&stage);
    let before = lists(&stage).await?;
    let mapping = decisions::decide(&stage.book, &before, stage.known_as)?.mapping;
    let first = plan(&stage, &before, &mapping).await?;
    let troubles = Trouble::choose(&first)?;
    narrator.step(1, "The plan", &view::planned(&first, bought))?;

    let options = options();
    let story = Story {
        stage: &stage,
        plan: &first,
        troubles: &troubles,
        options: &options,
        clock: StoryClock::at(stage.now),
        folder: Folder::make()?,
    };
    let (starts, report, records) = Box::pin(story.play()).await?;
    let title = "The plan is carried out while things go wrong";
    narrator.step(2, title, &view::starts(&starts, &troubles))?;

    let findings: Vec<Finding> = troubles
        .iter()
        .map(|trouble| Finding::about(trouble, &stage, &report, &records, &options))
        .collect();
    let title = "What went wrong, what Tallyline did, and how that is proved";
    narrator.step(3, title, &view::findings(&findings))?;

    let twin = Stage::set(args).await?;
    carry_out_in_peace(&twin, &first).await?;
    let hand = troubles
        .iter()
        .find(|trouble| trouble.kind == Kind::ColleaguesEdit);
    let end_state = EndState::compare(&stage, &twin, hand);
    let after = lists(&stage).await?;
    let second = plan(&stage, &after, &mapping).await?;
    let title = "The end is the same as without any of it";
    narrator.step(4, title, &view::end(&end_state, &report, &second))?;

    let ok = findings.iter().all(|finding| finding.as_expected)
        && end_state.as_expected
        && end_state.writes == report.totals.done
        && report.totals.done + report.totals.drifted == first.summary().ready
        && leaves_to_a_person(&second, &report);
    if context.out.is_json() {
        let document = Document {
            ok,
            plan: first.summary(),
            starts: &starts,
            faults: &findings,
            applied: &report,
            end_state: &end_state,
            second_plan: second.summary(),
        };
        context.out.print(&document, String::new)?;
    } else {
        say(&view::verdict(ok, findings.len()))?;
    }
    Ok(if ok { Outcome::Done } else { Outcome::Failed })
}

/// One agreement at a time, so that the same seed tells the same story.
fn options() -> ApplyOptions {
    let mut options = ApplyOptions::new();
    options.concurrency = 1;
    options
}

/// Clients without a special case buy more seats; gives how many did.
fn buy_more(stage: &Stage) -> usize {
    let book = &stage.book;
    let special: BTreeSet<&str> = book
        .cases()
        .iter()
        .map(|note| note.customer_id.as_str())
        .collect();
    let is_billed_one_to_one = |sku: &str| {
        let link = book.expected_mapping().service(sku);
        link.is_some_and(|link| matches!(link.rule, ServiceRule::Product(_)))
    };
    let Some(vendor) = stage.vendor.as_sherweb() else {
        return 0;
    };
    vendor.with_state(|state| {
        let mut buyers = BTreeSet::new();
        for subscription in &mut state.subscriptions {
            let customer = subscription.customer_id.clone();
            if buyers.len() < BUYERS
                && !special.contains(customer.as_str())
                && is_billed_one_to_one(&subscription.sku)
                && buyers.insert(customer)
            {
                subscription.quantity += 3;
            }
        }
        buyers.len()
    })
}

/// The run from its first start to its end.
struct Story<'a> {
    stage: &'a Stage,
    plan: &'a Plan,
    troubles: &'a [Trouble],
    options: &'a ApplyOptions,
    clock: StoryClock,
    folder: Folder,
}

impl Story<'_> {
    /// Three starts: one that ends in a crash, one right after it, and one when a lost request
    /// can no longer arrive. Between them nothing is left of the program but its journal.
    async fn play(&self) -> Result<(Vec<Start>, ApplyReport, Vec<ChangeRecord>)> {
        let crash = Arc::new(Crash::new());
        for trouble in self.troubles {
            trouble.arrange(self.stage, &crash);
        }
        let mut starts = vec![self.until(&crash).await?];
        for trouble in self.troubles {
            if trouble.kind == Kind::ColleaguesEdit {
                trouble.edit_by_hand(self.stage);
            }
        }
        self.clock.advance(DOWN);
        let (start, _, _) = self.go_on().await?;
        starts.push(start);
        self.clock.advance(self.options.late_write + DOWN);
        let (start, report, records) = self.go_on().await?;
        starts.push(start);
        Ok((starts, report, records))
    }

    fn journal(&self) -> Result<SqliteStore> {
        SqliteStore::open(self.folder.file())
    }

    /// Begins, and is gone in the middle of a write.
    async fn until(&self, crash: &Crash) -> Result<Start> {
        let journal = self.journal()?;
        let began = self.clock.now();
        let text = self.plan.to_text()?;
        let approval = approval(self.plan, began);
        let request = request(self.plan, &text, &approval);
        let applier = Applier::new(&self.stage.sink, &journal, &self.clock);
        tokio::select! {
            () = crash.now.notified() => {}
            report = applier.apply(&request, self.options) => {
                report?;
                return Err(broken("the run ended before it could be stopped"));
            }
        }
        // The run and its requests are gone here, and the journal is closed.
        drop(journal);
        crash.gone.wait();
        let journal = self.journal()?;
        let records = journal.changes(&run_in(&journal).await?).await?;
        Ok(Start::of(began, &records))
    }

    /// Goes on from the journal.
    async fn go_on(&self) -> Result<(Start, ApplyReport, Vec<ChangeRecord>)> {
        let journal = self.journal()?;
        let began = self.clock.now();
        let run = run_in(&journal).await?;
        let applier = Applier::new(&self.stage.sink, &journal, &self.clock);
        let report = applier.resume(&run, self.options).await?;
        let records = journal.changes(&run).await?;
        Ok((Start::of(began, &records), report, records))
    }
}

async fn run_in(journal: &SqliteStore) -> Result<RunId> {
    let runs = journal.runs(1).await?;
    let run = runs.into_iter().next();
    run.map(|run| run.id)
        .ok_or_else(|| broken("the journal holds no run"))
}

fn broken(message: &str) -> Error {
    Error::new(ErrorKind::Unexpected, message)
}

/// The demo approves the plan as a whole.
fn approval(plan: &Plan, now: Timestamp) -> Approval {
    Approval::of_plan(plan.id().clone(), "the demo", now)
}

fn request<'a>(plan: &'a Plan, text: &'a str, approval: &'a Approval) -> ApplyRequest<'a> {
    ApplyRequest {
        plan_id: plan.id(),
        plan_text: text,
        source: &plan.content().source,
        changes: plan.changes(),
        approval,
    }
}

/// The same plan on an equal billing system where nothing goes wrong.
async fn carry_out_in_peace(twin: &Stage, plan: &Plan) -> Result<ApplyReport> {
    let journal = MemoryStore::new();
    let clock = StoryClock::at(twin.now);
    let text = plan.to_text()?;
    let approval = approval(plan, twin.now);
    Applier::new(&twin.sink, &journal, &clock)
        .apply(&request(plan, &text, &approval), &options())
        .await
}

/// Whether the second plan would change what a person edited, and nothing else.
fn leaves_to_a_person(second: &Plan, report: &ApplyReport) -> bool {
    use tallyline_core::apply::Outcome as Fate;
    let drifted = report
        .changes
        .iter()
        .filter(|it| it.outcome == Fate::Drifted);
    let mut drifted: Vec<&str> = drifted.map(|it| it.agreement.as_str()).collect();
    let ready = second
        .changes()
        .iter()
        .filter(|change| !change.is_blocked());
    let mut ready: Vec<&str> = ready.map(|change| change.agreement.as_str()).collect();
    drifted.sort_unstable();
    ready.sort_unstable();
    drifted == ready
}
