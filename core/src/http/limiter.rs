//! How many requests, how often.

mod quota;
mod share;
#[cfg(test)]
mod tests;
mod window;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use self::quota::Quota;
use self::share::{Share, Whole};
use self::window::Window;

/// The longest window that is shared with other clients by a pace.
const LONGEST_SHARED: Duration = Duration::from_secs(60);

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
    /// How many may arrive at once after a pause; one where not given.
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

/// Lets requests pass one by one, in the order in which they came: a number at once, a window,
/// quotas, and a pause after a 429.
///
/// # What is certain
/// When a request reaches the system is not known, only that it is between its departure and its
/// answer. So until the answer comes it counts as arriving now, and from then on as having
/// arrived with it. A system that allows the same window refuses none, in whatever order they
/// arrive; nor does one that allows the same quota with the same burst, as long as requests do
/// not travel for longer than the burst lasts. Of a window of a length `p` a client that waits
/// `l` for each answer can use `p / (p + l)`. A quota whose burst is over before the answers
/// come, such as one without a burst, is kept to by even departures: waiting for answers would
/// cost its rate.
///
/// # Other clients of the same limit
/// What they take is learnt from refusals. After the first, requests leave at two fifths of the
/// rate, evenly, for a window's length (or 16 requests' or a burst's worth of a quota; 1 to 30
/// seconds). Then the whole rate is tried. Refused again, what passed is what the others leave:
/// it is kept to, less 1/32 and more the more often that was too much, and after a minute the
/// whole is tried again; after 2, 4 and then every 8 minutes, as long as that is refused. Not
/// refused for half a minute (at most a minute), all is as before. So one refusal by chance costs
/// the slower time, and bursts for the time after. Without a quota or a window of a minute at most only the wait that
/// the system asks for is kept.
///
/// Share one between clients that share credentials. A slot is held while a token is fetched, so
/// the client that fetches tokens needs a limiter of its own.
#[derive(Debug)]
pub struct Limiter {
    options: LimiterOptions,
    slots: Arc<Semaphore>,
    /// Held by the one whose turn is next.
    front: tokio::sync::Mutex<()>,
    turns: Arc<Turns>,
}

/// The place of a request among those under way, from its departure to its answer.
#[derive(Debug)]
pub(crate) struct Slots {
    // The order of the fields is that in which they are let go of: room first, then places.
    passage: Passage,
    _group: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl Slots {
    /// Notes that the system said "too many requests", and the wait that it asked for: nothing
    /// passes until then.
    pub(crate) fn refused(mut self, wait: Option<Duration>) {
        self.passage.refused = true;
        let now = Instant::now();
        let turns = &self.passage.turns;
        let mut state = turns.state();
        if let Some(wait) = wait {
            state.block(now, wait);
        }
        state.refused(now, self.passage.lowered);
        turns.changed.notify_one();
    }
}

/// What a request that left counts for until it is dropped, as when its answer came.
#[derive(Debug)]
struct Passage {
    turns: Arc<Turns>,
    /// How often the share was lowered when it left.
    lowered: u64,
    refused: bool,
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.turns.state().answered(Instant::now(), self.refused);
    }
}

#[derive(Debug)]
struct Turns {
    state: Mutex<State>,
    /// Wakes the one at the front, who alone waits for it: its turn may come sooner or too late
    /// now. An answer makes no turn come sooner than was reckoned.
    changed: Notify,
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as waiting until it is dropped.
struct Waiting<'a>(&'a Turns);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

#[derive(Debug)]
struct State {
    quotas: Vec<Quota>,
    window: Option<Window>,
    share: Share,
    under_way: usize,
    waiting: usize,
    groups: HashMap<&'static str, Arc<Semaphore>>,
    blocked_until: Option<Instant>,
}

impl State {
    /// What the window and the quotas allow at most; `None` without any. A long window is none to share by a
    /// pace: what leaves slower opens it no sooner, and a refusal is more likely for something else.
    fn whole(&self) -> Option<Whole> {
        let window = self.window.as_ref();
        let window = window.filter(|window| window.rule.per <= LONGEST_SHARED);
        let window = window.map(|window| {
            let RollingWindow { requests, per } = window.rule;
            Whole::of_window(quota::interval(per, requests), requests.get(), per)
        });
        let quotas = self.quotas.iter();
        let quotas = quotas.map(|quota| Whole::of_quota(quota.interval, quota.burst));
        window.into_iter().chain(quotas).reduce(Whole::and)
    }

    /// Brings the share up to now. What it is a share of.
    fn advance(&mut self, now: Instant) -> Option<Whole> {
        let whole = self.whole()?;
        if let Some(since) = self.share.advance(whole, now) {
            for quota in &mut self.quotas {
                quota.forget_saved(since);
            }
        }
        Some(whole)
    }

    /// The earliest that a request may leave behind so many that wait; `None` where nothing holds
    /// it. It is later where an answer has to come first.
    fn opens(&mut self, now: Instant, ahead: usize) -> Option<Instant> {
        let share = self.advance(now);
        let share = share.and_then(|whole| self.share.opens(whole, now, ahead));
        let under_way = self.under_way;
        let window = self.window.as_mut();
        let window = window.and_then(|window| window.opens(now, under_way, ahead));
        let quotas = self.quotas.iter();
        quotas
            .filter_map(|quota| quota.opens(now, under_way, ahead))
            .chain(self.blocked_until)
            .chain(window)
            .chain(share)
            .max()
    }

    /// Counts a request as under way, that was due at an instant. How often the share was lowered
    /// before.
    fn leave(&mut self, now: Instant, due: Instant) -> u64 {
        self.under_way += 1;
        for quota in &mut self.quotas {
            quota.leave(now, due);
        }
        if let Some(whole) = self.whole() {
            self.share.leave(whole, now, due);
        }
        self.share.lowered()
    }

    /// Whether a system counts what it refuses is not known, so it counts here as well.
    fn answered(&mut self, now: Instant, refused: bool) {
        self.under_way -= 1;
        for quota in &mut self.quotas {
            quota.answered(now);
        }
        if let Some(window) = &mut self.window {
            window.answered(now);
        }
        if !refused {
            self.share.passed(now);
        }
    }

    fn block(&mut self, now: Instant, wait: Duration) {
        let until = now + wait.min(LONGEST_BLOCK);
        let until = self.blocked_until.map_or(until, |old| old.max(until));
        self.blocked_until = Some(until);
        if let Some(whole) = self.advance(now) {
            self.share.postpone(whole, until);
        }
    }

    fn refused(&mut self, now: Instant, lowered: u64) {
        let Some(whole) = self.advance(now) else {
            return;
        };
        let resumes = self.blocked_until.map_or(now, |until| until.max(now));
        let since = whole.window.and_then(|per| now.checked_sub(per));
        let in_window = self.window.as_ref().zip(since);
        let in_window = in_window.map_or(0, |(window, since)| window.answers_since(since));
        self.share.refused(whole, now, resumes, lowered, in_window);
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
        let state = State {
            quotas,
            window: options.window.map(Window::new),
            share: Share::default(),
            under_way: 0,
            waiting: 0,
            groups: HashMap::new(),
            blocked_until: None,
        };
        Self {
            slots: semaphore(options.max_concurrent),
            front: tokio::sync::Mutex::new(()),
            turns: Arc::new(Turns {
                state: Mutex::new(state),
                changed: Notify::new(),
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
        match &mut self.turns.state().window {
            Some(old) => old.rule = window,
            none => *none = Some(Window::new(window)),
        }
        self.turns.changed.notify_one();
    }

    /// The window as it is now.
    #[must_use]
    pub fn window(&self) -> Option<RollingWindow> {
        self.turns.state().window.as_ref().map(|window| window.rule)
    }

    /// Waits for a place in the group and among all. The group comes first: who waits for it
    /// keeps no one else waiting.
    async fn places(
        &self,
        group: Option<&'static str>,
    ) -> (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>) {
        let of_group = self.options.max_per_group.zip(group).map(|(most, group)| {
            let mut state = self.turns.state();
            let known = state.groups.entry(group);
            Arc::clone(known.or_insert_with(|| semaphore(most)))
        });
        // The semaphores are never closed.
        let group = match of_group {
            Some(group) => group.acquire_owned().await.ok(),
            None => None,
        };
        (group, Arc::clone(&self.slots).acquire_owned().await.ok())
    }

    /// Waits for a slot and for its turn. `Err` with the wait, at once, where the turn surely comes
    /// later than `max_wait`, and after `max_wait` where it has not come.
    pub(crate) async fn acquire(
        &self,
        group: Option<&'static str>,
        max_wait: Duration,
    ) -> Result<Slots, Duration> {
        let (group, all) = self.places(group).await;
        Ok(Slots {
            passage: self.turn(max_wait).await?,
            _group: group,
            _all: all,
        })
    }

    async fn turn(&self, max_wait: Duration) -> Result<Passage, Duration> {
        let turns = &self.turns;
        let came = Instant::now();
        let until = came.checked_add(max_wait);
        let late = |at: Instant| until.is_some_and(|until| at > until);
        let waiting = {
            let mut state = turns.state();
            let ahead = state.waiting;
            if let Some(at) = state.opens(came, ahead).filter(|at| late(*at)) {
                return Err(at.duration_since(came));
            }
            state.waiting += 1;
            Waiting(turns)
        };
        let _front = match until {
            None => self.front.lock().await,
            Some(until) => match timeout_at(until, self.front.lock()).await {
                Ok(front) => front,
                Err(_) => return Err(self.wait_behind_the_front()),
            },
        };
        let lowered = loop {
            let now = Instant::now();
            let at = {
                let mut state = turns.state();
                let opens = state.opens(now, 0);
                match opens.filter(|at| *at > now) {
                    Some(at) => at,
                    None => break state.leave(now, opens.map_or(now, |at| at.max(came))),
                }
            };
            if late(at) {
                return Err(at.duration_since(now));
            }
            let _ = timeout_at(at, turns.changed.notified()).await;
        };
        drop(waiting);
        Ok(Passage {
            turns: Arc::clone(turns),
            lowered,
            refused: false,
        })
    }

    /// How long who gives up in the queue would wait for the turn of the one at its front.
    fn wait_behind_the_front(&self) -> Duration {
        let now = Instant::now();
        let at = self.turns.state().opens(now, 1);
        at.map_or(Duration::ZERO, |at| at.duration_since(now))
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
