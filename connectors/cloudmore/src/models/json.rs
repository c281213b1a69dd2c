//! JSON as a tree whose numbers keep their literal text.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use rust_decimal::Decimal;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tallyline_core::wire::parse_decimal;

/// Deeper answers are refused.
const DEEPEST: usize = 48;

/// A JSON value. Numbers are their literal texts; members keep their order.
#[derive(Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(Box<str>),
    /// A text.
    Text(Box<str>),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Object),
}

/// The members of a JSON object, each name once.
///
/// Members are found by their exact name, else in any case of ASCII letters.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Object(Vec<(Box<str>, Json)>);

impl Json {
    /// Reads a JSON text.
    ///
    /// # Errors
    /// What is wrong, in words that name the place: no JSON, a member that stands twice in one
    /// object, or more than 48 levels.
    pub fn parse(text: &str) -> Result<Self, String> {
        read(text, DEEPEST).map_err(|Misread { path, why }| {
            let path = path.trim_start_matches('.');
            if path.is_empty() {
                why
            } else {
                format!("{path}: {why}")
            }
        })
    }

    /// The member of an object, or nothing.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(name),
            _ => None,
        }
    }

    /// The value at a JSON pointer (RFC 6901), names as in [`Object`].
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        let Some(rest) = pointer.strip_prefix('/') else {
            return pointer.is_empty().then_some(self);
        };
        rest.split('/').try_fold(self, |value, part| {
            let name = part.replace("~1", "/").replace("~0", "~");
            match value {
                Self::Object(fields) => fields.get(&name),
                Self::List(items) => items.get(name.parse::<usize>().ok()?),
                _ => None,
            }
        })
    }
}

impl Object {
    /// A member by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        let find = |same: fn(&str, &str) -> bool| self.0.iter().find(|(key, _)| same(key, name));
        let found = find(|a, b| a == b).or_else(|| find(str::eq_ignore_ascii_case));
        found.map(|(_, value)| value)
    }

    /// The members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// The text of a member: a text that is not blank, or a number as it is written.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Json::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The exact number of a member, written as a number or as a text; nothing where it is absent
    /// or no such number.
    #[must_use]
    pub fn decimal(&self, name: &str) -> Option<Decimal> {
        match self.get(name)? {
            Json::Number(text) | Json::Text(text) => parse_decimal(text.trim()).ok(),
            _ => None,
        }
    }
}

/// Why a text could not be read, and where.
struct Misread {
    path: String,
    why: String,
}

impl Misread {
    fn new(why: impl fmt::Display) -> Self {
        Self {
            path: String::new(),
            why: why.to_string(),
        }
    }

    fn within(mut self, step: impl fmt::Display) -> Self {
        self.path = format!("{step}{}", self.path);
        self
    }
}

fn read(text: &str, levels: usize) -> Result<Json, Misread> {
    let text = text.trim();
    let Some(levels) = levels.checked_sub(1) else {
        return Err(Misread::new(format!("more than {DEEPEST} levels")));
    };
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(Misread::new)?;
            let mut fields: Vec<(Box<str>, Json)> = Vec::with_capacity(members.len());
            let mut seen = HashSet::with_capacity(members.len());
            for (name, value) in members {
                if !seen.insert(name.clone()) {
                    return Err(Misread::new("it stands twice").within(format!(".{name}")));
                }
                let value = read(value.get(), levels)
                    .map_err(|misread| misread.within(format!(".{name}")))?;
                fields.push((name.into(), value));
            }
            Ok(Json::Object(Object(fields)))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(Misread::new)?;
            let items = items.into_iter().enumerate().map(|(index, value)| {
                read(value.get(), levels).map_err(|misread| misread.within(format!("[{index}]")))
            });
            items.collect::<Result<_, _>>().map(Json::List)
        }
        Some(b'"') => serde_json::from_str(text)
            .map(|text: String| Json::Text(text.into()))
            .map_err(Misread::new),
        Some(b't' | b'f') => serde_json::from_str(text)
            .map(Json::Bool)
            .map_err(Misread::new),
        Some(b'n') => serde_json::from_str(text)
            .map(|()| Json::Null)
            .map_err(Misread::new),
        _ => {
            let _: &RawValue = serde_json::from_str(text).map_err(Misread::new)?;
            Ok(Json::Number(text.into()))
        }
    }
}

/// The members of an object in their order, values unread.
struct Members<'a>(Vec<(String, &'a RawValue)>);

/// Collects the members of an object.
struct Collect<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for Collect<'a> {
    type Value = Members<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Json {
    /// From `serde_json` alone.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Json {
    /// To `serde_json` alone.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(text) => RawValue::from_string(text.to_string())
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(fields) => serializer.collect_map(fields.iter()),
        }
    }
}

impl fmt::Display for Json {
    /// The JSON text, without white space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl fmt::Debug for Json {
    /// The shape only: the content may be anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Number(_) => f.write_str("Number"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::List(items) => write!(f, "List({} items)", items.len()),
            Self::Object(fields) => fields.fmt(f),
        }
    }
}

impl fmt::Debug for Object {
    /// The names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_written_as_it_was_read_and_numbers_keep_every_digit() {
        let text = r#"{"b":[1E+2,0.12345678901234567890123456789012,-0],"a":{"x":"é\n","y":null,"z":true}}"#;
        let tree = Json::parse(text).unwrap();
        assert_eq!(tree.to_string(), text);
        assert_eq!(tree.pointer("/b/0"), Some(&Json::Number("1E+2".into())));
        assert_eq!(
            tree.pointer("/A/X").and_then(|_| tree.get("a")),
            tree.get("A")
        );
        assert_eq!(tree.pointer("/b/9"), None);
    }

    #[test]
    fn a_member_is_found_by_its_exact_name_first() {
        let tree = Json::parse(r#"{"Id":"a","id":"b","Quantity":"1.50","n":17}"#).unwrap();
        let Json::Object(fields) = &tree else {
            panic!("an object");
        };
        assert_eq!(fields.text("id").as_deref(), Some("b"));
        assert_eq!(fields.text("ID").as_deref(), Some("a"));
        assert_eq!(fields.decimal("quantity").unwrap().to_string(), "1.50");
        assert_eq!(fields.text("n").as_deref(), Some("17"));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let wrong = |text: &str| Json::parse(text).unwrap_err();
        assert_eq!(
            wrong(r#"[{},{"a":{"q":1,"q":1}}]"#),
            "[1].a.q: it stands twice"
        );
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(
            wrong(&deep).contains("more than 48 levels"),
            "{}",
            wrong(&deep).len()
        );
        for text in [
            "",
            "01",
            "+1",
            ".5",
            "NaN",
            "{",
            "[1,]",
            "1 2",
            "\"\\ud800\"",
            "nul",
        ] {
            wrong(text);
        }
    }
}
