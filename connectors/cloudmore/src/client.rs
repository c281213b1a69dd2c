//! The typed client and its builder.

mod billing;
mod jobs;
mod reads;
mod writes;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use tallyline_core::clock::{Clock, SharedClock};
use tallyline_core::http::{
    BaseUrl, Connection, ConnectionOptions, CredentialProvider, HttpClient, HttpClientBuilder,
    Limiter, Limits, Observer, Operation, PollPolicy, Request, Response, RetryPolicy,
    StaticHeaders, Timeouts, TokenCache, Transport, basic_auth, refuse_blank,
};
use tallyline_core::{Error, ErrorKind, Result};

use crate::auth::{ClientPair, PasswordTokens, SHARED_CLIENT_ID};
use crate::error::CloudmoreErrors;
use crate::operations;

/// The name of this connector in errors, spans and descriptors.
pub(crate) const CONNECTOR: &str = "cloudmore";

/// Where the vendor's API is for customers in the EU.
pub const DEFAULT_BASE_URL: &str = "https://api.cloudmore.com";

/// How many requests run at once where nothing else is said. The vendor publishes no limit.
const DEFAULT_CONCURRENCY: usize = 4;

/// How long after its start an unknown job may still be one that the vendor has not noted yet.
const DEFAULT_JOB_GRACE: Duration = Duration::from_secs(60);

/// A client of the Cloudmore REST API, for one reseller.
///
/// One method per operation, usable without the traits;
/// [`CloudmoreSource`](crate::CloudmoreSource) is the
/// [`VendorSource`](tallyline_core::VendorSource) over it. Cloning is cheap: clones share
/// connections, the token and limits.
///
/// ```no_run
/// use tallyline_cloudmore::CloudmoreClient;
///
/// # async fn example() -> tallyline_core::Result<()> {
/// let client = CloudmoreClient::builder()
///     .username("api@example.com")
///     .password("the user's password".into())
///     .client_secret("the API secret".into())
///     .reseller_id("0a1b2c3d-0000-4000-8000-000000000001")
///     .build()?;
/// for organization in client.organizations().await? {
///     println!("{} {:?}", organization.id, organization.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CloudmoreClient {
    inner: Arc<Inner>,
}

struct Inner {
    username: String,
    reseller_id: String,
    reads: HttpClient,
    writes: HttpClient,
    tokens: Arc<dyn CredentialProvider>,
    concurrency: usize,
    poll: PollPolicy,
    job_grace: Duration,
    clock: SharedClock,
}

impl fmt::Debug for CloudmoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudmoreClient")
            .field("username", &self.inner.username)
            .field("reseller_id", &self.inner.reseller_id)
            .field("base_url", &self.base_url().as_str())
            .field("concurrency", &self.inner.concurrency)
            .finish_non_exhaustive()
    }
}

#[bon::bon]
impl CloudmoreClient {
    /// Puts a client together; `build` checks the values and sends nothing.
    ///
    /// `base_url` replaces `https://api.cloudmore.com`: the host of the US region is not public, so
    /// customers there must give it. Plain HTTP is accepted for loopback alone. `client_id` replaces
    /// the id that all customers share. `client_pair` says where client id and secret stand in the
    /// token request.
    ///
    /// # Errors
    /// `build` gives `Config` when a credential or the reseller id is blank, when the base URL is not
    /// HTTPS, when the concurrency is zero, or when the transport cannot be set up.
    ///
    /// ```no_run
    /// # fn example() -> tallyline_core::Result<()> {
    /// use tallyline_cloudmore::{ClientPair, CloudmoreClient};
    ///
    /// let client = CloudmoreClient::builder()
    ///     .username("api@example.com")
    ///     .password("the user's password".into())
    ///     .client_secret("the API secret".into())
    ///     .reseller_id("0a1b2c3d-0000-4000-8000-000000000001")
    ///     .client_pair(ClientPair::Header)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// The application user's name.
        #[builder(into)]
        username: String,
        /// The application user's password.
        password: SecretString,
        /// The API secret.
        client_secret: SecretString,
        /// The reseller, also called broker: the MSP itself.
        #[builder(into)]
        reseller_id: String,
        /// The client id.
        #[builder(into, default = SHARED_CLIENT_ID.to_owned())]
        client_id: String,
        /// Where the client id and secret stand in the token request.
        #[builder(default)]
        client_pair: ClientPair,
        /// Where the API is.
        #[builder(into)]
        base_url: Option<String>,
        /// How many requests run at once.
        #[builder(default = DEFAULT_CONCURRENCY)]
        concurrency: usize,
        /// How failed reads are repeated. Writes, and what starts a job, have one attempt whatever
        /// stands here.
        retry: Option<RetryPolicy>,
        /// How often a job is asked about, and how long.
        #[builder(default)]
        poll: PollPolicy,
        /// How long after its start a job that is not found is taken for one not noted yet.
        #[builder(default = DEFAULT_JOB_GRACE)]
        job_grace: Duration,
        /// What the waits for jobs are measured by.
        #[builder(default)]
        clock: SharedClock,
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
                ("username", username.as_str()),
                ("password", password.expose_secret()),
                ("client secret", client_secret.expose_secret()),
                ("client id", client_id.as_str()),
                ("reseller id", reseller_id.as_str()),
            ],
        )?;
        let options = ConnectionOptions {
            concurrency,
            retry: retry.unwrap_or_default(),
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
            .errors(Arc::new(CloudmoreErrors))
            .secret(password.clone())
            .secret(client_secret.clone());
        let mut token_http = connection.tokens();
        if client_pair == ClientPair::Header {
            let pair = basic_auth(&client_id, &client_secret);
            let headers = StaticHeaders::new().header("Authorization", pair);
            token_http = token_http.credentials(Arc::new(headers));
        }
        let tokens: Arc<dyn CredentialProvider> = Arc::new(TokenCache::new(PasswordTokens {
            http: token_http.build()?,
            username: username.clone(),
            password,
            client_id,
            client_secret,
            pair: client_pair,
        }));
        let api = |http: HttpClientBuilder| http.credentials(Arc::clone(&tokens)).build();
        Ok(Self {
            inner: Arc::new(Inner {
                reads: api(connection.reads())?,
                writes: api(connection.writes())?,
                username,
                reseller_id,
                tokens,
                concurrency,
                poll,
                job_grace,
                clock,
            }),
        })
    }
}

pub(crate) fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).with_connector(CONNECTOR)
}

/// Says what a missing right often means here.
fn explain(error: Error) -> Error {
    if error.kind() == ErrorKind::PermissionDenied {
        return error.with_context(
            "often means",
            "API access is not enabled for the user; ask Cloudmore support",
        );
    }
    error
}

impl CloudmoreClient {
    /// Where the API is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        self.inner.reads.base_url()
    }

    /// The reseller that this client is for.
    #[must_use]
    pub fn reseller_id(&self) -> &str {
        &self.inner.reseller_id
    }

    /// Which tenant a user reads, in the words that plans name it by: the reseller and the host.
    /// Plans are compared by it before they are carried out.
    #[must_use]
    pub fn tenant(reseller_id: &str, base_url: &BaseUrl) -> String {
        format!("reseller {reseller_id} at {}", base_url.host())
    }

    pub(crate) fn username(&self) -> &str {
        &self.inner.username
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.inner.concurrency
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(crate) async fn authenticate(&self) -> Result<()> {
        self.inner.tokens.headers().await.map(drop)
    }

    /// A call below the reseller.
    fn of_reseller(&self, operation: &'static Operation) -> Request {
        Request::new(operation).path("resellerId", &self.inner.reseller_id)
    }

    /// A call below an organization.
    fn of_organization(
        &self,
        operation: &'static Operation,
        organization_id: &str,
    ) -> Result<Request> {
        check_id(operation, "organization id", organization_id)?;
        Ok(self
            .of_reseller(operation)
            .path("organizationId", organization_id)
            .account(organization_id))
    }

    async fn send(&self, request: Request) -> Result<Response> {
        self.inner.reads.send(request).await.map_err(explain)
    }

    async fn read<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        self.send(request).await?.json()
    }

    /// One attempt, whatever happens.
    async fn write(&self, request: Request) -> Result<Response> {
        self.inner.writes.send(request).await.map_err(explain)
    }

    /// Checks that the API is up.
    ///
    /// `GET /api/healthcheck`. What it answers is not documented: any success counts.
    ///
    /// # Errors
    /// `Auth`, `RateLimited`, `Unavailable`, `Timeout`.
    pub async fn health(&self) -> Result<()> {
        self.send(Request::new(&operations::HEALTH)).await.map(drop)
    }
}

/// Refuses an id that would widen or break a path.
fn check_id(operation: &'static Operation, name: &str, id: &str) -> Result<()> {
    if id.trim().is_empty() {
        return Err(config(format!("the {name} is empty")).with_operation(operation.name));
    }
    Ok(())
}
