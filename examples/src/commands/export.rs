//! `export`: the PSA's companies as accounts of the vendor, as a plan.

use tallyline_core::Result;
use tallyline_core::plan::PlanKind;

use super::{Context, plan};
use crate::cli::ExportArgs;
use crate::connect;
use crate::outcome::Outcome;
use crate::output::warn;

/// Makes the plan, keeps it and shows it. Changes nothing.
pub(crate) async fn run(context: &Context, args: &ExportArgs) -> Result<Outcome> {
    let config = context.config()?;
    let mut connections = connect::for_plans(&config, PlanKind::Accounts)?;
    connections.left_out = args.except.iter().cloned().collect();
    for warning in connections.target().check().await?.warnings {
        warn(&warning);
    }
    let (plan, _) = plan::make(context, &config, &connections).await?;
    plan::keep_and_show(context, &plan, &args.out, args.all)
}
