//! Plans: what will be changed, why, on which observed state, and what speaks against it.

mod action;
mod amounts;
mod change;
mod compact;
mod count;
pub(crate) mod dates;
mod document;
mod duplicates;
pub(crate) mod guards;
mod holds;
mod notes;
mod notices;
mod outward;
mod own;
mod pieces;
mod planner;
mod policy;
mod precondition;
mod products;
mod prorated;
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
pub(crate) use planner::intent_id;
pub use planner::{PlanContext, Planner};
pub use policy::{
    ArrearsCount, BillingMode, Duplicates, EffectiveDate, IncreaseLimit, Policy, PrepaidYears,
    Proration, ProrationCheck, ReductionLimit, VendorMissing,
};
pub use products::{ProductsContext, plan_products, product_identifier, products_to_link};
pub use strategy::Strategy;

#[cfg(test)]
mod tests;
