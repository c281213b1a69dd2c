//! What the API says about its entities and their fields.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tallyline_core::wire::{non_empty, null_as_empty, text_or_number};
use tallyline_core::wire_enum;

use super::system::whole_number_opt;

/// A value of a picklist: a number in records, a text in metadata, a letter in old data. The two
/// forms of one value are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PicklistValue(Box<str>);

impl PicklistValue {
    /// The value as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a number, where it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl From<i64> for PicklistValue {
    fn from(value: i64) -> Self {
        Self(value.to_string().into())
    }
}

impl PartialEq<i64> for PicklistValue {
    fn eq(&self, other: &i64) -> bool {
        self.as_number() == Some(*other)
    }
}

impl fmt::Display for PicklistValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PicklistValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PicklistValue({:?})", self.0)
    }
}

impl Serialize for PicklistValue {
    /// A number where it is one, as records hold it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_number() {
            Some(number) => serializer.serialize_i64(number),
            None => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for PicklistValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text_or_number(deserializer)?;
        Ok(Self(text.trim().into()))
    }
}

wire_enum! {
    ignore_case
    /// How far a right reaches.
    pub enum Access {
        /// Not at all.
        None = "None",
        /// To some records.
        Restricted = "Restricted",
        /// To all records.
        All = "All",
    }
}

/// What may be done with an entity, and what the API user may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct EntityInfo {
    /// The entity's name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Whether the API can create it.
    pub can_create: Option<bool>,
    /// Whether the API can delete it.
    pub can_delete: Option<bool>,
    /// Whether the API can query it.
    pub can_query: Option<bool>,
    /// Whether the API can change it.
    pub can_update: Option<bool>,
    /// The user's right to create it.
    #[serde(deserialize_with = "access")]
    pub user_access_for_create: Option<Access>,
    /// The user's right to delete it.
    #[serde(deserialize_with = "access")]
    pub user_access_for_delete: Option<Access>,
    /// The user's right to query it.
    #[serde(deserialize_with = "access")]
    pub user_access_for_query: Option<Access>,
    /// The user's right to change it.
    #[serde(deserialize_with = "access")]
    pub user_access_for_update: Option<Access>,
    /// Whether it has user-defined fields.
    pub has_user_defined_fields: Option<bool>,
}

/// An access level, by name or, as enums may be written, by number.
fn access<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Access>, D::Error> {
    let value = Option::<PicklistValue>::deserialize(deserializer)?;
    Ok(value.map(|value| Access::from(value.as_str())))
}

/// A field of an entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct FieldInfo {
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The type: `integer`, `long`, `string`, `double`, `decimal`, `boolean` or `datetime`.
    #[serde(deserialize_with = "non_empty")]
    pub data_type: Option<String>,
    /// The most characters.
    #[serde(deserialize_with = "whole_number_opt")]
    pub length: Option<i64>,
    /// Whether it is required. Does not tell create from update.
    pub is_required: Option<bool>,
    /// Whether it is read-only. Does not tell create from update.
    pub is_read_only: Option<bool>,
    /// Whether filters may name it.
    pub is_queryable: Option<bool>,
    /// Whether it is a picklist.
    pub is_pick_list: Option<bool>,
    /// The values of a picklist.
    #[serde(deserialize_with = "null_as_empty")]
    pub picklist_values: Vec<PicklistEntry>,
}

/// A value of a picklist with its label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct PicklistEntry {
    /// The value that records hold.
    pub value: Option<PicklistValue>,
    /// What people see.
    #[serde(deserialize_with = "non_empty")]
    pub label: Option<String>,
    /// Whether it is active.
    pub is_active: Option<bool>,
    /// Whether it is the default.
    pub is_default_value: Option<bool>,
}

/// A user-defined field of an entity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct UdfFieldInfo {
    /// The name, as filters and records have it.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The label.
    #[serde(deserialize_with = "non_empty")]
    pub label: Option<String>,
    /// The type of its values, such as `string`.
    #[serde(rename = "type", deserialize_with = "non_empty")]
    pub field_type: Option<String>,
    /// The most characters.
    #[serde(deserialize_with = "whole_number_opt")]
    pub length: Option<i64>,
    /// Whether filters may name it.
    pub is_queryable: Option<bool>,
    /// Whether it is read-only.
    pub is_read_only: Option<bool>,
    /// Whether it is a picklist.
    pub is_pick_list: Option<bool>,
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn a_picklist_value_is_the_same_as_text_and_as_number_and_letters_are_kept() {
        let values: Vec<PicklistValue> = decode_json(br#"[7,"7","m"]"#).unwrap();
        assert_eq!(values[0], values[1]);
        assert!(values[0] == 7 && values[2] != 7);
        assert_eq!(serde_json::to_string(&values).unwrap(), r#"[7,7,"m"]"#);
    }

    #[test]
    fn rights_are_read_by_name_and_unknown_ones_are_kept() {
        let info: EntityInfo =
            decode_json(br#"{"userAccessForCreate":"all","userAccessForUpdate":"Mine","userAccessForDelete":3}"#)
                .unwrap();
        assert_eq!(info.user_access_for_create, Some(Access::All));
        assert_eq!(
            info.user_access_for_update,
            Some(Access::Unknown("Mine".into()))
        );
        assert_eq!(
            info.user_access_for_delete,
            Some(Access::Unknown("3".into()))
        );
        assert_eq!(info.user_access_for_query, None);
    }
}
