//! Platforms and their meters. Read leniently: the vendor publishes no schema for them.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tallyline_core::wire::{as_number_opt, exact_decimal_opt, non_empty, null_as_empty};

use super::{LocalizedText, required_text};

/// The platforms that offers belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Platforms {
    /// The platforms; `null` is read as none.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub platforms: Vec<Platform>,
}

/// One platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Platform {
    /// The id.
    #[serde(deserialize_with = "required_text")]
    pub id: String,
    /// The name in each language.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub name: Vec<LocalizedText>,
}

/// The platforms that a customer has set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlatformsConfigurations {
    /// The platforms; `null` is read as none.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub configured_platforms: Vec<ConfiguredPlatform>,
}

/// A platform that a customer has set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConfiguredPlatform {
    /// The platform's id.
    #[serde(deserialize_with = "required_text")]
    pub id: String,
}

/// The meters of a customer on a platform.
///
/// The envelope is inferred: a bare list, or an object with `meterUsages`, `meters` or
/// `items`. Anything else is refused rather than read as no meters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MeterUsages {
    /// The meters.
    pub meters: Vec<MeterUsage>,
}

/// One meter. `consumed_quantities` is a running figure, not a billing line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MeterUsage {
    /// The meter's id.
    #[serde(default, deserialize_with = "non_empty")]
    pub meter_id: Option<String>,
    /// What is included or bought.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub total_quantities: Option<Decimal>,
    /// What was consumed in the current period so far.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub consumed_quantities: Option<Decimal>,
    /// What is left.
    #[serde(
        default,
        deserialize_with = "exact_decimal_opt",
        serialize_with = "as_number_opt"
    )]
    pub available_quantities: Option<Decimal>,
}

impl<'de> Deserialize<'de> for MeterUsages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Envelope)
    }
}

/// Reads either form in one pass, so that an error names the meter by its path.
struct Envelope;

impl<'de> Visitor<'de> for Envelope {
    type Value = MeterUsages;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of meters, or an object that holds one")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<MeterUsages, A::Error> {
        let meters = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(read(meters))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<MeterUsages, A::Error> {
        const NAMES: [&str; 3] = ["meterUsages", "meters", "items"];
        let mut found: [Option<Option<Vec<OneMeter>>>; 3] = [None, None, None];
        while let Some(name) = members.next_key::<String>()? {
            let place = NAMES.iter().position(|known| *known == name);
            match place.and_then(|place| Some((NAMES.get(place)?, found.get_mut(place)?))) {
                Some((name, Some(_))) => return Err(A::Error::duplicate_field(name)),
                Some((_, slot)) => *slot = Some(members.next_value()?),
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        let meters = found.into_iter().flatten().flatten().next();
        let none = || A::Error::custom("no list of meters in the answer");
        meters.map(read).ok_or_else(none)
    }
}

fn read(meters: Vec<OneMeter>) -> MeterUsages {
    MeterUsages {
        meters: meters.into_iter().map(|meter| meter.0).collect(),
    }
}

/// A meter, which is an object: left to itself serde reads a list as one too, value by value.
struct OneMeter(MeterUsage);

impl<'de> Deserialize<'de> for OneMeter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneMeterVisitor)
    }
}

struct OneMeterVisitor;

impl<'de> Visitor<'de> for OneMeterVisitor {
    type Value = OneMeter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a meter")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<OneMeter, A::Error> {
        MeterUsage::deserialize(MapAccessDeserializer::new(members)).map(OneMeter)
    }
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    #[test]
    fn meters_read_from_each_likely_envelope_with_all_digits() {
        let list = r#"[{"meterId":"m-1","consumedQuantities":0.1234567890123456789012345678}]"#;
        for json in [
            list.to_owned(),
            format!(r#"{{"meterUsages":{list}}}"#),
            format!(r#"{{"meters":{list}}}"#),
            format!(r#"{{"items":{list}}}"#),
        ] {
            let usages: MeterUsages = decode_json(json.as_bytes()).unwrap();
            assert_eq!(
                usages.meters[0].consumed_quantities.unwrap().to_string(),
                "0.1234567890123456789012345678",
                "{json}"
            );
        }
        for json in [
            r#"{"usage":[]}"#,
            r#"{"meters":null}"#,
            r#"{"meters":[],"meters":[]}"#,
            "3",
        ] {
            assert!(
                decode_json::<MeterUsages>(json.as_bytes()).is_err(),
                "{json}"
            );
        }
        let both = br#"{"items":[{"meterId":"i"}],"next":{},"meters":[{"meterId":"m"}]}"#;
        let usages: MeterUsages = decode_json(both).unwrap();
        assert_eq!(usages.meters[0].meter_id.as_deref(), Some("m"));
    }

    #[test]
    fn a_meter_that_cannot_be_read_is_named_with_its_path() {
        for (meter, path) in [
            (r#"{"consumedQuantities":"many"}"#, "consumedQuantities"),
            (r#"{"consumedQuantities":+1}"#, "consumedQuantities"),
            ("[]", "expected a meter"),
        ] {
            let json = format!(r#"{{"meters":[{{"meterId":"m-1"}},{meter}]}}"#);
            let error = decode_json::<MeterUsages>(json.as_bytes()).unwrap_err();
            let line = error.to_string();
            assert!(line.contains("meters[1]") && line.contains(path), "{line}");
        }
    }
}
