//! What stands on the screen: data on standard output, everything else on standard error.
//!
//! Every text from outside passes [`safe`] before it is printed.

use std::io::{self, Write as _};

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};
use serde::Serialize;
use tallyline_core::error::printable;
use tallyline_core::{Error, ErrorKind, Result};

/// The width that tables are arranged to, where the terminal does not say its own.
const WIDTH: u16 = 100;

/// How data are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Text, or one JSON document.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether one JSON document is wanted.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints the JSON document, or else the text. In JSON mode the text goes nowhere.
    ///
    /// # Errors
    /// `Unexpected` when the document cannot be written as JSON, `Storage` when standard output
    /// cannot be written.
    pub(crate) fn print(
        self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<()> {
        if !self.json {
            return say(&text());
        }
        let document = serde_json::to_string_pretty(document).map_err(|error| {
            Error::new(
                ErrorKind::Unexpected,
                "the answer cannot be written as JSON",
            )
            .with_source(error)
        })?;
        say(&document)
    }
}

/// Prints to standard output. A reader that has gone away is no error.
///
/// # Errors
/// `Storage` when standard output cannot be written, such as on a full disk.
pub(crate) fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let text = text.trim_end_matches('\n');
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::new(
            ErrorKind::Storage,
            format!("the output cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Prints a sentence to standard error.
pub(crate) fn tell(text: &str) {
    // Nothing more can be said where standard error itself is gone.
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Prints a warning to standard error.
pub(crate) fn warn(text: &str) {
    tell(&format!("warning: {}", safe(text)));
}

/// Text from outside on one line, without anything that moves the cursor or turns text around.
pub(crate) fn safe(text: &str) -> String {
    printable(text)
}

/// One thing, or many: `1 change`, `2 changes`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

/// A table as wide as the terminal.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(LineStyle::new('-', '-', '-', '-')))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(header);
    table
}

/// A table with room between its rows, for rows of several lines.
pub(crate) fn airy_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = table(header);
    let style = table
        .style()
        .row_separator(LineStyle::new(' ', ' ', ' ', ' '));
    table.load_style(style);
    table
}

/// Gives columns at least these widths, or their share of a narrower screen.
pub(crate) fn keep_wide(table: &mut Table, widths: &[(usize, u16)]) {
    // A date is the narrowest thing that must stay whole.
    const DATE: u16 = 13;
    let share = |wanted: u16| wanted.saturating_mul(width().min(WIDTH)) / WIDTH;
    let widths: Vec<(usize, u16)> = widths
        .iter()
        .map(|(at, wanted)| (*at, share(*wanted).max(DATE.min(*wanted))))
        .collect();
    at_least(table, &widths);
}

fn at_least(table: &mut Table, widths: &[(usize, u16)]) {
    for (at, width) in widths {
        if let Some(column) = table.column_mut(*at) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(*width)));
        }
    }
}

/// Keeps the ids of a column whole, so that they can be copied.
pub(crate) fn keep_ids<'a>(table: &mut Table, at: usize, ids: impl Iterator<Item = &'a str>) {
    let longest = ids.map(|id| safe(id).chars().count()).max().unwrap_or(0);
    let width = u16::try_from(longest.min(44) + 2).unwrap_or(46);
    at_least(table, &[(at, width)]);
}

/// A table's text, without spaces at the ends of its lines.
pub(crate) fn lines(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Text broken into lines of the terminal's width, each after the first `indent` deep.
pub(crate) fn wrapped(first: &str, indent: usize, text: &str) -> String {
    let mut out = String::from(first);
    let mut column = first.chars().count();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if column > indent && column + 1 + length > usize::from(width()) {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > 0 && !out.ends_with(' ') {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
    out
}

fn width() -> u16 {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .filter(|columns| (60..=240).contains(columns))
        .unwrap_or(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_break_at_spaces_and_keep_their_indent() {
        let text = wrapped("why: ", 5, &"seats ".repeat(30));
        assert!(text.lines().count() > 1);
        assert!(text.lines().all(|line| line.chars().count() <= 100));
        assert!(text.lines().skip(1).all(|line| line.starts_with("     s")));
    }

    #[test]
    fn what_would_move_the_cursor_is_shown_instead() {
        assert_eq!(safe("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
    }
}
