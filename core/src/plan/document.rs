//! The plan as a document: hashed, readable, diffable.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Change, Policy, Strategy, canonical};
use crate::error::{Error, ErrorKind, Result, escape_unprintable, printable};
use crate::model::{
    AgreementId, AgreementLineId, BillStamp, ChangeId, CivilDate, CompanyId, Freshness, PlanId,
    ProductId, RunId, ServiceKey, Span, Timestamp, VendorAccountId,
};
use crate::reconcile::{GROUP, Kind, all_cores, look_at, shared};
use crate::sink::SinkDescriptor;

const FORMAT: &str = "tallyline-plan";
/// The version of a plan of billed lines.
const VERSION: u32 = 4;
/// The version of a plan of accounts, which programs that know the first alone refuse by it.
const VERSION_OF_ACCOUNTS: u32 = 5;
/// The version of a plan of products.
const VERSION_OF_PRODUCTS: u32 = 6;
/// How much less each was where an id was the hash of JSON.
const SINCE_JSON: u32 = 3;

/// What a plan is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlanKind {
    /// What a PSA bills, by what a vendor shows.
    #[default]
    Billing,
    /// The accounts of a vendor, by a PSA's companies: its source is the PSA, its sink the vendor.
    Accounts,
    /// The products of a PSA's catalogue, by a vendor's services.
    Products,
}

impl PlanKind {
    /// What changes are about.
    pub fn of<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Self {
        let mut kinds = changes.into_iter().map(|change| match &change.action {
            action if action.is_of_account() => Self::Accounts,
            action if action.creates_product() => Self::Products,
            _ => Self::Billing,
        });
        kinds.find(|kind| !kind.is_billing()).unwrap_or_default()
    }

    /// Whether it is about what a PSA bills.
    #[must_use]
    pub fn is_billing(&self) -> bool {
        *self == Self::Billing
    }

    const fn version(self) -> u32 {
        match self {
            Self::Billing => VERSION,
            Self::Accounts => VERSION_OF_ACCOUNTS,
            Self::Products => VERSION_OF_PRODUCTS,
        }
    }
}

/// Something that the plan does not change and a person should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Notice {
    /// What was found.
    pub kind: Kind,
    /// The vendor account, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<VendorAccountId>,
    /// The service, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceKey>,
    /// The company, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// The agreement, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<AgreementId>,
    /// The product, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductId>,
    /// The oldest state that the readings behind it show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The sentence to show.
    pub message: String,
}

impl Notice {
    /// A notice about nothing in particular yet. The message is made safe to print.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            account: None,
            service: None,
            company: None,
            agreement: None,
            product: None,
            as_of: None,
            message: printable(&message.into()),
        }
    }
}

/// The run that a plan follows up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Origin {
    /// It brings again what the run could not do.
    Retry {
        /// The run.
        run: RunId,
    },
    /// It takes back what the run did.
    Undo {
        /// The run.
        run: RunId,
    },
}

impl Origin {
    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        match self {
            Self::Retry { run } | Self::Undo { run } => run,
        }
    }
}

/// A bill of the vendor that a plan brings to the PSA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlannedBill {
    /// The account.
    pub account: VendorAccountId,
    /// The bill.
    pub bill: BillStamp,
    /// The changes that rest on the account's usage: once all are done, the bill is exported.
    pub changes: Vec<ChangeId>,
}

impl PlannedBill {
    /// The bills of the text of a run's plan; none of a text that is no plan file.
    ///
    /// # Errors
    /// As [`Plan::of_run`]: what was exported is not known then, and to go on could bill it again or never.
    pub fn of_plan_text(text: &str) -> Result<Vec<Self>> {
        // Most plans name none, and plans are long.
        if !text.contains("\"bills\"") || !text.contains(FORMAT) {
            return Ok(Vec::new());
        }
        Ok(Plan::of_run(text)?.content.bills)
    }
}

/// The content of a plan: what its id is the hash of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PlanContent {
    /// What it is about.
    #[serde(default, skip_serializing_if = "PlanKind::is_billing")]
    pub kind: PlanKind,
    /// The source's system, such as `sherweb`.
    pub source: String,
    /// Which of the source's tenants it was read from, where the source says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_tenant: Option<String>,
    /// The sink's system, such as `connectwise`.
    pub sink: String,
    /// Which of the sink's tenants it is for, where the sink says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink_tenant: Option<String>,
    /// How new quantities are brought onto lines.
    pub strategy: Strategy,
    /// When it was made.
    pub made: Timestamp,
    /// The run that it follows up; absent where it starts from both sides alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The day it was made for.
    pub today: CivilDate,
    /// The oldest state that its readings show.
    pub data_as_of: Option<Timestamp>,
    /// After how many seconds a reading of the source is due anew: the vendor's refresh rhythm.
    /// Absent where it rests on no reading of the vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_seconds: Option<u64>,
    /// The revision of the mapping.
    pub mapping_revision: u64,
    /// What it was allowed to do.
    pub policy: Policy,
    /// How many rows and records of each kind the comparison had.
    pub found: BTreeMap<Kind, u64>,
    /// Open lines that no mapping owns: untouched.
    pub unowned_lines: u64,
    /// The bills that it brings to the PSA as a whole, where the vendor's side is bills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bills: Vec<PlannedBill>,
    /// The changes, in the order of company, agreement and product.
    pub changes: Vec<Change>,
    /// What it does not change and a person should know.
    pub notices: Vec<Notice>,
}

impl PlanContent {
    /// How fresh a state of the vendor's side is at an instant; none where the plan does not say the
    /// vendor's rhythm.
    #[must_use]
    pub fn freshness(&self, as_of: Option<Timestamp>, now: Timestamp) -> Option<Freshness> {
        let rhythm = Duration::from_secs(self.refresh_seconds?);
        Some(Freshness::at(now, as_of?, rhythm))
    }
}

/// A plan: content under the hash of itself, so that an edit by hand is noticed.
///
/// The hash is no signature: it shows a change, not who made it. Whoever may write the file and
/// wants to deceive can hash it anew.
///
/// The same inputs give the same bytes. Its file is JSON, one field a line, and can be kept and
/// compared under version control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    id: PlanId,
    content: PlanContent,
}

#[derive(Serialize)]
struct FileOut<'a> {
    format: &'a str,
    version: u32,
    id: &'a PlanId,
    plan: &'a PlanContent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileIn {
    format: String,
    version: u32,
    id: PlanId,
    plan: PlanContent,
}

/// What a plan amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlanSummary {
    /// Changes that nothing speaks against.
    pub ready: usize,
    /// Changes that a guard blocks.
    pub blocked: usize,
    /// Notices.
    pub notices: usize,
}

impl fmt::Display for PlanSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to apply, {} blocked, {} to know about",
            self.ready, self.blocked, self.notices
        )
    }
}

/// One side of a plan: a system, and which of its tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side<'a> {
    /// The system, such as `sherweb`.
    pub system: &'a str,
    /// The tenant, where it says one.
    pub tenant: Option<&'a str>,
}

impl fmt::Display for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.system))?;
        match self.tenant {
            Some(tenant) => write!(f, " ({})", printable(tenant)),
            None => Ok(()),
        }
    }
}

impl Plan {
    /// Seals a content into a plan.
    ///
    /// # Errors
    /// `Unexpected` when the content cannot be hashed.
    pub fn new(content: PlanContent) -> Result<Self> {
        Self::on_threads(content, all_cores())
    }

    /// Seals a content, its changes hashed on so many threads.
    pub(super) fn on_threads(mut content: PlanContent, threads: NonZeroUsize) -> Result<Self> {
        let changes = std::mem::take(&mut content.changes);
        let id = hash(&content, &changes, threads)?;
        content.changes = changes;
        Ok(Self { id, content })
    }

    /// The id: the hash of the content.
    #[must_use]
    pub fn id(&self) -> &PlanId {
        &self.id
    }

    /// The content.
    #[must_use]
    pub fn content(&self) -> &PlanContent {
        &self.content
    }

    /// The changes, blocked ones included.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.content.changes
    }

    /// What it does not change and a person should know.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.content.notices
    }

    /// A change by its id.
    #[must_use]
    pub fn change(&self, id: &ChangeId) -> Option<&Change> {
        self.content.changes.iter().find(|change| change.id == *id)
    }

    /// What it amounts to.
    #[must_use]
    pub fn summary(&self) -> PlanSummary {
        let blocked = self.changes().iter().filter(|c| c.is_blocked()).count();
        PlanSummary {
            ready: self.changes().len() - blocked,
            blocked,
            notices: self.notices().len(),
        }
    }

    /// Checks that it is young enough to be carried out.
    ///
    /// # Errors
    /// `StalePlan` when it is older than its policy allows.
    pub fn check_age(&self, now: Timestamp) -> Result<()> {
        let age = now.since(self.content.made);
        let hours = u64::from(self.content.policy.plan_valid_hours);
        let valid = Duration::from_secs(hours * 3600);
        if age <= valid {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::StalePlan,
            format!(
                "the plan was made on {}, {} ago, and may be carried out for {}: \
                 make it again, so that it rests on what both sides show now",
                self.content.made,
                Span(age),
                Span(valid)
            ),
        ))
    }

    /// Checks that it is for these systems and tenants. A side whose tenant nobody says is
    /// compared by its system.
    ///
    /// # Errors
    /// `StalePlan` naming what the plan is for and what is connected.
    pub fn check_sides(&self, source: Side<'_>, sink: &SinkDescriptor) -> Result<()> {
        let content = &self.content;
        let sides = [
            (
                "from",
                content.source.as_str(),
                &content.source_tenant,
                source,
            ),
            (
                "for",
                content.sink.as_str(),
                &content.sink_tenant,
                Side {
                    system: sink.system,
                    tenant: sink.tenant.as_deref(),
                },
            ),
        ];
        for (way, system, tenant, connected) in sides {
            let tenant = tenant.as_deref();
            if system != connected.system || tenant != connected.tenant {
                let planned = Side { system, tenant };
                return Err(Error::new(
                    ErrorKind::StalePlan,
                    format!(
                        "the plan is {way} {planned}, and {connected} is connected: nothing was \
                         written"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Checks that it was made for the strategy that the sink is set to.
    ///
    /// # Errors
    /// `StalePlan` naming the two.
    pub fn check_strategy(&self, sink: &SinkDescriptor) -> Result<()> {
        let content = &self.content;
        if content.strategy != sink.strategy {
            return Err(Error::new(
                ErrorKind::StalePlan,
                format!(
                    "the plan was made for the strategy {}, and the sink is set to {}: make the \
                     plan again",
                    content.strategy, sink.strategy
                ),
            ));
        }
        Ok(())
    }

    /// The text of its file.
    ///
    /// # Errors
    /// `Unexpected` when the content cannot be written as JSON.
    pub fn to_text(&self) -> Result<String> {
        let file = FileOut {
            format: FORMAT,
            version: self.content.kind.version(),
            id: &self.id,
            plan: &self.content,
        };
        let text = serde_json::to_string_pretty(&file).map_err(unwritable)?;
        // JSON itself leaves characters alone that turn the text of a review around.
        let mut text = escape_unprintable(&text).into_owned();
        text.push('\n');
        Ok(text)
    }

    /// Reads the text of a plan file.
    ///
    /// # Errors
    /// `StalePlan` when the text is no plan of this version, or was changed after it was made.
    pub fn from_text(text: &str) -> Result<Self> {
        FileIn::read(text)?.checked()
    }

    /// Reads the text of the plan that a run was begun with, as a journal keeps it. One of a version whose ids were
    /// other hashes is taken as it stands, also where it was changed after it was made.
    ///
    /// # Errors
    /// `Storage` when the text is no plan that this program reads, or is of this version and was changed.
    pub fn of_run(text: &str) -> Result<Self> {
        let read = || {
            let file = FileIn::read(text)?;
            let before = file.plan.kind.version() - SINCE_JSON;
            if file.format == FORMAT && file.version == before {
                return Ok(Self {
                    id: file.id,
                    content: file.plan,
                });
            }
            file.checked()
        };
        read().map_err(|error: Error| {
            let why = error.message();
            let message = format!("the plan that a run was begun with cannot be read: {why}");
            Error::new(ErrorKind::Storage, message).with_source(error)
        })
    }
}

impl FileIn {
    fn read(text: &str) -> Result<Self> {
        crate::wire::decode_json(text.as_bytes()).map_err(|error| {
            Error::new(
                ErrorKind::StalePlan,
                format!("this is not a plan file: {error}; make the plan again"),
            )
        })
    }

    /// The plan, where it is of this version and of its id.
    fn checked(self) -> Result<Plan> {
        if self.format != FORMAT || self.version != self.plan.kind.version() {
            return Err(Error::new(
                ErrorKind::StalePlan,
                format!(
                    "the file is of format {} version {}; this program reads {FORMAT} version {VERSION}, of accounts {VERSION_OF_ACCOUNTS}, of products {VERSION_OF_PRODUCTS}; make the plan again",
                    printable(&self.format),
                    self.version
                ),
            ));
        }
        let plan = Plan::new(self.plan)?;
        if plan.id != self.id {
            return Err(Error::new(
                ErrorKind::StalePlan,
                format!(
                    "the plan file was changed after it was made: it says it is {}, its content is {}; make the plan again",
                    printable(self.id.as_str()),
                    plan.id
                ),
            ));
        }
        Ok(plan)
    }
}

/// The hash of all but the changes, and then of the hashes of the changes by [`BLOCK`]: those do not wait for
/// one another.
fn hash(head: &PlanContent, changes: &[Change], threads: NonZeroUsize) -> Result<PlanId> {
    let blocks = changes.chunks(BLOCK).collect();
    let blocks = shared(threads, blocks, hashed);
    let mut bytes = Vec::new();
    canonical::write(head, &mut bytes).map_err(unwritable)?;
    let mut hash = Sha256::new_with_prefix(bytes);
    for block in blocks {
        hash.update(block?.finalize());
    }
    Ok(PlanId::new(hex(&hash.finalize(), 32)))
}

/// How many changes are hashed together.
const BLOCK: usize = 256;

/// The hash of changes, of which a few at a time are in memory as bytes. Where one ends is seen in the bytes.
fn hashed(changes: &[Change]) -> Result<Sha256> {
    let mut hash = Sha256::new();
    let mut bytes = Vec::with_capacity(1 << 14);
    for group in changes.chunks(GROUP) {
        look_at(group.iter().flat_map(texts));
        for change in group {
            canonical::write(change, &mut bytes).map_err(unwritable)?;
        }
        hash.update(&bytes);
        bytes.clear();
    }
    Ok(hash)
}

/// Texts of a change that are elsewhere in memory.
fn texts(change: &Change) -> impl Iterator<Item = &str> {
    let own = [
        change.id.as_str(),
        change.company.as_str(),
        change.agreement.as_str(),
        change.product.as_str(),
        change.reason.as_str(),
    ];
    let used = change.evidence.usage.iter().flat_map(|line| {
        [
            line.account.as_str(),
            line.service.as_str(),
            line.line.as_str(),
        ]
    });
    let line = change.action.line().map(AgreementLineId::as_str);
    own.into_iter().chain(line).chain(used)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "the plan cannot be written").with_source(error)
}

/// The first `digits` hexadecimal digits of a hash.
pub(crate) fn hex(hash: &[u8], digits: usize) -> String {
    let digit = |half: u8| {
        char::from(if half < 10 {
            b'0' + half
        } else {
            b'a' - 10 + half
        })
    };
    let mut text = String::with_capacity(digits + 1);
    for byte in hash.iter().take(digits.div_ceil(2)) {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text.truncate(digits);
    text
}
