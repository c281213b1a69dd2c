//! Leases: who works on an agreement, and a number that shows a latecomer.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};
use crate::model::{AgreementId, RunId, Timestamp};

/// Who holds a lease: one execution of an applier, not one process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HolderId(Arc<str>);

impl HolderId {
    /// The id from its text, kept as it is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// An id for work on a run that begins at an instant.
    #[must_use]
    pub fn derive(run: &RunId, begun: Timestamp) -> Self {
        let digest = Sha256::new()
            .chain_update(run.as_str())
            .chain_update([0])
            .chain_update(begun.to_string())
            .finalize();
        let tail: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
        Self::new(format!("holder-{tail}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for HolderId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// The right to work on one agreement of one sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The sink.
    pub sink: String,
    /// The agreement.
    pub agreement: AgreementId,
    /// Who holds it.
    pub holder: HolderId,
    /// Grows with every claim on the agreement: of two leases the one with the smaller number
    /// is over.
    pub fence: u64,
    /// Until when it holds, unless it is renewed.
    pub until: Timestamp,
}

/// What came of the wish for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It was granted.
    Taken {
        /// The lease.
        lease: Lease,
        /// Until when the lease before it on the agreement was to hold; absent where there was
        /// none. What its holder sent has left by then.
        before: Option<Timestamp>,
    },
    /// Another holds it, lives as far as can be told, and its time is not over.
    Held(Lease),
}

/// The wish for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The sink.
    pub sink: String,
    /// The agreement.
    pub agreement: AgreementId,
    /// Who wants it.
    pub holder: HolderId,
    /// The present instant.
    pub now: Timestamp,
    /// Until when it is to hold.
    pub until: Timestamp,
}

impl ClaimRequest {
    /// What comes of it where this lease is the newest on the agreement; `open` says that it
    /// was not given back, `dead` that its holder is proved to be gone.
    pub(super) fn decide(self, newest: Option<(Lease, bool)>, dead: bool) -> Claim {
        let fence = newest.as_ref().map_or(0, |(lease, _)| lease.fence);
        let before = newest.as_ref().map(|(lease, _)| lease.until);
        if let Some((lease, open)) = newest {
            let over = !open || dead || lease.until <= self.now || lease.holder == self.holder;
            if !over {
                return Claim::Held(lease);
            }
        }
        Claim::Taken {
            lease: Lease {
                sink: self.sink,
                agreement: self.agreement,
                holder: self.holder,
                fence: fence + 1,
                until: self.until,
            },
            before,
        }
    }
}

/// A holder's sign of life: as long as it is kept, the holder lives.
///
/// Where the store can tell, dropping it, by the end of the process too, proves to all others
/// that the holder is gone.
#[must_use = "dropped, it says that the holder is gone"]
pub struct Registration(#[allow(dead_code)] Option<Box<dyn Any + Send + Sync>>);

impl Registration {
    /// A registration that lasts as long as the guard.
    pub fn new(guard: impl Any + Send + Sync) -> Self {
        Self(Some(Box::new(guard)))
    }

    /// A registration that proves nothing: the holder's leases end by their time alone.
    pub const fn without_proof() -> Self {
        Self(None)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

/// The error for a lease that is not the newest on its agreement.
pub(super) fn lease_lost(lease: &Lease) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "lease {} on agreement {} is over: another may be at work there",
            lease.fence, lease.agreement
        ),
    )
}

/// The error for a lease on another agreement or sink than that of the change.
pub(super) fn wrong_lease(lease: &Lease) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!(
            "the lease is on agreement {} of {}, the change is not",
            lease.agreement, lease.sink
        ),
    )
}

/// The error for a holder that is there already.
pub(super) fn holder_lives(holder: &HolderId) -> Error {
    Error::new(ErrorKind::Conflict, format!("{holder} is at work already"))
}
