//! What an automatic match did, and why it left things to a person.

use std::fmt;

use serde::Serialize;

use crate::error::printable;
use crate::model::{AgreementId, CompanyId, ProductId, ServiceKey, VendorAccountId};

/// What an automatic match did and what it left to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MatchReport<Id> {
    /// Linked now, in the order of ids.
    pub linked: Vec<Id>,
    /// Matched, but a person has to decide.
    pub undecided: Vec<Undecided<Id>>,
    /// Nothing on the other side is the same.
    pub unmatched: Vec<Id>,
    /// Linked or excluded before, and left alone.
    pub kept: usize,
}

impl<Id> MatchReport<Id> {
    pub(super) fn new() -> Self {
        Self {
            linked: Vec::new(),
            undecided: Vec::new(),
            unmatched: Vec::new(),
            kept: 0,
        }
    }
}

/// Something that a person has to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Undecided<Id> {
    /// The account or service.
    pub id: Id,
    /// Why it was not linked.
    pub reason: UndecidedReason,
}

/// Why something was not linked by itself. `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
#[non_exhaustive]
pub enum UndecidedReason {
    /// Several accounts have the name.
    AccountsShareName {
        /// All of them.
        accounts: Vec<VendorAccountId>,
    },
    /// Several accounts state the same company.
    AccountsShareReference {
        /// The company.
        company: CompanyId,
        /// All of them.
        accounts: Vec<VendorAccountId>,
    },
    /// Several companies have the name.
    CompaniesShareName {
        /// All of them, ineligible ones included.
        companies: Vec<CompanyId>,
    },
    /// The account states one company and has the name of another.
    ReferenceContradictsName {
        /// The company that the account states.
        stated: CompanyId,
        /// The company of the same name.
        named: CompanyId,
    },
    /// The company may not be synced.
    CompanyNotEligible {
        /// The company.
        company: CompanyId,
        /// Why.
        reasons: Vec<String>,
    },
    /// The company is linked to another account already.
    CompanyAlreadyLinked {
        /// The company.
        company: CompanyId,
        /// The other account.
        account: VendorAccountId,
    },
    /// The company has no agreement that may be used.
    NoEligibleAgreement {
        /// The company.
        company: CompanyId,
        /// Its agreements, each with the reasons against it.
        agreements: Vec<(AgreementId, Vec<String>)>,
    },
    /// The company has several agreements that may be used.
    SeveralAgreements {
        /// The company.
        company: CompanyId,
        /// The eligible ones.
        agreements: Vec<AgreementId>,
    },
    /// The account is linked by a field of its record alone, and that is empty.
    NoReference {
        /// The field.
        field: String,
    },
    /// The account is linked by a field of its record alone, and that states a company that the PSA
    /// does not list.
    UnknownReference {
        /// The field.
        field: String,
        /// What it states.
        stated: String,
    },
    /// The service cannot be synced as it is.
    NotSyncable {
        /// Why.
        reason: String,
    },
    /// Several services have the name.
    ServicesShareName {
        /// All of them.
        services: Vec<ServiceKey>,
    },
    /// Several products state the vendor's SKU.
    ProductsShareSku {
        /// All of them, ineligible ones included.
        products: Vec<ProductId>,
    },
    /// Several products have the name.
    ProductsShareName {
        /// All of them, ineligible ones included.
        products: Vec<ProductId>,
    },
    /// The product may not stand on an agreement.
    ProductNotEligible {
        /// The product.
        product: ProductId,
        /// Why.
        reasons: Vec<String>,
    },
    /// The product is linked to another service already.
    ProductAlreadyLinked {
        /// The product.
        product: ProductId,
        /// The other service.
        service: ServiceKey,
    },
    /// The product has the service's name but names another vendor.
    ProductOfAnotherVendor {
        /// The product.
        product: ProductId,
        /// The vendor that it names.
        vendor: String,
    },
    /// The product has the service's name but states another SKU of this vendor.
    ProductOfAnotherSku {
        /// The product.
        product: ProductId,
        /// The SKU that it states.
        sku: String,
    },
}

fn list<T: fmt::Display>(ids: &[T]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| printable(&id.to_string())).collect();
    ids.join(", ")
}

fn reasons(all: &[String]) -> String {
    let all: Vec<String> = all.iter().map(|reason| printable(reason)).collect();
    all.join("; ")
}

impl fmt::Display for UndecidedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::AccountsShareName { accounts } => {
                format!("accounts {} have the same name", list(accounts))
            }
            Self::AccountsShareReference { company, accounts } => {
                format!("accounts {} all state company {company}", list(accounts))
            }
            Self::CompaniesShareName { companies } => {
                format!("companies {} have the same name", list(companies))
            }
            Self::ReferenceContradictsName { stated, named } => {
                format!("the account states company {stated} but has the name of company {named}")
            }
            Self::CompanyNotEligible {
                company,
                reasons: r,
            } => {
                format!("company {company} may not be synced: {}", reasons(r))
            }
            Self::CompanyAlreadyLinked { company, account } => {
                format!("company {company} is linked to account {account} already")
            }
            Self::NoEligibleAgreement {
                company,
                agreements,
            } if agreements.is_empty() => {
                format!("company {company} has no agreement")
            }
            Self::NoEligibleAgreement {
                company,
                agreements,
            } => {
                let each: Vec<String> = agreements
                    .iter()
                    .map(|(id, r)| format!("agreement {id}: {}", reasons(r)))
                    .collect();
                format!(
                    "company {company} has no agreement that may be used ({})",
                    each.join("; ")
                )
            }
            Self::SeveralAgreements {
                company,
                agreements,
            } => format!(
                "company {company} has several agreements that may be used: {}",
                list(agreements)
            ),
            Self::NoReference { field } => format!(
                "the vendor's record has no {field}, and the account is linked by that alone: enter \
                 the company's id there"
            ),
            Self::UnknownReference { field, stated } => format!(
                "the {field} of the vendor's record states company {stated}, which the PSA does not list"
            ),
            Self::NotSyncable { reason } => format!("it cannot be synced: {reason}"),
            Self::ServicesShareName { services } => {
                format!("services {} have the same name", list(services))
            }
            Self::ProductsShareSku { products } => {
                format!("products {} state the same vendor SKU", list(products))
            }
            Self::ProductsShareName { products } => {
                format!("products {} have the same name", list(products))
            }
            Self::ProductNotEligible {
                product,
                reasons: r,
            } => {
                format!(
                    "product {product} may not stand on an agreement: {}",
                    reasons(r)
                )
            }
            Self::ProductAlreadyLinked { product, service } => {
                format!("product {product} is linked to service {service} already")
            }
            Self::ProductOfAnotherVendor { product, vendor } => {
                format!("product {product} has the name but is of the vendor {vendor}")
            }
            Self::ProductOfAnotherSku { product, sku } => {
                format!("product {product} has the name but states the vendor's SKU {sku}")
            }
        };
        f.pad(&printable(&text))
    }
}
