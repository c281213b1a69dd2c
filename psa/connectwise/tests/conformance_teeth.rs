//! The batteries have teeth: a sink that is broken in one way fails in the group of that way, and in no other.
#![allow(clippy::unwrap_used, reason = "a double may panic as its test may")]

mod harness;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use harness::ConnectWise;
use rust_decimal::Decimal;
use tallyline_connectwise::ConnectWiseSink;
use tallyline_connectwise::patch::{FieldName, Patch};
use tallyline_core::http::{
    Method, ReqwestTransport, Timeouts, Transport, TransportError, TransportRequest,
    TransportResponse, parse_link_header,
};
use tallyline_core::model::{
    Agreement, AgreementId, AgreementReading, Company, LineState, LinesOutcome, Product,
};
use tallyline_core::plan::{Action, Change};
use tallyline_core::sink::{AgreementFilter, Receipt, SinkDescriptor, Verdict, WriteError};
use tallyline_core::source::Identity;
use tallyline_core::{ErrorKind, PsaSink, Result};
use tallyline_testkit::conformance::{Group, run_sink};
use url::{Host, Url};

/// Sends a write again when it fails: a create, or a change.
#[derive(Debug)]
struct Repeats(ReqwestTransport, Method);

#[async_trait]
impl Transport for Repeats {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let again = (request.method == self.1).then(|| request.clone());
        match (self.0.send(request).await, again) {
            (Ok(answer), Some(again)) if answer.status >= 500 => self.0.send(again).await,
            (Err(_), Some(again)) => self.0.send(again).await,
            (answer, _) => answer,
        }
    }
}

/// Asks where a `Link` header leads to, with the credentials, whatever host that is on.
#[derive(Debug)]
struct FollowsForeignLinks(ReqwestTransport);

#[async_trait]
impl Transport for FollowsForeignLinks {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let mut again = request.clone();
        let answer = self.0.send(request).await?;
        let header = answer.headers.get("link").and_then(|it| it.to_str().ok());
        let links = header.map(parse_link_header).unwrap_or_default();
        let next = links.into_iter().find(|link| link.has_rel("next"));
        let there = next.and_then(|link| link.url.parse::<Url>().ok());
        // The links of the simulator name the vendor's own host, as the system's do.
        let on_this_machine = |there: &Url| matches!(there.host(), Some(Host::Ipv4(_)));
        match there.filter(on_this_machine) {
            Some(there) if there.authority() != again.url.authority() => {
                again.url = there;
                self.0.send(again).await
            }
            _ => Ok(answer),
        }
    }
}

/// What is wrong with a sink.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    CallsUnknownRefused,
    ReadsAMissingAgreementAsEmpty,
    CannotEndLines,
    CreatesOneLineAnAgreement,
    ClaimsDatedQuantities,
    ClaimsToEndBeforeTheStart,
    ClaimsToCreateAgreements,
    ClaimsToAddCharges,
    OnlySaysThatAPriceIsSet,
    TakesThePriceAlong,
    DropsAgreementsBeyondAPage,
}

struct Broken {
    sink: ConnectWiseSink,
    descriptor: SinkDescriptor,
    flaw: Flaw,
    created: Mutex<BTreeSet<AgreementId>>,
}

fn broken(sink: ConnectWiseSink, flaw: Flaw) -> Box<dyn PsaSink> {
    let mut descriptor = sink.descriptor().clone();
    let claimed = &mut descriptor.capabilities;
    claimed.dated_quantities |= flaw == Flaw::ClaimsDatedQuantities;
    claimed.end_before_start |= flaw == Flaw::ClaimsToEndBeforeTheStart;
    claimed.create_agreement |= flaw == Flaw::ClaimsToCreateAgreements;
    claimed.add_charge |= flaw == Flaw::ClaimsToAddCharges;
    Box::new(Broken {
        descriptor,
        sink,
        flaw,
        created: Mutex::default(),
    })
}

/// The state that a new line was to have.
fn wanted(change: &Change) -> Option<LineState> {
    let Action::CreateLine {
        quantity, last_day, ..
    } = &change.action
    else {
        return None;
    };
    Some(LineState {
        quantity: *quantity,
        effective: Some(change.effective),
        last_day: *last_day,
        ..LineState::default()
    })
}

#[async_trait]
impl PsaSink for Broken {
    fn descriptor(&self) -> &SinkDescriptor {
        &self.descriptor
    }

    async fn check(&self) -> Result<Identity> {
        self.sink.check().await
    }

    fn companies(&self) -> BoxStream<'_, Result<Company>> {
        self.sink.companies()
    }

    fn agreements<'a>(&'a self, filter: &'a AgreementFilter) -> BoxStream<'a, Result<Agreement>> {
        let agreements = self.sink.agreements(filter);
        if self.flaw == Flaw::DropsAgreementsBeyondAPage {
            return agreements.take(5).boxed();
        }
        agreements
    }

    fn products(&self) -> BoxStream<'_, Result<Product>> {
        self.sink.products()
    }

    fn lines<'a>(
        &'a self,
        agreements: &'a [AgreementId],
    ) -> BoxStream<'a, Result<AgreementReading>> {
        let readings = self.sink.lines(agreements);
        let hides = self.flaw == Flaw::ReadsAMissingAgreementAsEmpty;
        let empty = move |mut reading: AgreementReading| {
            let missing = |outcome: &LinesOutcome| match outcome {
                LinesOutcome::Failed(failure) => failure.kind == ErrorKind::NotFound,
                LinesOutcome::Complete(_) => false,
            };
            if hides && missing(&reading.outcome) {
                reading.outcome = LinesOutcome::Complete(Vec::new());
            }
            reading
        };
        readings.map(move |reading| reading.map(empty)).boxed()
    }

    async fn execute(&self, change: &Change) -> Result<Receipt, WriteError> {
        let creates = matches!(change.action, Action::CreateLine { .. });
        if self.flaw == Flaw::CreatesOneLineAnAgreement && creates {
            let new = self
                .created
                .lock()
                .unwrap()
                .insert(change.agreement.clone());
            if !new {
                return Ok(Receipt::new("0"));
            }
        }
        if self.flaw == Flaw::CannotEndLines && matches!(change.action, Action::EndLine { .. }) {
            let error = tallyline_core::Error::new(ErrorKind::Unsupported, "it cannot");
            return Err(WriteError::NotSent(error));
        }
        if let (Flaw::OnlySaysThatAPriceIsSet, Action::SetUnitPrice { line, .. }) =
            (self.flaw, &change.action)
        {
            return Ok(Receipt::new(line.clone()));
        }
        if let (Flaw::TakesThePriceAlong, Action::SetQuantity { line, .. }) =
            (self.flaw, &change.action)
        {
            let price = Patch::new().replace(FieldName::UNIT_PRICE, Decimal::ONE);
            let price = price.unwrap();
            let ids = (change.agreement.as_str().parse(), line.as_str().parse());
            let (agreement, line) = (ids.0.unwrap(), ids.1.unwrap());
            let sending = self.sink.client();
            let sent = sending.patch_addition(agreement, line, &price);
            sent.await.map_err(WriteError::from)?;
        }
        match self.sink.execute(change).await {
            Err(WriteError::Unknown(error)) if self.flaw == Flaw::CallsUnknownRefused => {
                Err(WriteError::Rejected(error))
            }
            other => other,
        }
    }

    async fn verify(&self, change: &Change, receipt: Option<&Receipt>) -> Result<Verdict> {
        if let (Flaw::OnlySaysThatAPriceIsSet, Action::SetUnitPrice { line, to, .. }) =
            (self.flaw, &change.action)
        {
            let observed = LineState {
                unit_price: Some(*to),
                ..LineState::default()
            };
            let line = line.clone();
            return Ok(Verdict::Landed { line, observed });
        }
        let line = receipt.and_then(|receipt| receipt.line.clone());
        match (line, wanted(change)) {
            (Some(line), Some(observed)) if line.as_str() == "0" => {
                Ok(Verdict::Landed { line, observed })
            }
            _ => self.sink.verify(change, receipt).await,
        }
    }
}

async fn fails_in(harness: ConnectWise, group: Group) {
    let report = run_sink(&harness).await;
    assert_eq!(report.failed_groups(), [group], "{}", report.to_markdown());
}

/// A sound sink with fewer worlds: enough for every double; the connector's own run tries more.
fn double() -> ConnectWise {
    ConnectWise {
        worlds: 5,
        skips: vec![(
            "a_page_of_four_mebibytes_is_read",
            "no double is about size",
        )],
        ..ConnectWise::sound()
    }
}

fn repeats(method: Method) -> ConnectWise {
    let transport = ReqwestTransport::new(&Timeouts::default());
    ConnectWise {
        transport: Some(Arc::new(Repeats(transport, method))),
        ..double()
    }
}

fn sink(wrap: fn(ConnectWiseSink) -> Box<dyn PsaSink>) -> ConnectWise {
    ConnectWise { wrap, ..double() }
}

#[tokio::test]
async fn a_repeated_create_fails_in_sink() {
    fails_in(repeats(Method::POST), Group::Sink).await;
}

#[tokio::test]
async fn a_repeated_change_fails_in_sink() {
    fails_in(repeats(Method::PATCH), Group::Sink).await;
}

#[tokio::test]
async fn a_price_that_is_only_said_to_be_set_fails_in_sink() {
    let flaw = |sink| broken(sink, Flaw::OnlySaysThatAPriceIsSet);
    fails_in(self::sink(flaw), Group::Sink).await;
}

#[tokio::test]
async fn a_quantity_that_takes_the_price_along_fails_in_sink() {
    let flaw = |sink| broken(sink, Flaw::TakesThePriceAlong);
    fails_in(self::sink(flaw), Group::Sink).await;
}

#[tokio::test]
async fn agreements_beyond_the_first_page_that_are_dropped_fail_in_read() {
    let flaw = |sink| broken(sink, Flaw::DropsAgreementsBeyondAPage);
    fails_in(self::sink(flaw), Group::Read).await;
}

#[tokio::test]
async fn a_followed_link_to_another_host_fails_in_auth() {
    let transport = ReqwestTransport::new(&Timeouts::default());
    let harness = ConnectWise {
        transport: Some(Arc::new(FollowsForeignLinks(transport))),
        ..double()
    };
    fails_in(harness, Group::Auth).await;
}

#[tokio::test]
async fn an_unknown_outcome_called_refused_fails_in_sink() {
    fails_in(
        sink(|sink| broken(sink, Flaw::CallsUnknownRefused)),
        Group::Sink,
    )
    .await;
}

#[tokio::test]
async fn a_capability_that_is_claimed_and_missing_fails_in_sink() {
    fails_in(sink(|sink| broken(sink, Flaw::CannotEndLines)), Group::Sink).await;
}

#[tokio::test]
async fn quantities_that_are_claimed_to_be_dated_and_are_not_fail_in_sink() {
    let flaw = |sink| broken(sink, Flaw::ClaimsDatedQuantities);
    fails_in(self::sink(flaw), Group::Sink).await;
}

#[tokio::test]
async fn an_end_before_the_start_that_is_claimed_and_refused_fails_in_sink() {
    let flaw = |sink| broken(sink, Flaw::ClaimsToEndBeforeTheStart);
    fails_in(self::sink(flaw), Group::Sink).await;
}

#[tokio::test]
async fn agreements_that_are_claimed_to_be_made_and_are_not_fail_in_sink() {
    let flaw = |sink| broken(sink, Flaw::ClaimsToCreateAgreements);
    fails_in(self::sink(flaw), Group::Sink).await;
}

#[tokio::test]
async fn charges_that_are_claimed_to_be_added_and_are_not_fail_in_sink() {
    let flaw = |sink| broken(sink, Flaw::ClaimsToAddCharges);
    fails_in(self::sink(flaw), Group::Sink).await;
}

#[tokio::test]
async fn a_missing_agreement_read_as_empty_fails_in_read() {
    let flaw = |sink| broken(sink, Flaw::ReadsAMissingAgreementAsEmpty);
    fails_in(sink(flaw), Group::Read).await;
}

#[tokio::test]
async fn a_write_that_is_only_said_to_have_landed_fails_in_model() {
    let flaw = |sink| broken(sink, Flaw::CreatesOneLineAnAgreement);
    fails_in(sink(flaw), Group::Model).await;
}
