//! Plans: what will be changed, why, on which observed state, and what speaks against it.

mod action;
mod change;
mod count;
mod document;
pub(crate) mod guards;
mod notices;
mod outward;
mod own;
mod planner;
mod policy;
mod precondition;
mod strategy;

pub use action::Action;
pub(crate) use action::Shown;
pub use change::{
    Block, Change, Evidence, Guard, Labels, LineHolds, Precondition, Undoes, UsageEvidence,
    split_pair,
};
pub(crate) use document::hex;
pub use document::{Notice, Origin, Plan, PlanContent, PlanKind, PlanSummary, PlannedBill, Side};
pub use outward::{AccountsContext, plan_accounts};
pub use planner::{PlanContext, Planner};
pub(crate) use planner::{first_day, intent_id};
pub use policy::{EffectiveDate, IncreaseLimit, Policy, ReductionLimit, VendorMissing};
pub use strategy::Strategy;
pub(crate) use strategy::in_place_from;

#[cfg(test)]
mod tests;
