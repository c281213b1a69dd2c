//! Request limits, counted or per window of the simulator's clock.

use jiff::{SignedDuration, Timestamp};

/// How many requests a simulator admits.
#[derive(Clone, Debug)]
pub struct RateLimit {
    rule: Rule,
    seen: u32,
    refused: u32,
    window_from: Option<Timestamp>,
}

#[derive(Clone, Debug)]
enum Rule {
    Unlimited,
    Counted {
        admit: u32,
        refuse: u32,
        retry_after: u64,
    },
    Window {
        admit: u32,
        seconds: i64,
    },
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::unlimited()
    }
}

impl RateLimit {
    /// No limit.
    pub fn unlimited() -> Self {
        Self::of(Rule::Unlimited)
    }

    /// After every `admit` requests the next `refuse` ones are refused and told to wait `retry_after` seconds. Needs no
    /// clock, so a client under test sees the same refusals every time.
    pub fn counted(admit: u32, refuse: u32, retry_after: u64) -> Self {
        Self::of(Rule::Counted {
            admit,
            refuse,
            retry_after,
        })
    }

    /// At most `admit` requests in each window of so many seconds of the simulator's clock.
    pub fn per_window(admit: u32, seconds: u32) -> Self {
        Self::of(Rule::Window {
            admit,
            seconds: i64::from(seconds),
        })
    }

    fn of(rule: Rule) -> Self {
        Self {
            rule,
            seen: 0,
            refused: 0,
            window_from: None,
        }
    }

    /// Admits a request, or gives the whole seconds to wait.
    ///
    /// # Errors
    ///
    /// The seconds until another request is worth sending.
    pub fn admit(&mut self, now: Timestamp) -> Result<(), u64> {
        match self.rule {
            Rule::Unlimited => Ok(()),
            Rule::Counted {
                admit,
                refuse,
                retry_after,
            } => {
                if self.seen < admit {
                    self.seen += 1;
                    return Ok(());
                }
                self.refused += 1;
                if self.refused >= refuse {
                    self.seen = 0;
                    self.refused = 0;
                }
                Err(retry_after)
            }
            Rule::Window { admit, seconds } => {
                let end = |from: Timestamp| {
                    from.checked_add(SignedDuration::from_secs(seconds))
                        .unwrap_or(from)
                };
                let from = match self.window_from {
                    Some(from) if now < end(from) => from,
                    _ => {
                        self.seen = 0;
                        *self.window_from.insert(now)
                    }
                };
                if self.seen < admit {
                    self.seen += 1;
                    return Ok(());
                }
                let left = end(from).duration_since(now).as_secs();
                Err(u64::try_from(left).unwrap_or(0).max(1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_limit_refuses_then_admits_again() {
        let now = Timestamp::UNIX_EPOCH;
        let mut limit = RateLimit::counted(2, 1, 7);
        let seen: Vec<_> = (0..6).map(|_| limit.admit(now)).collect();
        assert_eq!(seen, [Ok(()), Ok(()), Err(7), Ok(()), Ok(()), Err(7)]);
    }

    #[test]
    fn a_window_opens_again_when_the_clock_has_passed_it() {
        let now = Timestamp::UNIX_EPOCH;
        let mut limit = RateLimit::per_window(1, 60);
        assert_eq!(limit.admit(now), Ok(()));
        let later = now.checked_add(SignedDuration::from_secs(20)).unwrap();
        assert_eq!(limit.admit(later), Err(40));
        let after = now.checked_add(SignedDuration::from_secs(60)).unwrap();
        assert_eq!(limit.admit(after), Ok(()));
    }
}
