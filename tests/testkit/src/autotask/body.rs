//! The bodies of writes, read strictly: known members, right types, values that the picklists have.

use jiff::Span;
use jiff::civil::Date;

use super::error::{errors, refused};
use super::records::Record;
use super::schema::{Entity, Field, Kind, Writable};
use super::state::AutotaskState;
use super::values;
use crate::http::SimAnswer;
use crate::json::Json;

/// The longest text of a field whose length is not known.
const LONG_TEXT: usize = 8000;

/// What kind of write a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    /// What is not sent stays.
    Patch,
    /// What is not sent becomes `null`.
    Put,
}

/// The fields and user-defined fields that a body sets.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) id: Option<i64>,
    fields: Vec<(&'static Field, Json)>,
    udfs: Vec<(String, Option<String>)>,
    named: Vec<&'static str>,
}

impl Body {
    /// Reads a body for an entity.
    ///
    /// # Errors
    ///
    /// All texts of the refusal at once.
    pub(super) fn read(
        state: &AutotaskState,
        entity: Entity,
        verb: Verb,
        json: &Json,
    ) -> Result<Self, SimAnswer> {
        let members = json
            .members()
            .ok_or_else(|| refused("The body is not an object."))?;
        let mut body = Self::default();
        let mut texts = Vec::new();
        for (name, value) in members {
            if name.eq_ignore_ascii_case("userDefinedFields") && entity.has_udfs() {
                body.udfs(state, entity, value, &mut texts);
            } else if name.eq_ignore_ascii_case("id") {
                body.id = value.integer();
            } else {
                body.member(state, entity, verb, (name, value), &mut texts);
            }
        }
        if verb == Verb::Create && body.id.is_some_and(|id| id != 0) {
            texts.push("The id of a new record cannot be chosen.".to_owned());
        }
        if verb != Verb::Create && body.id.is_none() {
            texts.push("The id of the record is missing in the body.".to_owned());
        }
        if verb != Verb::Patch {
            let missing = entity.fields().iter().filter(|field| {
                field.required
                    && (verb == Verb::Create || field.writable == Writable::Always)
                    && !body.named.contains(&field.name)
            });
            texts.extend(missing.map(|field| format!("Missing Required Field: {}.", field.name)));
        }
        if texts.is_empty() {
            Ok(body)
        } else {
            Err(errors(500, &texts))
        }
    }

    fn member(
        &mut self,
        state: &AutotaskState,
        entity: Entity,
        verb: Verb,
        (name, value): (&str, &Json),
        texts: &mut Vec<String>,
    ) {
        let Some(field) = entity.field(name) else {
            texts.push(format!(
                "{name} is not a field of the {} Entity.",
                entity.singular()
            ));
            return;
        };
        self.named.push(field.name);
        // Without the permission for costs, what is written to them vanishes.
        if field.cost && !state.rights.costs {
            return;
        }
        let late = verb != Verb::Create && field.writable == Writable::OnCreate;
        if field.writable == Writable::Never {
            texts.push(format!("{} is read-only.", field.name));
            return;
        }
        match value_of(state, entity, field, value) {
            Ok(value) if late => self.fields.push((field, value)),
            Ok(Json::Null) if field.required => {
                texts.push(format!("Missing Required Field: {}.", field.name));
            }
            Ok(value) => self.fields.push((field, value)),
            Err(text) => texts.push(text),
        }
    }

    fn udfs(
        &mut self,
        state: &AutotaskState,
        entity: Entity,
        value: &Json,
        texts: &mut Vec<String>,
    ) {
        let Some(items) = value.items() else {
            texts.push("userDefinedFields is a list of names and values.".to_owned());
            return;
        };
        for item in items {
            let name = item.get("name").and_then(Json::text).unwrap_or("");
            let Some(udf) = state.udf(entity, name) else {
                texts.push(format!(
                    "Unable to find {name} in the {} Entity.",
                    entity.singular()
                ));
                continue;
            };
            match item.get("value") {
                Some(Json::Text(text)) => self.udfs.push((udf.name.clone(), Some(text.clone()))),
                Some(Json::Null) => self.udfs.push((udf.name.clone(), None)),
                _ => texts.push(format!("The value of {name} is a text or null.")),
            }
        }
    }

    /// Writes the body into a record.
    ///
    /// # Errors
    ///
    /// When it changes what only a create sets.
    pub(super) fn write(
        &self,
        entity: Entity,
        verb: Verb,
        record: &mut Record,
    ) -> Result<(), SimAnswer> {
        let texts: Vec<String> = self
            .fields
            .iter()
            .filter(|(field, value)| {
                verb != Verb::Create
                    && field.writable == Writable::OnCreate
                    && record.get(field.name) != value
            })
            .map(|(field, _)| format!("{} cannot be changed.", field.name))
            .collect();
        if !texts.is_empty() {
            return Err(errors(500, &texts));
        }
        if verb == Verb::Put {
            for field in entity.fields() {
                if field.writable == Writable::Always {
                    record.fields.remove(field.name);
                }
            }
            record.udfs.clear();
        }
        for (field, value) in &self.fields {
            record.fields.insert(field.name.to_owned(), value.clone());
        }
        for (name, value) in &self.udfs {
            match value {
                Some(value) => record.udfs.insert(name.clone(), value.clone()),
                None => record.udfs.remove(name),
            };
        }
        Ok(())
    }
}

/// A value as a record holds it.
fn value_of(
    state: &AutotaskState,
    entity: Entity,
    field: &Field,
    value: &Json,
) -> Result<Json, String> {
    if value.is_null() {
        return Ok(Json::Null);
    }
    let wrong = || {
        format!(
            "Error converting value {value} of {} to type {}.",
            field.name,
            field.kind.data_type()
        )
    };
    let read = match field.kind {
        Kind::Int => value
            .integer()
            .filter(|number| i32::try_from(*number).is_ok())
            .map(Json::from),
        Kind::Long => value.integer().map(Json::from),
        Kind::Decimal => value.decimal().map(values::amount),
        Kind::Flag => value.flag().map(Json::from),
        Kind::Text => value.text().map(Json::from),
        Kind::Day => value
            .text()
            .and_then(|text| day_sent(state, text))
            .map(values::day),
        Kind::Moment => value
            .text()
            .filter(|text| values::moment(text).is_some())
            .map(Json::from),
    };
    let read = read.ok_or_else(wrong)?;
    if let Some(text) = read.text()
        && field.kind == Kind::Text
        && text.chars().count() > field.max.unwrap_or(LONG_TEXT)
    {
        return Err(format!(
            "The value of {} exceeds the maximum length of {}.",
            field.name,
            field.max.unwrap_or(LONG_TEXT)
        ));
    }
    if field.picklist {
        let known = state
            .choices(entity, field.name)
            .iter()
            .any(|choice| Some(choice.value) == read.integer());
        if !known {
            return Err(format!(
                "Picklist value [{value}] does not exist for {}.",
                field.name
            ));
        }
    }
    Ok(read)
}

/// The day that a date field takes from a date that was sent.
fn day_sent(state: &AutotaskState, text: &str) -> Option<Date> {
    let at = values::moment(text)?;
    if at.time() == values::midnight() {
        return Some(at.date());
    }
    let shift = Span::new().try_hours(state.options.date_shift_hours).ok()?;
    Some(at.checked_add(shift).ok()?.date())
}
