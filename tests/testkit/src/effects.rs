//! The true history of a simulated system: what changed, when, and because of what, whatever a client was told.

use jiff::Timestamp;

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
