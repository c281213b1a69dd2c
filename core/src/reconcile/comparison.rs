//! What a reconcile found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::ahead::{GROUP, look_at};
use super::own::Planned;
use super::rows::{Agreeing, EvidenceLines, RowPlace, RowTable};
use super::{AccountMetadata, ChargeSum, NewAgreement, PsaBook};
use crate::model::{
    Agreement, AgreementId, AgreementKey, AgreementLine, Bill, BillingCycle, ChargeKind, CivilDate,
    Company, Freshness, LineKey, Money, Product, ProductId, Quantity, ServiceKey, Timestamp,
    VendorAccountId,
};
use crate::source::{OfferKind, SourceDescriptor};
use crate::store::{Ledger, LedgerCharge};

/// What was found for a line, an account or a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Usage with no line behind it.
    NewRevenue,
    /// The quantities differ.
    Change,
    /// The quantities agree.
    NoChange,
    /// A line that a mapping owns, with no usage in a complete reading.
    VendorMissing,
    /// Seen at the vendor; nothing is decided about it.
    Unmapped,
    /// Seen at the vendor; decided to need no mapping.
    Excluded,
    /// Mapped, but switched off.
    SwitchedOff,
    /// More than one line could be meant.
    Ambiguous,
    /// One of the two sides was not read whole.
    NotObserved,
    /// The agreement or the product cannot take synced lines.
    NotEligible,
    /// Billed on a bill that was exported before, and on none since.
    Exported,
    /// Charged by the vendor, and of a kind that the service's link does not bill.
    NotBilled,
    /// Usage whose count was never set, on a sink that does not tell counts.
    FirstCount,
    /// Left as it is by a person for the rest of the billing period.
    Dismissed,
    /// To be changed, and not due yet: it waits for the vendor's billing date.
    NotDue,
}

impl Kind {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 15] = [
        Self::NewRevenue,
        Self::Change,
        Self::NoChange,
        Self::VendorMissing,
        Self::Unmapped,
        Self::Excluded,
        Self::SwitchedOff,
        Self::Ambiguous,
        Self::NotObserved,
        Self::NotEligible,
        Self::Exported,
        Self::NotBilled,
        Self::FirstCount,
        Self::Dismissed,
        Self::NotDue,
    ];

    /// The kind in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewRevenue => "new revenue",
            Self::Change => "change",
            Self::NoChange => "no change",
            Self::VendorMissing => "vendor missing",
            Self::Unmapped => "unmapped",
            Self::Excluded => "excluded",
            Self::SwitchedOff => "switched off",
            Self::Ambiguous => "ambiguous",
            Self::NotObserved => "not observed",
            Self::NotEligible => "not eligible",
            Self::Exported => "exported before",
            Self::NotBilled => "not billed",
            Self::FirstCount => "first count",
            Self::Dismissed => "dismissed",
            Self::NotDue => "not due yet",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The vendor's cost per unit behind a row, or its price for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorCost {
    /// The vendor states none, or no rule carries it to this product.
    Unknown,
    /// The same cost on every usage line.
    Uniform(Money),
    /// Usage lines of different cost: no one figure is right.
    Mixed,
}

impl VendorCost {
    /// Joins the cost of one more usage line.
    pub(super) fn join(self, next: Option<Money>) -> Self {
        match (self, next) {
            (Self::Mixed, _) => Self::Mixed,
            (Self::Uniform(a), Some(b)) if a == b => Self::Uniform(a),
            (Self::Uniform(_), Some(_)) => Self::Mixed,
            _ => Self::Unknown,
        }
    }
}

/// One usage line as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidenceLine<'a> {
    pub(super) key: &'a LineKey,
    /// Its quantity.
    pub quantity: Quantity,
    /// What it charges for.
    pub kind: ChargeKind,
    /// How often the vendor bills it.
    pub billing_cycle: BillingCycle,
    /// The last day that the vendor bills it for: of its own period, else of the billing period
    /// that it was read in.
    pub billed_until: Option<CivilDate>,
    /// Whether it is on a bill.
    pub is_billed: bool,
    pub(super) account: u32,
    pub(super) service: u32,
    pub(super) floor: Option<Quantity>,
}

impl<'a> EvidenceLine<'a> {
    /// The usage line.
    #[must_use]
    pub fn key(&self) -> &'a LineKey {
        self.key
    }

    /// The lowest quantity that the vendor's commitment allows on the day, where it states one.
    #[must_use]
    pub fn floor(&self) -> Option<Quantity> {
        self.floor
    }
}

/// The sum of a bill, and what became of its charge in an earlier run.
#[derive(Clone, Debug)]
pub(super) struct ChargeData {
    pub(super) sum: ChargeSum,
    pub(super) made: Option<LedgerCharge>,
}

/// What the readings and the PSA's lines say of each other.
///
/// It borrows the PSA's side, and the readings that stay, so that a million rows do not copy a million lines.
#[derive(Debug)]
pub struct Comparison<'a> {
    pub(super) book: &'a PsaBook,
    pub(super) today: CivilDate,
    pub(super) mapping_revision: u64,
    pub(super) rows: RowTable,
    pub(super) evidence: EvidenceLines<'a>,
    pub(super) products: Vec<ProductId>,
    /// Where the book lists each product.
    pub(super) listed: Vec<Option<u32>>,
    pub(super) services: Vec<ServiceKey>,
    pub(super) accounts: Vec<VendorAccountId>,
    pub(super) rules: BTreeMap<(u32, u32), String>,
    /// Which days gave a quantity, by agreement and product.
    pub(super) days: BTreeMap<(u32, u32), Vec<String>>,
    /// For each agreement, the first service that its accounts use and nothing is decided about.
    pub(super) unmapped: BTreeMap<u32, ServiceKey>,
    pub(super) unplaced: Vec<Unplaced>,
    pub(super) not_counted: BTreeMap<ChargeKind, u64>,
    /// In the order of the accounts.
    pub(super) metadata: Vec<AccountMetadata>,
    pub(super) unowned_lines: u64,
    /// Agreements that are to be; their positions follow those of the book.
    pub(super) planned: Vec<Planned>,
    /// The keys of the agreements that were found by them, by position.
    pub(super) keys: BTreeMap<u32, AgreementKey>,
    /// The bills of the readings.
    pub(super) bills: Vec<(VendorAccountId, Bill)>,
    /// Services of which the readings hold both recurring lines and measured ones.
    pub(super) extra: BTreeSet<u32>,
    /// Which bills, counts and lines were written before.
    pub(super) ledger: Option<&'a Ledger>,
    /// How many threads share the work on it.
    pub(super) threads: NonZeroUsize,
}

impl<'a> Comparison<'a> {
    pub(super) fn agreement_at(&self, position: u32) -> &Agreement {
        match self.planned_at(position) {
            Some(planned) => &planned.new.agreement,
            None => self.book.agreement_at(position),
        }
    }

    fn planned_at(&self, position: u32) -> Option<&Planned> {
        let at = (position as usize).checked_sub(self.book.agreement_count())?;
        self.planned.get(at)
    }

    /// The bills of the readings of which nothing is left open: every line of theirs is on a row
    /// that can be planned, or is left out for good by a person's decision. In the order of account and bill.
    #[must_use]
    pub fn bills(&self) -> Vec<(&VendorAccountId, &Bill)> {
        if self.bills.is_empty() {
            return Vec::new();
        }
        let open = |kind: Kind| {
            matches!(
                kind,
                Kind::Unmapped
                    | Kind::SwitchedOff
                    | Kind::Ambiguous
                    | Kind::NotObserved
                    | Kind::NotEligible
                    | Kind::Dismissed
            )
        };
        let mut unclear: BTreeSet<&VendorAccountId> = self
            .unplaced
            .iter()
            .filter(|record| open(record.kind))
            .map(|record| &record.account)
            .collect();
        for row in self.rows().filter(|row| open(row.kind())) {
            unclear.extend(row.evidence().map(|line| row.account_of(&line)));
        }
        let mut bills: Vec<_> = self
            .bills
            .iter()
            .filter(|(account, _)| !unclear.contains(account))
            .map(|(account, bill)| (account, bill))
            .collect();
        bills.sort();
        bills
    }

    /// The rows: one for each agreement and product, in the order of company, agreement and
    /// product ids; after those of an agreement one for each bill of an account that is to be charged on it.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(|place| Row {
            comparison: self,
            place,
        })
    }

    /// The rows in so many pieces at most, one after the other; those of an agreement are in one piece.
    pub(crate) fn row_pieces(&self, most: usize) -> Vec<RowPiece<'_>> {
        let pieces = self.rows.pieces(most);
        pieces.map(|rows| self.piece_of(rows)).collect()
    }

    /// As [`row_pieces`](Self::row_pieces), without the rows that are [`agreeing`](Self::agreeing).
    pub(crate) fn telling_pieces(&self, most: usize) -> Vec<RowPiece<'_>> {
        let pieces = self.rows.telling_pieces(most);
        pieces.map(|rows| self.piece_of(rows)).collect()
    }

    fn piece_of<'c>(
        &'c self,
        rows: impl Iterator<Item = RowPlace<'c>> + Send + 'c,
    ) -> RowPiece<'c> {
        Box::new(rows.map(|place| Row {
            comparison: self,
            place,
        }))
    }

    /// How many rows ask for a change by their kind.
    pub(crate) fn differing(&self) -> usize {
        let found = Kind::ALL.into_iter().zip(self.rows.found());
        let differ = found.filter(|(kind, _)| {
            matches!(kind, Kind::NewRevenue | Kind::Change | Kind::VendorMissing)
        });
        usize::try_from(differ.map(|(_, rows)| rows).sum::<u64>()).unwrap_or(0)
    }

    /// The rows without a change on either side that have one line of a whole number of units, state no amount and
    /// are not billed by years.
    pub(crate) fn agreeing(&self) -> Agreeing {
        self.rows.agreeing()
    }

    /// How many threads share the work on it: those of the reconciler.
    pub(crate) fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    /// The oldest state that the readings behind the rows show.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.rows.oldest()
    }

    /// What has no row: accounts and services that are unmapped, excluded, switched off or not
    /// observed, in the order of their ids.
    #[must_use]
    pub fn unplaced(&self) -> &[Unplaced] {
        &self.unplaced
    }

    /// What goes into the notes of agreements, in the order of the accounts; those that were not observed are
    /// not in it.
    #[must_use]
    pub fn metadata(&self) -> &[AccountMetadata] {
        &self.metadata
    }

    /// The PSA's side.
    #[must_use]
    pub fn book(&self) -> &'a PsaBook {
        self.book
    }

    /// What was written before, where that is known.
    #[must_use]
    pub fn ledger(&self) -> Option<&'a Ledger> {
        self.ledger
    }

    /// The day the lines were compared on.
    #[must_use]
    pub fn today(&self) -> CivilDate {
        self.today
    }

    /// The revision of the mapping that was used.
    #[must_use]
    pub fn mapping_revision(&self) -> u64 {
        self.mapping_revision
    }

    /// Usage lines of mapped services whose kind the link does not count, by kind.
    #[must_use]
    pub fn not_counted(&self) -> &BTreeMap<ChargeKind, u64> {
        &self.not_counted
    }

    /// Open lines, on the agreements compared, that no mapping owns.
    #[must_use]
    pub fn unowned_lines(&self) -> u64 {
        self.unowned_lines
    }

    /// How many rows and unplaced records there are of each kind.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Kind, u64> {
        let rows = Kind::ALL
            .into_iter()
            .zip(self.rows.found())
            .filter(|(_, rows)| *rows > 0);
        let mut counts: BTreeMap<Kind, u64> = rows.collect();
        for record in &self.unplaced {
            *counts.entry(record.kind).or_default() += 1;
        }
        counts
    }
}

/// Rows that are worked on together.
pub(crate) type RowPiece<'c> = Box<dyn Iterator<Item = Row<'c>> + Send + 'c>;

/// One agreement and product: both sides, and what was found.
#[derive(Clone, Copy, Debug)]
pub struct Row<'c> {
    comparison: &'c Comparison<'c>,
    place: RowPlace<'c>,
}

impl<'c> Row<'c> {
    /// What was found.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.place.data.kind
    }

    /// The day of the comparison.
    #[must_use]
    pub fn today(&self) -> CivilDate {
        self.comparison.today
    }

    /// The PSA's side.
    #[must_use]
    pub fn book(&self) -> &'c PsaBook {
        self.comparison.book
    }

    /// The agreement; one that is to be where [`new_agreement`](Self::new_agreement) says so.
    #[must_use]
    pub fn agreement(&self) -> &'c Agreement {
        self.comparison.agreement_at(self.place.agreement())
    }

    /// What changes name the agreement by: its key, where it was found by one.
    #[must_use]
    pub fn agreement_id(&self) -> AgreementId {
        match self.comparison.keys.get(&self.place.agreement()) {
            Some(key) => AgreementId::of_key(key),
            None => self.agreement().id.clone(),
        }
    }

    /// What the agreement is to be, where it is not there yet.
    #[must_use]
    pub fn new_agreement(&self) -> Option<&'c NewAgreement> {
        let planned = self.comparison.planned_at(self.place.agreement());
        planned.map(|planned| &planned.new)
    }

    /// The bill's sum, where the row is a charge.
    #[must_use]
    pub fn charge(&self) -> Option<&'c ChargeSum> {
        self.charge_data().map(|data| &data.sum)
    }

    /// What became of the charge in an earlier run, where there was one.
    #[must_use]
    pub fn made_charge(&self) -> Option<&'c LedgerCharge> {
        self.charge_data()?.made.as_ref()
    }

    fn charge_data(&self) -> Option<&'c ChargeData> {
        self.place.charge()
    }

    /// The product.
    #[must_use]
    pub fn product(&self) -> &'c ProductId {
        &self.comparison.products[self.place.data.product as usize]
    }

    /// What the PSA has of the product, where it lists it.
    pub(crate) fn listed_product(&self) -> Option<&'c Product> {
        let of = self.comparison.listed.get(self.place.data.product as usize);
        self.comparison.book.product_at((*of?)?)
    }

    /// The quantity to bill by the vendor's readings and the rules; `None` without usage.
    #[must_use]
    pub fn vendor(&self) -> Option<Quantity> {
        self.place.data.vendor
    }

    /// The one open line, where there is exactly one.
    #[must_use]
    pub fn line(&self) -> Option<&'c AgreementLine> {
        let at = self.place.line()?;
        self.lines().get(at as usize)
    }

    /// All lines of its agreement; none where they were not read.
    pub(crate) fn lines(&self) -> &'c [AgreementLine] {
        let lines = self.comparison.book.lines_at(self.place.agreement());
        lines.unwrap_or_default()
    }

    /// Whether there is exactly one open line.
    pub(crate) fn has_line(&self) -> bool {
        self.place.line().is_some()
    }

    /// Whether one of its usage lines is billed by years.
    pub(crate) fn has_yearly(&self) -> bool {
        self.place.data.has_yearly
    }

    /// The quantity that the PSA bills; `None` without exactly one open line.
    #[must_use]
    pub fn psa(&self) -> Option<Quantity> {
        self.line().map(|line| line.state.quantity)
    }

    /// A service that the agreement's accounts use and nothing is decided about; the first by
    /// key.
    #[must_use]
    pub fn unmapped_service(&self) -> Option<&'c ServiceKey> {
        self.comparison.unmapped.get(&self.place.agreement())
    }

    /// The vendor's cost per unit.
    #[must_use]
    pub fn vendor_cost(&self) -> VendorCost {
        self.place.cost()
    }

    /// The price per unit that the vendor states for the client.
    #[must_use]
    pub fn vendor_price(&self) -> VendorCost {
        self.place.price()
    }

    /// Whether it rests on measured lines alone.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        let mut lines = self.evidence().peekable();
        lines.peek().is_some() && lines.all(|line| line.kind == ChargeKind::Usage)
    }

    /// What the service of a usage line of this row is, by the lines that the readings hold.
    #[must_use]
    pub fn offer_of(&self, line: &EvidenceLine<'_>) -> OfferKind {
        match line.kind {
            ChargeKind::Usage if self.comparison.extra.contains(&line.service) => {
                OfferKind::UsageWithExtra
            }
            ChargeKind::Usage => OfferKind::Usage,
            _ => OfferKind::Quota,
        }
    }

    /// What was written before, where that is known.
    #[must_use]
    pub fn ledger(&self) -> Option<&'c Ledger> {
        self.comparison.ledger
    }

    /// Why the row is of its kind, where the kind alone does not say it.
    #[must_use]
    pub fn reason(&self) -> Option<&'c str> {
        self.place.reason()
    }

    /// The usage lines behind the vendor's quantity, by service and key.
    pub fn evidence(&self) -> impl Iterator<Item = EvidenceLine<'c>> + use<'c> {
        let evidence = &self.comparison.evidence;
        let positions = self.place.evidence().iter();
        positions.filter_map(|at| evidence.at(*at))
    }

    /// The account of a usage line of this row.
    #[must_use]
    pub fn account_of(&self, line: &EvidenceLine<'_>) -> &'c VendorAccountId {
        &self.comparison.accounts[line.account as usize]
    }

    /// The service of a usage line of this row.
    #[must_use]
    pub fn service_of(&self, line: &EvidenceLine<'_>) -> &'c ServiceKey {
        &self.comparison.services[line.service as usize]
    }

    /// The days that gave the quantity, in words, where a rule takes a daily count: by service.
    #[must_use]
    pub fn days(&self) -> &'c [String] {
        let of = (self.place.agreement(), self.place.data.product);
        self.comparison.days.get(&of).map_or(&[], Vec::as_slice)
    }

    /// The rules that gave the quantity, in words, by service; after them the [days](Self::days).
    #[must_use]
    pub fn rules(&self) -> Vec<String> {
        let mut before = None;
        let services = self.evidence().map(|line| line.service);
        let rules = services
            .filter(|service| before.replace(*service) != Some(*service))
            .filter_map(|service| {
                let of = (service, self.place.data.product);
                let rule = self.comparison.rules.get(&of)?;
                let service = self.comparison.services[service as usize].as_str();
                Some([service, ": ", rule].concat())
            });
        few(rules.chain(self.days().iter().cloned()))
    }

    /// The oldest state that the readings of the agreement's accounts show: also where the row
    /// rests on the absence of usage.
    #[must_use]
    pub fn as_of(&self) -> Option<Timestamp> {
        self.place.as_of()
    }

    /// How old that is at an instant, beside the refresh rhythm of the source.
    #[must_use]
    pub fn freshness(&self, now: Timestamp, source: &SourceDescriptor) -> Option<Freshness> {
        Some(Freshness::at(now, self.as_of()?, source.fresh_for))
    }
}

/// A list that is of one in most cases: it has room for no more then.
pub(crate) fn few<T>(mut all: impl Iterator<Item = T>) -> Vec<T> {
    let Some(first) = all.next() else {
        return Vec::new();
    };
    let mut list = Vec::with_capacity(1);
    list.push(first);
    list.extend(all);
    list
}

/// Looks at what a change of each row rests on, ahead of the work on them, and gives the company of each.
pub(crate) fn look_at_rows<'c>(rows: &[Row<'c>]) -> [Option<&'c Company>; GROUP] {
    look_at(rows.iter().map(|row| row.agreement().name.as_str()));
    let lines = rows.iter().filter_map(Row::line);
    look_at(lines.map(|line| line.id.as_str()));
    let used = rows.iter().flat_map(Row::evidence);
    look_at(used.map(|line| line.key().as_str()));
    let mut companies = [None; GROUP];
    for (company, row) in companies.iter_mut().zip(rows) {
        *company = row.book().company(&row.agreement().company);
    }
    let known = companies.iter().flatten();
    look_at(known.map(|company| company.name.as_str()));
    companies
}

/// What an unplaced record is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnplacedSubject {
    /// The account as a whole.
    Account,
    /// One service of the account.
    Service(ServiceKey),
}

/// Something seen or expected at the vendor that has no row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unplaced {
    /// The account.
    pub account: VendorAccountId,
    /// What it is about.
    pub subject: UnplacedSubject,
    /// What was found.
    pub kind: Kind,
    /// How many usage lines it concerns.
    pub lines: u64,
    /// Their total quantity, for one service.
    pub quantity: Option<Quantity>,
    /// Why, in words.
    pub reason: Option<String>,
    /// The oldest state that the account's reading shows; none where it was not observed.
    pub as_of: Option<Timestamp>,
}
