//! Measures reconcile, reading, applying and keeping to a limit.
//!
//! Every figure of time is for this machine and this moment: compare within one run. `PERFORMANCE.md` says how each is
//! obtained, and `tests/testkit/bench/compare.py` puts them beside what others need.

mod apply;
mod figures;
mod limit;
mod measure;
mod read;
mod reconcile;
mod rows;
mod stream;
mod timed;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use figures::Figures;

/// A failure in words: nothing here is handled, only told.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures what Tallyline takes.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    #[command(subcommand)]
    what: What,
    /// Print the figures as one JSON object.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// From readings, lines and maps in memory to the finished comparison with its evidence.
    Reconcile(reconcile::Options),
    /// A vendor's side that is streamed account by account.
    Stream(stream::Options),
    /// Agreements and their additions, from any server that answers like ConnectWise PSA.
    Read(read::Options),
    /// Changes of a plan, against a simulator of ConnectWise PSA over HTTP.
    Apply(apply::Options),
    /// Requests under a limit that the server enforces.
    Limit(limit::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let figures = match &cli.what {
        What::Reconcile(options) => reconcile::run(options),
        What::Stream(options) => stream::run(options),
        What::Read(options) => waiting(read::run(options)),
        What::Apply(options) => waiting(apply::run(options)),
        What::Limit(options) => waiting(limit::run(options)),
    };
    match figures.and_then(|figures| Ok(print(&figures, cli.json)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what waits for others.
fn waiting(work: impl Future<Output = Result<Figures, Failure>>) -> Result<Figures, Failure> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().build()?.block_on(work)
}

fn print(figures: &Figures, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        writeln!(out, "{}", figures.json())
    } else {
        write!(out, "{figures}")
    }
}
