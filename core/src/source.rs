//! The vendor's side as a trait.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::{
    AccountReading, Basis, ChargeKind, CivilDate, ExportedBills, Service, Timestamp, VendorAccount,
    VendorAccountId,
};

/// What makes a change of a service due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Trigger {
    /// Another number of units: it is due at once.
    #[default]
    OnQuantityChange,
    /// The vendor's billing date: it is due once the period is over or on a bill.
    OnBillingDate,
    /// Another measured use, beside what recurs: it is due at once.
    OnUsageChange,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OnQuantityChange => "the quantity",
            Self::OnBillingDate => "the vendor's billing date",
            Self::OnUsageChange => "the usage",
        })
    }
}

/// What makes changes due by what a service is, as its readings show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triggers {
    /// A quantity that recurs.
    pub quota: Trigger,
    /// What is measured alone.
    pub usage: Trigger,
    /// What is measured beside a quantity that recurs.
    pub usage_with_extra: Trigger,
}

impl Default for Triggers {
    /// Everything at once.
    fn default() -> Self {
        Self::AT_ONCE
    }
}

impl Triggers {
    /// Everything at once.
    pub const AT_ONCE: Self = Self {
        quota: Trigger::OnQuantityChange,
        usage: Trigger::OnUsageChange,
        usage_with_extra: Trigger::OnUsageChange,
    };

    /// Whether anything waits for the vendor's billing date.
    #[cfg(feature = "engine")]
    pub(crate) fn any_waits(self) -> bool {
        [self.quota, self.usage, self.usage_with_extra].contains(&Trigger::OnBillingDate)
    }

    /// What makes changes of a kind of offer due.
    #[must_use]
    pub const fn of(self, offer: OfferKind) -> Trigger {
        match offer {
            OfferKind::Quota => self.quota,
            OfferKind::Usage => self.usage,
            OfferKind::UsageWithExtra => self.usage_with_extra,
        }
    }
}

/// What a service is, by the lines that its readings hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferKind {
    /// A quantity that recurs.
    Quota,
    /// What is measured alone.
    Usage,
    /// What is measured beside a quantity that recurs.
    UsageWithExtra,
}

/// What a source is and what it reports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceDescriptor {
    /// The short name of the system, such as `sherweb`.
    pub system: &'static str,
    /// The name to show.
    pub name: Cow<'static, str>,
    /// What its counts mean.
    pub basis: Basis,
    /// The kinds of lines that its readings hold.
    pub kinds: &'static [ChargeKind],
    /// How old its data may be before a new reading is due: the vendor's refresh rhythm.
    pub fresh_for: Duration,
    /// Whether it states the cost per unit.
    pub unit_costs: bool,
    /// Whether it states commitments.
    pub commitments: bool,
    /// Which of the system's tenants it reads, in words that hold no secret.
    pub tenant: Option<String>,
    /// What makes changes due.
    pub triggers: Triggers,
}

impl SourceDescriptor {
    /// A source of live recurring quantities, due again after a day.
    #[must_use]
    pub const fn new(system: &'static str, name: &'static str) -> Self {
        Self {
            system,
            name: Cow::Borrowed(name),
            basis: Basis::Live,
            kinds: &[ChargeKind::Recurring],
            fresh_for: Duration::from_secs(24 * 60 * 60),
            unit_costs: false,
            commitments: false,
            tenant: None,
            triggers: Triggers::AT_ONCE,
        }
    }
}

/// Who the credentials are, and what they may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Who: the tenant or application, in the system's words.
    pub subject: String,
    /// The system's version, where it says it.
    pub version: Option<String>,
    /// What was tried and found to work, each a short sentence.
    pub verified: Vec<String>,
    /// What works but deserves attention, each a sentence that says what to do.
    pub warnings: Vec<String>,
}

impl Identity {
    /// An identity of whom nothing else is known.
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            ..Self::default()
        }
    }
}

/// What to read.
#[derive(Clone, Debug)]
pub struct UsageRequest {
    /// The present instant: stamps the readings.
    pub now: Timestamp,
    /// A day inside the billing period whose charges are wanted.
    pub period_of: CivilDate,
    /// The accounts to read; `None` for all.
    pub accounts: Option<BTreeSet<VendorAccountId>>,
    /// The bills that were exported, where that is remembered. A source of invoices then reads
    /// what is new since: all that is charged once on the bills after the last exported one, and
    /// nothing of one that was exported. `None` for the latest bills, whether new or not.
    pub exported: Option<ExportedBills>,
}

impl UsageRequest {
    /// All accounts, in the billing period that holds the present day (UTC).
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            period_of: now.date(),
            accounts: None,
            exported: None,
        }
    }

    /// Reads these accounts only.
    #[must_use]
    pub fn with_accounts(mut self, accounts: impl IntoIterator<Item = VendorAccountId>) -> Self {
        self.accounts = Some(accounts.into_iter().collect());
        self
    }

    /// Reads what is new since these bills were exported.
    #[must_use]
    pub fn with_exported(mut self, exported: ExportedBills) -> Self {
        self.exported = Some(exported);
        self
    }

    /// Whether an account is asked for.
    #[must_use]
    pub fn wants(&self, account: &VendorAccountId) -> bool {
        self.accounts
            .as_ref()
            .is_none_or(|accounts| accounts.contains(account))
    }
}

/// A vendor marketplace: who its accounts are and what each has.
///
/// Object-safe: keep a `Box<dyn VendorSource>` per tenant. Dropping a stream stops its requests.
#[async_trait]
pub trait VendorSource: Send + Sync {
    /// What this source is and what it reports.
    fn descriptor(&self) -> &SourceDescriptor;

    /// Makes the cheapest authenticated call and names what is missing.
    ///
    /// # Errors
    /// `Auth` for refused credentials, `PermissionDenied` for a missing right, `Config` for a
    /// wrong address, `Unavailable` and `Timeout` when the system cannot be reached.
    async fn check(&self) -> Result<Identity>;

    /// The accounts.
    ///
    /// # Errors
    /// An item is an error when the list, or one record of it, could not be read.
    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>>;

    /// The services that can be mapped.
    ///
    /// # Errors
    /// An item is an error when the list, or one record of it, could not be read.
    fn services(&self) -> BoxStream<'_, Result<Service>>;

    /// One reading per account, each whole or failed.
    ///
    /// An account that is not in the stream was not observed.
    ///
    /// # Errors
    /// An item is an error when the read as a whole cannot go on (credentials, the list of
    /// accounts); a failure of one account is a failed reading.
    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>>;
}
