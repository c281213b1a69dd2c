//! What both sides recorded of each change that something went wrong with, and where it ended.

use std::collections::BTreeMap;

use serde::Serialize;
use tallyline_core::apply::{ApplyOptions, ApplyReport, Outcome};
use tallyline_core::store::ChangeRecord;

use super::journal;
use super::trouble::{Kind, Seen, Trouble};
use super::view::words;
use crate::demo::stage::Stage;
use crate::plan_view::place_line;

/// What became of one thing that went wrong.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// What went wrong.
    pub(super) fault: Kind,
    /// The same, as a heading.
    pub(super) title: &'static str,
    /// The client, agreement and product.
    pub(super) place: String,
    /// What was to be changed.
    pub(super) change: String,
    /// What happened.
    pub(super) happened: String,
    /// What Tallyline did.
    pub(super) did: String,
    /// What the billing system's own log says.
    pub(super) billing_system: Seen,
    /// What the journal says, in order.
    pub(super) journal: Vec<String>,
    /// What became of the change; absent where the report does not know it.
    pub(super) outcome: Option<Outcome>,
    /// Whether it happened, and the change was written as often as it must be.
    pub(super) as_expected: bool,
}

impl Finding {
    pub(super) fn about(
        trouble: &Trouble,
        stage: &Stage,
        report: &ApplyReport,
        records: &[ChangeRecord],
        options: &ApplyOptions,
    ) -> Self {
        let change = &trouble.change;
        let (seen, struck) = trouble.seen(stage);
        let result = report.changes.iter().find(|it| it.change == change.id);
        let outcome = result.map(|it| it.outcome);
        let record = records.iter().find(|it| it.change.id == change.id);
        Self {
            fault: trouble.kind,
            title: trouble.kind.title(),
            place: place_line(change),
            change: words(change),
            happened: trouble.what_happened(),
            did: trouble.what_tallyline_did(options),
            billing_system: seen,
            journal: record.map_or_else(Vec::new, |record| journal::words(&record.events)),
            outcome,
            as_expected: struck
                && seen == trouble.kind.wanted()
                && outcome.is_some_and(|outcome| trouble.kind.allows(outcome)),
        }
    }
}

/// A line of the billing system without its id and stamps.
type Line = (i64, i64, String);

/// What is billed at the end, beside what is billed where nothing went wrong.
#[derive(Debug, Serialize)]
pub(super) struct EndState {
    /// The lines compared.
    pub(super) lines: usize,
    /// Those that are not equal.
    pub(super) different: usize,
    /// Where the colleague's figure stands, and both figures.
    pub(super) kept: Option<Kept>,
    /// How often the billing system wrote.
    pub(super) writes: usize,
    /// Whether they are equal but for the colleague's line, which is as the colleague left it.
    pub(super) as_expected: bool,
}

/// A figure that a colleague set by hand.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    /// The client, agreement and product.
    pub(super) place: String,
    /// The colleague's figure, which stands.
    pub(super) by_hand: String,
    /// The figure that was planned.
    pub(super) planned: String,
}

impl EndState {
    /// Compares every line of both systems.
    pub(super) fn compare(stage: &Stage, twin: &Stage, hand: Option<&Trouble>) -> Self {
        let (here, there) = (billed(stage), billed(twin));
        let only = |a: &BTreeMap<Line, usize>, b: &BTreeMap<Line, usize>| -> Vec<Line> {
            let missing = a.iter().filter(|(line, count)| b.get(line) != Some(count));
            missing.map(|(line, _)| line.clone()).collect()
        };
        let (ours, theirs) = (only(&here, &there), only(&there, &here));
        let kept = hand.and_then(|trouble| {
            let (_, planned) = trouble.change.action.quantities()?;
            Some(Kept {
                place: place_line(&trouble.change),
                by_hand: trouble.colleagues()?.to_string(),
                planned: planned.to_string(),
            })
        });
        let is_colleagues = |line: &Line, quantity: &str| {
            hand.is_some_and(|trouble| line.0.to_string() == trouble.change.agreement.as_str())
                && line.2.starts_with(&format!("{quantity} "))
        };
        let as_expected = match (&ours[..], &theirs[..], &kept) {
            ([ours], [theirs], Some(kept)) => {
                is_colleagues(ours, &kept.by_hand) && is_colleagues(theirs, &kept.planned)
            }
            _ => false,
        };
        Self {
            lines: here.values().sum(),
            different: ours.len().max(theirs.len()),
            kept,
            writes: stage.psa.writes().len(),
            as_expected,
        }
    }
}

/// Every line, and how many there are of it.
fn billed(stage: &Stage) -> BTreeMap<Line, usize> {
    let mut lines = BTreeMap::new();
    stage.psa.with_state(|state| {
        for line in state.additions.values() {
            let terms = format!(
                "{} at {} for {}, {}, from {:?} to {:?}, {:?}",
                line.quantity.normalize(),
                line.unit_cost.normalize(),
                line.unit_price.normalize(),
                line.bill_customer,
                line.effective_date,
                line.cancelled_date,
                line.serial_number,
            );
            let key = (line.agreement_id, line.product_id, terms);
            *lines.entry(key).or_default() += 1;
        }
    });
    lines
}
