//! The vendor, its integration with an MSP, and the MSP's clients.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tallyline_core::wire::{non_empty, null_as_empty};
use tallyline_core::wire_enum;

use super::Service;

/// What some answers are wrapped in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Wrapped<T> {
    /// What is wrapped.
    pub data: T,
}

/// Whoever pushes counts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Vendor {
    /// The id; its old name is `_id`.
    #[serde(default, deserialize_with = "non_empty")]
    pub id: Option<String>,
    /// The id under its old name.
    #[serde(default, rename = "_id", deserialize_with = "non_empty")]
    pub old_id: Option<String>,
    /// The name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The description.
    #[serde(default, deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// What kind of integration it is.
    #[serde(default, deserialize_with = "non_empty")]
    pub integration_type: Option<String>,
    /// Whether it distributes the products of others.
    #[serde(default)]
    pub is_distributor: Option<bool>,
    /// What it pushes.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub modules: Vec<Module>,
    /// The MSP that it is for alone, where it is.
    #[serde(default, deserialize_with = "non_empty")]
    pub organization_id: Option<String>,
    /// The services. They must be there: a vendor without the list is no vendor without services.
    pub skus: Vec<Service>,
}

impl Vendor {
    /// The id, under whichever name.
    #[must_use]
    pub fn any_id(&self) -> Option<&str> {
        self.id.as_deref().or(self.old_id.as_deref())
    }
}

/// What a vendor pushes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Module {
    /// `billing` or `alerts`.
    #[serde(deserialize_with = "non_empty")]
    pub variation: Option<String>,
    /// Its status.
    pub status: Option<IntegrationStatus>,
}

/// What is to change of the vendor; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VendorUpdate {
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl VendorUpdate {
    /// Another description.
    pub fn described(description: impl Into<String>) -> Self {
        Self {
            name: None,
            description: Some(description.into()),
        }
    }
}

wire_enum! {
    /// Where an integration stands. Letter case counts.
    pub enum IntegrationStatus {
        /// The MSP reconciles.
        Active = "active",
        /// Not connected, or no longer.
        Inactive = "inactive",
        /// Connected; the MSP is to map accounts and services.
        Pending = "pending",
        /// Switched off.
        Disabled = "disabled",
        /// Something is wrong with it.
        Error = "error",
        /// Never connected.
        NotIntegrated = "notIntegrated",
    }
}

/// The integration of a vendor with an MSP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Integration {
    /// The MSP.
    pub organization_id: String,
    /// Its name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The vendor.
    #[serde(default, deserialize_with = "non_empty")]
    pub vendor_id: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "non_empty")]
    pub vendor_name: Option<String>,
    /// The integration.
    #[serde(default, deserialize_with = "non_empty")]
    pub integration_id: Option<String>,
    /// Where it stands.
    pub status: IntegrationStatus,
    /// When the billing view was last synced; a day of the year 1900 before the first time.
    #[serde(default, deserialize_with = "non_empty")]
    pub last_synced_at: Option<String>,
}

/// Clients of the MSP in its PSA.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Clients {
    /// Each as it came: what it looks like is not documented.
    pub clients: Vec<Box<RawValue>>,
}

impl PartialEq for Clients {
    fn eq(&self, other: &Self) -> bool {
        let texts = |of: &Self| -> Vec<String> {
            of.clients.iter().map(|raw| raw.get().to_owned()).collect()
        };
        texts(self) == texts(other)
    }
}
