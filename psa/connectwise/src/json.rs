//! JSON values kept as their literal text.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tallyline_core::model::{CivilDate, Quantity};
use tallyline_core::{Error, ErrorKind, Result};

use crate::models::midnight;

/// A JSON value kept as its literal text, so that a number keeps every digit.
///
/// Two values are equal when their texts are.
#[derive(Clone)]
pub struct ExactJson(Box<RawValue>);

impl ExactJson {
    /// The value of anything that can be written as JSON.
    ///
    /// # Errors
    /// `Unexpected` when it cannot be written as JSON.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        serde_json::value::to_raw_value(value)
            .map(Self)
            .map_err(|error| {
                Error::new(ErrorKind::Unexpected, "the value cannot be written as JSON")
                    .with_source(error)
            })
    }

    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// The text of a JSON string; none for other values.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        serde_json::from_str(self.0.get()).ok()
    }
}

impl TryFrom<Decimal> for ExactJson {
    type Error = Error;

    /// A JSON number with all digits and no exponent.
    fn try_from(value: Decimal) -> Result<Self> {
        RawValue::from_string(value.to_string())
            .map(Self)
            .map_err(|error| {
                Error::new(
                    ErrorKind::Unexpected,
                    "the number cannot be written as JSON",
                )
                .with_source(error)
            })
    }
}

impl TryFrom<Quantity> for ExactJson {
    type Error = Error;

    fn try_from(value: Quantity) -> Result<Self> {
        value.value().try_into()
    }
}

impl TryFrom<CivilDate> for ExactJson {
    type Error = Error;

    /// Midnight UTC on the date.
    fn try_from(value: CivilDate) -> Result<Self> {
        Self::of(&midnight(value))
    }
}

impl TryFrom<&str> for ExactJson {
    type Error = Error;

    fn try_from(value: &str) -> Result<Self> {
        Self::of(value)
    }
}

impl PartialEq for ExactJson {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Eq for ExactJson {}

impl fmt::Debug for ExactJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl Serialize for ExactJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ExactJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}
