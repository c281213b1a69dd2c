//! The business of the second demo book as Ingram Micro knows it: the same clients and licences, without consumption.

use super::csp::CspBook;
use super::csp_moved::{Ids, held_on, licences};
use crate::cloudmore::CloudmoreState;
use crate::ingram::IngramState;

/// Puts Ingram Micro in Cloudmore's place in a book: what it holds then, and its ids by Cloudmore's.
///
/// Contracts carry Ingram's ids of their subscriptions from then on; SKUs are part numbers.
pub fn ingram_instead(book: &mut CspBook) -> (IngramState, Ids) {
    let mut state = IngramState::on(book.options.today);
    state.clock = book.cloudmore.clock.clone();
    for product in book.cloudmore.products.values() {
        state.add_product(&product.sku, &product.name, product.price, product.cost);
    }
    let mut ids = Ids::default();
    refresh(&mut state, &book.cloudmore, &mut ids);
    ids.take_over(book);
    (state, ids)
}

/// Brings Ingram Micro up to what Cloudmore holds now. A cancelled subscription stays in the list, as terminated.
pub fn refresh(state: &mut IngramState, cloudmore: &CloudmoreState, ids: &mut Ids) {
    let today = cloudmore.clock.today();
    for organization in cloudmore.organizations.values() {
        let known = ids.customers.entry(organization.id.clone());
        known.or_insert_with(|| state.add_customer(&organization.name));
    }
    for (own, product) in licences(cloudmore) {
        let Some(customer) = ids.customers.get(&own.organization_id) else {
            continue;
        };
        let quantity = held_on(own, today);
        let known = ids.subscriptions.entry(own.id.clone());
        let id = known.or_insert_with(|| state.subscribe(customer, &product.sku, quantity));
        let ended = own.cancelled.filter(|day| *day <= today);
        let changed = own.changes.last().map(|change| change.on);
        state.edit(id, |subscription| {
            if let Some(held) = subscription.products.first_mut() {
                held.quantity = Some(quantity);
            }
            subscription.modified = ended.or(changed);
            if ended.is_some() {
                "terminated".clone_into(&mut subscription.status);
            }
        });
    }
}
