#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod client;
mod contract;
mod error;
mod exact;
pub mod models;
mod observed;
pub mod operations;
mod source;
pub mod vcd;

pub use auth::AuthScheme;
pub use client::{HyAltoClient, HyAltoClientBuilder};
pub use contract::{Brackets, DEFAULT_BASE_URL, TokenPath};
pub use source::{
    HyAltoSource, HyAltoSourceBuilder, Reduction, ServiceKind, SilentRule, UnitOverride, Window,
};
