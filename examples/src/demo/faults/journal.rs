//! The journal that outlives the program, and what it says in words.

use std::path::PathBuf;

use tallyline_core::Result;
use tallyline_core::sink::Verdict;
use tallyline_core::store::{Event, RecordedEvent};

use crate::demo::keep::make_folder;

/// A folder of this process for a journal, deleted at the end.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn make() -> Result<Self> {
        let name = format!("tallyline-demo-faults-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        make_folder(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join("journal.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be deleted holds made-up names only.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The events of a change, one or a few words each; what repeats is counted.
pub(super) fn words(events: &[RecordedEvent]) -> Vec<String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for recorded in events {
        let word = word(&recorded.event);
        match counted.last_mut() {
            Some((last, times)) if *last == word => *times += 1,
            _ => counted.push((word, 1)),
        }
    }
    counted
        .into_iter()
        .map(|(word, times)| match times {
            1 => word,
            times => format!("{word} ({times} times)"),
        })
        .collect()
}

fn word(event: &Event) -> String {
    match event {
        Event::Intended { .. } => "noted".to_owned(),
        Event::PreconditionHeld { observed } => match observed {
            Some(state) => format!("read before: {}", state.quantity),
            None => "read before: no such line".to_owned(),
        },
        Event::Drifted { .. } => "read before: not as planned, nothing written".to_owned(),
        Event::Sent { attempt: 1 } => "sent".to_owned(),
        Event::Sent { .. } => "sent once more".to_owned(),
        Event::Answered { .. } => "answered".to_owned(),
        Event::OutcomeUnknown { .. } => "no answer that says what happened".to_owned(),
        Event::Verified { verdict } => match verdict {
            Verdict::Landed { observed, .. } => format!("read back: {}", observed.quantity),
            Verdict::NotLanded => "read back: not written".to_owned(),
            _ => "read back: something else".to_owned(),
        },
        Event::Unverified { .. } => "could not be read back".to_owned(),
        Event::Done { .. } => "done".to_owned(),
        other => other.name().replace('_', " "),
    }
}
