//! The typed client: one method per operation, usable without the sink.

mod accounts;
mod alerts;
mod services;
mod vendor;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use tallyline_core::Result;
use tallyline_core::http::{
    BaseUrl, Connection, ConnectionOptions, HttpClient, Limiter, LimiterOptions, Limits, Observer,
    Request, RetryPolicy, StaticHeaders, Timeouts, Transport,
};

use crate::auth;
use crate::error::Errors;
use crate::models::Wrapped;

/// The name of the system in errors and logs.
pub(crate) const CONNECTOR: &str = "gradient";

/// Where the API is.
pub const DEFAULT_BASE_URL: &str = "https://app.usegradient.com";

/// How many requests a second: the system refuses more than a hundred, and takes many for abuse.
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// A client of one integration of one MSP. A clone is the same client.
///
/// ```no_run
/// use secrecy::SecretString;
/// use tallyline_gradient::GradientClient;
///
/// # async fn run(vendor_key: SecretString, partner_key: SecretString) -> tallyline_core::Result<()> {
/// let client = GradientClient::builder()
///     .vendor_api_key(vendor_key)
///     .partner_api_key(partner_key)
///     .build()?;
/// for account in client.accounts().await? {
///     println!("{} {}", account.id, account.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct GradientClient(Arc<Inner>);

struct Inner {
    reads: HttpClient,
    writes: HttpClient,
    base_url: BaseUrl,
    concurrency: usize,
}

#[bon::bon]
impl GradientClient {
    /// Puts a client together; `build` checks the values and sends nothing.
    ///
    /// Plain HTTP is accepted for loopback alone. Ten requests a second leave, four at once,
    /// where no limiter and no concurrency is given.
    ///
    /// # Errors
    /// `build` gives `Config` when a key is blank or malformed, when the base URL is not HTTPS,
    /// when the concurrency is zero, or when the transport cannot be set up.
    #[builder(start_fn(name = builder), finish_fn(name = build), builder_type(
        name = GradientClientBuilder,
        doc {
            /// Puts a [`GradientClient`] together.
        }
    ))]
    pub fn with_parts(
        /// The key of the integration.
        vendor_api_key: SecretString,
        /// The key of the MSP.
        partner_api_key: SecretString,
        /// Where the API is.
        #[builder(into, default = DEFAULT_BASE_URL.to_owned())]
        base_url: String,
        /// How many requests run at once.
        #[builder(default = 4)]
        concurrency: usize,
        /// How failed reads are repeated.
        #[builder(default)]
        retry: RetryPolicy,
        /// The time limits.
        #[builder(default)]
        timeouts: Timeouts,
        /// The size limits.
        #[builder(default)]
        limits: Limits,
        /// How many requests, how often.
        limiter: Option<Arc<Limiter>>,
        /// What carries the requests; reqwest where not given.
        transport: Option<Arc<dyn Transport>>,
        /// Hears what the client does.
        observer: Option<Arc<dyn Observer>>,
        /// The `User-Agent` header.
        #[builder(into)]
        user_agent: Option<String>,
        /// Makes the waits between attempts repeatable, for tests.
        jitter_seed: Option<u64>,
    ) -> Result<Self> {
        let token = auth::token(&vendor_api_key, &partner_api_key)?;
        let limiter = limiter.unwrap_or_else(|| {
            Arc::new(Limiter::new(LimiterOptions {
                max_concurrent: concurrency.max(1),
                per_second: Some(PER_SECOND),
                ..LimiterOptions::default()
            }))
        });
        let options = ConnectionOptions {
            concurrency,
            retry,
            timeouts,
            limits,
            limiter: Some(limiter),
            transport,
            observer,
            user_agent,
            jitter_seed,
        };
        let connection = Connection::new(CONNECTOR, &base_url, options)?
            .errors(Arc::new(Errors))
            .secret(vendor_api_key)
            .secret(partner_api_key)
            .secret(token.clone());
        let headers = Arc::new(StaticHeaders::new().header(auth::HEADER, token));
        Ok(Self(Arc::new(Inner {
            reads: connection.reads().credentials(headers.clone()).build()?,
            writes: connection.writes().credentials(headers).build()?,
            base_url: connection.base_url().clone(),
            concurrency,
        })))
    }
}

impl GradientClient {
    /// Where the API is.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.0.base_url
    }

    /// How many requests run at once.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.0.concurrency
    }

    async fn read<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        self.0.reads.json(request).await
    }

    async fn read_wrapped<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        let wrapped: Wrapped<T> = self.read(request).await?;
        Ok(wrapped.data)
    }

    async fn write<T: DeserializeOwned>(&self, request: Request) -> Result<T> {
        self.0.writes.json(request).await
    }
}

impl fmt::Debug for GradientClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GradientClient")
            .field("base_url", self.base_url())
            .finish_non_exhaustive()
    }
}
