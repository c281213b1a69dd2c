//! References between records, and what every record carries.

use serde::{Deserialize, Serialize};
use tallyline_core::wire::non_empty;

use crate::json::ExactJson;

/// A reference to another record, as the system gives it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reference {
    /// The id.
    pub id: Option<i64>,
    /// The code, where the record has one.
    #[serde(deserialize_with = "non_empty")]
    pub identifier: Option<String>,
    /// The name, where the record has one.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
}

/// A reference to a currency.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurrencyReference {
    /// The id.
    pub id: Option<i64>,
    /// The name.
    #[serde(deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// The ISO 4217 code.
    #[serde(deserialize_with = "non_empty")]
    pub currency_code: Option<String>,
    /// The symbol.
    #[serde(deserialize_with = "non_empty")]
    pub symbol: Option<String>,
    /// The decimals shown.
    pub number_of_decimals: Option<i64>,
}

/// The stamps of a record. Read-only.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Info {
    /// When it was last edited.
    #[serde(deserialize_with = "non_empty")]
    pub last_updated: Option<String>,
    /// Who last edited it.
    #[serde(deserialize_with = "non_empty")]
    pub updated_by: Option<String>,
    /// When it was created.
    #[serde(deserialize_with = "non_empty")]
    pub date_entered: Option<String>,
    /// Who created it.
    #[serde(deserialize_with = "non_empty")]
    pub entered_by: Option<String>,
}

/// The value of a custom field.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct CustomFieldValue {
    /// The id of the field.
    pub id: Option<i64>,
    /// The caption.
    #[serde(deserialize_with = "non_empty")]
    pub caption: Option<String>,
    /// The type, as in `Text` or `Number`.
    #[serde(deserialize_with = "non_empty")]
    pub r#type: Option<String>,
    /// How it is entered, as in `EntryField` or `List`.
    #[serde(deserialize_with = "non_empty")]
    pub entry_method: Option<String>,
    /// The decimals of a number.
    pub number_of_decimals: Option<i64>,
    /// The value: a scalar, kept as its JSON text.
    pub value: Option<ExactJson>,
}

/// A reference in a request: by id, or by code where the record has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecordRef {
    /// The id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
}

impl RecordRef {
    /// A reference by id.
    #[must_use]
    pub const fn by_id(id: i64) -> Self {
        Self {
            id: Some(id),
            identifier: None,
        }
    }

    /// A reference by code.
    pub fn by_identifier(identifier: impl Into<String>) -> Self {
        Self {
            id: None,
            identifier: Some(identifier.into()),
        }
    }
}

/// The value of a custom field in a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewCustomFieldValue {
    /// The id of the field.
    pub id: i64,
    /// The caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The value; `None` is sent as `null`.
    pub value: Option<ExactJson>,
}

impl CustomFieldValue {
    /// The value as text, without zero-width characters and surrounding blanks.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let value = self.value.as_ref()?;
        let text = value
            .as_text()
            .unwrap_or_else(|| value.as_json().to_owned());
        let text: String = text
            .chars()
            .filter(|c| !matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}'))
            .collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The same value as it is sent back; none without an id.
    #[must_use]
    pub fn echo(&self) -> Option<NewCustomFieldValue> {
        Some(NewCustomFieldValue {
            id: self.id?,
            caption: None,
            value: self.value.clone(),
        })
    }
}
