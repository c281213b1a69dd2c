//! The batteries that any source or sink must pass, ours or a third party's.
//!
//! A connector's author writes a simulator on [`crate::server::Simulator`] and a harness
//! ([`SourceHarness`] or [`SinkHarness`]) that fills it and puts a client on it; one call then runs the nine groups of
//! [`Group`]. What a descriptor claims is held to: a sink that says it creates lines has to pass the tests of creating.
//! A test that cannot be asked is skipped with a reason, which stands in the report.
//!
//! Every test has a fresh simulator, and a time limit, so that what hangs fails. Everything that is traced while a test
//! runs is kept, at every level, and searched for the harness's secrets, as are the errors, plans and journals.
//!
//! ```no_run
//! use tallyline_testkit::conformance::{SourceHarness, run_source};
//!
//! # async fn example(harness: &dyn SourceHarness) {
//! let report = run_source(harness).await;
//! assert!(report.is_conformant(), "{}", report.to_markdown());
//! # }
//! ```

mod auth;
mod capture;
mod check;
mod config;
mod context;
mod harness;
pub mod memory;
mod model;
mod read;
mod report;
mod retry;
mod rewrite;
mod sink;
mod sink_claims;
mod sink_counts;
mod sink_makes;
mod sink_reads;
mod sink_writes;
mod source_says;
mod systems;
mod telemetry;
mod wire;

use context::Side;

pub use harness::{
    BadConfig, Known, Profile, Psa, SinkHarness, SinkUnderTest, Situation, SourceHarness,
    SourceUnderTest, Tokens, UNREACHABLE, Vendor, World, WorldAccount, Writes,
};
pub use report::{ConformanceReport, Group, TestOutcome, TestResult};

/// Runs every group against a source.
pub async fn run_source(harness: &dyn SourceHarness) -> ConformanceReport {
    report(Side::Source(harness), "source", of_sources()).await
}

/// Runs every group against a sink.
pub async fn run_sink(harness: &dyn SinkHarness) -> ConformanceReport {
    report(Side::Sink(harness), "sink", of_sinks()).await
}

/// The groups and names of the tests that [`run_source`] runs.
pub fn source_tests() -> Vec<(Group, &'static str)> {
    names(&of_sources())
}

/// The groups and names of the tests that [`run_sink`] runs.
pub fn sink_tests() -> Vec<(Group, &'static str)> {
    names(&of_sinks())
}

/// Those of [`sink_tests`] that are for a sink that sets counts alone: any other skips them.
pub fn count_tests() -> Vec<(Group, &'static str)> {
    names(&sink_counts::tests())
}

fn names(tests: &[context::Test]) -> Vec<(Group, &'static str)> {
    tests.iter().map(|test| (test.group, test.name)).collect()
}

fn of_sources() -> Vec<context::Test> {
    let mut tests = common();
    tests.extend(read::source_tests());
    tests.extend(source_says::tests());
    tests.extend(sink::tests());
    tests.extend(model::source_tests());
    // Last, so that it looks back on all the others.
    tests.extend(auth::last_tests());
    tests
}

fn of_sinks() -> Vec<context::Test> {
    let mut tests = common();
    tests.extend(read::sink_tests());
    tests.extend(sink_reads::tests());
    tests.extend(sink::tests());
    tests.extend(sink_writes::tests());
    tests.extend(sink_claims::tests());
    tests.extend(sink_makes::tests());
    tests.extend(sink_counts::tests());
    tests.extend(model::sink_tests());
    tests.extend(auth::last_tests());
    tests
}

fn common() -> Vec<context::Test> {
    let mut tests = config::tests();
    tests.extend(check::tests());
    tests.extend(read::tests());
    tests.extend(wire::tests());
    tests.extend(retry::tests());
    tests.extend(auth::tests());
    tests.extend(telemetry::tests());
    tests
}

async fn report(
    side: Side<'_>,
    name: &'static str,
    tests: Vec<context::Test>,
) -> ConformanceReport {
    ConformanceReport {
        system: side.profile().system.to_owned(),
        side: name,
        tests: context::run(side, tests).await,
    }
}
