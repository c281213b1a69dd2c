//! Helpers to fill a reseller, and what people and jobs do while the simulator runs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::records::{
    CANCELLED, Change, ManualLine, Organization, Product, Service, ServiceKind, Subscription, Usage,
};
use super::state::CloudmoreState;
use super::wire;

impl CloudmoreState {
    /// Adds an active organization and gives its id.
    pub fn add_organization(&mut self, name: &str) -> String {
        let id = self.fresh_id();
        let organization = Organization {
            id: id.clone(),
            name: name.to_owned(),
            active: true,
            texts: BTreeMap::new(),
            contact: BTreeMap::new(),
            properties: BTreeMap::new(),
            services: BTreeSet::new(),
        };
        self.organizations.insert(id.clone(), organization);
        id
    }

    /// Gives an organization the value of a custom property, and defines the property when it is new.
    pub fn set_property(&mut self, organization: &str, name: &str, value: &str) {
        if !self.properties.iter().any(|known| known == name) {
            self.properties.push(name.to_owned());
        }
        if let Some(organization) = self.organizations.get_mut(organization) {
            organization
                .properties
                .insert(name.to_owned(), value.to_owned());
        }
    }

    /// Adds a service and gives its id.
    pub fn add_service(&mut self, name: &str, kind: ServiceKind) -> String {
        let id = self.fresh_id();
        let service = Service {
            id: id.clone(),
            name: name.to_owned(),
            kind,
        };
        self.services.insert(id.clone(), service);
        id
    }

    /// Adds a product of a service, with what the reseller and the client pay per unit, and gives its id.
    pub fn add_product(
        &mut self,
        service: &str,
        sku: &str,
        name: &str,
        cost: Decimal,
        price: Decimal,
    ) -> String {
        let id = self.fresh_id();
        let product = Product {
            id: id.clone(),
            service_id: service.to_owned(),
            sku: sku.to_owned(),
            name: name.to_owned(),
            cost,
            price,
        };
        self.products.insert(id.clone(), product);
        id
    }

    /// Subscribes an organization to a product from a day on, billed monthly over a term of a year, and gives the
    /// subscription's id.
    pub fn subscribe(
        &mut self,
        organization: &str,
        product: &str,
        quantity: Decimal,
        start: Date,
    ) -> String {
        let (id, external_id) = (self.fresh_id(), self.fresh_id());
        if let Some(service) = self.products.get(product).map(|own| own.service_id.clone())
            && let Some(organization) = self.organizations.get_mut(organization)
        {
            organization.services.insert(service);
        }
        let term_end = start
            .checked_add(1.year())
            .and_then(|next| next.yesterday())
            .unwrap_or(start);
        let subscription = Subscription {
            id: id.clone(),
            external_id,
            organization_id: organization.to_owned(),
            product_id: product.to_owned(),
            start,
            term_end,
            yearly: false,
            cancelled: None,
            changes: vec![Change {
                on: start,
                quantity,
                action: "Created",
            }],
        };
        self.subscriptions.insert(id.clone(), subscription);
        id
    }

    /// Changes the quantity of a subscription from a day on.
    pub fn change_quantity(&mut self, subscription: &str, on: Date, quantity: Decimal) {
        self.change(subscription, on, quantity, "QuantityChanged");
    }

    /// Cancels a subscription from a day on. It stays listed.
    pub fn cancel(&mut self, subscription: &str, on: Date) {
        self.change(subscription, on, Decimal::ZERO, CANCELLED);
    }

    fn change(&mut self, id: &str, on: Date, quantity: Decimal, action: &'static str) {
        let Some(mut subscription) = self.subscriptions.get(id).cloned() else {
            return;
        };
        let before = wire::subscription(self, &subscription);
        subscription.changes.push(Change {
            on,
            quantity,
            action,
        });
        subscription.changes.sort_by_key(|change| change.on);
        if action == CANCELLED {
            subscription.cancelled = Some(on);
        }
        let owner = subscription.organization_id.clone();
        self.subscriptions
            .insert(id.to_owned(), subscription.clone());
        let after = wire::subscription(self, &subscription);
        // The quantity shown is today's, and the change may be of another day: the change itself is the effect.
        let after = after
            .with("changedOn", on)
            .with("changedTo", quantity)
            .with("action", action);
        self.remember("Subscription", (id, &owner), Some(before), Some(after));
    }

    /// Meters consumption of a subscription on a day.
    pub fn add_usage(
        &mut self,
        subscription: &str,
        on: Date,
        meter: &str,
        quantity: Decimal,
        (unit_cost, unit_price): (Decimal, Decimal),
    ) {
        self.usage.push(Usage {
            subscription_id: subscription.to_owned(),
            on,
            entitlement: "Example entitlement".to_owned(),
            category: "Virtual Machines".to_owned(),
            meter: meter.to_owned(),
            quantity,
            unit_cost,
            unit_price,
            free: false,
        });
    }

    /// Adds a one-off adjustment of a subscription and gives its id.
    pub fn add_manual_line(
        &mut self,
        subscription: &str,
        billing_date: Date,
        quantity: Decimal,
        (unit_cost, unit_price): (Decimal, Decimal),
    ) -> Option<String> {
        let own = self.subscriptions.get(subscription)?;
        let (organization_id, service_id) = (
            own.organization_id.clone(),
            self.service_of(own)?.id.clone(),
        );
        let id = self.fresh_id();
        let line = ManualLine {
            id: id.clone(),
            organization_id,
            billing_date,
            service_id,
            product_id: None,
            subscription_id: subscription.to_owned(),
            quantity,
            unit_cost,
            unit_price,
        };
        self.manual_lines.insert(id.clone(), line);
        Some(id)
    }
}
