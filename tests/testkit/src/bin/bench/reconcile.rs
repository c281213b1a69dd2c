//! Reconcile and plan, from rows in memory.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::{self, ScopedJoinHandle, available_parallelism};

use clap::Args;
use rust_decimal::Decimal;
use tallyline_core::model::{AccountReading, AgreementReading, LinesOutcome, Timestamp};
use tallyline_core::plan::{Plan, PlanContext, Planner, Policy, VendorMissing};
use tallyline_core::reconcile::{Comparison, Kind, PsaBook, Reconciler};
use tallyline_core::sink::{SinkCapabilities, SinkDescriptor};
use tallyline_core::source::SourceDescriptor;

use super::Failure;
use super::figures::{Figures, ratio};
use super::measure::{Memory, Took, timed};
use super::rows::{NOW, Rows};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The folder that `reconcile_peers.py N --csv DIR` wrote.
    #[arg(long)]
    csv: PathBuf,
    /// How often; the figures are those of the run of the median time, and of the plan and its file the median of each.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How many threads share the work; as many as there are cores by default.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Without a plan.
    #[arg(long)]
    no_plan: bool,
    /// The first usage line of each account in two that come to the same: each agreement with usage goes the long way.
    #[arg(long)]
    long_way: bool,
}

/// What it takes to look at each record of both sides once and do nothing with it.
fn touch(rows: &Rows, threads: NonZeroUsize) -> Took {
    let first = |text: &str| u64::from(text.as_bytes().first().copied().unwrap_or_default());
    let of_vendor = |readings: &[AccountReading]| -> u64 {
        let lines = readings.iter().flat_map(AccountReading::lines).flatten();
        lines
            .map(|line| {
                first(line.key.as_str())
                    + first(line.service.as_str())
                    + u64::from(line.quantity.is_zero())
            })
            .sum()
    };
    let of_psa = |readings: &[AgreementReading]| -> u64 {
        let lines = readings
            .iter()
            .filter_map(|reading| match &reading.outcome {
                LinesOutcome::Complete(lines) => Some(lines),
                LinesOutcome::Failed(_) => None,
            });
        let lines = lines.flatten();
        lines
            .map(|line| first(line.product.as_str()) + u64::from(line.state.quantity.is_zero()))
            .sum()
    };
    let share = |records: usize| records.div_ceil(threads.get()).max(1);
    let (_, took) = timed(|| {
        thread::scope(|scope| {
            for readings in rows.readings.chunks(share(rows.readings.len())) {
                scope.spawn(move || black_box(of_vendor(readings)));
            }
        });
        thread::scope(|scope| {
            for readings in rows.lines.chunks(share(rows.lines.len())) {
                scope.spawn(move || black_box(of_psa(readings)));
            }
        });
    });
    took
}

/// What it takes to have the changes of a plan, as they are laid out today, once more, each in memory of its own: what is left of
/// it where nothing is decided, written in words or sealed.
fn copy(plan: &Plan, threads: NonZeroUsize) -> Took {
    let changes = plan.changes();
    let share = changes.len().div_ceil(threads.get()).max(1);
    let (copies, took) = timed(|| {
        thread::scope(|scope| {
            let shares = changes.chunks(share);
            let copying = shares.map(|some| scope.spawn(move || some.to_vec()));
            let copying: Vec<_> = copying.collect();
            let copies = copying.into_iter().map(ScopedJoinHandle::join);
            copies.collect::<Result<Vec<_>, _>>()
        })
    });
    // Let go of after the clock stops.
    drop(black_box(copies));
    took
}

/// What one run took.
#[derive(Clone, Debug)]
struct Run {
    /// The PSA's side put together.
    book: Took,
    /// The readings taken in.
    observe: Took,
    /// The join.
    join: Took,
    rise: u64,
    planned: Option<Planned>,
    found: Vec<(Kind, u64)>,
}

/// What the plan of a run took.
#[derive(Clone, Copy, Debug)]
struct Planned {
    plan: Took,
    copy: Took,
    write: Took,
    bytes: u64,
    changes: u64,
}

impl Run {
    fn whole(&self) -> Took {
        let parts = [self.book, self.observe, self.join];
        Took {
            wall: parts.iter().map(|part| part.wall).sum(),
            cpu: parts.iter().map(|part| part.cpu).sum(),
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<Figures, Failure> {
    let rows = Rows::read(&options.csv, options.long_way)?;
    let mut runs = Vec::new();
    // The first warms up.
    for _ in 0..=options.runs {
        runs.push(once(options, &rows, rows.lines.clone())?);
    }
    // Later runs find memory that earlier ones let go of: the first is the one that needs all of it.
    let rise = runs.iter().map(|run| run.rise).max().unwrap_or_default();
    let threads = options.threads.map_or_else(available_parallelism, Ok)?;
    let touch = median((0..=options.runs).map(|_| touch(&rows, threads)));
    let first = runs.remove(0);
    runs.sort_by_key(|run| run.whole().wall);
    let middle = runs.get(runs.len() / 2).unwrap_or(&first);
    let mut figures = figures(&rows, runs.first().unwrap_or(&first), middle, rise);
    if let Some(planned) = planned(&runs).or(first.planned) {
        of_plan(&mut figures, &planned);
    }
    figures.group("each_record_touched_once", took(touch));
    Ok(figures)
}

/// The one of the median wall time.
fn median(all: impl Iterator<Item = Took>) -> Took {
    let mut all: Vec<Took> = all.collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// The plan and its file, each of its own median time: the run of the median reconcile need not be that of either.
fn planned(runs: &[Run]) -> Option<Planned> {
    let all = || runs.iter().filter_map(|run| run.planned);
    Some(Planned {
        plan: median(all().map(|planned| planned.plan)),
        copy: median(all().map(|planned| planned.copy)),
        write: median(all().map(|planned| planned.write)),
        ..all().next()?
    })
}

fn once(options: &Options, rows: &Rows, lines: Vec<AgreementReading>) -> Result<Run, Failure> {
    let (companies, agreements) = (rows.companies.clone(), rows.agreements.clone());
    let products = rows.products.clone();
    let now: Timestamp = NOW.parse()?;
    let memory = Memory::watch()?;
    let (book, book_took) = timed(|| {
        let mut book = PsaBook::new(companies, agreements, products);
        book.add_all_lines(lines);
        book
    });
    let (reconciler, observe) = timed(|| {
        let mut reconciler = Reconciler::new(&rows.mapping, &book, now.date());
        if let Some(threads) = options.threads {
            reconciler = reconciler.with_threads(threads);
        }
        reconciler.observe_all(&rows.readings)?;
        Ok::<_, tallyline_core::Error>(reconciler)
    });
    let reconciler = reconciler?;
    let (comparison, join) = timed(|| reconciler.finish());
    let rise = memory.rise()?;
    let mut run = Run {
        book: book_took,
        observe,
        join,
        rise,
        planned: None,
        found: comparison.counts().into_iter().collect(),
    };
    if !options.no_plan {
        let (plan, plan_took) = timed(|| plan(rows, &comparison, now));
        let plan = plan?;
        let threads = options.threads.map_or_else(available_parallelism, Ok)?;
        let copy = copy(&plan, threads);
        let (bytes, write) = timed(|| write(&plan));
        run.planned = Some(Planned {
            plan: plan_took,
            copy,
            write,
            bytes: bytes?,
            changes: plan.changes().len() as u64,
        });
    }
    Ok(run)
}

fn plan(
    rows: &Rows,
    comparison: &Comparison<'_>,
    now: Timestamp,
) -> Result<Plan, tallyline_core::Error> {
    let mut capabilities = SinkCapabilities::default();
    capabilities.create_line = true;
    capabilities.set_quantity = true;
    capabilities.end_line = true;
    let policy = Policy {
        vendor_missing: VendorMissing::EndLine,
        ..Policy::default()
    };
    Planner::new(policy).plan(
        comparison,
        &PlanContext {
            source: &SourceDescriptor::new("vendor", "Vendor"),
            sink: &SinkDescriptor::new("psa", "PSA", capabilities),
            now,
            accounts: &rows.accounts,
            services: &rows.services,
            first_sync: None,
        },
    )
}

/// Writes a plan to the disk, to the last byte; says how many.
fn write(plan: &Plan) -> Result<u64, Failure> {
    let text = plan.to_text()?;
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    File::sync_all(file.as_file())?;
    Ok(text.len() as u64)
}

fn figures(rows: &Rows, fastest: &Run, median: &Run, rise: u64) -> Figures {
    let whole = median.whole();
    let mut figures = Figures::new();
    figures.count("usage_lines", rows.usage_lines);
    figures.count("agreement_lines", rows.agreement_lines);
    figures.seconds("seconds", whole.wall);
    figures.seconds("min_seconds", fastest.whole().wall);
    figures.seconds("cpu_seconds", whole.cpu);
    for (name, part) in [
        ("book", median.book),
        ("observe", median.observe),
        ("join", median.join),
    ] {
        figures.group(name, took(part));
    }
    let mut found = Figures::new();
    for (kind, count) in &median.found {
        found.count(kind.as_str(), *count);
    }
    figures.group("found", found);
    figures.count("peak_bytes_above_inputs", rise);
    let lines = Decimal::from(rows.usage_lines.max(rows.agreement_lines));
    figures.number("peak_bytes_a_line", ratio(rise.into(), lines));
    figures
}

fn of_plan(figures: &mut Figures, planned: &Planned) {
    figures.count("changes", planned.changes);
    figures.group("plan", took(planned.plan));
    figures.group("changes_copied", took(planned.copy));
    figures.group("write_plan", took(planned.write));
    figures.count("plan_bytes", planned.bytes);
}

fn took(took: Took) -> Figures {
    let mut figures = Figures::new();
    figures.seconds("seconds", took.wall);
    figures.seconds("cpu_seconds", took.cpu);
    figures
}
