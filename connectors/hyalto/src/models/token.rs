//! What a token says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id_opt;

/// The payload of a token. It holds no secret.
///
/// The members are those of the sample on the vendor's help page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TokenClaims {
    /// When it was given out, in seconds since 1970.
    #[serde(default)]
    pub iat: Option<i64>,
    /// When it ends, in seconds since 1970.
    #[serde(default)]
    pub exp: Option<i64>,
    /// The service provider.
    #[serde(default, deserialize_with = "id_opt")]
    pub service_provider_id: Option<String>,
    /// The account that the key belongs to.
    #[serde(default, deserialize_with = "id_opt")]
    pub account_id: Option<String>,
    /// The name of that account's company.
    #[serde(default)]
    pub company_name: Option<String>,
    /// The key.
    #[serde(default, deserialize_with = "id_opt")]
    pub api_key_id: Option<String>,
    /// What it may do, by area, such as `Accounts` and `Service Management`.
    #[serde(default)]
    pub access: Option<BTreeMap<String, AreaRights>>,
}

/// The rights in one area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AreaRights {
    /// To make.
    #[serde(rename = "C", default)]
    pub create: Option<bool>,
    /// To read.
    #[serde(rename = "R", default)]
    pub read: Option<bool>,
    /// To change.
    #[serde(rename = "U", default)]
    pub update: Option<bool>,
    /// To delete.
    #[serde(rename = "D", default)]
    pub delete: Option<bool>,
}

impl TokenClaims {
    /// Whether it may read an area, where it says so.
    #[must_use]
    pub fn may_read(&self, area: &str) -> Option<bool> {
        self.access.as_ref()?.get(area)?.read
    }
}
