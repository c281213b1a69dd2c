//! What one count of a run has to know of the others: whether more come, and whether the system has closed its door.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tallyline_core::model::ChangeId;
use tallyline_core::plan::Change;
use tallyline_core::{Error, ErrorKind};

use super::Rebuild;
use crate::client::CONNECTOR;
use crate::operations;

/// The counts of the runs under way.
pub(super) struct Run {
    rebuild: Rebuild,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those that may still come.
    to_come: BTreeSet<ChangeId>,
    /// Why the system is asked for nothing more.
    closed: Option<(ErrorKind, String)>,
}

impl Run {
    pub(super) fn new(rebuild: Rebuild) -> Self {
        Self {
            rebuild,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run begins with these changes; what was closed is tried again.
    pub(super) fn begin(&self, changes: &[Change]) {
        let mut state = self.state();
        state.closed = None;
        let counts = changes.iter().filter(|change| change.action.is_absolute());
        state.to_come = counts.map(|change| change.id.clone()).collect();
    }

    /// Takes the next count in hand, and says whether the view is left as it is for it.
    ///
    /// # Errors
    /// Why nothing is sent any more.
    pub(super) fn next(&self, change: &ChangeId) -> Result<bool, Error> {
        let mut state = self.state();
        state.to_come.remove(change);
        if let Some((kind, why)) = &state.closed {
            let message = format!("nothing is sent any more in this run: {why}");
            let error = Error::new(*kind, message).with_connector(CONNECTOR);
            return Err(error.with_operation(operations::COUNT_SET.name));
        }
        Ok(self.rebuild == Rebuild::AfterLast && !state.to_come.is_empty())
    }

    /// The system refuses the keys or takes the calls for abuse: nothing more is sent.
    pub(super) fn close(&self, error: &Error) {
        if matches!(error.kind(), ErrorKind::Auth | ErrorKind::PermissionDenied) {
            self.state().closed = Some((error.kind(), error.message().to_owned()));
        }
    }
}
