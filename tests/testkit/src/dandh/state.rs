//! What the simulator holds, and the switches for what the reference leaves open.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};

use super::records::{Account, AccountKind, Product, Subscription};
use crate::clock::Clock;
use crate::limit::RateLimit;

/// The portal user whose rights a session has.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The user has multi-factor authentication, and is refused.
    pub mfa: bool,
    /// The caller's address is allowed. Where it is not, the refusal is that of a wrong password.
    pub allow_listed: bool,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            username: "sync@msp.example".to_owned(),
            password: "example-dandh-password".to_owned(),
            mfa: false,
            allow_listed: true,
        }
    }
}

/// The form in which a session is given out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenForm {
    /// A JSON text whose slashes are escaped, as .NET writes them.
    #[default]
    EscapedText,
    /// Plain text.
    Plain,
    /// An object with the member `Value`.
    Object,
}

/// How `Addons` comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addons {
    /// As a list.
    #[default]
    List,
    /// The first one, as an object.
    One,
    /// As `null`, whatever there is.
    Null,
}

/// How a change of units within a month is charged. No recorded example is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Splits {
    /// A line for each part of the month, one after the other, each with the units of that part.
    #[default]
    Consecutive,
    /// The units of the beginning for the whole month, and a line of the difference from each change on to its end.
    Differences,
}

/// How `ActualChargeInterval` is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalForm {
    /// `01.11.2026 - 01.12.2026`.
    #[default]
    Dotted,
    /// `11/01/2026 - 12/01/2026`.
    Slashed,
    /// `Nov 1, 2026 to Dec 1, 2026`.
    Words,
}

/// What the preview is in a month before its first generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BeforeFirstPreview {
    /// An empty list.
    #[default]
    Nothing,
    /// The last one of the month before.
    LastMonth,
}

/// Switches for what the reference leaves open, or has seen in more than one form.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a session lives. Not documented.
    pub session_minutes: i64,
    /// The status of the fault of an expired session. Not known.
    pub expired_status: u16,
    /// The status of the fault of a user without a right. Not known.
    pub denied_status: u16,
    /// The form of the session token.
    pub token: TokenForm,
    /// Operations that return nothing answer `null` instead of an empty body.
    pub nothing_as_null: bool,
    /// `GetCompany` and `GetReseller` answer a list of one.
    pub company_as_list: bool,
    /// The form of `Addons`.
    pub addons: Addons,
    /// `GetMarketplaceServiceCharges` answers a single object.
    pub service_charges_as_one: bool,
    /// The rows of reports are lists, as documented, and not objects with `Cells`, as seen.
    pub rows_as_lists: bool,
    /// `DisplayType` comes as its number.
    pub display_type_as_number: bool,
    /// The units stand in `Fields` as text.
    pub quantity_as_text: bool,
    /// Whole numbers of units and ids of dependencies are written as `2.0`.
    pub dot_zero: bool,
    /// Terminated subscriptions are listed.
    pub list_terminated: bool,
    /// How a change of units within a month is charged.
    pub splits: Splits,
    /// How intervals of charges are written.
    pub interval: IntervalForm,
    /// The day of the week on which the preview is generated.
    pub generation_day: Weekday,
    /// The hour of that day, UTC. The time zone is not known.
    pub generation_hour: i8,
    /// What the preview is in a month before its first generation.
    pub before_first_preview: BeforeFirstPreview,
    /// A 429 says how long to wait. Not seen.
    pub retry_after_header: bool,
    /// The two operations that only one client knows exist.
    pub newer_operations: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            session_minutes: 60,
            expired_status: 500,
            denied_status: 500,
            token: TokenForm::default(),
            nothing_as_null: false,
            company_as_list: false,
            addons: Addons::default(),
            service_charges_as_one: false,
            rows_as_lists: false,
            display_type_as_number: false,
            quantity_as_text: false,
            dot_zero: false,
            list_terminated: true,
            splits: Splits::default(),
            interval: IntervalForm::default(),
            generation_day: Weekday::Friday,
            generation_hour: 6,
            before_first_preview: BeforeFirstPreview::default(),
            retry_after_header: false,
            newer_operations: false,
        }
    }
}

/// The whole marketplace, as one user of one provider sees it.
#[derive(Clone, Debug)]
pub struct DandhState {
    /// The clock.
    pub clock: Clock,
    /// Who may sign in.
    pub credentials: Credentials,
    /// The operations that the user has no right to.
    pub denied: BTreeSet<String>,
    /// The switches.
    pub options: Options,
    /// The limit of all calls but those for a session; beyond it they get a 429.
    pub limit: RateLimit,
    /// The limit of calls for a session; beyond it they get a 403.
    pub logins: RateLimit,
    /// The provider that the user belongs to.
    pub reseller_id: i64,
    /// The id of its only marketplace.
    pub marketplace_id: i64,
    /// Providers, clients and departments.
    pub accounts: BTreeMap<i64, Account>,
    /// The catalogue, by technical name.
    pub products: BTreeMap<String, Product>,
    /// The subscriptions.
    pub subscriptions: BTreeMap<i64, Subscription>,
    /// Accounts whose subscriptions cannot be read: a fault of status 500, as seen now and then.
    pub failing_accounts: BTreeSet<i64>,
    /// How many sessions were given out.
    pub sessions_issued: u64,
    pub(super) sessions: BTreeMap<String, Timestamp>,
    next_id: i64,
}

impl Default for DandhState {
    fn default() -> Self {
        Self::new()
    }
}

impl DandhState {
    /// A provider without clients, whose clock stands at 15 March 2026, a Sunday.
    pub fn new() -> Self {
        Self::on(jiff::civil::date(2026, 3, 15))
    }

    /// A provider without clients, whose clock stands at noon UTC of a day.
    pub fn on(today: Date) -> Self {
        let mut state = Self {
            clock: Clock::on(today),
            credentials: Credentials::default(),
            denied: BTreeSet::new(),
            options: Options::default(),
            limit: RateLimit::unlimited(),
            logins: RateLimit::unlimited(),
            reseller_id: 0,
            marketplace_id: 7,
            accounts: BTreeMap::new(),
            products: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            failing_accounts: BTreeSet::new(),
            sessions_issued: 0,
            sessions: BTreeMap::new(),
            next_id: 410_000,
        };
        state.reseller_id = state.add_account(0, AccountKind::Reseller, "Example MSP");
        state
    }

    /// A new id; the same state gives the same ones.
    pub(super) fn fresh_id(&mut self) -> i64 {
        self.next_id += 11;
        self.next_id
    }

    /// Lets every session given out so far expire.
    pub fn expire_sessions(&mut self) {
        let now = self.clock.now();
        for expires in self.sessions.values_mut() {
            *expires = now;
        }
    }

    /// Whether an account is, or stands below, another one.
    pub(super) fn is_below(&self, account: i64, above: i64) -> bool {
        let mut at = Some(account);
        // The tree is shallow; a circle made by hand ends.
        for _ in 0..32 {
            match at {
                Some(id) if id == above => return true,
                Some(id) => at = self.accounts.get(&id).map(|account| account.parent_id),
                None => return false,
            }
        }
        false
    }
}
