//! A small source that can be broken on purpose, and a simulator of its vendor.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, BoxStream, StreamExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tallyline_core::http::{
    AuthHeaders, BaseUrl, CredentialProvider, HeaderName, HttpClient, Operation, Request,
    ReqwestTransport, RetryPolicy, Timeouts, Token, TokenCache, TokenFetcher, TokenParam,
    Transport, TransportError, TransportRequest, TransportResponse, parse_link_header,
};
use tallyline_core::model::{
    AccountReading, Basis, BillingCycle, Quantity, ReadFailure, Service, UsageLine, VendorAccount,
};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest, VendorSource};
use tallyline_core::wire::exact_decimal;
use tallyline_core::{Error, ErrorKind, Result};
use tracing::Instrument as _;
use url::Url;

const AUTHORIZATION: HeaderName = HeaderName::from_static("authorization");

static TOKEN: Operation = Operation::post("token.create", "/v1/token");
static CLIENTS: Operation = Operation::get("clients.list", "/v1/clients");
static WRITE: Operation = Operation::post("notes.create", "/v1/notes");
static SEATS: Operation = Operation::get("seats.list", "/v1/clients/{clientId}/seats");

static DESCRIPTOR: SourceDescriptor = SourceDescriptor::new("acorn", "Acorn Apps");

/// What is wrong with a double.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Nothing,
    ShowsItsKeyInDebug,
    TakesABlankKey,
    CallsAMissingRightBadCredentials,
    PanicsWithItsKey,
    DropsAPage,
    ReadsAnErrorAsEmpty,
    CountsThroughAFloat,
    DropsTheSign,
    HidesRetryAfter,
    LogsItsToken,
    LogsItsTokenInBase64,
    LogsItsKeyInHex,
    NeverRenewsItsToken,
    ShowsItsKeyInItsIdentity,
    FollowsRedirectsOfTokenCalls,
    LeavesOutAccountsWithNothing,
    CountsRecordsThatAreAlikeOnce,
    ListsNoServices,
    TakesAMissingCountForZero,
    AsksForReadingsWithoutEnd,
    FollowsRedirects,
    FollowsForeignLinks,
    FollowsForeignNextPages,
    WritesWhileItReads,
    NamesSpansByAccount,
    KeepsOneSubscriptionPerService,
}

/// The source.
#[derive(Clone)]
pub(crate) struct AcornSource {
    http: HttpClient,
    key: SecretString,
    flaw: Flaw,
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

/// Carries the requests, and gets it wrong in some ways.
#[derive(Debug)]
struct Carrier(ReqwestTransport, Flaw);

#[async_trait]
impl Transport for Carrier {
    async fn send(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        let mut again = request.clone();
        let mut answer = self.0.send(request).await?;
        if self.1 == Flaw::HidesRetryAfter {
            answer.headers.remove("retry-after");
        }
        match self.elsewhere(&again, &answer) {
            // The credentials of the request are in its headers still.
            Some(there) => {
                again.url = there;
                self.0.send(again).await
            }
            None => Ok(answer),
        }
    }
}

impl Carrier {
    /// Another host that the answer leads to.
    fn elsewhere(&self, asked: &TransportRequest, answer: &TransportResponse) -> Option<Url> {
        let header = |name| Some(answer.headers.get(name)?.to_str().ok()?.to_owned());
        let address = match self.1 {
            Flaw::FollowsRedirects => header("location")?,
            Flaw::FollowsRedirectsOfTokenCalls if asked.url.path().ends_with("/token") => {
                header("location")?
            }
            Flaw::FollowsForeignLinks => {
                let links = parse_link_header(&header("link")?);
                links.into_iter().find(|link| link.has_rel("next"))?.url
            }
            Flaw::FollowsForeignNextPages => {
                let page: NextPage = serde_json::from_slice(&answer.body).ok()?;
                page.next_page?
            }
            _ => return None,
        };
        let there: Url = address.parse().ok()?;
        (there.authority() != asked.url.authority()).then_some(there)
    }
}

#[derive(Deserialize)]
struct NextPage {
    next_page: Option<String>,
}

/// Fetches one token and keeps it for ever.
struct Forever(Tokens, tokio::sync::OnceCell<AuthHeaders>);

impl fmt::Debug for Forever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forever")
    }
}

#[async_trait]
impl CredentialProvider for Forever {
    async fn headers(&self) -> Result<AuthHeaders> {
        let headers = self.1.get_or_try_init(|| async {
            let token = self.0.fetch().await?.value;
            let bearer = format!("Bearer {}", token.expose_secret());
            Ok::<_, Error>(AuthHeaders::new(1).with(AUTHORIZATION, bearer.into()))
        });
        headers.await.cloned()
    }

    async fn invalidate(&self, _: &AuthHeaders) -> bool {
        false
    }
}

#[derive(Deserialize)]
struct Client {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Seats {
    seats: Vec<Seat>,
}

#[derive(Deserialize)]
struct Seat {
    id: String,
    sku: String,
    #[serde(default)]
    count: Option<Count>,
}

#[derive(Deserialize)]
struct Count(#[serde(deserialize_with = "exact_decimal")] rust_decimal::Decimal);

#[derive(Deserialize)]
struct TokenAnswer {
    token: String,
    expires_in: u64,
}

struct Tokens(HttpClient, SecretString, Flaw);

#[async_trait]
impl TokenFetcher for Tokens {
    async fn fetch(&self) -> Result<Token> {
        let request = Request::new(&TOKEN).form(&[("key", self.1.expose_secret())]);
        let answer: TokenAnswer = self.0.json(request).await?;
        let key = self.1.expose_secret();
        match self.2 {
            Flaw::LogsItsToken => tracing::debug!(token = answer.token.as_str(), "a new token"),
            Flaw::LogsItsTokenInBase64 => {
                let pair = STANDARD.encode(format!("token:{}", answer.token));
                tracing::trace!(pair, "a new token");
            }
            Flaw::LogsItsKeyInHex => {
                let bytes: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
                tracing::trace!(bytes, "what was sent");
            }
            _ => {}
        }
        Ok(Token {
            value: answer.token.into(),
            expires_in: Some(Duration::from_secs(answer.expires_in)),
        })
    }
}

impl AcornSource {
    pub(crate) fn new(base_url: &str, key: &str, flaw: Flaw) -> Result<Self> {
        let key = SecretString::from(key);
        if key.expose_secret().trim().is_empty() && flaw != Flaw::TakesABlankKey {
            return Err(Error::new(ErrorKind::Config, "the key is blank"));
        }
        let base = BaseUrl::parse(base_url)?;
        let carrier = ReqwestTransport::new(&Timeouts::default());
        let carrier: Arc<dyn Transport> = Arc::new(Carrier(carrier, flaw));
        let client = || {
            let retry = RetryPolicy {
                min_delay: Duration::from_millis(1),
                max_delay: Duration::from_millis(2),
                ..RetryPolicy::default()
            };
            HttpClient::builder("acorn", base.clone())
                .secret(key.clone())
                .transport(Arc::clone(&carrier))
                .retry(retry)
        };
        let tokens = Tokens(client().build()?, key.clone(), flaw);
        let tokens: Arc<dyn CredentialProvider> = match flaw {
            Flaw::NeverRenewsItsToken => Arc::new(Forever(tokens, Default::default())),
            _ => Arc::new(TokenCache::new(tokens)),
        };
        let http = client().credentials(tokens).build()?;
        Ok(Self { http, key, flaw })
    }

    /// Each client once: a page border that moves gives a record twice.
    fn clients(&self) -> BoxStream<'static, Result<Client>> {
        let pages = TokenParam {
            items: "clients",
            token: "next",
            param: "after",
        };
        let mut seen = BTreeSet::new();
        let clients = self.http.paged::<Client, _>(Request::new(&CLIENTS), pages);
        let new = move |item: &Result<Client>| match item {
            Ok(client) => seen.insert(client.id.clone()),
            Err(_) => true,
        };
        let mut new = new;
        let drops = self.flaw == Flaw::DropsAPage;
        clients
            .filter(move |item| std::future::ready(new(item)))
            .enumerate()
            .filter(move |(at, _)| std::future::ready(!drops || !(4..8).contains(at)))
            .map(|(_, item)| item)
            .boxed()
    }

    async fn seats(&self, client: &Client) -> Result<BTreeMap<String, Seat>> {
        let request = Request::new(&SEATS)
            .path("clientId", &client.id)
            .account(&client.id);
        let sent = self.http.json(request);
        let mut sent: Result<Seats> = if self.flaw == Flaw::NamesSpansByAccount {
            let name = format!("seats of {}", client.id);
            let span = tracing::info_span!("seats", otel.name = name);
            sent.instrument(span).await
        } else {
            sent.await
        };
        let mut again = match self.flaw {
            Flaw::AsksForReadingsWithoutEnd => 5,
            _ => 0,
        };
        while again > 0
            && let Err(error) = &sent
            && error.kind() == ErrorKind::Unavailable
        {
            let request = Request::new(&SEATS).path("clientId", &client.id);
            sent = self.http.json(request.account(&client.id)).await;
            again -= 1;
        }
        let answer = sent?;
        let seats = answer.seats.into_iter().map(|mut seat| {
            if seat.count.is_none() && self.flaw != Flaw::TakesAMissingCountForZero {
                let what = format!("seat {} has no count", seat.id);
                return Err(Error::new(ErrorKind::Protocol, what));
            }
            let count = &mut seat.count.get_or_insert(Count(0.into())).0;
            if self.flaw == Flaw::CountsThroughAFloat {
                let float: f64 = count.to_string().parse().unwrap();
                *count = float.to_string().parse().unwrap();
            }
            if self.flaw == Flaw::DropsTheSign {
                *count = count.abs();
            }
            let alike = format!("{} {count}", seat.sku);
            Ok(match self.flaw {
                Flaw::KeepsOneSubscriptionPerService => (seat.sku.clone(), seat),
                Flaw::CountsRecordsThatAreAlikeOnce => (alike, seat),
                _ => (seat.id.clone(), seat),
            })
        });
        seats.collect()
    }

    /// A client that cannot be read is a failed reading; refused credentials concern them all.
    async fn reading(&self, client: Client, request: &UsageRequest) -> Result<AccountReading> {
        match self.seats(&client).await {
            Ok(seats) => {
                let lines = seats.into_values().map(|seat| {
                    let count = seat.count.map_or_else(Default::default, |count| count.0);
                    UsageLine::new(seat.id, seat.sku, Quantity::new(count))
                        .with_billing_cycle(BillingCycle::Monthly)
                });
                Ok(AccountReading::complete(
                    client.id,
                    lines.collect(),
                    Basis::Live,
                    request.now,
                ))
            }
            Err(error) if error.kind() == ErrorKind::Auth => Err(error),
            Err(_) if self.flaw == Flaw::ReadsAnErrorAsEmpty => {
                let now = request.now;
                Ok(AccountReading::complete(
                    client.id,
                    Vec::new(),
                    Basis::Live,
                    now,
                ))
            }
            Err(error) => {
                let failure = ReadFailure::from(&error);
                Ok(AccountReading::failed(
                    client.id,
                    failure,
                    Basis::Live,
                    request.now,
                ))
            }
        }
    }
}

#[async_trait]
impl VendorSource for AcornSource {
    fn descriptor(&self) -> &SourceDescriptor {
        &DESCRIPTOR
    }

    async fn check(&self) -> Result<Identity> {
        if let Err(error) = self.clients().next().await.transpose() {
            let missing_right = error.kind() == ErrorKind::PermissionDenied;
            if missing_right && self.flaw == Flaw::PanicsWithItsKey {
                panic!("the key {} has no rights", self.key.expose_secret());
            }
            return Err(match error.kind() {
                ErrorKind::PermissionDenied
                    if self.flaw == Flaw::CallsAMissingRightBadCredentials =>
                {
                    Error::new(ErrorKind::Auth, "no access")
                }
                _ => error,
            });
        }
        if self.flaw == Flaw::WritesWhileItReads {
            // Whether it is taken is of no matter.
            let _ = self.http.send(Request::new(&WRITE)).await;
        }
        if self.flaw == Flaw::ShowsItsKeyInItsIdentity {
            return Ok(Identity::new(self.key.expose_secret()));
        }
        Ok(Identity::new(self.http.base_url().host()))
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        self.clients()
            .map(|client| client.map(|it| VendorAccount::new(it.id, it.name)))
            .boxed()
    }

    fn services(&self) -> BoxStream<'_, Result<Service>> {
        if self.flaw == Flaw::ListsNoServices {
            return stream::empty().boxed();
        }
        let found = self.clients().then(move |client| async move {
            let skus = self
                .seats(&client?)
                .await?
                .into_values()
                .map(|seat| seat.sku);
            Ok::<_, Error>(skus.collect::<BTreeSet<_>>())
        });
        let mut seen = BTreeSet::new();
        let new = move |skus: Result<BTreeSet<String>>| match skus {
            Ok(skus) => skus
                .into_iter()
                .filter(|sku| seen.insert(sku.clone()))
                .map(|sku| {
                    Ok(Service::new(sku.as_str(), sku.as_str())
                        .with_billing_cycle(BillingCycle::Monthly))
                })
                .collect(),
            Err(error) => vec![Err(error)],
        };
        found.map(new).flat_map(stream::iter).boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        let wanted = self.clients().filter(move |client| {
            let wanted = client
                .as_ref()
                .map_or(true, |it| request.wants(&it.id.as_str().into()));
            std::future::ready(wanted)
        });
        let leaves_out = self.flaw == Flaw::LeavesOutAccountsWithNothing;
        let kept = move |reading: &Result<AccountReading>| {
            let nothing =
                matches!(reading, Ok(reading) if reading.lines().is_some_and(<[_]>::is_empty));
            std::future::ready(!(leaves_out && nothing))
        };
        wanted
            .then(move |client| async move { self.reading(client?, request).await })
            .filter(kept)
            .boxed()
    }
}
