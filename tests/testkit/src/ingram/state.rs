//! What the simulator holds, and the switches for what the reference leaves open.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::auth::Token;
use super::orders;
use super::records::{
    CatalogProduct, Customer, Order, Period, Plan, Report, Reseller, Subscription,
    SubscriptionProduct,
};
use crate::clock::Clock;
use crate::limit::RateLimit;

/// The dedicated API user and the key of its subscription.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The key.
    pub subscription_key: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            username: "example-msp.API".to_owned(),
            password: "example-ingram-password".to_owned(),
            subscription_key: "example-ingram-key".to_owned(),
        }
    }
}

/// Whether a refused call is told how long to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfter {
    /// It always is.
    Always,
    /// It never is.
    Never,
    /// The first is, the second is not, and so on: "at times, not always".
    #[default]
    EverySecond,
}

/// Why the details of a subscription cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailFailure {
    /// A conflict: status 500 with prose.
    Prose,
    /// The proxy gave up: status 504 with a page.
    GatewayTimeout,
}

/// Switches for what the reference leaves open, or has seen in more than one form.
#[derive(Clone, Debug)]
pub struct Switches {
    /// How long a token lives.
    pub token_lifetime_seconds: i64,
    /// Whether a refused call is told how long to wait.
    pub retry_after: RetryAfter,
    /// Lists come without their pagination, as in an older document.
    pub without_pagination: bool,
    /// Whole quantities are written as `10.0`.
    pub quantity_as_number: bool,
    /// The quantity of a change order is the difference, not the new total. Not known.
    pub change_is_delta: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 1500,
            retry_after: RetryAfter::default(),
            without_pagination: false,
            quantity_as_number: false,
            change_is_delta: false,
        }
    }
}

/// One marketplace, as one reseller sees it.
#[derive(Clone, Debug)]
pub struct IngramState {
    /// The clock.
    pub clock: Clock,
    /// The segment of the path after `marketplace`.
    pub region: String,
    /// The code of the marketplace, which only the token call names.
    pub marketplace: String,
    /// Who may have a token.
    pub credentials: Credentials,
    /// The resources that the user has no right to, such as `customers`.
    pub denied: BTreeSet<String>,
    /// The switches.
    pub switches: Switches,
    /// How many calls the subscription key has, the token's own among them.
    pub limit: RateLimit,
    /// How many calls were refused for the limit.
    pub refused: u64,
    /// The caller's own reseller, and those below it.
    pub resellers: Vec<Reseller>,
    /// The customers, the newest last.
    pub customers: Vec<Customer>,
    /// The subscriptions, the newest last.
    pub subscriptions: Vec<Subscription>,
    /// The catalogue.
    pub products: Vec<CatalogProduct>,
    /// The plans.
    pub plans: Vec<Plan>,
    /// The orders, the newest last.
    pub orders: Vec<Order>,
    /// The reports, the newest last.
    pub reports: Vec<Report>,
    /// Subscriptions whose details cannot be read.
    pub failing_details: BTreeMap<String, DetailFailure>,
    /// How many tokens were given out.
    pub tokens_issued: u64,
    pub(super) tokens: Vec<Token>,
    next_id: u64,
    correlations: u64,
}

impl Default for IngramState {
    fn default() -> Self {
        Self::new()
    }
}

impl IngramState {
    /// A reseller without customers, whose clock stands at 15 March 2026.
    pub fn new() -> Self {
        Self::on(date(2026, 3, 15))
    }

    /// A reseller without customers, whose clock stands at noon UTC of a day.
    pub fn on(today: Date) -> Self {
        let mut state = Self {
            clock: Clock::on(today),
            region: "na".to_owned(),
            marketplace: "us".to_owned(),
            credentials: Credentials::default(),
            denied: BTreeSet::new(),
            switches: Switches::default(),
            limit: RateLimit::unlimited(),
            refused: 0,
            resellers: Vec::new(),
            customers: Vec::new(),
            subscriptions: Vec::new(),
            products: Vec::new(),
            plans: Vec::new(),
            orders: Vec::new(),
            reports: Vec::new(),
            failing_details: BTreeMap::new(),
            tokens_issued: 0,
            tokens: Vec::new(),
            next_id: 1_000_300,
            correlations: 0,
        };
        let id = state.fresh_id();
        state.resellers.push(Reseller {
            id,
            name: "Example MSP".to_owned(),
            email: "owner@msp.example".to_owned(),
            currency: "USD".to_owned(),
        });
        state
    }

    /// A new id; the same state gives the same ones.
    pub(super) fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        self.next_id.to_string()
    }

    pub(super) fn correlation_id(&mut self) -> String {
        self.correlations += 1;
        format!("a8n-00000000-0000-4000-8000-{:012}", self.correlations)
    }

    /// Adds a customer and gives its id.
    pub fn add_customer(&mut self, name: &str) -> String {
        let id = self.fresh_id();
        let reseller = self.resellers.first();
        self.customers.push(Customer {
            id: id.clone(),
            external_id: None,
            status: "active".to_owned(),
            name: name.to_owned(),
            email: format!("contact-{id}@client.example"),
            language: "en".to_owned(),
            tax_reg_id: None,
            reseller_id: reseller.map_or_else(String::new, |own| own.id.clone()),
        });
        id
    }

    /// Adds a monthly product to the catalogue, with what customer and reseller pay, and gives its id.
    pub fn add_product(&mut self, mpn: &str, name: &str, price: Decimal, cost: Decimal) -> String {
        let id = format!("PRD{}", self.fresh_id());
        self.products.push(CatalogProduct {
            id: id.clone(),
            mpn: mpn.to_owned(),
            vendor: "Microsoft".to_owned(),
            service_name: name.to_owned(),
            name: name.to_owned(),
            price,
            cost,
            billing_period: Period::month(),
            subscription_period: Period::year(),
        });
        id
    }

    /// Adds a plan and gives its id.
    pub fn add_plan(&mut self, name: &str) -> i64 {
        let id = self.fresh_id().parse().unwrap_or_default();
        self.plans.push(Plan {
            id,
            name: name.to_owned(),
            published: true,
            billing_period: Period::month(),
            switches: Vec::new(),
        });
        id
    }

    /// Subscribes a customer to so many of a product of the catalogue, since a month ago, and gives the id.
    pub fn subscribe(&mut self, customer_id: &str, mpn: &str, quantity: Decimal) -> String {
        let known = self.products.iter().find(|product| product.mpn == mpn);
        let known = known.cloned();
        let id = self.fresh_id();
        let since = self.clock.today().checked_sub(1.month());
        let since = since.unwrap_or_else(|_| self.clock.today());
        let ends = since.checked_add(1.year()).unwrap_or(since);
        let name = known.as_ref().map_or(mpn, |product| &product.name);
        let name = name.to_owned();
        let product = SubscriptionProduct {
            id: known
                .as_ref()
                .map_or_else(|| format!("PRD-{mpn}"), |product| product.id.clone()),
            mpn: Some(mpn.to_owned()),
            vendor: "Microsoft".to_owned(),
            name: name.clone(),
            quantity: Some(quantity),
            unit_price: known.as_ref().map(|product| product.price),
            unit_cost: known.as_ref().map(|product| product.cost),
            extended_price: None,
            currency: "USD".to_owned(),
            vendor_subscription_id: Some(format!("5b1f7a52-0000-4000-8000-{id:0>12}")),
        };
        self.subscriptions.push(Subscription {
            id: id.clone(),
            name,
            customer_id: customer_id.to_owned(),
            status: "active".to_owned(),
            attributes: BTreeMap::new(),
            renewal_status: true,
            created: since,
            renewal: Some(ends),
            modified: Some(since),
            expiration: Some(ends),
            billing_model: "chargeBeforeBillingPeriod".to_owned(),
            billing_period: Period::month(),
            subscription_period: Period::year(),
            plan_id: 10_042,
            products: vec![product],
        });
        id
    }

    /// Changes a subscription; its day of the last change becomes today. False when there is none.
    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut Subscription)) -> bool {
        let today = self.clock.today();
        let found = self.subscriptions.iter_mut().find(|own| own.id == id);
        let hit = found.is_some();
        if let Some(own) = found {
            own.modified = Some(today);
            change(own);
        }
        hit
    }

    /// Sets the quantity of the first product of a subscription.
    pub fn set_quantity(&mut self, id: &str, quantity: Decimal) -> bool {
        self.edit(id, |own| {
            if let Some(product) = own.products.first_mut() {
                product.quantity = Some(quantity);
            }
        })
    }

    /// Sets the status of a subscription.
    pub fn set_status(&mut self, id: &str, status: &str) -> bool {
        self.edit(id, |own| status.clone_into(&mut own.status))
    }

    /// Adds a finished report made on invoicing, and gives its id.
    pub fn add_report(&mut self, name: &str) -> String {
        let number: u64 = self.fresh_id().parse().unwrap_or_default();
        let id = format!("4e000000-0000-4000-8000-{number:012}");
        self.reports.push(Report {
            id: id.clone(),
            name: name.to_owned(),
            status: "completed".to_owned(),
            kind: "on_invoice".to_owned(),
            format: "csv".to_owned(),
            created: self.clock.now(),
            download_url: Some(format!(
                "https://reports.blob.example/{id}.csv?sv=1&sig=example-signature-{number}"
            )),
        });
        id
    }

    /// Carries out every order in provisioning.
    pub fn complete_orders(&mut self) {
        orders::complete(self);
    }
}
