//! Credentials stay home: one table, for every client.
//!
//! A client author describes the client once ([`CredentialClient`]): its [`Secrets`], how it is made for a base URL, and
//! its calls with their valid answers. Every call meets redirects of every kind, next links on another host, pages
//! of proxies and answers that repeat the request. What must hold: nothing at all reaches the other host, and no
//! secret, in whatever form it travels, is found in an error, in a `Debug` output, or in anything traced.
//!
//! ```
//! use std::sync::Arc;
//! use tallyline_core::http::{BaseUrl, HttpClient, Operation, Request, StaticHeaders};
//! use tallyline_testkit::credentials::CredentialClient;
//! use tallyline_testkit::raw::Route;
//! use tallyline_testkit::secrets::Secrets;
//!
//! static LIST: Operation = Operation::get("seats.list", "/seats");
//!
//! # async fn run() {
//! let secrets = Secrets::of("correct-horse-battery");
//! CredentialClient::new("acme", secrets, |base: &str| {
//!     HttpClient::builder("acme", BaseUrl::parse(base)?)
//!         .credentials(Arc::new(StaticHeaders::new().basic("user", &"correct-horse-battery".into())))
//!         .build()
//! })
//! .call("seats", Route::get("/seats", "[]"), |client: HttpClient| async move {
//!     client.send(Request::new(&LIST)).await.map(|answer| format!("{answer:?}"))
//! })
//! .run()
//! .await
//! .assert_held();
//! # }
//! ```

mod capture;
mod cases;

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tallyline_core::Result;
use tracing::instrument::WithSubscriber as _;

use self::capture::Capture;
use crate::contract::System;
use crate::hostile::{Connect, Report, judge, on_its_own, shorten};
use crate::raw::{Answer, RawServer, Route};
use crate::secrets::Secrets;

/// The password in the base URLs that must be refused.
const PASSWORD: &str = "hunter2-in-the-url";

type Call<C> = Arc<dyn Fn(C) -> BoxFuture<'static, Result<String>> + Send + Sync>;

/// A client as the table needs it.
pub struct CredentialClient<C> {
    name: String,
    connect: Connect<C>,
    secrets: Secrets,
    routes: Vec<Route>,
    calls: Vec<(String, Route, Call<C>)>,
}

impl<C: fmt::Debug + Clone + Send + Sync + 'static> CredentialClient<C> {
    /// A client by name, its secrets (of the configuration, and those that the routes give out, such as a token), and
    /// how it is made for a base URL.
    #[must_use]
    pub fn new(
        name: &str,
        secrets: Secrets,
        connect: impl Fn(&str) -> Result<C> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            connect: Arc::new(connect),
            secrets,
            routes: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// Adds a valid answer that calls need beside the one under test, such as a token.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds a call: the request whose answer is tampered with, and the call that makes it. Give reads, writes and
    /// the one that fetches a token.
    #[must_use]
    pub fn call<F>(
        mut self,
        name: &str,
        route: Route,
        call: impl Fn(C) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String>> + Send + 'static,
    {
        let call: Call<C> = Arc::new(move |client| call(client).boxed());
        self.calls.push((name.to_owned(), route, call));
        self
    }

    /// Runs every case on every call, and every base URL that must be refused.
    pub async fn run(&self) -> Report {
        let mut report = Report::default();
        self.base_urls(&mut report);
        let (home, foreign) = match tokio::join!(
            RawServer::start(System::named(&self.name), self.routes.clone()),
            RawServer::start(None, Vec::new())
        ) {
            (Ok(home), Ok(foreign)) => (home, foreign),
            (Err(error), _) | (_, Err(error)) => {
                return report.broken(&format!("no server: {error}"));
            }
        };
        for (name, route, call) in &self.calls {
            let mut cases = vec![("the valid answer".to_owned(), Answer::Bytes(route.bytes()))];
            cases.extend(cases::all(route, foreign.port()));
            for (case, answer) in cases {
                report.count();
                if let Err(why) = self.judge(&home, &foreign, route, answer, call).await {
                    report.fail(&self.name, name, &case, &self.secrets.masked(&why));
                } else if case == "the valid answer"
                    && home.requests().iter().all(|request| {
                        let whole = format!("{}{}", request.head, request.body_text());
                        self.secrets.shown_in(&whole).is_none()
                    })
                {
                    report.fail(
                        &self.name,
                        name,
                        &case,
                        "it was asked for without any of the secrets: the description is wrong",
                    );
                }
            }
        }
        report.contract(&self.name, &home);
        report
    }

    async fn judge(
        &self,
        home: &RawServer,
        foreign: &RawServer,
        route: &Route,
        answer: Answer,
        call: &Call<C>,
    ) -> Result<(), String> {
        home.answer_with(route, answer);
        let capture = Capture::default();
        let dispatch = tracing::Dispatch::new(capture.clone());
        // Made anew, so that no token is kept from the case before.
        let client =
            tracing::dispatcher::with_default(&dispatch, || (self.connect)(&home.base_url()))
                .map_err(|error| format!("the client cannot be made: {error}"))?;
        let debug = format!("{client:?} {client:#?}");
        let result = on_its_own(call(client).with_subscriber(dispatch).boxed()).await?;
        if let Some(request) = foreign.requests().first() {
            return Err(format!("{request:?} reached the other host"));
        }
        self.keeps("Debug of the client", &debug)?;
        match result {
            Ok(read) => self.keeps("what was read", &read)?,
            Err(error) => {
                if let Some(wrong) = judge::words(&error).into_iter().next() {
                    return Err(wrong);
                }
                let mut text = format!("{error} {error:?} {error:#?} {:?}", error.http());
                let mut source = std::error::Error::source(&error);
                while let Some(error) = source {
                    text.push_str(&format!(" {error} {error:?}"));
                    source = error.source();
                }
                self.keeps("the error", &text)?;
            }
        }
        for event in capture.texts() {
            self.keeps("a traced event or span", &event)?;
        }
        Ok(())
    }

    /// Base URLs that would carry credentials where they do not belong.
    fn base_urls(&self, report: &mut Report) {
        for base in [
            "https://user:PASSWORD@api.example.com",
            "https://PASSWORD@api.example.com",
            "https://:PASSWORD@api.example.com",
            "http://user:PASSWORD@127.0.0.1:9",
            "https://user:PASSWORD@",
            "http://api.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://0.0.0.0",
            "http://192.0.2.1",
            "http://[2001:db8::1]",
            "http://[::ffff:192.0.2.1]",
            "HTTP://API.EXAMPLE.COM",
            "ftp://api.example.com",
            "file:///etc/hosts",
            "",
        ] {
            report.count();
            let base = base.replace("PASSWORD", PASSWORD);
            let case = format!("the base URL {}", base.replace(PASSWORD, "PASSWORD"));
            match (self.connect)(&base) {
                Ok(_) => report.fail(&self.name, "setting up", &case, "it was accepted"),
                Err(error) => {
                    let text = format!("{error} {error:?}");
                    if text.contains(PASSWORD) {
                        report.fail(
                            &self.name,
                            "setting up",
                            &case,
                            "the error repeats the password",
                        );
                    } else if let Err(why) = self.keeps("the error", &text) {
                        report.fail(&self.name, "setting up", &case, &self.secrets.masked(&why));
                    }
                }
            }
        }
    }

    fn keeps(&self, what: &str, text: &str) -> Result<(), String> {
        match self.secrets.shown_in(text) {
            Some(line) => Err(format!("{what} holds a secret: {}", shorten(&line))),
            None => Ok(()),
        }
    }
}

impl<C> fmt::Debug for CredentialClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialClient")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
