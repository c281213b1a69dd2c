//! Which holders of leases live, told inside of one process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::HolderId;
use super::lease::{Registration, holder_lives};
use crate::error::Result;

/// The holders that were ever registered here, and whether they live.
#[derive(Clone, Debug, Default)]
pub(super) struct LocalHolders(Arc<Mutex<BTreeMap<HolderId, bool>>>);

/// Tells that its holder is gone when it is dropped.
struct Life(LocalHolders, HolderId);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.lock().insert(self.1.clone(), false);
    }
}

impl LocalHolders {
    /// The map is whole after each single call, whoever panicked.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<HolderId, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a holder.
    ///
    /// # Errors
    /// `Conflict` when it lives already.
    pub(super) fn register(&self, holder: &HolderId) -> Result<Registration> {
        if self.lock().insert(holder.clone(), true) == Some(true) {
            return Err(holder_lives(holder));
        }
        Ok(Registration::new(Life(self.clone(), holder.clone())))
    }

    /// Whether it is certain that a holder is gone.
    pub(super) fn is_dead(&self, holder: &HolderId) -> bool {
        self.lock().get(holder) == Some(&false)
    }
}
