//! Where the integration stands: a file beside the mapping's, and which sync is running.
//!
//! Every step is stored under a lock before it is carried out, so that of several programs at work on
//! one configuration one alone begins a sync. A sync holds a lock of its own while it runs: whoever
//! finds it free where a sync is said to run knows that its program has ended.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tallyline_core::flow::Lists;
use tallyline_core::integration::{Counts, Event, Integration, State};
use tallyline_core::mapping::Mapping;
use tallyline_core::model::{ReadFailure, Timestamp};
use tallyline_core::plan::Policy;
use tallyline_core::{Error, ErrorKind, Result};

use crate::config::Config;
use crate::files;
use crate::output::warn;

const WHAT: &str = "the file of the integration's state";

/// The version of the file format.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    integration: Integration,
}

/// A file beside the mapping's: `mapping.NAME` beside `mapping.toml`.
pub(crate) fn beside(config: &Config, name: &str) -> PathBuf {
    config.mapping_file.with_extension(name)
}

/// Reads where the integration stands: disconnected where nothing is stored yet.
///
/// # Errors
/// `Storage` with the file's name where it cannot be read.
pub(crate) fn load(config: &Config) -> Result<Integration> {
    let path = beside(config, "integration.json");
    let Some(text) = files::read_text_if_there(&path, WHAT, ErrorKind::Storage)? else {
        return Ok(Integration::new());
    };
    let wrong = |why: String| {
        let shown = files::shown(&path);
        let advice = "delete it to begin with `tallyline check` again";
        Error::new(
            ErrorKind::Storage,
            format!("{WHAT} {shown}: {why}; {advice}"),
        )
    };
    let stored: Stored = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if stored.version != VERSION {
        return Err(wrong(format!("it is of version {}", stored.version)));
    }
    Ok(stored.integration)
}

/// Takes a step under the lock, and stores where it leads.
///
/// # Errors
/// That of the step, which then changes nothing; `Storage` when the state cannot be kept.
pub(crate) fn record<T>(
    config: &Config,
    step: impl FnOnce(&mut Integration) -> Result<T>,
) -> Result<T> {
    let path = beside(config, "integration.lock");
    let _lock = files::lock(&path)?;
    let before = load(config)?;
    let mut integration = before.clone();
    let done = step(&mut integration)?;
    if integration != before {
        let stored = Stored {
            version: VERSION,
            integration,
        };
        let text = serde_json::to_string_pretty(&stored).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the state cannot be written").with_source(error)
        })?;
        files::write_private(&beside(config, "integration.json"), WHAT, &text)?;
    }
    Ok(done)
}

/// Takes a step that a command reports beside its own work: where it cannot be kept, that is a warning.
fn note(config: &Config, step: impl FnOnce(&mut Integration) -> Result<()>) {
    if let Err(error) = record(config, step) {
        warn(&format!(
            "where the integration stands is not kept: {error}"
        ));
    }
}

/// Both connections work.
pub(crate) fn connected(config: &Config) {
    note(config, connect);
}

fn connect(integration: &mut Integration) -> Result<()> {
    if integration.state() == State::Disconnected {
        integration.apply(Event::Connected)?;
    }
    Ok(())
}

/// Both sides were listed, which takes a connection.
pub(crate) fn listed(config: &Config, lists: &Lists, mapping: &Mapping) {
    let counts = Counts::new(lists.accounts.len(), lists.services.len());
    note(config, |integration| {
        connect(integration)?;
        integration.apply(Event::mapping_changed(mapping))?;
        if integration.state() != State::Disabled {
            integration.apply(Event::DirectoriesRead(counts))?;
        }
        Ok(())
    });
}

/// What a plan may do, with the billing mode that is chosen for the integration: the first one that the
/// configuration names is kept.
///
/// # Errors
/// `Conflict` where the configuration names another than was chosen; `Storage` where the choice cannot be
/// kept or read.
pub(crate) fn policy(config: &Config) -> Result<Policy> {
    let mut policy = config.policy.clone();
    let Some(mode) = policy.billing_mode else {
        policy.billing_mode = load(config)?.billing_mode();
        return Ok(policy);
    };
    record(config, |integration| integration.choose_billing_mode(mode)).map_err(|error| {
        let shown = files::shown(&config.path);
        Error::new(
            error.kind(),
            format!(
                "[policy] billing_mode in {shown}: {}; set it back, or begin another integration with \
                 a mapping and a journal of its own",
                error.message()
            ),
        )
    })?;
    Ok(policy)
}

/// The mapping was edited.
pub(crate) fn mapped(config: &Config, mapping: &Mapping) {
    note(config, |integration| {
        integration.apply(Event::mapping_changed(mapping))?;
        Ok(())
    });
}

/// Refuses to write while the integration is switched off.
///
/// # Errors
/// `Conflict` while it is disabled, `Storage` where its state cannot be read.
pub(crate) fn refuse_disabled(config: &Config) -> Result<()> {
    if load(config)?.state() != State::Disabled {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        "the integration is disabled: nothing was written; switch it on with `tallyline enable`",
    ))
}

/// A sync that is running in this program.
#[derive(Debug)]
pub(crate) struct RunningSync<'c> {
    config: &'c Config,
    /// Held while the sync runs; let go when it is dropped.
    _lock: File,
}

/// Begins the one sync: by finishing the set-up, or as a further one.
///
/// # Errors
/// `Conflict` when a sync is running or the state does not let one begin, `Mapping` when the set-up
/// cannot be finished, `Storage` when the state cannot be kept.
pub(crate) fn begin<'c>(
    config: &'c Config,
    mapping: &Mapping,
    by: Event,
    now: Timestamp,
) -> Result<RunningSync<'c>> {
    let path = beside(config, "sync.lock");
    let lock = files::open_lock(&path)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let message = "a sync is running already: wait for its end; see `tallyline status`";
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Err(TryLockError::Error(error)) => return Err(files::unlockable(&path, &error)),
    }
    record(config, |integration| {
        if integration.state() == State::Syncing {
            let why = "the program ended before the sync did";
            let failure = ReadFailure::new(ErrorKind::Unavailable, why);
            integration.apply(Event::SyncFailed { at: now, failure })?;
        }
        integration.apply(Event::mapping_changed(mapping))?;
        integration.apply(by).map(|_| ())
    })?;
    Ok(RunningSync {
        config,
        _lock: lock,
    })
}

impl RunningSync<'_> {
    /// Ends the sync with what came of it.
    ///
    /// # Errors
    /// `Storage` when the state cannot be kept.
    pub(crate) fn end(self, at: Timestamp, failure: Option<ReadFailure>) -> Result<()> {
        let event = match failure {
            None => Event::SyncSucceeded { at },
            Some(failure) => Event::SyncFailed { at, failure },
        };
        record(self.config, |integration| {
            integration.apply(event).map(|_| ())
        })
    }
}

/// Whether a sync runs in some program at this moment.
pub(crate) fn is_running(config: &Config) -> bool {
    let path = beside(config, "sync.lock");
    path.exists() && files::open_lock(&path).is_ok_and(|lock| lock.try_lock().is_err())
}
