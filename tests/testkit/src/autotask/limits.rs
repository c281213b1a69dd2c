//! The two limits: calls per hour of a tenant, and calls at once per integration and endpoint.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::lock;

/// Calls of the tenant's database over a rolling time, those of other integrations included.
#[derive(Clone, Debug)]
pub struct Threshold {
    /// How many calls are taken.
    pub calls: usize,
    /// Over how many minutes.
    pub minutes: i64,
    made: VecDeque<Timestamp>,
}

impl Default for Threshold {
    fn default() -> Self {
        Self::new(10_000)
    }
}

impl Threshold {
    /// So many calls in 60 minutes.
    pub fn new(calls: usize) -> Self {
        Self {
            calls,
            minutes: 60,
            made: VecDeque::new(),
        }
    }

    /// The calls of the last minutes.
    pub fn used(&mut self, now: Timestamp) -> usize {
        let span = SignedDuration::from_secs(self.minutes.saturating_mul(60));
        let gone = |at: &Timestamp| now.duration_since(*at) >= span;
        while self.made.front().is_some_and(gone) {
            self.made.pop_front();
        }
        self.made.len()
    }

    /// Counts calls of other integrations.
    pub fn spend(&mut self, now: Timestamp, calls: usize) {
        self.made.extend(std::iter::repeat_n(now, calls));
    }

    /// Counts a call, unless there were too many.
    pub(super) fn admit(&mut self, now: Timestamp) -> bool {
        let room = self.used(now) < self.calls;
        if room {
            self.made.push_back(now);
        }
        room
    }
}

#[derive(Debug, Default)]
struct Counts {
    now: usize,
    peak: usize,
}

#[derive(Debug)]
struct Inner {
    counts: Mutex<BTreeMap<(String, String), Counts>>,
    held: watch::Sender<bool>,
    moved: watch::Sender<()>,
}

/// The calls in work, per integration and endpoint; clones share them.
#[derive(Clone, Debug)]
pub struct Threads(Arc<Inner>);

impl Default for Threads {
    fn default() -> Self {
        Self(Arc::new(Inner {
            counts: Mutex::default(),
            held: watch::Sender::new(false),
            moved: watch::Sender::new(()),
        }))
    }
}

impl Threads {
    /// From here on, calls stay in work until [`release`](Self::release).
    pub fn hold(&self) {
        self.0.held.send_replace(true);
    }

    /// Lets the calls in work go on.
    pub fn release(&self) {
        self.0.held.send_replace(false);
    }

    /// The calls of an endpoint in work, over all integrations.
    pub fn now(&self, endpoint: &str) -> usize {
        self.sum(endpoint, |counts| counts.now)
    }

    /// The most calls of an endpoint that were in work at once for one integration.
    pub fn peak(&self, endpoint: &str) -> usize {
        let counts = lock(&self.0.counts);
        let of = counts.iter().filter(|((_, name), _)| name == endpoint);
        of.map(|(_, counts)| counts.peak).max().unwrap_or(0)
    }

    /// Waits until so many calls of an endpoint are in work.
    pub async fn reach(&self, endpoint: &str, calls: usize) {
        let mut moved = self.0.moved.subscribe();
        while self.now(endpoint) < calls {
            if moved.changed().await.is_err() {
                return;
            }
        }
    }

    fn sum(&self, endpoint: &str, of: impl Fn(&Counts) -> usize) -> usize {
        let counts = lock(&self.0.counts);
        counts
            .iter()
            .filter(|((_, name), _)| name == endpoint)
            .map(|(_, counts)| of(counts))
            .sum()
    }

    /// Takes a call into work, unless too many are.
    pub(super) fn enter(&self, code: &str, endpoint: &str, limit: Option<usize>) -> Option<Seat> {
        let key = (code.to_owned(), endpoint.to_owned());
        {
            let mut counts = lock(&self.0.counts);
            let counts = counts.entry(key.clone()).or_default();
            if limit.is_some_and(|limit| counts.now >= limit) {
                return None;
            }
            counts.now += 1;
            counts.peak = counts.peak.max(counts.now);
        }
        self.0.moved.send_replace(());
        Some(Seat {
            threads: self.clone(),
            key,
        })
    }

    /// Waits while calls are held.
    pub(super) async fn pass(&self) {
        let mut held = self.0.held.subscribe();
        let _ = held.wait_for(|held| !held).await;
    }
}

/// A call in work.
#[derive(Debug)]
pub(super) struct Seat {
    threads: Threads,
    key: (String, String),
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(counts) = lock(&self.threads.0.counts).get_mut(&self.key) {
            counts.now -= 1;
        }
        self.threads.0.moved.send_replace(());
    }
}
