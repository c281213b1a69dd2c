//! Reading under a limit that the server enforces, alone and beside another client.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// So many in any period.
    Window,
    /// A bucket that holds one second's worth and is filled evenly.
    Bucket,
}

pub(crate) async fn run(options: &Options) -> Result<Figures, Failure> {
    let gate = Arc::new(Gate::new(options));
    let server = server(Arc::clone(&gate)).await?;
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

async fn server(gate: Arc<Gate>) -> std::io::Result<Simulator> {
    let router = http::router(move |_| match gate.pass(true) {
        Ok(()) => SimAnswer::new(200, "application/json", "[]"),
        Err(wait) => {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            let answer = SimAnswer::new(
                429,
                "application/json",
                r#"{"message":"too many requests"}"#,
            );
            answer.header("retry-after", seconds.to_string())
        }
    });
    Simulator::serve(router, 0).await
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
    others: AtomicU64,
}

struct State {
    began: Instant,
    /// When the requests of the window passed.
    passed: VecDeque<Instant>,
    /// Until when the bucket is emptied, as if each request took its share of the period.
    filled: Instant,
    /// When ours passed, and when they were refused, since the beginning.
    ours: Vec<Duration>,
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
                refused: Vec::new(),
            }),
            others: AtomicU64::new(0),
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
            (None, false) => {
                self.others.fetch_add(1, Ordering::Relaxed);
            }
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
        let others = self.others.load(Ordering::Relaxed);
        let allowed = u64::from(self.requests) * options.periods;
        let ours = state.ours.len() as u64;
        let mut figures = Figures::new();
        figures.count("allowed", allowed);
        figures.count("passed", ours);
        figures.count("of_the_other", others);
        figures.count("refused", state.refused.len() as u64);
        let left = Decimal::from(allowed.saturating_sub(others));
        figures.number("use_of_what_was_left", ratio(Decimal::from(ours), left));
        if let Some(first) = state.refused.first() {
            figures.seconds("first_refusal_seconds", *first);
            figures.count("refused_after_the_first", state.refused.len() as u64 - 1);
            let last = state.refused.last().unwrap_or(first);
            figures.seconds(
                "seconds_from_the_first_refusal_to_the_last",
                last.saturating_sub(*first),
            );
        }
        figures
    }
}
