//! Every exchange against the vendors' OpenAPI documents.
//!
//! The folder with the documents is named by the environment variable `TALLYLINE_SPECS`. Without it nothing is checked,
//! and the first check of a process says so on stderr. A simulator checks what passes through it and panics when it is
//! dropped if an exchange broke a document, so every test that uses a simulator is a contract test. So do the mock server
//! for hand-written answers (`mock::MockVendor`, feature `wiremock`), the servers under [`hostile`](crate::hostile) and
//! [`credentials`](crate::credentials) for the requests and the valid answers, and [`HeldTransport`] around a transport of a
//! test's own. What passes elsewhere is given to [`check_exchange`] or [`check_requests`].
//!
//! Objects whose properties a document names are closed, unless the document opens them: a member that it does not name
//! is a violation on either side. Where a document is behind the live system, [`EXCEPTIONS`] says so and why.

mod check;
mod document;
mod exceptions;
mod ledger;
mod schema;
mod swagger;
mod transport;

use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

pub use exceptions::{EXCEPTIONS, Exception, check_readme, exceptions_markdown};
pub use transport::HeldTransport;

pub(crate) use check::{Answered, Exchange, Outcome};
pub(crate) use ledger::Ledger;

use document::Document;

/// The environment variable that names the folder of the documents.
pub const FOLDER: &str = "TALLYLINE_SPECS";

/// A system whose documents can be checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// Autotask PSA.
    Autotask,
    /// ConnectWise PSA.
    ConnectWise,
    /// Ingram Micro Cloud Marketplace.
    Ingram,
    /// Sherweb: authorization, Distributor API, Service Provider API.
    Sherweb,
}

impl System {
    /// The system that connectors and reports call by this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "autotask" => Some(Self::Autotask),
            "connectwise" => Some(Self::ConnectWise),
            "ingram" => Some(Self::Ingram),
            "sherweb" => Some(Self::Sherweb),
            _ => None,
        }
    }
}

/// A part of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The operation as a whole: no document has it.
    Operation,
    /// A parameter in the path.
    Path,
    /// A query parameter.
    Query,
    /// A header.
    Header,
    /// The body of the request.
    RequestBody,
    /// The status of the answer.
    Status,
    /// The media type of the answer.
    AnswerType,
    /// The body of the answer.
    AnswerBody,
}

impl Part {
    /// Whether the client wrote this part.
    pub fn is_request(self) -> bool {
        !matches!(self, Self::Status | Self::AnswerType | Self::AnswerBody)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operation => "operation",
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::RequestBody => "request body",
            Self::Status => "status",
            Self::AnswerType => "answer type",
            Self::AnswerBody => "answer body",
        })
    }
}

/// One place where an exchange breaks a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Method and path template of the document, or the path when no document has it.
    pub operation: String,
    /// The part of the exchange.
    pub part: Part,
    /// The JSON pointer into that part; of a parameter or header, its name.
    pub pointer: String,
    /// The rule that is broken.
    pub keyword: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            part,
            pointer,
            keyword,
            message,
        } = self;
        let space = if pointer.is_empty() { "" } else { " " };
        write!(
            f,
            "{operation}: {part}{space}{pointer}: {message} ({keyword})"
        )
    }
}

#[derive(Debug)]
enum Library {
    Skipped(&'static str),
    Broken(String),
    Loaded(Vec<Document>),
}

static LIBRARY: OnceLock<Library> = OnceLock::new();

static QUIET: AtomicBool = AtomicBool::new(false);

fn library() -> &'static Library {
    LIBRARY.get_or_init(|| match std::env::var_os(FOLDER) {
        Some(folder) if !folder.is_empty() => {
            document::load(Path::new(&folder)).map_or_else(Library::Broken, Library::Loaded)
        }
        _ => {
            const WHY: &str = "the environment variable TALLYLINE_SPECS names no folder";
            if !QUIET.load(Ordering::Relaxed) {
                // Past the capture of test output: a skip must be seen where everything passes.
                let _ = writeln!(std::io::stderr(), "contracts are not checked: {WHY}");
            }
            Library::Skipped(WHY)
        }
    })
}

/// Why nothing is checked in this process; `None` when the documents are checked.
pub fn skipped() -> Option<&'static str> {
    match library() {
        Library::Skipped(why) => Some(why),
        Library::Broken(_) | Library::Loaded(_) => None,
    }
}

/// Where there are no documents, says nothing about it in this process: for programs that people watch. What there are is
/// held to all the same.
pub fn skip_quietly() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Checks one exchange; nothing is found when contracts are skipped.
pub(crate) fn check(system: System, exchange: &Exchange<'_>) -> Outcome {
    match library() {
        Library::Skipped(_) => Outcome::default(),
        Library::Loaded(documents) => check::check(documents, system, exchange),
        Library::Broken(problem) => Outcome {
            violations: vec![Violation {
                operation: format!("{} {}", exchange.method, exchange.path),
                part: Part::Status,
                pointer: String::new(),
                keyword: "document".to_owned(),
                message: format!("the documents cannot be read: {problem}"),
            }],
            ..Outcome::default()
        },
    }
}

/// Checks one exchange that did not pass through a simulator: the request, and the answer when given. The media type of
/// the answer is not checked.
///
/// # Errors
///
/// One line per place where the exchange breaks a document. When contracts are skipped, there is none.
pub fn check_exchange(
    system: System,
    method: &str,
    path_and_query: &str,
    headers: &[(String, String)],
    body: &str,
    answer: Option<(u16, &str)>,
) -> Result<(), Vec<String>> {
    let violations = outcome(system, method, path_and_query, headers, body, answer).violations;
    if violations.is_empty() {
        return Ok(());
    }
    Err(violations.iter().map(Violation::to_string).collect())
}

/// The exceptions that one exchange needs; none when contracts are skipped.
pub fn excused(
    system: System,
    method: &str,
    path_and_query: &str,
    headers: &[(String, String)],
    body: &str,
    answer: Option<(u16, &str)>,
) -> Vec<&'static Exception> {
    outcome(system, method, path_and_query, headers, body, answer)
        .excused
        .into_iter()
        .filter_map(|at| EXCEPTIONS.get(at))
        .collect()
}

fn outcome(
    system: System,
    method: &str,
    path_and_query: &str,
    headers: &[(String, String)],
    body: &str,
    answer: Option<(u16, &str)>,
) -> Outcome {
    let (path, query) = path_and_query
        .split_once('?')
        .unwrap_or((path_and_query, ""));
    let method = method.to_ascii_uppercase();
    let answer = answer.map(|(status, body)| Answered {
        status,
        content_type: None,
        body,
    });
    let exchange = Exchange {
        method: &method,
        path,
        query,
        headers,
        body,
        answer,
    };
    check(system, &exchange)
}

/// A request as plain text: method, path and query, headers, body.
pub type PlainRequest = (String, String, Vec<(String, String)>, String);

/// Checks the requests that a mock server received.
///
/// # Errors
///
/// One line per place where a request breaks a document, with the number of the request before it.
pub fn check_requests(
    system: System,
    requests: impl IntoIterator<Item = PlainRequest>,
) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    for (at, (method, target, headers, body)) in requests.into_iter().enumerate() {
        if let Err(found) = check_exchange(system, &method, &target, &headers, &body, None) {
            problems.extend(
                found
                    .into_iter()
                    .map(|line| format!("request {}: {line}", at + 1)),
            );
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}
