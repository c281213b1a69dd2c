//! One call of an operation.

use std::fmt;

use ::http::{HeaderName, HeaderValue, header};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::operation::Operation;
use crate::error::{Error, ErrorKind, Result};

/// One call of an [`Operation`], built in a chain. What is wrong with it is said at send.
///
/// Its `Debug` shows names only: no values, no body.
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    pub(crate) operation: &'static Operation,
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) query: Query,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) account: Option<String>,
    pub(crate) group: Option<&'static str>,
    /// The body may hold secrets: neither it nor the answer is ever shown.
    pub(crate) sensitive: bool,
    /// Texts of a sensitive body, to mask wherever they come back.
    pub(crate) secrets: Vec<String>,
    pub(crate) defect: Option<(ErrorKind, String)>,
}

#[derive(Clone)]
pub(crate) enum Query {
    Pairs(Vec<(String, String)>),
    Whole(String),
}

impl Request {
    /// A call without parameters.
    pub fn new(operation: &'static Operation) -> Self {
        Self {
            operation,
            path: Vec::new(),
            query: Query::Pairs(Vec::new()),
            headers: Vec::new(),
            body: None,
            account: None,
            group: None,
            sensitive: false,
            secrets: Vec::new(),
            defect: None,
        }
    }

    /// Fills a place of the path template. The value is one segment, percent-encoded.
    ///
    /// An empty value, `.` and `..` are a `Config` error at send.
    pub fn path(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        if matches!(value.as_str(), "" | "." | "..") {
            let what = if value.is_empty() {
                "empty"
            } else {
                "a dot path"
            };
            self.defect(
                ErrorKind::Config,
                format!("the path value {name} is {what}"),
            );
        }
        self.path.push((name, value));
        self
    }

    /// Adds a query parameter, percent-encoded.
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        match &mut self.query {
            Query::Pairs(pairs) => pairs.push((name.to_owned(), value.to_string())),
            Query::Whole(query) => {
                if !query.is_empty() {
                    query.push('&');
                }
                query.push_str(&percent_encode(name));
                query.push('=');
                query.push_str(&percent_encode(&value.to_string()));
            }
        }
        self
    }

    /// Adds a query parameter where there is a value.
    pub fn query_opt(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets a query parameter, in the place of any of that name. For page strategies.
    pub fn set_query(mut self, name: &str, value: impl fmt::Display) -> Self {
        if let Query::Pairs(pairs) = &mut self.query {
            pairs.retain(|(key, _)| key != name);
        }
        self.query(name, value)
    }

    /// Replaces the whole query by one that is percent-encoded already. For page strategies
    /// that follow links: host and path stay those of this request.
    pub fn replace_query(mut self, query: &str) -> Self {
        let query = query.split('#').next().unwrap_or_default();
        self.query = Query::Whole(query.trim_start_matches('?').to_owned());
        self
    }

    /// Sets a header. For credentials use a [`CredentialProvider`](super::CredentialProvider).
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        match (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value.into()),
        ) {
            (Ok(name), Ok(value)) => self.headers.push((name, value)),
            _ => self.defect(ErrorKind::Config, format!("the header {name} is malformed")),
        }
        self
    }

    /// Sets a JSON body.
    pub fn json<T: Serialize>(mut self, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => {
                self.body = Some(body.into());
                self.content_type("application/json");
                if self.sensitive {
                    self.collect_secrets();
                }
            }
            Err(error) => self.defect(
                ErrorKind::Unexpected,
                format!("the body cannot be written as JSON: {error}"),
            ),
        }
        self
    }

    /// Sets a form body. It is taken to hold secrets: see [`Request::sensitive`].
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.body = Some(body.into());
        self.content_type("application/x-www-form-urlencoded");
        self.sensitive = true;
        self.secrets
            .extend(fields.iter().map(|(_, value)| (*value).to_owned()));
        self
    }

    /// Says that this call hands over secrets: its body and its answer are never shown in
    /// logs or errors, and the texts of its body are masked wherever they come back.
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self.collect_secrets();
        self
    }

    /// Names the account that this call is about, for the span.
    pub fn account(mut self, id: impl fmt::Display) -> Self {
        self.account = Some(id.to_string());
        self
    }

    /// Counts this call with others than those of its operation; see [`Operation::group`].
    pub fn in_group(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }

    /// The operation that this calls.
    #[must_use]
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    fn content_type(&mut self, value: &'static str) {
        self.headers
            .retain(|(name, _)| *name != header::CONTENT_TYPE);
        self.headers
            .push((header::CONTENT_TYPE, HeaderValue::from_static(value)));
    }

    fn collect_secrets(&mut self) {
        if let Some(body) = &self.body
            && let Ok(value) = serde_json::from_slice::<Value>(body)
        {
            collect_texts(&value, &mut self.secrets);
        }
    }

    /// Keeps the first defect.
    fn defect(&mut self, kind: ErrorKind, message: String) {
        self.defect.get_or_insert((kind, message));
    }

    /// The path with its places filled, percent-encoded.
    pub(crate) fn rendered_path(&self) -> Result<String> {
        let defect = |message: String| Error::new(ErrorKind::Unexpected, message);
        let template = self.operation.template;
        let mut path = String::with_capacity(template.len() + 16);
        let mut used = 0;
        let mut rest = template;
        while let Some(start) = rest.find('{') {
            path.push_str(&rest[..start]);
            let after = &rest[start + 1..];
            let end = after
                .find('}')
                .ok_or_else(|| defect(format!("the template {template} has an open brace")))?;
            let name = &after[..end];
            let (_, value) = self
                .path
                .iter()
                .find(|(key, _)| *key == name)
                .ok_or_else(|| defect(format!("the path value {name} is missing")))?;
            path.push_str(&percent_encode(value));
            used += 1;
            rest = &after[end + 1..];
        }
        path.push_str(rest);
        if used != self.path.len() {
            return Err(defect(format!(
                "the template {template} does not take the path values given"
            )));
        }
        Ok(path)
    }

    /// The query, percent-encoded.
    pub(crate) fn rendered_query(&self) -> String {
        match &self.query {
            Query::Whole(query) => query.clone(),
            Query::Pairs(pairs) => pairs
                .iter()
                .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
                .collect::<Vec<_>>()
                .join("&"),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = match &self.query {
            Query::Pairs(pairs) => pairs.iter().map(|(name, _)| name.as_str()).collect(),
            Query::Whole(_) => vec!["..."],
        };
        f.debug_struct("Request")
            .field("operation", &self.operation.name)
            .field("query", &names)
            .field(
                "headers",
                &self
                    .headers
                    .iter()
                    .map(|(name, _)| name)
                    .collect::<Vec<_>>(),
            )
            .field("body_len", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(fields) => fields
            .values()
            .for_each(|value| collect_texts(value, texts)),
        _ => {}
    }
}

/// Percent-encodes everything but letters, digits and `-._~`.
pub(crate) fn percent_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}
