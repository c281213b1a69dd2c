//! What was done, in words: for `apply`, `status` and the demo.

use tallyline_core::apply::{ApplyReport, ChangeResult, Outcome as Fate, Stop};
use tallyline_core::model::LineState;
use tallyline_core::plan::{Action, Change, PlanKind};

use crate::outcome::Outcome;
use crate::output::{airy_table, count, keep_wide, lines, plain, safe, wrapped};
use crate::plan_view::{action_words, columns, guard_words, place};

/// How a run ends the command.
pub(crate) fn outcome(report: &ApplyReport) -> Outcome {
    let totals = &report.totals;
    let wrong = totals.failed + totals.unsettled + totals.conflict + totals.drifted;
    let journal_failed = matches!(report.stopped, Some(Stop::Journal { .. }));
    if wrong > 0 || journal_failed {
        Outcome::Failed
    } else if report.stopped.is_some() || totals.waiting > 0 {
        Outcome::Pending
    } else if totals.blocked > 0 {
        Outcome::Blocked
    } else if totals.skipped > 0 {
        Outcome::Failed
    } else {
        Outcome::Done
    }
}

/// The report per change, the figures, and what to do next.
pub(crate) fn text(report: &ApplyReport, changes: &[Change]) -> String {
    let system = match PlanKind::of(changes) {
        PlanKind::Accounts => "the vendor",
        _ => "the PSA",
    };
    format!(
        "{}\n{}",
        table_text(report, changes),
        summary(report, changes, system)
    )
}

/// The report per change.
pub(crate) fn table_text(report: &ApplyReport, changes: &[Change]) -> String {
    let of_account = changes.iter().any(|change| change.action.is_of_account());
    let mut table = airy_table([columns(of_account), "Change", "Result"]);
    for (result, change) in report.changes.iter().zip(changes) {
        let (what, step) = action_words(&change.action);
        table.add_row([
            place(change),
            format!("{what}\n{step}"),
            result_words(result, change),
        ]);
    }
    keep_wide(&mut table, &[(0, 26), (1, 24)]);
    lines(&table)
}

/// The figures, and what to do next.
fn summary(report: &ApplyReport, changes: &[Change], system: &str) -> String {
    let totals = &report.totals;
    let untouched = totals.blocked + totals.not_approved == report.changes.len();
    let counts = changes.iter().any(|change| change.action.is_absolute());
    let proved = if counts {
        "each was answered as taken"
    } else {
        "each was read back and found as wanted"
    };
    let resume = format!("tallyline apply --resume --run {}", report.run);
    let mut sentences = vec![match totals.done {
        0 if untouched => "There was nothing to do: nothing was written.".to_owned(),
        0 => "No change is done.".to_owned(),
        done => format!(
            "{} done; {proved}.",
            count(done, "change is", "changes are")
        ),
    }];
    let mut add = |number: usize, text: &str| {
        if number > 0 {
            sentences.push(format!("{number} {text}"));
        }
    };
    add(
        totals.recovered,
        "of them only after an answer was lost: reading back settled it.",
    );
    add(
        totals.drifted,
        &format!("not written: {system} was changed since the plan. Make a new plan."),
    );
    add(
        totals.failed,
        "failed. See the reason above, then make a new plan.",
    );
    add(
        totals.conflict,
        &format!("to be looked at in {system}: it shows something nobody planned."),
    );
    add(
        totals.unsettled,
        &format!("may or may not have been written. Settle with `{resume}`."),
    );
    let for_good = report.changes.iter().filter(|result| {
        let change = changes.iter().find(|change| change.id == result.change);
        result.outcome == Fate::Blocked && change.is_some_and(|c| c.final_block().is_some())
    });
    let for_good = for_good.count();
    add(
        totals.blocked - for_good,
        "blocked, nothing written. They wait for a person: --override ID=REASON --by NAME.",
    );
    add(
        for_good,
        "blocked for good, nothing written: mend what the reason names, then make a new plan.",
    );
    add(
        totals.not_approved,
        "not approved, nothing written. Approve more with --only CHANGE_ID.",
    );
    add(
        totals.skipped,
        "passed over, as an earlier change of the agreement was not done.",
    );
    add(
        totals.not_mapped,
        "not taken, as they are not mapped there: map them, or leave them; the next plan brings them again.",
    );
    add(totals.waiting, "not begun, or not finished.");
    if let Some(stop) = &report.stopped {
        sentences.push(safe(&stop.to_string()));
    }
    if report.is_resumable() {
        sentences.push(format!("Go on with `{resume}`."));
    }
    let sentences = sentences.iter().map(|sentence| wrapped("", 0, sentence));
    sentences.collect::<String>().trim_end().to_owned()
}

/// What became of one change.
fn result_words(result: &ChangeResult, change: &Change) -> String {
    let system = if change.action.is_of_account() {
        "the vendor"
    } else {
        "the PSA"
    };
    let mut text = match result.outcome {
        Fate::Done { recovered } => {
            let how = if recovered && result.sent.is_none() {
                "nothing to write, it was there already"
            } else if recovered {
                "done; the answer was lost, reading back settled it"
            } else {
                "done"
            };
            let proof = result
                .after
                .as_ref()
                .map_or_else(String::new, |after| format!("; {}", proof(change, after)));
            let line = match (&change.action, &result.line, &result.made) {
                (Action::CreateLine { .. }, Some(line), _) => format!("; it is line {line}"),
                (_, _, Some(made)) => format!("; it is {made}"),
                _ => String::new(),
            };
            let compared = change
                .prediction
                .as_ref()
                .and_then(|prediction| {
                    let shown = result.after.as_ref()?.prorated.as_deref();
                    prediction.beside("the PSA", shown)
                })
                .map_or_else(String::new, |words| format!("; {words}"));
            return safe(&format!("{how}{line}{proof}{compared}"));
        }
        Fate::Drifted if change.action.is_absolute() => {
            "not written, another count was set since the plan".to_owned()
        }
        Fate::Drifted => format!("not written, {system} was changed since the plan"),
        Fate::Failed { retryable: true } => "not done, a new plan may bring it again".to_owned(),
        Fate::Failed { retryable: false } => format!("not done, {system} refused it"),
        Fate::Conflict => format!("a person must look, {system} shows something unplanned"),
        Fate::Unsettled => "not known yet, resume to settle it".to_owned(),
        Fate::Blocked => {
            let guards = change.blocks.iter().map(|block| guard_words(block.guard));
            return format!(
                "blocked ({}), not written",
                guards.collect::<Vec<_>>().join(", ")
            );
        }
        Fate::NotApproved => return "not approved, not written".to_owned(),
        Fate::Skipped => "passed over, not written".to_owned(),
        Fate::NotMapped => return "not mapped there, not taken; it comes again".to_owned(),
        Fate::Waiting => "not begun, or not finished".to_owned(),
        other => format!("{other:?}"),
    };
    if !result.detail.is_empty() {
        text.push_str(": ");
        text.push_str(&result.detail);
    }
    plain(&text)
}

/// What reading back showed.
fn proof(change: &Change, after: &LineState) -> String {
    let money = |money: Option<tallyline_core::model::Money>| {
        money.map_or_else(|| "none".to_owned(), |money| money.to_string())
    };
    match &change.action {
        Action::SetUnitCost { .. } => format!("read back: cost {}", money(after.unit_cost)),
        Action::SetUnitPrice { .. } => format!("read back: price {}", money(after.unit_price)),
        Action::EndLine { .. } => after.last_day.map_or_else(
            || "read back: no end".to_owned(),
            |day| format!("read back: ends {day}"),
        ),
        Action::SetCount { .. } => format!("taken: {}", after.quantity),
        _ => format!("read back: {}", after.quantity),
    }
}
