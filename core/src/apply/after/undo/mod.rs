//! Taking back what a run did, as a plan of its own.

mod inverse;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};

use self::inverse::Inverse;
use super::{Standing, TakenBack};
use crate::apply::ChangeResult;
use crate::error::Result;
use crate::model::{
    Agreement, AgreementId, AgreementLine, CivilDate, ProductId, Quantity, Timestamp,
};
use crate::plan::guards::{self, Compared};
use crate::plan::{Action, Block, Change, Guard, Origin, Plan, PlanContent, PlanKind, Policy};
use crate::reconcile::PsaBook;
use crate::sink::SinkDescriptor;
use crate::store::{ChangeRecord, RunRecord};

pub use refusal::{NotUndone, Refusal};

/// What an undo is planned on: the present state of the agreements of the run.
#[derive(Clone, Copy, Debug)]
pub struct UndoContext<'a> {
    /// The sink.
    pub sink: &'a SinkDescriptor,
    /// The PSA's side as it is now, with the lines of the run's agreements.
    pub book: &'a PsaBook,
    /// From when a change counts, and when a plan takes away too much.
    pub policy: &'a Policy,
    /// The day.
    pub today: CivilDate,
    /// The instant.
    pub now: Timestamp,
    /// Which of the source's tenants the run was from, where its plan says it.
    pub source_tenant: Option<&'a str>,
    /// What later runs have taken back.
    pub taken_back: &'a TakenBack,
}

/// An undo of a run: a plan of its own for what can be taken back, and what is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undo {
    /// The plan.
    pub plan: Plan,
    /// The changes of the run that it leaves as they are, in the order of the run.
    pub refused: Vec<NotUndone>,
}

/// Plans the inverse of a run, in reverse order within each agreement.
///
/// Quantities, costs and prices go back to what was read before the write. A line that was
/// added is ended: where none of it is invoiced yet so that it never bills, else after the
/// last day that is invoiced. A line that was added for certain days, such as a catch-up, bills
/// nothing from then on, where none of it is invoiced yet. A line that was ended goes on as a new line of the same
/// quantity, cost and price from the day after; its end stays, for whether a PSA takes back an
/// end is not known. Where the run itself let another line go on from that day, that one gets
/// the quantity, cost and price of the ended one.
///
/// What the run left must be there still, and nothing of it may be invoiced; what cannot be
/// taken back is refused by change, with the reason. The changes of a line that was ended or
/// added belong together: all of them are taken back, or none.
///
/// The guards on invoiced periods and on too much at once hold. Those on the vendor's
/// readings do not: an undo rests on what the PSA showed before the run.
///
/// # Errors
/// `Unexpected` when the plan cannot be hashed.
pub fn undo(run: &RunRecord, records: &[ChangeRecord], context: &UndoContext<'_>) -> Result<Undo> {
    let mut by_agreement: Vec<(&AgreementId, Vec<(usize, &ChangeRecord)>)> = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let agreement = &record.change.agreement;
        match by_agreement
            .iter_mut()
            .find(|(known, _)| *known == agreement)
        {
            Some((_, of_agreement)) => of_agreement.push((index, record)),
            None => by_agreement.push((agreement, vec![(index, record)])),
        }
    }
    let mut changes = Vec::new();
    let mut refused = Vec::new();
    for (agreement, of_agreement) in by_agreement {
        let taken = of_one_agreement(run, agreement, &of_agreement, context)?;
        changes.extend(taken.changes.into_iter().map(|(_, change)| change));
        refused.extend(taken.refused);
    }
    refused.sort_by_key(|(index, _)| *index);
    let refused = refused
        .into_iter()
        .map(|(index, refusal)| NotUndone {
            change: records[index].change.clone(),
            refusal,
        })
        .collect();
    guard(&mut changes, context);
    let plan = Plan::new(PlanContent {
        kind: PlanKind::of(records.iter().map(|record| &record.change)),
        source: run.source.clone(),
        source_tenant: context.source_tenant.map(str::to_owned),
        sink: run.sink.clone(),
        sink_tenant: context.sink.tenant.clone(),
        strategy: context.sink.strategy,
        made: context.now,
        origin: Some(Origin::Undo {
            run: run.id.clone(),
        }),
        today: context.today,
        data_as_of: None,
        refresh_seconds: None,
        mapping_revision: 0,
        policy: context.policy.clone(),
        found: BTreeMap::new(),
        unowned_lines: 0,
        bills: Vec::new(),
        changes,
        notices: Vec::new(),
    })?;
    Ok(Undo { plan, refused })
}

/// What came of the changes of an agreement or a product, each under its place in the run.
#[derive(Default)]
struct Taken {
    changes: Vec<(usize, Change)>,
    refused: Vec<(usize, Refusal)>,
}

/// A change of the run, with what became of it.
struct Past<'r> {
    index: usize,
    record: &'r ChangeRecord,
    result: ChangeResult,
}

fn of_one_agreement(
    run: &RunRecord,
    id: &AgreementId,
    records: &[(usize, &ChangeRecord)],
    context: &UndoContext<'_>,
) -> Result<Taken> {
    let mut taken = Taken::default();
    let mut by_product: BTreeMap<&ProductId, Vec<Past<'_>>> = BTreeMap::new();
    for (index, record) in records {
        let past = Past {
            index: *index,
            record,
            result: ChangeResult::of(record),
        };
        if record.change.action.makes_record() {
            // What was made beside the lines stays, and holds none of them.
            let nothing = past.nothing_to_take_back(run, context.taken_back);
            let refusal = nothing.unwrap_or_else(|| stays(&past));
            taken.refused.push((*index, refusal));
            continue;
        }
        by_product
            .entry(&record.change.product)
            .or_default()
            .push(past);
    }
    for past in by_product.into_values() {
        let of_product = of_one_product(run, id, past, context)?;
        taken.changes.extend(of_product.changes);
        taken.refused.extend(of_product.refused);
    }
    // Stable: the steps that take back one change stay in their order.
    taken
        .changes
        .sort_by_key(|(index, _)| std::cmp::Reverse(*index));
    Ok(taken)
}

/// Why an agreement, a charge or an account that was made stays.
fn stays(past: &Past<'_>) -> Refusal {
    let made = past.result.made.as_ref();
    let made = made.map_or_else(|| "what was made".to_owned(), ToString::to_string);
    let what = match &past.change().action {
        Action::CreateAgreement { .. } => {
            format!("{made} stays once it is created: end it in the PSA by hand, if it must")
        }
        Action::CreateAccount { .. } => {
            format!("{made} stays once it is created: remove it at the vendor by hand, if it must")
        }
        Action::LinkAccount { .. } => {
            format!("{made} keeps the company's id: take it out at the vendor by hand, if it must")
        }
        Action::CreateProduct { .. } => {
            format!(
                "{made} stays in the catalogue: make it inactive in the PSA by hand, if it must"
            )
        }
        Action::WriteNote { .. } => {
            format!(
                "{made} keeps its block, and bills nothing: edit it in the PSA by hand, if it must"
            )
        }
        _ => format!("{made} is billed once and stays: delete it in the PSA by hand, if it must"),
    };
    Refusal::Unsupported { what }
}

/// The changes of one product: where a line was added or ended, all are taken back or none.
fn of_one_product(
    run: &RunRecord,
    id: &AgreementId,
    past: Vec<Past<'_>>,
    context: &UndoContext<'_>,
) -> Result<Taken> {
    let mut taken = Taken::default();
    let mut done = Vec::new();
    for past in &past {
        match past.nothing_to_take_back(run, context.taken_back) {
            Some(refusal) => taken.refused.push((past.index, refusal)),
            None => done.push(past),
        }
    }
    let (agreement, lines) = match ready(id, context) {
        Ok(ready) => ready,
        Err(refusal) => {
            let all = done.iter().map(|past| (past.index, refusal.clone()));
            taken.refused.extend(all);
            return Ok(taken);
        }
    };
    let mut inverse = Inverse::new(run, context, agreement, lines);
    for unit in units(&done).iter().rev() {
        match inverse.of(unit)? {
            Ok(changes) => taken.changes.extend(changes),
            Err(refusal) => {
                let all = unit.iter().map(|past| (past.index, refusal.clone()));
                taken.refused.extend(all);
            }
        }
    }
    if done.iter().any(|past| past.moves_lines()) {
        taken.hold_together(&past);
    }
    Ok(taken)
}

impl Past<'_> {
    fn change(&self) -> &Change {
        &self.record.change
    }

    /// Why there is nothing to take back, if so.
    fn nothing_to_take_back(&self, run: &RunRecord, taken_back: &TakenBack) -> Option<Refusal> {
        let id = &self.change().id;
        if self.record.state().is_unsettled() {
            return Some(Refusal::Unsettled {
                run: run.id.clone(),
            });
        }
        if let Some(standing) = Standing::of(&self.result) {
            return Some(Refusal::NotDone { standing });
        }
        if let Some(run) = taken_back.unsettled_run_of(id) {
            return Some(Refusal::Unsettled { run: run.clone() });
        }
        let by = taken_back.run_of(id)?;
        Some(Refusal::AlreadyUndone { run: by.clone() })
    }

    /// Whether it added a line that goes on where what came last ended one.
    fn takes_the_place_of(&self, unit: &[&Past<'_>]) -> bool {
        let last = unit.last().map(|past| &past.change().action);
        matches!(
            (last, &self.change().action),
            (Some(Action::EndLine { last_day, .. }), Action::CreateLine { last_day: None, .. })
                if last_day.plus_days(1) == self.change().effective
        )
    }

    /// Whether it added or ended a line.
    fn moves_lines(&self) -> bool {
        matches!(
            self.change().action,
            Action::CreateLine { .. } | Action::EndLine { .. }
        )
    }
}

impl Taken {
    /// Takes nothing back where something that belongs to the rest is refused.
    fn hold_together(&mut self, past: &[Past<'_>]) {
        let holding = self
            .refused
            .iter()
            .find(|(_, refusal)| refusal.holds_others());
        let Some(with) = holding
            .and_then(|(index, _)| past.iter().find(|past| past.index == *index))
            .map(|past| past.change().id.clone())
        else {
            return;
        };
        self.changes.clear();
        let refused: Vec<usize> = self.refused.iter().map(|(index, _)| *index).collect();
        let left = past.iter().filter(|past| !refused.contains(&past.index));
        self.refused.extend(left.map(|past| {
            let with = with.clone();
            (past.index, Refusal::Together { with })
        }));
    }
}

/// What is taken back in one piece: each change by itself, but with the end of a line all that
/// was done to it before, and the line that took its place the day after.
fn units<'u, 'r>(done: &[&'u Past<'r>]) -> Vec<Vec<&'u Past<'r>>> {
    let mut units: Vec<Vec<&Past<'_>>> = Vec::new();
    for past in done {
        let mut unit = Vec::new();
        if let Action::EndLine { line, .. } = &past.change().action {
            let of_line = |unit: &Vec<&Past<'_>>| {
                let mut lines = unit.iter().map(|past| past.change().action.line());
                lines.all(|of| of == Some(line))
            };
            let (same, others) = units.into_iter().partition(of_line);
            units = others;
            let same: Vec<Vec<&Past<'_>>> = same;
            unit.extend(same.into_iter().flatten());
        }
        if let Some(at) = units.iter().position(|unit| past.takes_the_place_of(unit)) {
            unit = units.remove(at);
        }
        unit.push(*past);
        units.push(unit);
    }
    units
}

/// The agreement and its lines, where it can be changed.
fn ready<'a>(
    id: &AgreementId,
    context: &UndoContext<'a>,
) -> std::result::Result<(&'a Agreement, &'a [AgreementLine]), Refusal> {
    let refusal = |why: String| Refusal::Agreement { why };
    let Some(agreement) = context.book.agreement(id) else {
        return Err(refusal(format!(
            "{} does not list agreement {id}",
            context.sink.name
        )));
    };
    if !agreement.eligibility.is_eligible() {
        return Err(refusal(agreement.eligibility.reasons().join("; ")));
    }
    let lines = context.book.lines(id);
    let lines =
        lines.ok_or_else(|| refusal(format!("the lines of agreement {id} could not be read")))?;
    Ok((agreement, lines))
}

/// Blocks the reductions where they are too much at once, measured against all open lines of
/// the run's agreements, and those that are taken back on one that has ended.
fn guard(changes: &mut [Change], context: &UndoContext<'_>) {
    let agreements: BTreeSet<&AgreementId> = changes.iter().map(|c| &c.agreement).collect();
    let changed: BTreeSet<_> = changes
        .iter()
        .filter_map(|change| change.action.line())
        .collect();
    let mut compared = Compared::default();
    for agreement in agreements {
        for line in context.book.lines(agreement).unwrap_or_default() {
            if line.is_open_on(context.today) || changed.contains(&line.id) {
                // What gives money back takes nothing from what the others bill.
                compared.add(line.state.quantity.max(Quantity::ZERO));
            }
        }
    }
    let limit = context.policy.reduction_limit;
    if let Some(reason) = guards::reduction_beyond(changes, || compared, limit) {
        for change in changes.iter_mut().filter(|c| c.action.is_reduction()) {
            change.blocks.push(Block {
                guard: Guard::TotalReduction,
                reason: reason.clone(),
            });
        }
    }
}
