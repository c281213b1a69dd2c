//! How a sink brings a new quantity onto a line.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a sink is to bring a new quantity onto a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// The quantity of the line is set. Days already invoiced stay as they were billed.
    #[default]
    InPlace,
    /// As in place; and a line of its own bills the difference for the days that are invoiced
    /// already, where the agreement prorates.
    InPlaceWithCatchUp,
    /// The line ends, and one with the new quantity takes its place.
    Versioned,
}

impl Strategy {
    /// The name, as it stands in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InPlace => "in_place",
            Self::InPlaceWithCatchUp => "in_place_with_catch_up",
            Self::Versioned => "versioned",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
