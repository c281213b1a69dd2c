#![doc = include_str!("../README.md")]

mod auth;
mod client;
pub mod conditions;
mod error;
mod json;
pub mod models;
pub mod patch;
mod sink;
mod site;

pub use client::{
    ConnectWiseClient, ConnectWiseClientBuilder, DEFAULT_API_VERSION, DEFAULT_CODEBASE, Direction,
    List, ListOptions, PagingStyle, operations,
};
pub use json::ExactJson;
pub use sink::{
    AgreementKeyPlacement, AgreementSetup, CancelledDateMeaning, ConnectWiseSink,
    ConnectWiseSinkBuilder, EligibilityPolicy, MarkerPlacement, NoteField, ProductSetup,
};
