//! Services: what an account has of a solution.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::non_empty;

use super::id;

tallyline_core::wire_enum! {
    /// What a service is. Others exist by the data model (reservation, pay as you go, machines, edge gateways), and by
    /// what words is not known.
    pub enum ServiceType {
        /// A virtual data centre with an allocation: the only one that was seen.
        AllocationVdc = "allocationVDC",
    }
}

/// What a service says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServiceMetaData {
    /// What it is. Read by one public script.
    #[serde(rename = "type", default, deserialize_with = "type_opt")]
    pub kind: Option<ServiceType>,
}

/// A service of an account.
///
/// `GET /serviceOfferings/accounts/{accountId}/services/`. The three members are read by one public script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Service {
    /// The id.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// What it says of itself.
    #[serde(default)]
    pub meta_data: Option<ServiceMetaData>,
}

impl Service {
    /// What it is, where it says so.
    #[must_use]
    pub fn kind(&self) -> Option<&ServiceType> {
        self.meta_data.as_ref()?.kind.as_ref()
    }
}

/// A type that is blank is none.
fn type_opt<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ServiceType>, D::Error> {
    Ok(non_empty(deserializer)?.map(|text| ServiceType::from(text.as_str())))
}
