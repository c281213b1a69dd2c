//! What stands on the screen: data on standard output, everything else on standard error.
//!
//! Every text from outside passes [`safe`] before it is printed.

use std::io::{self, IsTerminal as _, Write as _};

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
        say_as_is(&document)
    }
}

/// Prints to standard output; on a terminal in lines that it has room for.
///
/// # Errors
/// As [`say_as_is`].
pub(crate) fn say(text: &str) -> Result<()> {
    if io::stdout().is_terminal() {
        return say_as_is(&fitted(text, usize::from(width())));
    }
    say_as_is(text)
}

/// Prints to standard output, for programs too. A reader that has gone away is no error.
///
/// # Errors
/// `Storage` when standard output cannot be written, such as on a full disk.
pub(crate) fn say_as_is(text: &str) -> Result<()> {
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

/// Prints a sentence to standard error; on a terminal in lines that it has room for.
pub(crate) fn tell(text: &str) {
    let mut err = io::stderr().lock();
    // Nothing more can be said where standard error itself is gone.
    drop(if err.is_terminal() {
        writeln!(err, "{}", fitted(text, usize::from(width())))
    } else {
        writeln!(err, "{text}")
    });
}

/// Text with its long lines broken at spaces, each part as deep as its line; commands stay
/// whole, to be copied.
fn fitted(text: &str, width: usize) -> String {
    let is_command = |line: &str| ["tallyline ", "cd "].iter().any(|c| line.starts_with(c));
    let fit = |line: &str| {
        let words = line.trim_start_matches(' ');
        if line.chars().count() <= width || is_command(words) {
            return line.to_owned();
        }
        let indent = line.len() - words.len();
        let broken = broken(&" ".repeat(indent), indent, words, width);
        broken.trim_end().to_owned()
    };
    let lines: Vec<String> = text.split('\n').map(fit).collect();
    lines.join("\n")
}

/// Prints a sentence after its kind to standard error: in lines where people read it, on one
/// line where a program does.
pub(crate) fn tell_of(kind: &str, text: &str) {
    if io::stderr().is_terminal() {
        tell(wrapped(kind, kind.chars().count(), text).trim_end());
    } else {
        tell(&format!("{kind}{text}"));
    }
}

/// Prints a warning to standard error.
pub(crate) fn warn(text: &str) {
    tell_of("warning: ", &plain(text));
}

/// Text from outside on one line, without anything that moves the cursor or turns text around.
pub(crate) fn safe(text: &str) -> String {
    printable(text)
}

/// [`safe`], with the names of calls in words: `agreements.additions.list failed` is `reading
/// additions failed`.
pub(crate) fn plain(text: &str) -> String {
    let words: Vec<String> = safe(text).split(' ').map(str::to_owned).collect();
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let fails = words.get(at + 1).is_some_and(|next| next == "failed:");
        let name = word.trim_start_matches('(');
        out.push(match call_words(name).filter(|_| fails) {
            Some(said) => word.replacen(name, &said, 1),
            None => word.clone(),
        });
    }
    out.join(" ")
}

/// The name of a call, such as `agreements.additions.list`, in words.
fn call_words(name: &str) -> Option<String> {
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let parts: Vec<&str> = name.split('.').collect();
    let [nouns @ .., verb] = parts.as_slice() else {
        return None;
    };
    let noun = nouns.last()?.replace('_', " ");
    if !parts.iter().copied().all(is_part) {
        return None;
    }
    let doing = match *verb {
        "fetch" if noun == "token" => return Some("signing in".to_owned()),
        "list" | "get" | "count" | "info" | "details" | "status" => "reading",
        "create" => "creating",
        "patch" | "amend" => "changing",
        "delete" | "cancel" => "ending",
        other => return Some(format!("reading {} of {noun}", other.replace('_', " "))),
    };
    Some(format!("{doing} {noun}"))
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

/// A table of records, each with id, name and two more cells. Where a narrow terminal has no
/// room for long ids, they stand under the names.
pub(crate) fn record_table(titles: [&str; 4], records: &[[String; 4]]) -> String {
    let longest = records.iter().map(|[id, ..]| id.chars().count()).max();
    let [id_title, name_title, third, fourth] = titles;
    if width() >= WIDTH || longest.unwrap_or(0) <= 24 {
        let mut table = table(titles);
        for record in records {
            table.add_row(record.clone());
        }
        keep_ids(&mut table, 0, records.iter().map(|[id, ..]| id.as_str()));
        return lines(&table);
    }
    let mut table = airy_table([&format!("{name_title}, {id_title}"), third, fourth]);
    for [id, name, more, rest] in records {
        table.add_row([format!("{name}\n{id}"), more.clone(), rest.clone()]);
    }
    keep_ids(&mut table, 0, records.iter().map(|[id, ..]| id.as_str()));
    lines(&table)
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
    broken(first, indent, text, usize::from(width()))
}

fn broken(first: &str, indent: usize, text: &str, width: usize) -> String {
    let mut out = String::from(first);
    let mut column = first.chars().count();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
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

/// The terminal's own width, where standard output or standard error is one.
fn terminal_width() -> Option<u16> {
    let terminals = [console::Term::stdout(), console::Term::stderr()];
    let (_, columns) = terminals.iter().find_map(console::Term::size_checked)?;
    Some(columns)
}

/// The width that text is arranged to.
fn width() -> u16 {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .or_else(terminal_width)
        .map_or(WIDTH, |columns: u16| columns.clamp(60, 240))
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
    fn long_lines_fit_a_terminal_and_commands_stay_whole() {
        let command = format!(
            "  tallyline apply plan.json{}",
            " --only 0123456789".repeat(5)
        );
        let text = format!("a\n\n  {}\n{command}", "seats ".repeat(20).trim_end());
        let fitted = fitted(&text, 40);
        let lines: Vec<&str> = fitted.lines().collect();
        assert_eq!(lines[..2], ["a", ""]);
        assert!(
            lines[2..lines.len() - 1]
                .iter()
                .all(|line| line.starts_with("  seats"))
        );
        assert!(
            lines[..lines.len() - 1]
                .iter()
                .all(|line| line.chars().count() <= 40)
        );
        assert_eq!(*lines.last().unwrap(), command);
    }

    #[test]
    fn names_of_calls_are_said_in_words() {
        for (text, said) in [
            (
                "account A-1 was not observed: payable_charges.list failed: timeout (504)",
                "account A-1 was not observed: reading payable charges failed: timeout (504)",
            ),
            ("(token.fetch failed: auth)", "(signing in failed: auth)"),
            (
                "agreements.additions.patch failed: invalid (400): x.y failed",
                "changing additions failed: invalid (400): x.y failed",
            ),
            (
                "see example.com/a.list failed: no",
                "see example.com/a.list failed: no",
            ),
            (
                "platforms.meter_usages failed: x",
                "reading meter usages of platforms failed: x",
            ),
        ] {
            assert_eq!(plain(text), said);
        }
    }

    #[test]
    fn what_would_move_the_cursor_is_shown_instead() {
        assert_eq!(safe("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
    }
}
