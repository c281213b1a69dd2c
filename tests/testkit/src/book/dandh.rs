//! The business of the first demo book as D&H knows it: the same clients, articles and seats, and the same PSA.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::mem;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use rust_decimal::Decimal;

use super::{Book, BookCase, CaseNote, ServiceLink, ServiceRule};
use crate::dandh::DandhState;
use crate::sherweb::SherwebState;

/// What the PSA calls the vendor.
pub const DANDH: &str = "D&H";

/// Puts D&H in Sherweb's place in a book, and gives the marketplace that then stands beside it.
///
/// Clients are companies of the same names, SKUs are technical names of services with one price each. The PSA's products,
/// the notes and the expected mapping carry D&H's ids from then on; a service is known as `<technical name>/<price>`.
///
/// Two cases come about as they do at D&H: the client of [`BookCase::Increase`] got its seats within the month, and that
/// of [`BookCase::NewRevenue`] subscribed after the last preview. [`BookCase::DecreaseUnderFloor`] is left out, since D&H
/// states no floors; its line is in step.
pub fn dandh_instead(book: &mut Book) -> DandhState {
    let mut state = DandhState::on(book.options.today);
    state.clock = book.sherweb.clock.clone();
    let sherweb = mem::replace(&mut book.sherweb, SherwebState::on(book.options.today));
    let mut moving = Moving {
        friday: latest_friday(book.options.today),
        book,
        state,
        companies: BTreeMap::new(),
        subscriptions: BTreeMap::new(),
        keys: BTreeMap::new(),
    };
    moving.catalogue(&sherweb);
    moving.clients(&sherweb);
    moving.notes();
    moving.state
}

/// The day of the last preview.
fn latest_friday(today: Date) -> Date {
    let since = today.weekday().since(Weekday::Friday);
    earlier(today, since.into())
}

fn earlier(day: Date, days: i64) -> Date {
    day.checked_sub(days.days()).unwrap_or(day)
}

/// What the book asks a client for what it pays itself.
fn price(cost: Decimal) -> Decimal {
    (cost * Decimal::new(14, 1)).round_dp(2)
}

struct Moving<'b> {
    book: &'b mut Book,
    state: DandhState,
    /// The day of the last preview.
    friday: Date,
    /// D&H's ids by Sherweb's.
    companies: BTreeMap<String, i64>,
    subscriptions: BTreeMap<String, i64>,
    /// The keys of services by SKU.
    keys: BTreeMap<String, String>,
}

impl Moving<'_> {
    fn catalogue(&mut self, sherweb: &SherwebState) {
        let mut costs: BTreeMap<&str, Decimal> = BTreeMap::new();
        for own in &sherweb.subscriptions {
            if let Some(fees) = &own.fees {
                costs.insert(&own.sku, fees.recurring_fee);
            }
        }
        for service in &mut self.book.mapping.services {
            let cost = costs
                .get(service.sku.as_str())
                .copied()
                .unwrap_or(Decimal::ONE);
            let item = self
                .state
                .add_product(&service.sku, &service.name, cost, price(cost));
            let key = format!("{}/{item}", service.sku);
            self.keys
                .insert(mem::replace(&mut service.sku, key.clone()), key);
        }
        let psa = &mut self.book.connectwise;
        for vendor in psa.companies.values_mut().filter(|own| own.vendor) {
            if vendor.name == "Sherweb" {
                vendor.name = DANDH.to_owned();
            }
        }
        for product in psa.products.values_mut() {
            if let Some(key) = product
                .vendor_sku
                .as_ref()
                .and_then(|sku| self.keys.get(sku))
            {
                product.vendor_sku = Some(key.clone());
            }
            if let Some(rest) = product.identifier.strip_prefix("SW-") {
                product.identifier = format!("DH-{rest}");
            }
        }
    }

    fn clients(&mut self, sherweb: &SherwebState) {
        for customer in &sherweb.customers {
            let company = self.state.add_company(&customer.display_name);
            self.companies.insert(customer.id.clone(), company);
            let failing = &sherweb.switches.failing_customers;
            if failing.contains_key(&customer.id.to_ascii_lowercase()) {
                self.state.failing_accounts.insert(company);
            }
        }
        // Long before this year, so that nothing is charged for the first time.
        let since = self.book.options.today.first_of_year();
        let since = since.checked_sub(6.months()).unwrap_or(since);
        for own in &sherweb.subscriptions {
            let Some(company) = self.companies.get(&own.customer_id) else {
                continue;
            };
            let seats = own.quantity.into();
            let id = self.state.subscribe(*company, &own.sku, seats, since);
            self.subscriptions.insert(own.id.clone(), id);
        }
        // A subscription that ended last month is still listed, and nobody is billed for it.
        let ended = self.book.mapping.accounts.last().and_then(|link| {
            let company = self.companies.get(&link.customer_id)?;
            let service = sherweb.subscriptions.first()?;
            Some(
                self.state
                    .subscribe(*company, &service.sku, Decimal::TEN, since),
            )
        });
        if let Some(ended) = ended {
            let last_month = self.book.options.today.first_of_month();
            self.state.terminate(ended, earlier(last_month, 5));
        }
        for link in &mut self.book.mapping.accounts {
            link.customer_id = name_of(&self.companies, &link.customer_id);
        }
    }

    fn notes(&mut self) {
        for mut note in mem::take(&mut self.book.cases) {
            let sku = note.sku.clone().unwrap_or_default();
            note.customer_id = name_of(&self.companies, &note.customer_id);
            for id in &mut note.subscription_ids {
                *id = name_of(&self.subscriptions, id);
            }
            if let Some(key) = self.keys.get(&sku) {
                note.sku = Some(key.clone());
            }
            match note.case {
                BookCase::DecreaseUnderFloor => {
                    self.agree(&note);
                    continue;
                }
                BookCase::Increase => self.within_the_month(&mut note, &sku),
                BookCase::NewRevenue => self.since_the_preview(&mut note, &sku),
                BookCase::CurrencyMismatch => self.other_currency(&mut note, &sku),
                _ => {}
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

    /// The seats came the day before the last preview, which charges two parts of the month.
    fn within_the_month(&mut self, note: &mut CaseNote, sku: &str) {
        let (Some(id), Some(before), Some(now)) =
            (subscription(note), note.psa_quantity, note.vendor_quantity)
        else {
            return;
        };
        self.state.edit_subscription(id, |own| {
            if let Some(first) = own.changes.first_mut() {
                first.seats = before;
            }
        });
        let on = earlier(self.friday, 1);
        self.state.set_seats(id, on, now);
        note.sentence = format!(
            "{} went from {before} to {now} of {sku} on {on}, which splits its charge; {before} are billed.",
            note.customer_name
        );
    }

    /// The subscription is younger than the last preview.
    fn since_the_preview(&mut self, note: &mut CaseNote, sku: &str) {
        let (Some(id), Some(seats)) = (subscription(note), note.vendor_quantity) else {
            return;
        };
        let after = self.friday.tomorrow().unwrap_or(self.friday);
        let on = after.min(self.book.options.today);
        let Some(company) = self.state.subscriptions.get(&id).map(|own| own.company_id) else {
            return;
        };
        self.state.subscriptions.remove(&id);
        let id = self.state.subscribe(company, sku, seats, on);
        note.subscription_ids = vec![id.to_string()];
        note.sentence = format!(
            "{} has {seats} of {sku} since {on}, after the last preview; no line bills them.",
            note.customer_name
        );
    }

    /// A price in Canadian dollars is another one, of a product of its own.
    fn other_currency(&mut self, note: &mut CaseNote, sku: &str) {
        let (Some(id), Some(addition)) = (subscription(note), note.addition_ids.first()) else {
            return;
        };
        let psa = &mut self.book.connectwise;
        let Some(known) = psa
            .additions
            .get(addition)
            .and_then(|addition| psa.products.get(&addition.product_id))
            .cloned()
        else {
            return;
        };
        let service = format!("{sku}-CAD");
        let name = format!("{} in CAD", known.description);
        let item = self
            .state
            .add_product(&service, &name, known.cost, known.price);
        self.state
            .edit_item(item, |item| item.currency = "CAD".to_owned());
        let key = format!("{service}/{item}");
        let product = psa.add_vendor_product(
            &format!("{}-CAD", known.identifier),
            DANDH,
            &key,
            known.price,
            known.cost,
        );
        if let Some(product) = psa.products.get_mut(&product) {
            product.description.clone_from(&name);
        }
        psa.edit_addition(*addition, |addition| addition.product_id = product);
        self.state
            .edit_subscription(id, |own| own.service_id.clone_from(&service));
        note.sku = Some(key.clone());
        note.sentence = format!(
            "The vendor charges {} for {service} in CAD; the agreement is in USD.",
            note.customer_name
        );
        self.book.mapping.services.push(ServiceLink {
            sku: key,
            name,
            rule: ServiceRule::Product(product),
        });
    }
}

/// D&H's id in the place of Sherweb's.
fn name_of(ids: &BTreeMap<String, i64>, of: &str) -> String {
    ids.get(of).map_or_else(String::new, ToString::to_string)
}

fn subscription(note: &CaseNote) -> Option<i64> {
    note.subscription_ids.first()?.parse().ok()
}
