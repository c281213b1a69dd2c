//! The records of a list in an answer, one by one.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::decode::read;
use crate::error::{Error, ErrorKind, Result};

/// Reads the list in a field of a JSON object, its records as they came; absent and `null` are none.
/// An error names the record.
///
/// # Errors
/// `Protocol` with the JSON path.
pub(crate) fn decode_records(body: &[u8], field: &str) -> Result<Option<Vec<Box<RawValue>>>> {
    read(RecordsIn { field }, body).map_err(|misread| {
        Error::new(ErrorKind::Protocol, misread.what).with_json_path(misread.path)
    })
}

/// An object of which one field is read.
struct RecordsIn<'a> {
    field: &'a str,
}

impl<'de> DeserializeSeed<'de> for RecordsIn<'_> {
    type Value = Option<Vec<Box<RawValue>>>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordsIn<'_> {
    type Value = Option<Vec<Box<RawValue>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the list {}", self.field)
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<String>()? {
            if name != self.field {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if found.is_some() {
                return Err(A::Error::custom(format!("the list {name} comes twice")));
            }
            found = Some(map.next_value::<Option<Vec<Box<RawValue>>>>()?);
        }
        Ok(found.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_a_field_is_read_record_by_record_and_a_broken_one_is_named() {
        let read = |json: &str| {
            let records = decode_records(json.as_bytes(), "items")?;
            Ok(records.map(|records| records.iter().map(|row| row.get().to_owned()).collect()))
        };
        let some =
            |rows: &[&str]| Some(rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>());
        for (json, expected) in [
            (
                r#"{"a":[{}],"items":[{"id":1.50},2]}"#,
                some(&[r#"{"id":1.50}"#, "2"]),
            ),
            (r#"{"items":[]}"#, some(&[])),
            (r#"{"items":null}"#, None),
            ("{}", None),
        ] {
            assert_eq!(read(json).unwrap(), expected, "{json}");
        }
        let path = |json: &str| -> String {
            let error: Error = read(json).unwrap_err();
            error.json_path().unwrap().to_owned()
        };
        assert_eq!(path(r#"{"items":[{"id":1},{"id":"a}]}"#), "items[1]");
        assert_eq!(path(r#"{"items":{}}"#), "items");
        for json in [
            "[]",
            "7",
            r#"{"items":[],"items":[]}"#,
            r#"{"items":[]} x"#,
            "",
        ] {
            assert_eq!(
                read(json).unwrap_err().kind(),
                ErrorKind::Protocol,
                "{json}"
            );
        }
    }
}
