//! A run as it was begun, in one hash: whether the journal's account of it is still that.

use sha2::{Digest as _, Sha256};

use super::{ChangeRecord, RunRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Change, hex};

impl RunRecord {
    /// This head with the hash of itself and of the changes that the run is begun with.
    ///
    /// # Errors
    /// `Unexpected` when they cannot be written as JSON.
    pub(crate) fn sealed(mut self, changes: &[Change]) -> Result<Self> {
        self.seal = None;
        self.seal = Some(self.hash(changes.iter())?);
        Ok(self)
    }

    /// Sees that the head and the changes are still those that the run was begun with. Nothing is
    /// written on an approval that was given for something else.
    ///
    /// # Errors
    /// `Storage` when they are not: somebody edited the journal, or it is damaged.
    pub(crate) fn check_seal(&self, records: &[ChangeRecord]) -> Result<()> {
        let Some(seal) = &self.seal else {
            return Ok(());
        };
        let mut head = self.clone();
        head.seal = None;
        if head.hash(records.iter().map(|record| &record.change))? == *seal {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Storage,
            format!(
                "what the journal holds of run {} is not what was approved when it began: its changes, its approval or \
                 their order were edited or are damaged; nothing is written, make a new plan",
                self.id
            ),
        ))
    }

    fn hash<'c>(&self, changes: impl Iterator<Item = &'c Change>) -> Result<String> {
        let changes: Vec<&Change> = changes.collect();
        let bytes = serde_json::to_vec(&(self, changes)).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "a run cannot be written as JSON").with_source(error)
        })?;
        Ok(hex(&Sha256::digest(bytes), 64))
    }
}
