//! The query grammar: what to ask a list for.
//!
//! ```
//! use tallyline_autotask::query::{Field, Query};
//!
//! let query = Query::matching(Field::COMPANY_ID.equals(4021))
//!     .and(Field::STATUS.equals(1).or(Field::END_DATE.at_least("2026-11-01")))
//!     .and(Field::udf("Subscription ID")?.equals("A1B2"));
//! assert!(query.check().is_ok());
//! # Ok::<(), tallyline_core::Error>(())
//! ```

use std::borrow::Cow;
use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use tallyline_core::model::CivilDate;
use tallyline_core::{Error, ErrorKind, Result};

/// The most records of a page.
pub const MAX_RECORDS: u16 = 500;

/// The most conditions that are joined by `or`, values of lists included.
pub const MAX_OR: usize = 500;

/// How many values a list is cut to when a query is made of many.
pub const LIST_CHUNK: usize = 200;

/// A field of an entity, or a user-defined one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    name: Cow<'static, str>,
    udf: bool,
}

macro_rules! fields {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// The fields that this crate asks about.
        impl Field {
            $(
                #[doc = concat!("`", $text, "`.")]
                pub const $name: Self = Self { name: Cow::Borrowed($text), udf: false };
            )+
        }
    };
}

fields! {
    ID = "id",
    APPROVE_AND_POST_DATE = "approveAndPostDate",
    COMPANY_ID = "companyID",
    COMPANY_NAME = "companyName",
    COMPANY_NUMBER = "companyNumber",
    CONTRACT_CATEGORY = "contractCategory",
    CONTRACT_ID = "contractID",
    CONTRACT_NAME = "contractName",
    CONTRACT_NUMBER = "contractNumber",
    CONTRACT_PERIOD_TYPE = "contractPeriodType",
    CONTRACT_SERVICE_ID = "contractServiceID",
    CONTRACT_TYPE = "contractType",
    DATE_PURCHASED = "datePurchased",
    END_DATE = "endDate",
    EXTERNAL_ID = "externalID",
    INTERNAL_PURCHASE_ORDER_NUMBER = "internalPurchaseOrderNumber",
    IS_ACTIVE = "isActive",
    NAME = "name",
    SERVICE_ID = "serviceID",
    SKU = "sku",
    START_DATE = "startDate",
    STATUS = "status",
    USE_TYPE = "useType",
    USER_DEFINED_FIELDS = "userDefinedFields",
}

impl Field {
    /// A field by its API name. Case does not matter to the system.
    ///
    /// # Errors
    /// `Invalid` when the name holds anything but letters and digits.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(invalid(format!("{name:?} is not the name of a field")));
        }
        Ok(Self { name, udf: false })
    }

    /// A user-defined field by its name, in which blanks are allowed.
    ///
    /// # Errors
    /// `Invalid` when the name is blank or holds a control character.
    pub fn udf(name: impl Into<Cow<'static, str>>) -> Result<Self> {
        let name = name.into();
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(invalid(format!(
                "{name:?} is not the name of a user-defined field"
            )));
        }
        Ok(Self { name, udf: true })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    fn leaf(&self, op: &'static str, value: Option<Value>) -> Filter {
        Filter(Node::Leaf {
            op,
            field: self.clone(),
            value,
        })
    }

    /// The value is this one.
    pub fn equals(&self, value: impl Into<Value>) -> Filter {
        self.leaf("eq", Some(value.into()))
    }

    /// The value is another one.
    pub fn differs_from(&self, value: impl Into<Value>) -> Filter {
        self.leaf("noteq", Some(value.into()))
    }

    /// The value is above this one.
    pub fn above(&self, value: impl Into<Value>) -> Filter {
        self.leaf("gt", Some(value.into()))
    }

    /// The value is this one or above.
    pub fn at_least(&self, value: impl Into<Value>) -> Filter {
        self.leaf("gte", Some(value.into()))
    }

    /// The value is below this one.
    pub fn below(&self, value: impl Into<Value>) -> Filter {
        self.leaf("lt", Some(value.into()))
    }

    /// The value is this one or below.
    pub fn at_most(&self, value: impl Into<Value>) -> Filter {
        self.leaf("lte", Some(value.into()))
    }

    /// The text begins so.
    pub fn begins_with(&self, text: &str) -> Filter {
        self.leaf("beginsWith", Some(text.into()))
    }

    /// The text ends so.
    pub fn ends_with(&self, text: &str) -> Filter {
        self.leaf("endsWith", Some(text.into()))
    }

    /// The text holds this.
    pub fn contains(&self, text: &str) -> Filter {
        self.leaf("contains", Some(text.into()))
    }

    /// There is a value.
    pub fn exists(&self) -> Filter {
        self.leaf("exist", None)
    }

    /// There is no value.
    pub fn is_absent(&self) -> Filter {
        self.leaf("notExist", None)
    }

    /// The value is one of these. Each counts as a condition joined by `or`.
    pub fn is_one_of(&self, values: impl Into<Values>) -> Filter {
        self.list("in", values.into())
    }

    /// The value is none of these. Each counts as a condition joined by `or`.
    pub fn is_none_of(&self, values: impl Into<Values>) -> Filter {
        self.list("notIn", values.into())
    }

    fn list(&self, op: &'static str, values: Values) -> Filter {
        Filter(Node::List {
            op,
            field: self.clone(),
            values,
        })
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

/// A value to compare with. Numbers stay numbers: a text never equals a number field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Value {
    /// A whole number: ids and picklist values.
    Integer(i64),
    /// A text, or a date.
    Text(String),
    /// True or false.
    Bool(bool),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<CivilDate> for Value {
    /// The plain date: the system moves instants into its own zone.
    fn from(value: CivilDate) -> Self {
        Self::Text(value.to_string())
    }
}

/// The values of a list: all numbers or all texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Values {
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }
}

impl From<&[i64]> for Values {
    fn from(values: &[i64]) -> Self {
        Self::Integers(values.to_vec())
    }
}

impl From<Vec<i64>> for Values {
    fn from(values: Vec<i64>) -> Self {
        Self::Integers(values)
    }
}

impl From<Vec<String>> for Values {
    fn from(values: Vec<String>) -> Self {
        Self::Texts(values)
    }
}

/// A condition, or a group of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a filter does nothing until it is part of a query"]
pub struct Filter(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Leaf {
        op: &'static str,
        field: Field,
        value: Option<Value>,
    },
    List {
        op: &'static str,
        field: Field,
        values: Values,
    },
    Group {
        op: &'static str,
        items: Vec<Filter>,
    },
}

impl Filter {
    /// Every record: the system wants at least one condition.
    pub fn match_all() -> Self {
        Field::ID.at_least(0)
    }

    /// Both hold.
    pub fn and(self, other: Self) -> Self {
        self.join("and", other)
    }

    /// One of both holds.
    pub fn or(self, other: Self) -> Self {
        self.join("or", other)
    }

    /// All hold.
    pub fn all(items: Vec<Self>) -> Self {
        Self(Node::Group { op: "and", items })
    }

    /// One of them holds.
    pub fn any(items: Vec<Self>) -> Self {
        Self(Node::Group { op: "or", items })
    }

    fn join(self, joined: &'static str, other: Self) -> Self {
        match self.0 {
            Node::Group { op, mut items } if op == joined => {
                items.push(other);
                Self(Node::Group { op, items })
            }
            node => Self(Node::Group {
                op: joined,
                items: vec![Self(node), other],
            }),
        }
    }

    fn tally(&self, or: bool, tally: &mut Tally) {
        match &self.0 {
            Node::Leaf { field, .. } => {
                tally.or += usize::from(or);
                tally.udf += usize::from(field.udf);
            }
            Node::List { field, values, .. } => {
                tally.or += values.len();
                tally.udf += usize::from(field.udf);
                tally.empty |= values.len() == 0;
            }
            Node::Group { op, items } => {
                tally.empty |= items.is_empty();
                for item in items {
                    item.tally(or || *op == "or", tally);
                }
            }
        }
    }
}

/// What a query holds that the system limits.
#[derive(Default)]
struct Tally {
    or: usize,
    udf: usize,
    empty: bool,
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut named = |op: &str, field: &Field| {
            map.serialize_entry("op", op)?;
            map.serialize_entry("field", field)?;
            if field.udf {
                map.serialize_entry("udf", &true)?;
            }
            Ok(())
        };
        match &self.0 {
            Node::Leaf { op, field, value } => {
                named(op, field)?;
                if let Some(value) = value {
                    map.serialize_entry("value", value)?;
                }
            }
            Node::List { op, field, values } => {
                named(op, field)?;
                map.serialize_entry("value", values)?;
            }
            Node::Group { op, items } => {
                map.serialize_entry("op", op)?;
                map.serialize_entry("items", items)?;
            }
        }
        map.end()
    }
}

/// What to ask a list for: every record that all its filters let through, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a query does nothing until it is asked"]
pub struct Query {
    filters: Vec<Filter>,
    fields: Vec<Field>,
    max_records: Option<u16>,
}

impl Query {
    /// Every record.
    pub fn all() -> Self {
        Self::default()
    }

    /// The records that a filter lets through.
    pub fn matching(filter: Filter) -> Self {
        Self::all().and(filter)
    }

    /// Those of them that another filter lets through as well.
    pub fn and(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Answers these fields alone, and the id. User-defined fields are answered when
    /// [`Field::USER_DEFINED_FIELDS`] is among them.
    pub fn only(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields = fields.into_iter().collect();
        if !self.fields.contains(&Field::ID) {
            self.fields.insert(0, Field::ID);
        }
        self
    }

    /// Records per page, 1 to [`MAX_RECORDS`]; the client's own when not given.
    pub fn max_records(mut self, max_records: u16) -> Self {
        self.max_records = Some(max_records);
        self
    }

    /// Checks it against the system's limits.
    ///
    /// # Errors
    /// `Invalid` naming the limit.
    pub fn check(&self) -> Result<()> {
        if let Some(wrong) = self
            .max_records
            .filter(|records| !(1..=MAX_RECORDS).contains(records))
        {
            return Err(invalid(format!(
                "a page of {wrong} records is not between 1 and {MAX_RECORDS}"
            )));
        }
        let mut tally = Tally::default();
        for filter in &self.filters {
            filter.tally(false, &mut tally);
        }
        if tally.empty {
            return Err(invalid("a list or group of a filter is empty"));
        }
        if tally.udf > 1 {
            return Err(invalid(
                "a query may hold one condition on a user-defined field, and no more",
            ));
        }
        if tally.or > MAX_OR {
            return Err(invalid(format!(
                "{} conditions are joined by `or`; {MAX_OR} are allowed: ask in parts",
                tally.or
            )));
        }
        Ok(())
    }

    pub(crate) fn page_size(&self) -> Option<u16> {
        self.max_records
    }

    /// The body of a page after an id, or of the first.
    pub(crate) fn body(&self, max_records: u16, after: Option<i64>) -> Body<'_> {
        let every = self.filters.is_empty() && after.is_none();
        Body {
            max_records,
            include_fields: &self.fields,
            filter: self
                .filters
                .iter()
                .map(Cow::Borrowed)
                .chain(every.then(|| Cow::Owned(Filter::match_all())))
                .chain(after.map(|last| Cow::Owned(Field::ID.above(last))))
                .collect(),
        }
    }
}

/// A query as the system wants it written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body<'a> {
    max_records: u16,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    include_fields: &'a [Field],
    filter: Vec<Cow<'a, Filter>>,
}

impl fmt::Display for Filter {
    /// The filter as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, message).with_connector(crate::client::CONNECTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(query: &Query, after: Option<i64>) -> String {
        serde_json::to_string(&query.body(500, after)).unwrap()
    }

    #[test]
    fn every_operator_is_written_as_the_system_spells_it() {
        let name = Field::new("contractName").unwrap();
        for (filter, expected) in [
            (
                name.equals("a"),
                r#"{"op":"eq","field":"contractName","value":"a"}"#,
            ),
            (
                name.differs_from("a"),
                r#"{"op":"noteq","field":"contractName","value":"a"}"#,
            ),
            (Field::ID.above(3), r#"{"op":"gt","field":"id","value":3}"#),
            (
                Field::ID.at_least(0),
                r#"{"op":"gte","field":"id","value":0}"#,
            ),
            (Field::ID.below(3), r#"{"op":"lt","field":"id","value":3}"#),
            (
                Field::ID.at_most(3),
                r#"{"op":"lte","field":"id","value":3}"#,
            ),
            (
                name.begins_with("a"),
                r#"{"op":"beginsWith","field":"contractName","value":"a"}"#,
            ),
            (
                name.ends_with("a"),
                r#"{"op":"endsWith","field":"contractName","value":"a"}"#,
            ),
            (
                name.contains("\""),
                r#"{"op":"contains","field":"contractName","value":"\""}"#,
            ),
            (name.exists(), r#"{"op":"exist","field":"contractName"}"#),
            (
                name.is_absent(),
                r#"{"op":"notExist","field":"contractName"}"#,
            ),
            (
                Field::ID.is_one_of(vec![1, 2]),
                r#"{"op":"in","field":"id","value":[1,2]}"#,
            ),
            (
                name.is_none_of(vec!["a".to_owned()]),
                r#"{"op":"notIn","field":"contractName","value":["a"]}"#,
            ),
            (
                Field::IS_ACTIVE.equals(false),
                r#"{"op":"eq","field":"isActive","value":false}"#,
            ),
            (
                Field::udf("Subscription ID").unwrap().equals("x"),
                r#"{"op":"eq","field":"Subscription ID","udf":true,"value":"x"}"#,
            ),
        ] {
            assert_eq!(filter.to_string(), expected);
        }
    }

    #[test]
    fn groups_nest_and_the_same_word_joins_into_one_group() {
        let filter = Field::ID
            .equals(1)
            .or(Field::ID.equals(2))
            .or(Field::ID.equals(3));
        let filter = filter.and(Field::STATUS.equals(1));
        assert_eq!(
            filter.to_string(),
            r#"{"op":"and","items":[{"op":"or","items":[{"op":"eq","field":"id","value":1},{"op":"eq","field":"id","value":2},{"op":"eq","field":"id","value":3}]},{"op":"eq","field":"status","value":1}]}"#
        );
    }

    #[test]
    fn a_query_without_filters_matches_all_and_a_cursor_takes_its_place() {
        let query = Query::all();
        assert_eq!(
            json(&query, None),
            r#"{"maxRecords":500,"filter":[{"op":"gte","field":"id","value":0}]}"#
        );
        assert_eq!(
            json(&query, Some(7)),
            r#"{"maxRecords":500,"filter":[{"op":"gt","field":"id","value":7}]}"#
        );
        let query = Query::matching(Field::STATUS.equals(1)).only([Field::CONTRACT_NAME]);
        assert_eq!(
            json(&query, Some(7)),
            r#"{"maxRecords":500,"includeFields":["id","contractName"],"filter":[{"op":"eq","field":"status","value":1},{"op":"gt","field":"id","value":7}]}"#
        );
    }

    #[test]
    fn the_limits_of_the_system_are_checked_before_anything_is_sent() {
        let udf = || Field::udf("Subscription ID").unwrap().equals("x");
        let many = |count: i64| Field::ID.is_one_of((0..count).collect::<Vec<_>>());
        for (query, part) in [
            (Query::all().max_records(0), "between 1 and 500"),
            (Query::all().max_records(501), "between 1 and 500"),
            (
                Query::matching(udf()).and(udf()),
                "one condition on a user-defined field",
            ),
            (Query::matching(many(501)), "501 conditions"),
            (
                Query::matching(many(499).or(Field::ID.equals(1).or(Field::ID.equals(2)))),
                "501",
            ),
            (
                Query::matching(Field::ID.is_one_of(Vec::<i64>::new())),
                "empty",
            ),
            (Query::matching(Filter::any(Vec::new())), "empty"),
        ] {
            let error = query.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains(part), "{error}");
        }
        for query in [
            Query::all().max_records(1),
            Query::matching(many(500)),
            Query::matching(udf()).and(Field::STATUS.equals(1)),
            // Joined by `and`, conditions do not count.
            Query::matching(Filter::all(vec![Field::ID.above(1); 600])),
        ] {
            assert!(query.check().is_ok());
        }
    }

    #[test]
    fn names_of_fields_are_checked() {
        for wrong in ["", "a b", "id\"", "x.y"] {
            assert!(Field::new(wrong.to_owned()).is_err(), "{wrong}");
        }
        for wrong in ["", " ", "a\nb"] {
            assert!(Field::udf(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
