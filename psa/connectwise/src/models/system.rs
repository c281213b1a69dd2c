//! `/system/info` and the answers that all resources share.

use serde::Deserialize;
use tallyline_core::wire::{non_empty, null_as_empty};

/// What the system says about itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct SystemInfo {
    /// The version, as in `v2026.4.112233`.
    #[serde(deserialize_with = "non_empty")]
    pub version: Option<String>,
    /// Whether it is hosted by the vendor.
    pub is_cloud: Option<bool>,
    /// The time zone of the server.
    #[serde(deserialize_with = "non_empty")]
    pub server_time_zone: Option<String>,
    /// The region.
    #[serde(deserialize_with = "non_empty")]
    pub cloud_region: Option<String>,
    /// The licensed modules.
    #[serde(deserialize_with = "null_as_empty")]
    pub license_bits: Vec<LicenseBit>,
    /// A limit of the workflow engine.
    pub max_work_flow_records_allowed: Option<i64>,
}

/// A licensed module.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct LicenseBit {
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Whether it is active.
    pub active_flag: Option<bool>,
}

/// The answer of a `/count` call.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Count {
    /// How many records match.
    pub count: Option<i64>,
}
