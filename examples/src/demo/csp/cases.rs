//! Each special case of the book, and whether it came out as the book says.

use jiff::ToSpan as _;
use tallyline_core::mapping::UndecidedReason;
use tallyline_core::model::AgreementId;
use tallyline_core::plan::{Action, Change, Notice, Plan};
use tallyline_core::reconcile::Kind;
use tallyline_testkit::book::csp::{CspBook, CspCase, CspNote};

use super::super::cases::CaseResult;
use super::decisions::Decisions;
use crate::output::safe;
use crate::plan_view::action_words;

/// What the cases are judged by.
pub(super) struct Judge<'a> {
    /// The book.
    pub(super) book: &'a CspBook,
    /// The mapping step.
    pub(super) decisions: &'a Decisions,
    /// The first plan.
    pub(super) plan: &'a Plan,
    /// Whether the vendor's records name companies.
    pub(super) states_companies: bool,
    /// Whether the vendor states what has ended, as zero.
    pub(super) states_ends: bool,
}

/// The case as a person in finance would call it.
fn name(case: CspCase) -> &'static str {
    match case {
        CspCase::NoCompanyId => "no company named",
        CspCase::UnknownCompanyId => "unknown company named",
        CspCase::NewSubscription => "new subscription",
        CspCase::Increase => "too little billed",
        CspCase::Decrease => "too much billed",
        CspCase::Cancelled => "cancelled, still billed",
        CspCase::TwoContracts => "two contracts, one subscription",
        CspCase::ContractEnds => "contract ends",
        CspCase::PostedPeriod => "period already posted",
        CspCase::AzureConsumption => "consumption not charged",
        CspCase::ForeignContract => "contract kept by hand",
    }
}

impl Judge<'_> {
    /// Every case.
    pub(super) fn results(&self) -> Vec<CaseResult> {
        let notes = self.book.notes.iter();
        notes
            .map(|note| {
                let book = note.sentence.clone();
                CaseResult::new(
                    name(note.case),
                    self.place(note),
                    book,
                    self.find(note),
                    || self.instead(note),
                )
            })
            .collect()
    }

    /// Changes that no case explains.
    pub(super) fn unexplained(&self) -> Vec<&Change> {
        let explained = |change: &&Change| {
            let mut notes = self.book.notes.iter();
            notes.any(|note| change.company.as_str() == note.company_id.to_string())
        };
        let changes = self.plan.changes().iter();
        changes.filter(|change| !explained(change)).collect()
    }

    /// What was found, in words; `None` when it is not what the book says.
    fn find(&self, note: &CspNote) -> Option<String> {
        let changes = self.changes(note);
        let untouched = changes.is_empty();
        match note.case {
            CspCase::NoCompanyId | CspCase::UnknownCompanyId if !self.states_companies => {
                untouched.then(|| "linked by its name; every line agrees".to_owned())
            }
            CspCase::NoCompanyId => {
                let skipped = self.undecided(note, |reason| {
                    matches!(reason, UndecidedReason::NoReference { .. })
                });
                (skipped && untouched).then(|| "skipped, and said; nothing changed".to_owned())
            }
            CspCase::UnknownCompanyId => {
                let skipped = self.undecided(note, |reason| {
                    matches!(reason, UndecidedReason::UnknownReference { .. })
                });
                (skipped && untouched).then(|| "skipped, and said; nothing changed".to_owned())
            }
            CspCase::NewSubscription => match changes[..] {
                [contract, line]
                    if matches!(contract.action, Action::CreateAgreement { .. })
                        && creates(line, note.vendor_quantity)
                        && !contract.is_blocked()
                        && !line.is_blocked() =>
                {
                    Some(format!("to apply: {}, then {}", step(contract), step(line)))
                }
                _ => None,
            },
            CspCase::Increase | CspCase::Decrease | CspCase::PostedPeriod => {
                match changes[..] {
                    [change] if is_step(change, note) && self.is_dated(change, note) => Some(
                        format!("to apply: {}, from {}", step(change), change.effective),
                    ),
                    _ => None,
                }
            }
            CspCase::Cancelled if self.states_ends => match changes[..] {
                [change] if is_step(change, note) && !change.is_blocked() => {
                    let from = change.effective;
                    Some(format!("to apply: {}, from {from}", step(change)))
                }
                _ => None,
            },
            CspCase::Cancelled => {
                self.notice(note, Kind::VendorMissing)?;
                untouched.then(|| "reported; the line stays until a person decides".to_owned())
            }
            CspCase::TwoContracts => {
                self.notice(note, Kind::Ambiguous)?;
                untouched.then(|| "reported; neither contract is changed".to_owned())
            }
            CspCase::ContractEnds => {
                untouched.then(|| "the line agrees; nothing changed".to_owned())
            }
            CspCase::AzureConsumption => match changes[..] {
                [charge] if charges(charge) => Some(format!("to apply: {}", step(charge))),
                [contract, charge]
                    if matches!(contract.action, Action::CreateAgreement { .. })
                        && charges(charge) =>
                {
                    Some(format!(
                        "to apply: {}, then {}",
                        step(contract),
                        step(charge)
                    ))
                }
                _ => None,
            },
            CspCase::ForeignContract => {
                untouched.then(|| "carries no subscription; never touched".to_owned())
            }
        }
    }

    /// Whether a change counts from the first day of the billed period, or, where that is posted, of
    /// the next one.
    fn is_dated(&self, change: &Change, note: &CspNote) -> bool {
        let last = self.book.last_bill;
        let day = match note.case {
            CspCase::PostedPeriod => last.checked_add(1.month()).unwrap_or(last),
            _ => last,
        };
        !change.is_blocked() && change.effective.to_string() == day.to_string()
    }

    /// The changes of the case's company.
    fn changes(&self, note: &CspNote) -> Vec<&Change> {
        let company = note.company_id.to_string();
        let changes = self.plan.changes().iter();
        changes
            .filter(|change| change.company.as_str() == company)
            .collect()
    }

    fn undecided(&self, note: &CspNote, is: impl Fn(&UndecidedReason) -> bool) -> bool {
        let mut undecided = self.decisions.accounts.undecided.iter();
        undecided.any(|it| it.id.as_str() == note.organization_id && is(&it.reason))
    }

    /// A notice of a kind about the case's contracts, or of its company.
    fn notice(&self, note: &CspNote, kind: Kind) -> Option<&Notice> {
        let ids: Vec<String> = note.contract_ids.iter().map(ToString::to_string).collect();
        let company = note.company_id.to_string();
        self.plan.notices().iter().find(|notice| {
            let agreement = notice.agreement.as_ref().map(AgreementId::as_str);
            let of_company = notice
                .company
                .as_ref()
                .is_some_and(|it| it.as_str() == company);
            let of_contract = agreement.is_some_and(|id| ids.iter().any(|own| own == id));
            notice.kind == kind && (of_company || of_contract)
        })
    }

    fn place(&self, note: &CspNote) -> String {
        let organization = self.book.cloudmore.organizations.get(&note.organization_id);
        organization.map_or_else(String::new, |organization| safe(&organization.name))
    }

    /// What was found where it is not what the book says.
    fn instead(&self, note: &CspNote) -> String {
        let company = note.company_id.to_string();
        let changes = self.changes(note).into_iter().map(step);
        let notices = self.plan.notices().iter().filter(|notice| {
            notice
                .company
                .as_ref()
                .is_some_and(|id| id.as_str() == company)
                || notice
                    .account
                    .as_ref()
                    .is_some_and(|id| id.as_str() == note.organization_id)
        });
        let notices = notices.map(|notice| safe(&notice.message));
        let all: Vec<String> = changes.chain(notices).collect();
        let found = if all.is_empty() {
            "nothing found".to_owned()
        } else {
            all.join("; ")
        };
        format!("NOT AS THE BOOK SAYS: {found}")
    }
}

fn step(change: &Change) -> String {
    let (what, step) = action_words(&change.action);
    format!("{what} {step}")
}

fn charges(change: &Change) -> bool {
    matches!(change.action, Action::AddCharge { .. }) && !change.is_blocked()
}

fn creates(change: &Change, wanted: i64) -> bool {
    let Action::CreateLine { quantity, .. } = &change.action else {
        return false;
    };
    quantity.value() == wanted.into()
}

fn is_step(change: &Change, note: &CspNote) -> bool {
    let Action::SetQuantity { from, to, .. } = &change.action else {
        return false;
    };
    from.value() == note.psa_units.into() && to.value() == note.vendor_quantity.into()
}
