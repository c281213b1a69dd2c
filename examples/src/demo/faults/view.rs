//! The story in words.

use std::fmt::Write as _;

use tallyline_core::apply::ApplyReport;
use tallyline_core::plan::{Action, Change, Plan};

use super::evidence::{EndState, Finding};
use super::trouble::{Kind, Trouble};
use super::{Stage, Start};
use crate::output::{count, wrapped};
use crate::plan_view::{self, Ages, place_line};

pub(super) fn opening(stage: &Stage) -> String {
    let intro = format!(
        "Tallyline changes what is billed to clients, so every change must be made exactly once: \
         a change that is lost costs money, a change that is made twice is a wrong invoice. Lines \
         break, systems refuse and programs end while they write. This demo lets all of that \
         happen while a plan is carried out, and shows what becomes of it. It plays on a simulated \
         vendor (Sherweb) and a simulated billing system (ConnectWise PSA) on this machine. Names, \
         figures and keys are made up. The day is {}. Where the run waits, only its clock moves on.",
        stage.now.date()
    );
    wrapped("", 0, &intro)
}

pub(super) fn planned(plan: &Plan, bought: usize) -> String {
    let buyers = format!(
        "{} bought 3 seats more than {} billed for, and the book holds special cases besides.",
        count(bought, "client has", "clients have"),
        if bought == 1 { "it is" } else { "they are" },
    );
    let mut out = format!(
        "{}{}",
        wrapped("", 0, &buyers),
        plan_view::head(plan, Ages::when_made(plan))
    );
    out.push_str(&ready(plan));
    out
}

/// The changes that nothing speaks against, one after the other.
fn ready(plan: &Plan) -> String {
    let ready = plan.changes().iter().filter(|change| !change.is_blocked());
    ready
        .map(|change| {
            wrapped(
                "  - ",
                4,
                &format!("{}: {}", place_line(change), words(change)),
            )
        })
        .collect()
}

/// What a change does, on one line.
pub(super) fn words(change: &Change) -> String {
    match &change.action {
        Action::CreateLine { quantity, .. } => format!("new line of {quantity}"),
        Action::SetQuantity { from, to, .. } => format!("quantity from {from} to {to}"),
        other => {
            let (what, step) = plan_view::action_words(other);
            format!("{what} {step}")
        }
    }
}

/// The starts of the program, and what happened in between.
pub(super) fn starts(starts: &[Start], troubles: &[Trouble]) -> String {
    let mut out = String::new();
    for (number, start) in starts.iter().enumerate() {
        if number > 0 {
            let text = format!(
                "Tallyline is started again and goes on from its journal. Now {}.",
                standing(start)
            );
            out.push_str(&entry(&time(start), &text));
            continue;
        }
        out.push_str(&entry(
            &time(start),
            "The run begins, one client after the other.",
        ));
        let text = format!(
            "The program stops dead in the middle of a write. Its journal is all that is left, and \
             says that {}.",
            standing(start)
        );
        out.push_str(&entry("", &text));
        out.push_str(&by_hand(troubles));
    }
    out
}

/// How far the run has come.
fn standing(start: &Start) -> String {
    let are = |number: usize| if number == 1 { "is" } else { "are" };
    let mut parts = vec![count(start.done, "change is done", "changes are done")];
    if start.drifted > 0 {
        parts.push(format!(
            "{} {} left alone because somebody edited the line",
            start.drifted,
            are(start.drifted)
        ));
    }
    if start.open > 0 {
        parts.push(format!(
            "{} {} open (sent, and not known whether written)",
            start.open,
            are(start.open)
        ));
    } else {
        parts.push("none is open".to_owned());
    }
    let last = parts.pop().unwrap_or_default();
    format!("{} and {last}", parts.join(", "))
}

/// The colleague at work.
fn by_hand(troubles: &[Trouble]) -> String {
    let mut edits = troubles
        .iter()
        .filter(|trouble| trouble.kind == Kind::ColleaguesEdit);
    let text = edits.next().and_then(|trouble| {
        let (from, _) = trouble.change.action.quantities()?;
        Some(format!(
            "While it is down, a colleague changes a quantity by hand from {from} to {}: {}.",
            trouble.colleagues()?,
            place_line(&trouble.change)
        ))
    });
    text.map_or_else(String::new, |text| entry("", &text))
}

/// A paragraph after the time of day.
fn entry(at: &str, text: &str) -> String {
    wrapped(&format!("{at:<7}"), 7, text)
}

fn time(start: &Start) -> String {
    let text = start.began.to_string();
    text.split_once('T')
        .and_then(|(_, time)| time.get(..5))
        .unwrap_or_default()
        .to_owned()
}

/// Everything that went wrong.
pub(super) fn findings(findings: &[Finding]) -> String {
    let mut out = String::new();
    for (at, finding) in findings.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        let _ = writeln!(out, "{}", finding.title);
        let place = format!("{}: {}", finding.place, finding.change);
        let proof = format!(
            "The billing system's own log: {}, {}. The journal: {}.",
            times(finding.billing_system.asked, "asked to write"),
            times(finding.billing_system.written, "wrote"),
            finding.journal.join(", ")
        );
        for (label, text) in [
            ("Where", &place),
            ("Happened", &finding.happened),
            ("Tallyline", &finding.did),
            ("Proof", &proof),
        ] {
            out.push_str(&wrapped(&format!("  {label:<11}"), 13, text));
        }
        if !finding.as_expected {
            out.push_str(&wrapped(
                "  NOT AS IT SHOULD BE: ",
                13,
                &format!("it came out as {:?}", finding.outcome),
            ));
        }
    }
    out
}

fn times(number: usize, what: &str) -> String {
    match number {
        0 => format!("never {what}"),
        1 => format!("{what} once"),
        2 => format!("{what} twice"),
        many => format!("{what} {many} times"),
    }
}

/// Both systems side by side, and what a new plan says.
pub(super) fn end(state: &EndState, report: &ApplyReport, second: &Plan) -> String {
    let same = match state.different {
        0 => "all are equal".to_owned(),
        different => format!("all but {different} are equal"),
    };
    let compared = format!(
        "The same plan was carried out on an equal billing system where nothing went wrong. Of the \
         {} on both, {same}.",
        count(state.lines, "line", "lines")
    );
    let mut out = wrapped("", 0, &compared);
    if let Some(kept) = &state.kept {
        let text = format!(
            "The other is the colleague's: {}, {} as set by hand, {} as planned. It was reported \
             as drifted and left alone.",
            kept.place, kept.by_hand, kept.planned
        );
        out.push_str(&wrapped("", 0, &text));
    }
    let once = format!(
        "{} done, and the billing system wrote {}: each exactly once.",
        count(report.totals.done, "change is", "changes are"),
        count(state.writes, "time", "times")
    );
    out.push_str(&wrapped("", 0, &once));
    let summary = second.summary();
    let again = format!(
        "The plan is made again: {} to apply, {} blocked as before.",
        match summary.ready {
            0 => "nothing is left".to_owned(),
            ready => format!("{} left", count(ready, "change is", "changes are")),
        },
        summary.blocked
    );
    out.push_str(&wrapped("", 0, &again));
    out.push_str(&ready(second));
    if state.kept.is_some() {
        out.push_str("Which of the two figures is right is for a person to decide.\n");
    }
    out
}

pub(super) fn verdict(ok: bool, faults: usize) -> String {
    if ok {
        let text = format!(
            "{faults} things went wrong. Nothing was lost, nothing was written twice, and nobody's \
             work was undone."
        );
        format!("\n{}", wrapped("", 0, &text))
    } else {
        "\nNOT AS IT SHOULD BE: see above.".to_owned()
    }
}
