//! Whoever is put to the test: the applier, or a double of it.

use std::fmt;

use async_trait::async_trait;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest};
use tallyline_core::clock::Clock;
use tallyline_core::model::RunId;
use tallyline_core::plan::Change;
use tallyline_core::store::Journal;
use tallyline_core::{ErrorKind, PsaSink, Result};

use super::world::World;

/// What a process works with.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    /// The PSA.
    pub sink: &'a dyn PsaSink,
    /// The journal.
    pub journal: &'a dyn Journal,
    /// The time.
    pub clock: &'a dyn Clock,
    /// The plan, as it was approved.
    pub request: ApplyRequest<'a>,
    /// The limits.
    pub options: &'a ApplyOptions,
    /// The PSA itself, for doubles that believe more than they may.
    pub world: &'a dyn World,
}

impl fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("changes", &self.request.changes.len())
            .finish_non_exhaustive()
    }
}

impl Bench<'_> {
    /// The run that the process works on.
    pub fn run(&self) -> RunId {
        let run = self.options.run.clone();
        run.unwrap_or_else(|| RunId::new("run-1"))
    }

    /// The changes of the plan.
    pub fn changes(&self) -> &[Change] {
        self.request.changes
    }
}

/// One process that carries out a plan or goes on with it.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Goes on with the run, or starts it where it was not recorded yet.
    ///
    /// # Errors
    /// When nothing could be begun.
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport>;
}

/// The applier as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Production;

#[async_trait]
impl Subject for Production {
    async fn work(&self, bench: Bench<'_>) -> Result<ApplyReport> {
        let applier = Applier::new(bench.sink, bench.journal, bench.clock);
        match applier.resume(&bench.run(), bench.options).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                applier.apply(&bench.request, bench.options).await
            }
            result => result,
        }
    }
}
