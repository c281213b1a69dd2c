#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accounts;
mod auth;
mod client;
mod error;
pub mod fields;
pub mod models;
pub mod operations;
mod source;

pub use accounts::CloudmoreAccounts;
pub use auth::ClientPair;
pub use client::{CloudmoreClient, CloudmoreClientBuilder, DEFAULT_BASE_URL};
pub use source::{CloudmoreSource, CloudmoreSourceBuilder, ReportMode, SelectedServices};
