//! A note that people write and Tallyline keeps a block in. No I/O, no clock.

use std::fmt::Write as _;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};

/// Where a block stands in a note: with its two marks, and between them.
struct Found {
    whole: Range<usize>,
    text: Range<usize>,
}

/// The text of an owner's block of a note, as [`note_text`] gives it; none where the note has no such block.
///
/// A block stands between two lines of its own, `[tallyline OWNER]` and `[/tallyline OWNER]`. Everything
/// else of the note is people's. What ends a line is the system's own choice.
///
/// # Errors
/// `Conflict` when the marks are not one pair in their order, or stand elsewhere than alone on a line: which of
/// the text is people's cannot be told.
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
    Ok(found.map(|found| note_text(&note[found.text])))
}

/// The note with an owner's block in the place of the one that it has, or after everything else. The rest stays
/// as it is, to the byte; the block's lines end as those of the note do.
///
/// # Errors
/// As [`note_block`], and `Invalid` when the text itself holds one of the block's marks.
pub fn with_note_block(note: &str, owner: &str, text: &str) -> Result<String> {
    let marks = marks(owner);
    if marks.iter().any(|mark| text.contains(mark)) {
        return Err(Error::new(
            ErrorKind::Invalid,
            "the text holds the mark that its own block begins or ends with",
        ));
    }
    let ends = if note.contains("\r\n") { "\r\n" } else { "\n" };
    let [begin, end] = &marks;
    let text = note_text(text).replace('\n', ends);
    let block = format!("{begin}{ends}{text}{ends}{end}");
    if let Some(found) = find(note, &marks)? {
        let (before, after) = (&note[..found.whole.start], &note[found.whole.end..]);
        return Ok(format!("{before}{block}{after}"));
    }
    let gap = if note.is_empty() || note.ends_with(['\n', '\r']) {
        ""
    } else {
        ends
    };
    Ok(format!("{note}{gap}{block}"))
}

/// A text as it is read back from a block: its lines end with a line feed, without spaces before it, and no
/// blank line stands at its end.
#[must_use]
pub fn note_text(text: &str) -> String {
    let lines: Vec<&str> = lines(text.trim_end())
        .map(|(line, _)| line.trim_end())
        .collect();
    lines.join("\n")
}

/// The lines that a block begins and ends with. What an owner's name may not hold stands in it by its number,
/// so that no two owners have one mark.
fn marks(owner: &str) -> [String; 2] {
    let mut name = String::with_capacity(owner.len());
    for c in owner.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ':' | '/' | '@') {
            name.push(c);
        } else {
            // Writing to a text cannot fail.
            let _ = write!(name, "%{:06X}", u32::from(c));
        }
    }
    [
        format!("[tallyline {name}]"),
        format!("[/tallyline {name}]"),
    ]
}

/// The lines of a text without their ends, each with where the next one begins. A line ends with a line feed, a
/// carriage return, or both.
fn lines(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let end = match &rest.as_bytes()[length..] {
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        at += length + end;
        Some((&rest[..length], at))
    })
}

fn find(note: &str, [begin, end]: &[String; 2]) -> Result<Option<Found>> {
    let mut at = 0;
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for (line, next) in lines(note) {
        match line.trim() {
            mark if mark == begin => begins.push((at, next)),
            mark if mark == end => ends.push((at, at + line.len())),
            _ => {}
        }
        at = next;
    }
    // A mark with something beside it: a person wrote there, or the system joined the lines.
    let elsewhere = note.matches(begin.as_str()).count() != begins.len()
        || note.matches(end.as_str()).count() != ends.len();
    match (begins.as_slice(), ends.as_slice()) {
        ([], []) if !elsewhere => Ok(None),
        ([(from, text)], [(text_end, to)]) if text <= text_end && !elsewhere => Ok(Some(Found {
            whole: *from..*to,
            text: *text..*text_end,
        })),
        _ => Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "the note has not one {begin} and one {end} after it, each alone on its line: a person has \
                 to put them right, or take them out"
            ),
        )),
    }
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
            "[tallyline mail C-1] x [/tallyline mail C-1]",
            "[tallyline mail C-1] (do not edit)\nx\n[/tallyline mail C-1] end",
            "see [tallyline mail C-1]",
            "[tallyline mail C-1]\nx [/tallyline mail C-1]\n[/tallyline mail C-1]",
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
        for ends in [" \r\n", "\r", "\r\n"] {
            let theirs = note.replace('\n', ends);
            let block = note_block(&theirs, OWNER).unwrap();
            assert_eq!(block.as_deref(), Some("a\nb"), "{ends:?}");
        }
    }

    #[test]
    fn no_two_owners_have_one_mark() {
        let owners = ["C-1", "C-1 ", " C-1", "C-(10", "C-\u{2810}", "C-%28", "C-("];
        for (at, one) in owners.iter().enumerate() {
            for other in &owners[at + 1..] {
                assert_ne!(marks(one), marks(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_blocks_lines_end_as_those_of_the_note() {
        let note = with_note_block("Ask for Ada.\r\nPO 4711", OWNER, "a\nb").unwrap();
        assert!(!note.replace("\r\n", "").contains('\n'), "{note:?}");
    }

    proptest! {
        #[test]
        fn what_people_wrote_stays_to_the_byte_and_a_second_write_changes_nothing(
            before in "([a-zA-Z \\]\\[/]{0,9}(\r\n|\n|\r)){0,4}",
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
            let wanted = note_text(&second);
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
            prop_assert_eq!(note_block(&note, "mail C-1").unwrap(), Some(note_text(&one)));
            prop_assert_eq!(note_block(&note, "mail C-12").unwrap(), Some(note_text(&other)));
        }
    }
}
