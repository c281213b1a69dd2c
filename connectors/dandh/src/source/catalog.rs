//! The services in use: the union of what is charged and what is subscribed.

use std::collections::{BTreeMap, BTreeSet};

use tallyline_core::model::{BillingCycle, Service};

use super::lines::{cycle_of, service_key};
use crate::models::{ServiceCharge, Subscription};

/// The services found so far, by technical name and price.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<(String, Option<i64>), Entry>);

#[derive(Debug, Default)]
struct Entry {
    /// Every name it goes by; the first is shown, so that the vendor's order does not show.
    names: BTreeSet<String>,
    descriptions: BTreeSet<String>,
    subscribed: BTreeSet<BillingCycle>,
    charged: BTreeSet<BillingCycle>,
    setup: bool,
}

impl Found {
    pub(super) fn add_charge(&mut self, charge: &ServiceCharge) {
        let Some(service) = &charge.service_id else {
            return;
        };
        let kind = charge.priceable_item_type.as_deref();
        let entry = self.entry(service, charge.priceable_item_id);
        entry.names.extend(charge.service_name.clone());
        entry
            .descriptions
            .extend(charge.priceable_item_description.clone());
        entry.setup |= charge.is_setup();
        entry.charged.insert(cycle_of(kind, None));
    }

    pub(super) fn add_subscription(&mut self, own: &Subscription) {
        let Some(service) = &own.service_name else {
            return;
        };
        for item in &own.priceable_items {
            let kind = item.priceable_item_type.as_deref();
            let cycle = cycle_of(kind, item.prepaid_period_in_months);
            let entry = self.entry(service, item.priceable_item_id);
            entry.names.extend(own.service_display_name.clone());
            entry
                .descriptions
                .extend(item.priceable_item_description.clone());
            entry.setup |= item.is_setup();
            entry.subscribed.insert(cycle);
        }
    }

    fn entry(&mut self, service: &str, item: Option<i64>) -> &mut Entry {
        self.0.entry((service.to_owned(), item)).or_default()
    }

    /// The services by key. A service with one price that recurs has its own name; where there are
    /// several, and for set-up fees, the price is named as well.
    pub(super) fn services(self) -> Vec<Service> {
        let mut recurring: BTreeMap<String, usize> = BTreeMap::new();
        for ((service, _), entry) in &self.0 {
            *recurring.entry(service.clone()).or_default() += usize::from(!entry.setup);
        }
        let services = self.0.into_iter().map(|((service, item), entry)| {
            let name = entry.names.first().unwrap_or(&service);
            let alone = !entry.setup && recurring.get(&service) == Some(&1);
            let name = match entry.descriptions.first() {
                Some(description) if !alone => format!("{name}: {description}"),
                _ => name.clone(),
            };
            // How many months are charged at once, the subscription alone says.
            let cycles = if entry.subscribed.is_empty() {
                entry.charged
            } else {
                entry.subscribed
            };
            let cycle = match (cycles.len(), cycles.first()) {
                _ if entry.setup => BillingCycle::OneTime,
                (1, Some(cycle)) => *cycle,
                _ => BillingCycle::Unknown,
            };
            Service::new(service_key(&service, item), name).with_billing_cycle(cycle)
        });
        services.collect()
    }
}
