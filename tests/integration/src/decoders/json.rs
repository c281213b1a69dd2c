//! Reading and writing JSON, as the properties need it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tallyline_core::wire::decode_json;

/// What was read is written and read again as it was; gives what was read.
pub(super) fn round_trip<T>(data: &[u8]) -> Option<T>
where
    T: Debug + DeserializeOwned + PartialEq + Serialize,
{
    let value: T = decode_json(data).ok()?;
    let text = write(&value);
    let again: T = read(&text);
    assert_eq!(again, value, "{text}");
    Some(value)
}

/// As [`round_trip`], for what can only be compared by its text.
pub(super) fn round_trip_text<T: DeserializeOwned + Serialize>(data: &[u8]) -> Option<T> {
    let value: T = decode_json(data).ok()?;
    let text = write(&value);
    let again: T = read(&text);
    assert_eq!(write(&again), text);
    Some(value)
}

pub(super) fn write(value: &(impl Serialize + ?Sized)) -> String {
    match serde_json::to_string(value) {
        Ok(text) => text,
        Err(error) => panic!("what was read cannot be written: {error}"),
    }
}

pub(super) fn read<T: DeserializeOwned>(text: &str) -> T {
    match decode_json(text.as_bytes()) {
        Ok(value) => value,
        Err(error) => panic!("what was written cannot be read: {error}: {text}"),
    }
}

/// The fields of a JSON object by name, each with its literal text; none where a name that the
/// models pass over is no text.
pub(super) fn fields(data: &[u8]) -> Option<BTreeMap<String, Box<RawValue>>> {
    serde_json::from_slice(data).ok()
}
