//! Looking for changes across all runs: those that may have changed something.

use serde::{Deserialize, Serialize};

use super::{ChangeRecord, Event, RunRecord};
use crate::model::{
    AgreementId, AgreementLineId, CivilDate, CompanyId, ProductId, RunId, Timestamp,
};
use crate::sink::Verdict;

/// Which changes to look for: every condition that is there must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenQuery {
    /// Of this company.
    pub company: Option<CompanyId>,
    /// On this agreement.
    pub agreement: Option<AgreementId>,
    /// Of this product.
    pub product: Option<ProductId>,
    /// On this line, or the one that created it.
    pub line: Option<AgreementLineId>,
    /// Written on this day (UTC) or later.
    pub since: Option<CivilDate>,
    /// Taking back changes of this run.
    pub undoes: Option<RunId>,
}

impl WrittenQuery {
    /// Whether a change is meant, its instant aside.
    #[must_use]
    pub fn fits(&self, record: &ChangeRecord) -> bool {
        let change = &record.change;
        let undoes = change.evidence.undoes.as_ref();
        same(self.company.as_ref(), Some(&change.company))
            && same(self.agreement.as_ref(), Some(&change.agreement))
            && same(self.product.as_ref(), Some(&change.product))
            && same(self.undoes.as_ref(), undoes.map(|undoes| &undoes.run))
            && self
                .line
                .as_ref()
                .is_none_or(|line| names_line(record, line))
    }

    /// Whether an instant is not too early.
    #[must_use]
    pub fn fits_at(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at.date() >= since)
    }
}

fn same<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none_or(|wanted| found == Some(wanted))
}

fn names_line(record: &ChangeRecord, line: &AgreementLineId) -> bool {
    let named = |event: &Event| match event {
        Event::Answered { receipt } => receipt.line.as_ref() == Some(line),
        Event::Verified {
            verdict: Verdict::Landed { line: landed, .. },
        } => landed == line,
        _ => false,
    };
    record.change.action.line() == Some(line)
        || record.events.iter().any(|recorded| named(&recorded.event))
}

/// A change whose write left, with its run and its history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrittenChange {
    /// Its place in the journal: grows from write to write.
    pub position: WrittenPosition,
    /// When its first write left.
    pub sent: Timestamp,
    /// The run.
    pub run: RunRecord,
    /// The change with its events.
    pub record: ChangeRecord,
}

impl WrittenChange {
    /// A written change at its place.
    #[must_use]
    pub fn new(
        position: WrittenPosition,
        sent: Timestamp,
        run: RunRecord,
        record: ChangeRecord,
    ) -> Self {
        Self {
            position,
            sent,
            run,
            record,
        }
    }
}

/// A place in the journal, to go on from.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WrittenPosition(u64);

impl WrittenPosition {
    /// The place of a number that the journal itself gave out.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}
