//! Records of OpenAPI.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::non_empty;

use super::{figure, flag, text, word};

/// A name and an id of something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EntityReference {
    /// Its name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Its id, such as `urn:vcloud:org:<uuid>`.
    #[serde(default, deserialize_with = "non_empty")]
    pub id: Option<String>,
}

/// An organisation.
///
/// `GET /cloudapi/1.0.0/orgs`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CloudOrg {
    /// Its id, such as `urn:vcloud:org:<uuid>`.
    #[serde(deserialize_with = "text")]
    pub id: String,
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
    pub org_vdc_count: Option<Decimal>,
    /// How many of its machines run.
    #[serde(rename = "runningVMCount", default, with = "figure")]
    pub running_vm_count: Option<Decimal>,
}

/// An edge gateway.
///
/// `GET /cloudapi/1.0.0/edgeGateways`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CloudEdgeGateway {
    /// Its id, such as `urn:vcloud:gateway:<uuid>`.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// How it is, such as `REALIZED`.
    #[serde(default, deserialize_with = "word")]
    pub status: Option<String>,
    /// Its virtual data centre, or group of them.
    #[serde(default)]
    pub owner_ref: Option<EntityReference>,
    /// Its virtual data centre; none where it belongs to a group.
    #[serde(default)]
    pub org_vdc: Option<EntityReference>,
    /// Its organisation.
    #[serde(default)]
    pub org_ref: Option<EntityReference>,
}
