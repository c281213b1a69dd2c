//! The counts that were set last on a system that does not tell them, read off the journal.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::{ChangeRecord, ChangeState, Journal, WrittenQuery};
use crate::apply::after::written;
use crate::error::{ErrorKind, Result};
use crate::model::{
    AgreementId, AgreementLine, AgreementReading, ProductId, Quantity, ReadFailure, RunId,
};
use crate::plan::Action;

/// What is known of one count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastCount {
    /// What was set last, as the system's answer proved; none where none was.
    pub quantity: Option<Quantity>,
    /// The run that set it.
    pub run: Option<RunId>,
    /// The run that may have set another since, and is to be resumed first.
    pub unsettled: Option<RunId>,
}

/// The counts that were set last, by agreement and product.
///
/// A sink that [sets counts](crate::sink::SinkCapabilities::set_count) cannot be asked for them: this
/// is the current side of its plans, and what the preconditions of its changes are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<AgreementId, BTreeMap<ProductId, LastCount>>);

impl Counts {
    /// The counts of one agreement, by one source on one sink.
    ///
    /// # Errors
    /// `Storage` when the journal could not be read.
    pub async fn of_agreement(
        journal: &dyn Journal,
        (source, sink): (&str, &str),
        agreement: &AgreementId,
    ) -> Result<Self> {
        let query = WrittenQuery {
            agreement: Some(agreement.clone()),
            ..WrittenQuery::default()
        };
        let mut counts = Self::default();
        let mut all = written(journal, query);
        while let Some(change) = all.next().await {
            let change = change?;
            if (change.run.source.as_str(), change.run.sink.as_str()) == (source, sink) {
                counts.add(&change.run.id, &change.record);
            }
        }
        Ok(counts)
    }

    /// Takes a change of a run into account. They are to be given in the order in which their
    /// writes left.
    pub fn add(&mut self, run: &RunId, record: &ChangeRecord) {
        let change = &record.change;
        let Action::SetCount { to, .. } = change.action else {
            return;
        };
        let state = record.state();
        if state != ChangeState::Done && !state.is_unsettled() {
            return;
        }
        let of_agreement = self.0.entry(change.agreement.clone()).or_default();
        let count = of_agreement.entry(change.product.clone()).or_default();
        if state == ChangeState::Done {
            count.quantity = Some(to);
            count.run = Some(run.clone());
            count.unsettled = None;
        } else {
            count.unsettled = Some(run.clone());
        }
    }

    /// What is known of one count; none where none was set, nor may have been.
    #[must_use]
    pub fn get(&self, agreement: &AgreementId, product: &ProductId) -> Option<&LastCount> {
        self.0.get(agreement)?.get(product)
    }

    /// The counts of an agreement as its lines, each under its product's id. What may have been set
    /// since is left out of account.
    #[must_use]
    pub fn lines(&self, agreement: &AgreementId) -> Vec<AgreementLine> {
        let counts = self.0.get(agreement).into_iter().flatten();
        let line = |(product, count): (&ProductId, &LastCount)| {
            let quantity = count.quantity?;
            Some(AgreementLine::new(
                product.as_str(),
                product.clone(),
                quantity,
            ))
        };
        counts.filter_map(line).collect()
    }

    /// The counts of an agreement as what was observed of it; failed where one of them may be
    /// another.
    #[must_use]
    pub fn reading(&self, agreement: &AgreementId) -> AgreementReading {
        let mut counts = self.0.get(agreement).into_iter().flatten();
        let unsettled = counts.find_map(|(_, count)| count.unsettled.as_ref());
        match unsettled {
            None => AgreementReading::complete(agreement.clone(), self.lines(agreement)),
            Some(run) => {
                let message = format!(
                    "run {run} may have set a count, which cannot be read back: it is to be resumed first"
                );
                let failure = ReadFailure::new(ErrorKind::Conflict, message);
                AgreementReading::failed(agreement.clone(), failure)
            }
        }
    }
}
