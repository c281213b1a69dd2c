//! Reading under a limit that the server enforces, alone and beside another client.

use std::collections::VecDeque;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
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
use tokio::time::MissedTickBehavior;

use super::Failure;
use super::figures::{Figures, ratio};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How the server counts.
    #[arg(long, value_enum, default_value_t = Rule::Window)]
    rule: Rule,
    /// How many requests the server allows in each period.
    #[arg(long, default_value = "100")]
    requests: NonZeroU32,
    /// The period. What a bucket is filled with in a second is a whole number of requests.
    #[arg(long, default_value = "2")]
    seconds: NonZeroU64,
    /// For how many periods.
    #[arg(long, default_value = "5")]
    periods: NonZeroU32,
    /// Another client takes half of what is allowed, from the second period on.
    #[arg(long)]
    shared: bool,
    /// How many requests are under way at once.
    #[arg(long, default_value = "16")]
    concurrency: NonZeroUsize,
    /// How long each answer takes: half of it before the server counts the request.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

impl Options {
    fn period(&self) -> Duration {
        Duration::from_secs(self.seconds.get())
    }

    /// How many requests a bucket is filled with in a second.
    fn per_second(&self) -> Result<NonZeroU32, Failure> {
        let requests = u64::from(self.requests.get());
        let whole = requests.is_multiple_of(self.seconds.get());
        let each = u32::try_from(requests / self.seconds).ok();
        let each = each.filter(|_| whole).and_then(NonZeroU32::new);
        each.ok_or_else(|| {
            let (requests, seconds) = (self.requests, self.seconds);
            format!("{requests} requests in {seconds} s are no whole number in a second").into()
        })
    }
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
    let whole = options.period().saturating_mul(options.periods.get());
    let until = Instant::now() + whole;
    gate.begin();
    let stop = Arc::new(AtomicBool::new(false));
    let other = options.shared.then(|| {
        let (gate, stop) = (Arc::clone(&gate), Arc::clone(&stop));
        tokio::spawn(take_half(gate, stop))
    });
    let failed = futures::stream::repeat(())
        .take_while(|()| async { Instant::now() < until })
        .map(|()| async {
            let list = client.additions(1, &ListOptions::default());
            list.try_collect_all(1).await
        })
        .buffer_unordered(options.concurrency.get())
        .take_while(|_| async { Instant::now() < until })
        .fold(0, |failed, result| async move {
            failed + u64::from(result.is_err())
        })
        .await;
    stop.store(true, Ordering::Relaxed);
    if let Some(other) = other {
        other.await?;
    }
    let figures = gate.figures(options, failed);
    server.shutdown().await;
    figures
}

fn client(server: &Simulator, options: &Options) -> Result<ConnectWiseClient, Failure> {
    let mut limits = LimiterOptions {
        max_concurrent: options.concurrency.get(),
        ..LimiterOptions::default()
    };
    match options.rule {
        Rule::Window => {
            limits.window = Some(RollingWindow {
                requests: options.requests,
                per: options.period(),
            });
        }
        Rule::Bucket => {
            limits.per_second = Some(options.per_second()?);
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

/// Between two tries of a request that the other client was refused.
const AGAIN: Duration = Duration::from_millis(1);

/// Asks evenly for half of what is allowed, from the second period on. What is refused is tried again at once, as by a
/// client that knows nothing of others; what it has missed while it was kept out it does not make up for.
async fn take_half(gate: Arc<Gate>, stop: Arc<AtomicBool>) {
    let between = gate.period * 2 / gate.requests;
    let begins = tokio::time::Instant::now() + gate.period;
    let mut times = tokio::time::interval_at(begins, between);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    times.tick().await;
    gate.other_begins();
    while !stop.load(Ordering::Relaxed) {
        if gate.pass(false).is_err() {
            tokio::time::sleep(AGAIN).await;
        } else {
            times.tick().await;
        }
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
    /// When the other began.
    other_began: Option<Duration>,
}

/// How many times there are from one to another.
fn within(times: &[Duration], from: Duration, to: Duration) -> u64 {
    times.iter().filter(|at| (from..to).contains(*at)).count() as u64
}

impl Gate {
    fn new(options: &Options) -> Self {
        let now = Instant::now();
        Self {
            rule: options.rule,
            requests: options.requests.get(),
            period: options.period(),
            state: Mutex::new(State {
                began: now,
                passed: VecDeque::new(),
                filled: now,
                ours: Vec::new(),
                others: Vec::new(),
                refused: Vec::new(),
                other_began: None,
            }),
        }
    }

    fn begin(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.began = Instant::now();
    }

    fn other_begins(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.other_began = Some(state.began.elapsed());
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

    fn figures(&self, options: &Options, failed: u64) -> Result<Figures, Failure> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = self.period * options.periods.get();
        let all = self.used(&state, Duration::ZERO, whole);
        let refused: Vec<_> = state.refused.iter().filter(|at| **at < whole).collect();
        let mut figures = Figures::new();
        figures.count("latency_ms", options.latency_ms);
        figures.count("allowed", all.allowed);
        figures.count("passed", all.ours);
        figures.count("failed", failed);
        figures.count("refused", refused.len() as u64);
        figures.count(
            "refused_after_the_first",
            refused.len().saturating_sub(1) as u64,
        );
        figures.number("use_of_what_was_left", all.of_what_was_left());
        if options.shared {
            let began = state.other_began.filter(|began| *began < whole);
            let began = began.ok_or("it ended before the other client began")?;
            figures.group("beside_the_other", self.beside(&state, began, whole));
        }
        Ok(figures)
    }

    /// What was seen from the other's first request on.
    fn beside(&self, state: &State, began: Duration, whole: Duration) -> Figures {
        let mut figures = Figures::new();
        figures.seconds("began_at_seconds", began);
        let last = state.refused.iter().rfind(|at| **at < whole);
        let until = last.map_or(Duration::ZERO, |last| last.saturating_sub(began));
        figures.seconds("seconds_to_the_last_refusal", until);
        let adapted = began + ADAPTED;
        let until_then = self.used(state, began, adapted.min(whole));
        figures.number("of_the_other_in_ten_seconds", until_then.of_the_other());
        if adapted < whole {
            let used = self.used(state, adapted, whole);
            let mut then = Figures::new();
            then.number("of_the_other", used.of_the_other());
            then.number("use_of_what_was_left", used.of_what_was_left());
            figures.group("after_ten_seconds", then);
        }
        figures
    }

    /// What was allowed and what passed from a time to another. A bucket is empty at the
    /// beginning, so that what it holds is allowed as well.
    fn used(&self, state: &State, from: Duration, to: Duration) -> Used {
        let held = if self.rule == Rule::Bucket && from.is_zero() {
            Duration::from_secs(1)
        } else {
            Duration::ZERO
        };
        let span = to.saturating_sub(from) + held;
        let allowed = u128::from(self.requests) * span.as_nanos() / self.period.as_nanos();
        Used {
            allowed: u64::try_from(allowed).unwrap_or(u64::MAX),
            ours: within(&state.ours, from, to),
            others: within(&state.others, from, to),
        }
    }
}

struct Used {
    allowed: u64,
    ours: u64,
    others: u64,
}

impl Used {
    fn of_the_other(&self) -> Decimal {
        ratio(self.others.into(), self.allowed.max(1).into())
    }

    fn of_what_was_left(&self) -> Decimal {
        let left = self.allowed.saturating_sub(self.others).max(1);
        ratio(Decimal::from(self.ours), Decimal::from(left))
    }
}
