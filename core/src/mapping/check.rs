//! What makes a decision valid.

use std::fmt;

use super::part::check_parts;
use super::{
    AccountEntry, AccountLink, BilledAs, Directory, LineTarget, ProductRule, ServiceEntry,
    ServiceLink,
};
use crate::error::{Error, ErrorKind, Result, printable};
use crate::model::{
    Agreement, AgreementId, ChargeKind, CompanyId, Eligibility, ServiceKey, VendorAccountId,
};

/// An error of kind `Mapping`.
pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Mapping, message)
}

/// An id as it stands in messages.
pub(super) fn shown(id: &impl fmt::Display) -> String {
    printable(&id.to_string())
}

/// The reasons against something, in brackets.
fn why(eligibility: &Eligibility) -> String {
    let reasons: Vec<String> = eligibility
        .reasons()
        .iter()
        .map(|reason| printable(reason))
        .collect();
    if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", reasons.join("; "))
    }
}

impl ServiceLink {
    /// Checks what can be checked without knowing the products: at least one product, none
    /// twice, at most one that carries the cost (more where they divide the quantity), valid rules, and
    /// parts that add up; for charges one product, one to one.
    ///
    /// # Errors
    /// `Mapping` with the product's id and what to do.
    pub fn validate(&self) -> Result<()> {
        if self.products.is_empty() {
            return Err(wrong(
                "the link names no product: name at least one, or exclude the service",
            ));
        }
        if self.billed_as == BilledAs::Charge
            && !matches!(self.products.as_slice(), [rule] if rule.is_one_to_one())
        {
            return Err(wrong(
                "a charge holds the bill's own sum: name one product, without a ratio, included \
                 units, a minimum, a part or a daily count",
            ));
        }
        if self.billed_as == BilledAs::LineAndProrations {
            if self.counts != ChargeKind::Recurring {
                return Err(wrong(
                    "prorations are charged beside a recurring line: count recurring lines",
                ));
            }
            if self.products.len() > 1 {
                return Err(wrong("prorations are charged as one product: name one"));
            }
        }
        let mut ids: Vec<_> = self.products.iter().map(|rule| &rule.product).collect();
        ids.sort();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(wrong(format!(
                "product {} is in the link twice: keep one of its rules",
                shown(pair[0])
            )));
        }
        let whole = |rule: &&ProductRule| rule.carries_cost && rule.part.is_none();
        let mut carriers = self.products.iter().filter(whole);
        if let (Some(first), Some(second)) = (carriers.next(), carriers.next()) {
            return Err(wrong(format!(
                "products {} and {} both carry the cost: let only one carry it",
                shown(&first.product),
                shown(&second.product)
            )));
        }
        self.products.iter().try_for_each(|rule| {
            if rule.product.as_str().is_empty() {
                return Err(wrong("a product's id is empty: fill it in"));
            }
            rule.validate()
        })?;
        check_parts(&self.products)
    }
}

impl Directory<'_> {
    /// Checks a decision about an account against the known records.
    ///
    /// # Errors
    /// `Mapping` when the account, company or agreement is unknown, the agreement belongs to
    /// another company, or one of them is not eligible; the message names the id and what to do.
    pub fn check_account(&self, account: &VendorAccountId, entry: &AccountEntry) -> Result<()> {
        if self.account(account).is_none() {
            return Err(wrong(format!(
                "account {} is unknown at the vendor: correct the id, or read the accounts again",
                shown(account)
            )));
        }
        match entry {
            AccountEntry::Link(link) => self.check_account_link(link),
            AccountEntry::Exclude(_) => Ok(()),
        }
    }

    fn check_account_link(&self, link: &AccountLink) -> Result<()> {
        let Some(company) = self.company(&link.company) else {
            return Err(wrong(format!(
                "company {} is unknown in the PSA: choose a known one, or read the companies again",
                shown(&link.company)
            )));
        };
        if !company.eligibility.is_eligible() {
            return Err(wrong(format!(
                "company {} may not be synced{}: choose another, or correct it in the PSA",
                shown(&link.company),
                why(&company.eligibility)
            )));
        }
        if let Some(id) = &link.metadata_to {
            self.agreement_of(id, &link.company)?;
        }
        let Some(id) = link.target.chosen() else {
            return Ok(());
        };
        let agreement = self.agreement_of(id, &link.company)?;
        if !agreement.eligibility.is_eligible() {
            return Err(wrong(format!(
                "agreement {} may not be synced{}: choose another, or correct it in the PSA",
                shown(id),
                why(&agreement.eligibility)
            )));
        }
        match (&link.target, &agreement.parent) {
            (LineTarget::Bundled { .. }, Some(parent)) => Err(wrong(format!(
                "agreement {} is itself invoiced through agreement {}: choose that one as the \
                 master",
                shown(id),
                shown(parent)
            ))),
            _ => Ok(()),
        }
    }

    /// The agreement of an id, where it is the company's.
    fn agreement_of(&self, id: &AgreementId, company: &CompanyId) -> Result<&Agreement> {
        let Some(agreement) = self.agreement(id) else {
            return Err(wrong(format!(
                "agreement {} is unknown in the PSA: choose a known one, or read the agreements \
                 again",
                shown(id)
            )));
        };
        if agreement.company != *company {
            return Err(wrong(format!(
                "agreement {} belongs to company {}, not to company {}: choose an agreement of \
                 that company",
                shown(id),
                shown(&agreement.company),
                shown(company)
            )));
        }
        Ok(agreement)
    }

    /// Checks a decision about a service against the known records.
    ///
    /// # Errors
    /// `Mapping` when the service or a product is unknown, a product is not eligible, or
    /// [`ServiceLink::validate`] fails; the message names the id and what to do.
    pub fn check_service(&self, service: &ServiceKey, entry: &ServiceEntry) -> Result<()> {
        if self.service(service).is_none() {
            return Err(wrong(format!(
                "service {} is unknown at the vendor: correct the key, or read the services again",
                shown(service)
            )));
        }
        let ServiceEntry::Link(link) = entry else {
            return Ok(());
        };
        link.validate()?;
        for rule in &link.products {
            let Some(product) = self.product(&rule.product) else {
                return Err(wrong(format!(
                    "product {} is unknown in the PSA: choose a known one, or read the products \
                     again",
                    shown(&rule.product)
                )));
            };
            if !product.eligibility.is_eligible() {
                return Err(wrong(format!(
                    "product {} may not stand on an agreement{}: choose another, or correct it \
                     in the PSA",
                    shown(&rule.product),
                    why(&product.eligibility)
                )));
            }
        }
        Ok(())
    }
}
