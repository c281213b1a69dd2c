//! Where a field may stand.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::models::{Json, Object};

/// One place where a field may stand: a member, a JSON pointer, or a member of the records of a
/// container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Place(String);

impl From<&str> for Place {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Place {
    /// What is wrong with the text.
    pub(super) fn check(&self) -> Result<(), String> {
        let text = self.0.as_str();
        if text.trim().is_empty() {
            return Err("a place is blank".into());
        }
        if text.trim() != text {
            return Err(format!("{text:?} has space around it"));
        }
        if text.starts_with('/') {
            let escapes = text.match_indices('~');
            for (at, _) in escapes {
                if !matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1')) {
                    return Err(format!("{text} is no JSON pointer: ~ must be ~0 or ~1"));
                }
            }
            return Ok(());
        }
        if text.contains('/') {
            return Err(format!("{text} is no name; a JSON pointer begins with /"));
        }
        match text.split_once('.') {
            Some((container, name))
                if container.is_empty() || name.is_empty() || name.contains('.') =>
            {
                Err(format!("{text} is not of the form container.member"))
            }
            _ => Ok(()),
        }
    }

    /// What stands in this place of a record that stands in a container; `null` is nothing.
    pub(super) fn find<'a>(&self, record: &'a Object, container: Option<&str>) -> Option<&'a Json> {
        let text = self.0.as_str();
        let found = if let Some(pointer) = text.strip_prefix('/') {
            let (first, rest) = match pointer.split_once('/') {
                Some((first, rest)) => (first, Some(rest)),
                None => (pointer, None),
            };
            let value = record.get(&first.replace("~1", "/").replace("~0", "~"))?;
            match rest {
                Some(rest) => value.pointer(&format!("/{rest}")),
                None => Some(value),
            }
        } else if let Some((of, name)) = text.split_once('.') {
            container
                .is_some_and(|container| container.eq_ignore_ascii_case(of))
                .then(|| record.get(name))
                .flatten()
        } else {
            record.get(text)
        };
        found.filter(|value| !matches!(value, Json::Null))
    }
}
