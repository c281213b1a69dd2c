//! Puts other bytes in the place of one value of a JSON text, whatever they are.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;

/// Where the value at a JSON pointer such as `/items/1/quantity` stands.
pub(super) fn span(json: &str, pointer: &str) -> Option<Range<usize>> {
    let mut text = json;
    for part in pointer.split('/').skip(1) {
        let value: &RawValue = match part.parse::<usize>() {
            Ok(index) => serde_json::from_str::<Vec<&RawValue>>(text)
                .ok()?
                .get(index)?,
            Err(_) => serde_json::from_str::<BTreeMap<String, &RawValue>>(text)
                .ok()?
                .get(part)?,
        };
        text = value.get();
    }
    let start = text.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
    Some(start..start + text.len())
}

/// The text with the value replaced.
pub(super) fn replace(json: &str, at: &Range<usize>, value: &[u8]) -> Vec<u8> {
    [
        &json.as_bytes()[..at.start],
        value,
        &json.as_bytes()[at.end..],
    ]
    .concat()
}

/// The text with the key written again after the value, with another value.
pub(super) fn again(json: &str, at: &Range<usize>, key: &str, value: &str) -> Vec<u8> {
    let kept = &json[at.clone()];
    replace(json, at, format!("{kept},\"{key}\":{value}").as_bytes())
}

/// The text with the key renamed, so that the field is missing.
pub(super) fn without(json: &str, at: &Range<usize>, key: &str) -> Option<Vec<u8>> {
    let quoted = format!("\"{key}\"");
    let start = json[..at.start].rfind(&quoted)?;
    Some(replace(
        json,
        &(start..start + quoted.len()),
        b"\"x-not-the-field\"",
    ))
}

/// The JSON path of a pointer's record: up to its last index; the whole where there is none.
pub(super) fn record_path(pointer: &str) -> String {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    let last = parts.iter().rposition(|part| part.parse::<usize>().is_ok());
    let parts = last.map_or(&parts[..], |last| &parts[..=last]);
    parts
        .iter()
        .fold(String::new(), |path, part| match part.parse::<usize>() {
            Ok(index) => format!("{path}[{index}]"),
            Err(_) if path.is_empty() => (*part).to_owned(),
            Err(_) => format!("{path}.{part}"),
        })
}
