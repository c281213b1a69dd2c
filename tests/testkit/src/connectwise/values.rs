//! Members of a body: looked up, checked against their kind, converted.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::error::{Invalid, conversion, no_member};
use super::schema::{Entity, Kind, Member};
use crate::clock::date_of;
use crate::http::SimAnswer;
use crate::json::{Json, parse_decimal};

/// One member to set; a null value clears it.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) name: &'static str,
    pub(super) value: Json,
}

/// Members that only newer versions know.
const SINCE: [(&str, &str, (u16, u16)); 2] = [
    ("Addition", "additionStatus", (2026, 11)),
    ("Agreement", "applicationCycleValue", (2026, 11)),
];

/// Looks a member up by its exact name.
pub(super) fn member(
    entity: &Entity,
    name: &str,
    version: (u16, u16),
) -> Result<&'static Member, SimAnswer> {
    let known = |found: &&Member| {
        !SINCE.iter().any(|(owner, newer, since)| {
            *owner == entity.name && *newer == found.name && version < *since
        })
    };
    entity
        .member(name)
        .filter(known)
        .ok_or_else(|| no_member(name, entity.name))
}

/// The members of the body of a POST.
pub(super) fn from_object(
    entity: &Entity,
    body: &Json,
    version: (u16, u16),
) -> Result<Vec<Change>, SimAnswer> {
    let members = body.members().ok_or_else(|| conversion(body, ""))?;
    let change = |(name, value): &(String, Json)| {
        let member = member(entity, name, version)?;
        Ok(Change {
            name: member.name,
            value: checked(entity, member, value)?,
        })
    };
    members.iter().map(change).collect()
}

/// Checks the JSON type of a value; a wrong one is the documented 500. Decimals may come as text.
pub(super) fn checked(entity: &Entity, member: &Member, value: &Json) -> Result<Json, SimAnswer> {
    let wrong = || conversion(value, member.name);
    match (member.kind, value) {
        (_, Json::Null) => Ok(Json::Null),
        (Kind::Number, Json::Number(text)) if parse_decimal(text).is_some() => Ok(value.clone()),
        (Kind::Number, Json::Text(text)) => parse_decimal(text).map(Json::from).ok_or_else(wrong),
        (Kind::Integer, Json::Number(_)) if value.integer().is_some() => Ok(value.clone()),
        (Kind::Flag, Json::Bool(_))
        | (Kind::Text(_) | Kind::Choice(_), Json::Text(_))
        | (Kind::CustomFields | Kind::Children(_), Json::Array(_))
        | (Kind::Info, Json::Object(_)) => Ok(value.clone()),
        (Kind::Date, Json::Text(text)) if text.is_empty() => Ok(Json::Null),
        (Kind::Date, Json::Text(text)) if day(text).is_some() => Ok(value.clone()),
        (Kind::Reference(names), Json::Object(members)) => {
            match members
                .iter()
                .find(|(name, _)| !names.contains(&name.as_str()))
            {
                Some((name, _)) => {
                    Err(no_member(name, &format!("{} {}", entity.name, member.name)))
                }
                None => Ok(value.clone()),
            }
        }
        _ => Err(wrong()),
    }
}

/// The problems that are validation errors rather than conversion errors: length and choice.
pub(super) fn validate(entity: &Entity, change: &Change, errors: &mut Vec<Invalid>) {
    let Some(member) = entity.member(change.name) else {
        return;
    };
    match (member.kind, &change.value) {
        (Kind::Text(limit), Json::Text(text)) if limit > 0 && text.chars().count() > limit => {
            errors.push(Invalid::field(
                change.name,
                format!("The {} field is longer than {limit}.", change.name),
            ));
        }
        (Kind::Choice(words), Json::Text(text)) if !words.contains(&text.as_str()) => {
            errors.push(Invalid::field(
                change.name,
                format!("The value {text} is not valid for {}.", change.name),
            ));
        }
        _ => {}
    }
}

/// The calendar date of a date or a date-time.
pub(super) fn day(text: &str) -> Option<Date> {
    text.parse::<Timestamp>().ok().map(date_of).or_else(|| {
        // A bare date only: a civil date-time without an offset would be ambiguous.
        (text.len() == 10).then(|| text.parse().ok()).flatten()
    })
}

pub(super) fn as_day(value: &Json) -> Option<Date> {
    value.text().and_then(day)
}

pub(super) fn as_decimal(value: &Json) -> Decimal {
    value.decimal().unwrap_or(Decimal::ZERO)
}

pub(super) fn as_text(value: &Json) -> Option<String> {
    value
        .text()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The id in a reference.
pub(super) fn reference_id(value: &Json) -> Option<i64> {
    value.get("id").and_then(Json::integer)
}
