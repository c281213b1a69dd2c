//! Agreements of their own: one for each subscription, or a child agreement for each service, found by
//! its key.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::book::{PsaBook, index};
use super::comparison::Kind;
use super::daily::Counted;
use super::usage::{AgreementUsage, MoreUsage, Silence, note_least, note_least_text};
use crate::model::{
    Agreement, AgreementId, AgreementKey, BillingCycle, ChargeKind, CivilDate, CompanyId,
    ServiceKey, Timestamp, UsageLine, VendorAccountId,
};
use crate::store::Ledger;

/// Whose agreements accounts have for their own: those of a company, or the children of one master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Home<'a> {
    pub(super) company: &'a CompanyId,
    /// The position of the agreement that they are invoiced through.
    pub(super) master: Option<u32>,
}

impl Home<'_> {
    fn master_in<'b>(&self, book: &'b PsaBook) -> Option<&'b Agreement> {
        Some(book.agreement_at(self.master?))
    }

    /// Why the master can have no children for the company.
    pub(super) fn unfit(&self, book: &PsaBook) -> Option<String> {
        let master = self.master_in(book)?;
        let id = &master.id;
        if master.company != *self.company {
            let other = &master.company;
            return Some(format!(
                "master agreement {id} is of company {other}, not of {}",
                self.company
            ));
        }
        if let Some(parent) = &master.parent {
            return Some(format!(
                "master agreement {id} is itself invoiced through agreement {parent}"
            ));
        }
        let reasons = master.eligibility.reasons();
        (!reasons.is_empty()).then(|| format!("master agreement {id}: {}", reasons.join("; ")))
    }

    /// Why an agreement is none of its own, as a sentence goes on.
    fn stranger(&self, agreement: &Agreement, book: &PsaBook) -> Option<String> {
        if agreement.company != *self.company {
            return Some(format!("is of company {}", agreement.company));
        }
        let master = self.master_in(book)?;
        (agreement.parent.as_ref() != Some(&master.id)).then(|| match &agreement.parent {
            Some(parent) => format!("stands under agreement {parent}, not under {}", master.id),
            None => format!("does not stand under agreement {}", master.id),
        })
    }
}

/// What an agreement is looked for in.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) book: &'a PsaBook,
    pub(super) ledger: Option<&'a Ledger>,
}

/// Where an agreement is, or why it is not known.
enum Found {
    At(u32),
    /// By what an earlier run made, as its key is no longer on it.
    ById(u32),
    Nowhere,
    Problem(Kind, String),
}

/// An agreement that is to be, as far as the vendor's side says what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewAgreement {
    /// What is known of it. Its id is its [key](AgreementId::of_key), its name the service's key. With a parent,
    /// it takes over what that bills by.
    pub agreement: Agreement,
    /// The service that it is for.
    pub service: ServiceKey,
    /// What the vendor calls the one service whose resources stand on it, where there is such a thing.
    pub label: Option<String>,
    /// The last day of the vendor's commitment, where there is one.
    pub term_end: Option<CivilDate>,
}

/// A new agreement, and what keeps it from being planned.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) new: NewAgreement,
    pub(super) problem: Option<(Kind, String)>,
}

/// What the accounts of one home say.
#[derive(Debug, Default)]
struct HomeUsage {
    /// Why its usage is not known whole.
    incomplete: Option<String>,
    unread_kinds: Vec<ChargeKind>,
    /// Mapped services about which some account says nothing.
    unobserved: BTreeMap<u32, Silence>,
    as_of: Option<Timestamp>,
}

/// The agreements of their own that one reconcile comes across.
#[derive(Debug, Default)]
pub(super) struct Owns<'a> {
    homes: BTreeMap<Home<'a>, HomeUsage>,
    /// Positions by home and key as it is compared; those beyond the book's are planned.
    positions: HashMap<(Home<'a>, String), u32>,
    /// Positions found by what an earlier run made.
    by_id: BTreeSet<u32>,
    /// The keys of the agreements that changes name by them, by position.
    pub(super) keys: BTreeMap<u32, AgreementKey>,
    pub(super) planned: Vec<Planned>,
}

impl<'a> Owns<'a> {
    /// Takes note of a reading of an account.
    pub(super) fn observed(
        &mut self,
        home: Home<'a>,
        as_of: Timestamp,
        unread_kinds: &[ChargeKind],
        unobserved: &[(u32, Silence)],
    ) {
        let usage = self.homes.entry(home).or_default();
        usage.as_of = Some(usage.as_of.map_or(as_of, |oldest| oldest.min(as_of)));
        usage.unread_kinds.extend(unread_kinds);
        for (service, reason) in unobserved {
            note_least(&mut usage.unobserved, *service, reason.clone());
        }
    }

    /// Takes note that the usage is not known whole.
    pub(super) fn incomplete(&mut self, home: Home<'a>, reason: String) {
        let usage = self.homes.entry(home).or_default();
        note_least_text(&mut usage.incomplete, reason);
    }

    /// As [`incomplete`](Self::incomplete), where some account was to be observed.
    pub(super) fn incomplete_if_observed(&mut self, home: Home<'a>, reason: String) {
        if let Some(usage) = self.homes.get_mut(&home) {
            note_least_text(&mut usage.incomplete, reason);
        }
    }

    /// The agreement that is to be, at a position beyond those of the book.
    pub(super) fn planned_at(&self, book: &PsaBook, position: u32) -> Option<&Planned> {
        let at = (position as usize).checked_sub(book.agreement_count())?;
        self.planned.get(at)
    }

    /// The position of the agreement that a line goes onto.
    pub(super) fn position(
        &mut self,
        known: Known<'_>,
        home: Home<'a>,
        account: &VendorAccountId,
        line: &UsageLine,
        charge: bool,
    ) -> u32 {
        let book = known.book;
        let key = key_of(account, line, home.master.is_some());
        let place = (home, key.folded());
        let position = match self.positions.get(&place) {
            Some(position) => *position,
            None => {
                let position = match find(known, home, &key) {
                    Found::At(position) => position,
                    Found::ById(position) => {
                        self.by_id.insert(position);
                        position
                    }
                    Found::Nowhere => self.plan(book, Planned::new(home, &key, line, None, book)),
                    Found::Problem(kind, reason) => {
                        let problem = Some((kind, reason));
                        self.plan(book, Planned::new(home, &key, line, problem, book))
                    }
                };
                self.positions.insert(place, position);
                if !self.by_id.contains(&position) {
                    self.keys.insert(position, key);
                }
                position
            }
        };
        let planned = (position as usize).checked_sub(book.agreement_count());
        if let Some(planned) = planned.and_then(|at| self.planned.get_mut(at)) {
            planned.widen(line, charge);
        }
        position
    }

    fn plan(&mut self, book: &PsaBook, planned: Planned) -> u32 {
        self.planned.push(planned);
        index(book.agreement_count() + self.planned.len() - 1)
    }

    /// The agreements of the homes observed that are recognised by a key, or were made by an earlier run,
    /// each with what is known of it where no usage was found.
    pub(super) fn without_usage(
        &mut self,
        book: &PsaBook,
        ledger: Option<&Ledger>,
    ) -> Vec<(u32, AgreementUsage)> {
        let mut without = Vec::new();
        for (home, usage) in &self.homes {
            for agreement in book.own_agreements(home.company, home.master_in(book), ledger) {
                let Some(position) = book.agreement_position(&agreement.id) else {
                    continue;
                };
                if self.keys.contains_key(&position) || self.by_id.contains(&position) {
                    continue;
                }
                let counted = match &agreement.key {
                    Some(key) if book.positions_of_key(key).len() > 1 => continue,
                    Some(key) => {
                        self.keys.insert(position, key.clone());
                        Counted::Own {
                            key: key.clone(),
                            bundled: home.master.is_some(),
                        }
                    }
                    None => {
                        self.by_id.insert(position);
                        Counted::Unknown
                    }
                };
                without.push((
                    position,
                    AgreementUsage::without_lines(
                        usage.as_of,
                        MoreUsage {
                            counted,
                            incomplete: usage.incomplete.clone(),
                            unread_kinds: usage.unread_kinds.clone(),
                            unobserved: usage.unobserved.clone(),
                            ..MoreUsage::NONE
                        },
                    ),
                ));
            }
        }
        without
    }
}

impl Planned {
    fn new(
        home: Home<'_>,
        key: &AgreementKey,
        line: &UsageLine,
        problem: Option<(Kind, String)>,
        book: &PsaBook,
    ) -> Self {
        let mut agreement = Agreement::new(
            AgreementId::of_key(key),
            home.company.clone(),
            line.service.as_str(),
        );
        agreement.key = Some(key.clone());
        if let Some(master) = home.master_in(book) {
            // What a child bills by is its master's, which it is invoiced through.
            agreement.parent = Some(master.id.clone());
            agreement.billing_cycle = master.billing_cycle;
            agreement.currency = master.currency;
            agreement.start = master.start;
            agreement.bill_start = master.bill_start.max(master.start);
            agreement.end = master.end;
            agreement.next_invoice = master.next_invoice;
            agreement.prorates = master.prorates;
            agreement.counts_from = master.counts_from;
            agreement.period_anchor = master.period_anchor;
        }
        Self {
            new: NewAgreement {
                agreement,
                service: line.service.clone(),
                label: None,
                term_end: None,
            },
            problem,
        }
    }

    /// Takes one more line into account: the agreement begins with the first period that is billed.
    fn widen(&mut self, line: &UsageLine, charge: bool) {
        let NewAgreement {
            agreement,
            service,
            label,
            term_end,
        } = &mut self.new;
        let group = line.resource_group_name.as_deref();
        let group = group.or(line.resource_group.as_ref().map(ServiceKey::as_str));
        if let Some(group) = group
            && label.as_deref().is_none_or(|known| group < known)
        {
            *label = Some(group.to_owned());
        }
        if line.service < *service {
            *service = line.service.clone();
            agreement.name = service.to_string();
        }
        if agreement.parent.is_some() {
            return;
        }
        // A charge is dated at its bill, and a line does not bill the days of a proration again.
        let bill = line.bill.as_ref().filter(|_| charge).map(|bill| bill.date);
        let period = line.period.filter(|_| line.kind != ChargeKind::Proration);
        let first = [period.map(|period| period.start()), bill];
        for day in first.into_iter().flatten() {
            agreement.start = Some(agreement.start.map_or(day, |known| known.min(day)));
        }
        agreement.bill_start = agreement.start;
        agreement.next_invoice = agreement.start;
        let end = line.commitment.as_ref().and_then(|term| term.term_end);
        *term_end = (*term_end).max(end);
        match (agreement.billing_cycle, line.billing_cycle) {
            (BillingCycle::Unknown, cycle) => agreement.billing_cycle = cycle,
            (known, cycle) if known == cycle || cycle == BillingCycle::Unknown => {}
            (known, cycle) => {
                let mut cycles = [known.to_string(), cycle.to_string()];
                cycles.sort();
                note_problem(
                    &mut self.problem,
                    format!(
                        "its lines are billed {}: one agreement has one cycle",
                        cycles.join(" and ")
                    ),
                );
            }
        }
    }

    /// Why it is not planned, once all lines are known.
    pub(super) fn problem(&self, book: &PsaBook) -> Option<(Kind, String)> {
        let company = book.company(&self.new.agreement.company);
        let reasons = company.map(|company| company.eligibility.reasons());
        if let Some(problem) = &self.problem {
            return Some(problem.clone());
        }
        if let Some(reasons) = reasons.filter(|reasons| !reasons.is_empty()) {
            return Some((Kind::NotEligible, reasons.join("; ")));
        }
        let cycle = self.new.agreement.billing_cycle;
        if self.new.agreement.parent.is_some() {
            return None;
        }
        cycle.months().is_none().then(|| {
            let reason = format!(
                "no agreement carries {}, and how often a new one is to bill is not known: the \
                 vendor's cycle is {cycle}",
                self.new.agreement.id.key().unwrap_or_else(|| "".into())
            );
            (Kind::NotEligible, reason)
        })
    }
}

/// Keeps the smallest reason, so that the order of the readings does not show.
fn note_problem(known: &mut Option<(Kind, String)>, reason: String) {
    if known.as_ref().is_none_or(|(_, other)| reason < *other) {
        *known = Some((Kind::NotEligible, reason));
    }
}

/// Where the agreement of a key is: by the key, or, of a child that carries none, by what an earlier run
/// made. In doubt nowhere to write to.
fn find(known: Known<'_>, home: Home<'_>, key: &AgreementKey) -> Found {
    let book = known.book;
    let found = book.positions_of_key(key);
    let ids: Vec<&str> = found
        .iter()
        .map(|at| book.agreement_at(*at).id.as_str())
        .collect();
    match found {
        [] if home.master.is_some() => find_made(known, home, key),
        [] => Found::Nowhere,
        [only] => match home.stranger(book.agreement_at(*only), book) {
            None => Found::At(*only),
            Some(why) => Found::Problem(
                Kind::NotEligible,
                format!("agreement {} carries {key} and {why}", ids.join("")),
            ),
        },
        _ => Found::Problem(
            Kind::Ambiguous,
            format!(
                "agreements {} all carry {key}: leave it on one",
                ids.join(" and ")
            ),
        ),
    }
}

/// The child that an earlier run made for a key that none carries: a person may have renamed it.
fn find_made(known: Known<'_>, home: Home<'_>, key: &AgreementKey) -> Found {
    let Some(made) = known.ledger.and_then(|ledger| ledger.agreement(key)) else {
        return Found::Nowhere;
    };
    let run = &made.run;
    if let Some(open) = &made.unsettled {
        return Found::Problem(
            Kind::NotObserved,
            format!("run {open} is to be resumed first: a change of it for {key} is not settled"),
        );
    }
    let Some(id) = made.agreement.as_ref() else {
        return Found::Problem(
            Kind::Ambiguous,
            format!(
                "run {run} left the agreement for {key} in conflict: a person must look, and give \
                 the right one the key"
            ),
        );
    };
    let Some(position) = known.book.agreement_position(id) else {
        return Found::Problem(
            Kind::NotEligible,
            format!(
                "run {run} made agreement {id} for it, which the PSA does not list any more: give \
                 another one {key}, or exclude what is not to be billed"
            ),
        );
    };
    let agreement = &known.book.agreement_at(position);
    if let Some(why) = home.stranger(agreement, known.book) {
        return Found::Problem(
            Kind::NotEligible,
            format!("run {run} made agreement {id} for {key}, and it {why}"),
        );
    }
    match &agreement.key {
        None => Found::ById(position),
        Some(other) => Found::Problem(
            Kind::Ambiguous,
            format!("run {run} made agreement {id} for {key}, and it carries {other} now"),
        ),
    }
}

/// What a line's own agreement is recognised by. Of a child it is made of the account and its resource
/// group, else its subscription, else its service; of others it is the subscription itself, where there is
/// one.
pub(crate) fn key_of(account: &VendorAccountId, line: &UsageLine, bundled: bool) -> AgreementKey {
    let group = line.resource_group.as_ref().map(ServiceKey::as_str);
    let subscription = line.subscription.as_ref().map(|it| it.as_str());
    let own = match (bundled, subscription) {
        (false, Some(subscription)) => return AgreementKey::new(subscription),
        (true, subscription) => group.or(subscription),
        (false, None) => group,
    };
    let own = own.unwrap_or(line.service.as_str());
    let mut hash = Sha256::new();
    for part in [account.as_str(), own] {
        hash.update(part.len().to_string());
        hash.update([0]);
        hash.update(part);
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
    AgreementKey::new(format!("TL-{hex}"))
}
