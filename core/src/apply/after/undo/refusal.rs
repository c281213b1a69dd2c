//! Why a change is not taken back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{ChangeId, CivilDate, RunId};
use crate::plan::Change;

/// A change of a run that an undo leaves as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotUndone {
    /// The change.
    pub change: Change,
    /// Why.
    pub refusal: Refusal,
}

/// Why a change is not taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// It was not done: there is nothing to take back.
    NotDone {
        /// Where it stands.
        standing: super::super::Standing,
    },
    /// It may or may not have been written, by this run or by one that took it back.
    Unsettled {
        /// The run to resume first.
        run: RunId,
    },
    /// A later run took it back already.
    AlreadyUndone {
        /// The run.
        run: RunId,
    },
    /// The state before is not known, or had no such amount.
    NothingBefore {
        /// What is missing.
        what: String,
    },
    /// What it did is invoiced already.
    Invoiced {
        /// The first day on which it counted.
        effective: CivilDate,
        /// The first day that is not invoiced yet.
        next_invoice: CivilDate,
    },
    /// The line is not as the run left it.
    ChangedSince {
        /// What was found.
        found: String,
    },
    /// The line bills what it billed before.
    NoDifference,
    /// The PSA, or Tallyline's connection to it, cannot do it.
    Unsupported {
        /// What it cannot do.
        what: String,
    },
    /// The agreement could not be read, or takes no changes.
    Agreement {
        /// Why.
        why: String,
    },
    /// It belongs to another change of the same product that is not taken back: half of it
    /// would bill too much or too little.
    Together {
        /// The other change.
        with: ChangeId,
    },
}

impl Refusal {
    /// Whether the change is left out although it could have an effect still: what belongs to it
    /// is left alone as well.
    pub(super) const fn holds_others(&self) -> bool {
        !matches!(
            self,
            Self::NotDone { .. } | Self::AlreadyUndone { .. } | Self::NoDifference
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDone { standing } => write!(f, "there is nothing to take back: {standing}"),
            Self::Unsettled { run } => write!(
                f,
                "run {run} may or may not have written it: resume that run first"
            ),
            Self::AlreadyUndone { run } => write!(f, "run {run} took it back already"),
            Self::NothingBefore { what } => write!(
                f,
                "{what}, and the PSA cannot be told to hold none: change it there by hand"
            ),
            Self::Invoiced {
                effective,
                next_invoice,
            } => write!(
                f,
                "it counts from {effective}, and the agreement is invoiced up to {next_invoice} by \
                 now: that needs a credit or a charge in the PSA"
            ),
            Self::ChangedSince { found } => {
                write!(f, "the line is not as the run left it: {found}")
            }
            Self::NoDifference => f.write_str("the line bills what it billed before"),
            Self::Unsupported { what } => f.write_str(what),
            Self::Agreement { why } => f.write_str(why),
            Self::Together { with } => write!(
                f,
                "it belongs to change {with}, which is not taken back: half of it would bill too \
                 much or too little"
            ),
        }
    }
}
