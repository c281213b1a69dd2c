#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod client;
mod error;
pub mod models;
pub mod operations;
pub mod progress;
mod source;

pub use client::{
    CustomerFilter, IngramClient, IngramClientBuilder, OrderFilter, ProductFilter, ReportFilter,
    SubscriptionFilter,
};
pub use source::{AccountReference, IngramSource, IngramSourceBuilder, ServiceKeys, StatusRule};
