//! The typed client: one method per operation, usable without the sink.

mod additions;
mod agreements;
mod catalog;
mod companies;
mod list;
pub mod operations;
mod paging;
mod system;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use tallyline_core::http::{
    BaseUrl, HttpClient, HttpClientBuilder, Limiter, LimiterOptions, Limits, Observer, Operation,
    Request, RetryPolicy, Timeouts, Transport,
};
use tallyline_core::{Error, ErrorKind, Result};

pub use list::{Direction, List, ListOptions};
pub use paging::PagingStyle;

use crate::conditions::{Condition, encoded_len};
use crate::models::Count;
use crate::{auth, error, site};
use list::with_query;
use paging::Pages;

/// The name of the system in errors and logs.
pub(crate) const CONNECTOR: &str = "connectwise";

/// The codebase that always leads to the installed version.
pub const DEFAULT_CODEBASE: &str = "v4_6_release/";

/// The version whose answers the models describe.
pub const DEFAULT_API_VERSION: &str = "2026.4";

/// The longest URL that the vendor recommends.
const MAX_URL: usize = 2000;

/// A client of one ConnectWise PSA tenant. A clone is the same client.
///
/// ```no_run
/// use secrecy::SecretString;
/// use tallyline_connectwise::conditions::Field;
/// use tallyline_connectwise::{ConnectWiseClient, ListOptions};
///
/// # async fn run(private_key: SecretString) -> tallyline_core::Result<()> {
/// let client = ConnectWiseClient::builder()
///     .site("na.myconnectwise.net")
///     .company_id("acme")
///     .public_key("pub1")
///     .private_key(private_key)
///     .client_id("00000000-0000-0000-0000-000000000000")
///     .build()?;
/// let open = ListOptions::matching(Field::CANCELLED_FLAG.equals(false));
/// for agreement in client.agreements(&open).try_collect_all(10_000).await? {
///     println!("{:?} {:?}", agreement.id, agreement.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ConnectWiseClient(Arc<Inner>);

struct Inner {
    http: HttpClient,
    /// Without credentials, on the site's root: for the sign-in lookup.
    lookup: HttpClient,
    company_id: String,
    page_size: u16,
    paging: PagingStyle,
}

#[bon::bon]
impl ConnectWiseClient {
    /// Begins a client.
    ///
    /// Required are `site`, `company_id`, `public_key`, `private_key` and `client_id`; see the
    /// crate's page for where each comes from. The site is the host that people sign in at, the
    /// API host, or a URL of either: scheme and path are left out, hosts of the hosted system
    /// become their API host. Plain HTTP is accepted for loopback alone.
    ///
    /// # Errors
    /// `build` gives `Config` when a part is malformed, and names it.
    #[builder(start_fn(name = builder), finish_fn(name = build), builder_type(
        name = ConnectWiseClientBuilder,
        doc {
            /// Puts a [`ConnectWiseClient`] together.
        }
    ))]
    pub fn with_parts(
        /// The host that people sign in at, the API host, or a URL of either.
        #[builder(into)]
        site: String,
        /// The company id that people sign in with.
        #[builder(into)]
        company_id: String,
        /// The API member's public key.
        #[builder(into)]
        public_key: String,
        /// The API member's private key.
        #[builder(into)]
        private_key: SecretString,
        /// The integration's client id, a GUID.
        #[builder(into)]
        client_id: String,
        /// The codebase; leave it at [`DEFAULT_CODEBASE`] unless there is a reason.
        #[builder(into, default = DEFAULT_CODEBASE.to_owned())]
        codebase: String,
        /// The API version to pin, of the form `2026.4`.
        #[builder(into, default = DEFAULT_API_VERSION.to_owned())]
        api_version: String,
        /// Records per page, 1 to 1000.
        #[builder(default = 1000)]
        page_size: u16,
        /// The paging style of list calls.
        #[builder(default)]
        paging: PagingStyle,
        /// The size limits.
        #[builder(default)]
        limits: Limits,
        /// How many requests, how often; 5 a second and 4 at once where not given.
        limiter: Option<Arc<Limiter>>,
        /// The time limits.
        #[builder(default)]
        timeouts: Timeouts,
        /// How reads are repeated.
        #[builder(default)]
        retry: RetryPolicy,
        /// What carries the requests; reqwest where not given.
        transport: Option<Arc<dyn Transport>>,
        /// Hears what the client does.
        observer: Option<Arc<dyn Observer>>,
        /// Makes the waits between attempts repeatable, for tests.
        jitter_seed: Option<u64>,
    ) -> Result<Self> {
        let in_connector = |error: Error| error.with_connector(CONNECTOR);
        checked_page_size(page_size).map_err(in_connector)?;
        let root = BaseUrl::parse(&site::origin(&site).map_err(in_connector)?)?;
        let codebase = site::codebase(&codebase).map_err(in_connector)?;
        let base = root.join_path(&format!("{codebase}apis/3.0"))?;
        let credentials = auth::credentials(&company_id, &public_key, &private_key, &client_id)
            .map_err(in_connector)?;
        let limiter = limiter.unwrap_or_else(|| Arc::new(default_limiter()));
        let shared = |builder: HttpClientBuilder| {
            let mut builder = builder
                .errors(Arc::new(error::Errors))
                .limits(limits.clone())
                .limiter(Arc::clone(&limiter))
                .timeouts(timeouts.clone())
                .retry(retry.clone())
                .vendor_request_id_header("x-cw-request-id");
            for secret in &credentials.secrets {
                builder = builder.secret(secret.clone());
            }
            if let Some(transport) = &transport {
                builder = builder.transport(Arc::clone(transport));
            }
            if let Some(observer) = &observer {
                builder = builder.observer(Arc::clone(observer));
            }
            match jitter_seed {
                Some(seed) => builder.jitter_seed(seed),
                None => builder,
            }
        };
        let accept = site::accept(&api_version).map_err(in_connector)?;
        let http = shared(HttpClient::builder(CONNECTOR, base))
            .credentials(Arc::clone(&credentials.provider))
            .header("accept", &accept)
            .build()?;
        let lookup = shared(HttpClient::builder(CONNECTOR, root)).build()?;
        Ok(Self(Arc::new(Inner {
            http,
            lookup,
            company_id,
            page_size,
            paging,
        })))
    }
}

impl ConnectWiseClient {
    /// The API's base URL.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        self.0.http.base_url()
    }

    /// The company id that signs in.
    #[must_use]
    pub fn company_id(&self) -> &str {
        &self.0.company_id
    }

    fn list<T>(&self, request: Request, options: &ListOptions) -> List<T>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let operation = request.operation().name;
        match self.pages(request, options) {
            Ok((request, pages)) => List::decoded(&self.0.http, request, pages, ""),
            Err(error) => List::refused(error.with_operation(operation)),
        }
    }

    /// A list call, and how its pages are walked.
    fn pages(&self, request: Request, options: &ListOptions) -> Result<(Request, Pages)> {
        let style = options.paging.unwrap_or(self.0.paging);
        let page_size = options.page_size.unwrap_or(self.0.page_size);
        checked_page_size(page_size)?;
        let request = with_query(request, &options.query(style)?);
        Ok((request, Pages { style, page_size }))
    }

    async fn count(
        &self,
        operation: &'static Operation,
        filter: Option<&Condition>,
    ) -> Result<u64> {
        self.count_of(Request::new(operation), filter).await
    }

    async fn count_of(&self, request: Request, filter: Option<&Condition>) -> Result<u64> {
        let operation = request.operation().name;
        let count: Count = self
            .0
            .http
            .json(request.query_opt("conditions", filter))
            .await?;
        count
            .count
            .and_then(|count| u64::try_from(count).ok())
            .ok_or_else(|| {
                Error::new(ErrorKind::Protocol, "the answer holds no count")
                    .with_connector(CONNECTOR)
                    .with_operation(operation)
                    .with_json_path("count")
            })
    }

    async fn get<T: DeserializeOwned>(&self, operation: &'static Operation, id: i64) -> Result<T> {
        self.0
            .http
            .json(Request::new(operation).path("id", id))
            .await
    }

    /// How long a filter may be, percent-encoded, for a list call's URL to stay in bounds.
    fn filter_budget(&self, operation: &Operation, options: &ListOptions) -> Result<usize> {
        let style = options.paging.unwrap_or(self.0.paging);
        let used = self.base_url().as_str().len()
            + operation.template.len()
            + options.encoded_len(style)?
            + encoded_len("?conditions= and ");
        Ok(MAX_URL.saturating_sub(used))
    }
}

impl fmt::Debug for ConnectWiseClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectWiseClient")
            .field("base_url", self.base_url())
            .field("company_id", &self.0.company_id)
            .finish_non_exhaustive()
    }
}

/// Well under the thousand requests per minute that are spoken of.
fn default_limiter() -> Limiter {
    Limiter::new(LimiterOptions {
        max_concurrent: 4,
        per_second: NonZeroU32::new(5),
        ..LimiterOptions::default()
    })
}

fn checked_page_size(page_size: u16) -> Result<()> {
    if (1..=1000).contains(&page_size) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        format!("the page size {page_size} is not between 1 and 1000"),
    ))
}
