//! Time as an input.

use std::time::Duration;

use async_trait::async_trait;

use crate::model::Timestamp;

/// The clock that the applier stamps events with and waits by.
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
