//! One exchange against the documents.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::document::{Content, Document, Operation};
use super::exceptions::{self, EXCEPTIONS};
use super::schema::Fault;
use super::{Part, System, Violation};
use crate::http::percent_decode;

/// A request, and the answer when there is one to check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a str,
    pub(crate) answer: Option<Answered<'a>>,
}

/// An answer. Without a content type, its label is not checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) body: &'a str,
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) violations: Vec<Violation>,
    /// The exceptions that were needed, by their place in the table.
    pub(crate) excused: BTreeSet<usize>,
}

pub(super) fn check(documents: &[Document], system: System, exchange: &Exchange<'_>) -> Outcome {
    let mut check = Check {
        system,
        label: String::new(),
        query: form_urlencoded::parse(exchange.query.as_bytes())
            .into_owned()
            .collect(),
        outcome: Outcome::default(),
    };
    match find(documents, system, exchange) {
        Found::Operation(operation, path) => {
            check.label.clone_from(&operation.label);
            check.parameters(operation, path, exchange);
            check.request_body(operation, exchange);
            if let Some(answer) = exchange.answer {
                check.answer(operation, answer);
            }
        }
        Found::Lacking { path, message } => {
            check.label = format!("{} {path}", exchange.method);
            check.undocumented(message);
        }
    }
    check.outcome
}

enum Found<'a> {
    Operation(&'a Operation, &'a str),
    Lacking { path: String, message: &'static str },
}

fn find<'a>(documents: &'a [Document], system: System, exchange: &Exchange<'a>) -> Found<'a> {
    let own = documents
        .iter()
        .filter(|document| document.system == system);
    let mut known = None;
    for document in own {
        let Some(path) = document.below(exchange.path) else {
            continue;
        };
        let fitting = document
            .operations
            .iter()
            .filter(|operation| operation.fit(path).is_some());
        let mut other_method = false;
        // A literal segment wins over a placeholder.
        let best = fitting
            .inspect(|operation| other_method |= operation.method != exchange.method)
            .filter(|operation| operation.method == exchange.method)
            .min_by_key(|operation| operation.placeholders());
        if let Some(operation) = best {
            return Found::Operation(operation, path);
        }
        let message = if other_method {
            "the document has this path, but not with this method"
        } else {
            "the document has no such path"
        };
        known = Some((format!("{}{path}", document.label), message));
    }
    let (path, message) =
        known.unwrap_or_else(|| (exchange.path.to_owned(), "no document covers this path"));
    Found::Lacking { path, message }
}

struct Check {
    system: System,
    label: String,
    query: Vec<(String, String)>,
    outcome: Outcome,
}

impl Check {
    fn report(&mut self, part: Part, pointer: String, keyword: &str, message: impl Into<String>) {
        let violation = Violation {
            operation: self.label.clone(),
            part,
            pointer,
            keyword: keyword.to_owned(),
            message: message.into(),
        };
        match exceptions::excusing(self.system, &violation, &self.query) {
            Some(at) => {
                self.outcome.excused.insert(at);
            }
            None => self.outcome.violations.push(violation),
        }
    }

    fn faults(&mut self, part: Part, at: &str, faults: Vec<Fault>) {
        for fault in faults {
            let pointer = format!("{at}{}", fault.pointer);
            self.report(part, pointer, &fault.keyword, fault.message);
        }
    }

    /// An operation that no document describes; the table may know its query.
    fn undocumented(&mut self, message: &str) {
        self.report(Part::Operation, String::new(), "operation", message);
        let Some(known) = self
            .outcome
            .excused
            .first()
            .and_then(|at| EXCEPTIONS.get(*at))
        else {
            return;
        };
        let allowed: Vec<&str> = known.query.iter().map(|(name, _)| *name).collect();
        self.query_names(&allowed);
        for (name, required) in known.query {
            if *required && !self.query.iter().any(|(given, _)| given == name) {
                self.missing(Part::Query, name);
            }
        }
    }

    fn missing(&mut self, part: Part, name: &str) {
        let message = "the parameter is required and missing";
        self.report(part, format!("/{name}"), "required", message);
    }

    /// Unknown and repeated names of the query.
    fn query_names(&mut self, allowed: &[&str]) {
        let mut seen = BTreeSet::new();
        let names: Vec<String> = self.query.iter().map(|(name, _)| name.clone()).collect();
        for name in names {
            if !allowed.contains(&name.as_str()) {
                let message = "the document has no such query parameter";
                self.report(Part::Query, format!("/{name}"), "unknown", message);
            } else if !seen.insert(name.clone()) {
                let message = "the query parameter is repeated";
                self.report(Part::Query, format!("/{name}"), "repeated", message);
            }
        }
    }

    fn parameters(&mut self, operation: &Operation, path: &str, exchange: &Exchange<'_>) {
        let in_path = operation.fit(path).unwrap_or_default();
        let names: Vec<&str> = operation
            .parameters
            .iter()
            .filter(|parameter| parameter.place == "query")
            .map(|parameter| parameter.name.as_str())
            .collect();
        self.query_names(&names);
        for parameter in &operation.parameters {
            let name = parameter.name.as_str();
            let (part, given) = match parameter.place.as_str() {
                "path" => {
                    let given = in_path.iter().find(|(key, _)| *key == name);
                    (Part::Path, given.map(|(_, value)| percent_decode(value)))
                }
                "query" => {
                    let given = self.query.iter().find(|(key, _)| key == name);
                    (Part::Query, given.map(|(_, value)| value.clone()))
                }
                "header" => (
                    Part::Header,
                    header(exchange.headers, name).map(str::to_owned),
                ),
                _ => continue,
            };
            match given {
                Some(text) => {
                    let faults = parameter.shape.faults_of_text(&text);
                    self.faults(part, &format!("/{name}"), faults);
                }
                None if parameter.required => self.missing(part, name),
                None => {}
            }
        }
    }

    fn request_body(&mut self, operation: &Operation, exchange: &Exchange<'_>) {
        let (part, root) = (Part::RequestBody, String::new);
        let Some(body) = &operation.body else {
            if !exchange.body.is_empty() {
                self.report(part, root(), "body", "the document has no body here");
            }
            return;
        };
        if exchange.body.is_empty() {
            if body.required {
                self.report(part, root(), "body", "a body is required and missing");
            }
            return;
        }
        let given = header(exchange.headers, "content-type").unwrap_or("");
        let Some(content) = body
            .contents
            .iter()
            .find(|content| labelled(content, given))
        else {
            let message = format!("'{given}' is not a media type of the document");
            self.report(Part::Header, "/content-type".to_owned(), "media", message);
            return;
        };
        if essence(&content.media) == "application/x-www-form-urlencoded" {
            let mut fields = Map::new();
            for (name, value) in form_urlencoded::parse(exchange.body.as_bytes()) {
                let pointer = format!("/{name}");
                if fields
                    .insert(name.into_owned(), Value::from(value))
                    .is_some()
                {
                    self.report(part, pointer, "repeated", "the field is repeated");
                }
            }
            let faults = content.shape.faults(&Value::Object(fields));
            self.faults(part, "", faults);
        } else {
            self.json(part, content, exchange.body);
        }
    }

    fn json(&mut self, part: Part, content: &Content, body: &str) {
        match serde_json::from_str::<Value>(body) {
            Ok(value) => {
                let faults = content.shape.faults(&value);
                self.faults(part, "", faults);
            }
            Err(error) => {
                self.report(part, String::new(), "json", format!("no JSON: {error}"));
            }
        }
    }

    fn answer(&mut self, operation: &Operation, answer: Answered<'_>) {
        let status = answer.status.to_string();
        let class = format!("{}XX", status.get(..1).unwrap_or(""));
        let listed = [status.as_str(), class.as_str(), "default"]
            .into_iter()
            .find_map(|wanted| {
                let mut answers = operation.answers.iter();
                answers.find(|(key, _)| key.eq_ignore_ascii_case(wanted))
            });
        let Some((_, contents)) = listed else {
            let message = format!("the document has no answer of status {status}");
            self.report(Part::Status, format!("/{status}"), "status", message);
            return;
        };
        let part = Part::AnswerBody;
        let Some(first) = contents.first() else {
            if !answer.body.is_empty() {
                self.report(part, String::new(), "body", "the document has no body here");
            }
            return;
        };
        if answer.body.is_empty() {
            let keyword = format!("empty {status}");
            self.report(part, String::new(), &keyword, "a body is expected");
            return;
        }
        let by_label = answer
            .content_type
            .map(|given| contents.iter().find(|content| labelled(content, given)));
        if matches!(by_label, Some(None)) {
            let given = answer.content_type.unwrap_or("");
            let message = format!("'{given}' is not a media type of the document");
            let pointer = format!("/{}", essence(given).replace('/', "~1"));
            self.report(Part::AnswerType, pointer, "media", message);
        }
        self.json(part, by_label.flatten().unwrap_or(first), answer.body);
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.as_str())
}

/// A media type without its parameters.
fn essence(media: &str) -> String {
    media
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
}

fn labelled(content: &Content, given: &str) -> bool {
    essence(&content.media) == essence(given)
}
