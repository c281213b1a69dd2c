//! What is not a machine: organisations, virtual data centres, storage policies, edge gateways.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::non_empty;

use super::{figure, flag, text, word};

/// An organisation.
///
/// `QueryResultOrgRecordType`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrgRecord {
    /// Its address; the UUID at its end stays when it is renamed.
    #[serde(deserialize_with = "text")]
    pub href: String,
    /// Its name, by which its users sign in.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The name to show.
    #[serde(default, deserialize_with = "non_empty")]
    pub display_name: Option<String>,
    /// Whether its users may sign in.
    #[serde(default, deserialize_with = "flag")]
    pub is_enabled: Option<bool>,
    /// How many virtual data centres it has.
    #[serde(default, with = "figure")]
    pub number_of_vdcs: Option<Decimal>,
}

/// A virtual data centre of an organisation. MHz and MB are as the vendor counts them; 0 means none or unlimited (inferred).
///
/// `QueryResultOrgVdcRecordType`, `QueryResultAdminVdcRecordType`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrgVdcRecord {
    /// Its address; the UUID at its end stays when it is renamed.
    #[serde(deserialize_with = "text")]
    pub href: String,
    /// Its name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The address of its organisation; told to the provider alone.
    #[serde(default, deserialize_with = "non_empty")]
    pub org: Option<String>,
    /// The name of its organisation.
    #[serde(default, deserialize_with = "non_empty")]
    pub org_name: Option<String>,
    /// Whether it is enabled.
    #[serde(default, deserialize_with = "flag")]
    pub is_enabled: Option<bool>,
    /// The allocation model, by a number whose meaning is not published; told to the provider alone.
    #[serde(default, deserialize_with = "word")]
    pub allocation_model: Option<String>,
    /// CPU that is allocated, in MHz.
    #[serde(default, with = "figure")]
    pub cpu_allocation_mhz: Option<Decimal>,
    /// CPU that may be used at most, in MHz.
    #[serde(default, with = "figure")]
    pub cpu_limit_mhz: Option<Decimal>,
    /// CPU that is used, in MHz.
    #[serde(default, with = "figure")]
    pub cpu_used_mhz: Option<Decimal>,
    /// Memory that is allocated, in MB.
    #[serde(rename = "memoryAllocationMB", default, with = "figure")]
    pub memory_allocation_mb: Option<Decimal>,
    /// Memory that may be used at most, in MB.
    #[serde(rename = "memoryLimitMB", default, with = "figure")]
    pub memory_limit_mb: Option<Decimal>,
    /// Memory that is used, in MB.
    #[serde(rename = "memoryUsedMB", default, with = "figure")]
    pub memory_used_mb: Option<Decimal>,
    /// Storage that may be used at most, in MB.
    #[serde(rename = "storageLimitMB", default, with = "figure")]
    pub storage_limit_mb: Option<Decimal>,
    /// Storage that is used, in MB.
    #[serde(rename = "storageUsedMB", default, with = "figure")]
    pub storage_used_mb: Option<Decimal>,
    /// How many machines it has.
    #[serde(rename = "numberOfVMs", default, with = "figure")]
    pub number_of_vms: Option<Decimal>,
    /// How many of them run.
    #[serde(rename = "numberOfRunningVMs", default, with = "figure")]
    pub number_of_running_vms: Option<Decimal>,
}

/// A storage policy of a virtual data centre. A limit of 0 means unlimited (inferred).
///
/// `QueryResultOrgVdcStorageProfileRecordType`, `QueryResultAdminOrgVdcStorageProfileRecordType`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StoragePolicyRecord {
    /// Its address; the UUID at its end stays when it is renamed.
    #[serde(deserialize_with = "text")]
    pub href: String,
    /// Its name, which is that of the provider's policy and the same in every virtual data centre.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Whether it is enabled.
    #[serde(default, deserialize_with = "flag")]
    pub is_enabled: Option<bool>,
    /// The address of its virtual data centre.
    #[serde(default, deserialize_with = "non_empty")]
    pub vdc: Option<String>,
    /// The name of its virtual data centre.
    #[serde(default, deserialize_with = "non_empty")]
    pub vdc_name: Option<String>,
    /// The address of its organisation; told to the provider alone.
    #[serde(default, deserialize_with = "non_empty")]
    pub org: Option<String>,
    /// Storage that may be used at most, in MB.
    #[serde(rename = "storageLimitMB", default, with = "figure")]
    pub storage_limit_mb: Option<Decimal>,
    /// Storage that is used, in MB.
    #[serde(rename = "storageUsedMB", default, with = "figure")]
    pub storage_used_mb: Option<Decimal>,
}

/// An edge gateway. It names no organisation.
///
/// `QueryResultEdgeGatewayRecordType`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EdgeGatewayRecord {
    /// Its address; the UUID at its end stays when it is renamed.
    #[serde(deserialize_with = "text")]
    pub href: String,
    /// Its name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The address of its virtual data centre.
    #[serde(default, deserialize_with = "non_empty")]
    pub vdc: Option<String>,
    /// The name of its virtual data centre.
    #[serde(default, deserialize_with = "non_empty")]
    pub org_vdc_name: Option<String>,
    /// How it is.
    #[serde(default, deserialize_with = "word")]
    pub gateway_status: Option<String>,
}
