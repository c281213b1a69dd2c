//! The commands, one file each.

pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod dismiss;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod map;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod retry;
mod runs;
pub(crate) mod show;
pub(crate) mod standing;
pub(crate) mod status;
pub(crate) mod undo;

use std::path::PathBuf;

use tallyline_core::Result;
use tallyline_core::model::Timestamp;

use crate::config::Config;
use crate::output::Output;

/// What every command needs.
#[derive(Debug)]
pub(crate) struct Context {
    /// How data are printed.
    pub(crate) out: Output,
    /// The configuration file.
    pub(crate) config: PathBuf,
    /// The instant to plan for, where it is not the present one.
    pub(crate) now: Option<Timestamp>,
}

impl Context {
    /// Reads the configuration.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub(crate) fn config(&self) -> Result<Config> {
        Config::load(&self.config)
    }

    /// The instant to plan for.
    pub(crate) fn now(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }
}
