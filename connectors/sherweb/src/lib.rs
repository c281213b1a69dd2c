//! Typed client of the Sherweb Distributor and Service Provider APIs, and a Tallyline vendor source.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod client;
mod error;
pub mod models;
mod operations;
mod source;

pub use client::{SherwebClient, SherwebClientBuilder};
