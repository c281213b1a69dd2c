//! The vendors' documents: where they lie, and the operations they describe.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::System;
use super::schema::{Components, Shape, Writer};
use super::swagger;

/// Where one document is, and below which path its operations are served.
struct Source {
    system: System,
    file: &'static str,
    /// The path before every operation; a segment in braces stands for any.
    base: &'static str,
    /// What stands before the operation's path in reports.
    label: &'static str,
    /// Whether the system tells paths apart by the case of their letters.
    exact_case: bool,
    /// How the client must write dates.
    client: Writer,
    /// Whether what the document calls its default answer is that of success.
    default_is_success: bool,
}

const fn source(
    system: System,
    file: &'static str,
    base: &'static str,
    label: &'static str,
) -> Source {
    Source {
        system,
        file,
        base,
        label,
        exact_case: true,
        client: Writer::Client,
        default_is_success: false,
    }
}

const SOURCES: [Source; 6] = [
    // Its dates carry no zone in either direction, and a date alone is taken.
    Source {
        exact_case: false,
        client: Writer::Vendor,
        ..source(
            System::Autotask,
            "autotask.openapi.json",
            "/ATServicesRest",
            "",
        )
    },
    source(
        System::ConnectWise,
        "connectwise.openapi.json",
        "/{codebase}/apis/3.0",
        "",
    ),
    // One answer for each operation, "default", whose description is "success".
    Source {
        default_is_success: true,
        ..source(
            System::Ingram,
            "ingram.openapi.json",
            "/marketplace/{region}",
            "",
        )
    },
    source(
        System::Sherweb,
        "sherweb-authorization.openapi.json",
        "/auth",
        "/auth",
    ),
    source(
        System::Sherweb,
        "sherweb-distributor.openapi.json",
        "/distributor/v1",
        "/distributor/v1",
    ),
    source(
        System::Sherweb,
        "sherweb-service-provider.openapi.json",
        "/service-provider/v1",
        "/service-provider/v1",
    ),
];

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// One document, read.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) system: System,
    pub(super) label: &'static str,
    base: &'static str,
    exact_case: bool,
    pub(super) operations: Vec<Operation>,
}

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    /// Method and path template, as reports name it.
    pub(super) label: String,
    pub(super) method: String,
    template: String,
    exact_case: bool,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    /// Per status (`200`, `4XX`, `default`).
    pub(super) answers: Vec<(String, Vec<Content>)>,
}

/// A parameter and where it stands: `path`, `query` or `header`.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) required: bool,
    pub(super) contents: Vec<Content>,
}

/// One media type and its schema.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) media: String,
    pub(super) shape: Shape,
}

impl Document {
    /// The rest of a path below the base of this document.
    pub(super) fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        let mut rest = path;
        for wanted in self.base.split('/').skip(1) {
            let inner = rest.strip_prefix('/')?;
            let (segment, after) = inner.split_at(inner.find('/').unwrap_or(inner.len()));
            if !segment_matches(wanted, segment, self.exact_case) {
                return None;
            }
            rest = after;
        }
        Some(rest)
    }
}

impl Operation {
    /// The named values of a path, when it is one of this operation.
    pub(super) fn fit<'a>(&'a self, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        fit_case(&self.template, path, self.exact_case)
    }

    /// How many segments of its paths are named values.
    pub(super) fn placeholders(&self) -> usize {
        self.template.matches('{').count()
    }
}

/// The named values of a path, when it fits a template; a segment in braces takes any text but none.
pub(super) fn fit<'a>(template: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    fit_case(template, path, true)
}

fn fit_case<'a>(
    template: &'a str,
    path: &'a str,
    exact_case: bool,
) -> Option<Vec<(&'a str, &'a str)>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut values = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(values),
            (Some(want), Some(segment)) if segment_matches(want, segment, exact_case) => {
                if let Some(name) = braced(want) {
                    values.push((name, segment));
                }
            }
            _ => return None,
        }
    }
}

fn braced(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn segment_matches(wanted: &str, segment: &str, exact_case: bool) -> bool {
    if braced(wanted).is_some() {
        !segment.is_empty()
    } else {
        wanted == segment || (!exact_case && wanted.eq_ignore_ascii_case(segment))
    }
}

/// Reads every document of a folder.
pub(super) fn load(folder: &Path) -> Result<Vec<Document>, String> {
    SOURCES.iter().map(|source| read(folder, source)).collect()
}

fn read(folder: &Path, source: &Source) -> Result<Document, String> {
    let failed = |problem: String| format!("{}: {problem}", source.file);
    let text = std::fs::read_to_string(folder.join(source.file))
        .map_err(|error| failed(error.to_string()))?;
    let root: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    let root = match root.get("swagger").and_then(Value::as_str) {
        Some("2.0") => swagger::upgrade(&root),
        _ => root,
    };
    let version = root.get("openapi").and_then(Value::as_str).unwrap_or("");
    if !version.starts_with("3.0") {
        return Err(failed(format!(
            "Swagger 2.0 or OpenAPI 3.0 is expected, not '{version}'"
        )));
    }
    let served = root.pointer("/servers/0/url").and_then(Value::as_str);
    if !served.is_some_and(|url| serves(url, source.base)) {
        return Err(failed(format!(
            "its server {served:?} does not end in {}",
            source.base
        )));
    }
    let components: Components = Arc::new(
        root.pointer("/components/schemas")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
    );
    let mut operations = Vec::new();
    let paths = root.get("paths").and_then(Value::as_object);
    for (template, item) in paths.into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get(method).and_then(Value::as_object) {
                let shared = item.get("parameters");
                operations.push(
                    read_operation(source, &components, template, method, operation, shared)
                        .map_err(failed)?,
                );
            }
        }
    }
    Ok(Document {
        system: source.system,
        label: source.label,
        base: source.base,
        exact_case: source.exact_case,
        operations,
    })
}

fn serves(url: &str, base: &str) -> bool {
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|at| rest.split_at(at).1));
    path.is_some_and(|path| fit(base, path).is_some())
}

fn read_operation(
    source: &Source,
    components: &Components,
    template: &str,
    method: &str,
    operation: &Map<String, Value>,
    shared: Option<&Value>,
) -> Result<Operation, String> {
    let method = method.to_ascii_uppercase();
    let label = format!("{method} {}{template}", source.label);
    let own = operation.get("parameters");
    let listed = [shared, own]
        .into_iter()
        .flatten()
        .filter_map(Value::as_array);
    let parameters = listed
        .flatten()
        .map(|parameter| {
            let text = |name| parameter.get(name).and_then(Value::as_str);
            let (Some(name), Some(place)) = (text("name"), text("in")) else {
                return Err(format!(
                    "{label} has a parameter that this reader cannot read"
                ));
            };
            let schema = parameter
                .get("schema")
                .cloned()
                .unwrap_or(Value::Bool(true));
            Ok(Parameter {
                name: name.to_owned(),
                place: place.to_owned(),
                required: parameter.get("required") == Some(&Value::Bool(true)),
                shape: Shape::new(schema, components, source.client),
            })
        })
        .collect::<Result<_, _>>()?;
    let body = operation.get("requestBody").map(|body| Body {
        // A body that the operation describes is part of it, whatever the document's default says.
        required: body.get("required") != Some(&Value::Bool(false)),
        contents: contents(body, components, source.client),
    });
    let answers = operation.get("responses").and_then(Value::as_object);
    let answers = answers
        .into_iter()
        .flatten()
        .map(|(status, answer)| {
            let status = match status.as_str() {
                "default" if source.default_is_success => "2XX",
                status => status,
            };
            let contents = contents(answer, components, Writer::Vendor);
            (status.to_owned(), contents)
        })
        .collect();
    Ok(Operation {
        label,
        method,
        template: template.to_owned(),
        exact_case: source.exact_case,
        parameters,
        body,
        answers,
    })
}

fn contents(owner: &Value, components: &Components, writer: Writer) -> Vec<Content> {
    let listed = owner.get("content").and_then(Value::as_object);
    listed
        .into_iter()
        .flatten()
        .map(|(media, content)| Content {
            media: media.clone(),
            shape: Shape::new(
                content.get("schema").cloned().unwrap_or(Value::Bool(true)),
                components,
                writer,
            ),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_documents_is_an_error_and_not_a_skip() {
        let problem = load(Path::new("no-such-folder")).unwrap_err();
        assert!(problem.starts_with("autotask.openapi.json: "), "{problem}");
    }

    #[test]
    fn a_placeholder_takes_any_text_but_none() {
        assert_eq!(fit("/a/{id}/b", "/a/7/b"), Some(vec![("id", "7")]));
        assert_eq!(fit("/a/{id}", "/a/"), None);
        assert_eq!(fit("/a/{id}", "/a/7/b"), None);
    }

    #[test]
    fn a_server_address_must_end_in_the_path_served() {
        assert!(serves(
            "https://{host}/v4_6_release/apis/3.0",
            "/{codebase}/apis/3.0"
        ));
        assert!(!serves("https://api.example.com/v2", "/v1"));
        assert!(!serves("api.example.com", "/v1"));
    }
}
