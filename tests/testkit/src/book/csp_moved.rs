//! What the second demo book has in common at vendors that give ids of their own to its clients and subscriptions.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::csp::{CspBook, CspCase, SUBSCRIPTION_FIELD};
use crate::autotask::Entity;
use crate::cloudmore::{CloudmoreState, Product, Subscription};

/// A vendor's own ids by Cloudmore's.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    /// Of clients.
    pub(super) customers: BTreeMap<String, String>,
    /// Of subscriptions.
    pub(super) subscriptions: BTreeMap<String, String>,
}

/// The subscriptions of licences, cancelled ones among them, each with its product.
pub(super) fn licences(
    cloudmore: &CloudmoreState,
) -> impl Iterator<Item = (&Subscription, &Product)> {
    let all = cloudmore.subscriptions.values();
    all.filter_map(|own| {
        let service = cloudmore.service_of(own)?;
        let product = cloudmore.products.get(&own.product_id)?;
        (!service.kind.in_arrears()).then_some((own, product))
    })
}

/// The units that a subscription holds on a day, or held when it was cancelled.
pub(super) fn held_on(own: &Subscription, day: Date) -> Decimal {
    let mut changes = own.changes.iter();
    let last = changes.rfind(|change| change.on <= day && !change.quantity.is_zero());
    last.map_or(Decimal::ZERO, |change| change.quantity)
}

impl Ids {
    /// Lets contracts carry the vendor's ids of their subscriptions, and leaves out the case of consumption, which the
    /// vendor's API does not tell.
    pub(super) fn take_over(&self, book: &mut CspBook) {
        let own = book.cloudmore.subscriptions.values();
        let by_external: BTreeMap<&str, &String> = own
            .filter_map(|own| {
                let id = self.subscriptions.get(&own.id)?;
                Some((own.external_id.as_str(), id))
            })
            .collect();
        let contracts: Vec<i64> = book
            .autotask
            .list(Entity::Contracts)
            .map(|contract| contract.id)
            .collect();
        for contract in contracts {
            book.autotask.edit(Entity::Contracts, contract, |contract| {
                if let Some(carried) = contract.udfs.get_mut(SUBSCRIPTION_FIELD)
                    && let Some(id) = by_external.get(carried.as_str())
                {
                    carried.clone_from(id);
                }
            });
        }
        book.notes
            .retain(|note| note.case != CspCase::AzureConsumption);
    }
}
