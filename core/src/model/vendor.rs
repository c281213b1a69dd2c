//! The vendor's side: accounts, services and readings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Bill, BillKey, Commitment, LineKey, Money, Period, Quantity, ServiceKey, SubscriptionId,
    Timestamp, VendorAccountId,
};
use crate::error::{Error, ErrorKind};

/// A client of the MSP as a vendor knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VendorAccount {
    /// The vendor's id.
    pub id: VendorAccountId,
    /// The name, as the vendor shows it.
    pub name: String,
    /// The PSA company id, where the vendor's own record states it.
    pub company_reference: Option<String>,
    /// The field of the vendor's record that is to state the PSA company id, where the account may be
    /// linked by it alone: without a reference it is skipped, whatever its name.
    pub reference_field: Option<String>,
    /// Whether the vendor's record did not tell that field: whether it states a company is not known.
    #[serde(default)]
    pub reference_unread: bool,
    /// Whether the vendor has suspended the account. Suspension is not a quantity of zero.
    pub suspended: bool,
}

impl VendorAccount {
    /// An account that is not suspended.
    pub fn new(id: impl Into<VendorAccountId>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            company_reference: None,
            reference_field: None,
            reference_unread: false,
            suspended: false,
        }
    }

    /// Says whether the vendor has suspended it.
    #[must_use]
    pub fn with_suspended(mut self, suspended: bool) -> Self {
        self.suspended = suspended;
        self
    }

    /// Adds the PSA company id that the vendor's record states.
    #[must_use]
    pub fn with_company_reference(mut self, reference: impl Into<String>) -> Self {
        self.company_reference = Some(reference.into());
        self
    }

    /// Names the field of the vendor's record by which alone the account may be linked.
    #[must_use]
    pub fn with_reference_field(mut self, field: impl Into<String>) -> Self {
        self.reference_field = Some(field.into());
        self
    }

    /// Says whether the vendor's record did not tell that field.
    #[must_use]
    pub fn with_reference_unread(mut self, unread: bool) -> Self {
        self.reference_unread = unread;
        self
    }
}

/// What can be bought at a vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Service {
    /// The SKU or offer key.
    pub key: ServiceKey,
    /// The name, as the vendor shows it. Never a key: it may change with the language.
    pub name: String,
    /// How often the vendor bills it.
    pub billing_cycle: BillingCycle,
    /// Why it cannot be synced as it is, where that is so.
    pub not_syncable: Option<String>,
}

impl Service {
    /// A service billed on an unknown cycle.
    pub fn new(key: impl Into<ServiceKey>, name: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            billing_cycle: BillingCycle::Unknown,
            not_syncable: None,
        }
    }

    /// Says how often the vendor bills it.
    #[must_use]
    pub fn with_billing_cycle(mut self, cycle: BillingCycle) -> Self {
        self.billing_cycle = cycle;
        self
    }

    /// Says why it cannot be synced.
    #[must_use]
    pub fn with_not_syncable(mut self, reason: impl Into<String>) -> Self {
        self.not_syncable = Some(reason.into());
        self
    }
}

/// How often something is billed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BillingCycle {
    /// Once.
    OneTime,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every two weeks.
    BiWeekly,
    /// Every month.
    Monthly,
    /// Every two months.
    BiMonthly,
    /// Every three months.
    Quarterly,
    /// Every six months.
    SemiAnnual,
    /// Every year.
    Yearly,
    /// Not known, or not one of these. Nothing is planned on it.
    #[default]
    Unknown,
}

impl BillingCycle {
    /// The months of a period, for cycles that count in months.
    #[must_use]
    pub const fn months(self) -> Option<u32> {
        Some(match self {
            Self::Monthly => 1,
            Self::BiMonthly => 2,
            Self::Quarterly => 3,
            Self::SemiAnnual => 6,
            Self::Yearly => 12,
            _ => return None,
        })
    }
}

impl fmt::Display for BillingCycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::OneTime => "one-time",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::BiWeekly => "every two weeks",
            Self::Monthly => "monthly",
            Self::BiMonthly => "every two months",
            Self::Quarterly => "quarterly",
            Self::SemiAnnual => "every six months",
            Self::Yearly => "yearly",
            Self::Unknown => "unknown",
        })
    }
}

/// What a usage line charges for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChargeKind {
    /// A quantity that recurs every cycle: seats, licences.
    #[default]
    Recurring,
    /// A one-time charge.
    Setup,
    /// A quantity metered afterwards.
    Usage,
    /// A piece of a cycle, from a change within it.
    Proration,
    /// Money given back.
    Credit,
}

impl fmt::Display for ChargeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Recurring => "recurring",
            Self::Setup => "setup",
            Self::Usage => "usage",
            Self::Proration => "proration",
            Self::Credit => "credit",
        })
    }
}

/// What the counts of a reading mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// What is subscribed at this moment.
    Live,
    /// What the vendor expects to invoice, as of its last projection.
    ProjectedInvoice,
    /// What the vendor has invoiced.
    Invoiced,
    /// What the vendor has measured.
    Metered,
}

/// One line of a reading: the unit of reconciliation.
///
/// In memory its fields are in this order, so that what every reconcile looks at stands together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[repr(C)]
pub struct UsageLine {
    /// The stable key, the same in every reading of the same thing.
    pub key: LineKey,
    /// The service.
    pub service: ServiceKey,
    /// The exact quantity, in `unit`s.
    pub quantity: Quantity,
    /// What it charges for.
    pub kind: ChargeKind,
    /// How often it is billed.
    pub billing_cycle: BillingCycle,
    /// What the MSP pays per unit for a whole cycle.
    pub unit_cost: Option<Money>,
    /// What the vendor recommends that the client pays per unit for a whole cycle.
    pub unit_price: Option<Money>,
    /// The service period that the line covers, where it has one.
    pub period: Option<Period>,
    /// The commitment behind it.
    pub commitment: Option<Box<Commitment>>,
    /// The bill that the line stands on, where the basis is an invoice.
    pub bill: Option<BillKey>,
    /// The subscription, where the line has one.
    pub subscription: Option<SubscriptionId>,
    /// The service that a resource line (CPU, RAM, storage) belongs to.
    pub resource_group: Option<ServiceKey>,
    /// What the vendor calls that service now. People rename it: nothing is recognised by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group_name: Option<Arc<str>>,
    /// The unit's name, where the vendor gives one.
    pub unit: Option<Arc<str>>,
    /// What the MSP pays for the line as a whole, where the vendor states it.
    pub total_cost: Option<Money>,
    /// What the vendor recommends that the client pays for the line as a whole, where it states it.
    pub total_price: Option<Money>,
    /// Names and values that say more, such as seat holders.
    pub attributes: Vec<(Arc<str>, Arc<str>)>,
    /// The vendor's own ids of the rows behind the line, by the vendor's names for them.
    pub vendor_ids: Vec<(Arc<str>, Arc<str>)>,
}

impl UsageLine {
    /// A recurring line with a quantity, and nothing else known.
    pub fn new(
        key: impl Into<LineKey>,
        service: impl Into<ServiceKey>,
        quantity: impl Into<Quantity>,
    ) -> Self {
        Self {
            key: key.into(),
            service: service.into(),
            subscription: None,
            resource_group: None,
            resource_group_name: None,
            kind: ChargeKind::Recurring,
            quantity: quantity.into(),
            unit: None,
            unit_cost: None,
            unit_price: None,
            total_cost: None,
            total_price: None,
            period: None,
            bill: None,
            billing_cycle: BillingCycle::Unknown,
            commitment: None,
            attributes: Vec::new(),
            vendor_ids: Vec::new(),
        }
    }

    /// Says what it charges for.
    #[must_use]
    pub fn with_kind(mut self, kind: ChargeKind) -> Self {
        self.kind = kind;
        self
    }

    /// Names the subscription.
    #[must_use]
    pub fn with_subscription(mut self, subscription: impl Into<SubscriptionId>) -> Self {
        self.subscription = Some(subscription.into());
        self
    }

    /// Adds the cost per unit.
    #[must_use]
    pub fn with_unit_cost(mut self, cost: Option<Money>) -> Self {
        self.unit_cost = cost;
        self
    }

    /// Adds the recommended price per unit.
    #[must_use]
    pub fn with_unit_price(mut self, price: Option<Money>) -> Self {
        self.unit_price = price;
        self
    }

    /// Adds what the line as a whole costs the MSP, and what it is to cost the client.
    #[must_use]
    pub fn with_totals(mut self, cost: Option<Money>, price: Option<Money>) -> Self {
        self.total_cost = cost;
        self.total_price = price;
        self
    }

    /// Names the bill that it stands on.
    #[must_use]
    pub fn with_bill(mut self, bill: Option<BillKey>) -> Self {
        self.bill = bill;
        self
    }

    /// Adds the service period.
    #[must_use]
    pub fn with_period(mut self, period: Option<Period>) -> Self {
        self.period = period;
        self
    }

    /// Says how often it is billed.
    #[must_use]
    pub fn with_billing_cycle(mut self, cycle: BillingCycle) -> Self {
        self.billing_cycle = cycle;
        self
    }

    /// Adds the commitment.
    #[must_use]
    pub fn with_commitment(mut self, commitment: Option<Commitment>) -> Self {
        self.commitment = commitment.map(Box::new);
        self
    }

    /// Adds one of the vendor's own ids.
    #[must_use]
    pub fn with_vendor_id(mut self, name: &str, value: impl Into<Arc<str>>) -> Self {
        self.vendor_ids.push((name.into(), value.into()));
        self
    }
}

/// Why an account or agreement could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadFailure {
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The error on one line, without secrets and the same for the same failure.
    pub message: String,
}

impl ReadFailure {
    /// A failure in words.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

impl From<&Error> for ReadFailure {
    fn from(error: &Error) -> Self {
        Self::new(error.kind(), error.summary())
    }
}

/// Whether an account was read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadingOutcome {
    /// Everything the account has, and nothing else: an absent service is really absent.
    Complete(Vec<UsageLine>),
    /// The account was not observed; nothing may be concluded about it.
    Failed(ReadFailure),
}

/// What a vendor said about one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountReading {
    /// The account.
    pub account: VendorAccountId,
    /// Its lines, or why there are none.
    pub outcome: ReadingOutcome,
    /// When it was read.
    pub read_at: Timestamp,
    /// The state the vendor's data are from, where that is not `read_at`.
    pub data_as_of: Option<Timestamp>,
    /// What the counts mean.
    pub basis: Basis,
    /// Kinds of lines that could not be read, or not for certain whole: nothing may be concluded
    /// about them, from presence or absence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread_kinds: Vec<ChargeKind>,
    /// Services about which the reading says nothing, each with the reason: their lines are not in
    /// it, and nothing may be concluded from that.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unobserved: BTreeMap<ServiceKey, String>,
    /// Services whose latest bill was exported before and says what it said then: their lines are
    /// not in the reading, and nothing is to be done about them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub exported: BTreeSet<ServiceKey>,
    /// The bills that the lines are from, where the basis is an invoice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bills: Vec<Bill>,
    /// The vendor's billing period that it was read in, where the vendor states it: its last day is
    /// the next billing date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_period: Option<Period>,
}

impl AccountReading {
    /// An account that was read whole.
    pub fn complete(
        account: impl Into<VendorAccountId>,
        lines: Vec<UsageLine>,
        basis: Basis,
        read_at: Timestamp,
    ) -> Self {
        Self {
            account: account.into(),
            outcome: ReadingOutcome::Complete(lines),
            read_at,
            data_as_of: None,
            basis,
            unread_kinds: Vec::new(),
            unobserved: BTreeMap::new(),
            exported: BTreeSet::new(),
            bills: Vec::new(),
            billing_period: None,
        }
    }

    /// An account that could not be read.
    pub fn failed(
        account: impl Into<VendorAccountId>,
        failure: impl Into<ReadFailure>,
        basis: Basis,
        read_at: Timestamp,
    ) -> Self {
        Self {
            account: account.into(),
            outcome: ReadingOutcome::Failed(failure.into()),
            read_at,
            data_as_of: None,
            basis,
            unread_kinds: Vec::new(),
            unobserved: BTreeMap::new(),
            exported: BTreeSet::new(),
            bills: Vec::new(),
            billing_period: None,
        }
    }

    /// Says which state the vendor's data are from.
    #[must_use]
    pub fn with_data_as_of(mut self, data_as_of: Option<Timestamp>) -> Self {
        self.data_as_of = data_as_of;
        self
    }

    /// Says which kinds of lines could not be read, though the others are complete.
    #[must_use]
    pub fn with_unread_kinds(mut self, kinds: impl IntoIterator<Item = ChargeKind>) -> Self {
        self.unread_kinds.extend(kinds);
        self
    }

    /// Names services about which it says nothing, each with the reason.
    #[must_use]
    pub fn with_unobserved(
        mut self,
        services: impl IntoIterator<Item = (ServiceKey, String)>,
    ) -> Self {
        self.unobserved.extend(services);
        self
    }

    /// Names services whose latest bill was exported before.
    #[must_use]
    pub fn with_exported(mut self, services: impl IntoIterator<Item = ServiceKey>) -> Self {
        self.exported.extend(services);
        self
    }

    /// Names the bills that the lines are from.
    #[must_use]
    pub fn with_bills(mut self, bills: impl IntoIterator<Item = Bill>) -> Self {
        self.bills.extend(bills);
        self
    }

    /// Names the vendor's billing period that it was read in.
    #[must_use]
    pub fn with_billing_period(mut self, period: Option<Period>) -> Self {
        self.billing_period = period;
        self
    }

    /// The lines of a complete reading.
    #[must_use]
    pub fn lines(&self) -> Option<&[UsageLine]> {
        match &self.outcome {
            ReadingOutcome::Complete(lines) => Some(lines),
            ReadingOutcome::Failed(_) => None,
        }
    }

    /// The instant whose state the counts show.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.data_as_of.unwrap_or(self.read_at)
    }
}
