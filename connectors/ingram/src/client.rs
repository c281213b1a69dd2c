//! The typed client and its builder.

mod paging;
mod reads;
mod writes;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tallyline_core::http::{
    BaseUrl, Connection, ConnectionOptions, CredentialProvider, HttpClient, Limiter,
    LimiterOptions, Limits, Observer, Operation, Request, RetryPolicy, StaticHeaders, Timeouts,
    TokenCache, Transport, basic_auth, refuse_blank,
};
use tallyline_core::{Error, ErrorKind, Result};

pub(crate) use self::paging::{FIELD, ListPage, Pages, RawPage, missing_rows};
pub use self::reads::{
    CustomerFilter, OrderFilter, ProductFilter, ReportFilter, SubscriptionFilter,
};
use crate::auth::{MarketplaceTokens, SUBSCRIPTION_KEY};
use crate::error::IngramErrors;

/// The name of this connector in errors, spans and descriptors.
pub(crate) const CONNECTOR: &str = "ingram";

/// The last segment of a base without a region.
const WITHOUT_REGION: &str = "marketplace";

/// How many calls run at once where nothing else is said.
const DEFAULT_CONCURRENCY: usize = 4;

/// The most calls that may run at once: more brought refusals only.
const MOST_AT_ONCE: usize = 5;

/// How many calls a minute where nothing else is said: about one a second, with a little room.
const CALLS_PER_MINUTE: NonZeroU32 = match NonZeroU32::new(55) {
    Some(calls) => calls,
    None => NonZeroU32::MIN,
};

/// How many calls may go at once after a pause.
const BURST: NonZeroU32 = match NonZeroU32::new(3) {
    Some(calls) => calls,
    None => NonZeroU32::MIN,
};

/// How many rows a page is asked to hold.
const PAGE_SIZE: u32 = 200;

/// The most rows of a page: larger ones were not seen to be answered for certain.
const LARGEST_PAGE: u32 = 500;

/// A client of one marketplace of Ingram Micro Cloud.
///
/// One method per operation, usable without the traits; [`IngramSource`](crate::IngramSource) is the
/// [`VendorSource`](tallyline_core::VendorSource) over it. Cloning is cheap: clones share connections, the token and
/// limits.
///
/// ```no_run
/// use futures::StreamExt as _;
/// use tallyline_ingram::{CustomerFilter, IngramClient};
///
/// # async fn example() -> tallyline_core::Result<()> {
/// let client = IngramClient::builder()
///     .base_url("https://api.cloud.im/marketplace/na")
///     .marketplace("us")
///     .username("example-msp.API")
///     .password("the password".into())
///     .subscription_key("the subscription key".into())
///     .build()?;
/// let mut customers = client.customers(&CustomerFilter::default());
/// while let Some(customer) = customers.next().await {
///     let customer = customer?;
///     println!("{} {:?}", customer.id, customer.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct IngramClient {
    inner: Arc<Inner>,
}

struct Inner {
    username: String,
    marketplace: String,
    page_size: u32,
    concurrency: usize,
    reads: HttpClient,
    writes: HttpClient,
    tokens: Arc<dyn CredentialProvider>,
}

impl fmt::Debug for IngramClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngramClient")
            .field("username", &self.inner.username)
            .field("marketplace", &self.inner.marketplace)
            .field("base_url", &self.base_url().as_str())
            .field("concurrency", &self.inner.concurrency)
            .finish_non_exhaustive()
    }
}

#[bon::bon]
impl IngramClient {
    /// What is repeated where nothing else is said.
    ///
    /// What those who measured the vendor wait: 1 s doubling to 15 s, 6 attempts.
    #[must_use]
    pub fn default_retry() -> RetryPolicy {
        RetryPolicy {
            max_attempts: 6,
            min_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(15),
            total: Duration::from_secs(300),
            ..RetryPolicy::default()
        }
    }

    /// Puts a client together; `build` checks the values and sends nothing.
    ///
    /// `base_url` is the whole base that the portal's page "Marketplace API" shows, its region included; it is used as it
    /// is given, and plain HTTP is accepted for loopback alone. `marketplace` is the code of the country (`us`), which the
    /// token call alone names. `calls_per_minute` (55) and `burst` (3) are what the client allows itself, since the vendor
    /// tells no limit: `limiter` replaces both, and may be shared between clients of one subscription key. `concurrency`
    /// (4) is from 1 to 5. `page_size` (200) is from 1 to 500.
    ///
    /// # Errors
    /// `build` gives `Config` when a value is blank, when the base URL names no region or is not HTTPS, when concurrency or
    /// page size are out of range, or when the transport cannot be set up.
    ///
    /// ```no_run
    /// # fn example() -> tallyline_core::Result<()> {
    /// use tallyline_ingram::IngramClient;
    ///
    /// let client = IngramClient::builder()
    ///     .base_url("https://api.cloud.im/marketplace/eu")
    ///     .marketplace("nl")
    ///     .username("example-msp.API")
    ///     .password("the password".into())
    ///     .subscription_key("the subscription key".into())
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[builder(derive(Debug), finish_fn = build)]
    pub fn new(
        /// Where the API is, its region included.
        #[builder(into)]
        base_url: String,
        /// The code of the marketplace.
        #[builder(into)]
        marketplace: String,
        /// The dedicated API user's name.
        #[builder(into)]
        username: String,
        /// The dedicated API user's password.
        password: SecretString,
        /// The subscription key.
        subscription_key: SecretString,
        /// How many rows a page is asked to hold.
        #[builder(default = PAGE_SIZE)]
        page_size: u32,
        /// How many calls run at once.
        #[builder(default = DEFAULT_CONCURRENCY)]
        concurrency: usize,
        /// How many calls a minute, unless a limiter says it.
        #[builder(default = CALLS_PER_MINUTE)]
        calls_per_minute: NonZeroU32,
        /// How many of them may go at once after a pause, unless a limiter says it.
        #[builder(default = BURST)]
        burst: NonZeroU32,
        /// How failed reads are repeated; its longest wait is also that after a refusal that names none. Writes have one
        /// attempt whatever stands here.
        retry: Option<RetryPolicy>,
        /// The time limits.
        timeouts: Option<Timeouts>,
        /// The size limits.
        limits: Option<Limits>,
        /// How many calls, how often.
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
                ("base URL", base_url.as_str()),
                ("marketplace", marketplace.as_str()),
                ("user name", username.as_str()),
                ("password", password.expose_secret()),
                ("subscription key", subscription_key.expose_secret()),
            ],
        )?;
        if concurrency > MOST_AT_ONCE {
            return Err(config(format!(
                "a concurrency of {concurrency}: the vendor refuses bursts, allow at most {MOST_AT_ONCE}"
            )));
        }
        if !(1..=LARGEST_PAGE).contains(&page_size) {
            return Err(config(format!(
                "a page size of {page_size}: allow from 1 to {LARGEST_PAGE}"
            )));
        }
        let retry = retry.unwrap_or_else(Self::default_retry);
        let errors = IngramErrors {
            pause: retry.max_delay,
        };
        let limiter = limiter.unwrap_or_else(|| {
            Arc::new(Limiter::new(LimiterOptions {
                max_concurrent: concurrency,
                per_minute: Some(calls_per_minute),
                burst: Some(burst),
                ..LimiterOptions::default()
            }))
        });
        let options = ConnectionOptions {
            concurrency,
            retry,
            timeouts: timeouts.unwrap_or_else(default_timeouts),
            limits: limits.unwrap_or_default(),
            limiter: Some(limiter),
            transport,
            observer,
            user_agent,
            jitter_seed,
        };
        let connection = Connection::new(CONNECTOR, &base_url, options)?
            .errors(Arc::new(errors))
            .secret(password.clone())
            .secret(basic_pair(&username, &password))
            .secret(subscription_key.clone());
        refuse_without_region(connection.base_url())?;
        let marketplace = marketplace.trim().to_ascii_lowercase();
        let token_http = connection
            .tokens()
            .vendor_request_id_header(CORRELATION_ID)
            .credentials(Arc::new(
                StaticHeaders::new()
                    .basic(&username, &password)
                    .header(SUBSCRIPTION_KEY, subscription_key.clone()),
            ))
            .build()?;
        let tokens: Arc<dyn CredentialProvider> = Arc::new(
            TokenCache::new(MarketplaceTokens {
                http: token_http,
                marketplace: marketplace.clone(),
            })
            .header(SUBSCRIPTION_KEY, subscription_key),
        );
        let reads = connection.reads().vendor_request_id_header(CORRELATION_ID);
        let writes = connection.writes().vendor_request_id_header(CORRELATION_ID);
        Ok(Self {
            inner: Arc::new(Inner {
                username,
                marketplace,
                page_size,
                concurrency,
                reads: reads.credentials(Arc::clone(&tokens)).build()?,
                writes: writes.credentials(Arc::clone(&tokens)).build()?,
                tokens,
            }),
        })
    }
}

/// What the token call's header holds besides its scheme: no answer to another call may show it either.
fn basic_pair(username: &str, password: &SecretString) -> SecretString {
    let header = basic_auth(username, password);
    let value = header.expose_secret();
    SecretString::from(value.split_once(' ').map_or(value, |(_, pair)| pair))
}

/// The header by which the vendor names a call.
const CORRELATION_ID: &str = "X-Correlation-ID";

/// What stands after the host and its slash.
fn path_of(base: &BaseUrl) -> &str {
    let place = base
        .as_str()
        .split_once("://")
        .map_or("", |(_, place)| place);
    place.split_once('/').map_or("", |(_, path)| path)
}

/// The common prefix of all bases is no base: nobody but the portal knows the region.
fn refuse_without_region(base: &BaseUrl) -> Result<()> {
    let last = path_of(base).split('/').next_back().unwrap_or_default();
    if !last.is_empty() && !last.eq_ignore_ascii_case(WITHOUT_REGION) {
        return Ok(());
    }
    Err(config(
        "the base URL names no region: give the whole base that the page \"Marketplace API\" of the control panel shows, \
         such as https://api.cloud.im/marketplace/na; the region is not the code of the marketplace",
    ))
}

/// The API is slow: two minutes for a call were seen to be needed.
fn default_timeouts() -> Timeouts {
    Timeouts {
        read: Some(Duration::from_secs(120)),
        attempt: Some(Duration::from_secs(120)),
        operation: Some(Duration::from_secs(900)),
        ..Timeouts::default()
    }
}

pub(crate) fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).with_connector(CONNECTOR)
}

/// A call about the record with an id.
fn about(operation: &'static Operation, name: &'static str, id: &str) -> Result<Request> {
    if id.trim().is_empty() {
        return Err(config(format!("the {name} id is empty")).with_operation(operation.name));
    }
    Ok(Request::new(operation).path("id", id))
}

impl IngramClient {
    /// Where the API is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        self.inner.reads.base_url()
    }

    /// The code of the marketplace.
    #[must_use]
    pub fn marketplace(&self) -> &str {
        &self.inner.marketplace
    }

    /// Which tenant is read, in the words that plans name it by: the user, the marketplace and where it is. Plans are
    /// compared by it before they are carried out.
    #[must_use]
    pub fn tenant(username: &str, marketplace: &str, base_url: &BaseUrl) -> String {
        let marketplace = marketplace.trim().to_ascii_lowercase();
        let path = path_of(base_url);
        format!("{username} in {marketplace} at {}/{path}", base_url.host())
    }

    pub(crate) fn own_tenant(&self) -> String {
        Self::tenant(
            &self.inner.username,
            &self.inner.marketplace,
            self.base_url(),
        )
    }

    pub(crate) fn username(&self) -> &str {
        &self.inner.username
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.inner.concurrency
    }

    pub(crate) fn page_size(&self) -> u32 {
        self.inner.page_size
    }

    pub(crate) fn reads(&self) -> &HttpClient {
        &self.inner.reads
    }

    pub(crate) async fn authenticate(&self) -> Result<()> {
        self.inner.tokens.headers().await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_without_a_region_is_refused_with_the_explanation_and_none_is_made_up() {
        let build = |base: &str| {
            IngramClient::builder()
                .base_url(base)
                .marketplace(" US ")
                .username("u.API")
                .password("a password".into())
                .subscription_key("a key of one".into())
                .build()
        };
        for base in [
            "https://api.cloud.im/marketplace",
            "https://api.cloud.im/marketplace/",
            "https://api.cloud.im/Marketplace//",
            "https://api.cloud.im",
        ] {
            let error = build(base).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("region"), "{base}: {error}");
        }
        for (base, kept) in [
            (
                " https://api.cloud.im/marketplace/na/ ",
                "https://api.cloud.im/marketplace/na",
            ),
            (
                "https://api-lab.cloud.im/marketplace/dev",
                "https://api-lab.cloud.im/marketplace/dev",
            ),
        ] {
            let client = build(base).unwrap();
            assert_eq!(client.base_url().as_str(), kept);
            assert_eq!(client.marketplace(), "us");
        }
        let tenant = build("https://api.cloud.im/marketplace/na")
            .unwrap()
            .own_tenant();
        assert_eq!(tenant, "u.API in us at api.cloud.im/marketplace/na");
    }

    #[test]
    fn what_would_only_bring_refusals_is_refused() {
        let build = |concurrency, page_size| {
            IngramClient::builder()
                .base_url("https://api.cloud.im/marketplace/na")
                .marketplace("us")
                .username("u.API")
                .password("a password".into())
                .subscription_key("a key of one".into())
                .concurrency(concurrency)
                .page_size(page_size)
                .build()
        };
        assert!(build(5, 500).is_ok());
        for (concurrency, page_size) in [(6, 200), (0, 200), (4, 0), (4, 501)] {
            let error = build(concurrency, page_size).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }
}
