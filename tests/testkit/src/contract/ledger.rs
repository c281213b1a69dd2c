//! What was found in the exchanges that passed through a server or a transport.

use std::collections::BTreeSet;

use super::{EXCEPTIONS, Exception, Exchange, Part, System, Violation, check, skipped};

/// More violations than this say nothing new.
const MOST: usize = 40;

/// A violation that a test brings about on purpose.
#[derive(Debug)]
struct Expected {
    /// Whether the request breaks the document, else the answer.
    in_request: bool,
    /// What stands in the violation's text.
    text: String,
    reason: String,
    seen: bool,
}

/// The findings of one server or transport.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    violations: Vec<Violation>,
    more: usize,
    excused: BTreeSet<usize>,
    expected: Vec<Expected>,
    by_hand: bool,
}

impl Ledger {
    /// For answers that tests write by hand. They may lack members that the document requires, since a test writes those
    /// that it is about. And a failure is as likely the word of a gateway as of the system, so its body may be anything:
    /// what the system itself says is held where a simulator says it.
    pub(crate) fn of_answers_by_hand() -> Self {
        Self {
            by_hand: true,
            ..Self::default()
        }
    }

    /// From here on, requests may break the documents in these ways: each is a part of a violation's text.
    pub(crate) fn expect_requests(&mut self, reason: &str, violations: &[&str]) {
        self.expect(true, reason, violations);
    }

    /// From here on, answers may break the documents in these ways.
    pub(crate) fn expect_answers(&mut self, reason: &str, violations: &[&str]) {
        self.expect(false, reason, violations);
    }

    fn expect(&mut self, in_request: bool, reason: &str, violations: &[&str]) {
        let expected = violations.iter().map(|text| Expected {
            in_request,
            text: (*text).to_owned(),
            reason: reason.to_owned(),
            seen: false,
        });
        self.expected.extend(expected);
    }

    pub(crate) fn examine(&mut self, system: System, exchange: &Exchange<'_>) {
        let mut exchange = *exchange;
        if self.by_hand && exchange.answer.is_some_and(|answer| answer.status >= 400) {
            exchange.answer = None;
        }
        let outcome = check(system, &exchange);
        self.excused.extend(outcome.excused);
        for violation in outcome.violations {
            let is_partial = violation.part == Part::AnswerBody && violation.keyword == "required";
            if self.is_expected(&violation) || (self.by_hand && is_partial) {
                continue;
            }
            if self.violations.len() < MOST {
                self.violations.push(violation);
            } else {
                self.more += 1;
            }
        }
    }

    fn is_expected(&mut self, violation: &Violation) -> bool {
        let text = violation.to_string();
        let mut found = false;
        for expected in &mut self.expected {
            let fits = expected.in_request == violation.part.is_request()
                && text.contains(expected.text.as_str());
            expected.seen |= fits;
            found |= fits;
        }
        found
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
        let missing: Vec<String> = self
            .expected
            .iter()
            .filter(|expected| !expected.seen)
            .map(|expected| format!("  {:?} ({})", expected.text, expected.reason))
            .collect();
        let told = format!(
            "violations were expected and did not come:\n{}",
            missing.join("\n")
        );
        (!missing.is_empty()).then_some(told)
    }
}
