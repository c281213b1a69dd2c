#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod client;
mod error;
pub mod models;
pub mod operations;
mod source;

pub use client::{DEFAULT_BASE_URL, SherwebClient, SherwebClientBuilder};
