//! Waiting for a job that a system works on by itself.

use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result, Retry};

/// The least wait between two asks, whatever a policy says.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// How often a job is asked about, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollPolicy {
    /// The first wait.
    pub min_delay: Duration,
    /// What each wait is multiplied by to give the next.
    pub factor: u32,
    /// The longest wait.
    pub max_delay: Duration,
    /// No ask begins later than this; zero asks once.
    pub deadline: Duration,
}

impl Default for PollPolicy {
    /// 2 s doubling to 30 s, for 15 minutes.
    fn default() -> Self {
        Self {
            min_delay: Duration::from_secs(2),
            factor: 2,
            max_delay: Duration::from_secs(30),
            deadline: Duration::from_secs(15 * 60),
        }
    }
}

/// What one ask found out about a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState<T> {
    /// It is finished, with this result.
    Done(T),
    /// It is not finished; the wait that the system asks for, where it does.
    NotYet(Option<Duration>),
}

/// One ask about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which ask it is, from 1.
    pub number: u32,
    /// How long the job has been waited for.
    pub waited: Duration,
}

/// Asks about a job until it is done, at growing distances and within a deadline.
///
/// A wait that the system asks for is never cut short. The asks are to be reads: what starts the
/// job is not part of it. The clock is an input, so that a test waits for nothing.
///
/// # Cancel safety
/// Dropping the future stops the asking and changes nothing; the job itself goes on.
///
/// # Errors
/// `Timeout` when the job is not done within the deadline; the first error of an ask.
///
/// # Examples
/// ```
/// # async fn example() -> tallyline_core::Result<()> {
/// use tallyline_core::clock::SystemClock;
/// use tallyline_core::http::{JobState, PollPolicy, poll_job};
///
/// let report = poll_job(&PollPolicy::default(), &SystemClock, |ask| async move {
///     Ok(if ask.number < 3 { JobState::NotYet(None) } else { JobState::Done("the report") })
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
pub async fn poll_job<T, F, Fut>(policy: &PollPolicy, clock: &dyn Clock, mut ask: F) -> Result<T>
where
    F: FnMut(Ask) -> Fut + Send,
    Fut: Future<Output = Result<JobState<T>>> + Send,
    T: Send,
{
    let started = clock.now();
    let mut delay = policy.min_delay.min(policy.max_delay);
    // Beside the clock, so that one that stands still does not make the loop endless.
    let mut slept = Duration::ZERO;
    let mut number = 0_u32;
    loop {
        number = number.saturating_add(1);
        let waited = clock.now().since(started).max(slept);
        let asked_for = match ask(Ask { number, waited }).await? {
            JobState::Done(result) => return Ok(result),
            JobState::NotYet(wait) => wait.unwrap_or_default(),
        };
        let pause = delay.max(asked_for).max(LEAST_WAIT);
        let waited = clock.now().since(started).max(slept);
        if waited.saturating_add(pause) > policy.deadline {
            return Err(Error::new(
                ErrorKind::Timeout,
                format!("the job was not done after {number} asks in {waited:.0?}"),
            )
            .with_retry(Retry::Transient));
        }
        clock.sleep(pause).await;
        slept = slept.saturating_add(pause);
        delay = delay.saturating_mul(policy.factor).min(policy.max_delay);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::model::Timestamp;

    /// A clock that jumps over each wait and remembers it.
    #[derive(Default)]
    struct Jumping {
        waits: Mutex<Vec<u64>>,
        stands_still: bool,
    }

    impl Jumping {
        fn waits(&self) -> Vec<u64> {
            self.waits.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl Clock for Jumping {
        fn now(&self) -> Timestamp {
            if self.stands_still {
                return Timestamp::EPOCH;
            }
            let waited = self.waits().iter().sum();
            Timestamp::EPOCH.plus(Duration::from_secs(waited))
        }

        async fn sleep(&self, duration: Duration) {
            self.waits.lock().unwrap().push(duration.as_secs());
        }

        async fn alongside(&self, _: Duration) {
            std::future::pending::<()>().await;
        }
    }

    async fn ask(
        policy: &PollPolicy,
        clock: &Jumping,
        done_at: u32,
        wait: Option<Duration>,
    ) -> Result<Ask> {
        poll_job(policy, clock, |ask| async move {
            Ok(if ask.number >= done_at {
                JobState::Done(ask)
            } else {
                JobState::NotYet(wait)
            })
        })
        .await
    }

    #[tokio::test]
    async fn the_waits_double_from_two_to_thirty_seconds() {
        let clock = Jumping::default();
        let last = ask(&PollPolicy::default(), &clock, 7, None).await.unwrap();
        assert_eq!(clock.waits(), [2, 4, 8, 16, 30, 30]);
        assert_eq!((last.number, last.waited.as_secs()), (7, 90));
    }

    #[tokio::test]
    async fn a_wait_that_the_system_asks_for_is_not_cut_short() {
        let clock = Jumping::default();
        let wait = Some(Duration::from_secs(45));
        ask(&PollPolicy::default(), &clock, 3, wait).await.unwrap();
        assert_eq!(clock.waits(), [45, 45]);
    }

    #[tokio::test]
    async fn no_ask_begins_after_the_deadline() {
        for stands_still in [false, true] {
            let clock = Jumping {
                stands_still,
                ..Jumping::default()
            };
            let policy = PollPolicy {
                deadline: Duration::from_secs(20),
                ..PollPolicy::default()
            };
            let error = ask(&policy, &clock, u32::MAX, None).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            assert!(error.to_string().contains("4 asks"), "{error}");
            assert_eq!(clock.waits(), [2, 4, 8]);
        }
    }

    #[tokio::test]
    async fn a_deadline_of_zero_asks_once_and_a_policy_of_zeros_ends() {
        let zero = PollPolicy {
            min_delay: Duration::ZERO,
            factor: 0,
            max_delay: Duration::ZERO,
            deadline: Duration::ZERO,
        };
        let clock = Jumping::default();
        assert_eq!(ask(&zero, &clock, 1, None).await.unwrap().number, 1);
        ask(&zero, &clock, 2, None).await.unwrap_err();
        let short = PollPolicy {
            deadline: Duration::from_millis(5),
            ..zero
        };
        let still = Jumping {
            stands_still: true,
            ..Jumping::default()
        };
        ask(&short, &still, u32::MAX, None).await.unwrap_err();
        assert_eq!(still.waits().len(), 5);
    }

    #[tokio::test]
    async fn the_first_error_ends_the_asking() {
        let clock = Jumping::default();
        let error = poll_job(&PollPolicy::default(), &clock, |ask| async move {
            match ask.number {
                1 => Ok(JobState::<()>::NotYet(None)),
                _ => Err(Error::new(ErrorKind::Auth, "no")),
            }
        })
        .await
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert_eq!(clock.waits(), [2]);
    }
}
