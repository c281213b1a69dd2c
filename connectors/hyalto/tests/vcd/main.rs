//! VMware Cloud Director: its client and its source, against the simulator and against answers that are there to be wrong.
#![allow(clippy::unwrap_used, reason = "a helper may panic as its test may")]

mod common;
mod conformance;
mod credentials;
mod hostile;
mod sessions;
mod source;
mod wire;
