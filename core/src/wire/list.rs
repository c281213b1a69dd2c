//! Lists whose records are decoded in one go with the list.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::trail::{On, Trail, after_blanks};

/// A record of a list.
#[derive(Clone, Debug)]
pub enum ListRecord<T> {
    /// Decoded with the list.
    Decoded(T),
    /// As it came, where it does not fit.
    Raw(Box<RawValue>),
}

/// A value by the rules of [`decode_json`](super::decode_json), from a stream.
struct Strict<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Strict<T> {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        T::deserialize(On::new(deserializer, &Trail::default())).map(Self)
    }
}

/// For no more records is memory taken before they are read.
const MOST_AHEAD: usize = 1_000;

/// Decodes a JSON list record by record; `None` where it is none, or broken. A record fits by the rules of
/// [`decode_json`](super::decode_json).
pub(crate) fn decode_list<T: DeserializeOwned>(body: &[u8]) -> Option<Vec<ListRecord<T>>> {
    // Looked at once as a whole, its texts need not be looked at one by one.
    let list = std::str::from_utf8(body).ok()?;
    let mut records = Vec::new();
    let mut rest = after_blanks(after_blanks(list).strip_prefix('[')?);
    if let Some(end) = rest.strip_prefix(']') {
        return after_blanks(end).is_empty().then_some(records);
    }
    loop {
        let mut values = Deserializer::from_str(rest).into_iter();
        let length = match values.next() {
            Some(Ok(Strict(record))) => {
                records.push(ListRecord::Decoded(record));
                values.byte_offset()
            }
            _ => {
                let mut rows = Deserializer::from_str(rest).into_iter();
                records.push(ListRecord::Raw(rows.next()?.ok()?));
                rows.byte_offset()
            }
        };
        if records.len() == 1 {
            // As many are expected as there is room for, were all as long as the first.
            let more = rest.len().checked_div(length).unwrap_or_default();
            records.reserve(more.min(MOST_AHEAD));
        }
        let after = after_blanks(rest.get(length..)?);
        rest = match after.as_bytes().first()? {
            b',' => after_blanks(&after[1..]),
            b']' => return after_blanks(&after[1..]).is_empty().then_some(records),
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::decode_json;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Record {
        id: Option<i64>,
        name: Option<String>,
    }

    /// What the list is, its records one by one: the id of one that fits, else its text.
    fn one_by_one(json: &[u8]) -> Option<Vec<Result<Option<i64>, String>>> {
        let rows: Vec<Box<RawValue>> = decode_json(json).ok()?;
        let read = |row: Box<RawValue>| match decode_json::<Record>(row.get().as_bytes()) {
            Ok(record) => Ok(record.id),
            Err(_) => Err(row.get().to_owned()),
        };
        Some(rows.into_iter().map(read).collect())
    }

    fn in_one_go(json: &[u8]) -> Option<Vec<Result<Option<i64>, String>>> {
        let records = decode_list::<Record>(json)?.into_iter();
        let told = records.map(|record| match record {
            ListRecord::Decoded(record) => Ok(record.id),
            ListRecord::Raw(row) => Err(row.get().to_owned()),
        });
        Some(told.collect())
    }

    #[test]
    fn a_list_is_read_as_its_records_one_by_one_are() {
        for json in [
            "[]",
            " [ ] ",
            "[]x",
            "[",
            "[,]",
            "null",
            "{}",
            "",
            r#"[{"id":1}]"#,
            r#" [ {"id":1} , {"id":2,"more":[{}]} ] "#,
            r#"[{"id":1},]"#,
            r#"[{"id":1}{"id":2}]"#,
            r#"[{"id":1} 2]"#,
            r#"[{"id":1},{"id":"x"},{"id":3}]"#,
            r#"[{"id":1},[],[2],null,7,"a",{"id":3}]"#,
            r#"[{"id":1,"id":2},{"id":3}]"#,
            r#"[{"id":1}] x"#,
            r#"[{"id":1},{"id":2]"#,
            r#"[{"id":1},{"name":"\ud800"},{"other":"\ud800"}]"#,
            "[{\"id\":1}\u{a0}]",
        ] {
            assert_eq!(
                in_one_go(json.as_bytes()),
                one_by_one(json.as_bytes()),
                "{json}"
            );
        }
        for json in [
            &b"[{\"name\":\"\xff\"}]"[..],
            b"[{\"other\":\"\xff\"}]",
            b"\xef\xbb\xbf[]",
        ] {
            assert_eq!(in_one_go(json), one_by_one(json), "{json:?}");
            assert!(in_one_go(json).is_none());
        }
    }

    proptest! {
        #[test]
        fn whatever_it_is_both_ways_read_the_same(
            json in r#"\[( ?(\{("id":(1|"a"|null|1\.5|-))?(,"name":("b"|\[\]|tru?e))?\}?|\[\]|"|7|n),?){0,4} ?\]? ?"#
        ) {
            prop_assert_eq!(in_one_go(json.as_bytes()), one_by_one(json.as_bytes()));
        }
    }
}
