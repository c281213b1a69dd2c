//! The true history of a simulated system: what changed, when, and because of what, whatever a client was told.

use jiff::Timestamp;

use crate::http::SimRequest;
use crate::json::Json;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectKind {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

/// Why a record changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A request that was handled.
    Request {
        /// Its place among the requests handled, from one; equal for all effects of one request.
        number: u64,
        /// Its method.
        method: String,
        /// Its path.
        path: String,
        /// The user who sent it.
        user: String,
    },
    /// A person or a job of the system, played by the test.
    Handle(String),
}

/// One change of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// When, by the simulator's clock.
    pub at: Timestamp,
    /// What became of it.
    pub kind: EffectKind,
    /// The kind of record, by the name that the API has for it.
    pub entity: &'static str,
    /// The record.
    pub id: String,
    /// The record that it belongs to, such as its contract; empty when there is none.
    pub owner: String,
    /// Why.
    pub cause: Cause,
    /// The record before.
    pub before: Option<Json>,
    /// The record after.
    pub after: Option<Json>,
}

/// What happened so far, and why the next thing happens.
#[derive(Clone, Debug)]
pub struct History {
    /// Every change, in order.
    pub effects: Vec<Effect>,
    cause: Cause,
    handled: u64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            effects: Vec::new(),
            cause: Cause::Handle("seed".to_owned()),
            handled: 0,
        }
    }
}

impl History {
    /// From here on, a request of a user is the cause; gives the cause before.
    pub(crate) fn handle(&mut self, request: &SimRequest, user: String) -> Cause {
        self.handled += 1;
        let cause = Cause::Request {
            number: self.handled,
            method: request.method.clone(),
            path: request.path.clone(),
            user,
        };
        self.resume(cause)
    }

    /// From here on, a person or a job of the system is the cause; gives the cause before.
    pub(crate) fn act(&mut self, name: &str) -> Cause {
        self.resume(Cause::Handle(name.to_owned()))
    }

    /// From here on, this is the cause; gives the cause before.
    pub(crate) fn resume(&mut self, cause: Cause) -> Cause {
        std::mem::replace(&mut self.cause, cause)
    }

    /// Remembers a change of a record; one that changes nothing is none.
    pub(crate) fn remember(
        &mut self,
        at: Timestamp,
        entity: &'static str,
        (id, owner): (&str, &str),
        before: Option<Json>,
        after: Option<Json>,
    ) {
        let kind = match (&before, &after) {
            (None, _) => EffectKind::Created,
            (_, None) => EffectKind::Deleted,
            (Some(old), Some(new)) if old == new => return,
            _ => EffectKind::Updated,
        };
        self.effects.push(Effect {
            at,
            kind,
            entity,
            id: id.to_owned(),
            owner: owner.to_owned(),
            cause: self.cause.clone(),
            before,
            after,
        });
    }
}
