//! What is repeated when: one table.

use std::time::Duration;

/// How often and how long a failed attempt is repeated.
///
/// | what happened | read | idempotent write | create |
/// | --- | --- | --- | --- |
/// | no connection, nothing sent | repeat | repeat | repeat |
/// | 429 | repeat | repeat | repeat |
/// | 401, once | new token, repeat | new token, repeat | new token, repeat |
/// | an error that says "nothing was done" | repeat | repeat | repeat |
/// | 408, 500, 502, 503, 504 | repeat | no | no |
/// | time limit or lost connection after sending | repeat | no | no |
/// | any other answer | no | no | no |
///
/// A write that is not repeated comes back with [`Sent::Maybe`](crate::error::Sent::Maybe):
/// who sent it reads back first.
///
/// The wait is drawn evenly from zero to `min_delay * factor^n`, at most `max_delay` ("full
/// jitter"). A wait that the system asks for is kept to the letter, up to `max_retry_after`
/// and within the operation timeout; a longer one ends the operation at once, with the wait
/// in the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The most attempts, the first included. A repeat after a new token is not counted.
    pub max_attempts: u32,
    /// The upper end of the first wait.
    pub min_delay: Duration,
    /// What the upper end is multiplied by each time.
    pub factor: u32,
    /// The largest upper end.
    pub max_delay: Duration,
    /// No attempt begins later than this, waits that the system asked for not counted.
    pub total: Duration,
    /// The longest wait that the system may ask for.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    /// 4 attempts within 120 s; 500 ms doubling to 30 s; 300 s at the system's word.
    fn default() -> Self {
        Self {
            max_attempts: 4,
            min_delay: Duration::from_millis(500),
            factor: 2,
            max_delay: Duration::from_secs(30),
            total: Duration::from_secs(120),
            max_retry_after: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// One attempt.
    #[must_use]
    pub fn none() -> Self {
        Self {
            max_attempts: 1,
            ..Self::default()
        }
    }
}
