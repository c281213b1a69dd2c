//! How a demo is told: its steps, and what every story has in common.

use std::fmt::Write as _;
use std::io;

use async_trait::async_trait;
use tallyline_core::apply::ApplyReport;
use tallyline_core::clock::Clock;
use tallyline_core::model::{ChangeId, Timestamp};
use tallyline_core::plan::Plan;
use tallyline_core::source::Identity;
use tallyline_core::{Error, ErrorKind, Result};
use tallyline_testkit::clock::Clock as Hands;

use crate::output::{count, safe, say, wrapped};
use crate::plan_view::{self, Ages, Amount, place_line};
use crate::report_view;

/// How much of a plan is shown.
const SHOWN: Amount = Amount {
    changes: 12,
    blocked: 12,
    notices: 30,
};

/// The book's clock: it stands still, so that the same seed tells the same story.
pub(super) struct BookClock(pub(super) Timestamp);

#[async_trait]
impl Clock for BookClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn alongside(&self, _: std::time::Duration) {
        std::future::pending::<()>().await;
    }
}

/// The simulators' clock, read by the clients. Waits are waited.
pub(super) struct HandsClock(pub(super) Hands);

/// The instant at which a simulator's clock stands.
pub(super) fn instant(hands: &Hands) -> Timestamp {
    let text = hands.now().to_string();
    text.parse().unwrap_or(Timestamp::EPOCH)
}

#[async_trait]
impl Clock for HandsClock {
    fn now(&self) -> Timestamp {
        instant(&self.0)
    }

    async fn sleep(&self, duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn alongside(&self, _: std::time::Duration) {
        std::future::pending::<()>().await;
    }
}

/// Tells the story, unless a JSON document is wanted.
pub(super) struct Narrator {
    pub(super) silent: bool,
}

impl Narrator {
    pub(super) fn step(&self, number: u8, title: &str, text: &str) -> Result<()> {
        if self.silent {
            return Ok(());
        }
        let heading = format!("{number}. {title}");
        let rule = "-".repeat(heading.chars().count());
        say(&format!("\n{heading}\n{rule}\n{text}"))
    }

    pub(super) fn tell(&self, text: &str) -> Result<()> {
        if self.silent { Ok(()) } else { say(text) }
    }
}

/// What the check of both connections came to: the vendor's, and the billing system's.
pub(super) fn checked(names: [&str; 2], identities: &[Identity; 2]) -> String {
    let mut out = String::new();
    let sides = ["Vendor", "Billing"].into_iter().zip(names);
    for ((side, name), identity) in sides.zip(identities) {
        let subject = safe(&identity.subject);
        let _ = writeln!(out, "{side}, {name}: connected as {subject}");
        for text in &identity.verified {
            out.push_str(&wrapped("  ok       ", 11, &safe(text)));
        }
        for text in &identity.warnings {
            out.push_str(&wrapped("  warning  ", 11, &safe(text)));
        }
    }
    out
}

/// A heading and what is said under it; nothing where there is nothing to say.
pub(super) fn section(heading: &str, items: Vec<String>) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items = items.iter().map(|item| wrapped("  - ", 4, item));
    format!("{heading}\n{}", items.collect::<String>())
}

/// What is said when a simulator finds no port.
pub(super) fn no_simulator(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        format!("a simulator cannot be started on this machine: {error}"),
    )
}

/// What a plan comes to.
pub(super) fn planned(plan: &Plan) -> String {
    // Request ids are another one in each run, and mean nothing without the system behind them.
    let ages = Ages::when_made(plan);
    let mut notices = plan.notices().to_vec();
    for notice in &mut notices {
        while let Some(start) = notice.message.find(" [request ")
            && let Some(length) = notice.message[start..].find(']')
        {
            notice.message.replace_range(start..=start + length, "");
        }
    }
    format!(
        "{}{}{}{}",
        plan_view::head(plan, ages),
        plan_view::ready(plan, SHOWN.changes, ages),
        plan_view::blocked(plan, SHOWN.blocked, ages),
        plan_view::notices(&notices, SHOWN.notices, ages)
    )
}

/// What was done of a plan.
pub(super) fn applied(report: &ApplyReport, plan: &Plan) -> String {
    let mut out = report_view::table_text(report, plan.changes());
    let _ = write!(
        out,
        "\n{} done; each was read back and found as wanted. {} blocked and not written.",
        count(report.totals.done, "change is", "changes are"),
        count(report.totals.blocked, "change is", "changes are"),
    );
    out
}

/// The blocked changes of a plan.
pub(super) fn blocked(plan: &Plan) -> Vec<&ChangeId> {
    let blocked = plan.changes().iter().filter(|change| change.is_blocked());
    blocked.map(|change| &change.id).collect()
}

/// What is left to do by a plan that is made again.
pub(super) fn left(plan: &Plan, listed: u8) -> String {
    let summary = plan.summary();
    let mut out = if summary.ready == 0 {
        "Nothing is left to apply: what could be corrected agrees now.\n".to_owned()
    } else {
        format!("NOT AS IT SHOULD BE: {} still to apply.\n", summary.ready)
    };
    if summary.blocked > 0 {
        out.push_str("Blocked as before, until a person decides:\n");
    }
    for change in plan.changes().iter().filter(|change| change.is_blocked()) {
        let (what, step) = plan_view::action_words(&change.action);
        let text = format!("{}: {what} {step}", place_line(change));
        out.push_str(&wrapped("  - ", 4, &text));
    }
    let _ = writeln!(
        out,
        "{} as listed in step {listed}, for a person to look at; nothing of that was changed.",
        count(
            plan_view::sentences(plan.notices()),
            "finding remains",
            "findings remain"
        )
    );
    out
}
