//! How many requests, how often.

use std::num::NonZeroU32;

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
/// Share one between clients that share credentials.
#[derive(Debug)]
pub struct Limiter {
    options: LimiterOptions,
}

impl Limiter {
    /// A limiter.
    #[must_use]
    pub fn new(options: LimiterOptions) -> Self {
        Self { options }
    }

    /// What it allows.
    #[must_use]
    pub fn options(&self) -> &LimiterOptions {
        &self.options
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new(LimiterOptions::default())
    }
}
