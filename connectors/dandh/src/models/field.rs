//! The value of a product's field: any JSON.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tallyline_core::wire::parse_decimal;

/// The value of a product's field, kept as its JSON text: a text, number, flag, list or object.
///
/// ```
/// use tallyline_dandh::models::FieldValue;
///
/// let value: FieldValue = serde_json::from_str("\"12.0\"")?;
/// assert_eq!(value.quantity().map(|units| units.normalize().to_string()).as_deref(), Some("12"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FieldValue(Box<str>);

impl FieldValue {
    /// The JSON text as it came.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The text, where it is one; of a number its literal.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.0.as_bytes().first()? {
            b'"' => serde_json::from_str(&self.0).ok(),
            b'-' | b'0'..=b'9' => Some(self.0.as_ref().to_owned()),
            _ => None,
        }
    }

    /// The number of units, where it is a number or a text that holds one, read exactly.
    #[must_use]
    pub fn quantity(&self) -> Option<Decimal> {
        parse_decimal(&self.text()?).ok()
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldValue({})", self.0)
    }
}

impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().into()))
    }
}

impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.as_ref().to_owned())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_from_numbers_and_texts_exactly_or_not_at_all() {
        let units = |json: &str| {
            let value: FieldValue = serde_json::from_str(json).unwrap();
            value.quantity().map(|units| units.to_string())
        };
        for (json, wanted) in [
            ("14", "14"),
            ("\"14\"", "14"),
            ("12.50", "12.50"),
            ("\" 12.0 \"", "12.0"),
            ("1e2", "100"),
            (
                "0.1234567890123456789012345678",
                "0.1234567890123456789012345678",
            ),
        ] {
            assert_eq!(units(json).as_deref(), Some(wanted), "{json}");
        }
        for json in [
            "\"\"",
            "\"many\"",
            "true",
            "null",
            "[14]",
            "{\"a\":14}",
            "1e40",
        ] {
            assert_eq!(units(json), None, "{json}");
        }
    }
}
