//! `demo --sink autotask`: subscriptions on contracts of their own and consumption as charges, one bill after the other.

mod cases;
mod decisions;
pub(super) mod market;
mod stage;

use serde::Serialize;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::plan::{Plan, PlanSummary, Policy};
use tallyline_core::reconcile::Kind;
use tallyline_core::store::{Journal as _, MemoryStore};
use tallyline_core::{PsaSink as _, Result};
use tallyline_testkit::effects::{Cause, Effect, EffectKind};

use self::cases::Judge;
use self::decisions::Decisions;
use self::stage::Stage;
use super::cases::CaseResult;
use super::telling::{self, BookClock, Narrator};
use crate::cli::{DemoArgs, DemoSource};
use crate::commands::Context;
use crate::outcome::Outcome;
use crate::output::{count, say, wrapped};
use crate::progress::Bars;

/// What the demo came to.
#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    cases: &'a [CaseResult],
    first_plan: PlanSummary,
    applied: &'a ApplyReport,
    same_bill: PlanSummary,
    next_bill: PlanSummary,
    next_applied: &'a ApplyReport,
    same_next_bill: PlanSummary,
    figures: Figures,
}

/// What the simulators saw.
#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    vendor_requests: usize,
    psa_requests: usize,
    psa_writes: usize,
    contracts: usize,
    adjustments: usize,
    charges: usize,
    costs: usize,
}

/// A run: its plan, and what became of it.
struct Run {
    plan: Plan,
    report: ApplyReport,
}

/// The demo under way.
struct Play {
    stage: Stage,
    decisions: Decisions,
    journal: MemoryStore,
}

/// Plays the demo.
pub(super) async fn run(context: &Context, args: &DemoArgs) -> Result<Outcome> {
    let narrator = Narrator {
        silent: context.out.is_json(),
    };
    let stage = Stage::set(args).await?;
    let words = Words::of(args.source);
    narrator.tell(&words.opening(&stage))?;

    let identities = [
        stage.market.vendor.source.check().await?,
        stage.sink.check().await?,
    ];
    narrator.step(
        1,
        "Both connections are checked",
        &telling::checked([&stage.market.vendor.name(), "Autotask"], &identities),
    )?;

    let lists = lists(&stage).await?;
    let decisions = decisions::decide(&lists)?;
    narrator.step(
        2,
        "Who is who: clients and articles are linked",
        &decisions.text(&lists),
    )?;

    let mut play = Play {
        stage,
        decisions,
        journal: MemoryStore::new(),
    };
    let plan = play.plan().await?;
    let judge = Judge {
        book: &play.stage.market.book,
        decisions: &play.decisions,
        plan: &plan,
        states_companies: args.source == DemoSource::Cloudmore,
        states_ends: matches!(args.source, DemoSource::Dandh | DemoSource::Ingram),
    };
    let results = judge.results();
    let unexplained = judge.unexplained().len();
    let title = format!("The plan: what {} for. Nothing is written yet", words.asked);
    narrator.step(3, &title, &telling::planned(&plan))?;
    narrator.tell(&format!(
        "\nThe book of this demo hides {} special cases. What became of each:\n{}",
        results.len(),
        super::cases::text(&results)
    ))?;

    let first = play.apply(plan).await?;
    let title = "The plan is carried out, and every change is read back";
    narrator.step(4, title, &telling::applied(&first.report, &first.plan))?;

    let same = play.plan().await?;
    narrator.step(
        5,
        &format!(
            "A second run over the same {} changes nothing",
            words.things
        ),
        &telling::left(&same, 3),
    )?;

    let news = play.stage.market.next_bill();
    let plan = play.plan().await?;
    let mut text = wrapped(
        "",
        0,
        &format!(
            "The day is {}. {}",
            play.stage.now().date(),
            news.sentences.join(" ")
        ),
    );
    text.push_str(&telling::planned(&plan));
    narrator.step(6, &format!("A month later: {}", words.new), &text)?;
    let next = play.apply(plan).await?;
    let title = "What is new is carried out, and nothing else";
    narrator.step(7, title, &telling::applied(&next.report, &next.plan))?;

    let same_next = play.plan().await?;
    let figures = figures(&play.stage);
    let mut text = telling::left(&same_next, 6);
    text.push_str(&seen(figures));
    let title = format!("And once more over the same {}", words.things);
    narrator.step(8, &title, &text)?;

    let wrong = results.iter().filter(|result| !result.as_expected).count();
    let runs = [&first, &next];
    let done: usize = runs.iter().map(|run| run.report.totals.done).sum();
    let checks = [
        (wrong == 0, format!("{wrong} of {} cases", results.len())),
        (unexplained == 0, "changes that no case explains".to_owned()),
        (
            runs.iter().all(|run| run.is_whole()),
            "changes that were not carried out".to_owned(),
        ),
        (
            same.summary().ready + same_next.summary().ready == 0,
            "changes over what was brought over before".to_owned(),
        ),
        (
            next.plan.summary().ready == news.changes,
            "what the new month asks for".to_owned(),
        ),
        (
            args.source != DemoSource::Cloudmore || names_prorations(&next.plan),
            "what the vendor charges and nobody is billed for".to_owned(),
        ),
        (
            figures.psa_writes == done,
            "writes beyond those that were planned".to_owned(),
        ),
    ];
    let ok = checks.iter().all(|(ok, _)| *ok);
    if context.out.is_json() {
        let document = Document {
            ok,
            cases: &results,
            first_plan: first.plan.summary(),
            applied: &first.report,
            same_bill: same.summary(),
            next_bill: next.plan.summary(),
            next_applied: &next.report,
            same_next_bill: same_next.summary(),
            figures,
        };
        context.out.print(&document, String::new)?;
    } else {
        say(&verdict(&checks, results.len()))?;
    }
    Ok(if ok { Outcome::Done } else { Outcome::Failed })
}

/// Whether the plan names the licences that were bought within a period, which no line bills.
fn names_prorations(plan: &Plan) -> bool {
    let mut notices = plan.notices().iter();
    notices.any(|notice| {
        notice.kind == Kind::NotBilled && notice.message.contains("1 proration line on the bill")
    })
}

fn verdict(checks: &[(bool, String)], cases: usize) -> String {
    let mut failed = checks.iter().filter(|(ok, _)| !ok).peekable();
    if failed.peek().is_none() {
        return format!(
            "\nAll {cases} cases came out as the book says, and nothing else was changed."
        );
    }
    let failed: Vec<&str> = failed.map(|(_, what)| what.as_str()).collect();
    wrapped("\nNOT AS THE BOOK SAYS: ", 0, &failed.join("; "))
}

impl Play {
    /// Reads both sides, and what was exported so far, and plans.
    async fn plan(&self) -> Result<Plan> {
        let stage = &self.stage;
        let (source, sink) = (
            stage.market.vendor.source.descriptor().system,
            stage.sink.descriptor().system,
        );
        let ledger = self.journal.ledger(source, sink).await?;
        let lists = lists(stage).await?;
        let bars = Bars::for_reading();
        let plan = Flow::new(stage.market.vendor.source.as_ref(), &stage.sink)
            .on_progress(|progress| bars.report(progress))
            .with_ledger(&ledger)
            .plan(
                &lists,
                &self.decisions.mapping,
                &Policy::default(),
                stage.now(),
            )
            .await;
        bars.finish();
        plan
    }

    async fn apply(&self, plan: Plan) -> Result<Run> {
        let now = self.stage.now();
        let clock = BookClock(now);
        let text = plan.to_text()?;
        let approval = Approval::of_plan(plan.id().clone(), "the demo", now);
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source: &plan.content().source,
            changes: plan.changes(),
            approval: &approval,
        };
        let mut options = ApplyOptions::new();
        // One after the other, so that new records have the same ids in each telling.
        options.concurrency = 1;
        let report = Applier::new(&self.stage.sink, &self.journal, &clock)
            .apply(&request, &options)
            .await?;
        Ok(Run { plan, report })
    }
}

impl Run {
    /// Whether all that could be applied was.
    fn is_whole(&self) -> bool {
        self.report.totals.done == self.plan.summary().ready
    }
}

async fn lists(stage: &Stage) -> Result<Lists> {
    Flow::new(stage.market.vendor.source.as_ref(), &stage.sink)
        .lists()
        .await
}

/// What is told of what the vendor gives.
struct Words {
    /// What Tallyline does here.
    purpose: &'static str,
    /// What is compared.
    asked: &'static str,
    /// The same, short.
    things: &'static str,
    /// What a month brings.
    new: &'static str,
}

/// A vendor with bills in its API.
const BILLS: Words = Words {
    purpose: "Tallyline brings a vendor's bills to the billing system: subscriptions as contracts with \
              their services, consumption as one charge for each bill.",
    asked: "the last bills ask",
    things: "bills",
    new: "a new bill",
};

/// A vendor that tells how many licences there are.
const COUNTS: Words = Words {
    purpose: "Tallyline brings a vendor's counts to the billing system: subscriptions as contracts with \
              their services, each with as many units as the vendor has licences.",
    asked: "the vendor's counts ask",
    things: "counts",
    new: "new counts",
};

impl Words {
    fn of(source: DemoSource) -> &'static Self {
        match source {
            DemoSource::Cloudmore | DemoSource::Sherweb => &BILLS,
            DemoSource::Dandh | DemoSource::Hyalto | DemoSource::Ingram | DemoSource::Vcd => {
                &COUNTS
            }
        }
    }

    fn opening(&self, stage: &Stage) -> String {
        let intro = format!(
            "{} This demo plays on two simulated systems on this machine: a vendor ({}) with {} \
             clients, and a billing system (Autotask). Names, figures and keys are made up. The day \
             is {}, and what is billed in advance was billed on {}.",
            self.purpose,
            stage.market.vendor.name(),
            stage.market.book.options.organizations,
            stage.now().date(),
            stage.market.book.last_bill
        );
        wrapped("", 0, &intro)
    }
}

/// What the simulators saw of all requests that change something.
fn figures(stage: &Stage) -> Figures {
    let effects = stage.psa.effects();
    let by_request = |effect: &&Effect| matches!(effect.cause, Cause::Request { .. });
    let made: Vec<&Effect> = effects.iter().filter(by_request).collect();
    let of = |entity: &str| {
        let created = made
            .iter()
            .filter(|effect| effect.kind == EffectKind::Created);
        created.filter(|effect| effect.entity == entity).count()
    };
    let (contracts, adjustments, charges) = (
        of("Contracts"),
        of("ContractServiceAdjustments"),
        of("ContractCharges"),
    );
    let costs = made
        .iter()
        .filter(|effect| effect.kind == EffectKind::Updated && effect.entity == "ContractServices")
        .count();
    Figures {
        vendor_requests: stage.market.vendor.requests(),
        psa_requests: stage.psa.request_count(),
        psa_writes: contracts + adjustments + charges + costs,
        contracts,
        adjustments,
        charges,
        costs,
    }
}

fn seen(figures: Figures) -> String {
    let made = [
        count(figures.contracts, "new contract", "new contracts"),
        count(
            figures.adjustments,
            "adjustment of units",
            "adjustments of units",
        ),
        count(figures.charges, "charge", "charges"),
        count(figures.costs, "cost per unit", "costs per unit"),
    ];
    let made = made.into_iter().filter(|made| !made.starts_with("0 "));
    let mut out =
        "\nWhat the simulated systems saw themselves, from the first step on:\n".to_owned();
    out.push_str(&wrapped(
        "  vendor           ",
        19,
        &format!(
            "{} requests, none of which changes anything",
            figures.vendor_requests
        ),
    ));
    out.push_str(&wrapped(
        "  billing system   ",
        19,
        &format!(
            "{} requests, of which it carried out {}: {}",
            figures.psa_requests,
            count(figures.psa_writes, "write", "writes"),
            made.collect::<Vec<_>>().join(", ")
        ),
    ));
    out
}
