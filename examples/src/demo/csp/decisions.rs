//! The mapping step: companies by what the vendor's record states, contracts one for each subscription.

use tallyline_core::Result;
use tallyline_core::flow::Lists;
use tallyline_core::mapping::{
    Mapping, MatchOptions, MatchReport, ProductRule, auto_link_accounts_per_service,
    auto_link_services,
};
use tallyline_core::model::{ChargeKind, ServiceKey, VendorAccountId};

use super::super::telling::section;
use crate::output::{count, safe, wrapped};

/// How the product is called that consumption is charged under.
const CONSUMPTION: &str = "Azure plan";

/// The mapping, and how it came about.
pub(super) struct Decisions {
    /// The mapping.
    pub(super) mapping: Mapping,
    /// What ids and exact names said about accounts.
    pub(super) accounts: MatchReport<VendorAccountId>,
    services: MatchReport<ServiceKey>,
    by_hand: Vec<String>,
}

/// Decides that consumption becomes charges, where there is any, and lets ids, names and SKUs do the rest.
pub(super) fn decide(lists: &Lists) -> Result<Decisions> {
    let known = lists.directory();
    let mut mapping = Mapping::new();
    let consumed = lists.services.iter().find(|service| {
        service.key.as_str().starts_with("service:") || service.key.as_str() == "AZURE-PLAN"
    });
    let product = lists
        .products
        .iter()
        .find(|product| product.name == CONSUMPTION);
    let mut by_hand = Vec::new();
    if let (Some(consumed), Some(product)) = (consumed, product) {
        mapping.link_service_as_charges(
            consumed.key.clone(),
            vec![ProductRule::one_to_one(product.id.clone())],
            ChargeKind::Usage,
            &known,
        )?;
        by_hand.push(format!(
            "{}: one charge for each bill, as {}",
            safe(&consumed.name),
            safe(&product.name)
        ));
    }
    let accounts = auto_link_accounts_per_service(&mut mapping, &lists.accounts, &lists.companies);
    let options = MatchOptions::new();
    let services = auto_link_services(&mut mapping, &lists.services, &lists.products, &options);
    Ok(Decisions {
        mapping,
        accounts,
        services,
        by_hand,
    })
}

impl Decisions {
    /// The step in words.
    pub(super) fn text(&self, lists: &Lists) -> String {
        let known = lists.directory();
        let stated = lists.accounts.iter().any(|it| it.reference_field.is_some());
        let how = if stated {
            "the vendor's record names the company by its id"
        } else {
            "the name is the same, letter for letter, and unique on both sides"
        };
        let linked = count(self.accounts.linked.len(), "client is", "clients are");
        let articles = count(self.services.linked.len(), "article is", "articles are");
        let mut out = wrapped(
            "",
            0,
            &format!(
                "{linked} linked: {how}. Each of their subscriptions has a contract of its own, \
                 found by the subscription's number."
            ),
        );
        out.push_str(&wrapped(
            "",
            0,
            &format!(
                "{articles} linked: the service in the PSA carries the vendor's article number."
            ),
        ));
        let mut section = |heading, items| out.push_str(&section(heading, items));
        section(
            "Decided by a person (here: by the demo):",
            self.by_hand.clone(),
        );
        let skipped = self.accounts.undecided.iter().map(|undecided| {
            let account = known.account(&undecided.id);
            let name = account.map_or(undecided.id.as_str(), |account| &account.name);
            format!("{}: {}", safe(name), safe(&undecided.reason.to_string()))
        });
        section(
            "Skipped, until somebody says which company it is:",
            skipped.collect(),
        );
        out
    }
}
