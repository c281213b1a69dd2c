//! The lifecycle of one integration: a source connected to a sink for one tenant.
//!
//! A pure state machine: the program reports what happened as [`Event`]s, and is told in a
//! [`Step`] whether to start a sync. It holds no connection, no mapping and no clock; store it
//! with serde, and carry out a step only after it is stored.
//!
//! ```text
//! disconnected -> authenticated -> pending <-> mapped -> syncing -> active
//!                                                           |  ^      |
//!                                                         error +-----+      disabled
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::model::{ReadFailure, Timestamp};
use crate::plan::BillingMode;

/// Where an integration stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// No credentials are known to work.
    #[default]
    Disconnected,
    /// The credentials work; accounts and services are being read.
    Authenticated,
    /// Accounts or services are not mapped yet.
    Pending,
    /// At least one account and one service are linked; the set-up can be finished.
    Mapped,
    /// A sync is running.
    Syncing,
    /// The last sync succeeded.
    Active,
    /// The last sync failed.
    Error,
    /// Switched off by a person.
    Disabled,
}

impl State {
    /// Every state, in the order of the lifecycle.
    pub const ALL: [Self; 8] = [
        Self::Disconnected,
        Self::Authenticated,
        Self::Pending,
        Self::Mapped,
        Self::Syncing,
        Self::Active,
        Self::Error,
        Self::Disabled,
    ];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Disconnected => "disconnected",
            Self::Authenticated => "authenticated",
            Self::Pending => "pending",
            Self::Mapped => "mapped",
            Self::Syncing => "syncing",
            Self::Active => "active",
            Self::Error => "error",
            Self::Disabled => "disabled",
        })
    }
}

/// How many accounts and services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Accounts.
    pub accounts: usize,
    /// Services.
    pub services: usize,
}

impl Counts {
    /// So many of each.
    #[must_use]
    pub const fn new(accounts: usize, services: usize) -> Self {
        Self { accounts, services }
    }

    /// Whether there is at least one of each.
    const fn both(self) -> bool {
        self.accounts > 0 && self.services > 0
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The credentials were checked and work.
    Connected,
    /// The credentials were taken away.
    Disconnected,
    /// The accounts and services were read: so many were found.
    DirectoriesRead(Counts),
    /// The mapping was edited: so many are linked now.
    MappingChanged(Counts),
    /// A person finishes the set-up.
    FinishRequested,
    /// A sync begins.
    SyncStarted,
    /// The running sync succeeded.
    SyncSucceeded {
        /// When.
        at: Timestamp,
    },
    /// The running sync failed, or was interrupted.
    SyncFailed {
        /// When.
        at: Timestamp,
        /// Why.
        failure: ReadFailure,
    },
    /// A person switches the integration off.
    Disabled,
    /// A person switches the integration on again.
    Enabled,
}

impl Event {
    /// The mapping was edited.
    #[must_use]
    pub fn mapping_changed(mapping: &Mapping) -> Self {
        Self::MappingChanged(Counts::new(
            mapping.linked_accounts(),
            mapping.linked_services(),
        ))
    }
}

impl fmt::Display for Event {
    /// The event without its details.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::DirectoriesRead(_) => "directories read",
            Self::MappingChanged(_) => "mapping changed",
            Self::FinishRequested => "finish requested",
            Self::SyncStarted => "sync started",
            Self::SyncSucceeded { .. } => "sync succeeded",
            Self::SyncFailed { .. } => "sync failed",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
        })
    }
}

/// What an event led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// Whether the program is to run a sync now. Said once for each finish; a sync that the
    /// program begins by itself (`SyncStarted`) is not asked for again.
    pub start_sync: bool,
}

/// A failed sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SyncFailure {
    /// When it failed.
    pub at: Timestamp,
    /// Why.
    pub failure: ReadFailure,
}

/// One integration: its state and what is remembered of its syncs.
///
/// # Examples
/// ```
/// use tallyline_core::integration::{Counts, Event, Integration, State};
///
/// let mut integration = Integration::new();
/// integration.apply(Event::Connected)?;
/// integration.apply(Event::DirectoriesRead(Counts::new(12, 80)))?;
/// assert!(integration.apply(Event::FinishRequested).is_err());
/// integration.apply(Event::MappingChanged(Counts::new(1, 1)))?;
/// let step = integration.apply(Event::FinishRequested)?;
/// assert!(step.start_sync);
/// assert_eq!(integration.state(), State::Syncing);
/// # Ok::<(), tallyline_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    state: State,
    /// Where it goes when it is switched on again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resume: Option<State>,
    #[serde(default)]
    found: Counts,
    #[serde(default)]
    linked: Counts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_success: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_failure: Option<SyncFailure>,
    /// Chosen once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    billing_mode: Option<BillingMode>,
}

impl Integration {
    /// A disconnected integration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// How many accounts and services the vendor has, as last read.
    #[must_use]
    pub fn found(&self) -> Counts {
        self.found
    }

    /// How many accounts and services are linked.
    #[must_use]
    pub fn linked(&self) -> Counts {
        self.linked
    }

    /// When a sync last succeeded.
    #[must_use]
    pub fn last_success(&self) -> Option<Timestamp> {
        self.last_success
    }

    /// When a sync last failed and why; kept when a later one succeeds.
    #[must_use]
    pub fn last_failure(&self) -> Option<&SyncFailure> {
        self.last_failure.as_ref()
    }

    /// Whether periods are billed in advance or in arrears, once that was chosen.
    #[must_use]
    pub fn billing_mode(&self) -> Option<BillingMode> {
        self.billing_mode
    }

    /// Chooses whether periods are billed in advance or in arrears. What was chosen stays: lines and
    /// charges in the PSA rest on it. Choosing the same again changes nothing.
    ///
    /// # Errors
    /// `Conflict` when the other was chosen before, naming both. Nothing is changed then.
    pub fn choose_billing_mode(&mut self, mode: BillingMode) -> Result<()> {
        match self.billing_mode {
            Some(chosen) if chosen != mode => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "the billing mode of this integration is {chosen} and cannot be changed to \
                     {mode}: it is chosen once"
                ),
            )),
            _ => {
                self.billing_mode = Some(mode);
                Ok(())
            }
        }
    }

    /// Takes an event.
    ///
    /// An edit of the mapping is taken in every state. A running sync ends only by its success
    /// or failure: a program that finds `syncing` after a restart reports the sync as failed.
    ///
    /// # Errors
    /// `Mapping` when the finish is requested while no account or no service is linked, naming
    /// what is missing; `Conflict` when the event cannot happen in the state, naming both.
    /// Nothing is changed then.
    pub fn apply(&mut self, event: Event) -> Result<Step> {
        let from = self.state;
        let mut start_sync = false;
        let to = match (from, event) {
            (_, Event::MappingChanged(linked)) => {
                self.linked = linked;
                self.settled(from)
            }
            (State::Disconnected | State::Error, Event::Connected) => State::Authenticated,
            (State::Authenticated, Event::DirectoriesRead(found)) => {
                self.found = found;
                self.settled(State::Pending)
            }
            (
                State::Pending | State::Mapped | State::Syncing | State::Active | State::Error,
                Event::DirectoriesRead(found),
            ) => {
                self.found = found;
                from
            }
            (State::Mapped, Event::FinishRequested) => {
                start_sync = true;
                State::Syncing
            }
            (State::Pending, Event::FinishRequested) => return Err(self.unfinished()),
            (State::Active | State::Error, Event::SyncStarted) => State::Syncing,
            (State::Syncing, Event::SyncSucceeded { at }) => {
                self.last_success = Some(at);
                self.settled(State::Active)
            }
            (State::Syncing, Event::SyncFailed { at, failure }) => {
                self.last_failure = Some(SyncFailure { at, failure });
                self.settled(State::Error)
            }
            (
                State::Authenticated
                | State::Pending
                | State::Mapped
                | State::Active
                | State::Error,
                Event::Disabled,
            ) => {
                self.resume = Some(from);
                State::Disabled
            }
            (State::Disabled, Event::Enabled) => match self.resume.take() {
                Some(state @ (State::Authenticated | State::Active | State::Error)) => {
                    self.settled(state)
                }
                _ => self.settled(State::Pending),
            },
            (
                State::Authenticated
                | State::Pending
                | State::Mapped
                | State::Active
                | State::Error
                | State::Disabled,
                Event::Disconnected,
            ) => {
                self.resume = None;
                State::Disconnected
            }
            (state, event) => return Err(illegal(state, &event)),
        };
        self.state = to;
        Ok(Step {
            from,
            to,
            start_sync,
        })
    }

    /// The state that fits what is linked.
    fn settled(&self, state: State) -> State {
        match state {
            State::Pending | State::Mapped if self.linked.both() => State::Mapped,
            State::Pending | State::Mapped => State::Pending,
            State::Active | State::Error if !self.linked.both() => State::Pending,
            other => other,
        }
    }

    fn unfinished(&self) -> Error {
        let missing = match (self.linked.accounts, self.linked.services) {
            (0, 0) => "no account and no service is linked: link at least one of each",
            (0, _) => "no account is linked: link at least one",
            _ => "no service is linked: link at least one",
        };
        Error::new(
            ErrorKind::Mapping,
            format!("the set-up cannot be finished: {missing}"),
        )
    }
}

fn illegal(state: State, event: &Event) -> Error {
    let advice = match (state, event) {
        (State::Syncing, Event::Disabled | Event::Disconnected) => {
            ": stop the sync and report its end first"
        }
        (State::Syncing, Event::FinishRequested | Event::SyncStarted) => {
            ": a sync is running already"
        }
        (State::Pending | State::Mapped, Event::SyncStarted) => ": finish the set-up first",
        (State::Disabled, _) => ": enable the integration first",
        (State::Disconnected, _) => ": connect first",
        (State::Authenticated, Event::FinishRequested | Event::SyncStarted) => {
            ": read the accounts and services first"
        }
        _ => "",
    };
    Error::new(
        ErrorKind::Conflict,
        format!("the integration is {state}, where '{event}' cannot happen{advice}"),
    )
}

#[cfg(test)]
mod tests;
