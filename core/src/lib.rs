//! The model, mapping, reconcile, plan and apply of Tallyline.

pub mod error;
pub mod integration;
pub mod mapping;
pub mod model;
pub mod plan;
pub mod sink;
pub mod source;
pub mod wire;

pub use error::{Error, ErrorKind, Result};
pub use sink::PsaSink;
pub use source::VendorSource;
