//! What every error must be, whatever the answer was.

use tallyline_core::Error;
use tallyline_core::error::printable;

/// The longest one-line error that is still read.
const LONGEST_LINE: usize = 8 * 1024;

/// The longest `Debug` output: the line, the chain, and 2 KiB of the answer with escapes.
const LONGEST_DEBUG: usize = 64 * 1024;

/// What is wrong with the words of an error.
pub(crate) fn words(error: &Error) -> Vec<String> {
    let line = error.to_string();
    let mut wrong = Vec::new();
    if printable(&line) != line {
        wrong.push(format!(
            "Display holds raw control or direction characters: {line:?}"
        ));
    }
    let debug = format!("{error:?}");
    if debug.lines().any(|line| printable(line) != line) {
        wrong.push(format!(
            "Debug holds raw control or direction characters: {debug:?}"
        ));
    }
    if line.len() > LONGEST_LINE {
        wrong.push(format!("Display is {} bytes long", line.len()));
    }
    if debug.len() > LONGEST_DEBUG {
        wrong.push(format!("Debug is {} bytes long", debug.len()));
    }
    if error.operation().is_none() && error.context().is_empty() {
        wrong.push(format!(
            "it says neither in which operation nor of what it is: {line}"
        ));
    }
    wrong
}

/// Whether an error says which record it is about, by one of its names.
pub(crate) fn names(error: &Error, record: &[String]) -> bool {
    let line = error.to_string();
    record.iter().any(|name| line.contains(name.as_str()))
}
