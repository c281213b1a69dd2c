//! The query grammar: what may be asked, and which rows answer it.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::error::{conversion, malformed, refused, unable_to_find};
use super::schema::{Entity, Field, Kind};
use super::state::AutotaskState;
use super::values;
use crate::http::SimAnswer;
use crate::json::Json;

/// The most rows of one page, and the default.
pub(super) const MOST_ROWS: i64 = 500;
const MOST_CHOICES: usize = 500;
/// Booleans that the database keeps as options.
const OPTION_FLAGS: [&str; 2] = ["isBilled", "isBillableToCompany"];

/// A query, read.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) rows: usize,
    /// The fields to answer with, when not all; the flag tells whether user-defined fields were asked for.
    pub(super) include: Option<(Vec<&'static Field>, bool)>,
    filter: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    All(Vec<Self>),
    Any(Vec<Self>),
    Test(Test),
}

#[derive(Debug)]
struct Test {
    op: Op,
    target: Target,
    values: Vec<Json>,
}

#[derive(Debug)]
enum Target {
    Field(&'static Field),
    Udf(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Eq,
    NotEq,
    Gt,
    Gte,
    Lt,
    Lte,
    BeginsWith,
    EndsWith,
    Contains,
    Exist,
    NotExist,
    In,
    NotIn,
}

impl Op {
    /// The operators are spelled exactly.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Eq,
            "noteq" => Self::NotEq,
            "gt" => Self::Gt,
            "gte" => Self::Gte,
            "lt" => Self::Lt,
            "lte" => Self::Lte,
            "beginsWith" => Self::BeginsWith,
            "endsWith" => Self::EndsWith,
            "contains" => Self::Contains,
            "exist" => Self::Exist,
            "notExist" => Self::NotExist,
            "in" => Self::In,
            "notIn" => Self::NotIn,
            _ => return None,
        })
    }

    fn of_text_only(self) -> bool {
        matches!(self, Self::BeginsWith | Self::EndsWith | Self::Contains)
    }
}

/// A member of an object whose names do not mind letter case.
fn member<'a>(json: &'a Json, name: &str) -> Option<&'a Json> {
    json.members()?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn only(json: &Json, known: &[&str]) -> Result<(), SimAnswer> {
    let members = json
        .members()
        .ok_or_else(|| malformed("An object is expected in the query."))?;
    let stranger = members
        .iter()
        .find(|(name, _)| !known.iter().any(|known| known.eq_ignore_ascii_case(name)));
    match stranger {
        Some((name, _)) => Err(malformed(format!("'{name}' is no part of a query."))),
        None => Ok(()),
    }
}

impl Query {
    /// Everything, as the lists of children answer it.
    pub(super) fn everything() -> Self {
        Self {
            rows: usize::try_from(MOST_ROWS).unwrap_or(0),
            include: None,
            filter: Vec::new(),
        }
    }

    /// Reads a query about an entity.
    pub(super) fn parse(
        state: &AutotaskState,
        entity: Entity,
        json: &Json,
    ) -> Result<Self, SimAnswer> {
        only(json, &["MaxRecords", "IncludeFields", "Filter"])?;
        let rows = match member(json, "MaxRecords") {
            None => MOST_ROWS,
            Some(given) => given
                .integer()
                .filter(|rows| (1..=MOST_ROWS).contains(rows))
                .ok_or_else(|| refused("MaxRecords must be a value from 1 to 500."))?,
        };
        let mut reader = Reader {
            state,
            entity,
            choices: 0,
            udfs: 0,
        };
        let include = match member(json, "IncludeFields") {
            None => None,
            Some(names) => reader.include(names)?,
        };
        let filter = member(json, "Filter")
            .and_then(Json::items)
            .filter(|items| !items.is_empty())
            .ok_or_else(|| refused("At least one filter is required."))?;
        let filter = filter
            .iter()
            .map(|node| reader.node(node))
            .collect::<Result<_, _>>()?;
        if reader.choices > MOST_CHOICES {
            return Err(refused(
                "The query holds more than 500 OR conditions. Reduce them and try again.",
            ));
        }
        if reader.udfs > 1 {
            return Err(refused(
                "Only one user-defined field condition is allowed per query.",
            ));
        }
        Ok(Self {
            rows: usize::try_from(rows).unwrap_or(0),
            include,
            filter,
        })
    }

    /// Whether a row answers the query.
    pub(super) fn matches(&self, state: &AutotaskState, row: &Json) -> bool {
        self.filter.iter().all(|node| node.matches(state, row))
    }

    /// The only values that a whole-number field can have in the answer, when a condition says so.
    pub(super) fn restricted(&self, name: &str) -> Option<BTreeSet<i64>> {
        self.filter.iter().find_map(|node| match node {
            Node::Test(Test {
                op: Op::Eq | Op::In,
                target: Target::Field(field),
                values,
            }) if field.name == name => Some(values.iter().filter_map(Json::integer).collect()),
            _ => None,
        })
    }
}

struct Reader<'a> {
    state: &'a AutotaskState,
    entity: Entity,
    choices: usize,
    udfs: usize,
}

impl Reader<'_> {
    fn include(&self, names: &Json) -> Result<Option<(Vec<&'static Field>, bool)>, SimAnswer> {
        let names = names
            .items()
            .ok_or_else(|| malformed("IncludeFields is a list of names."))?;
        if names.is_empty() {
            return Ok(None);
        }
        let mut udfs = false;
        let mut fields = Vec::new();
        for name in names {
            let name = name
                .text()
                .ok_or_else(|| malformed("IncludeFields is a list of names."))?;
            if self.entity.has_udfs() && name.eq_ignore_ascii_case("userDefinedFields") {
                udfs = true;
            } else {
                fields.push(self.field(name)?);
            }
        }
        Ok(Some((fields, udfs)))
    }

    fn field(&self, name: &str) -> Result<&'static Field, SimAnswer> {
        self.entity
            .field(name)
            .filter(|field| !field.hidden)
            .ok_or_else(|| unable_to_find(name, self.entity.singular()))
    }

    fn node(&mut self, json: &Json) -> Result<Node, SimAnswer> {
        only(json, &["op", "field", "value", "udf", "items"])?;
        let op = member(json, "op")
            .and_then(Json::text)
            .ok_or_else(|| refused("A condition without an operator."))?;
        if op == "and" || op == "or" {
            return self.group(json, op == "or");
        }
        let op = Op::named(op).ok_or_else(|| refused(format!("'{op}' is no operator.")))?;
        if member(json, "items").is_some_and(|items| items.items() != Some(&[])) {
            return Err(refused("A condition on a field holds no items."));
        }
        let name = member(json, "field")
            .and_then(Json::text)
            .ok_or_else(|| refused("A condition without a field."))?;
        let udf = match member(json, "udf") {
            None => false,
            Some(flag) => flag
                .flag()
                .ok_or_else(|| malformed("'udf' is true or false."))?,
        };
        let target = if udf {
            self.udfs += 1;
            let found = self
                .state
                .udf(self.entity, name)
                .filter(|udf| udf.queryable)
                .ok_or_else(|| unable_to_find(name, self.entity.singular()))?;
            Target::Udf(found.name.clone())
        } else {
            Target::Field(self.field(name)?)
        };
        let values = self.values(op, &target, member(json, "value"))?;
        Ok(Node::Test(Test { op, target, values }))
    }

    fn group(&mut self, json: &Json, any: bool) -> Result<Node, SimAnswer> {
        let items = member(json, "items")
            .and_then(Json::items)
            .filter(|items| !items.is_empty())
            .ok_or_else(|| refused("A group holds at least one condition."))?;
        if member(json, "field").is_some() || member(json, "value").is_some() {
            return Err(refused("A group has no field and no value."));
        }
        if any {
            self.choices += items.len();
        }
        let nodes = items
            .iter()
            .map(|item| self.node(item))
            .collect::<Result<_, _>>()?;
        Ok(if any {
            Node::Any(nodes)
        } else {
            Node::All(nodes)
        })
    }

    fn values(
        &mut self,
        op: Op,
        target: &Target,
        value: Option<&Json>,
    ) -> Result<Vec<Json>, SimAnswer> {
        if matches!(op, Op::Exist | Op::NotExist) {
            return match value {
                None => Ok(Vec::new()),
                Some(_) => Err(refused("exist and notExist have no value.")),
            };
        }
        let value = value.ok_or_else(|| refused("A condition without a value."))?;
        let list = matches!(op, Op::In | Op::NotIn);
        let values = match (list, value) {
            (true, Json::Array(items)) if !items.is_empty() => items.clone(),
            (true, _) => return Err(refused("in and notIn have a list of values.")),
            (false, one) => vec![one.clone()],
        };
        if list {
            self.choices += values.len();
        }
        let scalar =
            |value: &Json| matches!(value, Json::Number(_) | Json::Text(_) | Json::Bool(_));
        if !values.iter().all(scalar) {
            return Err(refused(
                "A value is a number, a text, true, false, or a list of numbers or texts.",
            ));
        }
        if let Target::Field(field) = target {
            for value in &values {
                fits(op, field, value)?;
            }
        }
        Ok(values)
    }
}

/// Refuses what the database cannot convert; a number written as a text is no error, and equals nothing.
fn fits(op: Op, field: &Field, value: &Json) -> Result<(), SimAnswer> {
    if op.of_text_only() && field.kind != Kind::Text {
        return Err(refused(format!(
            "{} cannot be searched for a part of a text.",
            field.name
        )));
    }
    match (field.kind, value.text()) {
        (Kind::Int | Kind::Long, Some(label))
            if field.picklist && label.parse::<i64>().is_err() =>
        {
            Err(conversion(label, field.kind.sql_type()))
        }
        (Kind::Day | Kind::Moment, Some(text)) if values::moment(text).is_none() => {
            Err(conversion(text, field.kind.sql_type()))
        }
        _ => Ok(()),
    }
}

impl Node {
    fn matches(&self, state: &AutotaskState, row: &Json) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(state, row)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(state, row)),
            Self::Test(test) => test.matches(state, row),
        }
    }
}

impl Test {
    fn matches(&self, state: &AutotaskState, row: &Json) -> bool {
        let (have, kind, name) = match &self.target {
            Target::Field(field) => (row.get(field.name), field.kind, field.name),
            Target::Udf(name) => (udf_value(row, name), Kind::Text, name.as_str()),
        };
        let have = have.filter(|value| !value.is_null());
        let as_numbers = state.options.billing_flags_as_numbers && OPTION_FLAGS.contains(&name);
        match (self.op, have) {
            (Op::Exist, have) => have.is_some(),
            (Op::NotExist, have) => have.is_none(),
            // As in the database, nothing compares with what is absent.
            (_, None) => false,
            (op, Some(have)) => {
                let compared = self
                    .values
                    .iter()
                    .map(|value| compare(kind, have, value, as_numbers));
                holds(op, have, &self.values, compared.collect())
            }
        }
    }
}

fn udf_value<'a>(row: &'a Json, name: &str) -> Option<&'a Json> {
    row.get("userDefinedFields")?
        .items()?
        .iter()
        .find(|udf| udf.get("name").and_then(Json::text) == Some(name))?
        .get("value")
}

fn holds(op: Op, have: &Json, values: &[Json], compared: Vec<Option<Ordering>>) -> bool {
    let any = |test: fn(Ordering) -> bool| compared.iter().flatten().any(|order| test(*order));
    let part = |test: fn(&str, &str) -> bool| {
        let have = have.text().unwrap_or("").to_lowercase();
        let want = values.first().and_then(Json::text);
        want.is_some_and(|want| test(&have, &want.to_lowercase()))
    };
    match op {
        Op::Eq | Op::In => any(Ordering::is_eq),
        Op::NotEq => any(Ordering::is_ne),
        Op::NotIn => compared
            .iter()
            .all(|order| order.is_some_and(Ordering::is_ne)),
        Op::Gt => any(Ordering::is_gt),
        Op::Gte => any(Ordering::is_ge),
        Op::Lt => any(Ordering::is_lt),
        Op::Lte => any(Ordering::is_le),
        Op::BeginsWith => part(|have, want| have.starts_with(want)),
        Op::EndsWith => part(|have, want| have.ends_with(want)),
        Op::Contains => part(|have, want| have.contains(want)),
        Op::Exist | Op::NotExist => false,
    }
}

/// How a value of a row stands to one asked for; `None` when they do not compare.
fn compare(kind: Kind, have: &Json, want: &Json, as_numbers: bool) -> Option<Ordering> {
    match kind {
        Kind::Long | Kind::Int | Kind::Decimal => have.decimal()?.partial_cmp(&want.decimal()?),
        Kind::Text => {
            let have = have.text()?.to_lowercase();
            Some(have.cmp(&want.text()?.to_lowercase()))
        }
        Kind::Flag if as_numbers => {
            let want = want.integer().filter(|bit| (0..=1).contains(bit))?;
            Some(i64::from(have.flag()?).cmp(&want))
        }
        Kind::Flag => Some(have.flag()?.cmp(&want.flag()?)),
        Kind::Day | Kind::Moment => {
            Some(values::moment(have.text()?)?.cmp(&values::moment(want.text()?)?))
        }
    }
}
