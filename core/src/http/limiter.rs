//! How many requests, how often.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The longest pause that one answer can put a limiter to: an absurd one heals.
const LONGEST_BLOCK: Duration = Duration::from_secs(60 * 60);

/// What a [`Limiter`] allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimiterOptions {
    /// The most requests under way at once; at least one.
    pub max_concurrent: usize,
    /// The most requests per second.
    pub per_second: Option<NonZeroU32>,
    /// The most requests per minute.
    pub per_minute: Option<NonZeroU32>,
    /// How many may go at once after a pause; one where not given.
    pub burst: Option<NonZeroU32>,
}

impl Default for LimiterOptions {
    /// Eight at once, no quota.
    fn default() -> Self {
        Self {
            max_concurrent: 8,
            per_second: None,
            per_minute: None,
            burst: None,
        }
    }
}

/// Lets requests pass one by one: a number at once, quotas, and a pause after a 429.
///
/// Share one between clients that share credentials. A slot is held while a token is fetched,
/// so the client that fetches tokens needs a limiter of its own.
#[derive(Debug)]
pub struct Limiter {
    options: LimiterOptions,
    slots: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    quotas: Vec<Quota>,
    blocked_until: Option<Instant>,
}

/// A quota by virtual scheduling: each request moves `next` on by one interval, and may go up
/// to `tolerance` before it.
#[derive(Debug)]
struct Quota {
    interval: Duration,
    tolerance: Duration,
    next: Option<Instant>,
}

impl Quota {
    fn new(requests: NonZeroU32, per: Duration, burst: Option<NonZeroU32>) -> Self {
        let interval = per / requests.get();
        Self {
            interval,
            tolerance: interval.saturating_mul(burst.map_or(0, |burst| burst.get() - 1)),
            next: None,
        }
    }

    fn earliest(&self, now: Instant) -> Instant {
        self.next
            .and_then(|next| next.checked_sub(self.tolerance))
            .map_or(now, |at| at.max(now))
    }

    fn take(&mut self, at: Instant) {
        let next = self.next.map_or(at, |next| next.max(at));
        self.next = next.checked_add(self.interval);
    }
}

impl Limiter {
    /// A limiter.
    #[must_use]
    pub fn new(options: LimiterOptions) -> Self {
        let second = Duration::from_secs(1);
        let quotas = [
            (options.per_second, second),
            (options.per_minute, second * 60),
        ]
        .into_iter()
        .filter_map(|(requests, per)| Some(Quota::new(requests?, per, options.burst)))
        .collect();
        let slots = options.max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            options,
            slots: Arc::new(Semaphore::new(slots)),
            state: Mutex::new(State {
                quotas,
                blocked_until: None,
            }),
        }
    }

    /// What it allows.
    #[must_use]
    pub fn options(&self) -> &LimiterOptions {
        &self.options
    }

    /// Waits for a slot and for its turn. `Err` with the wait, at once, where the turn comes
    /// later than `max_wait`.
    pub(crate) async fn acquire(
        &self,
        max_wait: Duration,
    ) -> Result<Option<OwnedSemaphorePermit>, Duration> {
        // The semaphore is never closed.
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        let start = Instant::now();
        let mut turn = None;
        loop {
            let now = Instant::now();
            let at = {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                let open = state.blocked_until.map_or(now, |until| until.max(now));
                let at = turn.unwrap_or_else(|| {
                    state
                        .quotas
                        .iter()
                        .fold(open, |at, quota| at.max(quota.earliest(now)))
                });
                let at = at.max(open);
                if at.duration_since(start) > max_wait {
                    return Err(at.duration_since(now));
                }
                if turn.is_none() {
                    for quota in &mut state.quotas {
                        quota.take(at);
                    }
                }
                at
            };
            turn = Some(at);
            if at <= now {
                return Ok(slot);
            }
            sleep_until(at).await;
        }
    }

    /// Lets nothing pass for a time, as a 429 asked for.
    pub(crate) fn block(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_BLOCK);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.blocked_until = Some(state.blocked_until.map_or(until, |old| old.max(until)));
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new(LimiterOptions::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn limiter(per_second: u32, burst: u32) -> Limiter {
        Limiter::new(LimiterOptions {
            per_second: NonZeroU32::new(per_second),
            burst: NonZeroU32::new(burst),
            ..LimiterOptions::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_spaces_requests_evenly_after_the_burst() {
        let limiter = limiter(10, 3);
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..6 {
            limiter.acquire(MINUTE).await.unwrap();
            times.push(start.elapsed().as_millis() / 10 * 10);
        }
        assert_eq!(times, [0, 0, 0, 100, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_holds_everything_and_one_beyond_the_wait_is_refused_at_once() {
        let limiter = limiter(1000, 1000);
        limiter.block(Duration::from_secs(20));
        let start = Instant::now();
        let wait = limiter.acquire(Duration::from_secs(5)).await.unwrap_err();
        assert_eq!((wait.as_secs(), start.elapsed().as_secs()), (20, 0));
        limiter.acquire(MINUTE).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_that_grows_during_the_wait_is_kept() {
        let limiter = Arc::new(limiter(1000, 1000));
        limiter.block(Duration::from_secs(2));
        let start = Instant::now();
        let waiting = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.acquire(MINUTE).await.map(|_| Instant::now()) }
        });
        tokio::task::yield_now().await;
        limiter.block(Duration::from_secs(9));
        let passed = waiting.await.unwrap().unwrap();
        assert_eq!(passed.duration_since(start).as_secs(), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_slots_are_given_out_and_none_gets_lost() {
        let limiter = Limiter::new(LimiterOptions {
            max_concurrent: 0,
            ..LimiterOptions::default()
        });
        let slot = limiter.acquire(MINUTE).await.unwrap();
        let second = tokio::time::timeout(MINUTE, limiter.acquire(MINUTE)).await;
        assert!(second.is_err());
        drop(slot);
        assert!(limiter.acquire(MINUTE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_block_heals_within_an_hour() {
        let limiter = limiter(1, 1);
        limiter.block(Duration::MAX);
        assert!(limiter.acquire(LONGEST_BLOCK).await.is_ok());
    }
}
