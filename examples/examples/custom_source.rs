//! A vendor that Tallyline does not know, as a source of its own. Acorn Apps pages its clients,
//! lists each client's seats, and has a price list:
//! ```text
//! GET /v1/clients?after=CURSOR       {"clients":[{"id":"c1","name":"Oak Legal"}],"next":"c1"}
//! GET /v1/clients/{clientId}/seats   {"seats":[{"id":"s1","sku":"MAIL","count":14}]}
//! GET /v1/skus                       {"skus":[{"sku":"MAIL","name":"Mailbox"}]}
//! ```
//! Its test, `tests/custom_source.rs`, runs the conformance batteries on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::ready;
use futures::stream::{BoxStream, StreamExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tallyline_core::http::{BaseUrl, HttpClient, Operation, Request, RetryPolicy};
use tallyline_core::http::{StaticHeaders, TokenParam};
use tallyline_core::model::{AccountReading, Basis, BillingCycle, ReadFailure};
use tallyline_core::model::{Service, UsageLine, VendorAccount};
use tallyline_core::source::{Identity, SourceDescriptor, UsageRequest, VendorSource};
use tallyline_core::{Error, ErrorKind, Result, wire::exact_decimal};

static CLIENTS: Operation = Operation::get("clients.list", "/v1/clients");
static SEATS: Operation = Operation::get("seats.list", "/v1/clients/{clientId}/seats");
static SKUS: Operation = Operation::get("skus.list", "/v1/skus");
static DESCRIPTOR: SourceDescriptor = SourceDescriptor::new("acorn", "Acorn Apps");

/// Acorn Apps as a vendor source. `Debug` shows the address alone.
#[derive(Clone, Debug)]
pub(crate) struct AcornSource(HttpClient);

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
    #[serde(deserialize_with = "exact_decimal")]
    count: rust_decimal::Decimal,
}
#[derive(Deserialize)]
struct Sku {
    sku: String,
    name: String,
}

fn pages(items: &'static str) -> TokenParam {
    let (token, param) = ("next", "after");
    TokenParam {
        items,
        token,
        param,
    }
}

impl AcornSource {
    /// A source on the address of the API, with the key of the reseller.
    pub(crate) fn new(base_url: &str, key: SecretString, retry: RetryPolicy) -> Result<Self> {
        if key.expose_secret().trim().is_empty() {
            return Err(Error::new(ErrorKind::Config, "the key is blank"));
        }
        let key = StaticHeaders::new().header("x-acorn-key", key);
        let http = HttpClient::builder("acorn", BaseUrl::parse(base_url)?)
            .credentials(Arc::new(key))
            .retry(retry);
        Ok(Self(http.build()?))
    }

    /// Each client once: a page border that moves gives a record twice.
    fn clients(&self) -> BoxStream<'static, Result<Client>> {
        let mut seen = BTreeSet::new();
        let clients = self.0.paged(Request::new(&CLIENTS), pages("clients"));
        let mut is_new = move |client: &Client| -> bool { seen.insert(client.id.clone()) };
        clients
            .filter(move |client| ready(client.as_ref().map_or(true, &mut is_new)))
            .boxed()
    }

    async fn lines(&self, client: &Client) -> Result<Vec<UsageLine>> {
        let request = Request::new(&SEATS).path("clientId", &client.id);
        let answer: Seats = self.0.json(request.account(&client.id)).await?;
        let seats = answer.seats.into_iter().map(|seat| (seat.id.clone(), seat));
        let seats: BTreeMap<String, Seat> = seats.collect();
        let line = |seat: Seat| UsageLine::new(seat.id, seat.sku, seat.count);
        Ok(seats.into_values().map(line).collect())
    }

    /// A client that cannot be read is a failed reading; refused credentials concern them all.
    async fn reading(&self, client: Client, request: &UsageRequest) -> Result<AccountReading> {
        let (basis, now) = (Basis::Live, request.now);
        match self.lines(&client).await {
            Ok(lines) => Ok(AccountReading::complete(client.id, lines, basis, now)),
            Err(error) if error.kind() == ErrorKind::Auth => Err(error),
            Err(error) => {
                let failure = ReadFailure::from(&error);
                Ok(AccountReading::failed(client.id, failure, basis, now))
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
        self.clients().next().await.transpose()?;
        Ok(Identity::new(self.0.base_url().host()))
    }

    fn accounts(&self) -> BoxStream<'_, Result<VendorAccount>> {
        let account = |client: Client| VendorAccount::new(client.id, client.name);
        self.clients().map(move |it| it.map(account)).boxed()
    }

    fn services(&self) -> BoxStream<'_, Result<Service>> {
        let service =
            |it: Sku| Service::new(it.sku, it.name).with_billing_cycle(BillingCycle::Monthly);
        let skus = self.0.paged(Request::new(&SKUS), pages("skus"));
        skus.map(move |sku| sku.map(service)).boxed()
    }

    fn usage<'a>(&'a self, request: &'a UsageRequest) -> BoxStream<'a, Result<AccountReading>> {
        let wanted = |it: &Client| request.wants(&it.id.as_str().into());
        self.clients()
            .filter(move |client| ready(client.as_ref().map_or(true, wanted)))
            .then(move |client| async move { self.reading(client?, request).await })
            .boxed()
    }
}

#[allow(dead_code, reason = "the test takes this file as a module")]
#[tokio::main]
async fn main() -> Result<()> {
    let key = std::env::var("ACORN_KEY").unwrap_or_default().into();
    let source = AcornSource::new("https://acorn.example.com", key, RetryPolicy::default())?;
    source.check().await.map(|who| eprintln!("{who:?}"))
}
