//! A note that people write and Tallyline keeps a block in. No I/O, no clock.

use std::fmt::Write as _;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};

/// Where a block stands in a note: with its two marks, and between them.
struct Found {
    whole: Range<usize>,
    text: Range<usize>,
}

/// The text of an owner's block of a note; none where the note has no such block.
///
/// A block stands between two lines of its own, `[tallyline OWNER]` and `[/tallyline OWNER]`. Everything
/// else of the note is people's. Lines end with a line feed in the text that is given back, without spaces at
/// their ends, so that a system that writes line ends its own way shows the same text.
///
/// # Errors
/// `Conflict` when the marks are not one pair in their order: which of the text is people's cannot be told.
///
/// # Examples
/// ```
/// use tallyline_core::model::note_block;
///
/// let note = "Ask for Ada.\r\n[tallyline mail C-1]\r\n3 x Mail\r\n[/tallyline mail C-1]";
/// assert_eq!(note_block(note, "mail C-1")?.as_deref(), Some("3 x Mail"));
/// assert_eq!(note_block(note, "mail C-2")?, None);
/// # Ok::<(), tallyline_core::Error>(())
/// ```
pub fn note_block(note: &str, owner: &str) -> Result<Option<String>> {
    let found = find(note, &marks(owner))?;
    Ok(found.map(|found| as_lines(&note[found.text])))
}

/// The note with an owner's block in the place of the one that it has, or after everything else. The rest stays
/// as it is, to the byte.
///
/// # Errors
/// As [`note_block`], and `Invalid` when the text itself holds one of the block's marks.
pub fn with_note_block(note: &str, owner: &str, text: &str) -> Result<String> {
    let marks = marks(owner);
    if text
        .lines()
        .any(|line| marks.iter().any(|mark| line.trim() == mark))
    {
        return Err(Error::new(
            ErrorKind::Invalid,
            "the text holds the mark that its own block begins or ends with",
        ));
    }
    let [begin, end] = &marks;
    let block = format!("{begin}\n{}\n{end}", as_lines(text));
    if let Some(found) = find(note, &marks)? {
        let (before, after) = (&note[..found.whole.start], &note[found.whole.end..]);
        return Ok(format!("{before}{block}{after}"));
    }
    let gap = if note.is_empty() || note.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    Ok(format!("{note}{gap}{block}"))
}

/// The lines that a block begins and ends with. What an owner's name may not hold stands in it by its number.
fn marks(owner: &str) -> [String; 2] {
    let mut name = String::with_capacity(owner.len());
    for c in owner.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ':' | '/' | '@') {
            name.push(c);
        } else {
            // Writing to a text cannot fail.
            let _ = write!(name, "%{:X}", u32::from(c));
        }
    }
    let name = name.trim();
    [
        format!("[tallyline {name}]"),
        format!("[/tallyline {name}]"),
    ]
}

fn find(note: &str, [begin, end]: &[String; 2]) -> Result<Option<Found>> {
    let mut at = 0;
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for line in note.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        match content.trim() {
            mark if mark == begin => begins.push((at, at + line.len())),
            mark if mark == end => ends.push((at, at + content.len())),
            _ => {}
        }
        at += line.len();
    }
    match (begins.as_slice(), ends.as_slice()) {
        ([], []) => Ok(None),
        ([(from, text)], [(text_end, to)]) if text <= text_end => Ok(Some(Found {
            whole: *from..*to,
            text: *text..*text_end,
        })),
        _ => Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the note has not one {begin} and one {end} after it: a person has to put them right, or \
                 take them out"
            ),
        )),
    }
}

fn as_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWNER: &str = "mail C-1";

    #[test]
    fn a_block_that_is_not_one_pair_is_a_conflict_and_stays() {
        for note in [
            "[tallyline mail C-1]\nx",
            "x\n[/tallyline mail C-1]",
            "[/tallyline mail C-1]\n[tallyline mail C-1]",
            "[tallyline mail C-1]\n[tallyline mail C-1]\n[/tallyline mail C-1]",
        ] {
            let read = note_block(note, OWNER).unwrap_err();
            let written = with_note_block(note, OWNER, "y").unwrap_err();
            assert_eq!(read.kind(), ErrorKind::Conflict, "{note}");
            assert_eq!(written.kind(), ErrorKind::Conflict, "{note}");
        }
    }

    #[test]
    fn a_text_that_holds_a_mark_is_refused() {
        let error = with_note_block("", OWNER, "a\n [/tallyline mail C-1] \nb").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn an_owner_with_brackets_or_line_breaks_keeps_to_its_own_line() {
        let owner = "mail ]\n[/tallyline mail";
        let note = with_note_block("", owner, "x").unwrap();
        assert_eq!(note.lines().count(), 3, "{note}");
        assert_eq!(note_block(&note, owner).unwrap().as_deref(), Some("x"));
        assert_eq!(note_block(&note, "mail").unwrap(), None);
    }

    #[test]
    fn a_system_that_ends_lines_its_own_way_shows_the_same_block() {
        let note = with_note_block("Ask for Ada.", OWNER, "a\nb").unwrap();
        let theirs = note.replace('\n', " \r\n");
        let block = note_block(&theirs, OWNER).unwrap();
        assert_eq!(block.as_deref(), Some("a\nb"));
    }

    proptest! {
        #[test]
        fn what_people_wrote_stays_to_the_byte_and_a_second_write_changes_nothing(
            before in "([a-zA-Z \\]\\[/]{0,9}\r?\n){0,4}",
            after in "(\r?\n[a-z \\[]{0,9}){0,4}",
            first in "([a-z\\[\\]]{1,9}\n){0,4}[a-z]{0,3}",
            second in "([a-z]{0,9}\r?\n){0,4}[a-z]{0,3}",
        ) {
            let alone = with_note_block(&before, OWNER, &first).unwrap();
            prop_assert!(alone.starts_with(&before));
            let note = format!("{alone}{after}");
            let replaced = with_note_block(&note, OWNER, &second).unwrap();
            prop_assert!(replaced.starts_with(&before));
            prop_assert!(replaced.ends_with(&after));
            let wanted = as_lines(&second);
            let block = note_block(&replaced, OWNER).unwrap();
            prop_assert_eq!(block.as_deref(), Some(&*wanted));
            let again = with_note_block(&replaced, OWNER, &second).unwrap();
            prop_assert_eq!(again, replaced);
        }

        #[test]
        fn blocks_of_several_owners_do_not_touch_each_other(
            one in "[a-z\n]{0,20}",
            other in "[a-z\n]{0,20}",
        ) {
            let note = with_note_block("", "mail C-1", &one).unwrap();
            let note = with_note_block(&note, "mail C-12", &other).unwrap();
            let note = with_note_block(&note, "mail C-1", &one).unwrap();
            prop_assert_eq!(note_block(&note, "mail C-1").unwrap(), Some(as_lines(&one)));
            prop_assert_eq!(note_block(&note, "mail C-12").unwrap(), Some(as_lines(&other)));
        }
    }
}
