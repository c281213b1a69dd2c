//! The bytes by which a value is hashed: what it says, in order, so that no two values of one type have the same.
//!
//! Names of fields are not in them, which are half of a plan as JSON. A text ends with a byte that is in no text. A
//! field begins with its place, so that one that is added after the others, and left out where it is not stated,
//! changes no hash of what was made before.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Error as _};
use serde::{Serialize, Serializer};

type Error = serde_json::Error;
type Result<T = (), E = Error> = std::result::Result<T, E>;

/// What a text ends with: no text in UTF-8 holds it.
const END_OF_TEXT: u8 = 0xFF;
/// What a list, a map and the fields of something end with, and what there is of something that is not there.
const END: u8 = 0;
/// What each part of a list and a map begins with, and what is there of something that may not be.
const PART: u8 = 1;

/// Adds something to the bytes that are hashed.
///
/// # Errors
/// Where it holds a binary float, which is not in a plan, or something of more than 254 fields.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result {
    value.serialize(Canonical(out))
}

struct Canonical<'a>(&'a mut Vec<u8>);

impl<'a> Canonical<'a> {
    fn text(&mut self, text: &str) {
        self.0.reserve(text.len() + 1);
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(END_OF_TEXT);
    }

    fn variant(mut self, variant: &'static str) -> Self {
        self.text(variant);
        self
    }

    fn fields(self) -> Fields<'a> {
        Fields {
            out: self.0,
            place: 0,
        }
    }
}

/// What is written as it is.
struct Plain<'a>(&'a mut Vec<u8>);

impl fmt::Write for Plain<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

macro_rules! whole_numbers {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result {
            self.0.extend_from_slice(&value.to_le_bytes());
            Ok(())
        })*
    };
}

impl<'a> Serializer for Canonical<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Listed<'a>;
    type SerializeTuple = Canonical<'a>;
    type SerializeTupleStruct = Canonical<'a>;
    type SerializeTupleVariant = Canonical<'a>;
    type SerializeMap = Listed<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    whole_numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_bool(self, value: bool) -> Result {
        self.serialize_u8(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, _: f64) -> Result {
        Err(Error::custom("a binary float is not exact"))
    }

    fn serialize_char(self, value: char) -> Result {
        self.serialize_u32(value.into())
    }

    fn serialize_str(mut self, value: &str) -> Result {
        self.text(value);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result {
        write!(Plain(self.0), "{value}").map_err(Error::custom)?;
        self.0.push(END_OF_TEXT);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result {
        self.0.push(END);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        self.0.push(PART);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        value.serialize(self.variant(variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Listed<'a>> {
        Ok(Listed(self.0))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self> {
        Ok(self.variant(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Listed<'a>> {
        Ok(Listed(self.0))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a>> {
        Ok(self.fields())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields<'a>> {
        Ok(self.variant(variant).fields())
    }
}

/// The parts of a tuple: its type says how many there are.
impl Canonical<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        value.serialize(Canonical(self.0))
    }
}

/// Parts of which the type does not say how many there are.
struct Listed<'a>(&'a mut Vec<u8>);

impl Listed<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.0.push(PART);
        value.serialize(Canonical(self.0))
    }

    fn close(self) -> Result {
        self.0.push(END);
        Ok(())
    }
}

/// Fields, of which some may be left out.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    /// How many fields there were, those that were left out among them.
    place: u8,
}

impl Fields<'_> {
    fn next(&mut self) -> Result<u8> {
        let next = self.place.checked_add(1).filter(|next| *next < u8::MAX);
        self.place = next.ok_or_else(|| Error::custom("more than 254 fields"))?;
        Ok(self.place)
    }

    fn field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        let place = self.next()?;
        self.out.push(place);
        value.serialize(Canonical(self.out))
    }
}

macro_rules! parts {
    ($($trait:ident for $parts:ident: $method:ident as $part:ident),*) => {
        $(impl ser::$trait for $parts<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
                self.$part(value)
            }

            fn end(self) -> Result {
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeTuple for Canonical: serialize_element as part,
    SerializeTupleStruct for Canonical: serialize_field as part,
    SerializeTupleVariant for Canonical: serialize_field as part
}

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Fields<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result {
                self.field(value)
            }

            fn skip_field(&mut self, _: &'static str) -> Result {
                self.next().map(drop)
            }

            fn end(self) -> Result {
                self.out.push(END);
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeSeq for Listed<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.element(value)
    }

    fn end(self) -> Result {
        self.close()
    }
}

impl ser::SerializeMap for Listed<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        value.serialize(Canonical(self.0))
    }

    fn end(self) -> Result {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::fmt::Debug;
    use std::iter;

    use super::*;

    #[derive(Clone, Debug, Serialize)]
    struct Unit;

    #[derive(Clone, Debug, Serialize)]
    struct Pair(u8, String);

    /// One of each kind that a derived `Serialize` writes.
    #[derive(Clone, Debug, Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Outside {
        Nothing,
        One(String),
        Two(u8, bool),
        Named { some_text: String, at: Option<u8> },
    }

    #[derive(Clone, Debug, Serialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Tagged {
        Empty,
        Named {
            text: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            first: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            second: Option<String>,
        },
        Of(Inner),
    }

    #[derive(Clone, Debug, Serialize)]
    struct Inner {
        numbers: Vec<u8>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        texts: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        may_be: Option<char>,
        #[serde(skip_serializing_if = "Option::is_none")]
        may_be_too: Option<char>,
    }

    #[derive(Clone, Debug)]
    struct Displayed(String);

    impl Serialize for Displayed {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("<{}", self.0))
        }
    }

    fn bytes_of<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
        let mut out = Vec::new();
        write(value, &mut out).unwrap();
        out
    }

    /// Each with each.
    fn pairs<A: Clone, B: Clone>(first: &[A], second: &[B]) -> Vec<(A, B)> {
        let with_each = |a: &A| second.iter().map(|b| (a.clone(), b.clone())).collect();
        first.iter().flat_map::<Vec<_>, _>(with_each).collect()
    }

    /// All lists of two at most.
    fn lists<T: Clone>(of: &[T]) -> Vec<Vec<T>> {
        let one = of.iter().map(|one| vec![one.clone()]);
        let two = pairs(of, of).into_iter().map(|(one, two)| vec![one, two]);
        iter::once(Vec::new()).chain(one).chain(two).collect()
    }

    fn optional<T: Clone>(of: &[T]) -> Vec<Option<T>> {
        iter::once(None)
            .chain(of.iter().cloned().map(Some))
            .collect()
    }

    /// Texts of what stands between values otherwise.
    fn texts() -> Vec<String> {
        ["", "\0", "\u{1}", "a", "a\u{1}", "\u{2}a"]
            .map(str::to_owned)
            .to_vec()
    }

    fn outside() -> Vec<Outside> {
        let one = texts().into_iter().map(Outside::One);
        let two = pairs(&[0, 1], &[false, true]);
        let two = two.into_iter().map(|(one, two)| Outside::Two(one, two));
        let named = pairs(&texts(), &optional(&[0, 1]));
        let named = named
            .into_iter()
            .map(|(some_text, at)| Outside::Named { some_text, at });
        let nothing = iter::once(Outside::Nothing);
        nothing.chain(one).chain(two).chain(named).collect()
    }

    fn tagged() -> Vec<Tagged> {
        let texts = &texts()[..4];
        let named = pairs(&pairs(texts, &optional(texts)), &optional(texts));
        let named = named
            .into_iter()
            .map(|((text, first), second)| Tagged::Named {
                text,
                first,
                second,
            });
        let letters = optional(&['\0', '\u{1}']);
        let letters = pairs(&letters, &letters);
        let of = pairs(&pairs(&lists(&[0, 1]), &lists(&texts[..3])), &letters);
        let of = of
            .into_iter()
            .map(|((numbers, texts), (may_be, may_be_too))| {
                Tagged::Of(Inner {
                    numbers,
                    texts,
                    may_be,
                    may_be_too,
                })
            });
        iter::once(Tagged::Empty).chain(named).chain(of).collect()
    }

    /// Values of one type that differ as JSON have bytes that differ, of which none begins with another's: so that
    /// where one ends is seen without what comes after it.
    fn are_told_apart<T: Serialize + Debug>(values: &[T]) {
        let mut by_bytes = HashMap::new();
        for value in values {
            let before = by_bytes.insert(bytes_of(value), value);
            assert!(before.is_none(), "{value:?} as {before:?}");
        }
        let mut bytes: Vec<_> = by_bytes.into_iter().collect();
        bytes.sort_by(|(a, _), (b, _)| a.cmp(b));
        for pair in bytes.windows(2) {
            let [(first, of_first), (second, of_second)] = pair else {
                continue;
            };
            assert!(!second.starts_with(first), "{of_first:?}, {of_second:?}");
        }
    }

    #[test]
    fn values_of_every_kind_are_told_apart() {
        are_told_apart(&outside());
        are_told_apart(&tagged());
        are_told_apart(&lists(&outside()));
        are_told_apart(&pairs(&outside(), &outside()));
        are_told_apart(&pairs(&tagged(), &texts()));
        are_told_apart(&pairs(&texts(), &tagged()));
    }

    #[test]
    fn what_stands_side_by_side_is_told_apart() {
        let numbers = lists(&[0_u8, 1, 2]);
        are_told_apart(&pairs(&numbers, &numbers));
        are_told_apart(&lists(&numbers));
        are_told_apart(&pairs(&lists(&texts()), &lists(&texts())));
        let optional_numbers = optional(&[0_u8, 1]);
        are_told_apart(&lists(&optional_numbers));
        are_told_apart(&pairs(&optional_numbers, &optional_numbers));
        let held = texts().into_iter().map(|text| (Pair(1, text), Unit, ()));
        are_told_apart(&held.collect::<Vec<_>>());
        let shown: Vec<_> = texts().into_iter().map(Displayed).collect();
        are_told_apart(&lists(&shown));
        let maps = lists(&pairs(&texts(), &[0_i128, 1]));
        // One of two that come to the same map.
        let maps = maps
            .into_iter()
            .filter(|of| of.is_sorted_by(|(a, _), (b, _)| a < b));
        let maps: Vec<BTreeMap<_, _>> = maps.map(|of| of.into_iter().collect()).collect();
        are_told_apart(&pairs(&maps, &maps[..9]));
    }

    #[test]
    fn a_field_that_is_added_last_and_left_out_changes_nothing() {
        #[derive(Serialize)]
        struct Before {
            name: &'static str,
        }
        #[derive(Serialize)]
        struct After {
            name: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            more: Option<u8>,
        }
        let name = "a";
        let before = bytes_of(&Before { name });
        assert_eq!(bytes_of(&After { name, more: None }), before);
        assert_ne!(
            bytes_of(&After {
                name,
                more: Some(0)
            }),
            before
        );
    }

    #[test]
    fn binary_floats_are_refused() {
        let mut out = Vec::new();
        assert!(write(&1.5_f64, &mut out).is_err());
        assert!(write(&1.5_f32, &mut out).is_err());
    }
}
