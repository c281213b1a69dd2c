//! Typed client of the ConnectWise PSA REST API, and a Tallyline PSA sink.

pub mod conditions;
mod error;
mod json;
pub mod models;
pub mod patch;
mod site;

pub use json::ExactJson;
