//! The program as a person or a script runs it, against simulators in this process.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop at once"
)]

mod after;
mod apply;
mod connections;
mod demo;
mod export;
mod gradient;
mod kill;
mod lifecycle;
mod mapping;
mod outages;
mod plan;
mod refusals;
mod rules;
mod support;
