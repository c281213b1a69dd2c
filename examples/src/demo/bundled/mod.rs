//! `demo --source hyalto` and `--source vcd`: a child agreement under a master for each service of a private cloud, and a line on it for
//! each of its resources.

mod cloud;
mod stage;

use serde::Serialize;
use tallyline_core::apply::ApplyReport;
use tallyline_core::plan::{Action, Plan, PlanSummary};
use tallyline_core::{Error, ErrorKind, PsaSink as _, Result};

use self::cloud::{CLIENTS, SERVICES};
use self::stage::Stage;
use super::telling::{self, Narrator};
use crate::cli::{DemoArgs, DemoSink};
use crate::commands::Context;
use crate::outcome::Outcome;
use crate::output::{count, say, wrapped};

/// What the demo came to.
#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    products: &'a ApplyReport,
    first_plan: PlanSummary,
    applied: &'a ApplyReport,
    second_plan: PlanSummary,
    resized: PlanSummary,
    renamed: PlanSummary,
    figures: Figures,
}

/// What the simulators saw.
#[derive(Clone, Copy, Debug, Serialize)]
struct Figures {
    vendor_requests: usize,
    psa_requests: usize,
    products_made: usize,
    first_writes: usize,
    second_writes: usize,
    writes_after_resize: usize,
    writes_after_rename: usize,
}

/// Plays the demo.
pub(super) async fn run(context: &Context, args: &DemoArgs) -> Result<Outcome> {
    if args.sink != DemoSink::Connectwise {
        return Err(Error::new(
            ErrorKind::Config,
            "the demo of a private cloud plays to ConnectWise PSA; give --sink connectwise",
        ));
    }
    let narrator = Narrator {
        silent: context.out.is_json(),
    };
    let mut stage = Stage::set(args.source).await?;
    narrator.tell(&opening(&stage))?;
    let identities = [
        stage.cloud.source().check().await?,
        stage.sink.check().await?,
    ];
    let names = [stage.cloud.name(), "ConnectWise PSA"];
    let title = "Both connections are checked";
    narrator.step(1, title, &telling::checked(names, &identities))?;

    let products = stage.products().await?;
    let made = stage.apply(&products).await?;
    let products_made = stage.writes();
    let title = "Each resource of each kind of service gets one product, made once";
    narrator.step(2, title, &telling::applied(&made, &products))?;

    let linked = stage.link_services().await?;
    stage.link_clients().await?;
    let again = stage.products().await?;
    let title = "Who is who: clients and resources are linked";
    narrator.step(3, title, &who_is_who(linked, &again))?;

    let plan = stage.plan().await?;
    let title = "The plan: a child agreement for each service. Nothing is written yet";
    narrator.step(4, title, &telling::planned(&plan))?;
    let report = stage.apply(&plan).await?;
    let first_writes = stage.writes() - products_made;
    let title = "The plan is carried out, and every change is read back";
    narrator.step(5, title, &telling::applied(&report, &plan))?;

    let (second, second_writes, _) = once_more(&stage).await?;
    let title = "A second run changes nothing";
    narrator.step(6, title, &telling::left(&second, 4))?;

    let said = stage.cloud.resize();
    let (resized, writes_after_resize, done) = once_more(&stage).await?;
    let text = format!(
        "{}{}",
        wrapped("", 0, &said),
        telling::applied(&done, &resized)
    );
    narrator.step(
        7,
        "A service is resized: one line follows, and nothing else",
        &text,
    )?;

    let said = stage.cloud.rename();
    let (renamed, writes_after_rename, _) = once_more(&stage).await?;
    let text = format!("{}{}", wrapped("", 0, &said), telling::left(&renamed, 4));
    narrator.step(
        8,
        "A service is renamed: its agreement is the same one",
        &text,
    )?;

    let figures = Figures {
        vendor_requests: stage.cloud.requests(),
        psa_requests: stage.psa.request_count(),
        products_made,
        first_writes,
        second_writes,
        writes_after_resize,
        writes_after_rename,
    };
    let children = plan.changes().iter();
    let children = children
        .filter(|change| change.action.creates_agreement())
        .count();
    let only_quantity = resized.changes().len() == 1
        && matches!(resized.changes()[0].action, Action::SetQuantity { .. });
    let checks = [
        (products_made == 3 && again.changes().is_empty(), "products"),
        (children == SERVICES - 1, "child agreements"),
        (
            first_writes == plan.changes().len(),
            "writes of the first run",
        ),
        (report.is_all_done(), "changes that were not carried out"),
        (second_writes == 0, "writes of the second run"),
        (
            writes_after_resize == 1 && only_quantity,
            "the resized service",
        ),
        (writes_after_rename == 0, "the renamed service"),
        (stage.masters_are_untouched(), "the master agreements"),
    ];
    let wrong: Vec<&str> = checks
        .iter()
        .filter(|(ok, _)| !ok)
        .map(|(_, what)| *what)
        .collect();
    if context.out.is_json() {
        let document = Document {
            ok: wrong.is_empty(),
            products: &made,
            first_plan: plan.summary(),
            applied: &report,
            second_plan: second.summary(),
            resized: resized.summary(),
            renamed: renamed.summary(),
            figures,
        };
        context.out.print(&document, String::new)?;
    } else {
        say(&seen(figures))?;
        say(&verdict(&wrong))?;
    }
    Ok(if wrong.is_empty() {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}

/// Plans and carries out once more: the plan, how many writes there were, and the report.
async fn once_more(stage: &Stage) -> Result<(Plan, usize, ApplyReport)> {
    let before = stage.writes();
    let plan = stage.plan().await?;
    let report = stage.apply(&plan).await?;
    Ok((plan, stage.writes() - before, report))
}

fn opening(stage: &Stage) -> String {
    let intro = format!(
        "Tallyline bills private clouds through one master agreement for each client: each service of the \
         vendor is a child agreement under it, with a line for CPU, RAM and storage. This demo plays on two \
         simulated systems on this machine: a vendor ({}) with {} clients and {SERVICES} services, and a \
         billing system (ConnectWise PSA). Names, figures and keys are made up. The day is {}.",
        stage.cloud.name(),
        CLIENTS.len(),
        stage.now.date()
    );
    wrapped("", 0, &intro)
}

fn who_is_who(linked: usize, again: &Plan) -> String {
    let left = CLIENTS[CLIENTS.len() - 1];
    let text = format!(
        "A person has chosen the company and the master agreement of {}; no name decides that. {left} is \
         not mapped, and nothing is made for it. {} to the product of its identifier; asked again, {} would \
         be made.",
        CLIENTS[..CLIENTS.len() - 1].join(" and "),
        count(linked, "resource is linked", "resources are linked, each"),
        count(again.changes().len(), "product", "products"),
    );
    wrapped("", 0, &text)
}

fn seen(figures: Figures) -> String {
    let text = format!(
        "{} requests, of which it carried out {}, then {} for the agreements and their lines, none in the \
         second run, {} for the resized service and {} for the renamed one",
        figures.psa_requests,
        count(figures.products_made, "new product", "new products"),
        count(figures.first_writes, "write", "writes"),
        figures.writes_after_resize,
        figures.writes_after_rename,
    );
    format!(
        "\nWhat the simulated systems saw themselves, from the first step on:\n  vendor           {} \
         requests, none of which changes anything\n{}",
        figures.vendor_requests,
        wrapped("  billing system   ", 19, &text)
    )
}

fn verdict(wrong: &[&str]) -> String {
    if wrong.is_empty() {
        return "All came out as it should, and the master agreements are as they were.".to_owned();
    }
    wrapped("NOT AS IT SHOULD BE: ", 0, &wrong.join("; "))
}
