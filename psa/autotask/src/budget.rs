//! The calls that all work on one tenant may make.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tallyline_core::Result;
use tallyline_core::http::{Limiter, LimiterOptions, RollingWindow};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::models::ThresholdInformation;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The threshold is asked for no more often than this: asking counts as well.
const THRESHOLD_AGE: Duration = Duration::from_secs(60);

/// What a [`TenantBudget`] allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetOptions {
    /// The tenant's requests per rolling hour, over all integrations together. Taken anew from
    /// the system whenever its threshold is read.
    pub hourly_threshold: u32,
    /// How much of that is ours, in per cent, 1 to 100: the rest is for other integrations,
    /// which all stop when the tenant's threshold is crossed.
    pub share_percent: u8,
    /// The most calls under way at once to one endpoint. The system allows an integration three.
    pub per_endpoint: usize,
    /// The most calls under way at once.
    pub max_concurrent: usize,
    /// The most calls per second.
    pub per_second: Option<NonZeroU32>,
}

impl Default for BudgetOptions {
    /// 40 % of 10,000 an hour; two at once to an endpoint, six in all.
    fn default() -> Self {
        Self {
            hourly_threshold: 10_000,
            share_percent: 40,
            per_endpoint: 2,
            max_concurrent: 6,
            per_second: None,
        }
    }
}

/// The calls that all work on one tenant may make. A clone is the same budget: give it to every
/// client of the tenant, whatever its user.
///
/// A call that the budget has no room for waits; where the wait is longer than the client's
/// retry policy allows, it fails as `RateLimited` with the wait, and nothing is sent.
#[derive(Clone)]
pub struct TenantBudget(Arc<Inner>);

struct Inner {
    options: BudgetOptions,
    limiter: Arc<Limiter>,
    threshold: Mutex<Option<(Instant, ThresholdInformation)>>,
}

impl TenantBudget {
    /// A budget of which nothing is used.
    #[must_use]
    pub fn new(options: BudgetOptions) -> Self {
        let limiter = Limiter::new(LimiterOptions {
            max_concurrent: options.max_concurrent,
            max_per_group: Some(options.per_endpoint),
            per_second: options.per_second,
            window: window(
                i64::from(options.hourly_threshold),
                HOUR,
                options.share_percent,
            ),
            ..LimiterOptions::default()
        });
        Self(Arc::new(Inner {
            options,
            limiter: Arc::new(limiter),
            threshold: Mutex::new(None),
        }))
    }

    /// What it allows.
    #[must_use]
    pub fn options(&self) -> &BudgetOptions {
        &self.0.options
    }

    /// How many workers it feeds that want so many requests an hour each; without a limit, any number.
    pub(crate) fn feeds(&self, each: u32) -> usize {
        let Some(ours) = self.0.limiter.window() else {
            return usize::MAX;
        };
        usize::try_from(ours.requests.get() / each.max(1)).unwrap_or(usize::MAX)
    }

    pub(crate) fn limiter(&self) -> Arc<Limiter> {
        Arc::clone(&self.0.limiter)
    }

    /// The tenant's threshold as it was answered within the last minute, or asked for now.
    pub(crate) async fn threshold<F>(&self, ask: impl FnOnce() -> F) -> Result<ThresholdInformation>
    where
        F: Future<Output = Result<ThresholdInformation>>,
    {
        let mut kept = self.0.threshold.lock().await;
        if let Some((at, known)) = &*kept
            && at.elapsed() < THRESHOLD_AGE
        {
            return Ok(known.clone());
        }
        let answer = ask().await?;
        if let Some(threshold) = answer.external_request_threshold {
            let minutes = answer.request_threshold_timeframe.unwrap_or(60);
            let frame = u64::try_from(minutes).ok().filter(|minutes| *minutes > 0);
            let frame = frame.map_or(HOUR, |minutes| {
                Duration::from_secs(60).saturating_mul(u32::try_from(minutes).unwrap_or(u32::MAX))
            });
            let ours = window(threshold, frame, self.0.options.share_percent);
            if let Some(ours) = ours {
                self.0.limiter.set_window(ours);
            }
        }
        *kept = Some((Instant::now(), answer.clone()));
        Ok(answer)
    }
}

/// Our share of a threshold, at least one request; none where there is no threshold.
fn window(threshold: i64, per: Duration, share_percent: u8) -> Option<RollingWindow> {
    let threshold = u64::try_from(threshold)
        .ok()
        .filter(|requests| *requests > 0)?;
    let share = u64::from(share_percent.clamp(1, 100));
    let ours = threshold.saturating_mul(share) / 100;
    let ours = u32::try_from(ours).unwrap_or(u32::MAX);
    Some(RollingWindow {
        requests: NonZeroU32::new(ours).unwrap_or(NonZeroU32::MIN),
        per,
    })
}

impl Default for TenantBudget {
    fn default() -> Self {
        Self::new(BudgetOptions::default())
    }
}

impl fmt::Debug for TenantBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantBudget")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(threshold: i64) -> ThresholdInformation {
        ThresholdInformation {
            external_request_threshold: Some(threshold),
            request_threshold_timeframe: Some(60),
            current_timeframe_request_count: Some(1),
        }
    }

    #[test]
    fn our_share_is_below_the_tenants_threshold_and_never_nothing() {
        let ours = |threshold, percent| {
            window(threshold, HOUR, percent).map(|window| window.requests.get())
        };
        assert_eq!(ours(10_000, 40), Some(4_000));
        assert_eq!(ours(1, 40), Some(1));
        assert_eq!(ours(10_000, 0), Some(100));
        assert_eq!(ours(10_000, 250), Some(10_000));
        assert_eq!(ours(0, 40), None);
        assert_eq!(ours(-5, 40), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_threshold_is_read_once_a_minute_however_often_it_is_asked_for() {
        let budget = TenantBudget::default();
        let clone = budget.clone();
        assert_eq!(
            budget
                .threshold(|| async { Ok(answer(5_000)) })
                .await
                .unwrap(),
            answer(5_000)
        );
        assert_eq!(budget.0.limiter.window().unwrap().requests.get(), 2_000);
        tokio::time::advance(Duration::from_secs(59)).await;
        let again = clone.threshold(|| async { panic!("it is known") }).await;
        assert_eq!(again.unwrap(), answer(5_000));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(
            clone
                .threshold(|| async { Ok(answer(8_000)) })
                .await
                .unwrap(),
            answer(8_000)
        );
    }
}
