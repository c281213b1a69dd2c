//! Compares the true history with the plan, the journal and the report.

use std::collections::{BTreeMap, BTreeSet};

use tallyline_core::apply::{ApplyReport, ChangeResult, Outcome};
use tallyline_core::model::{
    AgreementId, AgreementLineId, ChangeId, ChargeKey, LineState, Timestamp,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{MadeRecord, Verdict};
use tallyline_core::store::{ChangeRecord, Event, SkipCause};

use super::adversary::{Adversary, MAX_LAG};
use super::draft::Plan;
use super::world::{Cause, Effect, Making, World, place_of};

/// What is not as it must be, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Changes that took effect more than once.
    pub duplicated: Vec<String>,
    /// Changes that were to be carried out, were not, and of which nobody is told why.
    pub lost: Vec<String>,
    /// Changes of which the journal or a report says what is not true.
    pub wrong: Vec<String>,
}

impl Findings {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.duplicated.is_empty() && self.lost.is_empty() && self.wrong.is_empty()
    }

    /// All of them, each with its kind.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        let kinds = [
            ("duplicated", &self.duplicated),
            ("lost", &self.lost),
            ("wrongly reported", &self.wrong),
        ];
        kinds.into_iter().flat_map(|(kind, found)| {
            found
                .iter()
                .map(move |sentence| format!("{kind}: {sentence}"))
        })
    }
}

/// The outcome that a final event stands for; `None` while there is none.
fn recorded_outcome(record: &ChangeRecord) -> Option<Outcome> {
    Some(match &record.events.last()?.event {
        Event::Done { recovered } => Outcome::Done {
            recovered: *recovered,
        },
        Event::Drifted { .. } => Outcome::Drifted,
        Event::Failed { retryable, .. } => Outcome::Failed {
            retryable: *retryable,
        },
        Event::Conflict { .. } => Outcome::Conflict,
        Event::Skipped { cause, .. } => match cause {
            SkipCause::NotApproved => Outcome::NotApproved,
            SkipCause::Blocked => Outcome::Blocked,
            _ => Outcome::Skipped,
        },
        _ => return None,
    })
}

/// Whether a report says of finished changes what the journal says, and of the others why they are
/// open.
pub(crate) fn compare(report: &ApplyReport, journal: &[ChangeRecord], findings: &mut Findings) {
    for (result, record) in report.changes.iter().zip(journal) {
        if result.resumable {
            if result.detail.trim().is_empty() {
                findings.wrong.push(format!(
                    "{}: the report says {:?} and not why",
                    result.change, result.outcome
                ));
            }
            continue;
        }
        let recorded = recorded_outcome(record);
        if recorded != Some(result.outcome) || result.change != record.change.id {
            findings.wrong.push(format!(
                "{}: the report says {:?}, the journal {recorded:?}",
                result.change, result.outcome
            ));
        }
    }
}

fn is_by(cause: &Cause, change: &ChangeId) -> bool {
    matches!(cause, Cause::Change(id) if id == change)
}

/// What truly was, for comparison.
pub(crate) struct Judge<'a> {
    adversary: &'a Adversary,
    plan: &'a Plan,
    /// The charges that an earlier run left in conflict.
    in_conflict: &'a BTreeSet<ChargeKey>,
    history: Vec<Effect>,
    makings: Vec<Making>,
    strays: Vec<String>,
    initial: BTreeMap<&'a AgreementLineId, &'a LineState>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        world: &'a dyn World,
        adversary: &'a Adversary,
        plan: &'a Plan,
        in_conflict: &'a BTreeSet<ChargeKey>,
    ) -> Self {
        let lines = world.initial().values().flatten();
        Self {
            adversary,
            plan,
            in_conflict,
            history: world.history(),
            makings: world.makings(),
            strays: world.strays(),
            initial: lines.map(|line| (&line.id, &line.state)).collect(),
        }
    }

    /// The run's last report, or none where it never began, against the truth.
    pub(crate) fn judge(
        &self,
        report: Option<&ApplyReport>,
        journal: &[ChangeRecord],
        findings: &mut Findings,
    ) {
        findings.wrong.extend(self.strays.iter().cloned());
        for (at, change) in self.plan.changes.iter().enumerate() {
            let effects = self.effects_of(&change.id);
            self.judge_targets(change, &effects, findings);
            self.judge_making(change, findings);
            if effects.len() > 1 {
                let instants: Vec<_> = effects.iter().map(|e| e.at.to_string()).collect();
                findings.duplicated.push(format!(
                    "{} ({}) took effect {} times: {}",
                    change.id,
                    change.action,
                    effects.len(),
                    instants.join(", ")
                ));
            }
            let result = report.and_then(|report| report.changes.get(at));
            let record = journal.get(at);
            match (result, record) {
                (Some(result), Some(record)) if result.change == change.id => {
                    self.judge_result(change, result, record, &effects, findings);
                }
                _ => findings
                    .lost
                    .push(format!("{} is not in the report", change.id)),
            }
        }
    }

    /// Whether what a change did, it did to what it names.
    fn judge_targets(&self, change: &Change, effects: &[&Effect], findings: &mut Findings) {
        for effect in effects {
            let is_its = self.is_at(&effect.agreement, &change.agreement)
                && effect.product == change.product
                && change.action.line().is_none_or(|line| effect.line == *line);
            if !is_its {
                findings.wrong.push(format!(
                    "{}: it is about product {} of {}, and took effect on line {} of product {} of {}",
                    change.id,
                    change.product,
                    change.agreement,
                    effect.line,
                    effect.product,
                    effect.agreement
                ));
            }
            if self.is_second(change, effect) {
                findings.duplicated.push(format!(
                    "{} ({}) made line {} beside one of an earlier run",
                    change.id, change.action, effect.line
                ));
            }
        }
    }

    /// Whether an agreement is the one that a change names by its id or its key: where it was to be made, the one
    /// that has the master that was wanted.
    fn is_at(&self, agreement: &AgreementId, named: &AgreementId) -> bool {
        if named.key().is_none() {
            return agreement == named;
        }
        let mut made = self.makings.iter().filter(|it| it.place == *named);
        made.any(|it| it.record == MadeRecord::Agreement(agreement.clone()) && self.is_wanted(it))
    }

    /// Whether what was made is what the plan's change for its place wants.
    fn is_wanted(&self, making: &Making) -> bool {
        let mut changes = self.plan.changes.iter();
        let change = changes.find(|c| c.action.makes_record() && place_of(c) == making.place);
        making.usable
            && change.is_none_or(|change| match &change.action {
                Action::CreateAgreement { parent, .. } => making.parent == *parent,
                Action::AddCharge { .. } => making.parent.as_ref() == Some(&change.agreement),
                _ => making.parent.is_none(),
            })
    }

    /// Whether a line was created for a product of which another change's line was open.
    fn is_second(&self, change: &Change, effect: &Effect) -> bool {
        let creates = matches!(change.action, Action::CreateLine { last_day: None, .. });
        if !creates || effect.before.is_some() {
            return false;
        }
        let before = self.history.iter().take_while(|it| it.at < effect.at);
        let mut last: BTreeMap<&AgreementLineId, (bool, &Effect)> = BTreeMap::new();
        for it in before.filter(|it| it.agreement == effect.agreement) {
            let is_ours = it.before.is_none() && matches!(it.cause, Cause::Change(_));
            let entry = last.entry(&it.line).or_insert((is_ours, it));
            entry.1 = it;
        }
        last.values().any(|(is_ours, it)| {
            let open = |state: &LineState| state.last_day.is_none();
            *is_ours && it.product == effect.product && it.after.as_ref().is_some_and(open)
        })
    }

    /// Whether what a change was to make stands once.
    fn judge_making(&self, change: &Change, findings: &mut Findings) {
        if !change.action.makes_record() {
            return;
        }
        let there: Vec<&Making> = self.makings_at(&place_of(change)).collect();
        let by_it = |making: &&&Making| is_by(&making.cause, &change.id);
        let made = there.iter().filter(by_it).count();
        if made > 0 && there.len() > 1 {
            let records: Vec<_> = there.iter().map(|it| it.record.to_string()).collect();
            findings.duplicated.push(format!(
                "{} ({}) made one of {}",
                change.id,
                change.action,
                records.join(", ")
            ));
        }
        let mut by_change = self
            .makings
            .iter()
            .filter(|it| is_by(&it.cause, &change.id));
        if by_change.any(|it| it.place != place_of(change) || !self.is_wanted(it)) {
            findings.wrong.push(format!(
                "{} ({}) made something else",
                change.id, change.action
            ));
        }
    }

    fn makings_at(&self, place: &AgreementId) -> impl Iterator<Item = &Making> + use<'_, 'a> {
        let place = place.clone();
        self.makings.iter().filter(move |it| it.place == place)
    }

    fn effects_of(&self, change: &ChangeId) -> Vec<&Effect> {
        let by_it = |effect: &&Effect| is_by(&effect.cause, change);
        self.history.iter().filter(by_it).collect()
    }

    fn judge_result(
        &self,
        change: &Change,
        result: &ChangeResult,
        record: &ChangeRecord,
        effects: &[&Effect],
        findings: &mut Findings,
    ) {
        let id = &change.id;
        let is_withheld = self.plan.withholds(change);
        let mut wrong = |why: String| findings.wrong.push(format!("{id}: {why}"));
        if self.is_in_conflict(change) && result.sent.is_some() {
            wrong("an earlier run left its charge to a person, and it was sent".into());
        }
        let made = self.makings_at(&place_of(change));
        let made = made.filter(|it| is_by(&it.cause, id)).map(|it| it.at);
        let first = effects.iter().map(|it| it.at).chain(made).next();
        match (result.outcome, first) {
            (Outcome::Done { .. }, first) => {
                if is_withheld && first.is_some() {
                    wrong("it must not be carried out and was".into());
                }
                if let Err(why) = self.check_done(change, result, record, effects) {
                    wrong(why);
                }
            }
            (Outcome::Conflict | Outcome::Unsettled, _) | (_, None) => {}
            (outcome, Some(at)) => wrong(format!(
                "reported as {outcome:?}, and it took effect at {at}"
            )),
        }
        let mut lost = |why: &str| findings.lost.push(format!("{id}: {why}"));
        match result.outcome {
            Outcome::Done { .. } => {}
            _ if result.resumable => lost("it is still open when everything is over"),
            _ if result.detail.trim().is_empty() => lost("reported as not done without a reason"),
            Outcome::Blocked | Outcome::NotApproved if is_withheld => {}
            // What nothing stood in the way of must have been done.
            _ if !is_withheld
                && !self.adversary.has_harmed(&change.agreement)
                && !self.plan.in_the_way.contains(&change.agreement)
                && !self.behind(change)
                && !self.stood_before(change)
                && !self.is_in_conflict(change)
                && !self.behind_a_conflict(change) =>
            {
                lost(&format!(
                    "nothing stood in its way, and it is {:?}",
                    result.outcome
                ));
            }
            _ => {}
        }
    }

    /// Whether a change stands behind a withheld one on the same line: it was planned on what that
    /// one would have made of it.
    fn behind(&self, change: &Change) -> bool {
        let before = self.plan.changes.iter().take_while(|c| c.id != change.id);
        before
            .filter(|c| c.agreement == change.agreement)
            .filter(|c| c.product == change.product || c.action.creates_agreement())
            .any(|c| self.plan.withholds(c))
    }

    /// Whether a line stood where a change was to create one, of an earlier run or of a colleague; or the charge
    /// that it was to add.
    fn stood_before(&self, change: &Change) -> bool {
        if let Action::AddCharge { .. } = change.action {
            let mut there = self.makings_at(&place_of(change));
            return there.any(|it| !is_by(&it.cause, &change.id));
        }
        let creates = matches!(change.action, Action::CreateLine { .. });
        let mut others = self
            .history
            .iter()
            .filter(|it| !is_by(&it.cause, &change.id));
        creates
            && others.any(|it| {
                it.product == change.product && self.is_at(&it.agreement, &change.agreement)
            })
    }

    /// Whether a change is the charge for a bill that an earlier run left to a person.
    fn is_in_conflict(&self, change: &Change) -> bool {
        let key = change.charge_key();
        key.is_some_and(|key| self.in_conflict.contains(&key))
    }

    /// Whether a change stands behind the creation of a line where one stood before: of lines that carry the same
    /// marker, a lost answer cannot be told which it is of, and what follows on the agreement waits for a person.
    fn behind_a_conflict(&self, change: &Change) -> bool {
        let before = self.plan.changes.iter().take_while(|c| c.id != change.id);
        before
            .filter(|c| c.agreement == change.agreement)
            .any(|c| matches!(c.action, Action::CreateLine { .. }) && self.stood_before(c))
    }

    /// Whether what is reported as done is so.
    fn check_done(
        &self,
        change: &Change,
        result: &ChangeResult,
        record: &ChangeRecord,
        effects: &[&Effect],
    ) -> Result<(), String> {
        if change.action.makes_record() {
            return self.check_made(change, result, record);
        }
        // The same intent has the same marker in every run: what an earlier run did for it may be found instead.
        let by_marker = |it: &&Effect| {
            let marker = ChangeId::new(change.marker.as_str());
            it.before.is_none() && is_by(&it.cause, &marker)
        };
        let effect = effects.first().copied();
        match effect.or_else(|| self.history.iter().find(by_marker)) {
            None => Err("reported as done, and it never took effect".into()),
            Some(effect) => self.check_states(change, result, record, effect),
        }
    }

    /// Whether the record that a report names is there, and was read back.
    fn check_made(
        &self,
        change: &Change,
        result: &ChangeResult,
        record: &ChangeRecord,
    ) -> Result<(), String> {
        let named = result.made.as_ref().ok_or("it names no record")?;
        let mut there = self.makings_at(&place_of(change));
        if !there.any(|it| it.record == *named && self.is_wanted(it)) {
            return Err(format!(
                "it names {named}, which is not what was to be made"
            ));
        }
        let is_read = |event: &Event| {
            let Event::Verified { verdict } = event else {
                return false;
            };
            matches!(verdict, Verdict::Made { record, .. } if record == named)
        };
        let mut events = record.events.iter();
        let read = events.any(|recorded| is_read(&recorded.event));
        read.then_some(())
            .ok_or_else(|| "it is done without a read-back that shows it".to_owned())
    }

    /// Whether the line and its states before and after, as recorded, are those that truly were.
    fn check_states(
        &self,
        change: &Change,
        result: &ChangeResult,
        record: &ChangeRecord,
        effect: &Effect,
    ) -> Result<(), String> {
        if result.line.as_ref() != Some(&effect.line) {
            return Err(format!(
                "it names line {:?}, it was {}",
                result.line, effect.line
            ));
        }
        let last = |wanted: fn(&Event) -> bool| {
            let mut events = record.events.iter().rev();
            events.find(|e| wanted(&e.event)).map(|e| e.at)
        };
        let checked = last(|event| matches!(event, Event::PreconditionHeld { .. }));
        let landed = |event: &Event| {
            matches!(
                event,
                Event::Verified {
                    verdict: Verdict::Landed { .. }
                }
            )
        };
        let verified = last(landed).ok_or("it is done without a read-back that shows it")?;
        if let Action::CreateLine { .. } = change.action {
            if result.before.is_some() {
                return Err("it has a state before the line was created".to_owned());
            }
        } else {
            let checked = checked.ok_or("it is done without a check of its target")?;
            let read = self.adversary.read_before(&change.agreement, checked);
            let from = earlier(read.unwrap_or(checked));
            let before = result.before.as_ref().ok_or("it has no state before")?;
            if !self.was(&effect.line, before, from, effect.at) {
                return Err(format!(
                    "the state before was never {before:?} from {from} on"
                ));
            }
        }
        let after = result.after.as_ref().ok_or("it has no state after")?;
        if !self.was(&effect.line, after, effect.at, verified) {
            return Err(format!("the state after was never {after:?}"));
        }
        Ok(())
    }

    /// Whether a line truly had a state at some instant of a span.
    fn was(
        &self,
        line: &AgreementLineId,
        state: &LineState,
        from: Timestamp,
        to: Timestamp,
    ) -> bool {
        let mut held = self.initial.get(line).copied();
        let mut since = None;
        for effect in self.history.iter().filter(|effect| effect.line == *line) {
            let within = effect.at >= from && since.is_none_or(|since| since <= to);
            if within && held == Some(state) {
                return true;
            }
            held = effect.after.as_ref();
            since = Some(effect.at);
        }
        since.is_none_or(|since| since <= to) && held == Some(state)
    }
}

/// The earliest instant whose state a read may show.
fn earlier(read: Timestamp) -> Timestamp {
    let lag = i64::try_from(MAX_LAG.as_secs()).unwrap_or(0);
    Timestamp::from_second(read.as_second() - lag).unwrap_or(read)
}
