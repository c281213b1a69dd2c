//! Applying a plan over HTTP, journalled and verified.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rust_decimal::Decimal;
use tallyline_connectwise::{ConnectWiseClient, ConnectWiseSink};
use tallyline_core::Result;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::clock::SystemClock;
use tallyline_core::http::{Limiter, LimiterOptions};
use tallyline_core::model::{CivilDate, PlanId, Quantity, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::PsaSink;
use tallyline_core::store::{Journal, SqliteStore};
use tallyline_testkit::connectwise::{ConnectWiseSimulator, ConnectWiseState};
use tallyline_testkit::contract;
use tallyline_testkit::faults::{Fault, Match};

use super::Failure;
use super::figures::{Figures, ratio, seconds};
use super::measure::{Took, Watch};
use super::timed::{TimedJournal, TimedSink, Times};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many changes, two on each agreement.
    #[arg(long, default_value_t = 1200)]
    changes: u32,
    /// How long each answer takes.
    #[arg(long, default_value_t = 50)]
    latency_ms: u64,
    /// How many agreements are worked on at once.
    #[arg(long, default_value = "4")]
    concurrency: NonZeroUsize,
}

/// How many changes there are on one agreement.
const EACH: u32 = 2;

pub(crate) async fn run(options: &Options) -> Result<Figures, Failure> {
    contract::skip_quietly();
    let mut state = ConnectWiseState::new();
    let changes = changes(&mut state, options.changes)?;
    let simulator = ConnectWiseSimulator::start(state).await?;
    let latency = Duration::from_millis(options.latency_ms);
    simulator.faults().on(Match::any(), Fault::delay(latency));
    let sink = sink(&simulator, options.concurrency.get())?;
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("journal.db"))?;
    let times = Times::default();
    let (sink, journal) = (TimedSink(&sink, &times), TimedJournal(&store, &times));
    let watch = Watch::start();
    let report = apply(&sink, &journal, &changes, options.concurrency.get()).await?;
    let took = watch.took();
    if report.totals.done != changes.len() {
        return Err(format!("not all changes landed: {}", report.totals).into());
    }
    let figures = figures(options, &simulator, &times, took);
    simulator.shutdown().await;
    Ok(figures)
}

/// Fills the PSA with one line for each change, and gives the changes.
fn changes(state: &mut ConnectWiseState, count: u32) -> Result<Vec<Change>, Failure> {
    let company = state.add_company("Example Client");
    let products: Vec<i64> = (1..=EACH)
        .map(|at| state.add_product(&format!("PRODUCT-{at}"), 20.into(), 10.into()))
        .collect();
    let today = state.clock.today();
    let first = CivilDate::new(today.year(), today.month(), 1)?;
    let mut changes = Vec::new();
    let mut agreement = 0;
    for at in 0..count {
        let product = products[(at % EACH) as usize];
        if at % EACH == 0 {
            agreement = state.add_agreement(company, "Monthly Services");
        }
        let line = state.add_addition(agreement, product, 5);
        let action = Action::SetQuantity {
            line: line.to_string().into(),
            from: Quantity::from(5_u32),
            to: Quantity::from(6_u32),
        };
        let (company, agreement) = (company.to_string(), agreement.to_string());
        let id = format!("change-{at:06}");
        changes.push(Change::new(
            id,
            company,
            agreement,
            product.to_string(),
            action,
            first,
        ));
    }
    Ok(changes)
}

fn sink(simulator: &ConnectWiseSimulator, concurrency: usize) -> Result<ConnectWiseSink, Failure> {
    let credentials = simulator.with_state(|state| state.credentials.clone());
    let without_rate = NonZeroU32::new(1_000_000);
    let limiter = Limiter::new(LimiterOptions {
        max_concurrent: concurrency,
        per_second: without_rate,
        burst: without_rate,
        ..LimiterOptions::default()
    });
    let client = ConnectWiseClient::builder()
        .site(simulator.base_url().as_str())
        .company_id(&credentials.company_id)
        .public_key(&credentials.public_key)
        .private_key(credentials.private_key.as_str())
        .client_id(&credentials.client_id)
        .limiter(Arc::new(limiter))
        .build()?;
    let clock = simulator.clock();
    let sink = ConnectWiseSink::builder()
        .client(client)
        .concurrency(concurrency)
        .clock(Arc::new(move || {
            let now = clock.now();
            Timestamp::from_second(now.as_second()).unwrap_or(Timestamp::EPOCH)
        }))
        .build();
    Ok(sink)
}

async fn apply(
    sink: &dyn PsaSink,
    journal: &dyn Journal,
    changes: &[Change],
    concurrency: usize,
) -> Result<ApplyReport> {
    let clock = SystemClock;
    let plan = PlanId::new("bench");
    let approval = Approval::of_plan(plan.clone(), "bench@example.com", Timestamp::now());
    let request = ApplyRequest {
        plan_id: &plan,
        plan_text: "bench",
        source: "bench",
        changes,
        approval: &approval,
    };
    let mut options = ApplyOptions::new();
    options.concurrency = concurrency;
    Applier::new(sink, journal, &clock)
        .apply(&request, &options)
        .await
}

fn figures(
    options: &Options,
    simulator: &ConnectWiseSimulator,
    times: &Times,
    took: Took,
) -> Figures {
    let mut by_kind: BTreeMap<&'static str, u64> = BTreeMap::new();
    let requests = simulator.requests();
    for request in &requests {
        *by_kind
            .entry(kind(&request.method, &request.path))
            .or_default() += 1;
    }
    let agreements = options.changes.div_ceil(EACH);
    // The lines of each agreement once; of each change the write, and the line read back after it.
    let needed = u64::from(agreements) + 2 * u64::from(options.changes);
    let floor = |requests: u64| {
        let whole = Decimal::from(requests) * Decimal::from(options.latency_ms);
        ratio(whole, Decimal::from(1000 * options.concurrency.get()))
    };
    let mut figures = Figures::new();
    figures.count("changes", options.changes.into());
    figures.count("agreements", agreements.into());
    figures.seconds("seconds", took.wall);
    figures.seconds("cpu_seconds", took.cpu);
    figures.count("requests", requests.len() as u64);
    let mut kinds = Figures::new();
    for (kind, count) in by_kind {
        kinds.count(kind, count);
    }
    figures.group("requests_by_kind", kinds);
    figures.count("requests_needed", needed);
    figures.number("floor_seconds", floor(needed));
    figures.number("ratio_to_floor", ratio(seconds(took.wall), floor(needed)));
    let sent = floor(requests.len() as u64);
    figures.number("floor_seconds_of_sent", sent);
    figures.number("ratio_to_floor_of_sent", ratio(seconds(took.wall), sent));
    times.figures(&mut figures);
    figures
}

fn kind(method: &str, path: &str) -> &'static str {
    let last = path.trim_end_matches('/').rsplit('/').next();
    let one = last.is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    match (method, path.contains("/additions"), one) {
        ("GET", true, true) => "get line",
        ("GET", true, false) => "list lines",
        ("GET", false, true) => "get other record",
        ("GET", false, false) => "list other records",
        ("PATCH", ..) => "patch",
        _ => "other",
    }
}
