//! The sources and sinks over whatever their systems answer, by way of their clients.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use tallyline_autotask::AutotaskSink;
use tallyline_cloudmore::CloudmoreSource;
use tallyline_connectwise::ConnectWiseSink;
use tallyline_core::clock::{Clock, SharedClock};
use tallyline_core::http::{
    HeaderMap, Transport, TransportError, TransportRequest, TransportResponse,
};
use tallyline_core::model::{
    AgreementId, LinesOutcome, ReadingOutcome, Timestamp, VendorAccountId,
};
use tallyline_core::sink::AgreementFilter;
use tallyline_core::source::UsageRequest;
use tallyline_core::{PsaSink, VendorSource};
use tallyline_gradient::GradientSink;
use tallyline_hyalto::vcd::{Granularity, StorageLines, VcdSource};
use tallyline_hyalto::{HyAltoSource, ServiceKind};
use tallyline_ingram::IngramSource;

use super::clients::{self, BOTH, KEY, PAIR, SECRET, Secrets, TOKEN};
use super::clients::{hold_error, run, shows, token_answer, watched};
use super::first_line;

const ALL: Secrets = &[
    ("{secret}", SECRET),
    ("{key}", KEY),
    ("{token}", TOKEN),
    ("{pair}", PAIR),
    ("{both}", BOTH),
];

/// Items of a list that are looked at.
const MOST: usize = 64;

/// Answers by a piece of the path and query that they are for.
#[derive(Debug)]
struct Routed {
    system: &'static str,
    answers: Vec<(String, TransportResponse)>,
}

impl Routed {
    /// The answers that an input holds: each begins with a line `--- STATUS PIECE`, and its body follows.
    fn new(system: &'static str, data: &[u8]) -> Self {
        let text = String::from_utf8_lossy(data);
        let answers = text.split("--- ").filter_map(|part| {
            let (line, body) = part.split_once('\n')?;
            let (status, piece) = line.split_once(' ')?;
            let status = status.parse().ok().filter(|s| (200..600).contains(s))?;
            let answer = TransportResponse::new(status, HeaderMap::new(), body.to_owned());
            Some((piece.trim().to_owned(), answer))
        });
        let answers = answers.collect();
        Self { system, answers }
    }
}

#[async_trait]
impl Transport for Routed {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        watched(self.system, &request);
        if let Some(token) = token_answer(self.system, &request) {
            return Ok(token);
        }
        let query = request.url.query().unwrap_or_default();
        let target = format!("{}?{query}", request.url.path());
        let fits = |(piece, _): &&(String, TransportResponse)| target.contains(piece.as_str());
        let found = self.answers.iter().find(fits);
        let nothing = || TransportResponse::new(404, HeaderMap::new(), "{}");
        Ok(found.map_or_else(nothing, |(_, answer)| answer.clone()))
    }
}

fn now() -> Timestamp {
    "2026-03-11T12:00:00Z".parse().unwrap()
}

/// The clock of lists of services: it stands.
struct StandingClock;

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep(&self, _: Duration) {}

    async fn alongside(&self, _: Duration) {
        std::future::pending().await
    }
}

/// Whatever a vendor answers, each account has one reading at most, with one line a key, stamped as asked.
async fn hold_source(source: &dyn VendorSource) {
    let mut accounts = source.accounts().take(MOST);
    while let Some(account) = accounts.next().await {
        if let Err(error) = account {
            hold_error(&error, ALL);
        }
    }
    let mut services = source.services().take(MOST);
    while let Some(service) = services.next().await {
        if let Err(error) = service {
            hold_error(&error, ALL);
        }
    }
    let request = UsageRequest::new(now());
    let mut readings = source.usage(&request).take(MOST);
    let mut seen: BTreeSet<VendorAccountId> = BTreeSet::new();
    while let Some(reading) = readings.next().await {
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => {
                hold_error(&error, ALL);
                continue;
            }
        };
        assert_eq!(reading.read_at, request.now);
        assert!(reading.data_as_of.is_none_or(|of| of <= request.now));
        match &reading.outcome {
            ReadingOutcome::Complete(lines) => {
                let keys: BTreeSet<_> = lines.iter().map(|line| &line.key).collect();
                assert_eq!(keys.len(), lines.len(), "two lines of one key");
            }
            ReadingOutcome::Failed(failure) => {
                assert!(!shows(&failure.message, ALL), "{}", failure.message);
            }
        }
        let new = seen.insert(reading.account.clone());
        assert!(new, "two readings of {}", reading.account);
    }
}

/// Whatever a PSA answers, each agreement has one reading, with one line an id.
async fn hold_sink(sink: &dyn PsaSink) {
    let mut companies = sink.companies().take(MOST);
    while let Some(company) = companies.next().await {
        if let Err(error) = company {
            hold_error(&error, ALL);
        }
    }
    let filter = AgreementFilter::default();
    let mut agreements = sink.agreements(&filter).take(MOST);
    let mut wanted: BTreeSet<AgreementId> = BTreeSet::from(["1".into()]);
    while let Some(agreement) = agreements.next().await {
        match agreement {
            Ok(agreement) => drop(wanted.insert(agreement.id)),
            Err(error) => hold_error(&error, ALL),
        }
    }
    let mut products = sink.products().take(MOST);
    while let Some(product) = products.next().await {
        if let Err(error) = product {
            hold_error(&error, ALL);
        }
    }
    let wanted: Vec<AgreementId> = wanted.into_iter().take(4).collect();
    let mut readings = sink.lines(&wanted);
    let mut seen = Vec::new();
    while let Some(reading) = readings.next().await {
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => {
                hold_error(&error, ALL);
                return;
            }
        };
        match &reading.outcome {
            LinesOutcome::Complete(lines) => {
                let ids: BTreeSet<_> = lines.iter().map(|line| &line.id).collect();
                assert_eq!(ids.len(), lines.len(), "two lines of one id");
            }
            LinesOutcome::Failed(failure) => {
                assert!(!shows(&failure.message, ALL), "{}", failure.message);
            }
        }
        seen.push(reading.agreement);
    }
    seen.sort();
    assert_eq!(seen, wanted, "one reading for each agreement");
}

/// The answers of the system whose name stands on an input's first line.
fn routed(data: &[u8], names: &[&'static str]) -> Option<Arc<Routed>> {
    if shows(&String::from_utf8_lossy(data), ALL) {
        return None;
    }
    let (name, rest) = first_line(data);
    let system = names.iter().find(|known| **known == name.trim())?;
    Some(Arc::new(Routed::new(system, rest)))
}

/// Whatever a vendor answers, its source gives one reading an account, or an error that shows no secret.
pub fn sources(data: &[u8]) {
    let names = ["sherweb", "ingram", "cloudmore", "dandh", "hyalto", "vcd"];
    let Some(routed) = routed(data, &names) else {
        return;
    };
    run(async {
        match routed.system {
            "sherweb" => hold_source(&clients::sherweb(routed)).await,
            "dandh" => hold_source(&clients::dandh(routed)).await,
            "hyalto" => {
                let source = HyAltoSource::builder()
                    .client(clients::hyalto(routed))
                    .untyped(ServiceKind::VirtualMachine)
                    .clock(SharedClock::new(Arc::new(StandingClock)));
                hold_source(&source.build().unwrap()).await;
            }
            "vcd" => {
                let source = VcdSource::builder()
                    .client(clients::vcd(routed))
                    .granularity(Granularity::Both)
                    .storage(StorageLines::ByPolicy);
                hold_source(&source.build().unwrap()).await;
            }
            "ingram" => {
                let source = IngramSource::builder().client(clients::ingram(routed));
                hold_source(&source.build().unwrap()).await;
            }
            _ => {
                let source = CloudmoreSource::builder().client(clients::cloudmore(routed));
                hold_source(&source.build().unwrap()).await;
            }
        }
    });
}

/// Whatever a PSA answers, its sink gives one reading an agreement, or an error that shows no secret.
pub fn sinks(data: &[u8]) {
    let Some(routed) = routed(data, &["connectwise", "autotask", "gradient"]) else {
        return;
    };
    run(async {
        match routed.system {
            "autotask" => {
                let zone = Some("https://webservices1.autotask.net/ATServicesRest");
                let client = clients::autotask(routed, zone);
                let sink = AutotaskSink::builder().client(client).clock(Arc::new(now));
                hold_sink(&sink.build()).await;
            }
            "gradient" => {
                let sink = GradientSink::builder().client(clients::gradient(routed));
                hold_sink(&sink.build()).await;
            }
            _ => {
                let client = clients::connectwise(routed);
                let sink = ConnectWiseSink::builder()
                    .client(client)
                    .clock(Arc::new(now));
                hold_sink(&sink.build()).await;
            }
        }
    });
}
