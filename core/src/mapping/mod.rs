//! Mapping: which account is which company, which service is which product, and by which rule.

mod links;
mod rule;

pub use links::{
    AccountEntry, AccountLink, Exclusion, LineTarget, Mapping, Provenance, ServiceEntry,
    ServiceLink,
};
pub use rule::{ProductRule, Ratio, Rounding};
