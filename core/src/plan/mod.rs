//! Plans: what will be changed, why, on which observed state, and what speaks against it.
//!
//! What a change is comes with the feature `sink`; what makes plans, with `engine`.

mod action;
mod change;
mod strategy;

#[cfg(feature = "engine")]
mod amounts;
#[cfg(feature = "engine")]
mod canonical;
#[cfg(feature = "engine")]
mod count;
#[cfg(feature = "engine")]
pub(crate) mod dates;
#[cfg(feature = "engine")]
mod document;
#[cfg(feature = "engine")]
mod duplicates;
#[cfg(feature = "engine")]
pub(crate) mod guards;
#[cfg(feature = "engine")]
mod holds;
#[cfg(feature = "engine")]
mod notes;
#[cfg(feature = "engine")]
mod notices;
#[cfg(feature = "engine")]
mod outward;
#[cfg(feature = "engine")]
mod own;
#[cfg(feature = "engine")]
mod pieces;
#[cfg(feature = "engine")]
mod planner;
#[cfg(feature = "engine")]
mod policy;
#[cfg(feature = "engine")]
mod precondition;
#[cfg(feature = "engine")]
mod products;
#[cfg(feature = "engine")]
mod prorated;
#[cfg(feature = "engine")]
mod requantify;

pub use action::Action;
pub use change::{
    Block, Change, Evidence, Guard, Labels, LineHolds, Precondition, Undoes, UsageEvidence,
    split_pair,
};
pub use strategy::Strategy;

#[cfg(feature = "engine")]
pub(crate) use action::Shown;
#[cfg(feature = "engine")]
pub(crate) use document::hex;
#[cfg(feature = "engine")]
pub use document::{Notice, Origin, Plan, PlanContent, PlanKind, PlanSummary, PlannedBill, Side};
#[cfg(feature = "engine")]
pub use outward::{AccountsContext, plan_accounts};
#[cfg(feature = "engine")]
pub(crate) use planner::intent_id;
#[cfg(feature = "engine")]
pub use planner::{PlanContext, Planner};
#[cfg(feature = "engine")]
pub use policy::{
    ArrearsCount, BillingMode, Duplicates, EffectiveDate, IncreaseLimit, Policy, PrepaidYears,
    Proration, ProrationCheck, ReductionLimit, VendorMissing,
};
#[cfg(feature = "engine")]
pub use products::{ProductsContext, plan_products, product_identifier, products_to_link};

#[cfg(test)]
#[cfg(feature = "engine")]
mod tests;
