//! Wire types, named as the API names them.
//!
//! Every member of an answer but ids, and the two members that make a change, is optional here, and null counts as absent;
//! members that are not named here are passed over. Where one record stood for a list of one, both forms are read.

mod account;
mod service;
mod token;
mod usage;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tallyline_core::wire::text_or_number;

pub use account::Account;
pub use service::{Service, ServiceMetaData, ServiceType};
pub use token::{AreaRights, TokenClaims};
pub use usage::{Change, RawUsage, Series, ServiceUsage, UnitSize};

/// An id: a text or a whole number, kept as its text.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = text_or_number(deserializer)?;
    if id.trim().is_empty() {
        return Err(D::Error::custom("the id is blank"));
    }
    Ok(id.to_string())
}

/// An id that may be absent or null.
fn id_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Text(#[serde(deserialize_with = "text_or_number")] Arc<str>);
    let id = Option::<Text>::deserialize(deserializer)?;
    Ok(id.map(|Text(id)| id.to_string()))
}

/// A list that may come as null (empty), as its only record, or as a list; errors keep the place of the record.
fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct OneOrMany<T>(PhantomData<fn() -> T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a record or a list of records")
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<Vec<T>, A::Error> {
            let mut all = Vec::new();
            while let Some(record) = records.next_element()? {
                all.push(record);
            }
            Ok(all)
        }

        fn visit_map<A: MapAccess<'de>>(self, record: A) -> Result<Vec<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(record)).map(|one| vec![one])
        }
    }

    deserializer.deserialize_any(OneOrMany(PhantomData))
}
