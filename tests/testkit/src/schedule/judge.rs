//! Compares the true history with the plan, the journal and the report.

use std::collections::BTreeMap;

use tallyline_core::apply::{ApplyReport, ChangeResult, Outcome};
use tallyline_core::model::{AgreementLineId, ChangeId, LineState, Timestamp};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::Verdict;
use tallyline_core::store::{ChangeRecord, Event, SkipCause};

use super::adversary::{Adversary, MAX_LAG};
use super::draft::Plan;
use super::world::{Cause, Effect, World};

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

/// What truly was, for comparison.
pub(crate) struct Judge<'a> {
    adversary: &'a Adversary,
    plan: &'a Plan,
    history: Vec<Effect>,
    initial: BTreeMap<&'a AgreementLineId, &'a LineState>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(world: &'a dyn World, adversary: &'a Adversary, plan: &'a Plan) -> Self {
        let lines = world.initial().values().flatten();
        Self {
            adversary,
            plan,
            history: world.history(),
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
        for (at, change) in self.plan.changes.iter().enumerate() {
            let effects = self.effects_of(&change.id);
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

    fn effects_of(&self, change: &ChangeId) -> Vec<&Effect> {
        let by_it = |effect: &&Effect| matches!(&effect.cause, Cause::Change(id) if id == change);
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
        match (result.outcome, effects) {
            (Outcome::Done { .. }, []) => {
                wrong("reported as done, and it never took effect".into())
            }
            (Outcome::Done { .. }, [effect, ..]) => {
                if is_withheld {
                    wrong("it must not be carried out and was".into());
                }
                if let Err(why) = self.check_states(change, result, record, effect) {
                    wrong(why);
                }
            }
            (Outcome::Conflict | Outcome::Unsettled, _) | (_, []) => {}
            (outcome, [effect, ..]) => wrong(format!(
                "reported as {outcome:?}, and it took effect at {}",
                effect.at
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
                && !self.behind(change) =>
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
            .filter(|c| c.agreement == change.agreement && c.product == change.product)
            .any(|c| self.plan.withholds(c))
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
