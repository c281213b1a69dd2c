//! What the simulated Autotask knows, and how it answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use rust_decimal::Decimal;

use super::limits::Threshold;
use super::picklists;
use super::records::{Adjustment, Choice, Note, Record, Udf, UnitRow};
use super::schema::Entity;
use super::wire;
use crate::clock::Clock;
use crate::effects::History;
use crate::json::Json;

/// The credentials that are accepted.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The tracking identifier of the integration.
    pub integration_code: String,
    /// The generated name of the API user.
    pub user: String,
    /// The secret of the API user.
    pub secret: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            integration_code: "EXAMPLEINTEGRATIONCODE00001".to_owned(),
            user: "api.user@example.com".to_owned(),
            secret: "example-autotask-secret".to_owned(),
        }
    }
}

/// What the security level of the API user allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Every call is answered 403.
    pub forbidden: bool,
    /// Entities of which nothing is seen: their lists are empty, without an error.
    pub unseen: BTreeSet<Entity>,
    /// The only companies whose data is seen; the rest is missing, without an error.
    pub companies: Option<BTreeSet<i64>>,
    /// Entities that may not be written.
    pub not_written: BTreeSet<Entity>,
    /// Costs are seen and written; without, they are `null`, and writes to them are silently ignored.
    pub costs: bool,
    /// May write on behalf of another resource.
    pub impersonation: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            forbidden: false,
            unseen: BTreeSet::new(),
            companies: None,
            not_written: BTreeSet::new(),
            costs: true,
            impersonation: false,
        }
    }
}

/// What an adjustment does whose day lies in a posted period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InPostedPeriod {
    /// The posted row stays as it is; a row of its own bills the difference.
    Separate,
    /// It is refused.
    Refused,
}

/// What `price` and `cost` of a quantity row count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPrice {
    /// The whole row, for its days.
    Row,
    /// One unit for one period.
    Unit,
}

/// How the simulator answers, beyond its data.
#[derive(Clone, Debug)]
pub struct Options {
    /// The `url` of the zone, when it is not the simulator's own.
    pub zone_url: Option<String>,
    /// Every call but the zone's is answered 401: the tenant is in another zone.
    pub wrong_zone: bool,
    /// A wrong integration code is answered 500 with its text instead of 401.
    pub bad_code_is_500: bool,
    /// A missing record is answered 200 with a `null` item instead of 404.
    pub missing_item_is_null: bool,
    /// Where the addresses of further pages point, when not to the simulator itself: scheme, host and port.
    pub page_base: Option<String>,
    /// The address of the next page is that of the same page, without end.
    pub endless_pages: bool,
    /// `userDefinedFields` is left out when no row of the page has a value.
    pub omit_empty_udfs: bool,
    /// Dates end in `Z`.
    pub dates_end_in_z: bool,
    /// Hours that a date with a time other than midnight is moved by before its day is taken.
    pub date_shift_hours: i32,
    /// `isBilled` and `isBillableToCompany` are filtered by 0 and 1 only.
    pub billing_flags_as_numbers: bool,
    /// Billing periods follow the calendar, with a shorter first one, instead of the contract's first day.
    pub calendar_periods: bool,
    /// A new contract service has rows of 0 units; without, it has none until it is adjusted.
    pub zero_rows: bool,
    /// A row that an adjustment ends shows the first day of the next one as its end.
    pub row_ends_on_next: bool,
    /// What `price` and `cost` of a row count.
    pub row_price: RowPrice,
    /// What becomes of an adjustment in a posted period.
    pub in_posted_period: InPostedPeriod,
    /// A second adjustment of one contract service on one day is taken.
    pub same_day_adjustments: bool,
    /// Internal currency for one unit of the customer's.
    pub exchange_rate: Decimal,
    /// How many calls of one integration an endpoint takes at once; `None` for any number.
    pub threads: Option<usize>,
    /// The status that tells of too many calls at once.
    pub thread_status: u16,
    /// The status that tells of too many calls in an hour.
    pub threshold_status: u16,
    /// The seconds in `Retry-After` of a refused call; no such header without.
    pub retry_after: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            zone_url: None,
            wrong_zone: false,
            bad_code_is_500: false,
            missing_item_is_null: false,
            page_base: None,
            endless_pages: false,
            omit_empty_udfs: false,
            dates_end_in_z: false,
            date_shift_hours: 0,
            billing_flags_as_numbers: false,
            calendar_periods: false,
            zero_rows: false,
            row_ends_on_next: true,
            row_price: RowPrice::Row,
            in_posted_period: InPostedPeriod::Separate,
            same_day_adjustments: false,
            exchange_rate: Decimal::ONE,
            threads: None,
            thread_status: 500,
            threshold_status: 429,
            retry_after: None,
        }
    }
}

/// The whole state of a simulated Autotask.
#[derive(Clone, Debug)]
pub struct AutotaskState {
    /// The clock.
    pub clock: Clock,
    /// The credentials that are accepted.
    pub credentials: Credentials,
    /// The security level of the API user.
    pub rights: Rights,
    /// How it answers.
    pub options: Options,
    /// How many calls the tenant has in an hour.
    pub threshold: Threshold,
    /// The records of every entity but the quantity rows and the adjustments.
    pub records: BTreeMap<Entity, BTreeMap<i64, Record>>,
    /// The quantity rows.
    pub units: BTreeMap<i64, UnitRow>,
    /// The adjustments taken.
    pub adjustments: BTreeMap<i64, Adjustment>,
    /// The user-defined fields of the entities.
    pub udfs: BTreeMap<Entity, Vec<Udf>>,
    /// The picklists, by entity and field.
    pub picklists: BTreeMap<(Entity, String), Vec<Choice>>,
    /// The notes that the system wrote on contracts.
    pub notes: Vec<Note>,
    /// The true history since the simulator was started.
    pub history: History,
    next_id: i64,
}

impl Default for AutotaskState {
    fn default() -> Self {
        Self::new()
    }
}

impl AutotaskState {
    /// A tenant whose clock stands at 15 March 2026, with its own company, picklists and billing codes.
    pub fn new() -> Self {
        Self::on(date(2026, 3, 15))
    }

    /// A tenant whose clock stands at noon UTC of a day, with its own company, picklists and billing codes.
    pub fn on(today: Date) -> Self {
        let mut state = Self {
            clock: Clock::on(today),
            credentials: Credentials::default(),
            rights: Rights::default(),
            options: Options::default(),
            threshold: Threshold::default(),
            records: BTreeMap::new(),
            units: BTreeMap::new(),
            adjustments: BTreeMap::new(),
            udfs: BTreeMap::new(),
            picklists: picklists::all(),
            notes: Vec::new(),
            history: History::default(),
            next_id: 50_000_000,
        };
        state.seed();
        state
    }

    pub(super) fn fresh_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    /// A record.
    pub fn record(&self, entity: Entity, id: i64) -> Option<&Record> {
        self.records.get(&entity)?.get(&id)
    }

    /// The records of an entity, by id.
    pub fn list(&self, entity: Entity) -> impl Iterator<Item = &Record> {
        self.records
            .get(&entity)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// Stores a record and remembers what changed.
    pub fn put(&mut self, entity: Entity, record: Record) {
        let id = record.id;
        let before = self
            .record(entity, id)
            .map(|old| wire::record(self, entity, old));
        let after = wire::record(self, entity, &record);
        self.records.entry(entity).or_default().insert(id, record);
        self.remember(entity, id, before, Some(after));
    }

    /// Deletes a record and remembers it.
    pub fn remove(&mut self, entity: Entity, id: i64) {
        let Some(old) = self.records.entry(entity).or_default().remove(&id) else {
            return;
        };
        let before = wire::record(self, entity, &old);
        self.remember(entity, id, Some(before), None);
    }

    pub(super) fn put_unit(&mut self, row: UnitRow) {
        let id = row.id;
        let before = self.units.get(&id).map(|old| wire::unit(self, old));
        let after = wire::unit(self, &row);
        self.units.insert(id, row);
        self.remember(Entity::ContractServiceUnits, id, before, Some(after));
    }

    pub(super) fn remove_unit(&mut self, id: i64) {
        if let Some(old) = self.units.remove(&id) {
            let before = wire::unit(self, &old);
            self.remember(Entity::ContractServiceUnits, id, Some(before), None);
        }
    }

    /// Remembers a change; one that changes nothing is none.
    pub(super) fn remember(
        &mut self,
        entity: Entity,
        id: i64,
        before: Option<Json>,
        after: Option<Json>,
    ) {
        let owner = [&after, &before]
            .into_iter()
            .flatten()
            .find_map(|row| row.get("contractID").and_then(Json::integer))
            .map_or_else(String::new, |id| id.to_string());
        let at = self.clock.now();
        let of = (id.to_string(), owner);
        self.history
            .remember(at, entity.name(), (&of.0, &of.1), before, after);
    }

    /// Writes a note on a contract, as every change does.
    pub(super) fn note(&mut self, contract_id: i64, text: String) {
        self.notes.push(Note {
            at: self.clock.now(),
            contract_id,
            text,
        });
    }

    /// Does something as a person or a job of the tenant, under a name in the history.
    pub fn acting<R>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.history.act(name);
        let done = work(self);
        self.history.resume(before);
        done
    }

    /// The user-defined field of an entity; letter case does not matter.
    pub(super) fn udf(&self, entity: Entity, name: &str) -> Option<&Udf> {
        self.udfs
            .get(&entity)?
            .iter()
            .find(|udf| udf.name.eq_ignore_ascii_case(name))
    }

    /// The values of a picklist.
    pub(super) fn choices(&self, entity: Entity, field: &str) -> &[Choice] {
        self.picklists
            .get(&(entity, field.to_owned()))
            .map_or(&[], Vec::as_slice)
    }
}
