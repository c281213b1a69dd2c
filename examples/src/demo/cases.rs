//! Each special case of the book, and whether it came out as the book says.

use serde::Serialize;
use tallyline_core::mapping::{AccountEntry, Provenance, UndecidedReason};
use tallyline_core::model::Quantity;
use tallyline_core::plan::{Action, Change, Guard, Notice, Plan};
use tallyline_core::reconcile::Kind;
use tallyline_testkit::book::{Book, BookCase, CaseNote, ServiceRule};

use super::decisions::Decisions;
use crate::output::{lines, safe, table};
use crate::plan_view::action_words;

/// What became of one case.
#[derive(Debug, Serialize)]
pub(super) struct CaseResult {
    /// The case in words.
    pub(super) case: &'static str,
    /// Where it is.
    pub(super) place: String,
    /// What the book says.
    pub(super) book: String,
    /// What was found.
    pub(super) found: String,
    /// Whether that is what the book says.
    pub(super) as_expected: bool,
}

impl CaseResult {
    /// What was found where it is what the book says, else what is there instead.
    pub(super) fn new(
        case: &'static str,
        place: String,
        book: String,
        found: Option<String>,
        instead: impl FnOnce() -> String,
    ) -> Self {
        Self {
            case,
            place,
            book,
            as_expected: found.is_some(),
            found: found.unwrap_or_else(instead),
        }
    }
}

/// What the cases are judged by.
pub(super) struct Judge<'a> {
    /// The book.
    pub(super) book: &'a Book,
    /// The mapping step.
    pub(super) decisions: &'a Decisions,
    /// The first plan.
    pub(super) plan: &'a Plan,
}

/// The case as a person in finance would call it.
fn name(case: BookCase) -> &'static str {
    match case {
        BookCase::ExactMatch => "all in step",
        BookCase::RenamedClient => "client renamed",
        BookCase::TwoCompaniesOfOneName => "two clients, one name",
        BookCase::UnmappedSku => "unknown article",
        BookCase::ExcludedSku => "article left out on purpose",
        BookCase::SummedSubscriptions => "two subscriptions, one line",
        BookCase::OneSkuTwoProducts => "one article, two lines",
        BookCase::Ratio => "packs billed as seats",
        BookCase::NewRevenue => "used but never billed",
        BookCase::Increase => "too little billed",
        BookCase::Decrease => "too much billed",
        BookCase::DecreaseUnderFloor => "fewer than committed",
        BookCase::FailedReading => "vendor did not answer",
        BookCase::UnownedLine => "line of other origin",
        BookCase::LineWithoutUsage => "billed but not used",
        BookCase::AmbiguousLines => "two lines, one product",
        BookCase::NotMonthly => "not billed monthly",
        BookCase::CurrencyMismatch => "other currency",
        BookCase::UnitCostDifference => "cost has changed",
    }
}

impl Judge<'_> {
    /// Every case.
    pub(super) fn results(&self) -> Vec<CaseResult> {
        self.book
            .cases()
            .iter()
            .map(|note| {
                let book = note.sentence.clone();
                CaseResult::new(name(note.case), place(note), book, self.find(note), || {
                    self.instead(note)
                })
            })
            .collect()
    }

    /// Changes that no case explains.
    pub(super) fn unexplained(&self) -> Vec<&Change> {
        let explained = |change: &&Change| {
            self.book
                .cases()
                .iter()
                .any(|note| change.agreement.as_str() == note.agreement_id.to_string())
        };
        self.plan
            .changes()
            .iter()
            .filter(|change| !explained(change))
            .collect()
    }

    /// What was found, in words; `None` when it is not what the book says.
    fn find(&self, note: &CaseNote) -> Option<String> {
        let changes = self.changes(note);
        let untouched = changes.is_empty();
        match note.case {
            BookCase::ExactMatch => {
                let entry = self
                    .decisions
                    .mapping
                    .account(&note.customer_id.as_str().into())?;
                let exact = matches!(entry, AccountEntry::Link(link) if link.provenance == Provenance::Exact);
                (exact && untouched).then(|| "linked by its name; every line agrees".to_owned())
            }
            BookCase::RenamedClient => {
                let suggestion = self.decisions.suggestions.iter().find(|suggestion| {
                    suggestion.account.as_str() == note.customer_id
                        && suggestion.company.as_str() == note.company_id.to_string()
                })?;
                (self.is_unmapped(note) && untouched).then(|| {
                    format!(
                        "only suggested ({}); nothing changed",
                        safe(&suggestion.reason)
                    )
                })
            }
            BookCase::TwoCompaniesOfOneName => {
                let several = self.undecided(note, |reason| {
                    matches!(reason, UndecidedReason::CompaniesShareName { .. })
                });
                (several && self.is_unmapped(note) && untouched)
                    .then(|| "a person must choose the client; nothing changed".to_owned())
            }
            BookCase::UnmappedSku => {
                self.notice(note, Kind::Unmapped)?;
                untouched.then(|| "listed as not mapped yet; nothing changed".to_owned())
            }
            BookCase::ExcludedSku => {
                self.notice(note, Kind::Excluded)?;
                untouched.then(|| "listed as excluded; nothing changed".to_owned())
            }
            BookCase::SummedSubscriptions => {
                untouched.then(|| format!("{} in sum, as billed", figure(note.vendor_quantity)))
            }
            BookCase::OneSkuTwoProducts => {
                untouched.then(|| "both lines agree with the one article".to_owned())
            }
            BookCase::Ratio => untouched.then(|| {
                format!(
                    "{} seats from packs, as billed",
                    figure(note.vendor_quantity)
                )
            }),
            BookCase::NewRevenue => one(&changes, |change| {
                let Action::CreateLine { quantity, .. } = &change.action else {
                    return false;
                };
                !change.is_blocked() && Some(quantity.value()) == note.vendor_quantity
            }),
            BookCase::Increase | BookCase::Decrease => one(&changes, |change| {
                !change.is_blocked() && is_step(change, note)
            }),
            BookCase::DecreaseUnderFloor => blocked(&changes, Guard::CommitmentFloor, |change| {
                is_step(change, note)
            }),
            BookCase::FailedReading => {
                self.notice(note, Kind::NotObserved)?;
                untouched.then(|| "not read, so nothing is concluded or changed".to_owned())
            }
            BookCase::UnownedLine => {
                let counted = self.plan.content().unowned_lines > 0;
                (counted && untouched).then(|| "counted as foreign; never touched".to_owned())
            }
            BookCase::LineWithoutUsage => {
                self.notice(note, Kind::VendorMissing)?;
                untouched.then(|| "reported; the line stays until a person decides".to_owned())
            }
            BookCase::AmbiguousLines => {
                self.notice(note, Kind::Ambiguous)?;
                untouched.then(|| "reported; neither line is changed".to_owned())
            }
            BookCase::NotMonthly => {
                let refused = self.undecided(note, |reason| {
                    matches!(reason, UndecidedReason::NoEligibleAgreement { .. })
                });
                let noticed = self.notice(note, Kind::NotEligible).is_some();
                ((refused || noticed) && untouched)
                    .then(|| "not linked: the agreement is not monthly".to_owned())
            }
            BookCase::CurrencyMismatch => blocked(&changes, Guard::Currency, |_| true),
            BookCase::UnitCostDifference => one(&changes, |change| {
                !change.is_blocked() && matches!(change.action, Action::SetUnitCost { .. })
            }),
        }
    }

    /// The changes of the case's agreement.
    fn changes(&self, note: &CaseNote) -> Vec<&Change> {
        let agreement = note.agreement_id.to_string();
        self.plan
            .changes()
            .iter()
            .filter(|change| change.agreement.as_str() == agreement)
            .collect()
    }

    /// A notice of a kind about the case's account, or its agreement and products.
    fn notice(&self, note: &CaseNote, kind: Kind) -> Option<&Notice> {
        let agreement = note.agreement_id.to_string();
        let products = self.products(note);
        self.plan.notices().iter().find(|notice| {
            let about_account = notice
                .account
                .as_ref()
                .is_some_and(|account| account.as_str() == note.customer_id)
                && notice
                    .service
                    .as_ref()
                    .is_none_or(|service| Some(service.as_str()) == note.sku.as_deref());
            let about_line = notice
                .agreement
                .as_ref()
                .is_some_and(|id| id.as_str() == agreement)
                && notice
                    .product
                    .as_ref()
                    .is_some_and(|product| products.iter().any(|id| id == product.as_str()));
            notice.kind == kind && (about_account || about_line)
        })
    }

    fn products(&self, note: &CaseNote) -> Vec<String> {
        let sku = note.sku.as_deref().unwrap_or_default();
        match self
            .book
            .expected_mapping()
            .service(sku)
            .map(|link| &link.rule)
        {
            Some(ServiceRule::Product(id)) => vec![id.to_string()],
            Some(ServiceRule::Ratio { product_id, .. }) => vec![product_id.to_string()],
            Some(ServiceRule::Products(ids)) => ids.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    }

    fn is_unmapped(&self, note: &CaseNote) -> bool {
        let id = note.customer_id.as_str().into();
        self.decisions.mapping.account(&id).is_none() && self.notice(note, Kind::Unmapped).is_some()
    }

    fn undecided(&self, note: &CaseNote, is: impl Fn(&UndecidedReason) -> bool) -> bool {
        self.decisions
            .accounts
            .undecided
            .iter()
            .any(|undecided| undecided.id.as_str() == note.customer_id && is(&undecided.reason))
    }

    /// What was found where it is not what the book says.
    fn instead(&self, note: &CaseNote) -> String {
        let changes: Vec<String> = self.changes(note).into_iter().map(step).collect();
        let notices = self
            .plan
            .notices()
            .iter()
            .filter(|notice| {
                let account = notice.account.as_ref().map(|id| id.as_str());
                account == Some(note.customer_id.as_str())
            })
            .map(|notice| safe(&notice.message));
        let all: Vec<String> = changes.into_iter().chain(notices).collect();
        if all.is_empty() {
            "NOT AS THE BOOK SAYS: nothing found".to_owned()
        } else {
            format!("NOT AS THE BOOK SAYS: {}", all.join("; "))
        }
    }
}

/// The table of all cases.
pub(super) fn text(results: &[CaseResult]) -> String {
    let mut table = table(["Case", "Where", "What Tallyline found"]);
    for result in results {
        table.add_row([
            result.case.to_owned(),
            result.place.clone(),
            result.found.clone(),
        ]);
    }
    lines(&table)
}

fn place(note: &CaseNote) -> String {
    match &note.sku {
        Some(sku) => format!("{}, {}", safe(&note.customer_name), safe(sku)),
        None => safe(&note.customer_name),
    }
}

fn figure(quantity: Option<impl Into<rust_decimal::Decimal>>) -> String {
    quantity.map_or_else(String::new, |quantity| {
        Quantity::new(quantity.into()).to_string()
    })
}

fn step(change: &Change) -> String {
    let (what, step) = action_words(&change.action);
    format!("{what} {step}")
}

fn is_step(change: &Change, note: &CaseNote) -> bool {
    let Action::SetQuantity { from, to, .. } = &change.action else {
        return false;
    };
    Some(from.value()) == note.psa_quantity && Some(to.value()) == note.vendor_quantity
}

/// The only change, where it is the one wanted.
fn one(changes: &[&Change], wanted: impl Fn(&Change) -> bool) -> Option<String> {
    match changes {
        [change] if wanted(change) => Some(format!("to apply: {}", step(change))),
        _ => None,
    }
}

/// The only change, where this guard blocks it.
fn blocked(changes: &[&Change], guard: Guard, wanted: impl Fn(&Change) -> bool) -> Option<String> {
    match changes {
        [change] if wanted(change) && change.blocks.iter().any(|block| block.guard == guard) => {
            let then = match change.final_block() {
                Some(_) => "the PSA would refuse it",
                None => "a person decides",
            };
            Some(format!("{}: blocked, {then}", step(change)))
        }
        _ => None,
    }
}
