//! So many requests per second or minute, and how many of them at once.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// Departures an interval apart.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: Option<Instant>,
}

impl Pace {
    /// A pace whose next departure is at an instant.
    pub(super) fn from(next: Instant) -> Self {
        Self { next: Some(next) }
    }

    /// When a request may leave behind so many that wait.
    pub(super) fn opens(&self, interval: Duration, now: Instant, ahead: u32) -> Option<Instant> {
        if ahead == 0 {
            return self.next;
        }
        let next = self.next.map_or(now, |next| next.max(now));
        next.checked_add(interval.saturating_mul(ahead))
    }

    /// Notes a departure that was due at an instant: a timer that fires late slows nothing down,
    /// up to one interval.
    pub(super) fn leave(&mut self, interval: Duration, now: Instant, due: Instant) {
        let due = now.checked_sub(interval).map_or(due, |at| due.max(at));
        let from = self.next.map_or(due, |next| next.max(due));
        self.next = from.checked_add(interval);
    }
}

/// A quota, held against a system that lets `burst` requests arrive at once and one more each
/// interval.
///
/// A request leaves by the first of two rules. By the answers: those that came are reckoned as
/// arrivals, an interval each, and those under way as arrivals of now; what then fits into the
/// burst is not refused, however long requests travel. By the departures: an interval after the
/// last, without a burst. That one keeps the rate where answers take longer than the burst lasts,
/// and where there is none; it is certain as far as the times that requests travel differ by less
/// than the burst less one, in intervals.
#[derive(Debug)]
pub(super) struct Quota {
    pub(super) interval: Duration,
    pub(super) burst: u32,
    /// Until when what was answered takes the system, an interval each.
    taken: Option<Instant>,
    pace: Pace,
}

impl Quota {
    pub(super) fn new(requests: NonZeroU32, per: Duration, burst: Option<NonZeroU32>) -> Self {
        Self {
            interval: interval(per, requests),
            burst: burst.map_or(1, NonZeroU32::get),
            taken: None,
            pace: Pace::default(),
        }
    }

    /// The earliest that a request may leave behind so many that wait; `None` where there is room.
    pub(super) fn opens(&self, now: Instant, under_way: usize, ahead: usize) -> Option<Instant> {
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let under_way = u32::try_from(under_way).unwrap_or(u32::MAX);
        let even = self.pace.opens(self.interval, now, ahead)?;
        let taken = self.taken.unwrap_or(now);
        let more = under_way.saturating_add(ahead).saturating_add(1);
        let by_answers = match self.burst.checked_sub(more) {
            Some(room) => taken.checked_sub(self.interval.saturating_mul(room))?,
            None => {
                let beyond = self.interval.saturating_mul(more - self.burst);
                taken.max(now).checked_add(beyond).unwrap_or(even)
            }
        };
        Some(even.min(by_answers))
    }

    pub(super) fn leave(&mut self, now: Instant, due: Instant) {
        self.pace.leave(self.interval, now, due);
    }

    pub(super) fn answered(&mut self, at: Instant) {
        let taken = self.taken.map_or(at, |taken| taken.max(at));
        self.taken = taken.checked_add(self.interval);
    }

    /// Forgets the burst that was saved up until an instant: others may have taken it.
    pub(super) fn forget_saved(&mut self, until: Instant) {
        let whole = self.interval.saturating_mul(self.burst);
        let full = until.checked_add(whole).unwrap_or(until);
        self.taken = Some(self.taken.map_or(full, |taken| taken.max(full)));
    }
}

/// The share of one of so many requests in a span, rounded up: never more than are allowed.
pub(super) fn interval(per: Duration, requests: NonZeroU32) -> Duration {
    let nanos = per.as_nanos().div_ceil(u128::from(requests.get()));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
