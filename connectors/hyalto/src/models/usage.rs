//! Usage: for each property of a service, its changes.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tallyline_core::model::Timestamp;
use tallyline_core::wire::{as_number, exact_decimal, instant_opt, non_empty};

use super::{id, one_or_many};

/// The longest label of a unit, in characters.
const LABEL: usize = 40;

/// The usage of an account's services.
///
/// `GET /solutions/usage/account/{accountId}/raw`. The way from here to the changes is read by one public script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RawUsage {
    /// The services: one or many.
    #[serde(deserialize_with = "one_or_many")]
    pub services: Vec<ServiceUsage>,
}

/// The usage of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceUsage {
    /// The service.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "non_empty")]
    pub name: Option<String>,
    /// Its billable properties: `ram` and `compute` were seen, `vm_count` stands in reports, `storage` is inferred, and
    /// there may be any other.
    #[serde(default, deserialize_with = "properties")]
    pub properties: BTreeMap<String, Series>,
}

/// The changes of a property.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Series {
    /// One or many, in no order that is promised. None is no value, and not zero.
    #[serde(default, deserialize_with = "one_or_many")]
    pub changes: Vec<Change>,
}

/// From when on a property has a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// The instant; UTC where it has no offset.
    #[serde(deserialize_with = "instant")]
    pub timestamp: Timestamp,
    /// The value: a number, or a text that is one.
    #[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")]
    pub value: Decimal,
    /// Its unit, or a multiplier: not documented, so that nothing is ever multiplied by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_size: Option<UnitSize>,
}

/// The unit or multiplier of a value, as it came: nobody documents which.
#[derive(Clone, PartialEq, Eq)]
pub struct UnitSize(Box<str>);

impl UnitSize {
    /// Its JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The text as it stands; the literal of what is no text.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::from_str(&self.0).unwrap_or_else(|_| self.0.to_string())
    }

    /// The name of a unit, where it is a text that can be one: no number and not long.
    #[must_use]
    pub fn label(&self) -> Option<String> {
        let text: String = serde_json::from_str(&self.0).ok()?;
        let text = text.trim();
        let is_name = text.chars().any(char::is_alphabetic) && text.chars().count() <= LABEL;
        (is_name && tallyline_core::wire::parse_decimal(text).is_err()).then(|| text.to_owned())
    }
}

impl fmt::Debug for UnitSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnitSize({})", self.0)
    }
}

impl Serialize for UnitSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for UnitSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(
            Box::<RawValue>::deserialize(deserializer)?.get().into(),
        ))
    }
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    instant_opt(deserializer)?.ok_or_else(|| D::Error::custom("the change has no timestamp"))
}

/// The names of properties that are known: they are properties whatever stands under them.
const KNOWN: [&str; 4] = ["compute", "ram", "storage", "vm_count"];

/// What stands under a name among the properties: a series, or something else.
struct Member(Option<Series>);

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Object {
            #[serde(default, deserialize_with = "present")]
            changes: Option<Vec<Change>>,
        }

        fn present<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Vec<Change>>, D::Error> {
            one_or_many(deserializer).map(Some)
        }

        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Member;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the changes of a property")
            }

            fn visit_unit<E>(self) -> Result<Member, E> {
                Ok(Member(Some(Series::default())))
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Member, A::Error> {
                let object = Object::deserialize(MapAccessDeserializer::new(members))?;
                Ok(Member(object.changes.map(|changes| Series { changes })))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Member, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Member(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Member, E> {
                Ok(Member(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
                Ok(Member(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
                Ok(Member(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
                Ok(Member(None))
            }

            // The trait's method by its name: whatever number stands here is passed over, and none is read.
            fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
                Ok(Member(None))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// Properties by name, each once. An empty list is none of them, and so is null; a property that is null has no changes.
/// What has no changes and no known name is no property, and passed over.
fn properties<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Series>, D::Error> {
    struct Properties;

    impl<'de> Visitor<'de> for Properties {
        type Value = BTreeMap<String, Series>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("properties by name")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            match list.next_element::<IgnoredAny>()? {
                None => Ok(BTreeMap::new()),
                Some(_) => Err(A::Error::custom("properties without their names")),
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = BTreeMap::new();
            while let Some(name) = map.next_key::<String>()? {
                let Member(series) = map.next_value()?;
                let is_known = KNOWN.contains(&name.as_str());
                let Some(series) = series.or_else(|| is_known.then(Series::default)) else {
                    continue;
                };
                if all.insert(name, series).is_some() {
                    return Err(A::Error::custom("a property stands twice"));
                }
            }
            Ok(all)
        }
    }

    deserializer.deserialize_any(Properties)
}

#[cfg(test)]
mod tests {
    use tallyline_core::wire::decode_json;

    use super::*;

    fn read(json: &str) -> tallyline_core::Result<RawUsage> {
        decode_json(json.as_bytes())
    }

    #[test]
    fn services_and_changes_are_read_as_one_or_many_with_numbers_in_any_form() {
        let change =
            r#"{"timestamp":"2026-10-01T00:00:00","value":"12.50","unit_size":"GHz","by":7}"#;
        for changes in [change.to_owned(), format!("[{change}]")] {
            let service = format!(
                r#"{{"id":4411,"properties":{{"compute":{{"changes":{changes}}},"gpu":null,"ip":{{}},"rank":-7,"size":1.5,"tags":[1],"on":true,"storage":"x"}}}}"#
            );
            for services in [service.clone(), format!("[{service}]")] {
                let usage = read(&format!(r#"{{"services":{services}}}"#)).unwrap();
                let [service] = usage.services.as_slice() else {
                    panic!("{usage:?}");
                };
                assert_eq!(service.id, "4411");
                let names: Vec<&str> = service.properties.keys().map(String::as_str).collect();
                assert_eq!(names, ["compute", "gpu", "storage"]);
                assert!(service.properties["gpu"].changes.is_empty());
                assert!(service.properties["storage"].changes.is_empty());
                let change = &service.properties["compute"].changes[0];
                assert_eq!(change.timestamp.to_string(), "2026-10-01T00:00:00Z");
                assert_eq!(change.value.to_string(), "12.50");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let with = |change: &str| {
            format!(
                r#"{{"services":[{{"id":1,"properties":{{"ram":{{"changes":[{change}]}}}}}}]}}"#
            )
        };
        let place = "services[0].properties.ram.changes[0]";
        for change in [
            r#"{"timestamp":"2026-10-01T00:00:00"}"#,
            r#"{"value":1}"#,
            r#"{"timestamp":null,"value":1}"#,
            r#"{"timestamp":"soon","value":1}"#,
            r#"{"timestamp":"2026-10-01T00:00:00","value":null}"#,
            r#"{"timestamp":"2026-10-01T00:00:00","value":"many"}"#,
        ] {
            let error = read(&with(change)).unwrap_err();
            assert!(error.json_path().unwrap().starts_with(place), "{error}");
        }
        let twice = r#"{"services":[{"id":1,"properties":{"ram":{},"ram":{}}}]}"#;
        assert!(read(twice).unwrap_err().to_string().contains("twice"));
        for wrong in [
            "{}",
            r#"{"services":[{"properties":{}}]}"#,
            r#"{"services":[{"id":1,"properties":[{}]}]}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for empty in ["[]", "{}", "null"] {
            let usage = read(&format!(
                r#"{{"services":{{"id":1,"properties":{empty}}}}}"#
            ))
            .unwrap();
            assert!(usage.services[0].properties.is_empty());
        }
    }

    #[test]
    fn a_unit_size_is_kept_as_it_came_and_names_a_unit_only_where_it_is_a_name() {
        for (json, text, label) in [
            (r#""GB""#, "GB", Some("GB")),
            (r#"" GHz ""#, " GHz ", Some("GHz")),
            ("1024", "1024", None),
            (r#""1024""#, "1024", None),
            (r#""""#, "", None),
            (r#"{"a":1}"#, r#"{"a":1}"#, None),
        ] {
            let unit: UnitSize = serde_json::from_str(json).unwrap();
            assert_eq!(unit.as_json(), json);
            assert_eq!(unit.text(), text);
            assert_eq!(unit.label().as_deref(), label, "{json}");
        }
    }
}
