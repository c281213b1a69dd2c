//! A schema of an OpenAPI 3.0 document as a JSON Schema validator.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The schemas that references of one document may name.
pub(super) type Components = Arc<Map<String, Value>>;

/// Which side writes the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// The client: formats are taken at their word.
    Client,
    /// The vendor, or a client that the vendor leaves this freedom: a date may carry a time and a date-time may lack its zone, as the live systems write them.
    Vendor,
}

/// One thing wrong with a value.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) pointer: String,
    pub(super) keyword: String,
    pub(super) message: String,
}

/// A schema, compiled on first use.
#[derive(Debug)]
pub(super) struct Shape {
    schema: Value,
    components: Components,
    writer: Writer,
    compiled: OnceLock<Result<Validator, String>>,
}

impl Shape {
    pub(super) fn new(schema: Value, components: &Components, writer: Writer) -> Self {
        Self {
            schema,
            components: Arc::clone(components),
            writer,
            compiled: OnceLock::new(),
        }
    }

    /// Everything wrong with a value.
    pub(super) fn faults(&self, value: &Value) -> Vec<Fault> {
        match self.compiled.get_or_init(|| self.compile()) {
            Ok(validator) => validator.iter_errors(value).flat_map(spread).collect(),
            Err(problem) => vec![Fault {
                pointer: String::new(),
                keyword: "schema".to_owned(),
                message: format!("the schema of the document cannot be compiled: {problem}"),
            }],
        }
    }

    /// Everything wrong with a text, read as the type that the schema wants.
    pub(super) fn faults_of_text(&self, text: &str) -> Vec<Fault> {
        let wanted = self.schema.get("type").and_then(Value::as_str);
        let value = match wanted {
            Some("integer" | "number") => serde_json::from_str::<serde_json::Number>(text)
                .map_or_else(|_| Value::from(text), Value::Number),
            Some("boolean") if text == "true" || text == "false" => Value::from(text == "true"),
            _ => Value::from(text),
        };
        self.faults(&value)
    }

    fn compile(&self) -> Result<Validator, String> {
        let mut named = BTreeSet::new();
        references(&self.schema, &self.components, &mut named);
        let definitions: Map<String, Value> = named
            .iter()
            .flat_map(|name| {
                let component = self.components.get(name);
                let forms = component.map(|component| {
                    [
                        (name.clone(), convert(component, Form::Whole)),
                        (part_name(name), convert(component, Form::Part)),
                    ]
                });
                forms.into_iter().flatten()
            })
            .collect();
        let root = json!({ "allOf": [convert(&self.schema, Form::Whole)], "$defs": definitions });
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .with_format("uuid", is_uuid);
        let options = match self.writer {
            Writer::Client => options
                .with_format("date", is_date)
                .with_format("date-time", is_zoned),
            Writer::Vendor => options
                .with_format("date", is_any_date)
                .with_format("date-time", is_any_date),
        };
        options.build(&root).map_err(|error| error.to_string())
    }
}

/// One fault per member, so that an allowed member does not hide another.
fn spread(error: jsonschema::ValidationError<'_>) -> Vec<Fault> {
    let at = error.instance_path().as_str().to_owned();
    let keyword = error.kind().keyword().to_owned();
    let member = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .map(|name| Fault {
                pointer: member(name),
                keyword: "additionalProperties".to_owned(),
                message: format!("the document has no member '{name}' here"),
            })
            .collect(),
        ValidationErrorKind::Required { property } => vec![Fault {
            pointer: member(property.as_str().unwrap_or_default()),
            keyword,
            message: "the member is required and missing".to_owned(),
        }],
        _ => vec![Fault {
            pointer: at.clone(),
            keyword,
            message: shortened(error.to_string()),
        }],
    }
}

fn shortened(text: String) -> String {
    const MOST: usize = 200;
    if text.chars().count() <= MOST {
        return text;
    }
    // The verdict stands at the end, after the value.
    let end: String = text.chars().rev().take(MOST / 2).collect();
    let start: String = text.chars().take(MOST / 2).collect();
    format!("{start} ... {}", end.chars().rev().collect::<String>())
}

fn reference(schema: &Value) -> Option<&str> {
    schema
        .get("$ref")?
        .as_str()?
        .strip_prefix("#/components/schemas/")
}

/// The names of every component that a schema reaches.
fn references(value: &Value, components: &Components, named: &mut BTreeSet<String>) {
    if let Some(name) = reference(value)
        && named.insert(name.to_owned())
        && let Some(component) = components.get(name)
    {
        references(component, components, named);
    }
    match value {
        Value::Object(members) => members
            .values()
            .for_each(|member| references(member, components, named)),
        Value::Array(items) => items
            .iter()
            .for_each(|item| references(item, components, named)),
        _ => {}
    }
}

/// Whether a schema stands for a whole value, or for a part of one that several describe together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Whole,
    Part,
}

/// The name of a component where it describes a part of a value.
fn part_name(name: &str) -> String {
    format!("{name} as a part")
}

/// An OpenAPI 3.0 schema as JSON Schema. An object with named properties is closed unless the document opens it: both
/// sides are held to the members that the document names.
fn convert(schema: &Value, form: Form) -> Value {
    let Some(members) = schema.as_object() else {
        return schema.clone();
    };
    if let Some(name) = reference(schema) {
        let name = match form {
            Form::Whole => name.to_owned(),
            Form::Part => part_name(name).replace(' ', "%20"),
        };
        return json!({ "$ref": format!("#/$defs/{name}") });
    }
    // Where several schemas describe one object, its members are those of all of them.
    let parts = members.get("allOf").and_then(Value::as_array);
    let of_parts = parts.is_some_and(|parts| parts.len() > 1);
    let nullable = members.get("nullable") == Some(&Value::Bool(true));
    let mut out = Map::new();
    for (keyword, value) in members {
        let value = match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => Value::Object(
                properties
                    .iter()
                    .map(|(name, property)| (name.clone(), convert(property, Form::Whole)))
                    .collect(),
            ),
            ("items" | "additionalProperties" | "not", value) => convert(value, Form::Whole),
            ("allOf", Value::Array(list)) if of_parts => {
                Value::Array(list.iter().map(|part| convert(part, Form::Part)).collect())
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(list)) => {
                Value::Array(list.iter().map(|own| convert(own, form)).collect())
            }
            ("type", value) if nullable => json!([value, "null"]),
            ("enum", Value::Array(values)) if nullable && !values.contains(&Value::Null) => {
                let mut values = values.clone();
                values.push(Value::Null);
                Value::Array(values)
            }
            (
                "type" | "enum" | "required" | "format" | "pattern" | "minLength" | "maxLength"
                | "minimum" | "maximum" | "minItems" | "maxItems" | "uniqueItems",
                value,
            ) => value.clone(),
            _ => continue,
        };
        out.insert(keyword.clone(), value);
    }
    if members.get("format").and_then(Value::as_str) == Some("int32") {
        out.insert("minimum".to_owned(), Value::from(i32::MIN));
        out.insert("maximum".to_owned(), Value::from(i32::MAX));
    }
    let composed = ["allOf", "anyOf", "oneOf"]
        .iter()
        .any(|keyword| members.contains_key(*keyword));
    if form == Form::Part {
        return Value::Object(out);
    }
    if of_parts {
        out.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
    }
    if out.contains_key("properties") && !out.contains_key("additionalProperties") && !composed {
        out.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    Value::Object(out)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

fn is_zoned(text: &str) -> bool {
    text.contains('T') && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_any_date(text: &str) -> bool {
    let bare = text.contains('T') && text.parse::<jiff::civil::DateTime>().is_ok();
    is_date(text) || is_zoned(text) || bare
}
