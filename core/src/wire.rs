//! Helpers for wire types: exact decimals, dates, one-or-many lists, empty texts, open enums.
//!
//! For connector authors. `serde_json` alone would read numbers through a binary float;
//! these read the literal text. They work with `serde_json` deserializers only, and not
//! inside `flatten`, untagged or internally tagged containers.

mod date;
mod decimal;
mod decode;
mod free_form;
#[cfg(feature = "http")]
mod list;
#[cfg(feature = "http")]
mod records;
mod trail;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub use date::{date_opt, instant_opt, parse_date, parse_instant};
pub use decimal::{DecimalError, parse_decimal};
pub use decode::decode_json;
pub use free_form::FreeForm;
#[cfg(feature = "http")]
pub use list::ListRecord;
#[cfg(feature = "http")]
pub(crate) use list::decode_list;
#[cfg(feature = "http")]
pub(crate) use records::decode_records;

/// The longest text, in characters, that an error repeats.
const REPEATED: usize = 40;

/// What an error says of a text: all of it, or how long it is. Never a piece: what masks secrets
/// in errors knows them whole.
fn told(text: &str, whole: impl FnOnce(&str) -> String) -> String {
    match text.chars().count() {
        length if length > REPEATED => format!("a text of {length} characters"),
        _ => whole(text),
    }
}

fn quoted(text: &str) -> String {
    told(text, |text| format!("{text:?}"))
}

/// Reads a decimal from a JSON number or a JSON text, through its literal text.
///
/// # Errors
/// The deserializer's error when it is neither, or does not fit 28 digits.
pub fn exact_decimal<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Decimal, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    decimal_from_json(raw.get()).map_err(D::Error::custom)
}

/// As [`exact_decimal`]; `null`, an empty text and (with `#[serde(default)]`) absence are `None`.
///
/// # Errors
/// As [`exact_decimal`].
pub fn exact_decimal_opt<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Decimal>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    match raw.get() {
        "null" | "\"\"" => Ok(None),
        text => decimal_from_json(text).map(Some).map_err(D::Error::custom),
    }
}

fn decimal_from_json(json: &str) -> std::result::Result<Decimal, DecimalError> {
    if json.starts_with('"') {
        let text: Cow<'_, str> =
            serde_json::from_str(json).map_err(|_| DecimalError::NotANumber(quoted(json)))?;
        parse_decimal(&text)
    } else {
        parse_decimal(json)
    }
}

/// Writes a decimal as a JSON number with all its digits and no exponent.
///
/// # Errors
/// The serializer's error.
pub fn as_number<S: Serializer>(
    value: &Decimal,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    RawValue::from_string(value.to_string())
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

/// As [`as_number`], for a value that may be absent (combine with `skip_serializing_if`).
///
/// # Errors
/// The serializer's error.
pub fn as_number_opt<S: Serializer>(
    value: &Option<Decimal>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match value {
        Some(value) => as_number(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// Writes a decimal as text: the form of our own files.
///
/// # Errors
/// The serializer's error.
pub fn as_text<S: Serializer>(
    value: &Decimal,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a decimal from text or a whole number: the form of our own files.
///
/// # Errors
/// The deserializer's error when it is neither, or does not fit 28 digits.
pub fn decimal_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Decimal, D::Error> {
    parse_decimal(&text_or_number(deserializer)?).map_err(D::Error::custom)
}

/// Reads a text, or a whole number as its text.
///
/// # Errors
/// The deserializer's error when it is neither.
pub fn text_or_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Arc<str>, D::Error> {
    struct TextOrNumber;

    impl Visitor<'_> for TextOrNumber {
        type Value = Arc<str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a whole number")
        }

        fn visit_str<E>(self, text: &str) -> std::result::Result<Arc<str>, E> {
            Ok(text.into())
        }

        fn visit_i64<E>(self, number: i64) -> std::result::Result<Arc<str>, E> {
            Ok(number.to_string().into())
        }

        fn visit_u64<E>(self, number: u64) -> std::result::Result<Arc<str>, E> {
            Ok(number.to_string().into())
        }
    }

    deserializer.deserialize_any(TextOrNumber)
}

/// Reads a text; `null`, empty and blank texts are `None`.
///
/// # Errors
/// The deserializer's error when it is another JSON type.
pub fn non_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.trim().is_empty()))
}

/// Reads a list that may be given as `null` (empty), one value, or a list.
///
/// # Errors
/// The deserializer's error when an element does not fit `T`.
pub fn one_or_many<'de, D, T>(deserializer: D) -> std::result::Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let body = raw.get().as_bytes();
    let read = match body.first() {
        Some(b'n') => Ok(Vec::new()),
        Some(b'[') => decode::read(PhantomData, body),
        _ => decode::read(PhantomData, body).map(|one| vec![one]),
    };
    read.map_err(|misread| match misread.path.as_str() {
        "." => D::Error::custom(misread.what),
        path => D::Error::custom(format_args!("{path}: {}", misread.what)),
    })
}

/// Reads a list; `null` is empty.
///
/// # Errors
/// The deserializer's error when an element does not fit `T`.
pub fn null_as_empty<'de, D, T>(deserializer: D) -> std::result::Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

/// A wire id that is a whole number, read from a number or a text.
///
/// # Errors
/// The deserializer's error when it is neither.
pub fn whole_number<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: fmt::Display,
{
    let text = text_or_number(deserializer)?;
    text.trim()
        .parse()
        .map_err(|error| D::Error::custom(format!("{}: {error}", quoted(&text))))
}

/// Defines an enum of wire names that keeps names it does not know.
///
/// Names are compared exactly unless `ignore_case` stands before the enum.
#[macro_export]
macro_rules! wire_enum {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $crate::wire_enum!(@define [$(#[$doc])*] $vis $name [$($(#[$vdoc])* $variant = $text),+] |a: &str, b: &str| a == b);
    };
    (ignore_case $(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $crate::wire_enum!(@define [$(#[$doc])*] $vis $name [$($(#[$vdoc])* $variant = $text),+] |a: &str, b: &str| a.eq_ignore_ascii_case(b));
    };
    (@define [$(#[$doc:meta])*] $vis:vis $name:ident [$($(#[$vdoc:meta])* $variant:ident = $text:literal),+] $same:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A value that this version does not know, as it came.
            Unknown(Box<str>),
        }

        impl $name {
            /// The wire name.
            #[must_use]
            $vis fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                let same = $same;
                $(if same(text, $text) { return Self::$variant; })+
                Self::Unknown(text.into())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(
                &self,
                serializer: S,
            ) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(text.as_str()))
            }
        }
    };
}

/// Defines a wire id that is a whole number, read from a number or a text.
#[macro_export]
macro_rules! wire_id {
    ($(#[$doc:meta])* $vis:vis struct $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
        #[serde(transparent)]
        $vis struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = <$inner as std::str::FromStr>::Err;

            fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                $crate::wire::whole_number(deserializer).map(Self)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[derive(Debug, Deserialize, Serialize)]
    struct Row {
        #[serde(deserialize_with = "exact_decimal", serialize_with = "as_number")]
        quantity: Decimal,
        #[serde(
            default,
            deserialize_with = "exact_decimal_opt",
            serialize_with = "as_number_opt"
        )]
        price: Option<Decimal>,
    }

    wire_enum! {
        /// A colour.
        pub(crate) enum Colour { Red = "Red" }
    }

    fn decimal(text: &str) -> String {
        parse_decimal(text).map_or_else(|error| error.to_string(), |value| value.to_string())
    }

    #[test]
    fn an_error_repeats_a_text_whole_or_says_its_length_and_never_a_piece() {
        #[derive(Debug, Deserialize)]
        struct Id {
            #[serde(deserialize_with = "whole_number")]
            id: u32,
        }
        let short = format!("{}y", "x".repeat(REPEATED - 1));
        let long = format!("{short}z");
        let digits = "1".repeat(REPEATED + 1);
        let id = |text: &str| {
            let read = decode_json::<Id>(format!(r#"{{"id":"{text}"}}"#).as_bytes());
            read.map(|row| row.id.to_string())
                .unwrap_or_else(|error| error.to_string())
        };
        for said in [decimal(&short), id(&short)] {
            assert!(said.contains(&format!("\"{short}\"")), "{said}");
        }
        for said in [decimal(&long), id(&long), decimal(&digits), id(&digits)] {
            assert!(said.contains("a text of 41 characters"), "{said}");
            assert!(!said.contains("xxx") && !said.contains("111"), "{said}");
        }
        assert_eq!(id("42"), "42");
    }

    #[test]
    fn numbers_keep_twenty_eight_digits_from_the_wire() {
        let row: Row =
            decode_json(br#"{"quantity":1234567890.123456789012345678,"price":"0.1"}"#).unwrap();
        assert_eq!(row.quantity.to_string(), "1234567890.123456789012345678");
        assert_eq!(row.price.unwrap().to_string(), "0.1");
        assert!(
            serde_json::to_string(&row)
                .unwrap()
                .contains(":1234567890.123456789012345678")
        );
    }

    #[test]
    fn an_error_names_the_path_and_the_type() {
        let error =
            decode_json::<Vec<Row>>(br#"[{"quantity":1},{"quantity":"many"}]"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(error.json_path(), Some("[1].quantity"));
        assert!(error.to_string().contains("Vec<Row>"), "{error}");
    }

    #[test]
    fn an_unknown_enum_value_is_kept_as_it_came() {
        let colour: Colour = serde_json::from_str("\"Mauve\"").unwrap();
        assert_eq!(colour, Colour::Unknown("Mauve".into()));
        assert_eq!(serde_json::to_string(&colour).unwrap(), "\"Mauve\"");
        assert_eq!(Colour::from("red"), Colour::Unknown("red".into()));
    }

    #[test]
    fn a_list_may_come_as_null_one_or_many() {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default, deserialize_with = "one_or_many")]
            items: Vec<u8>,
        }
        for (json, len) in [
            ("{}", 0),
            (r#"{"items":null}"#, 0),
            (r#"{"items":7}"#, 1),
            (r#"{"items":[1,2]}"#, 2),
        ] {
            assert_eq!(
                decode_json::<Body>(json.as_bytes()).unwrap().items.len(),
                len,
                "{json}"
            );
        }
    }
}
