//! What the simulated Gradient knows, and how it answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use rust_decimal::Decimal;

use super::wire;
use crate::clock::Clock;
use crate::effects::History;
use crate::json::Json;
use crate::limit::RateLimit;

/// The keys that are accepted.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The vendor's key.
    pub vendor_key: String,
    /// The MSP's key.
    pub partner_key: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            vendor_key: "example-gradient-vendor-key".to_owned(),
            partner_key: "example-gradient-partner-key".to_owned(),
        }
    }
}

/// A customer of the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The vendor's own id.
    pub id: String,
    /// The name.
    pub name: String,
    /// What else is said of it.
    pub description: Option<String>,
}

/// What a service is called, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceWords {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The category.
    pub category: String,
    /// The subcategory.
    pub subcategory: String,
    /// An article about it.
    pub support_article: Option<String>,
    /// Who helps with it.
    pub support_contact: Option<String>,
}

/// A product of the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The id.
    pub id: String,
    /// Name and words.
    pub words: ServiceWords,
}

/// A client of the MSP in its PSA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PsaClient {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// An alert that was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The id that the vendor gave it.
    pub alert_id: String,
    /// The account.
    pub account: String,
    /// The id of the message, to ask for what became of it.
    pub message_id: String,
    /// How often it was asked for: pending once, then done.
    pub asked: usize,
}

/// How the simulator answers, beyond its data.
#[derive(Clone, Debug)]
pub struct Switches {
    /// The keys may do what they ask for; without, every call is answered 403.
    pub allowed: bool,
    /// The system takes the calls for abuse: every call is answered 403.
    pub anomaly: bool,
    /// Records have their id under its old name alone.
    pub only_old_ids: bool,
    /// Accounts and services are mapped as soon as they are made.
    pub maps_at_once: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            allowed: true,
            anomaly: false,
            only_old_ids: false,
            maps_at_once: false,
        }
    }
}

/// Everything that the simulated system holds.
#[derive(Clone, Debug)]
pub struct GradientState {
    /// The clock.
    pub clock: Clock,
    /// The keys.
    pub credentials: Credentials,
    /// The MSP.
    pub organization_id: String,
    /// Its name.
    pub organization_name: String,
    /// The vendor.
    pub vendor_id: String,
    /// Its name.
    pub vendor_name: String,
    /// What it says of itself.
    pub vendor_description: String,
    /// The integration of both.
    pub integration_id: String,
    /// Its status.
    pub status: String,
    /// The services, in the order in which they were made.
    pub services: Vec<Service>,
    /// The accounts, in the order in which they were made.
    pub accounts: Vec<Account>,
    /// The MSP's clients in its PSA.
    pub clients: Vec<PsaClient>,
    /// The accounts that the MSP has mapped.
    pub mapped_accounts: BTreeSet<String>,
    /// The services that the MSP has mapped.
    pub mapped_services: BTreeSet<String>,
    /// The counts that were set, by account and service.
    pub counts: BTreeMap<(String, String), Decimal>,
    /// How often the billing view was built.
    pub builds: usize,
    /// Whether counts were set since it was.
    pub view_is_behind: bool,
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// How many calls are admitted; the system's own limit is 100 a second.
    pub limit: RateLimit,
    /// How it answers.
    pub switches: Switches,
    /// What happened.
    pub history: History,
    ids: u64,
}

impl Default for GradientState {
    fn default() -> Self {
        Self::new()
    }
}

impl GradientState {
    /// A vendor without services and accounts that the MSP has connected, on noon of 15 March 2026.
    pub fn new() -> Self {
        Self {
            clock: Clock::on(date(2026, 3, 15)),
            credentials: Credentials::default(),
            organization_id: "66a0c0ffee0000000000bb02".to_owned(),
            organization_name: "Example MSP".to_owned(),
            vendor_id: "66a0c0ffee0000000000aa01".to_owned(),
            vendor_name: "Marketplace counts".to_owned(),
            vendor_description: "Counts of a marketplace".to_owned(),
            integration_id: "66a0c0ffee0000000000dd04".to_owned(),
            status: "inactive".to_owned(),
            services: Vec::new(),
            accounts: Vec::new(),
            clients: Vec::new(),
            mapped_accounts: BTreeSet::new(),
            mapped_services: BTreeSet::new(),
            counts: BTreeMap::new(),
            builds: 0,
            view_is_behind: false,
            alerts: Vec::new(),
            limit: RateLimit::unlimited(),
            switches: Switches::default(),
            history: History::default(),
            ids: 0,
        }
    }

    /// A new id, as the system gives them.
    pub(super) fn fresh_id(&mut self) -> String {
        self.ids += 1;
        format!("66a0c0ffee{:014x}", self.ids)
    }

    /// Adds an account.
    pub fn add_account(&mut self, id: &str, name: &str) {
        self.insert_account(Account {
            id: id.to_owned(),
            name: name.to_owned(),
            description: None,
        });
    }

    pub(super) fn insert_account(&mut self, account: Account) {
        if self.switches.maps_at_once {
            self.mapped_accounts.insert(account.id.clone());
        }
        let after = Some(wire::account(&account));
        let at = self.clock.now();
        let id = account.id.clone();
        self.history.remember(at, "account", (&id, ""), None, after);
        self.accounts.push(account);
    }

    /// Adds a service of no special kind; gives its id.
    pub fn add_service(&mut self, name: &str) -> String {
        self.insert_service(ServiceWords {
            name: name.to_owned(),
            description: name.to_owned(),
            category: "other".to_owned(),
            subcategory: "other".to_owned(),
            support_article: None,
            support_contact: None,
        })
    }

    pub(super) fn insert_service(&mut self, words: ServiceWords) -> String {
        let id = self.fresh_id();
        if self.switches.maps_at_once {
            self.mapped_services.insert(id.clone());
        }
        let service = Service {
            id: id.clone(),
            words,
        };
        let after = Some(wire::service(self, &service));
        let at = self.clock.now();
        self.history.remember(at, "service", (&id, ""), None, after);
        self.services.push(service);
        id
    }

    /// The service of a name.
    pub fn service_named(&self, name: &str) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.words.name == name)
    }

    /// Maps an account to a client of the PSA, as the MSP does in the app.
    pub fn map_account(&mut self, id: &str) {
        self.mapped_accounts.insert(id.to_owned());
    }

    /// Maps a service to one of the PSA, as the MSP does in the app.
    pub fn map_service(&mut self, id: &str) {
        self.mapped_services.insert(id.to_owned());
    }

    /// Maps everything that there is, and finishes the set-up: the integration is active.
    pub fn map_all(&mut self) {
        let accounts = self.accounts.iter().map(|account| account.id.clone());
        self.mapped_accounts.extend(accounts);
        let services = self.services.iter().map(|service| service.id.clone());
        self.mapped_services.extend(services);
        self.status = "active".to_owned();
    }

    /// The count that was set for an account and a service.
    pub fn count(&self, account: &str, service: &str) -> Option<Decimal> {
        let pair = (account.to_owned(), service.to_owned());
        self.counts.get(&pair).copied()
    }

    pub(super) fn is_mapped(&self, account: &str, service: &str) -> bool {
        self.mapped_accounts.contains(account) && self.mapped_services.contains(service)
    }

    pub(super) fn set_count(&mut self, account: &str, service: &str, count: Decimal, build: bool) {
        let told =
            |count: Decimal| Json::object().with("unitCount", Json::Number(count.to_string()));
        let pair = (account.to_owned(), service.to_owned());
        let before = self.counts.insert(pair, count).map(told);
        let at = self.clock.now();
        self.history
            .remember(at, "count", (service, account), before, Some(told(count)));
        if build {
            self.builds += 1;
        }
        self.view_is_behind = !build;
    }

    /// The MSP disconnects the integration and connects it again: the accounts are gone, and what was set for them.
    pub fn disconnect(&mut self) {
        let before = self.history.act("disconnect");
        for account in std::mem::take(&mut self.accounts) {
            let at = self.clock.now();
            let old = Some(wire::account(&account));
            self.history
                .remember(at, "account", (&account.id, ""), old, None);
        }
        self.history.resume(before);
        self.mapped_accounts.clear();
        self.counts.clear();
        self.status = "inactive".to_owned();
    }

    /// The MSP makes a new key; accounts and counts stay.
    pub fn renew_partner_key(&mut self, key: &str) {
        self.credentials.partner_key = key.to_owned();
    }
}
