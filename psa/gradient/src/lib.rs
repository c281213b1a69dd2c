#![doc = include_str!("../README.md")]

mod auth;
mod client;
mod error;
pub mod models;
pub mod operations;
mod sink;

pub use client::{DEFAULT_BASE_URL, GradientClient, GradientClientBuilder};
pub use sink::{
    GradientSink, GradientSinkBuilder, MadeInSetup, OnConnect, Rebuild, ServiceKinds, Setup,
};
