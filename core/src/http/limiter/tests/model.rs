//! A system that limits, clients that travel to it, and what became of their requests. On paused
//! time alone.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;

/// How a system counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    Window(RollingWindow),
    /// One more each interval, and so many at once.
    Bucket(Duration, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Ours,
    Other,
}

/// One request that arrived, and whether it passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    at: Duration,
    sender: Sender,
    passed: bool,
}

pub(super) struct Server {
    rule: Rule,
    began: Instant,
    counted: Mutex<(VecDeque<Instant>, Instant)>,
    arrivals: Mutex<Vec<Arrival>>,
    /// How many requests of ours are refused whatever the rule.
    strays: AtomicUsize,
}

impl Server {
    pub(super) fn new(rule: Rule) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            rule,
            began: now,
            counted: Mutex::new((VecDeque::new(), now)),
            arrivals: Mutex::default(),
            strays: AtomicUsize::new(0),
        })
    }

    pub(super) fn refuse_once(&self) {
        self.strays.fetch_add(1, Ordering::Relaxed);
    }

    /// Lets a request pass, or gives the wait.
    pub(super) fn arrive(&self, sender: Sender) -> Result<(), Duration> {
        let stray = sender == Sender::Ours
            && self
                .strays
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        let now = Instant::now();
        let answer = if stray {
            Err(Duration::from_secs(1))
        } else {
            self.count(now)
        };
        self.arrivals.lock().unwrap().push(Arrival {
            at: now.duration_since(self.began),
            sender,
            passed: answer.is_ok(),
        });
        answer
    }

    fn count(&self, now: Instant) -> Result<(), Duration> {
        let mut counted = self.counted.lock().unwrap();
        let (passed, filled) = &mut *counted;
        match self.rule {
            Rule::Window(RollingWindow { requests, per }) => {
                while passed.front().is_some_and(|first| *first + per <= now) {
                    passed.pop_front();
                }
                if passed.len() < requests.get() as usize {
                    passed.push_back(now);
                    return Ok(());
                }
                Err(passed[0] + per - now)
            }
            Rule::Bucket(interval, burst) => {
                let after = (*filled).max(now) + interval;
                let most = now + interval * burst;
                if after <= most {
                    *filled = after;
                    return Ok(());
                }
                Err(after - most)
            }
        }
    }

    fn counts(&self, span: (u64, u64), which: impl Fn(&Arrival) -> bool) -> u64 {
        let span = Duration::from_secs(span.0)..Duration::from_secs(span.1);
        let arrivals = self.arrivals.lock().unwrap();
        let within = arrivals.iter().filter(|arrival| span.contains(&arrival.at));
        within.filter(|arrival| which(arrival)).count() as u64
    }

    /// How many of a sender's requests passed within a span of seconds.
    pub(super) fn passed(&self, sender: Sender, span: (u64, u64)) -> u64 {
        self.counts(span, |arrival| arrival.sender == sender && arrival.passed)
    }

    /// When ours were refused.
    pub(super) fn refusals(&self) -> Vec<Duration> {
        let arrivals = self.arrivals.lock().unwrap();
        let refused = arrivals
            .iter()
            .filter(|arrival| arrival.sender == Sender::Ours && !arrival.passed);
        refused.map(|arrival| arrival.at).collect()
    }

    /// How many of ours were refused within a span of seconds.
    pub(super) fn refused(&self, span: (u64, u64)) -> u64 {
        self.counts(span, |arrival| {
            arrival.sender == Sender::Ours && !arrival.passed
        })
    }

    /// Of what the other left within a span of seconds, how much was used, in percent.
    pub(super) fn use_of_the_rest(&self, span: (u64, u64)) -> u64 {
        let allowed = match self.rule {
            Rule::Window(RollingWindow { requests, per }) => {
                u128::from(requests.get()) * (u128::from(span.1 - span.0) * 1_000_000_000)
                    / per.as_nanos()
            }
            Rule::Bucket(interval, _) => {
                u128::from(span.1 - span.0) * 1_000_000_000 / interval.as_nanos()
            }
        };
        let left = u64::try_from(allowed).unwrap() - self.passed(Sender::Other, span);
        self.passed(Sender::Ours, span) * 100 / left
    }
}

/// How long requests travel to and fro, in milliseconds, one after the other.
pub(super) struct Travel {
    times: Vec<(u64, u64)>,
    next: AtomicUsize,
}

impl Travel {
    pub(super) fn of(times: Vec<(u64, u64)>) -> Arc<Self> {
        Arc::new(Self {
            times,
            next: AtomicUsize::new(0),
        })
    }

    fn next(&self) -> (Duration, Duration) {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let (to, fro) = self.times[next % self.times.len()];
        (Duration::from_millis(to), Duration::from_millis(fro))
    }
}

/// Sends as many requests at once as the limiter lets, one after the other, until an end.
pub(super) async fn send_all(
    limiter: &Arc<Limiter>,
    server: &Arc<Server>,
    travel: &Arc<Travel>,
    until: Instant,
) {
    let mut workers = JoinSet::new();
    for _ in 0..limiter.options().max_concurrent {
        let (limiter, server, travel) = (limiter.clone(), server.clone(), travel.clone());
        workers.spawn(async move {
            while Instant::now() < until {
                send(&limiter, &server, &travel).await;
            }
        });
    }
    tokio::time::timeout_at(until, workers.join_all())
        .await
        .unwrap_err();
}

/// Sends one request; refused, it waits for the whole seconds that it was asked to.
async fn send(limiter: &Limiter, server: &Server, travel: &Travel) {
    let slots = limiter.acquire(None, Duration::MAX).await.unwrap();
    let (to, fro) = travel.next();
    sleep(to).await;
    let answer = server.arrive(Sender::Ours);
    sleep(fro).await;
    if let Err(wait) = answer {
        let asked = Duration::from_millis(u64::try_from(wait.as_millis()).unwrap());
        let asked = Duration::from_secs(asked.as_secs() + 1);
        slots.refused(Some(asked));
        sleep(asked).await;
    }
}

/// Sends so many requests each time, so often, within a span of seconds, up to 40 ms late.
pub(super) fn another(server: &Arc<Server>, span: (u64, u64), every: Duration, at_once: u32) {
    let server = Arc::clone(server);
    tokio::spawn(async move {
        let began = Instant::now();
        let mut at = began + Duration::from_secs(span.0);
        let mut dice = 1_u64;
        while at < began + Duration::from_secs(span.1) {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let late = Duration::from_millis((dice >> 33) % 40);
            tokio::time::sleep_until(at + late).await;
            for _ in 0..at_once {
                let _ = server.arrive(Sender::Other);
            }
            at += every;
        }
    });
}
