//! A clock for runs in which no time passes.

use std::time::Duration;

use tallyline_core::apply::Clock;
use tallyline_core::model::Timestamp;

/// A clock that stands still, and waits no time.
#[derive(Debug)]
pub(crate) struct StandingClock(pub(crate) Timestamp);

#[async_trait::async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _: Duration) {}

    async fn alongside(&self, _: Duration) {
        futures::future::pending().await
    }
}
