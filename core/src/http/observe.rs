//! Hooks for metrics.

use std::fmt::Debug;
use std::time::Duration;

use crate::error::ErrorKind;

/// One attempt that ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptEvent {
    /// The connector.
    pub connector: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// Which attempt of the operation, from 1.
    pub attempt: u32,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// What went wrong; `None` for a success.
    pub error: Option<ErrorKind>,
    /// How long it took.
    pub elapsed: Duration,
}

/// An attempt that will be repeated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetryEvent {
    /// The connector.
    pub connector: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// The attempt that failed, from 1.
    pub attempt: u32,
    /// What went wrong.
    pub error: ErrorKind,
    /// The wait before the next attempt.
    pub delay: Duration,
}

/// An answer that said "too many requests".
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateLimitEvent {
    /// The connector.
    pub connector: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// The wait that the system asked for.
    pub retry_after: Option<Duration>,
}

/// A page that was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PageEvent {
    /// The connector.
    pub connector: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// Which page of this walk, from 1.
    pub page: u64,
    /// How many items it held.
    pub items: usize,
}

/// Hears what a client does. Every method does nothing unless implemented; none may block.
pub trait Observer: Send + Sync + Debug {
    /// An attempt ended. The name for exporters is `http.client.request.duration`, in seconds.
    fn on_attempt(&self, _event: &AttemptEvent) {}

    /// An attempt will be repeated.
    fn on_retry(&self, _event: &RetryEvent) {}

    /// The system said "too many requests".
    fn on_rate_limited(&self, _event: &RateLimitEvent) {}

    /// A page was read.
    fn on_page(&self, _event: &PageEvent) {}
}
