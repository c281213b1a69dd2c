//! Automatic links: the same character for character, and unique on both sides.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::directory::{AgreementsOf, Choice};
use super::{
    AccountEntry, AccountLink, BilledAs, LineTarget, Mapping, MatchReport, ProductRule, Provenance,
    ServiceEntry, ServiceLink, Undecided, UndecidedReason,
};
use crate::model::{
    Agreement, ChargeKind, Company, CompanyId, Product, ProductId, Service, ServiceKey,
    VendorAccount, VendorAccountId,
};

/// What is known about the source beyond its lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MatchOptions {
    /// The vendor as the PSA's products name it. When given, a SKU counts only on a product
    /// that names this vendor (trimmed, in any case).
    pub vendor: Option<String>,
    /// Whether only products that name this vendor may be linked by their name as well.
    pub vendor_required: bool,
}

impl MatchOptions {
    /// No vendor given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how the PSA's products name the vendor.
    #[must_use]
    pub fn with_vendor(mut self, vendor: impl Into<String>) -> Self {
        self.vendor = Some(vendor.into());
        self
    }

    /// Says whether only products that name the vendor may be linked at all.
    #[must_use]
    pub fn with_vendor_required(mut self, required: bool) -> Self {
        self.vendor_required = required;
        self
    }
}

/// Each record once, in the order of ids.
fn by_id<'a, T, Id: Ord>(
    records: &'a [T],
    id: impl Fn(&'a T) -> &'a Id,
) -> BTreeMap<&'a Id, &'a T> {
    records.iter().map(|record| (id(record), record)).collect()
}

/// Records by a text that they have; blank texts are nobody's.
fn by_text<'a, T>(
    records: impl Iterator<Item = &'a T>,
    text: impl Fn(&'a T) -> Option<&'a str>,
) -> HashMap<&'a str, Vec<&'a T>> {
    let mut map: HashMap<&str, Vec<&T>> = HashMap::new();
    for record in records {
        if let Some(text) = text(record).filter(|text| !text.trim().is_empty()) {
            map.entry(text).or_default().push(record);
        }
    }
    map
}

fn found<'m, 'a, T>(map: &'m HashMap<&'a str, Vec<&'a T>>, text: &str) -> &'m [&'a T] {
    map.get(text).map(Vec::as_slice).unwrap_or_default()
}

/// Who holds a target already, the first in the order of ids.
fn first_holder<T: Eq + Hash, Id: Clone>(pairs: impl Iterator<Item = (T, Id)>) -> HashMap<T, Id> {
    let mut held = HashMap::new();
    for (target, id) in pairs {
        held.entry(target).or_insert(id);
    }
    held
}

pub(super) fn companies_held(mapping: &Mapping) -> HashMap<CompanyId, VendorAccountId> {
    first_holder(mapping.accounts().filter_map(|(id, entry)| match entry {
        AccountEntry::Link(link) => Some((link.company.clone(), id.clone())),
        AccountEntry::Exclude(_) => None,
    }))
}

pub(super) fn products_held(mapping: &Mapping) -> HashMap<ProductId, ServiceKey> {
    first_holder(mapping.services().flat_map(|(key, entry)| {
        let rules = match entry {
            ServiceEntry::Link(link) => link.products.as_slice(),
            ServiceEntry::Exclude(_) => &[],
        };
        rules.iter().map(|rule| (rule.product.clone(), key.clone()))
    }))
}

/// Links unmapped accounts whose company is beyond doubt.
///
/// An account is linked when its record states the id of a company, or else when its name and
/// a company's are the same character for character; when no other account and no other
/// company shares that id or name; when no other account is linked to the company; and when
/// the company is eligible and has exactly one eligible agreement. An account that names a
/// `reference_field` is linked by the id that its record states and never by its name. What falls
/// short of that by a decision is reported with the reason. Linked and excluded accounts are never
/// touched.
///
/// # Examples
/// ```
/// use tallyline_core::mapping::{Mapping, auto_link_accounts};
/// use tallyline_core::model::{Agreement, Company, VendorAccount};
///
/// let mut mapping = Mapping::new();
/// let report = auto_link_accounts(
///     &mut mapping,
///     &[VendorAccount::new("A-1", "Contoso"), VendorAccount::new("A-2", "contoso")],
///     &[Company::new("45", "Contoso")],
///     &[Agreement::new("101", "45", "Cloud")],
/// );
/// assert_eq!(report.linked, ["A-1".into()]);
/// assert_eq!(report.unmatched, ["A-2".into()]);
/// ```
pub fn auto_link_accounts(
    mapping: &mut Mapping,
    accounts: &[VendorAccount],
    companies: &[Company],
    agreements: &[Agreement],
) -> MatchReport<VendorAccountId> {
    let agreements = AgreementsOf::new(agreements);
    link_accounts(mapping, accounts, companies, |company| {
        let id = &company.id;
        match agreements.choice(id) {
            Choice::One(agreement) => Ok(LineTarget::Agreement(agreement.id.clone())),
            Choice::None(all) => Err(UndecidedReason::NoEligibleAgreement {
                company: id.clone(),
                agreements: all
                    .iter()
                    .map(|a| (a.id.clone(), a.eligibility.reasons().to_vec()))
                    .collect(),
            }),
            Choice::Several(all) => Err(UndecidedReason::SeveralAgreements {
                company: id.clone(),
                agreements: all.iter().map(|a| a.id.clone()).collect(),
            }),
        }
    })
}

/// Links unmapped accounts whose company is beyond doubt, each of their subscriptions onto an
/// agreement of its own.
///
/// As [`auto_link_accounts`], but for the company's agreements: none is chosen.
pub fn auto_link_accounts_per_service(
    mapping: &mut Mapping,
    accounts: &[VendorAccount],
    companies: &[Company],
) -> MatchReport<VendorAccountId> {
    link_accounts(mapping, accounts, companies, |_| Ok(LineTarget::PerService))
}

fn link_accounts(
    mapping: &mut Mapping,
    accounts: &[VendorAccount],
    companies: &[Company],
    target_at: impl Fn(&Company) -> Result<LineTarget, UndecidedReason>,
) -> MatchReport<VendorAccountId> {
    let accounts = by_id(accounts, |account| &account.id);
    let companies = by_id(companies, |company| &company.id);
    let same_name = by_text(accounts.values().copied(), |a| Some(a.name.as_str()));
    let same_reference = by_text(accounts.values().copied(), |a| {
        a.company_reference.as_deref()
    });
    let named = by_text(companies.values().copied(), |c| Some(c.name.as_str()));
    let held = companies_held(mapping);

    // Only these decide, so that the outcome does not depend on the order of accounts.
    let company_of = |account: &VendorAccount| -> Option<Result<&Company, UndecidedReason>> {
        let namesakes = found(&named, &account.name);
        let stated = account
            .company_reference
            .as_deref()
            .and_then(|id| companies.get(&CompanyId::new(id)).copied());
        if let Some(stated) = stated {
            let sharing = found(&same_reference, stated.id.as_str());
            if sharing.len() > 1 {
                return Some(Err(UndecidedReason::AccountsShareReference {
                    company: stated.id.clone(),
                    accounts: sharing.iter().map(|a| a.id.clone()).collect(),
                }));
            }
            return match namesakes.first() {
                Some(other) if namesakes.iter().all(|company| company.id != stated.id) => {
                    Some(Err(UndecidedReason::ReferenceContradictsName {
                        stated: stated.id.clone(),
                        named: other.id.clone(),
                    }))
                }
                _ => Some(Ok(stated)),
            };
        }
        if let Some(field) = &account.reference_field {
            let field = field.clone();
            return Some(Err(match &account.company_reference {
                None => UndecidedReason::NoReference { field },
                Some(stated) => UndecidedReason::UnknownReference {
                    field,
                    stated: stated.clone(),
                },
            }));
        }
        let sharing = found(&same_name, &account.name);
        match namesakes {
            [] => None,
            _ if sharing.len() > 1 => Some(Err(UndecidedReason::AccountsShareName {
                accounts: sharing.iter().map(|a| a.id.clone()).collect(),
            })),
            [only] => Some(Ok(only)),
            several => Some(Err(UndecidedReason::CompaniesShareName {
                companies: several.iter().map(|c| c.id.clone()).collect(),
            })),
        }
    };
    let target_of = |company: &Company| -> Result<LineTarget, UndecidedReason> {
        let id = &company.id;
        if !company.eligibility.is_eligible() {
            return Err(UndecidedReason::CompanyNotEligible {
                company: id.clone(),
                reasons: company.eligibility.reasons().to_vec(),
            });
        }
        if let Some(account) = held.get(id) {
            return Err(UndecidedReason::CompanyAlreadyLinked {
                company: id.clone(),
                account: account.clone(),
            });
        }
        target_at(company)
    };

    let mut report = MatchReport::new();
    let mut chosen: BTreeMap<&CompanyId, Vec<(&VendorAccount, LineTarget)>> = BTreeMap::new();
    for account in accounts.values() {
        if mapping.account(&account.id).is_some() {
            report.kept += 1;
            continue;
        }
        let Some(company) = company_of(account) else {
            report.unmatched.push(account.id.clone());
            continue;
        };
        match company.and_then(|company| Ok((company, target_of(company)?))) {
            Ok((company, target)) => {
                chosen
                    .entry(&company.id)
                    .or_default()
                    .push((account, target));
            }
            Err(reason) => report.undecided.push(Undecided {
                id: account.id.clone(),
                reason,
            }),
        }
    }
    for (company, pairs) in chosen {
        // One account by its reference and another by its name: not unique either.
        let [(account, target)] = pairs.as_slice() else {
            let ids: Vec<_> = pairs.iter().map(|(a, _)| a.id.clone()).collect();
            report.undecided.extend(ids.iter().map(|id| Undecided {
                id: id.clone(),
                reason: UndecidedReason::AccountsShareReference {
                    company: company.clone(),
                    accounts: ids.clone(),
                },
            }));
            continue;
        };
        mapping.set_account(
            account.id.clone(),
            AccountEntry::Link(AccountLink {
                company: company.clone(),
                target: target.clone(),
                metadata_to: None,
                enabled: true,
                provenance: Provenance::Exact,
                note: None,
                tags: BTreeSet::new(),
            }),
        );
        report.linked.push(account.id.clone());
    }
    report.linked.sort();
    report.undecided.sort_by(|a, b| a.id.cmp(&b.id));
    report
}

/// Whether a product names this vendor, trimmed and in any case.
pub(super) fn names_vendor(product: &Product, vendor: &str) -> bool {
    let fold = |text: &str| text.trim().to_lowercase();
    product
        .vendor
        .as_deref()
        .is_some_and(|named| fold(named) == fold(vendor))
}

/// Whether a product may be offered for a vendor's services.
pub(super) fn is_candidate(product: &Product, vendor: Option<&str>, required: bool) -> bool {
    !required || vendor.is_none_or(|vendor| names_vendor(product, vendor))
}

/// The vendor that a product names, where it is another one.
pub(super) fn other_vendor<'a>(product: &'a Product, vendor: Option<&str>) -> Option<&'a str> {
    let named = product.vendor.as_deref().filter(|v| !v.trim().is_empty())?;
    vendor
        .is_some_and(|vendor| !names_vendor(product, vendor))
        .then_some(named)
}

/// Links unmapped services whose product is beyond doubt.
///
/// A service is linked one to one when its key is the vendor SKU of exactly one product (of
/// the vendor in the options, when given), or else when its name and a product's are the same
/// character for character and unique on both sides; and when the product is eligible and in
/// no other service's link. A service that cannot be synced is left with its reason. Linked
/// and excluded services are never touched.
pub fn auto_link_services(
    mapping: &mut Mapping,
    services: &[Service],
    products: &[Product],
    options: &MatchOptions,
) -> MatchReport<ServiceKey> {
    let vendor = options.vendor.as_deref();
    let services = by_id(services, |service| &service.key);
    let mut products = by_id(products, |product| &product.id);
    products.retain(|_, product| is_candidate(product, vendor, options.vendor_required));
    let same_name = by_text(services.values().copied(), |s| Some(s.name.as_str()));
    let named = by_text(products.values().copied(), |p| Some(p.name.as_str()));
    let of_vendor = products
        .values()
        .copied()
        .filter(|product| vendor.is_none_or(|vendor| names_vendor(product, vendor)));
    let with_sku = by_text(of_vendor, |product| product.vendor_sku.as_deref());
    let held = products_held(mapping);

    let ids = |list: &[&Product]| -> Vec<ProductId> { list.iter().map(|p| p.id.clone()).collect() };
    let product_of = |service: &Service| -> Option<Result<&Product, UndecidedReason>> {
        match found(&with_sku, service.key.as_str()) {
            [] => {}
            [only] => return Some(Ok(only)),
            several => {
                return Some(Err(UndecidedReason::ProductsShareSku {
                    products: ids(several),
                }));
            }
        }
        let sharing = found(&same_name, &service.name);
        let product = match found(&named, &service.name) {
            [] => return None,
            _ if sharing.len() > 1 => {
                return Some(Err(UndecidedReason::ServicesShareName {
                    services: sharing.iter().map(|s| s.key.clone()).collect(),
                }));
            }
            [only] => *only,
            several => {
                return Some(Err(UndecidedReason::ProductsShareName {
                    products: ids(several),
                }));
            }
        };
        if let Some(named) = other_vendor(product, vendor) {
            return Some(Err(UndecidedReason::ProductOfAnotherVendor {
                product: product.id.clone(),
                vendor: named.to_owned(),
            }));
        }
        let sku = product
            .vendor_sku
            .as_deref()
            .filter(|sku| !sku.trim().is_empty());
        if let (Some(sku), Some(vendor)) = (sku, vendor)
            && names_vendor(product, vendor)
        {
            return Some(Err(UndecidedReason::ProductOfAnotherSku {
                product: product.id.clone(),
                sku: sku.to_owned(),
            }));
        }
        Some(Ok(product))
    };
    let usable = |product: &Product| -> Result<(), UndecidedReason> {
        if !product.eligibility.is_eligible() {
            return Err(UndecidedReason::ProductNotEligible {
                product: product.id.clone(),
                reasons: product.eligibility.reasons().to_vec(),
            });
        }
        match held.get(&product.id) {
            None => Ok(()),
            Some(service) => Err(UndecidedReason::ProductAlreadyLinked {
                product: product.id.clone(),
                service: service.clone(),
            }),
        }
    };

    let mut report = MatchReport::new();
    let mut chosen: BTreeMap<&ProductId, Vec<&Service>> = BTreeMap::new();
    for service in services.values() {
        if mapping.service(&service.key).is_some() {
            report.kept += 1;
            continue;
        }
        let decided = match &service.not_syncable {
            Some(reason) => Some(Err(UndecidedReason::NotSyncable {
                reason: reason.clone(),
            })),
            None => product_of(service),
        };
        let Some(product) = decided else {
            report.unmatched.push(service.key.clone());
            continue;
        };
        match product.and_then(|product| usable(product).map(|()| product)) {
            Ok(product) => chosen.entry(&product.id).or_default().push(service),
            Err(reason) => report.undecided.push(Undecided {
                id: service.key.clone(),
                reason,
            }),
        }
    }
    for (product, matched) in chosen {
        // One by SKU and another by name: the SKU is the vendor's own word and wins.
        let by_sku = matched
            .iter()
            .copied()
            .find(|service| found(&with_sku, service.key.as_str()).len() == 1);
        let Some(winner) = by_sku.or(matched.first().copied()) else {
            continue;
        };
        mapping.set_service(
            winner.key.clone(),
            ServiceEntry::Link(ServiceLink {
                products: vec![ProductRule::one_to_one(product.clone())],
                counts: ChargeKind::Recurring,
                billed_as: BilledAs::Line,
                enabled: true,
                provenance: Provenance::Exact,
                note: None,
                tags: BTreeSet::new(),
            }),
        );
        report.linked.push(winner.key.clone());
        for other in matched.iter().filter(|service| service.key != winner.key) {
            report.undecided.push(Undecided {
                id: other.key.clone(),
                reason: UndecidedReason::ProductAlreadyLinked {
                    product: product.clone(),
                    service: winner.key.clone(),
                },
            });
        }
    }
    report.linked.sort();
    report.undecided.sort_by(|a, b| a.id.cmp(&b.id));
    report
}

#[cfg(test)]
mod tests;
