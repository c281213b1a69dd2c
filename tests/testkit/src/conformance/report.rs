//! What a run of the batteries gave, and the table of all connectors.

use std::fmt;
use std::path::Path;

/// The groups of the batteries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Configuration: what is refused, and what `Debug` shows.
    Config,
    /// The connection check.
    Check,
    /// Reading: whole or failed, never short.
    Read,
    /// What comes over the wire: odd bodies, exact numbers.
    Wire,
    /// What is repeated, and how long.
    Retry,
    /// Credentials: tokens, where they go, where they show.
    Auth,
    /// Writing: once, with proof. Sources show here that they write nothing.
    Sink,
    /// Spans.
    Telemetry,
    /// The laws of reconcile, plan and apply over random worlds.
    Model,
}

impl Group {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Config,
        Self::Check,
        Self::Read,
        Self::Wire,
        Self::Retry,
        Self::Auth,
        Self::Sink,
        Self::Telemetry,
        Self::Model,
    ];

    /// The name, as it stands in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Check => "check",
            Self::Read => "read",
            Self::Wire => "wire",
            Self::Retry => "retry",
            Self::Auth => "auth",
            Self::Sink => "sink",
            Self::Telemetry => "telemetry",
            Self::Model => "model",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestOutcome {
    /// It holds.
    Passed,
    /// It does not, and why.
    Failed(String),
    /// It could not be asked, and why.
    Skipped(String),
}

/// One test of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// Its group.
    pub group: Group,
    /// Its name.
    pub name: &'static str,
    /// What it asks, as a sentence.
    pub sentence: &'static str,
    /// What became of it.
    pub outcome: TestOutcome,
}

/// What a run of the batteries gave for one connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConformanceReport {
    /// The connector.
    pub system: String,
    /// `source` or `sink`.
    pub side: &'static str,
    /// The tests, in the order they ran.
    pub tests: Vec<TestResult>,
}

impl ConformanceReport {
    /// Whether nothing failed, every skip says why, and in every group something passed.
    pub fn is_conformant(&self) -> bool {
        let well = self.tests.iter().all(|test| match &test.outcome {
            TestOutcome::Passed => true,
            TestOutcome::Failed(_) => false,
            TestOutcome::Skipped(reason) => !reason.trim().is_empty(),
        });
        well && self.groups_without_a_pass().is_empty()
    }

    /// The groups in which nothing passed, in order.
    pub fn groups_without_a_pass(&self) -> Vec<Group> {
        let mut groups = Group::ALL.to_vec();
        groups.retain(|group| self.counts(*group).0 == 0);
        groups
    }

    /// The groups in which something failed, in order.
    pub fn failed_groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.failures().map(|test| test.group).collect();
        groups.sort();
        groups.dedup();
        groups
    }

    /// The tests that failed.
    pub fn failures(&self) -> impl Iterator<Item = &TestResult> {
        self.tests
            .iter()
            .filter(|test| matches!(test.outcome, TestOutcome::Failed(_)))
    }

    /// Passed, failed and skipped tests of a group.
    pub fn counts(&self, group: Group) -> (usize, usize, usize) {
        let of = |wanted: fn(&TestOutcome) -> bool| {
            let tests = self.tests.iter().filter(|test| test.group == group);
            tests.filter(|test| wanted(&test.outcome)).count()
        };
        (
            of(|outcome| matches!(outcome, TestOutcome::Passed)),
            of(|outcome| matches!(outcome, TestOutcome::Failed(_))),
            of(|outcome| matches!(outcome, TestOutcome::Skipped(_))),
        )
    }

    /// The head of the table that [`row`](Self::row) fits into.
    pub fn table_head() -> String {
        let groups: Vec<&str> = Group::ALL.iter().map(|group| group.as_str()).collect();
        format!(
            "| connector | side | {} |\n|{}\n",
            groups.join(" | "),
            " --- |".repeat(groups.len() + 2)
        )
    }

    /// The connector's row: in each cell how many tests passed, failed and were skipped.
    pub fn row(&self) -> String {
        let mut row = format!("| {} | {} |", self.system, self.side);
        for group in Group::ALL {
            let (passed, failed, skipped) = self.counts(group);
            let mut cell = format!(" {passed} passed");
            for (count, what) in [(failed, "FAILED"), (skipped, "skipped")] {
                if count > 0 {
                    cell.push_str(&format!(", {count} {what}"));
                }
            }
            row.push_str(&cell);
            row.push_str(" |");
        }
        row
    }

    /// The connector's skips, one line each, with the reasons.
    pub fn skips(&self) -> String {
        let mut lines = String::new();
        for test in &self.tests {
            if let TestOutcome::Skipped(reason) = &test.outcome {
                lines.push_str(&format!(
                    "- {} {}, {}: {} ({})\n",
                    self.system, self.side, test.group, test.sentence, reason
                ));
            }
        }
        lines
    }

    /// The report as Markdown: the table, the failures, the skips.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("{}{}\n", Self::table_head(), self.row());
        for test in self.failures() {
            if let TestOutcome::Failed(detail) = &test.outcome {
                text.push_str(&format!(
                    "\nFAILED {}, `{}`: {}\n  {detail}\n",
                    test.group, test.name, test.sentence
                ));
            }
        }
        for group in self.groups_without_a_pass() {
            text.push_str(&format!("\nIn {group} nothing passed.\n"));
        }
        let skips = self.skips();
        if !skips.is_empty() {
            text.push_str(&format!("\nSkipped:\n\n{skips}"));
        }
        text
    }

    /// Compares the connector's row and skips with a committed table. With `TALLYLINE_BLESS=1` in the environment they are
    /// written instead. Only what [is conformant](Self::is_conformant) has a row.
    ///
    /// # Errors
    /// The report where it is not conformant, what differs, or why the file cannot be read or written.
    pub fn check_table(&self, file: &Path) -> Result<(), String> {
        if !self.is_conformant() {
            return Err(self.to_markdown());
        }
        let shown = file.display();
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let key = format!("| {} | {} |", self.system, self.side);
        let bullet = format!("- {} {}, ", self.system, self.side);
        if std::env::var_os("TALLYLINE_BLESS").is_some_and(|value| value == "1") {
            let blessed = self.blessed(&text, &key, &bullet);
            return std::fs::write(file, blessed).map_err(|error| format!("{shown}: {error}"));
        }
        let row = text.lines().find(|line| line.starts_with(&key));
        let skips: String = text
            .lines()
            .filter(|line| line.starts_with(&bullet))
            .map(|line| format!("{line}\n"))
            .collect();
        if row == Some(self.row().as_str()) && skips == self.skips() {
            return Ok(());
        }
        Err(format!(
            "{shown} is not current; run the test again with TALLYLINE_BLESS=1\nis:     {}\nshould: {}\n{}",
            row.unwrap_or("no row"),
            self.row(),
            self.skips()
        ))
    }

    /// The file with this connector's lines replaced; rows and skips stay sorted.
    fn blessed(&self, text: &str, key: &str, bullet: &str) -> String {
        let own = |line: &&str| !line.starts_with(key) && !line.starts_with(bullet);
        let head = Self::table_head();
        let kept: Vec<&str> = text.lines().filter(own).collect();
        let is_row = |line: &&str| line.starts_with("| ") && !head.lines().any(|h| h == *line);
        let mut rows: Vec<String> = kept
            .iter()
            .copied()
            .filter(is_row)
            .map(str::to_owned)
            .collect();
        rows.push(self.row());
        rows.sort();
        let mut skips: Vec<String> = kept
            .iter()
            .copied()
            .filter(|line| line.starts_with("- "))
            .map(str::to_owned)
            .collect();
        skips.extend(self.skips().lines().map(str::to_owned));
        // Stable: the skips of one connector stay in the order of its groups.
        skips.sort_by_key(|line| line.split(',').next().map(str::to_owned));
        format!(
            "# Conformance\n\nWhat the batteries in `src/conformance` gave for each connector on its simulator. A new connector is\n\
             done when its row is here. The tests compare; `TALLYLINE_BLESS=1` writes.\n\n{head}{}\n\n## Skipped, and why\n\n{}\n",
            rows.join("\n"),
            skips.join("\n")
        )
    }
}
