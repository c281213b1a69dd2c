//! The wire between a real client and its simulator: what goes wrong outside of the system.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::RawValue;
use tallyline_core::Result;
use tallyline_core::clock::Clock;
use tallyline_core::http::{
    Phase, ReqwestTransport, Timeouts, Transport, TransportError, TransportRequest,
    TransportResponse,
};
use tallyline_core::model::{ChangeId, Timestamp};

use super::time::Time;
use crate::lock;

/// A write that its client has given up and that is still on its way.
#[derive(Debug)]
pub(super) struct Held {
    /// When it arrives; `None` for never.
    due: Option<Timestamp>,
    /// Whose write it is.
    pub(super) change: Option<ChangeId>,
    /// The request.
    pub(super) request: TransportRequest,
}

/// What the next write meets on the wire.
#[derive(Debug)]
enum OnWrite {
    Passes,
    Refused,
    Held(ChangeId, Option<Duration>),
}

/// What is done to the pages of a list.
#[derive(Debug)]
struct Spoil {
    /// Whether a row comes twice, else one is left out.
    twice: bool,
    /// The path of the page before, and its last row.
    last: Option<(String, String)>,
}

#[derive(Debug, Default)]
struct Program {
    writes: VecDeque<OnWrite>,
    /// Reads that are refused, and reads that get no answer.
    refused: usize,
    timed_out: usize,
    spoil: Option<Spoil>,
    struck: bool,
    held_one: bool,
}

/// Which requests of a system are which, by method and path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routes {
    /// The writes of changes.
    pub(super) is_write: fn(&str, &str) -> bool,
    /// The reads of lists: of lines, and of what is made.
    pub(super) is_list: fn(&str, &str) -> bool,
}

/// A transport over real sockets whose connections can fail, and whose requests can be late.
#[derive(Debug)]
pub(super) struct Wire {
    inner: ReqwestTransport,
    routes: Routes,
    time: Arc<Time>,
    program: Mutex<Program>,
    held: Mutex<Vec<Held>>,
}

fn failed(phase: Phase, timeout: bool) -> TransportError {
    TransportError::new(phase, "the schedule says so").with_timeout(timeout)
}

impl Wire {
    pub(super) fn new(time: Arc<Time>, routes: Routes) -> Result<Self> {
        Ok(Self {
            inner: ReqwestTransport::new(&Timeouts::default()),
            routes,
            time,
            program: Mutex::default(),
            held: Mutex::default(),
        })
    }

    pub(super) fn next_write_refused(&self) {
        lock(&self.program).writes.push_back(OnWrite::Refused);
    }

    pub(super) fn next_write_passes(&self) {
        lock(&self.program).writes.push_back(OnWrite::Passes);
    }

    pub(super) fn next_write_held(&self, change: &ChangeId, arrives: Option<Duration>) {
        let held = OnWrite::Held(change.clone(), arrives);
        lock(&self.program).writes.push_back(held);
    }

    /// So many reads find no connection.
    pub(super) fn refuse(&self, reads: usize) {
        lock(&self.program).refused = reads;
    }

    /// So many reads get no answer.
    pub(super) fn time_out_reads(&self, reads: usize) {
        lock(&self.program).timed_out = reads;
    }

    /// At each page border of the next list a row comes twice or is left out.
    pub(super) fn spoil_pages(&self, twice: bool) {
        lock(&self.program).spoil = Some(Spoil { twice, last: None });
    }

    /// Whether anything went wrong since it was calm.
    pub(super) fn has_struck(&self) -> bool {
        lock(&self.program).struck
    }

    /// Whether a write was held back since it was calm.
    pub(super) fn has_held(&self) -> bool {
        lock(&self.program).held_one
    }

    /// How many of the programmed writes have not come.
    pub(super) fn writes_to_come(&self) -> usize {
        lock(&self.program).writes.len()
    }

    /// Forgets what is programmed. Writes on their way stay on it.
    pub(super) fn calm(&self) {
        *lock(&self.program) = Program::default();
    }

    /// The writes that arrive by now, in order; they are no longer on their way.
    pub(super) fn due(&self) -> Vec<Held> {
        let now = self.time.now();
        let mut held = lock(&self.held);
        let (mut due, still): (Vec<_>, Vec<_>) = std::mem::take(&mut *held)
            .into_iter()
            .partition(|held| held.due.is_some_and(|due| due <= now));
        *held = still;
        due.sort_by_key(|held| held.due);
        due
    }

    /// Lets a late write arrive. Nobody hears the answer.
    pub(super) async fn deliver(&self, request: TransportRequest) {
        let _ = self.inner.send(request).await;
    }

    /// What happens to a write before it leaves.
    fn on_write(&self, request: &TransportRequest) -> Result<(), TransportError> {
        let mut program = lock(&self.program);
        match program.writes.pop_front() {
            None | Some(OnWrite::Passes) => Ok(()),
            Some(OnWrite::Refused) => Err(failed(Phase::Connect, false)),
            Some(OnWrite::Held(change, arrives)) => {
                program.held_one = true;
                lock(&self.held).push(Held {
                    due: arrives.map(|after| self.time.now().plus(after)),
                    change: Some(change),
                    request: request.clone(),
                });
                Err(failed(Phase::Sent, true))
            }
        }
    }

    /// What happens to a read of a list before it leaves.
    fn on_read(&self) -> Result<(), TransportError> {
        let mut program = lock(&self.program);
        let program = &mut *program;
        for (left, phase, timeout) in [
            (&mut program.refused, Phase::Connect, false),
            (&mut program.timed_out, Phase::Sent, true),
        ] {
            if *left > 0 {
                *left -= 1;
                program.struck = true;
                return Err(failed(phase, timeout));
            }
        }
        Ok(())
    }

    /// Spoils a page behind the first, as a list does that moves while it is read.
    fn spoil(&self, path: &str, response: &mut TransportResponse) {
        let mut program = lock(&self.program);
        let program = &mut *program;
        let Some(spoil) = &mut program.spoil else {
            return;
        };
        let Ok(mut rows) = serde_json::from_slice::<Vec<Box<RawValue>>>(&response.body) else {
            return;
        };
        let last = rows.last().map(|row| row.get().to_owned());
        if let Some((list, before)) = spoil.last.take()
            && list == path
            && !rows.is_empty()
        {
            if !spoil.twice {
                rows.remove(0);
            } else if let Ok(row) = RawValue::from_string(before) {
                rows.insert(0, row);
            }
            program.struck = true;
            if let Ok(body) = serde_json::to_vec(&rows) {
                response.body = body.into();
            }
        }
        spoil.last = last.map(|row| (path.to_owned(), row));
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let (method, path) = (request.method.as_str(), request.url.path());
        let is_list = (self.routes.is_list)(method, path);
        if (self.routes.is_write)(method, path) {
            self.on_write(&request)?;
        }
        if is_list {
            self.on_read()?;
        }
        let path = path.to_owned();
        let mut response = self.inner.send(request).await?;
        if is_list {
            self.spoil(&path, &mut response);
        }
        Ok(response)
    }
}
