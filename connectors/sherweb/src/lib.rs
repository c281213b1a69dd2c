//! Typed client of the Sherweb Distributor and Service Provider APIs, and a Tallyline vendor source.

pub mod models;
