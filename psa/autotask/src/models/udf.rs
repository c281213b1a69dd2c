//! User-defined fields.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::non_empty;

use super::metadata::PicklistValue;
use super::system::whole_number_opt;

/// The value of a user-defined field on a record. Values are texts whatever the field's type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UserDefinedField {
    /// The field's name.
    pub name: String,
    /// The value; `null` is none.
    pub value: Option<String>,
}

impl UserDefinedField {
    /// A field with a value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
        }
    }
}

/// The value of a field by its exact name; none where it is absent, null or blank.
#[must_use]
pub fn udf_value<'a>(fields: &'a [UserDefinedField], name: &str) -> Option<&'a str> {
    fields
        .iter()
        .find(|field| field.name == name)
        .and_then(|field| field.value.as_deref())
        .filter(|value| !value.trim().is_empty())
}

/// The definition of a user-defined field, `/UserDefinedFieldDefinitions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserDefinedFieldDefinition {
    /// The id.
    #[serde(deserialize_with = "whole_number_opt")]
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The description.
    #[serde(deserialize_with = "non_empty")]
    pub description: Option<String>,
    /// The type of its values; a picklist's.
    pub data_type: Option<PicklistValue>,
    /// The entity that it is on; a picklist's.
    pub udf_type: Option<PicklistValue>,
    /// Whether it is active.
    pub is_active: Option<bool>,
    /// Whether people must fill it in. The API does not enforce it.
    pub is_required: Option<bool>,
    /// Whether it is protected.
    pub is_protected: Option<bool>,
    /// Whether it is encrypted.
    pub is_encrypted: Option<bool>,
}
