//! What is left to decide.

use serde::Serialize;

use super::{AccountEntry, Directory, Mapping, ServiceEntry};

/// How many records of one sort are decided, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tally {
    /// Linked, switched off ones included.
    pub mapped: usize,
    /// Nothing is decided: outstanding.
    pub unmapped: usize,
    /// Left out on purpose: not outstanding.
    pub excluded: usize,
}

/// What is decided of all that the vendor lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Coverage {
    /// The accounts.
    pub accounts: Tally,
    /// The services.
    pub services: Tally,
}

impl Coverage {
    /// How many accounts and services wait for a decision. Each is usage that nobody is billed for.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.accounts.unmapped + self.services.unmapped
    }
}

impl Mapping {
    /// What is decided of all that a directory lists. What the vendor lists since the last decision
    /// is unmapped.
    #[must_use]
    pub fn coverage(&self, directory: &Directory<'_>) -> Coverage {
        let mut coverage = Coverage::default();
        for id in directory.account_ids() {
            let of = &mut coverage.accounts;
            *match self.account(id) {
                None => &mut of.unmapped,
                Some(AccountEntry::Link(_)) => &mut of.mapped,
                Some(AccountEntry::Exclude(_)) => &mut of.excluded,
            } += 1;
        }
        for key in directory.service_keys() {
            let of = &mut coverage.services;
            *match self.service(key) {
                None => &mut of.unmapped,
                Some(ServiceEntry::Link(_)) => &mut of.mapped,
                Some(ServiceEntry::Exclude(_)) => &mut of.excluded,
            } += 1;
        }
        coverage
    }
}
