//! Plays schedules of faults against the applier, and counts what was not applied exactly once.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use tallyline_testkit::contract;
use tallyline_testkit::schedule::{Played, Production, Tally, play, play_all};

/// Plays schedules of faults against the applier.
///
/// Exits with 1 when a change was duplicated, lost or wrongly reported.
#[derive(Debug, Parser)]
#[command(name = "faults")]
struct Cli {
    /// How many schedules.
    #[arg(long, default_value_t = 1000)]
    schedules: u64,
    /// The seed of the first; the others have the seeds after it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Tell what happened in each schedule.
    #[arg(long)]
    verbose: bool,
}

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    contract::skip_quietly();
    let (tally, failing) = if cli.verbose {
        one_by_one(&cli)?
    } else {
        play_all(cli.seed, cli.schedules, &Production)?
    };
    let mut err = io::stderr().lock();
    for played in &failing {
        let seed = played.seed;
        writeln!(
            err,
            "schedule {seed} failed; it is played again by --schedules 1 --seed {seed}"
        )?;
        for sentence in played.findings.sentences() {
            writeln!(err, "  {sentence}")?;
        }
    }
    write!(err, "faults that struck:\n{}", tally.faults)?;
    write!(
        err,
        "unsettled when the faults were over:\n{}",
        tally.unsettled
    )?;
    write!(err, "what became of the changes:\n{}", tally.ends)?;
    writeln!(io::stdout().lock(), "{tally}")?;
    Ok(if tally.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn one_by_one(cli: &Cli) -> io::Result<(Tally, Vec<Played>)> {
    let mut out = io::stdout().lock();
    let mut tally = Tally::default();
    let mut failing = Vec::new();
    for at in 0..cli.schedules {
        let played = play(cli.seed.wrapping_add(at), &Production, true)?;
        writeln!(
            out,
            "schedule {} ({:?}), {} changes",
            played.seed, played.place, played.changes
        )?;
        for line in &played.story {
            writeln!(out, "  {line}")?;
        }
        tally.add(&played);
        if !played.findings.is_empty() {
            failing.push(played);
        }
    }
    Ok((tally, failing))
}
