//! What a simulator found in the exchanges that passed through it.

use std::collections::BTreeSet;

use super::{EXCEPTIONS, Exception, Exchange, System, Violation, check, skipped};

/// More violations than this say nothing new.
const MOST: usize = 40;

/// What is expected on one side, and whether it came.
#[derive(Debug, Default)]
struct Expected {
    reason: Option<String>,
    seen: bool,
}

impl Expected {
    fn needless(&self) -> Option<String> {
        let reason = self.reason.as_ref().filter(|_| !self.seen)?;
        Some(format!("violations were expected and none came: {reason}"))
    }
}

/// The findings of one simulator.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    violations: Vec<Violation>,
    more: usize,
    excused: BTreeSet<usize>,
    requests: Expected,
    answers: Expected,
}

impl Ledger {
    /// From here on, requests may break the documents.
    pub(crate) fn expect_requests(&mut self, reason: &str) {
        self.requests.reason = Some(reason.to_owned());
    }

    /// From here on, answers may break the documents.
    pub(crate) fn expect_answers(&mut self, reason: &str) {
        self.answers.reason = Some(reason.to_owned());
    }

    pub(crate) fn examine(&mut self, system: System, exchange: &Exchange<'_>) {
        let outcome = check(system, exchange);
        self.excused.extend(outcome.excused);
        for violation in outcome.violations {
            let expected = if violation.part.is_request() {
                &mut self.requests
            } else {
                &mut self.answers
            };
            if expected.reason.is_some() {
                expected.seen = true;
            } else if self.violations.len() < MOST {
                self.violations.push(violation);
            } else {
                self.more += 1;
            }
        }
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.violations.clone()
    }

    pub(crate) fn excused(&self) -> Vec<&'static Exception> {
        let excused = self.excused.iter();
        excused.filter_map(|at| EXCEPTIONS.get(*at)).collect()
    }

    /// What to fail with at the end, if anything.
    pub(crate) fn verdict(&self) -> Option<String> {
        if !self.violations.is_empty() {
            let lines: Vec<String> = self
                .violations
                .iter()
                .map(|line| format!("  {line}"))
                .collect();
            let more = match self.more {
                0 => String::new(),
                more => format!("\n  ... and {more} more"),
            };
            return Some(format!(
                "exchanges broke the vendor's document:\n{}{more}",
                lines.join("\n")
            ));
        }
        if skipped().is_some() {
            return None;
        }
        self.requests.needless().or_else(|| self.answers.needless())
    }
}
