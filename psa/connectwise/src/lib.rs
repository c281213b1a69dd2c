//! Typed client of the ConnectWise PSA REST API.

mod auth;
mod client;
pub mod conditions;
mod error;
mod json;
pub mod models;
pub mod patch;
mod site;

pub use client::{
    ConnectWiseClient, ConnectWiseClientBuilder, DEFAULT_API_VERSION, DEFAULT_CODEBASE, Direction,
    List, ListOptions, PagingStyle, operations,
};
pub use json::ExactJson;
