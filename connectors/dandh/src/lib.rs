#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod client;
mod error;
mod fault;
pub mod models;
pub mod operations;
mod profile;
mod source;

pub use client::{DandhClient, DandhClientBuilder};
pub use profile::{Marketplace, ParentAccount};
pub use source::QuantityPolicy;
