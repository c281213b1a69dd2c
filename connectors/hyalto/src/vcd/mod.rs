//! VMware Cloud Director, read directly: for providers that run it, with or without HyAlto.
//!
//! [`VcdClient`] is the typed client, one method per operation; [`VcdSource`] the
//! [`VendorSource`](tallyline_core::VendorSource) over it. The inside is that of the crate: what is known of the wire stands
//! in `contract`, in [`models`] and in [`operations`], and `source` alone knows both the wire and the core.
//!
//! ```no_run
//! use futures::StreamExt as _;
//! use tallyline_core::VendorSource as _;
//! use tallyline_core::model::Timestamp;
//! use tallyline_core::source::UsageRequest;
//! use tallyline_hyalto::vcd::{Granularity, VcdClient, VcdCredentials, VcdSource};
//!
//! # async fn example() -> tallyline_core::Result<()> {
//! let client = VcdClient::builder()
//!     .base_url("https://vcd.example.com")
//!     .org("System")
//!     .credentials(VcdCredentials::api_token("the API token"))
//!     .build()?;
//! let source = VcdSource::builder()
//!     .client(client)
//!     .granularity(Granularity::Vdc)
//!     .build()?;
//! source.check().await?;
//!
//! let request = UsageRequest::new(Timestamp::now());
//! let mut readings = source.usage(&request);
//! while let Some(reading) = readings.next().await {
//!     let reading = reading?;
//!     println!("{}: {:?}", reading.account, reading.lines().map(<[_]>::len));
//! }
//! # Ok(())
//! # }
//! ```

mod auth;
mod client;
mod contract;
mod error;
mod filter;
pub mod models;
pub mod operations;
mod paging;
mod source;

pub use client::{VcdClient, VcdClientBuilder, VcdCredentials};
pub use contract::DEFAULT_API_VERSION;
pub use filter::Filter;
pub use source::{
    Granularity, OrgReference, PoweredOff, StorageLines, VcdBasis, VcdProperty, VcdSource,
    VcdSourceBuilder, VcdUnits,
};
