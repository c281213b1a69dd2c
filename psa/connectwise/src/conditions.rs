//! Typed filters for list calls.
//!
//! A [`Condition`] is built from a [`Field`], an operator and a [`Value`]; texts are quoted and
//! escaped, so that no name from outside can change the filter.
//!
//! `like` is left out on purpose: whether its wildcard is `*` or `%` differs between
//! installations. Use [`Field::contains`] or [`Field::equals`].

use std::borrow::Cow;
use std::fmt;

use rust_decimal::Decimal;
use tallyline_core::model::Timestamp;
use tallyline_core::{Error, ErrorKind, Result};

/// A field, or a path to the field of a reference such as `company/id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field(Cow<'static, str>);

impl Field {
    /// `id` of any record.
    pub const ID: Self = Self::known("id");
    /// `name` of any record that has one.
    pub const NAME: Self = Self::known("name");
    /// `lastUpdated` of any record, although it is answered under `_info`.
    pub const LAST_UPDATED: Self = Self::known("lastUpdated");
    /// `deletedFlag` of a company.
    pub const DELETED_FLAG: Self = Self::known("deletedFlag");
    /// `company/id` of an agreement.
    pub const COMPANY_ID: Self = Self::known("company/id");
    /// `cancelledFlag` of an agreement.
    pub const CANCELLED_FLAG: Self = Self::known("cancelledFlag");
    /// `parentAgreement` of an agreement: compare it with [`Value::Null`].
    pub const PARENT_AGREEMENT: Self = Self::known("parentAgreement");
    /// `parentAgreement/id` of an agreement.
    pub const PARENT_AGREEMENT_ID: Self = Self::known("parentAgreement/id");
    /// `currency` of an agreement.
    pub const CURRENCY: Self = Self::known("currency");
    /// `product/id` of an addition.
    pub const PRODUCT_ID: Self = Self::known("product/id");
    /// `inactiveFlag` of a catalogue item.
    pub const INACTIVE_FLAG: Self = Self::known("inactiveFlag");
    /// `identifier` of a catalogue item.
    pub const IDENTIFIER: Self = Self::known("identifier");
    /// `vendorSku` of a catalogue item.
    pub const VENDOR_SKU: Self = Self::known("vendorSku");
    /// `caption`, in conditions on custom fields.
    pub const CAPTION: Self = Self::known("caption");
    /// `value`, in conditions on custom fields.
    pub const VALUE: Self = Self::known("value");

    const fn known(path: &'static str) -> Self {
        Self(Cow::Borrowed(path))
    }

    /// A field by its path.
    ///
    /// # Errors
    /// `Config` unless the path is made of names of ASCII letters, digits and `_`, parted by `/`.
    pub fn new(path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        let good = path.split('/').all(|name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        if !good {
            return Err(Error::new(
                ErrorKind::Config,
                format!("{path:?} is not the path of a field, such as \"company/id\""),
            ));
        }
        Ok(Self(path.into()))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn compare(&self, operator: &'static str, value: Value) -> Condition {
        Condition(Node::Compare(self.clone(), operator, value))
    }

    /// `field = value`.
    pub fn equals(&self, value: impl Into<Value>) -> Condition {
        self.compare("=", value.into())
    }

    /// `field != value`.
    pub fn not_equals(&self, value: impl Into<Value>) -> Condition {
        self.compare("!=", value.into())
    }

    /// `field < value`.
    pub fn less_than(&self, value: impl Into<Value>) -> Condition {
        self.compare("<", value.into())
    }

    /// `field <= value`.
    pub fn at_most(&self, value: impl Into<Value>) -> Condition {
        self.compare("<=", value.into())
    }

    /// `field > value`.
    pub fn greater_than(&self, value: impl Into<Value>) -> Condition {
        self.compare(">", value.into())
    }

    /// `field >= value`.
    pub fn at_least(&self, value: impl Into<Value>) -> Condition {
        self.compare(">=", value.into())
    }

    /// `field contains "text"`.
    pub fn contains(&self, text: impl Into<String>) -> Condition {
        self.compare("contains", Value::Text(text.into()))
    }

    /// `field not contains "text"`.
    pub fn not_contains(&self, text: impl Into<String>) -> Condition {
        self.compare("not contains", Value::Text(text.into()))
    }

    /// `field in (a,b)`. Only for `conditions`, not for those on children or custom fields.
    ///
    /// # Errors
    /// `Config` when there is no value.
    pub fn is_in<V: Into<Value>>(&self, values: impl IntoIterator<Item = V>) -> Result<Condition> {
        self.list("in", values)
    }

    /// `field not in (a,b)`. Only for `conditions`, not for those on children or custom fields.
    ///
    /// # Errors
    /// `Config` when there is no value.
    pub fn is_not_in<V: Into<Value>>(
        &self,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Condition> {
        self.list("not in", values)
    }

    /// [`is_in`](Self::is_in) cut into as many conditions as needed for each to stay within a
    /// number of characters once percent-encoded. A value that is longer alone stands alone.
    ///
    /// No values give no conditions.
    pub fn is_in_chunks<V: Into<Value>>(
        &self,
        values: impl IntoIterator<Item = V>,
        max_encoded: usize,
    ) -> Vec<Condition> {
        let frame = encoded_len(&format!("{} in ()", self.0));
        let mut chunks: Vec<Vec<Value>> = Vec::new();
        let mut used = 0;
        for value in values {
            let value = value.into();
            let len = encoded_len(&value.to_string()) + encoded_len(",");
            match chunks.last_mut() {
                Some(chunk) if used + len <= max_encoded => chunk.push(value),
                _ => {
                    chunks.push(vec![value]);
                    used = frame;
                }
            }
            used += len;
        }
        chunks
            .into_iter()
            .map(|chunk| Condition(Node::List(self.clone(), "in", chunk)))
            .collect()
    }

    fn list<V: Into<Value>>(
        &self,
        operator: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Condition> {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("the list of `{} {operator}` is empty", self.0),
            ));
        }
        Ok(Condition(Node::List(self.clone(), operator, values)))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How long a text is once every reserved character is percent-encoded.
pub(crate) fn encoded_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => 1,
            byte if byte.is_ascii_alphanumeric() => 1,
            _ => 3,
        })
        .sum()
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A text: quoted, with `"` and `\` escaped.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Number(Decimal),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An instant, written as `[2026-02-01T00:00:00Z]`.
    ///
    /// Installations differ in how they compare dates: filter generously and check again.
    Instant(Timestamp),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => {
                f.write_str("\"")?;
                for c in text.chars() {
                    if matches!(c, '"' | '\\') {
                        f.write_str("\\")?;
                    }
                    fmt::Write::write_char(f, c)?;
                }
                f.write_str("\"")
            }
            Self::Int(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Null => f.write_str("null"),
            Self::Instant(instant) => write!(f, "[{}]", whole_seconds(*instant)),
        }
    }
}

/// The instant without its fraction: the grammar knows whole seconds.
fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Timestamp> for Value {
    fn from(instant: Timestamp) -> Self {
        Self::Instant(instant)
    }
}

/// A filter, as `Display` writes it into the query.
///
/// ```
/// use tallyline_connectwise::conditions::Field;
///
/// let filter = Field::NAME
///     .equals("Ana \"A\" Ltd")
///     .and(Field::DELETED_FLAG.equals(false));
/// assert_eq!(filter.to_string(), r#"name = "Ana \"A\" Ltd" and deletedFlag = false"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Compare(Field, &'static str, Value),
    List(Field, &'static str, Vec<Value>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

impl Condition {
    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut nodes = Vec::new();
        for node in [self.0, other.0] {
            match node {
                Node::And(inner) => nodes.extend(inner),
                node => nodes.push(node),
            }
        }
        Self(Node::And(nodes))
    }

    /// At least one must hold.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut nodes = Vec::new();
        for node in [self.0, other.0] {
            match node {
                Node::Or(inner) => nodes.extend(inner),
                node => nodes.push(node),
            }
        }
        Self(Node::Or(nodes))
    }

    /// Whether it holds an `in` list, which only `conditions` takes.
    pub(crate) fn has_list(&self) -> bool {
        self.0.has_list()
    }
}

impl Node {
    fn has_list(&self) -> bool {
        match self {
            Self::Compare(..) => false,
            Self::List(..) => true,
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().any(Self::has_list),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, nested: bool) -> fmt::Result {
        let group = |f: &mut fmt::Formatter<'_>, nodes: &[Self], word: &str| {
            if nested {
                f.write_str("(")?;
            }
            for (at, node) in nodes.iter().enumerate() {
                if at > 0 {
                    write!(f, " {word} ")?;
                }
                node.write(f, true)?;
            }
            if nested { f.write_str(")") } else { Ok(()) }
        };
        match self {
            Self::Compare(field, operator, value) => write!(f, "{field} {operator} {value}"),
            Self::List(field, operator, values) => {
                write!(f, "{field} {operator} (")?;
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        f.write_str(",")?;
                    }
                    write!(f, "{value}")?;
                }
                f.write_str(")")
            }
            Self::And(nodes) => group(f, nodes, "and"),
            Self::Or(nodes) => group(f, nodes, "or"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, false)
    }
}
