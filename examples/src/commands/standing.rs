//! `finish`, `disable`, `enable` and `disconnect`: the lifecycle of the integration.

use std::fmt::Write as _;

use serde::Serialize;
use tallyline_core::Result;
use tallyline_core::integration::{Counts, Event, Integration, State};
use tallyline_core::mapping::Mapping;
use tallyline_core::model::{ReadFailure, Timestamp};

use super::status::to_the_second;
use super::{Context, plan};
use crate::cli::FinishArgs;
use crate::config::Config;
use crate::lifecycle;
use crate::mapping_file;
use crate::outcome::Outcome;
use crate::output::{count, safe, wrapped};

/// Where the integration stands, as `status` tells it.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    state: State,
    sync_running: bool,
    found: Counts,
    linked: Counts,
    last_success: Option<Timestamp>,
    last_failure: Option<LastFailure>,
}

#[derive(Debug, Serialize)]
struct LastFailure {
    at: Timestamp,
    failure: ReadFailure,
}

impl Standing {
    /// As it is stored. What the mapping's file holds counts, whoever edited it.
    pub(super) fn of(config: &Config) -> Result<Self> {
        let mut integration = lifecycle::load(config)?;
        let mapping = mapping_file::load(config)?;
        integration.apply(Event::mapping_changed(&mapping))?;
        let last_failure = integration.last_failure().map(|last| LastFailure {
            at: last.at,
            failure: last.failure.clone(),
        });
        Ok(Self {
            state: integration.state(),
            sync_running: lifecycle::is_running(config),
            found: integration.found(),
            linked: integration.linked(),
            last_success: integration.last_success(),
            last_failure,
        })
    }

    /// Whether anything is known of it.
    pub(super) fn is_known(&self) -> bool {
        self.state != State::Disconnected || self.last_success.is_some()
    }

    /// In words.
    pub(super) fn text(&self) -> String {
        let mut out = format!("The integration is {}", self.state);
        out.push_str(match (self.state, self.sync_running) {
            (State::Syncing, false) => ": the program that synced has ended before the sync did",
            (State::Syncing, true) => ": a sync is running",
            (State::Mapped, _) => ": finish the set-up with `tallyline finish`",
            (State::Pending | State::Authenticated, _) => ": see `tallyline map`",
            (State::Disconnected, _) => ": see `tallyline check`",
            (State::Disabled, _) => ": see `tallyline enable`",
            _ => "",
        });
        let of = |linked: usize, found: usize, what: [&str; 2]| {
            format!("{linked} of {}", count(found, what[0], what[1]))
        };
        let _ = write!(
            out,
            ".\nLinked: {}, {}.\n",
            of(
                self.linked.accounts,
                self.found.accounts,
                ["account", "accounts"]
            ),
            of(
                self.linked.services,
                self.found.services,
                ["service", "services"]
            )
        );
        let success = self
            .last_success
            .map_or_else(|| "none yet".to_owned(), |at| to_the_second(at).to_string());
        let _ = writeln!(out, "Last successful sync: {success}.");
        if let Some(last) = &self.last_failure {
            let at = to_the_second(last.at);
            let text = format!("Last failed sync: {at}: {}", safe(&last.failure.message));
            out.push_str(&wrapped("", 2, &text));
        }
        out
    }
}

/// `finish`: completes the set-up and runs the first sync.
pub(crate) async fn finish(context: &Context, args: &FinishArgs) -> Result<Outcome> {
    let config = context.config()?;
    let mapping = mapping_file::load(&config)?;
    let sync = lifecycle::begin(&config, &mapping, Event::FinishRequested, context.now())?;
    plan::synced(context, &config, &args.out, args.all, sync).await
}

/// `disable`.
pub(crate) fn disable(context: &Context) -> Result<Outcome> {
    step(context, Event::Disabled)
}

/// `enable`.
pub(crate) fn enable(context: &Context) -> Result<Outcome> {
    step(context, Event::Enabled)
}

/// `disconnect`.
pub(crate) fn disconnect(context: &Context) -> Result<Outcome> {
    step(context, Event::Disconnected)
}

fn step(context: &Context, event: Event) -> Result<Outcome> {
    let config = context.config()?;
    let mapping: Mapping = mapping_file::load(&config)?;
    lifecycle::record(&config, |integration: &mut Integration| {
        integration.apply(Event::mapping_changed(&mapping))?;
        integration.apply(event).map(|_| ())
    })?;
    let standing = Standing::of(&config)?;
    context.out.print(&standing, || standing.text())?;
    Ok(Outcome::Done)
}
