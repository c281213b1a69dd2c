//! Suggestions: what is similar, for a person to decide.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::directory::{AgreementsOf, Choice};
use super::matching::{companies_held, is_candidate, other_vendor, products_held};
use super::similar::{NameIndex, NameKey, Similarity, compare};
use super::{Mapping, normalize_name};
use crate::error::printable;
use crate::model::{
    Agreement, AgreementId, Company, CompanyId, Product, ProductId, Service, ServiceKey,
    VendorAccount, VendorAccountId,
};

/// How many suggestions, and how sure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SuggestOptions {
    /// At most so many for one account or service.
    pub limit: usize,
    /// None with a lower score.
    pub min_score: u8,
    /// The vendor as the PSA's products name it; products of another score lower.
    pub vendor: Option<String>,
    /// Whether only products that name this vendor are suggested.
    pub vendor_required: bool,
}

impl Default for SuggestOptions {
    fn default() -> Self {
        Self {
            limit: 3,
            min_score: 70,
            vendor: None,
            vendor_required: false,
        }
    }
}

impl SuggestOptions {
    /// At most three, each with a score of 70 or more.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many for one account or service.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the lowest score.
    #[must_use]
    pub fn with_min_score(mut self, score: u8) -> Self {
        self.min_score = score;
        self
    }

    /// Says whether only products that name the vendor are suggested.
    #[must_use]
    pub fn with_vendor_required(mut self, required: bool) -> Self {
        self.vendor_required = required;
        self
    }

    /// Says how the PSA's products name the vendor.
    #[must_use]
    pub fn with_vendor(mut self, vendor: impl Into<String>) -> Self {
        self.vendor = Some(vendor.into());
        self
    }
}

/// A company that may be the account's. Nothing is stored until a person accepts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AccountSuggestion {
    /// The account.
    pub account: VendorAccountId,
    /// The company.
    pub company: CompanyId,
    /// The company's only eligible agreement; absent when there is none or a choice.
    pub agreement: Option<AgreementId>,
    /// How alike they are, 0 to 100.
    pub score: u8,
    /// Why, in words.
    pub reason: String,
}

impl AccountSuggestion {
    /// Chooses the agreement.
    #[must_use]
    pub fn with_agreement(mut self, agreement: impl Into<AgreementId>) -> Self {
        self.agreement = Some(agreement.into());
        self
    }
}

/// A product that may be the service's. Nothing is stored until a person accepts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServiceSuggestion {
    /// The service.
    pub service: ServiceKey,
    /// The product.
    pub product: ProductId,
    /// How alike they are, 0 to 100.
    pub score: u8,
    /// Why, in words.
    pub reason: String,
}

/// Positions by a normalised text; blank texts are nobody's.
fn positions<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> HashMap<String, Vec<usize>> {
    let mut map: HashMap<String, Vec<usize>> = HashMap::new();
    for (position, text) in texts.enumerate() {
        let key = normalize_name(text.unwrap_or_default());
        if !key.is_empty() {
            map.entry(key).or_default().push(position);
        }
    }
    map
}

/// Keeps the better of two grounds for the same candidate.
fn offer(best: &mut BTreeMap<usize, Similarity>, position: usize, found: Similarity) {
    match best.get(&position) {
        Some(known) if known.score >= found.score => {}
        _ => {
            best.insert(position, found);
        }
    }
}

/// The best candidates, in the order of score and then position.
fn ranked(best: BTreeMap<usize, Similarity>, options: &SuggestOptions) -> Vec<(usize, Similarity)> {
    let mut ranked: Vec<_> = best
        .into_iter()
        .filter(|(_, found)| found.score >= options.min_score)
        .collect();
    ranked.sort_by_key(|(position, found)| (std::cmp::Reverse(found.score), *position));
    ranked.truncate(options.limit);
    ranked
}

/// Names at most this many records of one exact key.
const MANY: usize = 64;

/// Suggests companies for unmapped accounts, by similar names.
///
/// Ordered by account id, then best first. Only eligible companies are suggested.
///
/// # Examples
/// ```
/// use tallyline_core::mapping::{Mapping, SuggestOptions, suggest_accounts};
/// use tallyline_core::model::{Agreement, Company, VendorAccount};
///
/// let suggestions = suggest_accounts(
///     &Mapping::new(),
///     &[VendorAccount::new("A-1", "Contoso Ltd")],
///     &[Company::new("45", "Contoso")],
///     &[Agreement::new("101", "45", "Cloud")],
///     &SuggestOptions::new(),
/// );
/// assert_eq!(suggestions[0].reason, "same name apart from 'Ltd'");
/// assert_eq!(suggestions[0].agreement, Some("101".into()));
/// ```
#[must_use]
pub fn suggest_accounts(
    mapping: &Mapping,
    accounts: &[VendorAccount],
    companies: &[Company],
    agreements: &[Agreement],
    options: &SuggestOptions,
) -> Vec<AccountSuggestion> {
    let accounts: BTreeMap<_, _> = accounts.iter().map(|a| (&a.id, a)).collect();
    let companies: BTreeMap<_, _> = companies
        .iter()
        .filter(|company| company.eligibility.is_eligible())
        .map(|company| (&company.id, company))
        .collect();
    let companies: Vec<&Company> = companies.into_values().collect();
    let agreements = AgreementsOf::new(agreements);
    let held = companies_held(mapping);
    let short_names = positions(companies.iter().map(|c| c.identifier.as_deref()));
    let ids = positions(companies.iter().map(|c| Some(c.id.as_str())));
    let index = NameIndex::new(
        companies
            .iter()
            .map(|company| NameKey::of_company(&company.name))
            .collect(),
    );

    let mut suggestions = Vec::new();
    for account in accounts.values() {
        if mapping.account(&account.id).is_some() {
            continue;
        }
        let key = NameKey::of_company(&account.name);
        let mut best = BTreeMap::new();
        for position in index.candidates(&key) {
            offer(&mut best, position, compare(&key, index.name(position)));
        }
        let named = short_names.get(key.normalized()).into_iter().flatten();
        for position in named.take(MANY) {
            let found = Similarity::new(92, "the account's name is the company's short name");
            offer(&mut best, *position, found);
        }
        let reference = normalize_name(account.company_reference.as_deref().unwrap_or_default());
        for map in [&ids, &short_names] {
            for position in map.get(&reference).into_iter().flatten().take(MANY) {
                let found = Similarity::new(99, "the vendor's record names the company");
                offer(&mut best, *position, found);
            }
        }
        for (position, found) in ranked(best, options) {
            let company = companies[position];
            let mut reason = found.reason;
            if let Some(other) = held.get(&company.id) {
                let other = printable(other.as_str());
                reason.push_str(&format!("; account {other} is linked to it already"));
            }
            suggestions.push(AccountSuggestion {
                account: account.id.clone(),
                company: company.id.clone(),
                agreement: match agreements.choice(&company.id) {
                    Choice::One(agreement) => Some(agreement.id.clone()),
                    Choice::None(_) | Choice::Several(_) => None,
                },
                score: found.score,
                reason,
            });
        }
    }
    suggestions
}

/// Suggests products for unmapped services that can be synced, by SKU and similar names.
///
/// Ordered by service key, then best first. Only eligible products are suggested.
#[must_use]
pub fn suggest_services(
    mapping: &Mapping,
    services: &[Service],
    products: &[Product],
    options: &SuggestOptions,
) -> Vec<ServiceSuggestion> {
    let services: BTreeMap<_, _> = services.iter().map(|s| (&s.key, s)).collect();
    let products: BTreeMap<_, _> = products
        .iter()
        .filter(|product| product.eligibility.is_eligible())
        .filter(|product| is_candidate(product, options.vendor.as_deref(), options.vendor_required))
        .map(|product| (&product.id, product))
        .collect();
    let products: Vec<&Product> = products.into_values().collect();
    let held = products_held(mapping);
    let skus = positions(products.iter().map(|p| p.vendor_sku.as_deref()));
    let codes = positions(products.iter().map(|p| Some(p.identifier.as_str())));
    let index = NameIndex::new(
        products
            .iter()
            .map(|product| NameKey::of_product(&product.name))
            .collect(),
    );

    let mut suggestions = Vec::new();
    for service in services.values() {
        if mapping.service(&service.key).is_some() || service.not_syncable.is_some() {
            continue;
        }
        let key = NameKey::of_product(&service.name);
        let sku = normalize_name(service.key.as_str());
        let mut best = BTreeMap::new();
        for position in index.candidates(&key) {
            offer(&mut best, position, compare(&key, index.name(position)));
        }
        for (map, score, reason) in [
            (&skus, 99, "the product states the vendor's SKU"),
            (&codes, 95, "the product's code is the vendor's SKU"),
        ] {
            for position in map.get(&sku).into_iter().flatten().take(MANY) {
                offer(&mut best, *position, Similarity::new(score, reason));
            }
        }
        for (position, found) in &mut best {
            if let Some(other) = other_vendor(products[*position], options.vendor.as_deref()) {
                found.score = found.score.saturating_sub(15);
                let other = printable(other);
                found
                    .reason
                    .push_str(&format!("; the product is of the vendor {other}"));
            }
        }
        for (position, found) in ranked(best, options) {
            let product = products[position];
            let mut reason = found.reason;
            if let Some(other) = held.get(&product.id) {
                let other = printable(other.as_str());
                reason.push_str(&format!("; service {other} is linked to it already"));
            }
            suggestions.push(ServiceSuggestion {
                service: service.key.clone(),
                product: product.id.clone(),
                score: found.score,
                reason,
            });
        }
    }
    suggestions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{AccountEntry, Directory, Provenance, ServiceEntry};
    use crate::model::Eligibility;

    fn account(id: &str, name: &str) -> VendorAccount {
        VendorAccount::new(id, name)
    }

    #[test]
    fn the_best_come_first_and_weak_ones_not_at_all() {
        let companies = [
            Company::new("1", "Fabrikam Canada"),
            Company::new("2", "Fabrikam, Inc."),
            Company::new("3", "Woodgrove Bank"),
            Company::new("4", "fabrikam").with_eligibility(Eligibility::NotEligible(vec![])),
        ];
        let accounts = [account("A", "Fabrikam")];
        let suggest = |options: &SuggestOptions| {
            let all = suggest_accounts(&Mapping::new(), &accounts, &companies, &[], options);
            all.iter()
                .map(|s| s.company.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(suggest(&SuggestOptions::new()), ["2", "1"]);
        assert_eq!(suggest(&SuggestOptions::new().with_limit(1)), ["2"]);
        assert_eq!(suggest(&SuggestOptions::new().with_min_score(90)), ["2"]);
    }

    #[test]
    fn a_misspelt_beginning_or_end_is_found() {
        let companies = [Company::new("1", "Contoso"), Company::new("2", "Woodgrove")];
        for name in ["Kontoso", "Contosso", "Contosa", "CONTOSO Inc"] {
            let found = suggest_accounts(
                &Mapping::new(),
                &[account("A", name)],
                &companies,
                &[],
                &SuggestOptions::new(),
            );
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].company, "1".into());
        }
    }

    #[test]
    fn decided_accounts_get_no_suggestion() {
        let mut mapping = Mapping::new();
        mapping.exclude_account("A", "Ours.").unwrap();
        let found = suggest_accounts(
            &mapping,
            &[account("A", "Contoso")],
            &[Company::new("1", "Contoso")],
            &[],
            &SuggestOptions::new(),
        );
        assert_eq!(found, []);
    }

    #[test]
    fn accepting_stores_the_link_once_the_agreement_is_chosen() {
        let accounts = [account("A", "Contoso Ltd")];
        let companies = [Company::new("1", "Contoso")];
        let agreements = [
            Agreement::new("11", "1", "a"),
            Agreement::new("12", "1", "b"),
        ];
        let directory = Directory::new(&accounts, &[], &companies, &agreements, &[]);
        let mut mapping = Mapping::new();
        let options = SuggestOptions::new();
        let all = suggest_accounts(&mapping, &accounts, &companies, &agreements, &options);
        let error = mapping.accept_account(&all[0], &directory).unwrap_err();
        assert!(error.message().contains("choose one of company 1"));
        let chosen = all[0].clone().with_agreement("12");
        mapping.accept_account(&chosen, &directory).unwrap();
        let Some(AccountEntry::Link(link)) = mapping.account(&"A".into()) else {
            panic!("not linked");
        };
        assert_eq!(link.provenance, Provenance::AcceptedSuggestion);
        let error = mapping.accept_account(&chosen, &directory).unwrap_err();
        assert!(error.message().contains("decided since"));
    }

    #[test]
    fn a_service_is_suggested_by_sku_code_and_name() {
        let mut by_sku = Product::new("P1", "M365", "Something else");
        by_sku.vendor_sku = Some(" sku-1 ".into());
        by_sku.vendor = Some("Elsewhere".into());
        let products = [
            by_sku,
            Product::new("P2", "SKU-1", "Unlike"),
            Product::new("P3", "X", "Business Premium (monthly)"),
        ];
        let services = [Service::new("SKU-1", "Business Premium")];
        let options = SuggestOptions::new().with_vendor("Sherweb");
        let mut mapping = Mapping::new();
        let found = suggest_services(&mapping, &services, &products, &options);
        let order: Vec<_> = found.iter().map(|s| s.product.as_str()).collect();
        assert_eq!(order, ["P2", "P3", "P1"]);
        assert_eq!(
            found[2].reason,
            "the product states the vendor's SKU; the product is of the vendor Elsewhere"
        );
        let directory = Directory::new(&[], &services, &[], &[], &products);
        mapping.accept_service(&found[0], &directory).unwrap();
        assert!(matches!(
            mapping.service(&"SKU-1".into()),
            Some(ServiceEntry::Link(link)) if link.provenance == Provenance::AcceptedSuggestion
        ));
    }

    #[test]
    fn the_order_of_the_lists_does_not_matter() {
        let mut accounts: Vec<_> = ["Acme Dental", "Acme Bank", "Beta Dental"]
            .iter()
            .enumerate()
            .map(|(n, name)| account(&format!("A{n}"), name))
            .collect();
        let mut companies: Vec<_> = ["Dental Acme", "Acme Banc", "Beta Dentals", "Acme"]
            .iter()
            .enumerate()
            .map(|(n, name)| Company::new(format!("C{n}"), *name))
            .collect();
        let options = SuggestOptions::new();
        let first = suggest_accounts(&Mapping::new(), &accounts, &companies, &[], &options);
        accounts.reverse();
        companies.reverse();
        let second = suggest_accounts(&Mapping::new(), &accounts, &companies, &[], &options);
        assert_eq!(first, second);
        assert!(!first.is_empty());
    }

    #[test]
    fn many_names_are_compared_with_few() {
        let name = |n: usize| format!("Client {:05} of {}", n * 7919 % 100_003, n % 97);
        let accounts: Vec<_> = (0..3000)
            .map(|n| account(&n.to_string(), &name(n)))
            .collect();
        let companies: Vec<_> = (0..3000)
            .map(|n| Company::new(n.to_string(), format!("{} Ltd", name(n))))
            .collect();
        let options = SuggestOptions::new().with_limit(1);
        let found = suggest_accounts(&Mapping::new(), &accounts, &companies, &[], &options);
        assert_eq!(found.len(), 3000);
        assert!(found.iter().all(|s| s.score == 93));
    }
}
