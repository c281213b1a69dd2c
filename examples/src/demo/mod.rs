//! `demo`: the whole round on two simulators, told for a reader in finance.

mod bundled;
mod cases;
mod counts;
mod csp;
mod decisions;
mod faults;
mod keep;
mod stage;
mod telling;
mod vendor;

use std::fmt::Write as _;

use serde::Serialize;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::mapping::Mapping;
use tallyline_core::plan::{Plan, PlanSummary, Policy};
use tallyline_core::store::MemoryStore;
use tallyline_core::{Error, ErrorKind, PsaSink as _, Result};
use tallyline_testkit::connectwise::WriteKind;

use self::cases::{CaseResult, Judge};
use self::stage::Stage;
use self::telling::{BookClock, Narrator, blocked, checked, left, planned};
use crate::cli::{DemoArgs, DemoSink, DemoSource};
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
    figures: Figures,
    second_plan: PlanSummary,
}

/// What the simulators saw.
#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    vendor_requests: usize,
    psa_requests: usize,
    psa_writes: usize,
    lines_created: usize,
    lines_changed: usize,
}

/// Plays the demo.
pub(crate) async fn run(context: &Context, args: &DemoArgs) -> Result<Outcome> {
    let plain = (DemoSource::Sherweb, DemoSink::Connectwise);
    if (args.faults || args.keep) && (args.source, args.sink) != plain {
        return Err(Error::new(
            ErrorKind::Config,
            "--faults and --keep are of the demo from Sherweb to ConnectWise PSA",
        ));
    }
    if matches!(args.source, DemoSource::Hyalto | DemoSource::Vcd) {
        return Box::pin(bundled::run(context, args)).await;
    }
    match args.sink {
        DemoSink::Autotask => Box::pin(csp::run(context, args)).await,
        DemoSink::Gradient => Box::pin(counts::run(context, args)).await,
        DemoSink::Connectwise if args.faults => Box::pin(faults::run(context, args)).await,
        DemoSink::Connectwise => Box::pin(seats(context, args)).await,
    }
}

/// Plays the seats of a vendor on the lines of agreements.
async fn seats(context: &Context, args: &DemoArgs) -> Result<Outcome> {
    let narrator = Narrator {
        silent: context.out.is_json(),
    };
    let stage = Stage::set(args).await?;
    narrator.tell(&opening(&stage))?;

    let identities = [
        stage.vendor.source.check().await?,
        stage.sink.check().await?,
    ];
    narrator.step(
        1,
        "Both connections are checked",
        &checked([&stage.vendor.name(), "ConnectWise PSA"], &identities),
    )?;

    let lists = lists(&stage).await?;
    let decisions = decisions::decide(&stage.book, &lists, stage.known_as)?;
    let title = "Who is who: clients and articles are linked";
    narrator.step(2, title, &decisions.text(&lists))?;

    let plan = plan(&stage, &lists, &decisions.mapping).await?;
    let judge = Judge {
        book: &stage.book,
        decisions: &decisions,
        plan: &plan,
    };
    let results = judge.results();
    let unexplained = judge.unexplained().len();
    let title = "The plan: what would bring billing in step. Nothing is written yet";
    narrator.step(3, title, &planned(&plan))?;
    narrator.tell(&format!(
        "\nThe book of this demo hides {} special cases. What became of each:\n{}",
        results.len(),
        cases::text(&results)
    ))?;

    let report = apply(&stage, &plan).await?;
    let figures = figures(&stage);
    let title = "The plan is carried out, and every change is read back";
    narrator.step(4, title, &applied(&report, &plan, figures))?;

    let after = self::lists(&stage).await?;
    let second = self::plan(&stage, &after, &decisions.mapping).await?;
    narrator.step(5, "The plan is made again", &left(&second, 3))?;

    let wrong = results.iter().filter(|result| !result.as_expected).count();
    let still_blocked = blocked(&second) == blocked(&plan);
    let ok = wrong == 0
        && unexplained == 0
        && second.summary().ready == 0
        && still_blocked
        && report.totals.done == plan.summary().ready
        && figures.psa_writes == report.totals.done;
    if context.out.is_json() {
        let document = Document {
            ok,
            cases: &results,
            first_plan: plan.summary(),
            applied: &report,
            figures,
            second_plan: second.summary(),
        };
        context.out.print(&document, String::new)?;
    } else {
        say(&verdict(ok, wrong, results.len(), unexplained))?;
    }
    if args.keep {
        keep::keep(stage, &decisions.mapping, &plan).await?;
    }
    Ok(if ok { Outcome::Done } else { Outcome::Failed })
}

fn opening(stage: &Stage) -> String {
    let options = &stage.book.options;
    let intro = format!(
        "Tallyline compares what a vendor charges for each client with what is billed to that \
         client, plans the corrections, carries them out and proves them. This demo plays on two \
         simulated systems on this machine: a vendor ({}) with {} clients and {} \
         subscriptions, and a billing system (ConnectWise PSA). Names, figures and keys are \
         made up. The day is {}.",
        stage.vendor.name(),
        options.accounts,
        options.lines,
        stage.now.date()
    );
    wrapped("", 0, &intro)
}

async fn lists(stage: &Stage) -> Result<Lists> {
    Flow::new(stage.vendor.source.as_ref(), &stage.sink)
        .lists()
        .await
}

async fn plan(stage: &Stage, lists: &Lists, mapping: &Mapping) -> Result<Plan> {
    let bars = Bars::for_reading();
    let plan = Flow::new(stage.vendor.source.as_ref(), &stage.sink)
        .on_progress(|progress| bars.report(progress))
        .plan(lists, mapping, &Policy::default(), stage.now)
        .await;
    bars.finish();
    plan
}

async fn apply(stage: &Stage, plan: &Plan) -> Result<ApplyReport> {
    let journal = MemoryStore::new();
    let clock = BookClock(stage.now);
    let text = plan.to_text()?;
    let approval = Approval::of_plan(plan.id().clone(), "the demo", stage.now);
    let request = ApplyRequest {
        plan_id: plan.id(),
        plan_text: &text,
        source: &plan.content().source,
        changes: plan.changes(),
        approval: &approval,
    };
    Applier::new(&stage.sink, &journal, &clock)
        .apply(&request, &ApplyOptions::new())
        .await
}

fn figures(stage: &Stage) -> Figures {
    let writes = stage.psa.writes();
    let of = |kind: WriteKind| writes.iter().filter(|write| write.kind == kind).count();
    Figures {
        vendor_requests: stage.vendor.requests(),
        psa_requests: stage.psa.request_count(),
        psa_writes: writes.len(),
        lines_created: of(WriteKind::Created),
        lines_changed: of(WriteKind::Updated),
    }
}

fn applied(report: &ApplyReport, plan: &Plan, figures: Figures) -> String {
    let mut out = telling::applied(report, plan);
    let _ = write!(
        out,
        "\n\nWhat the simulated systems saw themselves, from the first step on:\n\
         \x20 vendor           {} requests, none of which changes anything\n\
         \x20 billing system   {} requests, of which it carried out {} ({} new, {} changed)\n",
        figures.vendor_requests,
        figures.psa_requests,
        count(figures.psa_writes, "write", "writes"),
        count(figures.lines_created, "line", "lines"),
        count(figures.lines_changed, "line", "lines"),
    );
    out
}

fn verdict(ok: bool, wrong: usize, cases: usize, unexplained: usize) -> String {
    if ok {
        return format!(
            "\nAll {cases} cases came out as the book says, and nothing else was changed."
        );
    }
    let mut out = format!("\nNOT AS THE BOOK SAYS: {wrong} of {cases} cases");
    if unexplained > 0 {
        let changes = count(unexplained, "change", "changes");
        let _ = write!(out, ", and {changes} that no case explains");
    }
    out.push('.');
    out
}
