//! What is repeated when: one table.

use std::time::Duration;

use super::operation::Idempotency;

/// How often and how long a failed attempt is repeated.
///
/// | what happened | read | idempotent write | create |
/// | --- | --- | --- | --- |
/// | no connection, nothing sent | repeat | repeat | repeat |
/// | 429 | repeat | repeat | repeat |
/// | 401, or a session that is over by the system's word, once | new token, repeat | new token, repeat | new token, repeat |
/// | 408, 5xx but 501 and 505 | repeat | no | no |
/// | the same where the system says that nothing was done | repeat | repeat | repeat |
/// | time limit or lost connection after sending | repeat | no | no |
/// | any other answer | no | no | no |
///
/// A write that is not repeated comes back with [`Sent::Maybe`](crate::error::Sent::Maybe):
/// who sent it reads back first.
///
/// The wait is drawn evenly from zero to `min_delay * factor^n`, at most `max_delay` ("full
/// jitter"). A wait that the system asks for is never cut short: up to `max_retry_after` and
/// within the operation timeout it is kept, and a longer one ends the operation at once, with
/// the wait in the error.
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

/// What became of one attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// No connection: nothing was sent.
    NotSent,
    /// It was or may have been sent, and no whole answer came.
    Lost,
    /// An answer came that cannot be used, such as one that is too large.
    Unusable,
    /// The system answered with an error.
    Answered(Answer),
}

/// What the decision needs to know of an error answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) retryable: Option<bool>,
    pub(crate) not_executed: bool,
    pub(crate) max_attempts: Option<u32>,
    /// The system says that the session is over.
    pub(crate) session_expired: bool,
    /// The credentials were refused, they were renewed, and this is the first time.
    pub(crate) renewed: bool,
}

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Repeat after a wait.
    Retry {
        /// The wait.
        after: Duration,
        /// Whether the system asked for it.
        asked: bool,
    },
    /// Repeat at once with the new token.
    RefreshAuth,
    /// Give the error out.
    GiveUp,
}

impl AttemptOutcome {
    /// Whether the reason is one that passes.
    pub(crate) fn is_transient(self) -> bool {
        match self {
            Self::NotSent | Self::Lost => true,
            Self::Unusable => false,
            Self::Answered(answer) if answer.session_expired => false,
            Self::Answered(answer) => answer.retryable.unwrap_or(match answer.status {
                408 | 429 => true,
                501 | 505 => false,
                status => status >= 500,
            }),
        }
    }

    /// Whether it is known that nothing was done.
    pub(crate) fn is_not_executed(self) -> bool {
        match self {
            Self::NotSent => true,
            Self::Lost | Self::Unusable => false,
            Self::Answered(answer) => {
                answer.not_executed
                    || answer.session_expired
                    || (matches!(answer.status, 400..=499) && answer.status != 408)
            }
        }
    }
}

/// The table of [`RetryPolicy`].
///
/// `attempt` is the number of attempts made, `elapsed` the time since the first began without
/// the waits that the system asked for, `jitter` an even draw from all of `u64`.
pub(crate) fn decide(
    idempotency: Idempotency,
    outcome: AttemptOutcome,
    attempt: u32,
    elapsed: Duration,
    policy: &RetryPolicy,
    jitter: u64,
) -> Decision {
    let answer = match outcome {
        AttemptOutcome::Answered(answer) => answer,
        _ => Answer::default(),
    };
    if answer.renewed && answer.retryable != Some(false) {
        return Decision::RefreshAuth;
    }
    let repeatable = idempotency == Idempotency::Safe || outcome.is_not_executed();
    let max_attempts = answer
        .max_attempts
        .unwrap_or(u32::MAX)
        .min(policy.max_attempts);
    if !outcome.is_transient() || !repeatable || attempt >= max_attempts {
        return Decision::GiveUp;
    }
    let own = full_jitter(policy, attempt, jitter);
    match answer.retry_after {
        Some(asked) if asked > policy.max_retry_after || elapsed > policy.total => Decision::GiveUp,
        Some(asked) => Decision::Retry {
            after: asked.max(own),
            asked: true,
        },
        None if elapsed.saturating_add(own) > policy.total => Decision::GiveUp,
        None => Decision::Retry {
            after: own,
            asked: false,
        },
    }
}

/// A wait drawn evenly from zero to the upper end of this attempt.
fn full_jitter(policy: &RetryPolicy, attempt: u32, jitter: u64) -> Duration {
    let factor = policy
        .factor
        .checked_pow(attempt.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let end = policy
        .min_delay
        .checked_mul(factor)
        .unwrap_or(policy.max_delay)
        .min(policy.max_delay);
    let nanos = u64::try_from(end.as_nanos()).unwrap_or(u64::MAX);
    let drawn = (u128::from(nanos) * u128::from(jitter)) >> 64;
    Duration::from_nanos(u64::try_from(drawn).unwrap_or(nanos))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLASSES: [Idempotency; 3] = [
        Idempotency::Safe,
        Idempotency::Idempotent,
        Idempotency::Unsafe,
    ];

    fn status(status: u16) -> Answer {
        Answer {
            status,
            ..Answer::default()
        }
    }

    /// r: retry, d: retry after the asked delay, a: new token, -: give up.
    fn letter(idempotency: Idempotency, outcome: AttemptOutcome) -> char {
        let policy = RetryPolicy::default();
        match decide(idempotency, outcome, 1, Duration::ZERO, &policy, u64::MAX) {
            Decision::Retry { asked: true, after } => {
                assert_eq!(after, Duration::from_secs(7));
                'd'
            }
            Decision::Retry { after, .. } => {
                assert!(after <= policy.min_delay);
                'r'
            }
            Decision::RefreshAuth => 'a',
            Decision::GiveUp => '-',
        }
    }

    #[test]
    fn every_row_of_the_table_holds_for_every_class() {
        let asked = Some(Duration::from_secs(7));
        let answered = AttemptOutcome::Answered;
        let rows = [
            ("rrr", AttemptOutcome::NotSent),
            ("r--", AttemptOutcome::Lost),
            ("---", AttemptOutcome::Unusable),
            ("rrr", answered(status(429))),
            (
                "ddd",
                answered(Answer {
                    retry_after: asked,
                    ..status(429)
                }),
            ),
            (
                "d--",
                answered(Answer {
                    retry_after: asked,
                    ..status(503)
                }),
            ),
            (
                "ddd",
                answered(Answer {
                    retry_after: asked,
                    not_executed: true,
                    ..status(503)
                }),
            ),
            (
                "rrr",
                answered(Answer {
                    not_executed: true,
                    ..status(500)
                }),
            ),
            (
                "aaa",
                answered(Answer {
                    renewed: true,
                    ..status(401)
                }),
            ),
            ("---", answered(status(401))),
            (
                "aaa",
                answered(Answer {
                    session_expired: true,
                    renewed: true,
                    ..status(500)
                }),
            ),
            (
                "---",
                answered(Answer {
                    session_expired: true,
                    ..status(500)
                }),
            ),
            ("r--", answered(status(408))),
            ("r--", answered(status(500))),
            ("r--", answered(status(502))),
            ("r--", answered(status(503))),
            ("r--", answered(status(504))),
            ("---", answered(status(501))),
            ("---", answered(status(409))),
            ("---", answered(status(400))),
            ("---", answered(status(403))),
            ("---", answered(status(404))),
            ("---", answered(status(410))),
            ("---", answered(status(412))),
            ("---", answered(status(422))),
            ("---", answered(status(301))),
            ("---", answered(status(304))),
            ("---", answered(status(200))),
            // Overrides by the vendor's answer.
            (
                "rrr",
                answered(Answer {
                    retryable: Some(true),
                    ..status(409)
                }),
            ),
            (
                "r--",
                answered(Answer {
                    retryable: Some(true),
                    ..status(200)
                }),
            ),
            (
                "r--",
                answered(Answer {
                    retryable: Some(true),
                    ..status(500)
                }),
            ),
            (
                "---",
                answered(Answer {
                    retryable: Some(false),
                    ..status(429)
                }),
            ),
            (
                "---",
                answered(Answer {
                    retryable: Some(false),
                    renewed: true,
                    ..status(401)
                }),
            ),
            (
                "---",
                answered(Answer {
                    max_attempts: Some(1),
                    ..status(500)
                }),
            ),
            (
                "---",
                answered(Answer {
                    retry_after: Some(Duration::from_secs(301)),
                    ..status(429)
                }),
            ),
        ];
        for (expected, outcome) in rows {
            let got: String = CLASSES
                .iter()
                .map(|class| letter(*class, outcome))
                .collect();
            assert_eq!(got, expected, "{outcome:?}");
        }
    }

    #[test]
    fn attempts_and_time_are_bounded() {
        let policy = RetryPolicy::default();
        let after = |attempt, elapsed, jitter| {
            decide(
                Idempotency::Safe,
                AttemptOutcome::NotSent,
                attempt,
                Duration::from_secs(elapsed),
                &policy,
                jitter,
            )
        };
        assert!(matches!(after(3, 0, 0), Decision::Retry { .. }));
        assert_eq!(after(4, 0, 0), Decision::GiveUp);
        assert_eq!(after(1, 121, 0), Decision::GiveUp);
        assert_eq!(after(1, 120, u64::MAX), Decision::GiveUp);
    }

    proptest! {
        #[test]
        fn a_wait_never_exceeds_its_upper_end(attempt in 1_u32..200, jitter: u64) {
            let policy = RetryPolicy { max_attempts: 300, total: Duration::MAX, ..RetryPolicy::default() };
            let end = (500_u128 << (attempt - 1).min(20)).min(30_000);
            let wait = full_jitter(&policy, attempt, jitter);
            prop_assert!(wait.as_nanos() <= end * 1_000_000);
        }
    }
}
