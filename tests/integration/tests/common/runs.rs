//! Runs one after the other on one journal, in which no time passes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tallyline_core::PsaSink;
use tallyline_core::apply::{Applier, ApplyOptions, ApplyReport, ApplyRequest, Approval};
use tallyline_core::clock::Clock;
use tallyline_core::model::{RunId, Timestamp};
use tallyline_core::plan::Plan;
use tallyline_core::store::MemoryStore;

/// A clock that stands still, and waits no time.
#[derive(Debug)]
pub(crate) struct StandingClock(pub(crate) Timestamp);

#[async_trait::async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _: Duration) {}

    async fn alongside(&self, _: Duration) {
        futures::future::pending().await
    }
}

/// A journal, and how many runs it holds.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) store: MemoryStore,
    count: AtomicUsize,
}

impl Runs {
    /// Carries out a source's plan, all of which a person has approved, in a run of its own.
    pub(crate) async fn apply(
        &self,
        source: &str,
        sink: &dyn PsaSink,
        plan: &Plan,
        now: Timestamp,
    ) -> ApplyReport {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let mut options = ApplyOptions::new();
        options.run = Some(RunId::new(format!("run-{number}")));
        let approval = Approval::of_plan(plan.id().clone(), "finance@example.com", now);
        let text = plan.to_text().unwrap();
        let request = ApplyRequest {
            plan_id: plan.id(),
            plan_text: &text,
            source,
            changes: plan.changes(),
            approval: &approval,
        };
        let clock = StandingClock(now);
        let applier = Applier::new(sink, &self.store, &clock);
        applier.apply(&request, &options).await.unwrap()
    }
}
