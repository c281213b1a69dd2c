//! How a command ended, as an exit code.

use std::process::ExitCode;

use tallyline_core::plan::Plan;
use tallyline_core::reconcile::Kind;

use crate::output::warn;

/// How a command ended without an error of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, or nothing to do.
    Done,
    /// A part failed; what is known was printed.
    Failed,
    /// Changes are pending, or were left when a run was stopped.
    Pending,
    /// Something is blocked and waits for a person.
    Blocked,
}

impl Outcome {
    /// What a plan leaves to do. A plan that rests on nothing read at all is a failure, so that
    /// a script does not take an outage for agreement.
    pub(crate) fn of(plan: &Plan) -> Self {
        let summary = plan.summary();
        let found = &plan.content().found;
        let compared = [
            Kind::NewRevenue,
            Kind::FirstCount,
            Kind::Change,
            Kind::NoChange,
            Kind::VendorMissing,
            Kind::Ambiguous,
            Kind::NotEligible,
            Kind::SwitchedOff,
            Kind::Exported,
            Kind::Dismissed,
        ];
        let nothing_compared = !compared.iter().any(|kind| found.contains_key(kind));
        let expected = plan
            .notices()
            .iter()
            .any(|notice| notice.kind == Kind::NotObserved && notice.agreement.is_some());
        if nothing_compared && expected {
            warn(
                "none of the linked accounts and agreements could be read, so that nothing was compared",
            );
            return Self::Failed;
        }
        let shown = |kinds: &[Kind]| kinds.iter().any(|kind| found.contains_key(kind));
        let has_usage = shown(&[
            Kind::NewRevenue,
            Kind::FirstCount,
            Kind::Change,
            Kind::NoChange,
        ]);
        if summary.blocked + summary.ready == 0 && shown(&[Kind::VendorMissing]) && !has_usage {
            warn("the vendor shows no usage for any of the lines that are billed");
            return Self::Pending;
        }
        match (summary.blocked, summary.ready) {
            (0, 0) => Self::Done,
            (0, _) => Self::Pending,
            _ => Self::Blocked,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Failed => 1,
            Outcome::Pending => 2,
            Outcome::Blocked => 3,
        })
    }
}
