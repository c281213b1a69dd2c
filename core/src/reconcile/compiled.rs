//! The mapping turned into tables for one reconcile: every look-up by hash, once per line.

use super::book::{Map, PsaBook, index};
use super::index::TextIndex;
use super::own::Home;
use super::share::{all_cores, shared};
use crate::mapping::{AccountEntry, BilledAs, LineTarget, Mapping, ProductRule, ServiceEntry};
use crate::model::{AgreementId, ChargeKind, CompanyId, ProductId, ServiceKey, VendorAccountId};

/// What the mapping says of an account.
#[derive(Clone, Copy, Debug)]
pub(super) enum AccountRoute<'a> {
    /// Its lines go onto the agreement at this position.
    To(u32),
    /// Each of its subscriptions, or services, goes onto an agreement of its own.
    Own(Home<'a>),
    /// It is linked, but switched off; the agreement, where it is known.
    Off(Option<u32>),
    /// It is linked to agreements of its own, but switched off.
    OwnOff(Home<'a>),
    /// It is linked to child agreements under a master that can have none.
    Unfit(Home<'a>),
    /// It is linked to an agreement that the PSA does not list.
    Lost(&'a AgreementId),
    /// It is linked to agreements of its own at a company that the PSA does not list.
    LostCompany(&'a CompanyId),
    /// It is excluded, with the reason.
    Excluded(Option<&'a str>),
}

/// What the mapping says of a service.
#[derive(Clone, Debug)]
pub(super) struct ServiceRoute<'a> {
    pub(super) key: &'a ServiceKey,
    pub(super) decision: Decision<'a>,
}

#[derive(Clone, Debug)]
pub(super) enum Decision<'a> {
    Linked {
        products: Vec<ProductRoute<'a>>,
        counts: ChargeKind,
        billed_as: BilledAs,
        enabled: bool,
        /// The rules of all products, where one of them needs more than the sum.
        by_rules: Option<&'a [ProductRule]>,
    },
    Excluded(Option<&'a str>),
}

/// One product of a service: its number in [`Routes::products`] and the rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProductRoute<'a> {
    pub(super) product: u32,
    pub(super) rule: &'a ProductRule,
}

/// A product that some link owns.
#[derive(Clone, Debug)]
pub(super) struct OwnedProduct<'a> {
    pub(super) id: &'a ProductId,
    /// Its position in the book, where the PSA lists it.
    pub(super) position: Option<u32>,
    /// Kinds that the switched-on links count; empty when all are switched off, or for charges.
    pub(super) counted: Vec<ChargeKind>,
}

/// What every row asks of a product, packed to stay at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProductFacts {
    /// Whether switched-on links own its lines.
    pub(super) is_owned: bool,
    /// Whether the PSA lists it, and it may stand on agreements.
    pub(super) is_eligible: bool,
}

/// A service whose quantity is that of one product as it is, packed to stay at hand: most are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    pub(super) product: u32,
    /// Which lines become the product's; none where they become charges.
    pub(super) counts: Option<ChargeKind>,
    pub(super) enabled: bool,
    /// Whether the cost per unit is the product's.
    pub(super) carries_cost: bool,
}

impl OwnedProduct<'_> {
    fn facts(&self, book: &PsaBook) -> ProductFacts {
        let listed = self.position.and_then(|at| book.product_at(at));
        ProductFacts {
            is_owned: !self.counted.is_empty(),
            is_eligible: listed.is_some_and(|product| product.eligibility.is_eligible()),
        }
    }
}

impl Decision<'_> {
    fn plain(&self) -> Option<Plain> {
        let Decision::Linked {
            products,
            counts,
            billed_as,
            enabled,
            by_rules: None,
        } = self
        else {
            return None;
        };
        let [ProductRoute { product, rule }] = products.as_slice() else {
            return None;
        };
        rule.is_one_to_one().then_some(Plain {
            product: *product,
            counts: (billed_as.charges(*counts, *counts) == Some(false)).then_some(*counts),
            enabled: *enabled,
            carries_cost: rule.carries_cost,
        })
    }
}

/// The company and agreement of an account whose metadata go into its note.
type MetadataRoute<'a> = (&'a CompanyId, &'a AgreementId);

/// All routes of a mapping through a book.
#[derive(Debug)]
pub(super) struct Routes<'a> {
    /// In the order of their ids.
    pub(super) accounts: Vec<(&'a VendorAccountId, AccountRoute<'a>)>,
    account_index: TextIndex,
    /// In the order of their keys.
    pub(super) services: Vec<ServiceRoute<'a>>,
    service_index: TextIndex,
    /// The services that are counted by day, in the order of their keys.
    pub(super) counted_by_day: Vec<u32>,
    /// In the order of their ids.
    pub(super) products: Vec<OwnedProduct<'a>>,
    product_index: TextIndex,
    /// The company and agreement of accounts whose metadata go into its note.
    pub(super) metadata: Map<&'a str, MetadataRoute<'a>>,
    /// By product.
    pub(super) facts: Vec<ProductFacts>,
    /// By service; nothing for those with other rules.
    pub(super) plain: Vec<Option<Plain>>,
}

impl<'a> Routes<'a> {
    pub(super) fn new(mapping: &'a Mapping, book: &'a PsaBook) -> Self {
        let products = owned_products(mapping, book);
        let services: Vec<_> = mapping
            .services()
            .map(|(key, entry)| ServiceRoute {
                key,
                decision: decision(entry, &products),
            })
            .collect();
        let counted_by_day = (0..)
            .zip(mapping.services())
            .filter(|(_, (_, entry))| {
                matches!(entry, ServiceEntry::Link(link) if link.is_counted_by_day())
            })
            .map(|(at, _)| at)
            .collect();
        let (accounts, account_index, metadata) = account_routes(mapping, book);
        Self {
            counted_by_day,
            account_index,
            accounts,
            facts: products.iter().map(|product| product.facts(book)).collect(),
            plain: services
                .iter()
                .map(|service| service.decision.plain())
                .collect(),
            service_index: TextIndex::of(&services, |service| service.key.as_str()).0,
            services,
            product_index: TextIndex::of(&products, |product| product.id.as_str()).0,
            products,
            metadata,
        }
    }

    /// The position of an account among those that something is decided about.
    pub(super) fn account(&self, id: &VendorAccountId) -> Option<u32> {
        let text_at = |at: u32| Some(self.accounts.get(at as usize)?.0.as_str());
        self.account_index.find(id.as_str(), text_at)
    }

    pub(super) fn account_at(&self, position: u32) -> AccountRoute<'a> {
        self.accounts[position as usize].1
    }

    /// Whether a service is linked, and switched on.
    pub(super) fn is_billed(&self, key: &ServiceKey) -> bool {
        let at = self.service(key);
        at.is_some_and(|at| {
            let decision = &self.services[at as usize].decision;
            matches!(decision, Decision::Linked { enabled: true, .. })
        })
    }

    /// The position of a service among those that something is decided about.
    pub(super) fn service(&self, key: &ServiceKey) -> Option<u32> {
        let text_at = |at: u32| Some(self.services.get(at as usize)?.key.as_str());
        self.service_index.find(key.as_str(), text_at)
    }

    /// The position of a product among those that some link owns.
    pub(super) fn product(&self, id: &ProductId) -> Option<u32> {
        let text_at = |at: u32| Some(self.products.get(at as usize)?.id.as_str());
        self.product_index.find(id.as_str(), text_at)
    }
}

/// The fewest accounts for which a thread is worth it.
const FEW: usize = 1 << 12;

/// The routes of all accounts in the order of their ids, their positions, and where their metadata go.
fn account_routes<'a>(
    mapping: &'a Mapping,
    book: &PsaBook,
) -> (
    Vec<(&'a VendorAccountId, AccountRoute<'a>)>,
    TextIndex,
    Map<&'a str, MetadataRoute<'a>>,
) {
    let entries: Vec<_> = mapping.accounts().collect();
    let mut places = TextIndex::with_room(entries.len());
    let threads = all_cores();
    let share = entries.len().div_ceil(threads.get() * 4).max(FEW);
    let found = shared(threads, entries.chunks(share).collect(), |entries| {
        let mut hashes = Vec::with_capacity(entries.len());
        let mut metadata = Vec::new();
        let routes = entries.iter().map(|(id, entry)| {
            hashes.push(places.hash(id.as_str()));
            metadata.extend(metadata_route((*id, *entry)));
            (*id, account_route(entry, book))
        });
        let routes: Vec<_> = routes.collect();
        (routes, hashes, metadata)
    });
    let mut accounts = Vec::with_capacity(entries.len());
    let mut metadata_routes = Map::default();
    for (routes, hashes, metadata) in found {
        for (at, hash) in (accounts.len()..).zip(hashes) {
            // The ids of a mapping are all different.
            places.insert(hash, index(at), |_| false);
        }
        accounts.extend(routes);
        metadata_routes.extend(metadata);
    }
    (accounts, places, metadata_routes)
}

fn metadata_route<'a>(
    (id, entry): (&'a VendorAccountId, &'a AccountEntry),
) -> Option<(&'a str, MetadataRoute<'a>)> {
    let AccountEntry::Link(link) = entry else {
        return None;
    };
    let agreement = link.metadata_to.as_ref().filter(|_| link.enabled)?;
    Some((id.as_str(), (&link.company, agreement)))
}

fn account_route<'a>(entry: &'a AccountEntry, book: &PsaBook) -> AccountRoute<'a> {
    match entry {
        AccountEntry::Exclude(exclusion) => AccountRoute::Excluded(exclusion.reason.as_deref()),
        AccountEntry::Link(link) => match (&link.target, link.enabled) {
            (LineTarget::Agreement(agreement), enabled) => {
                match (book.agreement_position(agreement), enabled) {
                    (position, false) => AccountRoute::Off(position),
                    (Some(position), true) => AccountRoute::To(position),
                    (None, true) => AccountRoute::Lost(agreement),
                }
            }
            (LineTarget::PerService, enabled) => own_route(&link.company, None, enabled, book),
            (LineTarget::Bundled { master }, enabled) => match book.agreement_position(master) {
                None if enabled => AccountRoute::Lost(master),
                None => AccountRoute::Off(None),
                position => own_route(&link.company, position, enabled, book),
            },
        },
    }
}

fn own_route<'a>(
    company: &'a CompanyId,
    master: Option<u32>,
    enabled: bool,
    book: &PsaBook,
) -> AccountRoute<'a> {
    let home = Home { company, master };
    if !enabled {
        AccountRoute::OwnOff(home)
    } else if book.company(company).is_none() {
        AccountRoute::LostCompany(company)
    } else if home.unfit(book).is_some() {
        AccountRoute::Unfit(home)
    } else {
        AccountRoute::Own(home)
    }
}

/// What the mapping says of a service. The owned products are in the order of their ids.
fn decision<'a>(entry: &'a ServiceEntry, owned: &[OwnedProduct<'_>]) -> Decision<'a> {
    match entry {
        ServiceEntry::Exclude(exclusion) => Decision::Excluded(exclusion.reason.as_deref()),
        ServiceEntry::Link(link) => Decision::Linked {
            products: link
                .products
                .iter()
                .filter_map(|rule| {
                    let place = owned.binary_search_by_key(&&rule.product, |owned| owned.id);
                    let product = index(place.ok()?);
                    Some(ProductRoute { product, rule })
                })
                .collect(),
            counts: link.counts,
            billed_as: link.billed_as,
            enabled: link.enabled,
            by_rules: needs_more(&link.products).then_some(link.products.as_slice()),
        },
    }
}

fn needs_more(rules: &[ProductRule]) -> bool {
    rules
        .iter()
        .any(|rule| rule.part.is_some() || rule.daily.is_some())
}

fn owned_products<'a>(mapping: &'a Mapping, book: &PsaBook) -> Vec<OwnedProduct<'a>> {
    let mut owned = std::collections::BTreeMap::new();
    for (_, entry) in mapping.services() {
        let ServiceEntry::Link(link) = entry else {
            continue;
        };
        for rule in &link.products {
            let product = owned.entry(&rule.product).or_insert_with(|| OwnedProduct {
                id: &rule.product,
                position: book.product_position(&rule.product),
                counted: Vec::new(),
            });
            // A charge owns no line.
            let owns = link.enabled && link.billed_as.has_line();
            if owns && !product.counted.contains(&link.counts) {
                product.counted.push(link.counts);
            }
        }
    }
    owned.into_values().collect()
}
