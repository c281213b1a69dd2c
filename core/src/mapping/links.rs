//! The stored links and exclusions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ProductRule, Tag};
use crate::model::{AgreementId, ChargeKind, CompanyId, ServiceKey, VendorAccountId};

/// Where a link comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Provenance {
    /// The names are the same, character for character, and unique on both sides.
    Exact,
    /// A person accepted a suggestion.
    AcceptedSuggestion,
    /// A person set it.
    Manual,
    /// It came in a file.
    Imported,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Exact => "exact",
            Self::AcceptedSuggestion => "accepted suggestion",
            Self::Manual => "manual",
            Self::Imported => "imported",
        })
    }
}

/// Where the lines of an account go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LineTarget {
    /// Onto an existing agreement.
    Agreement(AgreementId),
    /// Each subscription onto an agreement of its own, which is recognised by the subscription's
    /// id, and created where there is none. What has no subscription has one for its service.
    PerService,
    /// Each service onto a child agreement of its own, invoiced through the master agreement. The child is
    /// recognised by a key that is made of the account and its service (a resource group, else a
    /// subscription, else the service's key), and created where there is none.
    Bundled {
        /// The master agreement, of the same company. Nothing of it is ever changed.
        master: AgreementId,
    },
}

impl LineTarget {
    /// The agreement that a person chose: the one for all lines, or the master; none where every
    /// subscription has one of its own.
    #[must_use]
    pub fn chosen(&self) -> Option<&AgreementId> {
        match self {
            Self::Agreement(agreement) | Self::Bundled { master: agreement } => Some(agreement),
            Self::PerService => None,
        }
    }
}

/// What usage becomes in the PSA.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BilledAs {
    /// A recurring line, whose quantity follows the vendor's.
    #[default]
    Line,
    /// One charge for each bill of an account, with the bill's sum.
    Charge,
    /// A recurring line, whose quantity follows the vendor's, and one charge for each bill with the sum
    /// of its prorations: what the vendor bills for units that came or went within a period. For a PSA
    /// that does not bill these days by itself.
    LineAndProrations,
}

impl BilledAs {
    pub(crate) fn is_line(&self) -> bool {
        *self == Self::Line
    }

    /// Whether a recurring line follows the quantity.
    #[must_use]
    pub fn has_line(self) -> bool {
        self != Self::Charge
    }

    /// What a usage line of a kind becomes where lines of another are counted: nothing, a part of the
    /// recurring line (`false`) or of a charge (`true`).
    pub(crate) fn charges(self, counts: ChargeKind, kind: ChargeKind) -> Option<bool> {
        if kind == counts {
            return Some(self == Self::Charge);
        }
        let piece = self == Self::LineAndProrations && kind == ChargeKind::Proration;
        piece.then_some(true)
    }
}

/// A vendor account linked to a PSA company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountLink {
    /// The company.
    pub company: CompanyId,
    /// Where the lines go.
    pub target: LineTarget,
    /// The agreement of the company whose note gets the account's metadata, such as its licences, at the end
    /// of each of the vendor's billing cycles; absent where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_to: Option<AgreementId>,
    /// Off: the account is mapped but produces no change.
    pub enabled: bool,
    /// Where the link comes from.
    pub provenance: Provenance,
    /// A note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What people sort it by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<Tag>,
}

impl AccountLink {
    /// A link as a person makes it: switched on, without a note and tags.
    #[must_use]
    pub fn manual(company: impl Into<CompanyId>, target: LineTarget) -> Self {
        Self {
            company: company.into(),
            target,
            metadata_to: None,
            enabled: true,
            provenance: Provenance::Manual,
            note: None,
            tags: BTreeSet::new(),
        }
    }
}

/// A service linked to products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceLink {
    /// The products, each with its rule; at least one.
    pub products: Vec<ProductRule>,
    /// The kind of usage lines that is counted.
    #[serde(default)]
    pub counts: ChargeKind,
    /// What they become.
    #[serde(default, skip_serializing_if = "BilledAs::is_line")]
    pub billed_as: BilledAs,
    /// Off: the service is mapped but produces no change.
    pub enabled: bool,
    /// Where the link comes from.
    pub provenance: Provenance,
    /// A note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What people sort it by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<Tag>,
}

impl ServiceLink {
    /// A link as a person makes it: switched on, without a note and tags.
    #[must_use]
    pub fn manual(products: Vec<ProductRule>, counts: ChargeKind, billed_as: BilledAs) -> Self {
        Self {
            products,
            counts,
            billed_as,
            enabled: true,
            provenance: Provenance::Manual,
            note: None,
            tags: BTreeSet::new(),
        }
    }
}

/// A decision that something needs no mapping. Not the same as unmapped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What is decided about an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountEntry {
    /// It is linked.
    Link(AccountLink),
    /// It is excluded.
    Exclude(Exclusion),
}

/// What is decided about a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceEntry {
    /// It is linked.
    Link(ServiceLink),
    /// It is excluded.
    Exclude(Exclusion),
}

/// All that is decided for one source and one sink.
///
/// Links hold ids, so that renames on either side do not break them. What is not in it is
/// *unmapped*.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Counts the edits: each one makes the next revision.
    pub(super) revision: u64,
    pub(super) accounts: BTreeMap<VendorAccountId, AccountEntry>,
    pub(super) services: BTreeMap<ServiceKey, ServiceEntry>,
}

impl Mapping {
    /// A mapping in which nothing is decided.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The revision: 0 for an empty mapping, one more after each edit.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is decided about an account; `None` when it is unmapped.
    #[must_use]
    pub fn account(&self, account: &VendorAccountId) -> Option<&AccountEntry> {
        self.accounts.get(account)
    }

    /// What is decided about a service; `None` when it is unmapped.
    #[must_use]
    pub fn service(&self, service: &ServiceKey) -> Option<&ServiceEntry> {
        self.services.get(service)
    }

    /// All decisions about accounts, in the order of their ids.
    pub fn accounts(&self) -> impl Iterator<Item = (&VendorAccountId, &AccountEntry)> {
        self.accounts.iter()
    }

    /// All decisions about services, in the order of their keys.
    pub fn services(&self) -> impl Iterator<Item = (&ServiceKey, &ServiceEntry)> {
        self.services.iter()
    }

    /// Decides about an account. A decision that changes nothing makes no new revision.
    pub fn set_account(&mut self, account: VendorAccountId, entry: AccountEntry) {
        if self.accounts.get(&account) != Some(&entry) {
            self.accounts.insert(account, entry);
            self.revision = self.revision.saturating_add(1);
        }
    }

    /// Decides about a service. A decision that changes nothing makes no new revision.
    pub fn set_service(&mut self, service: ServiceKey, entry: ServiceEntry) {
        if self.services.get(&service) != Some(&entry) {
            self.services.insert(service, entry);
            self.revision = self.revision.saturating_add(1);
        }
    }

    /// Makes an account unmapped again; says whether it was decided.
    pub fn clear_account(&mut self, account: &VendorAccountId) -> bool {
        let removed = self.accounts.remove(account).is_some();
        self.revision += u64::from(removed);
        removed
    }

    /// Makes a service unmapped again; says whether it was decided.
    pub fn clear_service(&mut self, service: &ServiceKey) -> bool {
        let removed = self.services.remove(service).is_some();
        self.revision += u64::from(removed);
        removed
    }
}
