//! Helpers to fill a marketplace, and what people do while the simulator runs.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::records::{
    Account, AccountKind, Charging, Consumption, PriceableItem, Product, SeatChange, Subscription,
};
use super::state::DandhState;

/// Midnight UTC of a day.
fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC)
        .map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

impl DandhState {
    /// Adds an active account below another one and gives its id.
    pub fn add_account(&mut self, parent_id: i64, kind: AccountKind, name: &str) -> i64 {
        let id = self.fresh_id();
        let account = Account {
            id,
            parent_id,
            kind,
            state: "Active".to_owned(),
            name: name.to_owned(),
            vat_id: String::new(),
            customer_id: (2_000_000 + id).to_string(),
            currency: "USD".to_owned(),
        };
        self.accounts.insert(id, account);
        id
    }

    /// Adds a client of the provider and gives its id.
    pub fn add_company(&mut self, name: &str) -> i64 {
        self.add_account(self.reseller_id, AccountKind::Company, name)
    }

    /// Adds a product with one price per unit and month, and gives the price's id.
    pub fn add_product(
        &mut self,
        service_id: &str,
        name: &str,
        cost: Decimal,
        price: Decimal,
    ) -> i64 {
        let product = Product {
            service_id: service_id.to_owned(),
            name: name.to_owned(),
            vendor: "Example Vendor".to_owned(),
            items: Vec::new(),
        };
        self.products.insert(service_id.to_owned(), product);
        self.add_item(service_id, Charging::PerUnit, cost, price)
    }

    /// Adds a price to a product and gives its id.
    pub fn add_item(
        &mut self,
        service_id: &str,
        charging: Charging,
        cost: Decimal,
        price: Decimal,
    ) -> i64 {
        let id = self.fresh_id();
        let Some(product) = self.products.get_mut(service_id) else {
            return id;
        };
        let (what, field) = match charging {
            Charging::PerUnit => ("per unit of Quantity", "Quantity"),
            Charging::Flat => ("flat fee", ""),
            Charging::Metered => ("consumption", ""),
            Charging::Setup => ("set-up fee", ""),
        };
        product.items.push(PriceableItem {
            id,
            description: format!("{} {what}", product.name),
            charging,
            kind: String::new(),
            field: field.to_owned(),
            cost,
            price,
            currency: "USD".to_owned(),
            prepaid_months: 0,
            commitment_months: 12,
            material_number: format!("{:07}", id % 10_000_000),
            product_number: format!("{service_id}:{id}"),
        });
        id
    }

    /// Changes a price.
    pub fn edit_item(&mut self, item: i64, edit: impl FnOnce(&mut PriceableItem)) {
        let mut items = self
            .products
            .values_mut()
            .flat_map(|product| &mut product.items);
        if let Some(item) = items.find(|own| own.id == item) {
            edit(item);
        }
    }

    /// Subscribes a client to a product from a day on and gives the subscription's id.
    pub fn subscribe(
        &mut self,
        company_id: i64,
        service_id: &str,
        seats: Decimal,
        start: Date,
    ) -> i64 {
        let id = self.fresh_id();
        let subscription = Subscription {
            id,
            company_id,
            parent_id: company_id,
            parent_type: "Company".to_owned(),
            department_id: None,
            service_id: service_id.to_owned(),
            changes: vec![SeatChange {
                at: midnight(start),
                seats,
            }],
            terminated: None,
            state: None,
            contract_end: None,
            dependency: None,
            vendor_reference: format!("a0b1c2d3-0000-4000-8000-{id:012}"),
            renewal_seats: None,
            consumption: Vec::new(),
        };
        self.subscriptions.insert(id, subscription);
        id
    }

    /// Changes a subscription.
    pub fn edit_subscription(&mut self, id: i64, edit: impl FnOnce(&mut Subscription)) {
        if let Some(subscription) = self.subscriptions.get_mut(&id) {
            edit(subscription);
        }
    }

    /// Changes the units of a subscription from a day on.
    pub fn set_seats(&mut self, id: i64, on: Date, seats: Decimal) {
        self.edit_subscription(id, |own| {
            own.changes.push(SeatChange {
                at: midnight(on),
                seats,
            });
            own.changes.sort_by_key(|change| change.at);
        });
    }

    /// Terminates a subscription on a day.
    pub fn terminate(&mut self, id: i64, on: Date) {
        self.edit_subscription(id, |own| own.terminated = Some(midnight(on)));
    }

    /// Meters consumption of a subscription on a day.
    pub fn consume(&mut self, id: i64, on: Date, cost: Decimal, price: Decimal) {
        self.edit_subscription(id, |own| {
            own.consumption.push(Consumption { on, cost, price });
        });
    }
}
