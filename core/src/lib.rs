#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod apply;
pub mod error;
pub mod flow;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod http;
pub mod integration;
pub mod mapping;
pub mod model;
pub mod plan;
pub mod proration;
pub mod reconcile;
pub mod sink;
pub mod source;
mod spreadsheet;
pub mod store;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
pub use sink::PsaSink;
pub use source::VendorSource;
