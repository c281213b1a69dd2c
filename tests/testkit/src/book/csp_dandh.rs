//! The business of the second demo book as D&H knows it: the same clients and licences, without consumption.

use std::collections::BTreeMap;

use super::csp::CspBook;
use super::csp_moved::{Ids, held_on, licences};
use crate::autotask::Entity;
use crate::cloudmore::CloudmoreState;
use crate::dandh::DandhState;

/// Puts D&H in Cloudmore's place in a book: what it holds then, and its ids by Cloudmore's.
///
/// Contracts carry D&H's ids of their subscriptions from then on. SKUs are technical names of services with one price
/// each, and the services of the PSA carry `<technical name>/<price>`.
pub fn dandh_instead(book: &mut CspBook) -> (DandhState, Ids) {
    let mut state = DandhState::on(book.options.today);
    state.clock = book.cloudmore.clock.clone();
    let mut keys = BTreeMap::new();
    for product in book.cloudmore.products.values() {
        let item = state.add_product(&product.sku, &product.name, product.cost, product.price);
        keys.insert(product.sku.clone(), format!("{}/{item}", product.sku));
    }
    let services: Vec<i64> = book
        .autotask
        .list(Entity::Services)
        .map(|service| service.id)
        .collect();
    for service in services {
        book.autotask.edit(Entity::Services, service, |service| {
            if let Some(key) = service.text("sku").and_then(|sku| keys.get(sku)) {
                service.set("sku", key.as_str());
            }
        });
    }
    let mut ids = Ids::default();
    refresh(&mut state, &book.cloudmore, &mut ids);
    ids.take_over(book);
    (state, ids)
}

/// Brings D&H up to what Cloudmore holds now. A cancelled subscription is terminated.
pub fn refresh(state: &mut DandhState, cloudmore: &CloudmoreState, ids: &mut Ids) {
    let today = cloudmore.clock.today();
    for organization in cloudmore.organizations.values() {
        let known = ids.customers.entry(organization.id.clone());
        known.or_insert_with(|| state.add_company(&organization.name).to_string());
    }
    for (own, product) in licences(cloudmore) {
        let company = ids.customers.get(&own.organization_id);
        let Some(company) = company.and_then(|id| id.parse().ok()) else {
            continue;
        };
        let quantity = held_on(own, today);
        let known = ids.subscriptions.entry(own.id.clone());
        let id = known.or_insert_with(|| {
            let id = state.subscribe(company, &product.sku, quantity, own.start);
            id.to_string()
        });
        let Ok(id) = id.parse() else { continue };
        let seats = state.subscriptions.get(&id);
        let seats = seats.and_then(|held| Some(held.changes.last()?.seats));
        if let Some(change) = own.changes.last()
            && seats != Some(quantity)
        {
            state.set_seats(id, change.on, quantity);
        }
        if let Some(day) = own.cancelled.filter(|day| *day <= today) {
            state.terminate(id, day);
        }
    }
}
