//! Time as an input.

#[cfg(any(feature = "http", feature = "sqlite"))]
use std::fmt;
#[cfg(any(feature = "http", feature = "sqlite"))]
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::Timestamp;

/// The clock that readings and events are stamped with, and that waits go by.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// Waits beside a request that is under way, and is dropped when that comes to its end first.
    ///
    /// A clock whose time passes by itself waits as in [`sleep`](Self::sleep). One that jumps
    /// instead of waiting must not end this wait: its time stands still during a request.
    async fn alongside(&self, duration: Duration);
}

/// The system's clock and tokio's timer.
#[cfg(any(feature = "http", feature = "sqlite"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[cfg(any(feature = "http", feature = "sqlite"))]
#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Waits on tokio's timer.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver on.
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Waits on tokio's timer.
    ///
    /// # Panics
    /// As [`sleep`](Self::sleep).
    async fn alongside(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock that is part of a client's or a source's settings: the system's, unless it is given another.
#[cfg(any(feature = "http", feature = "sqlite"))]
#[derive(Clone)]
pub struct SharedClock(Arc<dyn Clock>);

#[cfg(any(feature = "http", feature = "sqlite"))]
impl SharedClock {
    /// A clock of the caller, such as a test's that waits for nothing.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

#[cfg(any(feature = "http", feature = "sqlite"))]
impl Default for SharedClock {
    /// The system's clock.
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

#[cfg(any(feature = "http", feature = "sqlite"))]
impl std::ops::Deref for SharedClock {
    type Target = dyn Clock;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

#[cfg(any(feature = "http", feature = "sqlite"))]
impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedClock")
    }
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_systems_clock_waits_for_as_long_as_it_is_told() {
        let begun = tokio::time::Instant::now();
        let minute = Duration::from_secs(60);
        SystemClock.sleep(minute).await;
        assert!(begun.elapsed() >= minute);
        SystemClock.alongside(minute).await;
        assert!(begun.elapsed() >= 2 * minute);
    }
}
