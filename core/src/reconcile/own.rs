//! Agreements of their own: one for each subscription, found by its key.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

use super::book::{PsaBook, index};
use super::comparison::Kind;
use super::reconciler::{AgreementUsage, Silence, note_least, note_least_text};
use crate::model::{
    Agreement, AgreementId, AgreementKey, BillingCycle, ChargeKind, CivilDate, CompanyId,
    ServiceKey, Timestamp, UsageLine, VendorAccountId,
};

/// An agreement that is to be, as far as the vendor's side says what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewAgreement {
    /// What is known of it. Its id is its [key](AgreementId::of_key), its name the service's key.
    pub agreement: Agreement,
    /// The service that it is for.
    pub service: ServiceKey,
    /// The last day of the vendor's commitment, where there is one.
    pub term_end: Option<CivilDate>,
}

/// A new agreement, and what keeps it from being planned.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) new: NewAgreement,
    pub(super) problem: Option<(Kind, String)>,
}

/// What the accounts of one company say, whose subscriptions have agreements of their own.
#[derive(Debug, Default)]
struct CompanyUsage {
    /// Why the company's usage is not known whole.
    incomplete: Option<String>,
    unread_kinds: Vec<ChargeKind>,
    /// Mapped services about which some account says nothing.
    unobserved: BTreeMap<u32, Silence>,
    as_of: Option<Timestamp>,
}

/// The agreements of their own that one reconcile comes across.
#[derive(Debug, Default)]
pub(super) struct Owns<'a> {
    companies: BTreeMap<&'a CompanyId, CompanyUsage>,
    /// Positions by company and key as it is compared; those beyond the book's are planned.
    positions: HashMap<(&'a CompanyId, String), u32>,
    /// The keys of the agreements found, by position.
    pub(super) keys: BTreeMap<u32, AgreementKey>,
    pub(super) planned: Vec<Planned>,
}

impl<'a> Owns<'a> {
    /// Takes note of a reading of an account of a company.
    pub(super) fn observed(
        &mut self,
        company: &'a CompanyId,
        as_of: Timestamp,
        unread_kinds: &[ChargeKind],
        unobserved: &[(u32, Silence)],
    ) {
        let usage = self.companies.entry(company).or_default();
        usage.as_of = Some(usage.as_of.map_or(as_of, |oldest| oldest.min(as_of)));
        usage.unread_kinds.extend(unread_kinds);
        for (service, reason) in unobserved {
            note_least(&mut usage.unobserved, *service, reason.clone());
        }
    }

    /// Takes note that the usage of a company is not known whole.
    pub(super) fn incomplete(&mut self, company: &'a CompanyId, reason: String) {
        let usage = self.companies.entry(company).or_default();
        note_least_text(&mut usage.incomplete, reason);
    }

    /// As [`incomplete`](Self::incomplete), where some account of the company was to be observed.
    pub(super) fn incomplete_if_observed(&mut self, company: &'a CompanyId, reason: String) {
        if let Some(usage) = self.companies.get_mut(company) {
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
        book: &PsaBook,
        company: &'a CompanyId,
        account: &VendorAccountId,
        line: &UsageLine,
        charge: bool,
    ) -> u32 {
        let key = key_of(account, line);
        let place = (company, key.folded());
        let position = match self.positions.get(&place) {
            Some(known) => *known,
            None => {
                let position = self.find(book, company, &key, line);
                self.positions.insert(place, position);
                self.keys.insert(position, key);
                position
            }
        };
        let planned = (position as usize).checked_sub(book.agreement_count());
        if let Some(planned) = planned.and_then(|at| self.planned.get_mut(at)) {
            planned.widen(line, charge);
        }
        position
    }

    fn find(
        &mut self,
        book: &PsaBook,
        company: &CompanyId,
        key: &AgreementKey,
        line: &UsageLine,
    ) -> u32 {
        let found = book.positions_of_key(key);
        if let [only] = found
            && book.entry(*only).agreement.company == *company
        {
            return *only;
        }
        let ids: Vec<&str> = found
            .iter()
            .map(|at| book.entry(*at).agreement.id.as_str())
            .collect();
        let problem = match found {
            [] => None,
            [other] => Some((
                Kind::NotEligible,
                format!(
                    "agreement {} carries {key} and is of company {}",
                    ids.join(""),
                    book.entry(*other).agreement.company
                ),
            )),
            _ => Some((
                Kind::Ambiguous,
                format!(
                    "agreements {} all carry {key}: leave it on one",
                    ids.join(" and ")
                ),
            )),
        };
        let position = index(book.agreement_count() + self.planned.len());
        self.planned.push(Planned::new(company, key, line, problem));
        position
    }

    /// The agreements with keys of the companies observed, each with what is known of it where no
    /// usage was found.
    pub(super) fn without_usage(&mut self, book: &PsaBook) -> Vec<(u32, AgreementUsage)> {
        let mut without = Vec::new();
        for (company, usage) in &self.companies {
            for agreement in book.keyed_agreements(company) {
                let position = book.agreement_position(&agreement.id);
                let (Some(position), Some(key)) = (position, &agreement.key) else {
                    continue;
                };
                if self.keys.contains_key(&position) || book.positions_of_key(key).len() > 1 {
                    continue;
                }
                self.keys.insert(position, key.clone());
                without.push((
                    position,
                    AgreementUsage {
                        incomplete: usage.incomplete.clone(),
                        unread_kinds: usage.unread_kinds.clone(),
                        unobserved: usage.unobserved.clone(),
                        as_of: usage.as_of,
                        ..AgreementUsage::default()
                    },
                ));
            }
        }
        without
    }
}

impl Planned {
    fn new(
        company: &CompanyId,
        key: &AgreementKey,
        line: &UsageLine,
        problem: Option<(Kind, String)>,
    ) -> Self {
        let mut agreement = Agreement::new(
            AgreementId::of_key(key),
            company.clone(),
            line.service.as_str(),
        );
        agreement.key = Some(key.clone());
        Self {
            new: NewAgreement {
                agreement,
                service: line.service.clone(),
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
            term_end,
        } = &mut self.new;
        // A charge is dated at its bill, and a line does not bill the days of a proration again.
        let bill = line.bill.as_ref().filter(|_| charge).map(|bill| bill.date);
        let period = line.period.filter(|_| line.kind != ChargeKind::Proration);
        let first = [period.map(|period| period.start()), bill];
        for day in first.into_iter().flatten() {
            agreement.start = Some(agreement.start.map_or(day, |known| known.min(day)));
        }
        agreement.bill_start = agreement.start;
        agreement.next_invoice = agreement.start;
        if line.service < *service {
            *service = line.service.clone();
            agreement.name = service.to_string();
        }
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

/// What a line's own agreement is recognised by: its subscription, or, where it has none, its
/// service at its account.
fn key_of(account: &VendorAccountId, line: &UsageLine) -> AgreementKey {
    if let Some(subscription) = &line.subscription {
        return AgreementKey::new(subscription.as_str());
    }
    let service = line.resource_group.as_ref().unwrap_or(&line.service);
    let mut hash = Sha256::new();
    for part in [account.as_str(), service.as_str()] {
        hash.update(part.len().to_string());
        hash.update([0]);
        hash.update(part);
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
    AgreementKey::new(format!("TL-{hex}"))
}
