//! Reading under a limit that the server enforces, alone and beside another client.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use futures::StreamExt as _;
use rust_decimal::Decimal;
use tallyline_connectwise::{ConnectWiseClient, ListOptions};
use tallyline_core::http::{Limiter, LimiterOptions, RetryPolicy, RollingWindow};
use tallyline_testkit::http::{self, SimAnswer};
use tallyline_testkit::server::Simulator;

use super::Failure;
use super::figures::{Figures, ratio};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How the server counts.
    #[arg(long, value_enum, default_value_t = Rule::Window)]
    rule: Rule,
    /// How many requests the server allows in each period.
    #[arg(long, default_value_t = 100)]
    requests: u32,
    /// The period.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// For how many periods.
    #[arg(long, default_value_t = 5)]
    periods: u64,
    /// Another client takes half of what is allowed, from the second period on.
    #[arg(long)]
    shared: bool,
    /// How many requests are under way at once.
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
    /// How long each answer takes: half of it before the server counts the request.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

/// After this time beside another client, no more should be refused.
const ADAPTED: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// So many in any period.
    Window,
    /// A bucket that holds one second's worth and is filled evenly.
    Bucket,
}

pub(crate) async fn run(options: &Options) -> Result<Figures, Failure> {
    let gate = Arc::new(Gate::new(options));
    let server = server(Arc::clone(&gate), options.latency_ms).await?;
    let client = client(&server, options)?;
    let period = Duration::from_secs(options.seconds);
    let whole = period.saturating_mul(u32::try_from(options.periods).unwrap_or(u32::MAX));
    let until = Instant::now() + whole;
    gate.begin();
    let stop = Arc::new(AtomicBool::new(false));
    let other = options.shared.then(|| {
        let (gate, stop) = (Arc::clone(&gate), Arc::clone(&stop));
        tokio::spawn(take_half(gate, stop, period, options.requests))
    });
    futures::stream::repeat(())
        .take_while(|()| async { Instant::now() < until })
        .map(|()| async {
            let list = client.additions(1, &ListOptions::default());
            list.try_collect_all(1).await
        })
        .buffer_unordered(options.concurrency)
        .take_while(|_| async { Instant::now() < until })
        .for_each(|_| async {})
        .await;
    stop.store(true, Ordering::Relaxed);
    if let Some(other) = other {
        other.await?;
    }
    let figures = gate.figures(options);
    server.shutdown().await;
    Ok(figures)
}

fn client(server: &Simulator, options: &Options) -> Result<ConnectWiseClient, Failure> {
    let requests = NonZeroU32::new(options.requests).ok_or("no requests are allowed")?;
    let mut limits = LimiterOptions {
        max_concurrent: options.concurrency,
        ..LimiterOptions::default()
    };
    match options.rule {
        Rule::Window => {
            limits.window = Some(RollingWindow {
                requests,
                per: Duration::from_secs(options.seconds),
            });
        }
        Rule::Bucket => {
            let seconds = u32::try_from(options.seconds).unwrap_or(u32::MAX).max(1);
            limits.per_second = NonZeroU32::new((options.requests / seconds).max(1));
            limits.burst = limits.per_second;
        }
    }
    let client = ConnectWiseClient::builder()
        .site(server.base_url().as_str())
        .company_id("example")
        .public_key("example-public")
        .private_key("example-private")
        .client_id("00000000-0000-4000-8000-000000000000")
        .limiter(Arc::new(Limiter::new(limits)))
        .retry(RetryPolicy {
            max_attempts: 10,
            ..RetryPolicy::default()
        })
        .build()?;
    Ok(client)
}

async fn server(gate: Arc<Gate>, latency_ms: u64) -> std::io::Result<Simulator> {
    let half = Duration::from_millis(latency_ms) / 2;
    let router = http::router_async(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            travel(half).await;
            let passed = gate.pass(true);
            travel(half).await;
            answer(passed)
        }
    });
    Simulator::serve(router, 0).await
}

async fn travel(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn answer(passed: Result<(), Duration>) -> SimAnswer {
    let Err(wait) = passed else {
        return SimAnswer::new(200, "application/json", "[]");
    };
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let body = r#"{"message":"too many requests"}"#;
    SimAnswer::new(429, "application/json", body).header("retry-after", seconds.to_string())
}

/// Takes half of what is allowed, evenly, from the second period on.
async fn take_half(gate: Arc<Gate>, stop: Arc<AtomicBool>, period: Duration, requests: u32) {
    tokio::time::sleep(period).await;
    let between = period / (requests / 2).max(1);
    while !stop.load(Ordering::Relaxed) {
        let _ = gate.pass(false);
        tokio::time::sleep(between).await;
    }
}

/// Lets requests pass, or not.
struct Gate {
    rule: Rule,
    requests: u32,
    period: Duration,
    state: Mutex<State>,
}

struct State {
    began: Instant,
    /// When the requests of the window passed.
    passed: VecDeque<Instant>,
    /// Until when the bucket is emptied, as if each request took its share of the period.
    filled: Instant,
    /// When ours and the other's passed, and when ours were refused, since the beginning.
    ours: Vec<Duration>,
    others: Vec<Duration>,
    refused: Vec<Duration>,
}

impl Gate {
    fn new(options: &Options) -> Self {
        let now = Instant::now();
        Self {
            rule: options.rule,
            requests: options.requests.max(1),
            period: Duration::from_secs(options.seconds.max(1)),
            state: Mutex::new(State {
                began: now,
                passed: VecDeque::new(),
                filled: now,
                ours: Vec::new(),
                others: Vec::new(),
                refused: Vec::new(),
            }),
        }
    }

    fn begin(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.began = Instant::now();
    }

    /// Lets one request pass, or says how long it is to wait.
    fn pass(&self, ours: bool) -> Result<(), Duration> {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = match self.rule {
            Rule::Window => self.window(&mut state, now),
            Rule::Bucket => self.bucket(&mut state, now),
        };
        let at = now.saturating_duration_since(state.began);
        match (wait, ours) {
            (None, true) => state.ours.push(at),
            (None, false) => state.others.push(at),
            (Some(_), true) => state.refused.push(at),
            (Some(_), false) => {}
        }
        wait.map_or(Ok(()), Err)
    }

    fn window(&self, state: &mut State, now: Instant) -> Option<Duration> {
        while let Some(first) = state.passed.front()
            && now.saturating_duration_since(*first) >= self.period
        {
            state.passed.pop_front();
        }
        if state.passed.len() < self.requests as usize {
            state.passed.push_back(now);
            return None;
        }
        let first = state.passed.front()?;
        Some((*first + self.period).saturating_duration_since(now))
    }

    /// The bucket holds one second's worth.
    fn bucket(&self, state: &mut State, now: Instant) -> Option<Duration> {
        let share = self.period / self.requests;
        let filled = state.filled.max(now) + share;
        let ahead = filled.saturating_duration_since(now + Duration::from_secs(1));
        if ahead.is_zero() {
            state.filled = filled;
            return None;
        }
        Some(ahead)
    }

    fn figures(&self, options: &Options) -> Figures {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = self.period * u32::try_from(options.periods).unwrap_or(u32::MAX);
        let all = self.used(&state, Duration::ZERO, whole);
        let refused: Vec<_> = state.refused.iter().filter(|at| **at < whole).collect();
        let mut figures = Figures::new();
        figures.count("latency_ms", options.latency_ms);
        figures.count("allowed", all.allowed);
        figures.count("passed", all.ours);
        figures.count("of_the_other", all.others);
        figures.count("refused", refused.len() as u64);
        figures.number("use_of_what_was_left", all.of_what_was_left());
        if let (Some(first), Some(last)) = (refused.first(), refused.last()) {
            figures.seconds("first_refusal_seconds", **first);
            figures.count("refused_after_the_first", refused.len() as u64 - 1);
            figures.seconds(
                "seconds_from_the_first_refusal_to_the_last",
                last.saturating_sub(**first),
            );
            let adapted = **first + ADAPTED;
            if adapted < whole {
                let used = self.used(&state, adapted, whole).of_what_was_left();
                figures.number("use_from_ten_seconds_after_the_first_refusal", used);
            }
        }
        figures
    }

    /// What was allowed and what passed from a time to another. A bucket is empty at the
    /// beginning, so that what it holds is allowed as well.
    fn used(&self, state: &State, from: Duration, to: Duration) -> Used {
        let within = |times: &[Duration]| {
            let within = times.iter().filter(|at| (from..to).contains(*at));
            within.count() as u64
        };
        let held = if self.rule == Rule::Bucket && from.is_zero() {
            Duration::from_secs(1)
        } else {
            Duration::ZERO
        };
        let span = to.saturating_sub(from) + held;
        let allowed = u128::from(self.requests) * span.as_nanos() / self.period.as_nanos();
        Used {
            allowed: u64::try_from(allowed).unwrap_or(u64::MAX),
            ours: within(&state.ours),
            others: within(&state.others),
        }
    }
}

struct Used {
    allowed: u64,
    ours: u64,
    others: u64,
}

impl Used {
    fn of_what_was_left(&self) -> Decimal {
        let left = self.allowed.saturating_sub(self.others).max(1);
        ratio(Decimal::from(self.ours), Decimal::from(left))
    }
}
