//! The mapping step: what names alone decide, what a person decides, and what is left open.

use tallyline_core::Result;
use tallyline_core::flow::Lists;
use tallyline_core::mapping::{
    AccountSuggestion, Mapping, MatchOptions, MatchReport, ProductRule, Ratio, Rounding,
    SuggestOptions, auto_link_accounts, auto_link_services, suggest_accounts,
};
use tallyline_core::model::{ChargeKind, Quantity, ServiceKey, VendorAccountId};
use tallyline_testkit::book::{Book, ServiceRule};

use super::telling::section;
use crate::output::{count, safe};

/// The mapping, and how it came about.
pub(super) struct Decisions {
    /// The mapping.
    pub(super) mapping: Mapping,
    /// What exact names said about accounts.
    pub(super) accounts: MatchReport<VendorAccountId>,
    /// What exact SKUs and names said about services.
    pub(super) services: MatchReport<ServiceKey>,
    /// What is only suggested.
    pub(super) suggestions: Vec<AccountSuggestion>,
    /// What the person of this demo decided, in words.
    by_hand: Vec<String>,
}

/// Decides by hand what needs a person, then lets exact matching do the rest.
/// `vendor` is what the PSA's products call the vendor.
pub(super) fn decide(book: &Book, lists: &Lists, vendor: &str) -> Result<Decisions> {
    let known = lists.directory();
    let mut mapping = Mapping::new();
    let mut by_hand = Vec::new();
    for service in &book.expected_mapping().services {
        let rules = match &service.rule {
            ServiceRule::Product(_) | ServiceRule::Unmapped => continue,
            ServiceRule::Excluded(reason) => {
                mapping.exclude_service(service.sku.as_str(), reason)?;
                by_hand.push(format!("{} is excluded: {reason}", service.name));
                continue;
            }
            ServiceRule::Ratio { product_id, units } => vec![ProductRule {
                ratio: Some(Ratio {
                    units: Quantity::new(*units),
                    per: Quantity::ONE,
                    rounding: Rounding::Exact,
                }),
                // The cost per pack is not the cost per seat.
                carries_cost: false,
                ..ProductRule::one_to_one(product_id.to_string())
            }],
            ServiceRule::Products(ids) => ids
                .iter()
                .map(|id| ProductRule {
                    carries_cost: false,
                    ..ProductRule::one_to_one(id.to_string())
                })
                .collect(),
        };
        let words: Vec<String> = rules
            .iter()
            .map(|rule| {
                let product = known.product(&rule.product);
                let name = product.map_or(rule.product.as_str(), |p| p.identifier.as_str());
                format!("{name} ({rule})")
            })
            .collect();
        by_hand.push(format!(
            "{} is billed as {}",
            service.name,
            words.join(" and ")
        ));
        mapping.link_service(service.sku.as_str(), rules, ChargeKind::Recurring, &known)?;
    }
    let accounts = auto_link_accounts(
        &mut mapping,
        &lists.accounts,
        &lists.companies,
        &lists.agreements,
    );
    let options = MatchOptions::new().with_vendor(vendor);
    let services = auto_link_services(&mut mapping, &lists.services, &lists.products, &options);
    let suggestions = suggest_accounts(
        &mapping,
        &lists.accounts,
        &lists.companies,
        &lists.agreements,
        &SuggestOptions::new(),
    );
    Ok(Decisions {
        mapping,
        accounts,
        services,
        suggestions,
        by_hand,
    })
}

impl Decisions {
    /// The step in words.
    pub(super) fn text(&self, lists: &Lists) -> String {
        let known = lists.directory();
        let account = |id: &VendorAccountId| {
            known
                .account(id)
                .map_or_else(|| safe(id.as_str()), |account| safe(&account.name))
        };
        let mut out = format!(
            "{} linked: the name is the same, letter for letter, and unique on both sides.\n\
             {} linked: the product in the PSA carries the vendor's article number.\n",
            count(self.accounts.linked.len(), "client is", "clients are"),
            count(self.services.linked.len(), "article is", "articles are"),
        );
        let mut section = |heading, items| out.push_str(&section(heading, items));
        section(
            "Decided by a person (here: by the demo):",
            self.by_hand.clone(),
        );
        section(
            "Only suggested. Nothing is linked until a person accepts it:",
            self.suggestions
                .iter()
                .filter(|suggestion| self.only_suggestion_of(suggestion))
                .map(|suggestion| {
                    let company = known.company(&suggestion.company);
                    let name = company.map_or(suggestion.company.as_str(), |c| c.name.as_str());
                    format!(
                        "{} may be {} ({} of 100: {})",
                        account(&suggestion.account),
                        safe(name),
                        suggestion.score,
                        safe(&suggestion.reason)
                    )
                })
                .collect(),
        );
        let mut open: Vec<String> = self
            .accounts
            .undecided
            .iter()
            .map(|undecided| format!("{}: {}", account(&undecided.id), undecided.reason))
            .collect();
        open.extend(
            self.services
                .undecided
                .iter()
                .map(|undecided| format!("{}: {}", safe(undecided.id.as_str()), undecided.reason)),
        );
        open.extend(self.services.unmatched.iter().map(|key| {
            let name = known
                .service(key)
                .map_or("", |service| service.name.as_str());
            format!(
                "{} ({}): no product corresponds",
                safe(name),
                safe(key.as_str())
            )
        }));
        section(
            "Left open, because names and numbers cannot decide it:",
            open,
        );
        out
    }

    /// Whether it is about an account that exact names said nothing about.
    fn only_suggestion_of(&self, suggestion: &AccountSuggestion) -> bool {
        self.accounts.unmatched.contains(&suggestion.account)
    }
}
