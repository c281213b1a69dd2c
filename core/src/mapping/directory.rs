//! What both sides hold, to check decisions against.

use std::collections::HashMap;

use crate::model::{
    Agreement, AgreementId, Company, CompanyId, Product, ProductId, Service, ServiceKey,
    VendorAccount, VendorAccountId,
};

/// The accounts and services of a source, and the companies, agreements and products of a sink.
///
/// # Examples
/// ```
/// use tallyline_core::mapping::Directory;
/// use tallyline_core::model::{Agreement, Company, VendorAccount};
///
/// let accounts = [VendorAccount::new("A-1", "Contoso")];
/// let companies = [Company::new("45", "Contoso")];
/// let agreements = [Agreement::new("101", "45", "Cloud")];
/// let directory = Directory::new(&accounts, &[], &companies, &agreements, &[]);
/// assert_eq!(directory.company(&"45".into()).map(|c| c.name.as_str()), Some("Contoso"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Directory<'a> {
    accounts: HashMap<&'a VendorAccountId, &'a VendorAccount>,
    services: HashMap<&'a ServiceKey, &'a Service>,
    companies: HashMap<&'a CompanyId, &'a Company>,
    agreements: HashMap<&'a AgreementId, &'a Agreement>,
    products: HashMap<&'a ProductId, &'a Product>,
}

impl<'a> Directory<'a> {
    /// A directory of these lists. Give all of them whole: what is not in them is unknown.
    #[must_use]
    pub fn new(
        accounts: &'a [VendorAccount],
        services: &'a [Service],
        companies: &'a [Company],
        agreements: &'a [Agreement],
        products: &'a [Product],
    ) -> Self {
        Self {
            accounts: accounts.iter().map(|record| (&record.id, record)).collect(),
            services: services
                .iter()
                .map(|record| (&record.key, record))
                .collect(),
            companies: companies
                .iter()
                .map(|record| (&record.id, record))
                .collect(),
            agreements: agreements
                .iter()
                .map(|record| (&record.id, record))
                .collect(),
            products: products.iter().map(|record| (&record.id, record)).collect(),
        }
    }

    /// The account of an id.
    #[must_use]
    pub fn account(&self, id: &VendorAccountId) -> Option<&'a VendorAccount> {
        self.accounts.get(id).copied()
    }

    /// The service of a key.
    #[must_use]
    pub fn service(&self, key: &ServiceKey) -> Option<&'a Service> {
        self.services.get(key).copied()
    }

    /// The company of an id.
    #[must_use]
    pub fn company(&self, id: &CompanyId) -> Option<&'a Company> {
        self.companies.get(id).copied()
    }

    /// The agreement of an id.
    #[must_use]
    pub fn agreement(&self, id: &AgreementId) -> Option<&'a Agreement> {
        self.agreements.get(id).copied()
    }

    /// The product of an id.
    #[must_use]
    pub fn product(&self, id: &ProductId) -> Option<&'a Product> {
        self.products.get(id).copied()
    }

    /// The ids of all accounts, in no order.
    pub(super) fn account_ids(&self) -> impl Iterator<Item = &'a VendorAccountId> {
        self.accounts.keys().copied()
    }

    /// The keys of all services, in no order.
    pub(super) fn service_keys(&self) -> impl Iterator<Item = &'a ServiceKey> {
        self.services.keys().copied()
    }
}

/// The agreements of each company, each once, in the order of their ids.
pub(super) struct AgreementsOf<'a>(HashMap<&'a CompanyId, Vec<&'a Agreement>>);

/// Which agreement the lines of a company can go onto.
pub(super) enum Choice<'a> {
    /// The only eligible one.
    One(&'a Agreement),
    /// None is eligible; these are all there are.
    None(Vec<&'a Agreement>),
    /// A person has to choose.
    Several(Vec<&'a Agreement>),
}

impl<'a> AgreementsOf<'a> {
    pub(super) fn new(agreements: &'a [Agreement]) -> Self {
        let mut of: HashMap<&CompanyId, Vec<&Agreement>> = HashMap::new();
        for agreement in agreements {
            of.entry(&agreement.company).or_default().push(agreement);
        }
        for list in of.values_mut() {
            list.sort_by_key(|agreement| &agreement.id);
            list.dedup_by_key(|agreement| &agreement.id);
        }
        Self(of)
    }

    pub(super) fn choice(&self, company: &CompanyId) -> Choice<'a> {
        let all = self.0.get(company).map(Vec::as_slice).unwrap_or_default();
        let eligible: Vec<_> = all
            .iter()
            .copied()
            .filter(|agreement| agreement.eligibility.is_eligible())
            .collect();
        match eligible.as_slice() {
            [] => Choice::None(all.to_vec()),
            [only] => Choice::One(only),
            _ => Choice::Several(eligible),
        }
    }
}
