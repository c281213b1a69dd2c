//! Swagger 2.0 documents, written anew as OpenAPI 3.0.

use serde_json::{Map, Value, json};

/// What a document generated from server code says and the wire does not: it is never sent.
const ARTEFACT: &str = "soapParentPropertyId";

/// What a schema describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The body of a request: what is named may be left out, and is not null.
    Request,
    /// The body of an answer: Swagger 2.0 cannot say that a member may be null, so any may.
    Answer,
}

impl Side {
    fn prefix(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// The document as OpenAPI 3.0.
pub(super) fn upgrade(root: &Value) -> Value {
    let text = |name: &str| root.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut schemas = Map::new();
    for (name, definition) in members(root.get("definitions")) {
        let name = plain(name);
        for side in [Side::Request, Side::Answer] {
            let schema = schema(definition, side);
            let key = format!("{}-{name}", side.prefix());
            schemas.insert(format!("{key}-or-null"), or_null(schema.clone()));
            schemas.insert(key, schema);
        }
    }
    let mut paths = Map::new();
    for (template, item) in members(root.get("paths")) {
        let operations = members(Some(item))
            .map(|(method, found)| (method.clone(), operation(found)))
            .collect();
        paths.insert(template.clone(), Value::Object(operations));
    }
    json!({
        "openapi": "3.0.0",
        "servers": [{ "url": format!("https://{}{}", text("host"), text("basePath")) }],
        "components": { "schemas": schemas },
        "paths": paths,
    })
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// A name without the brackets and commas that no reference may hold.
fn plain(name: &str) -> String {
    name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

fn operation(operation: &Value) -> Value {
    let (mut parameters, mut body) = (Vec::new(), None);
    let listed = operation.get("parameters").and_then(Value::as_array);
    for parameter in listed.into_iter().flatten() {
        if parameter.get("in") == Some(&json!("body")) {
            let content = content(
                operation.get("consumes"),
                parameter.get("schema"),
                Side::Request,
            );
            let required = parameter.get("required").unwrap_or(&Value::Null);
            body = Some(json!({ "required": required, "content": content }));
        } else {
            let own = |name: &str| parameter.get(name).unwrap_or(&Value::Null);
            let kept = ["type", "format", "items", "enum"];
            let schema: Map<_, _> = members(Some(parameter))
                .filter(|(name, _)| kept.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            parameters.push(json!({
                "name": own("name"), "in": own("in"), "required": own("required"), "schema": schema,
            }));
        }
    }
    let answers = members(operation.get("responses")).map(|(status, answer)| {
        let media = operation.get("produces");
        let content = content(media, answer.get("schema"), Side::Answer);
        (status.clone(), json!({ "content": content }))
    });
    let mut out = json!({
        "parameters": parameters,
        "responses": answers.collect::<Map<_, _>>(),
    });
    if let Some(body) = body {
        out["requestBody"] = body;
    }
    out
}

fn content(media: Option<&Value>, shape: Option<&Value>, side: Side) -> Value {
    let Some(shape) = shape else {
        return json!({});
    };
    let media = media.and_then(Value::as_array).into_iter().flatten();
    media
        .filter_map(Value::as_str)
        .map(|media| (media.to_owned(), json!({ "schema": schema(shape, side) })))
        .collect::<Map<_, _>>()
        .into()
}

fn schema(value: &Value, side: Side) -> Value {
    let Some(parts) = value.as_object() else {
        return value.clone();
    };
    if let Some(name) = reference(value) {
        return json!({ "$ref": format!("#/components/schemas/{}-{}", side.prefix(), plain(name)) });
    }
    let properties = parts.get("properties").and_then(Value::as_object);
    // An object of which nothing is named stands for any value.
    if parts.get("type") == Some(&json!("object")) && properties.is_none_or(Map::is_empty) {
        return Value::Bool(true);
    }
    let mut out = parts.clone();
    if let Some(items) = parts.get("items") {
        out.insert("items".to_owned(), schema(items, side));
    }
    if let Some(properties) = properties {
        let properties = properties
            .iter()
            .filter(|(name, _)| side == Side::Answer || *name != ARTEFACT)
            .map(|(name, property)| {
                let property = schema(property, side);
                (
                    name.clone(),
                    match side {
                        Side::Request => property,
                        Side::Answer => or_null(property),
                    },
                )
            });
        out.insert("properties".to_owned(), Value::Object(properties.collect()));
    }
    Value::Object(out)
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

fn or_null(mut schema: Value) -> Value {
    if let Some(parts) = schema.as_object_mut() {
        match parts.get_mut("$ref") {
            Some(Value::String(name)) => name.push_str("-or-null"),
            _ => {
                parts.insert("nullable".to_owned(), Value::Bool(true));
            }
        }
    }
    schema
}
