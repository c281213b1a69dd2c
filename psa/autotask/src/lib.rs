#![doc = include_str!("../README.md")]

mod auth;
mod budget;
mod client;
mod error;
pub mod models;
pub mod query;
mod sink;
mod zone;

pub use budget::{BudgetOptions, TenantBudget};
pub use client::{AutotaskClient, AutotaskClientBuilder, Picklist, QueryStyle, operations};
pub use sink::{
    AutotaskSink, AutotaskSinkBuilder, ContractKey, ContractSetup, DEFAULT_SUBSCRIPTION_FIELD,
    EffectiveDays, EligibilityPolicy, PeriodGrid,
};
pub use zone::DEFAULT_LOOKUP_URL;
