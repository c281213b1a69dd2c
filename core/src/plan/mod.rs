//! Plans: what will be changed, why, on which observed state, and what speaks against it.

mod change;

pub use change::{Action, Block, Change, Evidence, Guard, Labels, Precondition, UsageEvidence};
