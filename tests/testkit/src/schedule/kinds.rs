//! The kinds of faults, and how often each struck.

use std::fmt;

use super::adversary::DiskFault;
use super::world::{Edit, ErrorPage, ReadFault, WriteFault};

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is said by `as_str`")]
pub enum Kind {
    WriteRefused,
    WriteResetBefore,
    WriteResetAfter,
    WriteTimedOut,
    WriteLate,
    WriteBusy,
    WriteBusyAsked,
    WriteInvalid,
    WriteValidation500,
    WriteHtml500,
    WriteHtml502,
    WriteIgnored,
    ReadRefused,
    ReadReset,
    ReadTimedOut,
    ReadBusy,
    ReadValidation500,
    ReadHtml500,
    ReadHtml502,
    ReadLagging,
    RowMissing,
    RowTwice,
    Edited,
    Ended,
    Deleted,
    Added,
    Renamed,
    Died,
    StoodStill,
    StoodStillInWrite,
    TwoAtOnce,
    DiskBefore,
    DiskAfter,
    DiskRead,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 34] = [
        Self::WriteRefused,
        Self::WriteResetBefore,
        Self::WriteResetAfter,
        Self::WriteTimedOut,
        Self::WriteLate,
        Self::WriteBusy,
        Self::WriteBusyAsked,
        Self::WriteInvalid,
        Self::WriteValidation500,
        Self::WriteHtml500,
        Self::WriteHtml502,
        Self::WriteIgnored,
        Self::ReadRefused,
        Self::ReadReset,
        Self::ReadTimedOut,
        Self::ReadBusy,
        Self::ReadValidation500,
        Self::ReadHtml500,
        Self::ReadHtml502,
        Self::ReadLagging,
        Self::RowMissing,
        Self::RowTwice,
        Self::Edited,
        Self::Ended,
        Self::Deleted,
        Self::Added,
        Self::Renamed,
        Self::Died,
        Self::StoodStill,
        Self::StoodStillInWrite,
        Self::TwoAtOnce,
        Self::DiskBefore,
        Self::DiskAfter,
        Self::DiskRead,
    ];

    /// The kind in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WriteRefused => "write: connection refused",
            Self::WriteResetBefore => "write: reset before it was read",
            Self::WriteResetAfter => "write: reset after it was committed",
            Self::WriteTimedOut => "write: no answer, it never arrives",
            Self::WriteLate => "write: no answer, it arrives late",
            Self::WriteBusy => "write: 429 without Retry-After",
            Self::WriteBusyAsked => "write: 429 with Retry-After",
            Self::WriteInvalid => "write: 400",
            Self::WriteValidation500 => "write: 500 with a validation body",
            Self::WriteHtml500 => "write: 500 with HTML",
            Self::WriteHtml502 => "write: 502 with HTML",
            Self::WriteIgnored => "write: answered and not carried out",
            Self::ReadRefused => "read: connection refused",
            Self::ReadReset => "read: reset",
            Self::ReadTimedOut => "read: no answer",
            Self::ReadBusy => "read: 429",
            Self::ReadValidation500 => "read: 500 with a validation body",
            Self::ReadHtml500 => "read: 500 with HTML",
            Self::ReadHtml502 => "read: 502 with HTML",
            Self::ReadLagging => "read: lags behind a write",
            Self::RowMissing => "read: a row is missing at a page border",
            Self::RowTwice => "read: a row comes twice at a page border",
            Self::Edited => "a colleague edits a line",
            Self::Ended => "a colleague ends a line",
            Self::Deleted => "a colleague deletes a line",
            Self::Added => "a colleague adds a line",
            Self::Renamed => "a colleague renames what was made",
            Self::Died => "a process dies",
            Self::StoodStill => "a process stands still between two actions",
            Self::StoodStillInWrite => "a process stands still in a write",
            Self::TwoAtOnce => "two processes at once",
            Self::DiskBefore => "journal: refused before it was durable",
            Self::DiskAfter => "journal: refused after it was durable",
            Self::DiskRead => "journal: a read fails",
        }
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or(0)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<WriteFault> for Kind {
    fn from(fault: WriteFault) -> Self {
        match fault {
            WriteFault::Refused => Self::WriteRefused,
            WriteFault::ResetBefore => Self::WriteResetBefore,
            WriteFault::ResetAfter => Self::WriteResetAfter,
            WriteFault::TimedOut(None) => Self::WriteTimedOut,
            WriteFault::TimedOut(Some(_)) => Self::WriteLate,
            WriteFault::Busy(None) => Self::WriteBusy,
            WriteFault::Busy(Some(_)) => Self::WriteBusyAsked,
            WriteFault::Invalid => Self::WriteInvalid,
            WriteFault::Broken(ErrorPage::Validation500, _) => Self::WriteValidation500,
            WriteFault::Broken(ErrorPage::Html500, _) => Self::WriteHtml500,
            WriteFault::Broken(ErrorPage::Html502, _) => Self::WriteHtml502,
            WriteFault::Ignored => Self::WriteIgnored,
        }
    }
}

impl From<ReadFault> for Kind {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Refused => Self::ReadRefused,
            ReadFault::Reset => Self::ReadReset,
            ReadFault::TimedOut => Self::ReadTimedOut,
            ReadFault::Busy => Self::ReadBusy,
            ReadFault::Broken(ErrorPage::Validation500) => Self::ReadValidation500,
            ReadFault::Broken(ErrorPage::Html500) => Self::ReadHtml500,
            ReadFault::Broken(ErrorPage::Html502) => Self::ReadHtml502,
            ReadFault::Lagging(_) => Self::ReadLagging,
            ReadFault::Missing => Self::RowMissing,
            ReadFault::Twice => Self::RowTwice,
        }
    }
}

impl From<Edit> for Kind {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Quantity(_) | Edit::Cost(_) | Edit::Price(_) => Self::Edited,
            Edit::End => Self::Ended,
            Edit::Delete => Self::Deleted,
        }
    }
}

impl From<DiskFault> for Kind {
    fn from(fault: DiskFault) -> Self {
        match fault {
            DiskFault::Before => Self::DiskBefore,
            DiskFault::After => Self::DiskAfter,
        }
    }
}

/// How often each kind of fault struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults([usize; Kind::ALL.len()]);

impl Default for Faults {
    fn default() -> Self {
        Self([0; Kind::ALL.len()])
    }
}

impl Faults {
    /// Counts one more.
    pub fn add(&mut self, kind: impl Into<Kind>) {
        self.0[kind.into().place()] += 1;
    }

    /// Counts those of another schedule.
    pub fn add_all(&mut self, others: &Self) {
        for (count, more) in self.0.iter_mut().zip(others.0) {
            *count += more;
        }
    }

    /// How often a kind struck.
    pub fn of(&self, kind: Kind) -> usize {
        self.0[kind.place()]
    }

    /// How many struck.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }
}

impl fmt::Display for Faults {
    /// One line for each kind, those that never struck included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL {
            writeln!(f, "  {kind:<44}{:>9}", self.of(kind))?;
        }
        Ok(())
    }
}
