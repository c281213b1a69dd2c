//! Who changed what, when, from what to what, on which evidence.

use std::fmt;

use futures::stream::{BoxStream, StreamExt};
use serde::{Deserialize, Serialize};

use super::written;
use crate::apply::{ChangeResult, Outcome, Override};
use crate::error::Result;
use crate::model::{
    AgreementId, AgreementLineId, ChangeId, CivilDate, CompanyId, Currency, LineState, Money,
    PlanId, ProductId, RunId, Timestamp,
};
use crate::plan::{Action, Labels, Undoes, UsageEvidence};
use crate::sink::MadeRecord;
use crate::spreadsheet;
use crate::store::{Event, Journal, WrittenChange, WrittenQuery};

/// How it is known that a change has landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Proof {
    /// The PSA answered, and the line was read back as wanted.
    ReadBack,
    /// The answer was lost, or the run was stopped; reading back showed the line as wanted.
    ReadBackAlone,
    /// The PSA answered that it took what was set, which it does not tell back.
    Answered,
    /// It is not proved: the line shows something that nobody planned.
    Contradicted,
    /// It is not proved yet.
    Open,
}

impl Proof {
    /// The proof in words for a person in finance.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadBack => "written and read back",
            Self::ReadBackAlone => "the answer was lost, and reading back showed it",
            Self::Answered => "written and answered as taken; the system does not tell it back",
            Self::Contradicted => "not proved: the PSA shows something that nobody planned",
            Self::Open => "not known yet: the run is to be resumed",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One change that was written, or may have been, with everything that stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// When the write left.
    pub at: Timestamp,
    /// The company.
    pub company: CompanyId,
    /// The agreement.
    pub agreement: AgreementId,
    /// The product.
    pub product: ProductId,
    /// Their names when it was planned.
    pub labels: Labels,
    /// The line; absent where one was to be created and is not known, and where it is about none.
    pub line: Option<AgreementLineId>,
    /// The agreement or the charge that was made, where it is about one.
    pub made: Option<MadeRecord>,
    /// What was written.
    pub action: Action,
    /// The first day on which the new state counts.
    pub effective: CivilDate,
    /// The line as it was read before the write; absent for a new line.
    pub before: Option<LineState>,
    /// The line as it was read back; absent where it was not.
    pub after: Option<LineState>,
    /// How it was proved.
    pub proof: Proof,
    /// What else was found, in words; mostly empty.
    pub detail: String,
    /// Who approved it.
    pub approved_by: String,
    /// On whose word it was carried out although it was blocked.
    pub overridden: Option<Override>,
    /// Why it was planned.
    pub reason: String,
    /// The usage lines behind it.
    pub usage: Vec<UsageEvidence>,
    /// The changes that it took back.
    pub undoes: Option<Undoes>,
    /// The run.
    pub run: RunId,
    /// The plan.
    pub plan: PlanId,
    /// The change.
    pub change: ChangeId,
    /// The source that the plan was made from.
    pub source: String,
    /// The sink.
    pub sink: String,
    /// The write's request, to ask the PSA's vendor about.
    pub request_id: Option<String>,
}

/// The changes that were written, or may have been, the newest last, over all runs of a journal.
///
/// Of the journal a page is in memory at a time.
///
/// # Errors
/// An item is `Storage` when the journal could not be read.
pub fn history(journal: &dyn Journal, query: WrittenQuery) -> BoxStream<'_, Result<HistoryEntry>> {
    written(journal, query)
        .filter_map(|written| async move { written.map(HistoryEntry::of).transpose() })
        .boxed()
}

impl HistoryEntry {
    /// The entry of a written change; none where it is certain that it has not landed.
    #[must_use]
    pub fn of(written: WrittenChange) -> Option<Self> {
        let WrittenChange {
            sent, run, record, ..
        } = written;
        let result = ChangeResult::of(&record);
        let proof = match result.outcome {
            Outcome::Done { .. } if record.change.action.is_absolute() => Proof::Answered,
            Outcome::Done { recovered: false } => Proof::ReadBack,
            Outcome::Done { recovered: true } => Proof::ReadBackAlone,
            Outcome::Conflict => Proof::Contradicted,
            Outcome::Unsettled => Proof::Open,
            _ => return None,
        };
        let overridden = record
            .events
            .iter()
            .find_map(|recorded| match &recorded.event {
                Event::Intended { overridden } => overridden.clone(),
                _ => None,
            });
        let change = record.change;
        Some(Self {
            at: sent,
            company: change.company,
            agreement: change.agreement,
            product: change.product,
            labels: change.labels,
            line: result.line,
            made: result.made,
            action: change.action,
            effective: change.effective,
            before: result.before,
            after: result.after,
            proof,
            detail: result.detail,
            approved_by: run.approval.by,
            overridden,
            reason: change.reason,
            usage: change.evidence.usage,
            undoes: change.evidence.undoes,
            run: run.id,
            plan: run.plan,
            change: change.id,
            source: run.source,
            sink: run.sink,
            request_id: result.request_id,
        })
    }

    /// The line of titles above [`csv_line`](Self::csv_line)s, with the units.
    ///
    /// # Errors
    /// `Unexpected` when it cannot be written.
    pub fn csv_titles() -> Result<String> {
        spreadsheet::csv_line(COLUMNS.iter().map(|(title, _)| (*title).to_owned()))
    }

    /// The entry as one line of a CSV file. A spreadsheet takes no cell of it for a formula.
    ///
    /// # Errors
    /// `Unexpected` when it cannot be written.
    pub fn csv_line(&self) -> Result<String> {
        spreadsheet::csv_line(COLUMNS.iter().map(|(_, cell)| cell(self)))
    }

    fn states(&self) -> [Option<&LineState>; 2] {
        [self.before.as_ref(), self.after.as_ref()]
    }

    /// The currency of the entry's amounts; all of them where they differ.
    fn currency(&self) -> String {
        let states = self.states().into_iter().flatten();
        let amounts = states.flat_map(|state| [state.unit_cost, state.unit_price]);
        let mut found: Vec<Currency> = amounts.flatten().filter_map(|m| m.currency).collect();
        found.sort_unstable();
        found.dedup();
        let found: Vec<&str> = found.iter().map(Currency::as_str).collect();
        found.join(" ")
    }
}

type Cell = fn(&HistoryEntry) -> String;

const COLUMNS: &[(&str, Cell)] = &[
    ("written at (UTC)", |e| {
        Timestamp::from_second(e.at.as_second())
            .unwrap_or(e.at)
            .to_string()
    }),
    ("company", |e| e.labels.company.clone()),
    ("agreement", |e| e.labels.agreement.clone()),
    ("product", |e| e.labels.product.clone()),
    ("change", |e| e.action.to_string()),
    ("counts from", |e| e.effective.to_string()),
    ("quantity before (units)", |e| {
        of(e.before.as_ref(), |s| Some(s.quantity))
    }),
    ("quantity after (units)", |e| {
        of(e.after.as_ref(), |s| Some(s.quantity))
    }),
    ("cost before (per unit)", |e| {
        of(e.before.as_ref(), |s| amount(s.unit_cost))
    }),
    ("cost after (per unit)", |e| {
        of(e.after.as_ref(), |s| amount(s.unit_cost))
    }),
    ("price before (per unit)", |e| {
        of(e.before.as_ref(), |s| amount(s.unit_price))
    }),
    ("price after (per unit)", |e| {
        of(e.after.as_ref(), |s| amount(s.unit_price))
    }),
    ("currency", HistoryEntry::currency),
    ("last billed day before", |e| {
        of(e.before.as_ref(), |s| s.last_day)
    }),
    ("last billed day after", |e| {
        of(e.after.as_ref(), |s| s.last_day)
    }),
    ("proof", |e| e.proof.to_string()),
    ("detail", |e| e.detail.clone()),
    ("approved by", |e| e.approved_by.clone()),
    ("overridden by", |e| {
        of(e.overridden.as_ref(), |word| Some(&word.by))
    }),
    ("overridden because", |e| {
        of(e.overridden.as_ref(), |word| Some(&word.why))
    }),
    ("why", |e| e.reason.clone()),
    ("usage (account service line = units)", |e| {
        let lines = e.usage.iter().map(|usage| {
            format!(
                "{} {} {} = {}",
                usage.account, usage.service, usage.line, usage.quantity
            )
        });
        lines.collect::<Vec<_>>().join("; ")
    }),
    ("takes back run", |e| {
        of(e.undoes.as_ref(), |undoes| Some(&undoes.run))
    }),
    ("company id", |e| e.company.to_string()),
    ("agreement id", |e| e.agreement.to_string()),
    ("product id", |e| e.product.to_string()),
    ("line id", |e| of(e.line.as_ref(), Some)),
    ("agreement or charge made", |e| of(e.made.as_ref(), Some)),
    ("run", |e| e.run.to_string()),
    ("plan", |e| e.plan.to_string()),
    ("change id", |e| e.change.to_string()),
    ("request id", |e| e.request_id.clone().unwrap_or_default()),
    ("source", |e| e.source.clone()),
    ("sink", |e| e.sink.clone()),
];

/// A part of something as a cell; empty where it is absent.
fn of<'a, T, P: fmt::Display>(
    whole: Option<&'a T>,
    part: impl FnOnce(&'a T) -> Option<P>,
) -> String {
    whole
        .and_then(part)
        .map_or_else(String::new, |part| part.to_string())
}

fn amount(money: Option<Money>) -> Option<rust_decimal::Decimal> {
    money.map(|money| money.amount)
}
