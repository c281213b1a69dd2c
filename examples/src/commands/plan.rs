//! `plan`: reads both sides and writes down what would bring them in step.

use tallyline_core::Result;
use tallyline_core::flow::Flow;
use tallyline_core::plan::Plan;

use super::Context;
use crate::cli::PlanArgs;
use crate::config::Config;
use crate::connect::{self, Connections};
use crate::files;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{tell, warn};
use crate::plan_view::{self, Amount};
use crate::progress::Bars;

/// Makes the plan, keeps it and shows it.
pub(crate) async fn run(context: &Context, args: &PlanArgs) -> Result<Outcome> {
    let config = context.config()?;
    let connections = connect::both(&config)?;
    let plan = make(context, &config, &connections).await?;
    files::write_private(&args.out, "the plan file", &plan.to_text()?)?;
    tell(&format!("the plan is in {}", files::shown(&args.out)));
    context
        .out
        .print(&plan_view::Document::new(&plan, &args.out), || {
            plan_view::text(&plan, &args.out, Amount::of_notices(args.all))
        })?;
    Ok(Outcome::of(&plan))
}

async fn make(context: &Context, config: &Config, connections: &Connections) -> Result<Plan> {
    let bars = Bars::for_reading();
    let flow = Flow::new(connections.source.as_ref(), connections.sink.as_ref())
        .on_progress(|progress| bars.report(progress));
    let mapping = mapping_file::load(config)?;
    let lists = flow.lists().await?;
    for problem in &lists.problems {
        warn(&format!(
            "a record could not be read, and nothing of it is changed: {}",
            problem.message
        ));
    }
    mapping_file::check(config, &mapping, &lists)?;
    let plan = flow
        .plan(&lists, &mapping, &config.policy, context.now())
        .await;
    bars.finish();
    plan
}
