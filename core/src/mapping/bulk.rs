//! Many edits in one call, each with an outcome of its own.

use std::fmt;

use super::check::{shown, wrong};
use super::{
    AccountEntry, AccountLink, BilledAs, Directory, Exclusion, LineTarget, Mapping, ProductRule,
    ServiceEntry, ServiceLink, Tag,
};
use crate::error::Result;
use crate::model::{ChargeKind, CompanyId, ServiceKey, VendorAccountId};

/// What an edit is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An account.
    Account(VendorAccountId),
    /// A service.
    Service(ServiceKey),
}

impl fmt::Display for Subject {
    /// Such as `account A-1`, safe to print.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(f, "account {}", shown(id)),
            Self::Service(key) => write!(f, "service {}", shown(key)),
        }
    }
}

/// What a person decides about one account or service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edit {
    /// Links an account.
    LinkAccount {
        /// The company.
        company: CompanyId,
        /// Where the lines go.
        target: LineTarget,
    },
    /// Links a service.
    LinkService {
        /// The products, each with its rule.
        products: Vec<ProductRule>,
        /// The kind of usage lines that is counted.
        counts: ChargeKind,
        /// What they become.
        billed_as: BilledAs,
    },
    /// Excludes it.
    Exclude {
        /// Why.
        reason: String,
    },
    /// Makes it unmapped again.
    Clear,
    /// Switches its link on or off.
    Enable(bool),
    /// Sets the note of its link; a blank one is removed.
    SetNote(String),
    /// Adds a tag to its link.
    AddTag(Tag),
    /// Takes a tag off its link.
    RemoveTag(Tag),
}

/// What became of one edit of many.
#[derive(Debug)]
#[non_exhaustive]
pub struct Edited {
    /// What it is about.
    pub subject: Subject,
    /// Whether it changed anything, or why it was refused; then nothing of it was applied.
    pub outcome: Result<bool>,
}

impl Mapping {
    /// Carries out one edit, and says whether it changed anything.
    ///
    /// # Errors
    /// `Mapping` as the method for this edit alone, such as [`link_account`](Self::link_account);
    /// also when an account is given what only a service takes, what is excluded is unknown to the
    /// directory, or there is nothing to clear. Nothing is changed then.
    pub fn edit(
        &mut self,
        subject: &Subject,
        edit: &Edit,
        directory: &Directory<'_>,
    ) -> Result<bool> {
        let before = self.revision();
        match subject {
            Subject::Account(id) => self.edit_of_account(id, edit, directory)?,
            Subject::Service(key) => self.edit_of_service(key, edit, directory)?,
        }
        Ok(self.revision() != before)
    }

    /// Carries out edits in their order, each for itself: one that is refused holds up no other.
    pub fn edit_all(
        &mut self,
        edits: impl IntoIterator<Item = (Subject, Edit)>,
        directory: &Directory<'_>,
    ) -> Vec<Edited> {
        edits
            .into_iter()
            .map(|(subject, edit)| Edited {
                outcome: self.edit(&subject, &edit, directory),
                subject,
            })
            .collect()
    }

    fn edit_of_account(
        &mut self,
        id: &VendorAccountId,
        edit: &Edit,
        directory: &Directory<'_>,
    ) -> Result<()> {
        match edit {
            Edit::LinkAccount { company, target } => {
                let link = AccountLink::manual(company.clone(), target.clone());
                self.put_account(id.clone(), link, directory)
            }
            Edit::LinkService { .. } => Err(wrong(format!(
                "account {} cannot be linked to products: give a company",
                shown(id)
            ))),
            Edit::Exclude { reason } => {
                let entry = AccountEntry::Exclude(Exclusion::default());
                directory.check_account(id, &entry)?;
                self.exclude_account(id.clone(), reason)
            }
            Edit::Clear if self.clear_account(id) => Ok(()),
            Edit::Clear => Err(nothing_decided("account", &shown(id))),
            Edit::Enable(on) => self.set_account_enabled(id, *on),
            Edit::SetNote(note) => self.set_account_note(id, note),
            Edit::AddTag(tag) => self.add_account_tag(id, tag),
            Edit::RemoveTag(tag) => self.remove_account_tag(id, tag),
        }
    }

    fn edit_of_service(
        &mut self,
        key: &ServiceKey,
        edit: &Edit,
        directory: &Directory<'_>,
    ) -> Result<()> {
        match edit {
            Edit::LinkService {
                products,
                counts,
                billed_as,
            } => {
                let link = ServiceLink::manual(products.clone(), *counts, *billed_as);
                self.put_service(key.clone(), link, directory)
            }
            Edit::LinkAccount { .. } => Err(wrong(format!(
                "service {} cannot be linked to a company: give products",
                shown(key)
            ))),
            Edit::Exclude { reason } => {
                let entry = ServiceEntry::Exclude(Exclusion::default());
                directory.check_service(key, &entry)?;
                self.exclude_service(key.clone(), reason)
            }
            Edit::Clear if self.clear_service(key) => Ok(()),
            Edit::Clear => Err(nothing_decided("service", &shown(key))),
            Edit::Enable(on) => self.set_service_enabled(key, *on),
            Edit::SetNote(note) => self.set_service_note(key, note),
            Edit::AddTag(tag) => self.add_service_tag(key, tag),
            Edit::RemoveTag(tag) => self.remove_service_tag(key, tag),
        }
    }
}

fn nothing_decided(what: &str, id: &str) -> crate::Error {
    wrong(format!("nothing is decided about {what} {id}"))
}

#[cfg(test)]
mod tests;
