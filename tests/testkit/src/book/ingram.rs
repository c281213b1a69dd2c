//! The business of the first demo book as Ingram Micro knows it: the same clients, part numbers and seats, and the same
//! PSA.

use std::collections::BTreeMap;
use std::mem;

use rust_decimal::Decimal;

use super::{Book, BookCase, CaseNote};
use crate::ingram::{DetailFailure, IngramState};
use crate::sherweb::{SherwebState, Subscription};

/// What the PSA calls the vendor.
pub const INGRAM: &str = "Ingram Micro";

/// Puts Ingram Micro in Sherweb's place in a book, and gives the marketplace that then stands beside it.
///
/// Customers and subscriptions have the same names and quantities, and SKUs are part numbers, so that services keep their
/// keys. The notes and the expected mapping carry Ingram's ids from then on. The account of [`BookCase::FailedReading`] has
/// a subscription whose details cannot be read. [`BookCase::DecreaseUnderFloor`] is left out, since Ingram states no floors;
/// its line is in step. Each client also has a subscription that ended long ago, which nobody is billed for.
pub fn ingram_instead(book: &mut Book) -> IngramState {
    let mut state = IngramState::on(book.options.today);
    state.clock = book.sherweb.clock.clone();
    let sherweb = mem::replace(&mut book.sherweb, SherwebState::on(book.options.today));
    let mut moving = Moving {
        book,
        state,
        customers: BTreeMap::new(),
        subscriptions: BTreeMap::new(),
    };
    moving.catalogue(&sherweb);
    moving.customers(&sherweb);
    moving.subscriptions(&sherweb);
    moving.notes();
    moving.state
}

struct Moving<'b> {
    book: &'b mut Book,
    state: IngramState,
    /// Ingram's ids by Sherweb's.
    customers: BTreeMap<String, String>,
    subscriptions: BTreeMap<String, String>,
}

/// What the provider pays for a unit of a subscription, and in which currency it is charged.
fn cost_of(sherweb: &SherwebState, own: &Subscription) -> (Decimal, String) {
    let mut customers = sherweb.customers.iter();
    let name = customers.find(|customer| customer.id == own.customer_id);
    let name = name.map_or("", |customer| &customer.display_name);
    let mut charges = sherweb.payable_charges.iter();
    let charge = charges.find(|charge| {
        charge.sku.as_deref() == Some(own.sku.as_str())
            && charge.tags.iter().any(|tag| tag.value == name)
    });
    let fee = own.fees.as_ref().map(|fees| fees.recurring_fee);
    let currency = charge.and_then(|charge| charge.currency.clone());
    (
        fee.unwrap_or(Decimal::ONE),
        currency.unwrap_or_else(|| "USD".to_owned()),
    )
}

/// What the book asks a client for what it pays itself.
fn price(cost: Decimal) -> Decimal {
    (cost * Decimal::new(14, 1)).round_dp(2)
}

impl Moving<'_> {
    fn catalogue(&mut self, sherweb: &SherwebState) {
        let services = self.book.mapping.services.iter();
        for service in services {
            let mut own = sherweb.subscriptions.iter();
            let own = own.find(|own| own.sku == service.sku);
            let cost = own.map_or(Decimal::ONE, |own| cost_of(sherweb, own).0);
            self.state
                .add_product(&service.sku, &service.name, price(cost), cost);
        }
        let companies = self.book.connectwise.companies.values_mut();
        for vendor in companies.filter(|own| own.vendor && own.name == "Sherweb") {
            vendor.name = INGRAM.to_owned();
        }
    }

    fn customers(&mut self, sherweb: &SherwebState) {
        for customer in &sherweb.customers {
            let id = self.state.add_customer(&customer.display_name);
            self.customers.insert(customer.id.clone(), id);
        }
        for link in &mut self.book.mapping.accounts {
            link.customer_id = renamed(&self.customers, &link.customer_id);
        }
    }

    fn subscriptions(&mut self, sherweb: &SherwebState) {
        for own in &sherweb.subscriptions {
            let customer = renamed(&self.customers, &own.customer_id);
            let id = self
                .state
                .subscribe(&customer, &own.sku, own.quantity.into());
            let (cost, currency) = cost_of(sherweb, own);
            let made = self.state.subscriptions.last_mut();
            if let Some(product) = made.and_then(|made| made.products.first_mut()) {
                product.unit_cost = Some(cost);
                product.unit_price = Some(price(cost));
                product.currency = currency;
            }
            let failing = &sherweb.switches.failing_customers;
            if failing.contains_key(&own.customer_id.to_ascii_lowercase()) {
                self.state
                    .failing_details
                    .insert(id.clone(), DetailFailure::Prose);
            }
            self.subscriptions.insert(own.id.clone(), id);
        }
        let sku = sherweb.subscriptions.first().map(|own| own.sku.clone());
        for customer in self.customers.values() {
            let Some(sku) = &sku else { continue };
            self.state.subscribe(customer, sku, Decimal::TEN);
            if let Some(ended) = self.state.subscriptions.last_mut() {
                "terminated".clone_into(&mut ended.status);
                ended.modified = Some(jiff::civil::date(2020, 1, 31));
            }
        }
    }

    fn notes(&mut self) {
        for mut note in mem::take(&mut self.book.cases) {
            if note.case == BookCase::DecreaseUnderFloor {
                self.agree(&note);
                continue;
            }
            note.customer_id = renamed(&self.customers, &note.customer_id);
            for id in &mut note.subscription_ids {
                *id = renamed(&self.subscriptions, id);
            }
            self.book.cases.push(note);
        }
    }

    /// The line bills what the vendor counts.
    fn agree(&mut self, note: &CaseNote) {
        let Some(wanted) = note.vendor_quantity else {
            return;
        };
        for id in &note.addition_ids {
            self.book
                .connectwise
                .edit_addition(*id, |addition| addition.quantity = wanted);
        }
    }
}

/// Ingram's id in the place of Sherweb's.
fn renamed(ids: &BTreeMap<String, String>, of: &str) -> String {
    ids.get(of).cloned().unwrap_or_default()
}
