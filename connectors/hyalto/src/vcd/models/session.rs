//! Versions and sessions.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::non_empty;

use super::{EntityReference, flag, text};

/// The versions of the API that a server offers.
///
/// `GET /api/versions`. The names of the members are those of the XML form in lower camel case, which is inferred.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SupportedVersions {
    /// Each version.
    pub version_info: Vec<VersionInfo>,
}

/// A version of the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VersionInfo {
    /// Its number, such as `37.0`.
    #[serde(deserialize_with = "text")]
    pub version: String,
    /// Whether it is to be given up.
    #[serde(default, deserialize_with = "flag")]
    pub deprecated: Option<bool>,
    /// Where its sessions are opened.
    #[serde(default, deserialize_with = "non_empty")]
    pub login_url: Option<String>,
}

/// A session. It holds no secret.
///
/// `GET /cloudapi/1.0.0/sessions/current`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Session {
    /// Its id, such as `urn:vcloud:session:<uuid>`.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// Who signed in.
    #[serde(default)]
    pub user: Option<EntityReference>,
    /// Of which organisation.
    #[serde(default)]
    pub org: Option<EntityReference>,
    /// The names of the roles.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
}
