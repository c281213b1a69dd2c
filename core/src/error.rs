//! The one error type of the house.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The result of every fallible operation in Tallyline.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, coarsely: enough to decide what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration is wrong; nothing was sent.
    Config,
    /// The system refused the credentials.
    Auth,
    /// The credentials are good but lack a right.
    PermissionDenied,
    /// The record or endpoint does not exist.
    NotFound,
    /// The record is in use or was edited meanwhile.
    Conflict,
    /// The system refused the request as invalid.
    Invalid,
    /// A request limit was hit and the wait is longer than allowed.
    RateLimited,
    /// The system could not be reached, or failed on its side.
    Unavailable,
    /// A time limit passed.
    Timeout,
    /// The answer is not what the protocol promises.
    Protocol,
    /// The connector or system cannot do this.
    Unsupported,
    /// A mapping, or a mapping file, is wrong.
    Mapping,
    /// A plan no longer fits what it was planned on, or its file was changed.
    StalePlan,
    /// The local store failed.
    Storage,
    /// A defect: this should not happen.
    Unexpected,
}

impl ErrorKind {
    /// The kind in words, as it stands in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "wrong configuration",
            Self::Auth => "credentials refused",
            Self::PermissionDenied => "permission denied",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Invalid => "refused as invalid",
            Self::RateLimited => "rate limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timed out",
            Self::Protocol => "unexpected answer",
            Self::Unsupported => "unsupported",
            Self::Mapping => "wrong mapping",
            Self::StalePlan => "stale plan",
            Self::Storage => "storage failed",
            Self::Unexpected => "unexpected failure",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether repeating the same call may help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Repeating cannot help.
    #[default]
    Permanent,
    /// Repeating may help.
    Transient,
    /// It was transient, and the allowed retries are spent.
    Exhausted,
}

/// Whether the request reached the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Nothing left this machine, or the system said that it did nothing.
    #[default]
    No,
    /// It may have been carried out: the answer was lost or says nothing about it.
    Maybe,
    /// The system answered.
    Yes,
}

/// What is known of the HTTP exchange behind an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpContext {
    /// The method, such as `GET`.
    pub method: String,
    /// The URL template, such as `/finance/agreements/{id}`: never the full URL.
    pub url_template: String,
    /// The status code, where there was an answer.
    pub status: Option<u16>,
    /// The system's own error code.
    pub vendor_code: Option<String>,
    /// The system's own message, redacted.
    pub vendor_message: Option<String>,
    /// The id this client gave the request.
    pub request_id: Option<String>,
    /// The id the system gave the request.
    pub vendor_request_id: Option<String>,
    /// The wait that the system asked for.
    pub retry_after: Option<Duration>,
    /// The first 2 KiB of the body, redacted.
    pub body_snippet: Option<String>,
}

/// An opaque error: a kind to decide on, and everything known about it to read.
///
/// `Display` is one line; `Debug` is several lines with the chain of sources.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    sent: Sent,
    connector: Option<String>,
    operation: Option<String>,
    message: String,
    http: Option<HttpContext>,
    json_path: Option<String>,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind with a message in words.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            retry: Retry::Permanent,
            sent: Sent::No,
            connector: None,
            operation: None,
            message: message.into(),
            http: None,
            json_path: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// Names the connector it happened in, such as `sherweb`.
    #[must_use]
    pub fn with_connector(mut self, connector: impl Into<String>) -> Self {
        self.0.connector = Some(connector.into());
        self
    }

    /// Names the operation, such as `agreements.additions.patch`.
    #[must_use]
    pub fn with_operation(mut self, operation: impl Into<String>) -> Self {
        self.0.operation = Some(operation.into());
        self
    }

    /// Adds a fact about the record concerned.
    #[must_use]
    pub fn with_context(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.context.push((key, value.into()));
        self
    }

    /// Adds what is known of the HTTP exchange.
    #[must_use]
    pub fn with_http(mut self, http: HttpContext) -> Self {
        self.0.http = Some(http);
        self
    }

    /// Adds the path inside the JSON body, such as `items[3].quantity`.
    #[must_use]
    pub fn with_json_path(mut self, path: impl Into<String>) -> Self {
        self.0.json_path = Some(path.into());
        self
    }

    /// Says whether repeating may help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Says whether the request reached the system.
    #[must_use]
    pub fn with_sent(mut self, sent: Sent) -> Self {
        self.0.sent = sent;
        self
    }

    /// Keeps the error behind this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong, coarsely.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message in words, without the operation and the status.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether repeating the same call may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retry == Retry::Transient
    }

    /// The retry state.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Whether the request reached the system.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.0.sent
    }

    /// Whether a write behind this error may have been carried out.
    ///
    /// True where an unsafe request left this machine and its outcome is not known to be
    /// "nothing happened".
    #[must_use]
    pub fn may_have_been_applied(&self) -> bool {
        let safe = self
            .0
            .http
            .as_ref()
            .is_some_and(|http| matches!(http.method.as_str(), "GET" | "HEAD"));
        self.0.sent != Sent::No && !safe
    }

    /// The connector it happened in.
    #[must_use]
    pub fn connector(&self) -> Option<&str> {
        self.0.connector.as_deref()
    }

    /// The operation it happened in.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// The HTTP exchange, where there was one.
    #[must_use]
    pub fn http(&self) -> Option<&HttpContext> {
        self.0.http.as_ref()
    }

    /// The HTTP status, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.http().and_then(|http| http.status)
    }

    /// The system's own error code.
    #[must_use]
    pub fn vendor_code(&self) -> Option<&str> {
        self.http().and_then(|http| http.vendor_code.as_deref())
    }

    /// The request's id: the system's where it gave one, else ours.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.http().and_then(|http| {
            http.vendor_request_id
                .as_deref()
                .or(http.request_id.as_deref())
        })
    }

    /// The wait that the system asked for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.http().and_then(|http| http.retry_after)
    }

    /// The path inside the JSON body.
    #[must_use]
    pub fn json_path(&self) -> Option<&str> {
        self.0.json_path.as_deref()
    }

    /// The facts added on the way up, oldest first.
    #[must_use]
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }
}

impl Error {
    /// `Display` without the request's id: the same for the same failure, so that it can stand
    /// in a plan.
    fn write_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        match &inner.operation {
            Some(operation) => write!(f, "{operation} failed: {}", inner.kind)?,
            None => write!(f, "{}", inner.kind)?,
        }
        if let Some(http) = &inner.http
            && let Some(status) = http.status
        {
            match &http.vendor_code {
                Some(code) => write!(f, " ({status} {})", Short(code, SHORT))?,
                None => write!(f, " ({status})")?,
            }
        }
        let vendor_message = inner
            .http
            .as_ref()
            .and_then(|http| http.vendor_message.as_deref());
        let message = if inner.message.is_empty() {
            vendor_message.unwrap_or_default()
        } else {
            &inner.message
        };
        if !message.is_empty() {
            write!(f, ": {}", Short(message, LONG))?;
        }
        if let Some(path) = &inner.json_path {
            write!(f, " at {}", Short(path, SHORT))?;
        }
        for (key, value) in &inner.context {
            write!(f, ", {key} {}", Short(value, SHORT))?;
        }
        Ok(())
    }

    /// The error on one line without the request's id: the same for the same failure.
    #[must_use]
    pub fn summary(&self) -> String {
        struct Summary<'e>(&'e Error);
        impl fmt::Display for Summary<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.write_summary(f)
            }
        }
        Summary(self).to_string()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_summary(f)?;
        if let Some(id) = self.request_id() {
            write!(f, " [request {}]", Short(id, SHORT))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        writeln!(f, "{self}")?;
        write!(
            f,
            "  kind {:?}, retry {:?}, sent {:?}",
            inner.kind, inner.retry, inner.sent
        )?;
        if let Some(connector) = &inner.connector {
            write!(f, "\n  connector {connector}")?;
        }
        if let Some(http) = &inner.http {
            write!(f, "\n  {} {}", http.method, http.url_template)?;
            if let Some(snippet) = &http.body_snippet {
                write!(f, "\n  body: {}", OneLine(snippet))?;
            }
        }
        let mut source = self.source();
        while let Some(error) = source {
            write!(f, "\n  caused by: {}", Short(&error.to_string(), LONG))?;
            source = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// How much of a message is shown: a message may quote an answer.
const LONG: usize = 1024;

/// How much of a name, id, code or path is shown.
const SHORT: usize = 256;

/// The beginning of a text from outside, as [`OneLine`] shows it.
struct Short<'a>(&'a str, usize);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(self.1) {
            Some((end, _)) => write!(f, "{}...", OneLine(&self.0[..end])),
            None => OneLine(self.0).fmt(f),
        }
    }
}

/// Text from outside on one line, with control and direction characters shown as escapes.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\r' => {}
                '\n' | '\t' => f.write_str(" ")?,
                c if is_unprintable(c) => write!(f, "{}", c.escape_unicode())?,
                c => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

/// Control characters, and those that change the direction or order of text.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Whether every byte is of a kind: many at once, for most texts are plain and some are long.
fn is_all(text: &str, kind: impl Fn(u8) -> bool) -> bool {
    let all = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & kind(*byte));
    text.as_bytes().chunks(64).all(all)
}

/// Writes every unprintable character but line breaks and tabs as `\uXXXX`, which is an escape
/// inside a quoted text of both JSON and TOML.
#[cfg(feature = "engine")]
pub(crate) fn escape_unprintable(text: &str) -> std::borrow::Cow<'_, str> {
    let acts = |c: char| is_unprintable(c) && !matches!(c, '\n' | '\t');
    let is_plain = is_all(text, |byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'));
    if is_plain || !text.contains(acts) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            let _ = fmt::Write::write_fmt(&mut escaped, format_args!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped.into()
}

/// Text from outside made safe to print on one line of a terminal or report.
///
/// Control characters, zero-width characters and characters that change the direction of
/// text are shown as escapes; line breaks and tabs become spaces.
#[must_use]
pub fn printable(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    OneLine(text).to_string()
}

/// As [`printable`], of a text that is not needed any more: itself, where it is safe.
#[cfg(feature = "engine")]
pub(crate) fn into_printable(text: String) -> String {
    if is_plain(&text) {
        return text;
    }
    OneLine(&text).to_string()
}

fn is_plain(text: &str) -> bool {
    is_all(text, |byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_line_with_operation_status_code_and_request() {
        let error = Error::new(
            ErrorKind::Invalid,
            "the product field is required\r\nsee docs",
        )
        .with_operation("agreements.additions.create")
        .with_http(HttpContext {
            method: "POST".into(),
            status: Some(400),
            vendor_code: Some("InvalidObject".into()),
            vendor_request_id: Some("r-1".into()),
            ..HttpContext::default()
        });
        assert_eq!(
            error.to_string(),
            "agreements.additions.create failed: refused as invalid (400 InvalidObject): \
             the product field is required see docs [request r-1]"
        );
    }

    #[test]
    fn the_summary_of_the_same_failure_is_the_same() {
        let error = |id: &str| {
            Error::new(ErrorKind::Unavailable, "down").with_http(HttpContext {
                request_id: Some(id.into()),
                ..HttpContext::default()
            })
        };
        assert_ne!(error("a").to_string(), error("b").to_string());
        assert_eq!(error("a").summary(), error("b").summary());
    }

    #[test]
    fn a_code_of_the_system_cannot_break_the_line() {
        let error = Error::new(ErrorKind::Invalid, "").with_http(HttpContext {
            status: Some(400),
            vendor_code: Some("Invalid\r\n\u{1b}[2JObject".into()),
            ..HttpContext::default()
        });
        assert_eq!(
            error.to_string(),
            "refused as invalid (400 Invalid \\u{1b}[2JObject)"
        );
    }

    #[test]
    fn debug_shows_the_chain() {
        let source = std::io::Error::other("socket closed");
        let error = Error::new(ErrorKind::Unavailable, "no answer").with_source(source);
        assert!(format!("{error:?}").contains("caused by: socket closed"));
    }

    #[test]
    fn a_read_is_never_reported_as_possibly_applied() {
        let http = |method: &str| HttpContext {
            method: method.into(),
            ..HttpContext::default()
        };
        let lost = |method| {
            Error::new(ErrorKind::Timeout, "")
                .with_sent(Sent::Maybe)
                .with_http(http(method))
        };
        assert!(!lost("GET").may_have_been_applied());
        assert!(lost("POST").may_have_been_applied());
    }

    #[test]
    fn no_part_of_an_error_shows_control_characters_or_goes_on_for_ever() {
        let nasty = format!("\u{1b}[2J\u{202e}{}", "x".repeat(100_000));
        let error = Error::new(ErrorKind::Invalid, nasty.clone())
            .with_operation("things.list")
            .with_json_path(nasty.clone())
            .with_context("account", nasty.clone())
            .with_source(std::io::Error::other(nasty.clone()))
            .with_http(HttpContext {
                status: Some(400),
                vendor_code: Some(nasty.clone()),
                vendor_request_id: Some(nasty),
                ..HttpContext::default()
            });
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
            assert!(text.len() < 8 * 1024, "{}", text.len());
        }
        assert!(error.to_string().contains("xxx..."));
    }

    #[test]
    fn text_from_outside_cannot_move_the_cursor_or_turn_text_around() {
        assert_eq!(printable("a\u{1b}[2Jb\u{202e}c"), "a\\u{1b}[2Jb\\u{202e}c");
    }
}
