//! What the simulated Cloudmore knows, and how it answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::jobs::Job;
use super::names::Names;
use super::records::{Bill, ManualLine, Organization, Product, Service, Subscription, Usage};
use crate::clock::Clock;
use crate::effects::History;
use crate::json::Json;
use crate::limit::RateLimit;

/// The credentials that are accepted.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name of the application user.
    pub username: String,
    /// Its password.
    pub password: String,
    /// The client id, one for all customers.
    pub client_id: String,
    /// The API secret.
    pub client_secret: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            username: "sync@example.com".to_owned(),
            password: "example-cloudmore-password".to_owned(),
            client_id: "ro.customer.client".to_owned(),
            client_secret: "example-cloudmore-secret".to_owned(),
        }
    }
}

/// What the application user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// API access is enabled; without, every call is answered 403.
    pub api: bool,
    /// May read billing reports; without, they are answered 403.
    pub billing: bool,
    /// Organizations that are not seen.
    pub hidden: BTreeSet<String>,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            api: true,
            billing: true,
            hidden: BTreeSet::new(),
        }
    }
}

/// How a job that is not ready is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// 202.
    Accepted,
    /// 204.
    NoContent,
    /// 404.
    NotFound,
    /// 200 without a body.
    EmptyBody,
    /// 200 with a status that is not finished.
    Status,
}

/// What the `Location` of a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// An address on this server.
    Absolute,
    /// A path.
    Relative,
    /// An address on another server: scheme and host.
    Foreign(String),
    /// There is none.
    Missing,
}

/// How dates in answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateForm {
    /// `2026-02-25`.
    Date,
    /// `2026-02-25T00:00:00`.
    DateTime,
    /// `2026-02-25T00:00:00Z`.
    Zoned,
}

/// How the simulator answers, beyond its data.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a token lasts, in seconds.
    pub token_lifetime: i64,
    /// The member of an error's body that holds its text; an empty one makes the body plain text.
    pub error_member: String,
    /// How often a job is asked for before it is ready.
    pub polls: usize,
    /// How a job that is not ready is told, one after the other, over again.
    pub not_ready: Vec<NotReady>,
    /// Jobs end without a result.
    pub jobs_fail: bool,
    /// The status that answers a job's start.
    pub start_status: u16,
    /// What the `Location` of a job is.
    pub location: Location,
    /// The most lines of a report that is answered at once.
    pub most_lines: Option<usize>,
    /// How dates in answers are written.
    pub dates: DateForm,
    /// Custom properties are in the list of organizations too, not in the single ones alone.
    pub properties_in_list: bool,
    /// Consumption is one line per entitlement instead of one per meter.
    pub by_entitlement: bool,
    /// Microsoft's 100 % discounts are passed on.
    pub pass_discounts: bool,
    /// The most rows of a page of usage.
    pub most_rows: usize,
    /// The names of members in answers, where they are not the defaults.
    pub names: Names,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token_lifetime: 24 * 60 * 60,
            error_member: "message".to_owned(),
            polls: 2,
            not_ready: vec![NotReady::Accepted],
            jobs_fail: false,
            start_status: 201,
            location: Location::Absolute,
            most_lines: None,
            dates: DateForm::DateTime,
            properties_in_list: false,
            by_entitlement: false,
            pass_discounts: true,
            most_rows: 1000,
            names: Names::default(),
        }
    }
}

/// The whole state of a simulated Cloudmore.
#[derive(Clone, Debug)]
pub struct CloudmoreState {
    /// The clock.
    pub clock: Clock,
    /// The credentials that are accepted.
    pub credentials: Credentials,
    /// What the user may do.
    pub rights: Rights,
    /// How it answers.
    pub options: Options,
    /// How many calls are admitted.
    pub limit: RateLimit,
    /// The reseller's id.
    pub reseller_id: String,
    /// The reseller's currency, that of all amounts.
    pub currency: String,
    /// The custom properties that organizations can have.
    pub properties: Vec<String>,
    /// The organizations.
    pub organizations: BTreeMap<String, Organization>,
    /// The services.
    pub services: BTreeMap<String, Service>,
    /// The products.
    pub products: BTreeMap<String, Product>,
    /// The subscriptions, cancelled ones included.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// The metered consumption.
    pub usage: Vec<Usage>,
    /// The manual lines.
    pub manual_lines: BTreeMap<String, ManualLine>,
    /// The bills, in the order in which they were made.
    pub bills: Vec<Bill>,
    /// Invoices of others, by organization, as they are answered.
    pub external_invoices: BTreeMap<String, Vec<Json>>,
    /// What was submitted as consumption, as it came.
    pub submitted: Vec<Json>,
    /// The jobs, by id.
    pub jobs: BTreeMap<String, Job>,
    /// The true history since the simulator was started.
    pub history: History,
    pub(super) tokens: BTreeMap<String, Timestamp>,
    next_id: u64,
}

impl Default for CloudmoreState {
    fn default() -> Self {
        Self::new()
    }
}

impl CloudmoreState {
    /// A reseller without organizations, whose clock stands at 15 March 2026.
    pub fn new() -> Self {
        Self::on(date(2026, 3, 15))
    }

    /// A reseller without organizations, whose clock stands at noon UTC of a day.
    pub fn on(today: Date) -> Self {
        let mut state = Self {
            clock: Clock::on(today),
            credentials: Credentials::default(),
            rights: Rights::default(),
            options: Options::default(),
            limit: RateLimit::unlimited(),
            reseller_id: String::new(),
            currency: "USD".to_owned(),
            properties: Vec::new(),
            organizations: BTreeMap::new(),
            services: BTreeMap::new(),
            products: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            usage: Vec::new(),
            manual_lines: BTreeMap::new(),
            bills: Vec::new(),
            external_invoices: BTreeMap::new(),
            submitted: Vec::new(),
            jobs: BTreeMap::new(),
            history: History::default(),
            tokens: BTreeMap::new(),
            next_id: 0,
        };
        state.reseller_id = state.fresh_id();
        state
    }

    /// A new GUID; the same state gives the same ones.
    pub(super) fn fresh_id(&mut self) -> String {
        self.next_id += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.next_id)
    }

    /// The service of a subscription.
    pub fn service_of(&self, subscription: &Subscription) -> Option<&Service> {
        let product = self.products.get(&subscription.product_id)?;
        self.services.get(&product.service_id)
    }

    /// Remembers a change of a record, by its id and that of its organization.
    pub(super) fn remember(
        &mut self,
        entity: &'static str,
        of: (&str, &str),
        before: Option<Json>,
        after: Option<Json>,
    ) {
        let at = self.clock.now();
        self.history.remember(at, entity, of, before, after);
    }

    /// Does something as a person or a job of the system, under a name in the history.
    pub fn acting<R>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.history.act(name);
        let done = work(self);
        self.history.resume(before);
        done
    }
}
