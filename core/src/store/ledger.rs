//! The ledger: which bills and counts reached the PSA, by which run and change.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ChangeRecord, ChangeState, Counts, RunRecord};
use crate::apply::ChangeResult;
use crate::model::{
    AgreementId, AgreementKey, BillStamp, ChangeId, ChargeKey, CivilDate, CompanyId, ExportedBills,
    ProductId, RunId, Timestamp, VendorAccountId,
};
use crate::plan::{Action, Change, PlannedBill};
use crate::sink::MadeRecord;

/// What became of the charge for a bill in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LedgerCharge {
    /// The run.
    pub run: RunId,
    /// The change that was to make it.
    pub change: Change,
    /// Where it stands: done, in conflict, or not settled.
    pub state: ChangeState,
}

/// The agreement that a run made for a key, and may have made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LedgerAgreement {
    /// The run.
    pub run: RunId,
    /// The agreement, by the PSA's id; absent where it is not known for certain.
    pub agreement: Option<AgreementId>,
    /// A run that has a change for the key which is not settled.
    pub unsettled: Option<RunId>,
}

/// A bill all of which has reached the PSA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExportedBill {
    /// The account.
    pub account: VendorAccountId,
    /// The bill, as it was then.
    pub bill: BillStamp,
    /// The run.
    pub run: RunId,
    /// When the run began.
    pub started: Timestamp,
    /// The changes of the run that rest on the account's usage.
    pub changes: Vec<ChangeId>,
}

/// The bills that were exported and charged, and the counts that were set, from one source to one sink.
///
/// It is no record of its own that could differ from what was done: it is read off the journal,
/// by [`Journal::ledger`](super::Journal::ledger). A charge counts as made when its change is
/// done; a bill counts as exported when every change of a run that rests on its account's usage
/// is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// By bill, in the order in which the runs began.
    charges: BTreeMap<ChargeKey, Vec<LedgerCharge>>,
    exported: Vec<ExportedBill>,
    counts: Counts,
    /// By the key as it is compared.
    agreements: BTreeMap<String, LedgerAgreement>,
    made: BTreeSet<AgreementId>,
    written: BTreeSet<(AgreementId, ProductId)>,
    /// By agreement and owner.
    notes: BTreeMap<(AgreementId, String), String>,
    first_sync: Option<CivilDate>,
}

impl Ledger {
    /// A ledger in which nothing stands.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What became of the charge for a bill; none where no run has, or may have, written it, or one that
    /// [overlaps](ChargeKey::overlaps) with it.
    #[must_use]
    pub fn charge<'s>(&'s self, key: &ChargeKey) -> Option<&'s LedgerCharge> {
        let (exact, others): (Vec<_>, Vec<_>) =
            self.overlapping(key).partition(|(known, _)| *known == key);
        let stand = |(_, of_runs): &(_, &'s Vec<_>)| Self::stands(of_runs);
        let mut exact = exact.iter().filter_map(stand);
        let mut others = others.iter().filter_map(stand);
        let mut all = exact.clone().chain(others.clone());
        all.find(|it| it.state == ChangeState::Done)
            .or_else(|| exact.next_back())
            .or_else(|| others.next_back())
    }

    /// The charges that hold what this one does, with what runs made of them.
    fn overlapping<'s>(
        &'s self,
        key: &ChargeKey,
    ) -> impl Iterator<Item = (&'s ChargeKey, &'s Vec<LedgerCharge>)> {
        let mut from = key.clone();
        from.agreement = None;
        // Keys of one bill stand together, the one without an agreement first.
        let of_bill = self.charges.range(from.clone()..);
        let of_bill = of_bill.take_while(move |(known, _)| known.overlaps(&from));
        let key = key.clone();
        of_bill.filter(move |(known, _)| known.overlaps(&key))
    }

    /// What became of the charge for a bill in another run: one that made it before one that may have, and that before
    /// one that left it in conflict; none where no other run has, or may have, written it.
    #[must_use]
    pub fn charge_elsewhere(&self, key: &ChargeKey, run: &RunId) -> Option<&LedgerCharge> {
        let others = || {
            self.overlapping(key)
                .flat_map(|(_, of_runs)| of_runs)
                .filter(|it| it.run != *run)
        };
        others()
            .find(|it| it.state == ChangeState::Done)
            .or_else(|| others().find(|it| it.state.is_unsettled()))
            .or_else(|| others().next())
    }

    /// Of what runs made of one charge: the first that is done, else the last.
    fn stands(of_runs: &[LedgerCharge]) -> Option<&LedgerCharge> {
        let done = of_runs.iter().find(|it| it.state == ChangeState::Done);
        done.or(of_runs.last())
    }

    /// The charges, in the order of company, product, account, bill and agreement.
    pub fn charges<'s>(&'s self) -> impl Iterator<Item = (&'s ChargeKey, &'s LedgerCharge)> {
        let stands = |(key, of_runs): (_, &'s Vec<_>)| Some((key, Self::stands(of_runs)?));
        self.charges.iter().filter_map(stands)
    }

    /// The agreement that a run has made for a key, or may have; none where no run has.
    #[must_use]
    pub fn agreement(&self, key: &AgreementKey) -> Option<&LedgerAgreement> {
        self.agreements.get(&key.folded())
    }

    /// Whether a run has made the agreement of an id of the PSA's.
    #[must_use]
    pub fn has_made(&self, agreement: &AgreementId) -> bool {
        self.made.contains(agreement)
    }

    /// The counts that were set last, on a sink that does not tell them.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The exported bills, in the order in which their runs began.
    #[must_use]
    pub fn exported(&self) -> &[ExportedBill] {
        &self.exported
    }

    /// The exported bills, for a [request](crate::source::UsageRequest::with_exported).
    #[must_use]
    pub fn exported_bills(&self) -> ExportedBills {
        self.exported
            .iter()
            .map(|export| (export.account.clone(), export.bill.clone()))
            .collect()
    }

    /// Whether any change of a product on an agreement is done, or may be.
    #[must_use]
    pub fn has_written(&self, agreement: &AgreementId, product: &ProductId) -> bool {
        self.written.contains(&(agreement.clone(), product.clone()))
    }

    /// The text that a run wrote last into an owner's block of an agreement's note; none where no run has.
    #[must_use]
    pub fn note(&self, agreement: &AgreementId, owner: &str) -> Option<&str> {
        let written = self.notes.get(&(agreement.clone(), owner.to_owned()));
        written.map(String::as_str)
    }

    /// The day of the first run that wrote anything but notes; none where nothing was written yet.
    #[must_use]
    pub fn first_sync(&self) -> Option<CivilDate> {
        self.first_sync
    }

    /// Forgets all but the charges of a company.
    pub(super) fn keep_charges_of(&mut self, company: &CompanyId) {
        let mut charges = std::mem::take(&mut self.charges);
        charges.retain(|key, _| key.company == *company);
        *self = Self {
            charges,
            ..Self::default()
        };
    }

    /// Takes note of what a change says of the agreement of a key.
    fn add_agreement(&mut self, run: &RunId, record: &ChangeRecord) {
        let Some(key) = record.change.agreement.key() else {
            return;
        };
        let (folded, state) = (key.folded(), record.state());
        let creates = record.change.action.creates_agreement();
        let stands = creates && matches!(state, ChangeState::Done | ChangeState::Conflict);
        if !stands && !state.is_unsettled() {
            return;
        }
        let known = self.agreements.entry(folded).or_insert(LedgerAgreement {
            run: run.clone(),
            agreement: None,
            unsettled: None,
        });
        if state.is_unsettled() {
            known.unsettled = Some(run.clone());
        } else if state == ChangeState::Done {
            known.run = run.clone();
            if let Some(MadeRecord::Agreement(id)) = ChangeResult::of(record).made {
                self.made.insert(id.clone());
                known.agreement = Some(id);
            }
        }
    }

    /// Takes a run into account. Runs are to be given in the order in which they began.
    pub fn add(&mut self, run: &RunRecord, bills: &[PlannedBill], changes: &[ChangeRecord]) {
        for record in changes {
            self.counts.add(&run.id, record);
            self.add_agreement(&run.id, record);
            let state = record.state();
            if let Action::WriteNote { owner, to, .. } = &record.change.action {
                if state == ChangeState::Done || state.is_unsettled() {
                    let block = (record.change.agreement.clone(), owner.clone());
                    self.notes.insert(block, to.clone());
                }
                continue;
            }
            if state == ChangeState::Done || state.is_unsettled() {
                let change = &record.change;
                self.written
                    .insert((change.agreement.clone(), change.product.clone()));
                self.first_sync.get_or_insert(run.started.date());
            }
            let Some(key) = record.change.charge_key() else {
                continue;
            };
            let counts =
                state.is_unsettled() || matches!(state, ChangeState::Done | ChangeState::Conflict);
            if counts {
                self.charges.entry(key).or_default().push(LedgerCharge {
                    run: run.id.clone(),
                    change: record.change.clone(),
                    state,
                });
            }
        }
        let done: BTreeSet<&ChangeId> = changes
            .iter()
            .filter(|record| record.state() == ChangeState::Done)
            .map(|record| &record.change.id)
            .collect();
        let whole = |bill: &&PlannedBill| bill.changes.iter().all(|id| done.contains(id));
        self.exported
            .extend(bills.iter().filter(whole).map(|planned| ExportedBill {
                account: planned.account.clone(),
                bill: planned.bill.clone(),
                run: run.id.clone(),
                started: run.started,
                changes: planned.changes.clone(),
            }));
    }
}
