//! `show`: a plan file in words.

use std::path::Path;

use tallyline_core::plan::Plan;
use tallyline_core::{Error, ErrorKind, Result};

use super::Context;
use crate::cli::ShowArgs;
use crate::files;
use crate::outcome::Outcome;
use crate::plan_view::{self, Ages, Amount};

/// Shows the plan.
pub(crate) fn run(context: &Context, args: &ShowArgs) -> Result<Outcome> {
    let (plan, _) = read(&args.plan)?;
    let ages = Ages::at(&plan, context.now());
    context
        .out
        .print(&plan_view::Document::new(&plan, &args.plan, ages), || {
            plan_view::text(&plan, &args.plan, Amount::of_notices(args.all), ages)
        })?;
    Ok(Outcome::of(&plan))
}

/// Keeps a plan in a file, over another plan at most.
///
/// # Errors
/// `Config` when something else is there, `Storage` when it cannot be written.
pub(super) fn keep(path: &Path, text: &str) -> Result<()> {
    // Also one of another version, or one that was edited.
    let is_plan = |there: &str| there.contains("\"tallyline-plan\"");
    files::write_over_own_kind(path, "the plan file", text, is_plan)
}

/// Reads a plan file; gives its text too.
///
/// # Errors
/// `StalePlan` with the file's name when it is no plan, or was edited.
pub(crate) fn read(path: &Path) -> Result<(Plan, String)> {
    let text = files::read_text(path, "the plan file", ErrorKind::Config)?;
    let plan = Plan::from_text(&text).map_err(|error| {
        Error::new(
            error.kind(),
            format!("{}: {}", files::shown(path), error.message()),
        )
    })?;
    Ok((plan, text))
}
