//! Platforms and their meters. Read leniently: the vendor publishes no schema for them.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::value::RawValue;
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
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Envelope {
            #[serde(default)]
            meter_usages: Option<Vec<MeterUsage>>,
            #[serde(default)]
            meters: Option<Vec<MeterUsage>>,
            #[serde(default)]
            items: Option<Vec<MeterUsage>>,
        }

        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let meters = if raw.get().starts_with('[') {
            serde_json::from_str(raw.get()).map_err(D::Error::custom)?
        } else {
            let envelope: Envelope = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
            envelope
                .meter_usages
                .or(envelope.meters)
                .or(envelope.items)
                .ok_or_else(|| D::Error::custom("no list of meters in the answer"))?
        };
        Ok(Self { meters })
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
        assert!(decode_json::<MeterUsages>(br#"{"usage":[]}"#).is_err());
    }
}
