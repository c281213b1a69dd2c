//! What is left of a limit that other clients use as well, learnt from refusals.

use std::time::Duration;

use tokio::time::Instant;

use super::quota::Pace;

/// How long what was found to be left is kept to before more is tried, the first time.
const QUIET: Duration = Duration::from_secs(60);

/// The same after many tries that were refused.
const LONGEST_QUIET: Duration = Duration::from_secs(480);

/// How long all that is allowed is tried evenly, before bursts are let go again.
const TRY: Duration = Duration::from_secs(30);

/// The bounds of the time that others are given to show what they take.
const SETTLE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How many intervals that time holds at least.
const SETTLE_REQUESTS: u32 = 16;

/// An interval grows to this many of the limit's at most.
const SLOWEST: u32 = 64;

/// The share that is kept back of what was found to be left is 1/32, doubled this often at most.
const MOST_CAUTION: u32 = 3;

/// What the limit allows at most, taken evenly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    /// Between two requests.
    pub(super) interval: Duration,
    /// How long others are given.
    settle: Duration,
    /// How many requests may be saved up.
    saved: u32,
    /// The span of a window that is short enough to be watched whole.
    pub(super) window: Option<Duration>,
}

impl Whole {
    pub(super) fn of_window(interval: Duration, requests: u32, per: Duration) -> Self {
        Self {
            interval,
            settle: per.clamp(SETTLE.0, SETTLE.1),
            saved: requests,
            window: (per <= SETTLE.1).then_some(per),
        }
    }

    pub(super) fn of_quota(interval: Duration, burst: u32) -> Self {
        let settle = interval.saturating_mul(burst.max(SETTLE_REQUESTS));
        Self {
            interval,
            settle: settle.clamp(SETTLE.0, SETTLE.1),
            saved: burst,
            window: None,
        }
    }

    /// What both allow.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            interval: self.interval.max(other.interval),
            settle: self.settle.max(other.settle),
            saved: self.saved.max(other.saved),
            window: self.window.or(other.window),
        }
    }
}

/// The pace at which requests leave while others use the limit.
///
/// A refusal says that the limit is full, not how much of it others take: they may have begun
/// just now, or been kept out by our own requests. So first ours leave slowly, for as long as
/// others need to show what they take. Then all is tried: refused again, what passed is what is
/// left, and is kept to. Not refused, it was a chance, and all is as before. Later all is tried
/// again.
#[derive(Debug)]
pub(super) struct Share {
    less: Option<Less>,
    /// How often it was lowered: refusals of what left before the last time say nothing new.
    lowered: u64,
    /// How long the next share is kept to.
    quiet: Duration,
    caution: u32,
}

#[derive(Debug)]
struct Less {
    stage: Stage,
    until: Instant,
    interval: Duration,
    pace: Pace,
    /// Since the last refusal, when the limit was full.
    since_full: Tally,
    /// Since others were given room.
    since_settling: Tally,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Others are given room.
    Settling,
    /// All is tried.
    Trying,
    /// What was found to be left is kept to.
    Keeping,
    /// The same less a little, for once it was refused.
    Easing,
}

/// How many of our requests passed since an instant.
#[derive(Clone, Copy, Debug)]
struct Tally {
    since: Instant,
    passed: u32,
}

impl Tally {
    fn from(since: Instant) -> Self {
        Self { since, passed: 0 }
    }

    fn passed(&mut self, at: Instant) {
        if at >= self.since {
            self.passed = self.passed.saturating_add(1);
        }
    }

    /// The mean interval, of which so many requests were saved up before.
    fn interval(self, now: Instant, saved: u32) -> Duration {
        mean(
            now.duration_since(self.since),
            self.passed.saturating_sub(saved),
        )
    }
}

impl Default for Share {
    fn default() -> Self {
        Self {
            less: None,
            lowered: 0,
            quiet: QUIET,
            caution: 0,
        }
    }
}

impl Share {
    /// How often it was lowered.
    pub(super) fn lowered(&self) -> u64 {
        self.lowered
    }

    /// The earliest that a request may leave behind so many that wait; `None` where nothing holds
    /// it.
    pub(super) fn opens(&self, whole: Whole, now: Instant, ahead: usize) -> Option<Instant> {
        let less = self.less.as_ref()?;
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        let opens = less.pace.opens(less.interval(whole), now, ahead);
        opens.map(|at| at.min(less.until))
    }

    pub(super) fn leave(&mut self, whole: Whole, now: Instant, due: Instant) {
        if let Some(less) = &mut self.less {
            less.pace.leave(less.interval(whole), now, due);
        }
    }

    /// Notes an answer that was no refusal.
    pub(super) fn passed(&mut self, at: Instant) {
        if let Some(less) = &mut self.less {
            less.since_full.passed(at);
            less.since_settling.passed(at);
        }
    }

    /// Notes that nothing leaves before an instant: others settle after it.
    pub(super) fn postpone(&mut self, whole: Whole, resumes: Instant) {
        if let Some(less) = &mut self.less
            && less.stage == Stage::Settling
            && less.since_settling.since < resumes
        {
            less.since_settling = Tally::from(resumes);
            less.until = resumes + whole.settle;
        }
    }

    /// Notes a refusal of what left when it was lowered so often. Nothing leaves before
    /// `resumes`; `in_window` is how many passed within the span that is watched.
    pub(super) fn refused(
        &mut self,
        whole: Whole,
        now: Instant,
        resumes: Instant,
        lowered: u64,
        in_window: usize,
    ) {
        if lowered != self.lowered {
            return;
        }
        self.lowered += 1;
        let before = self.less.take();
        let slowest = whole.interval.saturating_mul(SLOWEST);
        let slower = |interval: Duration| (interval.saturating_mul(5) / 2).min(slowest);
        let (stage, interval, lasts) = match &before {
            None => (Stage::Settling, slower(whole.interval), whole.settle),
            Some(less) if less.stage == Stage::Trying => {
                let kept = self.kept(less.left(whole, now, in_window));
                (Stage::Keeping, kept, self.quiet)
            }
            Some(less) if less.stage == Stage::Keeping => (
                Stage::Easing,
                less.interval.saturating_mul(16) / 15,
                self.quiet,
            ),
            Some(less) => {
                if less.stage == Stage::Easing {
                    self.caution = (self.caution + 1).min(MOST_CAUTION);
                }
                (Stage::Settling, slower(less.interval), whole.settle)
            }
        };
        self.less = Some(Less {
            stage,
            until: resumes + lasts,
            interval,
            pace: Pace::from(
                now.checked_add(interval)
                    .map_or(resumes, |at| at.max(resumes)),
            ),
            since_full: Tally::from(now),
            since_settling: Tally::from(resumes),
        });
    }

    /// The interval that keeps back a part of what is left, a larger one the more often that was
    /// too little.
    fn kept(&self, left: Duration) -> Duration {
        left.saturating_mul(32) / (32 - (1 << self.caution))
    }

    /// Goes on to what is done now. Gives the instant where all is allowed again since then.
    pub(super) fn advance(&mut self, whole: Whole, now: Instant) -> Option<Instant> {
        while let Some(less) = &mut self.less
            && less.until <= now
        {
            let ended = less.until;
            match less.stage {
                Stage::Keeping | Stage::Easing => {
                    self.quiet = (self.quiet * 2).min(LONGEST_QUIET);
                    if less.stage == Stage::Keeping {
                        self.caution = self.caution.saturating_sub(1);
                    }
                    less.stage = Stage::Settling;
                    less.since_settling = Tally::from(ended);
                    less.until = ended + whole.settle;
                }
                Stage::Settling => {
                    less.stage = Stage::Trying;
                    less.pace = Pace::from(ended);
                    less.until = ended + TRY.max(whole.settle * 2);
                }
                Stage::Trying => {
                    *self = Self {
                        lowered: self.lowered,
                        ..Self::default()
                    };
                    return Some(ended);
                }
            }
        }
        None
    }
}

impl Less {
    /// Between two requests that leave.
    fn interval(&self, whole: Whole) -> Duration {
        match self.stage {
            // A little faster than is allowed: at its very pace ours would take each place that
            // becomes free, and keep others out. The limit itself holds all the same.
            Stage::Trying => whole.interval * 4 / 5,
            Stage::Settling | Stage::Keeping | Stage::Easing => self.interval.max(whole.interval),
        }
    }

    /// The mean interval of what others leave, now that the limit is full: of a window it is what
    /// passed within it. Of what is filled evenly it is at most what passed since it was full
    /// before, or since others were given room, without what was saved up until then. No longer
    /// than the one at which nothing was refused.
    fn left(&self, whole: Whole, now: Instant, in_window: usize) -> Duration {
        let measured = match whole.window {
            // One more or less is chance.
            Some(per) => mean(
                per,
                u32::try_from(in_window)
                    .unwrap_or(u32::MAX)
                    .saturating_sub(1),
            ),
            None => {
                let settled = self.since_settling.interval(now, whole.saved);
                self.since_full.interval(now, 0).min(settled)
            }
        };
        measured.min(self.interval).max(whole.interval)
    }
}

fn mean(span: Duration, requests: u32) -> Duration {
    span.checked_div(requests).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A share of 100 in two seconds, and a clock.
    struct Walk {
        share: Share,
        whole: Whole,
        now: Instant,
    }

    impl Walk {
        fn new() -> Self {
            let per = Duration::from_secs(2);
            Self {
                share: Share::default(),
                whole: Whole::of_window(per / 100, 100, per),
                now: Instant::now(),
            }
        }

        /// Refused while so many had passed in the window.
        fn refused(&mut self, in_window: usize) -> Duration {
            let lowered = self.share.lowered();
            self.share
                .refused(self.whole, self.now, self.now, lowered, in_window);
            self.interval()
        }

        fn wait(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
            let _ = self.share.advance(self.whole, self.now);
        }

        fn interval(&self) -> Duration {
            let less = self.share.less.as_ref();
            less.map_or(Duration::ZERO, |less| less.interval(self.whole))
        }
    }

    fn micros(interval: Duration) -> u128 {
        interval.as_micros()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_to_shrinks_the_more_often_it_was_too_much() {
        let mut walk = Walk::new();
        assert_eq!(micros(walk.refused(98)), 50_000);
        walk.wait(2);
        assert_eq!(micros(walk.interval()), 16_000);
        // One less than 51 in two seconds, less 1/32.
        assert_eq!(micros(walk.refused(51)), 41_290);
        assert_eq!(micros(walk.refused(49)), 44_043);
        assert_eq!(micros(walk.refused(47)), 110_107);
        walk.wait(2);
        // Less 1/16.
        assert_eq!(micros(walk.refused(51)), 42_666);
        // Less 1/32 again after a minute in which that was enough.
        walk.wait(60);
        walk.wait(2);
        assert_eq!(micros(walk.refused(51)), 41_290);
        // As before once all was tried for long enough.
        for seconds in [120, 2, 30] {
            walk.wait(seconds);
        }
        assert_eq!(walk.interval(), Duration::ZERO);
        walk.refused(98);
        walk.wait(2);
        assert_eq!(micros(walk.refused(51)), 41_290);
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_little_is_left_the_pace_that_was_not_refused() {
        let mut walk = Walk::new();
        walk.refused(1);
        walk.wait(2);
        assert_eq!(micros(walk.refused(1)), 51_612);
    }

    #[tokio::test(start_paused = true)]
    async fn no_pace_is_slower_than_a_sixty_fourth() {
        let mut walk = Walk::new();
        for _ in 0..20 {
            walk.refused(0);
        }
        assert_eq!(micros(walk.interval()), 20_000 * 64);
    }
}
