//! What a person decides.

use std::collections::BTreeSet;

use super::check::{shown, wrong};
use super::{
    AccountEntry, AccountLink, AccountSuggestion, BilledAs, Directory, Exclusion, LineTarget,
    Mapping, ProductRule, Provenance, ServiceEntry, ServiceLink, ServiceSuggestion,
};
use crate::error::Result;
use crate::model::{AgreementId, ChargeKind, CompanyId, ServiceKey, VendorAccountId};

/// The error for a thing that has to be linked first.
fn not_linked(what: &str, id: &str, excluded: bool) -> crate::Error {
    let state = if excluded { "excluded" } else { "unmapped" };
    wrong(format!("{what} {id} is {state}: link it first"))
}

impl Mapping {
    /// Links an account to an agreement of a company, in place of what was decided before.
    ///
    /// # Errors
    /// `Mapping` when [`Directory::check_account`] refuses the link; nothing is changed.
    pub fn link_account(
        &mut self,
        account: impl Into<VendorAccountId>,
        company: impl Into<CompanyId>,
        agreement: impl Into<AgreementId>,
        directory: &Directory<'_>,
    ) -> Result<()> {
        let link = AccountLink::manual(company, LineTarget::Agreement(agreement.into()));
        self.put_account(account.into(), link, directory)
    }

    /// Links an account to a company, each of its subscriptions onto an agreement of its own, in
    /// place of what was decided before.
    ///
    /// # Errors
    /// As [`link_account`](Self::link_account).
    pub fn link_account_per_service(
        &mut self,
        account: impl Into<VendorAccountId>,
        company: impl Into<CompanyId>,
        directory: &Directory<'_>,
    ) -> Result<()> {
        let link = AccountLink::manual(company, LineTarget::PerService);
        self.put_account(account.into(), link, directory)
    }

    /// Links an account to a company and one of its agreements as the master, each of its services onto a
    /// child agreement of its own, in place of what was decided before.
    ///
    /// # Errors
    /// As [`link_account`](Self::link_account).
    pub fn link_account_bundled(
        &mut self,
        account: impl Into<VendorAccountId>,
        company: impl Into<CompanyId>,
        master: impl Into<AgreementId>,
        directory: &Directory<'_>,
    ) -> Result<()> {
        let master = master.into();
        let link = AccountLink::manual(company, LineTarget::Bundled { master });
        self.put_account(account.into(), link, directory)
    }

    /// Links a service to its one product as charges: one for each bill of the vendor, in place of
    /// what was decided before.
    ///
    /// # Errors
    /// As [`link_service`](Self::link_service).
    pub fn link_service_as_charges(
        &mut self,
        service: impl Into<ServiceKey>,
        products: Vec<ProductRule>,
        counts: ChargeKind,
        directory: &Directory<'_>,
    ) -> Result<()> {
        let link = ServiceLink::manual(products, counts, BilledAs::Charge);
        self.put_service(service.into(), link, directory)
    }

    /// Links a service to its one product as a recurring line, and its prorations as charges, in place of
    /// what was decided before.
    ///
    /// # Errors
    /// As [`link_service`](Self::link_service).
    pub fn link_service_with_prorations(
        &mut self,
        service: impl Into<ServiceKey>,
        products: Vec<ProductRule>,
        directory: &Directory<'_>,
    ) -> Result<()> {
        let (counts, billed_as) = (ChargeKind::Recurring, BilledAs::LineAndProrations);
        let link = ServiceLink::manual(products, counts, billed_as);
        self.put_service(service.into(), link, directory)
    }

    /// Links a service to products, in place of what was decided before.
    ///
    /// # Errors
    /// `Mapping` when [`Directory::check_service`] refuses the link; nothing is changed.
    pub fn link_service(
        &mut self,
        service: impl Into<ServiceKey>,
        products: Vec<ProductRule>,
        counts: ChargeKind,
        directory: &Directory<'_>,
    ) -> Result<()> {
        let link = ServiceLink::manual(products, counts, BilledAs::Line);
        self.put_service(service.into(), link, directory)
    }

    /// Links an account as a person accepted it.
    ///
    /// # Errors
    /// `Mapping` when the account was decided since, the suggestion names no agreement (choose
    /// one with [`AccountSuggestion::with_agreement`]), or [`Directory::check_account`]
    /// refuses the link; nothing is changed.
    pub fn accept_account(
        &mut self,
        suggestion: &AccountSuggestion,
        directory: &Directory<'_>,
    ) -> Result<()> {
        let id = shown(&suggestion.account);
        if self.account(&suggestion.account).is_some() {
            return Err(wrong(format!(
                "account {id} was decided since the suggestion: clear that decision first"
            )));
        }
        let Some(agreement) = suggestion.agreement.clone() else {
            return Err(wrong(format!(
                "the suggestion for account {id} names no agreement: choose one of company {}",
                shown(&suggestion.company)
            )));
        };
        let link = AccountLink {
            company: suggestion.company.clone(),
            target: LineTarget::Agreement(agreement),
            metadata_to: None,
            enabled: true,
            provenance: Provenance::AcceptedSuggestion,
            note: None,
            tags: BTreeSet::new(),
        };
        self.put_account(suggestion.account.clone(), link, directory)
    }

    /// Links a service, one to one, as a person accepted it.
    ///
    /// # Errors
    /// `Mapping` when the service was decided since, or [`Directory::check_service`] refuses
    /// the link; nothing is changed.
    pub fn accept_service(
        &mut self,
        suggestion: &ServiceSuggestion,
        directory: &Directory<'_>,
    ) -> Result<()> {
        if self.service(&suggestion.service).is_some() {
            return Err(wrong(format!(
                "service {} was decided since the suggestion: clear that decision first",
                shown(&suggestion.service)
            )));
        }
        let link = ServiceLink {
            products: vec![ProductRule::one_to_one(suggestion.product.clone())],
            counts: ChargeKind::Recurring,
            billed_as: BilledAs::Line,
            enabled: true,
            provenance: Provenance::AcceptedSuggestion,
            note: None,
            tags: BTreeSet::new(),
        };
        self.put_service(suggestion.service.clone(), link, directory)
    }

    /// Links an account once the directory takes the link. Its note and tags stay where the new link
    /// has none.
    pub(super) fn put_account(
        &mut self,
        account: VendorAccountId,
        mut link: AccountLink,
        directory: &Directory<'_>,
    ) -> Result<()> {
        if let Some(AccountEntry::Link(before)) = self.account(&account) {
            link.keep_words_of(before);
        }
        let entry = AccountEntry::Link(link);
        directory
            .check_account(&account, &entry)
            .map_err(|error| error.with_context("account", shown(&account)))?;
        self.set_account(account, entry);
        Ok(())
    }

    /// Links a service, as [`put_account`](Self::put_account) does an account.
    pub(super) fn put_service(
        &mut self,
        service: ServiceKey,
        mut link: ServiceLink,
        directory: &Directory<'_>,
    ) -> Result<()> {
        if let Some(ServiceEntry::Link(before)) = self.service(&service) {
            link.keep_words_of(before);
        }
        let entry = ServiceEntry::Link(link);
        directory
            .check_service(&service, &entry)
            .map_err(|error| error.with_context("service", shown(&service)))?;
        self.set_service(service, entry);
        Ok(())
    }

    /// Excludes an account: it needs no mapping, for a reason.
    ///
    /// # Errors
    /// `Mapping` when the reason is blank.
    pub fn exclude_account(
        &mut self,
        account: impl Into<VendorAccountId>,
        reason: &str,
    ) -> Result<()> {
        let account = account.into();
        let exclusion = exclusion("account", &shown(&account), reason)?;
        self.set_account(account, AccountEntry::Exclude(exclusion));
        Ok(())
    }

    /// Excludes a service: it needs no mapping, for a reason.
    ///
    /// # Errors
    /// `Mapping` when the reason is blank.
    pub fn exclude_service(&mut self, service: impl Into<ServiceKey>, reason: &str) -> Result<()> {
        let service = service.into();
        let exclusion = exclusion("service", &shown(&service), reason)?;
        self.set_service(service, ServiceEntry::Exclude(exclusion));
        Ok(())
    }

    /// Switches a linked account on or off.
    ///
    /// # Errors
    /// `Mapping` when the account is not linked.
    pub fn set_account_enabled(&mut self, account: &VendorAccountId, enabled: bool) -> Result<()> {
        self.edit_account(account, |link| link.enabled = enabled)
    }

    /// Switches a linked service on or off.
    ///
    /// # Errors
    /// `Mapping` when the service is not linked.
    pub fn set_service_enabled(&mut self, service: &ServiceKey, enabled: bool) -> Result<()> {
        self.edit_service(service, |link| link.enabled = enabled)
    }

    /// Sets the note of a linked account; a blank note is removed.
    ///
    /// # Errors
    /// `Mapping` when the account is not linked.
    pub fn set_account_note(&mut self, account: &VendorAccountId, note: &str) -> Result<()> {
        self.edit_account(account, |link| link.note = non_blank(note))
    }

    /// Chooses the agreement of the company whose note gets a linked account's metadata at the end of each of
    /// the vendor's billing cycles; none: no note does.
    ///
    /// # Errors
    /// `Mapping` when the account is not linked, or the agreement is unknown or another company's.
    pub fn set_account_metadata(
        &mut self,
        account: &VendorAccountId,
        agreement: Option<AgreementId>,
        directory: &Directory<'_>,
    ) -> Result<()> {
        let mut edited = self.clone();
        edited.edit_account(account, |link| link.metadata_to = agreement)?;
        if let Some(entry) = edited.account(account) {
            directory
                .check_account(account, entry)
                .map_err(|error| error.with_context("account", shown(account)))?;
        }
        *self = edited;
        Ok(())
    }

    /// Sets the note of a linked service; a blank note is removed.
    ///
    /// # Errors
    /// `Mapping` when the service is not linked.
    pub fn set_service_note(&mut self, service: &ServiceKey, note: &str) -> Result<()> {
        self.edit_service(service, |link| link.note = non_blank(note))
    }

    pub(super) fn edit_account(
        &mut self,
        account: &VendorAccountId,
        edit: impl FnOnce(&mut AccountLink),
    ) -> Result<()> {
        match self.account(account).cloned() {
            Some(AccountEntry::Link(mut link)) => {
                edit(&mut link);
                self.set_account(account.clone(), AccountEntry::Link(link));
                Ok(())
            }
            other => Err(not_linked("account", &shown(account), other.is_some())),
        }
    }

    pub(super) fn edit_service(
        &mut self,
        service: &ServiceKey,
        edit: impl FnOnce(&mut ServiceLink),
    ) -> Result<()> {
        match self.service(service).cloned() {
            Some(ServiceEntry::Link(mut link)) => {
                edit(&mut link);
                self.set_service(service.clone(), ServiceEntry::Link(link));
                Ok(())
            }
            other => Err(not_linked("service", &shown(service), other.is_some())),
        }
    }

    /// How many accounts are linked, switched off ones included.
    #[must_use]
    pub fn linked_accounts(&self) -> usize {
        self.accounts()
            .filter(|(_, entry)| matches!(entry, AccountEntry::Link(_)))
            .count()
    }

    /// How many services are linked, switched off ones included.
    #[must_use]
    pub fn linked_services(&self) -> usize {
        self.services()
            .filter(|(_, entry)| matches!(entry, ServiceEntry::Link(_)))
            .count()
    }

    /// Takes over all decisions of another mapping, as one edit.
    ///
    /// The revision never falls, so that a file from long ago does not look like the past.
    pub fn replace_with(&mut self, other: Self) {
        if self.accounts != other.accounts || self.services != other.services {
            self.revision = self.revision.max(other.revision).saturating_add(1);
            self.accounts = other.accounts;
            self.services = other.services;
        }
    }
}

fn non_blank(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn exclusion(what: &str, id: &str, reason: &str) -> Result<Exclusion> {
    match non_blank(reason) {
        Some(reason) => Ok(Exclusion {
            reason: Some(reason),
        }),
        None => Err(wrong(format!(
            "the exclusion of {what} {id} has no reason: say why"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::mapping::Ratio;
    use crate::mapping::Rounding;
    use crate::model::{
        Agreement, Company, Eligibility, Product, Quantity, Service, VendorAccount,
    };

    struct Records {
        accounts: Vec<VendorAccount>,
        services: Vec<Service>,
        companies: Vec<Company>,
        agreements: Vec<Agreement>,
        products: Vec<Product>,
    }

    impl Records {
        fn new() -> Self {
            let against = |reason: &str| Eligibility::NotEligible(vec![reason.to_owned()]);
            let mut expired = Agreement::new("102", "45", "Old");
            expired.eligibility = against("It ended on 2025-12-31.");
            let mut inactive = Product::new("P3", "OLD", "Old");
            inactive.eligibility = against("It is inactive.");
            Self {
                accounts: vec![VendorAccount::new("A", "Contoso")],
                services: vec![Service::new("S", "Seats")],
                companies: vec![
                    Company::new("45", "Contoso"),
                    Company::new("46", "Fabrikam"),
                    Company::new("47", "Prospect").with_eligibility(against("It is a prospect.")),
                ],
                agreements: vec![
                    Agreement::new("101", "45", "Cloud"),
                    expired,
                    Agreement::new("201", "46", "Cloud"),
                    Agreement::new("301", "47", "Cloud"),
                ],
                products: vec![
                    Product::new("P1", "SEAT", "Seat"),
                    Product::new("P2", "FEE", "Fee"),
                    inactive,
                ],
            }
        }

        fn directory(&self) -> Directory<'_> {
            Directory::new(
                &self.accounts,
                &self.services,
                &self.companies,
                &self.agreements,
                &self.products,
            )
        }
    }

    fn refused(result: Result<()>, parts: &[&str]) {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mapping);
        for part in parts {
            assert!(error.message().contains(part), "{error} lacks {part}");
        }
    }

    #[test]
    fn a_manual_link_is_stored_with_its_provenance() {
        let records = Records::new();
        let directory = records.directory();
        let mut mapping = Mapping::new();
        mapping.link_account("A", "45", "101", &directory).unwrap();
        let Some(AccountEntry::Link(link)) = mapping.account(&"A".into()) else {
            panic!("not linked");
        };
        assert_eq!(link.provenance, Provenance::Manual);
        assert_eq!((mapping.linked_accounts(), mapping.revision()), (1, 1));
    }

    #[test]
    fn wrong_account_links_are_refused_with_the_id_and_what_to_do() {
        let records = Records::new();
        let directory = records.directory();
        let mut mapping = Mapping::new();
        for (account, company, agreement, parts) in [
            ("Z", "45", "101", ["account Z", "read the accounts again"]),
            ("A", "99", "101", ["company 99", "choose a known one"]),
            ("A", "47", "301", ["company 47", "It is a prospect."]),
            ("A", "45", "999", ["agreement 999", "choose a known one"]),
            ("A", "45", "201", ["agreement 201", "belongs to company 46"]),
            (
                "A",
                "45",
                "102",
                ["agreement 102", "It ended on 2025-12-31."],
            ),
        ] {
            refused(
                mapping.link_account(account, company, agreement, &directory),
                &parts,
            );
        }
        assert_eq!(mapping, Mapping::new());
    }

    #[test]
    fn wrong_service_links_are_refused_with_the_id_and_what_to_do() {
        let records = Records::new();
        let directory = records.directory();
        let one = |id: &str| ProductRule::one_to_one(id);
        let free = |id: &str| ProductRule {
            carries_cost: false,
            ..one(id)
        };
        let broken = ProductRule {
            ratio: Some(Ratio {
                units: Quantity::ONE,
                per: Quantity::ZERO,
                rounding: Rounding::Exact,
            }),
            ..one("P1")
        };
        let mut mapping = Mapping::new();
        for (service, products, parts) in [
            (
                "Z",
                vec![one("P1")],
                ["service Z", "read the services again"],
            ),
            ("S", vec![], ["no product", "name at least one"]),
            ("S", vec![one("P1"), free("P1")], ["product P1", "twice"]),
            (
                "S",
                vec![one("P1"), one("P2")],
                ["P1 and P2", "let only one"],
            ),
            ("S", vec![one("P9")], ["product P9", "choose a known one"]),
            ("S", vec![one("P3")], ["product P3", "It is inactive."]),
            ("S", vec![broken], ["product P1", "per zero"]),
        ] {
            refused(
                mapping.link_service(service, products, ChargeKind::Recurring, &directory),
                &parts,
            );
        }
        assert_eq!(mapping, Mapping::new());
        mapping
            .link_service(
                "S",
                vec![one("P1"), free("P2")],
                ChargeKind::Recurring,
                &directory,
            )
            .unwrap();
    }

    #[test]
    fn only_a_linked_account_can_be_switched_and_annotated() {
        let records = Records::new();
        let directory = records.directory();
        let account = VendorAccountId::new("A");
        let mut mapping = Mapping::new();
        refused(
            mapping.set_account_enabled(&account, false),
            &["account A is unmapped"],
        );
        refused(mapping.exclude_account("A", " "), &["account A", "say why"]);
        mapping.exclude_account("A", "Our own tenant.").unwrap();
        refused(
            mapping.set_account_note(&account, "x"),
            &["account A is excluded"],
        );
        mapping.link_account("A", "45", "101", &directory).unwrap();
        mapping.set_account_enabled(&account, false).unwrap();
        mapping.set_account_note(&account, " Paused. ").unwrap();
        let Some(AccountEntry::Link(link)) = mapping.account(&account) else {
            panic!("not linked");
        };
        assert_eq!(
            (link.enabled, link.note.as_deref()),
            (false, Some("Paused."))
        );
    }

    #[test]
    fn replacing_never_lowers_the_revision() {
        let mut old = Mapping::new();
        old.exclude_account("A", "Ours.").unwrap();
        let mut now = Mapping::new();
        for reason in ["a", "b", "c"] {
            now.exclude_service("S", reason).unwrap();
        }
        now.replace_with(old.clone());
        assert_eq!(now.revision(), 4);
        now.replace_with(old);
        assert_eq!(now.revision(), 4);
    }
}
