//! `demo --sink gradient`: what each client uses as absolute counts, for an MSP that reconciles in Gradient.

mod proof;
mod setup;
mod stage;

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use tallyline_core::apply::{
    Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval, Outcome as Fate,
};
use tallyline_core::flow::Flow;
use tallyline_core::model::RunId;
use tallyline_core::plan::{Action, Plan, PlanSummary, Policy};
use tallyline_core::store::{Journal as _, MemoryStore};
use tallyline_core::{PsaSink as _, Result};
use tallyline_testkit::book::csp::CspCase;
use tallyline_testkit::faults::{Fault, Match};

use self::proof::Held;
use self::setup::Ready;
use self::stage::Stage;
use super::telling::{self, BookClock, Narrator};
use crate::cli::DemoArgs;
use crate::commands::Context;
use crate::outcome::Outcome;
use crate::output::{count, safe, say, wrapped};
use crate::plan_view::place_line;
use crate::progress::Bars;
use crate::report_view;

/// Longer than a count without an answer may still arrive.
const LATER: Duration = Duration::from_secs(11 * 60);

/// What the demo came to.
#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    first_plan: PlanSummary,
    applied: &'a ApplyReport,
    resumed: &'a ApplyReport,
    second_plan: PlanSummary,
    second_applied: &'a ApplyReport,
    next_plan: PlanSummary,
    next_applied: &'a ApplyReport,
    last_plan: PlanSummary,
    held: &'a Held,
}

/// The demo under way.
struct Play {
    stage: Stage,
    ready: Ready,
    journal: MemoryStore,
}

/// Plays the demo.
pub(super) async fn run(context: &Context, args: &DemoArgs) -> Result<Outcome> {
    let narrator = Narrator {
        silent: context.out.is_json(),
    };
    let stage = Stage::set(args).await?;
    narrator.tell(&opening(&stage))?;
    let identities = [
        stage.market.vendor.source.check().await?,
        stage.sink.check().await?,
    ];
    let names = [&*stage.market.vendor.name(), "Gradient"];
    let text = telling::checked(names, &identities);
    narrator.step(1, "Both connections are checked", &text)?;

    let ready = setup::set_up(&stage).await?;
    let title = "Gradient is set up: services and clients are made there";
    narrator.step(2, title, &ready.text())?;
    let mut play = Play {
        stage,
        ready,
        journal: MemoryStore::new(),
    };

    let first = play.plan().await?;
    let title = "The plan: what is to be counted. Nothing is sent yet";
    narrator.step(3, title, &telling::planned(&first))?;

    let applied = play.apply_and_lose_an_answer(&first).await?;
    let title = "The counts are sent, and one answer gets lost on the way";
    narrator.step(4, title, &play.told(&applied, &first))?;

    play.stage
        .market
        .hands
        .advance(jiff::SignedDuration::try_from(LATER).unwrap_or_default());
    let resumed = play.resume(&applied.run).await?;
    let title = "Eleven minutes later: the run is resumed";
    narrator.step(5, title, &play.settled(&first, [&applied, &resumed]))?;

    let second = play.plan().await?;
    play.stage
        .gradient
        .with_state(|state| state.map_account(play.ready.unmapped.id.as_str()));
    let second_applied = play.apply(&second).await?;
    let title = "A second run sends nothing new: only what was not mapped comes again";
    let text = format!(
        "{}\n{}",
        telling::planned(&second),
        play.mapped_now(&second_applied, &second)
    );
    narrator.step(6, title, &text)?;

    let ended = play.stage.market.end(CspCase::ContractEnds);
    let mut news = play.stage.market.next_bill().sentences;
    news.splice(0..0, ended);
    let next = play.plan().await?;
    let next_applied = play.apply(&next).await?;
    let day = format!("The day is {}. {}", play.stage.now().date(), news.join(" "));
    let text = format!(
        "{}{}\n{}",
        wrapped("", 0, &safe(&day)),
        telling::planned(&next),
        play.told(&next_applied, &next)
    );
    narrator.step(
        7,
        "A month later: counts that changed, and one that is gone",
        &text,
    )?;

    let last = play.plan().await?;
    let held = proof::held(&play.stage);
    let text = format!("{}\n{}", left(&last), held.text());
    narrator.step(8, "And once more: nothing is left to send", &text)?;

    let of_unmapped = |plan: &Plan| of_client(plan, play.ready.unmapped.id.as_str());
    let checks = [
        (play.ready.is_whole(&play.stage), "the set-up"),
        (first_counts(&first), "the first plan, which knows no count"),
        (
            applied.totals.not_mapped == of_unmapped(&first) && applied.totals.failed == 0,
            "what is not mapped",
        ),
        (applied.totals.unsettled == 1, "the lost answer"),
        (
            resumed.totals.done + resumed.totals.not_mapped == first.summary().ready,
            "the resumed run",
        ),
        (
            second.summary().ready == of_unmapped(&second)
                && of_unmapped(&second) == of_unmapped(&first)
                && second_applied.is_all_done(),
            "the second run",
        ),
        (
            steps(&next) == [true, false] && next_applied.is_all_done(),
            "the month after",
        ),
        (last.changes().is_empty(), "what is left"),
        (held.is_as_used(), "what Gradient holds in the end"),
        (
            held.sent == first.summary().ready + 1 + second.summary().ready + next.summary().ready,
            "how often counts were sent",
        ),
    ];
    let wrong: Vec<&str> = checks
        .iter()
        .filter(|(ok, _)| !ok)
        .map(|(_, what)| *what)
        .collect();
    if context.out.is_json() {
        let document = Document {
            ok: wrong.is_empty(),
            first_plan: first.summary(),
            applied: &applied,
            resumed: &resumed,
            second_plan: second.summary(),
            second_applied: &second_applied,
            next_plan: next.summary(),
            next_applied: &next_applied,
            last_plan: last.summary(),
            held: &held,
        };
        context.out.print(&document, String::new)?;
    } else {
        say(&verdict(&wrong))?;
    }
    Ok(if wrong.is_empty() {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

fn opening(stage: &Stage) -> String {
    let intro = format!(
        "Some MSPs reconcile in Gradient: there they compare counts with what their PSA bills, approve, and \
         Gradient writes to the PSA. Tallyline tells Gradient how many units of each article each client \
         has. Such a count is absolute: it says 17, not 3 more. Gradient tells no count back, so what was \
         sent last is known from Tallyline's own journal. This demo plays on two simulated systems on this \
         machine: a vendor ({}) with {} clients, and Gradient. Names, figures and keys are made up. The day \
         is {}.",
        stage.market.vendor.name(),
        stage.market.book.options.organizations,
        stage.now().date()
    );
    wrapped("", 0, &intro)
}

/// Whether every change of a plan sets a count where none is known.
fn first_counts(plan: &Plan) -> bool {
    let mut changes = plan.changes().iter();
    let unknown = |action: &Action| matches!(action, Action::SetCount { from: None, .. });
    !plan.changes().is_empty()
        && changes.all(|change| unknown(&change.action) && !change.is_blocked())
}

/// The changes of a plan that are about one client.
fn of_client(plan: &Plan, client: &str) -> usize {
    let changes = plan.changes().iter();
    changes
        .filter(|change| change.agreement.as_str() == client)
        .count()
}

/// Of each change of the month, whether its count is above zero, those first that are.
fn steps(plan: &Plan) -> Vec<bool> {
    let to = plan
        .changes()
        .iter()
        .filter_map(|change| match &change.action {
            Action::SetCount { from: Some(_), to } => Some(!to.is_zero()),
            _ => None,
        });
    let mut steps: Vec<bool> = to.collect();
    steps.sort_by(|one, other| other.cmp(one));
    steps
}

fn left(plan: &Plan) -> String {
    if plan.changes().is_empty() {
        "Nothing is left to send: every count that Gradient was given is what the vendor shows now."
            .to_owned()
    } else {
        format!(
            "NOT AS IT SHOULD BE: {} still to send.",
            plan.changes().len()
        )
    }
}

fn verdict(wrong: &[&str]) -> String {
    if wrong.is_empty() {
        return "\nEverything came out as it should, and every count was sent as often as is said above.".to_owned();
    }
    wrapped("\nNOT AS IT SHOULD BE: ", 0, &wrong.join("; "))
}

impl Play {
    /// Reads the vendor, and what was sent so far, and plans.
    async fn plan(&self) -> Result<Plan> {
        let stage = &self.stage;
        let source = stage.market.vendor.source.as_ref();
        let (from, to) = (source.descriptor().system, stage.sink.descriptor().system);
        let ledger = self.journal.ledger(from, to).await?;
        let bars = Bars::for_reading();
        let flow = Flow::new(source, &stage.sink)
            .on_progress(|progress| bars.report(progress))
            .with_ledger(&ledger);
        let lists = flow.lists().await?;
        let plan = flow
            .plan(&lists, &self.ready.mapping, &Policy::default(), stage.now())
            .await;
        bars.finish();
        plan
    }

    async fn apply(&self, plan: &Plan) -> Result<ApplyReport> {
        let clock = BookClock(self.stage.now());
        let text = plan.to_text()?;
        let approval = Approval::of_plan(plan.id().clone(), "the demo", self.stage.now());
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source: &plan.content().source,
            changes: plan.changes(),
            approval: &approval,
        };
        Applier::new(&self.stage.sink, &self.journal, &clock)
            .apply(&request, &one_by_one())
            .await
    }

    /// Carries out a plan, while the answer to the first count of one client gets lost.
    async fn apply_and_lose_an_answer(&self, plan: &Plan) -> Result<ApplyReport> {
        let note = self.stage.market.book.case(CspCase::Increase);
        let name = note.map(|note| self.stage.market.client(&note.organization_id));
        let mut changes = plan.changes().iter();
        let change = changes.find(|change| Some(&change.labels.company) == name.as_ref());
        if let Some(change) = change {
            let account = format!("\"{}\"", change.agreement);
            let count = Match::post("/count").body(&account).once();
            self.stage.gradient.faults().on(count, Fault::lose_answer());
        }
        self.apply(plan).await
    }

    async fn resume(&self, run: &RunId) -> Result<ApplyReport> {
        let clock = BookClock(self.stage.now());
        Applier::new(&self.stage.sink, &self.journal, &clock)
            .resume(run, &one_by_one())
            .await
    }

    /// What was sent, and what became of it.
    fn told(&self, report: &ApplyReport, plan: &Plan) -> String {
        let totals = report.totals;
        let mut out = report_view::table_text(report, plan.changes());
        out.push('\n');
        let mut add = |text: String| out.push_str(&wrapped("", 0, &text));
        add(format!(
            "{} taken: Gradient answered each with yes, which is all the proof there is, for it tells no \
             count back.",
            count(totals.done, "count is", "counts are")
        ));
        if totals.not_mapped > 0 {
            add(format!(
                "{} not taken, as the MSP has not mapped {} in Gradient. That is normal: nothing failed, and \
                 the next plan brings them again.",
                count(totals.not_mapped, "count was", "counts were"),
                safe(&self.ready.unmapped.name)
            ));
        }
        if totals.unsettled > 0 {
            add(format!(
                "{} got lost: nobody can tell whether Gradient took the count. It is not sent again at once, \
                 for the first may still be under way and arrive after a newer one. Until it \
                 is settled, no run touches this client.",
                count(totals.unsettled, "answer", "answers")
            ));
        }
        out
    }

    /// How the lost answer was settled.
    fn settled(&self, plan: &Plan, [before, after]: [&ApplyReport; 2]) -> String {
        let mut all = before.changes.iter().zip(plan.changes());
        let lost = all.find(|(result, _)| result.outcome == Fate::Unsettled);
        let Some((_, change)) = lost else {
            return "NOT AS IT SHOULD BE: no answer was lost.\n".to_owned();
        };
        let mut settled = after.changes.iter();
        let taken = settled.any(|result| {
            result.change == change.id && matches!(result.outcome, Fate::Done { .. })
        });
        let pair = (&change.agreement, &change.product);
        let held = proof::count_of(&self.stage, pair);
        let held = held.map_or_else(|| "none".to_owned(), |held| held.normalize().to_string());
        let mut text = format!(
            "{}: by now the first count can no longer arrive, so it is sent once more, and {}. Sent twice it \
             is the same count, since it is absolute: Gradient saw it {}, and holds {held}. The journal tells \
             of both.",
            place_line(change),
            if taken {
                "taken"
            } else {
                "NOT AS IT SHOULD BE: not taken"
            },
            times(proof::sent_for(&self.stage, pair)),
        );
        let waiting = before.totals.waiting;
        if waiting > 0 {
            let those = count(waiting, "other count", "other counts");
            let _ = write!(
                text,
                " {those} of this client waited for it, and went after it."
            );
        }
        wrapped("", 0, &text)
    }

    /// What became of the client that is mapped at last.
    fn mapped_now(&self, report: &ApplyReport, plan: &Plan) -> String {
        let intro = format!(
            "The MSP maps {} in Gradient, and the plan is carried out:",
            safe(&self.ready.unmapped.name)
        );
        format!("{}\n{}", wrapped("", 0, &intro), self.told(report, plan))
    }
}

fn times(number: usize) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        number => format!("{number} times"),
    }
}

/// One after the other, so that the same happens in each telling.
fn one_by_one() -> ApplyOptions {
    let mut options = ApplyOptions::new();
    options.concurrency = 1;
    options
}
