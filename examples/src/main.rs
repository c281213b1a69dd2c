//! `tallyline`: keeps what a PSA bills in step with what a vendor charges.
//!
//! A small program over the library: each command is one file under `commands`, and every
//! decision about what to change is the library's.

mod cli;
mod clock;
mod commands;
mod config;
mod connect;
mod demo;
mod dismissals_file;
mod files;
mod lifecycle;
mod mapping_file;
mod outcome;
mod output;
mod plan_view;
mod progress;
mod report_view;

use std::process::ExitCode;

use clap::Parser as _;
use tallyline_core::{Error, ErrorKind, Result};
use tracing_subscriber::EnvFilter;

use cli::{Cli, Command};
use commands::Context;
use outcome::Outcome;
use output::Output;

/// What is logged by default: an attempt that is repeated is no news, its failure is an error.
const DEFAULT_LOG: &str = "warn,tallyline_core::http=error";

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked_for_help = !error.use_stderr();
            // Where the terminal is gone, nobody is left to tell.
            drop(error.print());
            return if asked_for_help {
                Outcome::Done.into()
            } else {
                Outcome::Failed.into()
            };
        }
    };
    let config = cli.config.clone();
    match run(cli) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            output::tell_of("error: ", &connect::explain(&error, &config));
            Outcome::Failed.into()
        }
    }
}

fn run(cli: Cli) -> Result<Outcome> {
    let quiet = matches!(cli.command, Command::Demo(_));
    let filter = cli.log.as_deref();
    start_logging(filter.unwrap_or(if quiet { "error" } else { DEFAULT_LOG }))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(
                ErrorKind::Unexpected,
                format!("the program cannot start: {error}"),
            )
        })?;
    let context = Context {
        out: Output::new(cli.json),
        config: cli.config,
        now: cli.now,
    };
    runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => demo::run(&context, &args).await,
            Command::Check => commands::check::run(&context).await,
            Command::Accounts => commands::list::accounts(&context).await,
            Command::Services => commands::list::services(&context).await,
            Command::Prepare(args) => commands::prepare::run(&context, &args).await,
            Command::Map(command) => commands::map::run(&context, command).await,
            Command::Finish(args) => commands::standing::finish(&context, &args).await,
            Command::Disable => commands::standing::disable(&context),
            Command::Enable => commands::standing::enable(&context),
            Command::Disconnect => commands::standing::disconnect(&context),
            Command::Plan(args) => commands::plan::run(&context, &args).await,
            Command::Dismiss(args) => commands::dismiss::dismiss(&context, &args).await,
            Command::Restore(args) => commands::dismiss::restore(&context, &args),
            Command::Export(args) => commands::export::run(&context, &args).await,
            Command::Show(args) => commands::show::run(&context, &args),
            Command::Apply(args) => commands::apply::run(&context, &args).await,
            Command::Status(args) => commands::status::run(&context, &args).await,
            Command::Retry(args) => commands::retry::run(&context, &args).await,
            Command::Undo(args) => commands::undo::run(&context, &args).await,
            Command::History(args) => commands::history::run(&context, &args).await,
        }
    })
}

fn start_logging(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Error::new(
            ErrorKind::Config,
            format!("--log (or TALLYLINE_LOG): {error}; give it like `info`"),
        )
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    Ok(())
}
