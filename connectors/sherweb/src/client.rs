//! The typed client and its builder.

mod catalog;
mod writes;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use tallyline_core::http::{
    BaseUrl, Connection, ConnectionOptions, CredentialProvider, HttpClient, HttpClientBuilder,
    Limiter, Limits, Observer, Operation, Request, RetryPolicy, StaticHeaders, Timeouts,
    TokenCache, Transport, refuse_blank,
};
use tallyline_core::model::CivilDate;
use tallyline_core::source::SourceDescriptor;
use tallyline_core::wire::{decode_json, null_as_empty};
use tallyline_core::{Error, ErrorKind, Result};

use crate::auth::{SUBSCRIPTION_KEY, Scope, ScopeCredentials, ScopeTokens};
use crate::error::SherwebErrors;
use crate::models::{Customer, Customers, FreeForm, PayableCharges, Subscriptions};
use crate::operations;
use crate::source::descriptor;

/// The name of this connector in errors, spans and descriptors.
pub(crate) const CONNECTOR: &str = "sherweb";

/// Where the vendor's gateway is.
pub const DEFAULT_BASE_URL: &str = "https://api.sherweb.com";

/// How many customers are read at once where nothing else is said.
const DEFAULT_CONCURRENCY: usize = 4;

/// A client of the Distributor and Service Provider APIs.
///
/// One method per operation, usable without the traits; it is also a
/// [`VendorSource`](tallyline_core::VendorSource). Cloning is cheap: clones share connections,
/// tokens and limits.
///
/// ```no_run
/// use tallyline_sherweb::SherwebClient;
///
/// # async fn example() -> tallyline_core::Result<()> {
/// let client = SherwebClient::builder()
///     .client_id("0a1b2c3d-client")
///     .client_secret("the client secret".into())
///     .subscription_key("the subscription key".into())
///     .accept_language("en")
///     .build()?;
/// for customer in client.customers().await?.items {
///     println!("{} {:?}", customer.id, customer.display_name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SherwebClient {
    inner: Arc<Inner>,
}

struct Inner {
    client_id: String,
    descriptor: SourceDescriptor,
    service_provider: HttpClient,
    writes: HttpClient,
    distributor: HttpClient,
    service_provider_tokens: Arc<dyn CredentialProvider>,
    distributor_tokens: Arc<dyn CredentialProvider>,
    concurrency: usize,
    unit_prices: bool,
    /// The tenant has no `details` operation: found out once, then remembered.
    details_missing: AtomicBool,
}

impl fmt::Debug for SherwebClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SherwebClient")
            .field("client_id", &self.inner.client_id)
            .field("base_url", &self.base_url().as_str())
            .field("concurrency", &self.inner.concurrency)
            .finish_non_exhaustive()
    }
}

#[bon::bon]
impl SherwebClient {
    /// What is repeated where nothing else is said.
    ///
    /// The vendor publishes no limits; its users wait 3 s after a 429 that names no wait.
    #[must_use]
    pub fn default_retry() -> RetryPolicy {
        RetryPolicy {
            min_delay: std::time::Duration::from_secs(3),
            ..RetryPolicy::default()
        }
    }

    /// Puts a client together; `build` checks the values and sends nothing.
    ///
    /// `base_url` replaces `https://api.sherweb.com`; plain HTTP is accepted for loopback
    /// alone. `accept_language` fixes the language of display names. `concurrency` is how many
    /// customers a reading asks about at once (4). `unit_prices` reads what clients owe for the price
    /// of each subscription, which is refused while the vendor's own PSA integration is on. `limiter` may be shared between clients of
    /// one subscription key.
    ///
    /// # Errors
    /// `build` gives `Config` when a credential is blank, when the base URL is not HTTPS, when
    /// the concurrency is zero, or when the transport cannot be set up.
    ///
    /// ```no_run
    /// # fn example() -> tallyline_core::Result<()> {
    /// use tallyline_sherweb::SherwebClient;
    ///
    /// let client = SherwebClient::builder()
    ///     .client_id("0a1b2c3d-client")
    ///     .client_secret("the client secret".into())
    ///     .subscription_key("the subscription key".into())
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// The application's client id.
        #[builder(into)]
        client_id: String,
        /// The application's client secret.
        client_secret: SecretString,
        /// The application's subscription key.
        subscription_key: SecretString,
        /// Where the API is.
        #[builder(into)]
        base_url: Option<String>,
        /// The language of display names, in the form of RFC 7231.
        #[builder(into)]
        accept_language: Option<String>,
        /// How many customers a reading asks about at once.
        #[builder(default = DEFAULT_CONCURRENCY)]
        concurrency: usize,
        /// Whether what clients owe is read for the price of each subscription: one more call for
        /// each customer.
        #[builder(default)]
        unit_prices: bool,
        /// How failed reads are repeated. Writes have one attempt whatever stands here.
        retry: Option<RetryPolicy>,
        /// The time limits.
        timeouts: Option<Timeouts>,
        /// The size limits.
        limits: Option<Limits>,
        /// How many requests, how often.
        limiter: Option<Arc<Limiter>>,
        /// What carries the requests.
        transport: Option<Arc<dyn Transport>>,
        /// Hears what the client does.
        observer: Option<Arc<dyn Observer>>,
        /// The `User-Agent` header.
        #[builder(into)]
        user_agent: Option<String>,
        /// Makes the waits between attempts repeatable, for tests.
        jitter_seed: Option<u64>,
    ) -> Result<Self> {
        refuse_blank(
            CONNECTOR,
            [
                ("client id", client_id.as_str()),
                ("client secret", client_secret.expose_secret()),
                ("subscription key", subscription_key.expose_secret()),
            ],
        )?;
        let options = ConnectionOptions {
            concurrency,
            retry: retry.unwrap_or_else(Self::default_retry),
            timeouts: timeouts.unwrap_or_default(),
            limits: limits.unwrap_or_default(),
            limiter,
            transport,
            observer,
            user_agent,
            jitter_seed,
        };
        let address = base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let connection = Connection::new(CONNECTOR, address, options)?
            .errors(Arc::new(SherwebErrors))
            .secret(client_secret.clone())
            .secret(subscription_key.clone());
        let token_http = connection
            .tokens()
            .credentials(Arc::new(
                StaticHeaders::new().header(SUBSCRIPTION_KEY, subscription_key.clone()),
            ))
            .build()?;
        let tokens = |scope| -> Arc<dyn CredentialProvider> {
            let fetcher = ScopeTokens {
                http: token_http.clone(),
                client_id: client_id.clone(),
                client_secret: client_secret.clone(),
                scope,
            };
            Arc::new(ScopeCredentials(
                TokenCache::new(fetcher).header(SUBSCRIPTION_KEY, subscription_key.clone()),
            ))
        };
        let service_provider_tokens = tokens(Scope::ServiceProvider);
        let distributor_tokens = tokens(Scope::Distributor);
        let api = |http: HttpClientBuilder, tokens: &Arc<dyn CredentialProvider>| {
            let http = match &accept_language {
                Some(language) => http.header("Accept-Language", language),
                None => http,
            };
            http.credentials(Arc::clone(tokens)).build()
        };
        Ok(Self {
            inner: Arc::new(Inner {
                service_provider: api(connection.reads(), &service_provider_tokens)?,
                writes: api(connection.writes(), &service_provider_tokens)?,
                distributor: api(connection.reads(), &distributor_tokens)?,
                descriptor: descriptor(Self::tenant(&client_id, connection.base_url())),
                client_id,
                service_provider_tokens,
                distributor_tokens,
                concurrency,
                unit_prices,
                details_missing: AtomicBool::new(false),
            }),
        })
    }
}

fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).with_connector(CONNECTOR)
}

/// Refuses an id that would widen or break a query.
fn check_id(operation: &'static Operation, name: &'static str, id: &str) -> Result<()> {
    if id.trim().is_empty() {
        return Err(config(format!("the {name} is empty")).with_operation(operation.name));
    }
    Ok(())
}

impl SherwebClient {
    /// Where the API is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        self.inner.service_provider.base_url()
    }

    /// Which tenant an application reads, in the words that plans name it by: the client id and
    /// the host. Plans are compared by it before they are carried out.
    #[must_use]
    pub fn tenant(client_id: &str, base_url: &BaseUrl) -> String {
        format!("{client_id} at {}", base_url.host())
    }

    pub(crate) fn source_descriptor(&self) -> &SourceDescriptor {
        &self.inner.descriptor
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.inner.client_id
    }

    /// Whether the price of each subscription is read.
    pub(crate) fn unit_prices(&self) -> bool {
        self.inner.unit_prices
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.inner.concurrency
    }

    pub(crate) async fn authenticate(&self, scope: Scope) -> Result<()> {
        let tokens = match scope {
            Scope::Distributor => &self.inner.distributor_tokens,
            Scope::ServiceProvider => &self.inner.service_provider_tokens,
        };
        tokens.headers().await.map(drop)
    }

    /// A read about one customer, the id in the query.
    fn of_customer(operation: &'static Operation, customer_id: &str) -> Result<Request> {
        check_id(operation, "customer id", customer_id)?;
        Ok(Request::new(operation)
            .query("customerId", customer_id)
            .account(customer_id))
    }

    /// A call about one customer, the id in the path.
    fn in_customer(operation: &'static Operation, customer_id: &str) -> Result<Request> {
        check_id(operation, "customer id", customer_id)?;
        Ok(Request::new(operation)
            .path("customerId", customer_id)
            .account(customer_id))
    }
}

/// The Distributor API: what the MSP owes. Needs the scope `distributor`.
impl SherwebClient {
    /// Reads what the MSP owes, for all its customers.
    ///
    /// `GET /distributor/v1/billing/payable-charges`. `date` is any day (UTC) of the billing
    /// period; `None` for the present one.
    ///
    /// # Errors
    /// `Auth`, `PermissionDenied` without the scope, `RateLimited`, `Unavailable`, `Timeout`,
    /// `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let charges = client.payable_charges(Some("2026-03-17".parse()?)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn payable_charges(&self, date: Option<CivilDate>) -> Result<PayableCharges> {
        let request = Request::new(&operations::PAYABLE_CHARGES).query_opt("date", date);
        self.inner.distributor.json(request).await
    }
}

/// The Service Provider API. Needs the scope `service-provider`.
impl SherwebClient {
    /// Lists the customers.
    ///
    /// `GET /service-provider/v1/customers`
    ///
    /// # Errors
    /// `Auth`, `PermissionDenied` without the scope, `RateLimited`, `Unavailable`, `Timeout`,
    /// `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let customers = client.customers().await?.items;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn customers(&self) -> Result<Customers> {
        self.inner
            .service_provider
            .json(Request::new(&operations::CUSTOMERS))
            .await
    }

    /// As [`customers`](Self::customers), each record read for itself.
    pub(crate) async fn customer_records(&self) -> Result<Vec<Result<Customer>>> {
        #[derive(Deserialize)]
        struct Records {
            #[serde(deserialize_with = "null_as_empty")]
            items: Vec<Box<RawValue>>,
        }

        let records: Records = self
            .inner
            .service_provider
            .json(Request::new(&operations::CUSTOMERS))
            .await?;
        let read = |(index, record): (usize, Box<RawValue>)| {
            decode_json(record.get().as_bytes()).map_err(|error| {
                let path = format!("items[{index}].{}", error.json_path().unwrap_or("."));
                error
                    .with_json_path(path)
                    .with_connector(CONNECTOR)
                    .with_operation(operations::CUSTOMERS.name)
            })
        };
        Ok(records.items.into_iter().enumerate().map(read).collect())
    }

    /// Lists the subscriptions of a customer.
    ///
    /// `GET /service-provider/v1/billing/subscriptions`
    ///
    /// # Errors
    /// `Config` for an empty id, `Auth`, `PermissionDenied`, `NotFound`, `RateLimited`,
    /// `Unavailable`, `Timeout`, `Protocol`.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let subscriptions = client.subscriptions("5d0c5a1e-customer").await?.items;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscriptions(&self, customer_id: &str) -> Result<Subscriptions> {
        let request = Self::of_customer(&operations::SUBSCRIPTIONS, customer_id)?;
        self.inner.service_provider.json(request).await
    }

    /// Lists the subscriptions of a customer with their details, in the newer operation.
    ///
    /// `GET /service-provider/v1/billing/subscriptions/details`
    ///
    /// # Errors
    /// As [`subscriptions`](Self::subscriptions); `NotFound` also where the tenant does not
    /// have the operation.
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// let details = client.subscription_details("5d0c5a1e-customer").await?.items;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscription_details(&self, customer_id: &str) -> Result<Subscriptions> {
        let request = Self::of_customer(&operations::SUBSCRIPTION_DETAILS, customer_id)?;
        self.inner.service_provider.json(request).await
    }

    /// The details where the tenant has them, else the plain list.
    ///
    /// That the tenant lacks the operation is remembered only once the plain list has worked:
    /// a 404 of both says that the customer is gone.
    pub(crate) async fn best_subscriptions(&self, customer_id: &str) -> Result<Subscriptions> {
        if self.inner.details_missing.load(Ordering::Relaxed) {
            return self.subscriptions(customer_id).await;
        }
        match self.subscription_details(customer_id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let subscriptions = self.subscriptions(customer_id).await?;
                self.inner.details_missing.store(true, Ordering::Relaxed);
                Ok(subscriptions)
            }
            result => result,
        }
    }

    /// Reads the prices of a customer's subscriptions, in a shape that is not published.
    ///
    /// `GET /service-provider/v1/billing/subscriptions/pricing-information`
    ///
    /// # Errors
    /// As [`subscriptions`](Self::subscriptions).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// println!("{}", client.pricing_information("5d0c5a1e-customer").await?.as_str());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pricing_information(&self, customer_id: &str) -> Result<FreeForm> {
        let request = Self::of_customer(&operations::PRICING_INFORMATION, customer_id)?;
        self.inner.service_provider.json(request).await
    }

    /// Reads the meters of a customer's subscriptions, in a shape that is not published.
    ///
    /// `GET /service-provider/v1/billing/subscriptions/meters`
    ///
    /// # Errors
    /// As [`subscriptions`](Self::subscriptions).
    ///
    /// ```no_run
    /// # async fn example(client: tallyline_sherweb::SherwebClient) -> tallyline_core::Result<()> {
    /// println!("{}", client.meters("5d0c5a1e-customer", "7c2e-platform").await?.as_str());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn meters(&self, customer_id: &str, platform_id: &str) -> Result<FreeForm> {
        check_id(&operations::METERS, "platform id", platform_id)?;
        let request =
            Self::of_customer(&operations::METERS, customer_id)?.query("platformId", platform_id);
        self.inner.service_provider.json(request).await
    }
}
