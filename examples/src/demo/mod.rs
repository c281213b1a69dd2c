//! `demo`: the whole round on two simulators, told for a reader in finance.

mod cases;
mod decisions;
mod faults;
mod keep;
mod stage;

use std::fmt::Write as _;

use async_trait::async_trait;
use serde::Serialize;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval, Clock};
use tallyline_core::flow::{Flow, Lists};
use tallyline_core::mapping::Mapping;
use tallyline_core::model::{ChangeId, Timestamp};
use tallyline_core::plan::{Plan, PlanSummary, Policy};
use tallyline_core::source::Identity;
use tallyline_core::store::MemoryStore;
use tallyline_core::{PsaSink as _, Result, VendorSource as _};
use tallyline_testkit::connectwise::WriteKind;

use self::cases::{CaseResult, Judge};
use self::stage::Stage;
use crate::cli::DemoArgs;
use crate::commands::Context;
use crate::outcome::Outcome;
use crate::output::{count, safe, say, wrapped};
use crate::plan_view::{self, Amount, place_line};
use crate::progress::Bars;
use crate::report_view;

/// How much of the plan is shown.
const SHOWN: Amount = Amount {
    changes: 12,
    blocked: 12,
    notices: 30,
};

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

/// The book's clock: it stands still, so that the same seed tells the same story.
struct BookClock(Timestamp);

#[async_trait]
impl Clock for BookClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn alongside(&self, _: std::time::Duration) {
        std::future::pending::<()>().await;
    }
}

/// Tells the story, unless a JSON document is wanted.
struct Narrator {
    silent: bool,
}

impl Narrator {
    fn step(&self, number: u8, title: &str, text: &str) -> Result<()> {
        if self.silent {
            return Ok(());
        }
        let heading = format!("{number}. {title}");
        let rule = "-".repeat(heading.chars().count());
        say(&format!("\n{heading}\n{rule}\n{text}"))
    }

    fn tell(&self, text: &str) -> Result<()> {
        if self.silent { Ok(()) } else { say(text) }
    }
}

/// Plays the demo.
pub(crate) async fn run(context: &Context, args: &DemoArgs) -> Result<Outcome> {
    if args.faults {
        return Box::pin(faults::run(context, args)).await;
    }
    let narrator = Narrator {
        silent: context.out.is_json(),
    };
    let stage = Stage::set(args).await?;
    narrator.tell(&opening(&stage))?;

    let identities = [stage.source.check().await?, stage.sink.check().await?];
    narrator.step(1, "Both connections are checked", &checked(&identities))?;

    let lists = lists(&stage).await?;
    let decisions = decisions::decide(&stage.book, &lists)?;
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
    narrator.step(5, "The plan is made again", &left(&second))?;

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
         simulated systems on this machine: a vendor (Sherweb) with {} clients and {} \
         subscriptions, and a billing system (ConnectWise PSA). Names, figures and keys are \
         made up. The day is {}.",
        options.accounts,
        options.lines,
        stage.now.date()
    );
    wrapped("", 0, &intro)
}

fn checked(identities: &[Identity; 2]) -> String {
    let mut out = String::new();
    for (name, identity) in ["Vendor, Sherweb", "Billing, ConnectWise PSA"]
        .iter()
        .zip(identities)
    {
        let _ = writeln!(out, "{name}: connected as {}", safe(&identity.subject));
        for text in &identity.verified {
            out.push_str(&wrapped("  ok       ", 11, &safe(text)));
        }
        for text in &identity.warnings {
            out.push_str(&wrapped("  warning  ", 11, &safe(text)));
        }
    }
    out
}

async fn lists(stage: &Stage) -> Result<Lists> {
    Flow::new(&stage.source, &stage.sink).lists().await
}

async fn plan(stage: &Stage, lists: &Lists, mapping: &Mapping) -> Result<Plan> {
    let bars = Bars::for_reading();
    let plan = Flow::new(&stage.source, &stage.sink)
        .on_progress(|progress| bars.report(progress))
        .plan(lists, mapping, &Policy::default(), stage.now)
        .await;
    bars.finish();
    plan
}

fn planned(plan: &Plan) -> String {
    // Request ids are another one in each run, and mean nothing without the system behind them.
    let mut notices = plan.notices().to_vec();
    for notice in &mut notices {
        while let Some(start) = notice.message.find(" [request ")
            && let Some(length) = notice.message[start..].find(']')
        {
            notice.message.replace_range(start..=start + length, "");
        }
    }
    format!(
        "{}{}{}{}",
        plan_view::head(plan),
        plan_view::ready(plan, SHOWN.changes),
        plan_view::blocked(plan, SHOWN.blocked),
        plan_view::notices(&notices, SHOWN.notices)
    )
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
        vendor_requests: stage.vendor.request_count(),
        psa_requests: stage.psa.request_count(),
        psa_writes: writes.len(),
        lines_created: of(WriteKind::Created),
        lines_changed: of(WriteKind::Updated),
    }
}

fn applied(report: &ApplyReport, plan: &Plan, figures: Figures) -> String {
    let mut out = report_view::table_text(report, plan.changes());
    let _ = write!(
        out,
        "\n{} done; each was read back and found as wanted. {} blocked and not written.",
        count(report.totals.done, "change is", "changes are"),
        count(report.totals.blocked, "change is", "changes are"),
    );
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

fn blocked(plan: &Plan) -> Vec<&ChangeId> {
    let blocked = plan.changes().iter().filter(|change| change.is_blocked());
    blocked.map(|change| &change.id).collect()
}

fn left(plan: &Plan) -> String {
    let summary = plan.summary();
    let mut out = if summary.ready == 0 {
        "Nothing is left to apply: what could be corrected agrees now.\n".to_owned()
    } else {
        format!("NOT AS IT SHOULD BE: {} still to apply.\n", summary.ready)
    };
    if summary.blocked > 0 {
        out.push_str("Blocked as before, until a person decides:\n");
    }
    for change in plan.changes().iter().filter(|change| change.is_blocked()) {
        let (what, step) = plan_view::action_words(&change.action);
        let text = format!("{}: {what} {step}", place_line(change));
        out.push_str(&wrapped("  - ", 4, &text));
    }
    let _ = writeln!(
        out,
        "{} as listed in step 3, for a person to look at; nothing of that was changed.",
        count(
            plan_view::sentences(plan.notices()),
            "finding remains",
            "findings remain"
        )
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
