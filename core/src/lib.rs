//! The model, mapping, reconcile, plan and apply of Tallyline.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod error;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod http;
pub mod mapping;
pub mod model;
pub mod plan;
pub mod sink;
pub mod source;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
pub use sink::PsaSink;
pub use source::VendorSource;
