//! A deserializer that knows where it is when it fails, and reads structs from objects alone.
//!
//! It goes around another one. What is counted on the way costs next to nothing; names are looked up where there is
//! an error to place, in the text that was read. All answers are decoded through it, so that each type is compiled for
//! one deserializer. It does not go into enums with content, and not into what serde keeps until it knows the type
//! (tagged and untagged enums, `flatten`): there a path ends.

use std::cell::RefCell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// One step from a value to one within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The n-th name of an object, or its value, counted from 0.
    Entry(usize),
    /// The n-th value of a list, counted from 0.
    Item(usize),
}

/// The way from the whole to what could not be read.
#[derive(Debug, Default)]
pub(super) struct Trail(
    /// From the innermost outwards, as errors come.
    RefCell<Vec<Step>>,
);

impl Trail {
    fn add(&self, step: Step) {
        self.0.borrow_mut().push(step);
    }

    /// The way in words, such as `items[3].price`; `.` is the whole, and `?` a name that is broken itself. `json` is
    /// the text that was read.
    pub(super) fn path(&self, json: &str) -> String {
        let steps = self.0.borrow();
        let mut rest = Some(json);
        let mut path = Path::default();
        for step in steps.iter().rev() {
            match step {
                Step::Item(n) => {
                    path.item(*n);
                    rest = rest.and_then(|rest| nth_item(rest, *n));
                }
                Step::Entry(n) => {
                    let entry = rest.and_then(|rest| nth_entry(rest, *n));
                    path.name(entry.as_ref().map_or("?", |(name, _)| name));
                    rest = entry.map(|(_, value)| value);
                }
            }
        }
        path.in_words()
    }
}

#[derive(Default)]
struct Path(String);

impl Path {
    fn item(&mut self, n: usize) {
        self.0 += &format!("[{n}]");
    }

    fn name(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0 += name;
    }

    fn in_words(self) -> String {
        if self.0.is_empty() {
            return ".".to_owned();
        }
        self.0
    }
}

/// What is open where a text breaks off.
enum Open {
    /// A list, at its n-th value.
    List(usize),
    /// An object, at a name that was read, or at none; and whether its colon was.
    Object(Option<String>, bool),
}

/// The way to where a text breaks off, as [`Trail::path`] says it.
pub(super) fn path_to_end(json: &str) -> String {
    let bytes = json.as_bytes();
    let mut all: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let Some(end) = end_of_text(bytes, at) else {
                    break;
                };
                if let Some(Open::Object(name @ None, false)) = all.last_mut() {
                    let text = json.get(at..=end);
                    *name = text.and_then(|text| serde_json::from_str(text).ok());
                }
                at = end;
            }
            b'[' => all.push(Open::List(0)),
            b'{' => all.push(Open::Object(None, false)),
            b':' => {
                if let Some(Open::Object(_, colon)) = all.last_mut() {
                    *colon = true;
                }
            }
            b']' | b'}' => drop(all.pop()),
            b',' => match all.last_mut() {
                Some(Open::List(n)) => *n += 1,
                Some(open @ Open::Object(..)) => *open = Open::Object(None, false),
                None => {}
            },
            _ => {}
        }
        at += 1;
    }
    let mut path = Path::default();
    for open in all {
        match open {
            Open::List(n) => path.item(n),
            Open::Object(Some(name), _) => path.name(&name),
            Open::Object(None, _) => {}
        }
    }
    path.in_words()
}

/// What is after blanks.
pub(super) fn after_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// The text from the n-th value of a list on.
fn nth_item(list: &str, n: usize) -> Option<&str> {
    let mut rest = after_blanks(after_blanks(list).strip_prefix('[')?);
    for _ in 0..n {
        rest = next(after_value(rest)?)?;
    }
    Some(rest)
}

/// The n-th name of an object, and the text from its value on.
fn nth_entry(object: &str, n: usize) -> Option<(String, &str)> {
    let mut rest = after_blanks(after_blanks(object).strip_prefix('{')?);
    for _ in 0..n {
        rest = next(after_value(value_of(rest)?.1)?)?;
    }
    let (name, value) = value_of(rest)?;
    Some((serde_json::from_str(name).ok()?, value))
}

/// The name that comes first, as it stands, and the text from its value on.
fn value_of(entry: &str) -> Option<(&str, &str)> {
    let rest = after_value(entry)?;
    let name = entry.get(..entry.len() - rest.len())?;
    let value = after_blanks(rest).strip_prefix(':')?;
    Some((name, after_blanks(value)))
}

/// What is after a comma.
fn next(rest: &str) -> Option<&str> {
    after_blanks(rest).strip_prefix(',').map(after_blanks)
}

/// What is after the value that comes first, from the comma, colon or bracket on.
fn after_value(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0_usize, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => at = end_of_text(bytes, at)?,
            b'[' | b'{' => depth += 1,
            b',' | b':' | b']' | b'}' if depth == 0 => return text.get(at..),
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// Where the text ends whose first quote is at a place.
fn end_of_text(bytes: &[u8], first: usize) -> Option<usize> {
    let mut at = first + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Something of `serde` that goes with a trail.
pub(super) struct On<'t, X> {
    inner: X,
    trail: &'t Trail,
}

impl<'t, X> On<'t, X> {
    pub(super) const fn new(inner: X, trail: &'t Trail) -> Self {
        Self { inner, trail }
    }
}

/// Hands on what cannot hold anything that is looked for.
macro_rules! as_it_is {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        })*
    };
}

/// Hands on with the trail what may hold more.
macro_rules! on_the_trail {
    ($($method:ident($($name:ident: $type:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method($($name,)* On::new(visitor, self.trail))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for On<'_, D> {
    type Error = D::Error;

    as_it_is! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier
        deserialize_ignored_any
    }

    on_the_trail! {
        deserialize_any()
        deserialize_option()
        deserialize_seq()
        deserialize_map()
        deserialize_newtype_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
    }

    /// As of a map: a list is no struct, however optional its fields are.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_enum(name, variants, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visits {
    ($($method:ident($type:ty))*) => {
        $(fn $method<E: serde::de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for On<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visits! {
        visit_bool(bool) visit_i64(i64) visit_i128(i128) visit_u64(u64) visit_u128(u128) visit_f64(f64)
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(On::new(deserializer, self.trail))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        let deserializer = On::new(deserializer, self.trail);
        self.inner.visit_newtype_struct(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Within::new(items, self.trail))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Within::new(entries, self.trail))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for On<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(On::new(deserializer, self.trail))
    }
}

/// A list or an object, and how many of its values were begun.
struct Within<'t, A> {
    inner: A,
    trail: &'t Trail,
    begun: usize,
}

impl<'t, A> Within<'t, A> {
    const fn new(inner: A, trail: &'t Trail) -> Self {
        Self {
            inner,
            trail,
            begun: 0,
        }
    }

    /// The place of the value that is read now.
    const fn place(&self) -> usize {
        self.begun.saturating_sub(1)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Within<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.begun += 1;
        let next = self.inner.next_element_seed(On::new(seed, self.trail));
        if next.is_err() {
            self.trail.add(Step::Item(self.place()));
        }
        next
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Within<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.begun += 1;
        let name = self.inner.next_key_seed(seed);
        if name.is_err() {
            self.trail.add(Step::Entry(self.place()));
        }
        name
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.inner.next_value_seed(On::new(seed, self.trail));
        if value.is_err() {
            self.trail.add(Step::Entry(self.place()));
        }
        value
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rust_decimal::Decimal;
    use serde::Deserialize;
    use serde_json::Value;

    use crate::wire::{FreeForm, decode_json, exact_decimal, one_or_many};

    #[derive(Debug, Deserialize)]
    struct Line {
        #[serde(rename = "unit price", deserialize_with = "exact_decimal")]
        price: Decimal,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Bill {
        lines: Vec<Line>,
        by_day: BTreeMap<String, Option<Vec<u8>>>,
        pair: Option<(u8, Box<Line>)>,
        #[serde(deserialize_with = "one_or_many")]
        notes: Vec<Line>,
        free: Option<FreeForm>,
    }

    fn path(json: &str) -> String {
        let error = decode_json::<Bill>(json.as_bytes()).unwrap_err();
        error.json_path().unwrap().to_owned()
    }

    #[test]
    fn an_error_says_where_it_is_however_deep_and_whatever_stands_before_it() {
        for (json, wanted) in [
            (
                r#"{"lines":[{"unit price":1},{"unit price":"many"}]}"#,
                "lines[1].unit price",
            ),
            (
                r#"{ "x" : "a\"b,}\\" , "y" : [[1,{"z":"]"}],2] , "lines" : [ {"unit price":{}} ] }"#,
                "lines[0].unit price",
            ),
            (r#"{"lines":[{"unit price":1},{"price":2}]}"#, "lines[1]"),
            (r#"{"by_day":{"a":null,"b\u0063":[1,256]}}"#, "by_day.bc[1]"),
            (r#"{"pair":[1,{"unit price":[]}]}"#, "pair[1].unit price"),
            (r#"{"pair":[1]}"#, "pair"),
            (r#"{"notes":{"unit price":"x"}}"#, "notes"),
            (r#"{"lines":{}}"#, "lines"),
            (r#"{"lines":[{"unit price":1"#, "lines[0].?"),
            (r#"{"lines":[{"unit price":"#, "lines[0].unit price"),
            (r#"{"free":tru}"#, "free"),
            (r#"{"free":1,}"#, "?"),
            (r#"{"lines":[{"a":1 "b":2}]}"#, "lines[0].?"),
            (r#"{"lines":[]} x"#, "."),
            ("[]", "."),
            ("", "."),
        ] {
            assert_eq!(path(json), wanted, "{json}");
        }
        let error = decode_json::<Bill>(br#"{"notes":{"unit price":"x"}}"#).unwrap_err();
        assert!(error.message().contains("unit price: "), "{error}");
        let bill: Bill = decode_json(br#"{"lines":[{"unit price":"1.50"}]}"#).unwrap();
        assert_eq!(bill.lines[0].price.to_string(), "1.50");
    }

    #[test]
    fn a_list_is_no_record_at_any_depth() {
        for json in [
            r#"{"lines":[[1]]}"#,
            r#"{"pair":[1,[2]]}"#,
            r#"{"notes":[[1]]}"#,
            "[[]]",
        ] {
            let error = decode_json::<Bill>(json.as_bytes()).unwrap_err();
            assert!(error.message().contains("sequence"), "{json}: {error}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_no_json() {
        for (before, wanted) in [
            (
                r#"{"a":[{}, {"b":"]"}], "lines" : [1, {"x":2, "unit price":"ok"#,
                "lines[1].unit price",
            ),
            (r#"{"a":{"b":[]},"c"#, "."),
            (r#"{"a":{"b":[]},"#, "."),
            (r#"[[1],[2,"#, "[1][1]"),
            (r#"{"\ud800":"a secret""#, "."),
            (r#"{"a" "a secret""#, "a"),
            ("", "."),
        ] {
            let body = [before.as_bytes(), b"\xff"].concat();
            let error = decode_json::<Bill>(&body).unwrap_err();
            assert_eq!(error.json_path(), Some(wanted), "{before}");
            assert!(error.message().contains("utf-8"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_is_read_without_a_trail(json in "[\\[\\]{}:, \"a1\\\\-]{0,24}") {
            let with = decode_json::<Value>(json.as_bytes());
            let without = serde_json::from_str::<Value>(&json);
            match without {
                Ok(value) => prop_assert_eq!(with.unwrap(), value),
                Err(error) => {
                    let said = with.unwrap_err();
                    prop_assert!(said.message().starts_with(&error.to_string()), "{}", said);
                    prop_assert!(said.json_path().is_some());
                }
            }
        }
    }
}
