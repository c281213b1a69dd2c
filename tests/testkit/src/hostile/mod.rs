//! Hostile answers: one table of them, for every client.
//!
//! A client author describes the client once ([`HostileClient`]): how it is made, the valid answers of its system
//! ([`Route`]), and its operations ([`Probe`]) with the values in their answers that can be made hostile
//! ([`Field`]). Every case of the table is derived from that: answers cut off anywhere, wrong lengths and content
//! types, HTML, deep nesting, bodies above the limit, gzip bombs, lists that never end, and for each value
//! overflow, malformed dates, duplicate keys and the like. [`HostileStreams`] does the same to one account or
//! agreement of a [`VendorSource`](tallyline_core::VendorSource) or [`PsaSink`](tallyline_core::PsaSink) and looks at
//! what becomes of the others, up to the plan.
//!
//! What must hold: nothing panics, nothing hangs, no more is taken in than the limit, and an answer that cannot be
//! right is an error that names its record and shows no control characters. Where the name is that of a system of the
//! [contract](crate::contract), the requests must keep its documents too.
//!
//! ```
//! use std::time::Duration;
//! use tallyline_core::http::{BaseUrl, HttpClient, Limits, Operation, Request, RetryPolicy, Timeouts};
//! use tallyline_testkit::hostile::{Field, HostileClient, Probe};
//! use tallyline_testkit::raw::Route;
//!
//! static LIST: Operation = Operation::get("seats.list", "/seats");
//!
//! #[derive(serde::Deserialize)]
//! struct Seats {
//!     #[serde(deserialize_with = "tallyline_core::wire::exact_decimal")]
//!     count: rust_decimal::Decimal,
//! }
//!
//! # async fn run() {
//! let client = HostileClient::new("acme", |base: &str| {
//!     HttpClient::builder("acme", BaseUrl::parse(base)?)
//!         .limits(Limits { max_body: 1 << 20, ..Limits::default() })
//!         .retry(RetryPolicy::none())
//!         .timeouts(Timeouts { attempt: Some(Duration::from_millis(300)), ..Timeouts::default() })
//!         .build()
//! })
//! .max_body(1 << 20)
//! .probe(
//!     Probe::new("seats", Route::get("/seats", r#"{"count":12}"#), |client: HttpClient| async move {
//!         let seats: Seats = client.json(Request::new(&LIST)).await?;
//!         Ok(seats.count.normalize().to_string())
//!     })
//!     .field(Field::quantity("/count")),
//! );
//! client.run().await.assert_held();
//! # }
//! ```

mod cases;
mod coverage;
mod gzip;
pub(crate) mod judge;
mod pages;
mod probe;
mod splice;
mod streams;
mod stubs;
mod values;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tallyline_core::Result;

pub use coverage::{Covered, covers};
pub use probe::{Field, FieldKind, Paging, Probe};
pub use streams::{HostileStreams, Side};

use self::probe::{Call, Failed, Sorted};
use crate::contract::System;
use crate::raw::{Answer, RawServer, Route};

/// A case that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Beyond the limit, the operating system's buffers take what no client read.
const SOCKET_BUFFERS: u64 = 16 * 1024 * 1024;

pub(crate) type Connect<C> = Arc<dyn Fn(&str) -> Result<C> + Send + Sync>;

/// A client as the table needs it. Give it small limits: `max_body` of a megabyte, a few pages, short time limits
/// and quick retries.
pub struct HostileClient<C> {
    name: String,
    connect: Connect<C>,
    max_body: usize,
    routes: Vec<Route>,
    probes: Vec<Probe<C>>,
}

impl<C: Clone + Send + Sync + 'static> HostileClient<C> {
    /// A client by name, and how it is made for a base URL.
    #[must_use]
    pub fn new(name: &str, connect: impl Fn(&str) -> Result<C> + Send + Sync + 'static) -> Self {
        Self {
            name: name.to_owned(),
            connect: Arc::new(connect),
            max_body: 1 << 20,
            routes: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// The largest body that the client takes, as it is set up; a megabyte where this is not called.
    #[must_use]
    pub fn max_body(mut self, max_body: usize) -> Self {
        self.max_body = max_body;
        self
    }

    /// Adds a valid answer that calls need beside the one under test, such as a token.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds an operation.
    #[must_use]
    pub fn probe(mut self, probe: Probe<C>) -> Self {
        self.probes.push(probe);
        self
    }

    /// The operations of the table.
    #[must_use]
    pub fn covered(&self) -> Covered {
        Covered::of(self.probes.iter().map(|probe| &probe.route))
    }

    /// Runs every case on every operation.
    pub async fn run(&self) -> Report {
        let mut report = Report::default();
        let server = match RawServer::start(System::named(&self.name), self.routes.clone()).await {
            Ok(server) => server,
            Err(error) => return report.broken(&format!("the server cannot be started: {error}")),
        };
        let client = match (self.connect)(&server.base_url()) {
            Ok(client) => client,
            Err(error) => {
                return report.broken(&format!(
                    "{}: the client cannot be made: {error}",
                    self.name
                ));
            }
        };
        for probe in &self.probes {
            server.answer_with(&probe.route, Answer::Bytes(probe.route.bytes()));
            if let Err(why) = attempt(&probe.call, &client)
                .await
                .and_then(|it| it.map_err(|failed| failed.error.to_string()))
            {
                report.fail(&self.name, &probe.name, "the valid answer", &why);
                continue;
            }
            for case in cases::all(probe, self.max_body) {
                let found = self.judge(&server, &client, probe, &case).await;
                report.cases += 1;
                if let Err(why) = found {
                    report.fail(&self.name, &probe.name, &case.name, &why);
                }
            }
        }
        report.contract(&self.name, &server);
        report
    }

    async fn judge(
        &self,
        server: &RawServer,
        client: &C,
        probe: &Probe<C>,
        case: &Case,
    ) -> Result<(), String> {
        server.answer_with(&probe.route, case.answer.clone());
        let result = attempt(&probe.call, client).await?;
        if server.accepted() > SOCKET_BUFFERS + u64::try_from(self.max_body).unwrap_or(u64::MAX) {
            return Err(format!(
                "it took {} bytes, its limit is {}",
                server.accepted(),
                self.max_body
            ));
        }
        if let Err(failed) = &result {
            failed.well_told()?;
        }
        // What was refused for its token or for its number alone was not looked at, and may be sent again.
        let unseen = [Some(401), Some(429)];
        let unseen = matches!(&result, Err(failed) if unseen.contains(&failed.error.status()));
        let mut sent = server.requests();
        sent.retain(|request| probe.route.matches(request));
        if probe.writes && !unseen && sent.len() > 1 {
            return Err(format!("the write was sent {} times", sent.len()));
        }
        match (&case.expect, result.map_err(|failed| failed.error)) {
            (Expect::Fails(_), Ok(read)) => Err(format!("it was read as {}", shorten(&read))),
            (Expect::Fails(record), Err(error))
                if !record.is_empty() && !judge::names(&error, record) =>
            {
                Err(format!("the error names none of {record:?}: {error}"))
            }
            (Expect::Reads | Expect::ReadsLike(_), Err(error)) => {
                Err(format!("it was refused: {error}"))
            }
            (Expect::ReadsLike(other), Ok(read)) => {
                server.answer_with(&probe.route, other.clone());
                match attempt(&probe.call, client).await? {
                    Ok(wanted) if wanted == read => Ok(()),
                    Ok(wanted) => Err(format!(
                        "it was read as {}, not as {}",
                        shorten(&read),
                        shorten(&wanted)
                    )),
                    Err(failed) => {
                        let error = failed.error;
                        Err(format!("what it is compared with was refused: {error}"))
                    }
                }
            }
            _ => Ok(()),
        }
    }
}

impl<C> fmt::Debug for HostileClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostileClient")
            .field("name", &self.name)
            .field("probes", &self.probes)
            .finish_non_exhaustive()
    }
}

/// One call on a task of its own: a panic and a hang are what it found, not the end of the table.
async fn attempt<C: Clone + Sync>(
    call: &Call<C>,
    client: &C,
) -> Result<Result<String, Failed>, String> {
    on_its_own(call(client.clone())).await
}

impl Failed {
    /// The error is in clean words, and a write that the system may have done is not called undone.
    fn well_told(&self) -> Result<(), String> {
        if let Some(wrong) = judge::words(&self.error).into_iter().next() {
            return Err(wrong);
        }
        let no_refusal = self.error.status().is_none_or(|status| status < 300);
        match self.sorted {
            Some(sorted) if no_refusal && sorted != Sorted::Unknown => Err(format!(
                "the outcome of a write that may have been done is called {sorted:?}: {}",
                self.error
            )),
            _ => Ok(()),
        }
    }
}

pub(crate) async fn on_its_own<T: Send + 'static>(
    future: BoxFuture<'static, T>,
) -> Result<T, String> {
    let mut task = tokio::spawn(future);
    match tokio::time::timeout(PATIENCE, &mut task).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => Err(format!("it panicked: {error}")),
        Err(_) => {
            task.abort();
            Err(format!("it hung for {PATIENCE:?}"))
        }
    }
}

/// One row of the table.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) answer: Answer,
    pub(crate) expect: Expect,
}

/// What must come of a case. Whatever it is: no panic, no hang, and errors in clean words.
pub(crate) enum Expect {
    /// An error; where names are given, it has one of them.
    Fails(Vec<String>),
    /// It is read.
    Reads,
    /// It is read, and as this answer is.
    ReadsLike(Answer),
    /// Either: it depends on the system.
    Survives,
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    cases: usize,
    failures: Vec<String>,
}

impl Report {
    /// How many cases were run.
    #[must_use]
    pub fn cases(&self) -> usize {
        self.cases
    }

    /// What did not hold, one sentence each.
    #[must_use]
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Fails the test when anything did not hold, or when nothing was run.
    ///
    /// # Panics
    ///
    /// With the first twenty failures.
    pub fn assert_held(&self) {
        assert!(
            self.cases > 0 || !self.failures.is_empty(),
            "no case was run"
        );
        let shown: Vec<&str> = self.failures.iter().take(20).map(String::as_str).collect();
        assert!(
            self.failures.is_empty(),
            "{} of {} cases did not hold:\n{}",
            self.failures.len(),
            self.cases,
            shown.join("\n")
        );
    }

    /// Takes in what is wrong with the requests by the documents of their system.
    pub(crate) fn contract(&mut self, client: &str, server: &RawServer) {
        if let Some(broken) = server.broken_contract() {
            self.fail(client, "every operation", "the requests", &broken);
        }
    }

    pub(crate) fn count(&mut self) {
        self.cases += 1;
    }

    pub(crate) fn fail(&mut self, client: &str, operation: &str, case: &str, why: &str) {
        let line = format!("{client}, {operation}, {case}: {why}");
        self.failures
            .push(tallyline_core::error::printable(&shorten(&line)));
    }

    pub(crate) fn broken(mut self, why: &str) -> Self {
        self.failures.push(why.to_owned());
        self
    }
}

/// The beginning of a text that may be long.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(600) {
        Some((at, _)) => format!("{}... ({} bytes)", &text[..at], text.len()),
        None => text.to_owned(),
    }
}
