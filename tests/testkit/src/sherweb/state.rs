//! What the simulated Sherweb knows, and the switches that change how it answers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::amendments::{self, Job};
use super::auth::{Application, Token};
use super::charge::{PayableCharge, ReceivableCharge};
use super::subscription::{Fees, Subscription};
use super::wire::uuid;
use crate::clock::Clock;
use crate::limit::RateLimit;

/// One customer of the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// Its id, a UUID.
    pub id: String,
    /// Its display name.
    pub display_name: String,
    /// Its place in the reseller hierarchy, outermost first.
    pub path: Vec<String>,
    /// When it was suspended; it stays listed.
    pub suspended_on: Option<Timestamp>,
}

/// An offer in a customer's catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogItem {
    /// The offer's key.
    pub sku: String,
    /// Names by culture.
    pub name: Vec<(String, String)>,
    /// Descriptions by culture.
    pub description: Vec<(String, String)>,
    /// The billing cycle.
    pub billing_cycle: String,
    /// The commitment term.
    pub commitment_term: Option<String>,
    /// The price told by the pricing call.
    pub price: Decimal,
}

/// A platform, with the customers that have it configured and their meters.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    /// Its id, a UUID.
    pub id: String,
    /// Names by culture.
    pub name: Vec<(String, String)>,
    /// The meters of each customer that has it configured.
    pub customers: BTreeMap<String, Vec<Meter>>,
}

/// A meter's running figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Meter {
    /// Its id.
    pub id: String,
    /// What may be used.
    pub total: Decimal,
    /// What was used in the running period.
    pub consumed: Decimal,
}

/// What becomes of a cancelled subscription in the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelledSubscriptions {
    /// It is no longer listed.
    Vanish,
    /// It is listed with quantity zero.
    ShowZero,
}

/// How the simulator answers, beyond its data.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Every list is answered empty, with status 200.
    pub empty_lists: bool,
    /// Whether an empty collection is answered as null instead of an empty array.
    pub null_collections: bool,
    /// Whether `/billing/subscriptions/details` exists; 404 otherwise.
    pub details_available: bool,
    /// Whether a PSA integration is on in the portal, which shuts the receivable charges.
    pub psa_integration_enabled: bool,
    /// The status of that refusal; the document gives none.
    pub psa_integration_refusal: u16,
    /// Whether the token call needs the subscription key too.
    pub require_key_on_token: bool,
    /// How long a token lives.
    pub token_lifetime_seconds: i64,
    /// Whether `expires_in` is sent as a numeric string.
    pub expires_in_as_text: bool,
    /// Whether a 429 carries `Retry-After` besides its sentence.
    pub retry_after_header: bool,
    /// How many polls see an amendment still in work.
    pub polls_until_applied: u32,
    /// Whether an amendment's receipt carries the newer tracking id.
    pub tracking_receipts: bool,
    /// What becomes of a cancelled subscription.
    pub cancelled_subscriptions: CancelledSubscriptions,
    /// Customers whose subscription calls fail, with the status.
    pub failing_customers: BTreeMap<String, u16>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            empty_lists: false,
            null_collections: false,
            details_available: true,
            psa_integration_enabled: false,
            psa_integration_refusal: 403,
            require_key_on_token: false,
            token_lifetime_seconds: 3600,
            expires_in_as_text: false,
            retry_after_header: false,
            polls_until_applied: 2,
            tracking_receipts: true,
            cancelled_subscriptions: CancelledSubscriptions::Vanish,
            failing_customers: BTreeMap::new(),
        }
    }
}

/// The whole state of a simulated Sherweb.
#[derive(Clone, Debug)]
pub struct SherwebState {
    /// The clock: token lifetimes, default dates, grace windows.
    pub clock: Clock,
    /// The credentials that are accepted.
    pub application: Application,
    /// How it answers.
    pub switches: Switches,
    /// How many API calls are admitted.
    pub limit: RateLimit,
    /// The customers, in the order listed.
    pub customers: Vec<Customer>,
    /// The subscriptions of all customers.
    pub subscriptions: Vec<Subscription>,
    /// What the provider owes.
    pub payable_charges: Vec<PayableCharge>,
    /// What the customers owe.
    pub receivable_charges: Vec<ReceivableCharge>,
    /// The catalog of each customer.
    pub catalogs: BTreeMap<String, Vec<CatalogItem>>,
    /// The platforms.
    pub platforms: Vec<Platform>,
    /// The amendments and cancellations received.
    pub jobs: Vec<Job>,
    pub(super) tokens: Vec<Token>,
    pub(super) tokens_issued: u64,
    next_id: u64,
}

impl Default for SherwebState {
    fn default() -> Self {
        Self::new()
    }
}

impl SherwebState {
    /// An empty state whose clock stands at 15 March 2026.
    pub fn new() -> Self {
        Self::on(date(2026, 3, 15))
    }

    /// An empty state whose clock stands at noon UTC of a day.
    pub fn on(today: Date) -> Self {
        Self {
            clock: Clock::on(today),
            application: Application::default(),
            switches: Switches::default(),
            limit: RateLimit::unlimited(),
            customers: Vec::new(),
            subscriptions: Vec::new(),
            payable_charges: Vec::new(),
            receivable_charges: Vec::new(),
            catalogs: BTreeMap::new(),
            platforms: Vec::new(),
            jobs: Vec::new(),
            tokens: Vec::new(),
            tokens_issued: 0,
            next_id: 0,
        }
    }

    pub(super) fn fresh_id(&mut self, kind: char) -> String {
        self.next_id += 1;
        uuid(kind, self.next_id)
    }

    /// Adds a customer and gives its id.
    pub fn add_customer(&mut self, display_name: &str) -> String {
        let id = self.fresh_id('c');
        self.customers.push(Customer {
            id: id.clone(),
            display_name: display_name.to_owned(),
            path: vec!["Example MSP".to_owned(), display_name.to_owned()],
            suspended_on: None,
        });
        id
    }

    /// Adds a monthly subscription without commitment and gives its id.
    pub fn add_subscription(&mut self, customer_id: &str, sku: &str, quantity: i64) -> String {
        let id = self.fresh_id('5');
        self.subscriptions.push(Subscription {
            id: id.clone(),
            customer_id: customer_id.to_owned(),
            product_name: sku.to_owned(),
            description: sku.to_owned(),
            sku: sku.to_owned(),
            quantity,
            billing_cycle: "monthly".to_owned(),
            purchase_date: Some(self.clock.now()),
            fees: Some(Fees {
                recurring_fee: Decimal::new(1000, 2),
                setup_fee: Decimal::ZERO,
                currency: "Usd".to_owned(),
            }),
            commitment: None,
        });
        id
    }

    /// A subscription, to be changed.
    pub fn subscription_mut(&mut self, id: &str) -> Option<&mut Subscription> {
        self.subscriptions
            .iter_mut()
            .find(|subscription| subscription.id == id)
    }

    /// A subscription.
    pub fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions
            .iter()
            .find(|subscription| subscription.id == id)
    }

    /// Sets the quantity of a subscription; false when there is no such subscription.
    pub fn set_quantity(&mut self, subscription_id: &str, quantity: i64) -> bool {
        let found = self.subscription_mut(subscription_id);
        let hit = found.is_some();
        if let Some(subscription) = found {
            subscription.quantity = quantity;
        }
        hit
    }

    /// Takes a subscription out of the lists; false when there is no such subscription.
    pub fn remove_subscription(&mut self, id: &str) -> bool {
        let before = self.subscriptions.len();
        self.subscriptions
            .retain(|subscription| subscription.id != id);
        self.subscriptions.len() != before
    }

    /// Takes a customer out of the list, with its subscriptions; false when there is no such customer.
    pub fn remove_customer(&mut self, id: &str) -> bool {
        let before = self.customers.len();
        self.customers.retain(|customer| customer.id != id);
        self.subscriptions
            .retain(|subscription| subscription.customer_id != id);
        self.customers.len() != before
    }

    /// Adds a payable charge and gives its charge id, made up when it had none.
    pub fn add_charge(&mut self, mut charge: PayableCharge) -> String {
        let id = match &charge.charge_id {
            Some(id) => id.clone(),
            None => self.fresh_id('a'),
        };
        charge.charge_id = Some(id.clone());
        self.payable_charges.push(charge);
        id
    }

    /// Adds a receivable charge.
    pub fn add_receivable_charge(&mut self, charge: ReceivableCharge) {
        self.receivable_charges.push(charge);
    }

    /// Adds an offer to a customer's catalog.
    pub fn add_catalog_item(&mut self, customer_id: &str, sku: &str, name: &str, price: Decimal) {
        self.catalogs
            .entry(customer_id.to_owned())
            .or_default()
            .push(CatalogItem {
                sku: sku.to_owned(),
                name: vec![("en".to_owned(), name.to_owned())],
                description: vec![("en".to_owned(), name.to_owned())],
                billing_cycle: "monthly".to_owned(),
                commitment_term: None,
                price,
            });
    }

    /// Adds a platform and gives its id.
    pub fn add_platform(&mut self, name: &str) -> String {
        let id = self.fresh_id('d');
        self.platforms.push(Platform {
            id: id.clone(),
            name: vec![("en".to_owned(), name.to_owned())],
            customers: BTreeMap::new(),
        });
        id
    }

    /// Configures a platform for a customer and adds a meter to it; false when there is no such platform.
    pub fn add_meter(
        &mut self,
        platform_id: &str,
        customer_id: &str,
        total: Decimal,
        consumed: Decimal,
    ) -> bool {
        let id = self.fresh_id('e');
        let found = self
            .platforms
            .iter_mut()
            .find(|platform| platform.id == platform_id);
        let hit = found.is_some();
        if let Some(platform) = found {
            platform
                .customers
                .entry(customer_id.to_owned())
                .or_default()
                .push(Meter {
                    id,
                    total,
                    consumed,
                });
        }
        hit
    }

    /// Makes the subscription calls of these customers fail with a status.
    pub fn fail_customers<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>, status: u16) {
        for id in ids {
            self.switches
                .failing_customers
                .insert(id.to_ascii_lowercase(), status);
        }
    }

    /// Lets every customer's calls succeed again.
    pub fn heal_customers(&mut self) {
        self.switches.failing_customers.clear();
    }

    /// Applies every accepted amendment and cancellation now, without waiting for polls.
    pub fn complete_jobs(&mut self) {
        for at in 0..self.jobs.len() {
            amendments::complete(self, at);
        }
    }
}
