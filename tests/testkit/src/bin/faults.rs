//! Plays schedules of faults against the applier, and counts what was not applied exactly once.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use tallyline_testkit::contract;
use tallyline_testkit::schedule::{Place, Played, Production, Tally, play_all_in, play_in};

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
    /// Play all over HTTP, with this sink; else most in memory, and one in sixteen with that of ConnectWise PSA.
    #[arg(long)]
    sink: Option<Sink>,
    /// Tell what happened in each schedule.
    #[arg(long)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sink {
    Connectwise,
    Autotask,
}

impl Cli {
    fn place(&self, seed: u64) -> Place {
        match self.sink {
            None => Place::of(seed),
            Some(Sink::Connectwise) => Place::ConnectWise,
            Some(Sink::Autotask) => Place::Autotask,
        }
    }
}

fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    contract::skip_quietly();
    let (tally, failing) = if cli.verbose {
        one_by_one(&cli)?
    } else {
        play_all_in(
            &|seed| cli.place(seed),
            cli.seed,
            cli.schedules,
            &Production,
        )?
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
    write!(err, "beside the lines:\n{}", tally.made)?;
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
        let seed = cli.seed.wrapping_add(at);
        let played = play_in(cli.place(seed), seed, &Production, true)?;
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
