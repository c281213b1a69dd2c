//! The vendor's services, and the counts of them.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use tallyline_core::wire::{as_number, non_empty};

use super::{Category, Subcategory};

/// A product of the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Service {
    /// The id; its old name is `_id`.
    #[serde(default, deserialize_with = "non_empty")]
    pub id: Option<String>,
    /// The id under its old name.
    #[serde(default, rename = "_id", deserialize_with = "non_empty")]
    pub old_id: Option<String>,
    /// The name, by which a service is found again.
    pub name: String,
    /// The description.
    #[serde(default, deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// The category.
    #[serde(default)]
    pub category: Option<Category>,
    /// The subcategory.
    #[serde(default)]
    pub subcategory: Option<Subcategory>,
    /// An article about it.
    #[serde(default, deserialize_with = "non_empty")]
    pub support_article: Option<String>,
    /// Who helps with it.
    #[serde(default, deserialize_with = "non_empty")]
    pub support_contact: Option<String>,
}

impl Service {
    /// The id, under whichever name.
    #[must_use]
    pub fn any_id(&self) -> Option<&str> {
        self.id.as_deref().or(self.old_id.as_deref())
    }
}

/// A service to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewService {
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The category.
    pub category: Category,
    /// The subcategory.
    pub subcategory: Subcategory,
    /// An article about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_article: Option<String>,
    /// Who helps with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_contact: Option<String>,
}

impl NewService {
    /// A service of a name, described by it.
    pub fn new(name: impl Into<String>, category: Category, subcategory: Subcategory) -> Self {
        let name = name.into();
        Self {
            description: name.clone(),
            name,
            category,
            subcategory,
            support_article: None,
            support_contact: None,
        }
    }
}

/// What is to change of a service; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServiceUpdate {
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Another category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Another subcategory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subcategory: Option<Subcategory>,
}

impl ServiceUpdate {
    /// Another description.
    pub fn described(description: impl Into<String>) -> Self {
        Self {
            description: Some(description.into()),
            ..Self::default()
        }
    }
}

/// The count of a service for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Count {
    /// The account, by the vendor's own id.
    pub account_id: String,
    /// The number of units, absolute.
    #[serde(serialize_with = "as_number")]
    pub unit_count: Decimal,
}

impl Count {
    /// So many units for an account.
    pub fn new(account_id: impl Into<String>, unit_count: impl Into<Decimal>) -> Self {
        Self {
            account_id: account_id.into(),
            unit_count: unit_count.into(),
        }
    }
}

/// The answer to a count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct CountSet {
    /// The status, as the body says it.
    #[serde(default)]
    pub status: Option<u16>,
    /// What the system says.
    #[serde(default, deserialize_with = "non_empty")]
    pub message: Option<String>,
    /// The id that the client gave the request.
    #[serde(skip)]
    pub request_id: Option<String>,
}

impl CountSet {
    pub(crate) fn with_request_id(mut self, id: &str) -> Self {
        self.request_id = Some(id.to_owned());
        self
    }
}
