//! Cells of CSV files that people open in a spreadsheet: written so that it runs nothing.

use std::fmt::Write as _;

use crate::error::{Error, ErrorKind, Result, is_unprintable};

/// Whether a spreadsheet would take a text for a formula, leading quotes aside.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    text.starts_with(['\t', '\r', '\n'])
        || text
            .trim_start()
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// A text as a cell, so that a spreadsheet takes it for a text.
pub(crate) fn guarded(text: &str) -> String {
    let text = escaped(text);
    if is_formula(&text) {
        format!("'{text}")
    } else {
        text
    }
}

/// A cell back as the text that it was written from.
pub(crate) fn unguarded(text: &str) -> String {
    unescaped(match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => text,
    })
}

/// Writes characters that act on a terminal or turn text around as `\u{1b}`. Line breaks and
/// tabs stay, and what looks like such an escape already is escaped itself.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let kept = matches!(c, '\n' | '\t') || rest.starts_with("\r\n");
        if (is_unprintable(c) && !kept) || rest.starts_with("\\u{") {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u{") {
        out.push_str(&rest[..at]);
        let inside = &rest[at + 3..];
        let decoded = inside.split_once('}').and_then(|(digits, after)| {
            let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            Some((c, after))
        });
        match decoded {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push_str("\\u{");
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

/// One line of a CSV file, with its line break, each cell guarded.
pub(crate) fn csv_line(cells: impl IntoIterator<Item = String>) -> Result<String> {
    csv_text([cells.into_iter().collect()])
}

/// Rows of a CSV file, each cell guarded.
pub(crate) fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> Result<String> {
    let failed = |what: String| Error::new(ErrorKind::Unexpected, what);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row.iter().map(|cell| guarded(cell)))
            .map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}
