//! Products for the services of a vendor, made once each, as a plan. No I/O, no clock.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use super::document::hex;
use super::{
    Action, Block, Change, Guard, Labels, Notice, Plan, PlanContent, PlanKind, Policy, guards,
    intent_id,
};
use crate::error::{Result, printable};
use crate::mapping::Mapping;
use crate::model::{
    AgreementId, CompanyId, Product, ProductId, ReadFailure, Service, ServiceKey, Timestamp,
};
use crate::reconcile::Kind;
use crate::sink::SinkDescriptor;
use crate::source::SourceDescriptor;

/// The longest identifier that is derived.
const LONGEST_IDENTIFIER: usize = 50;

/// The longest name that a product gets.
const LONGEST_NAME: usize = 60;

/// How many digits of its hash stand for what an identifier cannot hold of a key.
const DIGITS: usize = 8;

/// What a plan of products rests on beside the lists.
#[derive(Clone, Copy, Debug)]
pub struct ProductsContext<'a> {
    /// The vendor whose services they are.
    pub source: &'a SourceDescriptor,
    /// The PSA.
    pub sink: &'a SinkDescriptor,
    /// Products that could not be read: any of them may be the one that a service needs.
    pub unread_products: &'a [ReadFailure],
    /// Services that could not be read: they get no product, and keep none of the others from theirs.
    pub unread_services: &'a [ReadFailure],
    /// How long the plan may be carried out.
    pub policy: &'a Policy,
    /// The present instant.
    pub now: Timestamp,
}

/// The identifier of the product of a service: the same for the same key, whatever else there is.
///
/// It is the vendor's system and the key in capitals, with a hyphen for all that is neither a letter nor a
/// digit. Where letters of the key get lost by that, or it is too long, a part of the key's hash stands at
/// its end.
///
/// ```
/// use tallyline_core::plan::product_identifier;
///
/// assert_eq!(product_identifier("hyalto", &"vdc/ram".into()), "HYALTO-VDC-RAM");
/// ```
#[must_use]
pub fn product_identifier(system: &str, service: &ServiceKey) -> String {
    let mut identifier = String::new();
    for c in system.chars().chain(['/']).chain(service.as_str().chars()) {
        if c.is_ascii_alphanumeric() {
            identifier.push(c.to_ascii_uppercase());
        } else if !identifier.ends_with('-') {
            identifier.push('-');
        }
    }
    let kept =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | ':' | '.' | ' ');
    let whole = service.as_str().chars().all(kept) && identifier.len() <= LONGEST_IDENTIFIER;
    if whole {
        return identifier.trim_end_matches('-').to_owned();
    }
    identifier.truncate(LONGEST_IDENTIFIER - DIGITS - 1);
    let hash = hex(&Sha256::digest(service.as_str()), DIGITS).to_ascii_uppercase();
    format!("{}-{hash}", identifier.trim_end_matches('-'))
}

/// Plans a product for each service that nothing is decided about and whose
/// [identifier](product_identifier) no product has.
///
/// A service that is linked or excluded gets none. Where a product has the identifier already, none is
/// planned: one that may be used can be linked (see [`products_to_link`]); one that may not, or several, are
/// notices for a person. What is in doubt is a blocked change: an identifier that two services share, and,
/// as long as one product could not be read, every creation.
///
/// Both lists must be whole; the same lists in any order give the same plan.
///
/// # Errors
/// `Unexpected` when the plan cannot be hashed.
///
/// # Examples
/// ```
/// use tallyline_core::mapping::Mapping;
/// use tallyline_core::model::{Service, Timestamp};
/// use tallyline_core::plan::{Policy, ProductsContext, plan_products};
/// use tallyline_core::sink::{SinkCapabilities, SinkDescriptor};
/// use tallyline_core::source::SourceDescriptor;
///
/// let context = ProductsContext {
///     source: &SourceDescriptor::new("hyalto", "HyAlto"),
///     sink: &SinkDescriptor::new("psa", "PSA", SinkCapabilities::default()),
///     unread_products: &[],
///     unread_services: &[],
///     policy: &Policy::default(),
///     now: Timestamp::EPOCH,
/// };
/// let services = [Service::new("vdc/ram", "virtual data centre: RAM")];
/// let plan = plan_products(&services, &[], &Mapping::new(), &context)?;
/// assert_eq!(
///     plan.changes()[0].action.to_string(),
///     "create the product HYALTO-VDC-RAM (HyAlto virtual data centre: RAM)"
/// );
/// # Ok::<(), tallyline_core::Error>(())
/// ```
pub fn plan_products(
    services: &[Service],
    products: &[Product],
    mapping: &Mapping,
    context: &ProductsContext<'_>,
) -> Result<Plan> {
    let mut found = BTreeMap::new();
    let mut changes = Vec::new();
    let mut notices = Vec::new();
    let catalogue = Catalogue::new(services, products, context);
    for service in catalogue.services.values() {
        let kind = if let Some(entry) = mapping.service(&service.key) {
            match entry {
                crate::mapping::ServiceEntry::Link(_) => Kind::NoChange,
                crate::mapping::ServiceEntry::Exclude(_) => Kind::Excluded,
            }
        } else {
            match catalogue.decide(service) {
                Decision::There(_) => Kind::NoChange,
                Decision::Left(kind, why) => {
                    let mut notice = Notice::new(kind, format!("{}: {why}", service.name));
                    notice.service = Some(service.key.clone());
                    notices.push(notice);
                    kind
                }
                Decision::Create { identifier, doubt } => {
                    changes.push(catalogue.change(service, identifier, doubt)?);
                    Kind::Change
                }
            }
        };
        *found.entry(kind).or_default() += 1;
    }
    let unread = context.unread_services.iter();
    for problem in unread.chain(context.unread_products) {
        let message = format!("a record could not be read: {}", problem.message);
        notices.push(Notice::new(Kind::NotObserved, message));
        *found.entry(Kind::NotObserved).or_default() += 1;
    }
    Plan::new(PlanContent {
        kind: PlanKind::Products,
        source: context.source.system.to_owned(),
        source_tenant: context.source.tenant.clone(),
        sink: context.sink.system.to_owned(),
        sink_tenant: context.sink.tenant.clone(),
        strategy: context.sink.strategy,
        made: context.now,
        origin: None,
        today: context.now.date(),
        data_as_of: None,
        refresh_seconds: None,
        mapping_revision: mapping.revision(),
        policy: context.policy.clone(),
        found,
        unowned_lines: 0,
        bills: Vec::new(),
        changes,
        notices,
    })
}

/// The services that nothing is decided about, each with the one product that has its
/// [identifier](product_identifier) and may be used.
#[must_use]
pub fn products_to_link(
    services: &[Service],
    products: &[Product],
    mapping: &Mapping,
    context: &ProductsContext<'_>,
) -> Vec<(ServiceKey, ProductId)> {
    let catalogue = Catalogue::new(services, products, context);
    let open = catalogue
        .services
        .values()
        .filter(|service| mapping.service(&service.key).is_none());
    open.filter_map(|service| match catalogue.decide(service) {
        Decision::There(product) => Some((service.key.clone(), product)),
        _ => None,
    })
    .collect()
}

/// What is decided about a service.
enum Decision {
    /// A product of its identifier is there, and may be used.
    There(ProductId),
    /// Nothing is planned, and a person should know.
    Left(Kind, String),
    /// A product is made, and what speaks against it.
    Create {
        identifier: String,
        doubt: Option<String>,
    },
}

/// Both sides, by what decides.
struct Catalogue<'a> {
    context: &'a ProductsContext<'a>,
    services: BTreeMap<&'a ServiceKey, &'a Service>,
    /// Products by their identifier as it is compared.
    products: HashMap<String, Vec<&'a Product>>,
    /// How many services have an identifier.
    namesakes: HashMap<String, usize>,
}

impl<'a> Catalogue<'a> {
    fn new(
        services: &'a [Service],
        products: &'a [Product],
        context: &'a ProductsContext<'a>,
    ) -> Self {
        let services: BTreeMap<_, _> = services.iter().map(|it| (&it.key, it)).collect();
        let once: BTreeMap<&ProductId, &Product> = products.iter().map(|it| (&it.id, it)).collect();
        let mut by_identifier: HashMap<String, Vec<&Product>> = HashMap::new();
        for product in once.into_values() {
            let identifier = product.identifier.trim().to_ascii_uppercase();
            by_identifier.entry(identifier).or_default().push(product);
        }
        let mut namesakes = HashMap::new();
        for key in services.keys() {
            let identifier = product_identifier(context.source.system, key);
            *namesakes.entry(identifier).or_default() += 1;
        }
        Self {
            context,
            services,
            products: by_identifier,
            namesakes,
        }
    }

    fn decide(&self, service: &Service) -> Decision {
        let identifier = product_identifier(self.context.source.system, &service.key);
        if let Some(why) = &service.not_syncable {
            return Decision::Left(Kind::NotEligible, why.clone());
        }
        let shared = self.namesakes.get(&identifier).copied();
        let shared = shared.filter(|many| *many > 1).map(|many| {
            format!(
                "{many} services have the identifier {identifier}: make a product for each by hand"
            )
        });
        let having = self.products.get(&identifier).map(Vec::as_slice);
        match (having.unwrap_or_default(), shared) {
            ([], shared) => Decision::Create {
                identifier,
                doubt: shared.or_else(|| self.unread()),
            },
            (_, Some(shared)) => Decision::Left(Kind::Ambiguous, shared),
            ([one], None) if one.eligibility.is_eligible() => Decision::There(one.id.clone()),
            ([one], None) => Decision::Left(
                Kind::NotEligible,
                format!(
                    "product {} has the identifier {identifier} and may not be used: {}",
                    one.id,
                    one.eligibility.reasons().join("; ")
                ),
            ),
            (several, None) => {
                let ids: Vec<&str> = several.iter().map(|it| it.id.as_str()).collect();
                Decision::Left(
                    Kind::Ambiguous,
                    format!(
                        "products {} all have the identifier {identifier}: leave it on one",
                        ids.join(" and ")
                    ),
                )
            }
        }
    }

    fn unread(&self) -> Option<String> {
        let problem = self.context.unread_products.first()?;
        Some(format!(
            "a product could not be read, and may be this one: {}",
            problem.message
        ))
    }

    fn change(
        &self,
        service: &Service,
        identifier: String,
        doubt: Option<String>,
    ) -> Result<Change> {
        let (source, sink) = (self.context.source, self.context.sink);
        let name = printable(&format!("{} {}", source.name, service.name));
        let action = Action::CreateProduct {
            identifier: identifier.clone(),
            name: name.chars().take(LONGEST_NAME).collect(),
            service: service.key.clone(),
        };
        let id = intent_id(&(source.system, sink.system, &action))?;
        let mut change = Change::new(
            id,
            CompanyId::new(""),
            AgreementId::of_product(&identifier),
            identifier.as_str(),
            action,
            self.context.now.date(),
        );
        change.labels = Labels {
            company: String::new(),
            agreement: "catalogue".to_owned(),
            product: identifier.clone(),
        };
        change.reason = printable(&format!(
            "{} has the service {} ({}), and no product of {} has the identifier {identifier}: one is \
             created",
            source.name, service.key, service.name, sink.name
        ));
        change.blocks.extend(doubt.map(|reason| Block {
            guard: Guard::AmbiguousProduct,
            reason: printable(&reason),
        }));
        let unable = guards::unsupported(&change.action, sink);
        change.blocks.extend(unable.map(|reason| Block {
            guard: Guard::Unsupported,
            reason,
        }));
        Ok(change)
    }
}

#[cfg(test)]
mod tests;
