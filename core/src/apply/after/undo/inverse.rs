//! The inverse of what was done to one product of an agreement.

use std::fmt;

use super::{Past, Refusal, UndoContext};
use crate::error::{Result, printable};
use crate::model::{
    Agreement, AgreementLine, AgreementLineId, ChangeId, CivilDate, LineState, Money, Quantity,
};
use crate::plan::dates::{Calendar, Direction};
use crate::plan::{Action, Change, Evidence, Precondition, Shown, Undoes, guards, intent_id};
use crate::store::RunRecord;

/// A write that takes something back.
struct Step {
    action: Action,
    effective: CivilDate,
    /// Where it is another than the action's own.
    precondition: Option<Precondition>,
    reason: String,
}

type Steps = std::result::Result<Vec<Step>, Refusal>;

/// Plans inverses on an agreement's lines, each on what the ones before it leave.
pub(super) struct Inverse<'a> {
    run: &'a RunRecord,
    context: &'a UndoContext<'a>,
    agreement: &'a Agreement,
    lines: Vec<AgreementLine>,
}

impl<'a> Inverse<'a> {
    pub(super) fn new(
        run: &'a RunRecord,
        context: &'a UndoContext<'a>,
        agreement: &'a Agreement,
        lines: &[AgreementLine],
    ) -> Self {
        Self {
            run,
            context,
            agreement,
            lines: lines.to_vec(),
        }
    }

    /// The changes that take back what belongs together, under the place of the last of it.
    pub(super) fn of(
        &mut self,
        unit: &[&Past<'_>],
    ) -> Result<std::result::Result<Vec<(usize, Change)>, Refusal>> {
        let steps = match self.steps(unit) {
            Ok(steps) => steps,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut lines = self.lines.clone();
        let mut changes = Vec::with_capacity(steps.len());
        let Some(last) = unit.last() else {
            return Ok(Ok(changes));
        };
        for step in steps {
            if let Some(what) = guards::unsupported(&step.action, self.context.sink) {
                return Ok(Err(Refusal::Unsupported { what }));
            }
            let change = self.change(unit, last.change(), step)?;
            if let Err(found) = change.check_precondition(&lines) {
                return Ok(Err(Refusal::ChangedSince { found }));
            }
            project(&change, &mut lines);
            changes.push((last.index, change));
        }
        self.lines = lines;
        Ok(Ok(changes))
    }

    fn steps(&self, unit: &[&Past<'_>]) -> Steps {
        let [first, ..] = unit else {
            return Ok(Vec::new());
        };
        let Some(last) = unit.last() else {
            return Ok(Vec::new());
        };
        match &last.change().action {
            Action::CreateLine { .. } => match unit {
                [.., ended, added] => self.back_on_other(first, ended, added),
                _ => self.end_of_added(last),
            },
            Action::EndLine { line, last_day, .. } => {
                self.refuse_invoiced(last.change())?;
                self.goes_on(state(first.result.before.as_ref())?, line, *last_day)
            }
            _ => {
                self.refuse_invoiced(last.change())?;
                Ok(vec![self.back(last)?])
            }
        }
    }

    /// Sets a quantity, cost or price back to what was read before.
    fn back(&self, past: &Past<'_>) -> std::result::Result<Step, Refusal> {
        let before = state(past.result.before.as_ref())?;
        let after = state(past.result.after.as_ref())?;
        let run = self.run_words();
        let goes_back = |what: &str, to: &dyn fmt::Display, from: &dyn fmt::Display| {
            format!("before {run} {what} {to}, since then {from}: it goes back")
        };
        let (action, reason) = match &past.change().action {
            Action::SetQuantity { line, .. } => (
                Action::SetQuantity {
                    line: line.clone(),
                    from: after.quantity,
                    to: before.quantity,
                },
                goes_back("the line billed", &before.quantity, &after.quantity),
            ),
            Action::SetCount { .. } => (
                Action::SetCount {
                    from: Some(after.quantity),
                    to: before.quantity,
                },
                goes_back("the count was", &before.quantity, &after.quantity),
            ),
            Action::SetUnitCost { line, .. } => {
                let to = amount(before.unit_cost, "cost")?;
                (
                    Action::SetUnitCost {
                        line: line.clone(),
                        from: after.unit_cost,
                        to,
                    },
                    goes_back("the cost per unit was", &to, &Shown(&after.unit_cost)),
                )
            }
            Action::SetUnitPrice { line, .. } => {
                let to = amount(before.unit_price, "price")?;
                (
                    Action::SetUnitPrice {
                        line: line.clone(),
                        from: after.unit_price,
                        to,
                    },
                    goes_back("the price per unit was", &to, &Shown(&after.unit_price)),
                )
            }
            other => {
                return Err(Refusal::Unsupported {
                    what: format!("to {other} cannot be taken back"),
                });
            }
        };
        Ok(Step {
            precondition: bounded(&action, after),
            action,
            effective: self.counts_from(),
            reason,
        })
    }

    /// The first day on which what is set on a line counts.
    fn counts_from(&self) -> CivilDate {
        let calendar = Calendar::new(self.context.policy, self.agreement, self.context.today);
        let first = calendar.first_day(Direction::Either);
        if self.context.sink.capabilities.dated_quantities {
            first
        } else {
            calendar.in_place_from(first)
        }
    }

    /// Ends a line that the run added.
    fn end_of_added(&self, past: &Past<'_>) -> Steps {
        let left = state(past.result.after.as_ref())?;
        let line = past.result.line.as_ref().ok_or_else(unknown)?;
        if let Some(last_day) = left.last_day {
            return self.nothing_on_bounded(past, line, left, last_day);
        }
        let found = self.found(line)?;
        let run = self.run_words();
        let end = |from: Quantity, last_day: CivilDate, reason: String| Step {
            action: Action::EndLine {
                line: line.clone(),
                from,
                last_day,
                replaced_by: None,
            },
            effective: last_day.plus_days(1),
            precondition: None,
            reason,
        };
        let start = left.effective.unwrap_or(past.change().effective);
        if let Some(next) = self.invoiced_since(past.change()) {
            as_left(found, left)?;
            let last_day = next.plus_days(-1);
            return Ok(vec![end(
                left.quantity,
                last_day,
                format!("{run} added the line, which is invoiced up to {last_day}: it ends there"),
            )]);
        }
        let never = format!("{run} added the line, which is not invoiced yet");
        if self.context.sink.capabilities.end_before_start {
            as_left(found, left)?;
            let reason = format!("{never}: it ends before its first day");
            return Ok(vec![end(left.quantity, start.plus_days(-1), reason)]);
        }
        let mut steps = Vec::new();
        if !found.quantity.is_zero() {
            as_left(found, left)?;
            steps.push(Step {
                action: Action::SetQuantity {
                    line: line.clone(),
                    from: left.quantity,
                    to: Quantity::ZERO,
                },
                effective: start,
                precondition: None,
                reason: format!("{never}: it bills nothing, and ends on its first day"),
            });
        }
        let reason = format!("{never}: billing nothing, it ends on its first day");
        steps.push(end(Quantity::ZERO, start, reason));
        Ok(steps)
    }

    /// Lets a line bill nothing that the run added for certain days, such as a catch-up. Its days
    /// stay: a PSA may refuse to move an end that has passed.
    fn nothing_on_bounded(
        &self,
        past: &Past<'_>,
        line: &AgreementLineId,
        left: &LineState,
        last_day: CivilDate,
    ) -> Steps {
        self.refuse_invoiced(past.change())?;
        if left.quantity.is_zero() {
            return Err(Refusal::NoDifference);
        }
        let found = self.found(line)?;
        self.still_ends(line, last_day)?;
        as_left(found, left)?;
        let action = Action::SetQuantity {
            line: line.clone(),
            from: left.quantity,
            to: Quantity::ZERO,
        };
        let start = left.effective.unwrap_or(past.change().effective);
        Ok(vec![Step {
            precondition: bounded(&action, left),
            action,
            effective: start,
            reason: format!(
                "{} added the line for {start} to {last_day}, which is not invoiced yet: it bills \
                 nothing",
                self.run_words()
            ),
        }])
    }

    /// Gives a line that took the place of one that the run ended what that one billed.
    fn back_on_other(&self, first: &Past<'_>, ended: &Past<'_>, added: &Past<'_>) -> Steps {
        self.refuse_invoiced(added.change())?;
        let before = state(first.result.before.as_ref())?;
        let left = state(added.result.after.as_ref())?;
        if let Action::EndLine { line, last_day, .. } = &ended.change().action {
            self.still_ends(line, *last_day)?;
        }
        let line = added.result.line.as_ref().ok_or_else(unknown)?;
        as_left(self.found(line)?, left)?;
        let (line, run) = (line.clone(), self.run_words());
        let effective = added.change().effective;
        let mut steps = Vec::new();
        let mut add = |action: Action, what: &str| {
            steps.push(Step {
                action,
                effective,
                precondition: None,
                reason: format!(
                    "in {run} this line took the place of one that ended: it gets the {what} of that one"
                ),
            });
        };
        if left.quantity != before.quantity {
            let (from, to) = (left.quantity, before.quantity);
            let line = line.clone();
            add(Action::SetQuantity { line, from, to }, "quantity");
        }
        let can = &self.context.sink.capabilities;
        let differs = |from: Option<Money>, to: Option<Money>, held: bool| {
            from != to && (held || to.is_some())
        };
        if differs(left.unit_cost, before.unit_cost, can.set_unit_cost) {
            let (from, to) = (left.unit_cost, amount(before.unit_cost, "cost")?);
            let line = line.clone();
            add(Action::SetUnitCost { line, from, to }, "cost");
        }
        if differs(left.unit_price, before.unit_price, can.set_unit_price) {
            let (from, to) = (left.unit_price, amount(before.unit_price, "price")?);
            add(Action::SetUnitPrice { line, from, to }, "price");
        }
        if steps.is_empty() {
            return Err(Refusal::NoDifference);
        }
        Ok(steps)
    }

    /// A new line for one that the run ended.
    fn goes_on(&self, before: &LineState, line: &AgreementLineId, last_day: CivilDate) -> Steps {
        self.still_ends(line, last_day)?;
        let can = &self.context.sink.capabilities;
        let kept = |money: Option<Money>, held: bool, what: &str| match money {
            Some(money) => Ok(Some(money)),
            // A PSA that holds no such amounts has none to bring back.
            None if !held => Ok(None),
            None => amount(None, what).map(Some),
        };
        let action = Action::CreateLine {
            quantity: before.quantity,
            unit_cost: kept(before.unit_cost, can.set_unit_cost, "cost")?,
            unit_price: kept(before.unit_price, can.set_unit_price, "price")?,
            last_day: None,
            like: Some(line.clone()),
        };
        let effective = last_day.plus_days(1);
        Ok(vec![Step {
            action,
            effective,
            precondition: None,
            reason: format!(
                "{} ended line {line} of {}: a new line goes on with it from the day after",
                self.run_words(),
                before.quantity
            ),
        }])
    }

    /// The run as people know it.
    fn run_words(&self) -> String {
        format!("the run of {}", self.run.started.date())
    }

    fn still_ends(
        &self,
        line: &AgreementLineId,
        last_day: CivilDate,
    ) -> std::result::Result<(), Refusal> {
        let found = match self.found(line)?.last_day {
            Some(day) if day == last_day => return Ok(()),
            Some(day) => format!("line {line} ends after {day}, not after {last_day}"),
            None => format!("line {line} has no end any more"),
        };
        Err(Refusal::ChangedSince { found })
    }

    fn found(&self, id: &AgreementLineId) -> std::result::Result<&LineState, Refusal> {
        let line = self.lines.iter().find(|line| line.id == *id);
        line.map(|line| &line.state)
            .ok_or_else(|| Refusal::ChangedSince {
                found: format!("line {id} is no longer on the agreement"),
            })
    }

    /// The first day not invoiced yet, where an invoice since the run covers the change.
    fn invoiced_since(&self, change: &Change) -> Option<CivilDate> {
        let next = self.agreement.next_invoice?;
        let since = change.evidence.next_invoice.is_none_or(|then| then < next);
        (since && change.effective < next).then_some(next)
    }

    fn refuse_invoiced(&self, change: &Change) -> std::result::Result<(), Refusal> {
        match self.invoiced_since(change) {
            None => Ok(()),
            Some(next_invoice) => Err(Refusal::Invoiced {
                effective: change.effective,
                next_invoice,
            }),
        }
    }

    fn change(&self, unit: &[&Past<'_>], last: &Change, step: Step) -> Result<Change> {
        let undone: Vec<ChangeId> = unit.iter().map(|past| past.change().id.clone()).collect();
        let attempts = self.context.taken_back.attempts(&undone);
        let id = intent_id(&(
            "undo",
            &self.run.id,
            &undone,
            &step.action,
            step.effective,
            attempts,
        ))?;
        let mut change = Change::new(
            id,
            last.company.clone(),
            last.agreement.clone(),
            last.product.clone(),
            step.action,
            step.effective,
        );
        if let Some(precondition) = step.precondition {
            change.precondition = precondition;
        }
        change.labels = last.labels.clone();
        change.reason = printable(&step.reason);
        let line = change.action.line();
        let line = self.lines.iter().find(|known| Some(&known.id) == line);
        change.evidence = Evidence {
            revision: line.and_then(|line| line.revision.clone()),
            next_invoice: self.agreement.next_invoice,
            undoes: Some(Undoes {
                run: self.run.id.clone(),
                changes: undone,
            }),
            ..Evidence::default()
        };
        change.blocks = guards::of_agreement(
            self.agreement,
            &change,
            self.context.policy,
            self.context.sink,
        );
        Ok(change)
    }
}

/// What must hold of a line that ends by itself for its quantity to be set.
fn bounded(action: &Action, left: &LineState) -> Option<Precondition> {
    let last_day = left.last_day?;
    match action {
        Action::SetQuantity { from, .. } => Some(Precondition::QuantityUntil {
            quantity: *from,
            last_day,
        }),
        _ => None,
    }
}

fn unknown() -> Refusal {
    Refusal::NothingBefore {
        what: "the journal does not say what the PSA showed".to_owned(),
    }
}

fn state(state: Option<&LineState>) -> std::result::Result<&LineState, Refusal> {
    state.ok_or_else(unknown)
}

fn amount(money: Option<Money>, what: &str) -> std::result::Result<Money, Refusal> {
    money.ok_or_else(|| Refusal::NothingBefore {
        what: format!("the line held no {what} before"),
    })
}

/// An added line must be as it was left, whole: all of it is taken back.
fn as_left(found: &LineState, left: &LineState) -> std::result::Result<(), Refusal> {
    let differs = |what: &str, found: &dyn fmt::Display, left: &dyn fmt::Display| {
        Err(Refusal::ChangedSince {
            found: format!("{what} is {found}, the run left {left}"),
        })
    };
    if found.quantity != left.quantity {
        return differs("quantity", &found.quantity, &left.quantity);
    }
    for (what, found, left) in [
        ("unit cost", found.unit_cost, left.unit_cost),
        ("unit price", found.unit_price, left.unit_price),
    ] {
        if found != left {
            return differs(what, &Shown(&found), &Shown(&left));
        }
    }
    Ok(())
}

/// What the lines are once a change has landed.
fn project(change: &Change, lines: &mut Vec<AgreementLine>) {
    if let Action::CreateLine {
        quantity,
        unit_cost,
        unit_price,
        last_day,
        ..
    } = &change.action
    {
        let mut line = AgreementLine::new(
            format!("new line of change {}", change.id),
            change.product.clone(),
            *quantity,
        );
        line.state.unit_cost = *unit_cost;
        line.state.unit_price = *unit_price;
        line.state.effective = Some(change.effective);
        line.state.last_day = *last_day;
        lines.push(line);
        return;
    }
    let of_change = |line: &&mut AgreementLine| match change.action.line() {
        Some(id) => line.id == *id,
        None => change.action.is_absolute() && line.product == change.product,
    };
    let Some(line) = lines.iter_mut().find(of_change) else {
        return;
    };
    match &change.action {
        Action::SetQuantity { to, .. } | Action::SetCount { to, .. } => line.state.quantity = *to,
        Action::SetUnitCost { to, .. } => line.state.unit_cost = Some(*to),
        Action::SetUnitPrice { to, .. } => line.state.unit_price = Some(*to),
        Action::EndLine { last_day, .. } => line.state.last_day = Some(*last_day),
        Action::CreateLine { .. }
        | Action::CreateAgreement { .. }
        | Action::AddCharge { .. }
        | Action::CreateAccount { .. }
        | Action::LinkAccount { .. }
        | Action::CreateProduct { .. }
        | Action::WriteNote { .. } => {}
    }
}
