//! Time limits and size limits.

use std::time::Duration;

/// The time limits of a client; `None` switches one off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To open a connection. Kept by the transport.
    pub connect: Option<Duration>,
    /// Between two pieces of an answer. Kept by the transport.
    pub read: Option<Duration>,
    /// For one attempt, connection and body included.
    pub attempt: Option<Duration>,
    /// For one operation: all attempts, the waits between them, the wait for the limiter and
    /// the fetch of a token. Each page of a walk is one operation.
    pub operation: Option<Duration>,
}

impl Default for Timeouts {
    /// 10 s to connect, 30 s between reads, 60 s for an attempt, 180 s for an operation.
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(10)),
            read: Some(Duration::from_secs(30)),
            attempt: Some(Duration::from_secs(60)),
            operation: Some(Duration::from_secs(180)),
        }
    }
}

/// The size limits of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body read, in bytes after decompression.
    pub max_body: usize,
    /// The most pages of one walk.
    pub max_pages: u64,
}

impl Default for Limits {
    /// 32 MiB and 10 000 pages.
    fn default() -> Self {
        Self {
            max_body: 32 * 1024 * 1024,
            max_pages: 10_000,
        }
    }
}
