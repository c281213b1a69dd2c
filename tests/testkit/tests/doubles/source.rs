//! A small source that can be broken on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tallyline_core::error::Retry;
use tallyline_core::http::{
    BaseUrl, CredentialProvider, HttpClient, Limits, Operation, Request, RetryPolicy, TokenCache,
    TokenParam, Transport,
};
use tallyline_core::model::{
    AccountReading, Basis, BillingCycle, ChargeKind, CivilDate, Commitment, Currency, Money,
    Quantity, ReadFailure, Service, Timestamp, UsageLine, VendorAccount,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest, VendorSource};
use tallyline_core::wire::exact_decimal;
use tallyline_core::{Error, ErrorKind, Result};
use tracing::Instrument as _;

use crate::carrier::Carrier;
use crate::flaw::Flaw;
use crate::tokens::{Tokens, Unmanaged};

static CLIENTS: Operation = Operation::get("clients.list", "/v1/clients");
static WRITE: Operation = Operation::post("notes.create", "/v1/notes");
static SEATS: Operation = Operation::get("seats.list", "/v1/clients/{clientId}/seats");
static START: Operation = Operation::post("prices.start", "/v1/reports");
static PRICES: Operation = Operation::get("prices.get", "/v1/reports/{report}");

static DESCRIPTOR: SourceDescriptor = descriptor("acorn");
static MISNAMED: SourceDescriptor = descriptor("acorn-apps");

const fn descriptor(system: &'static str) -> SourceDescriptor {
    let mut it = SourceDescriptor::new(system, "Acorn Apps");
    it.unit_costs = true;
    it.commitments = true;
    it
}

/// The source.
#[derive(Clone)]
pub(crate) struct AcornSource {
    http: HttpClient,
    carrier: Arc<Carrier>,
    key: SecretString,
    flaw: Flaw,
    readings: Arc<AtomicUsize>,
}

impl fmt::Debug for AcornSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AcornSource");
        if self.flaw == Flaw::ShowsItsKeyInDebug {
            shown.field("key", &self.key.expose_secret());
        }
        shown.field("http", &self.http).finish()
    }
}

#[derive(Deserialize)]
struct Client {
    id: String,
    name: String,
    #[serde(default)]
    state: Option<String>,
}

#[derive(Deserialize)]
struct Seat {
    id: String,
    sku: String,
    #[serde(default)]
    count: Option<Box<RawValue>>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    committed_until: Option<CivilDate>,
    #[serde(default, rename = "zzNewMember")]
    unknown: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Exact(#[serde(deserialize_with = "exact_decimal")] Decimal);

#[derive(Deserialize)]
struct Report {
    report: String,
}

#[derive(Deserialize)]
struct Prices {
    prices: Vec<Price>,
}

#[derive(Deserialize)]
struct Price {
    sku: String,
    cost: Exact,
    currency: String,
}

/// A seat, counted.
struct Counted {
    id: String,
    sku: String,
    count: Decimal,
    committed_until: Option<CivilDate>,
}

/// What a unit of each service costs, where that could be read.
type Costs = Option<BTreeMap<String, Money>>;

fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Protocol, what)
}

/// An amount as a binary float has it.
fn float(exact: Decimal) -> Decimal {
    let float: f64 = exact.to_string().parse().unwrap();
    float.to_string().parse().unwrap()
}

impl AcornSource {
    pub(crate) fn new(base_url: &str, key: &str, flaw: Flaw) -> Result<Self> {
        let key = SecretString::from(key);
        if key.expose_secret().trim().is_empty() && flaw != Flaw::TakesABlankKey {
            return Err(Error::new(ErrorKind::Config, "the key is blank"));
        }
        let base_url = match flaw {
            Flaw::TakesPlainHttp => base_url.replace("http://api.", "https://api."),
            _ => base_url.to_owned(),
        };
        let base = BaseUrl::parse(&base_url)?;
        let carrier = Arc::new(Carrier::new(flaw));
        let transport: Arc<dyn Transport> = carrier.clone();
        let connector = match flaw {
            Flaw::NamesItsSpansOtherwise => "acorns",
            _ => "acorn",
        };
        let client = || {
            let retry = RetryPolicy {
                min_delay: Duration::from_millis(1),
                max_delay: Duration::from_millis(2),
                max_attempts: if flaw == Flaw::RepeatsOnItsOwn { 1 } else { 4 },
                ..RetryPolicy::default()
            };
            let mut limits = Limits::default();
            if flaw == Flaw::RefusesLongAnswers {
                limits.max_body = 1024 * 1024;
            }
            HttpClient::builder(connector, base.clone())
                .secret(key.clone())
                .transport(Arc::clone(&transport))
                .limits(limits)
                .retry(retry)
        };
        let tokens = Tokens {
            http: client().build()?,
            key: key.clone(),
            flaw,
            had_one: false.into(),
        };
        let tokens: Arc<dyn CredentialProvider> = match flaw {
            Flaw::NeverRenewsItsToken | Flaw::FetchesATokenForEachCall => {
                Arc::new(Unmanaged(tokens, Default::default()))
            }
            _ => Arc::new(TokenCache::new(tokens)),
        };
        let http = client().credentials(tokens).build()?;
        Ok(Self {
            http,
            carrier,
            key,
            flaw,
            readings: Arc::default(),
        })
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn paged<T: serde::de::DeserializeOwned + Send + 'static>(
        &self,
        request: Request,
        items: &'static str,
    ) -> BoxStream<'static, Result<T>> {
        let pages = TokenParam {
            items,
            token: "next",
            param: "after",
        };
        self.http.paged::<T, _>(request, pages).boxed()
    }

    /// Each client once: a page border that moves gives a record twice.
    fn clients(&self) -> BoxStream<'static, Result<Client>> {
        let clients = self.paged::<Client>(Request::new(&CLIENTS), "clients");
        let mut seen = BTreeSet::new();
        let mut new = move |item: &Result<Client>| {
            let client = item.as_ref();
            client.map_or(true, |client| seen.insert(client.id.clone()))
        };
        let flaw = self.flaw;
        let mut any = false;
        let goes_on = move |item: &Result<Client>| {
            let stops = item.as_ref().err().is_some_and(|error| match flaw {
                Flaw::EndsItsListAtA404 => any && error.kind() == ErrorKind::NotFound,
                Flaw::StopsWhereAListRepeats => any && error.kind() == ErrorKind::Protocol,
                _ => false,
            });
            any = true;
            ready(!stops)
        };
        let drops = self.is(Flaw::DropsAPage);
        let page = crate::acorn::PAGE;
        let known = |client: Client| match client.state.as_deref() {
            Some("active" | "suspended") | None => Ok(client),
            Some(other) => Err(invalid(format!("{other} is no state"))),
        };
        clients
            .map(move |item| match flaw {
                Flaw::RefusesANewState => item.and_then(known),
                _ => item,
            })
            .take_while(goes_on)
            .filter(move |item| ready(new(item)))
            .enumerate()
            .filter(move |(at, _)| ready(!drops || !(page..2 * page).contains(at)))
            .map(|(_, item)| item)
            .boxed()
    }

    /// What a seat counts.
    fn count(&self, seat: &Seat) -> Result<Decimal> {
        let Some(literal) = seat.count.as_ref().map(|count| count.get()) else {
            if self.is(Flaw::TakesAMissingCountForZero) {
                return Ok(Decimal::ZERO);
            }
            return Err(invalid(format!("seat {} has no count", seat.id)));
        };
        if self.is(Flaw::RefusesNumbersInQuotes) && literal.starts_with('"') {
            return Err(invalid(format!("seat {} has a text for a count", seat.id)));
        }
        let exact: Exact =
            serde_json::from_str(literal).map_err(|error| invalid(error.to_string()))?;
        Ok(match self.flaw {
            Flaw::CountsThroughAFloat => float(exact.0),
            Flaw::DropsTheSign => exact.0.abs(),
            _ => exact.0,
        })
    }

    /// A seat, and what it is known by.
    fn counted(&self, at: usize, seat: Seat) -> Result<(String, Counted)> {
        let is_blank = seat.note.as_deref().is_none_or(str::is_empty);
        if self.is(Flaw::RefusesABlankNote) && is_blank {
            return Err(invalid("a note is blank"));
        }
        if self.is(Flaw::RefusesUnknownMembers) && seat.unknown.is_some() {
            return Err(invalid("zzNewMember is not known"));
        }
        let count = self.count(&seat)?;
        let known_by = match self.flaw {
            Flaw::KeepsOneSubscriptionPerService => seat.sku.clone(),
            Flaw::CountsRecordsThatAreAlikeOnce => format!("{} {count}", seat.sku),
            Flaw::CountsRepeatedRecords => format!("{} {at}", seat.id),
            _ => seat.id.clone(),
        };
        let counted = Counted {
            id: known_by.clone(),
            sku: seat.sku,
            count,
            committed_until: seat.committed_until,
        };
        Ok((known_by, counted))
    }

    /// The seats of a client. Where that is wanted, what was read before an error is enough.
    async fn seats(&self, client: &Client, keeps: bool) -> Result<BTreeMap<String, Counted>> {
        let mut again = match self.flaw {
            Flaw::AsksForReadingsWithoutEnd => 5,
            _ => 0,
        };
        loop {
            let mut found = BTreeMap::new();
            let request = Request::new(&SEATS).path("clientId", &client.id);
            let mut seats = self.paged::<Seat>(request.account(&client.id), "seats");
            let mut at = 0;
            let error = loop {
                match seats.next().await.map(|seat| self.counted(at, seat?)) {
                    None => return Ok(found),
                    Some(Ok((known_by, seat))) => {
                        found.insert(known_by, seat);
                    }
                    Some(Err(_)) if keeps && !found.is_empty() => return Ok(found),
                    Some(Err(error)) => break error,
                }
                at += 1;
            };
            if again == 0 || error.kind() != ErrorKind::Unavailable {
                return Err(error);
            }
            again -= 1;
        }
    }

    /// What services cost: a report is started, then fetched. Without it quantities have no cost.
    async fn costs(&self) -> Result<Costs> {
        let report = async {
            let started: Report = self.http.json(Request::new(&START)).await?;
            let request = Request::new(&PRICES).path("report", started.report);
            self.http.json::<Prices>(request).await
        };
        let prices = match report.await {
            Ok(report) => report.prices,
            Err(error) if error.kind() == ErrorKind::Auth => return Err(error),
            Err(_) => return Ok(None),
        };
        let cost = |price: Price| {
            let mut cost = price.cost.0;
            let mut currency: Currency = price.currency.parse()?;
            match self.flaw {
                Flaw::CostsThroughAFloat => cost = float(cost),
                Flaw::CostsInDollars => currency = Currency::USD,
                _ => {}
            }
            Ok((price.sku, Money::new(cost, currency)))
        };
        prices
            .into_iter()
            .map(cost)
            .collect::<Result<_>>()
            .map(Some)
    }

    fn lines(&self, seats: BTreeMap<String, Counted>, costs: &Costs) -> Vec<UsageLine> {
        let mut lines = Vec::new();
        for seat in seats.into_values() {
            if self.is(Flaw::DropsZeroQuantities) && seat.count.is_zero() {
                continue;
            }
            let cost = match costs {
                Some(costs) => costs.get(&seat.sku).copied(),
                None if self.is(Flaw::TakesAnUnreadCostForZero) => {
                    Some(Money::new(Decimal::ZERO, Currency::EUR))
                }
                None => None,
            };
            let cost = cost.filter(|_| !self.is(Flaw::LeavesOutCosts));
            let term = seat.committed_until;
            let term = term.filter(|_| !self.is(Flaw::LeavesOutCommitments));
            let line = UsageLine::new(seat.id, seat.sku, Quantity::new(seat.count))
                .with_billing_cycle(BillingCycle::Monthly)
                .with_unit_cost(cost)
                .with_commitment(term.map(|day| Commitment::new(Some(day), Vec::new())));
            if self.is(Flaw::CountsSeatsAlsoAsUsage) {
                let mut more = line.clone().with_kind(ChargeKind::Usage);
                more.key = format!("{}-used", more.key).into();
                lines.push(more);
            }
            lines.push(line);
        }
        if self.is(Flaw::DropsLinesBeyondThePages) {
            lines.truncate(2 * crate::acorn::PAGE);
        }
        let turn = self.readings.fetch_add(1, Ordering::SeqCst);
        if self.is(Flaw::ReadsInAnotherOrder) && turn % 2 == 1 {
            lines.reverse();
        }
        lines
    }

    /// Whether this double takes a failure for an account that has nothing.
    fn takes_for_empty(&self, error: &Error) -> bool {
        match self.flaw {
            Flaw::ReadsAnErrorAsEmpty => true,
            Flaw::ReadsWhatIsMissingOrDownAsEmpty => matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::Unavailable | ErrorKind::RateLimited
            ),
            _ => false,
        }
    }

    /// A client that cannot be read is a failed reading; refused credentials concern them all.
    async fn reading(
        &self,
        client: Client,
        costs: &Costs,
        request: &UsageRequest,
    ) -> Result<Vec<AccountReading>> {
        let now = match self.flaw {
            Flaw::StampsTheFuture => Timestamp::from_second(4_000_000_000).unwrap(),
            _ => request.now,
        };
        let sent = self.seats(&client, self.is(Flaw::KeepsWhatItHasOfAnAccount));
        let read = if self.is(Flaw::NamesSpansByAccount) {
            let name = format!("seats of {}", client.id);
            let span = tracing::info_span!("seats", otel.name = name);
            sent.instrument(span).await
        } else {
            sent.await
        };
        let whole = |lines| AccountReading::complete(client.id.as_str(), lines, Basis::Live, now);
        match read {
            Ok(seats) => {
                let mut lines = self.lines(seats, costs);
                let mut readings = Vec::new();
                let units: Decimal = lines.iter().map(|line| line.quantity.value()).sum();
                if self.is(Flaw::SplitsLargeAccounts)
                    && lines.len() > 1
                    && (Decimal::from(300)..Decimal::from(100_000)).contains(&units)
                {
                    let rest = lines.split_off(lines.len() / 2);
                    readings.push(whole(rest));
                }
                readings.push(whole(lines));
                Ok(readings)
            }
            Err(error) if error.kind() == ErrorKind::Auth => Err(error),
            Err(error) if self.takes_for_empty(&error) => Ok(vec![whole(Vec::new())]),
            Err(error) => {
                let failure = ReadFailure::from(&error);
                let failed = AccountReading::failed(client.id, failure, Basis::Live, now);
                Ok(vec![failed])
            }
        }
    }

    /// An error of the list as this double tells it.
    fn told(&self, error: Error) -> Error {
        let snippet = error.http().and_then(|http| http.body_snippet.clone());
        let snippet = snippet.unwrap_or_default();
        match self.flaw {
            Flaw::RepeatsOnItsOwn if error.is_retryable() => error.with_retry(Retry::Exhausted),
            Flaw::ShowsAnswersWhole => error.with_context("answer", self.carrier.refusal()),
            Flaw::CallsAWebPageUnavailable if snippet.contains("<form>") => {
                Error::new(ErrorKind::Unavailable, "a page came")
            }
            Flaw::CallsAnEmptyBodyUnavailable
                if error.kind() == ErrorKind::Protocol && snippet.is_empty() =>
            {
                Error::new(ErrorKind::Unavailable, "nothing came")
            }
            _ => error,
        }
    }
}

#[async_trait]
impl VendorSource for AcornSource {
    fn descriptor(&self) -> &SourceDescriptor {
        match self.flaw {
            Flaw::MisnamesItself => &MISNAMED,
            _ => &DESCRIPTOR,
        }
    }

    async fn check(&self) -> Result<Identity> {
        if let Err(error) = self.clients().next().await.transpose() {
            return Err(match (self.flaw, error.kind()) {
                (Flaw::CallsAMissingRightBadCredentials, ErrorKind::PermissionDenied) => {
                    Error::new(ErrorKind::Auth, "no access")
                }
                (Flaw::CallsWrongCredentialsAMissingRight, ErrorKind::Auth) => {
                    Error::new(ErrorKind::PermissionDenied, "no access")
                }
                (
                    Flaw::CallsAnUnreachableHostAMistake,
                    ErrorKind::Unavailable | ErrorKind::Timeout,
                ) => Error::new(ErrorKind::Config, "the address is wrong"),
                _ => error,
            });
        }
        if self.is(Flaw::WritesWhileItReads) {
            // Whether it is taken is of no matter.
            let _ = self.http.send(Request::new(&WRITE)).await;
        }
        Ok(Identity::new(match self.flaw {
            Flaw::ShowsItsKeyInItsIdentity => self.key.expose_secret(),
            Flaw::NamesNobody => " ",
            _ => self.http.base_url().host(),
        }))
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        let account = |client: Client| {
            let name = match self.flaw {
                Flaw::StripsWhatItCannotSee => client.name.replace('\u{200d}', ""),
                _ => client.name,
            };
            VendorAccount::new(client.id, name)
        };
        let clients = self.clients();
        let mut accounts = clients
            .map(move |client| client.map(account).map_err(|error| self.told(error)))
            .boxed();
        if !self.is(Flaw::RefusesAnEmptySystem) {
            return accounts;
        }
        let first = async move {
            let first = accounts.next().await;
            let first = first.unwrap_or_else(|| Err(invalid("there is no client")));
            stream::once(ready(first)).chain(accounts)
        };
        stream::once(first).flatten().boxed()
    }

    fn services(&self) -> BoxStream<'_, Result<Service>> {
        if self.is(Flaw::ListsNoServices) {
            return stream::empty().boxed();
        }
        let found = self.clients().then(move |client| async move {
            let seats = self.seats(&client?, false).await?.into_values();
            Ok::<_, Error>(seats.map(|seat| seat.sku).collect::<BTreeSet<_>>())
        });
        let mut seen = BTreeSet::new();
        let new = move |skus: Result<BTreeSet<String>>| match skus {
            Ok(skus) => skus
                .into_iter()
                .filter(|sku| seen.insert(sku.clone()))
                .map(|sku| {
                    let service = Service::new(sku.as_str(), sku.as_str());
                    Ok(service.with_billing_cycle(BillingCycle::Monthly))
                })
                .collect(),
            Err(error) => vec![Err(error)],
        };
        let shortens = self.is(Flaw::ShortensItsServices);
        let mut first = true;
        found
            .filter(move |skus| ready(std::mem::take(&mut first) || !shortens || skus.is_ok()))
            .map(new)
            .flat_map(stream::iter)
            .boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        let wants = move |client: &Client| {
            self.is(Flaw::ReadsWhateverIsAsked) || request.wants(&client.id.as_str().into())
        };
        let leaves_out = self.is(Flaw::LeavesOutAccountsWithNothing);
        let kept = move |reading: &Result<AccountReading>| {
            let nothing =
                matches!(reading, Ok(reading) if reading.lines().is_some_and(<[_]>::is_empty));
            ready(!(leaves_out && nothing))
        };
        let read = move |costs: Costs| {
            let costs = Arc::new(costs);
            let clients = self.clients();
            let wanted = clients.filter(move |it| ready(it.as_ref().map_or(true, wants)));
            wanted
                .then(move |client| {
                    let costs = Arc::clone(&costs);
                    async move { self.reading(client?, &costs, request).await }
                })
                .map(|readings: Result<Vec<AccountReading>>| match readings {
                    Ok(readings) => readings.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                })
                .flat_map(stream::iter)
                .boxed()
        };
        let readings = stream::once(self.costs())
            .flat_map(move |costs| match costs {
                Ok(costs) => read(costs),
                Err(error) => stream::once(ready(Err(error))).boxed(),
            })
            .filter(kept);
        if self.is(Flaw::ReadsAllBeforeItGives) {
            return stream::once(readings.collect::<Vec<_>>())
                .flat_map(stream::iter)
                .boxed();
        }
        readings.boxed()
    }
}
