//! The pass over the readings, and the join with the PSA's lines.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::book::{PsaBook, index};
use super::charges::Amounts;
use super::comparison::{Comparison, EvidenceLine, Kind, Unplaced, UnplacedSubject};
use super::compiled::{AccountRoute, Decision, Routes};
use super::daily::Counted;
use super::dismissals::Dismissals;
use super::join::rules;
use super::metadata::{self, AccountMetadata};
use super::own::{Home, Known, Owns};
use super::unbilled::Unbilled;
use crate::error::{Error, ErrorKind, Result};
use crate::mapping::Mapping;
use crate::model::{
    AccountReading, Bill, ChargeKind, CivilDate, Money, Period, Quantity, ReadingOutcome,
    ServiceKey, Timestamp, UsageLine, VendorAccountId,
};
use crate::store::{DailyCounts, Ledger};

/// Takes the readings one by one and joins them with the PSA's lines.
///
/// The readings may come in any order; the comparison is the same. Each is consumed and
/// nothing of it is kept but what the rows need.
#[derive(Debug)]
pub struct Reconciler<'a> {
    pub(super) book: &'a PsaBook,
    pub(super) today: CivilDate,
    mapping_revision: u64,
    pub(super) routes: Routes<'a>,
    pub(super) ledger: Option<&'a Ledger>,
    pub(super) dismissals: Option<&'a Dismissals>,
    first_sync: Option<CivilDate>,
    /// For each service, whether the readings hold recurring lines and measured ones.
    kinds: BTreeMap<u32, [bool; 2]>,
    pub(super) owns: Owns<'a>,
    /// What is counted by day: the services, and the counts.
    pub(super) counted_by_day: BTreeMap<ServiceKey, ChargeKind>,
    pub(super) days: DailyCounts,
    bills: Vec<(VendorAccountId, Bill)>,
    seen: HashSet<VendorAccountId>,
    accounts: Vec<VendorAccountId>,
    agreements: BTreeMap<u32, AgreementUsage>,
    unplaced: Vec<Unplaced>,
    not_counted: BTreeMap<ChargeKind, u64>,
    metadata: Vec<AccountMetadata>,
}

/// Why a reading says nothing about a service, as what its products then are. What is not known
/// goes before what was exported.
pub(super) type Silence = (Kind, Option<String>);

/// What the accounts of one agreement say.
#[derive(Debug, Default)]
pub(super) struct AgreementUsage {
    pub(super) entries: Vec<Entry>,
    /// The accounts that feed it, and whose counts they are, where something is counted by day.
    pub(super) accounts: BTreeSet<u32>,
    pub(super) counted: Counted,
    /// Why the agreement's usage is not known whole.
    pub(super) incomplete: Option<String>,
    /// Kinds of lines that some account could not state.
    pub(super) unread_kinds: Vec<ChargeKind>,
    /// Mapped services about which some account says nothing.
    pub(super) unobserved: BTreeMap<u32, Silence>,
    /// The oldest state that its readings show.
    pub(super) as_of: Option<Timestamp>,
    /// The first service by key that nothing is decided about.
    pub(super) unmapped: Option<ServiceKey>,
}

/// One usage line on its way to a row.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) service: u32,
    pub(super) line: EvidenceLine,
    pub(super) cost: Option<Money>,
    pub(super) price: Option<Money>,
    /// What a charge adds up of it; none of what becomes a line.
    pub(super) amounts: Option<Box<Amounts>>,
}

/// Where the lines of an account go.
#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    Agreement(u32),
    Own(Home<'a>),
}

/// Lines of one service of one account that are not compared.
#[derive(Debug)]
struct LeftLines<'a> {
    kind: Kind,
    reason: Option<&'a str>,
    lines: u64,
    /// The sum of the recurring ones.
    quantity: Option<Quantity>,
}

impl<'a> LeftLines<'a> {
    fn new(kind: Kind, reason: Option<&'a str>) -> Self {
        Self {
            kind,
            reason,
            lines: 0,
            quantity: Some(Quantity::ZERO),
        }
    }

    fn add(&mut self, kind: ChargeKind, quantity: Quantity) {
        self.lines += 1;
        if kind == ChargeKind::Recurring {
            self.quantity = self.quantity.and_then(|sum| sum.checked_add(quantity));
        }
    }
}

impl<'a> Reconciler<'a> {
    /// Starts a reconcile of the mapping's accounts against the PSA's lines on a day.
    #[must_use]
    pub fn new(mapping: &'a Mapping, book: &'a PsaBook, today: CivilDate) -> Self {
        Self {
            book,
            today,
            mapping_revision: mapping.revision(),
            routes: Routes::new(mapping, book),
            ledger: None,
            dismissals: None,
            first_sync: None,
            kinds: BTreeMap::new(),
            owns: Owns::default(),
            counted_by_day: mapping.counted_by_day(),
            days: DailyCounts::new(),
            bills: Vec::new(),
            seen: HashSet::new(),
            accounts: Vec::new(),
            agreements: BTreeMap::new(),
            unplaced: Vec::new(),
            not_counted: BTreeMap::new(),
            metadata: Vec::new(),
        }
    }

    /// Says which bills were exported and charged before: none of them is charged again.
    #[must_use]
    pub fn with_ledger(mut self, ledger: &'a Ledger) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Says which lines a person leaves as they are for the rest of the billing period.
    #[must_use]
    pub fn with_dismissals(mut self, dismissals: &'a Dismissals) -> Self {
        self.dismissals = Some(dismissals);
        self
    }

    /// Says on which day the first sync was, or is: prorations for days before it are told, and
    /// never charged.
    #[must_use]
    pub fn with_first_sync(mut self, day: Option<CivilDate>) -> Self {
        self.first_sync = day;
        self
    }

    /// Takes one account's reading.
    ///
    /// # Errors
    /// `Protocol` when the account was already read: one of the two readings is wrong, and
    /// nobody knows which.
    pub fn observe(&mut self, reading: AccountReading) -> Result<()> {
        if !self.seen.insert(reading.account.clone()) {
            return Err(Error::new(
                ErrorKind::Protocol,
                format!("account {} was read twice in one run", reading.account),
            ));
        }
        self.note_day(&reading);
        let metadata = self.routes.metadata.get(reading.account.as_str());
        let metadata = metadata.and_then(|to| metadata::of_reading(&reading, *to));
        self.metadata.extend(metadata);
        let account = index(self.accounts.len());
        self.accounts.push(reading.account.clone());
        let as_of = reading.as_of();
        let lines = match reading.outcome {
            ReadingOutcome::Complete(lines) => lines,
            ReadingOutcome::Failed(failure) => {
                self.not_observed(&reading.account, failure.message);
                return Ok(());
            }
        };
        let id = &reading.account;
        self.bills
            .extend(reading.bills.into_iter().map(|bill| (id.clone(), bill)));
        let unobserved = reading.unobserved.into_iter().map(|(service, reason)| {
            let reason = format!("account {id} of service {service}: {reason}");
            (service, (Kind::NotObserved, Some(reason)))
        });
        let exported = reading.exported.into_iter();
        let exported = exported.map(|service| (service, (Kind::Exported, None)));
        let unobserved: Vec<(u32, Silence)> = unobserved
            .chain(exported)
            .filter_map(|(service, silence)| Some((self.routes.service(&service)?.0, silence)))
            .collect();
        let seen = Seen {
            as_of,
            unread_kinds: &reading.unread_kinds,
            unobserved: &unobserved,
            period: reading.billing_period,
        };
        match self.routes.account(&reading.account) {
            Some(AccountRoute::To(agreement)) => {
                let usage = self.agreements.entry(agreement).or_default();
                usage.note(seen);
                if !self.counted_by_day.is_empty() {
                    usage.counts(account, Counted::All);
                }
                self.place(Place::Agreement(agreement), account, lines, seen);
            }
            Some(AccountRoute::Own(home)) => {
                self.owns
                    .observed(home, as_of, &reading.unread_kinds, &unobserved);
                self.place(Place::Own(home), account, lines, seen);
            }
            Some(AccountRoute::Unfit(home)) => {
                let reason = home.unfit(self.book);
                self.leave(
                    reading.account,
                    Kind::NotEligible,
                    &lines,
                    reason.as_deref(),
                    as_of,
                );
            }
            Some(AccountRoute::Excluded(reason)) => {
                self.leave(reading.account, Kind::Excluded, &lines, reason, as_of);
            }
            Some(AccountRoute::Off(_) | AccountRoute::OwnOff(_)) => {
                self.leave(reading.account, Kind::SwitchedOff, &lines, None, as_of);
            }
            Some(AccountRoute::Lost(target)) => {
                let reason = format!("agreement {target} is not listed by the PSA");
                self.leave(
                    reading.account,
                    Kind::NotEligible,
                    &lines,
                    Some(&reason),
                    as_of,
                );
            }
            Some(AccountRoute::LostCompany(company)) => {
                let reason = format!("company {company} is not listed by the PSA");
                self.leave(
                    reading.account,
                    Kind::NotEligible,
                    &lines,
                    Some(&reason),
                    as_of,
                );
            }
            None => self.leave(reading.account, Kind::Unmapped, &lines, None, as_of),
        }
        Ok(())
    }

    /// Records an account whose lines are not compared.
    fn leave(
        &mut self,
        account: VendorAccountId,
        kind: Kind,
        lines: &[UsageLine],
        reason: Option<&str>,
        as_of: Timestamp,
    ) {
        self.unplaced.push(Unplaced {
            account,
            subject: UnplacedSubject::Account,
            kind,
            lines: lines.len() as u64,
            quantity: None,
            reason: reason.map(str::to_owned),
            as_of: Some(as_of),
        });
    }

    /// Records an account that was not observed, and that its agreement is not known whole.
    fn not_observed(&mut self, account: &VendorAccountId, why: String) {
        let reason = format!("account {account} was not observed: {why}");
        match self.routes.account(account) {
            Some(AccountRoute::To(agreement)) => {
                let usage = self.agreements.entry(agreement).or_default();
                note_least_text(&mut usage.incomplete, reason);
            }
            Some(AccountRoute::Own(home)) => self.owns.incomplete(home, reason),
            _ => {}
        }
        self.unplaced.push(Unplaced {
            account: account.clone(),
            subject: UnplacedSubject::Account,
            kind: Kind::NotObserved,
            lines: 0,
            quantity: None,
            reason: Some(why),
            as_of: None,
        });
    }

    /// Sorts an account's lines onto its agreement, or each onto its own.
    fn place(&mut self, place: Place<'a>, account: u32, lines: Vec<UsageLine>, seen: Seen<'_>) {
        let mut left: BTreeMap<ServiceKey, LeftLines<'a>> = BTreeMap::new();
        let mut unbilled: BTreeMap<(ServiceKey, ChargeKind), Unbilled> = BTreeMap::new();
        for line in lines {
            let (kind, reason) = match self.routes.service(&line.service) {
                Some((at, route)) => match &route.decision {
                    Decision::Linked {
                        counts,
                        billed_as,
                        enabled,
                        ..
                    } => {
                        let kinds = self.kinds.entry(at).or_default();
                        kinds[0] |= line.kind == ChargeKind::Recurring;
                        kinds[1] |= line.kind == ChargeKind::Usage;
                        if let Some(day) = self.first_sync.filter(|day| is_before(&line, *day)) {
                            *self.not_counted.entry(line.kind).or_default() += 1;
                            if *enabled {
                                unbilled
                                    .entry((line.service.clone(), line.kind))
                                    .or_insert_with(|| Unbilled::before(day))
                                    .add(&line);
                            }
                            continue;
                        }
                        let Some(charge) = billed_as.charges(*counts, line.kind) else {
                            *self.not_counted.entry(line.kind).or_default() += 1;
                            if *enabled {
                                let key = (line.service.clone(), line.kind);
                                unbilled
                                    .entry(key)
                                    .or_insert_with(|| Unbilled::beside(*counts))
                                    .add(&line);
                            }
                            continue;
                        };
                        let entry = self.entry((at, account), charge, &line, seen);
                        let agreement = match place {
                            Place::Agreement(agreement) => agreement,
                            Place::Own(home) => {
                                let id = &self.accounts[account as usize];
                                let known = Known {
                                    book: self.book,
                                    ledger: self.ledger,
                                };
                                self.owns.position(known, home, id, &line, charge)
                            }
                        };
                        let usage = self.agreements.entry(agreement).or_default();
                        if let Place::Own(home) = place {
                            usage.note(seen);
                            if !self.counted_by_day.is_empty() {
                                let id = &self.accounts[account as usize];
                                usage.counts(account, Counted::own(id, &line, home));
                            }
                        }
                        usage.entries.push(entry);
                        continue;
                    }
                    Decision::Excluded(reason) => (Kind::Excluded, *reason),
                },
                None => (Kind::Unmapped, None),
            };
            left.entry(line.service)
                .or_insert_with(|| LeftLines::new(kind, reason))
                .add(line.kind, line.quantity);
        }
        let unmapped = left
            .iter()
            .find(|(_, left)| left.kind == Kind::Unmapped)
            .map(|(service, _)| service.clone());
        if let Place::Agreement(agreement) = place {
            let usage = self.agreements.entry(agreement).or_default();
            usage.unmapped = [usage.unmapped.take(), unmapped]
                .into_iter()
                .flatten()
                .min();
        }
        let id = &self.accounts[account as usize];
        for (service, left) in left {
            self.unplaced.push(Unplaced {
                account: id.clone(),
                subject: UnplacedSubject::Service(service),
                kind: left.kind,
                lines: left.lines,
                quantity: left.quantity,
                reason: left.reason.map(str::to_owned),
                as_of: Some(seen.as_of),
            });
        }
        for ((service, kind), unbilled) in unbilled {
            self.unplaced.push(Unplaced {
                account: id.clone(),
                subject: UnplacedSubject::Service(service),
                kind: Kind::NotBilled,
                lines: unbilled.lines(),
                quantity: None,
                reason: Some(unbilled.words(kind)),
                as_of: Some(seen.as_of),
            });
        }
    }

    fn entry(
        &self,
        (service, account): (u32, u32),
        charge: bool,
        line: &UsageLine,
        seen: Seen<'_>,
    ) -> Entry {
        let commitment = line.commitment.as_ref();
        Entry {
            service,
            cost: line.unit_cost,
            price: line.unit_price,
            amounts: charge.then(|| Box::new(Amounts::of(line))),
            line: EvidenceLine {
                floor: commitment
                    .and_then(|commitment| commitment.floor_at(self.today, seen.as_of)),
                key: line.key.clone(),
                quantity: line.quantity,
                kind: line.kind,
                billing_cycle: line.billing_cycle,
                billed_until: line.period.or(seen.period).map(|period| period.end()),
                is_billed: line.bill.is_some(),
                account,
                service,
            },
        }
    }

    /// Joins everything observed with the PSA's lines.
    #[must_use]
    pub fn finish(mut self) -> Comparison<'a> {
        self.note_absent_accounts();
        let mut comparison = Comparison {
            book: self.book,
            today: self.today,
            mapping_revision: self.mapping_revision,
            rows: Vec::new(),
            evidence: Vec::new(),
            evidence_index: Vec::new(),
            products: self.routes.products.iter().map(|p| p.id.clone()).collect(),
            services: self.routes.services.iter().map(|s| s.key.clone()).collect(),
            rules: rules(&self.routes),
            accounts: std::mem::take(&mut self.accounts),
            days: BTreeMap::new(),
            unmapped: BTreeMap::new(),
            unplaced: std::mem::take(&mut self.unplaced),
            not_counted: std::mem::take(&mut self.not_counted),
            metadata: Vec::new(),
            unowned_lines: 0,
            charges: Vec::new(),
            planned: Vec::new(),
            keys: BTreeMap::new(),
            bills: std::mem::take(&mut self.bills),
            extra: std::mem::take(&mut self.kinds)
                .into_iter()
                .filter(|(_, kinds)| *kinds == [true, true])
                .map(|(service, _)| service)
                .collect(),
            ledger: self.ledger,
        };
        for (position, usage) in self.owns.without_usage(self.book, self.ledger) {
            self.agreements.entry(position).or_insert(usage);
        }
        let mut agreements: Vec<_> = std::mem::take(&mut self.agreements).into_iter().collect();
        agreements.sort_by(|(a, _), (b, _)| {
            let key = |at: &u32| {
                let agreement = self.agreement_at(*at);
                (&agreement.company, &agreement.id)
            };
            key(a).cmp(&key(b))
        });
        for (agreement, usage) in agreements {
            self.join(agreement, usage, &mut comparison);
        }
        comparison.planned = std::mem::take(&mut self.owns.planned);
        comparison.keys = std::mem::take(&mut self.owns.keys);
        comparison.metadata = std::mem::take(&mut self.metadata);
        comparison
            .metadata
            .sort_by(|a, b| a.account.cmp(&b.account));
        comparison.unplaced.sort_unstable();
        comparison
    }

    /// Linked accounts without a reading were not observed; switched-off ones make their
    /// agreement's usage partial where others feed it.
    fn note_absent_accounts(&mut self) {
        let absent: BTreeSet<VendorAccountId> = self
            .routes
            .accounts
            .iter()
            .filter(|(id, route)| {
                matches!(route, AccountRoute::To(_) | AccountRoute::Own(_))
                    && !self.seen.contains(&VendorAccountId::from(**id))
            })
            .map(|(id, _)| VendorAccountId::from(*id))
            .collect();
        for account in absent {
            self.not_observed(&account, "the vendor's answer does not hold it".into());
        }
        let own_off = self.routes.accounts.iter().filter_map(|(id, route)| {
            let AccountRoute::OwnOff(home) = route else {
                return None;
            };
            Some((*home, format!("account {id} is switched off")))
        });
        for (home, reason) in own_off {
            self.owns.incomplete_if_observed(home, reason);
        }
        let mut off: Vec<_> = self
            .routes
            .accounts
            .iter()
            .filter_map(|(id, route)| match route {
                AccountRoute::Off(Some(agreement)) => Some((*agreement, *id)),
                _ => None,
            })
            .collect();
        off.sort_unstable();
        for (agreement, account) in off {
            if let Some(usage) = self.agreements.get_mut(&agreement)
                && usage.incomplete.is_none()
            {
                usage.incomplete = Some(format!(
                    "account {account} feeds the same agreement and is switched off"
                ));
            }
        }
    }
}

/// Keeps the smallest reason, so that the order of the readings does not show.
pub(super) fn note_least(reasons: &mut BTreeMap<u32, Silence>, of: u32, reason: Silence) {
    let known = reasons.entry(of).or_insert_with(|| reason.clone());
    if reason < *known {
        *known = reason;
    }
}

/// Keeps the smallest reason, so that the order of the readings does not show.
pub(super) fn note_least_text(known: &mut Option<String>, reason: String) {
    if known.as_ref().is_none_or(|known| reason < *known) {
        *known = Some(reason);
    }
}

/// What a reading says beside its lines.
#[derive(Clone, Copy, Debug)]
struct Seen<'r> {
    as_of: Timestamp,
    unread_kinds: &'r [ChargeKind],
    unobserved: &'r [(u32, Silence)],
    period: Option<Period>,
}

/// Whether a line is a proration for days before a day.
fn is_before(line: &UsageLine, day: CivilDate) -> bool {
    line.kind == ChargeKind::Proration && line.period.is_some_and(|period| period.start() < day)
}

impl AgreementUsage {
    fn note(&mut self, seen: Seen<'_>) {
        self.unread_kinds.extend(seen.unread_kinds);
        for (service, reason) in seen.unobserved {
            note_least(&mut self.unobserved, *service, reason.clone());
        }
        let as_of = seen.as_of;
        self.as_of = Some(self.as_of.map_or(as_of, |oldest| oldest.min(as_of)));
    }
}
