//! The clock that changes are applied by.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use tallyline_core::clock::{Clock, SystemClock};
use tallyline_core::model::Timestamp;

/// The system's clock; in a rehearsal, one that runs from the instant that was given.
///
/// How long a lost write may still arrive is told by this clock, so against a real system it is
/// never anything but the system's.
#[derive(Debug)]
pub(crate) struct ApplyClock(Option<(Timestamp, Instant)>);

impl ApplyClock {
    /// For the PSA's address, and the instant to take for the present one where one is given.
    pub(crate) fn new(site: &str, now: Option<Timestamp>) -> Self {
        // Plain HTTP is accepted for this machine alone.
        let rehearsal = site.starts_with("http://");
        Self(now.filter(|_| rehearsal).map(|now| (now, Instant::now())))
    }
}

#[async_trait]
impl Clock for ApplyClock {
    fn now(&self) -> Timestamp {
        match self.0 {
            Some((now, since)) => now.plus(since.elapsed()),
            None => SystemClock.now(),
        }
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }

    async fn alongside(&self, duration: Duration) {
        SystemClock.alongside(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_that_is_given_counts_on_this_machine_alone() {
        let given: Timestamp = "2026-03-15T12:00:00Z".parse().unwrap();
        let here = ApplyClock::new("http://127.0.0.1:8102/", Some(given));
        assert!(here.now() >= given && here.now().date() == given.date());
        for site in ["https://psa.example.com", "na.myconnectwise.net"] {
            assert!(ApplyClock::new(site, Some(given)).0.is_none(), "{site}");
        }
        assert!(ApplyClock::new("http://127.0.0.1:8102/", None).0.is_none());
    }
}
