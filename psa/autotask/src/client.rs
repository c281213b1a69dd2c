//! The typed client: one method per operation, usable without the sink.

mod catalog;
mod charges;
mod companies;
mod contract_services;
mod contracts;
mod metadata;
pub mod operations;
mod read;
mod system;
mod write;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tallyline_core::http::{
    AddressCache, AddressFinder, BaseUrl, HttpClient, HttpClientBuilder, Limiter, LimiterOptions,
    Limits, Observer, RetryPolicy, Timeouts, Transport,
};
use tallyline_core::{Error, ErrorKind, Result};

pub use metadata::Picklist;
pub use read::QueryStyle;

use crate::budget::TenantBudget;
use crate::query::MAX_RECORDS;
use crate::zone::{DEFAULT_LOOKUP_URL, Local, ZoneFinder, judged};
use crate::{auth, error};

/// The name of the system in errors and logs.
pub(crate) const CONNECTOR: &str = "autotask";

/// How long the zone is kept: tenants move rarely, and a 401 asks again.
const ZONE_AGE: Duration = Duration::from_secs(12 * 60 * 60);

/// The wait after a rejected rate where the system names none.
const RATE_LIMIT_WAIT: Duration = Duration::from_secs(60);

/// A client of one Autotask tenant. A clone is the same client.
///
/// Where the tenant lives is looked up at the first call, kept for half a day, and looked up
/// again when the credentials are refused, for a tenant may be moved. Credentials go to HTTPS
/// hosts of the vendor's domain alone.
///
/// ```no_run
/// use secrecy::SecretString;
/// use tallyline_autotask::AutotaskClient;
/// use tallyline_autotask::query::{Field, Query};
///
/// # async fn run(code: SecretString, secret: SecretString) -> tallyline_core::Result<()> {
/// let client = AutotaskClient::builder()
///     .user_name("api.user@example.com")
///     .integration_code(code)
///     .secret(secret)
///     .build()?;
/// let recurring = Query::matching(Field::CONTRACT_TYPE.equals(7));
/// for contract in client.contracts(&recurring).try_collect_all(10_000).await? {
///     println!("{:?} {:?}", contract.id, contract.contract_name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AutotaskClient(Arc<Inner>);

struct Inner {
    http: HttpClient,
    finder: Arc<ZoneFinder>,
    address: Option<Arc<AddressCache>>,
    budget: TenantBudget,
    user_name: String,
    page_size: u16,
    style: QueryStyle,
    impersonate: Option<i64>,
    fields: Mutex<metadata::FieldCache>,
}

#[bon::bon]
impl AutotaskClient {
    /// Begins a client.
    ///
    /// Required are `user_name`, `integration_code` and `secret`; see the crate's page for where
    /// each comes from.
    ///
    /// # Errors
    /// `build` gives `Config` when a part is malformed, and names it.
    #[builder(start_fn(name = builder), finish_fn(name = build), builder_type(
        name = AutotaskClientBuilder,
        doc {
            /// Puts an [`AutotaskClient`] together.
        }
    ))]
    pub fn with_parts(
        /// The user name of the API-only user.
        #[builder(into)]
        user_name: String,
        /// The tracking identifier of the integration.
        #[builder(into)]
        integration_code: SecretString,
        /// The API-only user's secret.
        #[builder(into)]
        secret: SecretString,
        /// Where the zone is looked up; leave it at
        /// [`DEFAULT_LOOKUP_URL`](crate::DEFAULT_LOOKUP_URL) unless there is a reason.
        #[builder(into)]
        lookup_url: Option<String>,
        /// The zone's own address, up to and without the version: then nothing is looked up, and
        /// a tenant that is moved has to be configured anew.
        #[builder(into)]
        zone_url: Option<String>,
        /// The calls that all work on the tenant may make; a budget of its own where not given.
        #[builder(default)]
        budget: TenantBudget,
        /// Records per page, 1 to 500.
        #[builder(default = MAX_RECORDS)]
        page_size: u16,
        /// How queries are sent.
        #[builder(default)]
        query_style: QueryStyle,
        /// The resource that creates and changes are made as.
        impersonate: Option<i64>,
        /// The wait after a rejected rate, where the system names none.
        #[builder(default = RATE_LIMIT_WAIT)]
        rate_limit_wait: Duration,
        /// The size limits.
        #[builder(default)]
        limits: Limits,
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
        let named = |name: &'static str| {
            move |error: Error| {
                Error::new(ErrorKind::Config, format!("{name}: {}", error.message()))
                    .with_connector(CONNECTOR)
            }
        };
        checked_page_size(page_size).map_err(in_connector)?;
        let credentials =
            auth::credentials(&integration_code, &user_name, &secret).map_err(in_connector)?;
        let lookup_url = lookup_url.as_deref().unwrap_or(DEFAULT_LOOKUP_URL);
        let lookup_url = judged(lookup_url, Local::Configured).map_err(named("lookup URL"))?;
        let zone_url = zone_url
            .map(|url| judged(&url, Local::Configured).map_err(named("zone URL")))
            .transpose()?;
        let shared = |base: BaseUrl, limiter: Arc<Limiter>| {
            let mut builder: HttpClientBuilder = HttpClient::builder(CONNECTOR, base)
                .errors(Arc::new(error::Errors { rate_limit_wait }))
                .limits(limits.clone())
                .limiter(limiter)
                .timeouts(timeouts.clone())
                .retry(retry.clone())
                .secret(secret.clone())
                .secret(integration_code.clone());
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
        // The lookup happens while a call waits, and is not limited by the system.
        let own = Arc::new(Limiter::new(LimiterOptions::default()));
        let lookup = shared(lookup_url.clone(), own).build()?;
        let finder = Arc::new(ZoneFinder {
            lookup,
            user_name: user_name.clone(),
        });
        let address = zone_url.is_none().then(|| {
            let finder = Arc::clone(&finder) as Arc<dyn AddressFinder>;
            Arc::new(AddressCache::new(finder, ZONE_AGE))
        });
        let mut http =
            shared(zone_url.unwrap_or(lookup_url), budget.limiter()).credentials(credentials);
        if let Some(address) = &address {
            http = http.address(Arc::clone(address));
        }
        Ok(Self(Arc::new(Inner {
            http: http.build()?,
            finder,
            address,
            budget,
            user_name,
            page_size,
            style: query_style,
            impersonate,
            fields: Mutex::default(),
        })))
    }
}

impl AutotaskClient {
    /// The user that signs in.
    #[must_use]
    pub fn user_name(&self) -> &str {
        &self.0.user_name
    }

    /// The address of the tenant's zone, where it is known by now.
    #[must_use]
    pub fn zone_url(&self) -> Option<BaseUrl> {
        match &self.0.address {
            Some(address) => address.known(),
            None => Some(self.0.http.base_url().clone()),
        }
    }

    /// The calls that all work on the tenant may make.
    #[must_use]
    pub fn budget(&self) -> &TenantBudget {
        &self.0.budget
    }
}

impl fmt::Debug for AutotaskClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AutotaskClient")
            .field("zone_url", &self.zone_url())
            .field("user_name", &self.0.user_name)
            .field("budget", &self.0.budget)
            .finish_non_exhaustive()
    }
}

fn checked_page_size(page_size: u16) -> Result<()> {
    if (1..=MAX_RECORDS).contains(&page_size) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        format!("the page size {page_size} is not between 1 and {MAX_RECORDS}"),
    ))
}
