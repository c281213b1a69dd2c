//! Plans: what will be changed, why, on which observed state, and what speaks against it.

mod change;
mod document;
pub(crate) mod guards;
mod planner;
mod policy;

pub(crate) use change::Shown;
pub use change::{
    Action, Block, Change, Evidence, Guard, Labels, Precondition, Undoes, UsageEvidence,
};
pub use document::{Notice, Origin, Plan, PlanContent, PlanSummary};
pub use planner::{PlanContext, Planner};
pub(crate) use planner::{first_day, intent_id};
pub use policy::{EffectiveDate, Policy, ReductionLimit, VendorMissing};

#[cfg(test)]
mod tests;
