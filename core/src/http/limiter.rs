//! How many requests, how often.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// The most requests under way at once of each [group](super::Operation::group); at least
    /// one.
    pub max_per_group: Option<usize>,
    /// The most requests in any span of a length.
    pub window: Option<RollingWindow>,
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
            max_per_group: None,
            window: None,
            per_second: None,
            per_minute: None,
            burst: None,
        }
    }
}

/// So many requests in any span of a length: unlike a quota it lets all of them pass at once, and
/// then none until the first is as old as the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollingWindow {
    /// The most requests.
    pub requests: NonZeroU32,
    /// The span.
    pub per: Duration,
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

/// The places of a request among those under way.
#[derive(Debug)]
pub(crate) struct Slots {
    _all: Option<OwnedSemaphorePermit>,
    _group: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct State {
    quotas: Vec<Quota>,
    window: Option<RollingWindow>,
    /// When the requests of the window passed or will pass, in that order.
    passed: VecDeque<Instant>,
    groups: HashMap<&'static str, Arc<Semaphore>>,
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

impl State {
    /// When the window has room for another request.
    fn window_opens(&mut self, now: Instant) -> Instant {
        let Some(window) = self.window else {
            return now;
        };
        let left = |at: &Instant| at.checked_add(window.per).is_some_and(|end| end <= now);
        while self.passed.front().is_some_and(left) {
            self.passed.pop_front();
        }
        let most = usize::try_from(window.requests.get()).unwrap_or(usize::MAX);
        let room_after = self
            .passed
            .len()
            .checked_sub(most)
            .and_then(|at| self.passed.get(at));
        room_after
            .and_then(|at| at.checked_add(window.per))
            .map_or(now, |at| at.max(now))
    }

    fn take(&mut self, at: Instant) {
        for quota in &mut self.quotas {
            quota.take(at);
        }
        if self.window.is_some() {
            let place = self.passed.partition_point(|passed| *passed <= at);
            self.passed.insert(place, at);
        }
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
        Self {
            slots: semaphore(options.max_concurrent),
            state: Mutex::new(State {
                quotas,
                window: options.window,
                passed: VecDeque::new(),
                groups: HashMap::new(),
                blocked_until: None,
            }),
            options,
        }
    }

    /// What it allows.
    #[must_use]
    pub fn options(&self) -> &LimiterOptions {
        &self.options
    }

    /// Replaces the window, as when the system says what it allows. Requests that passed before
    /// still count.
    pub fn set_window(&self, window: RollingWindow) {
        self.state().window = Some(window);
    }

    /// The window as it is now.
    #[must_use]
    pub fn window(&self) -> Option<RollingWindow> {
        self.state().window
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a slot in the group and among all. The group comes first: who waits for it
    /// keeps no one else waiting.
    async fn slots(&self, group: Option<&'static str>) -> Slots {
        let of_group = self.options.max_per_group.zip(group).map(|(most, group)| {
            let mut state = self.state();
            let known = state.groups.entry(group);
            Arc::clone(known.or_insert_with(|| semaphore(most)))
        });
        // The semaphores are never closed.
        let group = match of_group {
            Some(group) => group.acquire_owned().await.ok(),
            None => None,
        };
        Slots {
            _group: group,
            _all: Arc::clone(&self.slots).acquire_owned().await.ok(),
        }
    }

    /// Waits for a slot and for its turn. `Err` with the wait, at once, where the turn comes
    /// later than `max_wait`.
    pub(crate) async fn acquire(
        &self,
        group: Option<&'static str>,
        max_wait: Duration,
    ) -> Result<Slots, Duration> {
        let slots = self.slots(group).await;
        let start = Instant::now();
        let mut turn = None;
        loop {
            let now = Instant::now();
            let at = {
                let mut state = self.state();
                let open = state.blocked_until.map_or(now, |until| until.max(now));
                let at = turn.unwrap_or_else(|| {
                    let open = open.max(state.window_opens(now));
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
                    state.take(at);
                }
                at
            };
            turn = Some(at);
            if at <= now {
                return Ok(slots);
            }
            sleep_until(at).await;
        }
    }

    /// Lets nothing pass for a time, as a 429 asked for.
    pub(crate) fn block(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_BLOCK);
        let mut state = self.state();
        state.blocked_until = Some(state.blocked_until.map_or(until, |old| old.max(until)));
    }
}

fn semaphore(most: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)))
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
            limiter.acquire(None, MINUTE).await.unwrap();
            times.push(start.elapsed().as_millis() / 10 * 10);
        }
        assert_eq!(times, [0, 0, 0, 100, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_holds_everything_and_one_beyond_the_wait_is_refused_at_once() {
        let limiter = limiter(1000, 1000);
        limiter.block(Duration::from_secs(20));
        let start = Instant::now();
        let wait = limiter
            .acquire(None, Duration::from_secs(5))
            .await
            .unwrap_err();
        assert_eq!((wait.as_secs(), start.elapsed().as_secs()), (20, 0));
        limiter.acquire(None, MINUTE).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_block_that_grows_during_the_wait_is_kept() {
        let limiter = Arc::new(limiter(1000, 1000));
        limiter.block(Duration::from_secs(2));
        let start = Instant::now();
        let waiting = tokio::spawn({
            let limiter = Arc::clone(&limiter);
            async move { limiter.acquire(None, MINUTE).await.map(|_| Instant::now()) }
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
        let slot = limiter.acquire(None, MINUTE).await.unwrap();
        let second = tokio::time::timeout(MINUTE, limiter.acquire(None, MINUTE)).await;
        assert!(second.is_err());
        drop(slot);
        assert!(limiter.acquire(None, MINUTE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_absurd_block_heals_within_an_hour() {
        let limiter = limiter(1, 1);
        limiter.block(Duration::MAX);
        assert!(limiter.acquire(None, LONGEST_BLOCK).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_lets_its_requests_pass_at_once_and_the_next_when_the_first_is_old() {
        let limiter = Limiter::new(LimiterOptions {
            window: Some(RollingWindow {
                requests: NonZeroU32::new(3).unwrap(),
                per: MINUTE,
            }),
            ..LimiterOptions::default()
        });
        let start = Instant::now();
        for _ in 0..2 {
            limiter.acquire(None, MINUTE).await.unwrap();
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        limiter.acquire(None, MINUTE).await.unwrap();
        let wait = limiter.acquire(None, Duration::from_secs(49)).await;
        assert_eq!(wait.unwrap_err().as_secs(), 50);
        for expected in [60, 60, 70, 120] {
            limiter.acquire(None, MINUTE).await.unwrap();
            assert_eq!(start.elapsed().as_secs(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_narrower_window_counts_what_passed_before_it() {
        let limiter = Limiter::new(LimiterOptions {
            window: Some(RollingWindow {
                requests: NonZeroU32::new(100).unwrap(),
                per: MINUTE,
            }),
            ..LimiterOptions::default()
        });
        for _ in 0..5 {
            limiter.acquire(None, MINUTE).await.unwrap();
        }
        limiter.set_window(RollingWindow {
            requests: NonZeroU32::new(2).unwrap(),
            per: MINUTE,
        });
        let wait = limiter.acquire(None, Duration::ZERO).await.unwrap_err();
        assert_eq!(wait.as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn each_group_has_slots_of_its_own() {
        let limiter = Limiter::new(LimiterOptions {
            max_per_group: Some(2),
            ..LimiterOptions::default()
        });
        let held = [
            limiter.acquire(Some("a"), MINUTE).await.unwrap(),
            limiter.acquire(Some("a"), MINUTE).await.unwrap(),
        ];
        let third = limiter.acquire(Some("a"), MINUTE);
        assert!(tokio::time::timeout(MINUTE, third).await.is_err());
        assert!(limiter.acquire(Some("b"), MINUTE).await.is_ok());
        assert!(limiter.acquire(None, MINUTE).await.is_ok());
        drop(held);
        assert!(limiter.acquire(Some("a"), MINUTE).await.is_ok());
    }
}
