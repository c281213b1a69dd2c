//! JSON without spaces, for what is hashed: byte for byte what `serde_json` writes.
//!
//! A plan is hashed as a whole, and most of its text needs no escape: that is looked for in many bytes at once.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Error as _};
use serde::{Serialize, Serializer};

type Error = serde_json::Error;
type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Adds something as JSON to bytes.
///
/// # Errors
/// Where it holds a binary float, or a map whose keys are no texts: neither is in a plan.
pub(super) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result {
    value.serialize(Compact(out))
}

struct Compact<'a>(&'a mut Vec<u8>);

impl<'a> Compact<'a> {
    fn begin(self, begins: &[u8], ends: &'static [u8]) -> Parts<'a> {
        self.0.extend_from_slice(begins);
        Parts {
            out: self.0,
            is_first: true,
            ends,
        }
    }

    fn begin_variant(
        self,
        variant: &'static str,
        begins: &[u8],
        ends: &'static [u8],
    ) -> Result<Parts<'a>> {
        self.0.push(b'{');
        text(variant, self.0)?;
        self.0.push(b':');
        Ok(self.begin(begins, ends))
    }

    fn display(self, value: impl Display) -> Result {
        write!(Ascii(self.0), "{value}").map_err(Error::custom)
    }
}

/// A text in quotes.
fn text(text: &str, out: &mut Vec<u8>) -> Result {
    if !needs_no_escape(text.as_bytes()) {
        return serde_json::to_writer(out, text);
    }
    quoted(text, out);
    Ok(())
}

/// A text that needs no escape, in quotes.
fn quoted(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Whether there is no quote, no backslash and no control character: eight bytes at once, the last eight again with
/// those before them.
fn needs_no_escape(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else {
        return text
            .iter()
            .all(|byte| *byte >= b' ' && *byte != b'"' && *byte != b'\\');
    };
    let (words, _) = text.as_chunks();
    words
        .iter()
        .chain([last])
        .all(|word| !has_special(u64::from_ne_bytes(*word)))
}

/// Whether one of eight bytes is a quote, a backslash or a control character.
const fn has_special(word: u64) -> bool {
    /// Each byte is 1.
    const ONES: u64 = u64::MAX / 0xFF;
    /// The highest bit of each byte that is less than a number of 128 at most, and of none where none is.
    const fn less(word: u64, than: u8) -> u64 {
        word.wrapping_sub(ONES * than as u64) & !word & (ONES * 0x80)
    }
    const fn equal(word: u64, to: u8) -> u64 {
        less(word ^ (ONES * to as u64), 1)
    }
    less(word, b' ') | equal(word, b'"') | equal(word, b'\\') != 0
}

/// What is written as it is.
struct Ascii<'a>(&'a mut Vec<u8>);

impl fmt::Write for Ascii<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

macro_rules! displayed {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result {
            self.display(value)
        })*
    };
}

impl<'a> Serializer for Compact<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    displayed! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128
    }

    fn serialize_f32(self, value: f32) -> Result {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, _: f64) -> Result {
        Err(Error::custom("a binary float is not exact"))
    }

    fn serialize_char(self, value: char) -> Result {
        text(value.encode_utf8(&mut [0; 4]), self.0)
    }

    fn serialize_str(self, value: &str) -> Result {
        text(value, self.0)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result {
        let begin = self.0.len();
        self.0.push(b'"');
        write!(Ascii(self.0), "{value}").map_err(Error::custom)?;
        let written = self.0.get(begin + 1..).unwrap_or_default();
        if needs_no_escape(written) {
            self.0.push(b'"');
            return Ok(());
        }
        self.0.truncate(begin);
        text(&value.to_string(), self.0)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result {
        text(variant, self.0)
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
        let parts = self.begin_variant(variant, b"", b"}")?;
        value.serialize(Compact(parts.out))?;
        parts.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>> {
        Ok(self.begin(b"[", b"]"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>> {
        self.begin_variant(variant, b"[", b"]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>> {
        Ok(self.begin(b"{", b"}"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>> {
        Ok(self.begin(b"{", b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>> {
        self.begin_variant(variant, b"{", b"}}")
    }
}

/// The parts of something, with what stands after them.
struct Parts<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    ends: &'static [u8],
}

impl Parts<'_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.separate();
        value.serialize(Compact(self.out))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result {
        debug_assert!(
            needs_no_escape(name.as_bytes()),
            "{name:?} is no name of a field"
        );
        let begin: &[u8] = if self.is_first { b"\"" } else { b",\"" };
        self.is_first = false;
        self.out.reserve(name.len() + 4);
        self.out.extend_from_slice(begin);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Compact(self.out))
    }

    fn separate(&mut self) {
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
    }

    fn close(self) {
        self.out.extend_from_slice(self.ends);
    }
}

macro_rules! parts {
    ($($trait:ident: $method:ident($($name:ident)?) as $part:ident),*) => {
        $(impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: &'static str,)? value: &T) -> Result {
                self.$part($($name,)? value)
            }

            fn end(self) -> Result {
                self.close();
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq: serialize_element() as element,
    SerializeTuple: serialize_element() as element,
    SerializeTupleStruct: serialize_field() as element,
    SerializeTupleVariant: serialize_field() as element,
    SerializeStruct: serialize_field(name) as field,
    SerializeStructVariant: serialize_field(name) as field
}

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        self.separate();
        let begin = self.out.len();
        key.serialize(Compact(self.out))?;
        let is_text = self.out.get(begin) == Some(&b'"');
        is_text
            .then_some(())
            .ok_or_else(|| Error::custom("a key is no text"))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.out.push(b':');
        value.serialize(Compact(self.out))
    }

    fn end(self) -> Result {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, Serialize)]
    struct Unit;

    #[derive(Clone, Debug, Serialize)]
    struct Pair(i64, String);

    /// One of each kind that a derived `Serialize` writes.
    #[derive(Clone, Debug, Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Outside {
        Nothing,
        One(String),
        Two(u8, bool),
        Named { some_text: String, at: Option<i32> },
    }

    #[derive(Clone, Debug, Serialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Tagged {
        Empty,
        Named { text: String },
        Of(Inner),
    }

    #[derive(Clone, Debug, Serialize)]
    struct Inner {
        numbers: Vec<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        may_be: Option<char>,
    }

    #[derive(Clone, Debug, Serialize)]
    struct All {
        outside: Vec<Outside>,
        tagged: Vec<Tagged>,
        map: BTreeMap<String, (i128, Unit)>,
        pair: Pair,
        nothing: (),
        displayed: Displayed,
    }

    #[derive(Clone, Debug)]
    struct Displayed(String);

    impl Serialize for Displayed {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("<{}>", self.0))
        }
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,80}",
            any::<String>(),
            "[\\x00-\\x1f\"\\\\a-c\u{7f}\u{2028}]{0,9}"
        ]
    }

    fn outside() -> impl Strategy<Value = Outside> {
        prop_oneof![
            Just(Outside::Nothing),
            any_text().prop_map(Outside::One),
            any::<(u8, bool)>().prop_map(|(one, two)| Outside::Two(one, two)),
            (any_text(), any::<Option<i32>>())
                .prop_map(|(some_text, at)| Outside::Named { some_text, at }),
        ]
    }

    fn tagged() -> impl Strategy<Value = Tagged> {
        prop_oneof![
            Just(Tagged::Empty),
            any_text().prop_map(|text| Tagged::Named { text }),
            (vec(any::<u64>(), 0..4), option::of(any::<char>()))
                .prop_map(|(numbers, may_be)| Tagged::Of(Inner { numbers, may_be })),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_serde_json_writes(
            outside in vec(outside(), 0..5),
            tagged in vec(tagged(), 0..5),
            map in btree_map(any_text(), any::<i128>(), 0..4),
            (number, text, shown) in (any::<i64>(), any_text(), any_text()),
        ) {
            let map = map.into_iter().map(|(key, value)| (key, (value, Unit))).collect();
            let (pair, displayed) = (Pair(number, text), Displayed(shown));
            let all = All { outside, tagged, map, pair, nothing: (), displayed };
            let mut out = b"before".to_vec();
            write(&all, &mut out).unwrap();
            let wanted = serde_json::to_string(&all).unwrap();
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("before{wanted}"));
        }
    }

    #[test]
    fn floats_and_keys_that_are_no_texts_are_refused() {
        let mut out = Vec::new();
        assert!(write(&1.5_f64, &mut out).is_err());
        assert!(write(&1.5_f32, &mut out).is_err());
        assert!(write(&BTreeMap::from([(1, 2)]), &mut out).is_err());
    }
}
