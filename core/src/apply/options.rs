//! What to apply, and how.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{AgreementLimits, Approval};
use crate::model::{PlanId, RunId, Timestamp};
use crate::plan::Change;
use crate::store::{Event, HolderId, RecordedEvent};

/// The plan to apply.
#[derive(Clone, Copy, Debug)]
pub struct ApplyRequest<'a> {
    /// The plan's id.
    pub plan_id: &'a PlanId,
    /// The plan as a text, kept in the journal as it was approved.
    pub plan_text: &'a str,
    /// The short name of the source that the plan was made from.
    pub source: &'a str,
    /// The plan's changes, in its order.
    pub changes: &'a [Change],
    /// Which of them may be carried out, and on whose word.
    pub approval: &'a Approval,
}

/// Stops a run between two changes. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop: each agreement settles the change that it is at, and no further
    /// change begins.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the run was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// One event of a change, told as soon as it is durable.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ApplyEvent<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The change.
    pub change: &'a Change,
    /// When it was recorded.
    pub at: Timestamp,
    /// What happened.
    pub event: &'a Event,
}

/// A function that is told every event.
pub type OnEvent = Arc<dyn Fn(ApplyEvent<'_>) + Send + Sync>;

/// How to apply, and within which limits.
#[derive(Clone)]
#[non_exhaustive]
pub struct ApplyOptions {
    /// The run's id; derived from the plan and the instant when absent.
    pub run: Option<RunId>,
    /// How many agreements are worked on at once, within what the sink allows. What is last of one is recorded
    /// beside the work on others: a journal that is slower than the sink has more under way.
    pub concurrency: usize,
    /// How often reading back must show that a write has not landed before it counts as not
    /// landed, and how often reading back may fail before it stays unsettled.
    pub verify_attempts: u32,
    /// The wait before the second read-back of a write; each further one is twice as long.
    pub verify_wait: Duration,
    /// The longest wait between two read-backs of a write.
    pub verify_wait_max: Duration,
    /// How long after it left a write without an answer may still arrive at the PSA. Before
    /// that it is never sent again, not by a resume either: it stays unsettled.
    ///
    /// It counts from the event after [`Event::Sent`]: a sink may wait for its turn before its one
    /// attempt leaves. Where the process was gone before it recorded one, it counts from the end of
    /// its lease.
    pub late_write: Duration,
    /// Who holds the leases: an id that no other execution has. Derived from the run and the
    /// instant when absent.
    pub holder: Option<HolderId>,
    /// How long a lease on an agreement holds that is not renewed. It is renewed with every
    /// event, before every wait, and while a request is under way; a quarter of it must be left
    /// when a write leaves.
    pub lease: Duration,
    /// No change is taken in hand at this instant or later; one that was is brought to its end.
    pub deadline: Option<Timestamp>,
    /// Stops the run between two changes.
    pub cancel: CancelFlag,
    /// Is told every event. It is called from the run itself and should return at once.
    pub on_event: Option<OnEvent>,
}

impl ApplyOptions {
    /// As many agreements at once as the sink allows, up to 8; five read-backs over 15 seconds
    /// (after 1, 2, 4 and 8); a lost write may arrive for ten minutes; a lease of a minute; no
    /// deadline.
    #[must_use]
    pub fn new() -> Self {
        Self {
            run: None,
            concurrency: 8,
            verify_attempts: 5,
            verify_wait: Duration::from_secs(1),
            verify_wait_max: Duration::from_secs(30),
            late_write: Duration::from_secs(10 * 60),
            holder: None,
            lease: Duration::from_secs(60),
            deadline: None,
            cancel: CancelFlag::new(),
            on_event: None,
        }
    }

    /// What they mean for each agreement.
    #[must_use]
    pub fn limits(&self) -> AgreementLimits {
        AgreementLimits {
            verify_attempts: self.verify_attempts,
            verify_wait: self.verify_wait,
            verify_wait_max: self.verify_wait_max,
            late_write: self.late_write,
            lease: self.lease,
            deadline: self.deadline,
            lines_hold_for: Duration::ZERO,
        }
    }

    /// The longest that the waits between the read-backs of one write take together, the
    /// requests themselves aside.
    #[must_use]
    pub fn verify_bound(&self) -> Duration {
        self.limits().verify_bound()
    }

    /// Tells of an event that is durable.
    pub(super) fn tell(&self, run: &RunId, change: &Change, recorded: &RecordedEvent) {
        let event = &recorded.event;
        tracing::debug!(%run, change = %change.id, event = event.name());
        if let Some(tell) = &self.on_event {
            let at = recorded.at;
            tell(ApplyEvent {
                run,
                change,
                at,
                event,
            });
        }
    }

    /// Tells every event to a function.
    #[must_use]
    pub fn with_on_event(
        mut self,
        on_event: impl Fn(ApplyEvent<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_event = Some(Arc::new(on_event));
        self
    }
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ApplyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyOptions")
            .field("run", &self.run)
            .field("concurrency", &self.concurrency)
            .field("verify_attempts", &self.verify_attempts)
            .field("verify_wait", &self.verify_wait)
            .field("late_write", &self.late_write)
            .field("verify_wait_max", &self.verify_wait_max)
            .field("holder", &self.holder)
            .field("lease", &self.lease)
            .field("deadline", &self.deadline)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}
