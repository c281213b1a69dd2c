//! The time of a schedule: it passes where somebody waits, and never really.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tallyline_core::clock::Clock;
use tallyline_core::model::Timestamp;
use tokio::time::Instant;

use crate::lock;

/// 15 March 2026, 09:00 UTC.
const START: i64 = 1_773_565_200;

/// The instant at which every schedule begins.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(START).unwrap_or(Timestamp::EPOCH)
}

/// The clock of a schedule.
#[derive(Debug)]
pub enum Time {
    /// Tokio's clock, which is paused: waits run beside each other.
    Paused(Instant),
    /// Moves on at once by what is waited for. For worlds behind real sockets, where tokio's clock
    /// cannot be paused.
    Jumping(Mutex<Duration>),
}

impl Time {
    /// The time of a runtime whose clock is paused.
    pub fn paused() -> Self {
        Self::Paused(Instant::now())
    }

    /// The time of a runtime whose clock runs.
    pub fn jumping() -> Self {
        Self::Jumping(Mutex::default())
    }
}

#[async_trait]
impl Clock for Time {
    fn now(&self) -> Timestamp {
        start().plus(match self {
            Self::Paused(since) => since.elapsed(),
            Self::Jumping(passed) => *lock(passed),
        })
    }

    async fn sleep(&self, duration: Duration) {
        match self {
            Self::Paused(_) => tokio::time::sleep(duration).await,
            Self::Jumping(passed) => *lock(passed) += duration,
        }
    }

    async fn alongside(&self, duration: Duration) {
        match self {
            Self::Paused(_) => tokio::time::sleep(duration).await,
            Self::Jumping(_) => std::future::pending().await,
        }
    }
}
