//! What the simulator holds, and the switches for what the reference leaves open.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::auth::Token;
use super::records::{Account, Change, Property, Service};
use crate::clock::Clock;
use crate::json::Json;
use crate::limit::RateLimit;

/// The two values of an API key.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The access key: a number, a dot, a UUID.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            access_key: "12.00000000-0000-4000-8000-0000000acce5".to_owned(),
            secret_key: "00000000-0000-4000-8000-000000005ec7".to_owned(),
        }
    }
}

/// In which form the header holds the token. Not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeaderForm {
    /// After `Bearer`, as the token call says.
    #[default]
    Bearer,
    /// Alone, as the only client on record sends it.
    Bare,
    /// Either.
    Either,
}

/// Which path gives tokens: both are on record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenPaths {
    /// Both.
    #[default]
    Both,
    /// The one with a trailing slash.
    WithSlash,
    /// The one without.
    WithoutSlash,
}

/// In what a list comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// In a bare array.
    #[default]
    Array,
    /// In an object, under a name.
    Under(&'static str),
    /// In an object under its resource's name, with how many there are in all.
    Counted(i64),
}

/// Switches for what the reference leaves open.
#[derive(Clone, Debug)]
pub struct Switches {
    /// How long a token lives.
    pub token_lifetime_seconds: i64,
    /// After so many calls a token is not taken any more.
    pub calls_per_token: Option<u64>,
    /// Tokens are no JSON Web Tokens.
    pub opaque_tokens: bool,
    /// In what lists come.
    pub listing: Listing,
    /// A list of one service or change comes as that one alone.
    pub one_as_object: bool,
    /// Ids come as texts.
    pub ids_as_text: bool,
    /// Values come as texts.
    pub values_as_text: bool,
    /// The last change before the time that is asked for comes as well.
    pub in_force_at_start: bool,
    /// Changes come with the newest first.
    pub newest_first: bool,
    /// The filter for one service is passed over: all of the account come.
    pub all_services: bool,
    /// Services without properties do not come at all.
    pub without_silent: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 3600,
            calls_per_token: None,
            opaque_tokens: false,
            listing: Listing::Array,
            one_as_object: false,
            ids_as_text: false,
            values_as_text: false,
            in_force_at_start: false,
            newest_first: false,
            all_services: false,
            without_silent: false,
        }
    }
}

/// One service provider.
#[derive(Clone, Debug)]
pub struct HyAltoState {
    /// The clock.
    pub clock: Clock,
    /// Who may have a token.
    pub credentials: Credentials,
    /// In which form the header must hold it.
    pub header_form: HeaderForm,
    /// Which path gives it.
    pub token_paths: TokenPaths,
    /// What the key has no right to: `accounts`, `services`, `usage`.
    pub denied: BTreeSet<String>,
    /// The switches.
    pub switches: Switches,
    /// How many calls are admitted; the token's own are not counted.
    pub limit: RateLimit,
    /// The accounts, in the order in which they are listed.
    pub accounts: Vec<Account>,
    /// How many tokens were given out.
    pub tokens_issued: u64,
    pub(super) tokens: Vec<Token>,
    next_id: i64,
}

impl Default for HyAltoState {
    fn default() -> Self {
        Self::new()
    }
}

impl HyAltoState {
    /// A service provider without accounts, whose clock stands at 15 March 2026.
    pub fn new() -> Self {
        Self::on(date(2026, 3, 15))
    }

    /// A service provider without accounts, whose clock stands at noon UTC of a day.
    pub fn on(today: Date) -> Self {
        Self {
            clock: Clock::on(today),
            credentials: Credentials::default(),
            header_form: HeaderForm::default(),
            token_paths: TokenPaths::default(),
            denied: BTreeSet::new(),
            switches: Switches::default(),
            limit: RateLimit::unlimited(),
            accounts: Vec::new(),
            tokens_issued: 0,
            tokens: Vec::new(),
            next_id: 900,
        }
    }

    fn fresh_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    /// Adds an account and gives its id.
    pub fn add_account(&mut self, name: &str) -> i64 {
        let id = self.fresh_id();
        self.accounts.push(Account {
            id,
            name: name.to_owned(),
            services: Vec::new(),
        });
        id
    }

    /// Adds a virtual data centre without properties to an account, and gives its id; 0 where there is no such account.
    pub fn add_service(&mut self, account: i64, name: &str) -> i64 {
        let id = self.fresh_id();
        let Some(owner) = self.accounts.iter_mut().find(|own| own.id == account) else {
            return 0;
        };
        owner.services.push(Service {
            id,
            name: name.to_owned(),
            kind: Some("allocationVDC".to_owned()),
            properties: Vec::new(),
        });
        id
    }

    /// Changes a service. False when there is none.
    pub fn edit(&mut self, service: i64, change: impl FnOnce(&mut Service)) -> bool {
        let mut services = self.accounts.iter_mut().flat_map(|own| &mut own.services);
        let found = services.find(|own| own.id == service);
        let hit = found.is_some();
        if let Some(own) = found {
            change(own);
        }
        hit
    }

    /// Gives a property of a service a value in a unit from now on.
    pub fn set(&mut self, service: i64, property: &str, value: Decimal, unit: &str) -> bool {
        let now = self.clock.now();
        self.set_at(now, service, property, value, Some(unit.into()))
    }

    /// Gives a property of a service a value from so many days ago on.
    pub fn set_ago(
        &mut self,
        days: i64,
        service: i64,
        property: &str,
        value: Decimal,
        unit: &str,
    ) -> bool {
        let now = self.clock.now();
        let at = now.checked_sub(SignedDuration::from_hours(24 * days));
        self.set_at(
            at.unwrap_or(now),
            service,
            property,
            value,
            Some(unit.into()),
        )
    }

    /// Gives a property of a service a value from an instant on.
    pub fn set_at(
        &mut self,
        at: Timestamp,
        service: i64,
        property: &str,
        value: Decimal,
        unit_size: Option<Json>,
    ) -> bool {
        let change = Change {
            at,
            value,
            unit_size,
        };
        self.edit(service, |own| {
            let mut properties = own.properties.iter_mut();
            match properties.find(|known| known.name == property) {
                Some(known) => known.changes.push(change),
                None => own.properties.push(Property {
                    name: property.to_owned(),
                    changes: vec![change],
                }),
            }
        })
    }

    /// Adds three accounts: one with two data centres, one with one, and one that has nothing.
    pub fn add_sample(&mut self) {
        let northwind = self.add_account("northwind-dental");
        let first = self.add_service(northwind, "nwd-vdc-01");
        self.set_ago(40, first, "compute", 10.into(), "GHz");
        self.set_ago(40, first, "ram", 32.into(), "GB");
        self.set_ago(5, first, "ram", 64.into(), "GB");
        self.set_ago(40, first, "storage", 500.into(), "GB");
        let second = self.add_service(northwind, "nwd-vdc-02");
        self.set_ago(12, second, "compute", Decimal::new(125, 1), "GHz");
        self.set_ago(12, second, "ram", 16.into(), "GB");
        let oak = self.add_account("oak-legal");
        let third = self.add_service(oak, "oak-vdc-01");
        self.set_ago(90, third, "storage", 90.into(), "GB");
        self.set_ago(90, third, "vm_count", 3.into(), "VM");
        self.add_account("birch-gym");
    }

    /// Adds a property that has no changes yet.
    pub fn add_empty(&mut self, service: i64, property: &str) -> bool {
        self.edit(service, |own| {
            own.properties.push(Property {
                name: property.to_owned(),
                changes: Vec::new(),
            });
        })
    }
}
