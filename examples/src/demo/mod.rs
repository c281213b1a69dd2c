//! `demo`.
use tallyline_core::Result;
use crate::cli::DemoArgs;
use crate::commands::Context;
use crate::outcome::Outcome;
pub(crate) async fn run(_context: &Context, _args: &DemoArgs) -> Result<Outcome> {
    Ok(Outcome::Done)
}
