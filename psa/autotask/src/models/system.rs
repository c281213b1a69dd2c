//! Zone, versions, thresholds, and the answers that all entities share.

use serde::{Deserialize, Deserializer};
use tallyline_core::wire::{non_empty, null_as_empty, whole_number};

/// Where a tenant lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ZoneInformation {
    /// The zone's name.
    #[serde(deserialize_with = "non_empty")]
    pub zone_name: Option<String>,
    /// The API's address, without the version.
    #[serde(deserialize_with = "non_empty")]
    pub url: Option<String>,
    /// The address that people sign in at.
    #[serde(deserialize_with = "non_empty")]
    pub web_url: Option<String>,
    /// The tenant's database.
    #[serde(deserialize_with = "whole_number_opt")]
    pub ci: Option<i64>,
}

/// The versions that the API has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ApiVersions {
    /// Such as `1.0`.
    #[serde(deserialize_with = "null_as_empty")]
    pub api_versions: Vec<String>,
}

/// How much of the tenant's budget is used, by all integrations together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ThresholdInformation {
    /// Requests allowed in the time frame.
    #[serde(deserialize_with = "whole_number_opt")]
    pub external_request_threshold: Option<i64>,
    /// The time frame, in minutes.
    #[serde(deserialize_with = "whole_number_opt")]
    pub request_threshold_timeframe: Option<i64>,
    /// Requests made in it.
    #[serde(deserialize_with = "whole_number_opt")]
    pub current_timeframe_request_count: Option<i64>,
}

/// The answer of a write: the id of what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ItemId {
    /// A number, or a text of digits.
    #[serde(deserialize_with = "whole_number")]
    pub item_id: i64,
}

/// The answer of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryCount {
    #[serde(deserialize_with = "whole_number")]
    pub(crate) query_count: u32,
}

/// A whole number, as a number or a text; `null` and an empty text are none.
pub(super) fn whole_number_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Whole(#[serde(deserialize_with = "whole_or_blank")] Option<i64>);
    Ok(Option::<Whole>::deserialize(deserializer)?.and_then(|whole| whole.0))
}

fn whole_or_blank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = tallyline_core::wire::text_or_number(deserializer)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    text.trim().parse().map(Some).map_err(|error| {
        let shown: String = text.chars().take(40).collect();
        serde::de::Error::custom(format!("{shown:?} is not a whole number: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn the_id_of_what_was_written_is_a_number_or_a_text_of_digits() {
        for body in [r#"{"itemId":50020001}"#, r#"{"itemId":"50020001"}"#] {
            let answer: ItemId = decode_json(body.as_bytes()).unwrap();
            assert_eq!(answer.item_id, 50_020_001);
        }
        for body in [
            "{}",
            r#"{"itemId":null}"#,
            r#"{"itemId":"x"}"#,
            r#"{"id":1}"#,
        ] {
            assert!(decode_json::<ItemId>(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn whole_numbers_may_come_as_text_null_or_blank_and_zero_is_a_value() {
        let read = |value: &str| {
            let body = format!(r#"{{"ci":{value}}}"#);
            decode_json::<ZoneInformation>(body.as_bytes()).map(|zone| zone.ci)
        };
        assert_eq!(read("0").unwrap(), Some(0));
        assert_eq!(read("\"17\"").unwrap(), Some(17));
        assert_eq!(read("null").unwrap(), None);
        assert_eq!(read("\" \"").unwrap(), None);
        assert!(read("1.5").is_err());
        assert!(read("\"x\"").is_err());
    }
}
