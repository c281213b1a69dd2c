//! Decoding whole bodies: an error names the place.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeOwned, Visitor};

use crate::error::{Error, ErrorKind, Result};

/// What a type asks a deserializer for, found out by asking.
struct Asked;

/// Whether it asked for a struct.
#[derive(Debug, thiserror::Error)]
#[error("nothing to read")]
struct AskedFor {
    object: bool,
}

impl serde::de::Error for AskedFor {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self { object: false }
    }
}

impl<'de> Deserializer<'de> for Asked {
    type Error = AskedFor;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> std::result::Result<V::Value, AskedFor> {
        Err(AskedFor { object: false })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> std::result::Result<V::Value, AskedFor> {
        Err(AskedFor { object: true })
    }

    /// What may be null is asked what it is when it is not.
    fn deserialize_option<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> std::result::Result<V::Value, AskedFor> {
        visitor.visit_some(self)
    }

    // The methods of the trait by name: whatever else is asked for, no value is read here.
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Whether a type is read from an object alone, as a struct is, and not from a list.
pub(super) fn asks_for_object<T: DeserializeOwned>() -> bool {
    matches!(T::deserialize(Asked), Err(AskedFor { object: true }))
}

/// Decodes a JSON body; an error names the path and the type.
///
/// A struct is read from an object alone. Left to itself serde takes a list as well, value by
/// value, and an empty one would be a record in which everything optional is absent.
///
/// # Errors
/// `Protocol` with the JSON path.
pub fn decode_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    if body.trim_ascii_start().first() == Some(&b'[') && asks_for_object::<T>() {
        return Err(Error::new(
            ErrorKind::Protocol,
            format!("a list does not fit {}", short_type_name::<T>()),
        )
        .with_json_path("."));
    }
    // Following the path costs as much again as reading: it is followed where there is an error to place.
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        Error::new(
            ErrorKind::Protocol,
            format!(
                "{} does not fit {}",
                error.into_inner(),
                short_type_name::<T>()
            ),
        )
        .with_json_path(path)
    })?;
    deserializer
        .end()
        .map_err(|error| Error::new(ErrorKind::Protocol, error.to_string()))?;
    Ok(value)
}

fn short_type_name<T>() -> String {
    let name = std::any::type_name::<T>();
    name.split_inclusive(['<', ',', '>', ' '])
        .map(|part| part.rsplit("::").next().unwrap_or(part))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::wire::null_as_empty;

    #[test]
    fn a_list_is_no_record_however_optional_its_fields_are() {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Record {
            #[serde(deserialize_with = "null_as_empty")]
            items: Vec<u8>,
        }
        for json in ["[]", " [null]", "[[1]]"] {
            let error = decode_json::<Record>(json.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{json}");
            assert!(decode_json::<Option<Record>>(json.as_bytes()).is_err());
        }
        assert!(decode_json::<Option<Record>>(b"null").unwrap().is_none());
        let record: Record = decode_json(br#"{"items":[1]}"#).unwrap();
        assert_eq!(record.items, [1]);
        assert_eq!(decode_json::<Vec<u8>>(b"[1]").unwrap(), [1]);
    }
}
