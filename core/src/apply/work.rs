//! The changes of one agreement, in order, one at a time.

use futures::StreamExt;

use super::runner::Run;
use super::{ChangeResult, Check, Input, Machine, Outcome, Permission, Step, Stop, Written};
use crate::error::ErrorKind;
use crate::model::{AgreementId, AgreementLine, LinesOutcome};
use crate::plan::{Action, Change};
use crate::store::{ChangeRecord, ChangeState, Event, Failure, SkipCause};

/// Why the rest of an agreement is not worked on.
enum Rest {
    /// Not in this run.
    Skipped(String),
    /// Not before the run is resumed.
    Waits(String),
}

/// The work on one agreement.
pub(super) struct AgreementWork<'a> {
    run: &'a Run<'a>,
    /// The lines as read since the last write.
    lines: Option<Vec<AgreementLine>>,
    /// The changes whose line is not as the plan went on to assume.
    stuck: Vec<&'a Change>,
    rest: Option<Rest>,
}

impl<'a> AgreementWork<'a> {
    pub(super) fn new(run: &'a Run<'a>) -> Self {
        Self {
            run,
            lines: None,
            stuck: Vec::new(),
            rest: None,
        }
    }

    pub(super) async fn carry_out(
        mut self,
        changes: Vec<(usize, &'a ChangeRecord, &'a Permission)>,
    ) -> Vec<(usize, ChangeResult)> {
        let mut results = Vec::with_capacity(changes.len());
        if let Some((_, first, _)) = changes.first()
            && let Some(other) = self.run.held_by(&first.change.agreement)
        {
            self.rest = Some(Rest::Waits(format!(
                "run {other} has an unsettled change on the agreement and is to be resumed first"
            )));
        }
        for (index, record, permission) in changes {
            let change = &record.change;
            let recorded = record.events.iter().map(|recorded| recorded.event.clone());
            let mut history: Vec<Event> = recorded.collect();
            let pause = match self.change(record, permission, &mut history).await {
                Ok(()) => String::new(),
                Err(pause) => pause,
            };
            let result = ChangeResult::new(change, &history, &pause);
            self.learn(change, result.outcome);
            results.push((index, result));
        }
        results
    }

    /// Draws from a change's outcome what it means for those after it.
    fn learn(&mut self, change: &'a Change, outcome: Outcome) {
        let id = &change.id;
        match outcome {
            Outcome::Failed { .. } | Outcome::Drifted => self.stuck.push(change),
            Outcome::Conflict => {
                self.rest = Some(Rest::Skipped(format!(
                    "change {id} of the agreement is in conflict"
                )));
            }
            Outcome::Unsettled => {
                self.rest = Some(Rest::Waits(format!(
                    "change {id} of the agreement is unsettled"
                )));
            }
            _ => {}
        }
    }

    /// Brings one change as far as it goes.
    ///
    /// # Errors
    /// Why the change has to wait for another run, in words.
    async fn change(
        &mut self,
        record: &'a ChangeRecord,
        permission: &Permission,
        history: &mut Vec<Event>,
    ) -> Result<(), String> {
        let change = &record.change;
        let state = ChangeState::of(history.iter());
        if state.is_settled() {
            return Ok(());
        }
        if let Some(stop) = self.run.stop() {
            return Err(stop.to_string());
        }
        if let Some(Rest::Waits(reason)) = &self.rest {
            return Err(reason.clone());
        }
        // A write that may have left is settled, whatever speaks against the change by now.
        if !state.is_unsettled()
            && let Some(skipped) = self.reason_to_skip(change, permission)
        {
            let recorded = self.run.record(change, history, skipped).await;
            return recorded.map_err(|stop| stop.to_string());
        }
        let overridden = match permission {
            Permission::Granted { overridden } => overridden.clone(),
            Permission::Withheld { .. } => None,
        };
        let machine = Machine::resume(self.run.limits(record), history.iter(), overridden);
        let driven = self.drive(machine, change, history).await;
        driven.map_err(|stop| stop.to_string())
    }

    fn reason_to_skip(&self, change: &Change, permission: &Permission) -> Option<Event> {
        let skipped = |cause, reason: String| Some(Event::Skipped { cause, reason });
        if let Permission::Withheld { cause, reason } = permission {
            return skipped(*cause, reason.clone());
        }
        if let Some(Rest::Skipped(reason)) = &self.rest {
            return skipped(SkipCause::Earlier, reason.clone());
        }
        let before = self.stuck.iter().find(|other| same_line(other, change))?;
        skipped(
            SkipCause::Earlier,
            format!("change {} of the same line was not done", before.id),
        )
    }

    async fn drive(
        &mut self,
        mut machine: Machine,
        change: &Change,
        history: &mut Vec<Event>,
    ) -> Result<(), Stop> {
        let sink = self.run.applier.sink;
        let mut write_left = false;
        loop {
            // Elsewhere the journal may have failed. What has begun is brought to its end as
            // far as the journal takes it; nothing begins.
            if !write_left && let Some(stop) = self.run.halt() {
                return Err(stop);
            }
            let input = match machine.next_step() {
                Step::Record(event) => {
                    self.run.record(change, history, event).await?;
                    Input::Recorded
                }
                Step::Check => Input::Checked(self.check(change).await),
                Step::Write => {
                    if let Some(stop) = self.run.halt() {
                        return Err(stop);
                    }
                    write_left = true;
                    self.lines = None;
                    Input::Written(Written::from(sink.execute(change).await))
                }
                Step::Verify(receipt) => {
                    write_left = true;
                    self.lines = None;
                    let verdict = sink.verify(change, receipt.as_ref()).await;
                    Input::Verified(verdict.map_err(|error| Failure::from(&error)))
                }
                Step::Wait => {
                    let wait = self.run.options.verify_wait;
                    self.run.applier.clock.sleep(wait).await;
                    Input::Waited
                }
                Step::Settled | Step::Unsettled => return Ok(()),
            };
            if let Err(defect) = machine.handle(input) {
                return Err(self.run.halt_with(Failure::from(&defect)));
            }
        }
    }

    /// Compares the target with the change's precondition.
    async fn check(&mut self, change: &Change) -> Check {
        let lines = match self.lines.take() {
            Some(lines) => lines,
            None => match self.read(&change.agreement).await {
                Ok(lines) => lines,
                Err(failure) => {
                    self.rest = Some(Rest::Skipped(format!(
                        "the lines of the agreement could not be read: {}",
                        failure.message
                    )));
                    return Check::Unreadable(failure);
                }
            },
        };
        let check = match change.check_precondition(&lines) {
            Ok(()) => Check::Held {
                observed: change.action.line().and_then(|id| {
                    let line = lines.iter().find(|line| line.id == *id)?;
                    Some(line.state.clone())
                }),
            },
            Err(mut detail) => {
                if already_holds(change, &lines) {
                    detail.push_str("; that is what the change wanted");
                }
                Check::Drifted { detail }
            }
        };
        self.lines = Some(lines);
        check
    }

    async fn read(&self, agreement: &AgreementId) -> Result<Vec<AgreementLine>, Failure> {
        let wanted = [agreement.clone()];
        let mut readings = self.run.applier.sink.lines(&wanted);
        while let Some(reading) = readings.next().await {
            let reading = reading.map_err(|error| Failure::from(&error))?;
            if reading.agreement != *agreement {
                continue;
            }
            return match reading.outcome {
                LinesOutcome::Complete(lines) => Ok(lines),
                LinesOutcome::Failed(failure) => Err(Failure::new(failure.kind, failure.message)),
            };
        }
        Err(Failure::new(
            ErrorKind::Protocol,
            format!("agreement {agreement} was asked for and not answered"),
        ))
    }
}

/// Whether two changes of an agreement are about one line, a line still to be created being
/// any line of its product.
fn same_line(a: &Change, b: &Change) -> bool {
    match (a.action.line(), b.action.line()) {
        (Some(a), Some(b)) => a == b,
        _ => a.product == b.product,
    }
}

/// Whether the lines hold already what the change wants.
pub(super) fn already_holds(change: &Change, lines: &[AgreementLine]) -> bool {
    lines.iter().any(|line| {
        let state = &line.state;
        change.action.line().is_none_or(|id| line.id == *id)
            && match &change.action {
                Action::CreateLine { .. } => line.marker.as_ref() == Some(&change.marker),
                Action::SetQuantity { to, .. } => state.quantity == *to,
                Action::SetUnitCost { to, .. } => state.unit_cost == Some(*to),
                Action::SetUnitPrice { to, .. } => state.unit_price == Some(*to),
                Action::EndLine { last_day, .. } => state.last_day == Some(*last_day),
            }
    })
}
