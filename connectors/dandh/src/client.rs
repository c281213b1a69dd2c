//! The typed client and its builder.

mod catalog;
mod invoices;
mod reads;
mod session;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tallyline_core::http::{
    BaseUrl, Connection, ConnectionOptions, HttpClient, Limiter, Limits, Observer, Operation,
    Request, Response, RetryPolicy, Timeouts, TokenCache, Transport, refuse_blank,
};
use tallyline_core::source::SourceDescriptor;
use tallyline_core::{Error, ErrorKind, Result};

pub(crate) use self::invoices::{Interval, InvoiceRecord};
pub(crate) use self::reads::named;
use crate::auth::{HEADER, PREFIX, Sessions};
use crate::error::DandhErrors;
use crate::profile::{Marketplace, ParentAccount};
use crate::source::{QuantityPolicy, descriptor};

/// The name of this connector in errors, spans and descriptors.
pub(crate) const CONNECTOR: &str = "dandh";

/// How many companies are read at once where nothing else is said: its users get on with little.
const DEFAULT_CONCURRENCY: usize = 2;

/// A client of one reseller at D&H Cloud Marketplace, or at another marketplace of the platform.
///
/// One method per operation that reads, usable without the traits; it is also a
/// [`VendorSource`](tallyline_core::VendorSource). Cloning is cheap: clones share connections,
/// session and limits.
///
/// ```no_run
/// use tallyline_dandh::DandhClient;
///
/// # async fn example() -> tallyline_core::Result<()> {
/// let client = DandhClient::builder()
///     .username("sync@example.com")
///     .password("the password".into())
///     .parent_account_id(410_022)
///     .build()?;
/// for company in client.companies(client.parent_account_id()).await? {
///     println!("{} {:?}", company.account_id, company.company_name);
/// }
/// client.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DandhClient {
    inner: Arc<Inner>,
}

struct Inner {
    username: String,
    parent_account_id: i64,
    descriptor: SourceDescriptor,
    connection: Connection,
    http: HttpClient,
    sessions: Arc<TokenCache<Sessions>>,
    quantity_policy: QuantityPolicy,
    include_resellers: bool,
}

impl fmt::Debug for DandhClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DandhClient")
            .field("marketplace", &self.inner.descriptor.name)
            .field("base_url", &self.base_url().as_str())
            .field("parent_account_id", &self.inner.parent_account_id)
            .field("quantity_policy", &self.inner.quantity_policy)
            .finish_non_exhaustive()
    }
}

#[bon::bon]
impl DandhClient {
    /// What is repeated where nothing else is said.
    ///
    /// No limit is published; those who met one wait 8 s after a 429, and longer each time.
    #[must_use]
    pub fn default_retry() -> RetryPolicy {
        RetryPolicy {
            min_delay: Duration::from_secs(8),
            max_delay: Duration::from_secs(60),
            ..RetryPolicy::default()
        }
    }

    /// Puts a client together; `build` checks the values and sends nothing.
    ///
    /// `marketplace` is D&H unless another one is named; `base_url` replaces its address, and
    /// plain HTTP is accepted for loopback alone. `parent_account_id` may be the portal's address
    /// that holds it. `quantity_policy` says how several charges of one subscription become one
    /// quantity. `include_resellers` also reads the companies of resellers below the parent.
    /// `concurrency` is how many companies a reading asks about at once (2). `limiter` may be
    /// shared between clients of one user.
    ///
    /// # Errors
    /// `build` gives `Config` when user name or password is blank, when the parent account id is
    /// none, when the base URL is not HTTPS, when the concurrency is zero, or when the transport
    /// cannot be set up.
    ///
    /// ```no_run
    /// # fn example() -> tallyline_core::Result<()> {
    /// use tallyline_dandh::{DandhClient, Marketplace};
    ///
    /// let client = DandhClient::builder()
    ///     .marketplace(Marketplace::at_host("ALSO Germany", "marketplace.also.de"))
    ///     .username("sync@example.com")
    ///     .password("the password".into())
    ///     .parent_account_id("https://marketplace.also.de/#/Account/View/410022/Overview")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// The portal user's name. Users with multi-factor authentication are refused.
        #[builder(into)]
        username: String,
        /// The portal user's password.
        password: SecretString,
        /// The account whose companies are read.
        #[builder(into)]
        parent_account_id: ParentAccount,
        /// Which marketplace.
        #[builder(default)]
        marketplace: Marketplace,
        /// Where the API is.
        #[builder(into)]
        base_url: Option<String>,
        /// How several charges become one quantity.
        #[builder(default)]
        quantity_policy: QuantityPolicy,
        /// Also reads the companies of resellers below the parent.
        #[builder(default)]
        include_resellers: bool,
        /// How many companies a reading asks about at once.
        #[builder(default = DEFAULT_CONCURRENCY)]
        concurrency: usize,
        /// How failed reads are repeated. Its first wait is also that after a 429 that names none.
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
                ("user name", username.as_str()),
                ("password", password.expose_secret()),
            ],
        )?;
        let parent_account_id = parent_account_id
            .id()
            .map_err(|error| error.with_connector(CONNECTOR))?;
        let retry = retry.unwrap_or_else(Self::default_retry);
        let pause = retry.min_delay;
        let options = ConnectionOptions {
            concurrency,
            retry,
            timeouts: timeouts.unwrap_or_else(default_timeouts),
            limits: limits.unwrap_or_default(),
            limiter,
            transport,
            observer,
            user_agent,
            jitter_seed,
        };
        let address = base_url.as_deref().unwrap_or(&marketplace.base_url);
        let connection = Connection::new(CONNECTOR, address, options)?
            .errors(Arc::new(DandhErrors { pause }))
            .secret(password.clone());
        let sessions = Arc::new(
            TokenCache::new(Sessions {
                http: connection.tokens().build()?,
                username: username.clone(),
                password,
            })
            .token_header(HEADER, PREFIX),
        );
        let http = connection
            .reads()
            .credentials(Arc::clone(&sessions) as _)
            .build()?;
        let tenant = Self::tenant(parent_account_id, connection.base_url());
        Ok(Self {
            inner: Arc::new(Inner {
                username,
                parent_account_id,
                descriptor: descriptor(marketplace.display_name, tenant),
                connection,
                http,
                sessions,
                quantity_policy,
                include_resellers,
            }),
        })
    }
}

/// Lists come whole, and a preview of all companies takes its time.
fn default_timeouts() -> Timeouts {
    Timeouts {
        read: Some(Duration::from_secs(180)),
        attempt: Some(Duration::from_secs(180)),
        operation: Some(Duration::from_secs(600)),
        ..Timeouts::default()
    }
}

/// The parameters of an operation. What is absent is left out: `null` is not sent.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_account_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reseller_context: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude_user_level: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_by_departments: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vat_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    marketplace_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary_parent_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_before: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<i16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<i8>,
}

impl Parameters<'_> {
    fn of_parent(parent_account_id: i64) -> Self {
        Self {
            parent_account_id: Some(parent_account_id),
            ..Self::default()
        }
    }

    fn of_account(account_id: Option<i64>) -> Self {
        Self {
            account_id,
            ..Self::default()
        }
    }

    /// A request with these parameters, about the account that they name.
    fn ask(&self, operation: &'static Operation) -> Request {
        let request = Request::new(operation).json(self);
        match self.parent_account_id.or(self.account_id) {
            Some(id) => request.account(id),
            None => request,
        }
    }
}

fn config(operation: &'static Operation, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
        .with_connector(CONNECTOR)
        .with_operation(operation.name)
}

/// Refuses a blank text where a name must be.
fn check_text(operation: &'static Operation, name: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(config(operation, format!("the {name} is blank")));
    }
    Ok(())
}

/// Reads an answer that is a list, or a single record.
fn one_or_many<T: DeserializeOwned>(response: &Response) -> Result<Vec<T>> {
    if response.bytes().trim_ascii_start().starts_with(b"[") {
        response.json()
    } else {
        response.json().map(|one| vec![one])
    }
}

impl DandhClient {
    /// Where the API is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        self.inner.connection.base_url()
    }

    /// The account whose companies are read.
    #[must_use]
    pub fn parent_account_id(&self) -> i64 {
        self.inner.parent_account_id
    }

    /// Which tenant is read, in the words that plans name it by: the parent account and the host.
    /// Plans are compared by it before they are carried out.
    #[must_use]
    pub fn tenant(parent_account_id: i64, base_url: &BaseUrl) -> String {
        format!("account {parent_account_id} at {}", base_url.host())
    }

    pub(crate) fn source_descriptor(&self) -> &SourceDescriptor {
        &self.inner.descriptor
    }

    pub(crate) fn username(&self) -> &str {
        &self.inner.username
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.inner.connection.concurrency()
    }

    pub(crate) fn quantity_policy(&self) -> QuantityPolicy {
        self.inner.quantity_policy
    }

    pub(crate) fn include_resellers(&self) -> bool {
        self.inner.include_resellers
    }
}
