//! Addresses that a system tells: where a tenant lives, as long as it lives there.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::base_url::BaseUrl;
use crate::error::{Error, Result};

/// After a failure, an address that is still known is used on for so long before it is asked for
/// again.
const RENEWAL_PAUSE: Duration = Duration::from_secs(60);

/// Asks where a tenant lives.
#[async_trait]
pub trait AddressFinder: Send + Sync + fmt::Debug {
    /// Asks the system. Credentials will go to what this gives, so it must have been judged.
    ///
    /// # Errors
    /// Whatever the request met; `Protocol` for an address that no credentials may go to.
    async fn find(&self) -> Result<BaseUrl>;
}

/// Keeps the address of a tenant until it is old or the tenant has moved.
///
/// However many tasks ask at once, one asks the system. An old address is used on when it cannot
/// be asked for; a failure without a known address is the caller's.
pub struct AddressCache {
    finder: Arc<dyn AddressFinder>,
    max_age: Duration,
    known: Mutex<Option<Known>>,
    gate: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Known {
    address: BaseUrl,
    renew_at: Option<Instant>,
}

impl AddressCache {
    /// A cache that asks at the first call, and again after `max_age`.
    #[must_use]
    pub fn new(finder: Arc<dyn AddressFinder>, max_age: Duration) -> Self {
        Self {
            finder,
            max_age,
            known: Mutex::new(None),
            gate: tokio::sync::Mutex::new(()),
        }
    }

    /// The address, if it was asked for before.
    #[must_use]
    pub fn known(&self) -> Option<BaseUrl> {
        self.state().as_ref().map(|known| known.address.clone())
    }

    fn state(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self) -> Option<BaseUrl> {
        let state = self.state();
        let known = state.as_ref()?;
        let fresh = known.renew_at.is_none_or(|at| Instant::now() < at);
        fresh.then(|| known.address.clone())
    }

    /// The address of the next attempt.
    pub(crate) async fn current(&self) -> Result<BaseUrl> {
        if let Some(address) = self.fresh() {
            return Ok(address);
        }
        let _gate = self.gate.lock().await;
        if let Some(address) = self.fresh() {
            return Ok(address);
        }
        match self.finder.find().await {
            Ok(address) => {
                self.keep(address.clone(), self.max_age);
                Ok(address)
            }
            Err(error) => self.old_in_place_of(error),
        }
    }

    /// Asks again after credentials were refused at an address. True where the tenant has moved.
    pub(crate) async fn moved_from(&self, rejected: &BaseUrl) -> bool {
        let _gate = self.gate.lock().await;
        if self.known().is_some_and(|known| known != *rejected) {
            return true;
        }
        match self.finder.find().await {
            Ok(address) => {
                let moved = address != *rejected;
                self.keep(address, self.max_age);
                moved
            }
            Err(error) => {
                tracing::warn!("asking whether the tenant has moved failed: {error}");
                false
            }
        }
    }

    fn keep(&self, address: BaseUrl, life: Duration) {
        *self.state() = Some(Known {
            address,
            renew_at: Instant::now().checked_add(life),
        });
    }

    fn old_in_place_of(&self, error: Error) -> Result<BaseUrl> {
        let Some(address) = self.known() else {
            return Err(error);
        };
        tracing::warn!("asking where the tenant lives failed, the known address is kept: {error}");
        self.keep(address.clone(), RENEWAL_PAUSE);
        Ok(address)
    }
}

impl fmt::Debug for AddressCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressCache")
            .field("finder", &self.finder)
            .field("known", &self.known())
            .finish_non_exhaustive()
    }
}
