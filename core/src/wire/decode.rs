//! Decoding whole bodies: an error names the place.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed};

use super::trail::{On, Trail, path_to_end};
use crate::error::{Error, ErrorKind, Result};

/// Decodes a JSON body; an error names the path and the type.
///
/// A struct is read from an object alone. Left to itself serde takes a list as well, value by
/// value, and an empty one would be a record in which everything optional is absent.
///
/// # Errors
/// `Protocol` with the JSON path, also where the body is not UTF-8.
pub fn decode_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    read(PhantomData, body).map_err(|Misread { what, path }| {
        let message = format!("{what} does not fit {}", short_type_name::<T>());
        Error::new(ErrorKind::Protocol, message).with_json_path(path)
    })
}

/// Why a body could not be read, and where.
pub(super) struct Misread {
    pub(super) what: String,
    pub(super) path: String,
}

impl Misread {
    fn whole(what: &dyn fmt::Display) -> Self {
        let (what, path) = (what.to_string(), ".".to_owned());
        Self { what, path }
    }
}

/// Reads a body by the rules of [`decode_json`].
pub(super) fn read<'de, S: DeserializeSeed<'de>>(
    seed: S,
    body: &'de [u8],
) -> std::result::Result<S::Value, Misread> {
    let json = std::str::from_utf8(body).map_err(|error| {
        let valid = body.get(..error.valid_up_to()).unwrap_or_default();
        let valid = std::str::from_utf8(valid).unwrap_or_default();
        Misread {
            what: error.to_string(),
            path: path_to_end(valid),
        }
    })?;
    let trail = Trail::default();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = seed.deserialize(On::new(&mut deserializer, &trail));
    let value = value.map_err(|error| Misread {
        what: error.to_string(),
        path: trail.path(json),
    })?;
    let end = deserializer.end();
    end.map_err(|error| Misread::whole(&error))?;
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
